//! Batches: wholly or not at all.

use ecs_core::{EntityId, ErasedBundle};
use ecs_storage_api::{Storage, StorageError, StorageExt, UpdateBatch, UpdateError, UpdatePlace};

use super::state;
use crate::Make;
use crate::components::{Marker, Name, Position, Velocity};

/// Spawns, updates, inserts, removes, destroys.
pub fn effects_come_in_their_order(make: Make<'_>) {
    let mut storage = make();
    let old = storage.create((Position(0, 0), Name("old".into()))).unwrap();
    let gone = storage.create(Position(1, 1)).unwrap();
    // Destroyed last, so that its index is not used for the spawns.
    let batch = UpdateBatch::new()
        .destroy(gone)
        .remove::<Name>(old)
        .insert(old, (Velocity(3, 3), Marker))
        .update(old, Position(2, 2))
        .spawn(Position(7, 7))
        .spawn(());
    assert_eq!(batch.len(), 7);
    let made = storage.apply_updates(batch).unwrap();
    assert_eq!(made, [EntityId::new(0, 3, 0).unwrap(), EntityId::new(0, 4, 0).unwrap()]);
    assert_eq!(storage.get_component::<Position>(old), Some(&Position(2, 2)));
    assert!(storage.has_component::<Marker>(old) && !storage.has_component::<Name>(old));
    assert!(!storage.entity_exists(gone));
    assert_eq!(storage.create_entity().unwrap(), EntityId::new(0, 2, 1).unwrap());
    assert!(storage.apply_updates(UpdateBatch::new()).unwrap().is_empty());
}

/// Checks that a batch is refused, and returns why.
fn refused(storage: &mut dyn Storage, batch: UpdateBatch) -> UpdateError {
    let (before, ids) = (state(storage), storage.allocator_state());
    let error = storage.apply_updates(batch).expect_err("the batch is wrong");
    assert_eq!((state(storage), storage.allocator_state()), (before, ids), "{error}");
    error
}

/// Each error, with changes before it that must not happen.
pub fn a_refused_batch_changes_nothing(make: Make<'_>) {
    let mut storage = make();
    let storage = &mut *storage;
    let a = storage.create((Position(0, 0), Name("a".into()))).unwrap();
    let b = storage.create(Position(1, 1)).unwrap();
    let dead = storage.create(()).unwrap();
    storage.destroy_entity(dead).unwrap();
    let good = || UpdateBatch::new().spawn(Position(8, 8)).insert(b, Name("changed".into()));
    for batch in [
        good().update(dead, Position(1, 1)),
        good().insert(dead, Position(1, 1)),
        good().remove::<Position>(dead),
        good().destroy(dead),
        good().update(b, Velocity(1, 1)),
        good().update(a, Position(1, 1)).update(a, Position(2, 2)),
        good().update(a, Position(1, 1)).insert(a, Position(2, 2)),
        good().insert(a, Velocity(1, 1)).remove::<Velocity>(a),
        good().remove::<Name>(a).remove::<Name>(a),
        good().destroy(a).destroy(a),
        good().destroy(a).update(a, Position(1, 1)),
        good().destroy(b),
        good().spawn((Position(1, 1), Position(2, 2))),
        good().insert(a, (Marker, Marker)),
        good().spawn_as(a, Position(1, 1)),
        good().spawn_as(EntityId::new(0, 70, 0).unwrap(), Position(1, 1)),
    ] {
        refused(storage, batch);
    }
}

/// Kind, number, entity and component.
pub fn errors_name_their_place(make: Make<'_>) {
    let mut storage = make();
    let storage = &mut *storage;
    let a = storage.create((Position(0, 0), Name("a".into()))).unwrap();
    let dead = EntityId::new(0, 50, 0).unwrap();
    let error =
        refused(storage, UpdateBatch::new().update(a, Position(1, 1)).update(dead, Position(1, 1)));
    assert!(
        matches!(error, UpdateError::NoSuchEntity { place: UpdatePlace::Update(1), entity } if entity == dead),
        "{error}"
    );
    let error = refused(storage, UpdateBatch::new().update(a, Velocity(1, 1)));
    assert_eq!(
        error.to_string(),
        format!("updates[0]: entity {a} has no component `testkit::Velocity` to update")
    );
    let error = refused(
        storage,
        UpdateBatch::new().insert(a, (Marker, Velocity(1, 1))).remove::<Velocity>(a),
    );
    assert_eq!(
        error.to_string(),
        format!(
            "removes[0]: component `testkit::Velocity` of entity {a} is changed before, by inserts[1]"
        )
    );
    let error = refused(storage, UpdateBatch::new().update(a, Position(1, 1)).destroy(a));
    assert_eq!(
        error.to_string(),
        format!("destroys[0]: entity {a} is destroyed here, and updates[0] names it too")
    );
    let twice = ErasedBundle::default().with(Marker).with(Marker);
    let error = refused(storage, UpdateBatch::new().spawn(Marker).spawn_erased(None, twice));
    assert_eq!(error.to_string(), "spawns[1]: the bundle holds component `testkit::Marker` twice");
    let error = refused(storage, UpdateBatch::new().spawn_as(dead, Marker));
    assert!(
        matches!(
            error,
            UpdateError::Spawn {
                place: UpdatePlace::Spawn(0),
                source: StorageError::NotReserved(_)
            }
        ),
        "{error}"
    );
}

/// `spawn_as` with an id that was reserved here.
pub fn reserved_ids_become_real_in_a_batch(make: Make<'_>) {
    let mut storage = make();
    let reserved = storage.reserve_entities(2).unwrap();
    let made = storage
        .apply_updates(
            UpdateBatch::new()
                .spawn(Position(0, 0))
                .spawn_as(reserved[1], (Position(1, 1), Marker)),
        )
        .unwrap();
    assert_eq!(made[1], reserved[1]);
    assert_eq!(storage.get_component::<Position>(reserved[1]), Some(&Position(1, 1)));
    assert!(!storage.entity_exists(reserved[0]));
    let twice = UpdateBatch::new().spawn_as(reserved[0], Marker).spawn_as(reserved[0], Marker);
    refused(&mut *storage, twice);
}

/// No error where nothing is lost.
pub fn an_insert_replaces_and_a_remove_of_nothing_is_nothing(make: Make<'_>) {
    let mut storage = make();
    let a = storage.create(Name("old".into())).unwrap();
    storage
        .apply_updates(UpdateBatch::new().insert(a, Name("new".into())).remove::<Marker>(a))
        .unwrap();
    assert_eq!(storage.get_component::<Name>(a), Some(&Name("new".into())));
}
