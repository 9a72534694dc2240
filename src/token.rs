//! Connect tokens and challenge tokens (standard, "Connect Token" and "Challenge Token").
//!
//! A backend [generates](TokenRequest::generate) a [`ConnectToken`] for a client. Its public part
//! tells the client where to connect and with which keys; its private part, sealed under a key that
//! only the backend and the servers have, tells the server the same.

mod challenge;
mod connect;
mod private;

use std::net::SocketAddr;

pub use challenge::{CHALLENGE_TOKEN_BYTES, ChallengeToken};
pub use connect::{CONNECT_TOKEN_BYTES, ConnectToken, GenerateError, InvalidToken, TokenRequest};
pub use private::{InvalidPrivateToken, PRIVATE_TOKEN_BYTES, PrivateToken, TokenSeal};

use crate::MAX_SERVERS_PER_CONNECT;
use crate::wire::{Reader, Writer};

/// One to [`MAX_SERVERS_PER_CONNECT`] server addresses, in the order in which a client tries them.
#[derive(Clone, Debug)]
pub struct ServerList {
    addresses: [SocketAddr; MAX_SERVERS_PER_CONNECT],
    len: usize,
}

impl ServerList {
    /// Copies the addresses; `None` if there are none or too many.
    pub fn new(addresses: &[SocketAddr]) -> Option<Self> {
        let first = *addresses.first()?;
        let mut list = Self { addresses: [first; MAX_SERVERS_PER_CONNECT], len: addresses.len() };
        list.addresses.get_mut(..addresses.len())?.copy_from_slice(addresses);
        Some(list)
    }

    /// The addresses.
    pub fn as_slice(&self) -> &[SocketAddr] {
        &self.addresses[..self.len]
    }

    fn read(reader: &mut Reader<'_>) -> Option<Self> {
        let len = usize::try_from(reader.u32()?).ok()?;
        if !(1..=MAX_SERVERS_PER_CONNECT).contains(&len) {
            return None;
        }
        let mut list = Self { addresses: [reader.address()?; MAX_SERVERS_PER_CONNECT], len };
        for address in &mut list.addresses[1..len] {
            *address = reader.address()?;
        }
        Some(list)
    }
}

fn write_servers(writer: &mut Writer<'_>, servers: &[SocketAddr]) {
    writer.u32(servers.len() as u32);
    for address in servers {
        writer.address(address);
    }
}

impl PartialEq for ServerList {
    fn eq(&self, other: &Self) -> bool {
        self.as_slice() == other.as_slice()
    }
}

impl Eq for ServerList {}
