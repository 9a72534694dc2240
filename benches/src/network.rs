//! A network in memory: one queue of datagrams for the server, and one for each client.

use std::cell::RefCell;
use std::collections::VecDeque;
use std::net::{IpAddr, Ipv4Addr, SocketAddr};
use std::rc::Rc;

pub(crate) const SERVER: SocketAddr = SocketAddr::new(IpAddr::V4(Ipv4Addr::LOCALHOST), 40000);
const FIRST_CLIENT_PORT: u16 = 50000;

/// Largest datagram that is carried.
pub(crate) const MAX_DATAGRAM: usize = 1500;

/// The address of the client with this index.
pub(crate) fn client_address(index: usize) -> SocketAddr {
    SocketAddr::new(SERVER.ip(), FIRST_CLIENT_PORT + index as u16)
}

/// Datagrams in one block of memory, which is used again once they have all been taken.
#[derive(Default)]
struct Queue {
    bytes: Vec<u8>,
    datagrams: VecDeque<(SocketAddr, usize, usize)>,
}

impl Queue {
    fn push(&mut self, from: SocketAddr, datagram: &[u8]) {
        let start = self.bytes.len();
        self.bytes.extend_from_slice(datagram);
        self.datagrams.push_back((from, start, self.bytes.len()));
    }

    fn pop(&mut self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        let (from, start, end) = self.datagrams.pop_front()?;
        let size = (end - start).min(buffer.len());
        buffer[..size].copy_from_slice(&self.bytes[start..start + size]);
        if self.datagrams.is_empty() {
            self.bytes.clear();
        }
        Some((size, from))
    }
}

/// The queues of a server and its clients.
pub(crate) struct Network {
    server: RefCell<Queue>,
    clients: Vec<RefCell<Queue>>,
}

impl Network {
    pub(crate) fn new(clients: usize) -> Rc<Self> {
        Rc::new(Self { server: RefCell::default(), clients: (0..clients).map(|_| RefCell::default()).collect() })
    }

    fn queue(&self, of: SocketAddr) -> Option<&RefCell<Queue>> {
        if of == SERVER {
            return Some(&self.server);
        }
        self.clients.get(usize::from(of.port().checked_sub(FIRST_CLIENT_PORT)?))
    }

    pub(crate) fn send(&self, from: SocketAddr, to: SocketAddr, datagram: &[u8]) {
        if let Some(queue) = self.queue(to) {
            queue.borrow_mut().push(from, datagram);
        }
    }

    pub(crate) fn receive(&self, at: SocketAddr, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.queue(at)?.borrow_mut().pop(buffer)
    }

    /// Whether datagrams wait for the server.
    pub(crate) fn server_has_mail(&self) -> bool {
        !self.server.borrow().datagrams.is_empty()
    }
}

/// An endpoint's view of the network.
pub(crate) struct Port {
    pub(crate) network: Rc<Network>,
    pub(crate) address: SocketAddr,
}

impl Port {
    pub(crate) fn server(network: &Rc<Network>) -> Self {
        Self { network: Rc::clone(network), address: SERVER }
    }

    pub(crate) fn client(network: &Rc<Network>, index: usize) -> Self {
        Self { network: Rc::clone(network), address: client_address(index) }
    }

    pub(crate) fn send(&self, to: SocketAddr, datagram: &[u8]) {
        self.network.send(self.address, to, datagram);
    }

    pub(crate) fn receive(&self, buffer: &mut [u8]) -> Option<(usize, SocketAddr)> {
        self.network.receive(self.address, buffer)
    }
}
