//! Clients and servers at virtual addresses, a link between them, and a clock that the test owns.

use std::net::SocketAddr;
use std::ops::{Deref, DerefMut};

use netcode::client::{self, Client, State};
use netcode::packet::MAX_SEALED_BYTES;
use netcode::server::{self, Config, DisconnectReason, Server};
use netcode::token::ConnectToken;
use netcode::{SendError, Transmit};

use super::guest::{Reaction, deliver};
use super::link::{Link, Sent};
use super::random::SeededRng;
use super::tokens::{PROTOCOL_ID, TokenSpec, private_key};

/// Between two updates, in seconds: a sum of powers of two, so that times add up exactly.
pub(crate) const TICK: f64 = 1.0 / 64.0;

/// The wall clock when a world begins.
pub(crate) const EPOCH: u64 = 1_800_000_000;

/// For how long the tokens of the tests' backend can be used at most, as servers are told.
pub(crate) const MAX_TOKEN_LIFETIME: u32 = 30;

/// Longer than anything takes that a test waits for.
const PATIENCE: f64 = 300.0;

/// The address of the numbered server.
pub(crate) fn server_address(number: usize) -> SocketAddr {
    ([10, 0, 0, number as u8], 40000).into()
}

/// The address of the numbered client. Every other client uses IPv6.
pub(crate) fn client_address(number: usize) -> SocketAddr {
    match number % 2 {
        0 => ([192, 168, (number >> 8) as u8, number as u8], 50000).into(),
        _ => ([0xfd00, 0, 0, 0, 0, 0, 0, number as u16], 50000).into(),
    }
}

/// The next number after a positive time.
pub(crate) fn just_after(time: f64) -> f64 {
    f64::from_bits(time.to_bits() + 1)
}

/// The last number before a positive time.
pub(crate) fn just_before(time: f64) -> f64 {
    f64::from_bits(time.to_bits() - 1)
}

/// How a server at this address is set up.
pub(crate) fn config(address: SocketAddr) -> Config {
    Config {
        protocol_id: PROTOCOL_ID,
        private_key: private_key(),
        public_addresses: [Some(address), None],
        max_token_lifetime: MAX_TOKEN_LIFETIME,
    }
}

/// Everything that the simulation consists of.
pub(crate) struct World {
    pub(crate) now: f64,
    /// The wall clock at time 0.
    pub(crate) epoch: u64,
    pub(crate) random: SeededRng,
    pub(crate) link: Link,
    pub(crate) servers: Vec<ServerHost>,
    pub(crate) clients: Vec<ClientHost>,
}

impl World {
    pub(crate) fn new(seed: u64) -> Self {
        Self {
            now: 0.0,
            epoch: EPOCH,
            random: SeededRng::new(seed),
            link: Link::new(seed),
            servers: Vec::new(),
            clients: Vec::new(),
        }
    }

    /// The wall clock.
    pub(crate) fn unix(&self) -> u64 {
        self.epoch.saturating_add(self.now as u64)
    }

    /// Adds a server that has been up for long enough to accept every token.
    pub(crate) fn add_server(&mut self, max_clients: usize) -> usize {
        let mut host = ServerHost::new(server_address(self.servers.len()));
        let started = self.unix() - u64::from(MAX_TOKEN_LIFETIME);
        host.core.start(max_clients, started, &mut self.random).expect("slots in range");
        self.servers.push(host);
        self.servers.len() - 1
    }

    /// Adds a client that has nothing to do yet.
    pub(crate) fn add_client(&mut self) -> usize {
        let mut host = ClientHost::new(client_address(self.clients.len()));
        host.core.advance(self.now);
        self.clients.push(host);
        self.clients.len() - 1
    }

    /// A token for a client, for these servers. A client's id is 1000 + its number.
    pub(crate) fn spec(&self, client: usize, servers: &[usize]) -> TokenSpec {
        let servers: Vec<_> = servers.iter().map(|&server| self.servers[server].address).collect();
        TokenSpec::new(1000 + client as u64, &servers)
    }

    /// Has the backend issue a token now.
    pub(crate) fn issue(&mut self, spec: &TokenSpec) -> ConnectToken {
        spec.issue(self.unix(), &mut self.random)
    }

    /// Has a client begin to connect to the first of these servers with a new token.
    pub(crate) fn connect(&mut self, client: usize, servers: &[usize]) {
        let spec = self.spec(client, servers);
        self.connect_with(client, &spec);
    }

    /// Has a client begin to connect with a new token like this.
    pub(crate) fn connect_with(&mut self, client: usize, spec: &TokenSpec) {
        let token = self.issue(spec);
        self.clients[client].connect(token);
    }

    /// Time goes by, and everybody who is awake updates: clients first, so that what they send
    /// over an ideal link is answered within the tick, and the answer arrives in the next.
    pub(crate) fn tick(&mut self) {
        self.update_at(self.now + TICK);
    }

    /// As a tick, to any time.
    pub(crate) fn update_at(&mut self, time: f64) {
        self.now = time;
        self.link.now = time;
        for client in self.clients.iter_mut().filter(|client| client.awake) {
            client.update(time, &mut self.link);
        }
        let unix = self.unix();
        for server in self.servers.iter_mut().filter(|server| server.awake) {
            server.update(time, unix, &mut self.link);
        }
    }

    /// Lets time go by.
    pub(crate) fn run_for(&mut self, seconds: f64) {
        let end = self.now + seconds;
        while self.now < end {
            self.tick();
        }
    }

    /// Lets time go by until something is the case.
    #[track_caller]
    pub(crate) fn run_until(&mut self, mut is_so: impl FnMut(&Self) -> bool) {
        let end = self.now + PATIENCE;
        while !is_so(self) {
            assert!(self.now < end, "it never came to this");
            self.tick();
        }
    }

    /// Connects a client to a server.
    #[track_caller]
    pub(crate) fn join(&mut self, client: usize, server: usize) {
        self.connect(client, &[server]);
        self.run_until(|world| world.clients[client].state() == State::Connected);
    }

    /// Has a client send a payload.
    pub(crate) fn client_sends(&mut self, client: usize, payload: &[u8]) -> Result<(), SendError> {
        self.clients[client].send(payload, &mut self.link)
    }

    /// Has a server send a payload.
    pub(crate) fn server_sends(&mut self, server: usize, slot: usize, payload: &[u8]) -> Result<(), SendError> {
        self.servers[server].send(slot, payload, &mut self.link)
    }

    /// Has a client leave.
    pub(crate) fn client_leaves(&mut self, client: usize) {
        self.clients[client].disconnect(&mut self.link);
    }

    /// Has a server send a client away.
    pub(crate) fn server_expels(&mut self, server: usize, slot: usize) {
        self.servers[server].disconnect(slot, DisconnectReason::ServerDisconnect, &mut self.link);
    }
}

/// A world of one client and one server.
pub(crate) struct Pair(World);

impl Pair {
    /// Strangers to each other.
    pub(crate) fn new(max_clients: usize) -> Self {
        let mut world = World::new(1);
        world.add_server(max_clients);
        world.add_client();
        Self(world)
    }

    /// The client has just begun to connect with a token like this, changed as the test wants.
    pub(crate) fn connecting(change: impl FnOnce(TokenSpec) -> TokenSpec) -> Self {
        let mut pair = Self::new(4);
        let spec = change(pair.spec(0, &[0]));
        pair.connect_with(0, &spec);
        pair
    }

    /// Connected, and both know it.
    pub(crate) fn connected() -> Self {
        Self::connected_with(|spec| spec)
    }

    /// As [`connected`](Self::connected), with another token.
    pub(crate) fn connected_with(change: impl FnOnce(TokenSpec) -> TokenSpec) -> Self {
        let mut pair = Self::connecting(change);
        pair.run_until(|world| world.clients[0].state() == State::Connected);
        // Its first keep-alive confirms the client.
        pair.run_for(0.25);
        pair
    }

    /// Connected with everything done at one time, from which all timers count. The client has not
    /// sent anything since its response.
    pub(crate) fn connected_at(time: f64) -> Self {
        Self::connected_at_with(time, |spec| spec)
    }

    /// As [`connected_at`](Self::connected_at), with another token.
    pub(crate) fn connected_at_with(time: f64, change: impl FnOnce(TokenSpec) -> TokenSpec) -> Self {
        let mut pair = Self::new(4);
        pair.update_at(time);
        let spec = change(pair.spec(0, &[0]));
        pair.connect_with(0, &spec);
        for _ in 0..3 {
            pair.update_at(time);
        }
        assert_eq!(pair.client().state(), State::Connected);
        pair
    }

    pub(crate) fn client(&mut self) -> &mut ClientHost {
        &mut self.clients[0]
    }

    pub(crate) fn server(&mut self) -> &mut ServerHost {
        &mut self.servers[0]
    }
}

impl Deref for Pair {
    type Target = World;

    fn deref(&self) -> &World {
        &self.0
    }
}

impl DerefMut for Pair {
    fn deref_mut(&mut self) -> &mut World {
        &mut self.0
    }
}

/// A client with its address, and what its application has seen.
pub(crate) struct ClientHost {
    pub(crate) address: SocketAddr,
    pub(crate) core: Client,
    /// The token that it showed last.
    token: Option<ConnectToken>,
    /// Whether its application runs.
    pub(crate) awake: bool,
    /// Every state that was announced, with the one before it.
    pub(crate) transitions: Vec<(State, State)>,
    pub(crate) payloads: Vec<(u64, Vec<u8>)>,
    pub(crate) ignored: Vec<client::Ignored>,
}

impl ClientHost {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            core: Client::new(),
            token: None,
            awake: true,
            transitions: Vec::new(),
            payloads: Vec::new(),
            ignored: Vec::new(),
        }
    }

    pub(crate) fn state(&self) -> State {
        self.core.state()
    }

    /// The states that were announced, in order.
    pub(crate) fn states(&self) -> Vec<State> {
        self.transitions.iter().map(|&(_, current)| current).collect()
    }

    #[track_caller]
    pub(crate) fn token(&self) -> &ConnectToken {
        self.token.as_ref().expect("it has connected before")
    }

    pub(crate) fn connect(&mut self, token: ConnectToken) {
        self.token = Some(token.clone());
        let transition = self.core.connect(token);
        self.note(transition);
    }

    pub(crate) fn update(&mut self, now: f64, link: &mut Link) {
        self.core.advance(now);
        for Sent { from, mut data, .. } in link.receive(self.address) {
            match self.core.handle(from, &mut data) {
                client::Outcome::Payload { sequence, data } => self.payloads.push((sequence, data.to_vec())),
                client::Outcome::Transition(transition) => self.note(transition),
                client::Outcome::Ignored(reason) => self.ignored.push(reason),
                client::Outcome::Noted(_) => {}
            }
        }
        self.transmit(link);
        if let Some(transition) = self.core.poll_transition() {
            self.note(transition);
        }
    }

    pub(crate) fn send(&mut self, payload: &[u8], link: &mut Link) -> Result<(), SendError> {
        let mut buffer = [0; MAX_SEALED_BYTES];
        let Transmit { to, bytes, .. } = self.core.send(payload, &mut buffer)?;
        link.send(self.address, to, &buffer[..bytes]);
        Ok(())
    }

    pub(crate) fn disconnect(&mut self, link: &mut Link) {
        self.core.disconnect();
        self.transmit(link);
        if let Some(transition) = self.core.poll_transition() {
            self.note(transition);
        }
    }

    fn transmit(&mut self, link: &mut Link) {
        let mut buffer = [0; MAX_SEALED_BYTES];
        while let Some(Transmit { to, bytes, .. }) = self.core.poll_transmit(&mut buffer) {
            link.send(self.address, to, &buffer[..bytes]);
        }
    }

    fn note(&mut self, transition: client::Transition) {
        assert_eq!(self.core.state(), transition.previous, "a change is announced before it takes effect");
        self.transitions.push((transition.previous, transition.current));
        self.core.settle();
        assert_eq!(self.core.state(), transition.current);
    }
}

/// A client has come or gone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Event {
    Connected { slot: usize, client_id: u64, user_data: Vec<u8> },
    Disconnected { slot: usize, client_id: u64, reason: DisconnectReason },
}

/// A server with its address, and what its application has seen.
pub(crate) struct ServerHost {
    pub(crate) address: SocketAddr,
    pub(crate) core: Server,
    /// Whether its application runs.
    pub(crate) awake: bool,
    pub(crate) events: Vec<Event>,
    pub(crate) payloads: Vec<(usize, u64, Vec<u8>)>,
    pub(crate) ignored: Vec<server::Ignored>,
}

impl ServerHost {
    /// A stopped server.
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            core: Server::new(config(address)),
            awake: true,
            events: Vec::new(),
            payloads: Vec::new(),
            ignored: Vec::new(),
        }
    }

    pub(crate) fn update(&mut self, now: f64, unix: u64, link: &mut Link) {
        self.core.advance(now);
        self.core.set_wall_clock(unix);
        for Sent { from, data, .. } in link.receive(self.address) {
            self.receive(from, &data, link);
        }
        let mut buffer = [0; MAX_SEALED_BYTES];
        let mut next = 0;
        while let Some((slot, Transmit { to, bytes, .. })) = self.core.next_keep_alive(next, &mut buffer) {
            link.send(self.address, to, &buffer[..bytes]);
            next = slot + 1;
        }
        next = 0;
        while let Some(slot) = self.core.next_timed_out(next) {
            self.disconnect(slot, DisconnectReason::TimedOut, link);
            next = slot + 1;
        }
    }

    pub(crate) fn send(&mut self, slot: usize, payload: &[u8], link: &mut Link) -> Result<(), SendError> {
        let mut buffer = [0; MAX_SEALED_BYTES];
        if let Some(Transmit { to, bytes, .. }) = self.core.keep_alive_before_payload(slot, &mut buffer) {
            link.send(self.address, to, &buffer[..bytes]);
        }
        let Transmit { to, bytes, .. } = self.core.send(slot, payload, &mut buffer)?;
        link.send(self.address, to, &buffer[..bytes]);
        Ok(())
    }

    pub(crate) fn disconnect(&mut self, slot: usize, reason: DisconnectReason, link: &mut Link) {
        let Some(leaving) = self.core.begin_leave(slot, reason) else { return };
        let client_id = self.core.client_id(slot).expect("a leaving client still has its slot");
        self.events.push(Event::Disconnected { slot, client_id, reason: self.core.disconnect_reason(slot) });
        let mut buffer = [0; MAX_SEALED_BYTES];
        while let Some(Transmit { to, bytes, .. }) = self.core.poll_farewell(leaving, &mut buffer) {
            link.send(self.address, to, &buffer[..bytes]);
        }
        assert!(self.core.finish_leave(leaving));
    }

    fn receive(&mut self, from: SocketAddr, datagram: &[u8], link: &mut Link) {
        match deliver(&mut self.core, from, datagram) {
            Reaction::Payload { slot, sequence, data } => self.payloads.push((slot, sequence, data)),
            Reaction::KeptAlive { .. } => {}
            Reaction::Reply { data, .. } => link.send(self.address, from, &data),
            Reaction::Connected { slot, client_id, user_data, keep_alive } => {
                link.send(self.address, from, &keep_alive);
                self.events.push(Event::Connected { slot, client_id, user_data });
            }
            Reaction::Left { slot } => self.disconnect(slot, DisconnectReason::ClientDisconnect, link),
            Reaction::Ignored(reason) => self.ignored.push(reason),
        }
    }
}
