//! The archetype backend does what the oracle does.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{
    AllocatorState, ComponentId, ComponentSet, EntityId, ErasedMut, ErasedRef, ErasedValue,
};
use ecs_local::LocalStorage;
use ecs_storage_api::{Capabilities, ReadSink, Storage, StorageError, StorageImage, WriteSink};
use ecs_testkit::differential::{compare, find_difference};

#[test]
fn both_backends_do_the_same() {
    compare(&|| ArchetypeStorage::new(0), &|| LocalStorage::new(0), 100_000);
}

/// Forgets to end the marker of an entity that is given a velocity.
#[derive(Debug)]
struct Forgetful(LocalStorage);

impl Storage for Forgetful {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn create_entity(&mut self) -> Result<EntityId, StorageError> {
        self.0.create_entity()
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

    fn get_component_erased(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedRef<'_>> {
        self.0.get_component_erased(entity, component)
    }

    fn get_component_mut_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedMut<'_>> {
        self.0.get_component_mut_erased(entity, component)
    }

    fn set_component_erased(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
    ) -> Result<Option<ErasedValue>, StorageError> {
        let marker = ComponentId::of::<ecs_testkit::components::Marker>();
        let velocity = ComponentId::of::<ecs_testkit::components::Velocity>();
        if value.id() == velocity && self.0.has_component_erased(entity, marker) {
            return Ok(None);
        }
        self.0.set_component_erased(entity, value)
    }

    fn remove_component_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Result<Option<ErasedValue>, StorageError> {
        self.0.remove_component_erased(entity, component)
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

#[test]
fn a_fault_is_found_and_shrunk_to_what_shows_it() {
    let found =
        find_difference(&|| Forgetful(LocalStorage::new(0)), &|| LocalStorage::new(0), 100_000);
    let (sequence, reason) = found.expect("the fault is found");
    assert!(sequence.len() <= 3, "{reason}: {sequence:#?}");
}
