//! From the chunks of a backend to records, for one query or several at once.

use std::any::TypeId;
use std::borrow::Cow;

use ecs_core::ComponentId;
use smallvec::smallvec;

use super::fetch::QueryData;
use super::filter::Filter;
use super::records::{RecordBuffer, Records, ShapeOf};
use super::shape::{QueryError, QueryShape};
use super::share::Slot;
use crate::changes::{Version, Window};
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
    windows: Windows,
    /// That of the use for which `buffer` was filled.
    window: Window,
    /// At which version the query was used last, and in which store, if the
    /// backend lends a directory; 0 for none.
    last: Version,
    store: u64,
}

/// Which window a query has when it is used.
#[derive(Debug, Clone, Copy, Default)]
enum Windows {
    /// It asks for no changes, or only this once: all that there is.
    #[default]
    Plain,
    /// It asks for what changed since its last use.
    SinceLast,
    /// The one that was set.
    Set(Window),
}

impl Prepared {
    /// Prepares a query that is described by `shape`.
    pub fn new(shape: QueryShape) -> Self {
        let asks = shape.asks_for_changes();
        let windows = if asks { Windows::SinceLast } else { Windows::Plain };
        Self { shape, windows, ..Self::default() }
    }

    /// As [`new`](Self::new), of a query that is asked this once: everything is
    /// new to it, and none that comes later needs a version of its own.
    pub(crate) fn once(shape: QueryShape) -> Self {
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

    /// Says what counts as new from now on, and how writes are stamped. Without
    /// it, whatever changed since the last use counts as new.
    ///
    /// `now` is no earlier than what has been written to the components that the
    /// query writes, or its writes may pass for those, and hide what has been written
    /// beside them.
    pub fn set_window(&mut self, window: Window) {
        self.windows = Windows::Set(window);
    }

    /// Returns the window of a use in a store whose present version is given.
    #[inline]
    fn window_at(
        &mut self,
        present: Version,
        store: u64,
        advance: impl FnOnce() -> Version,
    ) -> Window {
        match self.windows {
            Windows::Plain => Window::plain(present),
            Windows::SinceLast => self.next_window(store, advance()),
            Windows::Set(window) => window.at(present),
        }
    }

    /// Returns the window since the last use, which ends with this one.
    #[inline(never)]
    fn next_window(&mut self, store: u64, now: Version) -> Window {
        // Of another store the version says nothing.
        let known = self.store == store && self.last <= now;
        let since = if known { self.last } else { Version::ZERO };
        (self.last, self.store) = (now, store);
        Window { since, now }.at(now)
    }

    #[inline]
    fn window_of_directory(&mut self, directory: &Directory) -> Window {
        let advance = || directory.advance_version();
        self.window_at(directory.version(), directory.store(), advance)
    }

    #[inline]
    fn window_of_store<S: Storage + ?Sized>(&mut self, storage: &S) -> Window {
        self.window_at(storage.version(), 0, || storage.advance_version())
    }

    /// Fills the buffer from the tables that match, unless it is true as it is.
    #[inline]
    pub(super) fn fill(&mut self, directory: &Directory) {
        self.window = self.window_of_directory(directory);
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
        let since = self.window.since;
        self.filled = true;
        self.changes_seen = match self.shape.rows() {
            None => directory.changes(),
            // What was written since is seen by looking alone.
            Some(_) => u64::MAX,
        };
        self.buffer.clear();
        let recorder = directory.recorder(self.shape.terms());
        let buffer = &mut self.buffer;
        match self.shape.rows() {
            None => self.matched.iter().for_each(|&table| recorder.record(table, buffer)),
            Some(condition) => self.matched.iter().for_each(|&table| {
                let pattern = recorder.pattern(table);
                let (len, changes) = (directory.len(table), directory.table_changes(table));
                let visited = if let Some(words) = pattern.of_a_term() {
                    let record = |rows| buffer.push_rows_of_a_term(words, rows);
                    condition.select(&changes, len, since, record)
                } else {
                    let record = |rows| buffer.push_rows(&pattern, rows);
                    condition.select(&changes, len, since, record)
                };
                match visited {
                    0 => {}
                    visited => buffer.offered(visited),
                }
            }),
        }
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
        let (shape, buffer) = (ShapeOf::Borrowed(&self.shape), Cow::Borrowed(&self.buffer));
        Records::new(shape, self.query, buffer, directory, self.window)
    }

    /// Returns how many rows were gathered last.
    #[inline]
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
        let (directory, _) = self.gather(storage)?;
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
        let (directory, _) = self.gather_mut(storage)?;
        Ok(self.records(directory))
    }

    /// Returns where a backend pushes the query's chunks; of targets of one slot
    /// one is used at a time.
    fn target<'q, 'a>(&'q mut self, slot: usize) -> Target<'q, 'a> {
        Target::new(&self.shape, &mut self.buffer, self.window, slot)
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

    /// Fills the buffer for reading, and returns the directory, if there is one,
    /// and the window.
    #[inline]
    pub(crate) fn gather<'w, S: Storage + ?Sized>(
        &mut self,
        storage: &'w S,
    ) -> Result<(Option<&'w Directory>, Window), QueryError> {
        if let Some(component) = self.shape.first_write() {
            return Err(QueryError::ReadOnly { component });
        }
        let directory = storage.directory().map(|directory| directory.get_ref());
        match directory {
            Some(directory) => self.fill(directory),
            None => {
                self.forget();
                self.window = self.window_of_store(storage);
                let targets = smallvec![self.target(0)];
                storage.read_chunks(&mut ReadSink::new(targets));
            }
        }
        Ok((directory, self.window))
    }

    /// Fills the buffer for writing, and returns the directory, if there is one,
    /// and the window.
    #[inline]
    pub(crate) fn gather_mut<'w, S: Storage + ?Sized>(
        &mut self,
        storage: &'w mut S,
    ) -> Result<(Option<&'w Directory>, Window), QueryError> {
        if storage.directory_mut().is_none() {
            self.forget();
            self.window = self.window_of_store(storage);
            let targets = smallvec![self.target(0)];
            let mut sink = WriteSink::new(targets);
            storage.write_chunks(&mut sink);
            sink.finish()?;
            return Ok((None, self.window));
        }
        let directory = lent(storage);
        self.fill(directory);
        Ok((Some(directory), self.window))
    }

    /// As [`gather_mut`](Self::gather_mut); but if the query asks for what changed since its
    /// last use, it finds what came after `since`, and this is no use of it.
    #[inline(never)]
    pub(crate) fn gather_mut_since<'w, S: Storage + ?Sized>(
        &mut self,
        since: Version,
        storage: &'w mut S,
    ) -> Result<(Option<&'w Directory>, Window), QueryError> {
        let windows = self.windows;
        if let Windows::SinceLast = windows {
            self.set_window(Window { since, now: storage.version() });
        }
        let gathered = self.gather_mut(storage);
        self.windows = windows;
        gathered
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
            let targets = targets(prepared, storage);
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
        let targets = targets(prepared, storage);
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
    let shape = ShapeOf::Owned(Box::new(prepared.shape.clone()));
    Records::new(shape, prepared.query, Cow::Owned(buffer), directory, prepared.window)
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
    for prepared in slots.iter_mut().flat_map(|slot| &mut slot.0) {
        prepared.window = prepared.window_of_store(storage);
    }
    let each = slots.iter_mut().enumerate().flat_map(|(n, slot)| {
        slot.0.iter_mut().map(move |prepared| {
            prepared.forget();
            prepared.target(n)
        })
    });
    let mut sink = WriteSink::new(each.collect());
    storage.write_chunks(&mut sink);
    sink.finish()
}

fn targets<'q, 'w, S: Storage + ?Sized>(
    prepared: &'q mut [&mut Prepared],
    storage: &S,
) -> Targets<'q, 'w> {
    let each = prepared.iter_mut().enumerate().map(|(n, prepared)| {
        prepared.forget();
        prepared.window = prepared.window_of_store(storage);
        prepared.target(n)
    });
    each.collect()
}
