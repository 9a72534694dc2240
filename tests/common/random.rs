//! Randomness that is the same on every run.

use std::cell::Cell;
use std::convert::Infallible;

use rand::{TryCryptoRng, TryRng};

/// A source of numbers that repeats and counts what was drawn. Tests need no secrets.
#[derive(Clone, Debug)]
pub(crate) struct SeededRng {
    state: u64,
    /// Makes the keys of each source its own where all nonces are recorded: the worlds of one test often
    /// share a seed.
    salt: u64,
    drawn: usize,
}

impl SeededRng {
    pub(crate) fn new(seed: u64) -> Self {
        let salt = if cfg!(feature = "nonce-audit") { sources_before() << 32 } else { 0 };
        Self { state: seed, salt, drawn: 0 }
    }

    /// How many bytes have been drawn.
    pub(crate) fn drawn(&self) -> usize {
        self.drawn
    }

    /// SplitMix64.
    pub(crate) fn next(&mut self) -> u64 {
        self.state = self.state.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.state;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        mixed ^ (mixed >> 31)
    }

    /// A number from 0 up to, but not including, `limit`.
    pub(crate) fn below(&mut self, limit: usize) -> usize {
        (self.next() % limit as u64) as usize
    }

    /// A number from 0 up to, but not including, 1.
    pub(crate) fn fraction(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Goes before a draw for keys and the like.
    fn secret(&mut self, bytes: usize) {
        self.state ^= std::mem::take(&mut self.salt);
        self.drawn += bytes;
    }

    pub(crate) fn bytes(&mut self, count: usize) -> Vec<u8> {
        (0..count).map(|_| self.next() as u8).collect()
    }
}

/// How many times this has been asked on this thread, which is this test's.
fn sources_before() -> u64 {
    thread_local!(static COUNT: Cell<u64> = const { Cell::new(0) });
    COUNT.replace(COUNT.get() + 1)
}

impl TryRng for SeededRng {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        self.secret(size_of::<u32>());
        Ok(self.next() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        self.secret(size_of::<u64>());
        Ok(self.next())
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        self.secret(bytes.len());
        bytes.fill_with(|| self.next() as u8);
        Ok(())
    }
}

impl TryCryptoRng for SeededRng {}

/// A source of randomness that dries up after a number of draws.
#[derive(Debug)]
pub(crate) struct DryingRng {
    draws_left: usize,
    source: SeededRng,
}

/// There is no more randomness.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Dry;

impl DryingRng {
    pub(crate) fn after(draws: usize) -> Self {
        Self { draws_left: draws, source: SeededRng::new(1) }
    }

    fn draw(&mut self) -> Result<&mut SeededRng, Dry> {
        self.draws_left = self.draws_left.checked_sub(1).ok_or(Dry)?;
        Ok(&mut self.source)
    }
}

impl TryRng for DryingRng {
    type Error = Dry;

    fn try_next_u32(&mut self) -> Result<u32, Dry> {
        self.draw().map(|source| source.next() as u32)
    }

    fn try_next_u64(&mut self) -> Result<u64, Dry> {
        self.draw().map(SeededRng::next)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Dry> {
        let source = self.draw()?;
        bytes.fill_with(|| source.next() as u8);
        Ok(())
    }
}

impl TryCryptoRng for DryingRng {}

impl std::fmt::Display for Dry {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("no more randomness")
    }
}

impl std::error::Error for Dry {}
