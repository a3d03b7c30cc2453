//! Where backends push their chunks.

use std::marker::PhantomData;
use std::ops::Range;
use std::sync::atomic::AtomicU64;

use ecs_core::{ComponentId, ComponentInfo, EntityId, ErasedSlice, ErasedSliceMut};
use smallvec::SmallVec;

use crate::changes::{Changes, ChangesMut, LINE_ROWS, PAGE_ROWS, Version, Window};
use crate::directory::{LineWord, TicksAt};
use crate::query::{QueryError, QueryShape, RecordBuffer, TableChanges, Term, TermWords};

/// What a query asks for, and what it has got so far.
pub(crate) struct Target<'q, 'a> {
    shape: &'q QueryShape,
    records: &'q mut RecordBuffer,
    /// Targets of one slot are not used at the same time.
    slot: usize,
    window: Window,
    /// Invariant: what is pushed must live as long as the store's borrow.
    values: PhantomData<&'q mut &'a mut [u8]>,
}

/// What several queries ask for.
pub(crate) type Targets<'q, 'a> = SmallVec<[Target<'q, 'a>; 1]>;

impl<'q> Target<'q, '_> {
    pub(crate) fn new(
        shape: &'q QueryShape,
        records: &'q mut RecordBuffer,
        window: Window,
        slot: usize,
    ) -> Self {
        Self { shape, records, window, slot, values: PhantomData }
    }
}

/// Where one column of a chunk lies, and what belongs to it.
type Columns = SmallVec<[(&'static ComponentInfo, TermWords); 8]>;

/// The rows of a chunk that a query sees: which query, and which rows.
type Selected = SmallVec<[(usize, SmallVec<[Range<usize>; 1]>); 2]>;

/// Takes the chunks of a backend for reading.
pub struct ReadSink<'a, 'q> {
    inner: Inner<'a, 'q>,
    visit: Option<&'q mut Visit<'a, 'q>>,
}

/// Sees every chunk with all its columns.
pub(crate) type Visit<'a, 'q> = dyn FnMut(WholeChunk<'a, '_>) + 'q;

/// A chunk with all that the backend tells of it.
pub(crate) struct WholeChunk<'a, 'c> {
    pub(crate) ids: &'a [EntityId],
    /// When rows came or were moved, a page each, if it is a table.
    pub(crate) moves: Option<&'a [AtomicU64]>,
    pub(crate) columns: &'c [(ErasedSlice<'a>, Option<Changes<'a>>)],
}

/// Takes the chunks of a backend for writing.
pub struct WriteSink<'a, 'q> {
    inner: Inner<'a, 'q>,
}

struct Inner<'a, 'q> {
    targets: Targets<'q, 'a>,
    error: Option<QueryError>,
}

impl<'a, 'q> Inner<'a, 'q> {
    fn wants(&self, has: &dyn Fn(ComponentId) -> bool) -> bool {
        self.targets.iter().any(|target| target.shape.matcher().matches(has))
    }

    /// Finds out which rows of a chunk each query sees.
    fn select(&mut self, rows: usize, chunk: &Chunk<'_>) -> Selected {
        let mut selected = Selected::new();
        for (n, target) in self.targets.iter_mut().enumerate() {
            target.records.offered(rows);
            if rows != 0 && target.shape.matcher().matches(&|id| chunk.has(id)) {
                selected.push((n, target.select(rows, chunk)));
            }
        }
        for (at, &(first, _)) in selected.iter().enumerate() {
            for &(second, _) in &selected[at + 1..] {
                let (first, second) = (&self.targets[first], &self.targets[second]);
                if first.slot != second.slot
                    && let Some(component) = first.shape.conflict_with(second.shape)
                {
                    self.error = Some(QueryError::Conflict { component });
                }
            }
        }
        selected
    }

    /// Makes records of the rows that each query sees.
    fn record(&mut self, ids: &'a [EntityId], columns: &Columns, selected: Selected) {
        for (n, runs) in selected {
            let target = &mut self.targets[n];
            runs.into_iter().for_each(|rows| target.record(ids, columns, rows));
        }
    }
}

impl Target<'_, '_> {
    /// Tells whether the backend keeps versions; one that does not may still hand
    /// on those of another, which count for nothing.
    fn has_versions(&self) -> bool {
        self.window.now != Version::ZERO
    }

    fn select(&self, rows: usize, chunk: &Chunk<'_>) -> SmallVec<[Range<usize>; 1]> {
        let mut runs = SmallVec::new();
        match self.shape.rows() {
            None => runs.push(0..rows),
            Some(condition) => {
                let since = if self.has_versions() { self.window.since } else { Version::ZERO };
                condition.select(chunk, rows, since, |run| runs.push(run));
            }
        }
        runs
    }

    fn record(&mut self, ids: &[EntityId], columns: &Columns, rows: Range<usize>) {
        let (start, versions) = (rows.start, self.has_versions());
        let words = |term: &Term| {
            let column = columns.iter().find(|(info, _)| info.id() == term.component);
            let words = column.map_or(TermWords::NONE, |(info, words)| match versions {
                true => words.moved(start, info.stride()),
                false => TermWords::of(words.first).moved(start, info.stride()),
            });
            (*term, words)
        };
        self.records.push(ids.as_ptr(), rows, self.shape.terms().iter().map(words));
    }
}

/// A chunk, as conditions see it.
struct Chunk<'c> {
    columns: SmallVec<[(&'static ComponentInfo, Option<Changes<'c>>); 8]>,
    moves: Option<&'c [AtomicU64]>,
}

impl<'c> Chunk<'c> {
    fn new(moves: Option<&'c [AtomicU64]>) -> Self {
        Self { columns: SmallVec::new(), moves }
    }

    fn find(&self, component: ComponentId) -> Option<Option<Changes<'c>>> {
        let column = self.columns.iter().find(|(info, _)| info.id() == component);
        column.map(|(_, changes)| *changes)
    }

    /// Checks a column of `len` values, and adds it.
    ///
    /// # Panics
    /// If it has another length than the ids, or comes twice, or there are not as
    /// many pages and ticks as it takes: a fault of the backend.
    fn add(
        &mut self,
        info: &'static ComponentInfo,
        len: usize,
        rows: usize,
        changes: Option<Changes<'c>>,
    ) {
        let id = info.id();
        assert!(len == rows, "a backend pushed {len} values of `{id}` for {rows} entities");
        assert!(self.find(id).is_none(), "a backend pushed `{id}` twice in one chunk");
        if let Some(Changes { pages, ticks }) = changes {
            assert!(
                pages.len() >= rows.div_ceil(PAGE_ROWS),
                "a backend pushed {} pages for {rows} values of `{id}`",
                pages.len()
            );
            assert!(
                ticks.is_none_or(|(changed, added)| changed.len() == rows && added.len() == rows),
                "a backend pushed another number of ticks than {rows} values of `{id}`"
            );
        }
        // Of a component that is not tracked nobody stamps them.
        let changes = changes.map(|Changes { pages, ticks }| {
            let ticks = ticks.filter(|_| info.is_tracked());
            Changes { pages, ticks }
        });
        self.columns.push((info, changes));
    }
}

impl TableChanges for Chunk<'_> {
    fn has(&self, component: ComponentId) -> bool {
        self.find(component).is_some()
    }

    fn moves(&self) -> Option<&[AtomicU64]> {
        self.moves
    }

    fn column(&self, component: ComponentId) -> Option<Changes<'_>> {
        self.find(component)?
    }

    fn lines(&self, _component: ComponentId) -> Option<&[LineWord]> {
        None
    }
}

impl<'a, 'q> ReadSink<'a, 'q> {
    pub(crate) fn new(targets: Targets<'q, 'a>) -> Self {
        assert!(
            targets.iter().all(|target| target.shape.is_read_only()),
            "a reading sink serves reading queries"
        );
        Self { inner: Inner { targets, error: None }, visit: None }
    }

    pub(crate) fn visitor(visit: &'q mut Visit<'a, 'q>) -> Self {
        Self { inner: Inner { targets: Targets::new(), error: None }, visit: Some(visit) }
    }

    /// Tells whether a chunk whose components are those for which `has` is true
    /// is wanted. Backends may ask, to spare themselves the push.
    pub fn wants(&self, has: impl Fn(ComponentId) -> bool) -> bool {
        self.visit.is_some() || self.inner.wants(&has)
    }

    /// Takes a chunk: its entities, and a column for each of their components.
    ///
    /// # Panics
    /// If a column has another length than `ids`, or a component comes twice.
    pub fn push(
        &mut self,
        ids: &'a [EntityId],
        columns: impl IntoIterator<Item = ErasedSlice<'a>>,
    ) {
        self.push_each(ids, None, columns.into_iter().map(|column| (column, None)));
    }

    /// As [`push`](Self::push), with what is known of changes: of each column, and
    /// in `moves`, where rows come and move, when that last happened in each page.
    ///
    /// # Panics
    /// As `push`; and if there are fewer pages than the rows have, or other
    /// numbers of ticks.
    pub fn push_tracked(
        &mut self,
        ids: &'a [EntityId],
        moves: Option<&'a [AtomicU64]>,
        columns: impl IntoIterator<Item = (ErasedSlice<'a>, Changes<'a>)>,
    ) {
        let columns = columns.into_iter().map(|(column, changes)| (column, Some(changes)));
        self.push_each(ids, moves, columns);
    }

    fn push_each(
        &mut self,
        ids: &'a [EntityId],
        moves: Option<&'a [AtomicU64]>,
        columns: impl Iterator<Item = (ErasedSlice<'a>, Option<Changes<'a>>)>,
    ) {
        if let Some(visit) = &mut self.visit {
            let columns: SmallVec<[_; 8]> = columns.collect();
            return visit(WholeChunk { ids, moves, columns: &columns });
        }
        let (mut chunk, mut places) = (Chunk::new(moves), Columns::new());
        for (column, changes) in columns {
            chunk.add(column.info(), column.len(), ids.len(), changes);
            let mut words = TermWords::of(column.as_ptr().as_ptr());
            if let Some(Changes { pages, ticks }) = changes {
                words.pages = pages.as_ptr();
                if let Some((changed, added)) = ticks {
                    // Never written: this sink serves reading queries.
                    let [changed, added] = [changed, added].map(|ticks| ticks.as_ptr().cast_mut());
                    words.ticks = TicksAt { changed, added, ..TicksAt::NONE };
                }
            }
            places.push((column.info(), words));
        }
        let selected = self.inner.select(ids.len(), &chunk);
        self.inner.record(ids, &places, selected);
    }
}

impl<'a, 'q> WriteSink<'a, 'q> {
    pub(crate) fn new(targets: Targets<'q, 'a>) -> Self {
        Self { inner: Inner { targets, error: None } }
    }

    /// Tells whether a chunk whose components are those for which `has` is true
    /// is wanted. Backends may ask, to spare themselves the push.
    pub fn wants(&self, has: impl Fn(ComponentId) -> bool) -> bool {
        self.inner.wants(&has)
    }

    /// Returns what the queries ask for.
    pub(crate) fn shapes(&self) -> impl Iterator<Item = &QueryShape> {
        self.inner.targets.iter().map(|target| target.shape)
    }

    /// Tells whether a query writes a component: what a backend that keeps
    /// copies must bring back.
    pub fn writes(&self, component: ComponentId) -> bool {
        self.inner.targets.iter().any(|target| target.shape.writes(component))
    }

    /// Takes a chunk: its entities, and a column for each of their components.
    ///
    /// # Panics
    /// If a column has another length than `ids`, or a component comes twice.
    pub fn push(
        &mut self,
        ids: &'a [EntityId],
        columns: impl IntoIterator<Item = ErasedSliceMut<'a>>,
    ) {
        self.push_each(ids, None, columns.into_iter().map(|column| (column, None)));
    }

    /// As [`push`](Self::push), with what is known of changes: of each column, and
    /// in `moves`, where rows come and move, when that last happened in each page.
    /// What a query writes is stamped there.
    ///
    /// # Panics
    /// As [`ReadSink::push_tracked`]; and if there are fewer lines than the rows have.
    pub fn push_tracked(
        &mut self,
        ids: &'a [EntityId],
        moves: Option<&'a [AtomicU64]>,
        columns: impl IntoIterator<Item = (ErasedSliceMut<'a>, ChangesMut<'a>)>,
    ) {
        let columns = columns.into_iter().map(|(column, changes)| (column, Some(changes)));
        self.push_each(ids, moves, columns);
    }

    fn push_each(
        &mut self,
        ids: &'a [EntityId],
        moves: Option<&'a [AtomicU64]>,
        columns: impl Iterator<Item = (ErasedSliceMut<'a>, Option<ChangesMut<'a>>)>,
    ) {
        let columns: SmallVec<[_; 8]> = columns.collect();
        let selected = {
            let mut chunk = Chunk::new(moves);
            for (column, changes) in &columns {
                let lines = changes.as_ref().and_then(|changes| changes.lines);
                assert!(
                    lines.is_none_or(|lines| lines.len() >= ids.len().div_ceil(LINE_ROWS)),
                    "a backend pushed lines of fewer than {} values of `{}`",
                    ids.len(),
                    column.info().id()
                );
                let changes = changes.as_ref().map(|ChangesMut { pages, ticks, .. }| Changes {
                    pages,
                    ticks: ticks.as_ref().map(|(changed, added)| (&**changed, *added)),
                });
                chunk.add(column.info(), column.len(), ids.len(), changes);
            }
            self.inner.select(ids.len(), &chunk)
        };
        // Only now, when nobody reads them any more, pointers to what is written.
        let place = |(column, changes): (ErasedSliceMut<'a>, Option<ChangesMut<'a>>)| {
            let mut words = TermWords::of(column.as_ptr().as_ptr());
            if let Some(ChangesMut { pages, ticks, lines }) = changes {
                words.pages = pages.as_ptr();
                if let Some((changed, added)) = ticks {
                    let (changed, added) = (changed.as_mut_ptr(), added.as_ptr().cast_mut());
                    let lines = lines.map_or(std::ptr::null(), <[_]>::as_ptr);
                    words.ticks = TicksAt { changed, added, lines };
                }
            }
            (column.info(), words)
        };
        let places = columns.into_iter().map(place).collect();
        self.inner.record(ids, &places, selected);
    }

    pub(crate) fn finish(self) -> Result<(), QueryError> {
        self.inner.error.map_or(Ok(()), Err)
    }
}

impl std::fmt::Debug for ReadSink<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("ReadSink")
            .field("queries", &self.inner.targets.len())
            .finish_non_exhaustive()
    }
}

impl std::fmt::Debug for WriteSink<'_, '_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("WriteSink")
            .field("queries", &self.inner.targets.len())
            .finish_non_exhaustive()
    }
}
