//! The claims of the contract, by theme. Each panics if it does not hold.

pub mod batches;
pub mod capabilities;
pub mod changes;
pub mod components;
pub mod drops;
pub mod lifecycle;
pub mod many;
pub mod queries;
pub mod snapshots;
pub mod specification;

use ecs_core::EntityId;
use ecs_storage_api::Storage;

/// Every entity with its components and their values, sorted.
pub(crate) type State = Vec<(EntityId, Vec<(&'static str, String)>)>;

/// Everything that can be seen of a store, for comparison before and after.
pub(crate) fn state(storage: &dyn Storage) -> State {
    let mut all: Vec<_> = storage
        .all_entities()
        .map(|entity| {
            let components = storage.get_component_types(entity).expect("a listed entity lives");
            let value = |id| {
                format!(
                    "{:?}",
                    storage.get_component_erased(entity, id).expect("a listed component")
                )
            };
            let mut values: Vec<_> =
                components.iter().map(|id| (id.info().name(), value(id))).collect();
            values.sort();
            (entity, values)
        })
        .collect();
    all.sort();
    all
}
