//! Servers.

use std::cell::{Cell, RefCell, RefMut, UnsafeCell};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::SocketAddr;
use std::ptr;

use allocator_api2::vec::Vec;

use super::alloc::Hooks;
use super::arguments::{Addresses, NoAddress, datagram, overrides, payload, receive_packet};
use super::assert::holds;
use super::global::assert_initialised;
use super::log::{self, log};
use super::object::{Call, Lifeline, Object, hand_out};
use super::queue::{PacketMemory, PacketQueue};
use super::transport::{Overrides, SimulatorEndpoint, Sockets, Transport, drain_overrides, drain_simulator, with_room};
use super::types::*;
use crate::address::text;
use crate::crypto::Key;
use crate::packet::{Buffer, Kind, MAX_SEALED_BYTES, Request};
use crate::platform::clock;
use crate::platform::random::SysRng;
use crate::platform::socket::{Inbox, OpenError, UdpSocket, wildcard};
use crate::server::{Config, DisconnectReason, Leaving, Outcome, Server};
use crate::{MAX_CLIENTS, Transmit, USER_DATA_BYTES, UserData};

/// Most datagrams taken from a socket in an update; the rest waits for the next.
const SOCKET_BUDGET: usize = 16_384;

/// Most packets taken from a simulator in an update.
const SIMULATOR_BUDGET: usize = 64 * MAX_CLIENTS;

thread_local! {
    static CREATE_ERROR: Cell<c_int> = const { Cell::new(NETCODE_SERVER_CREATE_ERROR_NONE) };
}

/// A server. Use any one server from one thread at a time.
pub struct netcode_server_t {
    lifeline: Lifeline,
    hooks: Hooks,
    core: RefCell<Server<Hooks>>,
    memory: PacketMemory,
    /// Room for what is being sent. User code that sends from within a send uses other room.
    outgoing: RefCell<Buffer>,
    /// One for each slot while the server is running.
    seats: RefCell<Vec<Seat, Hooks>>,
    /// Counts starts and stops, so that a call in the middle of one notices another.
    epoch: Cell<u64>,
    transport: Transport,
    /// Where datagrams come in. A call from within an update finds another, smaller one.
    inbox: RefCell<Inbox<Hooks>>,
    /// The first address, as created.
    address: SocketAddr,
    callback_context: *mut c_void,
    connect_disconnect_callback: Option<unsafe extern "C" fn(*mut c_void, c_int, c_int)>,
    send_loopback_packet_callback: Option<SendLoopbackPacketCallback>,
}

/// What belongs to a slot on this side of the core.
struct Seat {
    queue: PacketQueue,
    /// The application has been told that the client is connected.
    told: Cell<bool>,
    /// What netcode_server_client_address points to.
    address: UnsafeCell<netcode_address_t>,
    /// What netcode_server_client_user_data points to.
    user_data: UnsafeCell<UserData>,
}

impl Object for netcode_server_t {
    fn lifeline(&self) -> &Lifeline {
        &self.lifeline
    }

    fn hooks(&self) -> Hooks {
        self.hooks
    }
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
    match slots {
        Some(slots) => server.start(slots),
        None => {
            holds(false, in_range, function);
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

/// Hands a datagram to the server that your program received itself. It is decrypted in place.
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
        with_room(&server.outgoing, |reply| server.process(from, datagram, reply));
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
    server.map_or(0, |server| server.transport.port(&server.address))
}

/// Which clients are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Whom {
    Remote,
    Loopback,
}

impl netcode_server_t {
    fn start(&self, max_clients: usize) {
        self.stop();
        if self.ask(Server::is_running) != Some(false) {
            return; // a callback has started it already, or an allocator hook may not stop it
        }
        let Some(seats) = Seat::row(max_clients, self.hooks) else {
            log!(log::ERROR, "error: no memory for {max_clients} slots");
            return;
        };
        let Some(started) = self.change(|core| core.start(max_clients, clock::unix(), &mut SysRng)) else { return };
        match started {
            Ok(()) => {
                drop(self.swap_seats(seats));
                self.memory.keep(max_clients);
                self.epoch.set(self.epoch.get() + 1);
                log!(log::INFO, "server started with {max_clients} client slots");
            }
            Err(error) => log!(log::ERROR, "error: server not started: {error}"),
        }
    }

    fn stop(&self) {
        // A seat is in use only while an allocator hook runs: there the server cannot lose its seats.
        let seats_in_use = self.seats.try_borrow_mut().is_err();
        if seats_in_use || self.ask(Server::is_running) != Some(true) {
            return;
        }
        let epoch = self.epoch.get();
        for whom in [Whom::Remote, Whom::Loopback] {
            self.disconnect_all(whom);
        }
        self.see_off_leaving();
        if self.epoch.get() != epoch {
            return; // a callback has stopped it, and perhaps started it again
        }
        self.epoch.set(epoch + 1);
        self.change(Server::stop);
        let seats = self.swap_seats(Vec::new_in(self.hooks));
        for seat in seats.iter().flatten() {
            seat.queue.clear(&self.memory);
        }
        self.memory.keep(0);
        log!(log::INFO, "server stopped");
    }

    /// The seats so far. No seat is in use where this is called.
    fn swap_seats(&self, seats: Vec<Seat, Hooks>) -> Option<Vec<Seat, Hooks>> {
        Some(std::mem::replace(&mut *self.seats.try_borrow_mut().ok()?, seats))
    }

    /// Clients that were leaving when a callback stopped the server have been told of, but are still
    /// to hear of it themselves.
    fn see_off_leaving(&self) {
        for slot in 0..self.ask(Server::max_clients).unwrap_or(0) {
            if let Some(leaving) = self.ask(|core| core.leaving(slot)).flatten() {
                self.see_off(leaving);
            }
        }
    }

    fn disconnect_all(&self, whom: Whom) {
        let epoch = self.epoch.get();
        let mut slot = 0;
        while self.epoch.get() == epoch && self.ask(|core| slot < core.max_clients()) == Some(true) {
            if self.ask(|core| core.is_loopback(slot) == (whom == Whom::Loopback)) == Some(true) {
                self.disconnect(slot, DisconnectReason::ServerDisconnect);
            }
            slot += 1;
        }
    }

    fn update(&self, time: f64) {
        self.change(|core| {
            core.advance(time);
            core.set_wall_clock(clock::unix());
        });
        with_room(&self.outgoing, |buffer| {
            self.receive(buffer);
            self.keep_alive(buffer);
        });
        self.time_out();
    }

    fn receive(&self, reply: &mut Buffer) {
        let process = |from: SocketAddr, datagram: &mut [u8]| {
            self.process(from, datagram, reply);
            !self.lifeline.is_doomed()
        };
        match &self.transport {
            Transport::Sockets(Sockets { v4, v6 }) => {
                let (mut process, mut inbox) = (process, self.inbox.take());
                for socket in v4.iter().chain(v6) {
                    socket.drain(&mut inbox, SOCKET_BUDGET, &mut process);
                }
                self.inbox.replace(inbox);
            }
            Transport::Simulator(endpoint) => drain_simulator(endpoint, SIMULATOR_BUDGET, process),
            Transport::Overrides(overrides) => drain_overrides(overrides, process),
        }
    }

    fn keep_alive(&self, buffer: &mut Buffer) {
        let mut next = 0;
        while let Some((slot, transmit)) = self.change(|core| core.next_keep_alive(next, buffer)).flatten() {
            self.hand_over(transmit, buffer);
            next = slot + 1;
        }
    }

    fn time_out(&self) {
        let mut next = 0;
        while let Some(slot) = self.change(|core| core.next_timed_out(next)).flatten() {
            self.disconnect(slot, DisconnectReason::TimedOut);
            next = slot + 1;
        }
    }

    fn process(&self, from: SocketAddr, datagram: &mut [u8], reply: &mut Buffer) {
        let Some(mut core) = self.core() else { return };
        let outcome = core.handle(from, datagram, reply);
        drop(core);
        match outcome {
            Outcome::Payload { slot, sequence, data } => self.enqueue(slot, data, sequence),
            Outcome::KeptAlive { slot } => log!(log::DEBUG, "server received keep-alive packet from client {slot}"),
            Outcome::Reply { kind, bytes } => self.hand_over(Transmit { to: from, bytes, kind }, reply),
            Outcome::Connected { slot, client_id, user_data, keep_alive } => {
                self.with_seat(slot, |seat| seat.settle(Some(&from), user_data));
                self.hand_over(Transmit { to: from, bytes: keep_alive, kind: Kind::KeepAlive }, reply);
                if self.tell_connected(slot) {
                    log!(log::INFO, "server accepted client {} {client_id:016x} in slot {slot}", text(&from));
                }
            }
            Outcome::Left { slot } => self.disconnect(slot, DisconnectReason::ClientDisconnect),
            Outcome::Ignored(reason) => log!(log::DEBUG, "server ignored a packet from {}: {reason}", text(&from)),
        }
    }

    fn enqueue(&self, slot: usize, payload: &[u8], sequence: u64) {
        let queued = self.with_seat(slot, |seat| seat.queue.push(&self.memory, payload, sequence));
        if queued == Some(true) {
            log!(log::DEBUG, "server received payload packet {sequence} of {} bytes from client {slot}", payload.len());
        } else {
            log!(log::DEBUG, "server dropped payload packet {sequence} from client {slot}: no room");
        }
    }

    fn send(&self, slot: usize, payload: &[u8]) {
        if self.ask(|core| core.is_loopback(slot)) == Some(true) {
            return self.send_loopback(slot, payload);
        }
        with_room(&self.outgoing, |buffer| {
            if let Some(transmit) = self.change(|core| core.keep_alive_before_payload(slot, buffer)).flatten() {
                self.hand_over(transmit, buffer);
            }
            if let Some(Ok(transmit)) = self.change(|core| core.send(slot, payload, buffer)) {
                self.hand_over(transmit, buffer);
            }
        });
    }

    fn send_loopback(&self, slot: usize, payload: &[u8]) {
        let sequence = self.change(|core| core.take_loopback_sequence(slot)).flatten();
        if let (Some(send), Some(sequence)) = (self.send_loopback_packet_callback, sequence) {
            let (data, bytes) = (payload.as_ptr(), payload.len() as c_int);
            // SAFETY: the config's user vouches for the callback.
            unsafe { send(self.callback_context, slot as c_int, data, bytes, sequence) };
        }
    }

    fn connect_loopback(&self, slot: usize, client_id: u64, user_data: Option<&UserData>) {
        if self.change(|core| core.connect_loopback(slot, client_id)) != Some(true) {
            return;
        }
        let user_data = user_data.unwrap_or(&[0; USER_DATA_BYTES]);
        self.with_seat(slot, |seat| seat.settle(None, user_data));
        if self.tell_connected(slot) {
            log!(log::INFO, "server connected loopback client {client_id:016x} in slot {slot}");
        }
    }

    /// Has a client leave. Does nothing for one that is leaving already.
    fn disconnect(&self, slot: usize, reason: DisconnectReason) {
        let begun = self.change(|core| core.begin_leave(slot, reason)).flatten();
        if let Some(leaving) = begun {
            if self.with_seat(slot, |seat| seat.told.get()) == Some(true) {
                self.tell(slot, false);
            }
            log!(log::INFO, "server client {slot} {reason}");
            self.see_off(leaving);
        }
    }

    fn see_off(&self, leaving: Leaving) {
        with_room(&self.outgoing, |buffer| {
            while let Some(transmit) = self.change(|core| core.poll_farewell(leaving, buffer)).flatten() {
                self.hand_over(transmit, buffer);
            }
        });
        if self.change(|core| core.finish_leave(leaving)) == Some(true) {
            self.with_seat(leaving.slot(), |seat| seat.vacate(&self.memory));
        }
    }

    fn hand_over(&self, transmit: Transmit, buffer: &Buffer) {
        log!(log::DEBUG, "server sent {} packet to {}", transmit.kind, text(&transmit.to));
        self.transport.send(&transmit.to, &buffer[..transmit.bytes]);
    }

    /// Tells of a client that has connected, unless user code that ran since then has sent it away.
    fn tell_connected(&self, slot: usize) -> bool {
        let connected = self.ask(|core| core.is_connected(slot)) == Some(true);
        let untold = connected && self.with_seat(slot, |seat| !seat.told.replace(true)) == Some(true);
        if untold {
            self.tell(slot, true);
        }
        untold
    }

    fn tell(&self, slot: usize, connected: bool) {
        if let Some(callback) = self.connect_disconnect_callback {
            // SAFETY: the config's user vouches for the callback.
            unsafe { callback(self.callback_context, slot as c_int, connected.into()) };
        }
    }

    /// The core, unless an allocator hook is calling from within it.
    fn core(&self) -> Option<RefMut<'_, Server<Hooks>>> {
        self.core.try_borrow_mut().ok()
    }

    fn change<T>(&self, change: impl FnOnce(&mut Server<Hooks>) -> T) -> Option<T> {
        Some(change(&mut *self.core()?))
    }

    fn ask<T>(&self, question: impl FnOnce(&Server<Hooks>) -> T) -> Option<T> {
        Some(question(&*self.core.try_borrow().ok()?))
    }

    fn with_seat<T>(&self, slot: usize, act: impl FnOnce(&Seat) -> T) -> Option<T> {
        self.seats.try_borrow().ok()?.get(slot).map(act)
    }
}

impl Drop for netcode_server_t {
    /// Packets still wait only if an allocator hook has destroyed the server, which then could not stop.
    fn drop(&mut self) {
        for seat in self.seats.get_mut() {
            seat.queue.clear(&self.memory);
        }
    }
}

impl Seat {
    fn row(seats: usize, hooks: Hooks) -> Option<Vec<Self, Hooks>> {
        let mut row = Vec::new_in(hooks);
        row.try_reserve_exact(seats).ok()?;
        row.resize_with(seats, || Self {
            queue: PacketQueue::default(),
            told: Cell::new(false),
            address: UnsafeCell::new(netcode_address_t::NONE),
            user_data: UnsafeCell::new([0; USER_DATA_BYTES]),
        });
        Some(row)
    }

    fn settle(&self, address: Option<&SocketAddr>, user_data: &UserData) {
        // SAFETY: no references into the cells exist; C reads them on this thread only.
        unsafe {
            netcode_address_t::store(self.address.get(), address);
            self.user_data.get().write(*user_data);
        }
    }

    fn vacate(&self, memory: &PacketMemory) {
        self.told.set(false);
        self.settle(None, &[0; USER_DATA_BYTES]);
        self.queue.clear(memory);
    }
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
    CREATE_ERROR.set(created.err().unwrap_or(NETCODE_SERVER_CREATE_ERROR_NONE));
    created.unwrap_or(ptr::null_mut())
}

/// # Safety
/// As for [`create`].
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
        let port = transport.port(address);
        if port != 0 {
            address.set_port(port);
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
    let inbox = match &transport {
        Transport::Sockets(_) => Inbox::try_new_in(hooks).ok_or_else(out_of_memory)?,
        _ => Inbox::single(),
    };
    let server = hand_out(netcode_server_t {
        lifeline: Lifeline::default(),
        hooks,
        core: RefCell::new(core),
        memory: PacketMemory::new(hooks, 0),
        outgoing: RefCell::new([0; MAX_SEALED_BYTES]),
        seats: RefCell::new(Vec::new_in(hooks)),
        epoch: Cell::new(0),
        transport,
        inbox: RefCell::new(inbox),
        address: addresses.first,
        callback_context: config.callback_context,
        connect_disconnect_callback: config.connect_disconnect_callback,
        send_loopback_packet_callback: config.send_loopback_packet_callback,
    });
    let server = server.ok_or_else(out_of_memory)?;
    for address in addresses.iter() {
        log!(log::INFO, "server listening on {}", text(address));
    }
    Ok(server.as_ptr())
}

fn out_of_memory() -> c_int {
    log!(log::ERROR, "error: failed to allocate server");
    NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED
}

fn open_transport(config: &netcode_server_config_t, addresses: &Addresses) -> Result<Transport, c_int> {
    let overrides: Option<Overrides> = overrides(
        config.override_send_and_receive,
        config.callback_context,
        config.send_packet_override,
        config.receive_packet_override,
    )
    .map_err(|()| {
        log!(log::ERROR, "error: override_send_and_receive needs both overrides");
        NETCODE_SERVER_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK
    })?;
    if !config.network_simulator.is_null() {
        let simulator = config.network_simulator.cast_const();
        return Ok(Transport::Simulator(SimulatorEndpoint { simulator, address: addresses.first }));
    }
    if let Some(overrides) = overrides {
        return Ok(Transport::Overrides(overrides));
    }
    let mut sockets = Sockets::default();
    for address in addresses.iter() {
        let socket = UdpSocket::open(&wildcard(address)).map_err(|error| {
            log!(log::ERROR, "error: failed to create server socket for {}: {error}", text(address));
            match (error, address) {
                (OpenError::Create(_), SocketAddr::V4(_)) => NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED,
                (OpenError::Create(_), SocketAddr::V6(_)) => NETCODE_SERVER_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED,
                (OpenError::Bind(_), SocketAddr::V4(_)) => NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV4_FAILED,
                (OpenError::Bind(_), SocketAddr::V6(_)) => NETCODE_SERVER_CREATE_ERROR_BIND_SOCKET_IPV6_FAILED,
            }
        })?;
        sockets.add(socket, address);
    }
    Ok(Transport::Sockets(sockets))
}

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
    holds(slot.is_some(), c"client_index >= 0 && client_index < server->max_clients", function);
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
    let (server, slot) = unsafe { enter_slot(server, client_index, function) }?;
    server.with_seat(slot, question)
}
