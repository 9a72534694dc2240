//! A bad network between a client and a server: what passes is lost, doubled, repeated later and reordered.

use crate::implementation::{Family, loopback_socket};
use crate::random::Random;
use std::net::{SocketAddr, UdpSocket};

const LOSE_PERCENT: usize = 10;
const DOUBLE_PERCENT: usize = 50;
const REPLAY_PERCENT: usize = 20;
/// Datagrams wait for fewer pumps than this, their doubles and replays, too.
const LONGEST_DELAY: usize = 6;
/// How many datagrams are remembered for replays.
const HISTORY: usize = 512;
const MAX_DATAGRAM: usize = 1500;

pub(crate) struct Relay {
    /// What the client talks to, and what talks to the server.
    front: UdpSocket,
    back: UdpSocket,
    server: SocketAddr,
    client: Option<SocketAddr>,
    to_server: Line,
    to_client: Line,
}

impl Relay {
    pub(crate) fn new(family: Family, server: SocketAddr, seed: u64) -> Result<Self, String> {
        Ok(Self {
            front: loopback_socket(family)?,
            back: loopback_socket(family)?,
            server,
            client: None,
            to_server: Line::new(seed),
            to_client: Line::new(!seed),
        })
    }

    pub(crate) fn address(&self) -> Result<SocketAddr, String> {
        self.front.local_addr().map_err(|error| error.to_string())
    }

    /// Takes what has come, and passes on what is due.
    pub(crate) fn pump(&mut self) {
        let mut buffer = [0; MAX_DATAGRAM];
        while let Ok((bytes, from)) = self.front.recv_from(&mut buffer) {
            self.client = Some(from);
            self.to_server.offer(&buffer[..bytes]);
        }
        while let Ok((bytes, from)) = self.back.recv_from(&mut buffer) {
            if from == self.server {
                self.to_client.offer(&buffer[..bytes]);
            }
        }
        // What cannot be sent is lost, which is what the relay is for.
        self.to_server.deliver(|datagram| drop(self.back.send_to(datagram, self.server)));
        if let Some(client) = self.client {
            self.to_client.deliver(|datagram| drop(self.front.send_to(datagram, client)));
        }
    }

    /// What it has not done yet, in both directions.
    pub(crate) fn omission(&self) -> Option<&'static str> {
        [&self.to_server, &self.to_client].into_iter().find_map(|line| {
            let done =
                [(line.lost, "lost"), (line.doubled, "doubled"), (line.replayed, "replayed"), (line.late, "reordered")];
            done.into_iter().find(|&(count, _)| count == 0).map(|(_, what)| what)
        })
    }
}

struct Waiting {
    due: usize,
    number: usize,
    datagram: Vec<u8>,
}

/// One direction.
struct Line {
    random: Random,
    now: usize,
    waiting: Vec<Waiting>,
    history: Vec<Vec<u8>>,
    offered: usize,
    highest_delivered: usize,
    lost: usize,
    doubled: usize,
    replayed: usize,
    late: usize,
}

impl Line {
    fn new(seed: u64) -> Self {
        Self {
            random: Random(seed),
            now: 0,
            waiting: Vec::new(),
            history: Vec::new(),
            offered: 0,
            highest_delivered: 0,
            lost: 0,
            doubled: 0,
            replayed: 0,
            late: 0,
        }
    }

    fn offer(&mut self, datagram: &[u8]) {
        self.offered += 1;
        if self.random.percent(LOSE_PERCENT) {
            self.lost += 1;
            return;
        }
        self.schedule(datagram.to_vec());
        if self.random.percent(DOUBLE_PERCENT) {
            self.doubled += 1;
            self.schedule(datagram.to_vec());
        }
        if !self.history.is_empty() && self.random.percent(REPLAY_PERCENT) {
            self.replayed += 1;
            let older = self.random.below(self.history.len());
            self.schedule(self.history[older].clone());
        }
        if self.history.len() == HISTORY {
            let forgotten = self.random.below(HISTORY);
            self.history.swap_remove(forgotten);
        }
        self.history.push(datagram.to_vec());
    }

    fn schedule(&mut self, datagram: Vec<u8>) {
        let due = self.now + self.random.below(LONGEST_DELAY);
        self.waiting.push(Waiting { due, number: self.offered, datagram });
    }

    fn deliver(&mut self, mut send: impl FnMut(&[u8])) {
        let (mut due, waiting) =
            std::mem::take(&mut self.waiting).into_iter().partition::<Vec<_>, _>(|w| w.due <= self.now);
        self.waiting = waiting;
        while !due.is_empty() {
            let next = due.swap_remove(self.random.below(due.len()));
            self.late += usize::from(next.number < self.highest_delivered);
            self.highest_delivered = self.highest_delivered.max(next.number);
            send(&next.datagram);
        }
        self.now += 1;
    }
}
