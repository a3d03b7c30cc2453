//! The archetype backend may be tidied up at any time.

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::{Storage, StorageError};
use ecs_testkit::differential::compare;

/// Gives back what is not needed before every call that changes something:
/// empty archetypes each time, and every third time unused rows.
struct Tidy {
    storage: ArchetypeStorage,
    calls: u32,
}

impl Tidy {
    fn new() -> Self {
        Self { storage: ArchetypeStorage::new(0), calls: 0 }
    }

    fn tidy(&mut self) -> Result<(), StorageError> {
        self.calls += 1;
        let archetypes = self.storage.archetype_count();
        let removed = self.storage.remove_empty_archetypes();
        assert_eq!(self.storage.archetype_count(), archetypes - removed);
        if self.calls.is_multiple_of(3) {
            self.storage.shrink_to_fit();
        }
        Ok(())
    }
}

impl Storage for Tidy {
    ecs_testkit::forward_storage! { storage, before = tidy;
        create_entity create_with create_typed create_batch create_columns reserve_entities
        release_reserved adopt destroy_entity destroy_batch clear set_component_erased
        insert_with insert_typed insert_batch remove_batch exchange_batch remove_component_erased remove_with remove_typed
    }
    ecs_testkit::forward_storage! { storage;
        capabilities entity_exists entity_count all_entities get_component_erased
        get_component_mut_erased has_component_erased get_component_types read_chunks
        write_chunks directory directory_mut version advance_version origin identity set_version removed
        forget_removed apply_updates allocator_state load snapshot
        restore flush
    }
}

ecs_testkit::conformance!(Tidy::new());

#[test]
fn a_tidied_store_does_what_the_oracle_does() {
    compare(&Tidy::new, &|| LocalStorage::new(0), 20_000);
}

#[test]
fn nothing_is_left_of_what_nobody_has() {
    let mut storage = ArchetypeStorage::new(0);
    let entity = storage.create_entity().unwrap();
    let others: Vec<_> = (0..10).map(|_| storage.create_entity().unwrap()).collect();
    storage.destroy_batch(&others).unwrap();
    for bits in 0..64u32 {
        let tag = |bit: u32| {
            ecs_core::DynamicComponent::new(format!("tidy::tag {bit}"), 0, 1).register().unwrap()
        };
        let set = (0..6).filter(|bit| bits >> bit & 1 == 1).map(tag);
        for id in (0..6).map(tag) {
            storage.remove_component_erased(entity, id).unwrap();
        }
        for id in set {
            let value = ecs_core::ErasedValue::from_bytes(id, &[]).unwrap();
            storage.set_component_erased(entity, value).unwrap();
        }
    }
    assert!(storage.archetype_count() >= 64);
    let removed = storage.remove_empty_archetypes();
    assert!(removed >= 62, "{removed}");
    assert_eq!(
        storage.archetype_count(),
        2,
        "the one that is left, and the one without components"
    );
    assert_eq!(storage.remove_empty_archetypes(), 0);
}
