//! What the scenario tests share: a simulated world whose clock, randomness and network the test
//! owns, and the recorded vectors.

// Every test file compiles this for itself and uses a part of it.
#![allow(dead_code)]

pub(crate) mod datagram;
pub(crate) mod guest;
pub(crate) mod link;
pub(crate) mod random;
pub(crate) mod tokens;
pub(crate) mod vectors;
pub(crate) mod world;
