//! Payloads that wait for the application.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr::{self, NonNull};

use super::alloc::{HOOK_ALIGN, Hooks};
use crate::MAX_PAYLOAD_BYTES;

/// Most payloads that wait; further ones are dropped.
const MAX_QUEUED: usize = 256;

/// Readable bytes behind each payload, for readers that load whole words.
const TRAILING_BYTES: usize = 8;

/// A payload stands behind its node, in the same block of memory.
struct Node {
    next: *mut Node,
    sequence: u64,
    bytes: c_int,
}

/// The payload of a node starts here, aligned for any object.
const PAYLOAD_OFFSET: usize = size_of::<Node>().next_multiple_of(HOOK_ALIGN);

/// Payloads larger than this get a block that fits every payload, which can be used again for
/// another: this is where `malloc` stops being quick.
const LARGE_PAYLOAD_BYTES: usize = 960;

/// Where packets of an object have their memory.
///
/// With the default allocator, blocks of large packets are kept for the next ones.
pub(super) struct PacketMemory {
    hooks: Hooks,
    spares: Cell<*mut Node>,
    num_spares: Cell<usize>,
    max_spares: Cell<usize>,
}

/// Payloads in the order in which they came.
pub(super) struct PacketQueue {
    head: Cell<*mut Node>,
    tail: Cell<*mut Node>,
    len: Cell<usize>,
    /// How many times the queue has been cleared.
    clearings: Cell<u32>,
}

/// A payload that now belongs to the application.
pub(super) struct ReceivedPacket {
    pub(super) data: *mut u8,
    pub(super) bytes: c_int,
    pub(super) sequence: u64,
}

impl Default for PacketQueue {
    fn default() -> Self {
        Self {
            head: Cell::new(ptr::null_mut()),
            tail: Cell::new(ptr::null_mut()),
            len: Cell::new(0),
            clearings: Cell::new(0),
        }
    }
}

impl PacketQueue {
    /// Copies a payload to the end of the queue. Drops it if the queue is full or memory runs out.
    pub(super) fn push(&self, memory: &PacketMemory, data: &[u8], sequence: u64) -> bool {
        if self.len.get() >= MAX_QUEUED {
            return false;
        }
        let (clearings, len) = (self.clearings.get(), self.len.get());
        let Some(block) = memory.take(data.len()) else {
            return false;
        };
        if self.clearings.get() != clearings || self.len.get() > len {
            // The allocate hook has called back: the payload may not belong here any more.
            // SAFETY: the block is new, and nobody else knows it.
            unsafe { memory.hooks.give_back(block) };
            return false;
        }
        let node = block.cast::<Node>();
        // SAFETY: the block is new, aligned, and large enough for node, payload and trailing bytes.
        unsafe {
            node.write(Node { next: ptr::null_mut(), sequence, bytes: data.len() as c_int });
            let payload = block.add(PAYLOAD_OFFSET);
            payload.copy_from_nonoverlapping(NonNull::from(data).cast(), data.len());
            payload.add(data.len()).write_bytes(0, TRAILING_BYTES);
        }
        match NonNull::new(self.tail.replace(node.as_ptr())) {
            // SAFETY: the tail is a node of this queue.
            Some(tail) => unsafe { (*tail.as_ptr()).next = node.as_ptr() },
            None => self.head.set(node.as_ptr()),
        }
        self.len.set(self.len.get() + 1);
        true
    }

    /// Hands out the payload that has waited longest. Free it with [`PacketMemory::free`].
    pub(super) fn pop(&self) -> Option<ReceivedPacket> {
        let node = NonNull::new(self.head.get())?;
        // SAFETY: the head is a node of this queue.
        let Node { next, sequence, bytes } = unsafe { node.read() };
        self.head.set(next);
        if next.is_null() {
            self.tail.set(ptr::null_mut());
        }
        self.len.set(self.len.get() - 1);
        // SAFETY: the payload stands behind the node, in the same block.
        let data = unsafe { node.cast::<u8>().add(PAYLOAD_OFFSET) };
        Some(ReceivedPacket { data: data.as_ptr(), bytes, sequence })
    }

    /// Frees everything that waits. The queue is empty before the first hook is called.
    pub(super) fn clear(&self, memory: &PacketMemory) {
        self.clearings.set(self.clearings.get().wrapping_add(1));
        let waiting = Self::default();
        waiting.head.swap(&self.head);
        waiting.tail.swap(&self.tail);
        waiting.len.swap(&self.len);
        while let Some(packet) = waiting.pop() {
            // SAFETY: the packet was just taken out, and nobody else knows it.
            unsafe { memory.free(packet.data) };
        }
    }
}

impl PacketMemory {
    /// Keeps up to `max_spares` blocks of large packets. Hooks of the user want to see every packet
    /// come and go, so for them there are no spares.
    pub(super) fn new(hooks: Hooks, max_spares: usize) -> Self {
        let memory =
            Self { hooks, spares: Cell::new(ptr::null_mut()), num_spares: Cell::new(0), max_spares: Cell::new(0) };
        memory.keep(max_spares);
        memory
    }

    /// Changes how many blocks are kept, and frees those that are too many.
    pub(super) fn keep(&self, max_spares: usize) {
        self.max_spares.set(if self.hooks.are_default() { max_spares } else { 0 });
        while self.num_spares.get() > self.max_spares.get() {
            let Some(spare) = self.take_spare() else { return };
            // SAFETY: the block came from the hooks, and nobody else knows it.
            unsafe { self.hooks.give_back(spare.cast()) };
        }
    }

    /// Frees a payload.
    ///
    /// # Safety
    /// The payload was handed out by [`PacketQueue::pop`] of a queue filled from this memory, and is
    /// not used again.
    pub(super) unsafe fn free(&self, data: *mut u8) {
        let Some(payload) = NonNull::new(data) else { return };
        // SAFETY: the block starts this much before its payload, with its node.
        let (node, bytes) = unsafe {
            let node = payload.sub(PAYLOAD_OFFSET).cast::<Node>();
            (node, node.as_ref().bytes)
        };
        if bytes as usize > LARGE_PAYLOAD_BYTES && self.num_spares.get() < self.max_spares.get() {
            // SAFETY: the block is not used any more, and starts with a node.
            unsafe { (*node.as_ptr()).next = self.spares.replace(node.as_ptr()) };
            self.num_spares.set(self.num_spares.get() + 1);
            return;
        }
        // SAFETY: the block came from the hooks.
        unsafe { self.hooks.give_back(node.cast()) };
    }

    /// A block for a payload of this size, its node and the trailing bytes.
    fn take(&self, bytes: usize) -> Option<NonNull<u8>> {
        if bytes <= LARGE_PAYLOAD_BYTES {
            return self.hooks.take(PAYLOAD_OFFSET + bytes + TRAILING_BYTES);
        }
        if let Some(spare) = self.take_spare() {
            return Some(spare.cast());
        }
        // Where no spares are kept, there is no reason for a block that others would fit into.
        let room = if self.max_spares.get() > 0 { MAX_PAYLOAD_BYTES } else { bytes };
        self.hooks.take(PAYLOAD_OFFSET + room + TRAILING_BYTES)
    }

    fn take_spare(&self) -> Option<NonNull<Node>> {
        let spare = NonNull::new(self.spares.get())?;
        // SAFETY: spares are blocks that start with a node.
        self.spares.set(unsafe { spare.as_ref().next });
        self.num_spares.set(self.num_spares.get() - 1);
        Some(spare)
    }
}

impl Drop for PacketMemory {
    fn drop(&mut self) {
        self.keep(0);
    }
}
