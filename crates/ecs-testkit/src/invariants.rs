//! What must hold of a store at every moment.

use std::collections::BTreeSet;

use ecs_core::EntityId;
use ecs_storage_api::{Storage, StorageExt};

/// Looks at a store from every side: each row maps back to its id, lengths add
/// up, and what is listed is what is found.
///
/// # Panics
/// If two ways of looking disagree.
pub fn check_invariants(storage: &dyn Storage) {
    let listed: Vec<EntityId> = storage.all_entities().collect();
    let set: BTreeSet<EntityId> = listed.iter().copied().collect();
    assert_eq!(listed.len(), set.len(), "no entity is listed twice");
    assert_eq!(listed.len(), storage.entity_count(), "the count is that of the list");
    let query = storage.query_as::<EntityId, ()>();
    let rows: Vec<EntityId> = query.iter().collect();
    assert_eq!(rows.len(), listed.len(), "chunks have a row for each entity");
    assert_eq!(
        query.chunks().map(|chunk| chunk.len()).sum::<usize>(),
        rows.len(),
        "the sum of rows is the length"
    );
    for &entity in &rows {
        assert!(
            set.contains(&entity) && storage.entity_exists(entity),
            "a row's entity {entity} lives"
        );
        assert_eq!(query.get(entity), Some(entity), "the row of {entity} maps back to it");
        let components = storage
            .get_component_types(entity)
            .expect("an entity that lives has a set of components");
        for component in components.iter() {
            assert!(storage.has_component_erased(entity, component));
            let value = storage
                .get_component_erased(entity, component)
                .expect("a component that is listed is there");
            assert_eq!(value.id(), component, "a value is of the component that was asked for");
        }
    }
    let state = storage.allocator_state();
    if let Err(error) = state.validate_with_alive(set.iter().copied()) {
        panic!("the allocator accounts for every id: {error}");
    }
}
