//! A client that does what the test tells it to, in whatever order and with whatever numbers.

use std::net::SocketAddr;

use netcode::packet::{KeepAlive, Kind, MAX_SEALED_BYTES};
use netcode::server::{Ignored, Outcome, Server};
use netcode::token::ConnectToken;

use super::datagram::{self, Contents};
use super::random::SeededRng;
use super::tokens::TokenSpec;
use super::world::{EPOCH, MAX_TOKEN_LIFETIME, client_address, config, server_address};

/// The holder of a token, at an address.
#[derive(Clone, Debug)]
pub(crate) struct Guest {
    pub(crate) address: SocketAddr,
    pub(crate) token: ConnectToken,
    /// The number of its next packet.
    pub(crate) sequence: u64,
}

/// What a server made of a datagram, with its answer copied out of the buffers.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Reaction {
    Payload { slot: usize, sequence: u64, data: Vec<u8> },
    KeptAlive { slot: usize },
    Reply { kind: Kind, data: Vec<u8> },
    Connected { slot: usize, client_id: u64, user_data: Vec<u8>, keep_alive: Vec<u8> },
    Left { slot: usize },
    Ignored(Ignored),
}

/// The first server, which has been up for long enough to accept every token.
pub(crate) fn open_server(max_clients: usize) -> Server {
    let mut server = Server::new(config(server_address(0)));
    let started = EPOCH - u64::from(MAX_TOKEN_LIFETIME);
    server.start(max_clients, started, &mut SeededRng::new(1)).expect("slots in range");
    server.set_wall_clock(EPOCH);
    server
}

/// Hands a datagram to a server.
pub(crate) fn deliver<A>(server: &mut Server<A>, from: SocketAddr, datagram: &[u8]) -> Reaction
where
    A: allocator_api2::alloc::Allocator + Clone,
{
    let mut out = [0; MAX_SEALED_BYTES];
    let mut datagram = datagram.to_vec();
    match server.handle(from, &mut datagram, &mut out) {
        Outcome::Payload { slot, sequence, data } => Reaction::Payload { slot, sequence, data: data.to_vec() },
        Outcome::KeptAlive { slot } => Reaction::KeptAlive { slot },
        Outcome::Reply { kind, bytes } => Reaction::Reply { kind, data: out[..bytes].to_vec() },
        Outcome::Connected { slot, client_id, user_data, keep_alive } => Reaction::Connected {
            slot,
            client_id,
            user_data: user_data.to_vec(),
            keep_alive: out[..keep_alive].to_vec(),
        },
        Outcome::Left { slot } => Reaction::Left { slot },
        Outcome::Ignored(reason) => Reaction::Ignored(reason),
    }
}

impl Reaction {
    /// The challenge that the server has answered with.
    #[track_caller]
    pub(crate) fn challenge(self) -> Vec<u8> {
        match self {
            Self::Reply { kind: Kind::Challenge, data } => data,
            other => panic!("not a challenge: {other:?}"),
        }
    }

    /// The slot that the client was given.
    #[track_caller]
    pub(crate) fn slot(self) -> usize {
        match self {
            Self::Connected { slot, .. } => slot,
            other => panic!("not connected: {other:?}"),
        }
    }

    pub(crate) fn is_reply(&self, expected: Kind) -> bool {
        matches!(self, Self::Reply { kind, .. } if *kind == expected)
    }

    pub(crate) fn is_connected(&self) -> bool {
        matches!(self, Self::Connected { .. })
    }
}

impl Guest {
    pub(crate) fn new(address: SocketAddr, token: ConnectToken) -> Self {
        Self { address, token, sequence: 0 }
    }

    /// The guest of this number, with an address, an id and a token of its own for the first server.
    pub(crate) fn numbered(number: usize) -> Self {
        Self::numbered_with(number, |spec| spec)
    }

    /// As [`numbered`](Self::numbered), with another token.
    pub(crate) fn numbered_with(number: usize, change: impl FnOnce(TokenSpec) -> TokenSpec) -> Self {
        let spec = change(TokenSpec::new(1000 + number as u64, &[server_address(0)]));
        Self::new(client_address(number), spec.issue(EPOCH, &mut SeededRng::new(number as u64)))
    }

    /// The same token at another address.
    pub(crate) fn at(&self, address: SocketAddr) -> Self {
        Self { address, ..self.clone() }
    }

    /// Its connection request.
    pub(crate) fn request(&self) -> Vec<u8> {
        datagram::request(&self.token)
    }

    /// Seals a packet with its next number.
    pub(crate) fn seal(&mut self, contents: &Contents) -> Vec<u8> {
        self.sequence += 1;
        self.seal_as(contents, self.sequence - 1)
    }

    /// Seals a packet with any number.
    pub(crate) fn seal_as(&self, contents: &Contents, sequence: u64) -> Vec<u8> {
        datagram::seal(contents, sequence, self.token.seal.protocol_id, &self.token.client_to_server)
    }

    pub(crate) fn keep_alive(&mut self) -> Vec<u8> {
        self.seal(&Contents::KeepAlive(KeepAlive::default()))
    }

    pub(crate) fn payload(&mut self, data: &[u8]) -> Vec<u8> {
        self.seal(&Contents::Payload(data.to_vec()))
    }

    /// Opens what the server has sealed for it.
    #[track_caller]
    pub(crate) fn open(&self, datagram: &[u8]) -> (u64, Contents) {
        let key = &self.token.server_to_client;
        datagram::open(datagram, self.token.seal.protocol_id, key).expect("sealed by the server for this client")
    }

    /// The response to a challenge.
    #[track_caller]
    pub(crate) fn answer(&mut self, challenge: &[u8]) -> Vec<u8> {
        match self.open(challenge) {
            (_, Contents::Challenge(number, token)) => self.seal(&Contents::Response(number, token)),
            other => panic!("not a challenge: {other:?}"),
        }
    }

    /// Shows its token to a server.
    pub(crate) fn ask<A>(&self, server: &mut Server<A>) -> Reaction
    where
        A: allocator_api2::alloc::Allocator + Clone,
    {
        deliver(server, self.address, &self.request())
    }

    /// Hands a server a datagram.
    pub(crate) fn hand<A>(&self, server: &mut Server<A>, datagram: &[u8]) -> Reaction
    where
        A: allocator_api2::alloc::Allocator + Clone,
    {
        deliver(server, self.address, datagram)
    }

    /// Goes through the whole handshake, and returns its slot.
    #[track_caller]
    pub(crate) fn join<A>(&mut self, server: &mut Server<A>) -> usize
    where
        A: allocator_api2::alloc::Allocator + Clone,
    {
        let challenge = self.ask(server).challenge();
        let answer = self.answer(&challenge);
        self.hand(server, &answer).slot()
    }
}
