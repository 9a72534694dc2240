//! How objects are held behind C pointers.

use std::cell::Cell;
use std::ops::Deref;
use std::ptr::NonNull;

use allocator_api2::boxed::Box;

use super::alloc::Hooks;

/// Something that C knows by its pointer, and that lives in memory of its hooks.
pub(super) trait Object: Sized {
    fn lifeline(&self) -> &Lifeline;
    fn hooks(&self) -> Hooks;
}

/// Counts the calls that an object is in the middle of.
#[derive(Default)]
pub(super) struct Lifeline {
    depth: Cell<u32>,
    doomed: Cell<bool>,
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
    /// # Safety
    /// The pointer is null or comes from [`hand_out`], and the object has not been freed.
    pub(super) unsafe fn enter(pointer: *mut T) -> Option<Self> {
        let pointer = NonNull::new(pointer)?;
        // SAFETY: the caller vouches for the pointer.
        let lifeline = unsafe { pointer.as_ref() }.lifeline();
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
    fn drop(&mut self) {
        let lifeline = self.lifeline();
        let depth = lifeline.depth.get() - 1;
        lifeline.depth.set(depth);
        if depth == 0 && lifeline.is_doomed() {
            let hooks = self.hooks();
            // SAFETY: this was the last call, and nobody may call again after having destroyed.
            drop(unsafe { Box::from_raw_in(self.0.as_ptr(), hooks) });
        }
    }
}
