//! Functions that belong to no object: start and end, hooks, time and random bytes.

use std::ffi::{c_char, c_int};
use std::sync::atomic::{AtomicI32, Ordering};

use super::assert::{self, holds};
use super::log::{self, log};
use super::types::{NETCODE_ERROR, NETCODE_OK};
use crate::platform::{self, clock, random, socket};

static INITIALISED: AtomicI32 = AtomicI32::new(0);

/// Asserts that the library has been initialised. It works all the same.
#[track_caller]
pub(super) fn assert_initialised(function: &std::ffi::CStr) {
    holds(INITIALISED.load(Ordering::Relaxed) > 0, c"netcode_init has been called", function);
}

/// Initialises the library. Call it before anything else; each call wants its netcode_term.
///
/// Returns NETCODE_OK, or NETCODE_ERROR if the system has no network library (Winsock) to start.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_init() -> c_int {
    if let Err(error) = platform::start() {
        log!(log::ERROR, "error: the network library does not start: {error}");
        return NETCODE_ERROR;
    }
    INITIALISED.fetch_add(1, Ordering::Relaxed);
    NETCODE_OK
}

/// Takes one netcode_init back. Destroy your clients and servers before the last.
///
/// Without an init to take back it asserts and does nothing.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_term() {
    let taken = INITIALISED.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |count| (count > 0).then(|| count - 1));
    if holds(taken.is_ok(), c"netcode_init has been called", c"netcode_term") {
        platform::stop();
    }
}

/// Has sockets that are created from now on mark their packets for expedited forwarding, where the
/// system allows it.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_enable_packet_tagging() {
    socket::enable_packet_tagging();
}

/// Sets how much is logged: one of NETCODE_LOG_LEVEL_NONE (the default) to NETCODE_LOG_LEVEL_DEBUG.
/// May be called from any thread at any time.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_log_level(level: c_int) {
    log::set_level(level);
}

/// Sets where log messages go: function is called as printf( "%s", text ), once a message, on the
/// thread that has something to say. NULL brings back printf. May be called from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_set_printf_function(
    function: Option<unsafe extern "C" fn(format: *const c_char, ...) -> c_int>,
) {
    log::set_function(function);
}

/// Sets what is called when an assertion fails. It may return; the call that asserted then does
/// nothing. NULL brings back the default, which prints and aborts. May be called from any thread.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_set_assert_function(
    function: Option<
        unsafe extern "C" fn(condition: *const c_char, function: *const c_char, file: *const c_char, line: c_int),
    >,
) {
    assert::set_function(function);
}

/// Fills data with random bytes of the operating system, fit for keys.
///
/// Should the system fail to provide them the process is aborted: there is no safe way to go on.
///
/// # Safety
/// `data` points to `bytes` writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_random_bytes(data: *mut u8, bytes: c_int) {
    let Ok(len) = usize::try_from(bytes) else { return };
    if !holds(!data.is_null(), c"data", c"netcode_random_bytes") {
        return;
    }
    // SAFETY: the caller vouches for data and bytes; zeros first, so that the slice is initialised.
    let data = unsafe {
        data.write_bytes(0, len);
        std::slice::from_raw_parts_mut(data, len)
    };
    if let Err(error) = random::fill(data) {
        log!(log::ERROR, "error: the system has no random bytes: {error}");
        std::process::abort();
    }
}

/// Sleeps for this many seconds.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_sleep(seconds: f64) {
    clock::sleep(seconds);
}

/// Returns the seconds since its first call in the process, on a clock that never goes back.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_time() -> f64 {
    clock::monotonic()
}
