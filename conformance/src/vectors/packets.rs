//! Packets by themselves: what is written, and what is read, before anybody asks who may send it when.

use super::Case;
use super::live::{PROTOCOL_ID, SERVER, address, decimal, id, private_key};
use crate::json::Json;
use crate::object;
use crate::random::Random;
use crate::wire::{self, CHALLENGE, DENIED, DISCONNECT, KEEP_ALIVE, Key, PAYLOAD, RESPONSE, Token};

const TYPES: [(u8, &str); 6] = [
    (DENIED, "denied"),
    (CHALLENGE, "challenge"),
    (RESPONSE, "response"),
    (KEEP_ALIVE, "keep-alive"),
    (PAYLOAD, "payload"),
    (DISCONNECT, "disconnect"),
];

pub(super) fn packets() -> Vec<Case> {
    let mut cases = vec![request()];
    cases.extend(unread_requests());
    for (kind, name) in TYPES {
        cases.push(both_ways(name, kind, 1000, &contents(kind)));
    }
    for size in [1, 2, 15, 16, 17, 1199, 1200] {
        let plain = Random::named("payload").bytes(size);
        cases.push(both_ways(&format!("payload-{size}"), PAYLOAD, 7, &plain));
    }
    cases.extend(refused());
    cases
}

pub(super) fn sequences() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut edges = vec![0, 1, 1000];
    for bytes in 1..8u32 {
        edges.extend([(1u64 << (8 * bytes)) - 1, 1 << (8 * bytes)]);
    }
    edges.extend([1 << 63, u64::MAX]);
    for sequence in edges {
        cases.push(both_ways(&format!("number-{sequence}"), KEEP_ALIVE, sequence, &contents(KEEP_ALIVE)));
    }
    for bytes in 2..=8u8 {
        let prefix = bytes << 4 | KEEP_ALIVE;
        let data = wire::packet_with_prefix(PROTOCOL_ID, &key(), prefix, 5, &contents(KEEP_ALIVE));
        let case = Case::new(format!("five-in-{bytes}-bytes"), "leading zeros are not written, but they are read")
            .step(open(PROTOCOL_ID, &key(), &data), opened(KEEP_ALIVE, 5, &contents(KEEP_ALIVE)));
        cases.push(case);
    }
    cases
}

/// The key of packets that stand by themselves.
fn key() -> Key {
    Random::named("the key of a packet").array()
}

/// Contents of the right size.
pub(super) fn contents(kind: u8) -> Vec<u8> {
    let size = match kind {
        DENIED | DISCONNECT => 0,
        CHALLENGE | RESPONSE => 308,
        KEEP_ALIVE => 8,
        _ => 33,
    };
    Random::named("contents").bytes(size)
}

/// Numbers of sequence bytes that no packet has.
pub(super) const WRONG_SEQUENCE_BYTES: [u8; 8] = [0, 9, 10, 11, 12, 13, 14, 15];

/// A payload packet with so many sequence bytes, authentic for whoever takes them for that number: without any it is
/// sealed under 0, with too many under their count, which stands in the first of them.
pub(super) fn with_sequence_bytes(key: &Key, bytes: u8, plain: &[u8]) -> Vec<u8> {
    wire::packet_with_prefix(PROTOCOL_ID, key, bytes << 4 | PAYLOAD, bytes.into(), plain)
}

fn both_ways(name: &str, kind: u8, sequence: u64, plain: &[u8]) -> Case {
    let data = wire::packet(PROTOCOL_ID, &key(), kind, sequence, plain);
    let seal = object! {
        "op": "seal_packet",
        "protocol_id": id(PROTOCOL_ID),
        "key": key(),
        "type": i64::from(kind),
        "sequence": decimal(sequence),
        "plain": plain,
    };
    Case::new(name, "")
        .step(seal, object! { "data": &data[..] })
        .step(open(PROTOCOL_ID, &key(), &data), opened(kind, sequence, plain))
}

fn opened(kind: u8, sequence: u64, plain: &[u8]) -> Json {
    object! { "ok": true, "type": i64::from(kind), "sequence": decimal(sequence), "plain": plain }
}

fn open(protocol_id: u64, key: &Key, data: &[u8]) -> Json {
    object! { "op": "open_packet", "protocol_id": id(protocol_id), "key": *key, "data": data }
}

fn token() -> Token {
    Token::draw(&mut Random::named("a request"), private_key(), PROTOCOL_ID, &[address(SERVER)])
}

fn request() -> Case {
    let token = token();
    let fields = || {
        object! {
            "protocol_id": id(PROTOCOL_ID),
            "expire_timestamp": decimal(token.expire),
            "nonce": token.nonce,
            "private_data": token.private(),
        }
    };
    let (Json::Object(asked), Json::Object(read)) = (fields(), fields()) else { unreachable!() };
    let write = Json::Object([vec![("op", "write_request".into())], asked].concat());
    Case::new("request", "the only packet that is not encrypted")
        .step(write, object! { "data": token.request() })
        .step(read_request(&token.request()), Json::Object([vec![("ok", true.into())], read].concat()))
}

fn read_request(data: &[u8]) -> Json {
    object! { "op": "read_request", "data": data }
}

fn unread_requests() -> Vec<Case> {
    let request = token().request();
    let mut other_version = request.clone();
    other_version[12] = b'1';
    let longer = [&request[..], &[0]].concat();
    let refused = |name: &str, data: &[u8], reason: &str| {
        Case::new(name, "").step(read_request(data), object! { "ok": false, "reason": reason })
    };
    vec![
        refused("request-1077-bytes", &request[..1077], "size"),
        refused("request-1079-bytes", &longer, "size"),
        refused("request-other-version", &other_version, "version"),
        refused("request-size-before-version", &other_version[..1077], "size"),
    ]
}

/// What is no packet, by the order in which the standard looks at it; each also where the next thing is wrong, too.
fn refused() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut refused = |name: &str, note: &str, data: &[u8], reason: &str| {
        let expect = object! { "ok": false, "reason": reason };
        cases.push(Case::new(name, note).step(open(PROTOCOL_ID, &key(), data), expect));
    };
    let sealed = |prefix: u8, plain: &[u8]| wire::packet_with_prefix(PROTOCOL_ID, &key(), prefix, 1, plain);
    let small = sealed(0x10 | DISCONNECT, &[]);
    refused("empty", "", &[], "too_small");
    refused("17-bytes", "the smallest packet has 18", &small[..17], "too_small");
    refused("17-bytes-and-type-7", "small before type", &[&[0x17], &small[1..17]].concat(), "too_small");
    for kind in 7..16 {
        refused(&format!("type-{kind}"), "there are types 0 to 6", &sealed(0x10 | kind, &[]), "type");
    }
    refused("type-7-and-no-sequence", "type before sequence bytes", &[&[0x07], &small[1..], &[0]].concat(), "type");
    for bytes in WRONG_SEQUENCE_BYTES {
        let data = with_sequence_bytes(&key(), bytes, &contents(PAYLOAD));
        let note = "1 to 8 bytes, also if all else is authentic";
        refused(&format!("{bytes}-sequence-bytes"), note, &data, "sequence_bytes");
    }
    let nine = [&[0x90 | DISCONNECT][..], &[0; 9 + 15]].concat();
    refused("9-sequence-bytes-and-no-room", "sequence bytes before their room", &nine, "sequence_bytes");
    let short = [&[0x80 | DISCONNECT][..], &[0; 8 + 15]].concat();
    refused("no-room-for-the-tag", "prefix, 8 bytes of sequence, and 15 of 16 bytes of tag", &short, "too_small");
    for (kind, name) in TYPES {
        let (right, prefix) = (contents(kind), 0x10 | kind);
        let sizes = match kind {
            DENIED | DISCONNECT => vec![1, 8],
            PAYLOAD => vec![0, 1201],
            _ => vec![right.len() - 1, right.len() + 1],
        };
        for size in sizes {
            let plain = Random::named("contents of another size").bytes(size);
            refused(&format!("{name}-of-{size}"), "authentic, but of another size", &sealed(prefix, &plain), "size");
        }
    }
    for (kind, name) in TYPES {
        let data = sealed(0x10 | kind, &contents(kind));
        let mut forged = |what: &str, at: usize, bits: u8| {
            let mut data = data.clone();
            data[at] ^= bits;
            refused(&format!("{name}-{what}-changed"), "", &data, "forged");
        };
        forged("sequence", 1, 1);
        forged("tag", data.len() - 1, 0x80);
        if !contents(kind).is_empty() {
            forged("contents", 2, 1);
        }
    }
    let mut forged = sealed(0x10 | PAYLOAD, &[1; 1201]);
    forged[40] ^= 1;
    refused("payload-of-1201-and-forged", "the size may be looked at after decrypting", &forged, "size|forged");
    let disconnect_as_denied = [&[0x10 | DENIED], &small[1..]].concat();
    refused("disconnect-as-denied", "the prefix byte is authenticated", &disconnect_as_denied, "forged");
    let more_zeros = [&[0x20 | DISCONNECT, 1, 0][..], &small[2..]].concat();
    refused("sequence-written-longer", "so is the number of sequence bytes", &more_zeros, "forged");
    let mut other_key = key();
    other_key[0] ^= 1;
    let data = wire::packet(PROTOCOL_ID, &other_key, PAYLOAD, 1, b"payload");
    refused("other-key", "", &data, "forged");
    let data = wire::packet(PROTOCOL_ID + 1, &key(), PAYLOAD, 1, b"payload");
    refused("other-protocol-id", "", &data, "forged");
    cases
}
