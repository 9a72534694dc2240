//! JSON as the vectors are written: fields in the order given, a step a line.

use std::fmt::{self, Display, Formatter, Write as _};

/// A value.
#[derive(Clone, Debug, PartialEq)]
pub enum Json {
    /// True or false.
    Bool(bool),
    /// A number without a fraction.
    Int(i64),
    /// A time or a setting.
    Float(f64),
    /// Text.
    Text(String),
    /// A list.
    List(Vec<Json>),
    /// Named fields.
    Object(Vec<(&'static str, Json)>),
}

impl Json {
    /// Adds a field to an object.
    pub fn set(&mut self, name: &'static str, value: impl Into<Json>) {
        match self {
            Self::Object(fields) => fields.push((name, value.into())),
            other => panic!("{other} has no fields"),
        }
    }

    /// The object with one more field.
    pub fn with(mut self, name: &'static str, value: impl Into<Json>) -> Self {
        self.set(name, value);
        self
    }
}

/// An object: `object! { "name": value, ... }`.
#[macro_export]
macro_rules! object {
    ($($name:literal: $value:expr),* $(,)?) => {
        $crate::json::Json::Object(vec![$(($name, $crate::json::Json::from($value))),*])
    };
}

impl Display for Json {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bool(value) => write!(f, "{value}"),
            Self::Int(value) => write!(f, "{value}"),
            Self::Float(value) => write!(f, "{value:?}"),
            Self::Text(text) => write_text(f, text),
            Self::List(items) => {
                f.write_char('[')?;
                for (number, item) in items.iter().enumerate() {
                    write!(f, "{}{item}", if number > 0 { ", " } else { "" })?;
                }
                f.write_char(']')
            }
            Self::Object(fields) => {
                f.write_char('{')?;
                for (number, (name, value)) in fields.iter().enumerate() {
                    write!(f, "{}\"{name}\": {value}", if number > 0 { ", " } else { "" })?;
                }
                f.write_char('}')
            }
        }
    }
}

fn write_text(f: &mut Formatter<'_>, text: &str) -> fmt::Result {
    f.write_char('"')?;
    for character in text.chars() {
        match character {
            '"' | '\\' => write!(f, "\\{character}")?,
            ' '..='~' => f.write_char(character)?,
            other => {
                for unit in other.encode_utf16(&mut [0; 2]) {
                    write!(f, "\\u{unit:04x}")?;
                }
            }
        }
    }
    f.write_char('"')
}

impl From<bool> for Json {
    fn from(value: bool) -> Self {
        Self::Bool(value)
    }
}

impl From<i64> for Json {
    fn from(value: i64) -> Self {
        Self::Int(value)
    }
}

impl From<i32> for Json {
    fn from(value: i32) -> Self {
        Self::Int(value.into())
    }
}

impl From<f64> for Json {
    fn from(value: f64) -> Self {
        Self::Float(value)
    }
}

impl From<&str> for Json {
    fn from(value: &str) -> Self {
        Self::Text(value.to_owned())
    }
}

impl From<String> for Json {
    fn from(value: String) -> Self {
        Self::Text(value)
    }
}

impl From<Vec<Json>> for Json {
    fn from(value: Vec<Json>) -> Self {
        Self::List(value)
    }
}

/// Bytes are written in hexadecimal.
impl From<&[u8]> for Json {
    fn from(value: &[u8]) -> Self {
        Self::Text(crate::hex::encode(value))
    }
}

impl From<Vec<u8>> for Json {
    fn from(value: Vec<u8>) -> Self {
        value.as_slice().into()
    }
}

impl<const N: usize> From<[u8; N]> for Json {
    fn from(value: [u8; N]) -> Self {
        value.as_slice().into()
    }
}
