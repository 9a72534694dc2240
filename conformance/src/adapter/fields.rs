//! Reading what the checker asks, and writing what it is told. The checker is trusted: what it leaves out is a bug.

use std::net::SocketAddr;

use netcode::{Key, address};
use serde_json::{Map, Value};

pub(crate) struct Fields(pub(crate) Map<String, Value>);

impl Fields {
    #[track_caller]
    pub(crate) fn text(&self, name: &str) -> &str {
        self.0.get(name).and_then(Value::as_str).unwrap_or_else(|| panic!("no text {name}"))
    }

    #[track_caller]
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        let text = self.text(name);
        let byte = |at: usize| u8::from_str_radix(&text[at..at + 2], 16).expect("hexadecimal");
        (0..text.len()).step_by(2).map(byte).collect()
    }

    #[track_caller]
    pub(crate) fn array<const N: usize>(&self, name: &str) -> [u8; N] {
        self.bytes(name).try_into().unwrap_or_else(|_| panic!("{name} has another size"))
    }

    pub(crate) fn key(&self, name: &str) -> Key {
        Key::new(self.array(name))
    }

    /// A number that is small.
    #[track_caller]
    pub(crate) fn int(&self, name: &str) -> i64 {
        self.0.get(name).and_then(Value::as_i64).unwrap_or_else(|| panic!("no number {name}"))
    }

    pub(crate) fn int_or(&self, name: &str, default: i64) -> i64 {
        if self.0.contains_key(name) { self.int(name) } else { default }
    }

    #[track_caller]
    pub(crate) fn float(&self, name: &str) -> f64 {
        self.0.get(name).and_then(Value::as_f64).unwrap_or_else(|| panic!("no number {name}"))
    }

    /// A number of 64 bits, which stands in a text.
    #[track_caller]
    pub(crate) fn wide(&self, name: &str) -> u64 {
        let text = self.text(name);
        match text.strip_prefix("0x") {
            Some(digits) => u64::from_str_radix(digits, 16).expect("hexadecimal"),
            None => text.parse().expect("decimal"),
        }
    }

    #[track_caller]
    pub(crate) fn address(&self, name: &str) -> SocketAddr {
        address::parse(self.text(name)).expect("an address")
    }

    /// Addresses with a space between them.
    pub(crate) fn addresses(&self, name: &str) -> Vec<SocketAddr> {
        self.text(name).split(' ').map(|text| address::parse(text).expect("an address")).collect()
    }
}

pub(crate) fn hex(bytes: &[u8]) -> Value {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect::<String>().into()
}

pub(crate) fn id(number: u64) -> Value {
    format!("0x{number:016x}").into()
}

pub(crate) fn decimal(number: u64) -> Value {
    number.to_string().into()
}

pub(crate) fn text(address: &SocketAddr) -> Value {
    address::text(address).to_string().into()
}

pub(crate) fn texts(addresses: &[SocketAddr]) -> Value {
    addresses.iter().map(|address| address::text(address).to_string()).collect::<Vec<_>>().join(" ").into()
}
