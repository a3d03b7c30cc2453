//! The examples of the specification.

use std::pin::pin;
use std::task::{Context, Poll, Waker};

use ecs_core::{ComponentId, EntityAllocator, EntityId};
use ecs_storage_api::remote::next;
use ecs_storage_api::{
    AsyncStorage, AsyncStorageExt, LocalAsync, Storage, StorageExt, UpdateBatch,
};

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

/// Returns the answer of a future that is ready at its first poll.
fn ready<T>(future: impl Future<Output = T>) -> T {
    match pin!(future).poll(&mut Context::from_waker(Waker::noop())) {
        Poll::Ready(answer) => answer,
        Poll::Pending => panic!("a local store answers at once"),
    }
}

/// `query_async`, `get_component_async`, `apply_updates_async`: async wraps sync.
pub fn the_async_variants_do_the_same(make: Make<'_>) {
    let mut storage = make();
    let both = storage.create((Position(1, 2), Velocity(3, 4))).unwrap();
    let one = storage.create(Position(5, 6)).unwrap();
    let storage = LocalAsync::new(storage);
    ready(async {
        let mut rows = storage.query_async::<(Position, Velocity)>();
        let row = next(&mut rows).await.unwrap().unwrap();
        assert_eq!(row, (both, (Position(1, 2), Velocity(3, 4))));
        assert!(next(&mut rows).await.is_none());
        drop(rows);
        assert_eq!(storage.get_component_async(one).await.unwrap(), Some(Position(5, 6)));
        let batch = UpdateBatch::new()
            .update(both, Position(7, 8))
            .insert(one, Velocity(9, 9))
            .remove::<Velocity>(both)
            .spawn(Name("new".into()));
        let made = storage.apply_updates_async(&batch, None).await.unwrap().created;
        assert_eq!(made, [EntityId::new(0, 3, 0).unwrap()]);
        assert_eq!(storage.get_component_async(both).await.unwrap(), Some(Position(7, 8)));
        assert!(!storage.has_component_async::<Velocity>(both).await.unwrap());
    });
    let storage = storage.into_inner();
    assert_eq!(storage.get_component::<Velocity>(one), Some(&Velocity(9, 9)));
    assert_eq!(storage.entity_count(), 3);
}

/// `allocate`, `deallocate`, `is_alive`; and the store's ids are of this kind.
pub fn an_allocator_recycles_with_the_next_generation(make: Make<'_>) {
    let mut allocator = EntityAllocator::new(0);
    let first = allocator.allocate();
    assert_eq!(first, EntityId::new(0, 1, 0).unwrap());
    assert!(allocator.is_alive(first));
    allocator.deallocate(first).unwrap();
    assert!(!allocator.is_alive(first));
    let second = allocator.allocate();
    assert_eq!(second, EntityId::new(0, 1, 1).unwrap());
    assert!(first != second && !allocator.is_alive(first));
    let mut storage = make();
    let entity = storage.create_entity().unwrap();
    storage.destroy_entity(entity).unwrap();
    assert_eq!(storage.create_entity().unwrap(), second);
}

/// `EntityAllocator(shard=1)` gives `EntityId(1, 1, 0)`.
pub fn shards_give_ids_that_never_meet(make: Make<'_>) {
    let there = EntityAllocator::new(1).allocate();
    assert_eq!(there, EntityId::new(1, 1, 0).unwrap());
    let mut storage = make();
    let here = storage.create(Position(0, 0)).unwrap();
    assert_eq!(here, EntityId::new(0, 1, 0).unwrap());
    assert!(storage.entity_exists(here) && !storage.entity_exists(there));
    assert_eq!(storage.get_component::<Position>(there), None);
}
