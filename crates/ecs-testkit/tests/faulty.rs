//! Every error path: after an error the store is in order, and what is one step
//! has not happened.

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::{Storage, StorageError, StorageExt};
use ecs_testkit::components::{Marker, Name, Position};
use ecs_testkit::{Faulty, check_invariants};

/// A story of single steps, until the first error.
fn story(storage: &mut dyn Storage) -> Result<(), StorageError> {
    let a = storage.create_entity()?;
    storage.set_component(a, Position(1, 1))?;
    let b = storage.create_entity()?;
    storage.set_component(b, Name("b".into()))?;
    storage.set_component(b, Marker)?;
    let reserved = storage.reserve_entities(2)?;
    storage.adopt(reserved[0])?;
    storage.release_reserved(reserved[1])?;
    storage.remove_component_erased(b, ecs_core::ComponentId::of::<Name>())?;
    storage.destroy_entity(a)?;
    storage.flush()
}

fn fails_cleanly_at_every_step<S: Storage>(make: impl Fn() -> S) {
    let mut whole = Faulty::new(make());
    story(&mut whole).unwrap();
    for n in 1.. {
        let mut faulty = Faulty::new(make());
        faulty.fail_at(n);
        let outcome = story(&mut faulty);
        check_invariants(&faulty);
        if faulty.is_armed() {
            assert!(n > 10, "the story has more than ten steps");
            return outcome.unwrap();
        }
        match outcome {
            Err(StorageError::Backend(error)) => assert!(error.is_retryable()),
            other => panic!("step {n} was to fail: {other:?}"),
        }
        // The step that failed has not happened: the steps before it alone give
        // the same store.
        let mut before = Faulty::new(make());
        before.fail_at(n);
        let _ = story(&mut before);
        assert_eq!(before.snapshot().unwrap(), faulty.snapshot().unwrap());
        faulty.create_entity().unwrap();
        check_invariants(&faulty);
    }
}

#[test]
fn an_error_at_any_step_leaves_the_oracle_in_order() {
    fails_cleanly_at_every_step(|| LocalStorage::new(0));
}

#[test]
fn an_error_at_any_step_leaves_the_archetypes_in_order() {
    fails_cleanly_at_every_step(|| ArchetypeStorage::new(0));
}

#[test]
fn an_error_half_way_in_a_batch_is_told_by_the_capability() {
    assert!(!Faulty::new(LocalStorage::new(0)).capabilities().atomic_batches);
}
