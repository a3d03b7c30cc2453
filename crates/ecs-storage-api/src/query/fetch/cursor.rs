//! From record to record: borrowed, or by value.

use std::borrow::Cow;
use std::marker::PhantomData;

use ecs_core::Invariant;

use super::{Fetch, Rows, Word};
use crate::changes::Window;
use crate::query::records::RecordBuffer;

/// Words in a record of `D`.
pub(super) const fn stride<D: Fetch>() -> usize {
    RecordBuffer::HEAD + D::WORDS
}

/// Goes through the records of a query, and gives each out once.
pub(crate) struct Cursor<'r, 'w, D: Fetch> {
    words: &'r [Word],
    window: Window,
    items: Invariant<D>,
    store: PhantomData<&'w mut [u8]>,
}

impl<'r, 'w, D: Fetch> Cursor<'r, 'w, D> {
    /// Begins at the first record.
    ///
    /// # Safety
    /// - The records were made for `D`, and speak the truth for `'w`.
    /// - During `'w` nobody else uses their rows against what `D` does with them.
    #[inline]
    pub(super) unsafe fn over(words: &'r [Word], window: Window) -> Self {
        Self { words, window, items: PhantomData, store: PhantomData }
    }

    /// Returns the rows of the next record.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Rows<'w, D>> {
        let (record, rest) = self.words.split_at_checked(stride::<D>())?;
        self.words = rest;
        // SAFETY: by `over`, and each record is given out once: `words` only loses records,
        // to this or, by `split_off`, to one other cursor.
        Some(unsafe { Rows::of(record, self.window) })
    }

    /// Returns how many records are left.
    pub(crate) fn len(&self) -> usize {
        self.words.len() / stride::<D>()
    }

    /// Splits off the records from the `at`-th on, of those that are left.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let (first, rest) = self.words.split_at(at.min(self.len()) * stride::<D>());
        self.words = first;
        Self { words: rest, ..*self }
    }

    /// Returns how many rows each record has that is left.
    pub(crate) fn row_counts(&self) -> impl Iterator<Item = usize> + use<'r, D> {
        row_counts::<D>(self.words)
    }

    /// Returns how many rows are left in all.
    pub(crate) fn rows_left(&self) -> usize {
        self.row_counts().sum()
    }

    /// Returns one row of the n-th record that is left.
    pub(crate) fn row(self, record: usize, row: usize) -> Option<Rows<'w, D>> {
        let record = self.words.chunks_exact(stride::<D>()).nth(record)?;
        let there = row < record[0].count();
        // SAFETY: by `over`; `self` is consumed, so no record is given out twice.
        there.then(|| unsafe { Rows::part_of(record, self.window, row..row + 1) })
    }
}

/// Returns how many rows each record has, in order.
pub(super) fn row_counts<D: Fetch>(words: &[Word]) -> impl Iterator<Item = usize> {
    words.chunks_exact(stride::<D>()).map(|record| record[0].count())
}

/// Goes through records that it owns, and gives each out once.
pub(crate) struct OwnedCursor<'w, D> {
    /// The records that are left: a pointer beside the vector, so that a loop
    /// keeps its state in registers.
    words: *const Word,
    left: usize,
    window: Window,
    /// Where they lie, unless they are borrowed.
    _owner: Vec<Word>,
    query: Invariant<D>,
    store: PhantomData<&'w mut [u8]>,
}

// SAFETY: words may be sent and shared, and so may what they stand for.
unsafe impl<D> Send for OwnedCursor<'_, D> {}
// SAFETY: as above.
unsafe impl<D> Sync for OwnedCursor<'_, D> {}

impl<'w, D: Fetch> OwnedCursor<'w, D> {
    /// Begins at the first record.
    ///
    /// # Safety
    /// As for [`Cursor::over`].
    #[inline]
    pub(super) unsafe fn over(buffer: Cow<'w, RecordBuffer>, window: Window) -> Self {
        let words = buffer.words();
        let (words, left) = (words.as_ptr(), words.len());
        let owner = match buffer {
            // The words stay where they are when the vector of them moves.
            Cow::Owned(buffer) => buffer.into_words(),
            // They are borrowed for `'w`.
            Cow::Borrowed(_) => Vec::new(),
        };
        Self { words, left, window, _owner: owner, query: PhantomData, store: PhantomData }
    }

    #[inline]
    fn rest(&self) -> Cursor<'_, 'w, D> {
        // SAFETY: `left` words lie there, in `_owner` or borrowed for `'w`; by
        // `over`, and each is given out once, since `left` only falls.
        unsafe { Cursor::over(std::slice::from_raw_parts(self.words, self.left), self.window) }
    }

    /// Returns the rows of the next record.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Rows<'w, D>> {
        let mut rest = self.rest();
        let rows = rest.next()?;
        let rest = rest.words;
        (self.words, self.left) = (rest.as_ptr(), rest.len());
        Some(rows)
    }

    /// Returns how many rows are left in all.
    pub(crate) fn rows_left(&self) -> usize {
        self.rest().rows_left()
    }
}
