//! What must hold of a store at every moment.

use std::collections::BTreeSet;

use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::{Storage, StorageExt};

/// Looks at a store from every side: each row maps back to its id, lengths add
/// up, and what is listed is what is found.
///
/// # Complexity
/// O(entities x components in use).
///
/// # Panics
/// If two ways of looking disagree.
pub fn check_invariants(storage: &dyn Storage) {
    if let Err(fault) = find_fault(storage) {
        panic!("{fault}");
    }
}

/// As [`check_invariants`], without a panic.
pub(crate) fn find_fault(storage: &dyn Storage) -> Result<(), String> {
    let ensure = |holds: bool, claim: &dyn Fn() -> String| match holds {
        true => Ok(()),
        false => Err(claim()),
    };
    let listed: Vec<EntityId> = storage.all_entities().collect();
    let set: BTreeSet<EntityId> = listed.iter().copied().collect();
    ensure(listed.len() == set.len(), &|| "an entity is listed twice".to_owned())?;
    let count = storage.entity_count();
    ensure(listed.len() == count, &|| format!("{} are listed and {count} counted", listed.len()))?;
    let query = storage.query_as::<EntityId, ()>();
    let rows: Vec<EntityId> = query.iter().collect();
    ensure(rows.len() == count, &|| format!("{} rows for {count} entities", rows.len()))?;
    let summed: usize = query.chunks().map(|chunk| chunk.len()).sum();
    ensure(summed == count, &|| format!("chunks have {summed} rows for {count} entities"))?;
    let mut in_use = BTreeSet::new();
    for &entity in &rows {
        ensure(set.contains(&entity), &|| format!("{entity} has a row and is not listed"))?;
        ensure(storage.entity_exists(entity), &|| format!("{entity} has a row and is dead"))?;
        let found = query.get(entity);
        ensure(found == Some(entity), &|| format!("the row of {entity} is that of {found:?}"))?;
        let types = storage.get_component_types(entity);
        in_use.extend(types.iter().flat_map(|types| types.iter().collect::<Vec<_>>()));
        ensure(types.is_some(), &|| format!("{entity} lives and has no set of components"))?;
    }
    for &entity in &rows {
        in_use.iter().try_for_each(|&component| component_agrees(storage, entity, component))?;
    }
    let state = storage.allocator_state();
    let alive = state.validate_with_alive(set.iter().copied());
    alive.map_err(|error| format!("the allocator does not account for every id: {error}"))
}

/// The list of an entity's components, `has` and `get` say the same.
fn component_agrees(
    storage: &dyn Storage,
    entity: EntityId,
    component: ComponentId,
) -> Result<(), String> {
    let types = storage.get_component_types(entity).is_some_and(|types| types.contains(component));
    let has = storage.has_component_erased(entity, component);
    let value = storage.get_component_erased(entity, component).map(|value| value.id());
    if types == has && value == has.then_some(component) {
        return Ok(());
    }
    Err(format!("`{component}` of {entity}: listed {types}, has {has}, value of {value:?}"))
}
