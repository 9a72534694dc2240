//! Sealing by `ring`, whose assembly is the fastest for packets.
//!
//! `ring` does not wipe its keys, so they are made for each packet: that is cheap, and the key's
//! lasting copy stays in a [`Key`].

use ring::aead::{Aad, CHACHA20_POLY1305, LessSafeKey, Nonce, UnboundKey};

use super::{Forged, Key, Mac, NONCE_BYTES};

/// Encrypts a message in place and returns its tag.
pub(super) fn seal(key: &Key, nonce: &[u8; NONCE_BYTES], associated: &[u8], message: &mut [u8]) -> Mac {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let sealed = prepare(key)
        .and_then(|key| key.seal_in_place_separate_tag(nonce, Aad::from(associated), message).map_err(|_| Forged));
    let mut mac = Mac::default();
    // Only messages beyond 256 GiB fail, and no layout of this protocol is near that.
    if let Ok(tag) = sealed {
        mac.copy_from_slice(tag.as_ref());
    }
    mac
}

/// Checks the tag of a message and decrypts it in place. On failure the message is wiped.
pub(super) fn open(
    key: &Key,
    nonce: &[u8; NONCE_BYTES],
    associated: &[u8],
    message: &mut [u8],
    tag: &Mac,
) -> Result<(), Forged> {
    let nonce = Nonce::assume_unique_for_key(*nonce);
    let opened = prepare(key)?.open_in_place_separate_tag(nonce, Aad::from(associated), (*tag).into(), message, 0..);
    opened.map(|_| ()).map_err(|_| Forged)
}

/// Fails only for keys of the wrong length, which the types exclude.
fn prepare(key: &Key) -> Result<LessSafeKey, Forged> {
    UnboundKey::new(&CHACHA20_POLY1305, key.as_bytes()).map(LessSafeKey::new).map_err(|_| Forged)
}
