//! Records that are known to be those of a type of query.

use std::any::TypeId;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use ecs_core::{EntityId, Invariant};

use super::{
    Cursor, Fetch, Lookup, OwnedCursor, ReadOnlyQueryData, RowsById, look_up, row_counts, stride,
};
use crate::changes::Window;
use crate::directory::Directory;
use crate::query::filter::Filter;
use crate::query::records::{QueryCost, RecordBuffer, Records};
use crate::query::shape::QueryShape;

/// Records that were made for the shape of `D` under some filter: the only
/// place where typed cursors come from.
pub(crate) struct TypedRecords<'w, D> {
    pub(super) buffer: Cow<'w, RecordBuffer>,
    /// For look-ups by id, if the backend lends it.
    pub(super) directory: Option<&'w Directory>,
    pub(super) window: Window,
    query: Invariant<D>,
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
        if records.query() != Some(TypeId::of::<(D::Static, F)>()) {
            let shape = QueryShape::describe::<D, F>();
            assert!(shape == *records.shape(), "records are read by a query of their own shape");
        }
        let (buffer, directory, window) = records.into_parts();
        Self::of::<F>(buffer, directory, window)
    }

    /// Trusts that the records were made for `D` among what meets `F`.
    #[inline]
    pub(super) fn of<F: Filter>(
        buffer: Cow<'w, RecordBuffer>,
        directory: Option<&'w Directory>,
        window: Window,
    ) -> Self {
        // Which rows matched, only the records know: by the directory, what has
        // been written since would match as well.
        let directory = if F::ROWS { None } else { directory };
        Self { buffer, directory, window, query: PhantomData, store: PhantomData }
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
        unsafe { Cursor::over(self.buffer.words(), self.window) }
    }

    /// Goes through the records, as others may do too.
    #[inline]
    pub(crate) fn cursor(&self) -> Cursor<'_, '_, D>
    where
        D: ReadOnlyQueryData,
    {
        // SAFETY: nothing is written, and writers are kept out by the records.
        unsafe { Cursor::over(self.buffer.words(), self.window) }
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
        // SAFETY: the records were made for `D`, and `self` was their only holder.
        unsafe { OwnedCursor::over(self.buffer, self.window) }
    }

    /// Finds what there is for an entity by the backend's directory; the outer `None`
    /// stands for a backend without one.
    #[inline]
    pub(crate) fn find_mut<F: Filter>(&mut self, entity: EntityId) -> Option<Option<D::Item<'_>>> {
        let window = self.window;
        // SAFETY: `self` is borrowed mutably as long as what is given out.
        self.directory.map(|directory| unsafe { look_up::<D, F>(directory, entity, window) })
    }

    /// As `find_mut`, as others may do too.
    #[inline]
    pub(crate) fn find<F: Filter>(&self, entity: EntityId) -> Option<Option<D::Item<'_>>>
    where
        D: ReadOnlyQueryData,
    {
        let window = self.window;
        // SAFETY: nothing is written, and writers are kept out by the records.
        self.directory.map(|directory| unsafe { look_up::<D, F>(directory, entity, window) })
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

impl<D: Fetch> fmt::Debug for TypedRecords<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TypedRecords").field("cost", &self.cost()).finish_non_exhaustive()
    }
}
