//! The constants and structs of `netcode.h`.

use std::ffi::{c_int, c_void};
use std::net::{SocketAddr, SocketAddrV6};

use super::simulator::netcode_network_simulator_t;

/// Size of a connect token, in bytes.
pub const NETCODE_CONNECT_TOKEN_BYTES: c_int = 2048;
/// Size of a key, in bytes.
pub const NETCODE_KEY_BYTES: c_int = 32;
/// Size of an authentication tag, in bytes.
pub const NETCODE_MAC_BYTES: c_int = 16;
/// Size of the application data in a connect token, in bytes.
pub const NETCODE_USER_DATA_BYTES: c_int = 256;
/// Most server addresses in a connect token.
pub const NETCODE_MAX_SERVERS_PER_CONNECT: c_int = 32;

/// Most clients of a server.
pub const NETCODE_MAX_CLIENTS: c_int = 256;
/// Largest payload, in bytes.
pub const NETCODE_MAX_PACKET_SIZE: c_int = 1200;

/// Room for the text of an address, its terminating zero included.
pub const NETCODE_MAX_ADDRESS_STRING_LENGTH: c_int = 256;

/// For how long connect tokens can be used, in seconds, unless a server's config says otherwise.
pub const NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME: c_int = 30;

/// Success.
pub const NETCODE_OK: c_int = 1;
/// Failure.
pub const NETCODE_ERROR: c_int = 0;

/// No address.
pub const NETCODE_ADDRESS_NONE: c_int = 0;
/// An IPv4 address.
pub const NETCODE_ADDRESS_IPV4: c_int = 1;
/// An IPv6 address.
pub const NETCODE_ADDRESS_IPV6: c_int = 2;

/// Log nothing. The default.
pub const NETCODE_LOG_LEVEL_NONE: c_int = 0;
/// Log what fails.
pub const NETCODE_LOG_LEVEL_ERROR: c_int = 1;
/// Log who comes and goes, too.
pub const NETCODE_LOG_LEVEL_INFO: c_int = 2;
/// Log every packet and change of state, too.
pub const NETCODE_LOG_LEVEL_DEBUG: c_int = 3;

/// The connect token expired before a server accepted it.
pub const NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED: c_int = -6;
/// The connect token could not be read.
pub const NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN: c_int = -5;
/// The connection was lost.
pub const NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT: c_int = -4;
/// No server accepted the response to its challenge in time.
pub const NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT: c_int = -3;
/// No server answered in time.
pub const NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT: c_int = -2;
/// All servers were full.
pub const NETCODE_CLIENT_STATE_CONNECTION_DENIED: c_int = -1;
/// Not connected.
pub const NETCODE_CLIENT_STATE_DISCONNECTED: c_int = 0;
/// Asking a server.
pub const NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST: c_int = 1;
/// Answering the server's challenge.
pub const NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE: c_int = 2;
/// Connected.
pub const NETCODE_CLIENT_STATE_CONNECTED: c_int = 3;

/// No client of this slot has been disconnected since it last connected.
pub const NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE: c_int = 0;
/// Nothing was heard of the client for its timeout.
pub const NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT: c_int = 1;
/// The client left.
pub const NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT: c_int = 2;
/// The server sent the client away.
pub const NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT: c_int = 3;

/// The client was created.
pub const NETCODE_CLIENT_CREATE_ERROR_NONE: c_int = 0;
/// The first address is no address.
pub const NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED: c_int = 1;
/// The second address is no address.
pub const NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED: c_int = 2;
/// With a network simulator, addresses need a port.
pub const NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT: c_int = 3;
/// The IPv4 socket could not be opened or bound.
pub const NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED: c_int = 4;
/// The IPv6 socket could not be opened or bound.
pub const NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED: c_int = 5;
/// Out of memory.
pub const NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED: c_int = 6;
/// The config asks to override sending and receiving without saying how.
pub const NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK: c_int = 7;

/// The server was created.
pub const NETCODE_SERVER_CREATE_ERROR_NONE: c_int = 0;
/// The first address is no address.
pub const NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED: c_int = 1;
/// The second address is no address.
pub const NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED: c_int = 2;
/// The IPv4 socket could not be opened.
pub const NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED: c_int = 3;
/// The IPv6 socket could not be opened.
pub const NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED: c_int = 4;
/// The IPv4 socket could not be bound to its port.
pub const NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED: c_int = 5;
/// The IPv6 socket could not be bound to its port.
pub const NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED: c_int = 6;
/// Out of memory.
pub const NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED: c_int = 7;
/// The config asks to override sending and receiving without saying how.
pub const NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK: c_int = 8;

/// An IPv4 or IPv6 address with a port.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct netcode_address_t {
    /// The address, in the member that goes with the type. Bytes that the type does not use are zero
    /// in what the library returns.
    pub data: netcode_address_data_t,
    /// The port, in host byte order.
    pub port: u16,
    /// NETCODE_ADDRESS_NONE, NETCODE_ADDRESS_IPV4 or NETCODE_ADDRESS_IPV6.
    pub r#type: u8,
}

/// An address of either family.
#[repr(C)]
#[derive(Clone, Copy)]
pub union netcode_address_data_t {
    /// The four numbers of an IPv4 address, as they are written.
    pub ipv4: [u8; 4],
    /// The eight groups of an IPv6 address, as they are written, each in host byte order.
    pub ipv6: [u16; 8],
}

/// `allocate_function`: returns at least that many bytes, aligned for any object, or NULL.
pub type AllocateFunction = unsafe extern "C" fn(context: *mut c_void, bytes: usize) -> *mut c_void;
/// `free_function`: takes back what the allocate function returned.
pub type FreeFunction = unsafe extern "C" fn(context: *mut c_void, pointer: *mut c_void);
/// `send_packet_override`: sends a datagram.
pub type SendPacketOverride =
    unsafe extern "C" fn(context: *mut c_void, to: *mut netcode_address_t, data: *const u8, bytes: c_int);
/// `receive_packet_override`: returns the size of a datagram, or zero or less when there is none.
pub type ReceivePacketOverride =
    unsafe extern "C" fn(context: *mut c_void, from: *mut netcode_address_t, data: *mut u8, max_bytes: c_int) -> c_int;
/// `send_loopback_packet_callback`: takes a payload for the other side in the same process.
pub type SendLoopbackPacketCallback =
    unsafe extern "C" fn(context: *mut c_void, client_index: c_int, data: *const u8, bytes: c_int, sequence: u64);

/// How a client is to be set up. Fill it with netcode_default_client_config, then change it. The
/// library copies it.
#[repr(C)]
pub struct netcode_client_config_t {
    /// Handed to the two functions below.
    pub allocator_context: *mut c_void,
    /// Returns memory for the client, aligned for any object, or NULL. NULL stands for malloc.
    pub allocate_function: Option<unsafe extern "C" fn(context: *mut c_void, bytes: usize) -> *mut c_void>,
    /// Takes memory of the client back. NULL stands for free.
    pub free_function: Option<unsafe extern "C" fn(context: *mut c_void, pointer: *mut c_void)>,
    /// Takes the place of sockets, if not NULL. It must outlive the client.
    pub network_simulator: *mut netcode_network_simulator_t,
    /// Handed to the callbacks below.
    pub callback_context: *mut c_void,
    /// Told of each change of state, before netcode_client_state reports it.
    pub state_change_callback: Option<unsafe extern "C" fn(context: *mut c_void, previous: c_int, current: c_int)>,
    /// Takes what a client that is connected by loopback sends.
    pub send_loopback_packet_callback: Option<
        unsafe extern "C" fn(context: *mut c_void, client_index: c_int, data: *const u8, bytes: c_int, sequence: u64),
    >,
    /// If not zero, the two functions below take the place of sockets.
    pub override_send_and_receive: c_int,
    /// Sends a datagram.
    pub send_packet_override:
        Option<unsafe extern "C" fn(context: *mut c_void, to: *mut netcode_address_t, data: *const u8, bytes: c_int)>,
    /// Fetches a datagram of at most max_bytes and returns its size, or zero or less when there is none.
    pub receive_packet_override: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            from: *mut netcode_address_t,
            data: *mut u8,
            max_bytes: c_int,
        ) -> c_int,
    >,
}

/// How a server is to be set up. Fill it with netcode_default_server_config, then change it; the
/// protocol id and the private key are yours to set. The library copies it.
#[repr(C)]
pub struct netcode_server_config_t {
    /// Tells your game and its versions from others. Tokens carry the same number.
    pub protocol_id: u64,
    /// The key that the servers share with the backend that makes connect tokens. Keep it secret.
    pub private_key: [u8; NETCODE_KEY_BYTES as usize],
    /// Handed to the two functions below.
    pub allocator_context: *mut c_void,
    /// Returns memory for the server, aligned for any object, or NULL. NULL stands for malloc.
    pub allocate_function: Option<unsafe extern "C" fn(context: *mut c_void, bytes: usize) -> *mut c_void>,
    /// Takes memory of the server back. NULL stands for free.
    pub free_function: Option<unsafe extern "C" fn(context: *mut c_void, pointer: *mut c_void)>,
    /// Takes the place of sockets, if not NULL. It must outlive the server.
    pub network_simulator: *mut netcode_network_simulator_t,
    /// Handed to the callbacks below.
    pub callback_context: *mut c_void,
    /// Told of each client that has connected (1) or is about to be disconnected (0).
    pub connect_disconnect_callback:
        Option<unsafe extern "C" fn(context: *mut c_void, client_index: c_int, connected: c_int)>,
    /// Takes what the server sends to clients that are connected by loopback.
    pub send_loopback_packet_callback: Option<
        unsafe extern "C" fn(context: *mut c_void, client_index: c_int, data: *const u8, bytes: c_int, sequence: u64),
    >,
    /// If not zero, the two functions below take the place of sockets.
    pub override_send_and_receive: c_int,
    /// Sends a datagram.
    pub send_packet_override:
        Option<unsafe extern "C" fn(context: *mut c_void, to: *mut netcode_address_t, data: *const u8, bytes: c_int)>,
    /// Fetches a datagram of at most max_bytes and returns its size, or zero or less when there is none.
    pub receive_packet_override: Option<
        unsafe extern "C" fn(
            context: *mut c_void,
            from: *mut netcode_address_t,
            data: *mut u8,
            max_bytes: c_int,
        ) -> c_int,
    >,
    /// The longest time, in seconds, for which your backend's tokens can be used. For that long after
    /// netcode_server_start, tokens that could have been used before it are refused. Zero or less
    /// stands for NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME.
    pub max_connect_token_lifetime: c_int,
}

impl netcode_address_t {
    /// No address: all bytes zero.
    pub const NONE: Self = Self { data: netcode_address_data_t { ipv6: [0; 8] }, port: 0, r#type: 0 };

    /// Stores an address for C. Programs compare addresses with `memcmp`, so all bytes that the
    /// address does not use are zero, padding included.
    ///
    /// # Safety
    /// `to` is writable.
    pub(super) unsafe fn store(to: *mut Self, address: Option<&SocketAddr>) {
        // SAFETY: the caller vouches for it, and zeros are a valid value.
        let to = unsafe {
            to.write_bytes(0, 1);
            &mut *to
        };
        match address {
            Some(SocketAddr::V4(v4)) => {
                to.data.ipv4 = v4.ip().octets();
                to.port = v4.port();
                to.r#type = NETCODE_ADDRESS_IPV4 as u8;
            }
            Some(SocketAddr::V6(v6)) => {
                to.data.ipv6 = v6.ip().segments();
                to.port = v6.port();
                to.r#type = NETCODE_ADDRESS_IPV6 as u8;
            }
            None => {}
        }
    }

    /// The address in the core's form; `None` if the type is none of the two.
    pub fn to_socket_addr(&self) -> Option<SocketAddr> {
        match c_int::from(self.r#type) {
            NETCODE_ADDRESS_IPV4 => {
                // SAFETY: every bit pattern is valid for both members.
                let octets = unsafe { self.data.ipv4 };
                Some((octets, self.port).into())
            }
            NETCODE_ADDRESS_IPV6 => {
                // SAFETY: every bit pattern is valid for both members.
                let segments = unsafe { self.data.ipv6 };
                Some(SocketAddrV6::new(segments.into(), self.port, 0, 0).into())
            }
            _ => None,
        }
    }
}

/// The C constants are literals for the header's sake; here they are held to what the core says.
const _: () = {
    use crate::client::State;
    use crate::server::DisconnectReason;
    assert!(NETCODE_CONNECT_TOKEN_BYTES as usize == crate::token::CONNECT_TOKEN_BYTES);
    assert!(NETCODE_KEY_BYTES as usize == crate::KEY_BYTES);
    assert!(NETCODE_MAC_BYTES as usize == crate::MAC_BYTES);
    assert!(NETCODE_USER_DATA_BYTES as usize == crate::USER_DATA_BYTES);
    assert!(NETCODE_MAX_SERVERS_PER_CONNECT as usize == crate::MAX_SERVERS_PER_CONNECT);
    assert!(NETCODE_MAX_CLIENTS as usize == crate::MAX_CLIENTS);
    assert!(NETCODE_MAX_PACKET_SIZE as usize == crate::MAX_PAYLOAD_BYTES);
    assert!(NETCODE_CLIENT_STATE_CONNECT_TOKEN_EXPIRED == State::ConnectTokenExpired as c_int);
    assert!(NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN == State::InvalidConnectToken as c_int);
    assert!(NETCODE_CLIENT_STATE_CONNECTION_TIMED_OUT == State::ConnectionTimedOut as c_int);
    assert!(NETCODE_CLIENT_STATE_CONNECTION_RESPONSE_TIMED_OUT == State::ConnectionResponseTimedOut as c_int);
    assert!(NETCODE_CLIENT_STATE_CONNECTION_REQUEST_TIMED_OUT == State::ConnectionRequestTimedOut as c_int);
    assert!(NETCODE_CLIENT_STATE_CONNECTION_DENIED == State::ConnectionDenied as c_int);
    assert!(NETCODE_CLIENT_STATE_DISCONNECTED == State::Disconnected as c_int);
    assert!(NETCODE_CLIENT_STATE_SENDING_CONNECTION_REQUEST == State::SendingConnectionRequest as c_int);
    assert!(NETCODE_CLIENT_STATE_SENDING_CONNECTION_RESPONSE == State::SendingConnectionResponse as c_int);
    assert!(NETCODE_CLIENT_STATE_CONNECTED == State::Connected as c_int);
    assert!(NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE == DisconnectReason::None as c_int);
    assert!(NETCODE_SERVER_CLIENT_DISCONNECT_REASON_TIMED_OUT == DisconnectReason::TimedOut as c_int);
    assert!(NETCODE_SERVER_CLIENT_DISCONNECT_REASON_CLIENT_DISCONNECT == DisconnectReason::ClientDisconnect as c_int);
    assert!(NETCODE_SERVER_CLIENT_DISCONNECT_REASON_SERVER_DISCONNECT == DisconnectReason::ServerDisconnect as c_int);
};
