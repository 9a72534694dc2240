//! Sealing and opening in place, under keys that wipe themselves.
//!
//! Packets and challenge tokens use ChaCha20-Poly1305 (RFC 8439), connect tokens its variant with a
//! 24-byte nonce (XChaCha20-Poly1305). The tag stands behind the sealed bytes.
//!
//! `ring` does the work, or the `chacha20poly1305` crate where the feature of that name is off, or `ring` has no
//! assembly.

#[cfg(feature = "nonce-audit")]
pub(crate) mod audit;
#[cfg(any(test, not(sealed_by_ring)))]
mod portable;
#[cfg(sealed_by_ring)]
mod ring;
#[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
mod tag;

#[cfg(not(sealed_by_ring))]
use portable as cipher;
#[cfg(sealed_by_ring)]
use ring as cipher;

use chacha20::R20;
use rand::TryCryptoRng;
use subtle::ConstantTimeEq;

/// Size of a key, in bytes.
pub const KEY_BYTES: usize = 32;

/// Size of the authentication tag behind everything sealed, in bytes.
pub const MAC_BYTES: usize = 16;

/// Size of the nonce of a connect token, in bytes.
pub(crate) const TOKEN_NONCE_BYTES: usize = 24;

/// Size of the nonce of packets and challenge tokens, in bytes.
const NONCE_BYTES: usize = 12;

/// The nonce of a connect token.
pub(crate) type TokenNonce = [u8; TOKEN_NONCE_BYTES];

/// The tag of something sealed.
pub(crate) type Mac = [u8; MAC_BYTES];

/// A secret key. It is wiped when dropped, compared in constant time, and not shown by `Debug`.
#[derive(Clone)]
pub struct Key([u8; KEY_BYTES]);

impl Key {
    /// Takes over the bytes of a key.
    pub const fn new(bytes: [u8; KEY_BYTES]) -> Self {
        Self(bytes)
    }

    /// Draws a key at random.
    pub fn generate<R: TryCryptoRng>(random: &mut R) -> Result<Self, R::Error> {
        let mut key = Self([0; KEY_BYTES]);
        random.try_fill_bytes(&mut key.0)?;
        Ok(key)
    }

    /// Draws the keys of a session at once, one for each direction, where they are to stay: a key that moves
    /// leaves a copy of itself behind.
    pub(crate) fn fill_pair<R: TryCryptoRng>(keys: &mut [Self; 2], random: &mut R) -> Result<(), R::Error> {
        let mut drawn = [[0; KEY_BYTES]; 2];
        let outcome = random.try_fill_bytes(drawn.as_flattened_mut());
        for (key, drawn) in keys.iter_mut().zip(&drawn) {
            key.0.copy_from_slice(drawn);
        }
        wipe(drawn.as_flattened_mut());
        outcome
    }

    /// The bytes of the key.
    pub fn as_bytes(&self) -> &[u8; KEY_BYTES] {
        &self.0
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        wipe(&mut self.0);
    }
}

impl zeroize::ZeroizeOnDrop for Key {}

impl PartialEq for Key {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Key {}

impl std::fmt::Debug for Key {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Key(..)")
    }
}

/// What was to be opened is not what was sealed under this key, nonce and associated data.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Forged;

/// Seals all but the last [`MAC_BYTES`] of `buffer`, which receive the tag. The sequence number is
/// the nonce (standard, "Packet Encryption"), so no two calls may share key and sequence.
pub(crate) fn seal(key: &Key, sequence: u64, associated: &[u8], buffer: &mut [u8]) {
    if let Some((message, tag)) = buffer.split_last_chunk_mut::<MAC_BYTES>() {
        #[cfg(feature = "nonce-audit")]
        audit::record(key, sequence);
        *tag = cipher::seal(key, &packet_nonce(sequence), associated, message);
    }
}

/// Opens what [`seal`] made. On failure the contents of `buffer` are unspecified, but not decrypted.
pub(crate) fn open<'b>(
    key: &Key,
    sequence: u64,
    associated: &[u8],
    buffer: &'b mut [u8],
) -> Result<&'b mut [u8], Forged> {
    let (message, tag) = buffer.split_last_chunk_mut::<MAC_BYTES>().ok_or(Forged)?;
    cipher::open(key, &packet_nonce(sequence), associated, message, tag)?;
    Ok(message)
}

/// As [`seal`], for connect tokens, whose nonces are random.
pub(crate) fn seal_token(key: &Key, nonce: &TokenNonce, associated: &[u8], buffer: &mut [u8]) {
    let (key, sequence) = extended(key, nonce);
    seal(&key, sequence, associated, buffer);
}

/// Opens a copy of what [`seal_token`] made, and has it read. Nothing decrypted stays behind.
pub(crate) fn open_token<T, const N: usize>(
    key: &Key,
    nonce: &TokenNonce,
    associated: &[u8],
    sealed: &[u8; N],
    read: impl FnOnce(&[u8]) -> T,
) -> Result<T, Forged> {
    let (key, sequence) = extended(key, nonce);
    #[cfg(any(target_arch = "x86", target_arch = "x86_64"))]
    tag::check(&key, &packet_nonce(sequence), associated, sealed)?;
    let mut copy = *sealed;
    let outcome = open(&key, sequence, associated, &mut copy).map(|plain| read(plain));
    wipe(&mut copy);
    outcome
}

/// Recognises a key without keeping it.
///
/// This is the tag of nothing under a nonce that no packet has (theirs start with four zero bytes),
/// so it reveals nothing of the key and collides with nothing sealed.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct Fingerprint(Mac);

impl Fingerprint {
    pub(crate) fn of(key: &Key) -> Self {
        Self(cipher::seal(key, &[0xff; NONCE_BYTES], &[], &mut []))
    }
}

/// Overwrites a secret with zeros, and as a whole: `zeroize` writes byte by byte, which shows where keys
/// are made and dropped for each packet.
pub(crate) fn wipe(secret: &mut [u8]) {
    secret.fill(0);
    zeroize::optimization_barrier(secret);
}

/// How deep in the stack keys may have been by the functions that read and store a connect token or a configuration, in
/// bytes.
const STACK_BYTES: usize = 16 * 1024;

/// It is overwritten in pieces of this many bytes: small enough to be filled by vectors.
const FRAME_BYTES: usize = 1024;

/// Overwrites what functions that have returned left on the stack. What moves leaves a copy of itself behind there,
/// and some compilers fill the room of an empty `Option` with whatever the stack has.
pub(crate) fn wipe_stack() {
    wipe_frames(STACK_BYTES / FRAME_BYTES);
}

#[inline(never)]
fn wipe_frames(frames: usize) {
    let room = [0u8; FRAME_BYTES];
    zeroize::optimization_barrier(&room);
    if frames > 1 {
        wipe_frames(frames - 1);
    }
    // Needed until here, so that each call has a frame of its own.
    zeroize::optimization_barrier(&room);
}

/// XChaCha20 is ChaCha20 under a key made of the key and the first 16 bytes of the nonce, with the
/// other 8 as its nonce (draft-irtf-cfrg-xchacha-03, section 2.3).
fn extended(key: &Key, nonce: &TokenNonce) -> (Key, u64) {
    let (mut prefix, mut suffix) = ([0; 16], [0; 8]);
    prefix.copy_from_slice(&nonce[..16]);
    suffix.copy_from_slice(&nonce[16..]);
    let mut derived = chacha20::hchacha::<R20>(key.as_bytes().into(), &prefix.into());
    let key = Key::new(derived.into());
    wipe(&mut derived);
    (key, u64::from_le_bytes(suffix))
}

/// Four zero bytes, then the sequence number in little-endian order.
fn packet_nonce(sequence: u64) -> [u8; NONCE_BYTES] {
    let mut nonce = [0; NONCE_BYTES];
    nonce[NONCE_BYTES - size_of::<u64>()..].copy_from_slice(&sequence.to_le_bytes());
    nonce
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_what_it_sealed_and_nothing_else() {
        let key = Key::new(std::array::from_fn(|i| i as u8));
        let mut sealed = [7; 40];
        seal(&key, 1000, b"associated", &mut sealed);
        assert_eq!(open(&key, 1000, b"associated", &mut sealed.clone()).unwrap(), [7; 24]);

        assert_eq!(open(&key, 1001, b"associated", &mut sealed.clone()), Err(Forged));
        assert_eq!(open(&key, 1000, b"Associated", &mut sealed.clone()), Err(Forged));
        assert_eq!(open(&Key::new([0; 32]), 1000, b"associated", &mut sealed.clone()), Err(Forged));
        for bit in 0..sealed.len() * 8 {
            let mut flipped = sealed;
            flipped[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(open(&key, 1000, b"associated", &mut flipped), Err(Forged));
        }
        assert_eq!(open(&key, 1000, b"associated", &mut sealed[..15]), Err(Forged));
    }

    #[test]
    fn tokens_are_sealed_by_xchacha20_poly1305() {
        use chacha20poly1305::aead::inout::InOutBuf;
        use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};

        let (key, nonce) = (Key::new([3; 32]), std::array::from_fn(|i| 5 * i as u8));
        let mut sealed = [9; 200];
        seal_token(&key, &nonce, b"associated", &mut sealed);
        let mut expected = [9; 200 - MAC_BYTES];
        let tag = XChaCha20Poly1305::new(key.as_bytes().into())
            .encrypt_inout_detached(&nonce.into(), b"associated", InOutBuf::from(&mut expected[..]))
            .unwrap();
        assert_eq!(sealed[..200 - MAC_BYTES], expected);
        assert_eq!(sealed[200 - MAC_BYTES..], tag[..]);

        let opened = |nonce: &TokenNonce| open_token(&key, nonce, b"associated", &sealed, <[u8]>::to_vec);
        assert_eq!(opened(&nonce).unwrap(), [9; 200 - MAC_BYTES]);
        let mut other = nonce;
        for bit in 0..TOKEN_NONCE_BYTES * 8 {
            other[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(opened(&other), Err(Forged));
            other = nonce;
        }
    }

    #[cfg(sealed_by_ring)]
    proptest::proptest! {
        #[test]
        fn both_implementations_seal_alike(
            key: [u8; 32],
            nonce: [u8; 12],
            associated: Vec<u8>,
            message in proptest::collection::vec(proptest::num::u8::ANY, 0..1300),
        ) {
            let key = Key::new(key);
            let (mut one, mut other) = (message.clone(), message.clone());
            let tag = ring::seal(&key, &nonce, &associated, &mut one);
            proptest::prop_assert_eq!(tag, portable::seal(&key, &nonce, &associated, &mut other));
            proptest::prop_assert_eq!(&one, &other);
            ring::open(&key, &nonce, &associated, &mut one, &tag).unwrap();
            portable::open(&key, &nonce, &associated, &mut other, &tag).unwrap();
            proptest::prop_assert_eq!(&one, &message);
            proptest::prop_assert_eq!(&other, &message);
            let forged = [tag[0] ^ 1; 16];
            proptest::prop_assert_eq!(ring::open(&key, &nonce, &associated, &mut one, &forged), Err(Forged));
            proptest::prop_assert_eq!(portable::open(&key, &nonce, &associated, &mut other, &forged), Err(Forged));
        }
    }

    #[test]
    fn keys_do_not_show_themselves() {
        assert_eq!(format!("{:?}", Key::new([0xab; 32])), "Key(..)");
    }

    #[test]
    fn fingerprints_tell_keys_apart() {
        let (one, other) = (Key::new([1; 32]), Key::new([2; 32]));
        assert!(Fingerprint::of(&one) == Fingerprint::of(&one));
        assert!(Fingerprint::of(&one) != Fingerprint::of(&other));
    }
}
