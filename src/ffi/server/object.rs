//! A server behind its C pointer: what it holds, and what it does.

use std::cell::{Cell, RefCell, UnsafeCell};
use std::ffi::{c_int, c_void};
use std::net::SocketAddr;
use std::ptr::NonNull;

use allocator_api2::vec::Vec;

use crate::address::text;
use crate::ffi::alloc::Hooks;
use crate::ffi::log::{self, log};
use crate::ffi::object::{Lifeline, Object, hand_out};
use crate::ffi::queue::{PacketMemory, PacketQueue};
use crate::ffi::transport::{Transport, drain_overrides, drain_simulator, with_room};
use crate::ffi::types::{SendLoopbackPacketCallback, netcode_address_t, netcode_server_config_t};
use crate::packet::{Buffer, Kind, MAX_DATAGRAM_BYTES, MAX_SEALED_BYTES, Request};
use crate::platform::clock;
use crate::platform::random::SysRng;
use crate::platform::socket::Inbox;
use crate::server::{DisconnectReason, Leaving, Outcome, Server};
use crate::{MAX_CLIENTS, Transmit, USER_DATA_BYTES, UserData};

/// Most datagrams taken from sockets in an update; the rest waits for the next. Two sockets share alike.
const SOCKET_BUDGET: usize = 16_384;

/// Most packets taken from a simulator in an update.
const SIMULATOR_BUDGET: usize = 64 * MAX_CLIENTS;

/// A server. Use any one server from one thread at a time.
pub struct netcode_server_t {
    pub(super) lifeline: Lifeline,
    hooks: Hooks,
    core: RefCell<Server<Hooks>>,
    pub(super) memory: PacketMemory,
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
    pub(super) send_loopback_packet_callback: Option<SendLoopbackPacketCallback>,
}

/// What belongs to a slot on this side of the core.
pub(super) struct Seat {
    pub(super) queue: PacketQueue,
    /// The application has been told that the client is connected.
    told: Cell<bool>,
    /// What netcode_server_client_address points to.
    pub(super) address: UnsafeCell<netcode_address_t>,
    /// What netcode_server_client_user_data points to.
    pub(super) user_data: UnsafeCell<UserData>,
}

impl Object for netcode_server_t {
    fn lifeline(&self) -> &Lifeline {
        &self.lifeline
    }

    fn hooks(&self) -> Hooks {
        self.hooks
    }

    /// Destroyed from an allocator hook the server could not be stopped, and still has everything.
    fn dismantle(&self) {
        self.release_slots();
        self.inbox.take();
    }
}

/// Which clients are meant.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Whom {
    Remote,
    Loopback,
}

impl netcode_server_t {
    /// Puts a server together; `None` if there is no memory.
    pub(super) fn create(
        core: Server<Hooks>,
        hooks: Hooks,
        transport: Transport,
        address: SocketAddr,
        config: &netcode_server_config_t,
    ) -> Option<NonNull<Self>> {
        let inbox = match &transport {
            Transport::Sockets(_) => Inbox::try_new_in(hooks)?,
            _ => Inbox::single(),
        };
        hand_out(Self {
            lifeline: Lifeline::default(),
            hooks,
            core: RefCell::new(core),
            memory: PacketMemory::new(hooks, 0),
            outgoing: RefCell::new([0; MAX_SEALED_BYTES]),
            seats: RefCell::new(Vec::new_in(hooks)),
            epoch: Cell::new(0),
            transport,
            inbox: RefCell::new(inbox),
            address,
            callback_context: config.callback_context,
            connect_disconnect_callback: config.connect_disconnect_callback,
            send_loopback_packet_callback: config.send_loopback_packet_callback,
        })
    }

    /// The port that the server listens on, in the family of its first address.
    pub(super) fn port(&self) -> u16 {
        self.transport.port(&self.address)
    }

    /// Takes a datagram that came in outside of an update.
    pub(super) fn process_one(&self, from: SocketAddr, datagram: &mut [u8]) {
        with_room(&self.outgoing, |reply| self.process(from, datagram, reply));
    }

    pub(super) fn start(&self, max_clients: usize) {
        self.stop();
        if self.ask(Server::is_running) != Some(false) {
            return; // a callback has started it already, or an allocator hook may not stop it
        }
        let Some(seats) = Seat::row(max_clients, self.hooks) else {
            log!(log::ERROR, "error: no memory for {max_clients} slots");
            return;
        };
        if self.ask(Server::is_running) != Some(false) {
            return; // the allocate hook got ahead
        }
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

    pub(super) fn stop(&self) {
        // A seat is in use only while an allocator hook runs: there the server cannot lose its seats.
        let seats_in_use = self.seats.try_borrow_mut().is_err();
        if seats_in_use || self.ask(Server::is_running) != Some(true) {
            return;
        }
        let epoch = self.epoch.get();
        self.change(Server::close);
        for whom in [Whom::Remote, Whom::Loopback] {
            self.disconnect_all(whom);
        }
        self.see_off_leaving();
        if self.epoch.get() != epoch {
            return; // a callback has stopped it, and perhaps started it again
        }
        self.epoch.set(epoch + 1);
        self.release_slots();
        log!(log::INFO, "server stopped");
    }

    /// Gives back everything that came with the start.
    fn release_slots(&self) {
        let seats = self.swap_seats(Vec::new_in(self.hooks));
        self.change(Server::stop);
        for seat in seats.iter().flatten() {
            seat.queue.clear(&self.memory);
        }
        self.memory.keep(0);
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

    pub(super) fn disconnect_all(&self, whom: Whom) {
        let epoch = self.epoch.get();
        let mut slot = 0;
        while self.epoch.get() == epoch && self.ask(|core| slot < core.max_clients()) == Some(true) {
            if self.ask(|core| core.is_loopback(slot) == (whom == Whom::Loopback)) == Some(true) {
                self.disconnect(slot, DisconnectReason::ServerDisconnect);
            }
            slot += 1;
        }
    }

    pub(super) fn update(&self, time: f64) {
        let advanced = self.change(|core| {
            core.advance(time);
            core.set_wall_clock(clock::unix());
        });
        if advanced.is_none() {
            return; // from an allocator hook, which finds the core in use
        }
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
            Transport::Sockets(sockets) => {
                let (mut process, mut inbox) = (process, self.inbox.take());
                let budget = SOCKET_BUDGET / sockets.each().count().max(1);
                for socket in sockets.each() {
                    socket.drain(&mut inbox, budget, &mut process);
                }
                self.inbox.replace(inbox);
            }
            Transport::Simulator(endpoint) => drain_simulator(endpoint, SIMULATOR_BUDGET, process),
            Transport::Overrides(overrides) => drain_overrides(overrides, &mut [0; MAX_DATAGRAM_BYTES], process),
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
        let is_request = Request::is_claimed_by(datagram);
        let Some(outcome) = self.change(|core| core.handle(from, datagram, reply)) else { return };
        match outcome {
            Outcome::Payload { slot, sequence, data } => self.enqueue(slot, data, sequence),
            Outcome::KeptAlive { slot } => log!(log::DEBUG, "server received keep-alive packet from client {slot}"),
            Outcome::Reply { kind, bytes } => {
                let received = if is_request { Kind::Request } else { Kind::Response };
                log!(log::DEBUG, "server received {received} packet from {}", text(&from));
                self.hand_over(Transmit { to: from, bytes, kind }, reply);
            }
            Outcome::Connected { slot, client_id, user_data, keep_alive } => {
                self.with_seat(slot, |seat| seat.settle(Some(&from), user_data));
                log!(log::DEBUG, "server received {} packet from {}", Kind::Response, text(&from));
                self.hand_over(Transmit { to: from, bytes: keep_alive, kind: Kind::KeepAlive }, reply);
                if self.tell_connected(slot) {
                    log!(log::INFO, "server accepted client {} {client_id:016x} in slot {slot}", text(&from));
                }
            }
            Outcome::Left { slot } => {
                log!(log::DEBUG, "server received {} packet from client {slot}", Kind::Disconnect);
                self.disconnect(slot, DisconnectReason::ClientDisconnect);
            }
            Outcome::Ignored(reason) => log!(log::DEBUG, "server ignored a packet from {}: {reason}", text(&from)),
        }
    }

    pub(super) fn enqueue(&self, slot: usize, payload: &[u8], sequence: u64) {
        let queued = self.with_seat(slot, |seat| seat.queue.push(&self.memory, payload, sequence));
        if queued == Some(true) {
            log!(log::DEBUG, "server received payload packet {sequence} of {} bytes from client {slot}", payload.len());
        } else {
            log!(log::DEBUG, "server dropped payload packet {sequence} from client {slot}: no room");
        }
    }

    pub(super) fn send(&self, slot: usize, payload: &[u8]) {
        with_room(&self.outgoing, |buffer| {
            if let Some(transmit) = self.change(|core| core.keep_alive_before_payload(slot, buffer)).flatten() {
                let client = self.ask(|core| core.client_number(slot));
                self.hand_over(transmit, buffer);
                if self.ask(|core| core.client_number(slot)) != client {
                    return; // user code has given the slot to somebody else
                }
            }
            match self.change(|core| core.send(slot, payload, buffer)) {
                Some(Ok(transmit)) => self.hand_over(transmit, buffer),
                // A client of this process has no packets to be sealed.
                _ => self.send_loopback(slot, payload),
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

    pub(super) fn connect_loopback(&self, slot: usize, client_id: u64, user_data: Option<&UserData>) {
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
    pub(super) fn disconnect(&self, slot: usize, reason: DisconnectReason) {
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

    fn hand_over(&self, transmit: Transmit, buffer: &mut Buffer) {
        log!(log::DEBUG, "server sent {} packet to {}", transmit.kind, text(&transmit.to));
        self.transport.send(&transmit.to, &mut buffer[..transmit.bytes]);
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

    /// Has the core do something, unless an allocator hook is calling from within it.
    pub(super) fn change<T>(&self, change: impl FnOnce(&mut Server<Hooks>) -> T) -> Option<T> {
        Some(change(&mut *self.core.try_borrow_mut().ok()?))
    }

    pub(super) fn ask<T>(&self, question: impl FnOnce(&Server<Hooks>) -> T) -> Option<T> {
        Some(question(&*self.core.try_borrow().ok()?))
    }

    pub(super) fn with_seat<T>(&self, slot: usize, act: impl FnOnce(&Seat) -> T) -> Option<T> {
        self.seats.try_borrow().ok()?.get(slot).map(act)
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
