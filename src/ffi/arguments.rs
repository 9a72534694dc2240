//! Checks and conversions of arguments that clients and servers share.

use std::ffi::{CStr, c_char, c_int};
use std::net::SocketAddr;
use std::ptr;

use super::address::parse;
use super::assert::holds;
use super::log::{self, log};
use super::queue::PacketQueue;
use super::types::netcode_address_t;
use crate::packet::{MAX_DATAGRAM_BYTES, MAX_PAYLOAD_BYTES};

/// One or two addresses of an object that is to be created.
pub(super) struct Addresses {
    pub(super) first: SocketAddr,
    pub(super) second: Option<SocketAddr>,
}

/// Which of the addresses is none.
pub(super) enum NoAddress {
    First,
    Second,
}

impl Addresses {
    /// Reads the addresses; `second` is `None` where the function takes only one.
    ///
    /// # Safety
    /// The strings are NULL or end in zero.
    pub(super) unsafe fn read(
        first: *const c_char,
        second: Option<*const c_char>,
        function: &CStr,
    ) -> Result<Self, NoAddress> {
        // SAFETY: as the caller vouches.
        let first = unsafe { parse(first, function) }.ok_or(NoAddress::First)?;
        let second = match second {
            None => None,
            // SAFETY: as the caller vouches.
            Some(second) => Some(unsafe { parse(second, function) }.ok_or(NoAddress::Second)?),
        };
        Ok(Self { first, second })
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &SocketAddr> {
        std::iter::once(&self.first).chain(&self.second)
    }
}

/// A payload of the application.
///
/// # Safety
/// `data` is NULL or has that many readable bytes.
#[track_caller]
pub(super) unsafe fn payload<'a>(data: *const u8, bytes: c_int, function: &CStr) -> Option<&'a [u8]> {
    let size = usize::try_from(bytes).ok().filter(|size| (1..=MAX_PAYLOAD_BYTES).contains(size));
    let in_range = c"packet_bytes > 0 && packet_bytes <= NETCODE_MAX_PACKET_SIZE";
    if !holds(!data.is_null(), c"packet_data", function) {
        return None;
    }
    if !holds(size.is_some(), in_range, function) {
        log!(log::ERROR, "error: a payload has 1 to {MAX_PAYLOAD_BYTES} bytes, not {bytes}");
        return None;
    }
    // SAFETY: not null, so it has that many bytes.
    Some(unsafe { std::slice::from_raw_parts(data, size?) })
}

/// A datagram that the program received itself, and its source.
///
/// # Safety
/// `from` is NULL or readable, `data` NULL or has that many writable bytes that nothing else uses.
#[track_caller]
pub(super) unsafe fn datagram<'a>(
    from: *const netcode_address_t,
    data: *mut u8,
    bytes: c_int,
    function: &CStr,
) -> Option<(SocketAddr, &'a mut [u8])> {
    // SAFETY: null, or readable.
    let from = unsafe { from.as_ref() };
    if !holds(from.is_some(), c"from", function) || !holds(!data.is_null(), c"packet_data", function) {
        return None;
    }
    let size = usize::try_from(bytes).ok().filter(|size| (1..=MAX_DATAGRAM_BYTES).contains(size))?;
    // SAFETY: not null, so it has that many bytes.
    Some((from?.to_socket_addr()?, unsafe { std::slice::from_raw_parts_mut(data, size) }))
}

/// Takes what has waited longest in a queue, and stores its size and number.
///
/// # Safety
/// `packet_bytes` and `packet_sequence` are NULL or writable.
#[track_caller]
pub(super) unsafe fn receive_packet(
    queue: &PacketQueue,
    packet_bytes: *mut c_int,
    packet_sequence: *mut u64,
    function: &CStr,
) -> *mut u8 {
    if !holds(!packet_bytes.is_null(), c"packet_bytes", function) {
        return ptr::null_mut();
    }
    let Some(packet) = queue.pop() else { return ptr::null_mut() };
    // SAFETY: not null, so writable.
    unsafe {
        packet_bytes.write(packet.bytes);
        if !packet_sequence.is_null() {
            packet_sequence.write(packet.sequence);
        }
    }
    packet.data
}
