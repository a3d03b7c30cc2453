//! The examples of the specification.

use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::{Storage, StorageExt, UpdateBatch};

use crate::Make;
use crate::components::{Name, Position, Velocity};

/// `create_entity()` returns `EntityId(shard=0, index=1, generation=0)`.
pub fn the_first_entity_is_0_1_0(make: Make<'_>) {
    assert_eq!(make().create_entity().unwrap(), EntityId::new(0, 1, 0).unwrap());
}

/// Same index, different generation.
pub fn a_recycled_index_has_the_next_generation(make: Make<'_>) {
    let mut storage = make();
    let first = storage.create_entity().unwrap();
    storage.destroy_entity(first).unwrap();
    let second = storage.create_entity().unwrap();
    assert_eq!((second.index(), second.generation()), (first.index(), first.generation() + 1));
    assert!(!storage.entity_exists(first) && storage.entity_exists(second));
}

/// Entity no longer exists, components deleted.
pub fn a_destroyed_entity_is_gone_with_its_components(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create(Position(1, 2)).unwrap();
    storage.destroy_entity(entity).unwrap();
    assert!(!storage.entity_exists(entity));
    assert_eq!(storage.get_component::<Position>(entity), None);
    assert_eq!(storage.get_component_types(entity), None);
    assert_eq!(storage.query_single::<Position>().count(), 0);
}

/// `all_entities()` iterates over all living entities.
pub fn every_living_entity_is_listed(make: Make<'_>) {
    let mut storage = make();
    let mut entities: Vec<_> = (0..5).map(|_| storage.create_entity().unwrap()).collect();
    storage.destroy_entity(entities.remove(2)).unwrap();
    let mut listed: Vec<_> = storage.all_entities().collect();
    listed.sort();
    assert_eq!(listed, entities);
    assert_eq!(storage.entity_count(), 4);
}

/// `get_component(entity, Position)`.
pub fn a_component_is_read_back(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create_entity().unwrap();
    assert_eq!(storage.get_component::<Position>(entity), None);
    storage.set_component(entity, Position(10, 20)).unwrap();
    assert_eq!(storage.get_component::<Position>(entity), Some(&Position(10, 20)));
    storage.get_component_mut::<Position>(entity).unwrap().0 = 11;
    assert_eq!(storage.get_component::<Position>(entity), Some(&Position(11, 20)));
}

/// `set_component` adds or updates; the type is that of the value.
pub fn setting_a_component_adds_or_updates_it(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create_entity().unwrap();
    storage.set_component(entity, Position(1, 1)).unwrap();
    storage.set_component(entity, Position(2, 2)).unwrap();
    storage.set_component(entity, Name("a".into())).unwrap();
    assert_eq!(storage.get_component::<Position>(entity), Some(&Position(2, 2)));
    assert_eq!(storage.get_component::<Name>(entity), Some(&Name("a".into())));
}

/// `remove_component` returns whether it was there.
pub fn removing_a_component_says_whether_it_was_there(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create((Position(1, 1), Velocity(2, 2))).unwrap();
    assert!(storage.remove_component::<Velocity>(entity).unwrap());
    assert!(!storage.remove_component::<Velocity>(entity).unwrap());
    assert_eq!(storage.get_component::<Position>(entity), Some(&Position(1, 1)));
}

/// `has_component(entity, Health)`.
pub fn an_entity_has_the_components_it_was_given(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create(Position(1, 1)).unwrap();
    assert!(
        storage.has_component::<Position>(entity) && !storage.has_component::<Velocity>(entity)
    );
}

/// `get_component_types(entity)` is the set of types.
pub fn the_components_of_an_entity_are_listed(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create((Position(1, 1), Name(String::new()))).unwrap();
    let expected = [ComponentId::of::<Position>(), ComponentId::of::<Name>()].into_iter().collect();
    assert_eq!(storage.get_component_types(entity), Some(expected));
    let bare = storage.create_entity().unwrap();
    assert!(storage.get_component_types(bare).unwrap().is_empty());
}

/// `query(Position, Velocity)` gives entity and components, in that order.
pub fn a_query_finds_entities_with_all_components(make: Make<'_>) {
    let mut storage = make();
    let both = storage.create((Position(1, 2), Velocity(3, 4))).unwrap();
    storage.create(Position(5, 6)).unwrap();
    let query = storage.query::<(&Position, &Velocity)>();
    assert_eq!(query.iter().collect::<Vec<_>>(), [(both, (&Position(1, 2), &Velocity(3, 4)))]);
    let turned = storage.query::<(&Velocity, &Position)>();
    assert_eq!(turned.iter().collect::<Vec<_>>(), [(both, (&Velocity(3, 4), &Position(1, 2)))]);
}

/// `query_single(Health)`.
pub fn a_query_for_one_component_finds_it(make: Make<'_>) {
    let mut storage = make();
    let named = storage.create((Name("n".into()), Position(0, 0))).unwrap();
    storage.create(Position(1, 1)).unwrap();
    assert_eq!(
        storage.query_single::<Name>().iter().collect::<Vec<_>>(),
        [(named, &Name("n".into()))]
    );
}

/// `apply_updates(updates, inserts, removes, destroys)` returns the spawned.
pub fn updates_are_applied_in_one_call(make: Make<'_>) {
    let mut storage = make();
    let first = storage.create(Position(0, 0)).unwrap();
    let second = storage.create(Position(0, 0)).unwrap();
    let third = storage.create((Position(0, 0), Name("x".into()))).unwrap();
    let fourth = storage.create(Position(0, 0)).unwrap();
    let batch = UpdateBatch::new()
        .update(first, Position(5, 5))
        .insert(second, Velocity(1, 0))
        .remove::<Name>(third)
        .destroy(fourth)
        .spawn(Name("new".into()));
    let made = storage.apply_updates(batch).unwrap();
    assert_eq!(storage.get_component::<Position>(first), Some(&Position(5, 5)));
    assert_eq!(storage.get_component::<Velocity>(second), Some(&Velocity(1, 0)));
    assert!(!storage.has_component::<Name>(third) && !storage.entity_exists(fourth));
    assert_eq!(storage.get_component::<Name>(made[0]), Some(&Name("new".into())));
}

/// `restore(snapshot())`.
pub fn a_snapshot_restores_the_state(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create((Position(1, 2), Name("kept".into()))).unwrap();
    let data = storage.snapshot().unwrap();
    storage.destroy_entity(entity).unwrap();
    storage.restore(&data).unwrap();
    assert_eq!(storage.get_component::<Name>(entity), Some(&Name("kept".into())));
    assert_eq!(storage.entity_count(), 1);
}
