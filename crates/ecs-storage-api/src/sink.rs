//! Where backends push their chunks.

use std::marker::PhantomData;

use ecs_core::{ComponentId, EntityId, ErasedSlice, ErasedSliceMut};
use smallvec::SmallVec;

use crate::query::{QueryError, QueryShape, RecordBuffer};

/// What a query asks for, and what it has got so far.
pub(crate) struct Target<'q, 'a> {
    shape: &'q QueryShape,
    records: &'q mut RecordBuffer,
    /// Targets of one slot are not used at the same time.
    slot: usize,
    /// Invariant: what is pushed must live as long as the store's borrow.
    values: PhantomData<&'q mut &'a mut [u8]>,
}

/// What several queries ask for.
pub(crate) type Targets<'q, 'a> = SmallVec<[Target<'q, 'a>; 1]>;

impl<'q> Target<'q, '_> {
    pub(crate) fn new(shape: &'q QueryShape, records: &'q mut RecordBuffer, slot: usize) -> Self {
        Self { shape, records, slot, values: PhantomData }
    }
}

/// The pointers of one chunk's columns.
type Columns = SmallVec<[(ComponentId, *mut u8); 8]>;

/// Takes the chunks of a backend for reading.
pub struct ReadSink<'a, 'q> {
    inner: Inner<'a, 'q>,
    visit: Option<&'q mut Visit<'a, 'q>>,
}

/// Sees every chunk with all its columns.
pub(crate) type Visit<'a, 'q> = dyn FnMut(&'a [EntityId], &[ErasedSlice<'a>]) + 'q;

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

    fn push(&mut self, ids: &'a [EntityId], columns: &Columns) {
        let find =
            |component| columns.iter().find(|(id, _)| *id == component).map(|(_, first)| *first);
        let matching =
            |target: &Target<'_, '_>| target.shape.matcher().matches(&|id| find(id).is_some());
        let mut taken: SmallVec<[usize; 8]> = SmallVec::new();
        for (n, target) in self.targets.iter_mut().enumerate() {
            target.records.offered(ids.len());
            if ids.is_empty() || !matching(target) {
                continue;
            }
            taken.push(n);
            let terms = target.shape.terms().iter();
            target.records.push(
                ids.len(),
                ids.as_ptr(),
                terms.map(|term| find(term.component).unwrap_or(std::ptr::null_mut())),
            );
        }
        for (at, &first) in taken.iter().enumerate() {
            for &second in &taken[at + 1..] {
                let (first, second) = (&self.targets[first], &self.targets[second]);
                if first.slot != second.slot
                    && let Some(component) = first.shape.conflict_with(second.shape)
                {
                    self.error = Some(QueryError::Conflict { component });
                }
            }
        }
    }
}

/// Checks the lengths and components of one chunk.
///
/// # Panics
/// If a column has another length than the ids, or a component comes twice: a
/// fault of the backend.
fn check_columns(columns: &mut Columns, id: ComponentId, first: *mut u8, len: usize, rows: usize) {
    assert!(len == rows, "a backend pushed {len} values of `{id}` for {rows} entities");
    assert!(
        columns.iter().all(|(known, _)| *known != id),
        "a backend pushed `{id}` twice in one chunk"
    );
    columns.push((id, first));
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
        if let Some(visit) = &mut self.visit {
            let columns: SmallVec<[ErasedSlice<'a>; 8]> = columns.into_iter().collect();
            return visit(ids, &columns);
        }
        let mut pointers = Columns::new();
        for column in columns {
            check_columns(
                &mut pointers,
                column.id(),
                column.as_ptr().as_ptr(),
                column.len(),
                ids.len(),
            );
        }
        self.inner.push(ids, &pointers);
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
        let mut pointers = Columns::new();
        for column in columns {
            check_columns(
                &mut pointers,
                column.id(),
                column.as_ptr().as_ptr(),
                column.len(),
                ids.len(),
            );
        }
        self.inner.push(ids, &pointers);
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
