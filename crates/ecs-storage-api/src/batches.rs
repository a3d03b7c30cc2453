//! What operations on bundles and on many entities have in common, whatever the
//! backend: checks before anything happens, values taken out of bundles, and
//! work that is finished before a panic goes on.

use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ahash::AHashSet;
use ecs_core::{
    BundleBatch, BundleKind, ComponentId, DynBundle, EntityId, ErasedValue, ErasedVec, RowWriter,
};

use crate::error::{BundleError, StorageError};
use crate::storage::Storage;

/// Checks that no component occurs twice.
///
/// # Errors
/// [`BundleError::Duplicate`] with the first that does.
pub(crate) fn check_bundle(kind: &BundleKind) -> Result<(), BundleError> {
    kind.duplicate().map_or(Ok(()), |twice| Err(BundleError::Duplicate(twice)))
}

/// Checks that columns have a component each and the same length.
///
/// # Errors
/// [`BundleError::Duplicate`] or [`BundleError::Length`] with the first that
/// has not.
pub fn check_columns(columns: &[ErasedVec]) -> Result<(), BundleError> {
    check_bundle(&BundleKind::listed(columns.iter().map(ErasedVec::id)))?;
    let rows = columns.first().map_or(0, ErasedVec::len);
    match columns.iter().find(|column| column.len() != rows) {
        Some(column) => {
            Err(BundleError::Length { component: column.id(), len: column.len(), rows })
        }
        None => Ok(()),
    }
}

/// Checks that entities live, and are listed once each.
///
/// # Errors
/// [`StorageError::NoSuchEntity`] or [`StorageError::ListedTwice`] with the
/// first that does not.
pub(crate) fn check_entities<S: Storage + ?Sized>(
    storage: &S,
    entities: &[EntityId],
) -> Result<(), StorageError> {
    let mut seen = AHashSet::with_capacity(entities.len());
    for &entity in entities {
        if !storage.entity_exists(entity) {
            return Err(StorageError::NoSuchEntity(entity));
        }
        if !seen.insert(entity) {
            return Err(StorageError::ListedTwice(entity));
        }
    }
    Ok(())
}

/// Checks that a bundle gave what it had announced.
fn check_values(values: &[ErasedValue], announced: &[ComponentId]) -> Result<(), BundleError> {
    match values.iter().map(ErasedValue::id).eq(announced.iter().copied()) {
        true => Ok(()),
        false => Err(BundleError::Incomplete { announced: announced.len() }),
    }
}

/// Takes the components of a bundle, checked.
///
/// # Errors
/// [`BundleError`] if one occurs twice, or they are not those announced.
pub(crate) fn take_bundle(bundle: &mut dyn DynBundle) -> Result<Vec<ErasedValue>, BundleError> {
    let kind = bundle.kind();
    check_bundle(&kind)?;
    let announced = kind.component_ids();
    let mut values = Vec::with_capacity(announced.len());
    bundle.take_values(&mut |value| values.push(value));
    check_values(&values, &announced)?;
    Ok(values)
}

/// Takes the next row of a batch that announced these components, checked;
/// `None` if the batch has ended.
///
/// # Errors
/// [`BundleError::Incomplete`] if its components are not those announced.
pub(crate) fn take_row(
    batch: &mut dyn BundleBatch,
    announced: &[ComponentId],
) -> Result<Option<Vec<ErasedValue>>, BundleError> {
    let mut values = Vec::with_capacity(announced.len());
    if !batch.take_row(&mut |value| values.push(value)) {
        return Ok(None);
    }
    check_values(&values, announced)?;
    Ok(Some(values))
}

/// Takes a row for each of so many entities.
///
/// # Errors
/// [`BundleError::Short`] if there are fewer; others as [`take_row`].
pub(crate) fn take_rows(
    batch: &mut dyn BundleBatch,
    announced: &[ComponentId],
    entities: usize,
) -> Result<Vec<Vec<ErasedValue>>, BundleError> {
    let mut rows = Vec::with_capacity(entities);
    while rows.len() < entities {
        match take_row(batch, announced)? {
            Some(row) => rows.push(row),
            None => return Err(BundleError::Short { bundles: rows.len(), entities }),
        }
    }
    Ok(rows)
}

/// Columns that are handed over row by row.
pub(crate) struct ColumnRows {
    kind: BundleKind,
    /// The values of each column, the first at the end.
    columns: Vec<Vec<ErasedValue>>,
}

impl ColumnRows {
    pub(crate) fn new(columns: Vec<ErasedVec>) -> Self {
        let kind = BundleKind::listed(columns.iter().map(ErasedVec::id));
        let from_the_end = |mut column: ErasedVec| std::iter::from_fn(|| column.pop()).collect();
        Self { kind, columns: columns.into_iter().map(from_the_end).collect() }
    }

    fn next_row(&mut self) -> Option<Vec<ErasedValue>> {
        let row: Vec<_> = self.columns.iter_mut().filter_map(Vec::pop).collect();
        (!row.is_empty()).then_some(row)
    }
}

impl BundleBatch for ColumnRows {
    fn kind(&self) -> BundleKind {
        self.kind.clone()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        let rows = self.columns.first().map_or(0, Vec::len);
        (rows, Some(rows))
    }

    fn write(&mut self, rows: RowWriter<'_>) {
        rows.put_values(std::iter::from_fn(|| self.next_row()));
    }

    fn take_row(&mut self, each: &mut dyn FnMut(ErasedValue)) -> bool {
        self.next_row().map(|row| row.into_iter().for_each(each)).is_some()
    }
}

/// Calls `each` with every item, up to the first error. If one call panics, as
/// the `Drop` of a component may, the others are made before the panic goes on; of several
/// panics it is the first.
///
/// # Errors
/// The first that `each` returns; none, if a call has panicked before.
pub fn all_despite_panics<I: IntoIterator, E>(
    items: I,
    mut each: impl FnMut(I::Item) -> Result<(), E>,
) -> Result<(), E> {
    let mut items = items.into_iter();
    let mut panic = None;
    loop {
        match catch_unwind(AssertUnwindSafe(|| items.by_ref().try_for_each(&mut each))) {
            // The item whose turn it was is behind us.
            Err(first) if panic.is_none() => panic = Some(first),
            // It may throw again when it is dropped.
            Err(later) => std::mem::forget(later),
            Ok(outcome) => match panic {
                Some(panic) => resume_unwind(panic),
                None => return outcome,
            },
        }
    }
}

/// Calls `each` with every item, as [`all_despite_panics`] does.
pub(crate) fn each_despite_panics<I: IntoIterator>(items: I, mut each: impl FnMut(I::Item)) {
    let Ok(()) = all_despite_panics(items, |item| {
        each(item);
        Ok::<(), Infallible>(())
    });
}
