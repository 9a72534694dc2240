//! The client's side of a connection (standard, "Client State Machine").
//!
//! A [`Client`] holds no socket and reads no clock. Its user
//! - [advances](Client::advance) it to the current time,
//! - hands it every datagram that came in ([`Client::handle`]),
//! - sends what it wants to send ([`Client::poll_transmit`]), and
//! - asks what time has brought about ([`Client::poll_transition`]).
//!
//! A change of state is announced before it takes effect: [`Client::state`] reports the new state
//! from the next call that changes anything, or from [`Client::settle`].

mod recent;

use std::fmt;
use std::net::SocketAddr;

use crate::address::same;
use crate::crypto::Fingerprint;
use crate::packet::{Buffer, Challenge, Header, KeepAlive, Kind, Malformed, Packet, Payload, Protocol, Request};
use crate::replay::ReplayWindow;
use crate::token::{CHALLENGE_TOKEN_BYTES, ConnectToken};
use crate::{DISCONNECT_PACKETS, SEND_INTERVAL, SendError, Transmit};
use recent::RecentTokens;

/// A client that shows one of this many latest tokens again goes on with its sequence numbers.
pub const RECENT_TOKENS: usize = 8;

/// Where a client stands. Errors are negative.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
#[repr(i8)]
pub enum State {
    /// The connect token expired before a server accepted it.
    ConnectTokenExpired = -6,
    /// The connect token could not be read.
    InvalidConnectToken = -5,
    /// A connection was lost.
    ConnectionTimedOut = -4,
    /// No server accepted the response to its challenge in time.
    ConnectionResponseTimedOut = -3,
    /// No server answered in time.
    ConnectionRequestTimedOut = -2,
    /// All servers were full.
    ConnectionDenied = -1,
    /// Not connected: never was, or left, or was sent away.
    Disconnected = 0,
    /// Asking a server.
    SendingConnectionRequest = 1,
    /// Answering the server's challenge.
    SendingConnectionResponse = 2,
    /// Payloads can be exchanged.
    Connected = 3,
}

/// A change of state that has been decided and takes effect next. The state may stay the same:
/// moving on to the next server starts again with a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[must_use = "the application wants to know"]
pub struct Transition {
    /// The state that [`Client::state`] still reports.
    pub previous: State,
    /// The state that it will report.
    pub current: State,
}

/// What became of a datagram.
#[derive(Debug, PartialEq, Eq)]
#[must_use]
pub enum Outcome<'d> {
    /// Data for the application.
    Payload {
        /// The server's number of the packet.
        sequence: u64,
        /// The data, decrypted in place.
        data: &'d [u8],
    },
    /// The handshake has gone a step further.
    Transition(Transition),
    /// It counts as a sign of life, or as a refusal on which the next
    /// [`Client::poll_transition`] acts.
    Noted(Kind),
    /// Nothing has changed.
    Ignored(Ignored),
}

/// Why a datagram was ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Ignored {
    /// There is no server that it could come from.
    NotConnecting,
    /// It does not come from the server.
    OtherSource,
    /// It is no packet.
    Malformed(Malformed),
    /// It was received before, or is too old to tell.
    Replayed,
    /// It is not authentic.
    Forged,
    /// A client in this state does not expect it.
    Unexpected(Kind),
}

/// One client, connected to one server at most.
#[derive(Debug)]
pub struct Client {
    state: State,
    announced: Option<State>,
    now: f64,
    session: Option<Session>,
    loopback: bool,
    client_index: u32,
    max_clients: u32,
    sequence: u64,
    recent_tokens: RecentTokens,
}

/// From the moment in which a token is shown until the connection ends.
#[derive(Debug)]
struct Session {
    token: ConnectToken,
    protocol: Protocol,
    server: usize,
    connect_start: f64,
    last_send: f64,
    last_receive: f64,
    replay: ReplayWindow,
    challenge: Option<StoredChallenge>,
    refusal: Option<Refusal>,
    /// Disconnect packets still to be sent, once the client is leaving.
    farewells: Option<u8>,
}

#[derive(Debug)]
struct StoredChallenge {
    sequence: u64,
    token: [u8; CHALLENGE_TOKEN_BYTES],
}

#[derive(Clone, Copy, Debug)]
enum Refusal {
    Denied,
    SentAway,
}

impl Default for Client {
    fn default() -> Self {
        Self::new()
    }
}

impl Client {
    /// A disconnected client, at time 0.
    pub fn new() -> Self {
        Self {
            state: State::Disconnected,
            announced: None,
            now: 0.0,
            session: None,
            loopback: false,
            client_index: 0,
            max_clients: 0,
            sequence: 0,
            recent_tokens: RecentTokens::default(),
        }
    }

    /// Starts to connect with a token, dropping any connection without a word ([`disconnect`]
    /// first to take leave).
    ///
    /// [`disconnect`]: Self::disconnect
    pub fn connect(&mut self, token: ConnectToken) -> Transition {
        self.settle();
        self.reset();
        self.sequence = self.recent_tokens.take_up(Fingerprint::of(&token.client_to_server));
        self.session = Some(Session::new(token, self.now));
        self.announce(State::SendingConnectionRequest)
    }

    /// Notes that the application came with a token that cannot be read.
    pub fn refuse_token(&mut self) -> Transition {
        self.settle();
        self.end(State::InvalidConnectToken)
    }

    /// Sets the time, in seconds. A time that is not finite is ignored; after a step backwards the
    /// timers go on from the new time.
    pub fn advance(&mut self, now: f64) {
        self.settle();
        if !now.is_finite() {
            return;
        }
        if let Some(session) = self.session.as_mut().filter(|_| now < self.now) {
            session.connect_start = session.connect_start.min(now);
            session.last_send = session.last_send.min(now);
            session.last_receive = session.last_receive.min(now);
        }
        self.now = now;
    }

    /// Takes a datagram that came in, and decrypts it in place.
    pub fn handle<'d>(&mut self, from: SocketAddr, datagram: &'d mut [u8]) -> Outcome<'d> {
        self.settle();
        match self.open(from, datagram) {
            Ok((sequence, packet)) => self.receive(sequence, packet),
            Err(ignored) => Outcome::Ignored(ignored),
        }
    }

    /// The next packet that the client itself wants to send: what the handshake needs, a
    /// keep-alive, or that it leaves. `None` until more time has passed.
    pub fn poll_transmit(&mut self, out: &mut Buffer) -> Option<Transmit> {
        self.settle();
        let session = self.session.as_mut()?;
        match &mut session.farewells {
            Some(farewells) => *farewells = farewells.checked_sub(1)?,
            None if session.last_send + SEND_INTERVAL < self.now => session.last_send = self.now,
            None => return None,
        }
        let packet = match (self.state, &mut session.challenge) {
            _ if session.farewells.is_some() => Packet::Disconnect,
            (State::SendingConnectionRequest, _) => {
                let bytes = Request::write(&session.token.seal, &session.token.private_data, out);
                self.sequence += 1;
                return Some(Transmit { to: session.server_address(), bytes, kind: Kind::Request });
            }
            (State::SendingConnectionResponse, Some(challenge)) => {
                Packet::Response(Challenge { sequence: challenge.sequence, token: &mut challenge.token })
            }
            _ => Packet::KeepAlive(KeepAlive::default()),
        };
        let kind = packet.kind();
        let bytes = packet.write(self.sequence, &session.protocol, &session.token.client_to_server, out);
        self.sequence += 1;
        Some(Transmit { to: session.server_address(), bytes, kind })
    }

    /// What the passing of time, a refusal by the server, or the end of [`disconnect`] brings
    /// about.
    ///
    /// [`disconnect`]: Self::disconnect
    pub fn poll_transition(&mut self) -> Option<Transition> {
        self.settle();
        let session = self.session.as_mut()?;
        if let Some(farewells) = session.farewells {
            return (farewells == 0).then(|| self.end(State::Disconnected));
        }
        let connecting = self.state != State::Connected;
        if connecting && self.now - session.connect_start >= session.token.lifetime() as f64 {
            return Some(self.end(State::ConnectTokenExpired));
        }
        match session.refusal.take() {
            Some(Refusal::SentAway) => return Some(self.end(State::Disconnected)),
            Some(Refusal::Denied) if connecting => return Some(self.next_server_or(State::ConnectionDenied)),
            _ => {}
        }
        let timeout = session.token.timeout_seconds;
        if timeout <= 0 || session.last_receive + f64::from(timeout) >= self.now {
            return None;
        }
        Some(match self.state {
            State::SendingConnectionRequest => self.next_server_or(State::ConnectionRequestTimedOut),
            State::SendingConnectionResponse => self.next_server_or(State::ConnectionResponseTimedOut),
            _ => self.end(State::ConnectionTimedOut),
        })
    }

    /// Seals a payload for the server.
    pub fn send(&mut self, payload: &[u8], out: &mut Buffer) -> Result<Transmit, SendError> {
        let session = match &mut self.session {
            Some(session) if self.state == State::Connected => session,
            _ => return Err(SendError::NotConnected),
        };
        let packet = Packet::Payload(Payload::new(payload).ok_or(SendError::PayloadSize)?);
        let bytes = packet.write(self.sequence, &session.protocol, &session.token.client_to_server, out);
        self.sequence += 1;
        session.last_send = self.now;
        Ok(Transmit { to: session.server_address(), bytes, kind: Kind::Payload })
    }

    /// Begins to leave: [`poll_transmit`](Self::poll_transmit) now gives the packets that say so,
    /// and then [`poll_transition`](Self::poll_transition) the change to disconnected.
    pub fn disconnect(&mut self) {
        self.settle();
        if let Some(session) = &mut self.session {
            session.farewells.get_or_insert(DISCONNECT_PACKETS);
        }
    }

    /// Becomes connected to a server in the same process, without packets.
    pub fn connect_loopback(&mut self, client_index: u32, max_clients: u32) {
        self.settle();
        self.reset();
        self.loopback = true;
        self.client_index = client_index;
        self.max_clients = max_clients;
        self.state = State::Connected;
    }

    /// Ends what [`connect_loopback`](Self::connect_loopback) began.
    pub fn disconnect_loopback(&mut self) -> Option<Transition> {
        self.settle();
        self.loopback.then(|| self.end(State::Disconnected))
    }

    /// The number of the next payload to a server in the same process, counted on.
    pub fn take_loopback_sequence(&mut self) -> Option<u64> {
        if !self.loopback {
            return None;
        }
        self.sequence += 1;
        Some(self.sequence - 1)
    }

    /// Puts a change of state that has been announced into effect.
    pub fn settle(&mut self) {
        if let Some(state) = self.announced.take() {
            self.state = state;
        }
    }

    /// Where the client stands.
    pub fn state(&self) -> State {
        self.state
    }

    /// The client's slot on the server, once connected; else 0.
    pub fn client_index(&self) -> u32 {
        self.client_index
    }

    /// How many slots the server has, once connected; else 0.
    pub fn max_clients(&self) -> u32 {
        self.max_clients
    }

    /// The number of the next packet sent. Packets of all types count.
    pub fn next_packet_sequence(&self) -> u64 {
        self.sequence
    }

    /// Whether the client is connected without a network.
    pub fn is_loopback(&self) -> bool {
        self.loopback
    }

    /// Whether the client is taking leave of its server.
    pub fn is_leaving(&self) -> bool {
        self.session.as_ref().is_some_and(|session| session.farewells.is_some())
    }

    /// The server that the client is connected to, or trying.
    pub fn server_address(&self) -> Option<SocketAddr> {
        self.session.as_ref().map(Session::server_address)
    }

    /// Which of the token's servers that is, counted from 0, and how many there are.
    pub fn server_number(&self) -> Option<(usize, usize)> {
        self.session.as_ref().map(|session| (session.server, session.token.servers.as_slice().len()))
    }

    /// Everything up to proof that the server has sent this packet, and not before.
    fn open<'d>(&mut self, from: SocketAddr, datagram: &'d mut [u8]) -> Result<(u64, Packet<'d>), Ignored> {
        let session = match &mut self.session {
            Some(session) if session.farewells.is_none() => session,
            _ => return Err(Ignored::NotConnecting),
        };
        if !same(&from, &session.server_address()) {
            return Err(Ignored::OtherSource);
        }
        let header = Header::read(datagram).map_err(Ignored::Malformed)?;
        let protected = match header.kind {
            Kind::Denied | Kind::Challenge => false,
            Kind::KeepAlive | Kind::Payload | Kind::Disconnect => true,
            Kind::Request | Kind::Response => return Err(Ignored::Unexpected(header.kind)),
        };
        if protected && session.replay.already_received(header.sequence) {
            return Err(Ignored::Replayed);
        }
        let packet =
            header.open(datagram, &session.protocol, &session.token.server_to_client).map_err(|_| Ignored::Forged)?;
        if protected {
            session.replay.advance(header.sequence);
        }
        Ok((header.sequence, packet))
    }

    fn receive<'d>(&mut self, sequence: u64, packet: Packet<'d>) -> Outcome<'d> {
        let kind = packet.kind();
        let Some(session) = &mut self.session else {
            return Outcome::Ignored(Ignored::NotConnecting);
        };
        match (packet, self.state) {
            (Packet::Denied, State::SendingConnectionRequest | State::SendingConnectionResponse) => {
                session.refusal = Some(Refusal::Denied);
            }
            (Packet::Challenge(challenge), State::SendingConnectionRequest) => {
                session.challenge = Some(StoredChallenge { sequence: challenge.sequence, token: *challenge.token });
                session.last_receive = self.now;
                session.send_at_once();
                return Outcome::Transition(self.announce(State::SendingConnectionResponse));
            }
            (Packet::KeepAlive(keep_alive), State::SendingConnectionResponse) => {
                session.last_receive = self.now;
                self.client_index = keep_alive.client_index;
                self.max_clients = keep_alive.max_clients;
                return Outcome::Transition(self.announce(State::Connected));
            }
            (Packet::KeepAlive(_), State::Connected) => session.last_receive = self.now,
            (Packet::Payload(payload), State::Connected) => {
                session.last_receive = self.now;
                return Outcome::Payload { sequence, data: payload.data() };
            }
            (Packet::Disconnect, State::Connected) => session.refusal = Some(Refusal::SentAway),
            _ => return Outcome::Ignored(Ignored::Unexpected(kind)),
        }
        Outcome::Noted(kind)
    }

    fn next_server_or(&mut self, error: State) -> Transition {
        let now = self.now;
        if self.session.as_mut().is_some_and(|session| session.next_server(now)) {
            return self.announce(State::SendingConnectionRequest);
        }
        self.end(error)
    }

    fn end(&mut self, state: State) -> Transition {
        self.reset();
        self.announce(state)
    }

    /// Forgets everything about the connection except where its token's sequence stopped.
    fn reset(&mut self) {
        if self.session.is_some() {
            self.recent_tokens.leave_off(self.sequence);
        }
        // Dropped where it is: taking it out would leave a copy of the keys behind.
        self.session = None;
        self.loopback = false;
        self.client_index = 0;
        self.max_clients = 0;
        self.sequence = 0;
    }

    fn announce(&mut self, current: State) -> Transition {
        self.announced = Some(current);
        Transition { previous: self.state, current }
    }
}

impl Session {
    fn new(token: ConnectToken, now: f64) -> Self {
        let mut session = Self {
            protocol: Protocol::new(token.seal.protocol_id),
            token,
            server: 0,
            connect_start: now,
            last_send: now,
            last_receive: now,
            replay: ReplayWindow::default(),
            challenge: None,
            refusal: None,
            farewells: None,
        };
        session.send_at_once();
        session
    }

    /// Starts again with the token's next server, if there is one.
    fn next_server(&mut self, now: f64) -> bool {
        if self.server + 1 >= self.token.servers.as_slice().len() {
            return false;
        }
        self.server += 1;
        self.connect_start = now;
        self.last_receive = now;
        self.replay = ReplayWindow::default();
        self.challenge = None;
        self.refusal = None;
        self.send_at_once();
        true
    }

    /// Makes the next packet due, whatever the time.
    fn send_at_once(&mut self) {
        self.last_send = f64::NEG_INFINITY;
    }

    fn server_address(&self) -> SocketAddr {
        self.token.servers.as_slice()[self.server]
    }
}

impl fmt::Display for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::ConnectTokenExpired => "connect token expired",
            Self::InvalidConnectToken => "invalid connect token",
            Self::ConnectionTimedOut => "connection timed out",
            Self::ConnectionResponseTimedOut => "connection response timed out",
            Self::ConnectionRequestTimedOut => "connection request timed out",
            Self::ConnectionDenied => "connection denied",
            Self::Disconnected => "disconnected",
            Self::SendingConnectionRequest => "sending connection request",
            Self::SendingConnectionResponse => "sending connection response",
            Self::Connected => "connected",
        })
    }
}

impl fmt::Display for Ignored {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotConnecting => f.write_str("not connecting"),
            Self::OtherSource => f.write_str("not from the server"),
            Self::Malformed(malformed) => write!(f, "{malformed}"),
            Self::Replayed => f.write_str("already received"),
            Self::Forged => f.write_str("not authentic"),
            Self::Unexpected(kind) => write!(f, "a {kind} packet is not expected now"),
        }
    }
}
