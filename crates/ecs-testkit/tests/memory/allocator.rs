//! An allocator that refuses when it is told to, and counts.
#![expect(unsafe_code, reason = "an allocator can't be written without, and tests are no room")]

use std::alloc::{GlobalAlloc, Layout, System};
use std::cell::Cell;

#[global_allocator]
static ALLOCATOR: Watched = Watched;

/// The system's allocator, watched.
struct Watched;

/// Which allocations of a thread are refused.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) enum Refused {
    /// The n-th, from 0, and no other.
    Only(usize),
    /// The n-th and all that follow.
    From(usize),
    /// The n-th of [`LARGE`] bytes or more, and no other.
    OnlyLarge(usize),
}

/// More than the lists take that the tests make.
pub(crate) const LARGE: usize = 64 << 10;

thread_local! {
    // Without a destructor, so that they neither allocate nor end.
    static REFUSED: Cell<Option<Refused>> = const { Cell::new(None) };
    static ASKED: Cell<usize> = const { Cell::new(0) };
    static HELD: Cell<isize> = const { Cell::new(0) };
    static MOST: Cell<isize> = const { Cell::new(0) };
}

/// Runs something that is refused memory; returns what came of it, and whether a
/// refusal happened.
pub(crate) fn with_refusal<T>(refused: Refused, run: impl FnOnce() -> T) -> (T, bool) {
    ASKED.set(0);
    REFUSED.set(Some(refused));
    let outcome = run();
    REFUSED.set(None);
    let (Refused::Only(n) | Refused::From(n) | Refused::OnlyLarge(n)) = refused;
    (outcome, ASKED.get() > n)
}

/// Runs something, and returns how many bytes it held at once at most, beyond what
/// was held before.
pub(crate) fn most_held(run: impl FnOnce()) -> usize {
    HELD.set(0);
    MOST.set(0);
    run();
    MOST.get().unsigned_abs()
}

/// Counts an allocation, and tells whether it is granted.
fn granted(bytes: usize) -> bool {
    let Some(refused) = REFUSED.get() else { return true };
    if bytes < LARGE && matches!(refused, Refused::OnlyLarge(_)) {
        return true;
    }
    let n = ASKED.replace(ASKED.get() + 1);
    match refused {
        Refused::Only(only) | Refused::OnlyLarge(only) => n != only,
        Refused::From(first) => n < first,
    }
}

/// Counts bytes that are taken or given back.
fn count(bytes: isize) {
    let held = HELD.get().wrapping_add(bytes);
    HELD.set(held);
    MOST.set(MOST.get().max(held));
}

// SAFETY: everything is the system allocator's but for refusals, for which null is
// what an allocator returns.
unsafe impl GlobalAlloc for Watched {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        if !granted(layout.size()) {
            return std::ptr::null_mut();
        }
        count(layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.alloc(layout) }
    }

    unsafe fn alloc_zeroed(&self, layout: Layout) -> *mut u8 {
        if !granted(layout.size()) {
            return std::ptr::null_mut();
        }
        count(layout.size() as isize);
        // SAFETY: the caller's.
        unsafe { System.alloc_zeroed(layout) }
    }

    unsafe fn realloc(&self, memory: *mut u8, layout: Layout, size: usize) -> *mut u8 {
        if !granted(size) {
            return std::ptr::null_mut();
        }
        // Where it moves, both are held for a while.
        count(size as isize);
        count(-(layout.size() as isize));
        // SAFETY: the caller's.
        unsafe { System.realloc(memory, layout, size) }
    }

    unsafe fn dealloc(&self, memory: *mut u8, layout: Layout) {
        count(-(layout.size() as isize));
        // SAFETY: the caller's.
        unsafe { System.dealloc(memory, layout) }
    }
}
