//! What the library calls: allocator hooks, overrides, callbacks, log and assert functions.

use std::ffi::{CStr, c_char, c_int, c_void};

use netcode::ffi::client::*;
use netcode::ffi::global::*;
use netcode::ffi::server::*;
use netcode::ffi::types::*;

use super::calls;
use super::world::{Event, world};
use crate::address::c_address;

/// The log and assert functions are those of the whole program.
pub(super) fn install() {
    // SAFETY: a function with two arguments finds them where a caller of printf puts its first two, on the
    // systems that the fuzzers run on. Rust cannot define one with any number of arguments.
    let print: unsafe extern "C" fn(*const c_char, ...) -> c_int =
        unsafe { std::mem::transmute(print as unsafe extern "C" fn(*const c_char, *const c_char) -> c_int) };
    netcode_set_printf_function(Some(print));
    netcode_set_assert_function(Some(assert));
}

pub(super) fn uninstall() {
    netcode_log_level(NETCODE_LOG_LEVEL_NONE);
    netcode_set_printf_function(None);
    netcode_set_assert_function(None);
}

/// Takes a step of the program in the middle of whatever is going on, if the program wants that here.
fn react(event: Event) {
    if world(|world| world.fires(event)) {
        calls::step();
    }
}

/// The number of an object, as the context that its functions get.
pub(super) fn context(number: usize) -> *mut c_void {
    std::ptr::without_provenance_mut(number)
}

fn number(context: *mut c_void) -> usize {
    context.addr()
}

pub(super) unsafe extern "C" fn allocate(context: *mut c_void, bytes: usize) -> *mut c_void {
    let number = number(context);
    react(Event::Allocate);
    if world(|world| !world.is_spared(number) && world.memory.fails()) {
        return std::ptr::null_mut();
    }
    // SAFETY: any size may be asked for.
    let block = unsafe { libc::malloc(bytes) };
    world(|world| world.memory.took(number, block.addr(), bytes));
    block
}

pub(super) unsafe extern "C" fn free(context: *mut c_void, block: *mut c_void) {
    react(Event::Free); // while the block is still there: it may be the object itself
    world(|world| world.memory.gave_back(number(context), block.addr()));
    // SAFETY: it came from `allocate`, and was not freed before.
    unsafe { libc::free(block) };
}

pub(super) unsafe extern "C" fn send(context: *mut c_void, to: *mut netcode_address_t, data: *const u8, bytes: c_int) {
    // SAFETY: the library passes an address and a datagram.
    let (to, datagram) = unsafe { (&*to, std::slice::from_raw_parts(data, bytes as usize)) };
    let to = to.to_socket_addr().expect("the library sends to addresses");
    world(|world| {
        if let Some(from) = world.address_of(number(context)) {
            world.carry(from, to, datagram);
        }
    });
    react(Event::Send);
}

pub(super) unsafe extern "C" fn receive(
    context: *mut c_void,
    from: *mut netcode_address_t,
    data: *mut u8,
    max_bytes: c_int,
) -> c_int {
    react(Event::Receive);
    let taken = world(|world| {
        let to = world.address_of(number(context))?;
        let lies = std::mem::take(&mut world.lies);
        Some((world.take(to)?, lies))
    });
    let Some(((source, datagram), lies)) = taken else { return if number(context) % 2 == 0 { 0 } else { -1 } };
    assert_eq!(max_bytes, 1300);
    let size = datagram.len().min(max_bytes as usize);
    // SAFETY: there is room for an address, and for `max_bytes`.
    unsafe {
        from.write(c_address(&source));
        data.copy_from_nonoverlapping(datagram.as_ptr(), size);
    }
    if lies { 5000 } else { size as c_int }
}

pub(super) unsafe extern "C" fn state_change(context: *mut c_void, previous: c_int, current: c_int) {
    let client = world(|world| world.client_by_number(number(context)).map(|(_, client)| client.pointer));
    assert!((-6..=3).contains(&current));
    if let Some(client) = client {
        // SAFETY: the client is in the middle of a call, so it is alive.
        unsafe { assert_eq!(netcode_client_state(client), previous, "told before the state changes") };
    }
    react(Event::StateChange);
}

pub(super) unsafe extern "C" fn connect_disconnect(context: *mut c_void, slot: c_int, connected: c_int) {
    let told = connected == 1;
    let server = world(|world| {
        let (_, server) = world.server_by_number(number(context))?;
        let before = std::mem::replace(&mut server.told[slot as usize], told);
        assert_ne!(before, told, "slot {slot} is told twice of the same");
        Some(server.pointer)
    });
    if let Some(server) = server {
        // SAFETY: the server is in the middle of a call, so it is alive.
        unsafe {
            assert_eq!(netcode_server_client_connected(server, slot), 1, "in the callback the client is there");
            assert_ne!(netcode_server_client_id(server, slot), 0);
            let reason = netcode_server_client_disconnect_reason(server, slot);
            assert_eq!(told, reason == NETCODE_SERVER_CLIENT_DISCONNECT_REASON_NONE);
        }
    }
    react(Event::ConnectDisconnect);
}

/// A client that is connected by loopback sends: straight into its server.
pub(super) unsafe extern "C" fn client_loopback(
    context: *mut c_void,
    _client_index: c_int,
    data: *const u8,
    bytes: c_int,
    sequence: u64,
) {
    let target = world(|world| {
        let (_, client) = world.client_by_number(number(context))?;
        let (server, slot) = client.loopback?;
        let ids = client.ids.clone();
        Some((world.servers[server].as_ref()?.pointer, slot, ids))
    });
    if let Some((server, slot, ids)) = target {
        // SAFETY: the server is alive, and the data is the library's own until we return.
        unsafe {
            if netcode_server_client_loopback(server, slot) == 1
                && ids.contains(&netcode_server_client_id(server, slot))
            {
                netcode_server_process_loopback_packet(server, slot, data, bytes, sequence);
            }
        }
    }
    react(Event::Loopback);
}

/// A server sends to a client that is connected by loopback.
pub(super) unsafe extern "C" fn server_loopback(
    context: *mut c_void,
    slot: c_int,
    data: *const u8,
    bytes: c_int,
    sequence: u64,
) {
    let targets = world(|world| {
        let (server, object) = world.server_by_number(number(context))?;
        let pointer = object.pointer;
        let clients = world.clients.iter().flatten().filter(|client| client.loopback == Some((server, slot)));
        Some((pointer, clients.map(|client| (client.pointer, client.ids.clone())).collect::<Vec<_>>()))
    });
    if let Some((server, clients)) = targets {
        // SAFETY: the objects are alive, and the data is the library's own until we return.
        unsafe {
            let id = netcode_server_client_id(server, slot);
            if let Some((client, _)) = clients.iter().find(|(_, ids)| ids.contains(&id)) {
                if netcode_client_loopback(*client) == 1 {
                    netcode_client_process_loopback_packet(*client, data, bytes, sequence);
                }
            }
        }
    }
    react(Event::Loopback);
}

unsafe extern "C" fn print(format: *const c_char, text: *const c_char) -> c_int {
    // SAFETY: the library calls it as printf( "%s", text ).
    let (format, text) = unsafe { (CStr::from_ptr(format), CStr::from_ptr(text)) };
    assert_eq!(format, c"%s");
    assert!(text.to_bytes().ends_with(b"\n"));
    react(Event::Log);
    text.count_bytes() as c_int
}

unsafe extern "C" fn assert(condition: *const c_char, function: *const c_char, file: *const c_char, line: c_int) {
    // SAFETY: the library passes three strings.
    unsafe {
        assert!(!CStr::from_ptr(condition).is_empty());
        assert!(CStr::from_ptr(function).to_bytes().starts_with(b"netcode_"));
        assert!(!CStr::from_ptr(file).is_empty());
    }
    assert!(line > 0);
    react(Event::Assert);
}
