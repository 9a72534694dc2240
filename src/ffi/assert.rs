//! Preconditions, checked in builds with debug assertions.

use std::ffi::{CStr, c_char, c_int};
use std::panic::Location;
use std::sync::atomic::{AtomicPtr, Ordering};

use super::text::Text;

/// Longest name of a source file, with its zero.
const FILE_BYTES: usize = 256;

/// A handler of failed assertions: the condition, and where it stands.
pub(super) type AssertFunction =
    unsafe extern "C" fn(condition: *const c_char, function: *const c_char, file: *const c_char, line: c_int);

/// Called when a condition does not hold, by the library and by netcode_assert. Set it with
/// netcode_set_assert_function.
#[unsafe(no_mangle)]
#[allow(non_upper_case_globals)]
pub static mut netcode_assert_function: Option<
    unsafe extern "C" fn(condition: *const c_char, function: *const c_char, file: *const c_char, line: c_int),
> = Some(default_assert);

/// Replaces the handler; `None` brings the default one back.
pub(super) fn set_function(function: Option<AssertFunction>) {
    let function: AssertFunction = function.unwrap_or(default_assert);
    handler().store(function as *mut (), Ordering::Relaxed);
}

/// Whether a precondition of `function` holds. If it does not, builds with debug assertions call the
/// handler first. `text` is the condition in C.
#[track_caller]
#[inline]
pub(super) fn holds(condition: bool, text: &CStr, function: &CStr) -> bool {
    if cfg!(debug_assertions) && !condition {
        report(text, function, Location::caller());
    }
    condition
}

#[cold]
fn report(condition: &CStr, function: &CStr, location: &Location<'_>) {
    let handler = handler().load(Ordering::Relaxed);
    if handler.is_null() {
        return;
    }
    // SAFETY: only functions of this type are ever stored, here or by the C program.
    let handler = unsafe { std::mem::transmute::<*mut (), AssertFunction>(handler) };
    let file = Text::<FILE_BYTES>::new(location.file());
    // SAFETY: the handler's user vouches for it; the strings live until it returns.
    unsafe { handler(condition.as_ptr(), function.as_ptr(), file.as_ptr(), location.line() as c_int) };
}

/// The variable as an atomic, since hooks may be set while other threads run. A C program that
/// writes to it without this library's help has to see to that itself.
fn handler() -> &'static AtomicPtr<()> {
    // SAFETY: a nullable function pointer has the layout of a pointer, and Rust touches the variable
    // only through this.
    unsafe { AtomicPtr::from_ptr((&raw mut netcode_assert_function).cast()) }
}

unsafe extern "C" fn default_assert(
    condition: *const c_char,
    function: *const c_char,
    file: *const c_char,
    line: c_int,
) {
    let format = c"assert failed: ( %s ), function %s, file %s, line %d\n";
    // SAFETY: the strings end in zero, as the format expects; flushing everything is always allowed.
    unsafe {
        libc::printf(format.as_ptr(), condition, function, file, line);
        libc::fflush(std::ptr::null_mut());
    }
    std::process::abort();
}
