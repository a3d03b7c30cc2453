//! Batches: wholly or not at all.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{ComponentId, EntityId, ErasedBundle};
use ecs_storage_api::{Storage, StorageError, StorageExt, UpdateBatch, UpdateError, UpdatePlace};

use super::state;
use crate::components::{Fragile, Marker, Name, Position, Velocity};
use crate::{Make, check_invariants};

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

/// Ids in the order of the spawns, whoever named them; removals in the order of the
/// removes and then of the destroys.
pub fn effects_of_one_kind_come_in_the_order_of_the_calls(make: Make<'_>) {
    let mut storage = make();
    let named = |n: i32| (Name(n.to_string()), Position(n, n));
    let [a, b, c, d] = std::array::from_fn(|n| storage.create(named(n as i32)).unwrap());
    let reserved = storage.reserve_entities(2).unwrap();
    let batch = UpdateBatch::new()
        .insert(a, (Velocity(1, 1), Marker))
        .destroy(d)
        .remove::<Name>(c)
        .spawn(Marker)
        .remove::<Name>(a)
        .destroy(b)
        .spawn_as(reserved[1], Name("reserved".into()))
        .spawn(Position(5, 5))
        .insert(c, Velocity(2, 2));
    let since = storage.advance_version();
    let made = storage.apply_updates(batch).unwrap();
    let id = |index| EntityId::new(0, index, 0).unwrap();
    assert_eq!(made, [id(7), reserved[1], id(8)]);
    if storage.capabilities().change_detection {
        let removed = storage.removed(ComponentId::of::<Name>(), since);
        let removed: Vec<_> = removed.iter().map(|removed| removed.entity).collect();
        assert_eq!(removed, [c, a, d, b]);
    }
    // Given back in the order of the destroys, so the last one comes first.
    assert_eq!(storage.create_entity().unwrap().index(), b.index());
    assert_eq!(storage.create_entity().unwrap().index(), d.index());
}

/// Backends that copy a batch do so before its first effect: either the panic is
/// all that happens, or there is none.
pub fn a_panic_in_a_clone_changes_nothing(make: Make<'_>) {
    let mut storage = make();
    let a = storage.create((Position(0, 0), Fragile(0))).unwrap();
    let b = storage.create(Name("b".into())).unwrap();
    type Way<'a> = &'a dyn Fn(&mut dyn Storage) -> Result<(), UpdateError>;
    let ways: [Way<'_>; 4] = [
        &|storage| {
            let batch = UpdateBatch::new()
                .spawn((Marker, Fragile(1)))
                .update(a, Fragile(2))
                .insert(b, (Velocity(1, 1), Fragile(3)))
                .remove::<Position>(a);
            storage.apply_updates(batch).map(drop)
        },
        &|storage| Ok(storage.create((Position(4, 4), Fragile(4))).map(drop)?),
        &|storage| Ok(storage.set_component(a, Fragile(5)).map(drop)?),
        &|storage| Ok(storage.insert(b, (Marker, Fragile(6)))?),
    ];
    for way in ways {
        let before = (state(&*storage), storage.allocator_state());
        Fragile::let_clones_panic(true);
        let outcome = catch_unwind(AssertUnwindSafe(|| way(&mut *storage)));
        Fragile::let_clones_panic(false);
        check_invariants(&*storage);
        match outcome {
            Ok(done) => done.unwrap(),
            Err(_) => {
                assert_eq!((state(&*storage), storage.allocator_state()), before);
                way(&mut *storage).unwrap();
            }
        }
        assert_ne!((state(&*storage), storage.allocator_state()), before);
    }
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
