//! The chunks that a query matched, as flat pointers.

use std::any::TypeId;
use std::borrow::Cow;
use std::marker::PhantomData;

use ecs_core::EntityId;

use super::fetch::Word;
use super::shape::QueryShape;
use crate::directory::Directory;

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
/// A record is a line of words: how many rows, where their ids lie, and where
/// the column of each term lies (null if there is none).
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
    pub(crate) const HEAD: usize = 2;

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

    /// Counts a chunk that a backend offered.
    pub(crate) fn offered(&mut self, rows: usize) {
        let (chunks, before) = self.offered.unwrap_or_default();
        self.offered = Some((chunks + 1, before + rows));
    }

    /// Adds a record: `columns` has a pointer for each term.
    #[inline]
    pub(crate) fn push(
        &mut self,
        rows: usize,
        ids: *const EntityId,
        columns: impl Iterator<Item = *mut u8>,
    ) {
        self.rows += rows;
        self.words.push(Word::from_count(rows));
        self.words.push(Word::from_ptr(ids.cast_mut().cast()));
        self.words.extend(columns.map(Word::from_ptr));
    }
}

/// The chunks that a query matched, for as long as the store is borrowed.
///
/// Records are filled by this crate alone, from what a sink checked or a
/// directory says, and are held by one query: whoever holds records that write
/// holds the only way to those values.
#[derive(Debug)]
pub struct Records<'w> {
    shape: Cow<'w, QueryShape>,
    /// The types that the shape was taken from, if it was taken from types.
    query: Option<TypeId>,
    buffer: Cow<'w, RecordBuffer>,
    /// For look-ups by id, if the backend lends it.
    directory: Option<&'w Directory>,
    store: PhantomData<&'w mut [u8]>,
}

impl<'w> Records<'w> {
    #[inline]
    pub(crate) fn new(
        shape: Cow<'w, QueryShape>,
        query: Option<TypeId>,
        buffer: Cow<'w, RecordBuffer>,
        directory: Option<&'w Directory>,
    ) -> Self {
        Self { shape, query, buffer, directory, store: PhantomData }
    }

    /// Returns the types that the shape was taken from, if it was.
    #[inline]
    pub(crate) fn query(&self) -> Option<TypeId> {
        self.query
    }

    #[inline]
    pub(crate) fn shape(&self) -> &QueryShape {
        &self.shape
    }

    #[inline]
    pub(crate) fn words(&self) -> &[Word] {
        &self.buffer.words
    }

    #[inline]
    pub(crate) fn into_parts(self) -> (Cow<'w, RecordBuffer>, Option<&'w Directory>) {
        (self.buffer, self.directory)
    }

    /// Returns how many words a record has.
    #[inline]
    pub(crate) fn stride(&self) -> usize {
        RecordBuffer::HEAD + self.shape.terms().len()
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
