//! A store without what a backend did better than the protocol.

use ecs_storage_api::{Capabilities, Storage};

/// Wraps a store and hands on the methods that a backend must write, no others:
/// bundles, batches and snapshots go through the protocol's own bodies, queries
/// through chunks.
///
/// # Example
/// ```
/// use ecs_storage_api::{Storage, StorageExt};
/// use ecs_testkit::{Steps, components::Position};
///
/// let mut store = Steps::new(ecs_archetype::ArchetypeStorage::new(0));
/// assert!(store.directory().is_none());
/// let made = store.create_many([Position(1, 1), Position(2, 2)])?;
/// assert_eq!(store.get_component::<Position>(made[1]), Some(&Position(2, 2)));
/// # Ok::<(), ecs_storage_api::StorageError>(())
/// ```
#[derive(Debug)]
pub struct Steps<S> {
    inner: S,
}

impl<S: Storage> Steps<S> {
    /// Wraps a store.
    pub fn new(inner: S) -> Self {
        Self { inner }
    }

    /// Returns the store.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }
}

impl<S: Storage> Storage for Steps<S> {
    crate::forward_storage! { inner;
        create_entity reserve_entities release_reserved adopt destroy_entity
        entity_exists entity_count all_entities
        get_component_erased get_component_mut_erased set_component_erased
        remove_component_erased get_component_types
        read_chunks write_chunks version advance_version origin identity set_version removed
        forget_removed allocator_state load
    }

    fn capabilities(&self) -> Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.parallel = false;
        capabilities
    }
}
