//! The calls that programs are made of.

use std::ffi::{c_char, c_int};
use std::net::SocketAddr;
use std::ptr;

use netcode::client::RECENT_TOKENS;
use netcode::ffi::client::*;
use netcode::ffi::global::*;
use netcode::ffi::server::*;
use netcode::ffi::simulator::*;
use netcode::ffi::token::*;
use netcode::ffi::types::*;

use super::hooks;
use super::objects::*;
use super::world::{CLIENTS, EVENTS, Held, SERVERS, World, held, world};
use crate::address::c_address;
use crate::input::Input;
use crate::mutate::mutate;

/// The settings of a simulator that C programs write.
const SETTINGS_AT: usize = 3 * size_of::<usize>();
const LOSS_SETTING: usize = 2;

/// Nothing at all is lost then. With 0 one packet in 16 million still is.
const NO_LOSS: f32 = -1.0;

/// Most packets that are picked up from the simulator at a time.
const MOST_PICKED_UP: usize = 8;

/// Most packets that are received at a time, and that are kept for later.
const MOST_RECEIVED: usize = 300;
const MOST_HELD: usize = 40;

/// Between two updates, in seconds: enough for the next packet of a handshake to be due.
const TICK: f64 = 0.125;

/// After so many updates a handshake is complete, and a packet has arrived at the greatest latency and jitter.
const SETTLED: usize = 6;

/// After so many, everything that the simulator has doubled has arrived, too.
const QUIET: usize = 16;

pub(super) fn input<T>(take: impl FnOnce(&mut Input<'_>) -> T) -> T {
    world(|world| world.input(take))
}

/// One step of the program.
pub(super) fn step() {
    world(|world| world.depth += 1);
    match input(|input| input.u8()) % 33 {
        0 => create_client(any_client()),
        1 => create_server(any_server()),
        2 => start(any_server()),
        3 | 4 => connect(any_client()),
        5 => connect_with_nonsense(any_client()),
        6 | 7 => pass_time(),
        8 => settle(),
        9 => update_one(),
        10 | 11 => client_sends(input(|input| input.below(CLIENTS))),
        12 | 13 => server_sends(input(|input| input.below(SERVERS))),
        14 | 15 => receive(input(|input| input.one_in(2))),
        16 => free_held(),
        17 => disconnect(any_client()),
        18 => send_away(any_server()),
        19 => stop(any_server()),
        20 => destroy_client(any_client()),
        21 => destroy_server(any_server()),
        22 => connect_loopback(),
        23 => disconnect_loopback(),
        24 => process_packet(),
        25 | 26 => inject(),
        27 => set_network(),
        28 => set_failures(),
        29 | 30 => world(|world| {
            let event = world.input(|input| EVENTS[input.below(EVENTS.len())]);
            world.arm(event);
        }),
        31 => misuse(),
        _ => intercept(),
    }
    world(|world| world.depth -= 1);
}

/// A client that the program may do anything to.
fn any_client() -> usize {
    world(|world| {
        let first = usize::from(world.gentle);
        world.input(|input| first + input.below(CLIENTS - first))
    })
}

fn any_server() -> usize {
    world(|world| if world.gentle { 1 } else { world.input(|input| input.below(SERVERS)) })
}

/// Makes the simulator that half of the programs have.
pub(super) fn network(gentle: bool) {
    let choice = input(|input| input.u8());
    let witnesses_simulated = gentle && choice & 2 != 0;
    if choice & 1 != 0 || witnesses_simulated {
        let number = world(World::number);
        // SAFETY: the hooks are as they should be.
        let simulator = unsafe {
            netcode_network_simulator_create(hooks::context(number), Some(hooks::allocate), Some(hooks::free))
        };
        assert!(!simulator.is_null());
        world(|world| {
            world.simulator = simulator;
            world.simulator_number = number;
            world.witnesses_simulated = witnesses_simulated;
        });
        if witnesses_simulated {
            // SAFETY: alive.
            unsafe { set(simulator, LOSS_SETTING, NO_LOSS) };
        }
    }
    for index in usize::from(gentle)..2 {
        create_server(index);
        start(index);
    }
}

/// A client and a server that are connected, and stay so.
pub(super) fn introduce_witnesses() {
    let simulated = world(|world| world.witnesses_simulated);
    create_server_with(0, simulated, false);
    // SAFETY: the server is alive.
    unsafe { netcode_server_start(server_pointer(0), 4) };
    create_client_with(0, simulated, false);
    connect_to(0, 0, 30, 5);
    for _ in 0..SETTLED {
        // Somebody listens, and can repeat it later.
        tick_with(TICK, || {
            pick_up(client_address(0), MOST_PICKED_UP, Fate::HandedOver);
            pick_up(server_address(0), MOST_PICKED_UP, Fate::HandedOver);
        });
    }
    // SAFETY: the client is alive.
    assert_eq!(unsafe { netcode_client_state(client_pointer(0)) }, NETCODE_CLIENT_STATE_CONNECTED);
}

/// Whatever the program has done, the witnesses can talk.
pub(super) fn check_witnesses() {
    for _ in 0..QUIET {
        tick(TICK);
        receive(false);
    }
    let (client, server) = (client_pointer(0), server_pointer(0));
    // SAFETY: witnesses live to the end.
    unsafe {
        assert_eq!(netcode_client_state(client), NETCODE_CLIENT_STATE_CONNECTED, "the client was harmed");
        let slot = netcode_client_index(client);
        assert_eq!(netcode_server_client_connected(server, slot), 1, "the server has lost its client");
        let id = netcode_server_client_id(server, slot);
        let question = world(|world| world.payloads.make(id, true, 100));
        let answer = world(|world| world.payloads.make(id, false, 100));
        netcode_client_send_packet(client, question.as_ptr(), 100);
        netcode_server_send_packet(server, slot, answer.as_ptr(), 100);
        for _ in 0..SETTLED {
            tick(TICK);
            receive(false);
        }
        assert!(world(|world| world.payloads.has_arrived(&question)), "the server cannot hear its client");
        assert!(world(|world| world.payloads.has_arrived(&answer)), "the client cannot hear its server");
    }
}

/// A token that was used before a start could be used again within the same second of the wall clock, and
/// then numbers begin again under its keys: no token is used beyond one.
fn start(index: usize) {
    let slots = input(|input| match input.below(8) {
        0 => input.u16() as i16 as c_int,
        1 => 256,
        _ => 1 + input.below(5) as c_int,
    });
    while let Some(client) = world(World::end_tokens) {
        // SAFETY: alive.
        unsafe { netcode_client_disconnect(client) };
    }
    // SAFETY: NULL or alive.
    unsafe { netcode_server_start(server_pointer(index), slots) };
}

fn connect(index: usize) {
    let (again, server, expire, timeout) = input(|input| {
        let (again, server) = (input.one_in(4), input.below(SERVERS));
        let expire = [30, 30, 60, 3600, 29, 1, 0, i32::MAX][input.below(8)];
        (again, server, expire, [5, 5, 1, 0, -1, i32::MAX, 10, 5][input.below(8)])
    });
    let used = world(|world| {
        let back = world.input(|input| if again { input.below(RECENT_TOKENS) } else { 0 });
        let client = world.clients[index].as_mut().filter(|client| again && !client.tokens.is_empty())?;
        let place = client.tokens.len() - 1 - back % client.tokens.len();
        Some(client.tokens.remove(place))
    });
    match used {
        Some((token, id)) => connect_with(index, token, id, true),
        None => connect_to(index, server, expire, timeout),
    }
}

fn connect_to(index: usize, server: usize, expire: c_int, timeout: c_int) {
    if let Some((token, id)) = token(server, expire, timeout) {
        connect_with(index, token, id, false);
    }
}

fn connect_with(index: usize, token: Vec<u8>, id: u64, again: bool) {
    let shown = token.clone();
    world(|world| {
        if let Some(client) = &mut world.clients[index] {
            client.again = again;
            client.tokens.push((token, id));
            let too_many = client.tokens.len().saturating_sub(RECENT_TOKENS);
            client.tokens.drain(..too_many);
        }
    });
    show(index, shown, id);
}

/// A client connects. Until it has left the connection before, it may receive for that one, too.
fn show(index: usize, mut token: Vec<u8>, id: u64) {
    let taken = world(|world| {
        let client = world.clients[index].as_mut()?;
        client.ids.push(id);
        Some((client.number, client.pointer, client.ids.clone()))
    });
    let Some((number, client, ids)) = taken else {
        // SAFETY: NULL is asserted.
        return unsafe { netcode_client_connect(ptr::null_mut(), token.as_mut_ptr()) };
    };
    // SAFETY: alive, with a whole token.
    unsafe { netcode_client_connect(client, token.as_mut_ptr()) };
    world(|world| {
        if let Some((_, client)) = world.client_by_number(number) {
            if client.ids == ids {
                client.ids = vec![id];
            }
        }
    });
}

fn token(server: usize, expire: c_int, timeout: c_int) -> Option<(Vec<u8>, u64)> {
    let id = world(World::id);
    let address = c_text(&server_address(server));
    let mut addresses: [*const c_char; 1] = [address.as_ptr()];
    let (mut token, mut user_data) = (vec![0; 2048], [id as u8; 256]);
    // SAFETY: one address in both lists, and everything has its size.
    let made = unsafe {
        netcode_generate_connect_token(
            1,
            addresses.as_mut_ptr(),
            addresses.as_mut_ptr(),
            expire,
            timeout,
            id,
            PROTOCOL_ID,
            PRIVATE_KEY.as_ptr(),
            user_data.as_mut_ptr(),
            token.as_mut_ptr(),
        )
    };
    (made == NETCODE_OK).then_some((token, id))
}

/// A token that may not read, or be good for anything, or good all the same: not every byte of it matters.
fn connect_with_nonsense(index: usize) {
    let Some((mut token, id)) = token(0, 30, 5) else { return };
    world(|world| {
        world.input(|input| mutate(input, &mut token));
        if let Some(client) = &mut world.clients[index] {
            client.tokens.clear(); // they may not be the ones that were used last any more
        }
    });
    token.resize(2048, 0);
    show(index, token, id);
}

fn pass_time() {
    let seconds = f64::from(input(|input| input.u8())) / 256.0;
    tick(seconds);
}

/// Long enough for handshakes to complete.
fn settle() {
    for _ in 0..SETTLED {
        tick(TICK);
    }
}

/// Everybody updates.
fn tick(seconds: f64) {
    tick_with(seconds, || ());
}

/// Everybody updates. What the simulator brings can be picked up before.
fn tick_with(seconds: f64, before: impl FnOnce()) {
    let (now, simulator, simulated) = world(|world| {
        world.now += seconds;
        (world.now, world.simulator, world.may_update_simulator())
    });
    // SAFETY: NULL or alive.
    unsafe {
        if simulated {
            netcode_network_simulator_update(simulator, now);
        }
        before();
        for index in 0..CLIENTS {
            netcode_client_update(client_pointer(index), now);
        }
        for index in 0..SERVERS {
            netcode_server_update(server_pointer(index), now);
        }
    }
    check_at_rest();
}

/// One object updates, at a time of its own.
fn update_one() {
    let (choice, server) = input(|input| (input.below(6), input.one_in(2)));
    let now = world(|world| world.now);
    let time = match choice {
        0 => now - f64::from(input(|input| input.u16())),
        1 => now + f64::from(input(|input| input.u16())),
        2 => f64::from_bits(input(|input| input.u64())),
        3 => f64::NAN,
        4 => f64::INFINITY,
        _ => now,
    };
    // SAFETY: NULL or alive.
    unsafe {
        match server {
            true => netcode_server_update(server_pointer(any_server()), time),
            false => netcode_client_update(client_pointer(any_client()), time),
        }
    }
    check_at_rest();
}

/// Objects that do nothing have given back what they do not need.
fn check_at_rest() {
    if world(|world| world.depth) > 1 || held() > 0 {
        return;
    }
    for index in 0..CLIENTS {
        let found = world(|world| {
            let client = world.clients[index].as_ref()?;
            Some((client.pointer, world.memory.of(client.number), client.bytes_at_rest))
        });
        if let Some((client, bytes, bytes_at_rest)) = found {
            // SAFETY: alive.
            if unsafe { netcode_client_state(client) } <= NETCODE_CLIENT_STATE_DISCONNECTED {
                assert_eq!(bytes, bytes_at_rest, "client {index} keeps memory");
            }
        }
    }
    for index in 0..SERVERS {
        let found = world(|world| {
            let server = world.servers[index].as_ref()?;
            let told = server.told.contains(&true);
            Some((server.pointer, world.memory.of(server.number), server.bytes_at_rest, told))
        });
        if let Some((server, bytes, bytes_at_rest, told)) = found {
            // SAFETY: alive.
            if unsafe { netcode_server_running(server) } == 0 {
                assert_eq!(bytes, bytes_at_rest, "server {index} keeps memory");
                assert!(!told, "somebody was not told of a client that left");
            }
        }
    }
}

/// A size, mostly a good one.
fn size() -> c_int {
    input(|input| match input.below(8) {
        0 => input.u16() as i16 as c_int,
        1 => 1200,
        2 => 4,
        _ => 4 + c_int::from(input.u8()) * 4,
    })
}

/// A payload that nobody else sends, in a buffer of its own size.
fn payload(client_id: u64, to_server: bool, bytes: c_int) -> Vec<u8> {
    // What is too short to have a number is sent in a size that is refused.
    world(|world| world.payloads.make(client_id, to_server, bytes.max(4) as usize))
}

fn refused(bytes: c_int) -> bool {
    !(4..=1200).contains(&bytes)
}

fn client_sends(index: usize) {
    let bytes = size();
    let Some(id) = world(|world| world.clients[index].as_ref().and_then(|client| client.ids.last().copied())) else {
        return;
    };
    let data = payload(id, true, bytes);
    let bytes = if refused(bytes) && (1..4).contains(&bytes) { 0 } else { bytes };
    // SAFETY: NULL or alive, and as much data as there is said to be, or a size that is refused.
    unsafe { netcode_client_send_packet(client_pointer(index), data.as_ptr(), bytes) };
}

fn server_sends(index: usize) {
    let (slot, bytes) = (input(|input| input.below(8)) as c_int, size());
    let server = server_pointer(index);
    // SAFETY: as for clients.
    unsafe {
        let data = payload(netcode_server_client_id(server, slot), false, bytes);
        let bytes = if refused(bytes) && (1..4).contains(&bytes) { 0 } else { bytes };
        netcode_server_send_packet(server, slot, data.as_ptr(), bytes);
    }
}

/// Everybody receives what there is, and keeps some of it for a while.
fn receive(keep: bool) {
    for index in 0..CLIENTS {
        for _ in 0..MOST_RECEIVED {
            let (mut bytes, mut sequence) = (-1, 0);
            // SAFETY: NULL or alive.
            let packet = unsafe { netcode_client_receive_packet(client_pointer(index), &mut bytes, &mut sequence) };
            if packet.is_null() {
                assert_eq!(bytes, -1, "nothing is stored where nothing is received");
                break;
            }
            let copy = copy_of(packet, bytes);
            let owner = world(|world| {
                let client = world.clients[index].as_ref().expect("it has a packet");
                let (number, dying) = (client.number, client.dying);
                world.payloads.received(&client.ids, false, &copy);
                (number, dying)
            });
            take(owner, packet, copy, keep);
        }
    }
    for index in 0..SERVERS {
        for slot in 0..8 {
            for _ in 0..MOST_RECEIVED {
                let mut bytes = -1;
                let server = server_pointer(index);
                // SAFETY: NULL or alive.
                let (packet, id) = unsafe {
                    let id = netcode_server_client_id(server, slot);
                    (netcode_server_receive_packet(server, slot, &mut bytes, ptr::null_mut()), id)
                };
                if packet.is_null() {
                    assert_eq!(bytes, -1, "nothing is stored where nothing is received");
                    break;
                }
                let copy = copy_of(packet, bytes);
                let owner = world(|world| {
                    let server = world.servers[index].as_ref().expect("it has a packet");
                    let owner = (server.number, server.dying);
                    world.payloads.received(&[id], true, &copy);
                    owner
                });
                take(owner, packet, copy, keep);
            }
        }
    }
}

/// The bytes of a packet. Eight more can be read.
fn copy_of(packet: *const u8, bytes: c_int) -> Vec<u8> {
    assert!((1..=1200).contains(&bytes));
    // SAFETY: the library says so.
    unsafe {
        let all = std::slice::from_raw_parts(packet, bytes as usize + 8);
        std::hint::black_box(all.iter().fold(0_u8, |sum, byte| sum ^ byte));
        all[..bytes as usize].to_vec()
    }
}

fn take((owner, dying): (usize, bool), packet: *mut u8, copy: Vec<u8>, keep: bool) {
    world(|world| world.held.push(Held { owner, packet, copy }));
    if !keep || dying || held() > MOST_HELD {
        free_one(world(|world| world.held.len() - 1));
    }
}

fn free_held() {
    while held() > 0 {
        free_one(0);
    }
}

pub(super) fn free_one(index: usize) {
    let (held, client, server) = world(|world| {
        let held = world.held.swap_remove(index);
        let client = world.client_by_number(held.owner).map(|(_, client)| client.pointer);
        let server = world.server_by_number(held.owner).map(|(_, server)| server.pointer);
        (held, client, server)
    });
    assert_eq!(copy_of(held.packet, held.copy.len() as c_int), held.copy, "it changed while it was held");
    // SAFETY: the packet is of this object, and was not freed before.
    unsafe {
        match (client, server) {
            (Some(client), _) => netcode_client_free_packet(client, held.packet.cast()),
            (_, Some(server)) => netcode_server_free_packet(server, held.packet.cast()),
            _ => unreachable!("packets are freed before their object"),
        }
    }
}

fn disconnect(index: usize) {
    // SAFETY: NULL or alive.
    unsafe { netcode_client_disconnect(client_pointer(index)) };
    check_at_rest();
}

fn send_away(index: usize) {
    let (slot, all) = input(|input| (input.below(8) as c_int, input.one_in(4)));
    let server = server_pointer(index);
    // SAFETY: NULL or alive.
    unsafe {
        match all {
            true => netcode_server_disconnect_all_clients(server),
            false => netcode_server_disconnect_client(server, slot),
        }
    }
}

pub(super) fn stop(index: usize) {
    // SAFETY: NULL or alive.
    unsafe { netcode_server_stop(server_pointer(index)) };
    check_at_rest();
}

/// A client and a slot of a server in one process, if the client is free and the slot, too.
fn connect_loopback() {
    let (index, server, slot) = (any_client(), any_server(), input(|input| input.below(6)) as c_int);
    let (client, server_object) = (client_pointer(index), server_pointer(server));
    let id = world(World::id);
    // SAFETY: NULL or alive; the handler of assertions returns.
    unsafe {
        if client.is_null() || netcode_client_state(client) > NETCODE_CLIENT_STATE_DISCONNECTED {
            return;
        }
        world(|world| {
            if let Some(client) = &mut world.clients[index] {
                client.loopback = Some((server, slot));
                client.ids = vec![id];
            }
        });
        netcode_client_connect_loopback(client, slot, 6);
        netcode_server_connect_loopback_client(server_object, slot, id, ptr::null());
    }
}

fn disconnect_loopback() {
    let (index, server, slot) = (any_client(), any_server(), input(|input| input.below(6)) as c_int);
    // SAFETY: NULL or alive; calls for others than loopback clients are asserted.
    unsafe {
        match input(|input| input.one_in(2)) {
            true => netcode_client_disconnect_loopback(client_pointer(index)),
            false => netcode_server_disconnect_loopback_client(server_pointer(server), slot),
        }
    }
}

/// Somebody's datagram: one that was sent before, damaged perhaps, or any bytes.
fn datagram() -> (SocketAddr, SocketAddr, Vec<u8>) {
    world(|world| {
        let (raw, damaged, spoofed) = world.input(|input| (input.one_in(4), input.one_in(3), input.one_in(3)));
        let recorded = match world.recorded.len() {
            0 => None,
            len => {
                let index = world.input(|input| input.below(len));
                Some(world.recorded[index].clone())
            }
        };
        let (mut from, mut to, mut data) =
            recorded.unwrap_or_else(|| (client_address(0), server_address(0), vec![0x14; 18]));
        world.input(|input| {
            if raw {
                let length = input.u16() % 1400;
                data = input.bytes(length.into()).to_vec();
            }
            if damaged {
                mutate(input, &mut data);
            }
            if spoofed {
                let source = input.below(CLIENTS + 2 + SERVERS);
                from = match source.checked_sub(CLIENTS + 2) {
                    Some(server) => server_address(server),
                    None => client_address(source), // or nobody's
                };
                to = if input.one_in(2) {
                    client_address(input.below(CLIENTS))
                } else {
                    server_address(input.below(SERVERS))
                };
            }
        });
        (from, to, data)
    })
}

/// It goes both ways, through overrides and simulator: whoever is there takes one of them.
fn inject() {
    let (from, to, data) = datagram();
    let may_crowd = world(|world| {
        world.inject(from, to, &data);
        world.may_crowd(to)
    });
    if may_crowd {
        send_simulated(from, to, data);
    }
}

fn send_simulated(from: SocketAddr, to: SocketAddr, mut data: Vec<u8>) {
    let (mut source, mut target) = (c_address(&from), c_address(&to));
    let (simulator, bytes) = (world(|world| world.simulator), data.len() as c_int);
    // SAFETY: NULL or alive, with two addresses and a datagram. NULL, and an empty datagram, are asserted.
    unsafe { netcode_network_simulator_send_packet(simulator, &mut source, &mut target, data.as_mut_ptr(), bytes) };
}

/// What becomes of a datagram that somebody has picked up.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Fate {
    Lost,
    HandedOver,
    SentAgain,
}

/// Between the simulator's update and everybody's, somebody takes datagrams that are for another.
fn intercept() {
    let (whose, most, fate, seconds) = input(|input| {
        let whose = input.below(CLIENTS + SERVERS);
        let (most, fate) = (1 + input.below(MOST_PICKED_UP), input.below(3));
        (whose, most, [Fate::Lost, Fate::HandedOver, Fate::SentAgain][fate], f64::from(input.u8()) / 256.0)
    });
    let to = match whose.checked_sub(CLIENTS) {
        Some(server) => server_address(server),
        None => client_address(whose),
    };
    // Witnesses get what is theirs.
    let fate = if world(|world| world.is_simulated_witness(to)) { Fate::HandedOver } else { fate };
    tick_with(seconds, || pick_up(to, most, fate));
}

/// Picks up datagrams from the simulator.
fn pick_up(to: SocketAddr, most: usize, fate: Fate) {
    let mut target = c_address(&to);
    let (mut packets, mut sizes) = ([ptr::null_mut(); MOST_PICKED_UP], [-1; MOST_PICKED_UP]);
    let mut sources = [c_address(&to); MOST_PICKED_UP];
    let (simulator, number) = world(|world| (world.simulator, world.simulator_number));
    if simulator.is_null() {
        return;
    }
    // SAFETY: alive, with an address and room for as many packets as are asked for. They are the caller's,
    // who frees them with the simulator's functions.
    let picked_up: Vec<_> = unsafe {
        let count = netcode_network_simulator_receive_packets(
            simulator,
            &mut target,
            most as c_int,
            packets.as_mut_ptr(),
            sizes.as_mut_ptr(),
            sources.as_mut_ptr(),
        );
        assert!((0..=most as c_int).contains(&count));
        let packets = (0..count as usize).map(|index| (packets[index], sizes[index], &sources[index]));
        let copies = packets.map(|(packet, size, source)| {
            let source = source.to_socket_addr().expect("it comes from somewhere");
            let data = std::slice::from_raw_parts(packet, size as usize).to_vec();
            hooks::free(hooks::context(number), packet.cast());
            (source, data)
        });
        copies.collect()
    };
    for (from, data) in picked_up {
        assert!(!data.is_empty());
        world(|world| world.record(from, to, &data));
        match fate {
            Fate::Lost => {}
            Fate::HandedOver => hand_over(from, to, data),
            Fate::SentAgain => send_simulated(from, to, data),
        }
    }
}

/// Gives a datagram to those whose address this is.
fn hand_over(from: SocketAddr, to: SocketAddr, mut data: Vec<u8>) {
    let (mut from, bytes) = (c_address(&from), data.len() as c_int);
    // SAFETY: NULL or alive, with an address and a datagram.
    unsafe {
        for index in (0..CLIENTS).filter(|index| client_address(*index) == to) {
            netcode_client_process_packet(client_pointer(index), &mut from, data.as_mut_ptr(), bytes);
        }
        for index in (0..SERVERS).filter(|index| server_address(*index) == to) {
            netcode_server_process_packet(server_pointer(index), &mut from, data.as_mut_ptr(), bytes);
        }
    }
}

/// A datagram that the program has received itself. Nobody else may use its memory meanwhile.
fn process_packet() {
    let (from, _, mut data) = datagram();
    let mut from = c_address(&from);
    let (index, server) = input(|input| (input.below(CLIENTS), input.one_in(2)));
    let bytes = data.len() as c_int;
    // SAFETY: NULL or alive, with an address and a datagram.
    unsafe {
        match server {
            true => {
                netcode_server_process_packet(server_pointer(index % SERVERS), &mut from, data.as_mut_ptr(), bytes);
            }
            false => netcode_client_process_packet(client_pointer(index), &mut from, data.as_mut_ptr(), bytes),
        }
    }
}

fn set_network() {
    let (choice, settings) = input(|input| (input.below(4), [input.u8(), input.u8(), input.u8(), input.u8()]));
    let (simulator, witnesses_simulated) = world(|world| {
        world.loss = u32::from(settings[0] % 8);
        world.lies = choice == 3;
        (world.simulator, world.witnesses_simulated)
    });
    if simulator.is_null() {
        return;
    }
    // SAFETY: alive.
    unsafe {
        if choice == 0 && !witnesses_simulated {
            return netcode_network_simulator_reset(simulator);
        }
        for (index, setting) in settings.iter().enumerate() {
            set(simulator, index, f32::from(*setting) / if index < 2 { 1.0 } else { 4.0 });
        }
        if witnesses_simulated {
            set(simulator, LOSS_SETTING, NO_LOSS);
        }
    }
}

/// Changes a setting of a simulator, as C programs do.
///
/// # Safety
/// The simulator is alive.
unsafe fn set(simulator: *mut netcode_network_simulator_t, setting: usize, value: f32) {
    // SAFETY: there are four of them, as the caller vouches.
    unsafe { simulator.cast::<u8>().add(SETTINGS_AT).cast::<f32>().add(setting).write(value) };
}

fn set_failures() {
    let (choice, after) = input(|input| (input.below(4), input.u8()));
    match choice {
        0 | 1 => world(|world| world.memory.fails_after = Some(u32::from(after % 16))),
        2 => crate::random::fail_next(1 + u32::from(after % 4)),
        _ => netcode_log_level(c_int::from(after % 5)),
    }
}

/// Calls that make no sense. All of them are asserted, and do nothing.
fn misuse() {
    let choice = input(|input| input.below(12));
    let (client, server) = (client_pointer(any_client()), server_pointer(any_server()));
    let slot = input(|input| input.u16()) as i16 as c_int;
    // SAFETY: NULL stands for nothing everywhere, and every index may be asked for.
    unsafe {
        match choice {
            0 => netcode_client_update(ptr::null_mut(), 0.0),
            1 => assert_eq!(netcode_client_state(ptr::null_mut()), 0),
            2 => netcode_client_connect(client, ptr::null_mut()),
            3 => assert!(netcode_client_receive_packet(client, ptr::null_mut(), ptr::null_mut()).is_null()),
            4 => netcode_client_free_packet(client, ptr::null_mut()),
            5 => netcode_client_process_packet(client, ptr::null_mut(), ptr::null_mut(), 10),
            6 => assert!(netcode_server_create(ptr::null(), ptr::null(), 0.0).is_null()),
            7 => netcode_server_send_packet(server, slot, ptr::null(), 10),
            8 => netcode_client_process_loopback_packet(client, ptr::null(), 10, 0),
            10 => {
                let simulator = world(|world| world.simulator);
                let (to, packet) = (&mut c_address(&client_address(1)), ptr::null_mut());
                netcode_network_simulator_send_packet(simulator, ptr::null_mut(), to, packet, 10);
                netcode_network_simulator_send_packet(simulator, to, to, packet, 0);
            }
            11 => {
                let simulator = world(|world| world.simulator);
                let (to, from) = (ptr::null_mut(), ptr::null_mut());
                let (data, bytes) = (ptr::null_mut(), ptr::null_mut());
                assert_eq!(netcode_network_simulator_receive_packets(simulator, to, 1, data, bytes, from), 0);
            }
            _ => query(server, client, slot),
        }
    }
}

/// # Safety
/// Both are NULL or alive.
unsafe fn query(server: *mut netcode_server_t, client: *mut netcode_client_t, slot: c_int) {
    // SAFETY: as the caller vouches.
    unsafe {
        let slots = netcode_server_max_clients(server);
        let out_of_range = slot < 0 || slot >= slots;
        if out_of_range {
            assert_eq!(netcode_server_client_connected(server, slot), 0);
            assert_eq!(netcode_server_client_id(server, slot), 0);
            assert_eq!(netcode_server_next_packet_sequence(server, slot), 0);
            assert_eq!(netcode_server_client_disconnect_reason(server, slot), 0);
            assert_eq!(netcode_server_client_loopback(server, slot), 0);
        }
        assert!(netcode_server_num_connected_clients(server) <= slots);
        let address = netcode_server_client_address(server, slot);
        assert!(address.is_null() || (*address).r#type <= 2);
        let _ = netcode_server_client_user_data(server, slot);
        assert_eq!(netcode_server_get_port(server), 0);
        assert_eq!(netcode_client_get_port(client), 0);
        let address = netcode_client_server_address(client);
        let resting = netcode_client_state(client) <= NETCODE_CLIENT_STATE_DISCONNECTED;
        assert!(address.is_null() || !resting || (*address).r#type == 0 || world(|world| world.depth) > 1);
        let _ = netcode_client_next_packet_sequence(client);
        assert_eq!(netcode_client_index(ptr::null_mut()), 0);
    }
}
