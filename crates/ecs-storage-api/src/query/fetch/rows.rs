//! The rows of one chunk.

use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;

use ecs_core::EntityId;

use super::{Columns, Fetch, Footprint, Word};
use crate::changes::Window;
use crate::query::records::RecordBuffer;

/// The rows of one chunk that are still to be given out, each once.
pub(crate) struct Rows<'w, D: Fetch> {
    columns: D::Columns,
    ids: NonNull<EntityId>,
    next: usize,
    end: usize,
    store: PhantomData<&'w mut [u8]>,
}

// SAFETY: it stands for the items of `D`, references to components, which are
// `Send + Sync`.
unsafe impl<D: Fetch> Send for Rows<'_, D> {}
// SAFETY: as above; a shared reference to it gives out ids alone, which nobody
// writes meanwhile.
unsafe impl<D: Fetch> Sync for Rows<'_, D> {}

impl<'w, D: Fetch> Rows<'w, D> {
    /// Stands for no rows.
    #[inline]
    pub(crate) fn none() -> Self {
        Self { columns: D::NONE, ids: NonNull::dangling(), next: 0, end: 0, store: PhantomData }
    }

    /// Returns the rows of a record, whose pages are stamped where they are
    /// written.
    ///
    /// # Safety
    /// - The record was made for `D`, and speaks the truth for `'w`.
    /// - During `'w` nobody else uses its rows against what `D` does with them.
    #[inline]
    pub(super) unsafe fn of(record: &[Word], window: Window) -> Self {
        let end = record[0].count();
        // SAFETY: the caller's; a record has rows.
        unsafe { Self::part_of(record, window, 0..end) }
    }

    /// Returns some rows of a record, one at least, as `of`.
    ///
    /// # Safety
    /// As `of`; the record has the rows, and there is one.
    #[inline]
    pub(super) unsafe fn part_of(record: &[Word], window: Window, rows: Range<usize>) -> Self {
        // SAFETY: a record is made where the query matches, so the required
        // columns are there; ids are never null. The rest is the caller's.
        let (columns, ids) = unsafe {
            let ids = NonNull::new_unchecked(record[1].0).cast();
            let (start, terms) = (record[2].count(), &record[RecordBuffer::HEAD..]);
            let mut columns = Columns { ids, start, window, terms };
            let columns = D::columns(&mut columns).unwrap_unchecked();
            D::mark(columns, rows.clone());
            (columns, ids)
        };
        Self { columns, ids, next: rows.start, end: rows.end, store: PhantomData }
    }

    /// Returns the next row.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<D::Item<'w>> {
        if self.next == self.end {
            return None;
        }
        let row = self.next;
        self.next += 1;
        // SAFETY: `row < end`, which is within the chunk (see `Rows::of`);
        // `next` only grows, so each row is given out once by these rows, and
        // no others hold it.
        Some(unsafe { D::item(self.columns, row) })
    }

    /// Gives out every row that is left.
    #[inline]
    pub(crate) fn fold<B>(self, init: B, mut f: impl FnMut(B, D::Item<'w>) -> B) -> B {
        let mut folded = init;
        for row in self.next..self.end {
            // SAFETY: as in `next`; `self` is consumed.
            folded = f(folded, unsafe { D::item(self.columns, row) });
        }
        folded
    }

    #[inline]
    pub(crate) fn len(&self) -> usize {
        self.end - self.next
    }

    /// Returns what a row takes of memory.
    pub(crate) fn footprint(&self) -> Footprint {
        D::footprint(self.columns)
    }

    /// Gives the rows that are left out as slices.
    pub(crate) fn into_slices(self) -> (&'w [EntityId], D::Slices<'w>) {
        let len = self.len();
        // SAFETY: as in `next`, for rows `next..end`; ids are never written
        // while the store is borrowed, and are valid for as many rows.
        unsafe {
            (
                std::slice::from_raw_parts(self.ids.add(self.next).as_ptr(), len),
                D::slices(self.columns, self.next, len),
            )
        }
    }

    /// Returns the entities of the rows that are left.
    pub(crate) fn ids(&self) -> &'w [EntityId] {
        // SAFETY: as in `into_slices`.
        unsafe { std::slice::from_raw_parts(self.ids.add(self.next).as_ptr(), self.len()) }
    }

    /// Splits off the rows from the `at`-th on.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let first = self.split_first(at);
        std::mem::replace(self, first)
    }

    /// Splits off the first `at` rows.
    #[inline]
    pub(crate) fn split_first(&mut self, at: usize) -> Self {
        let middle = self.next + at.min(self.len());
        let first = Self { end: middle, ..*self };
        self.next = middle;
        first
    }
}
