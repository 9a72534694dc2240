//! The operating system's random bytes, replaced by ones that are the same for each input.
//!
//! This takes `--cfg getrandom_backend="custom"`, which scripts/fuzz.py sets. Without it the targets
//! work all the same, but runs differ in their keys, and randomness never fails.

use std::cell::Cell;

use crate::common::random::SeededRng;

thread_local! {
    static STATE: Cell<u64> = const { Cell::new(0) };
    static FAILURES: Cell<u32> = const { Cell::new(0) };
}

/// Begins the sequence of bytes again.
pub(crate) fn restart() {
    STATE.set(0);
    FAILURES.set(0);
}

/// Has the next requests for random bytes fail.
pub(crate) fn fail_next(requests: u32) {
    FAILURES.set(requests);
}

/// What `getrandom` calls in the place of the operating system.
///
/// # Safety
/// There is room for `len` bytes.
#[unsafe(no_mangle)]
unsafe extern "Rust" fn __getrandom_v03_custom(dest: *mut u8, len: usize) -> Result<(), getrandom::Error> {
    if FAILURES.get() > 0 {
        FAILURES.set(FAILURES.get() - 1);
        return Err(getrandom::Error::UNSUPPORTED);
    }
    let mut random = SeededRng::new(STATE.get());
    STATE.set(STATE.get().wrapping_add(0x0123_4567_89ab_cdef));
    for index in 0..len {
        // SAFETY: within the room that the caller vouches for.
        unsafe { dest.add(index).write(random.next() as u8) };
    }
    Ok(())
}
