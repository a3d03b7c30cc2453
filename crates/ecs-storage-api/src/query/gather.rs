//! From the chunks of a backend to records, for one query or several at once.

use std::borrow::Cow;

use ecs_core::ComponentId;
use smallvec::smallvec;

use super::records::{RecordBuffer, Records};
use super::shape::{QueryError, QueryShape};
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
    /// Which directory `matched` speaks of; 0 for none.
    identity: u64,
    tables_seen: usize,
    /// What the directory had seen of changes when `buffer` was filled from it.
    changes_seen: u64,
    matched: Vec<TableId>,
    /// Kept for its memory between uses.
    buffer: RecordBuffer,
    windows: Windows,
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

    /// Returns the shape.
    pub fn shape(&self) -> &QueryShape {
        &self.shape
    }

    /// Says what counts as new from now on, and how writes are stamped. Without
    /// it, whatever changed since the last use counts as new.
    ///
    /// `now` is no earlier than what has been written to the components that the
    /// query writes, or its writes may pass for those.
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
    fn fill(&mut self, directory: &Directory, window: Window) {
        // After the last fill from this directory nothing has changed, and the
        // buffer is emptied by everything else that uses it.
        if self.identity != directory.identity()
            || self.changes_seen != directory.changes()
            || self.buffer.is_empty()
        {
            self.refill(directory, window);
        }
    }

    #[inline(never)]
    fn refill(&mut self, directory: &Directory, window: Window) {
        if self.identity != directory.identity() {
            self.identity = directory.identity();
            self.tables_seen = 0;
            self.matched.clear();
        }
        if self.tables_seen != directory.table_count() {
            let bits = |word| self.shape.matcher().bits(&|id| directory.table_bits(id, word));
            directory.matching(bits, self.tables_seen, |table| self.matched.push(table));
            self.tables_seen = directory.table_count();
        }
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
                let record = |rows| recorder.record_rows(table, rows, buffer);
                let (len, changes) = (directory.len(table), directory.table_changes(table));
                match condition.select(&changes, len, window.since, record) {
                    0 => {}
                    visited => buffer.offered(visited),
                }
            }),
        }
    }

    /// Empties the buffer, for a backend without a directory.
    fn forget(&mut self) {
        self.identity = 0;
        self.buffer.clear();
    }

    /// Returns a component that makes it unsound to use both at once on the
    /// tables that match now.
    fn conflict_with(&self, other: &Self) -> Option<ComponentId> {
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
        let (directory, window) = self.gather(storage)?;
        let (shape, buffer) = (Cow::Borrowed(&self.shape), Cow::Borrowed(&self.buffer));
        Ok(Records::new(shape, buffer, directory, window))
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
        let (directory, window) = self.gather_mut(storage)?;
        let (shape, buffer) = (Cow::Borrowed(&self.shape), Cow::Borrowed(&self.buffer));
        Ok(Records::new(shape, buffer, directory, window))
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
        let window = match directory {
            Some(directory) => {
                let window = self.window_of_directory(directory);
                self.fill(directory, window);
                window
            }
            None => {
                self.forget();
                let window = self.window_of_store(storage);
                let targets = smallvec![Target::new(&self.shape, &mut self.buffer, window)];
                storage.read_chunks(&mut ReadSink::new(targets));
                window
            }
        };
        Ok((directory, window))
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
            let window = self.window_of_store(storage);
            let targets = smallvec![Target::new(&self.shape, &mut self.buffer, window)];
            let mut sink = WriteSink::new(targets);
            storage.write_chunks(&mut sink);
            sink.finish()?;
            return Ok((None, window));
        }
        let directory = lent(storage);
        let window = self.window_of_directory(directory);
        self.fill(directory, window);
        Ok((Some(directory), window))
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
    let windows = match directory {
        Some(directory) => fill_all(prepared, directory),
        None => {
            let windows = windows(prepared, storage);
            let targets = targets(prepared, &windows);
            storage.read_chunks(&mut ReadSink::new(targets));
            windows
        }
    };
    Ok(take_all_records(prepared, &windows, directory))
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
        let windows = windows(prepared, storage);
        let targets = targets(prepared, &windows);
        let mut sink = WriteSink::new(targets);
        storage.write_chunks(&mut sink);
        sink.finish()?;
        return Ok(take_all_records(prepared, &windows, None));
    }
    let directory = lent(storage);
    let windows = fill_all(prepared, directory);
    for (n, one) in prepared.iter().enumerate() {
        if let Some(component) = prepared[..n].iter().find_map(|other| one.conflict_with(other)) {
            return Err(QueryError::Conflict { component });
        }
    }
    Ok(take_all_records(prepared, &windows, Some(directory)))
}

/// Fills every buffer from a directory, and returns the windows.
fn fill_all(prepared: &mut [&mut Prepared], directory: &Directory) -> Vec<Window> {
    let each = prepared.iter_mut().map(|prepared| {
        let window = prepared.window_of_directory(directory);
        prepared.fill(directory, window);
        window
    });
    each.collect()
}

/// Returns the windows of queries of a store that lends no directory.
fn windows<S: Storage + ?Sized>(prepared: &mut [&mut Prepared], storage: &S) -> Vec<Window> {
    prepared.iter_mut().map(|prepared| prepared.window_of_store(storage)).collect()
}

fn take_all_records<'w>(
    prepared: &mut [&mut Prepared],
    windows: &[Window],
    directory: Option<&'w Directory>,
) -> Vec<Records<'w>> {
    let each = prepared.iter_mut().zip(windows).map(|(prepared, &window)| {
        let buffer = std::mem::take(&mut prepared.buffer);
        let shape = Cow::Owned(prepared.shape.clone());
        Records::new(shape, Cow::Owned(buffer), directory, window)
    });
    each.collect()
}

fn targets<'q, 'w>(prepared: &'q mut [&mut Prepared], windows: &[Window]) -> Targets<'q, 'w> {
    let each = prepared.iter_mut().zip(windows).map(|(prepared, &window)| {
        prepared.forget();
        Target::new(&prepared.shape, &mut prepared.buffer, window)
    });
    each.collect()
}
