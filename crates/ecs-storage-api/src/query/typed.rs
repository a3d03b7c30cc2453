//! A typed query: what systems and callers hold.

use std::fmt;
use std::marker::PhantomData;
use std::sync::OnceLock;

use ecs_core::{EntityId, Invariant};

use super::chunk::{Chunk, Chunks};
use super::fetch::{
    Cursor, Fetch, OwnedCursor, QueryData, ReadOnlyQueryData, Rows, RowsById, TypedRecords,
};
use super::filter::Filter;
use super::records::{QueryCost, Records};
use super::shape::QueryError;
use super::view::QueryView;

/// The entities that have what `D` asks for and meet `F`, for as long as the
/// store is borrowed.
///
/// Iterating by `for_each`, `fold` and the other internal iterators runs one
/// plain loop a chunk; a `for` loop also asks at each row whether the chunk has
/// ended.
pub struct Query<'w, D: QueryData, F: Filter = ()> {
    records: TypedRecords<'w, D>,
    /// Record and row by entity, made at the first look-up where the backend
    /// lends no directory, or the filter asks something of single rows.
    rows: OnceLock<Box<RowsById>>,
    filter: Invariant<F>,
}

impl<'w, D: QueryData, F: Filter> Query<'w, D, F> {
    /// Reads records as a query.
    ///
    /// # Panics
    /// If the records were made for a query of another shape.
    #[inline]
    pub fn new(records: Records<'w>) -> Self {
        Self::of(TypedRecords::new::<F>(records))
    }

    #[inline]
    pub(crate) fn of(records: TypedRecords<'w, D>) -> Self {
        Self { records, rows: OnceLock::new(), filter: PhantomData }
    }

    /// Iterates over the matching entities.
    #[inline]
    pub fn iter(&self) -> QueryIter<'_, D>
    where
        D: ReadOnlyQueryData,
    {
        QueryIter { rows: Rows::none(), cursor: self.records.cursor() }
    }

    /// Iterates over the matching entities.
    #[inline]
    pub fn iter_mut(&mut self) -> QueryIter<'_, D> {
        QueryIter { rows: Rows::none(), cursor: self.records.cursor_mut() }
    }

    /// Gives every matching entity to `f`.
    #[inline]
    pub fn for_each(&mut self, f: impl FnMut(<D as Fetch>::Item<'_>)) {
        self.iter_mut().for_each(f);
    }

    /// Iterates over runs of matching entities with the same components.
    #[inline]
    pub fn chunks(&self) -> Chunks<'_, D>
    where
        D: ReadOnlyQueryData,
    {
        Chunks(self.records.cursor())
    }

    /// Iterates over runs of matching entities with the same components.
    #[inline]
    pub fn chunks_mut(&mut self) -> Chunks<'_, D> {
        Chunks(self.records.cursor_mut())
    }

    /// Takes the chunks that are left as pieces of at most `rows` rows, to be
    /// worked on side by side.
    ///
    /// The cuts depend on the chunks alone, never on the number of threads.
    ///
    /// # Panics
    /// If `rows` is 0.
    pub fn pieces_mut(&mut self, rows: usize) -> Vec<Chunk<'_, D>> {
        assert!(rows > 0, "a piece has at least one row");
        self.chunks_mut().flat_map(|chunk| chunk.pieces(rows)).collect()
    }

    /// Returns what the query gives for one entity, or `None` if it is dead or
    /// does not match.
    ///
    /// # Complexity
    /// O(1) where the backend lends its directory. Elsewhere, and where `F` asks
    /// for changes, the first look-up costs O(matched), the others O(1).
    #[inline]
    pub fn get(&self, entity: EntityId) -> Option<<D as Fetch>::Item<'_>>
    where
        D: ReadOnlyQueryData,
    {
        match self.records.find::<F>(entity) {
            Some(found) => found,
            None => {
                let &(record, row) = self.rows().get(&entity)?;
                self.records.cursor().row(record, row)?.next()
            }
        }
    }

    /// Returns what the query gives for one entity, or `None` if it is dead or
    /// does not match.
    ///
    /// # Complexity
    /// As [`Query::get`].
    #[inline]
    pub fn get_mut(&mut self, entity: EntityId) -> Option<<D as Fetch>::Item<'_>> {
        if self.records.directory().is_some() {
            return self.records.find_mut::<F>(entity)?;
        }
        let &(record, row) = self.rows().get(&entity)?;
        self.records.cursor_mut().row(record, row)?.next()
    }

    /// Prepares to look many entities up: the columns of every matching table
    /// are found once.
    ///
    /// # Complexity
    /// O(archetypes) where the backend lends its directory, O(matched)
    /// elsewhere.
    pub fn view(&self) -> QueryView<'_, D>
    where
        D: ReadOnlyQueryData,
    {
        QueryView(self.records.lookup::<F>(self.rows_if_needed()))
    }

    /// Prepares to look many entities up, to change them: the columns of every
    /// matching table are found once.
    ///
    /// # Complexity
    /// As [`Query::view`].
    pub fn view_mut(&mut self) -> QueryView<'_, D> {
        self.rows_if_needed();
        QueryView(self.records.lookup_mut::<F>(self.rows.get().map(Box::as_ref)))
    }

    /// Returns where each entity is, if the backend lends no directory.
    fn rows_if_needed(&self) -> Option<&RowsById> {
        self.records.directory().is_none().then(|| self.rows())
    }

    fn rows(&self) -> &RowsById {
        self.rows.get_or_init(|| {
            let mut rows = RowsById::new();
            for (record, ids) in self.records.ids().enumerate() {
                rows.extend(ids.iter().enumerate().map(|(row, &id)| (id, (record, row))));
            }
            Box::new(rows)
        })
    }

    /// Tells whether an entity matches.
    pub fn contains(&self, entity: EntityId) -> bool {
        let found = self.records.contains::<F>(entity);
        found.unwrap_or_else(|| self.rows().contains_key(&entity))
    }

    /// Returns what the query gives for the one entity that matches.
    ///
    /// # Errors
    /// [`QueryError::NotSingle`] if none or several match.
    pub fn single(&self) -> Result<<D as Fetch>::Item<'_>, QueryError>
    where
        D: ReadOnlyQueryData,
    {
        match self.count() {
            1 => Ok(self.iter().next().expect("one entity was counted")),
            count => Err(QueryError::NotSingle { count }),
        }
    }

    /// Returns what the query gives for the one entity that matches.
    ///
    /// # Errors
    /// [`QueryError::NotSingle`] if none or several match.
    pub fn single_mut(&mut self) -> Result<<D as Fetch>::Item<'_>, QueryError> {
        match self.count() {
            1 => Ok(self.iter_mut().next().expect("one entity was counted")),
            count => Err(QueryError::NotSingle { count }),
        }
    }

    /// Returns how many entities match.
    ///
    /// # Complexity
    /// O(chunks).
    pub fn count(&self) -> usize {
        self.records.row_counts().sum()
    }

    /// Tells whether no entity matches.
    pub fn is_empty(&self) -> bool {
        self.count() == 0
    }

    /// Returns what was looked at to find the matching entities.
    pub fn cost(&self) -> QueryCost {
        self.records.cost()
    }
}

impl<'w, D: QueryData, F: Filter> IntoIterator for Query<'w, D, F> {
    type Item = <D as Fetch>::Item<'w>;
    type IntoIter = QueryItems<'w, D>;

    #[inline]
    fn into_iter(self) -> QueryItems<'w, D> {
        QueryItems { rows: Rows::none(), cursor: self.records.into_cursor() }
    }
}

impl<'q, D: QueryData, F: Filter> IntoIterator for &'q mut Query<'_, D, F> {
    type Item = <D as Fetch>::Item<'q>;
    type IntoIter = QueryIter<'q, D>;

    #[inline]
    fn into_iter(self) -> QueryIter<'q, D> {
        self.iter_mut()
    }
}

impl<'q, D: ReadOnlyQueryData, F: Filter> IntoIterator for &'q Query<'_, D, F> {
    type Item = <D as Fetch>::Item<'q>;
    type IntoIter = QueryIter<'q, D>;

    #[inline]
    fn into_iter(self) -> QueryIter<'q, D> {
        self.iter()
    }
}

impl<D: QueryData, F: Filter> fmt::Debug for Query<'_, D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Query").field("cost", &self.cost()).finish_non_exhaustive()
    }
}

/// Iterates over the rows of a borrowed query.
pub struct QueryIter<'q, D: QueryData> {
    rows: Rows<'q, D>,
    cursor: Cursor<'q, 'q, D>,
}

/// Iterates over the rows of a query, for as long as the store is borrowed.
pub struct QueryItems<'w, D: QueryData> {
    rows: Rows<'w, D>,
    cursor: OwnedCursor<'w, D>,
}

/// The iterator over rows that a cursor gives chunk by chunk.
macro_rules! row_iterator {
    ($name:ident) => {
        impl<'w, D: QueryData> Iterator for $name<'w, D> {
            type Item = <D as Fetch>::Item<'w>;

            #[inline]
            fn next(&mut self) -> Option<Self::Item> {
                loop {
                    if let Some(item) = self.rows.next() {
                        return Some(item);
                    }
                    self.rows = self.cursor.next()?;
                }
            }

            #[inline]
            fn fold<B, G: FnMut(B, Self::Item) -> B>(mut self, init: B, mut f: G) -> B {
                let mut folded = self.rows.fold(init, &mut f);
                while let Some(rows) = self.cursor.next() {
                    folded = rows.fold(folded, &mut f);
                }
                folded
            }

            fn size_hint(&self) -> (usize, Option<usize>) {
                let left = self.rows.len() + self.cursor.rows_left();
                (left, Some(left))
            }

            fn count(self) -> usize {
                self.len()
            }
        }

        impl<D: QueryData> ExactSizeIterator for $name<'_, D> {}

        impl<D: QueryData> std::iter::FusedIterator for $name<'_, D> {}

        impl<D: QueryData> fmt::Debug for $name<'_, D> {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.debug_struct(stringify!($name)).field("left", &self.len()).finish()
            }
        }
    };
}

row_iterator!(QueryIter);
row_iterator!(QueryItems);
