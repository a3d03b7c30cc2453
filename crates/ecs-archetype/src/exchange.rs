//! Many entities in any order, which lose some components and gain others, in one move
//! each, or end.

use ahash::{AHashMap, AHashSet};
use ecs_core::{BundleBatch, BundleKind, ComponentId, EntityId};
use ecs_storage_api::{Alone, BundleError, StorageError, TableId, Workers};

use crate::graph::Graph;
use crate::rows::{Course, Panics, Rows, Scattered, Staged};

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
    let scattered = look_up(rows, entities, workers)?;
    let staged = Staged::write(&gained, batch, entities.len())?;
    let (lost, gained) = (lost.component_ids(), gained.component_ids());
    let courses = courses(rows, graph, &scattered, &lost, (&staged, &gained))?;
    let is_noted = rows.note_batch(entities, &lost, &staged);
    take(rows, &scattered, &courses, (staged, is_noted), workers);
    Ok(())
}

/// Takes components away, and returns how many values that were.
pub(crate) fn remove(
    rows: &mut Rows,
    graph: &mut Graph,
    entities: &[EntityId],
    kind: &BundleKind,
) -> Result<usize, StorageError> {
    let scattered = look_up(rows, entities, &Alone)?;
    let staged = Staged::without_values(entities.len())?;
    let lost = kind.component_ids();
    let courses = courses(rows, graph, &scattered, &lost, (&staged, &[]))?;
    let values = scattered.tables().zip(&courses).map(|((_, count), it)| count * it.ended()).sum();
    let is_noted = rows.note_batch(entities, &lost, &staged);
    take(rows, &scattered, &courses, (staged, is_noted), &Alone);
    Ok(values)
}

/// Ends entities, none of which is foreign; `ending` is told once that they all can.
pub(crate) fn despawn(
    rows: &mut Rows,
    entities: &[EntityId],
    ending: impl FnOnce(),
) -> Result<(), StorageError> {
    let scattered = look_up(rows, entities, &Alone)?;
    let staged = Staged::without_values(entities.len())?;
    let courses: Vec<_> =
        scattered.tables().map(|(table, _)| rows.course(table, None, None)).collect();
    ending();
    take(rows, &scattered, &courses, (staged, false), &Alone);
    Ok(())
}

/// Finds the entities.
fn look_up(
    rows: &Rows,
    entities: &[EntityId],
    workers: &dyn Workers,
) -> Result<Scattered, StorageError> {
    Scattered::of(rows, entities, workers).ok_or_else(|| first_fault(rows, entities))
}

/// Finds out where the rows of each table go, and makes room there for all that come.
fn courses(
    rows: &mut Rows,
    graph: &mut Graph,
    scattered: &Scattered,
    lost: &[ComponentId],
    (staged, gained): (&Staged, &[ComponentId]),
) -> Result<Vec<Course>, StorageError> {
    let mut courses = Vec::new();
    let mut incoming: AHashMap<TableId, usize> = AHashMap::new();
    for (table, count) in scattered.tables() {
        let mut components = rows.components(table).clone();
        for &id in lost {
            components.remove(id);
        }
        components.extend(gained.iter().copied());
        let target = graph.table(rows, components)?;
        let course = rows.course(table, Some(target), Some(staged));
        if let Some(target) = course.target() {
            *incoming.entry(target).or_default() += count;
        }
        courses.push(course);
    }
    for (target, count) in incoming {
        rows.reserve(target, count)?;
    }
    Ok(courses)
}

/// Takes the entities along their courses, with rows that are staged, and whether the
/// batch was noted.
fn take(
    rows: &mut Rows,
    scattered: &Scattered,
    courses: &[Course],
    (staged, is_noted): (Staged, bool),
    workers: &dyn Workers,
) {
    let mut panics = Panics::new();
    rows.scatter(scattered, courses, staged, is_noted, workers, &mut panics);
    panics.go_on();
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
