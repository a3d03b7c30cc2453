//! Queries that are remembered by their types.

use super::fetch::{PreparedByType, QueryData};
use super::filter::Filter;
use super::shape::QueryError;
use super::typed::Query;
use crate::storage::Storage;

/// Remembers each query that was asked, so that asking it again costs as little
/// as a [`QueryState`](super::QueryState) that somebody kept.
///
/// It can be used on several stores; what it remembers is of the last.
#[derive(Debug, Default)]
pub struct QueryCache {
    prepared: PreparedByType,
}

impl QueryCache {
    /// Creates an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Asks a store for `D` among the entities that meet `F`, to be changed.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if a component that is written occurs twice.
    ///
    /// # Complexity
    /// One look-up by type; then what has changed since the query was asked
    /// last.
    #[inline]
    pub fn query_mut<'w, D: QueryData, F: Filter, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w mut S,
    ) -> Result<Query<'w, D, F>, QueryError> {
        self.prepared.write::<D, F, S>(storage).map(Query::of)
    }
}
