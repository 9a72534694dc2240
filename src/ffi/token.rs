//! Connect tokens, for backends.

use std::ffi::{c_char, c_int};
use std::net::{Ipv4Addr, SocketAddr, SocketAddrV4};

use super::address::parse;
use super::assert::holds;
use super::global::assert_initialised;
use super::log::{self, log};
use super::types::{NETCODE_ERROR, NETCODE_OK};
use crate::crypto::{KEY_BYTES, Key};
use crate::platform::{clock, random::SysRng};
use crate::token::{CONNECT_TOKEN_BYTES, TokenRequest};
use crate::{MAX_SERVERS_PER_CONNECT, USER_DATA_BYTES, UserData};

/// Makes a connect token: what your backend sends to a client over a secure channel, and the client
/// passes to netcode_client_connect.
///
/// The client connects to the public server addresses, first choice first; the internal addresses,
/// one for each, are how the servers know themselves (usually the same). The token can be used for
/// expire_seconds (negative: for ever, for development only). A side that hears nothing for
/// timeout_seconds gives the connection up (zero or negative: never). The client id must be unique
/// among connected clients. user_data, if not NULL, is what the server gets to see as
/// netcode_server_client_user_data.
///
/// Returns NETCODE_OK, or NETCODE_ERROR if the number of addresses is not 1 to
/// NETCODE_MAX_SERVERS_PER_CONNECT, one of them is no address, or the system has no random bytes.
///
/// # Safety
/// The address arrays have `num_server_addresses` strings each; `private_key` has NETCODE_KEY_BYTES,
/// `user_data` NETCODE_USER_DATA_BYTES (or is NULL), `connect_token` NETCODE_CONNECT_TOKEN_BYTES.
#[unsafe(no_mangle)]
#[allow(clippy::too_many_arguments)]
pub unsafe extern "C" fn netcode_generate_connect_token(
    num_server_addresses: c_int,
    public_server_addresses: *mut *const c_char,
    internal_server_addresses: *mut *const c_char,
    expire_seconds: c_int,
    timeout_seconds: c_int,
    client_id: u64,
    protocol_id: u64,
    private_key: *const u8,
    user_data: *mut u8,
    connect_token: *mut u8,
) -> c_int {
    let function = c"netcode_generate_connect_token";
    assert_initialised(function);
    let count =
        usize::try_from(num_server_addresses).ok().filter(|count| (1..=MAX_SERVERS_PER_CONNECT).contains(count));
    let arguments = [
        (count.is_some(), c"num_server_addresses > 0 && num_server_addresses <= NETCODE_MAX_SERVERS_PER_CONNECT"),
        (!public_server_addresses.is_null(), c"public_server_addresses"),
        (!internal_server_addresses.is_null(), c"internal_server_addresses"),
        (!private_key.is_null(), c"private_key"),
        (!connect_token.is_null(), c"connect_token"),
    ];
    if !arguments.iter().all(|(good, condition)| holds(*good, condition, function)) {
        return NETCODE_ERROR;
    }
    let count = count.unwrap_or_default();
    // SAFETY: the arrays have that many strings, as the caller vouches.
    let (public_strings, internal_strings) = unsafe {
        (
            std::slice::from_raw_parts(public_server_addresses, count),
            std::slice::from_raw_parts(internal_server_addresses, count),
        )
    };
    let mut public_buffer = [UNREAD; MAX_SERVERS_PER_CONNECT];
    let mut internal_buffer;
    // SAFETY: the strings end in zero, as the caller vouches.
    let public = unsafe { read(public_strings, &mut public_buffer) };
    // Mostly they are the very same strings.
    let internal = if internal_strings == public_strings {
        public
    } else {
        internal_buffer = [UNREAD; MAX_SERVERS_PER_CONNECT];
        // SAFETY: as above.
        unsafe { read(internal_strings, &mut internal_buffer) }
    };
    let (Some(public_addresses), Some(internal_addresses)) = (public, internal) else {
        log!(log::ERROR, "error: a server address of the connect token is no address");
        return NETCODE_ERROR;
    };
    // SAFETY: the caller vouches for the sizes; user data may be absent.
    let (private_key, user_data) =
        unsafe { (Key::new(private_key.cast::<[u8; KEY_BYTES]>().read()), user_data.cast::<UserData>().as_ref()) };
    let request = TokenRequest {
        protocol_id,
        client_id,
        expire_seconds,
        timeout_seconds,
        public_addresses,
        internal_addresses,
        user_data: user_data.unwrap_or(&[0; USER_DATA_BYTES]),
    };
    // SAFETY: there is room for a token, as the caller vouches; zeros come first, so that it is initialised.
    let connect_token = unsafe {
        connect_token.write_bytes(0, CONNECT_TOKEN_BYTES);
        &mut *connect_token.cast::<[u8; CONNECT_TOKEN_BYTES]>()
    };
    match request.generate_onto(&private_key, clock::unix(), &mut SysRng, connect_token) {
        Ok(()) => NETCODE_OK,
        Err(error) => {
            log!(log::ERROR, "error: no connect token: {error}");
            NETCODE_ERROR
        }
    }
}

const UNREAD: SocketAddr = SocketAddr::V4(SocketAddrV4::new(Ipv4Addr::UNSPECIFIED, 0));

/// Reads addresses.
///
/// # Safety
/// Each string is NULL or ends in zero.
unsafe fn read<'a>(
    strings: &[*const c_char],
    buffer: &'a mut [SocketAddr; MAX_SERVERS_PER_CONNECT],
) -> Option<&'a [SocketAddr]> {
    let addresses = &mut buffer[..strings.len()];
    for (address, &string) in addresses.iter_mut().zip(strings) {
        // SAFETY: as the caller vouches.
        *address = unsafe { parse(string, c"netcode_generate_connect_token") }?;
    }
    Some(addresses)
}
