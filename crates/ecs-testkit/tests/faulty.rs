//! Every path that errors take: of a call that failed nothing has happened, and
//! made again it does what it would have done.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{ComponentId, EntityId, ErasedValue, RemoveAll};
use ecs_local::LocalStorage;
use ecs_storage_api::{
    Blocking, LocalAsync, SnapshotError, Storage, StorageError, StorageExt, UpdateBatch,
    UpdateError, state_hash,
};
use ecs_testkit::components::{Marker, Name, Position, Velocity};
use ecs_testkit::{Faulty, Steps, check_invariants};

/// One call that can fail.
type Call = fn(&mut dyn Storage) -> Result<(), StorageError>;

fn id(index: u32) -> EntityId {
    EntityId::new(0, index, 0).unwrap()
}

fn of_batch(error: UpdateError) -> StorageError {
    match error {
        UpdateError::Storage(error) => error,
        other => panic!("the batch is right: {other}"),
    }
}

fn of_snapshot(error: SnapshotError) -> StorageError {
    match error {
        SnapshotError::Storage(error) => error,
        other => panic!("the snapshot is right: {other}"),
    }
}

/// Every kind of call once, and each of the fallible methods.
const STORY: &[Call] = &[
    |storage| storage.create_entity().map(drop),
    |storage| storage.create((Position(1, 1), Name("a".into()))).map(drop),
    |storage| storage.create_many((0..3).map(|n| (Position(n, n), Marker))).map(drop),
    |storage| storage.set_component_erased(id(1), ErasedValue::new(Position(5, 5))).map(drop),
    |storage| storage.set_component(id(1), Velocity(1, 1)),
    |storage| storage.insert(id(2), (Marker, Name("b".into()), Velocity(2, 2))),
    |storage| storage.remove_component_erased(id(2), ComponentId::of::<Marker>()).map(drop),
    |storage| storage.remove_with(id(3), &mut RemoveAll::<(Position, Marker)>::default()).map(drop),
    |storage| storage.reserve_entities(2).map(drop),
    |storage| storage.adopt(id(6)),
    |storage| storage.release_reserved(id(7)),
    |storage| {
        let batch = UpdateBatch::new()
            .spawn((Position(8, 8), Name("spawned".into())))
            .update(id(1), Position(9, 9))
            .insert(id(2), Marker)
            .remove::<Name>(id(2))
            .destroy(id(4));
        storage.apply_updates(batch).map(drop).map_err(of_batch)
    },
    |storage| storage.destroy_entity(id(3)),
    |storage| storage.destroy_batch(&[id(1), id(2)]),
    |storage| storage.flush(),
    |storage| {
        let saved = storage.snapshot().map_err(of_snapshot)?;
        storage.restore(&saved).map_err(of_snapshot)
    },
    |storage| storage.create(Name("after".into())).map(drop),
    |storage| storage.clear(),
    |storage| storage.create_entity().map(drop),
];

/// Fails at the n-th call for each n, and goes on; `arm` says when to fail.
fn fails_cleanly_at_every_call<S: Storage>(make: impl Fn() -> S, arm: impl Fn(&S, u64) -> bool) {
    let mut unbroken = make();
    STORY.iter().for_each(|call| call(&mut unbroken).unwrap());
    let mut failures = 0;
    for n in 1.. {
        let mut storage = make();
        let mut failed = false;
        let armed = arm(&storage, n);
        assert!(armed);
        for call in STORY {
            let before = state_hash(&storage).unwrap();
            match call(&mut storage) {
                Ok(()) => continue,
                Err(StorageError::Backend(error)) => assert!(error.is_retryable(), "{error}"),
                Err(error) => panic!("call {n} was to fail by itself: {error}"),
            }
            assert!(!std::mem::replace(&mut failed, true), "one call fails");
            assert_eq!(state_hash(&storage).unwrap(), before, "call {n} changed something");
            check_invariants(&storage);
            call(&mut storage).unwrap();
        }
        assert_eq!(state_hash(&storage).unwrap(), state_hash(&unbroken).unwrap());
        if !failed {
            break;
        }
        failures += 1;
    }
    assert!(failures >= STORY.len() - 2, "every call failed once: {failures}");
}

fn arm<S: Storage>(storage: &Faulty<S>, n: u64) -> bool {
    storage.fail_at(n);
    storage.is_armed()
}

#[test]
fn a_call_of_the_oracle_that_fails_changes_nothing() {
    fails_cleanly_at_every_call(|| Faulty::new(LocalStorage::new(0)), arm);
}

#[test]
fn a_call_of_the_archetypes_that_fails_changes_nothing() {
    fails_cleanly_at_every_call(|| Faulty::new(ArchetypeStorage::new(0)), arm);
}

/// The far store fails, and what is seen here does not change.
#[test]
fn a_far_store_that_fails_leaves_the_mirror_as_it_was() {
    type Far = Blocking<LocalAsync<Faulty<LocalStorage>>, ArchetypeStorage>;
    fails_cleanly_at_every_call(
        || Far::new(LocalAsync::new(Faulty::new(LocalStorage::new(0)))),
        |storage, n| storage.remote().read(|far| arm(far, n)),
    );
}

/// Where single steps fail, the protocol's own bodies can't take back what was
/// done; but the store stays in order, and can be used.
#[test]
fn a_step_that_fails_leaves_the_store_in_order() {
    for n in 1.. {
        let mut storage = Steps::new(Faulty::new(ArchetypeStorage::new(0)));
        storage.get_ref().fail_at(n);
        let failed = STORY.iter().any(|call| call(&mut storage).is_err());
        check_invariants(&storage);
        storage.get_ref().fail_at(0);
        storage.create((Position(1, 1), Marker)).unwrap();
        storage.clear().unwrap();
        if !failed {
            assert!(n > STORY.len() as u64, "there are more steps than calls");
            break;
        }
    }
}
