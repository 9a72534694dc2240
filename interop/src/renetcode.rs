//! The crate `renetcode`, which leaves the sockets to its user.

use crate::implementation::{
    Client, Family, Implementation, Ipv6Words, Layout, PROTOCOL_ID, Server, ServerSetup, State, TokenRequest, UserData,
    loopback_socket, send_on_loopback, unix_time,
};
use renetcode as peer;
use std::net::{SocketAddr, UdpSocket};
use std::time::Duration;

pub(crate) struct Renetcode;

impl Implementation for Renetcode {
    fn name(&self) -> &'static str {
        "renetcode"
    }

    fn layout(&self) -> Layout {
        Layout::PrefixedByClientId
    }

    fn ipv6_words(&self) -> Ipv6Words {
        Ipv6Words::NetworkOrder
    }

    /// Its tokens have the same addresses in both parts: first those for the client, who then does not come to the others.
    fn token(&self, request: &TokenRequest) -> Result<Vec<u8>, String> {
        let mut addresses = request.public.clone();
        addresses.extend(request.internal.iter().filter(|address| !request.public.contains(address)));
        let token = peer::ConnectToken::generate(
            unix_time(),
            PROTOCOL_ID,
            u64::from(request.expire_seconds),
            request.client_id,
            request.timeout_seconds,
            addresses,
            Some(&request.user_data),
            &request.key,
        )
        .map_err(|error| error.to_string())?;
        let mut bytes = Vec::new();
        token.write(&mut bytes).map_err(|error| error.to_string())?;
        Ok(bytes)
    }

    fn server(&self, setup: &ServerSetup) -> Result<Box<dyn Server>, String> {
        let socket = loopback_socket(setup.family)?;
        let address = socket.local_addr().map_err(|error| error.to_string())?;
        let server = peer::NetcodeServer::new(peer::ServerConfig {
            current_time: unix_time(),
            max_clients: setup.slots,
            protocol_id: PROTOCOL_ID,
            public_addresses: vec![address],
            authentication: peer::ServerAuthentication::Secure { private_key: setup.key },
        });
        Ok(Box::new(ReServer { server, network: Network::new(socket), address, received: Vec::new() }))
    }

    fn client(&self, family: Family, mut token: &[u8]) -> Result<Box<dyn Client>, String> {
        let connect_token = peer::ConnectToken::read(&mut token).map_err(|error| error.to_string())?;
        let authentication = peer::ClientAuthentication::Secure { connect_token };
        let client = peer::NetcodeClient::new(unix_time(), authentication).map_err(|error| error.to_string())?;
        Ok(Box::new(ReClient { client, network: Network::new(loopback_socket(family)?), received: Vec::new() }))
    }
}

/// The transport that a user of the crate writes.
struct Network {
    socket: UdpSocket,
    time: f64,
    buffer: [u8; peer::NETCODE_MAX_PACKET_BYTES],
}

impl Network {
    fn new(socket: UdpSocket) -> Self {
        Self { socket, time: 0.0, buffer: [0; peer::NETCODE_MAX_PACKET_BYTES] }
    }

    /// How long ago that was called last.
    fn passed(&mut self, time: f64) -> Duration {
        Duration::from_secs_f64(time - std::mem::replace(&mut self.time, time))
    }

    fn receive(&mut self) -> Option<(usize, SocketAddr)> {
        self.socket.recv_from(&mut self.buffer).ok()
    }
}

struct ReServer {
    server: peer::NetcodeServer,
    network: Network,
    address: SocketAddr,
    received: Vec<Vec<u8>>,
}

/// Does what a result asks for.
fn act(result: peer::ServerResult<'_, '_>, socket: &UdpSocket, received: &mut Vec<Vec<u8>>) {
    match result {
        peer::ServerResult::None | peer::ServerResult::ClientDisconnected { payload: None, .. } => {}
        peer::ServerResult::PacketToSend { addr, payload }
        | peer::ServerResult::ClientConnected { addr, payload, .. }
        | peer::ServerResult::ClientDisconnected { addr, payload: Some(payload), .. } => {
            send_on_loopback(socket, payload, addr);
        }
        peer::ServerResult::Payload { payload, .. } => received.push(payload.to_vec()),
    }
}

impl Server for ReServer {
    fn address(&self) -> SocketAddr {
        self.address
    }

    fn clients(&self) -> Vec<u64> {
        self.server.clients_id()
    }

    fn user_data(&self, client_id: u64) -> Option<UserData> {
        self.server.user_data(client_id)
    }

    fn update(&mut self, time: f64) {
        let passed = self.network.passed(time);
        self.server.update(passed);
        while let Some((bytes, from)) = self.network.receive() {
            let result = self.server.process_packet(from, &mut self.network.buffer[..bytes]);
            act(result, &self.network.socket, &mut self.received);
        }
        for client_id in self.server.clients_id() {
            act(self.server.update_client(client_id), &self.network.socket, &mut self.received);
        }
    }

    fn send(&mut self, client_id: u64, payload: &[u8]) {
        if let Ok((to, packet)) = self.server.generate_payload_packet(client_id, payload) {
            send_on_loopback(&self.network.socket, packet, to);
        }
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.received)
    }

    fn disconnect(&mut self, client_id: u64) {
        act(self.server.disconnect(client_id), &self.network.socket, &mut self.received);
    }
}

struct ReClient {
    client: peer::NetcodeClient,
    network: Network,
    received: Vec<Vec<u8>>,
}

impl Client for ReClient {
    fn state(&self) -> State {
        match self.client.disconnect_reason() {
            None if self.client.is_connected() => State::Connected,
            None => State::Connecting,
            Some(peer::DisconnectReason::ConnectTokenExpired) => State::TokenExpired,
            Some(peer::DisconnectReason::ConnectionTimedOut) => State::TimedOut,
            Some(peer::DisconnectReason::ConnectionResponseTimedOut) => State::ResponseTimedOut,
            Some(peer::DisconnectReason::ConnectionRequestTimedOut) => State::RequestTimedOut,
            Some(peer::DisconnectReason::ConnectionDenied) => State::Denied,
            Some(peer::DisconnectReason::DisconnectedByClient | peer::DisconnectReason::DisconnectedByServer) => {
                State::Disconnected
            }
        }
    }

    fn target(&self) -> Option<SocketAddr> {
        Some(self.client.server_addr())
    }

    fn update(&mut self, time: f64) {
        while let Some((bytes, from)) = self.network.receive() {
            if from != self.client.server_addr() {
                continue;
            }
            if let Some(payload) = self.client.process_packet(&mut self.network.buffer[..bytes]) {
                self.received.push(payload.to_vec());
            }
        }
        let passed = self.network.passed(time);
        if let Some((packet, to)) = self.client.update(passed) {
            send_on_loopback(&self.network.socket, packet, to);
        }
    }

    fn send(&mut self, payload: &[u8]) {
        if let Ok((to, packet)) = self.client.generate_payload_packet(payload) {
            send_on_loopback(&self.network.socket, packet, to);
        }
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        std::mem::take(&mut self.received)
    }

    fn disconnect(&mut self) {
        if let Ok((to, packet)) = self.client.disconnect() {
            send_on_loopback(&self.network.socket, packet, to);
        }
    }
}
