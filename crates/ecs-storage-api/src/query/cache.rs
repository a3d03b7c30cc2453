//! Queries that are remembered by their types.

use super::fetch::{PreparedByType, QueryData, ReadOnlyQueryData, TypedPrepared};
use super::filter::Filter;
use super::shape::QueryError;
use super::state::or_panic;
use super::typed::Query;
use crate::changes::Version;
use crate::storage::Storage;

/// Remembers each query that was asked, so that asking it again costs as little
/// as a [`QueryState`](super::QueryState) that somebody kept.
///
/// It can be used on several stores; what it remembers is of the last.
#[derive(Debug, Default)]
pub struct QueryCache {
    prepared: PreparedByType,
    since: Option<Version>,
}

impl QueryCache {
    /// Creates an empty cache.
    pub fn new() -> Self {
        Self::default()
    }

    /// Says that what came after a version is new to every query, or again, if there is
    /// none, what came since each was asked last. Returns what was said before.
    pub fn set_since(&mut self, since: Option<Version>) -> Option<Version> {
        std::mem::replace(&mut self.since, since)
    }

    /// Asks a store for `D` among the entities that meet `F`, and remembers nothing. New is
    /// what came after the version that was [set](Self::set_since), or else everything.
    #[inline]
    pub fn query<'w, D: ReadOnlyQueryData, F: Filter, S: Storage + ?Sized>(
        &self,
        storage: &'w S,
    ) -> Query<'w, D, F> {
        let since = self.since.unwrap_or(Version::ZERO);
        Query::of(or_panic(TypedPrepared::<D, F>::read_once(storage, since)))
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
        self.prepared.write::<D, F, S>(storage, self.since).map(Query::of)
    }
}
