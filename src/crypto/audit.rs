//! Proof in test builds that no key seals twice under one nonce.
//!
//! A repetition would let an attacker on the network forge packets (RFC 8439, section 4), so with the
//! feature `nonce-audit` every nonce is recorded, and a second use ends the program. The ledger keeps
//! all keys in memory: it is not for release.

use std::collections::{BTreeMap, HashMap};
use std::sync::{LazyLock, Mutex, PoisonError};

use super::{KEY_BYTES, Key};

/// Records that `key` seals under `sequence`.
///
/// # Panics
///
/// If it has done so before.
pub(super) fn record(key: &Key, sequence: u64) {
    let first = LEDGER
        .lock()
        .unwrap_or_else(PoisonError::into_inner)
        .entry((scope(), *key.as_bytes()))
        .or_default()
        .insert(sequence);
    assert!(first, "nonce audit: {sequence} was sealed twice under one key");
}

/// Forgets all nonces: each input of a fuzzer begins anew, with the same keys.
#[cfg(fuzzing)]
pub(crate) fn forget() {
    LEDGER.lock().unwrap_or_else(PoisonError::into_inner).clear();
}

/// What each key has sealed, in each scope.
type Ledger = HashMap<(String, [u8; KEY_BYTES]), Sequences>;

static LEDGER: LazyLock<Mutex<Ledger>> = LazyLock::new(Mutex::default);

/// Rust's tests share a process and the seeds of their keys, but each has a thread of its name. Other
/// programs have one ledger for all their threads.
fn scope() -> String {
    std::thread::current().name().unwrap_or_default().to_owned()
}

/// A set of numbers as ranges: the first of each and its last. Numbers that are counted up take one
/// range, however long the program runs.
#[derive(Default)]
struct Sequences(BTreeMap<u64, u64>);

impl Sequences {
    /// Adds a number; whether it was not there yet.
    fn insert(&mut self, sequence: u64) -> bool {
        let before = self.0.range(..=sequence).next_back().map(|(&first, &last)| (first, last));
        if before.is_some_and(|(_, last)| sequence <= last) {
            return false;
        }
        let first = match before {
            Some((first, last)) if last + 1 == sequence => first,
            _ => sequence,
        };
        let last = sequence.checked_add(1).and_then(|next| self.0.remove(&next)).unwrap_or(sequence);
        self.0.insert(first, last);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_sequence_is_new_once() {
        let mut sequences = Sequences::default();
        for sequence in [5, 7, 6, 0, u64::MAX, u64::MAX - 1, 1] {
            assert!(sequences.insert(sequence), "{sequence}");
            assert!(!sequences.insert(sequence), "{sequence} again");
        }
        let ranges: Vec<_> = sequences.0.into_iter().collect();
        assert_eq!(ranges, [(0, 1), (5, 7), (u64::MAX - 1, u64::MAX)]);
    }

    #[test]
    fn other_keys_have_their_own_sequences() {
        record(&Key::new([1; KEY_BYTES]), 3);
        record(&Key::new([2; KEY_BYTES]), 3);
    }

    #[test]
    #[should_panic(expected = "3 was sealed twice under one key")]
    fn a_repetition_ends_the_program() {
        let mut buffer = [0; 40];
        super::super::seal(&Key::new([1; KEY_BYTES]), 3, b"", &mut buffer);
        super::super::seal(&Key::new([1; KEY_BYTES]), 3, b"", &mut buffer);
    }
}
