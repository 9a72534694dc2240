//! The seven packets of the protocol: reading and writing (standard, "Packet Structure").
//!
//! A connection request is not encrypted. All others start with a prefix byte (type in the low four
//! bits, number of sequence bytes in the high four) and a sequence number without its leading zero
//! bytes; what follows is sealed under a key of the connect token, with the sequence number as
//! nonce and version, protocol id and prefix byte as associated data.

use std::fmt;

use crate::VERSION_INFO;
use crate::crypto::{self, Key, MAC_BYTES, TOKEN_NONCE_BYTES};
use crate::token::{CHALLENGE_TOKEN_BYTES, PRIVATE_TOKEN_BYTES, TokenSeal};
use crate::wire::{Reader, Writer};

/// Largest payload, in bytes.
pub const MAX_PAYLOAD_BYTES: usize = 1200;

/// Largest datagram that is looked at, in bytes. Larger than any packet, as in the C library.
pub const MAX_DATAGRAM_BYTES: usize = 1300;

/// Largest packet, in bytes.
pub const MAX_SEALED_BYTES: usize = PREFIX_BYTES + MAX_SEQUENCE_BYTES + MAX_PAYLOAD_BYTES + MAC_BYTES;

/// Size of a connection request, in bytes.
pub const REQUEST_BYTES: usize =
    PREFIX_BYTES + VERSION_INFO.len() + 2 * size_of::<u64>() + TOKEN_NONCE_BYTES + PRIVATE_TOKEN_BYTES;

const PREFIX_BYTES: usize = 1;
const MAX_SEQUENCE_BYTES: usize = size_of::<u64>();
const MIN_SEALED_BYTES: usize = PREFIX_BYTES + 1 + MAC_BYTES;
const CHALLENGE_BYTES: usize = size_of::<u64>() + CHALLENGE_TOKEN_BYTES;
const KEEP_ALIVE_BYTES: usize = 2 * size_of::<u32>();
const ASSOCIATED_BYTES: usize = VERSION_INFO.len() + size_of::<u64>() + PREFIX_BYTES;

/// Room for any packet that is to be sent.
pub type Buffer = [u8; MAX_SEALED_BYTES];

/// The types of packets, as on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Kind {
    /// A client shows its connect token.
    Request = 0,
    /// The server is full.
    Denied = 1,
    /// The server asks the client to prove its address.
    Challenge = 2,
    /// The client returns the challenge.
    Response = 3,
    /// A side is still there; from the server also: you are connected.
    KeepAlive = 4,
    /// Data of the application.
    Payload = 5,
    /// A side leaves.
    Disconnect = 6,
}

/// A connection request that has been taken apart, but not judged.
#[derive(Debug)]
pub struct Request<'d> {
    /// What authenticates the private part. The server compares its protocol id with its own.
    pub seal: TokenSeal,
    /// The private part of the connect token.
    pub private_data: &'d [u8; PRIVATE_TOKEN_BYTES],
}

/// The contents of a sealed packet.
#[derive(Debug, PartialEq, Eq)]
pub enum Packet<'d> {
    /// See [`Kind::Denied`].
    Denied,
    /// See [`Kind::Challenge`].
    Challenge(Challenge<'d>),
    /// See [`Kind::Response`].
    Response(Challenge<'d>),
    /// See [`Kind::KeepAlive`].
    KeepAlive(KeepAlive),
    /// See [`Kind::Payload`].
    Payload(Payload<'d>),
    /// See [`Kind::Disconnect`].
    Disconnect,
}

/// A sealed challenge token with its sequence number, as both directions carry it.
#[derive(Debug, PartialEq, Eq)]
pub struct Challenge<'d> {
    /// The nonce of the challenge token.
    pub sequence: u64,
    /// The challenge token, sealed under a key that only the server has.
    pub token: &'d mut [u8; CHALLENGE_TOKEN_BYTES],
}

/// What a keep-alive says. A client sends zeros.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct KeepAlive {
    /// The client's slot.
    pub client_index: u32,
    /// How many slots the server has.
    pub max_clients: u32,
}

/// Data of the application: 1 to [`MAX_PAYLOAD_BYTES`] bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Payload<'d>(&'d [u8]);

/// Why a datagram cannot be a packet that its reader expects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Malformed {
    /// It is smaller than any packet.
    TooSmall,
    /// The prefix byte names no type that is sealed.
    Type,
    /// A sequence number has one to eight bytes.
    SequenceBytes,
    /// Packets of its type have another size.
    Size,
    /// A request for another version of the protocol.
    Version,
}

/// A sealed packet did not authenticate.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Forged;

/// The associated data that all packets of a protocol id share.
#[derive(Clone, Debug)]
pub struct Protocol([u8; ASSOCIATED_BYTES]);

/// The part of a sealed packet that can be read without a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Header {
    /// The type.
    pub kind: Kind,
    /// The sequence number, which is the nonce.
    pub sequence: u64,
    bytes: usize,
}

impl<'d> Request<'d> {
    /// Whether a datagram claims to be a request.
    pub fn is_claimed_by(datagram: &[u8]) -> bool {
        datagram.first() == Some(&(Kind::Request as u8))
    }

    /// Takes a request apart.
    pub fn read(datagram: &'d [u8]) -> Result<Self, Malformed> {
        if datagram.len() != REQUEST_BYTES {
            return Err(Malformed::Size);
        }
        let (open, private_data) = datagram.split_last_chunk().ok_or(Malformed::Size)?;
        let mut reader = Reader::new(&open[PREFIX_BYTES..]);
        if reader.array() != Some(VERSION_INFO) {
            return Err(Malformed::Version);
        }
        let seal = Self::read_seal(&mut reader).ok_or(Malformed::Size)?;
        Ok(Self { seal, private_data })
    }

    /// Writes a request and returns its size in bytes.
    pub fn write(seal: &TokenSeal, private_data: &[u8; PRIVATE_TOKEN_BYTES], out: &mut Buffer) -> usize {
        let mut writer = Writer::new(out);
        writer.u8(Kind::Request as u8);
        writer.bytes(VERSION_INFO);
        writer.u64(seal.protocol_id);
        writer.u64(seal.expire_timestamp);
        writer.bytes(&seal.nonce);
        writer.bytes(private_data);
        REQUEST_BYTES
    }

    fn read_seal(reader: &mut Reader<'_>) -> Option<TokenSeal> {
        Some(TokenSeal { protocol_id: reader.u64()?, expire_timestamp: reader.u64()?, nonce: *reader.array()? })
    }
}

impl Header {
    /// Checks everything that can be checked without a key, in the order of the standard
    /// ("Reading Encrypted Packets").
    pub fn read(datagram: &[u8]) -> Result<Self, Malformed> {
        if datagram.len() < MIN_SEALED_BYTES {
            return Err(Malformed::TooSmall);
        }
        let prefix = datagram[0];
        let kind = Kind::sealed(prefix & 0xf).ok_or(Malformed::Type)?;
        let sequence_bytes = usize::from(prefix >> 4);
        if !(1..=MAX_SEQUENCE_BYTES).contains(&sequence_bytes) {
            return Err(Malformed::SequenceBytes);
        }
        let bytes = PREFIX_BYTES + sequence_bytes;
        let contents = datagram.len().checked_sub(bytes + MAC_BYTES).ok_or(Malformed::TooSmall)?;
        if !kind.allows(contents) {
            return Err(Malformed::Size);
        }
        let unused_bits = 8 * (MAX_SEQUENCE_BYTES - sequence_bytes) as u32;
        let window = datagram[PREFIX_BYTES..].first_chunk().ok_or(Malformed::TooSmall)?;
        let sequence = u64::from_le_bytes(*window) << unused_bits >> unused_bits;
        Ok(Self { kind, sequence, bytes })
    }

    /// Opens the packet that this header was read from, in place.
    pub fn open<'d>(&self, datagram: &'d mut [u8], protocol: &Protocol, key: &Key) -> Result<Packet<'d>, Forged> {
        let (header, sealed) = datagram.split_at_mut_checked(self.bytes).ok_or(Forged)?;
        let associated = protocol.associated_data(header[0]);
        let contents = crypto::open(key, self.sequence, &associated, sealed).map_err(|_| Forged)?;
        // The size has been checked, so this finds what it looks for.
        self.kind.parse(contents).ok_or(Forged)
    }
}

impl Packet<'_> {
    /// The type of the packet.
    pub fn kind(&self) -> Kind {
        match self {
            Self::Denied => Kind::Denied,
            Self::Challenge(_) => Kind::Challenge,
            Self::Response(_) => Kind::Response,
            Self::KeepAlive(_) => Kind::KeepAlive,
            Self::Payload(_) => Kind::Payload,
            Self::Disconnect => Kind::Disconnect,
        }
    }

    /// Writes and seals the packet and returns its size in bytes.
    pub fn write(&self, sequence: u64, protocol: &Protocol, key: &Key, out: &mut Buffer) -> usize {
        let sequence_bytes = sequence_bytes(sequence);
        let prefix = (sequence_bytes as u8) << 4 | self.kind() as u8;
        let mut writer = Writer::new(out);
        writer.u8(prefix);
        writer.bytes(&sequence.to_le_bytes()[..sequence_bytes]);
        match self {
            Self::Denied | Self::Disconnect => {}
            Self::Challenge(challenge) | Self::Response(challenge) => {
                writer.u64(challenge.sequence);
                writer.bytes(challenge.token);
            }
            Self::KeepAlive(keep_alive) => {
                writer.u32(keep_alive.client_index);
                writer.u32(keep_alive.max_clients);
            }
            Self::Payload(Payload(data)) => writer.bytes(data),
        }
        let end = writer.written() + MAC_BYTES;
        let sealed = &mut out[PREFIX_BYTES + sequence_bytes..end];
        crypto::seal(key, sequence, &protocol.associated_data(prefix), sealed);
        end
    }
}

impl<'d> Payload<'d> {
    /// Checks the size.
    pub fn new(data: &'d [u8]) -> Option<Self> {
        (1..=MAX_PAYLOAD_BYTES).contains(&data.len()).then_some(Self(data))
    }

    /// The data.
    pub fn data(self) -> &'d [u8] {
        self.0
    }
}

impl Protocol {
    /// For packets of this protocol id.
    pub fn new(protocol_id: u64) -> Self {
        let mut associated = [0; ASSOCIATED_BYTES];
        let mut writer = Writer::new(&mut associated);
        writer.bytes(VERSION_INFO);
        writer.u64(protocol_id);
        Self(associated)
    }

    fn associated_data(&self, prefix: u8) -> [u8; ASSOCIATED_BYTES] {
        let mut associated = self.0;
        associated[ASSOCIATED_BYTES - PREFIX_BYTES] = prefix;
        associated
    }
}

impl Kind {
    /// The type with this number, if packets of that type are sealed.
    fn sealed(number: u8) -> Option<Self> {
        Some(match number {
            1 => Self::Denied,
            2 => Self::Challenge,
            3 => Self::Response,
            4 => Self::KeepAlive,
            5 => Self::Payload,
            6 => Self::Disconnect,
            _ => return None,
        })
    }

    fn allows(self, contents: usize) -> bool {
        match self {
            Self::Request => false,
            Self::Denied | Self::Disconnect => contents == 0,
            Self::Challenge | Self::Response => contents == CHALLENGE_BYTES,
            Self::KeepAlive => contents == KEEP_ALIVE_BYTES,
            Self::Payload => (1..=MAX_PAYLOAD_BYTES).contains(&contents),
        }
    }

    fn parse(self, contents: &mut [u8]) -> Option<Packet<'_>> {
        Some(match self {
            Self::Request => return None,
            Self::Denied => Packet::Denied,
            Self::Disconnect => Packet::Disconnect,
            Self::Challenge => Packet::Challenge(Challenge::read(contents)?),
            Self::Response => Packet::Response(Challenge::read(contents)?),
            Self::KeepAlive => {
                let mut reader = Reader::new(contents);
                Packet::KeepAlive(KeepAlive { client_index: reader.u32()?, max_clients: reader.u32()? })
            }
            Self::Payload => Packet::Payload(Payload::new(contents)?),
        })
    }
}

impl<'d> Challenge<'d> {
    fn read(contents: &'d mut [u8]) -> Option<Self> {
        let (sequence, token) = contents.split_first_chunk_mut()?;
        Some(Self { sequence: u64::from_le_bytes(*sequence), token: token.try_into().ok()? })
    }
}

/// How many bytes a sequence number takes without its leading zeros: one to eight.
fn sequence_bytes(sequence: u64) -> usize {
    MAX_SEQUENCE_BYTES - (sequence | 1).leading_zeros() as usize / 8
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Request => "connection request",
            Self::Denied => "connection denied",
            Self::Challenge => "connection challenge",
            Self::Response => "connection response",
            Self::KeepAlive => "keep-alive",
            Self::Payload => "payload",
            Self::Disconnect => "disconnect",
        })
    }
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooSmall => "smaller than any packet",
            Self::Type => "no such packet type",
            Self::SequenceBytes => "number of sequence bytes out of range",
            Self::Size => "wrong size for its type",
            Self::Version => "another version of the protocol",
        })
    }
}

impl std::error::Error for Malformed {}

#[cfg(test)]
mod tests;
