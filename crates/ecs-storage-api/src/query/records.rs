//! The chunks that a query matched, as flat pointers.

use std::any::TypeId;
use std::borrow::Cow;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr;
use std::sync::atomic::AtomicU64;

use ecs_core::EntityId;
use smallvec::{SmallVec, smallvec};

use super::fetch::Word;
use super::shape::{QueryShape, Term};
use crate::changes::Window;
use crate::directory::{Directory, TicksAt};

/// What a query was shown, and what of it matched.
///
/// For tests that prove that a backend looks at no more than it must.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct QueryCost {
    /// Chunks that were looked at.
    pub chunks_visited: usize,
    /// Rows in the chunks that were looked at.
    pub rows_visited: usize,
    /// Chunks that matched.
    pub chunks_matched: usize,
    /// Rows in the chunks that matched.
    pub rows_matched: usize,
}

/// Records under construction, or kept for their memory.
///
/// A record is a line of words: how many rows (one at least), where their ids lie,
/// which row of its table is the first, and for each term where its column lies (null
/// if there is none), with what belongs to it ([`Term::words`]).
#[derive(Debug, Clone, Default)]
pub(crate) struct RecordBuffer {
    words: Vec<Word>,
    /// Rows in all records.
    rows: usize,
    /// Chunks and rows that a backend offered, if it offered them one by one.
    offered: Option<(usize, usize)>,
}

impl RecordBuffer {
    /// Words before those of the terms.
    pub(crate) const HEAD: usize = 3;

    /// Takes records that were written elsewhere.
    pub(crate) fn of(words: Vec<Word>) -> Self {
        Self { words, ..Self::default() }
    }

    pub(crate) fn clear(&mut self) {
        self.words.clear();
        self.rows = 0;
        self.offered = None;
    }

    /// Returns how many rows the records have that were pushed.
    #[inline]
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    #[inline]
    pub(crate) fn words(&self) -> &[Word] {
        &self.words
    }

    #[inline]
    pub(crate) fn into_words(self) -> Vec<Word> {
        self.words
    }

    /// Returns what was looked at, and what of it matched: chunks with so many
    /// rows.
    pub(crate) fn cost(&self, matched: impl Iterator<Item = usize>) -> QueryCost {
        let (chunks_matched, rows_matched) =
            matched.fold((0, 0), |(chunks, rows), more| (chunks + 1, rows + more));
        let (chunks_visited, rows_visited) = self.offered.unwrap_or((chunks_matched, rows_matched));
        QueryCost { chunks_visited, rows_visited, chunks_matched, rows_matched }
    }

    /// Counts a chunk that a backend offered, or of which rows had to be looked at.
    pub(crate) fn offered(&mut self, rows: usize) {
        let (chunks, before) = self.offered.unwrap_or_default();
        self.offered = Some((chunks + 1, before + rows));
    }

    /// Adds a record of some rows of a table whose ids begin at `ids`; `terms` has
    /// what each term needs, from the first of the rows on.
    #[inline]
    pub(crate) fn push(
        &mut self,
        ids: *const EntityId,
        rows: Range<usize>,
        terms: impl Iterator<Item = (Term, TermWords)>,
    ) {
        debug_assert!(!rows.is_empty());
        self.rows += rows.len();
        self.words.push(Word::from_count(rows.len()));
        self.words.push(Word::from_ptr(ids.wrapping_add(rows.start).cast_mut().cast()));
        self.words.push(Word::from_count(rows.start));
        for (term, at) in terms {
            at.each(&term, 0, |word, _| self.words.push(word));
        }
    }

    /// Adds the record of some rows of a table.
    #[inline]
    pub(crate) fn push_rows(&mut self, table: &RecordPattern, rows: Range<usize>) {
        // Most have few words: their records are written without a loop.
        match table.words.as_slice() {
            &[a, b, c, d] => self.push_moved([a, b, c, d], rows),
            &[a, b, c, d, e] => self.push_moved([a, b, c, d, e], rows),
            &[a, b, c, d, e, f] => self.push_moved([a, b, c, d, e, f], rows),
            words => self.push_moved(words.iter().copied(), rows),
        }
    }

    #[inline(always)]
    fn push_moved(&mut self, table: impl IntoIterator<Item = (Word, usize)>, rows: Range<usize>) {
        debug_assert!(!rows.is_empty());
        self.rows += rows.len();
        let count = std::iter::once(Word::from_count(rows.len()));
        let moved = table.into_iter().map(|(word, step)| word.moved(step * rows.start));
        self.words.extend(count.chain(moved));
    }

    /// As [`push_rows`](Self::push_rows), of a table of which three words are known: those of
    /// one term that is read. A scan for single rows that changed does little else.
    #[inline(always)]
    pub(crate) fn push_rows_of_a_term(&mut self, table: &[(Word, usize); 3], rows: Range<usize>) {
        debug_assert!(!rows.is_empty());
        self.rows += rows.len();
        let [a, b, c] = table.map(|(word, step)| word.moved(step * rows.start));
        self.words.extend_from_slice(&[Word::from_count(rows.len()), a, b, c]);
    }
}

/// The record of a table, of which those of its runs of rows differ by a step a
/// row.
pub(crate) struct RecordPattern {
    /// The words behind the number of rows, as of the first row, and by how many
    /// bytes each moves a row.
    words: SmallVec<[(Word, usize); 8]>,
}

impl RecordPattern {
    /// Makes the pattern of a table whose ids begin at `ids`; `terms` has what
    /// each term needs, from the first row on, and by how many bytes its values
    /// are apart.
    pub(crate) fn new(
        ids: *const EntityId,
        terms: impl Iterator<Item = (Term, TermWords, usize)>,
    ) -> Self {
        let ids = Word::from_ptr(ids.cast_mut().cast());
        let mut words = smallvec![(ids, size_of::<EntityId>()), (Word::from_count(0), 1)];
        for (term, at, stride) in terms {
            at.each(&term, stride, |word, step| words.push((word, step)));
        }
        Self { words }
    }

    /// Returns the words of a query of one term that is read.
    pub(crate) fn of_a_term(&self) -> Option<&[(Word, usize); 3]> {
        self.words.as_array()
    }
}

/// Where the column of a term lies, and what belongs to it; null where something
/// is not there.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TermWords {
    /// The value of the first row.
    pub(crate) first: *mut u8,
    /// The versions of the table's pages, from its first row on.
    pub(crate) pages: *const AtomicU64,
    /// The ticks of the first row.
    pub(crate) ticks: TicksAt,
}

impl TermWords {
    pub(crate) const NONE: Self =
        Self { first: ptr::null_mut(), pages: ptr::null(), ticks: TicksAt::NONE };

    /// Returns those of a column without versions.
    pub(crate) fn of(first: *mut u8) -> Self {
        Self { first, ..Self::NONE }
    }

    /// Gives out the words of a term, in order, and by how many bytes each moves a
    /// row if values are `stride` bytes apart: what is not there does not.
    #[inline]
    fn each(self, term: &Term, stride: usize, mut give: impl FnMut(Word, usize)) {
        let mut give = |word: *mut u8, step| {
            give(Word::from_ptr(word), if word.is_null() { 0 } else { step });
        };
        give(self.first, stride);
        if term.words() > 1 {
            give(self.pages.cast_mut().cast(), 0);
            if term.tracked {
                give(self.ticks.changed.cast(), size_of::<u32>());
                give(self.ticks.lines.cast_mut().cast(), 0);
            }
        }
        if term.ticks {
            give(self.ticks.added.cast(), size_of::<u32>());
        }
    }

    /// Returns the same from a later row on, values being `stride` bytes apart.
    pub(crate) fn moved(self, rows: usize, stride: usize) -> Self {
        let step = |ticks: *mut u32| match ticks.is_null() {
            true => ticks,
            false => ticks.wrapping_add(rows),
        };
        let first = match self.first.is_null() {
            true => self.first,
            false => self.first.wrapping_add(rows * stride),
        };
        let TicksAt { changed, added, lines } = self.ticks;
        let ticks = TicksAt { changed: step(changed), added: step(added), lines };
        Self { first, ticks, ..self }
    }
}

/// The shape of records: where their query keeps it, or a copy. Records are handed
/// on by value, and a shape is large.
#[derive(Debug)]
pub(super) enum ShapeOf<'w> {
    Borrowed(&'w QueryShape),
    Owned(Box<QueryShape>),
}

/// The chunks that a query matched, for as long as the store is borrowed.
///
/// Records are filled by this crate alone, from what a sink checked or a
/// directory says, and are held by one query: whoever holds records that write
/// holds the only way to those values.
#[derive(Debug)]
pub struct Records<'w> {
    shape: ShapeOf<'w>,
    /// The types that the shape was taken from, if it was taken from types.
    query: Option<TypeId>,
    buffer: Cow<'w, RecordBuffer>,
    /// For look-ups by id, if the backend lends it.
    directory: Option<&'w Directory>,
    window: Window,
    store: PhantomData<&'w mut [u8]>,
}

impl<'w> Records<'w> {
    #[inline]
    pub(super) fn new(
        shape: ShapeOf<'w>,
        query: Option<TypeId>,
        buffer: Cow<'w, RecordBuffer>,
        directory: Option<&'w Directory>,
        window: Window,
    ) -> Self {
        Self { shape, query, buffer, directory, window, store: PhantomData }
    }

    /// Returns the types that the shape was taken from, if it was.
    #[inline]
    pub(crate) fn query(&self) -> Option<TypeId> {
        self.query
    }

    #[inline]
    pub(crate) fn shape(&self) -> &QueryShape {
        match &self.shape {
            ShapeOf::Borrowed(shape) => shape,
            ShapeOf::Owned(shape) => shape,
        }
    }

    #[inline]
    pub(crate) fn words(&self) -> &[Word] {
        &self.buffer.words
    }

    #[inline]
    pub(crate) fn into_parts(self) -> (Cow<'w, RecordBuffer>, Option<&'w Directory>, Window) {
        (self.buffer, self.directory, self.window)
    }

    /// Returns what counts as new, and how writes are stamped.
    pub fn window(&self) -> Window {
        self.window
    }

    /// Returns how many words a record has.
    #[inline]
    pub(crate) fn stride(&self) -> usize {
        RecordBuffer::HEAD + self.shape().terms().iter().map(Term::words).sum::<usize>()
    }

    /// Returns how many rows each record has, in order.
    pub(crate) fn row_counts(&self) -> impl Iterator<Item = usize> + '_ {
        self.words().chunks_exact(self.stride()).map(|record| record[0].count())
    }

    /// Returns what was looked at and what of it matched.
    pub fn cost(&self) -> QueryCost {
        self.buffer.cost(self.row_counts())
    }
}
