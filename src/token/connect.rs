//! The connect token as a client gets it.

use std::fmt;
use std::net::SocketAddr;

use rand::TryCryptoRng;

use super::private::PrivatePart;
use super::{PRIVATE_TOKEN_BYTES, ServerList, TokenSeal, write_servers};
use crate::crypto::{KEY_BYTES, Key, TokenNonce};
use crate::wire::{Reader, Writer};
use crate::{MAX_SERVERS_PER_CONNECT, UserData, VERSION_INFO};

/// Size of a connect token, in bytes.
pub const CONNECT_TOKEN_BYTES: usize = 2048;

/// What a backend puts into a connect token.
#[derive(Clone, Copy, Debug)]
pub struct TokenRequest<'a> {
    /// The game or application; client, token and server must agree.
    pub protocol_id: u64,
    /// The client, unique for as long as it is connected.
    pub client_id: u64,
    /// How long the token can be used, in seconds; negative: for ever.
    pub expire_seconds: i32,
    /// Seconds without packets after which a connection is given up; zero or negative: never.
    pub timeout_seconds: i32,
    /// Where the client connects to, first choice first.
    pub public_addresses: &'a [SocketAddr],
    /// The same servers as they know themselves.
    pub internal_addresses: &'a [SocketAddr],
    /// Application data for the server.
    pub user_data: &'a UserData,
}

/// A connect token that has been read: everything in it that a client can see.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ConnectToken {
    /// When it was made, in Unix seconds.
    pub create_timestamp: u64,
    /// What authenticates the private part.
    pub seal: TokenSeal,
    /// The private part, which only a server can open.
    pub private_data: [u8; PRIVATE_TOKEN_BYTES],
    /// Seconds without packets after which the connection is given up; zero or negative: never.
    pub timeout_seconds: i32,
    /// Where to connect to.
    pub servers: ServerList,
    /// Seals what the client sends.
    pub client_to_server: Key,
    /// Seals what the server sends.
    pub server_to_client: Key,
}

/// Why no token was made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GenerateError<E> {
    /// A token names 1 to [`MAX_SERVERS_PER_CONNECT`] servers, and
    /// as many public as internal addresses.
    ServerCount,
    /// The source of random bytes failed.
    Random(E),
}

/// Why a token was not accepted by a client.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum InvalidToken {
    /// It is not a token of this version of the protocol.
    Version,
    /// It expired before it was made.
    ExpiresBeforeCreation,
    /// Its number of servers or the type of an address is out of range.
    Servers,
}

impl TokenRequest<'_> {
    /// Makes a token, ready to be sent to the client. `unix` is the wall clock in Unix seconds.
    pub fn generate<R: TryCryptoRng>(
        &self,
        private_key: &Key,
        unix: u64,
        random: &mut R,
    ) -> Result<[u8; CONNECT_TOKEN_BYTES], GenerateError<R::Error>> {
        let mut token = [0; CONNECT_TOKEN_BYTES];
        self.generate_onto(private_key, unix, random, &mut token)?;
        Ok(token)
    }

    /// As [`generate`](Self::generate), in place: `token` holds zeros so far. On failure they stay.
    pub(crate) fn generate_onto<R: TryCryptoRng>(
        &self,
        private_key: &Key,
        unix: u64,
        random: &mut R,
        token: &mut [u8; CONNECT_TOKEN_BYTES],
    ) -> Result<(), GenerateError<R::Error>> {
        let count = self.public_addresses.len();
        if !(1..=MAX_SERVERS_PER_CONNECT).contains(&count) || self.internal_addresses.len() != count {
            return Err(GenerateError::ServerCount);
        }
        let expire_timestamp = match u64::try_from(self.expire_seconds) {
            Ok(seconds) => unix.saturating_add(seconds),
            Err(_) => u64::MAX,
        };
        let mut nonce = TokenNonce::default();
        random.try_fill_bytes(&mut nonce).map_err(GenerateError::Random)?;
        let mut keys = [Key::new([0; KEY_BYTES]), Key::new([0; KEY_BYTES])];
        Key::fill_pair(&mut keys, random).map_err(GenerateError::Random)?;
        let [client_to_server, server_to_client] = &keys;
        let public = PublicPart {
            create_timestamp: unix,
            seal: &TokenSeal { protocol_id: self.protocol_id, expire_timestamp, nonce },
            timeout_seconds: self.timeout_seconds,
            servers: self.public_addresses,
            client_to_server,
            server_to_client,
        };
        let private = PrivatePart {
            client_id: self.client_id,
            timeout_seconds: self.timeout_seconds,
            servers: self.internal_addresses,
            client_to_server,
            server_to_client,
            user_data: self.user_data,
        };
        public.write_around(token, |data| private.seal(public.seal, private_key, data));
        Ok(())
    }
}

/// Everything in a token but its private part.
struct PublicPart<'a> {
    create_timestamp: u64,
    seal: &'a TokenSeal,
    timeout_seconds: i32,
    servers: &'a [SocketAddr],
    client_to_server: &'a Key,
    server_to_client: &'a Key,
}

impl PublicPart<'_> {
    /// Writes a token where there are zeros so far, with a private part that is put into its place by
    /// `write_private`.
    fn write_around(
        &self,
        token: &mut [u8; CONNECT_TOKEN_BYTES],
        write_private: impl FnOnce(&mut [u8; PRIVATE_TOKEN_BYTES]),
    ) {
        let mut writer = Writer::new(token);
        writer.bytes(VERSION_INFO);
        writer.u64(self.seal.protocol_id);
        writer.u64(self.create_timestamp);
        writer.u64(self.seal.expire_timestamp);
        writer.bytes(&self.seal.nonce);
        writer.with(write_private);
        writer.i32(self.timeout_seconds);
        write_servers(&mut writer, self.servers);
        writer.bytes(self.client_to_server.as_bytes());
        writer.bytes(self.server_to_client.as_bytes());
    }
}

impl ConnectToken {
    /// Reads a token. The private part is taken as it is.
    pub fn read(bytes: &[u8; CONNECT_TOKEN_BYTES]) -> Result<Self, InvalidToken> {
        let mut reader = Reader::new(bytes);
        if reader.array() != Some(VERSION_INFO) {
            return Err(InvalidToken::Version);
        }
        // Running out of bytes is impossible before the addresses, whose number is not fixed.
        let token = Self::read_fields(&mut reader).ok_or(InvalidToken::Servers)?;
        if token.create_timestamp > token.seal.expire_timestamp {
            return Err(InvalidToken::ExpiresBeforeCreation);
        }
        Ok(token)
    }

    /// Writes the token as [`read`](Self::read) reads it.
    pub fn write(&self) -> [u8; CONNECT_TOKEN_BYTES] {
        let public = PublicPart {
            create_timestamp: self.create_timestamp,
            seal: &self.seal,
            timeout_seconds: self.timeout_seconds,
            servers: self.servers.as_slice(),
            client_to_server: &self.client_to_server,
            server_to_client: &self.server_to_client,
        };
        let mut token = [0; CONNECT_TOKEN_BYTES];
        public.write_around(&mut token, |data| *data = self.private_data);
        token
    }

    /// How long the token can be used after it was made, in seconds.
    pub fn lifetime(&self) -> u64 {
        self.seal.expire_timestamp.saturating_sub(self.create_timestamp)
    }

    fn read_fields(reader: &mut Reader<'_>) -> Option<Self> {
        let protocol_id = reader.u64()?;
        let create_timestamp = reader.u64()?;
        let expire_timestamp = reader.u64()?;
        let nonce = *reader.array()?;
        Some(Self {
            create_timestamp,
            seal: TokenSeal { protocol_id, expire_timestamp, nonce },
            private_data: *reader.array()?,
            timeout_seconds: reader.i32()?,
            servers: ServerList::read(reader)?,
            client_to_server: Key::new(*reader.array::<KEY_BYTES>()?),
            server_to_client: Key::new(*reader.array::<KEY_BYTES>()?),
        })
    }
}

impl<E: fmt::Display> fmt::Display for GenerateError<E> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::ServerCount => f.write_str("a token names 1 to 32 servers"),
            Self::Random(error) => write!(f, "no random bytes: {error}"),
        }
    }
}

impl<E: fmt::Debug + fmt::Display> std::error::Error for GenerateError<E> {}

impl fmt::Display for InvalidToken {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Version => "not a connect token of this protocol version",
            Self::ExpiresBeforeCreation => "the token expires before it was created",
            Self::Servers => "the token's server addresses make no sense",
        })
    }
}

impl std::error::Error for InvalidToken {}
