//! The part of a connect token that only the backend and the servers can read.

use std::net::SocketAddr;

use super::{ServerList, write_servers};
use crate::crypto::{self, KEY_BYTES, Key, MAC_BYTES, Mac, TOKEN_NONCE_BYTES};
use crate::wire::{Reader, Writer};
use crate::{USER_DATA_BYTES, UserData, VERSION_INFO};

/// Size of the sealed private part, in bytes, its tag included.
pub const PRIVATE_TOKEN_BYTES: usize = 1024;

/// Size of the private part before it is sealed, padding included.
const PLAIN_BYTES: usize = PRIVATE_TOKEN_BYTES - MAC_BYTES;

/// What a backend tells a server about a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PrivateToken {
    /// The client, unique for as long as it is connected.
    pub client_id: u64,
    /// Seconds without packets after which the connection is given up; zero or negative: never.
    pub timeout_seconds: i32,
    /// The servers that may accept the token, as they know themselves.
    pub servers: ServerList,
    /// Seals what the client sends.
    pub client_to_server: Key,
    /// Seals what the server sends.
    pub server_to_client: Key,
    /// Application data for the server.
    pub user_data: UserData,
}

/// Why a private part was not accepted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidPrivateToken {
    /// It was not sealed with this key and for this protocol, expiry and nonce.
    Forged,
    /// It is authentic, but its contents make no sense.
    Malformed,
}

/// What else authenticates a private part: these stand in the open beside it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TokenSeal {
    /// The game or application.
    pub protocol_id: u64,
    /// When the token expires, in Unix seconds.
    pub expire_timestamp: u64,
    /// Random, different for every token.
    pub nonce: [u8; TOKEN_NONCE_BYTES],
}

impl PrivateToken {
    /// Seals the token under the key that backend and servers share.
    pub fn seal(&self, seal: &TokenSeal, private_key: &Key) -> [u8; PRIVATE_TOKEN_BYTES] {
        let part = PrivatePart {
            client_id: self.client_id,
            timeout_seconds: self.timeout_seconds,
            servers: self.servers.as_slice(),
            client_to_server: &self.client_to_server,
            server_to_client: &self.server_to_client,
            user_data: &self.user_data,
        };
        let mut data = [0; PRIVATE_TOKEN_BYTES];
        part.seal(seal, private_key, &mut data);
        data
    }

    /// Opens and reads what [`seal`](Self::seal) made.
    pub fn open(
        data: &[u8; PRIVATE_TOKEN_BYTES],
        seal: &TokenSeal,
        private_key: &Key,
    ) -> Result<Self, InvalidPrivateToken> {
        crypto::open_token(private_key, &seal.nonce, &seal.associated_data(), data, Self::read)
            .map_err(|_| InvalidPrivateToken::Forged)?
            .ok_or(InvalidPrivateToken::Malformed)
    }

    /// The tag of a sealed private part, which identifies the token.
    pub(crate) fn mac(data: &[u8; PRIVATE_TOKEN_BYTES]) -> Mac {
        let mut mac = Mac::default();
        mac.copy_from_slice(&data[PLAIN_BYTES..]);
        mac
    }

    fn read(plain: &[u8]) -> Option<Self> {
        let mut reader = Reader::new(plain);
        Some(Self {
            client_id: reader.u64()?,
            timeout_seconds: reader.i32()?,
            servers: ServerList::read(&mut reader)?,
            client_to_server: Key::new(*reader.array::<KEY_BYTES>()?),
            server_to_client: Key::new(*reader.array::<KEY_BYTES>()?),
            user_data: *reader.array::<USER_DATA_BYTES>()?,
        })
    }
}

/// What a private part is written from.
pub(super) struct PrivatePart<'a> {
    pub(super) client_id: u64,
    pub(super) timeout_seconds: i32,
    pub(super) servers: &'a [SocketAddr],
    pub(super) client_to_server: &'a Key,
    pub(super) server_to_client: &'a Key,
    pub(super) user_data: &'a UserData,
}

impl PrivatePart<'_> {
    /// Writes and seals the part where there are zeros so far.
    pub(super) fn seal(&self, seal: &TokenSeal, private_key: &Key, data: &mut [u8; PRIVATE_TOKEN_BYTES]) {
        let mut writer = Writer::new(&mut data[..PLAIN_BYTES]);
        writer.u64(self.client_id);
        writer.i32(self.timeout_seconds);
        write_servers(&mut writer, self.servers);
        writer.bytes(self.client_to_server.as_bytes());
        writer.bytes(self.server_to_client.as_bytes());
        writer.bytes(self.user_data);
        crypto::seal_token(private_key, &seal.nonce, &seal.associated_data(), data);
    }
}

impl TokenSeal {
    fn associated_data(&self) -> [u8; VERSION_INFO.len() + 2 * size_of::<u64>()] {
        let mut data = [0; VERSION_INFO.len() + 2 * size_of::<u64>()];
        let mut writer = Writer::new(&mut data);
        writer.bytes(VERSION_INFO);
        writer.u64(self.protocol_id);
        writer.u64(self.expire_timestamp);
        data
    }
}
