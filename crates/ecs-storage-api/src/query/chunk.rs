//! Chunks of a query: runs of rows as slices.

use std::fmt;

use ecs_core::EntityId;

use super::fetch::{Cursor, Fetch, QueryData, Rows};
use super::interleaved::Interleaved;

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

    /// Cuts a long chunk into short pieces, and gives those of several stretches in turn, for
    /// loops that wait for memory.
    ///
    /// A processor fetches ahead of a loop, but not far; and while a loop is elsewhere, what
    /// was fetched behind its last piece arrives. A loop that adds up plain numbers over some
    /// tens of megabytes, more than caches lend at once, takes down to six tenths of its time
    /// so. Nothing is gained where a row is more work than its way, as in most loops over
    /// structures, and little where memory is the limit anyway. So a chunk comes whole where
    /// what the query asks of it takes less than 16 MiB, or lies in more than four columns.
    ///
    /// The ticks of a tracked component count as a column where they are written, and where
    /// they are asked for.
    ///
    /// In which order the rows come depends on their number, and on the number and size of the
    /// columns alone. It may be another one in a later version.
    ///
    /// # Example
    /// ```
    /// # use ecs_core::{Component, Description};
    /// # use ecs_storage_api::{Chunk, Query};
    /// # #[derive(Clone, Copy)]
    /// # struct Heat(f32);
    /// # #[derive(Clone, Copy)]
    /// # struct Loss(f32);
    /// # impl Component for Heat {
    /// #     fn describe() -> Description<Self> {
    /// #         Description::transient("docs::interleaved::Heat")
    /// #     }
    /// # }
    /// # impl Component for Loss {
    /// #     fn describe() -> Description<Self> {
    /// #         Description::transient("docs::interleaved::Loss")
    /// #     }
    /// # }
    /// fn cool(mut query: Query<(&mut Heat, &Loss)>) {
    ///     for piece in query.chunks_mut().flat_map(Chunk::interleaved) {
    ///         let (heat, loss) = piece.into_slices();
    ///         for (heat, loss) in heat.iter_mut().zip(loss) {
    ///             heat.0 -= loss.0;
    ///         }
    ///     }
    /// }
    /// ```
    pub fn interleaved(self) -> Interleaved<'w, D> {
        Interleaved::new(self)
    }
}

impl<D: QueryData> fmt::Debug for Chunk<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunk").field("rows", &self.len()).finish_non_exhaustive()
    }
}

/// Iterates over the chunks of a query.
pub struct Chunks<'q, D: QueryData>(pub(super) Cursor<'q, 'q, D>);

impl<'q, D: QueryData> Chunks<'q, D> {
    /// Returns how many rows each chunk has that is left, without a look at the rows.
    pub fn row_counts(&self) -> impl Iterator<Item = usize> + use<'q, D> {
        self.0.row_counts()
    }

    /// Splits the chunks that are left: the first `at` stay, the others are returned.
    ///
    /// # Complexity
    /// O(1).
    pub fn split_off(&mut self, at: usize) -> Self {
        Self(self.0.split_off(at))
    }
}

impl<'q, D: QueryData> Iterator for Chunks<'q, D> {
    type Item = Chunk<'q, D>;

    #[inline]
    fn next(&mut self) -> Option<Self::Item> {
        self.0.next().map(Chunk)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0.len(), Some(self.0.len()))
    }
}

impl<D: QueryData> ExactSizeIterator for Chunks<'_, D> {}

impl<D: QueryData> std::iter::FusedIterator for Chunks<'_, D> {}

impl<D: QueryData> fmt::Debug for Chunks<'_, D> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Chunks").field("rows_left", &self.0.rows_left()).finish()
    }
}
