//! A server of the core, with a model that knows of every datagram what has to become of it.
//!
//! Guests hold tokens and keys. The input has them seal anything at all, damages datagrams before or
//! after they are sealed, sends them from any address, repeats them, and lets time pass. Mad guests come
//! with tokens that were damaged before they were sealed. One guest, the witness, plays by the rules
//! throughout: nothing may disturb him.

use std::collections::{HashMap, HashSet};
use std::net::SocketAddr;

use netcode::Key;
use netcode::packet::{Kind, MAX_SEALED_BYTES, REQUEST_BYTES};
use netcode::server::{DisconnectReason, Outcome, Server};
use netcode::token::{ConnectToken, PRIVATE_TOKEN_BYTES};

use crate::common::datagram::{Contents, open, seal_anything};
use crate::common::guest::Guest;
use crate::common::random::SeededRng;
use crate::common::tokens::{PROTOCOL_ID, TokenSpec};
use crate::common::world::{EPOCH, MAX_TOKEN_LIFETIME, client_address, config, server_address};
use crate::input::Input;
use crate::mutate::mutate;
use crate::reference::{self, DISCONNECT, KEEP_ALIVE, PAYLOAD, RESPONSE, Window};
use crate::tokens::{Claims, claims, open_plain, put_keys, seal_plain};

/// Guests, the witness among them, and the addresses that anybody may send from.
const GUESTS: usize = 5;
const ADDRESSES: usize = 7;

/// Most guests, the mad ones included, between two starts of the server.
const MOST_GUESTS: usize = 12;

/// The guest who plays by the rules, and his address.
const WITNESS: usize = 0;

/// All tokens that are not mad time out after this many seconds.
const TIMEOUT: i32 = 5;

/// Most steps of a run.
const STEPS: usize = 200;

/// Most datagrams that are kept to be sent again.
const RECORDED: usize = 64;

pub(crate) fn run(data: &[u8]) {
    let mut input = Input::new(data);
    let mut world = World::new(1 + input.below(4));
    for _ in 0..STEPS {
        if input.is_empty() {
            break;
        }
        world.step(&mut input);
    }
    world.check_witness();
}

struct World {
    server: Server,
    slots: usize,
    now: f64,
    unix: u64,
    seed: u64,
    guests: Vec<Guest>,
    /// What the private part of each guest's token says of him, as the server should read it.
    claims: Vec<Claims>,
    /// The last challenge that each guest got: its number and its token.
    challenges: Vec<Option<(u64, Vec<u8>)>>,
    /// Sealed with the key of this guest, since the server's last start.
    authentic: HashMap<Vec<u8>, usize>,
    /// Challenges made for a guest: number and token.
    issued: HashSet<(usize, u64, Vec<u8>)>,
    /// Requests whose token is good, and whose it is.
    requests: HashMap<Vec<u8>, usize>,
    sessions: HashMap<SocketAddr, Session>,
    recorded: Vec<Vec<u8>>,
}

/// What the model knows of a connected client.
struct Session {
    guest: usize,
    slot: usize,
    window: Window,
    heard: f64,
}

/// The part of an outcome that the model predicts.
#[derive(Debug, PartialEq, Eq)]
enum Expected {
    KeptAlive(usize),
    Payload(usize, u64, Vec<u8>),
    Left(usize),
    Ignored,
}

impl World {
    fn new(slots: usize) -> Self {
        let mut world = Self {
            server: Server::new(config(server_address(0))),
            slots,
            now: 0.0,
            unix: EPOCH,
            seed: 0,
            guests: Vec::new(),
            claims: Vec::new(),
            challenges: Vec::new(),
            authentic: HashMap::new(),
            issued: HashSet::new(),
            requests: HashMap::new(),
            sessions: HashMap::new(),
            recorded: Vec::new(),
        };
        world.start(EPOCH - u64::from(MAX_TOKEN_LIFETIME));
        world
    }

    /// Starts the server, gives everybody a new token, and lets the witness in.
    fn start(&mut self, started: u64) {
        self.server.start(self.slots, started, &mut SeededRng::new(self.seed)).expect("slots in range");
        self.server.set_wall_clock(self.unix);
        self.authentic.clear();
        self.issued.clear();
        self.requests.clear();
        self.sessions.clear();
        self.challenges.clear();
        self.guests.clear();
        self.claims.clear();
        for number in 0..GUESTS {
            let token = self.token(number);
            let plain = open_plain(&token.private_data, &token.seal);
            self.invite(client_address(number), token, claims(&plain).expect("a good token"));
        }
        let witness = self.guests[WITNESS].address;
        self.deliver(witness, self.guests[WITNESS].request());
        let response = self.response(WITNESS, WITNESS).expect("challenged");
        self.deliver(witness, response);
        assert!(self.sessions.contains_key(&witness), "the witness is in");
    }

    /// A token with keys of its own for this client.
    fn token(&mut self, number: usize) -> ConnectToken {
        self.seed += 1;
        let spec = TokenSpec::new(1000 + number as u64, &[server_address(0)]).timing_out_after(TIMEOUT);
        spec.issue(self.unix, &mut SeededRng::new(self.seed))
    }

    /// A guest with a good token, and his request.
    fn invite(&mut self, address: SocketAddr, token: ConnectToken, claims: Claims) -> Vec<u8> {
        let guest = Guest::new(address, token);
        let request = guest.request();
        self.requests.insert(request.clone(), self.guests.len());
        self.guests.push(guest);
        self.claims.push(claims);
        self.challenges.push(None);
        request
    }

    fn step(&mut self, input: &mut Input<'_>) {
        let choice = input.below(16);
        let guest = 1 + input.below(self.guests.len() - 1);
        let from = match input.below(4) {
            0 => client_address(input.below(ADDRESSES)),
            _ => self.guests[guest].address,
        };
        match choice {
            0 | 1 => self.advance(input),
            2 | 3 => {
                let mut request = self.guests[guest].request();
                self.maybe_mutate(input, &mut request);
                self.deliver(from, request);
            }
            4 => {
                let request = self.mad_request(guest, input);
                self.deliver(from, request);
            }
            5 | 6 => {
                // One in four answers the challenge that another got.
                let challenged = if input.one_in(4) { input.below(self.guests.len()) } else { guest };
                if let Some(mut response) = self.response(guest, challenged) {
                    self.maybe_mutate(input, &mut response);
                    self.deliver(from, response);
                }
            }
            7..=10 => {
                let mut datagram = self.seal(guest, input);
                if input.one_in(3) {
                    mutate(input, &mut datagram);
                }
                self.deliver(from, datagram);
            }
            11 => {
                let length = input.u16() % 1400;
                let datagram = input.bytes(length.into()).to_vec();
                self.deliver(from, datagram);
            }
            12 | 13 => {
                if let Some(mut datagram) = self.recall(input) {
                    self.maybe_mutate(input, &mut datagram);
                    self.deliver(from, datagram);
                }
            }
            14 => self.send_away(input),
            _ if input.one_in(8) => {
                self.unix += 1;
                self.start(self.unix);
            }
            _ => self.check_witness(),
        }
    }

    fn maybe_mutate(&self, input: &mut Input<'_>, datagram: &mut Vec<u8>) {
        if input.one_in(4) {
            mutate(input, datagram);
        }
    }

    /// A datagram that has been sent before.
    fn recall(&self, input: &mut Input<'_>) -> Option<Vec<u8>> {
        let index = input.below(RECORDED);
        self.recorded.get(index % self.recorded.len().max(1)).cloned()
    }

    /// A guest's response to the last challenge that he, or another, got.
    fn response(&mut self, guest: usize, challenged: usize) -> Option<Vec<u8>> {
        let (number, token) = self.challenges[challenged].clone()?;
        let contents = [&number.to_le_bytes()[..], &token].concat();
        let sequence = self.guests[guest].sequence;
        self.guests[guest].sequence += 1;
        Some(self.seal_as(guest, prefix(RESPONSE, sequence), sequence, &contents))
    }

    /// Anything, sealed with a guest's key: a good packet for the most part.
    fn seal(&mut self, guest: usize, input: &mut Input<'_>) -> Vec<u8> {
        let next = self.guests[guest].sequence;
        let sequence = match input.below(8) {
            0 => input.u64(),
            1 => u64::from(input.u16()),
            2 => next.saturating_sub(u64::from(input.u16() % 512)),
            3 => next.saturating_add(u64::from(input.u16() % 512)),
            _ => next,
        };
        self.guests[guest].sequence = if input.one_in(4) { next } else { sequence.saturating_add(1) };
        let kind = match input.below(8) {
            0 => input.u8() % 16,
            1 => DISCONNECT,
            2 | 3 => KEEP_ALIVE,
            _ => PAYLOAD,
        };
        let mut contents = match kind {
            KEEP_ALIVE => vec![0; 8],
            DISCONNECT => Vec::new(),
            _ => {
                let length = input.u16() % 1250;
                input.bytes(length.into()).to_vec()
            }
        };
        if kind == PAYLOAD && contents.is_empty() {
            contents = vec![input.u8(); 1 + usize::from(input.u8())];
        }
        if input.one_in(8) {
            mutate(input, &mut contents);
        }
        let prefix = match input.below(8) {
            0 => kind | input.u8() << 4,
            _ => prefix(kind, sequence),
        };
        self.seal_as(guest, prefix, sequence, &contents)
    }

    fn seal_as(&mut self, guest: usize, prefix: u8, sequence: u64, contents: &[u8]) -> Vec<u8> {
        let key = &self.guests[guest].token.client_to_server;
        let datagram = seal_anything(prefix, sequence, contents, PROTOCOL_ID, key);
        self.authentic.insert(datagram.clone(), guest);
        datagram
    }

    /// The request of a mad guest: the private part of his token was damaged before it was sealed. Its keys
    /// are new and whole, since a server numbers the packets of each token from 0. The client id may be that
    /// of somebody else, the witness included.
    fn mad_request(&mut self, guest: usize, input: &mut Input<'_>) -> Vec<u8> {
        if self.guests.len() == MOST_GUESTS {
            return self.guests[GUESTS + guest % (MOST_GUESTS - GUESTS)].request();
        }
        let address = self.guests[guest].address;
        let mut token = self.token(guest % GUESTS);
        let mut plain = open_plain(&token.private_data, &token.seal);
        mutate(input, &mut plain);
        plain.resize(PRIVATE_TOKEN_BYTES - netcode::MAC_BYTES, 0);
        put_keys(&mut plain, &token);
        token.private_data = seal_plain(&plain, &token.seal);
        match claims(&plain) {
            Some(claims) if claims.servers.contains(&server_address(0)) => self.invite(address, token, claims),
            _ => Guest::new(address, token).request(), // nobody whom the server may answer
        }
    }

    /// Hands the server a datagram, and compares what it does with what the model says.
    fn deliver(&mut self, from: SocketAddr, datagram: Vec<u8>) {
        if self.recorded.len() < RECORDED {
            self.recorded.push(datagram.clone());
        }
        let (mut received, mut out) = (datagram.clone(), [0; MAX_SEALED_BYTES]);
        let expected = self.expected(from, &datagram);
        let connected = self.server.connected_clients();
        assert_eq!(connected, self.sessions.len());
        let outcome = self.server.handle(from, &mut received, &mut out);
        let happened = match outcome {
            Outcome::Payload { slot, sequence, data } => Expected::Payload(slot, sequence, data.to_vec()),
            Outcome::KeptAlive { slot } => Expected::KeptAlive(slot),
            Outcome::Left { slot } => Expected::Left(slot),
            Outcome::Ignored(_) => Expected::Ignored,
            Outcome::Reply { kind, bytes } => {
                return self.replied(from, &datagram, kind, &out[..bytes]);
            }
            Outcome::Connected { slot, client_id, user_data, keep_alive } => {
                let user_data = user_data.to_vec();
                return self.joined(from, &datagram, slot, client_id, &user_data, &out[..keep_alive]);
            }
        };
        match expected {
            Some(expected) => assert_eq!(happened, expected),
            None => assert_eq!(happened, Expected::Ignored),
        }
        if let Expected::Left(slot) = happened {
            self.leave(slot, DisconnectReason::ClientDisconnect, 0);
        }
    }

    /// What has to become of a datagram from the address of a connected client.
    fn expected(&mut self, from: SocketAddr, datagram: &[u8]) -> Option<Expected> {
        let session = self.sessions.get_mut(&from)?;
        let header = reference::header(datagram)?;
        let known = matches!(header.kind, KEEP_ALIVE | PAYLOAD | DISCONNECT);
        let authentic = self.authentic.get(datagram) == Some(&session.guest);
        if !known || !authentic || !session.window.admits(header.sequence) {
            return Some(Expected::Ignored);
        }
        session.window.note(header.sequence);
        if header.kind != DISCONNECT {
            session.heard = self.now;
        }
        Some(match header.kind {
            KEEP_ALIVE => Expected::KeptAlive(session.slot),
            DISCONNECT => Expected::Left(session.slot),
            _ => {
                let key = &self.guests[session.guest].token.client_to_server;
                match open(datagram, PROTOCOL_ID, key) {
                    Some((sequence, Contents::Payload(data))) => Expected::Payload(session.slot, sequence, data),
                    other => panic!("{other:?} where a payload was sealed"),
                }
            }
        })
    }

    /// The server has answered: only to a good request, or to a response when there is no room.
    fn replied(&mut self, from: SocketAddr, datagram: &[u8], kind: Kind, reply: &[u8]) {
        assert!(reply.len() <= datagram.len(), "{kind} is larger than what it answers");
        assert!(!self.sessions.contains_key(&from));
        let guest = match self.requests.get(datagram) {
            Some(&guest) => {
                assert_eq!(datagram.len(), REQUEST_BYTES);
                guest
            }
            None => {
                let header = reference::header(datagram).expect("a request that nobody made was answered");
                assert_eq!((header.kind, kind), (RESPONSE, Kind::Denied));
                self.authentic[datagram]
            }
        };
        let full = self.sessions.len() == self.slots;
        assert_eq!(kind == Kind::Denied, full);
        let header = reference::header(reply).expect("the server writes what can be read");
        assert!(header.sequence >= 1 << 63, "numbers of the server itself are in the top half");
        match open(reply, PROTOCOL_ID, &self.guests[guest].token.server_to_client) {
            Some((_, Contents::Challenge(number, token))) => {
                assert_eq!(kind, Kind::Challenge);
                self.issued.insert((guest, number, token.to_vec()));
                self.challenges[guest] = Some((number, token.to_vec()));
            }
            other => assert_eq!(other.map(|(_, contents)| contents), Some(Contents::Denied)),
        }
    }

    /// The server has let somebody in: only for a response to his own challenge.
    fn joined(
        &mut self,
        from: SocketAddr,
        datagram: &[u8],
        slot: usize,
        client_id: u64,
        user_data: &[u8],
        keep_alive: &[u8],
    ) {
        assert!(!self.sessions.contains_key(&from));
        assert!(self.sessions.values().all(|session| session.slot != slot));
        assert!(keep_alive.len() <= datagram.len());
        let header = reference::header(datagram).expect("a response");
        assert_eq!(header.kind, RESPONSE);
        let guest = *self.authentic.get(datagram).expect("sealed by somebody");
        let (token, claims) = (&self.guests[guest].token, &self.claims[guest]);
        let Some((_, Contents::Response(number, sealed))) = open(datagram, PROTOCOL_ID, &token.client_to_server) else {
            panic!("joined without a response");
        };
        // Who has the same id and user data may answer for him: the server cannot tell them apart.
        let issued = (0..self.guests.len()).any(|other| {
            self.issued.contains(&(other, number, sealed.to_vec())) && self.claims[other].same_client(claims)
        });
        assert!(issued, "another challenge was accepted");
        assert_eq!((client_id, user_data), (claims.client_id, &claims.user_data[..]));
        assert!(self.sessions.values().all(|session| self.claims[session.guest].client_id != client_id));
        let told = open(keep_alive, PROTOCOL_ID, &token.server_to_client);
        assert!(told.is_some_and(|(sequence, contents)| sequence == 0 && contents.kind() == Kind::KeepAlive));
        assert_eq!(self.server.client_address(slot), Some(from));
        assert_eq!(self.server.next_packet_sequence(slot), Some(1));
        self.sessions.insert(from, Session { guest, slot, window: Window::default(), heard: self.now });
    }

    /// Time passes, or does something else. The witness makes himself heard, and who fell silent leaves.
    fn advance(&mut self, input: &mut Input<'_>) {
        let time = match input.below(8) {
            0 => self.now - f64::from(input.u16()),
            1 => self.now + f64::from(input.u32()),
            2 => f64::from_bits(input.u64()),
            _ => self.now + f64::from(input.u8()) / 16.0,
        };
        self.server.advance(time);
        if !time.is_finite() || time.abs() > 1e15 {
            self.server.advance(self.now); // beyond this, seconds are lost in rounding
        } else {
            self.now = time;
        }
        for session in self.sessions.values_mut() {
            session.heard = if time.is_finite() { session.heard.min(time).min(self.now) } else { session.heard };
        }
        self.witness_speaks(KEEP_ALIVE, &[0; 8]);

        let mut out = [0; MAX_SEALED_BYTES];
        let mut from = 0;
        while let Some((slot, transmit)) = self.server.next_keep_alive(from, &mut out) {
            assert!(self.sessions.values().any(|session| session.slot == slot));
            assert_eq!(transmit.kind, Kind::KeepAlive);
            from = slot + 1;
        }
        let silent: HashSet<_> = (self.sessions.values())
            .filter(|session| {
                let timeout = self.claims[session.guest].timeout_seconds;
                timeout > 0 && session.heard + f64::from(timeout) <= self.now
            })
            .map(|session| session.slot)
            .collect();
        let mut timed_out = HashSet::new();
        let mut from = 0;
        while let Some(slot) = self.server.next_timed_out(from) {
            timed_out.insert(slot);
            self.leave(slot, DisconnectReason::TimedOut, 0);
            from = slot + 1;
        }
        assert_eq!(timed_out, silent);
    }

    /// The server sends a client away, but not the witness.
    fn send_away(&mut self, input: &mut Input<'_>) {
        let slot = input.below(self.slots);
        if self.session_of(WITNESS).slot != slot && self.server.is_connected(slot) {
            self.leave(slot, DisconnectReason::ServerDisconnect, 10);
        }
    }

    fn leave(&mut self, slot: usize, reason: DisconnectReason, farewells: usize) {
        let leaving = self.server.begin_leave(slot, reason).expect("there is a client");
        assert_eq!(self.server.begin_leave(slot, reason), None);
        let mut out = [0; MAX_SEALED_BYTES];
        let mut sent = 0;
        while let Some(transmit) = self.server.poll_farewell(leaving, &mut out) {
            assert_eq!(transmit.kind, Kind::Disconnect);
            sent += 1;
        }
        assert_eq!(sent, farewells);
        assert!(self.server.finish_leave(leaving));
        assert!(!self.server.finish_leave(leaving));
        assert_eq!(self.server.disconnect_reason(slot), reason);
        self.sessions.retain(|_, session| session.slot != slot);
    }

    fn session_of(&self, guest: usize) -> &Session {
        self.sessions.values().find(|session| session.guest == guest).expect("connected")
    }

    fn witness_speaks(&mut self, kind: u8, contents: &[u8]) {
        let sequence = self.guests[WITNESS].sequence;
        self.guests[WITNESS].sequence += 1;
        let datagram = self.seal_as(WITNESS, prefix(kind, sequence), sequence, contents);
        let address = self.guests[WITNESS].address;
        self.deliver(address, datagram); // the model insists that it arrives
    }

    /// Whatever has happened, the witness can say something and be told something.
    fn check_witness(&mut self) {
        self.witness_speaks(PAYLOAD, b"still here");
        let slot = self.session_of(WITNESS).slot;
        assert_eq!(self.server.client_id(slot), Some(1000 + WITNESS as u64));
        let mut out = [0; MAX_SEALED_BYTES];
        let transmit = self.server.send(slot, b"so am I", &mut out).expect("connected");
        let key: &Key = &self.guests[WITNESS].token.server_to_client;
        let heard = open(&out[..transmit.bytes], PROTOCOL_ID, key).map(|(_, contents)| contents);
        assert_eq!(heard, Some(Contents::Payload(b"so am I".to_vec())));
    }
}

/// The prefix of a packet of this type with as few bytes of its number as possible.
pub(crate) fn prefix(kind: u8, sequence: u64) -> u8 {
    let bytes = (1..8).find(|bytes| sequence >> (8 * bytes) == 0).unwrap_or(8);
    kind | (bytes as u8) << 4
}
