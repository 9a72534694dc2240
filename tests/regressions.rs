//! What fuzzing and soaking have found in the C API. Each of these failed once.

#![allow(unsafe_code)]

use std::ffi::{c_int, c_void};
use std::ptr;

use netcode::ffi::client::*;
use netcode::ffi::global::*;
use netcode::ffi::token::*;
use netcode::ffi::types::*;

/// A client that is connected by loopback leaves, and connects again from its own state callback. What it had
/// received before does not belong to the new connection.
#[test]
fn a_connection_begun_in_the_callback_of_the_last_one_starts_without_its_packets() {
    let (mut token, key, address) = ([0; NETCODE_CONNECT_TOKEN_BYTES as usize], [7; 32], c"127.0.0.1:40000");
    let mut addresses = [address.as_ptr()];
    let token = token.as_mut_ptr();
    let mut again = Again { client: ptr::null_mut(), token };
    let context = &raw mut again;
    netcode_init();
    // SAFETY: everything lives to the end of the test, has the size that is said, and is used on this thread.
    unsafe {
        let (public, internal) = (addresses.as_mut_ptr(), addresses.as_mut_ptr());
        let user_data = ptr::null_mut();
        let made = netcode_generate_connect_token(1, public, internal, 30, 5, 1, 1, key.as_ptr(), user_data, token);
        assert_eq!(made, NETCODE_OK);

        let mut config = std::mem::zeroed();
        netcode_default_client_config(&mut config);
        config.callback_context = context.cast();
        config.state_change_callback = Some(connect_again);
        config.send_loopback_packet_callback = Some(ignore_payload);
        config.override_send_and_receive = 1;
        config.send_packet_override = Some(ignore_packet);
        config.receive_packet_override = Some(receive_nothing);
        let client = netcode_client_create(c"127.0.0.1:50000".as_ptr(), &config, 0.0);
        (*context).client = client;

        netcode_client_connect_loopback(client, 0, 1);
        netcode_client_process_loopback_packet(client, b"old".as_ptr(), 3, 0);
        netcode_client_disconnect_loopback(client);
        assert_eq!(netcode_client_state(client), NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST);

        let mut bytes = 0;
        let packet = netcode_client_receive_packet(client, &mut bytes, ptr::null_mut());
        assert!(packet.is_null(), "a packet of the last connection was received in the next");
        netcode_client_destroy(client);
    }
    netcode_term();
}

struct Again {
    client: *mut netcode_client_t,
    token: *mut u8,
}

unsafe extern "C" fn connect_again(context: *mut c_void, previous: c_int, current: c_int) {
    if previous == NETCODE_CLIENT_STATE_CONNECTED && current == NETCODE_CLIENT_STATE_DISCONNECTED {
        // SAFETY: the context is what the test made it, and the client is in the middle of a call.
        unsafe {
            let again = context.cast::<Again>().read();
            netcode_client_connect(again.client, again.token);
        }
    }
}

unsafe extern "C" fn ignore_payload(_: *mut c_void, _: c_int, _: *const u8, _: c_int, _: u64) {}

unsafe extern "C" fn ignore_packet(_: *mut c_void, _: *mut netcode_address_t, _: *const u8, _: c_int) {}

unsafe extern "C" fn receive_nothing(_: *mut c_void, _: *mut netcode_address_t, _: *mut u8, _: c_int) -> c_int {
    0
}
