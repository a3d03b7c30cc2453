//! The typed fetch: from the pointers of a record to references.
//!
//! This is one of the rooms for unsafe code. Its invariant: a [`Cursor`] over
//! the records of a query of shape `S` reads words that were written for `S`,
//! so that the n-th column pointer is null or addresses the n-th term's
//! component, with as many rows as the record says, for as long as the store
//! is borrowed; and records that write are held by one owner.
#![expect(unsafe_code, reason = "room: the typed fetch over the records of a query")]

use std::any::TypeId;
use std::borrow::Cow;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::fmt;
use std::hash::{BuildHasherDefault, Hasher};
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use ahash::AHashMap;
use ecs_core::{Component, ComponentId, EntityId, ErasedSlice, ErasedSliceMut};

use super::filter::Filter;
use super::gather::{Prepared, lent};
use super::matcher::Answer;
use super::records::{QueryCost, RecordBuffer, Records};
use super::shape::{QueryError, QueryShape, Term, TermAccess};
use crate::directory::{Directory, HomeLocations, TableId};
use crate::storage::Storage;

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
    terms: &'a [Word],
}

impl Columns<'_> {
    #[inline]
    fn next(&mut self) -> *mut u8 {
        let (first, rest) = self.terms.split_first().expect("a record has a word a term");
        self.terms = rest;
        first.0
    }
}

mod sealed {
    use super::*;

    /// What a query fetches, behind the public face.
    ///
    /// # Safety
    /// - `describe` adds `TERMS` terms, `columns` takes as many words, and `words`
    ///   gives as many.
    /// - `columns` and `look_up` return `Some` if every required column is there,
    ///   and then pointers to the columns of those terms, in order; `words` gives
    ///   the addresses of those columns, null for one that is not there.
    /// - `required` holds for no set that lacks a required component.
    /// - `item` reads and writes nothing but the row of those columns, writes
    ///   only to terms described as `Write`, and its item holds nothing that
    ///   outlives `'w`.
    /// - if `READ_ONLY`, no term is described as `Write`.
    /// - types of one `Static` describe the same terms.
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
        /// The columns of a chunk without rows.
        const NONE: Self::Columns;

        /// Adds the terms.
        fn describe(shape: &mut QueryShape);

        /// Tells which sets have every required component; `has` says which hold
        /// a component.
        fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A;

        /// Takes the columns of a record; `None` if a required one is missing.
        fn columns(columns: &mut Columns<'_>) -> Option<Self::Columns>;

        /// Finds the columns of a table; `None` if a required one is missing.
        fn look_up(
            directory: &Directory,
            table: TableId,
            ids: NonNull<EntityId>,
        ) -> Option<Self::Columns>;

        /// Writes the words that `columns` takes.
        fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8));

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
}

pub(crate) use sealed::Fetch;

/// What a query gives for each entity.
///
/// `&C`, `&mut C`, `Option<_>`, [`EntityId`], [`Has<C>`](Has), and tuples of up
/// to twelve of those, nested at will.
pub trait QueryData: Fetch {}

/// Query data that only reads, and so needs the store only for reading.
pub trait ReadOnlyQueryData: QueryData {}

impl<D: Fetch> QueryData for D {}

// SAFETY (of the impl below, and of each that follows): stated at each.
// SAFETY: one term, described as `Read`; `item` reads its row.
unsafe impl<C: Component> Fetch for &C {
    type Static = &'static C;
    type Columns = NonNull<C>;
    type Item<'w> = &'w C;
    type Slices<'w> = &'w [C];
    const READ_ONLY: bool = true;
    const TERMS: usize = 1;
    const NONE: NonNull<C> = NonNull::dangling();

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Read);
    }

    #[inline]
    fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        has(ComponentId::of::<C>())
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<NonNull<C>> {
        NonNull::new(columns.next().cast())
    }

    #[inline]
    fn look_up(
        directory: &Directory,
        table: TableId,
        _ids: NonNull<EntityId>,
    ) -> Option<NonNull<C>> {
        NonNull::new(directory.column(table, ComponentId::of::<C>()).cast())
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        each(directory.column(table, ComponentId::of::<C>()));
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> &'w C {
        // SAFETY: the caller's: the row is valid for `'w`, and not written.
        unsafe { columns.add(row).as_ref() }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w [C] {
        // SAFETY: the caller's: the rows are valid for `'w`, and not written.
        unsafe { std::slice::from_raw_parts(columns.add(start).as_ptr(), len) }
    }
}

impl<C: Component> ReadOnlyQueryData for &C {}

// SAFETY: one term, described as `Write`; `item` gives its row.
unsafe impl<C: Component> Fetch for &mut C {
    type Static = &'static mut C;
    type Columns = NonNull<C>;
    type Item<'w> = &'w mut C;
    type Slices<'w> = &'w mut [C];
    const READ_ONLY: bool = false;
    const TERMS: usize = 1;
    const NONE: NonNull<C> = NonNull::dangling();

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Write);
    }

    #[inline]
    fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        has(ComponentId::of::<C>())
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<NonNull<C>> {
        NonNull::new(columns.next().cast())
    }

    #[inline]
    fn look_up(
        directory: &Directory,
        table: TableId,
        _ids: NonNull<EntityId>,
    ) -> Option<NonNull<C>> {
        NonNull::new(directory.column(table, ComponentId::of::<C>()).cast())
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        each(directory.column(table, ComponentId::of::<C>()));
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> &'w mut C {
        // SAFETY: the caller's: the row is valid for `'w`, and nobody else's.
        unsafe { columns.add(row).as_mut() }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w mut [C] {
        // SAFETY: the caller's: the rows are valid for `'w`, and nobody else's.
        unsafe { std::slice::from_raw_parts_mut(columns.add(start).as_ptr(), len) }
    }
}

// SAFETY: no term; ids are in every record and are never written while lent.
unsafe impl Fetch for EntityId {
    type Static = EntityId;
    type Columns = NonNull<EntityId>;
    type Item<'w> = EntityId;
    type Slices<'w> = &'w [EntityId];
    const READ_ONLY: bool = true;
    const TERMS: usize = 0;
    const NONE: NonNull<EntityId> = NonNull::dangling();

    #[inline]
    fn describe(_shape: &mut QueryShape) {}

    #[inline]
    fn required<A: Answer>(_has: &impl Fn(ComponentId) -> A) -> A {
        A::ALL
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<NonNull<EntityId>> {
        Some(columns.ids)
    }

    #[inline]
    fn look_up(
        _directory: &Directory,
        _table: TableId,
        ids: NonNull<EntityId>,
    ) -> Option<NonNull<EntityId>> {
        Some(ids)
    }

    #[inline]
    fn words(_directory: &Directory, _table: TableId, _each: &mut impl FnMut(*mut u8)) {}

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> Self::Item<'w> {
        // SAFETY: the caller's: the chunk has more than `row` ids.
        unsafe { columns.add(row).read() }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w [EntityId] {
        // SAFETY: the caller's: the ids are valid for `'w`.
        unsafe { std::slice::from_raw_parts(columns.add(start).as_ptr(), len) }
    }
}

impl ReadOnlyQueryData for EntityId {}

/// Tells whether the entity has `C`, as a `bool`.
pub struct Has<C>(PhantomData<fn() -> C>);

impl<C> fmt::Debug for Has<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Has<{}>", std::any::type_name::<C>())
    }
}

// SAFETY: one term, described as `Presence`; nothing is read or written.
unsafe impl<C: Component> Fetch for Has<C> {
    type Static = Self;
    type Columns = bool;
    type Item<'w> = bool;
    type Slices<'w> = bool;
    const READ_ONLY: bool = true;
    const TERMS: usize = 1;
    const NONE: bool = false;

    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Presence);
    }

    #[inline]
    fn required<A: Answer>(_has: &impl Fn(ComponentId) -> A) -> A {
        A::ALL
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<bool> {
        Some(!columns.next().is_null())
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId, _ids: NonNull<EntityId>) -> Option<bool> {
        Some(directory.has(table, ComponentId::of::<C>()))
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        each(directory.column(table, ComponentId::of::<C>()));
    }

    #[inline]
    unsafe fn item<'w>(columns: bool, _row: usize) -> Self::Item<'w> {
        columns
    }

    #[inline]
    unsafe fn slices<'w>(columns: bool, _start: usize, _len: usize) -> Self::Slices<'w> {
        columns
    }
}

impl<C: Component> ReadOnlyQueryData for Has<C> {}

// SAFETY: no term.
unsafe impl Fetch for () {
    type Static = ();
    type Columns = ();
    type Item<'w> = ();
    type Slices<'w> = ();
    const READ_ONLY: bool = true;
    const TERMS: usize = 0;
    const NONE: () = ();

    fn describe(_shape: &mut QueryShape) {}

    #[inline]
    fn required<A: Answer>(_has: &impl Fn(ComponentId) -> A) -> A {
        A::ALL
    }

    #[inline]
    fn columns(_columns: &mut Columns<'_>) -> Option<()> {
        Some(())
    }

    #[inline]
    fn look_up(_directory: &Directory, _table: TableId, _ids: NonNull<EntityId>) -> Option<()> {
        Some(())
    }

    #[inline]
    fn words(_directory: &Directory, _table: TableId, _each: &mut impl FnMut(*mut u8)) {}

    #[inline]
    unsafe fn item<'w>(_columns: (), _row: usize) -> Self::Item<'w> {}

    #[inline]
    unsafe fn slices<'w>(_columns: (), _start: usize, _len: usize) -> Self::Slices<'w> {}
}

impl ReadOnlyQueryData for () {}

// SAFETY: the terms of `D`, none of them required; rows are given only where
// all that `D` requires is there.
unsafe impl<D: Fetch> Fetch for Option<D> {
    type Static = Option<D::Static>;
    type Columns = Option<D::Columns>;
    type Item<'w> = Option<D::Item<'w>>;
    type Slices<'w> = Option<D::Slices<'w>>;
    const READ_ONLY: bool = D::READ_ONLY;
    const TERMS: usize = D::TERMS;
    const NONE: Self::Columns = None;

    fn describe(shape: &mut QueryShape) {
        shape.optional(D::describe);
    }

    #[inline]
    fn required<A: Answer>(_has: &impl Fn(ComponentId) -> A) -> A {
        A::ALL
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<Self::Columns> {
        Some(D::columns(columns))
    }

    #[inline]
    fn look_up(
        directory: &Directory,
        table: TableId,
        ids: NonNull<EntityId>,
    ) -> Option<Self::Columns> {
        Some(D::look_up(directory, table, ids))
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        D::words(directory, table, each);
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> Self::Item<'w> {
        // SAFETY: the caller's; `Some` means that every required column is there.
        columns.map(|columns| unsafe { D::item(columns, row) })
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> Self::Slices<'w> {
        // SAFETY: the caller's; `Some` means that every required column is there.
        columns.map(|columns| unsafe { D::slices(columns, start, len) })
    }
}

impl<D: ReadOnlyQueryData> ReadOnlyQueryData for Option<D> {}

// unsafe impl<A: Fetch, B: Fetch> Fetch for (A, B) {
//     type Static = (A::Static, B::Static);
//     type Columns = (A::Columns, B::Columns);
//     type Item<'w> = (A::Item<'w>, B::Item<'w>);
//     … every method calls A's, then B's.
// }
macro_rules! tuple_fetch {
    ($($name:ident)*) => {
        // SAFETY: the terms of the members, in order; each keeps its promises.
        // That no component is borrowed twice is checked by `QueryShape::check`
        // before records are made.
        #[allow(non_snake_case)]
        unsafe impl<$($name: Fetch),*> Fetch for ($($name,)*) {
            type Static = ($($name::Static,)*);
            type Columns = ($($name::Columns,)*);
            type Item<'w> = ($($name::Item<'w>,)*);
            type Slices<'w> = ($($name::Slices<'w>,)*);
            const READ_ONLY: bool = true $(&& $name::READ_ONLY)*;
            const TERMS: usize = 0 $(+ $name::TERMS)*;
            const NONE: Self::Columns = ($($name::NONE,)*);

            #[inline]
            fn describe(shape: &mut QueryShape) {
                $($name::describe(shape);)*
            }

            #[inline]
            fn required<Sets: Answer>(has: &impl Fn(ComponentId) -> Sets) -> Sets {
                Sets::ALL $(& $name::required(has))*
            }

            #[inline]
            fn columns(columns: &mut Columns<'_>) -> Option<Self::Columns> {
                // Each takes its words, whether or not the ones before it found
                // their columns.
                $(let $name = $name::columns(columns);)*
                Some(($($name?,)*))
            }

            #[inline]
            fn look_up(directory: &Directory, table: TableId, ids: NonNull<EntityId>) -> Option<Self::Columns> {
                Some(($($name::look_up(directory, table, ids)?,)*))
            }

            #[inline]
            fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
                $($name::words(directory, table, each);)*
            }

            #[inline]
            unsafe fn item<'w>(columns: Self::Columns, row: usize) -> Self::Item<'w> {
                let ($($name,)*) = columns;
                // SAFETY: the caller's, for each member.
                unsafe { ($($name::item($name, row),)*) }
            }

            #[inline]
            unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> Self::Slices<'w> {
                let ($($name,)*) = columns;
                // SAFETY: the caller's, for each member.
                unsafe { ($($name::slices($name, start, len),)*) }
            }
        }

        impl<$($name: ReadOnlyQueryData),*> ReadOnlyQueryData for ($($name,)*) {}
    };
}

tuple_fetch!(A);
tuple_fetch!(A B);
tuple_fetch!(A B C);
tuple_fetch!(A B C D);
tuple_fetch!(A B C D E);
tuple_fetch!(A B C D E F);
tuple_fetch!(A B C D E F G);
tuple_fetch!(A B C D E F G H);
tuple_fetch!(A B C D E F G H I);
tuple_fetch!(A B C D E F G H I J);
tuple_fetch!(A B C D E F G H I J K);
tuple_fetch!(A B C D E F G H I J K L);

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
// SAFETY: as above; a shared reference to it gives nothing out.
unsafe impl<D: Fetch> Sync for Rows<'_, D> {}

impl<'w, D: Fetch> Rows<'w, D> {
    /// Stands for no rows.
    #[inline]
    pub(crate) fn none() -> Self {
        Self { columns: D::NONE, ids: NonNull::dangling(), next: 0, end: 0, store: PhantomData }
    }

    /// Returns the rows of a record.
    ///
    /// # Safety
    /// - The record was made for `D`, and speaks the truth for `'w`.
    /// - During `'w` nobody else uses its rows against what `D` does with them.
    #[inline]
    unsafe fn of(record: &[Word]) -> Self {
        // SAFETY: a record is made where the query matches, so the required
        // columns are there; ids are never null.
        let (columns, ids) = unsafe {
            let ids = NonNull::new_unchecked(record[1].0).cast();
            let mut columns = Columns { ids, terms: &record[RecordBuffer::HEAD..] };
            (D::columns(&mut columns).unwrap_unchecked(), ids)
        };
        Self { columns, ids, next: 0, end: record[0].count(), store: PhantomData }
    }

    /// Returns the next row.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<D::Item<'w>> {
        if self.next == self.end {
            return None;
        }
        let row = self.next;
        self.next += 1;
        // SAFETY: `row < end`, which is within the chunk (see `Cursor::next`);
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
        let middle = self.next + at.min(self.len());
        let tail = Self { next: middle, ..*self };
        self.end = middle;
        tail
    }
}

/// Words in a record of `D`.
const fn stride<D: Fetch>() -> usize {
    RecordBuffer::HEAD + D::TERMS
}

/// Goes through the records of a query, and gives each out once.
pub(crate) struct Cursor<'r, 'w, D: Fetch> {
    words: &'r [Word],
    items: PhantomData<fn() -> D>,
    store: PhantomData<&'w mut [u8]>,
}

impl<'r, 'w, D: Fetch> Cursor<'r, 'w, D> {
    /// Begins at the first record.
    ///
    /// # Safety
    /// - The records were made for `D`, and speak the truth for `'w`.
    /// - During `'w` nobody else uses their rows against what `D` does with them.
    #[inline]
    unsafe fn over(words: &'r [Word]) -> Self {
        Self { words, items: PhantomData, store: PhantomData }
    }

    /// Returns the rows of the next record.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Rows<'w, D>> {
        let (record, rest) = self.words.split_at_checked(stride::<D>())?;
        self.words = rest;
        // SAFETY: by `over`, and each record is given out once.
        Some(unsafe { Rows::of(record) })
    }

    /// Returns how many rows are left in all.
    pub(crate) fn rows_left(&self) -> usize {
        row_counts::<D>(self.words).sum()
    }

    /// Skips records.
    pub(crate) fn skip(mut self, records: usize) -> Self {
        self.words = self.words.get(records * stride::<D>()..).unwrap_or_default();
        self
    }
}

/// Returns how many rows each record has, in order.
fn row_counts<D: Fetch>(words: &[Word]) -> impl Iterator<Item = usize> {
    words.chunks_exact(stride::<D>()).map(|record| record[0].count())
}

/// Records that were made for the shape of `D` under some filter: the only
/// place where typed cursors come from.
pub(crate) struct TypedRecords<'w, D> {
    buffer: Cow<'w, RecordBuffer>,
    /// For look-ups by id, if the backend lends it.
    directory: Option<&'w Directory>,
    query: PhantomData<fn() -> D>,
    store: PhantomData<&'w mut [u8]>,
}

impl<'w, D: Fetch> TypedRecords<'w, D> {
    /// Checks that the records were made for `D` among what meets `F`.
    ///
    /// # Panics
    /// If they were not.
    #[inline]
    pub(crate) fn new<F: Filter>(records: Records<'w>) -> Self {
        // The filter too: look-ups by id trust it to keep to the tables that
        // the records were matched with.
        let shape = QueryShape::describe::<D, F>();
        assert!(shape == *records.shape(), "records are read by a query of their own shape");
        let (buffer, directory) = records.into_parts();
        Self::of(buffer, directory)
    }

    /// Trusts that the records were made for `D`.
    #[inline]
    fn of(buffer: Cow<'w, RecordBuffer>, directory: Option<&'w Directory>) -> Self {
        Self { buffer, directory, query: PhantomData, store: PhantomData }
    }

    #[inline]
    pub(crate) fn directory(&self) -> Option<&'w Directory> {
        self.directory
    }

    /// Returns how many rows each record has, in order.
    pub(crate) fn row_counts(&self) -> impl Iterator<Item = usize> {
        row_counts::<D>(self.buffer.words())
    }

    /// Returns what was looked at and what of it matched.
    pub(crate) fn cost(&self) -> QueryCost {
        self.buffer.cost(self.row_counts())
    }

    /// Goes through the records, which nobody else does meanwhile.
    #[inline]
    pub(crate) fn cursor_mut(&mut self) -> Cursor<'_, '_, D> {
        // SAFETY: `self` is borrowed mutably as long as what is given out.
        unsafe { Cursor::over(self.buffer.words()) }
    }

    /// Goes through the records, as others may do too.
    #[inline]
    pub(crate) fn cursor(&self) -> Cursor<'_, '_, D>
    where
        D: ReadOnlyQueryData,
    {
        // SAFETY: nothing is written, and writers are kept out by the records.
        unsafe { Cursor::over(self.buffer.words()) }
    }

    /// Prepares to find rows by id, which nobody else does meanwhile.
    pub(crate) fn lookup_mut<'q, F: Filter>(
        &'q mut self,
        rows: Option<&'q RowsById>,
    ) -> Lookup<'q, D> {
        // SAFETY: `self` is borrowed mutably as long as what is given out.
        unsafe { Lookup::over::<F>(self, rows) }
    }

    /// As `lookup_mut`, as others may do too.
    pub(crate) fn lookup<'q, F: Filter>(&'q self, rows: Option<&'q RowsById>) -> Lookup<'q, D>
    where
        D: ReadOnlyQueryData,
    {
        // SAFETY: nothing is written, and writers are kept out by the records.
        unsafe { Lookup::over::<F>(self, rows) }
    }

    /// Returns the entities of each record.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &[EntityId]> {
        self.buffer.words().chunks_exact(stride::<D>()).map(|record| {
            // SAFETY: the record says so, for as long as the store is borrowed;
            // ids are never written meanwhile.
            unsafe {
                std::slice::from_raw_parts(record[1].0.cast_const().cast(), record[0].count())
            }
        })
    }

    /// Goes through the records for as long as the store is borrowed.
    #[inline]
    pub(crate) fn into_cursor(self) -> OwnedCursor<'w, D> {
        let words = self.buffer.words();
        let (words, left) = (words.as_ptr(), words.len());
        let owner = match self.buffer {
            // The words stay where they are when the vector of them moves.
            Cow::Owned(buffer) => buffer.into_words(),
            // They are borrowed for `'w`.
            Cow::Borrowed(_) => Vec::new(),
        };
        OwnedCursor { words, left, _owner: owner, query: PhantomData, store: PhantomData }
    }

    /// Finds the row of an entity in the backend's directory; the outer `None`
    /// stands for a backend without one.
    #[inline]
    pub(crate) fn find_mut<F: Filter>(&mut self, entity: EntityId) -> Option<Option<Rows<'_, D>>> {
        // SAFETY: `self` is borrowed mutably as long as what is given out.
        self.directory.map(|directory| unsafe { look_up::<D, F>(directory, entity) })
    }

    /// As `find_mut`, as others may do too.
    #[inline]
    pub(crate) fn find<F: Filter>(&self, entity: EntityId) -> Option<Option<Rows<'_, D>>>
    where
        D: ReadOnlyQueryData,
    {
        // SAFETY: nothing is written, and writers are kept out by the records.
        self.directory.map(|directory| unsafe { look_up::<D, F>(directory, entity) })
    }

    /// Tells whether an entity matches; `None` stands for a backend without a
    /// directory.
    pub(crate) fn contains<F: Filter>(&self, entity: EntityId) -> Option<bool> {
        let directory = self.directory?;
        let matches = |table| {
            let has = |component| directory.has(table, component);
            D::required(&has) && F::answer(&has)
        };
        Some(directory.locate(entity).is_some_and(|location| matches(location.table())))
    }
}

/// Tells of the tables `64 * word ..` which match `D` and `F`.
#[inline]
fn matching_bits<D: Fetch, F: Filter>(directory: &Directory) -> impl Fn(usize) -> u64 {
    |word| {
        let has = |component| directory.table_bits(component, word);
        D::required(&has) & F::answer(&has)
    }
}

/// A prepared query that is known to be of the shape of `D` among what meets
/// `F`, so that its records need not be compared with it.
pub(crate) struct TypedPrepared<D, F> {
    /// Private, never swapped and never lent mutably.
    prepared: Prepared,
    query: PhantomData<fn() -> (D, F)>,
}

impl<D: Fetch, F: Filter> TypedPrepared<D, F> {
    #[inline]
    pub(crate) fn new() -> Result<Self, QueryError> {
        Ok(Self { prepared: Prepared::new(QueryShape::of::<D, F>()?), query: PhantomData })
    }

    pub(crate) fn get(&self) -> &Prepared {
        &self.prepared
    }

    #[inline]
    pub(crate) fn read<'w, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w S,
    ) -> Result<TypedRecords<'w, D>, QueryError> {
        let directory = self.prepared.gather(storage)?;
        Ok(TypedRecords::of(Cow::Borrowed(self.prepared.buffer()), directory))
    }

    #[inline]
    pub(crate) fn write<'w, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w mut S,
    ) -> Result<TypedRecords<'w, D>, QueryError> {
        let directory = self.prepared.gather_mut(storage)?;
        Ok(TypedRecords::of(Cow::Borrowed(self.prepared.buffer()), directory))
    }

    /// Matches a query for this once, for reading.
    #[inline]
    pub(crate) fn read_once<S: Storage + ?Sized>(
        storage: &S,
    ) -> Result<TypedRecords<'_, D>, QueryError>
    where
        D: ReadOnlyQueryData,
    {
        match storage.directory() {
            Some(directory) => Ok(Self::of_directory(directory.get_ref())),
            None => {
                let mut once = Self::new()?;
                once.prepared.gather(storage)?;
                Ok(TypedRecords::of(Cow::Owned(once.prepared.into_buffer()), None))
            }
        }
    }

    /// Matches a query for this once, for writing.
    #[inline]
    pub(crate) fn write_once<S: Storage + ?Sized>(
        storage: &mut S,
    ) -> Result<TypedRecords<'_, D>, QueryError> {
        if storage.directory_mut().is_some() {
            if D::TERMS > 1 && !D::READ_ONLY {
                QueryShape::of::<D, F>()?;
            }
            return Ok(Self::of_directory(lent(storage)));
        }
        let mut once = Self::new()?;
        once.prepared.gather_mut(storage)?;
        Ok(TypedRecords::of(Cow::Owned(once.prepared.into_buffer()), None))
    }

    /// Makes a record of each table that matches, without a list of them.
    #[inline]
    fn of_directory(directory: &Directory) -> TypedRecords<'_, D> {
        let mut words = Vec::new();
        directory.matching(matching_bits::<D, F>(directory), 0, |table| {
            let rows = directory.len(table);
            if rows != 0 {
                push_record::<D>(&mut words, directory, table, rows);
            }
        });
        TypedRecords::of(Cow::Owned(RecordBuffer::of(words)), Some(directory))
    }
}

/// Writes the record of a table.
#[inline]
fn push_record<D: Fetch>(
    words: &mut Vec<Word>,
    directory: &Directory,
    table: TableId,
    rows: usize,
) {
    let (start, stride) = (words.len(), stride::<D>());
    if words.capacity() - start < stride {
        words.reserve(32 * stride);
    }
    let record = &mut words.spare_capacity_mut()[..stride];
    record[0].write(Word::from_count(rows));
    record[1].write(Word::from_ptr(directory.ids(table).as_ptr().cast()));
    let mut next = RecordBuffer::HEAD;
    D::words(directory, table, &mut |word| {
        record[next].write(Word::from_ptr(word));
        next += 1;
    });
    // SAFETY: the head was written, and a word a term (`Fetch`).
    unsafe { words.set_len(start + stride) };
}

/// Prepared queries by their types.
#[derive(Debug, Default)]
pub(crate) struct PreparedByType(HashMap<TypeId, Prepared, BuildHasherDefault<TypeHasher>>);

impl PreparedByType {
    /// Matches a query, for writing.
    #[inline]
    pub(crate) fn write<'w, D: Fetch, F: Filter, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w mut S,
    ) -> Result<TypedRecords<'w, D>, QueryError> {
        let prepared = match self.0.entry(TypeId::of::<(D::Static, F)>()) {
            Entry::Occupied(known) => known.into_mut(),
            Entry::Vacant(new) => new.insert(Prepared::new(QueryShape::of::<D, F>()?)),
        };
        let directory = prepared.gather_mut(storage)?;
        // Whatever lies under this type was prepared for `D` and `F` (`Fetch`).
        Ok(TypedRecords::of(Cow::Borrowed(prepared.buffer()), directory))
    }
}

/// Takes a `TypeId` for its own hash, which it is.
#[derive(Debug, Default)]
pub(crate) struct TypeHasher(u64);

impl Hasher for TypeHasher {
    fn write(&mut self, bytes: &[u8]) {
        for &byte in bytes {
            self.0 = self.0.rotate_left(8) ^ u64::from(byte);
        }
    }

    #[inline]
    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }

    #[inline]
    fn finish(&self) -> u64 {
        self.0
    }
}

/// Goes through records that it owns, and gives each out once.
pub(crate) struct OwnedCursor<'w, D> {
    /// The records that are left: a pointer beside the vector, so that a loop
    /// keeps its state in registers.
    words: *const Word,
    left: usize,
    /// Where they lie, unless they are borrowed.
    _owner: Vec<Word>,
    query: PhantomData<fn() -> D>,
    store: PhantomData<&'w mut [u8]>,
}

// SAFETY: words may be sent and shared, and so may what they stand for.
unsafe impl<D> Send for OwnedCursor<'_, D> {}
// SAFETY: as above.
unsafe impl<D> Sync for OwnedCursor<'_, D> {}

impl<'w, D: Fetch> OwnedCursor<'w, D> {
    #[inline]
    fn rest(&self) -> Cursor<'_, 'w, D> {
        // SAFETY: `left` words lie there, in `_owner` or borrowed for `'w`; they
        // come from `TypedRecords`, which this took by value, and each is given
        // out once, since `left` only falls.
        unsafe { Cursor::over(std::slice::from_raw_parts(self.words, self.left)) }
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

/// Finds the row of an entity that matches `D` and `F`.
///
/// # Safety
/// - The directory is lent for `'w`, to a holder of records for `D` and `F`.
/// - Nobody else uses those rows against what `D` does with them during `'w`.
#[inline]
unsafe fn look_up<'w, D: Fetch, F: Filter>(
    directory: &'w Directory,
    entity: EntityId,
) -> Option<Rows<'w, D>> {
    let location = directory.locate(entity)?;
    let (table, row) = (location.table(), location.row());
    if !F::answer(&|component| directory.has(table, component)) {
        return None;
    }
    let ids = directory.ids(table);
    let columns = D::look_up(directory, table, ids)?;
    Some(Rows { columns, ids, next: row, end: row + 1, store: PhantomData })
}

impl<D: Fetch> fmt::Debug for TypedRecords<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedRecords").field("cost", &self.cost()).finish_non_exhaustive()
    }
}

impl<'w, D: Fetch> Rows<'w, D> {
    /// Keeps one row only.
    pub(crate) fn only(mut self, row: usize) -> Self {
        let mut tail = self.split_off(row);
        tail.split_off(1);
        tail
    }
}

/// By entity: the record and the row in it, for a backend without a directory.
pub(crate) type RowsById = AHashMap<EntityId, (u32, u32)>;

/// Finds rows by id, with the columns of every matching table at hand.
pub(crate) struct Lookup<'q, D: Fetch> {
    /// Empty where there is no directory.
    homes: HomeLocations<'q>,
    /// By table; `None` where the query does not match.
    columns: Vec<Option<D::Columns>>,
    records: &'q TypedRecords<'q, D>,
    /// `None` where there is a directory.
    rows: Option<&'q RowsById>,
    store: PhantomData<&'q mut [u8]>,
}

// SAFETY: it stands for the items of `D`, references to components, which are
// `Send + Sync`.
unsafe impl<D: Fetch> Send for Lookup<'_, D> {}
// SAFETY: as above; a shared reference gives out what `D` reads and no more
// (`Lookup::get`).
unsafe impl<D: Fetch> Sync for Lookup<'_, D> {}

impl<'q, D: Fetch> Lookup<'q, D> {
    /// Resolves the columns of every table that matches.
    ///
    /// # Safety
    /// - `records` were matched with `F`, `rows` are theirs.
    /// - During `'q` nobody else uses the records' rows against what `D` does
    ///   with them.
    unsafe fn over<F: Filter>(
        records: &'q TypedRecords<'q, D>,
        rows: Option<&'q RowsById>,
    ) -> Self {
        let mut columns = Vec::new();
        if let Some(directory) = records.directory {
            directory.matching(matching_bits::<D, F>(directory), 0, |table| {
                columns.resize(table.index(), None);
                columns.push(D::look_up(directory, table, directory.ids(table)));
            });
        }
        let homes = records.directory.map(Directory::home_locations).unwrap_or_default();
        Self { homes, columns, records, rows, store: PhantomData }
    }

    /// Finds the row of an entity that matches.
    ///
    /// # Safety
    /// While the item lives, nobody else uses the row against what `D` does with
    /// it.
    #[inline]
    unsafe fn find<'i>(&self, entity: EntityId) -> Option<D::Item<'i>> {
        let Some((columns, row)) = self.homes.probe(entity).and_then(|(table, row)| {
            // A number that no table has stands for an entity that is not there.
            Some((self.columns.get(table)?, row))
        }) else {
            // SAFETY: the caller's.
            return unsafe { self.find_elsewhere(entity) };
        };
        // SAFETY: the columns are those of the entity's table, and the required
        // ones are there, since it matches; the rest is the caller's.
        (*columns).map(|columns| unsafe { D::item(columns, row) })
    }

    /// Finds the row of an entity that another shard named, or in a backend
    /// without a directory.
    ///
    /// # Safety
    /// As for `find`.
    #[cold]
    #[inline(never)]
    unsafe fn find_elsewhere<'i>(&self, entity: EntityId) -> Option<D::Item<'i>> {
        match self.rows {
            Some(rows) => {
                let &(record, row) = rows.get(&entity)?;
                // SAFETY: by `over`, and the caller's.
                let cursor = unsafe { Cursor::<D>::over(self.records.buffer.words()) };
                cursor.skip(record as usize).next()?.only(row as usize).next()
            }
            None => {
                let at = self.records.directory?.locate(entity)?;
                let columns = (*self.columns.get(at.table().index())?)?;
                // SAFETY: as in `find`.
                Some(unsafe { D::item(columns, at.row()) })
            }
        }
    }

    #[inline]
    pub(crate) fn get(&self, entity: EntityId) -> Option<D::Item<'_>>
    where
        D: ReadOnlyQueryData,
    {
        // SAFETY: `D` writes nothing, and writers are kept out (`over`).
        unsafe { self.find(entity) }
    }

    #[inline]
    pub(crate) fn get_mut(&mut self, entity: EntityId) -> Option<D::Item<'_>> {
        // SAFETY: `self` is borrowed mutably as long as the item, and others are
        // kept out (`over`).
        unsafe { self.find(entity) }
    }

    /// Finds several rows; `None` stands for one that is not found or was listed
    /// before.
    pub(crate) fn get_many_mut<const N: usize>(
        &mut self,
        entities: [EntityId; N],
    ) -> [Option<D::Item<'_>>; N] {
        std::array::from_fn(|n| {
            if entities[..n].contains(&entities[n]) {
                return None;
            }
            // SAFETY: as in `get_mut`; different entities have different rows.
            unsafe { self.find(entities[n]) }
        })
    }

    pub(crate) fn contains(&self, entity: EntityId) -> bool {
        if let Some(rows) = self.rows {
            return rows.contains_key(&entity);
        }
        let location = self.records.directory.and_then(|directory| directory.locate(entity));
        location.is_some_and(|location| {
            matches!(self.columns.get(location.table().index()), Some(Some(_)))
        })
    }
}

impl<D: Fetch> fmt::Debug for Lookup<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.records.fmt(f)
    }
}

/// The columns of one record, by number of term.
pub(crate) struct RecordColumns<'w> {
    len: usize,
    ids: *const EntityId,
    terms: Vec<(Term, Word)>,
    store: PhantomData<&'w mut [u8]>,
}

impl<'w> RecordColumns<'w> {
    /// Goes through the records, which nobody else does meanwhile, splitting
    /// each by term.
    pub(crate) fn each(records: &'w mut Records<'_>) -> impl Iterator<Item = Self> {
        let (terms, stride) = (records.shape().terms(), records.stride());
        records.words().chunks_exact(stride).map(move |record| {
            let words = record[RecordBuffer::HEAD..].iter().copied();
            let terms = terms.iter().copied().zip(words).collect();
            Self {
                len: record[0].count(),
                ids: record[1].0.cast_const().cast(),
                terms,
                store: PhantomData,
            }
        })
    }

    pub(crate) fn ids(&self) -> &'w [EntityId] {
        // SAFETY: the record says so, for `'w` (`each`).
        unsafe { std::slice::from_raw_parts(self.ids, self.len) }
    }

    pub(crate) fn read(&self, component: ComponentId) -> Option<ErasedSlice<'_>> {
        let touches =
            |term: &Term| term.component == component && term.access != TermAccess::Presence;
        let (_, word) = self.terms.iter().find(|(term, _)| touches(term))?;
        let first = NonNull::new(word.0)?;
        // SAFETY: the record says so (`each`); the borrow of `self` keeps a
        // mutable slice of the same column from living beside it.
        Some(unsafe { ErasedSlice::from_raw(component.info(), first, self.len) })
    }

    pub(crate) fn write(&mut self, component: ComponentId) -> Option<ErasedSliceMut<'_>> {
        let writes = |term: &Term| term.component == component && term.access == TermAccess::Write;
        let (_, word) = self.terms.iter().find(|(term, _)| writes(term))?;
        let first = NonNull::new(word.0)?;
        // SAFETY: the record says so (`each`), the term is written, and `self` is
        // borrowed mutably meanwhile.
        Some(unsafe { ErasedSliceMut::from_raw(component.info(), first, self.len) })
    }
}
