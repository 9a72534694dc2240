//! What a program has made so far. It is borrowed for moments only, never while the library runs.

use std::cell::RefCell;
use std::collections::{HashMap, VecDeque};
use std::net::SocketAddr;

use netcode::ffi::client::netcode_client_t;
use netcode::ffi::server::netcode_server_t;
use netcode::ffi::simulator::netcode_network_simulator_t;

use super::payloads::Payloads;
use crate::input::Input;

pub(super) const CLIENTS: usize = 4;
pub(super) const SERVERS: usize = 2;

/// A program that starts with this byte harms no witness.
pub(super) const GENTLE: u8 = 1;

/// Steps within steps: callbacks of calls from callbacks.
const MOST_NESTED: u32 = 3;

/// Datagrams that wait at an address, and that are kept to be sent again.
const MOST_WAITING: usize = 512;
const RECORDED: usize = 64;

/// Others' datagrams that arrive at a witness between two updates over the simulator. A client takes 64, and what
/// it does not take is lost.
const MOST_CROWDING: u32 = 16;

/// Memory of all objects: the simulator's tables, 512 slots, and more payloads than a program can send.
const MOST_BYTES: usize = 32 << 20;

/// Where a callback was called from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Event {
    StateChange,
    ConnectDisconnect,
    Send,
    Receive,
    Allocate,
    Free,
    Loopback,
    Log,
    Assert,
}

pub(super) const EVENTS: [Event; 9] = [
    Event::StateChange,
    Event::ConnectDisconnect,
    Event::Send,
    Event::Receive,
    Event::Allocate,
    Event::Free,
    Event::Loopback,
    Event::Log,
    Event::Assert,
];

pub(super) struct ClientObject {
    /// What callbacks and hooks know it by.
    pub(super) number: usize,
    pub(super) pointer: *mut netcode_client_t,
    pub(super) address: SocketAddr,
    /// The ids under which it may receive: the last one, unless it was connected within connecting.
    pub(super) ids: Vec<u64>,
    /// Tokens that may be shown again, with their ids, the last one used at the end.
    pub(super) tokens: Vec<(Vec<u8>, u64)>,
    /// Its token has been shown before.
    pub(super) again: bool,
    pub(super) loopback: Option<(usize, i32)>,
    pub(super) dying: bool,
    pub(super) bytes_at_rest: usize,
}

pub(super) struct ServerObject {
    pub(super) number: usize,
    pub(super) pointer: *mut netcode_server_t,
    pub(super) address: SocketAddr,
    /// Whether the callback has said that there is a client in the slot.
    pub(super) told: [bool; 256],
    pub(super) dying: bool,
    pub(super) bytes_at_rest: usize,
}

/// A packet that was received and not yet freed.
pub(super) struct Held {
    pub(super) owner: usize,
    pub(super) packet: *mut u8,
    pub(super) copy: Vec<u8>,
}

#[derive(Default)]
pub(super) struct Memory {
    blocks: HashMap<usize, (usize, usize)>,
    by_owner: HashMap<usize, usize>,
    live: usize,
    /// How many allocations succeed before one fails.
    pub(super) fails_after: Option<u32>,
}

pub(super) struct World {
    data: Vec<u8>,
    at: usize,
    steps: u32,
    pub(super) depth: u32,
    pub(super) gentle: bool,
    pub(super) now: f64,
    pub(super) numbers: usize,
    pub(super) ids: u64,
    pub(super) clients: [Option<ClientObject>; CLIENTS],
    pub(super) servers: [Option<ServerObject>; SERVERS],
    pub(super) simulator: *mut netcode_network_simulator_t,
    /// What the simulator's hooks know it by.
    pub(super) simulator_number: usize,
    /// The witnesses talk over the simulator, which loses nothing then.
    pub(super) witnesses_simulated: bool,
    crowding: u32,
    waiting: HashMap<SocketAddr, VecDeque<(SocketAddr, Vec<u8>)>>,
    pub(super) recorded: Vec<(SocketAddr, SocketAddr, Vec<u8>)>,
    /// Of eight datagrams through overrides, so many are lost.
    pub(super) loss: u32,
    /// The receive override lies about the size of the next datagram.
    pub(super) lies: bool,
    sent: u32,
    pub(super) payloads: Payloads,
    pub(super) held: Vec<Held>,
    pub(super) memory: Memory,
    armed: Option<Event>,
}

thread_local! {
    static WORLD: RefCell<Option<World>> = const { RefCell::new(None) };
}

/// Looks at the world, or changes it. The library must not be called from within.
pub(super) fn world<T>(act: impl FnOnce(&mut World) -> T) -> T {
    WORLD.with_borrow_mut(|world| act(world.as_mut().expect("a program is running")))
}

pub(super) fn held() -> usize {
    world(|world| world.held.len())
}

impl World {
    pub(super) fn install(data: &[u8]) {
        let new = Self {
            data: data.to_vec(),
            at: 0,
            steps: 0,
            depth: 0,
            gentle: data.first() == Some(&GENTLE),
            now: 0.0,
            numbers: 0,
            ids: 0,
            clients: Default::default(),
            servers: Default::default(),
            simulator: std::ptr::null_mut(),
            simulator_number: 0,
            witnesses_simulated: false,
            crowding: 0,
            waiting: HashMap::new(),
            recorded: Vec::new(),
            loss: 0,
            lies: false,
            sent: 0,
            payloads: Payloads::default(),
            held: Vec::new(),
            memory: Memory::default(),
            armed: None,
        };
        WORLD.set(Some(new));
    }

    pub(super) fn remove() {
        WORLD.set(None);
    }

    /// Takes something off the program.
    pub(super) fn input<T>(&mut self, take: impl FnOnce(&mut Input<'_>) -> T) -> T {
        let mut input = Input::new(&self.data[self.at..]);
        let taken = take(&mut input);
        self.at = self.data.len() - input.rest().len();
        taken
    }

    pub(super) fn has_next(&mut self, most: u32) -> bool {
        self.steps += 1;
        self.steps <= most && self.at < self.data.len()
    }

    /// Has the next event of this kind take a step of the program.
    pub(super) fn arm(&mut self, event: Event) {
        self.armed = Some(event);
    }

    /// Whether this event takes a step.
    pub(super) fn fires(&mut self, event: Event) -> bool {
        let fires = self.armed == Some(event) && self.depth < MOST_NESTED && self.at < self.data.len();
        if fires {
            self.armed = None;
        }
        fires
    }

    /// From now on everything works and nothing is lost.
    pub(super) fn calm_down(&mut self) {
        self.armed = None;
        self.memory.fails_after = None;
        self.loss = 0;
        self.lies = false;
        crate::random::fail_next(0);
    }

    pub(super) fn number(&mut self) -> usize {
        self.numbers += 1;
        self.numbers
    }

    pub(super) fn id(&mut self) -> u64 {
        self.ids += 1;
        self.ids
    }

    pub(super) fn client_by_number(&mut self, number: usize) -> Option<(usize, &mut ClientObject)> {
        let clients = self.clients.iter_mut().enumerate();
        clients.filter_map(|(index, client)| Some((index, client.as_mut()?))).find(|(_, c)| c.number == number)
    }

    pub(super) fn server_by_number(&mut self, number: usize) -> Option<(usize, &mut ServerObject)> {
        let servers = self.servers.iter_mut().enumerate();
        servers.filter_map(|(index, server)| Some((index, server.as_mut()?))).find(|(_, s)| s.number == number)
    }

    /// Forgets the tokens of all clients. A client that shows one not for the first time is to stop it.
    pub(super) fn end_tokens(&mut self) -> Option<*mut netcode_client_t> {
        let mut clients = self.clients.iter_mut().flatten();
        clients.find_map(|client| {
            client.tokens.clear();
            std::mem::take(&mut client.again).then_some(client.pointer)
        })
    }

    pub(super) fn address_of(&mut self, number: usize) -> Option<SocketAddr> {
        if let Some((_, client)) = self.client_by_number(number) {
            return Some(client.address);
        }
        self.server_by_number(number).map(|(_, server)| server.address)
    }

    /// Whether an object is a witness of a gentle program.
    pub(super) fn is_witness(&mut self, number: usize) -> bool {
        let client = self.client_by_number(number).map(|(index, _)| index);
        let server = self.server_by_number(number).map(|(index, _)| index);
        self.gentle && (client == Some(0) || server == Some(0))
    }

    /// Whether an object always has memory: a witness, and what witnesses need.
    pub(super) fn is_spared(&mut self, number: usize) -> bool {
        self.is_witness(number) || (self.witnesses_simulated && number == self.simulator_number)
    }

    /// Whether an address is that of a witness who talks over the simulator.
    pub(super) fn is_simulated_witness(&self, address: SocketAddr) -> bool {
        let client = self.clients[0].as_ref().map(|client| client.address);
        let server = self.servers[0].as_ref().map(|server| server.address);
        self.witnesses_simulated && (client == Some(address) || server == Some(address))
    }

    /// Whether another datagram of somebody else may go to this address over the simulator.
    pub(super) fn may_crowd(&mut self, to: SocketAddr) -> bool {
        if !self.is_simulated_witness(to) {
            return true;
        }
        self.crowding += 1;
        self.crowding <= MOST_CROWDING
    }

    /// The simulator is to have an update. Not in the middle of another one if witnesses depend on it: what
    /// has arrived for them and was not picked up yet would be lost.
    pub(super) fn may_update_simulator(&mut self) -> bool {
        let may = !self.witnesses_simulated || self.depth <= 1;
        if may {
            self.crowding = 0;
        }
        may
    }

    /// Keeps a datagram to be sent again.
    pub(super) fn record(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        if self.recorded.len() < RECORDED {
            self.recorded.push((from, to, data.to_vec()));
        }
    }

    /// A datagram through the overrides. Those of the witness are not lost.
    pub(super) fn carry(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        self.record(from, to, data);
        let witness = self.clients[0].as_ref().map(|client| client.address);
        let precious = self.gentle && (Some(from) == witness || Some(to) == witness);
        self.sent = self.sent.wrapping_add(1);
        if precious || self.sent.wrapping_mul(0x9E37_79B1) >> 29 >= self.loss {
            self.put(from, to, data, precious);
        }
    }

    /// A datagram that somebody else sends, for those with overrides.
    pub(super) fn inject(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        self.put(from, to, data, false);
    }

    fn put(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8], precious: bool) {
        // A receive override cannot hand over an empty datagram: 0 says that there is none.
        let waiting = self.waiting.entry(to).or_default();
        if !data.is_empty() && (waiting.len() < MOST_WAITING || precious) {
            waiting.push_back((from, data.to_vec()));
        }
    }

    pub(super) fn take(&mut self, to: SocketAddr) -> Option<(SocketAddr, Vec<u8>)> {
        self.waiting.get_mut(&to)?.pop_front()
    }
}

impl Memory {
    /// Whether the next allocation is to fail.
    pub(super) fn fails(&mut self) -> bool {
        match &mut self.fails_after {
            Some(0) => {
                self.fails_after = None;
                true
            }
            Some(left) => {
                *left -= 1;
                false
            }
            None => false,
        }
    }

    pub(super) fn took(&mut self, owner: usize, block: usize, bytes: usize) {
        assert!(self.blocks.insert(block, (owner, bytes)).is_none());
        *self.by_owner.entry(owner).or_default() += bytes;
        self.live += bytes;
        assert!(self.live <= MOST_BYTES, "{} bytes", self.live);
    }

    pub(super) fn gave_back(&mut self, owner: usize, block: usize) {
        let (taken_by, bytes) = self.blocks.remove(&block).expect("this is no block of a hook, or not any more");
        assert_eq!(taken_by, owner, "given back to another allocator than it came from");
        *self.by_owner.entry(owner).or_default() -= bytes;
        self.live -= bytes;
    }

    pub(super) fn of(&self, owner: usize) -> usize {
        self.by_owner.get(&owner).copied().unwrap_or(0)
    }

    pub(super) fn check_empty(&self) {
        assert!(self.blocks.is_empty(), "blocks of (owner, bytes) leak: {:?}", self.blocks.values());
    }
}
