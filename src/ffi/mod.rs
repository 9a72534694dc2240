//! The C API of `netcode.h`: one file for each group of its functions.
//!
//! A function checks its arguments, converts them, calls the core, and converts back. What follows
//! holds for all of them.
//!
//! **User code runs in the middle.** Callbacks, send and receive overrides, log, assert and
//! allocator hooks may call back into the library, for the very object that called them. So
//! - an object behind a C pointer is only ever borrowed shared, its changing parts being in cells;
//! - no borrow of its core is alive while user code runs, with one exception: when a table of the
//!   core grows or is freed, the allocator hooks run within it. A call from there into the same
//!   object finds the core borrowed, and does nothing. Nor can a server be stopped from an allocator
//!   hook that runs for one of its packets;
//! - an object destroyed from its own callback is freed when the outermost call into it returns
//!   (`object::Call`).
//!
//! **Panics** do not cross the boundary: in builds that unwind, `extern "C"` aborts.
//!
//! **Misuse** (null pointers, indices out of range, and the like) is asserted in builds with debug
//! assertions (`assert::holds`); whether or not, the call then returns a neutral value.

#![allow(non_camel_case_types)]

pub mod address;
mod alloc;
mod arguments;
pub mod assert;
pub mod client;
pub mod global;
mod log;
mod object;
mod queue;
pub mod server;
pub mod simulator;
mod text;
pub mod token;
mod transport;
pub mod types;
