//! A network that delays, loses and doubles packets, the same way on every run.
//!
//! The generator and the order of its draws are those of the C library, so that a run recorded
//! there repeats here, delivery for delivery.

use std::net::SocketAddr;

use allocator_api2::alloc::{Allocator, Global};
use allocator_api2::boxed::Box;
use allocator_api2::vec::Vec;

use crate::address::same;

/// Most packets under way; a further one takes the place of the one sent longest ago.
pub const MAX_IN_FLIGHT: usize = 65_536;

/// Most packets that have arrived and wait to be picked up.
pub const MAX_ARRIVED: usize = 64 * crate::MAX_CLIENTS;

/// How the network behaves.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Settings {
    /// How long a packet is under way, in milliseconds.
    pub latency_milliseconds: f32,
    /// By how much that varies, up or down, in milliseconds.
    pub jitter_milliseconds: f32,
    /// How many of 100 packets are lost.
    pub packet_loss_percent: f32,
    /// How many of 100 packets come a second time, up to a second later.
    pub duplicate_packet_percent: f32,
}

/// A packet that has arrived.
pub struct Arrival<A: Allocator = Global> {
    /// Who sent it.
    pub from: SocketAddr,
    /// Whom it is for.
    pub to: SocketAddr,
    /// Its contents.
    pub data: Box<[u8], A>,
}

/// A network between any number of addresses. All its memory comes from `A`.
pub struct Simulator<A: Allocator + Clone = Global> {
    allocator: A,
    now: f64,
    random: XorShift,
    /// How many packets, copies included, have been sent.
    sent: usize,
    /// Packets under way, at their count modulo [`MAX_IN_FLIGHT`]. Never grows beyond what was
    /// reserved for it at first.
    in_flight: Vec<Option<InFlight<A>>, A>,
    occupied: Bitmap,
    /// Packets that have arrived, in order; what has been picked up leaves a gap.
    arrived: Vec<Option<Arrival<A>>, A>,
    /// Everything before this one has been picked up.
    first_arrived: usize,
}

struct InFlight<A: Allocator> {
    due: f64,
    packet: Arrival<A>,
}

impl Simulator {
    /// A network without packets, at time 0, with memory from the global allocator.
    pub fn new() -> Self {
        let in_flight = Vec::with_capacity_in(MAX_IN_FLIGHT, Global);
        Self::with_tables(in_flight, Vec::with_capacity_in(MAX_ARRIVED, Global), Global)
    }
}

impl Default for Simulator {
    fn default() -> Self {
        Self::new()
    }
}

impl<A: Allocator + Clone> Simulator<A> {
    /// A network without packets, at time 0, with memory from this allocator; `None` if it has not
    /// enough. From then on only packets take memory.
    pub fn try_new_in(allocator: A) -> Option<Self> {
        let (mut in_flight, mut arrived) = (Vec::new_in(allocator.clone()), Vec::new_in(allocator.clone()));
        in_flight.try_reserve_exact(MAX_IN_FLIGHT).ok()?;
        arrived.try_reserve_exact(MAX_ARRIVED).ok()?;
        Some(Self::with_tables(in_flight, arrived, allocator))
    }

    fn with_tables(in_flight: Vec<Option<InFlight<A>>, A>, arrived: Vec<Option<Arrival<A>>, A>, allocator: A) -> Self {
        Self {
            allocator,
            now: 0.0,
            random: XorShift::default(),
            sent: 0,
            in_flight,
            occupied: Bitmap::default(),
            arrived,
            first_arrived: 0,
        }
    }

    /// Drops all packets and starts the generator again. The time stays.
    pub fn reset(&mut self) {
        self.random = XorShift::default();
        self.sent = 0;
        self.in_flight.clear();
        self.occupied = Bitmap::default();
        self.discard_arrived();
    }

    /// Sends a packet on its way, or loses it. It is lost, too, when memory runs out.
    pub fn send(&mut self, settings: &Settings, from: SocketAddr, to: SocketAddr, data: &[u8]) {
        if self.random.between(0.0, 100.0) <= settings.packet_loss_percent {
            return;
        }
        let mut delay = settings.latency_milliseconds / 1000.0;
        if settings.jitter_milliseconds > 0.0 {
            delay += self.random.between(-settings.jitter_milliseconds, settings.jitter_milliseconds) / 1000.0;
        }
        self.enqueue(from, to, data, delay);
        if self.random.between(0.0, 100.0) <= settings.duplicate_packet_percent {
            let copy_delay = delay + self.random.between(0.0, 1.0);
            self.enqueue(from, to, data, copy_delay);
        }
    }

    /// Sets the time, in seconds. What nobody has picked up since the last update is dropped, and
    /// what is due arrives, in the order of sending. With a time that is not finite nothing happens.
    pub fn update(&mut self, now: f64) {
        if !now.is_finite() {
            return;
        }
        self.now = now;
        self.discard_arrived();
        let mut next = 0;
        while let Some(slot) = self.occupied.first_from(next) {
            next = slot + 1;
            if self.arrived.len() == MAX_ARRIVED {
                return;
            }
            let Some(place) = self.in_flight.get_mut(slot) else { continue };
            if let Some(in_flight) = place.take_if(|in_flight| in_flight.due <= now) {
                self.occupied.clear(slot);
                self.arrived.push(Some(in_flight.packet));
            }
        }
    }

    /// Picks up the next packet that has arrived at an address.
    pub fn receive(&mut self, to: SocketAddr) -> Option<Arrival<A>> {
        while let Some(None) = self.arrived.get(self.first_arrived) {
            self.first_arrived += 1;
        }
        let waiting = self.arrived.get_mut(self.first_arrived..)?;
        waiting.iter_mut().find(|place| place.as_ref().is_some_and(|packet| same(&packet.to, &to)))?.take()
    }

    fn enqueue(&mut self, from: SocketAddr, to: SocketAddr, data: &[u8], delay: f32) {
        let slot = self.sent % MAX_IN_FLIGHT;
        let Some(data) = copy_in(data, self.allocator.clone()) else { return };
        let in_flight = InFlight { due: self.now + f64::from(delay), packet: Arrival { from, to, data } };
        match self.in_flight.get_mut(slot) {
            Some(place) => *place = Some(in_flight),
            None => self.in_flight.push(Some(in_flight)),
        }
        self.occupied.set(slot);
        self.sent = self.sent.wrapping_add(1);
    }

    fn discard_arrived(&mut self) {
        self.arrived.clear();
        self.first_arrived = 0;
    }
}

fn copy_in<A: Allocator>(data: &[u8], allocator: A) -> Option<Box<[u8], A>> {
    let mut copy = Vec::new_in(allocator);
    copy.try_reserve_exact(data.len()).ok()?;
    copy.extend_from_slice(data);
    Some(copy.into_boxed_slice())
}

/// xorshift64*: good enough to lose packets with.
struct XorShift(u64);

impl Default for XorShift {
    fn default() -> Self {
        Self(0x9E37_79B9_7F4A_7C15)
    }
}

impl XorShift {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_F491_4F6C_DD1D)
    }

    /// A number in `[low, high)`, made of the top 24 bits of a draw, in single precision.
    fn between(&mut self, low: f32, high: f32) -> f32 {
        const DRAWS: f32 = (1 << 24) as f32;
        low + (self.next() >> 40) as f32 / DRAWS * (high - low)
    }
}

/// Which places of the ring hold a packet, so that an update does not visit all of them.
struct Bitmap([u64; MAX_IN_FLIGHT / 64]);

impl Default for Bitmap {
    fn default() -> Self {
        Self([0; MAX_IN_FLIGHT / 64])
    }
}

impl Bitmap {
    fn set(&mut self, index: usize) {
        self.0[index / 64] |= 1 << (index % 64);
    }

    fn clear(&mut self, index: usize) {
        self.0[index / 64] &= !(1 << (index % 64));
    }

    fn first_from(&self, index: usize) -> Option<usize> {
        let first = index / 64;
        let head = *self.0.get(first)? >> (index % 64) << (index % 64);
        std::iter::once(head).chain(self.0[first + 1..].iter().copied()).position(|word| word != 0).map(|offset| {
            let word = if offset == 0 { head } else { self.0[first + offset] };
            (first + offset) * 64 + word.trailing_zeros() as usize
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn address(port: u16) -> SocketAddr {
        ([127, 0, 0, 1], port).into()
    }

    #[test]
    fn a_packet_arrives_after_its_latency_and_waits_for_one_update() {
        let settings = Settings { latency_milliseconds: 100.0, ..Settings::default() };
        let mut network = Simulator::new();
        network.send(&settings, address(1), address(2), b"hello");
        network.update(0.05);
        assert!(network.receive(address(2)).is_none());
        network.update(0.2);
        assert!(network.receive(address(1)).is_none());
        let packet = network.receive(address(2)).unwrap();
        assert_eq!((packet.from, &*packet.data), (address(1), &b"hello"[..]));
        assert!(network.receive(address(2)).is_none());

        network.send(&settings, address(1), address(2), b"late");
        network.update(1.0);
        network.update(1.1);
        assert!(network.receive(address(2)).is_none(), "nobody picked it up in time");
    }

    #[test]
    fn a_time_that_is_not_finite_loses_nothing() {
        let settings = Settings { latency_milliseconds: 100.0, ..Settings::default() };
        let mut network = Simulator::new();
        for time in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY] {
            network.update(0.0);
            network.update(time);
            network.send(&settings, address(1), address(2), b"hello");
            network.update(time);
            network.update(0.2);
            network.update(time);
            assert!(network.receive(address(2)).is_some(), "{time}");
        }
    }

    #[test]
    fn the_oldest_packet_makes_way_when_too_many_are_under_way() {
        let settings = Settings { latency_milliseconds: 10.0, packet_loss_percent: -1.0, ..Settings::default() };
        let mut network = Simulator::new();
        for number in 0..=MAX_IN_FLIGHT as u32 {
            network.send(&settings, address(1), address(2), &number.to_le_bytes());
        }
        let mut numbers = std::vec::Vec::new();
        for tick in 1..20 {
            network.update(f64::from(tick));
            while let Some(packet) = network.receive(address(2)) {
                numbers.push(u32::from_le_bytes((*packet.data).try_into().unwrap()));
            }
        }
        assert_eq!(numbers.len(), MAX_IN_FLIGHT);
        assert_eq!(numbers[0], MAX_IN_FLIGHT as u32, "it took the first place");
        assert_eq!(numbers[1..], (1..MAX_IN_FLIGHT as u32).collect::<std::vec::Vec<_>>());
    }

    #[test]
    fn a_reset_repeats_the_run() {
        let settings = Settings {
            jitter_milliseconds: 50.0,
            packet_loss_percent: 30.0,
            duplicate_packet_percent: 20.0,
            ..Settings::default()
        };
        let mut network = Simulator::new();
        let mut run = || {
            network.reset();
            network.update(0.0);
            for number in 0..100u8 {
                network.send(&settings, address(1), address(2), &[number]);
            }
            let mut numbers = std::vec::Vec::new();
            for tick in 1..30 {
                network.update(f64::from(tick) / 20.0);
                while let Some(packet) = network.receive(address(2)) {
                    numbers.push(packet.data[0]);
                }
            }
            numbers
        };
        let first = run();
        assert!(first.len() > 60 && first.len() < 100);
        assert_eq!(run(), first);
    }
}
