//! The recorded vectors: reading JSON.

use std::net::SocketAddr;
use std::path::Path;

use netcode::address;
use serde_json::Value;

/// Fields whose values are needed to the last bit, which `serde_json` does not promise for numbers:
/// they are turned into strings before it sees them.
const EXACT_FIELDS: [&str; 2] = ["time", "tick_seconds"];

/// An object of a file.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Entry<'a>(&'a Value);

/// A file of vectors.
pub(crate) struct Vectors(Value);

impl Vectors {
    /// Reads `tests/vectors/NAME.json`.
    pub(crate) fn load(name: &str) -> Self {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(format!("tests/vectors/{name}.json"));
        let mut text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        for field in EXACT_FIELDS {
            text = with_quoted_numbers(&text, field);
        }
        Self(serde_json::from_str(&text).expect("the file is JSON"))
    }

    pub(crate) fn entries(&self) -> Vec<Entry<'_>> {
        self.0.as_array().expect("the file is an array").iter().map(Entry).collect()
    }
}

impl<'a> Entry<'a> {
    pub(crate) fn has(&self, key: &str) -> bool {
        !self.0[key].is_null()
    }

    #[track_caller]
    pub(crate) fn text(&self, key: &str) -> &'a str {
        self.0[key].as_str().unwrap_or_else(|| panic!("no text {key:?}"))
    }

    /// A byte string, in hexadecimal.
    #[track_caller]
    pub(crate) fn bytes(&self, key: &str) -> Vec<u8> {
        let digits = self.text(key).as_bytes();
        assert!(digits.len() % 2 == 0, "{key} has half a byte");
        digits.chunks(2).map(|byte| nibble(byte[0]) << 4 | nibble(byte[1])).collect()
    }

    /// A byte string of known length.
    #[track_caller]
    pub(crate) fn array<const N: usize>(&self, key: &str) -> [u8; N] {
        self.bytes(key).try_into().unwrap_or_else(|bytes: Vec<u8>| panic!("{key} has {} bytes", bytes.len()))
    }

    /// A number of any size, which may stand in a string.
    #[track_caller]
    pub(crate) fn number(&self, key: &str) -> u64 {
        match &self.0[key] {
            Value::String(text) => match text.strip_prefix("0x") {
                Some(digits) => u64::from_str_radix(digits, 16).expect("hexadecimal"),
                None => text.parse().expect("decimal"),
            },
            value => value.as_u64().unwrap_or_else(|| panic!("no number {key:?}")),
        }
    }

    #[track_caller]
    pub(crate) fn signed(&self, key: &str) -> i32 {
        let value = self.0[key].as_i64().unwrap_or_else(|| panic!("no number {key:?}"));
        value.try_into().expect("32 bits")
    }

    /// One of the fields that are read to the last bit.
    #[track_caller]
    pub(crate) fn exact(&self, key: &str) -> f64 {
        assert!(EXACT_FIELDS.contains(&key));
        self.text(key).parse().expect("a number")
    }

    #[track_caller]
    pub(crate) fn single(&self, key: &str) -> f32 {
        self.0[key].as_f64().unwrap_or_else(|| panic!("no number {key:?}")) as f32
    }

    #[track_caller]
    pub(crate) fn flag(&self, key: &str) -> bool {
        self.0[key].as_bool().unwrap_or_else(|| panic!("no flag {key:?}"))
    }

    #[track_caller]
    pub(crate) fn list(&self, key: &str) -> &'a [Value] {
        self.0[key].as_array().unwrap_or_else(|| panic!("no list {key:?}"))
    }

    #[track_caller]
    pub(crate) fn entries(&self, key: &str) -> Vec<Entry<'a>> {
        self.list(key).iter().map(Entry).collect()
    }

    #[track_caller]
    pub(crate) fn address(&self, key: &str) -> SocketAddr {
        address::parse(self.text(key)).expect("an address")
    }

    #[track_caller]
    pub(crate) fn addresses(&self, key: &str) -> Vec<SocketAddr> {
        let parse = |value: &Value| address::parse(value.as_str().expect("text")).expect("an address");
        self.list(key).iter().map(parse).collect()
    }
}

fn nibble(digit: u8) -> u8 {
    char::from(digit).to_digit(16).expect("a hexadecimal digit") as u8
}

/// Puts quotes around the numbers of a field.
fn with_quoted_numbers(text: &str, field: &str) -> String {
    let name = format!("\"{field}\":");
    let mut parts = text.split(&name);
    let mut quoted = parts.next().unwrap_or_default().to_owned();
    for part in parts {
        let end = part.find([',', '}', '\n']).expect("a number ends");
        quoted += &format!("{name}\"{}\"{}", part[..end].trim(), &part[end..]);
    }
    quoted
}
