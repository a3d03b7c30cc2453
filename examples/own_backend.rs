//! A backend of one's own, whole: the specification's minimal example. Safe
//! code, ids from an `EntityAllocator`, and it passes the conformance suite
//! (`examples/tests/own_backend.rs`).
use std::collections::BTreeMap;

use ecs::prelude::*;
use ecs::{
    AllocatorState, Capabilities, ComponentSet, EntityAllocator, ErasedMut, ErasedRef, ErasedValue,
    ReadSink, Storage, StorageError, StorageImage, WriteSink,
};

/// The components of one entity; the id is kept beside them, for the chunks.
#[derive(Debug)]
struct Row {
    id: EntityId,
    values: BTreeMap<ComponentId, ErasedValue>,
}

/// Keeps every entity in a map.
#[derive(Debug)]
pub(crate) struct MapStorage {
    ids: EntityAllocator,
    rows: BTreeMap<EntityId, Row>,
}

impl MapStorage {
    /// Creates an empty store of shard 0.
    pub(crate) fn new() -> Self {
        Self { ids: EntityAllocator::new(0), rows: BTreeMap::new() }
    }

    fn row(&mut self, entity: EntityId) -> Result<&mut Row, StorageError> {
        self.rows.get_mut(&entity).ok_or(StorageError::NoSuchEntity(entity))
    }

    fn add(&mut self, id: EntityId) -> EntityId {
        self.rows.insert(id, Row { id, values: BTreeMap::new() });
        id
    }
}

impl Storage for MapStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities::in_memory()
    }

    fn create_entity(&mut self) -> Result<EntityId, StorageError> {
        let id = self.ids.try_allocate()?;
        Ok(self.add(id))
    }

    fn reserve_entities(&mut self, count: usize) -> Result<Vec<EntityId>, StorageError> {
        Ok(self.ids.reserve_many(count)?)
    }

    fn release_reserved(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.ids.release(entity).map_err(|_| StorageError::NotReserved(entity))
    }

    fn adopt(&mut self, entity: EntityId) -> Result<(), StorageError> {
        if self.entity_exists(entity) {
            return Err(StorageError::EntityExists(entity));
        }
        if entity.shard() != self.ids.shard() {
            return Err(StorageError::Unsupported("entities that other shards named"));
        }
        self.ids.claim(entity).map_err(|_| StorageError::NotReserved(entity))?;
        self.add(entity);
        Ok(())
    }

    fn destroy_entity(&mut self, entity: EntityId) -> Result<(), StorageError> {
        let row = self.rows.remove(&entity).ok_or(StorageError::NoSuchEntity(entity))?;
        self.ids.deallocate(entity)?;
        // Last, so that a value that panics finds everything in order.
        drop(row);
        Ok(())
    }

    fn entity_exists(&self, entity: EntityId) -> bool {
        self.rows.contains_key(&entity)
    }

    fn entity_count(&self) -> usize {
        self.rows.len()
    }

    fn all_entities(&self) -> Box<dyn Iterator<Item = EntityId> + '_> {
        Box::new(self.rows.keys().copied())
    }

    fn get_component_erased(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedRef<'_>> {
        Some(self.rows.get(&entity)?.values.get(&component)?.as_ref())
    }

    fn get_component_mut_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedMut<'_>> {
        Some(self.rows.get_mut(&entity)?.values.get_mut(&component)?.as_mut())
    }

    fn set_component_erased(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
    ) -> Result<Option<ErasedValue>, StorageError> {
        Ok(self.row(entity)?.values.insert(value.id(), value))
    }

    fn remove_component_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Result<Option<ErasedValue>, StorageError> {
        Ok(self.row(entity)?.values.remove(&component))
    }

    fn get_component_types(&self, entity: EntityId) -> Option<ComponentSet> {
        Some(self.rows.get(&entity)?.values.keys().copied().collect())
    }

    fn read_chunks<'a>(&'a self, sink: &mut ReadSink<'a, '_>) {
        for row in self.rows.values() {
            sink.push(
                std::slice::from_ref(&row.id),
                row.values.values().map(|value| value.as_ref().as_slice()),
            );
        }
    }

    fn write_chunks<'a>(&'a mut self, sink: &mut WriteSink<'a, '_>) {
        for row in self.rows.values_mut() {
            sink.push(
                std::slice::from_ref(&row.id),
                row.values.values_mut().map(|value| value.as_mut().into_slice()),
            );
        }
    }

    fn allocator_state(&self) -> AllocatorState {
        self.ids.state()
    }

    fn load(&mut self, image: StorageImage) -> Result<(), StorageError> {
        let alive: Vec<_> = image.entities().collect();
        let (allocator, chunks, _) = image.into_parts();
        if alive.iter().any(|id| id.shard() != allocator.shard) {
            return Err(StorageError::Unsupported("entities that other shards named"));
        }
        let mut loaded =
            Self { ids: EntityAllocator::from_state(allocator, alive)?, rows: BTreeMap::new() };
        for chunk in chunks {
            let (ids, columns) = chunk.into_parts();
            for &id in &ids {
                loaded.add(id);
            }
            for mut column in columns {
                // From the back, as a vector gives its values.
                for &id in ids.iter().rev() {
                    let value = column.pop().expect("a column has a value a row");
                    loaded.row(id)?.values.insert(value.id(), value);
                }
            }
        }
        *self = loaded;
        Ok(())
    }
}

#[derive(Component, Clone, Debug, PartialEq, serde::Serialize, serde::Deserialize)]
#[component(name = "own_backend::Position")]
struct Position(i32);

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut world = World::with_storage(MapStorage::new());
    let runner = world.spawn(Position(0));
    for _ in 0..3 {
        world.query_mut::<&mut Position>().for_each(|position| position.0 += 1);
    }
    println!("{runner} is at {:?}", world.get::<Position>(runner));
    assert_eq!(world.get::<Position>(runner), Some(&Position(3)));
    Ok(())
}
