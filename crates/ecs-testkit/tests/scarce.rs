//! A store whose ids are nearly used up refuses batches as a whole.

use ecs_core::{AllocatorError, AllocatorState, EntityId};
use ecs_local::LocalStorage;
use ecs_storage_api::{Storage, StorageError, StorageExt, UpdateBatch, UpdateError, UpdatePlace};
use ecs_testkit::components::{Marker, Name, Position};
use ecs_testkit::forward_storage;

/// Has few ids left. No image is so large that it could bring a real allocator to
/// its end.
struct Scarce {
    storage: LocalStorage,
    left: u32,
    /// Whether a call failed that a check should have kept from being made.
    failed: bool,
}

impl Storage for Scarce {
    forward_storage! { storage;
        capabilities reserve_entities release_reserved adopt destroy_entity entity_exists
        entity_count all_entities get_component_erased get_component_mut_erased
        set_component_erased remove_component_erased get_component_types read_chunks
        write_chunks load version advance_version set_version removed forget_removed
    }

    fn create_entity(&mut self) -> Result<EntityId, StorageError> {
        let free = self.storage.allocator_state().free.len();
        if free == 0 && self.left == 0 {
            self.failed = true;
            return Err(AllocatorError::Exhausted { shard: 0 }.into());
        }
        self.left -= u32::from(free == 0);
        self.storage.create_entity()
    }

    fn allocator_state(&self) -> AllocatorState {
        let state = self.storage.allocator_state();
        AllocatorState { next_index: u32::MAX - self.left, ..state }
    }
}

#[test]
fn ids_that_run_out_within_a_batch_refuse_all_of_it() {
    let mut storage = Scarce { storage: LocalStorage::new(0), left: 4, failed: false };
    let a = storage.create((Position(1, 1), Name("a".into()))).unwrap();
    let gone = storage.create(Marker).unwrap();
    storage.destroy_entity(gone).unwrap();
    let before = storage.snapshot().unwrap();
    // One that is free, and two that were never given.
    let batch = || {
        let batch = UpdateBatch::new().update(a, Position(2, 2)).remove::<Name>(a);
        batch.spawn(Marker).spawn(Position(3, 3)).spawn(())
    };
    let error = storage.apply_updates(batch().destroy(a).spawn(())).unwrap_err();
    assert!(
        matches!(
            error,
            UpdateError::Spawn {
                place: UpdatePlace::Spawn(3),
                source: StorageError::Allocator(AllocatorError::Exhausted { .. }),
            }
        ),
        "{error}"
    );
    assert_eq!(storage.snapshot().unwrap(), before);
    assert_eq!(storage.apply_updates(batch()).unwrap().len(), 3);
    assert!(!storage.failed);
    assert!(storage.apply_updates(UpdateBatch::new().spawn(())).is_err());
}
