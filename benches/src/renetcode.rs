//! The crate `renetcode`, which leaves the transport to its user.

use crate::implementation::{
    Backend, Client, EXPIRE_SECONDS, Implementation, PRIVATE_KEY, PROTOCOL_ID, Server, Sink, TIMEOUT_SECONDS, Token,
    Transport, USER_DATA,
};
use crate::network::{MAX_DATAGRAM, Network, Port};
use renetcode as peer;
use std::net::SocketAddr;
use std::rc::Rc;
use std::time::{Duration, SystemTime};

pub(crate) struct Renetcode;

/// Its clock counts from the Unix epoch, as tokens do.
fn now() -> Duration {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).expect("a clock past 1970")
}

fn memory(transport: &Transport) -> Result<&Rc<Network>, String> {
    match transport {
        Transport::Memory(network) => Ok(network),
        Transport::Sockets => Err("it has no sockets: its user brings the transport".to_string()),
    }
}

impl Implementation for Renetcode {
    fn name(&self) -> &str {
        "renetcode 2.0.0"
    }

    fn backend(&self, server: SocketAddr) -> Backend<'_> {
        Box::new(move |client_id| {
            let token = peer::ConnectToken::generate(
                now(),
                PROTOCOL_ID,
                u64::from(EXPIRE_SECONDS),
                client_id,
                TIMEOUT_SECONDS,
                vec![server],
                Some(&USER_DATA),
                &PRIVATE_KEY,
            )
            .expect("a token");
            let mut bytes = [0; 2048];
            token.write(&mut &mut bytes[..]).expect("room for the token");
            bytes
        })
    }

    fn server<'a>(&'a self, transport: &Transport, slots: usize) -> Result<Box<dyn Server + 'a>, String> {
        let port = Port::server(memory(transport)?);
        let server = peer::NetcodeServer::new(peer::ServerConfig {
            current_time: now(),
            max_clients: slots,
            protocol_id: PROTOCOL_ID,
            public_addresses: vec![port.address],
            authentication: peer::ServerAuthentication::Secure { private_key: PRIVATE_KEY },
        });
        Ok(Box::new(ReServer { server, port, time: 0.0, buffer: [0; MAX_DATAGRAM] }))
    }

    fn client<'a>(
        &'a self,
        transport: &Transport,
        index: usize,
        token: &Token,
    ) -> Result<Box<dyn Client + 'a>, String> {
        let port = Port::client(memory(transport)?, index);
        let connect_token = peer::ConnectToken::read(&mut &token[..]).map_err(|error| error.to_string())?;
        let authentication = peer::ClientAuthentication::Secure { connect_token };
        let client = peer::NetcodeClient::new(now(), authentication).map_err(|error| error.to_string())?;
        Ok(Box::new(ReClient { client, port, time: 0.0, buffer: [0; MAX_DATAGRAM] }))
    }
}

struct ReServer {
    server: peer::NetcodeServer,
    port: Port,
    time: f64,
    buffer: [u8; MAX_DATAGRAM],
}

/// Does what a result asks for.
fn act(result: peer::ServerResult<'_, '_>, port: &Port, sink: Sink<'_>) {
    match result {
        peer::ServerResult::None => {}
        peer::ServerResult::PacketToSend { addr, payload }
        | peer::ServerResult::ClientConnected { addr, payload, .. }
        | peer::ServerResult::ClientDisconnected { addr, payload: Some(payload), .. } => port.send(addr, payload),
        peer::ServerResult::ClientDisconnected { payload: None, .. } => {}
        peer::ServerResult::Payload { payload, .. } => sink(payload),
    }
}

impl Server for ReServer {
    fn address(&self) -> SocketAddr {
        self.port.address
    }

    fn connected(&self) -> usize {
        self.server.connected_clients()
    }

    fn update(&mut self, time: f64, sink: Sink<'_>) {
        self.server.update(Duration::from_secs_f64(time - self.time));
        self.time = time;
        while let Some((bytes, from)) = self.port.receive(&mut self.buffer) {
            act(self.server.process_packet(from, &mut self.buffer[..bytes]), &self.port, sink);
        }
        for client_id in self.server.clients_id() {
            act(self.server.update_client(client_id), &self.port, sink);
        }
    }

    fn send_to_all(&mut self, payload: &[u8]) {
        for client_id in self.server.clients_id() {
            let (address, packet) = self.server.generate_payload_packet(client_id, payload).expect("a packet");
            self.port.send(address, packet);
        }
    }
}

struct ReClient {
    client: peer::NetcodeClient,
    port: Port,
    time: f64,
    buffer: [u8; MAX_DATAGRAM],
}

impl Client for ReClient {
    fn connected(&self) -> bool {
        self.client.is_connected()
    }

    fn update(&mut self, time: f64, sink: Sink<'_>) {
        while let Some((bytes, _)) = self.port.receive(&mut self.buffer) {
            if let Some(payload) = self.client.process_packet(&mut self.buffer[..bytes]) {
                sink(payload);
            }
        }
        let passed = Duration::from_secs_f64(time - self.time);
        self.time = time;
        if let Some((packet, to)) = self.client.update(passed) {
            self.port.send(to, packet);
        }
    }

    fn send(&mut self, payload: &[u8]) {
        let (to, packet) = self.client.generate_payload_packet(payload).expect("a packet");
        self.port.send(to, packet);
    }
}
