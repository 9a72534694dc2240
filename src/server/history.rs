//! Which connect tokens have been used, and by whom.
//!
//! A token's first request makes its entry *pending*: the same source may ask again, no other. When
//! that handshake connects a client the entry becomes *consumed*, and nobody may use the token any
//! more. An entry lives until its token expires. A token is never forgotten to make room for
//! another.

use std::net::SocketAddr;

use allocator_api2::alloc::Allocator;
use hashbrown::HashTable;

use super::seed::Seed;
use crate::crypto::Mac;

/// Most tokens remembered at a time: eight for each of 256 clients.
pub const MAX_HISTORY: usize = 8 * crate::MAX_CLIENTS;

pub(super) struct History<A: Allocator> {
    entries: HashTable<Entry, A>,
    /// Tokens that expire up to here may have been forgotten. This matters only when the wall clock
    /// is set back: it keeps them from becoming usable again.
    forgotten_until: u64,
    /// When expired entries were last looked for, in Unix seconds.
    swept: u64,
}

struct Entry {
    mac: Mac,
    source: SocketAddr,
    expire_timestamp: u64,
    consumed: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Standing {
    /// Nobody has shown this token yet.
    Unknown,
    /// This source has shown it and is not yet connected.
    Pending,
    /// It belongs to another source, or has done its service.
    Refused,
}

/// No further token can be remembered, so none can be accepted.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<A: Allocator> History<A> {
    pub(super) fn new_in(allocator: A) -> Self {
        Self { entries: HashTable::new_in(allocator), forgotten_until: 0, swept: 0 }
    }

    /// What is known of a token, at the cost of one look-up and before anything is decrypted.
    pub(super) fn standing(&self, seed: &Seed, mac: &Mac, source: &SocketAddr) -> Standing {
        match self.entries.find(seed.of_mac(mac), |entry| entry.mac == *mac) {
            None => Standing::Unknown,
            Some(entry) if !entry.consumed && entry.source == *source => Standing::Pending,
            Some(_) => Standing::Refused,
        }
    }

    /// Whether a token with this expiry could have been used and forgotten.
    pub(super) fn may_have_forgotten(&self, expire_timestamp: u64) -> bool {
        expire_timestamp <= self.forgotten_until
    }

    /// Adds a pending entry for a token that is [`Standing::Unknown`].
    pub(super) fn add(
        &mut self,
        seed: &Seed,
        mac: &Mac,
        source: SocketAddr,
        expire_timestamp: u64,
        unix: u64,
    ) -> Result<(), Full> {
        self.make_room(seed, unix)?;
        let entry = Entry { mac: *mac, source, expire_timestamp, consumed: false };
        self.entries.insert_unique(seed.of_mac(mac), entry, |entry| seed.of_mac(&entry.mac));
        Ok(())
    }

    /// The handshake that began with this token has connected a client.
    pub(super) fn consume(&mut self, seed: &Seed, mac: &Mac) {
        if let Some(entry) = self.entries.find_mut(seed.of_mac(mac), |entry| entry.mac == *mac) {
            entry.consumed = true;
        }
    }

    /// Sees to it that one more entry fits without allocating. Expired entries go first, looked for
    /// once a second at most, so that a flood of valid tokens cannot make this slow.
    fn make_room(&mut self, seed: &Seed, unix: u64) -> Result<(), Full> {
        if self.entries.len() >= self.entries.capacity().min(MAX_HISTORY) && self.swept != unix {
            self.swept = unix;
            self.forget_expired(unix);
        }
        if self.entries.len() >= MAX_HISTORY {
            return Err(Full);
        }
        self.entries.try_reserve(1, |entry| seed.of_mac(&entry.mac)).map_err(|_| Full)
    }

    fn forget_expired(&mut self, unix: u64) {
        let forgotten_until = &mut self.forgotten_until;
        self.entries.retain(|entry| {
            let live = entry.expire_timestamp > unix;
            if !live {
                *forgotten_until = entry.expire_timestamp.max(*forgotten_until);
            }
            live
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::random::SysRng;
    use allocator_api2::alloc::Global;

    fn mac(number: u64) -> Mac {
        let mut mac = Mac::default();
        mac[..8].copy_from_slice(&number.to_le_bytes());
        mac
    }

    fn source(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    fn history() -> (Seed, History<Global>) {
        (Seed::generate(&mut SysRng).unwrap(), History::new_in(Global))
    }

    #[test]
    fn a_pending_token_belongs_to_its_source_and_a_consumed_one_to_nobody() {
        let (seed, mut history) = history();
        assert_eq!(history.standing(&seed, &mac(1), &source(1)), Standing::Unknown);
        history.add(&seed, &mac(1), source(1), 100, 50).unwrap();
        assert_eq!(history.standing(&seed, &mac(1), &source(1)), Standing::Pending);
        assert_eq!(history.standing(&seed, &mac(1), &source(2)), Standing::Refused);
        history.consume(&seed, &mac(1));
        assert_eq!(history.standing(&seed, &mac(1), &source(1)), Standing::Refused);
        assert_eq!(history.standing(&seed, &mac(1), &source(2)), Standing::Refused);
    }

    #[test]
    fn a_live_token_is_never_forgotten_for_another() {
        let (seed, mut history) = history();
        for number in 0..MAX_HISTORY as u64 {
            history.add(&seed, &mac(number), source(1), 100, 50).unwrap();
        }
        assert_eq!(history.add(&seed, &mac(u64::MAX), source(1), 100, 50), Err(Full));
        assert_eq!(history.add(&seed, &mac(u64::MAX), source(1), 100, 99), Err(Full));
        for number in 0..MAX_HISTORY as u64 {
            assert_eq!(history.standing(&seed, &mac(number), &source(1)), Standing::Pending);
        }
        history.add(&seed, &mac(u64::MAX), source(1), 200, 100).unwrap();
        assert_eq!(history.standing(&seed, &mac(0), &source(1)), Standing::Unknown);
        assert_eq!(history.standing(&seed, &mac(u64::MAX), &source(1)), Standing::Pending);
    }

    #[test]
    fn forgotten_tokens_stay_unusable_when_the_wall_clock_is_set_back() {
        let (seed, mut history) = history();
        for number in 0..MAX_HISTORY as u64 {
            history.add(&seed, &mac(number), source(1), 100, 50).unwrap();
        }
        assert!(!history.may_have_forgotten(100));
        history.add(&seed, &mac(u64::MAX), source(1), 200, 100).unwrap();
        assert!(history.may_have_forgotten(100));
        assert!(!history.may_have_forgotten(101));
    }
}
