//! Operations over a number of entities, all of one archetype.

use super::Operation;
use crate::compare::{Row, Size};
use crate::rows;

/// Each operation with the row that has it and the contenders that are asked.
const OPERATIONS: &[(&str, &str, &[&str])] = &[
    ("spawn", "simple_insert_spawn", &["ecs/spawn"]),
    ("spawn_batch", "bulk_insert", &["ecs/iterator"]),
    ("iterate", "large_iter", &["limit/structs", "ecs/for_each"]),
    ("random get", "random_get", &["limit/table", "ecs/query"]),
    ("add_remove", "add_remove", &["ecs/insert_remove"]),
    ("add_remove batch", "add_remove_batch", &["ecs/batch"]),
    ("despawn", "despawn", &["ecs/despawn"]),
    ("despawn_batch", "despawn_batch", &["ecs/despawn_batch"]),
    ("snapshot save", "snapshot_save", &["ecs/snapshot"]),
    ("snapshot load", "snapshot_load", &["ecs/restore"]),
];

/// Returns the operations whose size is a number of entities.
pub fn by_entities() -> Vec<Operation> {
    let operation = |&(name, row, contenders): &(_, _, &'static [_])| {
        Operation::new(name, move |entities| chosen(row, contenders, entities))
    };
    OPERATIONS.iter().map(operation).collect()
}

/// Takes some contenders of a row of the comparison.
fn chosen(name: &str, contenders: &[&str], entities: usize) -> Row {
    let rows = rows::rows(Size::Exactly(entities));
    let row = rows.into_iter().find(|row| row.name == name);
    let mut row = row.expect("the comparison has this row");
    row.contenders.retain(|contender| contenders.contains(&contender.name));
    assert_eq!(row.contenders.len(), contenders.len(), "{name} has these contenders");
    row
}
