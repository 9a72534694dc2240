//! Challenge tokens: 300 bytes, opaque to all but the server that made them.

use super::Case;
use super::live::{decimal, id};
use crate::json::Json;
use crate::object;
use crate::random::Random;
use crate::wire::{Key, challenge_token};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for sequence in [0, 1, 255, 256, u64::MAX] {
        let mut random = Random::named("challenge tokens");
        let (key, client_id, user_data): (Key, _, _) = (random.array(), random.next(), random.bytes(256));
        let data = challenge_token(&key, sequence, client_id, &user_data);
        let seal = object! {
            "op": "seal_challenge_token",
            "key": key,
            "sequence": decimal(sequence),
            "client_id": id(client_id),
            "user_data": &user_data[..],
        };
        let opened = object! { "ok": true, "client_id": id(client_id), "user_data": &user_data[..] };
        let case = Case::new(format!("number-{sequence}"), "the number is the nonce")
            .step(seal, object! { "data": &data[..] })
            .step(open(&key, sequence, &data), opened);
        cases.push(case);
    }
    let mut random = Random::named("challenge tokens that are refused");
    let (key, sequence): (Key, _) = (random.array(), 5);
    let data = challenge_token(&key, sequence, random.next(), &random.bytes(256));
    let mut refused = |name: &str, key: &Key, sequence: u64, data: &[u8]| {
        cases.push(Case::new(name, "").step(open(key, sequence, data), object! { "ok": false }));
    };
    let mut other_key = key;
    other_key[31] ^= 0x80;
    refused("other-key", &other_key, sequence, &data);
    refused("other-number", &key, sequence + 1, &data);
    for byte in [0, 283, 284, 299] {
        let mut changed = data.clone();
        changed[byte] ^= 1;
        refused(&format!("byte-{byte}-changed"), &key, sequence, &changed);
    }
    cases
}

fn open(key: &Key, sequence: u64, data: &[u8]) -> Json {
    object! { "op": "open_challenge_token", "key": *key, "sequence": decimal(sequence), "data": data }
}
