//! A store that fails when it is told to.

use std::sync::atomic::{AtomicU64, Ordering};

use ecs_storage_api::{BackendError, Storage, StorageError};

/// Wraps a store, and fails at the n-th call that can fail.
///
/// A failure is a backend error that may be tried again, given before the store
/// is asked: nothing has happened then. Everything else is the store's own, but
/// for the directory, which is not lent.
///
/// # Example
/// ```
/// use ecs_storage_api::{Storage, StorageError};
/// use ecs_testkit::Faulty;
///
/// let mut store = Faulty::new(ecs_local::LocalStorage::new(0));
/// store.fail_at(2);
/// store.create_entity()?;
/// assert!(matches!(store.create_entity(), Err(StorageError::Backend(_))));
/// assert_eq!(store.entity_count(), 1);
/// # Ok::<(), StorageError>(())
/// ```
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    /// Calls until the failure; 0 for never.
    left: AtomicU64,
}

impl<S: Storage> Faulty<S> {
    /// Wraps a store that does not fail yet.
    pub fn new(inner: S) -> Self {
        Self { inner, left: AtomicU64::new(0) }
    }

    /// Lets the n-th call from now on fail, counted from 1; 0 lets none fail.
    pub fn fail_at(&self, n: u64) {
        self.left.store(n, Ordering::Relaxed);
    }

    /// Tells whether a failure is still to come.
    pub fn is_armed(&self) -> bool {
        self.left.load(Ordering::Relaxed) > 0
    }

    /// Returns the store.
    pub fn get_ref(&self) -> &S {
        &self.inner
    }

    /// Counts a call.
    fn step(&self) -> Result<(), StorageError> {
        let before = self.left.load(Ordering::Relaxed);
        self.left.store(before.saturating_sub(1), Ordering::Relaxed);
        if before == 1 {
            Err(BackendError::retryable("the planned failure").into())
        } else {
            Ok(())
        }
    }
}

impl<S: Storage> Storage for Faulty<S> {
    crate::forward_storage! { inner, before = step;
        create_entity create_with create_batch create_columns reserve_entities release_reserved adopt
        destroy_entity destroy_batch clear entity_exists entity_count all_entities
        get_component_erased get_component_mut_erased set_component_erased insert_with
        insert_batch remove_batch exchange_batch
        remove_component_erased remove_with has_component_erased get_component_types
        read_chunks write_chunks version advance_version origin identity set_version removed
        forget_removed apply_updates allocator_state load snapshot restore flush
    }

    fn capabilities(&self) -> ecs_storage_api::Capabilities {
        let mut capabilities = self.inner.capabilities();
        capabilities.parallel = false;
        capabilities
    }
}
