//! The crate `netcode-official`.

use crate::implementation::{
    Client, Family, Implementation, PROTOCOL_ID, Server, ServerSetup, State, TOKEN_BYTES, TokenRequest, UserData,
};
use netcode_official as peer;
use std::net::SocketAddr;

pub(crate) struct Official;

impl Implementation for Official {
    fn name(&self) -> &'static str {
        "netcode-official"
    }

    fn token(&self, request: &TokenRequest) -> Result<Vec<u8>, String> {
        peer::generate_connect_token(
            &request.public,
            &request.internal,
            request.expire_seconds as i32,
            request.timeout_seconds,
            request.client_id,
            PROTOCOL_ID,
            &request.key,
            &request.user_data,
        )
        .map(|token| token.to_vec())
        .map_err(|error| error.to_string())
    }

    fn server(&self, setup: &ServerSetup) -> Result<Box<dyn Server>, String> {
        let mut server = peer::Server::new(setup.family.any_port(), PROTOCOL_ID, &setup.key, 0.0)
            .map_err(|error| error.to_string())?;
        server.start(setup.slots).map_err(|error| error.to_string())?;
        Ok(Box::new(OfficialServer(server)))
    }

    fn client(&self, family: Family, token: &[u8]) -> Result<Box<dyn Client>, String> {
        let token: &[u8; TOKEN_BYTES] = token.try_into().map_err(|_| "a token has 2048 bytes".to_string())?;
        let mut client = peer::Client::new(family.any_port(), 0.0).map_err(|error| error.to_string())?;
        client.connect(token).map_err(|error| error.to_string())?;
        Ok(Box::new(OfficialClient(client)))
    }
}

struct OfficialServer(peer::Server);

impl OfficialServer {
    fn slots(&self) -> impl Iterator<Item = usize> + '_ {
        (0..self.0.max_clients()).filter(|&slot| self.0.client_connected(slot))
    }

    fn slot(&self, client_id: u64) -> Option<usize> {
        self.slots().find(|&slot| self.0.client_id(slot) == client_id)
    }
}

impl Server for OfficialServer {
    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn clients(&self) -> Vec<u64> {
        self.slots().map(|slot| self.0.client_id(slot)).collect()
    }

    fn user_data(&self, client_id: u64) -> Option<UserData> {
        self.0.client_user_data(self.slot(client_id)?).copied()
    }

    fn update(&mut self, time: f64) {
        self.0.update(time);
    }

    fn send(&mut self, client_id: u64, payload: &[u8]) {
        if let Some(slot) = self.slot(client_id) {
            self.0.send_packet(slot, payload).expect("a payload of a size that is allowed");
        }
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        let mut payloads = Vec::new();
        for slot in 0..self.0.max_clients() {
            while let Some((payload, _)) = self.0.receive_packet(slot) {
                payloads.push(payload);
            }
        }
        payloads
    }

    fn disconnect(&mut self, client_id: u64) {
        if let Some(slot) = self.slot(client_id) {
            self.0.disconnect_client(slot);
        }
    }
}

struct OfficialClient(peer::Client);

impl Client for OfficialClient {
    fn state(&self) -> State {
        match self.0.state() {
            peer::ClientState::ConnectTokenExpired => State::TokenExpired,
            peer::ClientState::InvalidConnectToken => State::InvalidToken,
            peer::ClientState::ConnectionTimedOut => State::TimedOut,
            peer::ClientState::ConnectionResponseTimedOut => State::ResponseTimedOut,
            peer::ClientState::ConnectionRequestTimedOut => State::RequestTimedOut,
            peer::ClientState::ConnectionDenied => State::Denied,
            peer::ClientState::Disconnected => State::Disconnected,
            peer::ClientState::SendingConnectionRequest | peer::ClientState::SendingConnectionResponse => {
                State::Connecting
            }
            peer::ClientState::Connected => State::Connected,
        }
    }

    fn target(&self) -> Option<SocketAddr> {
        self.0.server_address()
    }

    fn update(&mut self, time: f64) {
        self.0.update(time);
    }

    fn send(&mut self, payload: &[u8]) {
        self.0.send_packet(payload).expect("a payload of a size that is allowed");
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        std::iter::from_fn(|| self.0.receive_packet()).map(|(payload, _)| payload).collect()
    }

    fn disconnect(&mut self) {
        self.0.disconnect();
    }
}
