//! The typed fetch: from the pointers of a record to references.
//!
//! This is one of the rooms for unsafe code. Its invariant: a [`Cursor`] over
//! the records of a query of shape `S` reads words that were written for `S`,
//! so that the n-th column pointer is null or addresses the n-th term's
//! component, with as many rows as the record says, for as long as the store
//! is borrowed; and records that write are held by one owner.
#![expect(unsafe_code, reason = "room: the typed fetch over the records of a query")]

use std::fmt;
use std::marker::PhantomData;
use std::ptr::{self, NonNull};

use ahash::AHashMap;
use ecs_core::{Component, ComponentId, EntityId, ErasedSlice, ErasedSliceMut};

use super::filter::Filter;
use super::gather::Prepared;
use super::records::{RecordBuffer, Records};
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
    ids: *const EntityId,
    terms: &'a [Word],
}

impl Columns<'_> {
    #[inline]
    fn next(&mut self) -> *mut u8 {
        // Nothing is left only where there are no rows (`Rows::none`).
        let Some((first, rest)) = self.terms.split_first() else { return ptr::null_mut() };
        self.terms = rest;
        first.0
    }
}

mod sealed {
    use super::*;

    /// What a query fetches, behind the public face.
    ///
    /// # Safety
    /// - `columns` and `look_up` return pointers that are null or address the
    ///   columns of the terms that `describe` added, in order.
    /// - `item` reads and writes nothing but the row of those columns, writes
    ///   only to terms described as `Write`, and its item holds nothing that
    ///   outlives `'w`.
    /// - if `READ_ONLY`, no term is described as `Write`.
    pub unsafe trait Fetch {
        /// The columns of one chunk.
        type Columns: Copy;
        /// What one row gives.
        type Item<'w>;
        /// What a run of rows gives.
        type Slices<'w>;
        /// Whether nothing is written.
        const READ_ONLY: bool;

        /// Adds the terms.
        fn describe(shape: &mut QueryShape);

        /// Takes the columns of a record.
        fn columns(columns: &mut Columns<'_>) -> Self::Columns;

        /// Finds the columns of a table; `None` if a required one is missing.
        fn look_up(
            directory: &Directory,
            table: TableId,
            ids: *const EntityId,
        ) -> Option<Self::Columns>;

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

        /// Tells whether every required column is there.
        fn present(columns: Self::Columns) -> bool;
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
    type Columns = *const C;
    type Item<'w> = &'w C;
    type Slices<'w> = &'w [C];
    const READ_ONLY: bool = true;

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Read);
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Self::Columns {
        columns.next().cast_const().cast()
    }

    #[inline]
    fn look_up(
        directory: &Directory,
        table: TableId,
        _ids: *const EntityId,
    ) -> Option<Self::Columns> {
        let column = directory.column(table, ComponentId::of::<C>());
        (!column.is_null()).then(|| column.cast_const().cast())
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> &'w C {
        // SAFETY: the caller's: the row is valid for `'w`, and not written.
        unsafe { &*columns.add(row) }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w [C] {
        // SAFETY: the caller's: the rows are valid for `'w`, and not written.
        unsafe { std::slice::from_raw_parts(columns.add(start), len) }
    }

    #[inline]
    fn present(columns: Self::Columns) -> bool {
        !columns.is_null()
    }
}

impl<C: Component> ReadOnlyQueryData for &C {}

// SAFETY: one term, described as `Write`; `item` gives its row.
unsafe impl<C: Component> Fetch for &mut C {
    type Columns = *mut C;
    type Item<'w> = &'w mut C;
    type Slices<'w> = &'w mut [C];
    const READ_ONLY: bool = false;

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Write);
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Self::Columns {
        columns.next().cast()
    }

    #[inline]
    fn look_up(
        directory: &Directory,
        table: TableId,
        _ids: *const EntityId,
    ) -> Option<Self::Columns> {
        let column = directory.column(table, ComponentId::of::<C>());
        (!column.is_null()).then(|| column.cast())
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> &'w mut C {
        // SAFETY: the caller's: the row is valid for `'w`, and nobody else's.
        unsafe { &mut *columns.add(row) }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w mut [C] {
        // SAFETY: the caller's: the rows are valid for `'w`, and nobody else's.
        unsafe { std::slice::from_raw_parts_mut(columns.add(start), len) }
    }

    #[inline]
    fn present(columns: Self::Columns) -> bool {
        !columns.is_null()
    }
}

// SAFETY: no term; ids are in every record and are never written while lent.
unsafe impl Fetch for EntityId {
    type Columns = *const EntityId;
    type Item<'w> = EntityId;
    type Slices<'w> = &'w [EntityId];
    const READ_ONLY: bool = true;

    #[inline]
    fn describe(_shape: &mut QueryShape) {}

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Self::Columns {
        columns.ids
    }

    #[inline]
    fn look_up(
        _directory: &Directory,
        _table: TableId,
        ids: *const EntityId,
    ) -> Option<Self::Columns> {
        Some(ids)
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> Self::Item<'w> {
        // SAFETY: the caller's: the chunk has more than `row` ids.
        unsafe { *columns.add(row) }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w [EntityId] {
        // SAFETY: the caller's: the ids are valid for `'w`.
        unsafe { std::slice::from_raw_parts(columns.add(start), len) }
    }

    #[inline]
    fn present(_columns: Self::Columns) -> bool {
        true
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
    type Columns = bool;
    type Item<'w> = bool;
    type Slices<'w> = bool;
    const READ_ONLY: bool = true;

    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Presence);
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> bool {
        !columns.next().is_null()
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId, _ids: *const EntityId) -> Option<bool> {
        Some(directory.has(table, ComponentId::of::<C>()))
    }

    #[inline]
    unsafe fn item<'w>(columns: bool, _row: usize) -> Self::Item<'w> {
        columns
    }

    #[inline]
    unsafe fn slices<'w>(columns: bool, _start: usize, _len: usize) -> Self::Slices<'w> {
        columns
    }

    #[inline]
    fn present(_columns: bool) -> bool {
        true
    }
}

impl<C: Component> ReadOnlyQueryData for Has<C> {}

// SAFETY: no term.
unsafe impl Fetch for () {
    type Columns = ();
    type Item<'w> = ();
    type Slices<'w> = ();
    const READ_ONLY: bool = true;

    fn describe(_shape: &mut QueryShape) {}

    #[inline]
    fn columns(_columns: &mut Columns<'_>) {}

    #[inline]
    fn look_up(_directory: &Directory, _table: TableId, _ids: *const EntityId) -> Option<()> {
        Some(())
    }

    #[inline]
    unsafe fn item<'w>(_columns: (), _row: usize) -> Self::Item<'w> {}

    #[inline]
    unsafe fn slices<'w>(_columns: (), _start: usize, _len: usize) -> Self::Slices<'w> {}

    #[inline]
    fn present(_columns: ()) -> bool {
        true
    }
}

impl ReadOnlyQueryData for () {}

// SAFETY: the terms of `D`, none of them required; rows are given only where
// all that `D` requires is there.
unsafe impl<D: Fetch> Fetch for Option<D> {
    type Columns = Option<D::Columns>;
    type Item<'w> = Option<D::Item<'w>>;
    type Slices<'w> = Option<D::Slices<'w>>;
    const READ_ONLY: bool = D::READ_ONLY;

    fn describe(shape: &mut QueryShape) {
        shape.optional(D::describe);
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Self::Columns {
        let inner = D::columns(columns);
        D::present(inner).then_some(inner)
    }

    #[inline]
    fn look_up(
        directory: &Directory,
        table: TableId,
        ids: *const EntityId,
    ) -> Option<Self::Columns> {
        Some(D::look_up(directory, table, ids))
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

    #[inline]
    fn present(_columns: Self::Columns) -> bool {
        true
    }
}

impl<D: ReadOnlyQueryData> ReadOnlyQueryData for Option<D> {}

// unsafe impl<A: Fetch, B: Fetch> Fetch for (A, B) {
//     type Columns = (A::Columns, B::Columns);
//     type Item<'w> = (A::Item<'w>, B::Item<'w>);
//     … every method calls A's, then B's.
// }
macro_rules! tuple_fetch {
    ($($name:ident)*) => {
        // SAFETY: the terms of the members, in order; each keeps its promises.
        // That no component is borrowed twice is checked by `QueryShape::check`
        // before records are made.
        #[allow(non_snake_case, clippy::unused_unit)]
        unsafe impl<$($name: Fetch),*> Fetch for ($($name,)*) {
            type Columns = ($($name::Columns,)*);
            type Item<'w> = ($($name::Item<'w>,)*);
            type Slices<'w> = ($($name::Slices<'w>,)*);
            const READ_ONLY: bool = true $(&& $name::READ_ONLY)*;

            #[inline]
            fn describe(_shape: &mut QueryShape) {
                $($name::describe(_shape);)*
            }

            #[inline]
            fn columns(_columns: &mut Columns<'_>) -> Self::Columns {
                ($($name::columns(_columns),)*)
            }

            #[inline]
            fn look_up(_directory: &Directory, _table: TableId, _ids: *const EntityId) -> Option<Self::Columns> {
                Some(($($name::look_up(_directory, _table, _ids)?,)*))
            }

            #[inline]
            unsafe fn item<'w>(columns: Self::Columns, _row: usize) -> Self::Item<'w> {
                let ($($name,)*) = columns;
                // SAFETY: the caller's, for each member.
                unsafe { ($($name::item($name, _row),)*) }
            }

            #[inline]
            unsafe fn slices<'w>(columns: Self::Columns, _start: usize, _len: usize) -> Self::Slices<'w> {
                let ($($name,)*) = columns;
                // SAFETY: the caller's, for each member.
                unsafe { ($($name::slices($name, _start, _len),)*) }
            }

            #[inline]
            fn present(columns: Self::Columns) -> bool {
                let ($($name,)*) = columns;
                true $(&& $name::present($name))*
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
    ids: *const EntityId,
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
        let mut columns = Columns { ids: ptr::null(), terms: &[] };
        Self {
            columns: D::columns(&mut columns),
            ids: ptr::null(),
            next: 0,
            end: 0,
            store: PhantomData,
        }
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
                std::slice::from_raw_parts(self.ids.add(self.next), len),
                D::slices(self.columns, self.next, len),
            )
        }
    }

    /// Returns the entities of the rows that are left.
    pub(crate) fn ids(&self) -> &'w [EntityId] {
        // SAFETY: as in `into_slices`.
        unsafe { std::slice::from_raw_parts(self.ids.add(self.next), self.len()) }
    }

    /// Splits off the rows from the `at`-th on.
    pub(crate) fn split_off(&mut self, at: usize) -> Self {
        let middle = self.next + at.min(self.len());
        let tail = Self { next: middle, ..*self };
        self.end = middle;
        tail
    }
}

/// Goes through the records of a query, and gives each out once.
pub(crate) struct Cursor<'r, 'w, D: Fetch> {
    words: &'r [Word],
    stride: usize,
    items: PhantomData<fn() -> D>,
    store: PhantomData<&'w mut [u8]>,
}

impl<'r, 'w, D: Fetch> Cursor<'r, 'w, D> {
    fn over(records: &'r Records<'_>) -> Self {
        Self {
            words: records.words(),
            stride: records.stride(),
            items: PhantomData,
            store: PhantomData,
        }
    }

    /// Returns the rows of the next record.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Rows<'w, D>> {
        let (record, rest) = self.words.split_at_checked(self.stride)?;
        self.words = rest;
        let ids = record[1].0.cast_const().cast();
        let mut columns = Columns { ids, terms: &record[RecordBuffer::HEAD..] };
        let columns = D::columns(&mut columns);
        Some(Rows { columns, ids, next: 0, end: record[0].count(), store: PhantomData })
    }

    /// Returns how many rows are left in all.
    pub(crate) fn rows_left(&self) -> usize {
        self.words.chunks_exact(self.stride).map(|record| record[0].count()).sum()
    }

    /// Skips records.
    pub(crate) fn skip(mut self, records: usize) -> Self {
        self.words = self.words.get(records * self.stride..).unwrap_or_default();
        self
    }
}

/// Records that were made for the shape of `D` under some filter: the only place where typed
/// cursors come from.
pub(crate) struct TypedRecords<'w, D>(Records<'w>, PhantomData<fn() -> D>);

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
        Self(records, PhantomData)
    }

    #[inline]
    pub(crate) fn get(&self) -> &Records<'w> {
        &self.0
    }

    /// Goes through the records, which nobody else does meanwhile.
    #[inline]
    pub(crate) fn cursor_mut(&mut self) -> Cursor<'_, '_, D> {
        // `self` is borrowed mutably as long as what is given out.
        Cursor::over(&self.0)
    }

    /// Goes through the records, as others may do too.
    #[inline]
    pub(crate) fn cursor(&self) -> Cursor<'_, '_, D>
    where
        D: ReadOnlyQueryData,
    {
        Cursor::over(&self.0)
    }

    /// Prepares to find rows by id, which nobody else does meanwhile.
    pub(crate) fn lookup_mut<'q>(&'q mut self, rows: Option<&'q RowsById>) -> Lookup<'q, D> {
        // SAFETY: `self` is borrowed mutably as long as what is given out.
        unsafe { Lookup::over(&self.0, rows) }
    }

    /// As `lookup_mut`, as others may do too.
    pub(crate) fn lookup<'q>(&'q self, rows: Option<&'q RowsById>) -> Lookup<'q, D>
    where
        D: ReadOnlyQueryData,
    {
        // SAFETY: nothing is written, and writers are kept out by the records.
        unsafe { Lookup::over(&self.0, rows) }
    }

    /// Returns the entities of each record.
    pub(crate) fn ids(&self) -> impl Iterator<Item = &[EntityId]> {
        self.0.words().chunks_exact(self.0.stride()).map(|record| {
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
        OwnedCursor { records: self, next: 0 }
    }

    /// Finds the row of an entity in the backend's directory; the outer `None`
    /// stands for a backend without one.
    #[inline]
    pub(crate) fn find_mut<F: Filter>(&mut self, entity: EntityId) -> Option<Option<Rows<'_, D>>> {
        // SAFETY: `self` is borrowed mutably as long as what is given out.
        self.0.directory().map(|directory| unsafe { look_up::<D, F>(directory, entity) })
    }

    /// As `find_mut`, as others may do too.
    #[inline]
    pub(crate) fn find<F: Filter>(&self, entity: EntityId) -> Option<Option<Rows<'_, D>>>
    where
        D: ReadOnlyQueryData,
    {
        // SAFETY: nothing is written, and writers are kept out by the records.
        self.0.directory().map(|directory| unsafe { look_up::<D, F>(directory, entity) })
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
        Ok(TypedRecords(self.prepared.read(storage)?, PhantomData))
    }

    #[inline]
    pub(crate) fn write<'w, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w mut S,
    ) -> Result<TypedRecords<'w, D>, QueryError> {
        Ok(TypedRecords(self.prepared.write(storage)?, PhantomData))
    }

    #[inline]
    pub(crate) fn into_read<S: Storage + ?Sized>(
        self,
        storage: &S,
    ) -> Result<TypedRecords<'_, D>, QueryError> {
        Ok(TypedRecords(self.prepared.into_read(storage)?, PhantomData))
    }

    #[inline]
    pub(crate) fn into_write<S: Storage + ?Sized>(
        self,
        storage: &mut S,
    ) -> Result<TypedRecords<'_, D>, QueryError> {
        Ok(TypedRecords(self.prepared.into_write(storage)?, PhantomData))
    }
}

/// Goes through records that it owns, and gives each out once.
pub(crate) struct OwnedCursor<'w, D> {
    records: TypedRecords<'w, D>,
    next: usize,
}

impl<'w, D: Fetch> OwnedCursor<'w, D> {
    fn rest(&self) -> Cursor<'_, 'w, D> {
        let mut rest = Cursor::over(&self.records.0);
        rest.words = &rest.words[self.next..];
        rest
    }

    /// Returns the rows of the next record.
    #[inline]
    pub(crate) fn next(&mut self) -> Option<Rows<'w, D>> {
        // The records are owned, and `next` only grows: each is given out once.
        let rows = self.rest().next()?;
        self.next += self.records.0.stride();
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
    if !F::holds(&|component| directory.has(table, component)) {
        return None;
    }
    let ids = directory.ids(table);
    let columns = D::look_up(directory, table, ids)?;
    Some(Rows { columns, ids, next: row, end: row + 1, store: PhantomData })
}

impl<D> fmt::Debug for TypedRecords<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
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
    records: &'q Records<'q>,
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
    /// - `records` are for `D`, `rows` are theirs.
    /// - During `'q` nobody else uses the records' rows against what `D` does
    ///   with them.
    unsafe fn over(records: &'q Records<'q>, rows: Option<&'q RowsById>) -> Self {
        let mut columns = Vec::new();
        if let Some(directory) = records.directory() {
            directory.matching(records.shape().matcher(), 0, |table| {
                columns.resize(table.index(), None);
                columns.push(D::look_up(directory, table, directory.ids(table)));
            });
        }
        let homes = records.directory().map(Directory::home_locations).unwrap_or_default();
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
                let mut cursor = Cursor::<D>::over(self.records).skip(record as usize);
                cursor.next()?.only(row as usize).next()
            }
            None => {
                let at = self.records.directory()?.locate(entity)?;
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
        let location = self.records.directory().and_then(|directory| directory.locate(entity));
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
