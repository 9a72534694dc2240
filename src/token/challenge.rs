//! The challenge by which a client proves that it receives at its address.

use crate::crypto::{self, Key, MAC_BYTES};
use crate::wire::{Reader, Writer};
use crate::{USER_DATA_BYTES, UserData};

/// Size of a sealed challenge token, in bytes, its tag included.
pub const CHALLENGE_TOKEN_BYTES: usize = 300;

const PLAIN_BYTES: usize = CHALLENGE_TOKEN_BYTES - MAC_BYTES;

/// What the server wants to hear again from the client, sealed under a key that only it has.
#[derive(Debug, PartialEq, Eq)]
pub struct ChallengeToken<'a> {
    /// The client of the connect token that asked.
    pub client_id: u64,
    /// The application data of that connect token.
    pub user_data: &'a UserData,
}

impl<'a> ChallengeToken<'a> {
    /// Seals the token; `sequence` is different for each.
    pub fn seal(&self, sequence: u64, key: &Key) -> [u8; CHALLENGE_TOKEN_BYTES] {
        let mut data = [0; CHALLENGE_TOKEN_BYTES];
        let mut writer = Writer::new(&mut data[..PLAIN_BYTES]);
        writer.u64(self.client_id);
        writer.bytes(self.user_data);
        crypto::seal(key, sequence, &[], &mut data);
        data
    }

    /// Opens in place what [`seal`](Self::seal) made; `None` if it is something else.
    pub fn open(data: &'a mut [u8; CHALLENGE_TOKEN_BYTES], sequence: u64, key: &Key) -> Option<Self> {
        let plain = crypto::open(key, sequence, &[], data).ok()?;
        let mut reader = Reader::new(plain);
        Some(Self { client_id: reader.u64()?, user_data: reader.array::<USER_DATA_BYTES>()? })
    }
}
