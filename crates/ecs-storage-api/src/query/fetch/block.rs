//! A few items on the stack, on their way from one loop to the next.

use std::mem::MaybeUninit;

/// Up to [`BLOCK`] items. Filled and read as a whole, so that a loop over them asks for
/// nothing but its end: vectors of the same size, drained and pushed to, made a look-up of
/// the row `random_get` over half as long again.
pub(super) struct Block<T> {
    items: [MaybeUninit<T>; BLOCK],
    /// So many of them are written.
    len: usize,
}

/// Somewhat more than a processor has reads under way.
const BLOCK: usize = 32;

impl<T: Copy> Block<T> {
    pub(super) fn new() -> Self {
        Self { items: [const { MaybeUninit::uninit() }; BLOCK], len: 0 }
    }

    /// Takes as many items as it has room for, in place of those that it had.
    #[inline(always)]
    pub(super) fn fill(&mut self, items: impl Iterator<Item = T>) {
        self.len = 0;
        // In a register: each write of the field would wait for the one before, and
        // `random_get` took a fifth longer.
        let mut len = 0;
        for (place, item) in self.items.iter_mut().zip(items) {
            place.write(item);
            len += 1;
        }
        self.len = len;
    }

    #[inline(always)]
    pub(super) fn as_slice(&self) -> &[T] {
        // SAFETY: `fill` wrote the first `len`.
        unsafe { self.items[..self.len].assume_init_ref() }
    }
}
