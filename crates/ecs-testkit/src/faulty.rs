//! A store that fails when it is told to.

use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::{
    AllocatorState, ComponentId, ComponentSet, EntityId, ErasedMut, ErasedRef, ErasedValue,
};
use ecs_storage_api::{
    BackendError, Capabilities, ReadSink, Storage, StorageError, StorageImage, WriteSink,
};

/// Wraps a store, and fails at the n-th call that can fail.
///
/// Failures are backend errors that may be tried again. Everything else is the
/// store's own; bundles and batches go through the protocol's default methods,
/// so that each of their steps can fail.
#[derive(Debug)]
pub struct Faulty<S> {
    inner: S,
    /// Calls until the failure; 0 for never.
    left: AtomicU64,
}

impl<S: Storage> Faulty<S> {
    /// Wraps a store that never fails.
    pub fn new(inner: S) -> Self {
        Self { inner, left: AtomicU64::new(0) }
    }

    /// Lets the n-th call from now on fail, counted from 1; 0 lets none fail.
    pub fn fail_at(&mut self, n: u64) {
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
    fn capabilities(&self) -> Capabilities {
        self.inner.capabilities().with_atomic_batches(false)
    }

    fn create_entity(&mut self) -> Result<EntityId, StorageError> {
        self.step()?;
        self.inner.create_entity()
    }

    fn reserve_entities(&mut self, count: usize) -> Result<Vec<EntityId>, StorageError> {
        self.step()?;
        self.inner.reserve_entities(count)
    }

    fn release_reserved(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.step()?;
        self.inner.release_reserved(entity)
    }

    fn adopt(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.step()?;
        self.inner.adopt(entity)
    }

    fn destroy_entity(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.step()?;
        self.inner.destroy_entity(entity)
    }

    fn entity_exists(&self, entity: EntityId) -> bool {
        self.inner.entity_exists(entity)
    }

    fn entity_count(&self) -> usize {
        self.inner.entity_count()
    }

    fn all_entities(&self) -> Box<dyn Iterator<Item = EntityId> + '_> {
        self.inner.all_entities()
    }

    fn get_component_erased(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedRef<'_>> {
        self.inner.get_component_erased(entity, component)
    }

    fn get_component_mut_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedMut<'_>> {
        self.inner.get_component_mut_erased(entity, component)
    }

    fn set_component_erased(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
    ) -> Result<Option<ErasedValue>, StorageError> {
        self.step()?;
        self.inner.set_component_erased(entity, value)
    }

    fn remove_component_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Result<Option<ErasedValue>, StorageError> {
        self.step()?;
        self.inner.remove_component_erased(entity, component)
    }

    fn get_component_types(&self, entity: EntityId) -> Option<ComponentSet> {
        self.inner.get_component_types(entity)
    }

    fn read_chunks<'a>(&'a self, sink: &mut ReadSink<'a, '_>) {
        self.inner.read_chunks(sink);
    }

    fn write_chunks<'a>(&'a mut self, sink: &mut WriteSink<'a, '_>) {
        self.inner.write_chunks(sink);
    }

    fn allocator_state(&self) -> AllocatorState {
        self.inner.allocator_state()
    }

    fn load(&mut self, image: StorageImage) -> Result<(), StorageError> {
        self.step()?;
        self.inner.load(image)
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        self.step()?;
        self.inner.flush()
    }
}
