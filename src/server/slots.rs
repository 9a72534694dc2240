//! The places for connected clients, found by index, by address and by client id.

use std::net::SocketAddr;

use allocator_api2::alloc::Allocator;
use allocator_api2::vec::Vec;
use hashbrown::HashTable;

use super::DisconnectReason;
use super::seed::Seed;
use crate::crypto::Key;
use crate::packet::{Buffer, KeepAlive, Packet, Payload, Protocol};
use crate::replay::ReplayWindow;
use crate::{DISCONNECT_PACKETS, MAX_CLIENTS, SEND_INTERVAL, SendError, Transmit};

/// An index into the slots: there are at most [`MAX_CLIENTS`].
type Index = u16;

pub(super) struct Slots<A: Allocator> {
    slots: Vec<Slot, A>,
    /// A bit for each slot that has an occupant, so that the empty ones cost nothing.
    occupied: [u64; MAX_CLIENTS / WORD_BITS],
    by_source: HashTable<Index, A>,
    by_client_id: HashTable<Index, A>,
    connected: usize,
    /// No client is quiet, or times out, before these times: sending and receiving only put it off.
    quiet_from: f64,
    timeouts_from: f64,
}

const WORD_BITS: usize = u64::BITS as usize;

/// A place for a client.
struct Slot {
    occupant: Option<Occupant>,
    /// Why the last client left.
    reason: DisconnectReason,
}

/// A client that has a slot.
pub(super) struct Occupant {
    pub(super) client_id: u64,
    /// Tells this client from others that had the slot before.
    pub(super) generation: u64,
    /// The number of the next packet to this client.
    pub(super) sequence: u64,
    /// How many disconnect packets are still to be sent, once the client is leaving.
    pub(super) farewells: Option<u8>,
    /// How to reach the client; `None` for one in this process.
    pub(super) link: Option<Link>,
}

/// The connection to a client over the network.
pub(super) struct Link {
    pub(super) address: SocketAddr,
    pub(super) client_to_server: Key,
    pub(super) server_to_client: Key,
    pub(super) timeout_seconds: i32,
    pub(super) last_send: f64,
    pub(super) last_receive: f64,
    /// The client is known to know that it is connected.
    pub(super) confirmed: bool,
    pub(super) replay: ReplayWindow,
}

/// Memory ran out.
#[derive(Debug)]
pub(super) struct OutOfMemory;

impl<A: Allocator + Clone> Slots<A> {
    /// All memory is taken here, so that connecting a client cannot fail for want of it.
    pub(super) fn new_in(max_clients: usize, allocator: A) -> Result<Self, OutOfMemory> {
        let mut slots = Vec::new_in(allocator.clone());
        slots.try_reserve_exact(max_clients).map_err(|_| OutOfMemory)?;
        slots.resize_with(max_clients, || Slot { occupant: None, reason: DisconnectReason::None });
        Ok(Self {
            slots,
            occupied: Default::default(),
            by_source: index_table(max_clients, allocator.clone())?,
            by_client_id: index_table(max_clients, allocator)?,
            connected: 0,
            quiet_from: f64::NEG_INFINITY,
            timeouts_from: f64::NEG_INFINITY,
        })
    }

    pub(super) fn len(&self) -> usize {
        self.slots.len()
    }

    pub(super) fn connected(&self) -> usize {
        self.connected
    }

    /// How many clients are connected over the network.
    pub(super) fn remote(&self) -> usize {
        self.by_source.len()
    }

    pub(super) fn is_full(&self) -> bool {
        self.connected == self.slots.len()
    }

    pub(super) fn first_free(&self) -> Option<usize> {
        let (index, word) = self.occupied.iter().enumerate().find(|(_, word)| **word != u64::MAX)?;
        let slot = index * WORD_BITS + word.trailing_ones() as usize;
        (slot < self.slots.len()).then_some(slot)
    }

    /// The first slot from `from` on that has an occupant.
    pub(super) fn next_occupied(&self, from: usize) -> Option<usize> {
        let mut index = from / WORD_BITS;
        let mut word = self.occupied.get(index)? >> (from % WORD_BITS) << (from % WORD_BITS);
        while word == 0 {
            index += 1;
            word = *self.occupied.get(index)?;
        }
        Some(index * WORD_BITS + word.trailing_zeros() as usize)
    }

    pub(super) fn reason(&self, slot: usize) -> DisconnectReason {
        self.slots.get(slot).map_or(DisconnectReason::None, |slot| slot.reason)
    }

    pub(super) fn set_reason(&mut self, slot: usize, reason: DisconnectReason) {
        if let Some(slot) = self.slots.get_mut(slot) {
            slot.reason = reason;
        }
    }

    pub(super) fn get(&self, slot: usize) -> Option<&Occupant> {
        self.slots.get(slot)?.occupant.as_ref()
    }

    pub(super) fn get_mut(&mut self, slot: usize) -> Option<&mut Occupant> {
        self.slots.get_mut(slot)?.occupant.as_mut()
    }

    /// The client at an address. `hash` is the address's.
    #[inline(always)] // on the way of every packet
    pub(super) fn find_source(&mut self, hash: u64, source: &SocketAddr) -> Option<(usize, &mut Link)> {
        let slots = self.slots.as_slice();
        let is_source = |&index: &Index| slots.get(usize::from(index)).and_then(Slot::address) == Some(source);
        let slot = usize::from(*self.by_source.find(hash, is_source)?);
        let link = self.slots.get_mut(slot)?.occupant.as_mut()?.link.as_mut()?;
        Some((slot, link))
    }

    pub(super) fn has_client_id(&self, seed: &Seed, client_id: u64) -> bool {
        let has_id = |&index: &Index| self.slots[usize::from(index)].client_id() == Some(client_id);
        self.by_client_id.find(seed.of_client_id(client_id), has_id).is_some()
    }

    /// Puts a client into a free slot.
    pub(super) fn install(&mut self, seed: &Seed, slot: usize, occupant: Occupant) {
        let id_hash = seed.of_client_id(occupant.client_id);
        let source_hash = occupant.link.as_ref().map(|link| seed.of_source(&link.address));
        if let Some(link) = &occupant.link {
            self.quiet_from = self.quiet_from.min(link.quiet_from());
            self.timeouts_from = self.timeouts_from.min(link.times_out_from());
        }
        self.slots[slot] = Slot { occupant: Some(occupant), reason: DisconnectReason::None };
        self.occupied[slot / WORD_BITS] |= 1 << (slot % WORD_BITS);
        self.connected += 1;

        let slots = &self.slots;
        let index = slot as Index;
        self.by_client_id.insert_unique(id_hash, index, |&index| {
            slots[usize::from(index)].client_id().map_or(0, |id| seed.of_client_id(id))
        });
        if let Some(hash) = source_hash {
            self.by_source.insert_unique(hash, index, |&index| {
                slots[usize::from(index)].address().map_or(0, |address| seed.of_source(address))
            });
        }
    }

    /// Empties a slot.
    pub(super) fn remove(&mut self, seed: &Seed, slot: usize) {
        let Some(occupant) = self.slots.get(slot).and_then(|slot| slot.occupant.as_ref()) else { return };
        let is_slot = |&index: &Index| usize::from(index) == slot;
        if let Ok(entry) = self.by_client_id.find_entry(seed.of_client_id(occupant.client_id), is_slot) {
            entry.remove();
        }
        if let Some(link) = &occupant.link {
            if let Ok(entry) = self.by_source.find_entry(seed.of_source(&link.address), is_slot) {
                entry.remove();
            }
        }
        self.occupied[slot / WORD_BITS] &= !(1 << (slot % WORD_BITS));
        self.connected -= 1;
        // Dropped where it is: taking it out would leave a copy of the keys behind.
        self.slots[slot].occupant = None;
    }

    /// The first slot from `from` on whose client is to get a keep-alive.
    pub(super) fn next_quiet(&mut self, from: usize, now: f64) -> Option<usize> {
        self.next_due(from, now, |slots| &mut slots.quiet_from, Link::quiet_from)
    }

    /// The first slot from `from` on whose client has timed out.
    pub(super) fn next_timed_out(&mut self, from: usize, now: f64) -> Option<usize> {
        self.next_due(from, now, |slots| &mut slots.timeouts_from, Link::times_out_from)
    }

    /// The clock has gone back: lets no packet lie in the future.
    pub(super) fn clamp_times(&mut self, now: f64) {
        for link in self.slots.iter_mut().filter_map(|slot| slot.occupant.as_mut()?.link.as_mut()) {
            link.last_send = link.last_send.min(now);
            link.last_receive = link.last_receive.min(now);
        }
        self.quiet_from = f64::NEG_INFINITY;
        self.timeouts_from = f64::NEG_INFINITY;
    }

    /// The first slot from `from` on with a client for whom `due` has come. A look at all of them
    /// that finds none tells until when there is no need to look again.
    fn next_due(
        &mut self,
        from: usize,
        now: f64,
        bound: impl Fn(&mut Self) -> &mut f64,
        due: impl Fn(&Link) -> f64,
    ) -> Option<usize> {
        if now < *bound(self) {
            return None;
        }
        let (mut next, mut earliest) = (from, f64::INFINITY);
        while let Some(slot) = self.next_occupied(next) {
            next = slot + 1;
            let staying = self.get(slot).filter(|occupant| !occupant.is_leaving());
            let Some(link) = staying.and_then(|occupant| occupant.link.as_ref()) else { continue };
            earliest = earliest.min(due(link));
            if earliest <= now {
                return Some(slot);
            }
        }
        if from == 0 {
            *bound(self) = earliest;
        }
        None
    }
}

/// Twice the room that is needed: a table at most half full rehashes in place and never allocates.
fn index_table<A: Allocator>(max_clients: usize, allocator: A) -> Result<HashTable<Index, A>, OutOfMemory> {
    let mut table = HashTable::new_in(allocator);
    table.try_reserve(2 * max_clients, |_| 0).map_err(|_| OutOfMemory)?;
    Ok(table)
}

impl Slot {
    fn client_id(&self) -> Option<u64> {
        Some(self.occupant.as_ref()?.client_id)
    }

    fn address(&self) -> Option<&SocketAddr> {
        Some(&self.occupant.as_ref()?.link.as_ref()?.address)
    }
}

impl Link {
    /// From when on a keep-alive is due.
    fn quiet_from(&self) -> f64 {
        self.last_send + SEND_INTERVAL
    }

    /// From when on the client has timed out.
    fn times_out_from(&self) -> f64 {
        match self.timeout_seconds {
            ..=0 => f64::INFINITY,
            seconds => self.last_receive + f64::from(seconds),
        }
    }
}

impl Occupant {
    pub(super) fn is_leaving(&self) -> bool {
        self.farewells.is_some()
    }

    pub(super) fn seal_keep_alive(
        &mut self,
        keep_alive: KeepAlive,
        protocol: &Protocol,
        now: f64,
        out: &mut Buffer,
    ) -> Option<Transmit> {
        self.seal(&Packet::KeepAlive(keep_alive), protocol, now, out)
    }

    pub(super) fn seal_payload(
        &mut self,
        payload: &[u8],
        protocol: &Protocol,
        now: f64,
        out: &mut Buffer,
    ) -> Result<Transmit, SendError> {
        let payload = Payload::new(payload).ok_or(SendError::PayloadSize)?;
        self.seal(&Packet::Payload(payload), protocol, now, out).ok_or(SendError::NotConnected)
    }

    /// One of the packets that tell a leaving client so, as long as there are any.
    pub(super) fn seal_farewell(&mut self, protocol: &Protocol, now: f64, out: &mut Buffer) -> Option<Transmit> {
        let left = self.farewells?.checked_sub(1)?;
        self.farewells = Some(left);
        self.seal(&Packet::Disconnect, protocol, now, out)
    }

    /// Marks the client as leaving. Only those who are sent away over the network are told.
    pub(super) fn leave(&mut self, reason: DisconnectReason) {
        let told = reason == DisconnectReason::ServerDisconnect && self.link.is_some();
        self.farewells = Some(if told { DISCONNECT_PACKETS } else { 0 });
    }

    fn seal(&mut self, packet: &Packet<'_>, protocol: &Protocol, now: f64, out: &mut Buffer) -> Option<Transmit> {
        let link = self.link.as_mut()?;
        let bytes = packet.write(self.sequence, protocol, &link.server_to_client, out);
        self.sequence += 1;
        link.last_send = now;
        Some(Transmit { to: link.address, bytes, kind: packet.kind() })
    }
}
