//! Log messages, through a function like `printf`.

use std::ffi::{c_char, c_int};
use std::fmt;
use std::sync::atomic::{AtomicI32, AtomicPtr, Ordering};

use super::text::Text;
use super::types::{NETCODE_LOG_LEVEL_DEBUG, NETCODE_LOG_LEVEL_ERROR, NETCODE_LOG_LEVEL_INFO, NETCODE_LOG_LEVEL_NONE};

/// A function like `printf`.
pub(super) type PrintfFunction = unsafe extern "C" fn(format: *const c_char, ...) -> c_int;

static LEVEL: AtomicI32 = AtomicI32::new(NETCODE_LOG_LEVEL_NONE);

/// Null stands for `printf`.
static PRINTF: AtomicPtr<()> = AtomicPtr::new(std::ptr::null_mut());

pub(super) const ERROR: c_int = NETCODE_LOG_LEVEL_ERROR;
pub(super) const INFO: c_int = NETCODE_LOG_LEVEL_INFO;
pub(super) const DEBUG: c_int = NETCODE_LOG_LEVEL_DEBUG;

/// Logs a line. The arguments are looked at only if the level asks for it. No borrow that a hook
/// could want may be alive.
macro_rules! log {
    ($level:expr, $($message:tt)*) => {
        if $crate::ffi::log::is_on($level) {
            $crate::ffi::log::write(::std::format_args!($($message)*));
        }
    };
}
pub(super) use log;

pub(super) fn set_level(level: c_int) {
    LEVEL.store(level, Ordering::Relaxed);
}

pub(super) fn set_function(function: Option<PrintfFunction>) {
    let function = function.map_or(std::ptr::null_mut(), |function| function as *mut ());
    PRINTF.store(function, Ordering::Relaxed);
}

#[inline]
pub(super) fn is_on(level: c_int) -> bool {
    level <= LEVEL.load(Ordering::Relaxed)
}

#[cold]
pub(super) fn write(message: fmt::Arguments<'_>) {
    let mut line = Text::<LINE_BYTES>::new(message);
    line.end_line();
    let function = PRINTF.load(Ordering::Relaxed);
    if function.is_null() {
        // SAFETY: the format takes one string, and the text ends in zero.
        unsafe { libc::printf(c"%s".as_ptr(), line.as_ptr()) };
    } else {
        // SAFETY: only functions of this type are stored; the text ends in zero.
        unsafe { std::mem::transmute::<*mut (), PrintfFunction>(function)(c"%s".as_ptr(), line.as_ptr()) };
    }
}

/// Longest message, with its newline and the zero.
const LINE_BYTES: usize = 512;
