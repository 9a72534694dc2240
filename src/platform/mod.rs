//! What the library needs of the operating system: sockets, clocks, sleep, random bytes.

pub mod clock;
pub mod random;
pub mod socket;
