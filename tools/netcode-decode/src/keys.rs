//! The keys that are known, and which of them open what.

use std::collections::HashMap;
use std::net::SocketAddr;

use netcode::packet::{Header, Packet, Protocol, Request};
use netcode::token::{ConnectToken, PRIVATE_TOKEN_BYTES, PrivateToken, TokenSeal};
use netcode::{Key, ReplayWindow};

/// From where to where; `None` if the input does not say.
pub(crate) type Path = Option<(SocketAddr, SocketAddr)>;

/// Which way a packet goes. Each has a key of its own.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Direction {
    ToServer,
    ToClient,
}

/// Everything that is known.
#[derive(Default)]
pub(crate) struct Keyring {
    private_keys: Vec<Key>,
    sessions: Vec<Session>,
    /// Which session the last packet on a path was of: most likely the next one is, too.
    latest: HashMap<Path, usize>,
}

/// The keys of one connect token.
struct Session {
    name: String,
    seal: TokenSeal,
    private_data: [u8; PRIVATE_TOKEN_BYTES],
    protocol: Protocol,
    to_server: Key,
    to_client: Key,
    /// By path, too: a token is good for several servers, and each counts from 0.
    seen: HashMap<(Direction, Path), ReplayWindow>,
}

/// A packet that a key has opened.
pub(crate) struct Opened<'k, 'd> {
    pub(crate) session: &'k str,
    pub(crate) direction: Direction,
    /// It came before, or is too old to tell.
    pub(crate) replay: bool,
    pub(crate) packet: Packet<'d>,
}

impl Keyring {
    pub(crate) fn add_token(&mut self, name: String, token: ConnectToken) {
        let ConnectToken { seal, private_data, client_to_server, server_to_client, .. } = token;
        self.add_session(name, seal, private_data, client_to_server, server_to_client);
    }

    pub(crate) fn add_private_key(&mut self, key: Key) {
        self.private_keys.push(key);
    }

    /// Opens the private part of a request with the private keys, and remembers the keys that it holds.
    pub(crate) fn open_request(&mut self, request: &Request<'_>) -> Option<PrivateToken> {
        let open = |key| PrivateToken::open(request.private_data, &request.seal, key).ok();
        let token = self.private_keys.iter().find_map(open)?;
        if self.session_of(request).is_none() {
            let (to_server, to_client) = (token.client_to_server.clone(), token.server_to_client.clone());
            let name = format!("client {:016x}", token.client_id);
            self.add_session(name, request.seal, *request.private_data, to_server, to_client);
        }
        Some(token)
    }

    /// The session whose token a request shows.
    pub(crate) fn session_of(&self, request: &Request<'_>) -> Option<&str> {
        let same = |session: &&Session| session.seal == request.seal && session.private_data == *request.private_data;
        self.sessions.iter().find(same).map(|session| session.name.as_str())
    }

    /// Opens a sealed packet with whatever key does.
    pub(crate) fn open<'d>(&mut self, header: &Header, datagram: &'d mut [u8], path: Path) -> Option<Opened<'_, 'd>> {
        let latest = self.latest.get(&path).copied();
        let others = (0..self.sessions.len()).rev().filter(|index| Some(*index) != latest);
        let (index, direction) = latest.into_iter().chain(others).find_map(|index| {
            let direction = self.sessions[index].direction(header, datagram)?;
            Some((index, direction))
        })?;
        self.latest.insert(path, index);
        let session = &mut self.sessions[index];
        let replay = session.note(header, direction, path);
        let packet = header.open(datagram, &session.protocol, session.key(direction)).ok()?;
        Some(Opened { session: &session.name, direction, replay, packet })
    }

    fn add_session(
        &mut self,
        name: String,
        seal: TokenSeal,
        private_data: [u8; PRIVATE_TOKEN_BYTES],
        to_server: Key,
        to_client: Key,
    ) {
        let protocol = Protocol::new(seal.protocol_id);
        let seen = HashMap::new();
        self.sessions.push(Session { name, seal, private_data, protocol, to_server, to_client, seen });
    }
}

impl Session {
    fn key(&self, direction: Direction) -> &Key {
        match direction {
            Direction::ToServer => &self.to_server,
            Direction::ToClient => &self.to_client,
        }
    }

    /// Whether one of the keys opens a packet, and which.
    fn direction(&self, header: &Header, datagram: &[u8]) -> Option<Direction> {
        let opens = |direction: &Direction| {
            // Opening is in place, and what was not opened is not what it was.
            header.open(&mut datagram.to_vec(), &self.protocol, self.key(*direction)).is_ok()
        };
        [Direction::ToServer, Direction::ToClient].into_iter().find(opens)
    }

    /// Whether a packet came before. Only what a receiver protects against replays is kept in mind.
    fn note(&mut self, header: &Header, direction: Direction, path: Path) -> bool {
        use netcode::packet::Kind::{Disconnect, KeepAlive, Payload};
        if !matches!(header.kind, KeepAlive | Payload | Disconnect) {
            return false;
        }
        let window = self.seen.entry((direction, path)).or_default();
        let replay = window.already_received(header.sequence);
        if !replay {
            window.advance(header.sequence);
        }
        replay
    }
}
