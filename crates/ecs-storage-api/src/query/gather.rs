//! From the chunks of a backend to records, for one query or several at once.

use std::any::TypeId;
use std::borrow::Cow;

use ecs_core::ComponentId;
use smallvec::smallvec;

use super::fetch::QueryData;
use super::filter::Filter;
use super::records::{RecordBuffer, Records};
use super::shape::{QueryError, QueryShape};
use super::share::Slot;
use crate::directory::{Directory, TableId};
use crate::sink::{ReadSink, Target, Targets, WriteSink};
use crate::storage::Storage;

/// A query's shape, and which tables of a directory match it.
///
/// It follows new tables: each use looks only at those that came since.
#[derive(Debug, Clone, Default)]
pub struct Prepared {
    shape: QueryShape,
    /// The types that the shape was taken from, if it was taken from types.
    query: Option<TypeId>,
    /// Which directory `matched` speaks of; 0 for none.
    identity: u64,
    tables_seen: usize,
    /// What the directory had seen of changes when `buffer` was filled from it.
    changes_seen: u64,
    matched: Vec<TableId>,
    /// Whether `buffer` holds what was found in the directory.
    filled: bool,
    /// Kept for its memory between uses.
    buffer: RecordBuffer,
}

impl Prepared {
    /// Prepares a query that is described by `shape`.
    pub fn new(shape: QueryShape) -> Self {
        Self { shape, ..Self::default() }
    }

    /// Prepares the query for `D` among the entities that meet `F`.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if a component that is written occurs twice.
    pub fn of<D: QueryData, F: Filter>() -> Result<Self, QueryError> {
        let query = Some(TypeId::of::<(D::Static, F)>());
        Ok(Self { query, ..Self::new(QueryShape::of::<D, F>()?) })
    }

    /// Returns the shape.
    pub fn shape(&self) -> &QueryShape {
        &self.shape
    }

    /// Fills the buffer from the tables that match, unless it is true as it is.
    #[inline]
    pub(super) fn fill(&mut self, directory: &Directory) {
        // After the last fill from this directory nothing has changed, and
        // everything else that uses the buffer says so.
        if self.identity != directory.identity()
            || self.changes_seen != directory.changes()
            || !self.filled
        {
            self.refill(directory);
        }
    }

    /// Looks which tables match that have come since it looked last.
    pub(super) fn match_tables(&mut self, directory: &Directory) {
        if self.identity != directory.identity() {
            self.identity = directory.identity();
            self.tables_seen = 0;
            self.filled = false;
            self.matched.clear();
        }
        if self.tables_seen != directory.table_count() {
            let bits = |word| self.shape.matcher().bits(&|id| directory.table_bits(id, word));
            directory.matching(bits, self.tables_seen, |table| self.matched.push(table));
            self.tables_seen = directory.table_count();
        }
    }

    #[inline(never)]
    fn refill(&mut self, directory: &Directory) {
        self.match_tables(directory);
        self.changes_seen = directory.changes();
        self.filled = true;
        self.buffer.clear();
        let recorder = directory.recorder(self.shape.terms());
        self.matched.iter().for_each(|&table| recorder.record(table, &mut self.buffer));
    }

    /// Empties the buffer, for a backend without a directory.
    fn forget(&mut self) {
        self.identity = 0;
        self.filled = false;
        self.buffer.clear();
    }

    /// Returns what was gathered last.
    ///
    /// Whoever calls sees to it that records that write are given out once, and
    /// that `directory` is where they come from.
    #[inline]
    pub(super) fn records<'w>(&'w self, directory: Option<&'w Directory>) -> Records<'w> {
        let (shape, buffer) = (Cow::Borrowed(&self.shape), Cow::Borrowed(&self.buffer));
        Records::new(shape, self.query, buffer, directory)
    }

    /// Returns how many rows were gathered last.
    pub(super) fn rows_matched(&self) -> usize {
        self.buffer.rows()
    }

    /// Returns a component that makes it unsound to use both at once on the
    /// tables that match now.
    pub(super) fn conflict_with(&self, other: &Self) -> Option<ComponentId> {
        let component = self.shape.conflict_with(&other.shape)?;
        // Both lists ascend.
        let mut others = other.matched.iter().peekable();
        let shared = self.matched.iter().any(|table| {
            while others.next_if(|other| *other < table).is_some() {}
            others.peek() == Some(&table)
        });
        shared.then_some(component)
    }

    /// Matches the query against a store, for reading.
    ///
    /// # Errors
    /// [`QueryError::ReadOnly`] if the query writes.
    #[inline]
    pub fn read<'w, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w S,
    ) -> Result<Records<'w>, QueryError> {
        let directory = self.gather(storage)?;
        Ok(self.records(directory))
    }

    /// Matches the query against a store, for writing.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if the backend offers a value twice.
    #[inline]
    pub fn write<'w, S: Storage + ?Sized>(
        &'w mut self,
        storage: &'w mut S,
    ) -> Result<Records<'w>, QueryError> {
        let directory = self.gather_mut(storage)?;
        Ok(self.records(directory))
    }

    /// Returns what was gathered last.
    #[inline]
    pub(crate) fn buffer(&self) -> &RecordBuffer {
        &self.buffer
    }

    /// Returns what was gathered last, by value.
    pub(crate) fn into_buffer(self) -> RecordBuffer {
        self.buffer
    }

    /// Fills the buffer for reading, and returns the directory if there is one.
    #[inline]
    pub(crate) fn gather<'w, S: Storage + ?Sized>(
        &mut self,
        storage: &'w S,
    ) -> Result<Option<&'w Directory>, QueryError> {
        if let Some(component) = self.shape.first_write() {
            return Err(QueryError::ReadOnly { component });
        }
        let directory = storage.directory().map(|directory| directory.get_ref());
        match directory {
            Some(directory) => self.fill(directory),
            None => {
                self.forget();
                let targets = smallvec![Target::new(&self.shape, &mut self.buffer, 0)];
                storage.read_chunks(&mut ReadSink::new(targets));
            }
        }
        Ok(directory)
    }

    /// Fills the buffer for writing, and returns the directory if there is one.
    #[inline]
    pub(crate) fn gather_mut<'w, S: Storage + ?Sized>(
        &mut self,
        storage: &'w mut S,
    ) -> Result<Option<&'w Directory>, QueryError> {
        if storage.directory_mut().is_none() {
            self.forget();
            let targets = smallvec![Target::new(&self.shape, &mut self.buffer, 0)];
            let mut sink = WriteSink::new(targets);
            storage.write_chunks(&mut sink);
            sink.finish()?;
            return Ok(None);
        }
        let directory = lent(storage);
        self.fill(directory);
        Ok(Some(directory))
    }
}

/// Lends the directory of a backend that was seen to lend it.
pub(crate) fn lent<S: Storage + ?Sized>(storage: &mut S) -> &Directory {
    storage
        .directory_mut()
        .expect("a backend that lends its directory does so at every call")
        .into_ref()
}

/// Matches several queries that only read, in one pass.
///
/// # Errors
/// [`QueryError::ReadOnly`] if one of them writes.
pub fn gather<'w, S: Storage + ?Sized>(
    storage: &'w S,
    prepared: &mut [&mut Prepared],
) -> Result<Vec<Records<'w>>, QueryError> {
    if let Some(component) = prepared.iter().find_map(|prepared| prepared.shape.first_write()) {
        return Err(QueryError::ReadOnly { component });
    }
    let directory = storage.directory().map(|directory| directory.get_ref());
    match directory {
        Some(directory) => prepared.iter_mut().for_each(|prepared| prepared.fill(directory)),
        None => {
            let targets = targets(prepared);
            storage.read_chunks(&mut ReadSink::new(targets));
        }
    }
    Ok(prepared.iter_mut().map(|prepared| take_records(prepared, directory)).collect())
}

/// Matches several queries that may write, in one pass, so that all can be used
/// at the same time.
///
/// # Errors
/// [`QueryError::Conflict`] if two of them would borrow a component of one
/// chunk, at least one of them for writing.
pub fn gather_mut<'w, S: Storage + ?Sized>(
    storage: &'w mut S,
    prepared: &mut [&mut Prepared],
) -> Result<Vec<Records<'w>>, QueryError> {
    if storage.directory_mut().is_none() {
        let targets = targets(prepared);
        let mut sink = WriteSink::new(targets);
        storage.write_chunks(&mut sink);
        sink.finish()?;
        return Ok(prepared.iter_mut().map(|prepared| take_records(prepared, None)).collect());
    }
    let directory = lent(storage);
    prepared.iter_mut().for_each(|prepared| prepared.fill(directory));
    for (n, one) in prepared.iter().enumerate() {
        if let Some(component) = prepared[..n].iter().find_map(|other| one.conflict_with(other)) {
            return Err(QueryError::Conflict { component });
        }
    }
    Ok(prepared.iter_mut().map(|prepared| take_records(prepared, Some(directory))).collect())
}

fn take_records<'w>(prepared: &mut Prepared, directory: Option<&'w Directory>) -> Records<'w> {
    let buffer = std::mem::take(&mut prepared.buffer);
    prepared.filled = false;
    let shape = Cow::Owned(prepared.shape.clone());
    Records::new(shape, prepared.query, Cow::Owned(buffer), directory)
}

/// Matches the queries of slots in one pass over a store, for writing.
///
/// # Errors
/// [`QueryError::Conflict`] if queries of two slots would borrow a component of
/// one chunk, at least one of them for writing.
pub(super) fn gather_slots(
    storage: &mut dyn Storage,
    slots: &mut [Slot],
) -> Result<(), QueryError> {
    let each = slots.iter_mut().enumerate().flat_map(|(n, slot)| {
        slot.0.iter_mut().map(move |prepared| {
            prepared.forget();
            Target::new(&prepared.shape, &mut prepared.buffer, n)
        })
    });
    let mut sink = WriteSink::new(each.collect());
    storage.write_chunks(&mut sink);
    sink.finish()
}

fn targets<'q, 'w>(prepared: &'q mut [&mut Prepared]) -> Targets<'q, 'w> {
    let each = prepared.iter_mut().enumerate().map(|(n, prepared)| {
        prepared.forget();
        Target::new(&prepared.shape, &mut prepared.buffer, n)
    });
    each.collect()
}
