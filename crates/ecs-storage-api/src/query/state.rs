//! A prepared query: typed, and remembering what matches.

use std::fmt;
use std::marker::PhantomData;

use super::fetch::{QueryData, ReadOnlyQueryData};
use super::filter::Filter;
use super::gather::Prepared;
use super::shape::{QueryError, QueryShape};
use super::typed::Query;
use crate::storage::Storage;

/// A query that is asked again and again.
///
/// It remembers which tables match, and at each use looks only at those that
/// are new. It can be used on several stores; what it remembers is of the last.
pub struct QueryState<D: QueryData, F: Filter = ()> {
    prepared: Prepared,
    query: PhantomData<fn() -> (D, F)>,
}

impl<D: QueryData, F: Filter> QueryState<D, F> {
    /// Prepares a query.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if a component that is written occurs twice.
    pub fn try_new() -> Result<Self, QueryError> {
        Ok(Self { prepared: Prepared::new(QueryShape::of::<D, F>()?), query: PhantomData })
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
        Query::new(or_panic(self.prepared.read(storage)))
    }

    /// Asks a store.
    #[inline]
    pub fn query_mut<'w, S: Storage + ?Sized>(&'w mut self, storage: &'w mut S) -> Query<'w, D, F> {
        Query::new(or_panic(self.prepared.write(storage)))
    }

    /// Returns the untyped part, for use with `gather` and `gather_mut`.
    pub fn prepared_mut(&mut self) -> &mut Prepared {
        &mut self.prepared
    }

    /// Returns the untyped part.
    pub fn prepared(&self) -> &Prepared {
        &self.prepared
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
        f.debug_struct("QueryState").field("shape", self.prepared.shape()).finish_non_exhaustive()
    }
}
