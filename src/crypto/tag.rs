//! The tag of what was sealed, checked by itself.
//!
//! `ring` decrypts and authenticates in one pass, so a forged connect token would cost as much as a good one.
//! Where Poly1305 is vectorised its tag alone takes less than half of that. This can only refuse: what passes is
//! authenticated again when it is opened.

use chacha20::ChaCha20;
use chacha20::cipher::{KeyIvInit, StreamCipher};
use poly1305::universal_hash::{KeyInit, UniversalHash};
use poly1305::{Block, Poly1305};
use subtle::ConstantTimeEq;

use super::{Forged, KEY_BYTES, Key, MAC_BYTES, NONCE_BYTES, wipe};

const BLOCK_BYTES: usize = 16;

/// Room for what a connect token authenticates. `Poly1305` is quick if it is given all blocks at once.
const ROOM_BLOCKS: usize = 72;

/// Fails if `sealed`, whose tag is at its end, is certainly not what was sealed. Says nothing where it would not be
/// quick: on processors without AVX2, and if there is more than a connect token.
pub(super) fn check(key: &Key, nonce: &[u8; NONCE_BYTES], associated: &[u8], sealed: &[u8]) -> Result<(), Forged> {
    if !std::arch::is_x86_feature_detected!("avx2") {
        return Ok(());
    }
    let (message, tag) = sealed.split_last_chunk::<MAC_BYTES>().ok_or(Forged)?;
    let mut room = [[0; BLOCK_BYTES]; ROOM_BLOCKS];
    match authenticated(&mut room, associated, message) {
        Some(blocks) => {
            let computed = one_time(key, nonce, blocks);
            if computed.ct_eq(tag).into() { Ok(()) } else { Err(Forged) }
        }
        None => Ok(()),
    }
}

/// What the tag is of (RFC 8439, section 2.8): both texts, each filled up with zeros to whole blocks, and their sizes.
fn authenticated<'r>(
    room: &'r mut [[u8; BLOCK_BYTES]],
    associated: &[u8],
    message: &[u8],
) -> Option<&'r [[u8; BLOCK_BYTES]]> {
    let message_block = associated.len().div_ceil(BLOCK_BYTES);
    let sizes_block = message_block + message.len().div_ceil(BLOCK_BYTES);
    let blocks = room.get_mut(..=sizes_block)?;
    blocks.as_flattened_mut().get_mut(..associated.len())?.copy_from_slice(associated);
    blocks[message_block..].as_flattened_mut().get_mut(..message.len())?.copy_from_slice(message);
    let (associated_size, message_size) = blocks[sizes_block].split_at_mut(size_of::<u64>());
    associated_size.copy_from_slice(&(associated.len() as u64).to_le_bytes());
    message_size.copy_from_slice(&(message.len() as u64).to_le_bytes());
    Some(blocks)
}

/// Poly1305 under the first bytes of the key stream (RFC 8439, section 2.6).
fn one_time(key: &Key, nonce: &[u8; NONCE_BYTES], blocks: &[[u8; BLOCK_BYTES]]) -> [u8; MAC_BYTES] {
    let mut stream = [[0; KEY_BYTES]; 2]; // a whole block: less is made from one, too
    ChaCha20::new(key.as_bytes().into(), nonce.into()).apply_keystream(stream.as_flattened_mut());
    let mut mac = Poly1305::new((&stream[0]).into());
    wipe(stream.as_flattened_mut());
    mac.update(Block::cast_slice_from_core(blocks));
    mac.finalize().into()
}

#[cfg(test)]
mod tests {
    use super::super::cipher;
    use super::*;

    proptest::proptest! {
        #[test]
        fn agrees_with_the_cipher(
            key: [u8; KEY_BYTES],
            nonce: [u8; NONCE_BYTES],
            associated in proptest::collection::vec(proptest::num::u8::ANY, 0..80),
            mut message in proptest::collection::vec(proptest::num::u8::ANY, 0..1300),
            flipped: proptest::sample::Index,
        ) {
            let key = Key::new(key);
            let tag = cipher::seal(&key, &nonce, &associated, &mut message);
            message.extend(tag);
            proptest::prop_assert_eq!(check(&key, &nonce, &associated, &message), Ok(()));

            let bit = flipped.index(8 * message.len());
            message[bit / 8] ^= 1 << (bit % 8);
            let says = std::arch::is_x86_feature_detected!("avx2")
                && associated.len().div_ceil(BLOCK_BYTES) + (message.len() - MAC_BYTES).div_ceil(BLOCK_BYTES) < ROOM_BLOCKS;
            let expected = if says { Err(Forged) } else { Ok(()) };
            proptest::prop_assert_eq!(check(&key, &nonce, &associated, &message), expected);
        }
    }

    #[test]
    fn a_connect_token_has_room() {
        const { assert!(crate::token::PRIVATE_TOKEN_BYTES / BLOCK_BYTES + 4 < ROOM_BLOCKS) };
    }

    #[test]
    fn what_is_shorter_than_a_tag_is_refused() {
        if std::arch::is_x86_feature_detected!("avx2") {
            assert_eq!(check(&Key::new([1; KEY_BYTES]), &[0; NONCE_BYTES], b"", &[0; MAC_BYTES - 1]), Err(Forged));
        }
    }
}
