//! The typed methods of the specification, over any backend.

use ecs_core::{
    Bundle, BundleKind, BundleRow, BundleRows, Columns, Component, ComponentId, EntityId,
    ErasedMut, ErasedRef, Taken,
};

use crate::changes::Version;
use crate::error::StorageError;
use crate::query::{Filter, Mut, Query, QueryData, ReadOnlyQueryData, TypedPrepared, or_panic};
use crate::storage::Storage;
use crate::workers::Alone;

/// The typed face of a [`Storage`], with the specification's names.
pub trait StorageExt: Storage {
    /// Returns a component, or `None` if the entity is dead or lacks it.
    ///
    /// # Complexity
    /// O(1) where the backend lends a directory; else that of its look-ups.
    #[inline]
    fn get_component<C: Component>(&self, entity: EntityId) -> Option<&C> {
        match self.directory() {
            Some(directory) => directory.get(entity),
            None => self
                .get_component_erased(entity, ComponentId::of::<C>())
                .as_ref()
                .and_then(ErasedRef::downcast),
        }
    }

    /// Returns a component to be changed, or `None` if the entity is dead or
    /// lacks it.
    ///
    /// # Complexity
    /// O(1).
    #[inline]
    fn get_component_mut<C: Component>(&mut self, entity: EntityId) -> Option<&mut C> {
        if self.directory_mut().is_some() {
            return self.directory_mut()?.get(entity);
        }
        self.get_component_mut_erased(entity, ComponentId::of::<C>()).and_then(ErasedMut::downcast)
    }

    /// Adds or replaces a component.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead.
    #[inline]
    fn set_component<C: Component>(
        &mut self,
        entity: EntityId,
        component: C,
    ) -> Result<(), StorageError> {
        self.insert_with(entity, &mut BundleRow::new(component))
    }

    /// Takes a component away; tells whether the entity had it.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead.
    #[inline]
    fn remove_component<C: Component>(&mut self, entity: EntityId) -> Result<bool, StorageError> {
        Ok(self.take_component::<C>(entity)?.is_some())
    }

    /// Takes a component away and returns it, or `None` if the entity lacked
    /// it.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead.
    #[inline]
    fn take_component<C: Component>(
        &mut self,
        entity: EntityId,
    ) -> Result<Option<C>, StorageError> {
        let mut taken = Taken(None);
        self.remove_with(entity, &mut taken)?;
        Ok(taken.0)
    }

    /// Tells whether the entity lives and has the component.
    fn has_component<C: Component>(&self, entity: EntityId) -> bool {
        self.has_component_erased(entity, ComponentId::of::<C>())
    }

    /// Makes an entity with the components of a bundle.
    ///
    /// # Errors
    /// Those of [`Storage::create_with`].
    #[inline]
    fn create<B: Bundle>(&mut self, bundle: B) -> Result<EntityId, StorageError> {
        self.create_with(&mut BundleRow::new(bundle))
    }

    /// Makes an entity for each bundle, and returns their ids in order.
    ///
    /// # Errors
    /// Those of [`Storage::create_batch`].
    fn create_many<I>(&mut self, bundles: I) -> Result<Vec<EntityId>, StorageError>
    where
        I: IntoIterator,
        I::Item: Bundle,
    {
        let mut made = Vec::new();
        self.create_batch(&mut BundleRows::<I::IntoIter>::new(bundles), &mut made)?;
        Ok(made)
    }

    /// Makes an entity of each row of finished columns, and returns their ids in
    /// order.
    ///
    /// # Errors
    /// Those of [`Storage::create_columns`].
    fn create_from(&mut self, columns: impl Columns) -> Result<Vec<EntityId>, StorageError> {
        let mut made = Vec::new();
        self.create_columns(columns.into_columns(), &mut made)?;
        Ok(made)
    }

    /// Adds or replaces components of several entities: the n-th entity gets
    /// those of the n-th bundle.
    ///
    /// # Errors
    /// Those of [`Storage::insert_batch`].
    fn insert_many<I>(&mut self, entities: &[EntityId], bundles: I) -> Result<(), StorageError>
    where
        I: IntoIterator,
        I::Item: Bundle,
    {
        self.insert_batch(entities, &mut BundleRows::<I::IntoIter>::new(bundles))
    }

    /// Takes the components of a bundle away from several entities, and returns
    /// how many values that were.
    ///
    /// # Errors
    /// Those of [`Storage::remove_batch`].
    fn remove_many<B: Bundle>(&mut self, entities: &[EntityId]) -> Result<usize, StorageError> {
        self.remove_batch(entities, &BundleKind::of::<B>())
    }

    /// Takes the components of a bundle from several entities, and gives the n-th
    /// those of the n-th bundle.
    ///
    /// # Errors
    /// Those of [`Storage::exchange_batch`].
    fn exchange_many<Lost: Bundle, I>(
        &mut self,
        entities: &[EntityId],
        gained: I,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator,
        I::Item: Bundle,
    {
        let lost = BundleKind::of::<Lost>();
        let mut gained = BundleRows::<I::IntoIter>::new(gained);
        self.exchange_batch(entities, &lost, &mut gained, &Alone)
    }

    /// Adds or replaces the components of a bundle.
    ///
    /// # Errors
    /// Those of [`Storage::insert_with`].
    #[inline]
    fn insert<B: Bundle>(&mut self, entity: EntityId, bundle: B) -> Result<(), StorageError> {
        self.insert_with(entity, &mut BundleRow::new(bundle))
    }

    /// Returns a component of several entities, each `None` if the entity is
    /// dead, lacks it, or was listed before.
    fn get_many_mut<C: Component, const N: usize>(
        &mut self,
        entities: [EntityId; N],
    ) -> [Option<&mut C>; N] {
        if self.directory_mut().is_some() {
            let directory = self
                .directory_mut()
                .expect("a backend that lends its directory does so at every call");
            return directory.get_many(entities);
        }
        let mut found = [const { None }; N];
        // One pass over the chunks: each value is given out once, and marked if it is
        // one of those that are asked for.
        for (id, value) in self.query_mut::<Mut<'_, C>>() {
            if let Some(n) = entities.iter().position(|&entity| entity == id) {
                found[n] = Some(value.into_mut());
            }
        }
        found
    }

    /// Finds the entities that have what `D` asks for, with their ids.
    ///
    /// # Panics
    /// If a component that is written occurs twice in `D`.
    fn query<D: ReadOnlyQueryData>(&self) -> Query<'_, (EntityId, D)> {
        self.query_as()
    }

    /// Finds the entities that have the component, with their ids.
    fn query_single<C: Component>(&self) -> Query<'_, (EntityId, &C)> {
        self.query_as()
    }

    /// Finds the entities that have what `D` asks for, with their ids, to be
    /// changed.
    ///
    /// # Panics
    /// If a component that is written occurs twice in `D`.
    fn query_mut<D: QueryData>(&mut self) -> Query<'_, (EntityId, D)> {
        self.query_as_mut()
    }

    /// Asks for just `D`, among the entities that meet `F`. By a shared reference nothing is
    /// remembered of who asked: to `Changed`, `Added` and `Ref` everything is new.
    ///
    /// # Panics
    /// If a component that is written occurs twice in `D`.
    #[inline]
    fn query_as<D: ReadOnlyQueryData, F: Filter>(&self) -> Query<'_, D, F> {
        Query::of(or_panic(TypedPrepared::<D, F>::read_once(self, Version::ZERO)))
    }

    /// Asks for just `D`, among the entities that meet `F`, to be changed.
    ///
    /// # Panics
    /// If a component that is written occurs twice in `D`.
    #[inline]
    fn query_as_mut<D: QueryData, F: Filter>(&mut self) -> Query<'_, D, F> {
        Query::of(or_panic(TypedPrepared::<D, F>::write_once(self)))
    }
}

impl<S: Storage + ?Sized> StorageExt for S {}
