//! The crate `netcode-rs`. Its transceivers can be replaced, which is how it gets a network in memory.

use crate::implementation::{
    Backend, Client, EXPIRE_SECONDS, Implementation, PRIVATE_KEY, PROTOCOL_ID, Server, Sink, TIMEOUT_SECONDS, Token,
    Transport, USER_DATA,
};
use crate::network::Port;
use netcode_rs as peer;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::{Arc, Mutex};

pub(crate) struct NetcodeRs;

/// The clients that have connected, in the order in which they did.
type Connected = Arc<Mutex<Vec<peer::ClientIndex>>>;

impl peer::Transceiver for Port {
    type IntoError = peer::Error;

    fn addr(&self) -> SocketAddr {
        self.address
    }

    fn recv(&self, buffer: &mut [u8]) -> Result<Option<(usize, SocketAddr)>, peer::Error> {
        Ok(self.receive(buffer))
    }

    fn send(&self, datagram: &[u8], to: SocketAddr) -> Result<usize, peer::Error> {
        Port::send(self, to, datagram);
        Ok(datagram.len())
    }
}

impl Implementation for NetcodeRs {
    fn name(&self) -> &str {
        "netcode-rs 1.4.0"
    }

    fn backend(&self, server: SocketAddr) -> Backend<'_> {
        Box::new(move |client_id| {
            peer::ConnectToken::build(server, PROTOCOL_ID, client_id, PRIVATE_KEY)
                .expire_seconds(EXPIRE_SECONDS as i32)
                .timeout_seconds(TIMEOUT_SECONDS)
                .user_data(USER_DATA)
                .generate()
                .expect("a token")
                .try_into_bytes()
                .expect("its bytes")
        })
    }

    fn server<'a>(&'a self, transport: &Transport, _slots: usize) -> Result<Box<dyn Server + 'a>, String> {
        let connected = Connected::default();
        let config = peer::ServerConfig::with_context(Arc::clone(&connected))
            .on_connect(|client, connected: &mut Connected| connected.lock().expect("not poisoned").push(client));
        match transport {
            Transport::Memory(network) => {
                let port = Port::server(network);
                peer::Server::with_config_and_transceiver(PROTOCOL_ID, PRIVATE_KEY, config, port)
                    .map(|server| Box::new(RsServer { server, connected }) as Box<dyn Server>)
            }
            Transport::Sockets => {
                let address = SocketAddr::from((Ipv4Addr::LOCALHOST, 0));
                peer::Server::with_config(address, PROTOCOL_ID, PRIVATE_KEY, config)
                    .map(|server| Box::new(RsServer { server, connected }) as Box<dyn Server>)
            }
        }
        .map_err(|error| error.to_string())
    }

    fn client<'a>(
        &'a self,
        transport: &Transport,
        index: usize,
        token: &Token,
    ) -> Result<Box<dyn Client + 'a>, String> {
        match transport {
            Transport::Memory(network) => {
                let port = Port::client(network, index);
                peer::Client::with_config_and_transceiver(token, peer::ClientConfig::default(), port).map(connect)
            }
            Transport::Sockets => peer::Client::new(token).map(connect),
        }
        .map_err(|error| error.to_string())
    }
}

fn connect<'a, T: peer::Transceiver + 'a>(mut client: peer::Client<T>) -> Box<dyn Client + 'a> {
    client.connect();
    Box::new(RsClient(client))
}

struct RsServer<T: peer::Transceiver> {
    server: peer::Server<T, Connected>,
    connected: Connected,
}

impl<T: peer::Transceiver> Server for RsServer<T> {
    fn address(&self) -> SocketAddr {
        self.server.addr()
    }

    fn connected(&self) -> usize {
        self.server.num_connected_clients()
    }

    fn update(&mut self, time: f64, sink: Sink<'_>) {
        self.server.update(time);
        while let Some((payload, _)) = self.server.recv() {
            sink(&payload);
        }
    }

    fn send_to_all(&mut self, payload: &[u8]) {
        for &client in self.connected.lock().expect("not poisoned").iter() {
            self.server.send(payload, client).expect("sent");
        }
    }
}

struct RsClient<T: peer::Transceiver>(peer::Client<T>);

impl<T: peer::Transceiver> Client for RsClient<T> {
    fn connected(&self) -> bool {
        self.0.is_connected()
    }

    fn update(&mut self, time: f64, sink: Sink<'_>) {
        self.0.update(time);
        while let Some(payload) = self.0.recv() {
            sink(&payload);
        }
    }

    fn send(&mut self, payload: &[u8]) {
        self.0.send(payload).expect("sent");
    }
}
