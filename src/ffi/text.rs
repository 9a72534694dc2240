//! Text for C without memory from anywhere.

use std::ffi::c_char;
use std::fmt::{self, Write};

/// Text that ends in zero. What does not fit is cut off.
pub(super) struct Text<const N: usize> {
    bytes: [u8; N],
    len: usize,
}

impl<const N: usize> Text<N> {
    pub(super) fn new(text: impl fmt::Display) -> Self {
        let mut new = Self { bytes: [0; N], len: 0 };
        // Does not fail: see below.
        let _ = write!(new, "{text}");
        new
    }

    /// Puts a newline at the end, in place of the last character if there is no more room.
    pub(super) fn end_line(&mut self) {
        self.len = self.len.min(N - 2);
        self.bytes[self.len] = b'\n';
        self.len += 1;
        self.bytes[self.len] = 0;
    }

    pub(super) fn as_ptr(&self) -> *const c_char {
        self.bytes.as_ptr().cast()
    }

    /// The text with its zero.
    pub(super) fn with_zero(&self) -> &[u8] {
        &self.bytes[..=self.len]
    }
}

impl<const N: usize> Write for Text<N> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let room = N - 1 - self.len;
        let bytes = &text.as_bytes()[..text.len().min(room)];
        self.bytes[self.len..][..bytes.len()].copy_from_slice(bytes);
        self.len += bytes.len();
        Ok(())
    }
}
