//! Text forms of addresses.

use super::{Case, recorded};
use crate::json::Json;
use crate::object;

/// What is not in the recorded data, and is refused.
const REFUSED: [(&str, &str); 14] = [
    ("empty", ""),
    ("space", " "),
    ("leading-space", " 127.0.0.1:80"),
    ("trailing-space", "127.0.0.1:80 "),
    ("three-octets", "127.0.1:80"),
    ("octet-256", "256.0.0.1:80"),
    ("leading-zero-octet", "127.0.0.01:80"),
    ("port-65536", "127.0.0.1:65536"),
    ("port-six-digits", "127.0.0.1:000080"),
    ("port-signed", "127.0.0.1:+80"),
    ("port-missing-after-colon", "127.0.0.1:"),
    ("port-missing-after-bracket", "[::1]:"),
    ("two-zero-runs", "1::2::3"),
    ("zone", "[fe80::1%1]:80"),
];

/// What is not in the recorded data: text, type, port, bytes in network order, and the text that is written for it.
const READ: [(&str, &str, i32, i32, &str, &str); 5] = [
    ("port-five-digits-with-zeros", "127.0.0.1:00080", 1, 80, "7f000001", "127.0.0.1:80"),
    ("port-zero", "127.0.0.1:0", 1, 0, "7f000001", "127.0.0.1"),
    ("upper-case-v6", "[FE80::ABCD]:1", 2, 1, "fe80000000000000000000000000abcd", "[fe80::abcd]:1"),
    ("v4-mapped", "[::ffff:1.2.3.4]:9", 2, 9, "00000000000000000000ffff01020304", "[::ffff:1.2.3.4]:9"),
    ("longest-zero-run", "1:0:0:2:0:0:0:3", 2, 0, "00010000000000020000000000000003", "1:0:0:2::3"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = recorded::addresses();
    for (id, text) in REFUSED {
        cases.push(Case::new(id, "").step(parse(text), object! { "ok": false }));
    }
    for (id, text, kind, port, ip, written) in READ {
        let expect = object! { "ok": true, "type": kind, "port": port, "ip": ip, "text": written };
        cases.push(Case::new(id, "").step(parse(text), expect));
    }
    cases
}

pub(super) fn parse(text: &str) -> Json {
    object! { "op": "parse_address", "text": text }
}
