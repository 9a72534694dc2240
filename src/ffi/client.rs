//! Clients.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::ffi::{CStr, c_char, c_int, c_void};
use std::net::SocketAddr;
use std::ptr;

use super::alloc::Hooks;
use super::arguments::{Addresses, NoAddress, datagram, payload, receive_packet};
use super::assert::holds;
use super::global::assert_initialised;
use super::log::{self, log};
use super::object::{Call, Lifeline, Object, hand_out};
use super::queue::{PacketMemory, PacketQueue};
use super::transport::{OpenFailure, Sockets, Transport, TransportConfig, drain_overrides, drain_simulator, with_room};
use super::types::*;
use crate::Transmit;
use crate::address::text;
use crate::client::{Client, Outcome, State, Transition};
use crate::crypto;
use crate::packet::{Buffer, Kind, MAX_DATAGRAM_BYTES};
use crate::platform::socket::Inbox;
use crate::token::{CONNECT_TOKEN_BYTES, ConnectToken, InvalidToken};

/// Most datagrams taken from the socket in an update; the rest waits for the next.
const SOCKET_BUDGET: usize = 4096;

/// Most packets taken from a simulator in an update.
const SIMULATOR_BUDGET: usize = 64;

/// Most blocks of large packets that are kept for the next ones.
const MAX_SPARE_BLOCKS: usize = 4;

thread_local! {
    static CREATE_ERROR: Cell<c_int> = const { Cell::new(NETCODE_CLIENT_CREATE_ERROR_NONE) };
}

/// A client. Use any one client from one thread at a time.
pub struct netcode_client_t {
    lifeline: Lifeline,
    hooks: Hooks,
    core: RefCell<Client>,
    transport: Transport,
    memory: PacketMemory,
    queue: PacketQueue,
    /// Room for what is being sent or received. User code that sends from within that uses other room.
    room: RefCell<[u8; MAX_DATAGRAM_BYTES]>,
    /// What netcode_client_server_address points to.
    server_address: UnsafeCell<netcode_address_t>,
    /// The first address, as created.
    address: SocketAddr,
    callback_context: *mut c_void,
    state_change_callback: Option<unsafe extern "C" fn(*mut c_void, c_int, c_int)>,
    send_loopback_packet_callback: Option<SendLoopbackPacketCallback>,
}

impl Object for netcode_client_t {
    fn lifeline(&self) -> &Lifeline {
        &self.lifeline
    }

    fn hooks(&self) -> Hooks {
        self.hooks
    }

    fn dismantle(&self) {
        self.queue.clear(&self.memory);
        self.memory.keep(0);
    }
}

/// Fills a config with defaults: malloc and free, sockets, no callbacks.
///
/// # Safety
/// `config` is NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_default_client_config(config: *mut netcode_client_config_t) {
    if !holds(!config.is_null(), c"config", c"netcode_default_client_config") {
        return;
    }
    let defaults = netcode_client_config_t {
        allocator_context: ptr::null_mut(),
        allocate_function: None,
        free_function: None,
        network_simulator: ptr::null_mut(),
        callback_context: ptr::null_mut(),
        state_change_callback: None,
        send_loopback_packet_callback: None,
        override_send_and_receive: 0,
        send_packet_override: None,
        receive_packet_override: None,
    };
    // SAFETY: not null, so writable.
    unsafe { config.write(defaults) };
}

/// Creates a client on an address: "0.0.0.0" for IPv4 or "::" for IPv6 with a port that the system
/// chooses, or one with a port. time is your clock, in seconds; pass the same clock to
/// netcode_client_update.
///
/// Returns NULL on failure; netcode_client_create_error says why.
///
/// # Safety
/// `address` is NULL or ends in zero; `config` is NULL or readable, with functions that do what
/// their descriptions say.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_create(
    address: *const c_char,
    config: *const netcode_client_config_t,
    time: f64,
) -> *mut netcode_client_t {
    // SAFETY: as the caller vouches.
    unsafe { create(c"netcode_client_create", address, None, config, time) }
}

/// As netcode_client_create, on an IPv4 and an IPv6 address, for connect tokens with servers of both
/// kinds.
///
/// # Safety
/// As for netcode_client_create.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_create_dual(
    address1: *const c_char,
    address2: *const c_char,
    config: *const netcode_client_config_t,
    time: f64,
) -> *mut netcode_client_t {
    // SAFETY: as the caller vouches.
    unsafe { create(c"netcode_client_create_dual", address1, Some(address2), config, time) }
}

/// Returns why the last client that this thread tried to create was not created, as a
/// NETCODE_CLIENT_CREATE_ERROR constant.
#[unsafe(no_mangle)]
pub extern "C" fn netcode_client_create_error() -> c_int {
    CREATE_ERROR.get()
}

/// Destroys a client, disconnecting it first. Packets that were received and not freed stay valid
/// only as memory of the allocator. In a callback of this client it takes effect when the call that
/// led to the callback returns.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_destroy(client: *mut netcode_client_t) {
    // SAFETY: as the caller vouches.
    let Some(client) = (unsafe { enter(client, c"netcode_client_destroy") }) else { return };
    if !client.lifeline.is_doomed() {
        client.disconnect();
        client.doom();
    }
}

/// Begins to connect with a connect token of NETCODE_CONNECT_TOKEN_BYTES, after disconnecting if
/// need be. netcode_client_state tells how it goes; a token that cannot be read leads to
/// NETCODE_CLIENT_STATE_INVALID_CONNECT_TOKEN at once.
///
/// # Safety
/// The client is NULL or alive; the token is NULL or has all its bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_connect(client: *mut netcode_client_t, connect_token: *mut u8) {
    let function = c"netcode_client_connect";
    // SAFETY: as the caller vouches.
    let Some(client) = (unsafe { enter(client, function) }) else { return };
    if holds(!connect_token.is_null(), c"connect_token", function) {
        // SAFETY: not null, so it has all its bytes.
        unsafe { client.connect_with(connect_token.cast()) };
        crypto::wipe_stack();
    }
}

/// Receives, sends and lets time pass. Call it regularly, 60 times a second or so, with your clock
/// in seconds. Callbacks are called from here.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_update(client: *mut netcode_client_t, time: f64) {
    // SAFETY: as the caller vouches.
    if let Some(client) = unsafe { enter(client, c"netcode_client_update") } {
        client.update(time);
    }
}

/// Returns the sequence number that the next packet sent will have.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_next_packet_sequence(client: *mut netcode_client_t) -> u64 {
    // SAFETY: as the caller vouches.
    unsafe { query(client, c"netcode_client_next_packet_sequence", Client::next_packet_sequence) }
}

/// Sends a packet of 1 to NETCODE_MAX_PACKET_SIZE bytes to the server, unreliably and at once. Does
/// nothing unless the client is connected.
///
/// # Safety
/// The client is NULL or alive; the data has that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_send_packet(
    client: *mut netcode_client_t,
    packet_data: *const u8,
    packet_bytes: c_int,
) {
    let function = c"netcode_client_send_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        let Some(client) = enter(client, function) else { return };
        if client.ask(Client::state) != State::Connected {
            return;
        }
        let Some(payload) = payload(packet_data, packet_bytes, function) else { return };
        client.send(payload);
    }
}

/// Takes the packet that has waited longest. Stores its size and, unless sequence is NULL, the
/// server's number of the packet. Free it with netcode_client_free_packet; it may be read up to 8
/// bytes beyond its end.
///
/// Returns NULL, and stores nothing, when no packet waits.
///
/// # Safety
/// The client is NULL or alive; `packet_bytes` and `packet_sequence` are NULL or writable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_receive_packet(
    client: *mut netcode_client_t,
    packet_bytes: *mut c_int,
    packet_sequence: *mut u64,
) -> *mut u8 {
    let function = c"netcode_client_receive_packet";
    // SAFETY: as the caller vouches.
    let Some(client) = (unsafe { enter(client, function) }) else { return ptr::null_mut() };
    // SAFETY: as the caller vouches.
    unsafe { receive_packet(&client.queue, packet_bytes, packet_sequence, function) }
}

/// Frees a packet that netcode_client_receive_packet returned.
///
/// # Safety
/// The client is NULL or alive; the packet is NULL or one of this client's, not yet freed.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_free_packet(client: *mut netcode_client_t, packet: *mut c_void) {
    let function = c"netcode_client_free_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        let Some(client) = enter(client, function) else { return };
        if holds(!packet.is_null(), c"packet", function) {
            client.memory.free(packet.cast());
        }
    }
}

/// Disconnects, and tells the server. Does nothing if the client is not connected or connecting.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_disconnect(client: *mut netcode_client_t) {
    let function = c"netcode_client_disconnect";
    // SAFETY: as the caller vouches.
    if let Some(client) = unsafe { enter(client, function) } {
        holds(!client.ask(Client::is_loopback), c"!client->loopback", function);
        client.disconnect();
    }
}

/// Returns the client's state, a NETCODE_CLIENT_STATE constant. Errors are negative.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_state(client: *mut netcode_client_t) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe { query(client, c"netcode_client_state", |core| core.state() as c_int) }
}

/// Returns the client's slot on the server, once it is connected; else 0.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_index(client: *mut netcode_client_t) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe { query(client, c"netcode_client_index", |core| core.client_index() as c_int) }
}

/// Returns the number of slots of the server, once the client is connected; else 0.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_max_clients(client: *mut netcode_client_t) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe { query(client, c"netcode_client_max_clients", |core| core.max_clients() as c_int) }
}

/// Connects a client to a server in the same process, without packets: what it sends goes to its
/// send_loopback_packet_callback, and what it is to receive comes by
/// netcode_client_process_loopback_packet. Refused unless the client is disconnected and has that
/// callback.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_connect_loopback(
    client: *mut netcode_client_t,
    client_index: c_int,
    max_clients: c_int,
) {
    let function = c"netcode_client_connect_loopback";
    // SAFETY: as the caller vouches.
    let Some(client) = (unsafe { enter(client, function) }) else { return };
    if client.send_loopback_packet_callback.is_none() {
        log!(log::ERROR, "error: a loopback client needs a send_loopback_packet_callback");
        return;
    }
    let idle = client.ask(Client::state) <= State::Disconnected;
    if holds(idle, c"client->state <= NETCODE_CLIENT_STATE_DISCONNECTED", function) {
        client.connect_loopback(client_index, max_clients);
    }
}

/// Ends netcode_client_connect_loopback.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_disconnect_loopback(client: *mut netcode_client_t) {
    let function = c"netcode_client_disconnect_loopback";
    // SAFETY: as the caller vouches.
    let Some(client) = (unsafe { enter(client, function) }) else { return };
    if holds(client.ask(Client::is_loopback), c"client->loopback", function) {
        client.disconnect_loopback();
    }
}

/// Hands a datagram to the client that your program received itself. It is decrypted in place: nothing
/// else may use the data until the call returns.
///
/// # Safety
/// The client is NULL or alive, `from` NULL or readable; the data has that many writable bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_process_packet(
    client: *mut netcode_client_t,
    from: *mut netcode_address_t,
    packet_data: *mut u8,
    packet_bytes: c_int,
) {
    let function = c"netcode_client_process_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        let Some(client) = enter(client, function) else { return };
        let Some((from, datagram)) = datagram(from, packet_data, packet_bytes, function) else { return };
        client.process(from, datagram);
    }
}

/// Returns 1 if the client is connected by loopback, else 0.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_loopback(client: *mut netcode_client_t) -> c_int {
    // SAFETY: as the caller vouches.
    unsafe { query(client, c"netcode_client_loopback", |core| core.is_loopback().into()) }
}

/// Hands a packet to a client that is connected by loopback, as if its server had sent it.
///
/// # Safety
/// The client is NULL or alive; the data has that many bytes.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_process_loopback_packet(
    client: *mut netcode_client_t,
    packet_data: *const u8,
    packet_bytes: c_int,
    packet_sequence: u64,
) {
    let function = c"netcode_client_process_loopback_packet";
    // SAFETY: as the caller vouches.
    unsafe {
        let Some(client) = enter(client, function) else { return };
        if !holds(client.ask(Client::is_loopback), c"client->loopback", function) {
            return;
        }
        let Some(payload) = payload(packet_data, packet_bytes, function) else { return };
        client.enqueue(payload, packet_sequence);
    }
}

/// Returns the port of the client's socket: of the IPv4 one if its first address is IPv4, else of
/// the IPv6 one; 0 without sockets.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_get_port(client: *mut netcode_client_t) -> u16 {
    // SAFETY: as the caller vouches.
    let client = unsafe { enter(client, c"netcode_client_get_port") };
    client.map_or(0, |client| client.transport.port(&client.address))
}

/// Returns the address of the server that the client is connected or connecting to; of type
/// NETCODE_ADDRESS_NONE when there is none. It belongs to the client and changes with it.
///
/// # Safety
/// The client is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_client_server_address(client: *mut netcode_client_t) -> *mut netcode_address_t {
    // SAFETY: as the caller vouches.
    let client = unsafe { enter(client, c"netcode_client_server_address") };
    client.map_or(ptr::null_mut(), |client| client.server_address.get())
}

impl netcode_client_t {
    /// Not a part of its caller, which wipes the stack after it.
    ///
    /// # Safety
    /// The pointer leads to all bytes of a token.
    #[inline(never)]
    unsafe fn connect_with(&self, token: *const [u8; CONNECT_TOKEN_BYTES]) {
        // SAFETY: the caller vouches for it, and no user code runs while the token is read. Callbacks of the connection
        // that ends may already change it.
        let token = ConnectToken::read(unsafe { &*token });
        self.disconnect();
        self.connect(token);
    }

    fn connect(&self, token: Result<ConnectToken, InvalidToken>) {
        // What still waits was said to an earlier attempt, perhaps one with this very token.
        if let Transport::Sockets(sockets) = &self.transport {
            discard(sockets);
        }
        self.forget_packets();
        match token {
            Ok(token) => self.step(|core| Some(core.connect(token))),
            Err(error) => {
                log!(log::ERROR, "error: invalid connect token: {error}");
                self.step(|core| Some(core.refuse_token()));
            }
        }
    }

    fn update(&self, time: f64) {
        self.change(|core| core.advance(time));
        if self.ask(Client::is_loopback) {
            return;
        }
        self.receive();
        if self.lifeline.is_doomed() {
            return;
        }
        self.transmit();
        self.step(Client::poll_transition);
    }

    fn receive(&self) {
        let process = |from: SocketAddr, datagram: &mut [u8]| {
            self.process(from, datagram);
            !self.lifeline.is_doomed()
        };
        match &self.transport {
            Transport::Sockets(sockets) => {
                let Some(server) = self.ask(Client::server_address) else { return discard(sockets) };
                if let Some(socket) = sockets.for_peer(&server) {
                    socket.drain(&mut Inbox::<Hooks>::single(), SOCKET_BUDGET, process);
                }
            }
            Transport::Simulator(endpoint) => drain_simulator(endpoint, SIMULATOR_BUDGET, process),
            Transport::Overrides(overrides) => with_room(&self.room, |room| drain_overrides(overrides, room, process)),
        }
    }

    fn process(&self, from: SocketAddr, datagram: &mut [u8]) {
        let outcome = self.change(|core| core.handle(from, datagram));
        match outcome {
            Outcome::Payload { sequence, data } => self.enqueue(data, sequence),
            Outcome::Transition(transition) => {
                let challenged = transition.current == State::SendingConnectionResponse;
                let kind = if challenged { Kind::Challenge } else { Kind::KeepAlive };
                log!(log::DEBUG, "client received {kind} packet");
                self.announce(transition);
            }
            Outcome::Noted(kind) => log!(log::DEBUG, "client received {kind} packet"),
            Outcome::Ignored(reason) => log!(log::DEBUG, "client ignored a packet from {}: {reason}", text(&from)),
        }
    }

    fn enqueue(&self, payload: &[u8], sequence: u64) {
        if self.queue.push(&self.memory, payload, sequence) {
            log!(log::DEBUG, "client received payload packet {sequence} of {} bytes", payload.len());
        } else {
            log!(log::DEBUG, "client dropped payload packet {sequence}: no room");
        }
    }

    fn send(&self, payload: &[u8]) {
        if self.ask(Client::is_loopback) {
            return self.send_loopback(payload);
        }
        self.send_sealed(|core, buffer| core.send(payload, buffer).ok());
    }

    fn send_loopback(&self, payload: &[u8]) {
        let client_index = self.ask(Client::client_index) as c_int;
        let sequence = self.change(Client::take_loopback_sequence);
        if let (Some(send), Some(sequence)) = (self.send_loopback_packet_callback, sequence) {
            let (data, bytes) = (payload.as_ptr(), payload.len() as c_int);
            // SAFETY: the config's user vouches for the callback.
            unsafe { send(self.callback_context, client_index, data, bytes, sequence) };
        }
    }

    fn disconnect(&self) {
        if self.ask(Client::is_loopback) {
            return self.disconnect_loopback();
        }
        self.change(Client::disconnect);
        while self.ask(Client::is_leaving) {
            if !self.transmit() {
                return self.step(Client::poll_transition);
            }
        }
    }

    fn connect_loopback(&self, client_index: c_int, max_clients: c_int) {
        self.forget_packets();
        self.change(|core| core.connect_loopback(client_index as u32, max_clients as u32));
        self.expose_server_address();
        log!(log::INFO, "client connected to server via loopback as client {client_index}");
    }

    fn disconnect_loopback(&self) {
        self.step(Client::disconnect_loopback);
    }

    /// Sends the next packet that the core wants to send, if any.
    fn transmit(&self) -> bool {
        self.send_sealed(Client::poll_transmit)
    }

    /// Sends what the core seals, if anything.
    fn send_sealed(&self, seal: impl FnOnce(&mut Client, &mut Buffer) -> Option<Transmit>) -> bool {
        with_room(&self.room, |room| {
            let Some(buffer) = room.first_chunk_mut() else { return false };
            let Some(transmit) = self.change(|core| seal(core, buffer)) else { return false };
            log!(log::DEBUG, "client sent {} packet to {}", transmit.kind, text(&transmit.to));
            self.transport.send(&transmit.to, &mut buffer[..transmit.bytes]);
            true
        })
    }

    /// Has the core do something that may change its state, and tells of it.
    fn step(&self, change: impl FnOnce(&mut Client) -> Option<Transition>) {
        let transition = self.change(change);
        if let Some(transition) = transition {
            self.announce(transition);
        }
    }

    fn announce(&self, Transition { previous, current }: Transition) {
        self.expose_server_address();
        self.log_state(previous, current);
        if let Some(callback) = self.state_change_callback {
            // SAFETY: the config's user vouches for the callback.
            unsafe { callback(self.callback_context, previous as c_int, current as c_int) };
        }
        self.change(Client::settle);
        if self.ask(Client::state) <= State::Disconnected {
            self.queue.clear(&self.memory);
        }
    }

    /// Packets of one connection are not received in the next, which may begin in the callback that tells of
    /// the end of the first.
    fn forget_packets(&self) {
        self.queue.clear(&self.memory);
    }

    fn expose_server_address(&self) {
        let address = self.ask(Client::server_address);
        // SAFETY: no reference into the cell exists; C reads it on this thread only.
        unsafe { netcode_address_t::store(self.server_address.get(), address.as_ref()) };
    }

    fn log_state(&self, previous: State, current: State) {
        if !log::is_on(log::INFO) {
            return;
        }
        log!(log::DEBUG, "client changed state from '{previous}' to '{current}'");
        let server = self.ask(|core| core.server_address().zip(core.server_number()));
        match (current, server) {
            (State::SendingConnectionRequest, Some((address, (_, 1)))) => {
                log!(log::INFO, "client connecting to server {}", text(&address));
            }
            (State::SendingConnectionRequest, Some((address, (index, count)))) => {
                log!(log::INFO, "client connecting to server {} [{}/{count}]", text(&address), index + 1);
            }
            (State::Connected, _) => log!(log::INFO, "client connected to server"),
            (State::Disconnected, _) => log!(log::INFO, "client disconnected"),
            (State::ConnectionTimedOut, _) => log!(log::INFO, "client lost its server: {current}"),
            (error, _) if error < State::Disconnected => log!(log::INFO, "client connect failed: {error}"),
            _ => {}
        }
    }

    /// Has the core do something. It allocates nothing, so no user code runs while it is borrowed.
    fn change<T>(&self, change: impl FnOnce(&mut Client) -> T) -> T {
        change(&mut self.core.borrow_mut())
    }

    fn ask<T>(&self, question: impl FnOnce(&Client) -> T) -> T {
        question(&self.core.borrow())
    }
}

/// Takes what came to a client that is not connecting off its sockets.
fn discard(sockets: &Sockets) {
    for socket in sockets.each() {
        socket.drain(&mut Inbox::<Hooks>::single(), SOCKET_BUDGET, |_, _| true);
    }
}

/// # Safety
/// As for [`netcode_client_create`]; the second address is NULL or ends in zero, too.
unsafe fn create(
    function: &CStr,
    address: *const c_char,
    second: Option<*const c_char>,
    config: *const netcode_client_config_t,
    time: f64,
) -> *mut netcode_client_t {
    assert_initialised(function);
    // SAFETY: as the caller vouches.
    let created = unsafe { try_create(function, address, second, config, time) };
    CREATE_ERROR.set(created.err().unwrap_or(NETCODE_CLIENT_CREATE_ERROR_NONE));
    created.unwrap_or(ptr::null_mut())
}

/// # Safety
/// As for [`create`].
unsafe fn try_create(
    function: &CStr,
    address: *const c_char,
    second: Option<*const c_char>,
    config: *const netcode_client_config_t,
    time: f64,
) -> Result<*mut netcode_client_t, c_int> {
    // SAFETY: null, or readable.
    let Some(config) = (unsafe { config.as_ref() }) else {
        holds(false, c"config", function);
        return Err(NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED);
    };
    // SAFETY: null, or ending in zero.
    let addresses = unsafe { Addresses::read(address, second, function) }.map_err(|which| {
        log!(log::ERROR, "error: failed to parse client address");
        match which {
            NoAddress::First => NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS_FAILED,
            NoAddress::Second => NETCODE_CLIENT_CREATE_ERROR_PARSE_ADDRESS2_FAILED,
        }
    })?;
    let hooks = Hooks::new(config.allocator_context, config.allocate_function, config.free_function);
    let mut core = Client::new();
    core.advance(time);
    let client = netcode_client_t {
        lifeline: Lifeline::default(),
        hooks,
        core: RefCell::new(core),
        transport: open_transport(config, &addresses)?,
        memory: PacketMemory::new(hooks, MAX_SPARE_BLOCKS),
        queue: PacketQueue::default(),
        room: RefCell::new([0; MAX_DATAGRAM_BYTES]),
        server_address: UnsafeCell::new(netcode_address_t::NONE),
        address: addresses.first,
        callback_context: config.callback_context,
        state_change_callback: config.state_change_callback,
        send_loopback_packet_callback: config.send_loopback_packet_callback,
    };
    let port = client.transport.port(&addresses.first);
    let Some(client) = hand_out(client) else {
        log!(log::ERROR, "error: failed to allocate client");
        return Err(NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED);
    };
    match port {
        0 => log!(log::INFO, "client started on {}", text(&addresses.first)),
        port => log!(log::INFO, "client started on port {port}"),
    }
    Ok(client.as_ptr())
}

fn open_transport(config: &netcode_client_config_t, addresses: &Addresses) -> Result<Transport, c_int> {
    let transport = TransportConfig {
        simulator: config.network_simulator,
        override_send_and_receive: config.override_send_and_receive,
        context: config.callback_context,
        send: config.send_packet_override,
        receive: config.receive_packet_override,
    };
    let transport = Transport::open(&transport, addresses, |address| *address).map_err(|failure| match failure {
        OpenFailure::MissingOverride => NETCODE_CLIENT_CREATE_ERROR_MISSING_OVERRIDE_CALLBACK,
        OpenFailure::Create(SocketAddr::V4(_)) | OpenFailure::Bind(SocketAddr::V4(_)) => {
            NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV4_FAILED
        }
        OpenFailure::Create(SocketAddr::V6(_)) | OpenFailure::Bind(SocketAddr::V6(_)) => {
            NETCODE_CLIENT_CREATE_ERROR_CREATE_SOCKET_IPV6_FAILED
        }
    })?;
    let without_port = addresses.iter().any(|address| address.port() == 0);
    if matches!(transport, Transport::Simulator(_)) && without_port {
        log!(log::ERROR, "error: with a network simulator the client's address needs a port");
        return Err(NETCODE_CLIENT_CREATE_ERROR_SIMULATOR_REQUIRES_PORT);
    }
    Ok(transport)
}

/// # Safety
/// The client is NULL or alive.
#[track_caller]
unsafe fn enter(client: *mut netcode_client_t, function: &CStr) -> Option<Call<netcode_client_t>> {
    holds(!client.is_null(), c"client", function);
    // SAFETY: as the caller vouches.
    unsafe { Call::enter(client) }
}

/// What the core answers, or zero without a client.
///
/// # Safety
/// The client is NULL or alive.
#[track_caller]
unsafe fn query<T: Default>(client: *mut netcode_client_t, function: &CStr, question: impl FnOnce(&Client) -> T) -> T {
    // SAFETY: as the caller vouches.
    let client = unsafe { enter(client, function) };
    client.map(|client| client.ask(question)).unwrap_or_default()
}
