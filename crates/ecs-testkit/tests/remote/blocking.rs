//! A remote store behind the contract of a local one.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ecs_archetype::ArchetypeStorage;
use ecs_core::{ComponentId, EntityId, ErasedValue};
use ecs_local::LocalStorage;
use ecs_storage_api::{
    AsyncStorage, Blocking, LocalAsync, RemoteError, Storage, StorageError, StorageExt,
    UpdateBatch, With, remote::Version,
};
use pollster::block_on;

use crate::components::*;
use crate::tight::Tight;
use crate::wilful::Wilful;
use crate::wire::{Fault, Lost, Wire};

type Far = Arc<LocalAsync<LocalStorage>>;
type Near<R = Far> = Blocking<R, ArchetypeStorage>;

fn shared(count: usize) -> (Far, Vec<EntityId>) {
    let (store, ids) = filled(LocalStorage::new(0), count);
    (Arc::new(LocalAsync::new(store)), ids)
}

fn assert_equal(near: &Near, far: &Far) {
    assert_eq!(hash(near), far.read(hash), "the mirror shows something else");
}

fn is_conflict(error: &(dyn std::error::Error + 'static)) -> bool {
    matches!(RemoteError::find_in(error), Some(RemoteError::Conflict { .. }))
}

#[test]
fn it_shows_what_the_remote_store_holds() {
    let (far, ids) = shared(3000);
    block_on(far.reserve_ids_async(3)).unwrap();
    let near: Near = Blocking::connect(far.clone()).unwrap();
    assert_equal(&near, &far);
    assert_eq!(near.get_component(ids[4]), Some(&Name("number 4".to_owned())));
    assert_eq!(near.query_as::<&Position, With<Asleep>>().count(), 1000);
    assert!(near.capabilities().versions);
}

#[test]
fn every_change_is_made_in_both_places() {
    let (far, ids) = shared(10);
    let mut near: Near = Blocking::new(far.clone());
    let made = near.create((Position(1.0), Name("made".to_owned()))).unwrap();
    let many = near.create_many((0..2500).map(|n| Position(n as f32))).unwrap();
    near.set_component(many[3], Asleep(())).unwrap();
    assert_eq!(near.take_component::<Name>(made).unwrap(), Some(Name("made".to_owned())));
    assert!(!near.remove_component::<Name>(made).unwrap());
    let old = near.set_component_erased(made, ErasedValue::new(Position(2.0))).unwrap();
    assert_eq!(old.unwrap().downcast::<Position>().unwrap(), Position(1.0));
    near.destroy_batch(&many[10..20]).unwrap();
    near.destroy_entity(ids[0]).unwrap();
    assert_equal(&near, &far);

    let reserved = near.reserve_entities(4).unwrap();
    near.adopt(reserved[1]).unwrap();
    near.release_reserved(reserved[0]).unwrap();
    let foreign = EntityId::new(7, 1, 0).unwrap();
    let adopted = near.adopt(foreign).is_ok();
    assert_eq!(adopted, near.capabilities().adopts_foreign_ids);
    let batch = UpdateBatch::new()
        .spawn(Position(3.0))
        .spawn_as(reserved[2], ())
        .update(ids[1], Position(4.0))
        .insert(ids[2], (Asleep(()), Name("two".to_owned())))
        .remove::<Position>(ids[3])
        .destroy(ids[4]);
    assert_eq!(near.apply_updates(batch).unwrap()[1], reserved[2]);
    assert_equal(&near, &far);

    let bytes = near.snapshot().unwrap();
    near.clear().unwrap();
    assert_eq!((near.entity_count(), far.read(|far| far.entity_count())), (0, 0));
    assert_equal(&near, &far);
    near.restore(&bytes).unwrap();
    assert_equal(&near, &far);
    let next = near.create_entity().unwrap();
    assert!(far.read(|far| far.entity_exists(next)));
}

#[test]
fn refusals_are_those_of_a_local_store_and_cost_no_journey() {
    let (far, ids) = shared(2);
    let wire = Wire::new(far.clone());
    let mut near: Near<_> = Blocking::new(wire.clone());
    let dead = EntityId::new(0, 99, 0).unwrap();
    let journeys = wire.calls();
    assert!(matches!(near.destroy_entity(dead), Err(StorageError::NoSuchEntity(id)) if id == dead));
    assert!(matches!(near.set_component(dead, Asleep(())), Err(StorageError::NoSuchEntity(_))));
    assert!(matches!(near.remove_component::<Name>(dead), Err(StorageError::NoSuchEntity(_))));
    assert!(matches!(near.create((Cache(1), Cache(2))), Err(StorageError::Bundle(_))));
    assert!(matches!(near.adopt(ids[0]), Err(StorageError::EntityExists(_))));
    assert!(matches!(near.adopt(dead), Err(StorageError::NotReserved(_))));
    assert!(matches!(near.destroy_batch(&[ids[0], ids[0]]), Err(StorageError::ListedTwice(_))));
    assert!(!near.remove_component::<Asleep>(ids[1]).unwrap());
    assert_eq!(wire.calls(), journeys);
    assert!(matches!(near.release_reserved(dead), Err(StorageError::NotReserved(_))));
}

#[test]
fn what_came_after_a_query_that_found_nothing_is_brought_back_too() {
    let far: Far = Arc::new(LocalAsync::new(LocalStorage::new(0)));
    let mut near: Near = Blocking::new(far.clone());
    let write = |near: &mut Near, value| {
        near.query_as_mut::<&mut Position, ()>().for_each(|position| position.0 = value);
    };
    write(&mut near, 1.0);
    let id = near.create(Position(2.0)).unwrap();
    write(&mut near, 3.0);
    near.flush().unwrap();
    assert_eq!(near.get_component(id), Some(&Position(3.0)));
    assert_equal(&near, &far);
}

#[test]
fn what_is_written_through_references_is_brought_back_as_one_batch() {
    let (far, ids) = shared(100);
    let mut near: Near = Blocking::new(far.clone());
    let before = near.version();
    near.query_mut::<&mut Position>().for_each(|(_, position)| position.0 += 0.5);
    near.query_as_mut::<&mut Position, With<Asleep>>().for_each(|position| position.0 += 100.0);
    near.get_component_mut::<Name>(ids[2]).unwrap().0.push('!');
    let [first, none, last] = near.get_many_mut::<Name, 3>([ids[0], ids[1], ids[4]]);
    assert!(none.is_none());
    std::mem::swap(first.unwrap(), last.unwrap());
    assert_eq!(near.version(), before, "nothing is sent before a call that can fail");
    near.flush().unwrap();
    assert_eq!(near.version(), Version::new(before.get() + 1), "one batch");
    assert_equal(&near, &far);
    far.read(|far| {
        assert_eq!(far.get_component(ids[3]), Some(&Position(103.5)));
        assert_eq!(far.get_component(ids[2]), Some(&Name("number 2!".to_owned())));
        assert_eq!(far.get_component(ids[0]), Some(&Name("number 4".to_owned())));
    });
    // The same query again lends the same values anew.
    near.query_mut::<&mut Position>().for_each(|(_, position)| position.0 += 0.5);
    near.flush().unwrap();
    assert_equal(&near, &far);
    // The next change brings back what came before it.
    near.get_component_mut::<Position>(ids[0]).unwrap().0 = -1.0;
    near.destroy_entity(ids[1]).unwrap();
    assert_equal(&near, &far);
}

#[test]
fn what_was_lent_and_not_written_to_is_not_sent() {
    let (far, ids) = shared(50);
    let mut near: Near = Blocking::new(far.clone());
    let before = near.version();
    near.query_mut::<(&mut Position, &Name)>().for_each(|_| ());
    near.get_component_mut::<Name>(ids[0]).unwrap();
    near.flush().unwrap();
    assert_eq!(near.version(), before);
    near.query_mut::<&mut Position>().for_each(|(id, position)| {
        if id == ids[9] {
            position.0 = 9.5;
        }
    });
    near.flush().unwrap();
    assert_eq!(near.version(), Version::new(before.get() + 1));
    assert_equal(&near, &far);

    // Nor is what was replaced as a whole since it was lent.
    let bytes = near.snapshot().unwrap();
    near.set_component(ids[9], Position(1.5)).unwrap();
    near.get_component_mut::<Position>(ids[9]).unwrap();
    near.restore(&bytes).unwrap();
    let restored = near.version();
    near.flush().unwrap();
    assert_eq!(near.version(), restored);
    near.get_component_mut::<Position>(ids[9]).unwrap();
    let mut other: Near = Blocking::new(far.clone());
    other.set_component(ids[9], Position(2.5)).unwrap();
    near.refresh().unwrap();
    near.flush().unwrap();
    assert_eq!(near.version(), other.version());
    assert_equal(&near, &far);
}

#[test]
fn one_clients_write_is_a_conflict_for_the_other_until_it_refreshes() {
    let (far, ids) = shared(10);
    let (mut one, mut two): (Near, Near) = (Blocking::new(far.clone()), Blocking::new(far.clone()));
    one.set_component(ids[0], Position(50.0)).unwrap();
    let before = (hash(&two), far.read(hash));

    let error = two.set_component(ids[0], Position(60.0)).unwrap_err();
    assert!(is_conflict(&error), "{error}");
    let error = two.apply_updates(UpdateBatch::new().destroy(ids[3])).unwrap_err();
    assert!(is_conflict(&error), "{error}");
    let error = two.restore(&one.snapshot().unwrap()).unwrap_err();
    assert!(is_conflict(&error), "{error}");
    assert_eq!((hash(&two), far.read(hash)), before, "a conflict changed something");
    assert_eq!(two.get_component(ids[0]), Some(&Position(0.0)));

    two.refresh().unwrap();
    assert_eq!(two.get_component(ids[0]), Some(&Position(50.0)));
    two.set_component(ids[0], Position(60.0)).unwrap();
    assert_equal(&two, &far);
    // What the first one writes through a reference is refused as well.
    one.get_component_mut::<Position>(ids[0]).unwrap().0 += 1.0;
    assert!(is_conflict(&one.flush().unwrap_err()));
    assert!(is_conflict(&one.create_entity().unwrap_err()));
    one.refresh().unwrap();
    one.flush().unwrap();
    assert_eq!(one.get_component(ids[0]), Some(&Position(60.0)));
}

#[test]
fn ids_that_others_reserve_are_no_conflict() {
    let (far, _) = shared(4);
    let mut near: Near = Blocking::new(far.clone());
    let others = block_on(far.reserve_ids_async(2)).unwrap();
    let own = near.reserve_entities(2).unwrap();
    assert!(own.iter().all(|id| !others.contains(id)));
    assert_equal(&near, &far);
    let others = block_on(far.reserve_ids_async(1)).unwrap();
    let made = near.create(Position(1.0)).unwrap();
    assert!(!others.contains(&made));
    assert_equal(&near, &far);

    // But a change is.
    block_on(far.create_entity_async()).unwrap();
    let reserved = far.read(|far| far.allocator_state().reserved);
    assert!(is_conflict(&near.reserve_entities(1).unwrap_err()));
    assert_eq!(far.read(|far| far.allocator_state().reserved), reserved, "a name was kept");
}

#[test]
fn transient_components_stay_here() {
    let (far, ids) = shared(3);
    let mut near: Near = Blocking::new(far.clone());
    let before = near.version();
    near.set_component(ids[0], Handle(7)).unwrap();
    near.get_component_mut::<Handle>(ids[0]).unwrap().0 += 1;
    near.query_mut::<&mut Handle>().for_each(|(_, handle)| handle.0 += 1);
    near.flush().unwrap();
    assert_eq!(near.version(), before, "there was nothing to send");
    let made = near.create((Position(1.0), Handle(1), Name("n".to_owned()))).unwrap();
    near.destroy_entity(ids[1]).unwrap();
    assert_eq!(near.get_component(ids[0]), Some(&Handle(9)));
    assert!(near.has_component::<Handle>(made));
    far.read(|far| {
        assert!(!far.has_component::<Handle>(ids[0]) && !far.has_component::<Handle>(made));
        assert!(far.has_component::<Name>(made));
    });
    assert_equal(&near, &far);
    assert_eq!(near.take_component::<Handle>(ids[0]).unwrap(), Some(Handle(9)));
    near.refresh().unwrap();
    assert!(!near.has_component::<Handle>(made));
}

#[test]
fn an_error_at_loading_reaches_the_caller() {
    let (far, _) = shared(3);
    let wire = Wire::new(far.clone());
    let fault = Fault { at: 1, lost: Lost::Call, retryable: true };
    wire.plant(fault);
    assert!(Near::connect(wire.clone()).is_err_and(|error| error.is_retryable()));

    wire.plant(fault);
    let mut near: Near<_> = Blocking::new(wire.clone());
    assert_eq!(near.entity_count(), 0);
    let error = near.create_entity().unwrap_err();
    assert!(matches!(error, StorageError::Backend(error) if error.is_retryable()));
    // It was told; now it is tried again.
    wire.plant(fault);
    assert!(near.flush().is_err());
    near.create_entity().unwrap();
    assert_eq!((near.entity_count(), far.read(|far| far.entity_count())), (4, 4));
}

#[test]
fn rows_before_one_that_panics_are_made_in_both_places() {
    let (far, _) = shared(0);
    let mut near: Near = Blocking::new(far.clone());
    let rows = (0..1500).map(|n| {
        assert!(n != 1300, "a row panics");
        Position(n as f32)
    });
    let outcome = catch_unwind(AssertUnwindSafe(|| near.create_many(rows)));
    assert!(outcome.is_err());
    assert_eq!(near.entity_count(), 1300);
    assert_equal(&near, &far);
}

#[test]
fn a_mirror_that_cannot_follow_lends_nothing_until_it_is_loaded() {
    let (far, ids) = shared(3);
    let mut near: Blocking<Far, Tight> = Blocking::connect(far.clone()).unwrap();
    let error = near.create_entity().unwrap_err();
    assert!(matches!(error, StorageError::Capacity { limit: 3, .. }), "{error}");
    // It lacks what the remote store has, so writing to it would be lost.
    assert!(near.get_component_mut::<Position>(ids[0]).is_none());
    assert_eq!(near.query_mut::<&mut Position>().count(), 0);
    near.flush().unwrap();
    assert_eq!(near.entity_count(), 4);
    near.get_component_mut::<Position>(ids[0]).unwrap().0 = 8.0;
    near.flush().unwrap();
    assert_eq!(hash(&near), far.read(hash));
}

#[test]
fn a_world_can_hold_any_remote_store() {
    let remote: Box<dyn AsyncStorage> = Box::new(LocalAsync::new(ArchetypeStorage::new(3)));
    let near: Blocking<_, LocalStorage> = Blocking::new(remote);
    let mut near: Box<dyn Storage> = Box::new(near);
    let made = near.create(Position(1.0)).unwrap();
    assert_eq!(made.shard(), 3);
    near.get_component_mut::<Position>(made).unwrap().0 = 2.0;
    near.flush().unwrap();
    assert_eq!(near.get_component(made), Some(&Position(2.0)));
}

#[test]
fn the_remote_stores_names_count() {
    let (far, _) = shared(3);
    let mut near: Near<_> = Blocking::new(Wilful(far.clone()));
    for _ in 0..5 {
        let made = near.create((Position(1.0), Name("named".to_owned()))).unwrap();
        assert!(far.read(|far| far.entity_exists(made)));
        assert!(near.has_component_erased(made, ComponentId::of::<Name>()));
        assert_eq!(hash(&near), far.read(hash));
    }
}
