//! A local store with little room.

use ecs_core::{
    AllocatorState, ComponentId, ComponentSet, EntityId, ErasedMut, ErasedRef, ErasedValue,
};
use ecs_local::LocalStorage;
use ecs_storage_api::{Capabilities, ReadSink, Storage, StorageError, StorageImage, WriteSink};

/// Makes no fourth entity, but loads as many as there are.
#[derive(Debug)]
pub(crate) struct Tight(LocalStorage);

impl Default for Tight {
    fn default() -> Self {
        Self(LocalStorage::new(0))
    }
}

impl Storage for Tight {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn create_entity(&mut self) -> Result<EntityId, StorageError> {
        match self.0.entity_count() {
            3 => Err(StorageError::Capacity { what: "the mirror", limit: 3 }),
            _ => self.0.create_entity(),
        }
    }

    fn reserve_entities(&mut self, count: usize) -> Result<Vec<EntityId>, StorageError> {
        self.0.reserve_entities(count)
    }

    fn release_reserved(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.0.release_reserved(entity)
    }

    fn adopt(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.0.adopt(entity)
    }

    fn destroy_entity(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.0.destroy_entity(entity)
    }

    fn entity_exists(&self, entity: EntityId) -> bool {
        self.0.entity_exists(entity)
    }

    fn entity_count(&self) -> usize {
        self.0.entity_count()
    }

    fn all_entities(&self) -> Box<dyn Iterator<Item = EntityId> + '_> {
        self.0.all_entities()
    }

    fn get_component_erased(&self, entity: EntityId, id: ComponentId) -> Option<ErasedRef<'_>> {
        self.0.get_component_erased(entity, id)
    }

    fn get_component_mut_erased(
        &mut self,
        entity: EntityId,
        id: ComponentId,
    ) -> Option<ErasedMut<'_>> {
        self.0.get_component_mut_erased(entity, id)
    }

    fn set_component_erased(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
    ) -> Result<Option<ErasedValue>, StorageError> {
        self.0.set_component_erased(entity, value)
    }

    fn remove_component_erased(
        &mut self,
        entity: EntityId,
        id: ComponentId,
    ) -> Result<Option<ErasedValue>, StorageError> {
        self.0.remove_component_erased(entity, id)
    }

    fn get_component_types(&self, entity: EntityId) -> Option<ComponentSet> {
        self.0.get_component_types(entity)
    }

    fn read_chunks<'a>(&'a self, sink: &mut ReadSink<'a, '_>) {
        self.0.read_chunks(sink);
    }

    fn write_chunks<'a>(&'a mut self, sink: &mut WriteSink<'a, '_>) {
        self.0.write_chunks(sink);
    }

    fn allocator_state(&self) -> AllocatorState {
        self.0.allocator_state()
    }

    fn load(&mut self, image: StorageImage) -> Result<(), StorageError> {
        self.0.load(image)
    }
}
