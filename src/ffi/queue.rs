//! Payloads that wait for the application.

use std::cell::Cell;
use std::ffi::c_int;
use std::ptr::{self, NonNull};

use super::alloc::{HOOK_ALIGN, Hooks};

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

/// Payloads in the order in which they came.
pub(super) struct PacketQueue {
    head: Cell<*mut Node>,
    tail: Cell<*mut Node>,
    len: Cell<usize>,
}

/// A payload that now belongs to the application.
pub(super) struct ReceivedPacket {
    pub(super) data: *mut u8,
    pub(super) bytes: c_int,
    pub(super) sequence: u64,
}

impl Default for PacketQueue {
    fn default() -> Self {
        Self { head: Cell::new(ptr::null_mut()), tail: Cell::new(ptr::null_mut()), len: Cell::new(0) }
    }
}

impl PacketQueue {
    /// Copies a payload to the end of the queue. Drops it if the queue is full or memory runs out.
    pub(super) fn push(&self, hooks: &Hooks, data: &[u8], sequence: u64) -> bool {
        if self.len.get() >= MAX_QUEUED {
            return false;
        }
        let Some(block) = hooks.take(PAYLOAD_OFFSET + data.len() + TRAILING_BYTES) else {
            return false;
        };
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

    /// Hands out the payload that has waited longest. Free it with [`free`].
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
    pub(super) fn clear(&self, hooks: &Hooks) {
        let waiting = Self::default();
        waiting.head.swap(&self.head);
        waiting.tail.swap(&self.tail);
        waiting.len.swap(&self.len);
        while let Some(packet) = waiting.pop() {
            // SAFETY: the packet was just taken out, and nobody else knows it.
            unsafe { free(hooks, packet.data) };
        }
    }
}

/// Frees a payload.
///
/// # Safety
/// The payload is null or was handed out by [`PacketQueue::pop`] of a queue filled with the same
/// hooks, and is not used again.
pub(super) unsafe fn free(hooks: &Hooks, data: *mut u8) {
    let Some(payload) = NonNull::new(data) else { return };
    // SAFETY: the block starts this much before its payload, and came from the hooks.
    unsafe { hooks.give_back(payload.sub(PAYLOAD_OFFSET)) };
}
