//! Changes row by row are right if they lead from one state to the other.

use std::cell::Cell;
use std::collections::BTreeMap;

use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::snapshot::{RowChanges, StorageCut};
use ecs_storage_api::{OwnedChunk, Storage};
use proptest::collection::vec;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::follower::Follower;
use super::subject::Subject;
use super::{Known, LENGTH, Make, apply_to_both, ensure, operation};

/// Each entity with the encoded values of its persistent components.
pub type EncodedRows = BTreeMap<EntityId, BTreeMap<ComponentId, Vec<u8>>>;

/// Returns what is persistent in a store, row by row.
pub fn encoded_rows(storage: &dyn Storage) -> EncodedRows {
    let row = |entity| {
        let components = storage.get_component_types(entity).expect("a listed entity lives");
        let persistent = components.iter().filter(|id| !id.info().is_transient());
        let values = persistent.map(|id| {
            let mut bytes = Vec::new();
            let value = storage.get_component_erased(entity, id).expect("a listed component");
            value.as_slice().encode(&mut bytes).expect("the kit's components can be encoded");
            (id, bytes)
        });
        (entity, values.collect())
    };
    storage.all_entities().map(row).collect()
}

/// Checks that the changes between two cuts lead from the rows of the one to those of
/// the other, and tell of nothing that is equal.
///
/// # Errors
/// What is wrong.
pub fn check_rows(
    (before, old): (&StorageCut, &EncodedRows),
    (after, new): (&StorageCut, &EncodedRows),
) -> Result<(), String> {
    check_changes(&after.rows_since(before).map_err(|error| error.to_string())?, old, new)
}

/// Checks that changes lead from rows to others, and tell of nothing that is equal.
pub(super) fn check_changes(
    changes: &RowChanges,
    old: &EncodedRows,
    new: &EncodedRows,
) -> Result<(), String> {
    ensure(changes.is_empty() == (old == new), || format!("{changes:?} of {old:?} and {new:?}"))?;
    let mut rows = old.clone();
    apply_rows(changes, &mut rows)?;
    ensure(rows == *new, || format!("{changes:?} lead from {old:?} to {rows:?}, not {new:?}"))
}

/// Checks that changes lead from rows to others, where values that are told of may be the
/// same as before.
pub(super) fn check_told(
    changes: &RowChanges,
    old: &EncodedRows,
    new: &EncodedRows,
) -> Result<(), String> {
    let mut rows = old.clone();
    apply(changes, &mut rows, |_, _| true)?;
    ensure(rows == *new, || format!("{changes:?} lead from {old:?} to {rows:?}, not {new:?}"))
}

/// Applies changes to rows; each must be one.
///
/// # Errors
/// What is told that is no change.
pub fn apply_rows(changes: &RowChanges, rows: &mut EncodedRows) -> Result<(), String> {
    apply(changes, rows, |known, value| known != value)
}

/// Applies changes to rows, if each new value in place of another may be one.
fn apply(
    changes: &RowChanges,
    rows: &mut EncodedRows,
    may_replace: fn(&[u8], &[u8]) -> bool,
) -> Result<(), String> {
    ascending(&changes.died)?;
    for id in &changes.died {
        ensure(rows.remove(id).is_some(), || format!("{id} died and was not there"))?;
    }
    for (component, ids) in &changes.removed {
        ascending(ids)?;
        for id in ids {
            let lost = rows.get_mut(id).and_then(|row| row.remove(component));
            ensure(lost.is_some(), || format!("{id} lost `{component}` and had none"))?;
        }
    }
    for (chunks, had) in [(&changes.updated, true), (&changes.inserted, false)] {
        for chunk in chunks {
            for (id, row) in values(chunk)? {
                for (component, value) in row {
                    let known = rows.get_mut(&id).ok_or_else(|| format!("{id} is not there"))?;
                    let known = known.insert(component, value.clone());
                    let fits = known.as_deref().map_or(!had, |it| had && may_replace(it, &value));
                    ensure(fits, || {
                        format!("`{component}` of {id} is told to be {value:?}, was {known:?}")
                    })?;
                }
            }
        }
        let mut sets: Vec<_> = chunks.iter().map(OwnedChunk::components).collect();
        let whole = sets.len();
        sets.dedup();
        ensure(sets.len() == whole, || format!("a component in two chunks: {chunks:?}"))?;
    }
    for chunk in &changes.born {
        for (id, row) in values(chunk)? {
            let known = rows.insert(id, row);
            ensure(known.is_none(), || format!("{id} was born twice: {known:?}"))?;
        }
    }
    Ok(())
}

fn ascending(ids: &[EntityId]) -> Result<(), String> {
    ensure(ids.is_sorted_by(|a, b| a < b), || format!("not ascending: {ids:?}"))
}

/// Returns the rows of a chunk.
fn values(chunk: &OwnedChunk) -> Result<EncodedRows, String> {
    ascending(chunk.ids())?;
    ensure(!chunk.is_empty(), || "a chunk without rows".to_owned())?;
    let row = |(at, id): (usize, &EntityId)| {
        let values = chunk.columns().iter().map(|column| {
            let (mut bytes, value) = (Vec::new(), column.as_slice().range(at, 1));
            let value = value.expect("a column has a value for each id");
            value.encode(&mut bytes).expect("what is persistent can be encoded");
            (column.id(), bytes)
        });
        (*id, values.collect())
    };
    Ok(chunk.ids().iter().enumerate().map(row).collect())
}

/// Runs at least so many random operations on two backends, and checks what their
/// cuts, of one backend and of one and the other, say of each other row by row, and
/// what is found out by captures.
///
/// # Panics
/// If that is wrong, with a minimal sequence that shows it.
pub fn compare_rows<A: Storage, B: Storage>(
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
    operations: u64,
) {
    let config = Config {
        cases: u32::try_from(operations.div_ceil(LENGTH as u64 / 2)).unwrap_or(u32::MAX),
        failure_persistence: None,
        max_shrink_iters: 20_000,
        ..Config::default()
    };
    let changed = Cell::new(0);
    let sequences = vec(operation::operation(), 1..LENGTH);
    let outcome = TestRunner::new(config).run(&sequences, |sequence| {
        changed.set(changed.get() + run(make_a, make_b, &sequence).map_err(TestCaseError::fail)?);
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    assert!(changed.get() >= operations / 10, "only {} operations changed rows", changed.get());
}

/// The moments of a store.
type Moments = Vec<(StorageCut, EncodedRows)>;

fn run<A: Storage, B: Storage>(
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
    operations: &[operation::Operation],
) -> Result<u64, String> {
    let (mut a, mut b) = (Subject::new(make_a), Subject::new(make_b));
    let changed = follow(&mut a, &mut b, operations);
    // Bombs do not go off.
    a.end();
    b.end();
    changed
}

/// Returns after how many operations rows were different.
fn follow<A: Storage, B: Storage>(
    a: &mut Subject<A>,
    b: &mut Subject<B>,
    operations: &[operation::Operation],
) -> Result<u64, String> {
    let (mut known, mut changed) = (Known::default(), 0);
    let (mut of_a, mut of_b) = (Moments::new(), Moments::new());
    // Long enough for rows to go where others were.
    let (mut follow_a, mut follow_b) = (Follower::new()?, Follower::new()?);
    for (n, operation) in operations.iter().enumerate() {
        apply_to_both(a, b, operation, &known.ids);
        known.learn(&a.storage);
        if n % 7 == 0 {
            follow_a.look(&mut a.storage)?;
        }
        if n % 3 == 0 {
            follow_b.look(&mut b.storage)?;
        }
        let (now_a, now_b) = (look(&a.storage, &of_a)?, look(&b.storage, &of_b)?);
        check_rows((&now_a.0, &now_a.1), (&now_b.0, &now_b.1))?;
        changed += of_a.last().map_or(0, |(_, before)| u64::from(*before != now_a.1));
        of_a.push(now_a);
        of_b.push(now_b);
    }
    Ok(changed)
}

/// Takes a cut after the last, and compares it with some of those before.
fn look(storage: &dyn Storage, moments: &Moments) -> Result<(StorageCut, EncodedRows), String> {
    let rows = encoded_rows(storage);
    let cut = match moments.last() {
        Some((last, _)) => StorageCut::after(storage, last),
        None => StorageCut::of(storage),
    };
    let cut = cut.map_err(|error| error.to_string())?;
    let (last, middle) = (moments.len().saturating_sub(1), moments.len() / 2);
    for place in [last, middle, 0] {
        if let Some((before, old)) = moments.get(place) {
            check_rows((before, old), (&cut, &rows))?;
            check_rows((&cut, &rows), (before, old))?;
        }
    }
    check_rows((&cut, &rows), (&cut, &rows))?;
    Ok((cut, rows))
}
