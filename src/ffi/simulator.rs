//! The network simulator. The header does not declare its functions: as with the C library,
//! programs that want them declare them themselves.

use std::cell::{Cell, RefCell};
use std::ffi::{c_int, c_void};
use std::net::SocketAddr;
use std::ptr;

use allocator_api2::boxed::Box;

use super::alloc::Hooks;
use super::assert::holds;
use super::object::{Call, Lifeline, Object, hand_out};
use super::types::{AllocateFunction, FreeFunction, netcode_address_t};
use crate::simulator::{Arrival, Settings, Simulator};

/// A network in memory, for tests. Its first members, up to the last setting, may be read by C, and
/// the settings written.
#[repr(C)]
pub struct netcode_network_simulator_t {
    allocator_context: *mut c_void,
    allocate_function: AllocateFunction,
    free_function: FreeFunction,
    latency_milliseconds: Cell<f32>,
    jitter_milliseconds: Cell<f32>,
    packet_loss_percent: Cell<f32>,
    duplicate_packet_percent: Cell<f32>,
    lifeline: Lifeline,
    hooks: Hooks,
    /// There until the simulator is dismantled.
    core: RefCell<Option<Simulator<Hooks>>>,
}

impl Object for netcode_network_simulator_t {
    fn lifeline(&self) -> &Lifeline {
        &self.lifeline
    }

    fn hooks(&self) -> Hooks {
        self.hooks
    }

    fn dismantle(&self) {
        self.core.take();
    }
}

impl netcode_network_simulator_t {
    pub(super) fn send(&self, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        let settings = Settings {
            latency_milliseconds: self.latency_milliseconds.get(),
            jitter_milliseconds: self.jitter_milliseconds.get(),
            packet_loss_percent: self.packet_loss_percent.get(),
            duplicate_packet_percent: self.duplicate_packet_percent.get(),
        };
        self.change(|core| core.send(&settings, from, to, data));
    }

    pub(super) fn receive(&self, to: SocketAddr) -> Option<Arrival<Hooks>> {
        self.change(|core| core.receive(to)).flatten()
    }

    /// The core, unless an allocator hook is calling from within it.
    fn change<T>(&self, change: impl FnOnce(&mut Simulator<Hooks>) -> T) -> Option<T> {
        self.core.try_borrow_mut().ok()?.as_mut().map(change)
    }
}

/// Makes a simulator, at time 0 and with all settings 0. NULL functions stand for malloc and free.
///
/// Returns NULL if there is no memory.
///
/// # Safety
/// The functions are NULL or do what malloc and free do.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_network_simulator_create(
    allocator_context: *mut c_void,
    allocate_function: Option<AllocateFunction>,
    free_function: Option<FreeFunction>,
) -> *mut netcode_network_simulator_t {
    let hooks = Hooks::new(allocator_context, allocate_function, free_function);
    let Some(core) = Simulator::try_new_in(hooks) else { return ptr::null_mut() };
    let simulator = netcode_network_simulator_t {
        allocator_context,
        allocate_function: hooks.allocate,
        free_function: hooks.free,
        latency_milliseconds: Cell::new(0.0),
        jitter_milliseconds: Cell::new(0.0),
        packet_loss_percent: Cell::new(0.0),
        duplicate_packet_percent: Cell::new(0.0),
        lifeline: Lifeline::default(),
        hooks,
        core: RefCell::new(Some(core)),
    };
    hand_out(simulator).map_or(ptr::null_mut(), |simulator| simulator.as_ptr())
}

/// Destroys a simulator with all packets in it.
///
/// # Safety
/// The simulator is NULL or alive, and no client or server uses it any more.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_network_simulator_destroy(simulator: *mut netcode_network_simulator_t) {
    // SAFETY: as the caller vouches.
    if let Some(simulator) = unsafe { enter(simulator, c"netcode_network_simulator_destroy") } {
        simulator.doom();
    }
}

/// Drops all packets and starts the random sequence again. Settings and time stay.
///
/// # Safety
/// The simulator is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_network_simulator_reset(simulator: *mut netcode_network_simulator_t) {
    // SAFETY: as the caller vouches.
    let Some(simulator) = (unsafe { enter(simulator, c"netcode_network_simulator_reset") }) else { return };
    simulator.change(|core| core.reset());
}

/// Sets the time, in seconds; packets that are due arrive.
///
/// # Safety
/// The simulator is NULL or alive.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_network_simulator_update(simulator: *mut netcode_network_simulator_t, time: f64) {
    // SAFETY: as the caller vouches.
    let Some(simulator) = (unsafe { enter(simulator, c"netcode_network_simulator_update") }) else { return };
    simulator.change(|core| core.update(time));
}

/// Sends a copy of a packet on its way.
///
/// # Safety
/// The simulator is NULL or alive, the addresses NULL or readable, the packet readable.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_network_simulator_send_packet(
    simulator: *mut netcode_network_simulator_t,
    from: *mut netcode_address_t,
    to: *mut netcode_address_t,
    packet_data: *mut u8,
    packet_bytes: c_int,
) {
    let function = c"netcode_network_simulator_send_packet";
    // SAFETY: as the caller vouches; the addresses may be null.
    let (simulator, from, to) = unsafe { (enter(simulator, function), from.as_ref(), to.as_ref()) };
    let Some(simulator) = simulator else { return };
    let from = from.and_then(netcode_address_t::to_socket_addr);
    let to = to.and_then(netcode_address_t::to_socket_addr);
    let arguments = [
        (from.is_some(), c"from && from->type != NETCODE_ADDRESS_NONE"),
        (to.is_some(), c"to && to->type != NETCODE_ADDRESS_NONE"),
        (!packet_data.is_null(), c"packet_data"),
        (packet_bytes > 0, c"packet_bytes > 0"),
    ];
    if !arguments.iter().all(|(good, condition)| holds(*good, condition, function)) {
        return;
    }
    if let (Some(from), Some(to)) = (from, to) {
        // SAFETY: not null and not empty, so readable.
        let data = unsafe { std::slice::from_raw_parts(packet_data, packet_bytes as usize) };
        simulator.send(from, to, data);
    }
}

/// Picks up at most max_packets packets that have arrived at an address, and returns how many. Their
/// data belongs to the caller, who frees it with the simulator's free function.
///
/// # Safety
/// The simulator is NULL or alive, `to` NULL or readable; the arrays have room for `max_packets`.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn netcode_network_simulator_receive_packets(
    simulator: *mut netcode_network_simulator_t,
    to: *mut netcode_address_t,
    max_packets: c_int,
    packet_data: *mut *mut u8,
    packet_bytes: *mut c_int,
    from: *mut netcode_address_t,
) -> c_int {
    let function = c"netcode_network_simulator_receive_packets";
    // SAFETY: as the caller vouches; the address may be null.
    let (simulator, to) = unsafe { (enter(simulator, function), to.as_ref()) };
    let Some(simulator) = simulator else { return 0 };
    let to = to.and_then(netcode_address_t::to_socket_addr);
    let arguments = [
        (to.is_some(), c"to && to->type != NETCODE_ADDRESS_NONE"),
        (max_packets >= 0, c"max_packets >= 0"),
        (!packet_data.is_null(), c"packet_data"),
        (!packet_bytes.is_null(), c"packet_bytes"),
        (!from.is_null(), c"from"),
    ];
    if !arguments.iter().all(|(good, condition)| holds(*good, condition, function)) {
        return 0;
    }
    let Some(to) = to else { return 0 };
    let mut received = 0;
    while received < max_packets {
        let Some(packet) = simulator.receive(to) else { break };
        let index = received as usize;
        // SAFETY: the index is below `max_packets`, for which there is room.
        unsafe {
            packet_bytes.add(index).write(packet.data.len() as c_int);
            netcode_address_t::store(from.add(index), Some(&packet.from));
            packet_data.add(index).write(Box::into_raw(packet.data).cast());
        }
        received += 1;
    }
    received
}

/// # Safety
/// The simulator is NULL or alive.
#[track_caller]
unsafe fn enter(
    simulator: *mut netcode_network_simulator_t,
    function: &std::ffi::CStr,
) -> Option<Call<netcode_network_simulator_t>> {
    holds(!simulator.is_null(), c"simulator", function);
    // SAFETY: as the caller vouches.
    unsafe { Call::enter(simulator) }
}
