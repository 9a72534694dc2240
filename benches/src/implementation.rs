//! What the workloads ask of an implementation of the protocol.

use crate::network::Network;
use std::net::SocketAddr;
use std::rc::Rc;

pub(crate) const PROTOCOL_ID: u64 = 0x1122_3344_5566_7788;
pub(crate) const PRIVATE_KEY: [u8; 32] = *b"only 32 random bytes are secret\0";
pub(crate) const USER_DATA: [u8; 256] = [0x5a; 256];
pub(crate) const EXPIRE_SECONDS: u32 = 30;
pub(crate) const TIMEOUT_SECONDS: i32 = 15;

pub(crate) type Token = [u8; 2048];

/// Makes the connect token of a client id.
pub(crate) type Backend<'a> = Box<dyn FnMut(u64) -> Token + 'a>;

/// Takes a payload.
pub(crate) type Sink<'a> = &'a mut dyn FnMut(&[u8]);

/// How packets get from one endpoint to the other.
#[derive(Clone)]
pub(crate) enum Transport {
    /// By queues in memory.
    Memory(Rc<Network>),
    /// By UDP on loopback, with the implementation's own sockets.
    Sockets,
}

/// A server.
pub(crate) trait Server {
    /// Where clients reach it.
    fn address(&self) -> SocketAddr;

    /// The number of connected clients.
    fn connected(&self) -> usize;

    /// Receives, sends and lets time pass, and hands over the payloads that came.
    fn update(&mut self, time: f64, sink: Sink<'_>);

    /// Sends a payload to every client.
    fn send_to_all(&mut self, payload: &[u8]);
}

/// A client that is connecting or connected.
pub(crate) trait Client {
    fn connected(&self) -> bool;

    /// Receives, sends and lets time pass, and hands over the payloads that came.
    fn update(&mut self, time: f64, sink: Sink<'_>);

    fn send(&mut self, payload: &[u8]);
}

/// An implementation of the protocol. Errors say what it lacks.
pub(crate) trait Implementation {
    fn name(&self) -> &str;

    /// Makes connect tokens for a server.
    fn backend(&self, server: SocketAddr) -> Backend<'_>;

    /// Starts a server at time 0, with room for `slots` clients where that can be chosen.
    fn server<'a>(&'a self, transport: &Transport, slots: usize) -> Result<Box<dyn Server + 'a>, String>;

    /// Creates a client from its token and has it connect, at time 0.
    fn client<'a>(&'a self, transport: &Transport, index: usize, token: &Token)
    -> Result<Box<dyn Client + 'a>, String>;
}
