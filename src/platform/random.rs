//! Random bytes of the operating system.

use rand::TryRng;

pub use rand::rngs::{SysError, SysRng};

/// Fills the bytes with secrets. If the system has none to give, says so and leaves zeros.
pub fn fill(bytes: &mut [u8]) -> Result<(), SysError> {
    SysRng.try_fill_bytes(bytes).inspect_err(|_| bytes.fill(0))
}
