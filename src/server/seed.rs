//! Hashes that an attacker cannot steer: SipHash-1-3 under a key drawn at every start.

use std::net::{IpAddr, SocketAddr};

use rand::TryCryptoRng;
use siphasher::sip::SipHasher13;

use crate::crypto::Mac;

const SEED_BYTES: usize = 16;

pub(super) struct Seed(SipHasher13);

impl Seed {
    pub(super) fn generate<R: TryCryptoRng>(random: &mut R) -> Result<Self, R::Error> {
        let mut key = [0; SEED_BYTES];
        random.try_fill_bytes(&mut key)?;
        Ok(Self(SipHasher13::new_with_key(&key)))
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::platform::random::SysRng;

    #[test]
    fn each_start_hashes_in_its_own_way() {
        let [one, other] = [(); 2].map(|()| Seed::generate(&mut SysRng).unwrap());
        let sources: [SocketAddr; 2] = ["10.0.0.1:40000".parse().unwrap(), "[2001:db8::1]:40000".parse().unwrap()];
        for source in sources {
            assert_eq!(one.of_source(&source), one.of_source(&source));
            assert_ne!(one.of_source(&source), other.of_source(&source));
        }
        assert_ne!(one.of_client_id(1), other.of_client_id(1));
        assert_ne!(one.of_mac(&[1; 16]), other.of_mac(&[1; 16]));
    }
}
