//! How objects are held behind C pointers.

use std::alloc::Layout;
use std::cell::Cell;
use std::mem::MaybeUninit;
use std::ops::Deref;
use std::ptr::{self, NonNull};

use allocator_api2::alloc::Allocator;
use allocator_api2::boxed::Box;

use super::alloc::Hooks;

/// Something that C knows by its pointer, and that lives in memory of its hooks.
pub(super) trait Object: Sized {
    fn lifeline(&self) -> &Lifeline;
    fn hooks(&self) -> Hooks;
    /// Gives back all memory but the object's own. What is left does not call user code when dropped.
    fn dismantle(&self);
}

/// Counts the calls that an object is in the middle of.
#[derive(Default)]
pub(super) struct Lifeline {
    depth: Cell<u32>,
    doomed: Cell<bool>,
    freeing: Cell<bool>,
}

/// A call into an object. The object outlives it, even if user code destroys the object meanwhile.
pub(super) struct Call<T: Object>(NonNull<T>);

/// Moves an object into memory of its hooks; `None` if there is none.
pub(super) fn hand_out<T: Object>(object: T) -> Option<NonNull<T>> {
    let hooks = object.hooks();
    let pointer = Box::into_raw(Box::try_new_in(object, hooks).ok()?);
    NonNull::new(pointer)
}

impl<T: Object> Call<T> {
    /// `None` for a null pointer, and for an object that is being freed: the hooks that free its parts
    /// may still ask for it.
    ///
    /// # Safety
    /// The pointer is null or comes from [`hand_out`], and the object's memory has not been freed.
    pub(super) unsafe fn enter(pointer: *mut T) -> Option<Self> {
        let pointer = NonNull::new(pointer)?;
        // SAFETY: the caller vouches for the pointer.
        let lifeline = unsafe { pointer.as_ref() }.lifeline();
        if lifeline.freeing.get() {
            return None;
        }
        lifeline.depth.set(lifeline.depth.get() + 1);
        Some(Self(pointer))
    }

    /// Has the object freed when the outermost call returns.
    pub(super) fn doom(&self) {
        self.lifeline().doomed.set(true);
    }
}

impl Lifeline {
    /// Whether the object has been destroyed, and is only waiting for calls to return.
    pub(super) fn is_doomed(&self) -> bool {
        self.doomed.get()
    }
}

impl<T: Object> Deref for Call<T> {
    type Target = T;

    fn deref(&self) -> &T {
        // SAFETY: the object is not freed while a call is under way, and is only borrowed shared.
        unsafe { self.0.as_ref() }
    }
}

impl<T: Object> Drop for Call<T> {
    #[inline]
    fn drop(&mut self) {
        let lifeline = self.lifeline();
        let depth = lifeline.depth.get() - 1;
        lifeline.depth.set(depth);
        if depth == 0 && lifeline.is_doomed() {
            self.free();
        }
    }
}

impl<T: Object> Call<T> {
    /// Frees the object at the end of the last call.
    #[cold]
    fn free(&self) {
        self.lifeline().freeing.set(true);
        self.dismantle();
        let hooks = self.hooks();
        let offset = ptr::from_ref(self.lifeline()).addr() - self.0.addr().get();
        // SAFETY: this was the last call, and none is let in any more. The object came from a box of these
        // hooks. Only the last of them is called after it was dropped, and may ask its lifeline, which has
        // nothing to drop, until the memory is gone.
        unsafe {
            self.0.drop_in_place();
            // Keys have wiped themselves, but an empty `Option` may hold what lay on the stack: some compilers
            // write the room of its value, too.
            self.0.write_bytes(0, 1);
            self.0
                .cast::<Lifeline>()
                .byte_add(offset)
                .write(Lifeline { freeing: Cell::new(true), ..Lifeline::default() });
            zeroize::optimization_barrier(self.0.cast::<MaybeUninit<T>>().as_ref());
            hooks.deallocate(self.0.cast(), Layout::new::<T>());
        }
    }
}
