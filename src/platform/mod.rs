//! What the library needs of the operating system: sockets, clocks, sleep, random bytes.

#[cfg(all(target_os = "linux", feature = "recvmmsg"))]
mod batch;
pub mod clock;
pub mod random;
pub mod socket;
