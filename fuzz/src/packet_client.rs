//! A client of the core, with a model that knows of every datagram what has to become of it.
//!
//! The input plays the servers, who hold the keys, and everybody else.

use std::collections::HashMap;
use std::net::SocketAddr;

use netcode::Key;
use netcode::client::{Client, Outcome, RECENT_TOKENS, State};
use netcode::packet::{KeepAlive, Kind, MAX_SEALED_BYTES};
use netcode::token::ConnectToken;

use crate::common::datagram::{Contents, open, request, seal_anything};
use crate::common::random::SeededRng;
use crate::common::tokens::{PROTOCOL_ID, TokenSpec};
use crate::common::world::{EPOCH, client_address, server_address};
use crate::input::Input;
use crate::mutate::mutate;
use crate::packet_server::prefix;
use crate::reference::{self, CHALLENGE, DENIED, DISCONNECT, KEEP_ALIVE, PAYLOAD, Window};

/// Most steps of a run.
const STEPS: usize = 200;

/// Most datagrams that are kept to be sent again.
const RECORDED: usize = 64;

/// Servers in a token.
const SERVERS: usize = 3;

pub(crate) fn run(data: &[u8]) {
    let mut world = World::new();
    let mut input = Input::new(data);
    world.connect(&mut input);
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
    }
    world.disconnect();
}

struct World {
    client: Client,
    now: f64,
    token: ConnectToken,
    /// The tokens whose numbers the client knows how to go on with, the last one used at the end.
    recent: Vec<ConnectToken>,
    tokens: u64,
    /// The number of the servers' next packet.
    sequence: u64,
    window: Window,
    /// What servers have sealed, and under which key.
    authentic: HashMap<Vec<u8>, Key>,
    recorded: Vec<Vec<u8>>,
}

/// The part of an outcome that the model predicts.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    Payload(u64, Vec<u8>),
    Becomes(State),
    Noted(Kind),
    Ignored,
}

impl World {
    fn new() -> Self {
        Self {
            client: Client::new(),
            now: 0.0,
            token: token(0, 0),
            recent: Vec::new(),
            tokens: 0,
            sequence: 0,
            window: Window::default(),
            authentic: HashMap::new(),
            recorded: Vec::new(),
        }
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.below(16);
        let from = match (input.below(4), self.client.server_address()) {
            (0, _) => client_address(input.below(4)),
            (1, _) => server_address(input.below(SERVERS)),
            (_, Some(server)) => server,
            (_, None) => server_address(0),
        };
        match choice {
            0 | 1 => self.advance(input),
            2..=8 => {
                let mut datagram = self.seal(input);
                if input.one_in(4) {
                    mutate(input, &mut datagram);
                }
                self.deliver(from, datagram);
            }
            9 => {
                let length = input.u16() % 1400;
                let datagram = input.bytes(length.into()).to_vec();
                self.deliver(from, datagram);
            }
            10 | 11 => {
                let index = input.below(RECORDED);
                if let Some(mut datagram) = self.recorded.get(index % self.recorded.len().max(1)).cloned() {
                    if input.one_in(4) {
                        mutate(input, &mut datagram);
                    }
                    self.deliver(from, datagram);
                }
            }
            12 => self.send(input),
            13 => self.connect(input),
            14 => self.transmit(),
            _ if input.one_in(4) => self.disconnect(),
            _ if input.one_in(4) => self.loopback(),
            _ => self.transition(),
        }
    }

    /// Connects with the last token, a new one, or none.
    fn connect(&mut self, input: &mut Input<'_>) {
        match input.below(4) {
            0 if !self.recent.is_empty() => {
                let place = self.recent.len() - 1 - input.below(self.recent.len());
                self.token = self.recent.remove(place);
            }
            1 => {
                let _ = self.client.refuse_token();
                self.client.settle();
                return self.check_at_rest(State::InvalidConnectToken);
            }
            choice => {
                self.tokens += 1;
                let timeout = if choice == 2 { input.u8() as i8 } else { 5 };
                self.token = token(self.tokens, timeout.into());
                self.sequence = 0;
            }
        }
        self.recent.push(self.token.clone());
        let too_many = self.recent.len().saturating_sub(RECENT_TOKENS);
        self.recent.drain(..too_many);
        self.window = Window::default();
        let transition = self.client.connect(self.token.clone());
        assert_eq!(transition.current, State::SendingConnectionRequest);
        self.client.settle();
        assert_eq!(self.client.server_address(), Some(server_address(0)));
    }

    /// Anything, sealed by a server: a good packet for the most part.
    fn seal(&mut self, input: &mut Input<'_>) -> Vec<u8> {
        let next = self.sequence;
        let sequence = match input.below(8) {
            0 => input.u64(),
            1 => next.saturating_sub(u64::from(input.u16() % 512)),
            2 => next.saturating_add(u64::from(input.u16() % 512)),
            _ => next,
        };
        self.sequence = if input.one_in(4) { next } else { sequence.saturating_add(1) };
        let kind = match (input.below(4), self.client.state()) {
            (0, _) => input.u8() % 16,
            (_, State::SendingConnectionRequest) => CHALLENGE,
            (1, _) => KEEP_ALIVE,
            (_, State::SendingConnectionResponse) => KEEP_ALIVE,
            _ => PAYLOAD,
        };
        let length = match kind {
            CHALLENGE => 308,
            KEEP_ALIVE => 8,
            DENIED | DISCONNECT => 0,
            _ => usize::from(input.u16() % 1250),
        };
        // A challenge of 300 given bytes says no more than one of eight.
        let given = if kind == CHALLENGE { 8 } else { length };
        let mut contents = input.bytes(given).to_vec();
        if kind != PAYLOAD || contents.is_empty() {
            contents.resize(length.max(usize::from(kind == PAYLOAD)), 0x5a);
        }
        if input.one_in(8) {
            mutate(input, &mut contents);
        }
        let prefix = if input.one_in(8) { kind | input.u8() << 4 } else { prefix(kind, sequence) };
        let datagram = seal_anything(prefix, sequence, &contents, PROTOCOL_ID, &self.token.server_to_client);
        self.authentic.insert(datagram.clone(), self.token.server_to_client.clone());
        datagram
    }

    fn deliver(&mut self, from: SocketAddr, datagram: Vec<u8>) {
        if self.recorded.len() < RECORDED {
            self.recorded.push(datagram.clone());
        }
        let expected = self.expected(from, &datagram);
        let before = (self.client.state(), self.client.server_address(), self.client.next_packet_sequence());
        let mut received = datagram.clone();
        let happened = match self.client.handle(from, &mut received) {
            Outcome::Payload { sequence, data } => Expected::Payload(sequence, data.to_vec()),
            Outcome::Transition(transition) => {
                assert_eq!(transition.previous, before.0);
                Expected::Becomes(transition.current)
            }
            Outcome::Noted(kind) => Expected::Noted(kind),
            Outcome::Ignored(_) => Expected::Ignored,
        };
        self.client.settle();
        assert_eq!(happened, expected);
        let after = (self.client.state(), self.client.server_address(), self.client.next_packet_sequence());
        match expected {
            Expected::Becomes(state) => {
                assert_eq!(after.0, state);
                if let Some(KeepAlive { client_index, max_clients }) = self.keep_alive(&datagram) {
                    assert_eq!((self.client.client_index(), self.client.max_clients()), (client_index, max_clients));
                }
            }
            _ => assert_eq!(after, before),
        }
    }

    /// What has to become of a datagram.
    fn expected(&mut self, from: SocketAddr, datagram: &[u8]) -> Expected {
        if self.client.server_address() != Some(from)
            || self.authentic.get(datagram) != Some(&self.token.server_to_client)
        {
            return Expected::Ignored;
        }
        let Some(header) = reference::header(datagram) else { return Expected::Ignored };
        if matches!(header.kind, KEEP_ALIVE | PAYLOAD | DISCONNECT) {
            if !self.window.admits(header.sequence) {
                return Expected::Ignored;
            }
            self.window.note(header.sequence);
        }
        match (header.kind, self.client.state()) {
            (DENIED, State::SendingConnectionRequest | State::SendingConnectionResponse) => {
                Expected::Noted(Kind::Denied)
            }
            (CHALLENGE, State::SendingConnectionRequest) => Expected::Becomes(State::SendingConnectionResponse),
            (KEEP_ALIVE, State::SendingConnectionResponse) => Expected::Becomes(State::Connected),
            (KEEP_ALIVE, State::Connected) => Expected::Noted(Kind::KeepAlive),
            (DISCONNECT, State::Connected) => Expected::Noted(Kind::Disconnect),
            (PAYLOAD, State::Connected) => match self.open(datagram) {
                Some((sequence, Contents::Payload(data))) => Expected::Payload(sequence, data),
                other => panic!("{other:?} where a payload was sealed"),
            },
            _ => Expected::Ignored,
        }
    }

    fn open(&self, datagram: &[u8]) -> Option<(u64, Contents)> {
        open(datagram, PROTOCOL_ID, &self.token.server_to_client)
    }

    fn keep_alive(&self, datagram: &[u8]) -> Option<KeepAlive> {
        match self.open(datagram)? {
            (_, Contents::KeepAlive(keep_alive)) => Some(keep_alive),
            _ => None,
        }
    }

    fn advance(&mut self, input: &mut Input<'_>) {
        let time = match input.below(8) {
            0 => self.now - f64::from(input.u16()),
            1 => self.now + f64::from(input.u32()),
            2 => f64::from_bits(input.u64()),
            _ => self.now + f64::from(input.u8()) / 16.0,
        };
        self.client.advance(time);
        if time.is_finite() {
            self.now = time;
        }
        self.transmit();
        self.transition();
    }

    /// Whatever the client sends has to be what its server can open, once for each number.
    fn transmit(&mut self) {
        let mut out = [0; MAX_SEALED_BYTES];
        let (state, sequence) = (self.client.state(), self.client.next_packet_sequence());
        let Some(transmit) = self.client.poll_transmit(&mut out) else { return };
        let datagram = &out[..transmit.bytes];
        assert_eq!(Some(transmit.to), self.client.server_address());
        assert_eq!(self.client.next_packet_sequence(), sequence + 1);
        let kind = match state {
            _ if self.client.is_leaving() => Kind::Disconnect,
            State::SendingConnectionRequest => {
                assert_eq!(datagram, request(&self.token));
                return;
            }
            State::SendingConnectionResponse => Kind::Response,
            _ => Kind::KeepAlive,
        };
        let opened = open(datagram, PROTOCOL_ID, &self.token.client_to_server);
        let (number, contents) = opened.expect("the server can open it");
        assert_eq!((number, contents.kind()), (sequence, kind));
    }

    fn transition(&mut self) {
        let server = self.client.server_number();
        let Some(transition) = self.client.poll_transition() else { return };
        self.client.settle();
        assert_eq!(transition.current, self.client.state());
        if transition.current == State::SendingConnectionRequest {
            let (before, after) = (server.expect("connecting"), self.client.server_number().expect("connecting"));
            assert_eq!((before.0 + 1, before.1), after);
            self.window = Window::default();
        } else {
            self.check_at_rest(transition.current);
        }
    }

    fn send(&mut self, input: &mut Input<'_>) {
        let size = usize::from(input.u16() % 1300);
        let payload = vec![input.u8(); size];
        let connected = self.client.state() == State::Connected && !self.client.is_loopback();
        let (sequence, mut out) = (self.client.next_packet_sequence(), [0; MAX_SEALED_BYTES]);
        match self.client.send(&payload, &mut out) {
            Ok(transmit) => {
                assert!(connected && (1..=1200).contains(&size));
                let opened = open(&out[..transmit.bytes], PROTOCOL_ID, &self.token.client_to_server);
                assert_eq!(opened, Some((sequence, Contents::Payload(payload))));
            }
            Err(_) => assert!(!connected || !(1..=1200).contains(&size)),
        }
    }

    fn disconnect(&mut self) {
        if self.client.is_loopback() {
            let _ = self.client.disconnect_loopback();
            self.client.settle();
            return self.check_at_rest(State::Disconnected);
        }
        let active = self.client.server_address().is_some();
        self.client.disconnect();
        let mut farewells = 0;
        while self.client.is_leaving() && farewells <= 10 {
            self.transmit();
            self.transition();
            farewells += 1;
        }
        if active {
            assert_eq!(farewells, 10);
            self.check_at_rest(State::Disconnected);
        }
    }

    fn loopback(&mut self) {
        if self.client.state() > State::Disconnected {
            return;
        }
        self.client.connect_loopback(3, 8);
        assert_eq!(self.client.state(), State::Connected);
        assert_eq!((self.client.client_index(), self.client.max_clients()), (3, 8));
        assert_eq!(self.client.take_loopback_sequence(), Some(0));
        assert_eq!(self.client.take_loopback_sequence(), Some(1));
    }

    fn check_at_rest(&self, state: State) {
        assert_eq!(self.client.state(), state);
        assert!(state <= State::Disconnected);
        assert_eq!((self.client.client_index(), self.client.max_clients()), (0, 0));
        assert_eq!((self.client.server_address(), self.client.next_packet_sequence()), (None, 0));
    }
}

fn token(number: u64, timeout_seconds: i32) -> ConnectToken {
    let servers: Vec<_> = (0..SERVERS).map(server_address).collect();
    let spec = TokenSpec::new(1000, &servers).timing_out_after(timeout_seconds);
    spec.issue(EPOCH, &mut SeededRng::new(number))
}
