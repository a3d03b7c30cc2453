//! The typed fetch: from the pointers of a record to references.
//!
//! This is one of the rooms for unsafe code. Its invariant: a [`Cursor`] over
//! the records of a query of shape `S` reads words that were written for `S`,
//! so that the n-th column pointer is null or addresses the n-th term's
//! component, with as many rows as the record says, for as long as the store
//! is borrowed; and records that write are held by one owner.
#![expect(unsafe_code, reason = "room: the typed fetch over the records of a query")]

mod block;
mod cursor;
mod erased;
mod footprint;
mod lookup;
mod marked;
mod prepared;
mod records;
mod rows;
mod terms;
mod tuples;

use std::fmt;
use std::ops::Range;
use std::ptr::{self, NonNull};

use ecs_core::{ComponentId, EntityId};

use super::matcher::Answer;
use super::shape::QueryShape;
use crate::changes::Window;
use crate::directory::{Directory, TableId};

pub(crate) use cursor::{Cursor, OwnedCursor};
use cursor::{row_counts, stride};
pub(crate) use erased::RecordColumns;
pub(crate) use footprint::Footprint;
pub(crate) use lookup::{Lookup, RowsById};
use lookup::{look_up, matching_bits};
pub use marked::{Mut, Ref};
pub(crate) use prepared::{PreparedByType, TypedPrepared};
pub(crate) use records::TypedRecords;
pub(crate) use rows::Rows;
pub use terms::Has;

/// One word of a record: a count, or a pointer.
#[derive(Clone, Copy)]
#[repr(transparent)]
pub(crate) struct Word(*mut u8);

// SAFETY: words stand for `&[C]`, `&mut [C]` and `&[EntityId]` into a store
// that is borrowed; components are `Send + Sync`, and whoever reads a word goes
// through records that have the borrow's lifetime.
unsafe impl Send for Word {}
// SAFETY: as above.
unsafe impl Sync for Word {}

impl Word {
    #[inline]
    pub(crate) fn from_ptr(pointer: *mut u8) -> Self {
        Self(pointer)
    }

    #[inline]
    pub(crate) fn from_count(count: usize) -> Self {
        Self(ptr::without_provenance_mut(count))
    }

    #[inline]
    pub(crate) fn count(self) -> usize {
        self.0.addr()
    }

    /// Returns the word so many bytes on; of a count, so much more.
    #[inline]
    pub(crate) fn moved(self, bytes: usize) -> Self {
        Self(self.0.wrapping_add(bytes))
    }
}

impl fmt::Debug for Word {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// The columns of one record, handed out term by term.
#[derive(Debug)]
pub struct Columns<'a> {
    ids: NonNull<EntityId>,
    /// Which row of its table is the record's first.
    start: usize,
    window: Window,
    terms: &'a [Word],
}

impl Columns<'_> {
    #[inline]
    fn next(&mut self) -> *mut u8 {
        let (first, rest) = self.terms.split_first().expect("a record has its terms' words");
        self.terms = rest;
        first.0
    }
}

mod sealed {
    use super::*;

    /// What a query fetches, behind the public face.
    ///
    /// # Safety
    /// - `describe` adds `TERMS` terms, whose records have `WORDS` words; `columns`
    ///   takes as many, and `words` gives as many.
    /// - `columns` and `look_up` return `Some` if every required column is there,
    ///   and then pointers to the columns of those terms, in order; `words` gives
    ///   the addresses of those columns and of what belongs to them, null for one
    ///   that is not there.
    /// - `required` holds for no set that lacks a required component.
    /// - `item` reads and writes nothing but the row of those columns, writes
    ///   only to terms described as `Write`, and its item holds nothing that
    ///   outlives `'w`.
    /// - if `READ_ONLY`, no term is described as `Write`.
    /// - types of one `Static` describe the same terms.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` is no query data",
        label = "a query can't ask for this",
        note = "a query asks for `&C`, `&mut C`, `Option` of those, `EntityId`, `Has<C>`, `Ref<C>`, `Mut<C>` and tuples of up to twelve of them, where `C` is a component",
        note = "filters such as `With<C>` are the second parameter"
    )]
    pub unsafe trait Fetch {
        /// The query without its lifetimes, to be known by.
        type Static: 'static;
        /// The columns of one chunk.
        type Columns: Copy;
        /// What one row gives.
        type Item<'w>;
        /// What a run of rows gives.
        type Slices<'w>;
        /// Whether nothing is written.
        const READ_ONLY: bool;
        /// How many terms there are.
        const TERMS: usize;
        /// How many words a record has for them.
        const WORDS: usize;
        /// What a row takes of memory, if all columns are there.
        const FOOTPRINT: Footprint;
        /// The columns of a chunk without rows.
        const NONE: Self::Columns;

        /// Returns what a row takes of memory, of the columns that are there.
        #[inline]
        fn footprint(_columns: Self::Columns) -> Footprint {
            Self::FOOTPRINT
        }

        /// Adds the terms.
        fn describe(shape: &mut QueryShape);

        /// Tells which sets have every required component; `has` says which hold
        /// a component.
        fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A;

        /// Takes the columns of a record; `None` if a required one is missing.
        fn columns(columns: &mut Columns<'_>) -> Option<Self::Columns>;

        /// Finds the columns of a table; `None` if a required one is missing.
        fn look_up(directory: &Directory, table: TableId, window: Window) -> Option<Self::Columns>;

        /// Writes the words that `columns` takes.
        fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8));

        /// Stamps the pages of rows that are lent for writing, and the lines of tracked
        /// components.
        ///
        /// # Safety
        /// As for `item`, for each of the rows; and there is one at least.
        #[inline(always)]
        unsafe fn mark(_columns: Self::Columns, _rows: Range<usize>) {}

        /// As `mark`, of one row of columns that `look_up` found, which are whole and have
        /// pages: there is less to ask.
        ///
        /// # Safety
        /// As for `item`; and `look_up` returned the columns.
        #[inline(always)]
        unsafe fn mark_row(_columns: Self::Columns, _row: usize) {}

        /// Asks memory for one row, which is to be used soon. Any row will do.
        #[inline(always)]
        fn prefetch(_columns: Self::Columns, _row: usize) {}

        /// Returns one row.
        ///
        /// # Safety
        /// - `columns` belong to a chunk with more than `row` rows, valid for
        ///   `'w`, with every required column.
        /// - while the item lives, nobody else uses that row of a column that is
        ///   written, and nobody writes to that row of a column that is read.
        unsafe fn item<'w>(columns: Self::Columns, row: usize) -> Self::Item<'w>;

        /// Returns the rows from `start` on, `len` of them.
        ///
        /// # Safety
        /// As for `item`, for each of the rows.
        unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> Self::Slices<'w>;
    }

    /// Query data that only reads. Sealed too: whoever could say so of `&mut C`
    /// would get two of them to one value.
    #[diagnostic::on_unimplemented(
        message = "`{Self}` writes, or is no query data",
        label = "only what reads can be asked here",
        note = "what writes is asked by `query_mut`, `iter_mut`, `chunks_mut`, `get_mut` and their like"
    )]
    pub trait ReadOnly: Fetch {}
}

pub(crate) use sealed::{Fetch, ReadOnly};

/// What a query gives for each entity.
///
/// `&C`, `&mut C`, `Option<_>`, [`EntityId`], [`Has<C>`](Has), [`Ref<C>`](Ref),
/// [`Mut<C>`](Mut), and tuples of up to twelve of those, nested at will.
pub trait QueryData: Fetch {}

/// Query data that only reads, and so needs the store only for reading.
#[diagnostic::on_unimplemented(
    message = "`{Self}` writes, or is no query data",
    label = "only what reads can be asked here",
    note = "what writes is asked by `query_mut`, `iter_mut`, `chunks_mut`, `get_mut` and their like"
)]
pub trait ReadOnlyQueryData: QueryData + ReadOnly {}

impl<D: Fetch> QueryData for D {}

impl<D: ReadOnly> ReadOnlyQueryData for D {}
