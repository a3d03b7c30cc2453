//! A prepared query: typed, and remembering what matches.

use std::fmt;

use super::fetch::{QueryData, ReadOnlyQueryData, TypedPrepared};
use super::filter::Filter;
use super::shape::{QueryError, QueryShape};
use super::typed::Query;
use crate::changes::Window;
use crate::storage::Storage;

/// A query that is asked again and again.
///
/// It remembers which tables match, and at each use looks only at those that
/// are new. It can be used on several stores; what it remembers is of the last.
/// Of stores that lend no directory it can't tell one from another: a query that
/// asks for changes is for one of those alone.
pub struct QueryState<D: QueryData, F: Filter = ()> {
    prepared: TypedPrepared<D, F>,
}

impl<D: QueryData, F: Filter> QueryState<D, F> {
    /// Prepares a query.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if a component that is written occurs twice.
    pub fn try_new() -> Result<Self, QueryError> {
        Ok(Self { prepared: TypedPrepared::new()? })
    }

    /// Prepares a query.
    ///
    /// # Panics
    /// If a component that is written occurs twice.
    pub fn new() -> Self {
        or_panic(Self::try_new())
    }

    /// Asks a store, for reading.
    #[inline]
    pub fn query<'w, S: Storage + ?Sized>(&'w mut self, storage: &'w S) -> Query<'w, D, F>
    where
        D: ReadOnlyQueryData,
    {
        Query::of(or_panic(self.prepared.read(storage)))
    }

    /// Asks a store.
    #[inline]
    pub fn query_mut<'w, S: Storage + ?Sized>(&'w mut self, storage: &'w mut S) -> Query<'w, D, F> {
        Query::of(or_panic(self.prepared.write(storage)))
    }

    /// Says what counts as new from now on, and how writes are stamped. Without
    /// it, whatever changed since the last use counts as new; see
    /// [`Prepared::set_window`](super::Prepared::set_window).
    pub fn set_window(&mut self, window: Window) {
        self.prepared.set_window(window);
    }

    /// Returns what the query asks for.
    pub fn shape(&self) -> &QueryShape {
        self.prepared.get().shape()
    }
}

/// Ends a query whose types contradict themselves: a fault of the program, not
/// of its data.
#[inline]
pub(crate) fn or_panic<T>(result: Result<T, QueryError>) -> T {
    match result {
        Ok(value) => value,
        Err(error) => panic!("{error}"),
    }
}

impl<D: QueryData, F: Filter> Default for QueryState<D, F> {
    fn default() -> Self {
        Self::new()
    }
}

impl<D: QueryData, F: Filter> fmt::Debug for QueryState<D, F> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("QueryState").field("shape", self.shape()).finish_non_exhaustive()
    }
}
