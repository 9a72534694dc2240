//! Connect tokens.

use super::live::{PROTOCOL_ID, SERVER, address, decimal, id, private_key};
use super::{Case, recorded};
use crate::json::Json;
use crate::object;
use crate::random::Random;
use crate::wire::{NEVER, Token};

const CREATE_AT: usize = 21;
const COUNT_AT: usize = 1089;
const ADDRESSES_AT: usize = 1093;

pub(super) fn cases() -> Vec<Case> {
    let mut cases = recorded::tokens();
    let wide = draw("wide", |token| {
        token.public = (0..32u16).map(|n| format!("[2001:db8::{n:x}:1]:{}", 40000 + n).parse().unwrap()).collect();
        token.internal =
            token.public.iter().map(|public| address(&format!("10.0.0.{}:1", public.port() % 256))).collect();
        token.timeout = -1;
    });
    cases.push(whole("32-servers", "as many servers as there may be, with other addresses inside", &wide));
    let brief = draw("brief", |token| (token.create, token.expire) = (1_800_000_000, 1_800_000_000));
    cases.push(whole("expires-when-made", "it may expire in the second in which it was made", &brief));
    let extreme = draw("extreme", |token| {
        (token.client_id, token.session.protocol_id, token.create, token.expire, token.timeout) =
            (u64::MAX, u64::MAX, NEVER, NEVER, i32::MIN);
    });
    cases.push(whole("largest-numbers", "", &extreme));
    cases.extend(unreadable());
    cases.extend(unopened());
    cases
}

/// A token that is written, read, accepted by a client, and opened by a server.
pub(super) fn whole(id: &str, note: &str, token: &Token) -> Case {
    let servers =
        |list: &[std::net::SocketAddr]| -> Json { list.iter().map(text).collect::<Vec<_>>().join(" ").into() };
    let session = token.session;
    let protocol_id = || self::id(session.protocol_id);
    let seal = object! {
        "op": "seal_connect_token",
        "private_key": token.private_key,
        "protocol_id": protocol_id(),
        "client_id": self::id(token.client_id),
        "create_timestamp": decimal(token.create),
        "expire_timestamp": decimal(token.expire),
        "nonce": token.nonce,
        "timeout_seconds": token.timeout,
        "public_servers": servers(&token.public),
        "internal_servers": servers(&token.internal),
        "client_to_server_key": session.client_to_server,
        "server_to_client_key": session.server_to_client,
        "user_data": &token.user_data[..],
    };
    let public = object! {
        "ok": true,
        "protocol_id": protocol_id(),
        "create_timestamp": decimal(token.create),
        "expire_timestamp": decimal(token.expire),
        "nonce": token.nonce,
        "private_data": token.private(),
        "timeout_seconds": token.timeout,
        "servers": servers(&token.public),
        "client_to_server_key": session.client_to_server,
        "server_to_client_key": session.server_to_client,
    };
    let private = object! {
        "ok": true,
        "client_id": self::id(token.client_id),
        "timeout_seconds": token.timeout,
        "servers": servers(&token.internal),
        "client_to_server_key": session.client_to_server,
        "server_to_client_key": session.server_to_client,
        "user_data": &token.user_data[..],
    };
    let shown = object! {
        "state": 1,
        "server": text(&token.public[0]),
        "states": vec![super::live::change(0, 1, 0, 0)],
    };
    Case::new(id, note)
        .step(seal, object! { "token": token.bytes() })
        .step(object! { "op": "read_connect_token", "token": token.bytes() }, public)
        .step(open(token, &token.private()), private)
        .step(object! { "op": "client_create", "address": "10.0.1.1:50000", "time": 0.0 }, object! { "state": 0 })
        .step(object! { "op": "client_connect", "token": token.bytes() }, shown)
}

/// As the library writes addresses: a port of 0 is left out.
fn text(address: &std::net::SocketAddr) -> String {
    match address {
        std::net::SocketAddr::V6(v6) if v6.port() == 0 => v6.ip().to_string(),
        std::net::SocketAddr::V4(v4) if v4.port() == 0 => v4.ip().to_string(),
        other => other.to_string(),
    }
}

fn draw(name: &str, change: impl FnOnce(&mut Token)) -> Token {
    let mut token = Token::draw(&mut Random::named(name), private_key(), PROTOCOL_ID, &[address(SERVER)]);
    change(&mut token);
    token
}

fn open(token: &Token, data: &[u8]) -> Json {
    object! {
        "op": "open_private_token",
        "private_key": token.private_key,
        "protocol_id": id(token.session.protocol_id),
        "expire_timestamp": decimal(token.expire),
        "nonce": token.nonce,
        "data": data,
    }
}

/// Tokens that a client refuses, by the order in which they are read.
fn unreadable() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut refused = |id: &str, note: &str, reason: &str, change: &dyn Fn(&mut Vec<u8>)| {
        let mut token = draw(id, |token| token.public.push(address("[::1]:40001"))).bytes();
        change(&mut token);
        let read = object! { "op": "read_connect_token", "token": &token[..] };
        let shown = object! { "state": -5, "server": "", "states": vec![super::live::change(0, -5, 0, 0)] };
        cases.push(
            Case::new(id, note)
                .step(read, object! { "ok": false, "reason": reason })
                .step(
                    object! { "op": "client_create", "address": "10.0.1.1:50000", "time": 0.0 },
                    object! { "state": 0 },
                )
                .step(object! { "op": "client_connect", "token": &token[..] }, shown)
                .step(object! { "op": "client_update", "time": 1.0 }, object! { "state": -5 }),
        );
    };
    for byte in 0..13 {
        refused(&format!("version-byte-{byte}"), "another version", "version", &|token| token[byte] ^= 1);
    }
    let expired = |token: &mut [u8]| {
        let (create, expire) = (11u64.to_le_bytes(), 10u64.to_le_bytes());
        token[CREATE_AT..CREATE_AT + 16].copy_from_slice(&[create, expire].concat());
    };
    let note = "create timestamp later than expire timestamp";
    refused("expires-before-creation", note, "expires_before_creation", &|token| expired(token));
    let note = "the version says what the rest means";
    refused("version-and-expires-before-creation", note, "version", &|token| {
        token[9] ^= 1;
        expired(token);
    });
    let (note, either) = ("in any order: the state is the same", "expires_before_creation|servers");
    refused("expires-before-creation-and-33-servers", note, either, &|token| {
        token[COUNT_AT] = 33;
        expired(token);
    });
    for count in [0u32, 33, 256, u32::MAX] {
        refused(&format!("{count}-servers"), "1 to 32 servers", "servers", &|token| {
            token[COUNT_AT..COUNT_AT + 4].copy_from_slice(&count.to_le_bytes());
        });
    }
    for kind in [0u8, 3, 255] {
        refused(&format!("address-type-{kind}"), "1 is IPv4, 2 is IPv6", "servers", &|token| {
            token[ADDRESSES_AT] = kind
        });
    }
    refused("second-address-type-0", "every address is looked at", "servers", &|token| token[ADDRESSES_AT + 7] = 0);
    cases
}

/// Private parts that a server refuses.
fn unopened() -> Vec<Case> {
    let mut cases = Vec::new();
    let token = draw("private part", |_| {});
    let mut refused = |id: &str, reason: &str, claimed: &Token, data: &[u8]| {
        cases.push(Case::new(id, "").step(open(claimed, data), object! { "ok": false, "reason": reason }));
    };
    let private = token.private();
    for byte in [0, 500, 1007, 1008, 1023] {
        let mut data = private.clone();
        data[byte] ^= 0x10;
        refused(&format!("private-byte-{byte}-changed"), "forged", &token, &data);
    }
    let but = |change: &dyn Fn(&mut Token)| {
        let mut other = token.clone();
        change(&mut other);
        other
    };
    refused("other-private-key", "forged", &but(&|token| token.private_key[0] ^= 1), &private);
    refused("other-protocol-id", "forged", &but(&|token| token.session.protocol_id ^= 1), &private);
    refused("other-expiry", "forged", &but(&|token| token.expire -= 1), &private);
    refused("other-nonce", "forged", &but(&|token| token.nonce[23] ^= 1), &private);

    let plain = token.private_plain();
    let authentic = |at: usize, bytes: &[u8]| {
        let mut plain = plain.clone();
        plain[at..at + bytes.len()].copy_from_slice(bytes);
        token.seal_private(&plain)
    };
    refused("private-0-servers", "malformed", &token, &authentic(12, &0u32.to_le_bytes()));
    refused("private-33-servers", "malformed", &token, &authentic(12, &33u32.to_le_bytes()));
    refused("private-address-type-0", "malformed", &token, &authentic(16, &[0]));
    refused("private-address-type-3", "malformed", &token, &authentic(16, &[3]));
    cases
}
