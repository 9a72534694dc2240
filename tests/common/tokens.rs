//! Connect tokens as a backend would make them.

use std::net::SocketAddr;

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use netcode::token::{ConnectToken, PRIVATE_TOKEN_BYTES, TokenRequest, TokenSeal};
use netcode::{Key, MAC_BYTES, UserData, VERSION_INFO};

use super::random::SeededRng;

/// The game of all tests.
pub(crate) const PROTOCOL_ID: u64 = 0x1122_3344_5566_7788;

/// The key that the backend shares with the servers.
pub(crate) fn private_key() -> Key {
    Key::new([0x5e; 32])
}

/// What authenticates a private part (standard, "Connect Token").
pub(crate) fn associated_data(seal: &TokenSeal) -> Vec<u8> {
    let mut data = VERSION_INFO.to_vec();
    data.extend(seal.protocol_id.to_le_bytes());
    data.extend(seal.expire_timestamp.to_le_bytes());
    data
}

/// An authentic private part that is all zeros: it names no server. The library makes no such thing.
pub(crate) fn senseless_private_part(seal: &TokenSeal) -> [u8; PRIVATE_TOKEN_BYTES] {
    let mut data = [0; PRIVATE_TOKEN_BYTES];
    let (text, tag) = data.split_last_chunk_mut::<MAC_BYTES>().expect("longer than a tag");
    let cipher = XChaCha20Poly1305::new(private_key().as_bytes().into());
    let sealed = cipher.encrypt_inout_detached((&seal.nonce).into(), &associated_data(seal), InOutBuf::from(text));
    *tag = sealed.expect("short enough").into();
    data
}

/// What is to be in a token.
#[derive(Clone, Debug)]
pub(crate) struct TokenSpec {
    pub(crate) protocol_id: u64,
    pub(crate) client_id: u64,
    pub(crate) expire_seconds: i32,
    pub(crate) timeout_seconds: i32,
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) user_data: UserData,
}

impl TokenSpec {
    /// A token for this client, good for 30 seconds, with a timeout of 5.
    pub(crate) fn new(client_id: u64, servers: &[SocketAddr]) -> Self {
        Self {
            protocol_id: PROTOCOL_ID,
            client_id,
            expire_seconds: 30,
            timeout_seconds: 5,
            servers: servers.to_vec(),
            user_data: [client_id as u8; 256],
        }
    }

    pub(crate) fn expiring_in(mut self, seconds: i32) -> Self {
        self.expire_seconds = seconds;
        self
    }

    pub(crate) fn timing_out_after(mut self, seconds: i32) -> Self {
        self.timeout_seconds = seconds;
        self
    }

    /// Has the backend make the token.
    pub(crate) fn issue(&self, unix: u64, random: &mut SeededRng) -> ConnectToken {
        self.issue_under(&private_key(), unix, random)
    }

    /// Has a backend with this key make the token.
    pub(crate) fn issue_under(&self, key: &Key, unix: u64, random: &mut SeededRng) -> ConnectToken {
        let request = TokenRequest {
            protocol_id: self.protocol_id,
            client_id: self.client_id,
            expire_seconds: self.expire_seconds,
            timeout_seconds: self.timeout_seconds,
            public_addresses: &self.servers,
            internal_addresses: &self.servers,
            user_data: &self.user_data,
        };
        let token = request.generate(key, unix, random).expect("the request is in order");
        ConnectToken::read(&token).expect("what was generated can be read")
    }
}
