//! Another static library in Rust, which brings the standard library along as netcode's does.

use std::collections::HashSet;
use std::ffi::{c_char, c_int, CStr};

/// How many different words a text has, counted in a thread.
///
/// # Safety
/// `text` points to a text that ends with a zero.
#[no_mangle]
pub unsafe extern "C" fn other_words(text: *const c_char) -> c_int {
    // SAFETY: as the caller vouches.
    let text = unsafe { CStr::from_ptr(text) }.to_string_lossy().into_owned();
    let words = std::thread::spawn(move || text.split(' ').map(str::to_owned).collect::<HashSet<_>>());
    words.join().map_or(-1, |words| words.len() as c_int)
}
