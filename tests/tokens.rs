//! Connect tokens: the recorded ones, and what makes a token invalid.

mod common;

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, Tag, XChaCha20Poly1305};
use netcode::token::{
    CONNECT_TOKEN_BYTES, ConnectToken, GenerateError, InvalidPrivateToken, InvalidToken, PRIVATE_TOKEN_BYTES,
    PrivateToken, ServerList, TokenRequest, TokenSeal,
};
use netcode::{Key, MAC_BYTES, VERSION_INFO};

use common::random::{Dry, DryingRng, SeededRng};
use common::tokens::{PROTOCOL_ID, TokenSpec, associated_data, private_key, senseless_private_part};
use common::vectors::{Entry, Vectors};
use common::world::{EPOCH, server_address};

/// Where the parts of a token begin (standard, "Connect Token").
mod layout {
    use std::ops::Range;

    pub(crate) const VERSION: usize = 0;
    pub(crate) const CREATE_TIMESTAMP: usize = 21;
    pub(crate) const EXPIRE_TIMESTAMP: usize = 29;
    pub(crate) const PRIVATE: Range<usize> = 61..1085;
    pub(crate) const SERVER_COUNT: usize = 1089;
    pub(crate) const FIRST_SERVER: usize = 1093;
    pub(crate) const IPV4_BYTES: usize = 7;
    pub(crate) const IPV6_BYTES: usize = 19;
}

/// A recorded token, and what the recording says is in it.
struct Recorded<'a> {
    entry: Entry<'a>,
    bytes: [u8; CONNECT_TOKEN_BYTES],
    private_key: Key,
    seal: TokenSeal,
}

impl<'a> Recorded<'a> {
    fn new(entry: Entry<'a>) -> Self {
        let seal = TokenSeal {
            protocol_id: entry.number("protocol_id"),
            expire_timestamp: entry.number("expire_timestamp"),
            nonce: entry.array("nonce"),
        };
        Self { entry, bytes: entry.array("token"), private_key: Key::new(entry.array("private_key")), seal }
    }

    fn private_data(&self) -> [u8; PRIVATE_TOKEN_BYTES] {
        self.bytes[layout::PRIVATE].try_into().unwrap()
    }

    fn key(&self, name: &str) -> Key {
        Key::new(self.entry.array(name))
    }

    /// The private token made of the recorded fields.
    fn private_token(&self) -> PrivateToken {
        PrivateToken {
            client_id: self.entry.number("client_id"),
            timeout_seconds: self.entry.signed("timeout_seconds"),
            servers: ServerList::new(&self.entry.addresses("internal_addresses")).unwrap(),
            client_to_server: self.key("client_to_server_key"),
            server_to_client: self.key("server_to_client_key"),
            user_data: self.entry.array("user_data"),
        }
    }

    /// The token made of the recorded fields.
    fn connect_token(&self) -> ConnectToken {
        ConnectToken {
            create_timestamp: self.entry.number("create_timestamp"),
            seal: self.seal,
            private_data: self.private_token().seal(&self.seal, &self.private_key),
            timeout_seconds: self.entry.signed("timeout_seconds"),
            servers: ServerList::new(&self.entry.addresses("public_addresses")).unwrap(),
            client_to_server: self.key("client_to_server_key"),
            server_to_client: self.key("server_to_client_key"),
        }
    }

    /// Opens the private part as a server would that was shown these public parts of it.
    fn open(&self, data: [u8; PRIVATE_TOKEN_BYTES], seal: &TokenSeal) -> Result<PrivateToken, InvalidPrivateToken> {
        PrivateToken::open(&data, seal, &self.private_key)
    }
}

fn for_each_recorded_token(check: impl Fn(&Recorded<'_>)) {
    let vectors = Vectors::load("tokens");
    let entries = vectors.entries();
    assert!(!entries.is_empty());
    for entry in entries {
        println!("{}", entry.text("name"));
        check(&Recorded::new(entry));
    }
}

fn a_token() -> [u8; CONNECT_TOKEN_BYTES] {
    TokenSpec::new(1, &[server_address(0)]).issue(EPOCH, &mut SeededRng::new(1)).write()
}

/// A token that has been tampered with.
fn tampered(tamper: impl FnOnce(&mut [u8; CONNECT_TOKEN_BYTES])) -> Result<ConnectToken, InvalidToken> {
    let mut token = a_token();
    tamper(&mut token);
    ConnectToken::read(&token)
}

#[test]
fn reading_a_recorded_token_gives_the_recorded_values() {
    for_each_recorded_token(|recorded| {
        let token = ConnectToken::read(&recorded.bytes).unwrap();
        assert_eq!(token, recorded.connect_token());
        assert_eq!(token.private_data, recorded.private_data());
    });
}

#[test]
fn the_private_part_of_a_recorded_token_opens_to_the_recorded_values() {
    for_each_recorded_token(|recorded| {
        let private = recorded.open(recorded.private_data(), &recorded.seal).unwrap();
        assert_eq!(private, recorded.private_token());
    });
}

#[test]
fn the_recorded_fields_make_the_recorded_bytes() {
    for_each_recorded_token(|recorded| {
        assert_eq!(recorded.connect_token().write(), recorded.bytes);
    });
}

/// By the cipher alone, so that the layout of the private part is not the library's own word.
#[test]
fn what_is_sealed_in_the_private_part_is_the_recorded_text() {
    for_each_recorded_token(|recorded| {
        let mut data = recorded.private_token().seal(&recorded.seal, &recorded.private_key);
        let (text, tag) = data.split_last_chunk_mut::<MAC_BYTES>().unwrap();
        let cipher = XChaCha20Poly1305::new(recorded.private_key.as_bytes().into());
        let (nonce, associated) = ((&recorded.seal.nonce).into(), associated_data(&recorded.seal));
        cipher.decrypt_inout_detached(nonce, &associated, InOutBuf::from(&mut *text), &Tag::from(*tag)).unwrap();
        assert_eq!(*text, recorded.entry.bytes("private_plain"));
    });
}

#[test]
fn no_bit_of_what_authenticates_a_token_can_be_changed() {
    for_each_recorded_token(|recorded| {
        let seal = recorded.seal;
        for bit in 0..u64::BITS {
            let protocol_id = seal.protocol_id ^ 1 << bit;
            let expire_timestamp = seal.expire_timestamp ^ 1 << bit;
            for changed in [TokenSeal { protocol_id, ..seal }, TokenSeal { expire_timestamp, ..seal }] {
                assert_eq!(recorded.open(recorded.private_data(), &changed), Err(InvalidPrivateToken::Forged));
            }
        }
        for bit in 0..seal.nonce.len() * 8 {
            let mut changed = seal;
            changed.nonce[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(recorded.open(recorded.private_data(), &changed), Err(InvalidPrivateToken::Forged));
        }
    });
}

#[test]
fn no_bit_of_the_private_part_can_be_changed() {
    for_each_recorded_token(|recorded| {
        for bit in 0..PRIVATE_TOKEN_BYTES * 8 {
            let mut changed = recorded.private_data();
            changed[bit / 8] ^= 1 << (bit % 8);
            assert_eq!(recorded.open(changed, &recorded.seal), Err(InvalidPrivateToken::Forged), "bit {bit}");
        }
    });
}

#[test]
fn no_bit_of_the_version_can_be_changed() {
    for bit in 0..VERSION_INFO.len() * 8 {
        let read = tampered(|token| token[layout::VERSION + bit / 8] ^= 1 << (bit % 8));
        assert_eq!(read, Err(InvalidToken::Version), "bit {bit}");
    }
}

#[test]
fn the_private_part_opens_under_its_own_key_only() {
    for_each_recorded_token(|recorded| {
        let mut key = *recorded.private_key.as_bytes();
        key[31] ^= 0x80;
        let opened = PrivateToken::open(&recorded.private_data(), &recorded.seal, &Key::new(key));
        assert_eq!(opened, Err(InvalidPrivateToken::Forged));
    });
}

#[test]
fn a_token_may_expire_when_it_is_made_but_not_before() {
    let expiring_at = |expire_timestamp: u64| {
        tampered(|token| {
            token[layout::CREATE_TIMESTAMP..][..8].copy_from_slice(&1000u64.to_le_bytes());
            token[layout::EXPIRE_TIMESTAMP..][..8].copy_from_slice(&expire_timestamp.to_le_bytes());
        })
    };
    assert_eq!(expiring_at(999), Err(InvalidToken::ExpiresBeforeCreation));
    assert_eq!(expiring_at(1000).map(|token| token.lifetime()), Ok(0));
    assert_eq!(expiring_at(1045).map(|token| token.lifetime()), Ok(45));
    assert_eq!(expiring_at(u64::MAX).map(|token| token.lifetime()), Ok(u64::MAX - 1000));
}

#[test]
fn a_token_names_1_to_32_servers() {
    let naming = |count: u32| {
        tampered(|token| {
            token[layout::SERVER_COUNT..][..4].copy_from_slice(&count.to_le_bytes());
            // So that it is the number alone that counts, there are addresses all the way.
            for address in token[layout::FIRST_SERVER..].chunks_mut(layout::IPV4_BYTES) {
                address.fill(1);
            }
        })
        .map(|token| token.servers.as_slice().len())
    };
    assert_eq!(naming(1), Ok(1));
    assert_eq!(naming(32), Ok(32));
    for count in [0, 33, 34, 0x100, 0x1_0000, 0x1_0001, 1 << 31, u32::MAX] {
        assert_eq!(naming(count), Err(InvalidToken::Servers), "{count} servers");
    }
}

#[test]
fn an_address_is_ipv4_or_ipv6() {
    for kind in 0..=u8::MAX {
        let read = tampered(|token| token[layout::FIRST_SERVER] = kind);
        assert_eq!(read.is_ok(), kind == 1 || kind == 2, "type {kind}");
    }
}

#[test]
fn every_address_of_a_token_is_checked() {
    let mut spec = TokenSpec::new(1, &[]);
    spec.servers = vec!["[2001:db8::1]:40000".parse().unwrap(); 32];
    let token = spec.issue(EPOCH, &mut SeededRng::new(1)).write();
    for number in 0..32 {
        let mut changed = token;
        changed[layout::FIRST_SERVER + number * layout::IPV6_BYTES] = 3;
        assert_eq!(ConnectToken::read(&changed), Err(InvalidToken::Servers), "address {number}");
    }
}

#[test]
fn a_private_part_whose_contents_make_no_sense_is_not_taken_for_a_forgery() {
    let seal = TokenSeal { protocol_id: PROTOCOL_ID, expire_timestamp: EPOCH, nonce: [9; 24] };
    let data = senseless_private_part(&seal);
    assert_eq!(PrivateToken::open(&data, &seal, &private_key()), Err(InvalidPrivateToken::Malformed));
}

#[test]
fn what_a_backend_puts_in_a_token_comes_out_again() {
    let public = [server_address(0), "[2001:db8::5]:40001".parse().unwrap()];
    let internal = ["192.168.0.1:5".parse().unwrap(), "[fd00::1]:6".parse().unwrap()];
    let request = TokenRequest {
        protocol_id: 0xdead_beef,
        client_id: u64::MAX,
        expire_seconds: 45,
        timeout_seconds: -7,
        public_addresses: &public,
        internal_addresses: &internal,
        user_data: &[0xab; 256],
    };
    let token = request.generate(&private_key(), EPOCH, &mut SeededRng::new(5)).unwrap();
    let token = ConnectToken::read(&token).unwrap();
    assert_eq!((token.seal.protocol_id, token.create_timestamp), (0xdead_beef, EPOCH));
    assert_eq!((token.seal.expire_timestamp, token.timeout_seconds), (EPOCH + 45, -7));
    assert_eq!(token.servers.as_slice(), public);

    let private = PrivateToken::open(&token.private_data, &token.seal, &private_key()).unwrap();
    assert_eq!((private.client_id, private.timeout_seconds), (u64::MAX, -7));
    assert_eq!(private.servers.as_slice(), internal);
    assert_eq!(private.user_data, [0xab; 256]);
    assert_eq!(private.client_to_server, token.client_to_server);
    assert_eq!(private.server_to_client, token.server_to_client);
    assert_ne!(token.client_to_server, token.server_to_client);
}

#[test]
fn a_negative_lifetime_is_for_ever() {
    let mut random = SeededRng::new(1);
    for seconds in [-1, i32::MIN] {
        let token = TokenSpec::new(1, &[server_address(0)]).expiring_in(seconds).issue(EPOCH, &mut random);
        assert_eq!(token.seal.expire_timestamp, u64::MAX);
    }
    // However late it is, the sum does not wrap to a time that is long past.
    let token = TokenSpec::new(1, &[server_address(0)]).expiring_in(30).issue(u64::MAX - 1, &mut random);
    assert_eq!(token.seal.expire_timestamp, u64::MAX);
}

#[test]
fn tokens_have_nonces_and_keys_of_their_own() {
    let mut random = SeededRng::new(1);
    let spec = TokenSpec::new(1, &[server_address(0)]);
    let (one, other) = (spec.issue(EPOCH, &mut random), spec.issue(EPOCH, &mut random));
    assert_eq!(random.drawn(), 2 * (24 + 32 + 32));
    assert_ne!(one.seal.nonce, other.seal.nonce);
    assert_ne!(one.client_to_server, other.client_to_server);
    assert_ne!(one.server_to_client, other.server_to_client);
    assert_ne!(one.private_data, other.private_data);
}

#[test]
fn a_backend_names_1_to_32_servers_each_with_both_addresses() {
    let generate = |public: usize, internal: usize| {
        let addresses = vec![server_address(0); 33];
        let request = TokenRequest {
            protocol_id: PROTOCOL_ID,
            client_id: 1,
            expire_seconds: 30,
            timeout_seconds: 5,
            public_addresses: &addresses[..public],
            internal_addresses: &addresses[..internal],
            user_data: &[0; 256],
        };
        request.generate(&private_key(), EPOCH, &mut SeededRng::new(1)).map(|_| ())
    };
    assert_eq!(generate(1, 1), Ok(()));
    assert_eq!(generate(32, 32), Ok(()));
    for (public, internal) in [(0, 0), (33, 33), (0, 1), (1, 0), (2, 1), (32, 33)] {
        assert_eq!(generate(public, internal), Err(GenerateError::ServerCount), "{public} and {internal}");
    }
}

#[test]
fn no_token_is_made_without_randomness() {
    let servers = [server_address(0)];
    let request = TokenRequest {
        protocol_id: PROTOCOL_ID,
        client_id: 1,
        expire_seconds: 30,
        timeout_seconds: 5,
        public_addresses: &servers,
        internal_addresses: &servers,
        user_data: &[0; 256],
    };
    // A nonce, and both keys at once.
    for draws in 0..2 {
        let generated = request.generate(&private_key(), EPOCH, &mut DryingRng::after(draws));
        assert_eq!(generated, Err(GenerateError::Random(Dry)), "after {draws} draws");
    }
    assert!(request.generate(&private_key(), EPOCH, &mut DryingRng::after(2)).is_ok());
}
