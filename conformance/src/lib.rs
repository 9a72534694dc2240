//! The conformance vectors, made anew from a seed. See `README.md` of this directory.
//!
//! Nothing in here uses the `netcode` library: what the vectors expect is written from the protocol's text and from
//! recorded data, so that running the library through them is a test.

pub mod json;
pub mod vectors;

mod hex;
mod random;
mod wire;
