//! Memory from the hooks of a config.

use std::alloc::Layout;
use std::ffi::c_void;
use std::ptr::NonNull;

use allocator_api2::alloc::{AllocError, Allocator};

use super::types::{AllocateFunction, FreeFunction};

/// What `malloc` aligns to, and all that may be expected of a hook.
pub(super) const HOOK_ALIGN: usize = if cfg!(target_pointer_width = "64") { 16 } else { 8 };

/// The allocator of an object.
#[derive(Clone, Copy)]
pub(super) struct Hooks {
    pub(super) context: *mut c_void,
    pub(super) allocate: AllocateFunction,
    pub(super) free: FreeFunction,
}

impl Hooks {
    /// A function that is missing stands for `malloc` or `free`.
    pub(super) fn new(context: *mut c_void, allocate: Option<AllocateFunction>, free: Option<FreeFunction>) -> Self {
        Self { context, allocate: allocate.unwrap_or(default_allocate), free: free.unwrap_or(default_free) }
    }

    /// Whether memory comes from `malloc` itself.
    pub(super) fn are_default(&self) -> bool {
        let (allocate, free): (AllocateFunction, FreeFunction) = (default_allocate, default_free);
        std::ptr::fn_addr_eq(self.allocate, allocate) && std::ptr::fn_addr_eq(self.free, free)
    }

    /// At least that many bytes, aligned to [`HOOK_ALIGN`].
    pub(super) fn take(&self, bytes: usize) -> Option<NonNull<u8>> {
        // SAFETY: the config's user vouches for the hook.
        NonNull::new(unsafe { (self.allocate)(self.context, bytes) }.cast())
    }

    /// Gives memory back.
    ///
    /// # Safety
    /// The pointer comes from [`take`](Self::take) of the same hooks, or from their user, and is not used again.
    pub(super) unsafe fn give_back(&self, pointer: NonNull<u8>) {
        // SAFETY: as the caller vouches.
        unsafe { (self.free)(self.context, pointer.as_ptr().cast()) }
    }

    /// For types that want more than a hook promises: a larger block, whose address stands before
    /// the part that is used.
    fn take_aligned(&self, layout: Layout) -> Option<NonNull<u8>> {
        let room = size_of::<NonNull<u8>>() + layout.align() - 1;
        let block = self.take(layout.size().checked_add(room)?)?;
        let unaligned = block.addr().get() + size_of::<NonNull<u8>>();
        let offset = unaligned.next_multiple_of(layout.align()) - block.addr().get();
        // SAFETY: offset + size is within the block, and there is room for an address before it.
        unsafe {
            let start = block.add(offset);
            start.cast::<NonNull<u8>>().sub(1).write(block);
            Some(start)
        }
    }
}

// SAFETY: a block is valid until it is given back, and copies of the hooks are the same allocator.
unsafe impl Allocator for Hooks {
    fn allocate(&self, layout: Layout) -> Result<NonNull<[u8]>, AllocError> {
        let start = match layout {
            _ if layout.size() == 0 => dangling(layout),
            _ if layout.align() <= HOOK_ALIGN => self.take(layout.size()).ok_or(AllocError)?,
            _ => self.take_aligned(layout).ok_or(AllocError)?,
        };
        Ok(NonNull::slice_from_raw_parts(start, layout.size()))
    }

    unsafe fn deallocate(&self, start: NonNull<u8>, layout: Layout) {
        if layout.size() == 0 {
            return;
        }
        let block = if layout.align() <= HOOK_ALIGN {
            start
        } else {
            // SAFETY: `take_aligned` has left the block's own address there.
            unsafe { start.cast::<NonNull<u8>>().sub(1).read() }
        };
        // SAFETY: the block came from `take`, and the caller does not use it again.
        unsafe { self.give_back(block) };
    }
}

fn dangling(layout: Layout) -> NonNull<u8> {
    NonNull::new(std::ptr::without_provenance_mut(layout.align())).unwrap_or(NonNull::dangling())
}

unsafe extern "C" fn default_allocate(_context: *mut c_void, bytes: usize) -> *mut c_void {
    // SAFETY: any size may be asked for.
    unsafe { libc::malloc(bytes) }
}

unsafe extern "C" fn default_free(_context: *mut c_void, pointer: *mut c_void) {
    // SAFETY: the pointer comes from `default_allocate`.
    unsafe { libc::free(pointer) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_alignment_is_served_and_given_back() {
        let hooks = Hooks::new(std::ptr::null_mut(), None, None);
        for align in [1, 2, 8, 16, 32, 64, 4096] {
            for size in [0, 1, 7, 64, 5000] {
                let layout = Layout::from_size_align(size, align).unwrap();
                let block = hooks.allocate(layout).unwrap();
                assert_eq!(block.addr().get() % align, 0);
                // SAFETY: the block has `size` bytes, and is not used again.
                unsafe {
                    block.cast::<u8>().write_bytes(0xcd, size);
                    hooks.deallocate(block.cast(), layout);
                }
            }
        }
    }
}
