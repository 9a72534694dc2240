//! The crate `netcode-rs`.

use crate::implementation::{
    Client, Family, Implementation, Ipv6Words, PROTOCOL_ID, Server, ServerSetup, State, TokenRequest, UserData,
};
use netcode_rs as peer;
use std::cell::Cell;
use std::net::SocketAddr;
use std::rc::Rc;
use std::sync::{Arc, Mutex};

/// The sizes of the buffers of its sockets in its own examples.
const BUFFER_BYTES: usize = 256 * 1024;

pub(crate) struct NetcodeRs;

impl Implementation for NetcodeRs {
    fn name(&self) -> &'static str {
        "netcode-rs"
    }

    fn ipv6_words(&self) -> Ipv6Words {
        Ipv6Words::NetworkOrder
    }

    /// Its servers have 256 slots, always.
    fn fewest_slots(&self) -> usize {
        256
    }

    fn token(&self, request: &TokenRequest) -> Result<Vec<u8>, String> {
        peer::ConnectToken::build(&request.public[..], PROTOCOL_ID, request.client_id, request.key)
            .expire_seconds(request.expire_seconds as i32)
            .timeout_seconds(request.timeout_seconds)
            .user_data(request.user_data)
            .internal_addresses(&request.internal[..])
            .and_then(peer::ConnectTokenBuilder::generate)
            .map_err(|error| error.to_string())?
            .try_into_bytes()
            .map(|token| token.to_vec())
            .map_err(|error| error.to_string())
    }

    fn server(&self, setup: &ServerSetup) -> Result<Box<dyn Server>, String> {
        let slots = Slots::default();
        let config = peer::ServerConfig::with_context(Arc::clone(&slots))
            .on_connect(|index, slots: &mut Slots| slots.lock().expect("not poisoned").push(index))
            .on_disconnect(|index, slots: &mut Slots| {
                slots.lock().expect("not poisoned").retain(|&slot| slot != index)
            });
        let socket = Socket::new(setup.family)?;
        peer::Server::with_config_and_transceiver(PROTOCOL_ID, setup.key, config, socket)
            .map(|server| Box::new(RsServer { server, slots }) as Box<dyn Server>)
            .map_err(|error| error.to_string())
    }

    fn client(&self, family: Family, token: &[u8]) -> Result<Box<dyn Client>, String> {
        let socket = Socket::new(family)?;
        let target = Rc::clone(&socket.target);
        let mut client = peer::Client::with_config_and_transceiver(token, peer::ClientConfig::default(), socket)
            .map_err(|error| error.to_string())?;
        client.connect();
        Ok(Box::new(RsClient { client, target }))
    }
}

/// The crate's own socket. It is wrapped to see where things go, and to keep them on this host.
struct Socket {
    socket: peer::NetcodeSocket,
    target: Rc<Cell<Option<SocketAddr>>>,
}

impl Socket {
    fn new(family: Family) -> Result<Self, String> {
        let socket = peer::NetcodeSocket::new(family.any_port(), BUFFER_BYTES, BUFFER_BYTES)
            .map_err(|error| error.to_string())?;
        Ok(Self { socket, target: Rc::default() })
    }
}

impl peer::Transceiver for Socket {
    type IntoError = peer::Error;

    fn addr(&self) -> SocketAddr {
        self.socket.addr()
    }

    fn recv(&self, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr)>, peer::Error> {
        Ok(self.socket.recv(buffer)?)
    }

    fn send(&self, datagram: &[u8], to: SocketAddr) -> Result<usize, peer::Error> {
        self.target.set(Some(to));
        if to.ip().is_loopback() { Ok(self.socket.send(datagram, to)?) } else { Ok(datagram.len()) }
    }
}

/// The slots that have a client.
type Slots = Arc<Mutex<Vec<peer::ClientIndex>>>;

struct RsServer {
    server: peer::Server<Socket, Slots>,
    slots: Slots,
}

impl RsServer {
    fn slot(&self, client_id: u64) -> Option<peer::ClientIndex> {
        let slots = self.slots.lock().expect("not poisoned");
        slots.iter().copied().find(|&slot| self.server.client_id(slot) == Some(client_id))
    }
}

impl Server for RsServer {
    fn address(&self) -> SocketAddr {
        self.server.addr()
    }

    fn clients(&self) -> Vec<u64> {
        let slots = self.slots.lock().expect("not poisoned");
        slots.iter().filter_map(|&slot| self.server.client_id(slot)).collect()
    }

    fn user_data(&self, _client_id: u64) -> Option<UserData> {
        None
    }

    fn update(&mut self, time: f64) {
        // An error about one packet says nothing that the cells do not see.
        let _ = self.server.try_update(time);
    }

    fn send(&mut self, client_id: u64, payload: &[u8]) {
        if let Some(slot) = self.slot(client_id) {
            let _ = self.server.send(payload, slot);
        }
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.server.recv()).map(|(payload, _)| payload).collect()
    }

    fn disconnect(&mut self, client_id: u64) {
        if let Some(slot) = self.slot(client_id) {
            let _ = self.server.disconnect(slot);
        }
    }
}

struct RsClient {
    client: peer::Client<Socket>,
    target: Rc<Cell<Option<SocketAddr>>>,
}

impl Client for RsClient {
    fn state(&self) -> State {
        match self.client.state() {
            peer::ClientState::ConnectTokenExpired => State::TokenExpired,
            peer::ClientState::ConnectionTimedOut => State::TimedOut,
            peer::ClientState::ConnectionRequestTimedOut => State::RequestTimedOut,
            peer::ClientState::ChallengeResponseTimedOut => State::ResponseTimedOut,
            peer::ClientState::ConnectionDenied => State::Denied,
            peer::ClientState::Disconnected => State::Disconnected,
            peer::ClientState::SendingConnectionRequest | peer::ClientState::SendingChallengeResponse => {
                State::Connecting
            }
            peer::ClientState::Connected => State::Connected,
        }
    }

    fn target(&self) -> Option<SocketAddr> {
        self.target.get()
    }

    fn update(&mut self, time: f64) {
        let _ = self.client.try_update(time);
    }

    fn send(&mut self, payload: &[u8]) {
        let _ = self.client.send(payload);
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.client.recv()).collect()
    }

    fn disconnect(&mut self) {
        let _ = self.client.disconnect();
    }
}
