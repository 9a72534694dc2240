//! Who talks to whom: a row of the matrix.

use crate::implementation::{Family, Implementation, Key, Layout, TOKEN_BYTES, TokenRequest, UserData};
use std::net::{IpAddr, Ipv6Addr, SocketAddr};

pub(crate) const PRIVATE_KEY: Key = *b"only 32 random bytes are secret\0";
pub(crate) const EXPIRE_SECONDS: u32 = 120;
pub(crate) const TIMEOUT_SECONDS: i32 = 5;

const CLIENT_ID_BYTES: usize = 8;

/// What token addresses look like.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Addresses {
    V4,
    V6,
    /// The words of each address turned round where who reads it is known to read them the other way.
    V6Turned,
}

pub(crate) struct Setting {
    pub(crate) client: &'static dyn Implementation,
    pub(crate) server: &'static dyn Implementation,
    pub(crate) issuer: &'static dyn Implementation,
    pub(crate) addresses: Addresses,
}

/// What a cell asks of a token.
pub(crate) struct TokenWish {
    pub(crate) client_id: u64,
    pub(crate) key: Key,
    /// The addresses to connect to, each with the one that the server is to know itself by.
    pub(crate) route: Vec<(SocketAddr, SocketAddr)>,
    pub(crate) expire_seconds: u32,
    pub(crate) timeout_seconds: i32,
}

impl TokenWish {
    pub(crate) fn new(client_id: u64, server: SocketAddr) -> Self {
        Self {
            client_id,
            key: PRIVATE_KEY,
            route: vec![(server, server)],
            expire_seconds: EXPIRE_SECONDS,
            timeout_seconds: TIMEOUT_SECONDS,
        }
    }
}

/// The user data in the tokens of a client id.
pub(crate) fn user_data(client_id: u64) -> UserData {
    std::array::from_fn(|index| (client_id as u8).wrapping_mul(31).wrapping_add(index as u8))
}

impl Setting {
    pub(crate) fn family(&self) -> Family {
        match self.addresses {
            Addresses::V4 => Family::V4,
            Addresses::V6 | Addresses::V6Turned => Family::V6,
        }
    }

    /// A token as the issuer makes it.
    pub(crate) fn token_as_issued(&self, wish: &TokenWish) -> Result<Vec<u8>, String> {
        self.issuer.token(&TokenRequest {
            client_id: wish.client_id,
            key: wish.key,
            user_data: user_data(wish.client_id),
            public: wish.route.iter().map(|&(public, _)| self.written_for(self.client, public)).collect(),
            internal: wish.route.iter().map(|&(_, internal)| self.written_for(self.server, internal)).collect(),
            expire_seconds: wish.expire_seconds,
            timeout_seconds: wish.timeout_seconds,
        })
    }

    /// A token in the layout that the client reads.
    pub(crate) fn token(&self, wish: &TokenWish) -> Result<Vec<u8>, String> {
        let mut token = self.token_as_issued(wish)?;
        match (self.issuer.layout(), self.client.layout()) {
            (Layout::Standard, Layout::PrefixedByClientId) => {
                token.splice(0..0, wish.client_id.to_le_bytes());
            }
            (Layout::PrefixedByClientId, Layout::Standard) => {
                token.drain(..CLIENT_ID_BYTES);
                token.resize(TOKEN_BYTES, 0);
            }
            _ => {}
        }
        Ok(token)
    }

    fn written_for(&self, reader: &dyn Implementation, address: SocketAddr) -> SocketAddr {
        let turn = self.addresses == Addresses::V6Turned && reader.ipv6_words() != self.issuer.ipv6_words();
        if turn { turned(address) } else { address }
    }
}

/// What becomes of an address that is written in one way and read in the other.
pub(crate) fn turned(address: SocketAddr) -> SocketAddr {
    match address.ip() {
        IpAddr::V4(_) => address,
        IpAddr::V6(v6) => SocketAddr::new(Ipv6Addr::from(v6.segments().map(u16::swap_bytes)).into(), address.port()),
    }
}
