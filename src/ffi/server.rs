//! Servers.

mod object;

use std::cell::Cell;
use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::SocketAddr;
use std::ptr;

use super::alloc::Hooks;
use super::arguments::{Addresses, NoAddress, datagram, payload, receive_packet};
use super::assert::holds;
use super::global::assert_initialised;
use super::log::{self, log};
use super::object::Call;
use super::transport::{OpenFailure, Transport, TransportConfig};
use super::types::*;
use crate::address::text;
use crate::crypto::{self, Key};
use crate::packet::Request;
use crate::platform::clock;
use crate::platform::socket::wildcard;
use crate::server::{Config, DisconnectReason, Server};
use crate::{MAX_CLIENTS, UserData};
pub use object::netcode_server_t;
use object::{Seat, Whom};

thread_local! {
    static CREATE_ERROR: Cell<c_int> = const { Cell::new(NETCODE_SERVER_CREATE_ERROR_NONE) };
}

/// Fills a config with defaults: malloc and free, sockets, no callbacks, tokens of at most 30
/// seconds. protocol_id and private_key are left as they are.
///
/// # Safety
/// `config` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_default_server_config(config: *mut netcode_server_config_t) {
    if !holds(!config.is_null(), c"config", c"netcode_default_server_config") {
        return;
    }
    // SAFETY: not null, so writable; nothing is read, and only fields are written.
    unsafe {
        (&raw mut (*config).allocator_context).write(ptr::null_mut());
        (&raw mut (*config).allocate_function).write(None);
        (&raw mut (*config).free_function).write(None);
        (&raw mut (*config).network_simulator).write(ptr::null_mut());
        (&raw mut (*config).callback_context).write(ptr::null_mut());
        (&raw mut (*config).connect_disconnect_callback).write(None);
        (&raw mut (*config).send_loopback_packet_callback).write(None);
        (&raw mut (*config).override_send_and_receive).write(0);
        (&raw mut (*config).send_packet_override).write(None);
        (&raw mut (*config).receive_packet_override).write(None);
        (&raw mut (*config).max_connect_token_lifetime).write(NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME);
    }
}

/// Creates a server. The address is its public one, as in connect tokens; it listens on that port of
/// all addresses of the host. With port 0 the system chooses a port, which becomes part of the
/// public address. time is your clock, in seconds; pass the same clock to netcode_server_update.
/// Clients can connect after netcode_server_start.
///
/// Returns NULL on failure; netcode_server_create_error says why.
///
/// # Safety
/// `server_address` is NULL or ends in zero; `config` is NULL or readable, with functions that do
/// what their descriptions say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_create(
    server_address: *const c_char,
    config: *const netcode_server_config_t,
    time: f64,
) -> *mut netcode_server_t {
    // SAFETY: as the caller vouches.
    unsafe { create(c"netcode_server_create", server_address, None, config, time) }
}

/// As netcode_server_create, on an IPv4 and an IPv6 address.
///
/// # Safety
/// As for netcode_server_create.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_create_dual(
    server_address1: *const c_char,
    server_address2: *const c_char,
    config: *const netcode_server_config_t,
    time: f64,
) -> *mut netcode_server_t {
    // SAFETY: as the caller vouches.
    unsafe { create(c"netcode_server_create_dual", server_address1, Some(server_address2), config, time) }
}

/// Returns why the last server that this thread tried to create was not created, as a
/// NETCODE_SERVER_CREATE_ERROR constant.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_server_create_error() -> c_int {
    CREATE_ERROR.get()
}

/// Destroys a server, stopping it first. In a callback of this server it takes effect when the call
/// that led to the callback returns.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_destroy(server: *mut netcode_server_t) {
    // SAFETY: as the caller vouches.
    let Some(server) = (unsafe { enter(server, c"netcode_server_destroy") }) else { return };
    if !server.lifeline.is_doomed() {
        server.doom();
        server.stop();
    }
}

/// Starts a server with 1 to NETCODE_MAX_CLIENTS slots, after stopping it if need be.
///
/// For the max_connect_token_lifetime of the config after each start, connect tokens that could have
/// been used before it are refused.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_start(server: *mut netcode_server_t, max_clients: c_int) {
    let function = c"netcode_server_start";
    // SAFETY: as the caller vouches.
    let Some(server) = (unsafe { enter(server, function) }) else { return };
    let slots = usize::try_from(max_clients).ok().filter(|slots| (1..=MAX_CLIENTS).contains(slots));
    let in_range = c"max_clients > 0 && max_clients <= NETCODE_MAX_CLIENTS";
    holds(slots.is_some(), in_range, function);
    match slots {
        Some(slots) => server.start(slots),
        None => {
            log!(log::ERROR, "error: a server has 1 to {MAX_CLIENTS} slots, not {max_clients}");
        }
    }
}

/// Stops a server, disconnecting all its clients.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_stop(server: *mut netcode_server_t) {
    // SAFETY: as the caller vouches.
    if let Some(server) = unsafe { enter(server, c"netcode_server_stop") } {
        server.stop();
    }
}

/// Returns 1 if the server has been started and not stopped, else 0.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_running(server: *mut netcode_server_t) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe { query(server, c"netcode_server_running", |core| core.is_running().into()) }
}

/// Returns the number of slots; 0 while the server is not running.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_max_clients(server: *mut netcode_server_t) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe { query(server, c"netcode_server_max_clients", |core| core.max_clients() as c_int) }
}

/// Receives, sends and lets time pass. Call it regularly, 60 times a second or so, with your clock
/// in seconds. Callbacks are called from here.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_update(server: *mut netcode_server_t, time: f64) {
    // SAFETY: as the caller vouches.
    if let Some(server) = unsafe { enter(server, c"netcode_server_update") } {
        server.update(time);
    }
}

/// Returns 1 if there is a client in this slot, else 0.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_client_connected(server: *mut netcode_server_t, client_index: c_int) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe {
        slot_query(server, client_index, c"netcode_server_client_connected", |core, slot| {
            core.is_connected(slot).into()
        })
    }
}

/// Returns why the last client of this slot was disconnected, as a
/// NETCODE_SERVER_CLIENT_DISCONNECT_REASON constant. It can be asked in the callback, too.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_client_disconnect_reason(
    server: *mut netcode_server_t,
    client_index: c_int,
) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe {
        slot_query(server, client_index, c"netcode_server_client_disconnect_reason", |core, slot| {
            core.disconnect_reason(slot) as c_int
        })
    }
}

/// Returns the id of the client in this slot; 0 if there is none.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_client_id(server: *mut netcode_server_t, client_index: c_int) -> u64 {
    // SAFETY: as the caller vouches.
    unsafe {
        slot_query(server, client_index, c"netcode_server_client_id", |core, slot| {
            core.client_id(slot).unwrap_or_default()
        })
    }
}

/// Returns the address of the client in this slot, of type NETCODE_ADDRESS_NONE if there is none or
/// it is connected by loopback; NULL if there is no such slot. It belongs to the server, and is good
/// until it is stopped.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_client_address(
    server: *mut netcode_server_t,
    client_index: c_int,
) -> *mut netcode_address_t {
    // SAFETY: as the caller vouches.
    unsafe {
        seat_query(server, client_index, c"netcode_server_client_address", |seat| seat.address.get())
            .unwrap_or(ptr::null_mut())
    }
}

/// Sends the client in this slot away. Does nothing if there is none or it is connected by loopback.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_disconnect_client(server: *mut netcode_server_t, client_index: c_int) {
    let function = c"netcode_server_disconnect_client";
    // SAFETY: as the caller vouches.
    if let Some((server, slot)) = unsafe { enter_slot(server, client_index, function) } {
        let loopback = server.ask(|core| core.is_loopback(slot)).unwrap_or(false);
        if holds(!loopback, c"!server->client_loopback[client_index]", function) {
            server.disconnect(slot, DisconnectReason::ServerDisconnect);
        }
    }
}

/// Sends all clients away, except those that are connected by loopback.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_disconnect_all_clients(server: *mut netcode_server_t) {
    // SAFETY: as the caller vouches.
    if let Some(server) = unsafe { enter(server, c"netcode_server_disconnect_all_clients") } {
        server.disconnect_all(Whom::Remote);
    }
}

/// Returns the sequence number that the next packet to the client in this slot will have; 0 if there
/// is none.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_next_packet_sequence(
    server: *mut netcode_server_t,
    client_index: c_int,
) -> u64 {
    // SAFETY: as the caller vouches.
    unsafe {
        slot_query(server, client_index, c"netcode_server_next_packet_sequence", |core, slot| {
            core.next_packet_sequence(slot).unwrap_or_default()
        })
    }
}

/// Sends a packet of 1 to NETCODE_MAX_PACKET_SIZE bytes to the client in this slot, unreliably and
/// at once. Does nothing if there is none.
///
/// # Safety
/// The server is NULL or alive; the data has that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_send_packet(
    server: *mut netcode_server_t,
    client_index: c_int,
    packet_data: *const u8,
    packet_bytes: c_int,
) {
    let function = c"netcode_server_send_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        let Some((server, slot)) = enter_slot(server, client_index, function) else { return };
        if server.ask(|core| core.is_connected(slot)) != Some(true) {
            return;
        }
        let Some(payload) = payload(packet_data, packet_bytes, function) else { return };
        server.send(slot, payload);
    }
}

/// Takes the packet that has waited longest of those from the client in this slot. Stores its size
/// and, unless sequence is NULL, the client's number of the packet. Free it with
/// netcode_server_free_packet; it may be read up to 8 bytes beyond its end.
///
/// Returns NULL, and stores nothing, when no packet waits.
///
/// # Safety
/// The server is NULL or alive; `packet_bytes` and `packet_sequence` are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_receive_packet(
    server: *mut netcode_server_t,
    client_index: c_int,
    packet_bytes: *mut c_int,
    packet_sequence: *mut u64,
) -> *mut u8 {
    let function = c"netcode_server_receive_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        seat_query(server, client_index, function, |seat| {
            receive_packet(&seat.queue, packet_bytes, packet_sequence, function)
        })
        .unwrap_or(ptr::null_mut())
    }
}

/// Frees a packet that netcode_server_receive_packet returned.
///
/// # Safety
/// The server is NULL or alive; the packet is NULL or one of this server's, not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_free_packet(server: *mut netcode_server_t, packet: *mut c_void) {
    let function = c"netcode_server_free_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        let Some(server) = enter(server, function) else { return };
        if holds(!packet.is_null(), c"packet", function) {
            server.memory.free(packet.cast());
        }
    }
}

/// Returns the number of connected clients, those that are connected by loopback included.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_num_connected_clients(server: *mut netcode_server_t) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe { query(server, c"netcode_server_num_connected_clients", |core| core.connected_clients() as c_int) }
}

/// Returns the NETCODE_USER_DATA_BYTES of user data in the connect token of the client in this slot,
/// zeros if there is none; NULL if there is no such slot. It belongs to the server, and is good
/// until it is stopped.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_client_user_data(
    server: *mut netcode_server_t,
    client_index: c_int,
) -> *mut c_void {
    // SAFETY: as the caller vouches.
    unsafe {
        seat_query(server, client_index, c"netcode_server_client_user_data", |seat| seat.user_data.get().cast())
            .unwrap_or(ptr::null_mut())
    }
}

/// Hands a datagram to the server that your program received itself. It is decrypted in place: nothing
/// else may use the data until the call returns.
///
/// # Safety
/// The server is NULL or alive, `from` NULL or readable; the data has that many writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_process_packet(
    server: *mut netcode_server_t,
    from: *mut netcode_address_t,
    packet_data: *mut u8,
    packet_bytes: c_int,
) {
    let function = c"netcode_server_process_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        let Some(server) = enter(server, function) else { return };
        let Some((from, datagram)) = datagram(from, packet_data, packet_bytes, function) else { return };
        if Request::is_claimed_by(datagram) {
            server.change(|core| core.set_wall_clock(clock::unix()));
        }
        server.process_one(from, datagram);
    }
}

/// Connects a client in the same process to a free slot, without packets: what is sent to it goes to
/// the server's send_loopback_packet_callback, and what it sends comes by
/// netcode_server_process_loopback_packet. user_data has NETCODE_USER_DATA_BYTES, or is NULL.
/// Refused without that callback.
///
/// # Safety
/// The server is NULL or alive, `user_data` NULL or readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_connect_loopback_client(
    server: *mut netcode_server_t,
    client_index: c_int,
    client_id: u64,
    user_data: *const u8,
) {
    let function = c"netcode_server_connect_loopback_client";
    // SAFETY: as the caller vouches.
    let Some((server, slot)) = (unsafe { enter_slot(server, client_index, function) }) else { return };
    if server.send_loopback_packet_callback.is_none() {
        log!(log::ERROR, "error: loopback clients need a send_loopback_packet_callback");
        return;
    }
    let free = server.ask(|core| !core.is_connected(slot)).unwrap_or(false);
    if holds(free, c"!server->client_connected[client_index]", function) {
        // SAFETY: null, or readable.
        let user_data = unsafe { user_data.cast::<UserData>().as_ref() };
        server.connect_loopback(slot, client_id, user_data);
    }
}

/// Disconnects a client that is connected by loopback.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_disconnect_loopback_client(server: *mut netcode_server_t, client_index: c_int) {
    let function = c"netcode_server_disconnect_loopback_client";
    // SAFETY: as the caller vouches.
    if let Some((server, slot)) = unsafe { enter_slot(server, client_index, function) } {
        let loopback = server.ask(|core| core.is_loopback(slot)).unwrap_or(false);
        if holds(loopback, c"server->client_loopback[client_index]", function) {
            server.disconnect(slot, DisconnectReason::ServerDisconnect);
        }
    }
}

/// Returns 1 if the client in this slot is connected by loopback, else 0.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_client_loopback(server: *mut netcode_server_t, client_index: c_int) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe {
        slot_query(server, client_index, c"netcode_server_client_loopback", |core, slot| core.is_loopback(slot).into())
    }
}

/// Hands a packet to the server as if the client in this slot, connected by loopback, had sent it.
///
/// # Safety
/// The server is NULL or alive; the data has that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_process_loopback_packet(
    server: *mut netcode_server_t,
    client_index: c_int,
    packet_data: *const u8,
    packet_bytes: c_int,
    packet_sequence: u64,
) {
    let function = c"netcode_server_process_loopback_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        let Some((server, slot)) = enter_slot(server, client_index, function) else { return };
        if !holds(
            server.ask(|core| core.is_loopback(slot)).unwrap_or(false),
            c"server->client_loopback[client_index]",
            function,
        ) {
            return;
        }
        let Some(payload) = payload(packet_data, packet_bytes, function) else { return };
        server.enqueue(slot, payload, packet_sequence);
    }
}

/// Returns the port that the server listens on: with IPv4 if its first address is IPv4, else with
/// IPv6; 0 without sockets.
///
/// # Safety
/// The server is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_server_get_port(server: *mut netcode_server_t) -> u16 {
    // SAFETY: as the caller vouches.
    let server = unsafe { enter(server, c"netcode_server_get_port") };
    server.map_or(0, |server| server.port())
}

/// # Safety
/// As for [`netcode_server_create`]; the second address is NULL or ends in zero, too.
unsafe fn create(
    function: &CStr,
    address: *const c_char,
    second: Option<*const c_char>,
    config: *const netcode_server_config_t,
    time: f64,
) -> *mut netcode_server_t {
    assert_initialised(function);
    // SAFETY: as the caller vouches.
    let created = unsafe { try_create(function, address, second, config, time) };
    crypto::wipe_stack();
    CREATE_ERROR.set(created.err().unwrap_or(NETCODE_SERVER_CREATE_ERROR_NONE));
    created.unwrap_or(ptr::null_mut())
}

/// # Safety
/// As for [`create`], which wipes the stack that this has used.
#[inline(never)]
unsafe fn try_create(
    function: &CStr,
    address: *const c_char,
    second: Option<*const c_char>,
    config: *const netcode_server_config_t,
    time: f64,
) -> Result<*mut netcode_server_t, c_int> {
    // SAFETY: null, or readable.
    let Some(config) = (unsafe { config.as_ref() }) else {
        holds(false, c"config", function);
        return Err(NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED);
    };
    // SAFETY: null, or ending in zero.
    let mut addresses = unsafe { Addresses::read(address, second, function) }.map_err(|which| {
        log!(log::ERROR, "error: failed to parse server address");
        match which {
            NoAddress::First => NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS_FAILED,
            NoAddress::Second => NETCODE_SERVER_CREATE_ERROR_PARSE_ADDRESS2_FAILED,
        }
    })?;
    let transport = open_transport(config, &addresses)?;
    for address in std::iter::once(&mut addresses.first).chain(&mut addresses.second) {
        if address.port() == 0 {
            address.set_port(transport.port(address));
        }
    }
    let hooks = Hooks::new(config.allocator_context, config.allocate_function, config.free_function);
    let lifetime = match config.max_connect_token_lifetime {
        ..=0 => NETCODE_DEFAULT_MAX_CONNECT_TOKEN_LIFETIME,
        seconds => seconds,
    };
    let core_config = Config {
        protocol_id: config.protocol_id,
        private_key: Key::new(config.private_key),
        public_addresses: [Some(addresses.first), addresses.second],
        max_token_lifetime: lifetime as u32,
    };
    let mut core = Server::new_in(core_config, hooks);
    core.advance(time);
    let Some(server) = netcode_server_t::create(core, hooks, transport, addresses.first, config) else {
        log!(log::ERROR, "error: failed to allocate server");
        return Err(NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED);
    };
    for address in addresses.iter() {
        log!(log::INFO, "server listening on {}", text(address));
    }
    Ok(server.as_ptr())
}

fn open_transport(config: &netcode_server_config_t, addresses: &Addresses) -> Result<Transport, c_int> {
    let transport = TransportConfig {
        simulator: config.network_simulator,
        override_send_and_receive: config.override_send_and_receive,
        context: config.callback_context,
        send: config.send_packet_override,
        receive: config.receive_packet_override,
    };
    Transport::open(&transport, addresses, wildcard).map_err(|failure| match failure {
        OpenFailure::MissingOverride => NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK,
        OpenFailure::Create(SocketAddr::V4(_)) => NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED,
        OpenFailure::Create(SocketAddr::V6(_)) => NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED,
        OpenFailure::Bind(SocketAddr::V4(_)) => NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED,
        OpenFailure::Bind(SocketAddr::V6(_)) => NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED,
    })
}

const SLOT_IN_RANGE: &CStr = c"client_index >= 0 && client_index < server->max_clients";

/// # Safety
/// The server is NULL or alive.
#[track_caller]
unsafe fn enter(server: *mut netcode_server_t, function: &CStr) -> Option<Call<netcode_server_t>> {
    holds(!server.is_null(), c"server", function);
    // SAFETY: as the caller vouches.
    unsafe { Call::enter(server) }
}

/// Enters a running server, for one of its slots.
///
/// # Safety
/// The server is NULL or alive.
#[track_caller]
unsafe fn enter_slot(
    server: *mut netcode_server_t,
    client_index: c_int,
    function: &CStr,
) -> Option<(Call<netcode_server_t>, usize)> {
    // SAFETY: as the caller vouches.
    let server = unsafe { enter(server, function) }?;
    let max_clients = server.ask(Server::max_clients).filter(|max_clients| *max_clients > 0)?;
    let slot = usize::try_from(client_index).ok().filter(|slot| *slot < max_clients);
    holds(slot.is_some(), SLOT_IN_RANGE, function);
    Some((server, slot?))
}

/// What the core answers, or zero without a server.
///
/// # Safety
/// The server is NULL or alive.
#[track_caller]
unsafe fn query<T: Default>(
    server: *mut netcode_server_t,
    function: &CStr,
    question: impl FnOnce(&Server<Hooks>) -> T,
) -> T {
    // SAFETY: as the caller vouches.
    let server = unsafe { enter(server, function) };
    server.and_then(|server| server.ask(question)).unwrap_or_default()
}

/// What the core answers about a slot, or zero if there is no such slot.
///
/// # Safety
/// The server is NULL or alive.
#[track_caller]
unsafe fn slot_query<T: Default>(
    server: *mut netcode_server_t,
    client_index: c_int,
    function: &CStr,
    question: impl FnOnce(&Server<Hooks>, usize) -> T,
) -> T {
    // SAFETY: as the caller vouches.
    let entered = unsafe { enter_slot(server, client_index, function) };
    entered.and_then(|(server, slot)| server.ask(|core| question(core, slot))).unwrap_or_default()
}

/// What belongs to a slot on this side, if there is such a slot.
///
/// # Safety
/// The server is NULL or alive.
#[track_caller]
unsafe fn seat_query<T>(
    server: *mut netcode_server_t,
    client_index: c_int,
    function: &CStr,
    question: impl FnOnce(&Seat) -> T,
) -> Option<T> {
    // SAFETY: as the caller vouches.
    let server = unsafe { enter(server, function) }?;
    let running = server.ask(Server::is_running)?;
    // There are as many seats as slots, so this is the range check, too.
    let answer = server.with_seat(usize::try_from(client_index).unwrap_or(usize::MAX), question);
    holds(answer.is_some() || !running, SLOT_IN_RANGE, function);
    answer
}
