//! Many entities that lose some components and gain others, in one move each.

use ahash::{AHashMap, AHashSet};
use ecs_core::{BundleBatch, BundleKind, EntityId};
use ecs_storage_api::{BundleError, StorageError, TableId, Workers};

use crate::graph::Graph;
use crate::rows::{Panics, Rows, Scattered, Staged};

/// Takes the components of a kind from several entities, and gives each those of
/// its row.
pub(crate) fn exchange(
    rows: &mut Rows,
    graph: &mut Graph,
    entities: &[EntityId],
    lost: &BundleKind,
    batch: &mut dyn BundleBatch,
    workers: &dyn Workers,
) -> Result<(), StorageError> {
    let gained = batch.kind();
    if let Some(twice) = gained.duplicate() {
        return Err(BundleError::Duplicate(twice).into());
    }
    let scattered = Scattered::of(rows, entities, workers);
    let scattered = scattered.ok_or_else(|| first_fault(rows, entities))?;
    let staged = Staged::write(&gained, batch, entities.len())?;
    let (lost, gained) = (lost.component_ids(), gained.component_ids());
    let mut courses = Vec::new();
    let mut incoming: AHashMap<TableId, usize> = AHashMap::new();
    for (table, count) in scattered.tables() {
        let mut components = rows.components(table).clone();
        for &id in &lost {
            components.remove(id);
        }
        components.extend(gained.iter().copied());
        let target = graph.table(rows, components)?;
        let course = rows.course(table, Some(target), Some(&staged));
        if let Some(target) = course.target() {
            *incoming.entry(target).or_default() += count;
        }
        courses.push(course);
    }
    for (target, count) in incoming {
        rows.check_room(target, count)?;
    }
    let mut panics = Panics::new();
    rows.scatter(&scattered, &courses, staged, workers, &mut panics)?;
    panics.go_on();
    Ok(())
}

/// Names the first entity of a list that is dead or listed before.
#[cold]
fn first_fault(rows: &Rows, entities: &[EntityId]) -> StorageError {
    let mut seen = AHashSet::with_capacity(entities.len());
    for &entity in entities {
        if rows.locate(entity).is_none() {
            return StorageError::NoSuchEntity(entity);
        }
        if !seen.insert(entity) {
            return StorageError::ListedTwice(entity);
        }
    }
    unreachable!("a list is refused for one of its entities")
}
