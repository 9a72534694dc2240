//! When memory runs out something is dropped, and nothing else happens: no panic, no leak, no damage.

// An allocator can only be implemented with an unsafe promise.
#![allow(unsafe_code)]

mod common;

use std::alloc::Layout;
use std::cell::{Cell, RefCell};
use std::collections::HashMap;
use std::ptr::NonNull;
use std::rc::Rc;

use allocator_api2::alloc::{AllocError, Allocator, Global};
use netcode::packet::{Kind, MAX_SEALED_BYTES};
use netcode::server::{DisconnectReason, Ignored, MAX_MAPPINGS, Server, StartError};
use netcode::simulator::{Settings, Simulator};

use common::guest::{Guest, Reaction};
use common::random::SeededRng;
use common::world::{EPOCH, MAX_TOKEN_LIFETIME, client_address, config, server_address};

/// Which allocations fail, counted from 0.
#[derive(Clone, Copy, Debug)]
enum Failing {
    Never,
    Only(usize),
    From(usize),
}

/// Memory that runs out as told, and keeps account of what is in use.
#[derive(Clone)]
struct Memory(Rc<Account>);

struct Account {
    failing: Cell<Failing>,
    requests: Cell<usize>,
    failures: Cell<usize>,
    in_use: RefCell<HashMap<usize, Layout>>,
}

impl Memory {
    fn new(failing: Failing) -> Self {
        Self(Rc::new(Account {
            failing: Cell::new(failing),
            requests: Cell::default(),
            failures: Cell::default(),
            in_use: RefCell::default(),
        }))
    }

    fn requests(&self) -> usize {
        self.0.requests.get()
    }

    fn failures(&self) -> usize {
        self.0.failures.get()
    }

    fn blocks_in_use(&self) -> usize {
        self.0.in_use.borrow().len()
    }

    /// There is enough of it from now on.
    fn recover(&self) {
        self.0.failing.set(Failing::Never);
    }

    fn next_fails(&self) -> bool {
        let number = self.0.requests.replace(self.0.requests.get() + 1);
        let fails = match self.0.failing.get() {
            Failing::Never => false,
            Failing::Only(only) => number == only,
            Failing::From(first) => number >= first,
        };
        self.0.failures.set(self.0.failures.get() + usize::from(fails));
        fails
    }
}

// SAFETY: blocks are the global allocator's, and clones share the account, so that any of them may free them.
unsafe impl Allocator for Memory {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        if layout.size() == 0 {
            return Global.allocate(layout);
        }
        if self.next_fails() {
            return Err(AllocError);
        }
        let block = Global.allocate(layout)?;
        self.0.in_use.borrow_mut().insert(block.cast::<u8>().addr().get(), layout);
        Ok(block)
    }

    unsafe fn deallocate(&self, block: NonNull<u8>, layout: Layout) {
        if layout.size() != 0 {
            let taken = self.0.in_use.borrow_mut().remove(&block.addr().get());
            assert_eq!(taken, Some(layout), "what is given back was taken, and in this size");
        }
        // SAFETY: as the caller vouches.
        unsafe { Global.deallocate(block, layout) }
    }
}

/// Everything that can happen, with each of the first allocations failing in turn.
const ALLOCATIONS: usize = 50;

/// Guests enough to have every table of a server grow several times.
const GUESTS: usize = 40;

fn server(memory: &Memory) -> Server<Memory> {
    Server::new_in(config(server_address(0)), memory.clone())
}

/// Starts a server; false if there was no memory for it.
fn start(server: &mut Server<Memory>) -> bool {
    match server.start(GUESTS, EPOCH - u64::from(MAX_TOKEN_LIFETIME), &mut SeededRng::new(1)) {
        Ok(()) => {
            server.set_wall_clock(EPOCH);
            true
        }
        Err(StartError::OutOfMemory) => {
            assert!(!server.is_running());
            assert_eq!(Guest::numbered(0).ask(server), Reaction::Ignored(Ignored::NotRunning));
            false
        }
        Err(other) => panic!("{other}"),
    }
}

/// Asks for a challenge, and gives the answer to it; `None` if there was no memory for it.
fn try_ask(server: &mut Server<Memory>, guest: &mut Guest) -> Option<Vec<u8>> {
    match guest.ask(server) {
        Reaction::Reply { kind: Kind::Challenge, data } => Some(guest.answer(&data)),
        Reaction::Ignored(Ignored::HistoryFull | Ignored::MappingsFull) => None,
        other => panic!("{other:?}"),
    }
}

/// Goes through the handshake; false if there was no memory for it.
fn try_join(server: &mut Server<Memory>, guest: &mut Guest) -> bool {
    let Some(answer) = try_ask(server, guest) else { return false };
    assert!(guest.hand(server, &answer).is_connected(), "whoever was challenged can be let in");
    true
}

/// Has a guest and a server speak with each other.
fn converse(server: &mut Server<Memory>, guest: &mut Guest, slot: usize) {
    let payload = guest.payload(b"hello");
    let sequence = guest.sequence - 1;
    let heard = Reaction::Payload { slot, sequence, data: b"hello".to_vec() };
    assert_eq!(guest.hand(server, &payload), heard);
    let mut buffer = [0; MAX_SEALED_BYTES];
    let transmit = server.send(slot, b"hello", &mut buffer).unwrap();
    guest.open(&buffer[..transmit.bytes]);
}

fn leave(server: &mut Server<Memory>, slot: usize) {
    let leaving = server.begin_leave(slot, DisconnectReason::ServerDisconnect).unwrap();
    while server.poll_farewell(leaving, &mut [0; MAX_SEALED_BYTES]).is_some() {}
    assert!(server.finish_leave(leaving));
}

#[test]
fn a_server_survives_any_single_failure() {
    let (mut failed_starts, mut dropped_requests) = (0, 0);
    for number in 0..ALLOCATIONS {
        let memory = Memory::new(Failing::Only(number));
        let mut server = server(&memory);
        if !start(&mut server) {
            failed_starts += 1;
            assert_eq!(memory.blocks_in_use(), 0, "a start that failed keeps nothing");
            assert!(start(&mut server), "the next one succeeds");
        }
        let mut guests: Vec<_> = (0..GUESTS).map(Guest::numbered).collect();
        let mut answers = Vec::new();
        for guest in &mut guests {
            answers.push(try_ask(&mut server, guest).unwrap_or_else(|| {
                dropped_requests += 1;
                try_ask(&mut server, guest).expect("asking again helps")
            }));
        }
        assert_eq!(memory.failures(), 1, "allocation {number} was asked for");
        for (slot, guest) in guests.iter_mut().enumerate() {
            assert_eq!(guest.hand(&mut server, &answers[slot]).slot(), slot);
            converse(&mut server, guest, slot);
        }
        assert_eq!(server.connected_clients(), GUESTS);
        drop(server);
        assert_eq!(memory.blocks_in_use(), 0);
    }
    assert!(failed_starts > 0 && dropped_requests > 10, "{failed_starts} and {dropped_requests}");
}

#[test]
fn a_server_survives_when_there_is_no_memory_any_more() {
    let (mut failed_starts, mut dropped_requests) = (0, 0);
    for first in 0..ALLOCATIONS {
        let memory = Memory::new(Failing::From(first));
        let mut server = server(&memory);
        if !start(&mut server) {
            failed_starts += 1;
            assert_eq!(memory.blocks_in_use(), 0);
            continue;
        }
        let mut inside = Vec::new();
        for number in 0..GUESTS {
            let mut guest = Guest::numbered(number);
            if try_join(&mut server, &mut guest) {
                inside.push(guest);
            } else {
                dropped_requests += 1;
            }
        }
        assert_eq!(server.connected_clients(), inside.len());
        // Whoever is in is not concerned.
        for (slot, guest) in inside.iter_mut().enumerate() {
            converse(&mut server, guest, slot);
        }
        for slot in 0..inside.len() {
            leave(&mut server, slot);
        }
        assert_eq!(server.connected_clients(), 0);

        memory.recover();
        let mut late = Guest::numbered(GUESTS);
        assert!(try_join(&mut server, &mut late), "there is room again");
        server.stop();
        assert_eq!(memory.blocks_in_use(), 0, "a stopped server holds nothing");
    }
    assert!(failed_starts > 0 && dropped_requests > 100, "{failed_starts} and {dropped_requests}");
}

#[test]
fn a_server_that_cannot_be_started_again_is_stopped() {
    let memory = Memory::new(Failing::Never);
    let mut server = server(&memory);
    assert!(start(&mut server));
    for number in 0..3 {
        Guest::numbered(number).join(&mut server);
    }
    memory.0.failing.set(Failing::From(0));
    assert!(!start(&mut server));
    assert_eq!((server.connected_clients(), server.max_clients()), (0, 0));
    assert_eq!(memory.blocks_in_use(), 0);
}

#[test]
fn connections_take_no_memory_beyond_their_handshake() {
    let memory = Memory::new(Failing::Never);
    let mut server = server(&memory);
    assert!(start(&mut server));
    let mut guests: Vec<_> = (0..GUESTS).map(Guest::numbered).collect();
    for guest in &mut guests {
        assert!(try_join(&mut server, guest));
    }
    let (requests, in_use) = (memory.requests(), memory.blocks_in_use());
    let mut buffer = [0; MAX_SEALED_BYTES];
    for second in 0..4 {
        server.advance(f64::from(second));
        for (slot, guest) in guests.iter_mut().enumerate() {
            converse(&mut server, guest, slot);
            assert!(server.connect_loopback(slot, 7) || server.is_connected(slot));
            server.next_keep_alive(slot, &mut buffer);
        }
    }
    assert_eq!(memory.requests(), requests);
    assert!(memory.blocks_in_use() <= in_use);
}

#[test]
fn clients_that_come_and_go_leave_nothing_behind() {
    let memory = Memory::new(Failing::Never);
    let mut server = server(&memory);
    assert!(start(&mut server));
    let mut most = 0;
    for number in 0..1000 {
        let mut guest = Guest::numbered(number);
        assert!(try_join(&mut server, &mut guest));
        leave(&mut server, 0);
        if number < 100 {
            most = memory.blocks_in_use();
        }
    }
    assert!(memory.blocks_in_use() <= most, "{} blocks, after {most}", memory.blocks_in_use());
}

#[test]
fn handshakes_that_lead_nowhere_are_let_go_of() {
    let memory = Memory::new(Failing::Never);
    let mut server = server(&memory);
    assert!(start(&mut server));
    for number in 0..MAX_MAPPINGS {
        Guest::numbered(number).ask(&mut server).challenge();
    }
    let most = memory.blocks_in_use();
    assert!(most > MAX_MAPPINGS);
    server.advance(10.0);
    assert!(memory.blocks_in_use() <= most - MAX_MAPPINGS, "{} blocks, after {most}", memory.blocks_in_use());
}

#[test]
fn a_simulator_drops_what_it_has_no_memory_for() {
    let settings = Settings { latency_milliseconds: 10.0, duplicate_packet_percent: 50.0, ..Settings::default() };
    let mut without = 0;
    for number in 0..ALLOCATIONS {
        let memory = Memory::new(Failing::Only(number));
        let Some(mut network) = Simulator::try_new_in(memory.clone()) else {
            without += 1;
            assert_eq!(memory.blocks_in_use(), 0);
            continue;
        };
        let mut arrived = 0;
        for tick in 0..100 {
            network.send(&settings, client_address(0), server_address(0), &[7; 100]);
            network.update(f64::from(tick));
            while let Some(arrival) = network.receive(server_address(0)) {
                assert_eq!(*arrival.data, [7; 100]);
                arrived += 1;
            }
        }
        let sent = memory.requests() - 2;
        assert!((sent - 3..sent).contains(&arrived), "{arrived} of {sent}: one is lost, and the last under way");
        drop(network);
        assert_eq!(memory.blocks_in_use(), 0);
    }
    assert!(without > 0);
}
