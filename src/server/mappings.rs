//! Keys of handshakes that are under way, by the address that they came from.

use std::net::SocketAddr;

use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box;
use hashbrown::HashTable;

use super::seed::Seed;
use crate::crypto::Mac;
use crate::token::PrivateToken;

/// Most sources with keys at a time, connected clients included, whatever the number of slots.
pub const MAX_MAPPINGS: usize = 1024;

/// How often expired mappings are looked for, in seconds, so that their keys do not linger.
const SWEEP_INTERVAL: f64 = 1.0;

/// What a server remembers of a source from its connection request on, until a client is connected.
pub(super) struct Mapping {
    pub(super) source: SocketAddr,
    pub(super) token: PrivateToken,
    pub(super) mac: Mac,
    created: f64,
}

/// Each mapping has a place of its own on the heap, so that keys never move in memory.
pub(super) struct Mappings<A: Allocator> {
    table: HashTable<Box<Mapping, A>, A>,
    allocator: A,
    swept: f64,
}

/// There is no room for another mapping.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Full;

impl<A: Allocator + Clone> Mappings<A> {
    pub(super) fn new_in(allocator: A) -> Self {
        Self { table: HashTable::new_in(allocator.clone()), allocator, swept: f64::NEG_INFINITY }
    }

    /// The mapping of a source, if it has one that has not expired. `hash` is the source's.
    pub(super) fn find(&self, hash: u64, source: &SocketAddr, now: f64) -> Option<&Mapping> {
        let mapping = self.table.find(hash, |mapping| mapping.source == *source)?;
        mapping.is_live(now).then_some(&**mapping)
    }

    /// Adds a mapping for a source, or renews the one it has with the keys of this token. `connected`
    /// clients take room, too.
    pub(super) fn add(
        &mut self,
        seed: &Seed,
        source: SocketAddr,
        token: PrivateToken,
        mac: Mac,
        now: f64,
        connected: usize,
    ) -> Result<&Mapping, Full> {
        let mapping = Mapping { source, token, mac, created: now };
        let hash = seed.of_source(&source);
        if self.table.find(hash, |other| other.source == source).is_none() {
            self.make_room(seed, now, connected)?;
        }
        match self.table.find_entry(hash, |other| other.source == source) {
            Ok(entry) => {
                let renewed = entry.into_mut();
                **renewed = mapping;
                Ok(renewed)
            }
            Err(absent) => {
                let boxed = Box::try_new_in(mapping, self.allocator.clone()).map_err(|_| Full)?;
                let rehash = |mapping: &Box<Mapping, A>| seed.of_source(&mapping.source);
                Ok(absent.into_table().insert_unique(hash, boxed, rehash).into_mut())
            }
        }
    }

    /// Takes the mapping of a source out.
    pub(super) fn take(&mut self, hash: u64, source: &SocketAddr) -> Option<Box<Mapping, A>> {
        let entry = self.table.find_entry(hash, |mapping| mapping.source == *source).ok()?;
        Some(entry.remove().0)
    }

    /// Lets go of expired mappings now and then.
    pub(super) fn sweep_at_times(&mut self, now: f64) {
        if now >= self.swept + SWEEP_INTERVAL {
            self.sweep(now);
        }
    }

    /// The clock has gone back: lets no mapping lie in the future.
    pub(super) fn clamp_times(&mut self, now: f64) {
        self.swept = self.swept.min(now);
        for mapping in self.table.iter_mut() {
            mapping.created = mapping.created.min(now);
        }
    }

    /// Sees to it that one more entry fits without allocating.
    fn make_room(&mut self, seed: &Seed, now: f64, connected: usize) -> Result<(), Full> {
        if self.table.len() + connected >= MAX_MAPPINGS && self.swept != now {
            self.sweep(now);
        }
        if self.table.len() + connected >= MAX_MAPPINGS {
            return Err(Full);
        }
        self.table.try_reserve(1, |mapping| seed.of_source(&mapping.source)).map_err(|_| Full)
    }

    fn sweep(&mut self, now: f64) {
        self.swept = now;
        self.table.retain(|mapping| mapping.is_live(now));
    }
}

impl Mapping {
    fn is_live(&self, now: f64) -> bool {
        let timeout = self.token.timeout_seconds;
        timeout < 0 || self.created + f64::from(timeout) >= now
    }
}
