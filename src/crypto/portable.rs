//! Sealing by the `chacha20poly1305` crate, which is all Rust and runs everywhere.

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, ChaCha20Poly1305, KeyInit};

use super::{Forged, Key, Mac, NONCE_BYTES};

/// Encrypts a message in place and returns its tag.
pub(super) fn seal(key: &Key, nonce: &[u8; NONCE_BYTES], associated: &[u8], message: &mut [u8]) -> Mac {
    let cipher = ChaCha20Poly1305::new(key.as_bytes().into());
    match cipher.encrypt_inout_detached(nonce.into(), associated, InOutBuf::from(message)) {
        Ok(tag) => tag.into(),
        // Only messages beyond 256 GiB fail, and no layout of this protocol is near that.
        Err(_) => Mac::default(),
    }
}

/// Checks the tag of a message and then decrypts it in place.
pub(super) fn open(
    key: &Key,
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    message: &mut [u8],
    tag: &Mac,
) -> Result<(), Forged> {
    let cipher = ChaCha20Poly1305::new(key.as_bytes().into());
    let message = InOutBuf::from(message);
    cipher.decrypt_inout_detached(nonce.into(), associated, message, tag.into()).map_err(|_| Forged)
}
