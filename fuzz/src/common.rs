//! The simulation of the library's own tests.

#![allow(dead_code)]

#[path = "../../tests/common/datagram.rs"]
pub(crate) mod datagram;
#[path = "../../tests/common/guest.rs"]
pub(crate) mod guest;
#[path = "../../tests/common/link.rs"]
pub(crate) mod link;
#[path = "../../tests/common/random.rs"]
pub(crate) mod random;
#[path = "../../tests/common/tokens.rs"]
pub(crate) mod tokens;
#[path = "../../tests/common/world.rs"]
pub(crate) mod world;
