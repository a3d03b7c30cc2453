//! Handles to one entity.

use ecs_core::{Bundle, Component, ComponentSet, EntityId};
use ecs_storage_api::{Storage, StorageError, StorageExt};

/// An entity that lives, to be read.
#[derive(Debug)]
pub struct EntityRef<'w, S: Storage> {
    storage: &'w S,
    id: EntityId,
}

/// An entity that lives, to be changed.
#[derive(Debug)]
pub struct EntityMut<'w, S: Storage> {
    storage: &'w mut S,
    id: EntityId,
}

impl<'w, S: Storage> EntityRef<'w, S> {
    pub(crate) fn new(storage: &'w S, id: EntityId) -> Result<Self, StorageError> {
        if storage.entity_exists(id) {
            Ok(Self { storage, id })
        } else {
            Err(StorageError::NoSuchEntity(id))
        }
    }

    /// Returns the entity's id.
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// Returns a component.
    pub fn get<C: Component>(&self) -> Option<&'w C> {
        self.storage.get_component(self.id)
    }

    /// Tells whether the entity has a component.
    pub fn has<C: Component>(&self) -> bool {
        self.storage.has_component::<C>(self.id)
    }

    /// Returns the components that the entity has.
    pub fn components(&self) -> ComponentSet {
        self.storage.get_component_types(self.id).unwrap_or_default()
    }
}

impl<'w, S: Storage> EntityMut<'w, S> {
    pub(crate) fn new(storage: &'w mut S, id: EntityId) -> Result<Self, StorageError> {
        if storage.entity_exists(id) {
            Ok(Self { storage, id })
        } else {
            Err(StorageError::NoSuchEntity(id))
        }
    }

    /// Returns the entity's id.
    pub fn id(&self) -> EntityId {
        self.id
    }

    /// Returns a component.
    pub fn get<C: Component>(&self) -> Option<&C> {
        self.storage.get_component(self.id)
    }

    /// Returns a component to be changed.
    pub fn get_mut<C: Component>(&mut self) -> Option<&mut C> {
        self.storage.get_component_mut(self.id)
    }

    /// Adds or replaces the components of a bundle.
    ///
    /// # Errors
    /// [`StorageError::Bundle`] if a component occurs twice, and those of the
    /// backend.
    pub fn insert<B: Bundle>(&mut self, bundle: B) -> Result<&mut Self, StorageError> {
        self.storage.insert_typed(self.id, bundle)?;
        Ok(self)
    }

    /// Takes a component away and returns it, or `None` if the entity lacked it.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn remove<C: Component>(&mut self) -> Result<Option<C>, StorageError> {
        self.storage.remove_typed(self.id)
    }

    /// Ends the entity.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn despawn(self) -> Result<(), StorageError> {
        self.storage.destroy_entity(self.id)
    }
}
