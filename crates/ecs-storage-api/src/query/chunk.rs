//! Chunks of a query: runs of rows as slices.

use std::fmt;

use ecs_core::EntityId;

use super::fetch::{Cursor, Fetch, QueryData, Rows};

/// A run of entities that a query matched, all with the same components.
pub struct Chunk<'w, D: QueryData>(pub(super) Rows<'w, D>);

impl<'w, D: QueryData> Chunk<'w, D> {
    /// Returns how many rows there are: one at least, unless it was split.
    #[inline]
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Tells whether there are no rows.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the entities.
    pub fn ids(&self) -> &'w [EntityId] {
        self.0.ids()
    }

    /// Returns the columns as slices, in the form of the query: `(&mut A, &B)`
    /// gives `(&mut [A], &[B])`, an `Option` of a slice where the query has an
    /// `Option`, and a `bool` for `Has`.
    ///
    /// The slices of a component that is plain bytes can be cast flat, for
    /// instance with `bytemuck::cast_slice_mut`.
    pub fn into_slices(self) -> <D as Fetch>::Slices<'w> {
        self.0.into_slices().1
    }

    /// Gives every row to `f`.
    #[inline]
    pub fn for_each(self, mut f: impl FnMut(<D as Fetch>::Item<'w>)) {
        self.0.fold((), |(), item| f(item));
    }

    /// Folds the rows in order.
    #[inline]
    pub fn fold<B>(self, init: B, f: impl FnMut(B, <D as Fetch>::Item<'w>) -> B) -> B {
        self.0.fold(init, f)
    }

    /// Splits the chunk: the first `at` rows stay, the others are returned.
    pub fn split_off(&mut self, at: usize) -> Self {
        Self(self.0.split_off(at))
    }

    /// Cuts the chunk into pieces of `rows` rows, the last of which may be shorter.
    ///
    /// # Panics
    /// If `rows` is 0.
    pub fn pieces(self, rows: usize) -> impl Iterator<Item = Self> {
        assert!(rows > 0, "a piece has at least one row");
        let mut rest = Some(self);
        std::iter::from_fn(move || {
            let mut piece = rest.take()?;
            if piece.len() > rows {
                rest = Some(piece.split_off(rows));
            }
            Some(piece)
        })
    }
}

impl<D: QueryData> fmt::Debug for Chunk<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("rows", &self.len()).finish_non_exhaustive()
    }
}

/// Iterates over the chunks of a query.
pub struct Chunks<'q, D: QueryData>(pub(super) Cursor<'q, 'q, D>);

impl<'q, D: QueryData> Iterator for Chunks<'q, D> {
    type Item = Chunk<'q, D>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Chunk)
    }
}

impl<D: QueryData> fmt::Debug for Chunks<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("rows_left", &self.0.rows_left()).finish()
    }
}
