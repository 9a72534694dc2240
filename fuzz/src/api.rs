//! The whole C API, driven by a byte string as a program of calls.
//!
//! Each byte that is a step's first says which call comes next, what follows are its arguments. Hooks,
//! overrides and callbacks may take a step of the program themselves, in the middle of the call that led
//! to them.
//!
//! Half of the programs are gentle: client 0 and server 0, the witnesses, are connected, and the program
//! can do everything but harm them itself. The others can do anything. What the protocol cannot cure is
//! left out (README.md, "Limits"): tokens of several servers, and a token over a server's restart.

mod calls;
mod hooks;
mod objects;
mod payloads;
mod world;

use std::ptr;

use netcode::ffi::global::*;
use netcode::ffi::simulator::*;

use world::{GENTLE, World, held, world};

/// Most steps of a program, those within callbacks included.
const STEPS: u32 = 300;

pub(crate) fn run(data: &[u8]) {
    World::install(data);
    netcode_init();
    hooks::install();
    let gentle = world(|world| world.input(|input| input.u8())) == GENTLE;
    calls::network(gentle);
    if gentle {
        calls::introduce_witnesses();
    }
    while world(|world| world.has_next(STEPS)) {
        calls::step();
    }
    finish(gentle);
}

/// Ends the program, and sees whether everything has been given back.
fn finish(gentle: bool) {
    world(World::calm_down);
    if gentle {
        calls::check_witnesses();
    }
    for index in 0..world::SERVERS {
        calls::stop(index);
    }
    for index in 0..world::CLIENTS {
        objects::destroy_client(index);
    }
    for index in 0..world::SERVERS {
        objects::destroy_server(index);
    }
    let simulator = world(|world| std::mem::replace(&mut world.simulator, ptr::null_mut()));
    // SAFETY: nobody uses it any more.
    unsafe { netcode_network_simulator_destroy(simulator) };
    assert_eq!(held(), 0, "the program has given all packets back");
    world(|world| world.memory.check_empty());
    hooks::uninstall();
    netcode_term();
    World::remove();
}
