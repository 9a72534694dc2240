//! Making clients and servers, and destroying them.

use std::ffi::CString;
use std::net::SocketAddr;
use std::ptr;

use netcode::ffi::client::*;
use netcode::ffi::server::*;
use netcode::ffi::types::*;

use super::calls::{free_one, input};
use super::hooks;
use super::world::{ClientObject, ServerObject, world};

pub(super) const PROTOCOL_ID: u64 = 0x1122_3344_5566_7788;
pub(super) const PRIVATE_KEY: [u8; 32] = [0x5e; 32];

pub(super) fn create_client(index: usize) {
    let (simulated, v6) = input(|input| (input.one_in(2), input.one_in(8)));
    create_client_with(index, simulated, v6);
}

pub(super) fn create_client_with(index: usize, simulated: bool, dual: bool) {
    destroy_client(index);
    let (number, simulator) = world(|world| (world.number(), world.simulator));
    let address = client_address(index);
    // SAFETY: the config is filled before it is used, its functions are as they should be, and the object
    // goes into the world before anything is done with it.
    unsafe {
        let mut config = std::mem::zeroed();
        netcode_default_client_config(&mut config);
        config.allocator_context = hooks::context(number);
        config.allocate_function = Some(hooks::allocate);
        config.free_function = Some(hooks::free);
        config.callback_context = hooks::context(number);
        config.state_change_callback = Some(hooks::state_change);
        config.send_loopback_packet_callback = Some(hooks::client_loopback);
        config.override_send_and_receive = 1;
        config.send_packet_override = Some(hooks::send);
        config.receive_packet_override = Some(hooks::receive);
        config.network_simulator = if simulated { simulator } else { ptr::null_mut() };
        let (text, second) = (c_text(&address), c_text(&client_address(3)));
        let now = world(|world| world.now);
        let pointer = match dual {
            false => netcode_client_create(text.as_ptr(), &config, now),
            true => netcode_client_create_dual(text.as_ptr(), second.as_ptr(), &config, now),
        };
        let error = netcode_client_create_error();
        if pointer.is_null() {
            assert_eq!(error, NETCODE_CLIENT_CREATE_ERROR_ALLOCATE_CLIENT_FAILED);
            return assert_eq!(world(|world| world.memory.of(number)), 0);
        }
        assert_eq!(error, NETCODE_CLIENT_CREATE_ERROR_NONE);
        let occupied = world(|world| world.clients[index].is_some());
        if occupied {
            return netcode_client_destroy(pointer); // a hook has created one there meanwhile
        }
        world(|world| {
            let bytes_at_rest = world.memory.of(number);
            world.clients[index] = Some(ClientObject {
                number,
                pointer,
                address,
                ids: Vec::new(),
                tokens: Vec::new(),
                again: false,
                loopback: None,
                dying: false,
                bytes_at_rest,
            });
        });
    }
}

pub(super) fn create_server(index: usize) {
    let (simulated, dual) = input(|input| (input.one_in(2), input.one_in(8)));
    create_server_with(index, simulated, dual);
}

pub(super) fn create_server_with(index: usize, simulated: bool, dual: bool) {
    destroy_server(index);
    let (number, simulator) = world(|world| (world.number(), world.simulator));
    let address = server_address(index);
    // SAFETY: as for clients.
    unsafe {
        let mut config: netcode_server_config_t = std::mem::zeroed();
        netcode_default_server_config(&mut config);
        config.protocol_id = PROTOCOL_ID;
        config.private_key = PRIVATE_KEY;
        config.allocator_context = hooks::context(number);
        config.allocate_function = Some(hooks::allocate);
        config.free_function = Some(hooks::free);
        config.callback_context = hooks::context(number);
        config.connect_disconnect_callback = Some(hooks::connect_disconnect);
        config.send_loopback_packet_callback = Some(hooks::server_loopback);
        config.override_send_and_receive = 1;
        config.send_packet_override = Some(hooks::send);
        config.receive_packet_override = Some(hooks::receive);
        config.network_simulator = if simulated { simulator } else { ptr::null_mut() };
        let text = c_text(&address);
        let now = world(|world| world.now);
        let pointer = match dual {
            false => netcode_server_create(text.as_ptr(), &config, now),
            true => netcode_server_create_dual(text.as_ptr(), c"[::1]:40000".as_ptr(), &config, now),
        };
        let error = netcode_server_create_error();
        if pointer.is_null() {
            assert_eq!(error, NETCODE_SERVER_CREATE_ERROR_ALLOCATE_SERVER_FAILED);
            return assert_eq!(world(|world| world.memory.of(number)), 0);
        }
        assert_eq!(error, NETCODE_SERVER_CREATE_ERROR_NONE);
        if world(|world| world.servers[index].is_some()) {
            return netcode_server_destroy(pointer);
        }
        world(|world| {
            let bytes_at_rest = world.memory.of(number);
            let told = [false; 256];
            world.servers[index] = Some(ServerObject { number, pointer, address, told, dying: false, bytes_at_rest });
        });
    }
}

pub(super) fn destroy_client(index: usize) {
    let Some((number, pointer)) = world(|world| {
        let client = world.clients[index].as_mut()?;
        client.dying = true;
        Some((client.number, client.pointer))
    }) else {
        return;
    };
    free_held_by(number);
    // SAFETY: alive; whoever destroys it in between takes it out of the world.
    unsafe {
        if world(|world| world.client_by_number(number).is_some()) {
            netcode_client_destroy(pointer);
        }
    }
    world(|world| {
        world.clients[index].take_if(|client| client.number == number);
    });
}

pub(super) fn destroy_server(index: usize) {
    let Some((number, pointer)) = world(|world| {
        let server = world.servers[index].as_mut()?;
        server.dying = true;
        Some((server.number, server.pointer))
    }) else {
        return;
    };
    free_held_by(number);
    // SAFETY: as for clients.
    unsafe {
        if world(|world| world.server_by_number(number).is_some()) {
            netcode_server_destroy(pointer);
        }
    }
    world(|world| {
        world.servers[index].take_if(|server| server.number == number);
    });
}

pub(super) fn free_held_by(owner: usize) {
    while let Some(index) = world(|world| world.held.iter().position(|held| held.owner == owner)) {
        free_one(index);
    }
}

pub(super) fn client_pointer(index: usize) -> *mut netcode_client_t {
    world(|world| world.clients[index].as_ref().map_or(ptr::null_mut(), |client| client.pointer))
}

pub(super) fn server_pointer(index: usize) -> *mut netcode_server_t {
    world(|world| world.servers[index].as_ref().map_or(ptr::null_mut(), |server| server.pointer))
}

pub(super) fn client_address(index: usize) -> SocketAddr {
    match index {
        3 => ([0xfd00, 0, 0, 0, 0, 0, 0, 3], 50003).into(),
        _ => ([127, 0, 0, 1], 50000 + index as u16).into(),
    }
}

pub(super) fn server_address(index: usize) -> SocketAddr {
    ([10, 0, 0, 1], 40000 + index as u16).into()
}

pub(super) fn c_text(address: &SocketAddr) -> CString {
    CString::new(netcode::address::text(address).to_string()).expect("text has no zeros")
}
