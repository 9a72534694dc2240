//! Keys of handshakes that are under way, by the address that they came from.

use std::net::SocketAddr;

use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box;
use hashbrown::HashTable;

use super::seed::Seed;
use crate::UserData;
use crate::crypto::{Key, Mac};
use crate::packet::Request;
use crate::token::{PRIVATE_TOKEN_BYTES, PrivateToken, TokenSeal};

/// Most sources with keys at a time, connected clients included, whatever the number of slots.
pub const MAX_MAPPINGS: usize = 1024;

/// How often expired mappings are looked for, in seconds, so that their keys do not linger.
const SWEEP_INTERVAL: f64 = 1.0;

/// What a server remembers of a source from its connection request on, until a client is connected.
pub(super) struct Mapping {
    pub(super) source: SocketAddr,
    pub(super) client_id: u64,
    pub(super) timeout_seconds: i32,
    pub(super) client_to_server: Key,
    pub(super) server_to_client: Key,
    pub(super) user_data: UserData,
    /// The request that brought the token: the same again need not be decrypted.
    request: SealedToken,
    created: f64,
}

/// The private part of a connect token as it came in a request, with what authenticates it.
pub(super) struct SealedToken {
    pub(super) seal: TokenSeal,
    pub(super) data: [u8; PRIVATE_TOKEN_BYTES],
}

/// Each mapping has a place of its own on the heap, where its keys stay until they are wiped: a table
/// that grew would leave copies behind.
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
        if self.table.is_empty() {
            return None; // the usual case, also under a flood
        }
        let mapping = self.table.find(hash, |mapping| mapping.source == *source)?;
        mapping.is_live(now).then_some(&**mapping)
    }

    /// The mapping of a source, if it was brought by this very request.
    pub(super) fn brought_by(
        &mut self,
        hash: u64,
        source: &SocketAddr,
        request: &Request<'_>,
        now: f64,
    ) -> Option<&mut Mapping> {
        let mapping = self.table.find_mut(hash, |mapping| mapping.source == *source)?;
        (mapping.is_live(now) && mapping.request.is(request)).then_some(&mut **mapping)
    }

    /// Adds a mapping for a source, or renews the one it has with the keys of this token. Clients that
    /// are connected over the network take room, too.
    pub(super) fn add(
        &mut self,
        seed: &Seed,
        source: SocketAddr,
        token: &PrivateToken,
        request: &Request<'_>,
        now: f64,
        remote_clients: usize,
    ) -> Result<(), Full> {
        let mapping = Mapping {
            source,
            client_id: token.client_id,
            timeout_seconds: token.timeout_seconds,
            client_to_server: token.client_to_server.clone(),
            server_to_client: token.server_to_client.clone(),
            user_data: token.user_data,
            request: SealedToken { seal: request.seal, data: *request.private_data },
            created: now,
        };
        let hash = seed.of_source(&source);
        if let Some(renewed) = self.table.find_mut(hash, |other| other.source == source) {
            **renewed = mapping;
            return Ok(());
        }
        self.make_room(seed, now, remote_clients)?;
        let boxed = Box::try_new_in(mapping, self.allocator.clone()).map_err(|_| Full)?;
        self.table.insert_unique(hash, boxed, |mapping| seed.of_source(&mapping.source));
        Ok(())
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
    fn make_room(&mut self, seed: &Seed, now: f64, remote_clients: usize) -> Result<(), Full> {
        if self.table.len() + remote_clients >= MAX_MAPPINGS && self.swept != now {
            self.sweep(now);
        }
        if self.table.len() + remote_clients >= MAX_MAPPINGS {
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
    /// Has its timeout begin anew.
    pub(super) fn renew(&mut self, now: f64) {
        self.created = now;
    }

    /// The tag of the token.
    pub(super) fn mac(&self) -> Mac {
        PrivateToken::mac(&self.request.data)
    }

    fn is_live(&self, now: f64) -> bool {
        let timeout = self.timeout_seconds;
        timeout < 0 || self.created + f64::from(timeout) >= now
    }
}

impl SealedToken {
    fn is(&self, request: &Request<'_>) -> bool {
        self.seal == request.seal && self.data == *request.private_data
    }
}
