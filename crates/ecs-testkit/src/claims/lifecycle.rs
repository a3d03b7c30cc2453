//! Entities: made, ended, reserved and adopted.

use ecs_core::{ComponentId, EntityAllocator, EntityId, ErasedValue};
use ecs_storage_api::{Storage, StorageError, StorageExt};

use super::state;
use crate::Make;
use crate::components::{Marker, Name, Position};

/// Destroying one entity does not touch the others, wherever it stood.
pub fn destroying_keeps_the_others(make: Make<'_>) {
    for victim in 0..5 {
        let mut storage = make();
        let mut entities =
            storage.create_many((0..5).map(|n| (Position(n, n), Name(n.to_string())))).unwrap();
        storage.destroy_entity(entities.remove(victim)).unwrap();
        for entity in entities {
            let n = entity.index() as i32 - 1;
            assert_eq!(storage.get_component::<Position>(entity), Some(&Position(n, n)));
            assert_eq!(storage.get_component::<Name>(entity), Some(&Name(n.to_string())));
        }
    }
}

/// Reads give nothing and changes give an error with the id in it.
pub fn dead_ids_are_refused_everywhere(make: Make<'_>) {
    let mut storage = make();
    let dead = storage.create(Position(1, 1)).unwrap();
    storage.destroy_entity(dead).unwrap();
    storage.create(Position(2, 2)).unwrap();
    let never = EntityId::new(0, 77, 0).unwrap();
    let foreign = EntityId::new(9, 1, 0).unwrap();
    let before = state(&*storage);
    for id in [dead, never, foreign] {
        let refused = |outcome: Result<(), StorageError>| {
            assert!(
                matches!(outcome, Err(StorageError::NoSuchEntity(named)) if named == id),
                "{outcome:?}"
            );
        };
        assert!(!storage.entity_exists(id) && !storage.has_component::<Position>(id));
        assert!(storage.get_component::<Position>(id).is_none());
        assert!(storage.get_component_mut::<Position>(id).is_none());
        assert!(storage.get_component_types(id).is_none());
        refused(storage.destroy_entity(id));
        refused(storage.set_component(id, Position(0, 0)));
        refused(storage.set_component_erased(id, ErasedValue::new(Marker)).map(drop));
        refused(storage.insert(id, (Position(0, 0), Marker)));
        refused(storage.remove_component::<Position>(id).map(drop));
        refused(storage.remove_component_erased(id, ComponentId::of::<Position>()).map(drop));
        refused(storage.destroy_batch(&[id]));
    }
    assert_eq!(state(&*storage), before);
}

/// A dead or repeated id in a batch is an error, and nothing happens.
pub fn a_batch_is_destroyed_wholly_or_not_at_all(make: Make<'_>) {
    let mut storage = make();
    let entities = storage.create_many((0..6).map(|n| Position(n, n))).unwrap();
    storage.destroy_entity(entities[5]).unwrap();
    let dead = storage.destroy_batch(&[entities[0], entities[5]]);
    assert!(matches!(dead, Err(StorageError::NoSuchEntity(id)) if id == entities[5]));
    let twice = storage.destroy_batch(&[entities[0], entities[1], entities[0]]);
    assert!(matches!(twice, Err(StorageError::ListedTwice(id)) if id == entities[0]));
    assert_eq!(storage.entity_count(), 5);
    storage.destroy_batch(&entities[1..4]).unwrap();
    assert_eq!(storage.query_single::<Position>().count(), 2);
}

/// After `clear` nothing lives, and old ids stay dead.
pub fn clearing_ends_everything_and_no_id_returns(make: Make<'_>) {
    let mut storage = make();
    let old = storage.create_many((0..10).map(|n| Position(n, n))).unwrap();
    storage.clear().unwrap();
    assert_eq!((storage.entity_count(), storage.all_entities().count()), (0, 0));
    let new = storage.create_many((0..20).map(|n| Position(n, n))).unwrap();
    assert!(new.iter().all(|id| !old.contains(id)));
    assert!(old.iter().all(|&id| !storage.entity_exists(id)));
    // The indices come back in the order that ending them by ascending id gives.
    let mut allocator = EntityAllocator::new(0);
    let named = allocator.allocate_many(10);
    allocator.deallocate_many(&named).unwrap();
    assert_eq!(new, allocator.allocate_many(20));
}

/// A reserved id is named but not alive; released, it is named again.
pub fn reserved_ids_are_not_alive_until_adopted(make: Make<'_>) {
    let mut storage = make();
    let reserved = storage.reserve_entities(3).unwrap();
    assert!(reserved.iter().all(|&id| !storage.entity_exists(id)));
    assert_eq!(storage.entity_count(), 0);
    let other = storage.create_entity().unwrap();
    assert!(!reserved.contains(&other));
    storage.adopt(reserved[1]).unwrap();
    assert!(storage.entity_exists(reserved[1]) && !storage.entity_exists(reserved[0]));
    storage.set_component(reserved[1], Position(1, 1)).unwrap();
    storage.release_reserved(reserved[0]).unwrap();
    assert!(matches!(storage.release_reserved(reserved[0]), Err(StorageError::NotReserved(_))));
    assert!(matches!(storage.adopt(reserved[0]), Err(StorageError::NotReserved(_))));
    assert_eq!(storage.create_entity().unwrap(), reserved[0]);
    storage.clear().unwrap();
    assert!(!storage.entity_exists(reserved[2]), "stale handles stay stale after clear");
}

/// An id of this shard can't be made up.
pub fn ids_of_this_shard_are_adopted_only_if_reserved(make: Make<'_>) {
    let mut storage = make();
    let alive = storage.create_entity().unwrap();
    assert!(matches!(storage.adopt(alive), Err(StorageError::EntityExists(_))));
    let made_up = EntityId::new(0, 5, 0).unwrap();
    assert!(matches!(storage.adopt(made_up), Err(StorageError::NotReserved(_))));
    assert_eq!(storage.entity_count(), 1);
}

/// What `adopts_foreign_ids` says is what happens.
pub fn foreign_ids_are_adopted_where_the_capability_says_so(make: Make<'_>) {
    let mut storage = make();
    let foreign = EntityId::new(7, 3, 2).unwrap();
    let outcome = storage.adopt(foreign);
    if !storage.capabilities().adopts_foreign_ids {
        assert!(matches!(outcome, Err(StorageError::Unsupported(_))), "{outcome:?}");
        return;
    }
    outcome.unwrap();
    storage.set_component(foreign, Position(1, 1)).unwrap();
    let home = storage.create(Position(2, 2)).unwrap();
    assert_eq!(home, EntityId::new(0, 1, 0).unwrap());
    assert_eq!(storage.query_single::<Position>().count(), 2);
    assert!(!storage.entity_exists(EntityId::new(7, 3, 1).unwrap()));
    let saved = storage.snapshot().unwrap();
    storage.destroy_entity(foreign).unwrap();
    assert!(!storage.entity_exists(foreign) && storage.entity_exists(home));
    storage.restore(&saved).unwrap();
    assert_eq!(storage.get_component::<Position>(foreign), Some(&Position(1, 1)));
}

/// The same operations give the ids that an `EntityAllocator` gives.
pub fn ids_come_in_the_order_of_the_allocator(make: Make<'_>) {
    let (mut storage, mut allocator) = (make(), EntityAllocator::new(0));
    let mut alive = Vec::new();
    for step in 0..200usize {
        if step % 3 == 2 {
            let id = alive.swap_remove(step * 7 % alive.len());
            storage.destroy_entity(id).unwrap();
            allocator.deallocate(id).unwrap();
        } else {
            let id = storage.create(Position(step as i32, 0)).unwrap();
            assert_eq!(id, allocator.allocate());
            alive.push(id);
        }
    }
    let made = storage.create_many((0..50).map(|n| Position(n, n))).unwrap();
    assert_eq!(made, allocator.allocate_many(50));
    assert_eq!(storage.allocator_state(), allocator.state());
}
