//! What the library needs of the operating system: sockets, clocks, sleep, random bytes.

#[cfg(all(target_os = "linux", feature = "recvmmsg"))]
mod batch;
pub mod clock;
pub mod random;
pub mod socket;
#[cfg(windows)]
mod windows;

use std::io;

/// Starts what the system wants to be started before there are sockets: Winsock, elsewhere nothing. Each start
/// that succeeds wants its [`stop`]. Rust programs can do without.
pub fn start() -> io::Result<()> {
    #[cfg(windows)]
    windows::start()?;
    Ok(())
}

/// Takes one [`start`] back.
pub fn stop() {
    #[cfg(windows)]
    windows::stop();
}
