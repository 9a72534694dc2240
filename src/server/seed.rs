//! Hashes that an attacker cannot steer: SipHash-1-3 under a key drawn at every start.

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
        let port = source.port().to_le_bytes();
        match source.ip() {
            IpAddr::V4(ip) => {
                let [a, b, c, d] = ip.octets();
                self.0.hash(&[a, b, c, d, port[0], port[1]])
            }
            IpAddr::V6(ip) => {
                let mut bytes = [0; 16 + 2];
                bytes[..16].copy_from_slice(&ip.octets());
                bytes[16..].copy_from_slice(&port);
                self.0.hash(&bytes)
            }
        }
    }

    pub(super) fn of_client_id(&self, client_id: u64) -> u64 {
        self.0.hash(&client_id.to_le_bytes())
    }

    pub(super) fn of_mac(&self, mac: &Mac) -> u64 {
        self.0.hash(mac)
    }
}
