//! The protocol's bytes, written with the cipher alone: honest ones, and such as no honest side would send.

use std::net::SocketAddr;

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit, XChaCha20Poly1305};

use crate::random::Random;

pub(crate) const VERSION: &[u8; 13] = b"NETCODE 1.02\0";
pub(crate) const NEVER: u64 = u64::MAX;

pub(crate) const DENIED: u8 = 1;
pub(crate) const CHALLENGE: u8 = 2;
pub(crate) const RESPONSE: u8 = 3;
pub(crate) const KEEP_ALIVE: u8 = 4;
pub(crate) const PAYLOAD: u8 = 5;
pub(crate) const DISCONNECT: u8 = 6;

pub(crate) type Key = [u8; 32];

/// The two keys of a connection, and the game it belongs to.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Session {
    pub(crate) protocol_id: u64,
    pub(crate) client_to_server: Key,
    pub(crate) server_to_client: Key,
}

impl Session {
    pub(crate) fn client_seals(&self, kind: u8, sequence: u64, plain: &[u8]) -> Vec<u8> {
        packet(self.protocol_id, &self.client_to_server, kind, sequence, plain)
    }

    pub(crate) fn server_seals(&self, kind: u8, sequence: u64, plain: &[u8]) -> Vec<u8> {
        packet(self.protocol_id, &self.server_to_client, kind, sequence, plain)
    }
}

/// An encrypted packet as the standard has it.
pub(crate) fn packet(protocol_id: u64, key: &Key, kind: u8, sequence: u64, plain: &[u8]) -> Vec<u8> {
    let sequence_bytes = 8 - (sequence | 1).leading_zeros() as u8 / 8;
    packet_with_prefix(protocol_id, key, sequence_bytes << 4 | kind, sequence, plain)
}

/// An authentic packet behind any prefix byte, its number in as many bytes as that says: none up to 15.
pub(crate) fn packet_with_prefix(protocol_id: u64, key: &Key, prefix: u8, sequence: u64, plain: &[u8]) -> Vec<u8> {
    let mut number = sequence.to_le_bytes().to_vec();
    number.resize(usize::from(prefix >> 4), 0);
    let associated = [&VERSION[..], &protocol_id.to_le_bytes(), &[prefix]].concat();
    let sealed = seal(key, &packet_nonce(sequence), &associated, plain);
    [&[prefix], &number[..], &sealed].concat()
}

pub(crate) fn keep_alive(client_index: u32, max_clients: u32) -> Vec<u8> {
    [client_index.to_le_bytes(), max_clients.to_le_bytes()].concat()
}

/// The sealed challenge token, 300 bytes.
pub(crate) fn challenge_token(key: &Key, sequence: u64, client_id: u64, user_data: &[u8]) -> Vec<u8> {
    let mut plain = [&client_id.to_le_bytes()[..], user_data].concat();
    plain.resize(284, 0);
    seal(key, &packet_nonce(sequence), &[], &plain)
}

fn packet_nonce(sequence: u64) -> [u8; 12] {
    let mut nonce = [0; 12];
    nonce[4..].copy_from_slice(&sequence.to_le_bytes());
    nonce
}

fn seal(key: &Key, nonce: &[u8; 12], associated: &[u8], plain: &[u8]) -> Vec<u8> {
    let mut sealed = plain.to_vec();
    let cipher = ChaCha20Poly1305::new(key.into());
    let tag = cipher.encrypt_inout_detached(nonce.into(), associated, InOutBuf::from(&mut sealed[..]));
    sealed.extend(tag.expect("short enough"));
    sealed
}

/// Everything that a connect token says, in its public and in its private part.
#[derive(Clone, Debug)]
pub(crate) struct Token {
    pub(crate) private_key: Key,
    pub(crate) session: Session,
    pub(crate) client_id: u64,
    pub(crate) create: u64,
    pub(crate) expire: u64,
    pub(crate) nonce: [u8; 24],
    pub(crate) timeout: i32,
    pub(crate) public: Vec<SocketAddr>,
    pub(crate) internal: Vec<SocketAddr>,
    pub(crate) user_data: Vec<u8>,
}

impl Token {
    /// A token that never expires, with a timeout of 5 seconds; the rest is drawn.
    pub(crate) fn draw(random: &mut Random, private_key: Key, protocol_id: u64, servers: &[SocketAddr]) -> Self {
        Self {
            private_key,
            session: Session { protocol_id, client_to_server: random.array(), server_to_client: random.array() },
            client_id: random.next(),
            create: 1_800_000_000,
            expire: NEVER,
            nonce: random.array(),
            timeout: 5,
            public: servers.to_vec(),
            internal: servers.to_vec(),
            user_data: random.bytes(256),
        }
    }

    /// The private part before it is sealed: 1008 bytes.
    pub(crate) fn private_plain(&self) -> Vec<u8> {
        let mut plain = self.client_id.to_le_bytes().to_vec();
        plain.extend(self.timeout.to_le_bytes());
        plain.extend(addresses(&self.internal));
        plain.extend(self.keys());
        plain.extend(&self.user_data);
        plain.resize(1008, 0);
        plain
    }

    /// The sealed private part: 1024 bytes.
    pub(crate) fn private(&self) -> Vec<u8> {
        self.seal_private(&self.private_plain())
    }

    /// Anything, sealed as the private part of this token.
    pub(crate) fn seal_private(&self, plain: &[u8]) -> Vec<u8> {
        let protocol_id = self.session.protocol_id.to_le_bytes();
        let associated = [&VERSION[..], &protocol_id, &self.expire.to_le_bytes()].concat();
        let mut sealed = plain.to_vec();
        let cipher = XChaCha20Poly1305::new((&self.private_key).into());
        let text = InOutBuf::from(&mut sealed[..]);
        let tag = cipher.encrypt_inout_detached((&self.nonce).into(), &associated, text);
        sealed.extend(tag.expect("short enough"));
        sealed
    }

    /// The token: 2048 bytes.
    pub(crate) fn bytes(&self) -> Vec<u8> {
        let mut token = VERSION.to_vec();
        token.extend(self.session.protocol_id.to_le_bytes());
        token.extend(self.create.to_le_bytes());
        token.extend(self.expire.to_le_bytes());
        token.extend(self.nonce);
        token.extend(self.private());
        token.extend(self.timeout.to_le_bytes());
        token.extend(addresses(&self.public));
        token.extend(self.keys());
        token.resize(2048, 0);
        token
    }

    /// The connection request that shows the token: 1078 bytes.
    pub(crate) fn request(&self) -> Vec<u8> {
        self.request_with(&self.private())
    }

    pub(crate) fn request_with(&self, private: &[u8]) -> Vec<u8> {
        let mut request = vec![0];
        request.extend(VERSION);
        request.extend(self.session.protocol_id.to_le_bytes());
        request.extend(self.expire.to_le_bytes());
        request.extend(self.nonce);
        request.extend(private);
        request
    }

    fn keys(&self) -> Vec<u8> {
        [self.session.client_to_server, self.session.server_to_client].concat()
    }
}

/// A list of addresses with its length before it.
fn addresses(list: &[SocketAddr]) -> Vec<u8> {
    let mut bytes = (list.len() as u32).to_le_bytes().to_vec();
    for address in list {
        match address {
            SocketAddr::V4(v4) => {
                bytes.push(1);
                bytes.extend(v4.ip().octets());
            }
            SocketAddr::V6(v6) => {
                bytes.push(2);
                for word in v6.ip().segments() {
                    bytes.extend(word.to_le_bytes());
                }
            }
        }
        bytes.extend(address.port().to_le_bytes());
    }
    bytes
}
