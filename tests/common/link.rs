//! The network between the endpoints of a world.

use std::collections::HashMap;
use std::net::SocketAddr;

use netcode::packet::Kind;

use super::datagram;
use super::random::SeededRng;

/// A datagram that was sent.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Sent {
    pub(crate) at: f64,
    pub(crate) from: SocketAddr,
    pub(crate) to: SocketAddr,
    pub(crate) data: Vec<u8>,
}

impl Sent {
    pub(crate) fn kind(&self) -> Kind {
        datagram::kind(&self.data)
    }
}

/// What a network does to datagrams. Times are seconds, chances are from 0 to 1.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Conditions {
    pub(crate) latency: f64,
    /// Up to this much is added to the latency, for each datagram anew: they overtake each other.
    pub(crate) jitter: f64,
    pub(crate) loss: f64,
    pub(crate) duplicates: f64,
}

/// Decides about a datagram: it may change it, and loses it by returning false.
type Middlebox = Box<dyn FnMut(&mut Sent) -> bool>;

/// Carries datagrams, and records everything that is sent.
pub(crate) struct Link {
    pub(crate) now: f64,
    pub(crate) conditions: Conditions,
    /// Everything that was sent, whatever became of it.
    pub(crate) record: Vec<Sent>,
    middlebox: Option<Middlebox>,
    random: SeededRng,
    /// When each datagram arrives, by where it goes.
    under_way: HashMap<SocketAddr, Vec<(f64, Sent)>>,
}

impl Link {
    /// A network that delivers everything at once.
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: 0.0,
            conditions: Conditions::default(),
            record: Vec::new(),
            middlebox: None,
            random: SeededRng::new(seed),
            under_way: HashMap::new(),
        }
    }

    /// Everything passes by this from now on.
    pub(crate) fn place(&mut self, middlebox: impl FnMut(&mut Sent) -> bool + 'static) {
        self.middlebox = Some(Box::new(middlebox));
    }

    /// Loses all packets of this type from now on.
    pub(crate) fn lose_all(&mut self, kind: Kind) {
        self.place(move |sent| sent.kind() != kind);
    }

    /// Lets everything pass again.
    pub(crate) fn clear(&mut self) {
        self.middlebox = None;
    }

    /// An endpoint sends a datagram.
    pub(crate) fn send(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        let mut sent = Sent { at: self.now, from, to, data: data.to_vec() };
        self.record.push(sent.clone());
        if self.middlebox.as_mut().is_some_and(|lets_pass| !lets_pass(&mut sent)) {
            return;
        }
        if self.random.fraction() < self.conditions.loss {
            return;
        }
        let copies = 1 + usize::from(self.random.fraction() < self.conditions.duplicates);
        for _ in 0..copies {
            self.carry(sent.clone());
        }
    }

    /// Carries a datagram that nobody here has sent: it is neither recorded nor lost.
    pub(crate) fn carry(&mut self, sent: Sent) {
        let due = self.now + self.conditions.latency + self.random.fraction() * self.conditions.jitter;
        self.under_way.entry(sent.to).or_default().push((due, sent));
    }

    /// What has arrived at an address by now, in order of arrival.
    pub(crate) fn receive(&mut self, to: SocketAddr) -> Vec<Sent> {
        let Some(under_way) = self.under_way.get_mut(&to) else { return Vec::new() };
        let (mut arrived, later): (Vec<_>, Vec<_>) = under_way.drain(..).partition(|(due, _)| *due <= self.now);
        *under_way = later;
        arrived.sort_by(|(a, _), (b, _)| a.total_cmp(b));
        arrived.into_iter().map(|(_, sent)| sent).collect()
    }

    /// What was sent from an address, of one type.
    pub(crate) fn sent_by(&self, from: SocketAddr, kind: Kind) -> Vec<&Sent> {
        self.record.iter().filter(|sent| sent.from == from && sent.kind() == kind).collect()
    }

    /// When packets of a type were sent from an address.
    pub(crate) fn times_of(&self, from: SocketAddr, kind: Kind) -> Vec<f64> {
        self.sent_by(from, kind).iter().map(|sent| sent.at).collect()
    }
}
