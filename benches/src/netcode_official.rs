//! The crate `netcode-official`, which works over its own sockets only.

use crate::implementation::{
    Backend, Client, EXPIRE_SECONDS, Implementation, PRIVATE_KEY, PROTOCOL_ID, Server, Sink, TIMEOUT_SECONDS, Token,
    Transport, USER_DATA,
};
use netcode_official as peer;
use std::net::{Ipv4Addr, SocketAddr};

pub(crate) struct NetcodeOfficial;

fn need_sockets(transport: &Transport) -> Result<(), String> {
    match transport {
        Transport::Sockets => Ok(()),
        Transport::Memory(_) => Err("its API has no transport but its own sockets".to_string()),
    }
}

impl Implementation for NetcodeOfficial {
    fn name(&self) -> &str {
        "netcode-official 1.0.0"
    }

    fn backend(&self, server: SocketAddr) -> Backend<'_> {
        Box::new(move |client_id| {
            peer::generate_connect_token(
                &[server],
                &[server],
                EXPIRE_SECONDS as i32,
                TIMEOUT_SECONDS,
                client_id,
                PROTOCOL_ID,
                &PRIVATE_KEY,
                &USER_DATA,
            )
            .expect("a token")
        })
    }

    fn server<'a>(&'a self, transport: &Transport, slots: usize) -> Result<Box<dyn Server + 'a>, String> {
        need_sockets(transport)?;
        let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
        let mut server =
            peer::Server::new(address, PROTOCOL_ID, &PRIVATE_KEY, 0.0).map_err(|error| error.to_string())?;
        server.start(slots).map_err(|error| error.to_string())?;
        Ok(Box::new(OfficialServer(server)))
    }

    fn client<'a>(
        &'a self,
        transport: &Transport,
        _index: usize,
        token: &Token,
    ) -> Result<Box<dyn Client + 'a>, String> {
        need_sockets(transport)?;
        let address = SocketAddr::from((Ipv4Addr::UNSPECIFIED, 0));
        let mut client = peer::Client::new(address, 0.0).map_err(|error| error.to_string())?;
        client.connect(token).map_err(|error| error.to_string())?;
        Ok(Box::new(OfficialClient(client)))
    }
}

struct OfficialServer(peer::Server);

impl Server for OfficialServer {
    fn address(&self) -> SocketAddr {
        self.0.address()
    }

    fn connected(&self) -> usize {
        self.0.num_connected_clients()
    }

    fn update(&mut self, time: f64, sink: Sink<'_>) {
        self.0.update(time);
        for slot in 0..self.0.max_clients() {
            while let Some((payload, _)) = self.0.receive_packet(slot) {
                sink(&payload);
            }
        }
    }

    fn send_to_all(&mut self, payload: &[u8]) {
        for slot in 0..self.0.max_clients() {
            self.0.send_packet(slot, payload).expect("sent");
        }
    }
}

struct OfficialClient(peer::Client);

impl Client for OfficialClient {
    fn connected(&self) -> bool {
        self.0.state() == peer::ClientState::Connected
    }

    fn update(&mut self, time: f64, sink: Sink<'_>) {
        self.0.update(time);
        while let Some((payload, _)) = self.0.receive_packet() {
            sink(&payload);
        }
    }

    fn send(&mut self, payload: &[u8]) {
        self.0.send_packet(payload).expect("sent");
    }
}
