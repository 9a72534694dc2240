//! Hashes that an attacker cannot steer: SipHash-1-3 under a key drawn at every start.

use std::hash::Hasher;
use std::net::{IpAddr, SocketAddr};

use siphasher::sip::SipHasher13;

use crate::crypto::Mac;

pub(super) const SEED_BYTES: usize = 16;

pub(super) struct Seed(SipHasher13);

impl Seed {
    pub(super) fn new(key: &[u8; SEED_BYTES]) -> Self {
        Self(SipHasher13::new_with_key(key))
    }

    pub(super) fn of_source(&self, source: &SocketAddr) -> u64 {
        let mut hasher = self.0;
        match source.ip() {
            // As one word: this is on the way of every packet.
            IpAddr::V4(ip) => hasher.write_u64(u64::from(u32::from(ip)) << 16 | u64::from(source.port())),
            IpAddr::V6(ip) => {
                hasher.write(&ip.octets());
                hasher.write_u16(source.port());
            }
        }
        hasher.finish()
    }

    pub(super) fn of_client_id(&self, client_id: u64) -> u64 {
        let mut hasher = self.0;
        hasher.write_u64(client_id);
        hasher.finish()
    }

    pub(super) fn of_mac(&self, mac: &Mac) -> u64 {
        self.0.hash(mac)
    }
}
