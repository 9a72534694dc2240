//! The recorded data of `tests/vectors`, as steps.

use std::path::Path;

use serde_json::Value;

use super::live::{address, decimal, id};
use super::{Case, addresses, connect_tokens};
use crate::hex;
use crate::object;
use crate::wire::{Session, Token};

/// The objects of `tests/vectors/NAME.json`.
pub(super) fn load(name: &str) -> Vec<Value> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("../tests/vectors/{name}.json"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    match serde_json::from_str(&text) {
        Ok(Value::Array(objects)) => objects,
        other => panic!("{}: not an array: {other:?}", path.display()),
    }
}

pub(super) fn text<'v>(value: &'v Value, key: &str) -> &'v str {
    value[key].as_str().unwrap_or_else(|| panic!("no text {key}"))
}

/// A number that may stand in a string.
pub(super) fn number(value: &Value, key: &str) -> u64 {
    match &value[key] {
        Value::String(text) => match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).expect("hexadecimal"),
            None => text.parse().expect("decimal"),
        },
        value => value.as_u64().unwrap_or_else(|| panic!("no number {key}")),
    }
}

pub(super) fn bytes(value: &Value, key: &str) -> Vec<u8> {
    hex::decode(text(value, key))
}

pub(super) fn array<const N: usize>(value: &Value, key: &str) -> [u8; N] {
    bytes(value, key).try_into().expect("the right size")
}

pub(super) fn list<'v>(value: &'v Value, key: &str) -> &'v [Value] {
    value[key].as_array().unwrap_or_else(|| panic!("no list {key}"))
}

/// A name as it can stand in an id.
pub(super) fn slug(name: &str) -> String {
    let words = name.split(|character: char| !character.is_ascii_alphanumeric()).filter(|word| !word.is_empty());
    words.collect::<Vec<_>>().join("-").to_lowercase()
}

/// Except those about which implementations are free.
pub(super) fn addresses() -> Vec<Case> {
    let entries = load("addresses").into_iter().enumerate().filter(|(_, entry)| entry.get("unspecified").is_none());
    let case = |(number, entry): (usize, Value)| {
        let expect = match entry["ok"].as_bool() {
            Some(true) => {
                let small = |key: &str| entry[key].as_i64().expect("a number");
                let numbers = |key: &str| list(&entry, key).iter().map(|n| n.as_u64().expect("a number"));
                let ip: Vec<u8> = match small("type") {
                    1 => numbers("ipv4").map(|octet| octet as u8).collect(),
                    _ => numbers("ipv6").flat_map(|group| (group as u16).to_be_bytes()).collect(),
                };
                object! {
                    "ok": true, "type": small("type"), "port": small("port"), "ip": ip, "text": text(&entry, "text"),
                }
            }
            _ => object! { "ok": false },
        };
        Case::new(format!("recorded-{number:03}"), "").recorded().step(addresses::parse(text(&entry, "input")), expect)
    };
    entries.map(case).collect()
}

pub(super) fn tokens() -> Vec<Case> {
    let case = |entry: Value| {
        let servers = |key: &str| -> Vec<_> {
            list(&entry, key).iter().map(|server| address_with_any_port(server.as_str().expect("text"))).collect()
        };
        let token = Token {
            private_key: array(&entry, "private_key"),
            session: Session {
                protocol_id: number(&entry, "protocol_id"),
                client_to_server: array(&entry, "client_to_server_key"),
                server_to_client: array(&entry, "server_to_client_key"),
            },
            client_id: number(&entry, "client_id"),
            create: number(&entry, "create_timestamp"),
            expire: number(&entry, "expire_timestamp"),
            nonce: array(&entry, "nonce"),
            timeout: entry["timeout_seconds"].as_i64().expect("a number") as i32,
            public: servers("public_addresses"),
            internal: servers("internal_addresses"),
            user_data: bytes(&entry, "user_data"),
        };
        assert!(token.bytes() == bytes(&entry, "token"), "the generator writes tokens as they were recorded");
        let name = text(&entry, "name");
        connect_tokens::whole(&format!("recorded-{}", slug(name)), name, &token).recorded()
    };
    load("tokens").into_iter().map(case).collect()
}

/// Without a port it is 0.
fn address_with_any_port(text: &str) -> std::net::SocketAddr {
    let ip = text.trim_matches(['[', ']']);
    match ip.parse::<std::net::IpAddr>() {
        Ok(ip) => (ip, 0).into(),
        Err(_) => address(text),
    }
}

/// The settings of a recorded run of the simulator, and what was delivered.
pub(super) fn simulator() -> Vec<Case> {
    let case = |entry: Value| {
        let float = |key: &str| entry[key].as_f64().expect("a number");
        let deliveries: Vec<_> = list(&entry, "deliveries")
            .iter()
            .map(|delivery| {
                let to = delivery[1].as_str().expect("A or B");
                format!("{}{to}{}", delivery[0], delivery[2])
            })
            .collect();
        let step = object! {
            "op": "simulate",
            "latency_milliseconds": float("latency_milliseconds"),
            "jitter_milliseconds": float("jitter_milliseconds"),
            "packet_loss_percent": float("packet_loss_percent"),
            "duplicate_packet_percent": float("duplicate_packet_percent"),
            "tick_seconds": float("tick_seconds"),
            "ticks": entry["ticks"].as_i64().expect("a number"),
            "sends": entry["sends"].as_i64().expect("a number"),
            "sends_per_tick": entry["sends_per_tick"].as_i64().expect("a number"),
        };
        let name = text(&entry, "name");
        let expect = object! { "deliveries": deliveries.join(" ") };
        Case::new(format!("recorded-{}", slug(name)), name).recorded().step(step, expect)
    };
    load("simulator").into_iter().map(case).collect()
}

/// What a recorded id or sequence is in the vectors.
pub(super) fn as_id(value: &Value, key: &str) -> crate::json::Json {
    id(number(value, key))
}

/// See [`as_id`].
pub(super) fn as_decimal(value: &Value, key: &str) -> crate::json::Json {
    decimal(number(value, key))
}
