//! Connect tokens and challenge tokens, read back against their layout.

use std::net::SocketAddr;

use chacha20poly1305::aead::inout::InOutBuf;
use chacha20poly1305::{AeadInOut, KeyInit, XChaCha20Poly1305};
use netcode::client::Client;
use netcode::packet::{MAX_SEALED_BYTES, REQUEST_BYTES};
use netcode::token::{
    CHALLENGE_TOKEN_BYTES, CONNECT_TOKEN_BYTES, ChallengeToken, ConnectToken, InvalidPrivateToken, InvalidToken,
    PRIVATE_TOKEN_BYTES, PrivateToken, TokenSeal,
};
use netcode::{Key, MAC_BYTES, VERSION_INFO};

use crate::common::random::SeededRng;
use crate::common::tokens::{PROTOCOL_ID, TokenSpec, associated_data, private_key};
use crate::common::world::{EPOCH, client_address, server_address};
use crate::input::Input;
use crate::mutate::mutate;

/// Where the fields of a connect token's public part stand.
const CREATE: usize = VERSION_INFO.len() + 8;
const EXPIRE: usize = CREATE + 8;
const PUBLIC_SERVERS: usize = EXPIRE + 8 + 24 + PRIVATE_TOKEN_BYTES + 4;

/// And those of its private part.
const PRIVATE_SERVERS: usize = 8 + 4;

const KEYS_BYTES: usize = 2 * 32;
const USER_DATA_BYTES: usize = 256;
const PLAIN_BYTES: usize = PRIVATE_TOKEN_BYTES - MAC_BYTES;

/// Reads a connect token: any bytes, or a good token that the input has damaged.
pub(crate) fn public(data: &[u8]) {
    let mut input = Input::new(data);
    let mut bytes = match input.below(2) {
        0 => input.rest().to_vec(),
        _ => {
            let mut bytes = some_token(&mut input).write().to_vec();
            mutate_in_place(&mut input, &mut bytes);
            bytes
        }
    };
    bytes.resize(CONNECT_TOKEN_BYTES, 0);
    let bytes: &[u8; CONNECT_TOKEN_BYTES] = bytes[..].try_into().expect("resized");

    let number = |at: usize| u64::from_le_bytes(bytes[at..at + 8].try_into().expect("eight bytes"));
    let servers = servers(&bytes[PUBLIC_SERVERS..]);
    let read = ConnectToken::read(bytes);
    match (&read, servers) {
        (Err(InvalidToken::Version), _) => assert_ne!(bytes[..VERSION_INFO.len()], VERSION_INFO[..]),
        (Err(InvalidToken::Servers), servers) => assert_eq!(servers, None),
        (Err(InvalidToken::ExpiresBeforeCreation), _) => assert!(number(CREATE) > number(EXPIRE)),
        (Ok(token), Some((servers, servers_bytes))) => {
            assert_eq!(bytes[..VERSION_INFO.len()], VERSION_INFO[..]);
            assert!(number(CREATE) <= number(EXPIRE));
            assert_eq!(token.servers.as_slice(), servers);
            assert_eq!(token.lifetime(), number(EXPIRE) - number(CREATE));
            let used = PUBLIC_SERVERS + servers_bytes + KEYS_BYTES;
            let written = token.write();
            assert_eq!(written[..used], bytes[..used]);
            assert!(written[used..].iter().all(|byte| *byte == 0));
            assert_eq!(ConnectToken::read(&written).as_ref(), Ok(token));
        }
        (Ok(token), None) => panic!("{token:?} has no such servers"),
    }
    if let Ok(token) = read {
        show(token, &mut input);
    }
}

/// A client that comes with such a token asks its servers one after another, whatever it says.
fn show(token: ConnectToken, input: &mut Input<'_>) {
    let (mut client, mut out) = (Client::new(), [0; MAX_SEALED_BYTES]);
    let servers = token.servers.as_slice().to_vec();
    let _ = client.connect(token);
    let mut now = 0.0;
    for _ in 0..2 * servers.len() {
        now += f64::from(input.u16());
        client.advance(now);
        if let Some(transmit) = client.poll_transmit(&mut out) {
            assert_eq!(transmit.bytes, REQUEST_BYTES);
            assert!(servers.contains(&transmit.to));
        }
        let _ = client.poll_transition();
        client.settle();
    }
}

/// Opens the private part of a token: one damaged before it was sealed, or after, or not at all.
pub(crate) fn private(data: &[u8]) {
    let mut input = Input::new(data);
    let (before, after) = (input.one_in(2), input.one_in(3));
    let token = some_token(&mut input);
    let mut seal = token.seal;
    let mut plain = match input.below(4) {
        0 => input.bytes(PLAIN_BYTES).to_vec(),
        _ => open_plain(&token.private_data, &seal),
    };
    if before {
        mutate_in_place(&mut input, &mut plain);
    }
    plain.resize(PLAIN_BYTES, 0);
    let good = seal_plain(&plain, &seal);
    let mut sealed = good.to_vec();
    if after {
        mutate_in_place(&mut input, &mut sealed);
        match input.below(8) {
            0 => seal.expire_timestamp ^= 1 << input.below(64),
            1 => seal.protocol_id ^= 1 << input.below(64),
            2 => seal.nonce[input.below(24)] ^= 1 << input.below(8),
            _ => {}
        }
    }
    sealed.resize(PRIVATE_TOKEN_BYTES, 0);
    let sealed: [u8; PRIVATE_TOKEN_BYTES] = sealed[..].try_into().expect("resized");
    let authentic = sealed == good && seal == token.seal;

    let opened = PrivateToken::open(&sealed, &seal, &private_key());
    match (opened, servers(&plain[PRIVATE_SERVERS..])) {
        (Err(InvalidPrivateToken::Forged), _) => assert!(!authentic),
        (Err(InvalidPrivateToken::Malformed), servers) => assert!(authentic && servers.is_none()),
        (Ok(_), None) => panic!("there are no such servers"),
        (Ok(opened), Some((servers, servers_bytes))) => {
            assert!(authentic);
            assert_eq!(opened.servers.as_slice(), servers);
            // What is sealed again under another nonce has the same contents, less what nobody reads.
            let seal = TokenSeal { nonce: [0xaa; 24], ..seal };
            let again = open_plain(&opened.seal(&seal, &private_key()), &seal);
            let used = PRIVATE_SERVERS + servers_bytes + KEYS_BYTES + USER_DATA_BYTES;
            assert_eq!(again[..used], plain[..used]);
            assert!(again[used..].iter().all(|byte| *byte == 0));
        }
    }
}

/// Opens a challenge token, damaged or not, with the right number or another.
pub(crate) fn challenge(data: &[u8]) {
    let mut input = Input::new(data);
    let key = Key::new(std::array::from_fn(|index| index as u8));
    let (sequence, client_id) = (input.u64(), input.u64());
    let opened_sequence = if input.one_in(4) { input.u64() } else { sequence };
    let damaged = input.one_in(2);
    let mut user_data = [0; USER_DATA_BYTES];
    if input.one_in(2) {
        let given = input.bytes(USER_DATA_BYTES);
        user_data[..given.len()].copy_from_slice(given);
    }

    let good = ChallengeToken { client_id, user_data: &user_data }.seal(sequence, &key);
    let mut sealed = good.to_vec();
    if damaged {
        mutate_in_place(&mut input, &mut sealed);
    }
    sealed.resize(CHALLENGE_TOKEN_BYTES, 0);
    let mut sealed: [u8; CHALLENGE_TOKEN_BYTES] = sealed[..].try_into().expect("resized");
    let authentic = sealed == good && sequence == opened_sequence;
    let opened = ChallengeToken::open(&mut sealed, opened_sequence, &key);
    assert_eq!(opened, authentic.then_some(ChallengeToken { client_id, user_data: &user_data }));
}

/// A token as a backend might make it.
fn some_token(input: &mut Input<'_>) -> ConnectToken {
    let count = 1 + input.below(32);
    let servers: Vec<SocketAddr> = (0..count)
        .map(|number| if number % 3 == 1 { client_address(number) } else { server_address(number) })
        .collect();
    let mut spec = TokenSpec::new(input.u64(), &servers);
    spec.protocol_id = if input.one_in(4) { input.u64() } else { PROTOCOL_ID };
    spec.expire_seconds = if input.one_in(4) { input.u32() as i32 } else { 30 };
    spec.timeout_seconds = if input.one_in(4) { input.u32() as i32 } else { 5 };
    spec.issue(EPOCH, &mut SeededRng::new(1))
}

/// Damages bytes, often at the fields that decide.
fn mutate_in_place(input: &mut Input<'_>, bytes: &mut Vec<u8>) {
    let fields = [0, CREATE, EXPIRE, PUBLIC_SERVERS, PUBLIC_SERVERS + 4, PUBLIC_SERVERS + 11, PRIVATE_SERVERS];
    if input.one_in(2) {
        let at = fields[input.below(fields.len())] + input.below(8);
        let new = input.bytes(8);
        if let Some(field) = bytes.get_mut(at..at + new.len()) {
            field.copy_from_slice(new);
        }
    } else {
        mutate(input, bytes);
    }
}

/// What a private part says of its client.
pub(crate) struct Claims {
    pub(crate) client_id: u64,
    pub(crate) timeout_seconds: i32,
    pub(crate) servers: Vec<SocketAddr>,
    pub(crate) user_data: [u8; USER_DATA_BYTES],
}

impl Claims {
    /// Whether a challenge for the one is as good as a challenge for the other.
    pub(crate) fn same_client(&self, other: &Self) -> bool {
        self.client_id == other.client_id && self.user_data == other.user_data
    }
}

/// Reads a private part that is not sealed, unless it is senseless.
pub(crate) fn claims(plain: &[u8]) -> Option<Claims> {
    let (servers, servers_bytes) = servers(plain.get(PRIVATE_SERVERS..)?)?;
    let user_data = plain.get(PRIVATE_SERVERS + servers_bytes + KEYS_BYTES..)?;
    Some(Claims {
        client_id: u64::from_le_bytes(*plain.first_chunk()?),
        timeout_seconds: i32::from_le_bytes(*plain.get(8..)?.first_chunk()?),
        servers,
        user_data: *user_data.first_chunk()?,
    })
}

/// Puts the keys of a token where a server will look for them in a private part, if it can be read at all.
pub(crate) fn put_keys(plain: &mut [u8], token: &ConnectToken) {
    if let Some((_, servers_bytes)) = servers(&plain[PRIVATE_SERVERS..]) {
        let keys = [*token.client_to_server.as_bytes(), *token.server_to_client.as_bytes()].concat();
        plain[PRIVATE_SERVERS + servers_bytes..][..KEYS_BYTES].copy_from_slice(&keys);
    }
}

/// Reads a list of servers, and how many bytes it takes.
fn servers(bytes: &[u8]) -> Option<(Vec<SocketAddr>, usize)> {
    let word = |at: usize| Some(u16::from_le_bytes(bytes.get(at..at + 2)?.try_into().ok()?));
    let count = u32::from_le_bytes(bytes.get(..4)?.try_into().ok()?);
    if !(1..=32).contains(&count) {
        return None;
    }
    let (mut servers, mut at) = (Vec::new(), 4);
    for _ in 0..count {
        let address = match bytes.get(at)? {
            1 => {
                let ip: [u8; 4] = bytes.get(at + 1..at + 5)?.try_into().ok()?;
                at += 5;
                SocketAddr::from((ip, word(at)?))
            }
            2 => {
                let mut groups = [0; 8];
                for (index, group) in groups.iter_mut().enumerate() {
                    *group = word(at + 1 + 2 * index)?;
                }
                at += 17;
                SocketAddr::from((groups, word(at)?))
            }
            _ => return None,
        };
        servers.push(address);
        at += 2;
    }
    Some((servers, at))
}

/// Seals a private part with the cipher alone, whatever is in it.
pub(crate) fn seal_plain(plain: &[u8], seal: &TokenSeal) -> [u8; PRIVATE_TOKEN_BYTES] {
    let mut data = [0; PRIVATE_TOKEN_BYTES];
    let (text, tag) = data.split_last_chunk_mut::<MAC_BYTES>().expect("longer than a tag");
    text.copy_from_slice(plain);
    let cipher = XChaCha20Poly1305::new(private_key().as_bytes().into());
    let sealed = cipher.encrypt_inout_detached((&seal.nonce).into(), &associated_data(seal), InOutBuf::from(text));
    *tag = sealed.expect("short enough").into();
    data
}

/// Opens a private part with the cipher alone.
pub(crate) fn open_plain(sealed: &[u8; PRIVATE_TOKEN_BYTES], seal: &TokenSeal) -> Vec<u8> {
    let (text, tag) = sealed.split_last_chunk::<MAC_BYTES>().expect("longer than a tag");
    let mut plain = text.to_vec();
    let cipher = XChaCha20Poly1305::new(private_key().as_bytes().into());
    let text = InOutBuf::from(&mut plain[..]);
    cipher
        .decrypt_inout_detached((&seal.nonce).into(), &associated_data(seal), text, tag.into())
        .expect("it is authentic");
    plain
}
