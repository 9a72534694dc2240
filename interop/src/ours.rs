//! Ours, by its C API.

use crate::implementation::{
    Client, Family, Implementation, PROTOCOL_ID, Server, ServerSetup, State, TOKEN_BYTES, TokenRequest, UserData,
};
use netcode::ffi::client::*;
use netcode::ffi::server::*;
use netcode::ffi::token::netcode_generate_connect_token;
use netcode::ffi::types::*;
use std::ffi::{CString, c_char, c_int, c_void};
use std::mem::MaybeUninit;
use std::net::SocketAddr;
use std::ptr;

pub(crate) struct Ours;

fn text(address: SocketAddr) -> CString {
    CString::new(address.to_string()).expect("addresses have no zero byte")
}

impl Implementation for Ours {
    fn name(&self) -> &'static str {
        "ours"
    }

    fn token(&self, request: &TokenRequest) -> Result<Vec<u8>, String> {
        let texts = |addresses: &[SocketAddr]| addresses.iter().copied().map(text).collect::<Vec<_>>();
        let pointers = |texts: &[CString]| texts.iter().map(|text| text.as_ptr()).collect::<Vec<*const c_char>>();
        // The C API has an internal address for each public one.
        if request.public.len() != request.internal.len() {
            return Err("not as many internal addresses as public ones".to_string());
        }
        let (public, internal) = (texts(&request.public), texts(&request.internal));
        let mut token = vec![0; TOKEN_BYTES];
        let mut user_data = request.user_data;
        // SAFETY: both arrays have that many strings; key, user data and token have the sizes that are asked for.
        let result = unsafe {
            netcode_generate_connect_token(
                public.len() as c_int,
                pointers(&public).as_mut_ptr(),
                pointers(&internal).as_mut_ptr(),
                request.expire_seconds as c_int,
                request.timeout_seconds,
                request.client_id,
                PROTOCOL_ID,
                request.key.as_ptr(),
                user_data.as_mut_ptr(),
                token.as_mut_ptr(),
            )
        };
        if result == NETCODE_OK { Ok(token) } else { Err("netcode_generate_connect_token failed".to_string()) }
    }

    fn server(&self, setup: &ServerSetup) -> Result<Box<dyn Server>, String> {
        let mut config = MaybeUninit::<netcode_server_config_t>::zeroed();
        // SAFETY: zeros are a valid config, which the function fills; the address is a string; the library copies both.
        let handle = unsafe {
            netcode_default_server_config(config.as_mut_ptr());
            let config = config.assume_init_mut();
            config.protocol_id = PROTOCOL_ID;
            config.private_key = setup.key;
            config.max_connect_token_lifetime = setup.token_lifetime as c_int;
            netcode_server_create(text(setup.family.any_port()).as_ptr(), config, 0.0)
        };
        if handle.is_null() {
            return Err(format!("netcode_server_create failed: {}", netcode_server_create_error()));
        }
        let server = OurServer { handle, slots: setup.slots as c_int, family: setup.family };
        // SAFETY: the server was created just now.
        unsafe { netcode_server_start(handle, server.slots) };
        Ok(Box::new(server))
    }

    fn client(&self, family: Family, token: &[u8]) -> Result<Box<dyn Client>, String> {
        // As in a C program: what there is, in a buffer of the size that a token has.
        let mut buffer = [0; TOKEN_BYTES];
        let bytes = token.len().min(TOKEN_BYTES);
        buffer[..bytes].copy_from_slice(&token[..bytes]);
        let mut client = OurClient::connecting(family, &mut buffer, Network::Sockets)?;
        if client.target().is_some_and(|target| !target.ip().is_loopback()) {
            // A misread address. Nothing has been sent yet, and nothing is to leave this host.
            client = OurClient::connecting(family, &mut buffer, Network::None)?;
        }
        Ok(Box::new(client))
    }
}

struct OurServer {
    handle: *mut netcode_server_t,
    slots: c_int,
    family: Family,
}

impl OurServer {
    fn connected(&self) -> impl Iterator<Item = c_int> + '_ {
        // SAFETY: the handle is good until it is dropped.
        (0..self.slots).filter(|&slot| unsafe { netcode_server_client_connected(self.handle, slot) } == 1)
    }

    fn slot(&self, client_id: u64) -> Option<c_int> {
        // SAFETY: the handle is good until it is dropped.
        self.connected().find(|&slot| unsafe { netcode_server_client_id(self.handle, slot) } == client_id)
    }
}

/// Takes a packet, if there is one. `next` stores the size of the packet that it returns.
fn packet(mut next: impl FnMut(&mut c_int) -> *mut u8, free: impl FnOnce(*mut u8)) -> Option<Vec<u8>> {
    let mut bytes = 0;
    let packet = next(&mut bytes);
    if packet.is_null() {
        return None;
    }
    // SAFETY: the library returned a packet of that many bytes.
    let payload = unsafe { std::slice::from_raw_parts(packet, bytes as usize) }.to_vec();
    free(packet);
    Some(payload)
}

impl Server for OurServer {
    fn address(&self) -> SocketAddr {
        // SAFETY: the handle is good until it is dropped.
        SocketAddr::new(self.family.loopback(), unsafe { netcode_server_get_port(self.handle) })
    }

    fn clients(&self) -> Vec<u64> {
        // SAFETY: the handle is good until it is dropped.
        self.connected().map(|slot| unsafe { netcode_server_client_id(self.handle, slot) }).collect()
    }

    fn user_data(&self, client_id: u64) -> Option<UserData> {
        let slot = self.slot(client_id)?;
        // SAFETY: the handle is good until it is dropped; for a slot in range the data has that many bytes.
        Some(unsafe { *netcode_server_client_user_data(self.handle, slot).cast::<UserData>() })
    }

    fn update(&mut self, time: f64) {
        // SAFETY: the handle is good until it is dropped.
        unsafe { netcode_server_update(self.handle, time) };
    }

    fn send(&mut self, client_id: u64, payload: &[u8]) {
        if let Some(slot) = self.slot(client_id) {
            // SAFETY: the handle is good until it is dropped; the payload has that many bytes.
            unsafe { netcode_server_send_packet(self.handle, slot, payload.as_ptr(), payload.len() as c_int) };
        }
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        let handle = self.handle;
        let next = |slot| {
            packet(
                // SAFETY: the handle is good until it is dropped; the sequence may be NULL.
                |bytes| unsafe { netcode_server_receive_packet(handle, slot, bytes, ptr::null_mut()) },
                // SAFETY: as above; the packet came from this server, and is freed once.
                |packet| unsafe { netcode_server_free_packet(handle, packet.cast()) },
            )
        };
        (0..self.slots).flat_map(|slot| std::iter::from_fn(move || next(slot))).collect()
    }

    fn disconnect(&mut self, client_id: u64) {
        if let Some(slot) = self.slot(client_id) {
            // SAFETY: the handle is good until it is dropped.
            unsafe { netcode_server_disconnect_client(self.handle, slot) };
        }
    }
}

impl Drop for OurServer {
    fn drop(&mut self) {
        // SAFETY: the handle is not used after this.
        unsafe { netcode_server_destroy(self.handle) };
    }
}

#[derive(PartialEq)]
enum Network {
    Sockets,
    /// What is sent is lost.
    None,
}

unsafe extern "C" fn lose(_: *mut c_void, _: *mut netcode_address_t, _: *const u8, _: c_int) {}

unsafe extern "C" fn nothing(_: *mut c_void, _: *mut netcode_address_t, _: *mut u8, _: c_int) -> c_int {
    0
}

struct OurClient {
    handle: *mut netcode_client_t,
}

impl OurClient {
    fn connecting(family: Family, token: &mut [u8; TOKEN_BYTES], network: Network) -> Result<Self, String> {
        let mut config = MaybeUninit::<netcode_client_config_t>::zeroed();
        // SAFETY: zeros are a valid config, which the function fills; the address is a string; the library copies both.
        let handle = unsafe {
            netcode_default_client_config(config.as_mut_ptr());
            let config = config.assume_init_mut();
            if network == Network::None {
                config.override_send_and_receive = 1;
                config.send_packet_override = Some(lose);
                config.receive_packet_override = Some(nothing);
            }
            netcode_client_create(text(family.any_port()).as_ptr(), config, 0.0)
        };
        if handle.is_null() {
            return Err(format!("netcode_client_create failed: {}", netcode_client_create_error()));
        }
        let client = Self { handle };
        // SAFETY: the client was created just now; the token has the size that is asked for.
        unsafe { netcode_client_connect(handle, token.as_mut_ptr()) };
        match client.state() {
            State::InvalidToken => Err("NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN".to_string()),
            _ => Ok(client),
        }
    }
}

impl Client for OurClient {
    fn state(&self) -> State {
        // SAFETY: the handle is good until it is dropped.
        match unsafe { netcode_client_state(self.handle) } {
            NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED => State::TokenExpired,
            NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN => State::InvalidToken,
            NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT => State::TimedOut,
            NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT => State::ResponseTimedOut,
            NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT => State::RequestTimedOut,
            NETCODE_CLIENT_STATE_CONNECTION_DENIED => State::Denied,
            NETCODE_CLIENT_STATE_DISCONNECTED => State::Disconnected,
            NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST | NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE => {
                State::Connecting
            }
            NETCODE_CLIENT_STATE_CONNECTED => State::Connected,
            state => panic!("the client state {state} is in no table"),
        }
    }

    fn target(&self) -> Option<SocketAddr> {
        // SAFETY: the handle is good until it is dropped, and the address changes only in calls.
        unsafe { (*netcode_client_server_address(self.handle)).to_socket_addr() }
    }

    fn update(&mut self, time: f64) {
        // SAFETY: the handle is good until it is dropped.
        unsafe { netcode_client_update(self.handle, time) };
    }

    fn send(&mut self, payload: &[u8]) {
        // SAFETY: the handle is good until it is dropped; the payload has that many bytes.
        unsafe { netcode_client_send_packet(self.handle, payload.as_ptr(), payload.len() as c_int) };
    }

    fn received(&mut self) -> Vec<Vec<u8>> {
        let handle = self.handle;
        std::iter::from_fn(|| {
            packet(
                // SAFETY: the handle is good until it is dropped; the sequence may be NULL.
                |bytes| unsafe { netcode_client_receive_packet(handle, bytes, ptr::null_mut()) },
                // SAFETY: as above; the packet came from this client, and is freed once.
                |packet| unsafe { netcode_client_free_packet(handle, packet.cast()) },
            )
        })
        .collect()
    }

    fn disconnect(&mut self) {
        // SAFETY: the handle is good until it is dropped.
        unsafe { netcode_client_disconnect(self.handle) };
    }
}

impl Drop for OurClient {
    fn drop(&mut self) {
        // SAFETY: the handle is not used after this.
        unsafe { netcode_client_destroy(self.handle) };
    }
}
