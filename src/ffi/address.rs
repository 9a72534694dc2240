//! Addresses and their text.

use std::ffi::{CStr, c_char, c_int};
use std::net::SocketAddr;

use super::assert::holds;
use super::text::Text;
use super::types::{
    NETCODE_ADDRESS_NONE, NETCODE_ERROR, NETCODE_MAX_ADDRESS_STRING_LENGTH, NETCODE_OK, netcode_address_t,
};
use crate::address;

const TEXT_BYTES: usize = NETCODE_MAX_ADDRESS_STRING_LENGTH as usize;

/// Reads an IPv4 address as "1.2.3.4" or "1.2.3.4:port", or an IPv6 address, bare or in brackets and
/// then perhaps with ":port". Without a port it is 0.
///
/// Returns NETCODE_OK, or NETCODE_ERROR with the address set to NETCODE_ADDRESS_NONE.
///
/// # Safety
/// `address_string` is NULL or ends in zero; `address` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_parse_address(
    address_string: *const c_char,
    address: *mut netcode_address_t,
) -> c_int {
    // SAFETY: as the caller vouches.
    let parsed = unsafe { parse(address_string, c"netcode_parse_address") };
    if !holds(!address.is_null(), c"address", c"netcode_parse_address") {
        return NETCODE_ERROR;
    }
    // SAFETY: not null, so writable.
    unsafe { netcode_address_t::store(address, parsed.as_ref()) };
    if parsed.is_some() { NETCODE_OK } else { NETCODE_ERROR }
}

/// Writes the text of an address to buffer and returns buffer. A port of 0 is left out; an address
/// of no type reads "NONE".
///
/// # Safety
/// `address` is NULL or readable; `buffer` is NULL or has room for NETCODE_MAX_ADDRESS_STRING_LENGTH
/// bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_address_to_string(
    address: *mut netcode_address_t,
    buffer: *mut c_char,
) -> *mut c_char {
    let function = c"netcode_address_to_string";
    if !holds(!buffer.is_null(), c"buffer", function) {
        return buffer;
    }
    // SAFETY: null, or readable.
    let address = unsafe { address.as_ref() };
    holds(address.is_some(), c"address", function);
    let text: Text<TEXT_BYTES> = match address.and_then(netcode_address_t::to_socket_addr) {
        Some(address) => Text::new(address::text(&address)),
        None => Text::new("NONE"),
    };
    let text = text.with_zero();
    // SAFETY: there is room for as many bytes as the longest text has.
    unsafe { buffer.copy_from_nonoverlapping(text.as_ptr().cast(), text.len()) };
    buffer
}

/// Returns 1 if both addresses have the same type, address and port, else 0. An address of no type
/// equals nothing.
///
/// # Safety
/// `a` and `b` are NULL or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_address_equal(a: *mut netcode_address_t, b: *mut netcode_address_t) -> c_int {
    // SAFETY: null, or readable.
    let (a, b) = unsafe { (a.as_ref(), b.as_ref()) };
    holds(a.is_some(), c"a", c"netcode_address_equal");
    holds(b.is_some(), c"b", c"netcode_address_equal");
    match (a.and_then(netcode_address_t::to_socket_addr), b.and_then(netcode_address_t::to_socket_addr)) {
        (Some(a), Some(b)) => address::same(&a, &b).into(),
        _ => 0,
    }
}

/// Reads an address for the function that was given it.
///
/// # Safety
/// `string` is NULL or ends in zero.
#[track_caller]
pub(super) unsafe fn parse(string: *const c_char, function: &CStr) -> Option<SocketAddr> {
    if !holds(!string.is_null(), c"address_string", function) {
        return None;
    }
    // SAFETY: not null, so it ends in zero; no more is read than up to there, or the longest text.
    let bytes = unsafe { std::slice::from_raw_parts(string.cast::<u8>(), libc::strnlen(string, TEXT_BYTES - 1)) };
    if !bytes.is_ascii() {
        return None;
    }
    // SAFETY: ASCII is UTF-8. Checking that instead would take longer than the rest of the reading.
    address::parse(unsafe { std::str::from_utf8_unchecked(bytes) })
}

const _: () = assert!(NETCODE_ADDRESS_NONE as u8 == netcode_address_t::NONE.r#type);
