//! Wrappers around stores, without writing every method out.

/// Writes the named methods of a wrapper's `Storage`, which hand on to the store
/// inside.
///
/// First comes the field that holds the store; then, if wanted, `before = check`,
/// a method `fn check(&self) -> Result<(), StorageError>` that is asked before
/// each call that can fail; then the names.
///
/// # Example
/// ```
/// use ecs_core::EntityId;
/// use ecs_storage_api::{Storage, StorageError};
///
/// /// Lets nobody end an entity.
/// struct Eternal<S>(S);
///
/// impl<S: Storage> Storage for Eternal<S> {
///     ecs_testkit::forward_storage! { 0;
///         capabilities create_entity reserve_entities release_reserved adopt
///         entity_exists entity_count all_entities
///         get_component_erased get_component_mut_erased set_component_erased
///         remove_component_erased get_component_types
///         read_chunks write_chunks allocator_state load
///         version advance_version origin identity set_version removed forget_removed
///     }
///
///     fn destroy_entity(&mut self, _: EntityId) -> Result<(), StorageError> {
///         Err(StorageError::Unsupported("ends"))
///     }
/// }
///
/// let mut store = Eternal(ecs_local::LocalStorage::new(0));
/// let entity = store.create_entity()?;
/// assert!(store.destroy_entity(entity).is_err() && store.entity_exists(entity));
/// # Ok::<(), StorageError>(())
/// ```
#[macro_export]
macro_rules! forward_storage {
    ($field:tt; $($method:ident)+) => {
        $($crate::__forward! { $method $field })+
    };
    ($field:tt, before = $before:ident; $($method:ident)+) => {
        $($crate::__forward! { $method $field $before })+
    };
}

/// Has an arm for each method of the protocol.
#[doc(hidden)]
#[macro_export]
macro_rules! __forward {
    (capabilities $field:tt $($before:ident)?) => {
        fn capabilities(&self) -> $crate::__api::Capabilities {
            self.$field.capabilities()
        }
    };
    (create_entity $field:tt $($before:ident)?) => {
        fn create_entity(&mut self) -> Result<$crate::__api::core::EntityId, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.create_entity()
        }
    };
    (create_with $field:tt $($before:ident)?) => {
        fn create_with(&mut self, bundle: &mut dyn $crate::__api::core::DynBundle) -> Result<$crate::__api::core::EntityId, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.create_with(bundle)
        }
    };
    (create_typed $field:tt $($before:ident)?) => {
        fn create_typed<B: $crate::__api::core::Bundle>(&mut self, bundle: B) -> Result<$crate::__api::core::EntityId, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.create_typed(bundle)
        }
    };
    (insert_typed $field:tt $($before:ident)?) => {
        fn insert_typed<B: $crate::__api::core::Bundle>(&mut self, entity: $crate::__api::core::EntityId, bundle: B) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.insert_typed(entity, bundle)
        }
    };
    (remove_typed $field:tt $($before:ident)?) => {
        fn remove_typed<C: $crate::__api::core::Component>(&mut self, entity: $crate::__api::core::EntityId) -> Result<Option<C>, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.remove_typed(entity)
        }
    };
    (create_batch $field:tt $($before:ident)?) => {
        fn create_batch(&mut self, batch: &mut dyn $crate::__api::core::BundleBatch, made: &mut Vec<$crate::__api::core::EntityId>) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.create_batch(batch, made)
        }
    };
    (create_columns $field:tt $($before:ident)?) => {
        fn create_columns(&mut self, columns: Vec<$crate::__api::core::ErasedVec>, made: &mut Vec<$crate::__api::core::EntityId>) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.create_columns(columns, made)
        }
    };
    (reserve_entities $field:tt $($before:ident)?) => {
        fn reserve_entities(&mut self, count: usize) -> Result<Vec<$crate::__api::core::EntityId>, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.reserve_entities(count)
        }
    };
    (release_reserved $field:tt $($before:ident)?) => {
        fn release_reserved(&mut self, entity: $crate::__api::core::EntityId) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.release_reserved(entity)
        }
    };
    (adopt $field:tt $($before:ident)?) => {
        fn adopt(&mut self, entity: $crate::__api::core::EntityId) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.adopt(entity)
        }
    };
    (destroy_entity $field:tt $($before:ident)?) => {
        fn destroy_entity(&mut self, entity: $crate::__api::core::EntityId) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.destroy_entity(entity)
        }
    };
    (destroy_batch $field:tt $($before:ident)?) => {
        fn destroy_batch(&mut self, entities: &[$crate::__api::core::EntityId]) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.destroy_batch(entities)
        }
    };
    (clear $field:tt $($before:ident)?) => {
        fn clear(&mut self) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.clear()
        }
    };
    (entity_exists $field:tt $($before:ident)?) => {
        fn entity_exists(&self, entity: $crate::__api::core::EntityId) -> bool {
            self.$field.entity_exists(entity)
        }
    };
    (entity_count $field:tt $($before:ident)?) => {
        fn entity_count(&self) -> usize {
            self.$field.entity_count()
        }
    };
    (all_entities $field:tt $($before:ident)?) => {
        fn all_entities(&self) -> Box<dyn Iterator<Item = $crate::__api::core::EntityId> + '_> {
            self.$field.all_entities()
        }
    };
    (get_component_erased $field:tt $($before:ident)?) => {
        fn get_component_erased(&self, entity: $crate::__api::core::EntityId, component: $crate::__api::core::ComponentId) -> Option<$crate::__api::core::ErasedRef<'_>> {
            self.$field.get_component_erased(entity, component)
        }
    };
    (get_component_mut_erased $field:tt $($before:ident)?) => {
        fn get_component_mut_erased(&mut self, entity: $crate::__api::core::EntityId, component: $crate::__api::core::ComponentId) -> Option<$crate::__api::core::ErasedMut<'_>> {
            self.$field.get_component_mut_erased(entity, component)
        }
    };
    (set_component_erased $field:tt $($before:ident)?) => {
        fn set_component_erased(&mut self, entity: $crate::__api::core::EntityId, value: $crate::__api::core::ErasedValue) -> Result<Option<$crate::__api::core::ErasedValue>, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.set_component_erased(entity, value)
        }
    };
    (insert_with $field:tt $($before:ident)?) => {
        fn insert_with(&mut self, entity: $crate::__api::core::EntityId, bundle: &mut dyn $crate::__api::core::DynBundle) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.insert_with(entity, bundle)
        }
    };
    (remove_component_erased $field:tt $($before:ident)?) => {
        fn remove_component_erased(&mut self, entity: $crate::__api::core::EntityId, component: $crate::__api::core::ComponentId) -> Result<Option<$crate::__api::core::ErasedValue>, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.remove_component_erased(entity, component)
        }
    };
    (remove_with $field:tt $($before:ident)?) => {
        fn remove_with(&mut self, entity: $crate::__api::core::EntityId, removal: &mut dyn $crate::__api::core::Removal) -> Result<usize, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.remove_with(entity, removal)
        }
    };
    (insert_batch $field:tt $($before:ident)?) => {
        fn insert_batch(&mut self, entities: &[$crate::__api::core::EntityId], batch: &mut dyn $crate::__api::core::BundleBatch) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.insert_batch(entities, batch)
        }
    };
    (remove_batch $field:tt $($before:ident)?) => {
        fn remove_batch(&mut self, entities: &[$crate::__api::core::EntityId], kind: &$crate::__api::core::BundleKind) -> Result<usize, $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.remove_batch(entities, kind)
        }
    };
    (exchange_batch $field:tt $($before:ident)?) => {
        fn exchange_batch(&mut self, entities: &[$crate::__api::core::EntityId], lost: &$crate::__api::core::BundleKind, batch: &mut dyn $crate::__api::core::BundleBatch, workers: &dyn $crate::__api::Workers) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.exchange_batch(entities, lost, batch, workers)
        }
    };
    (has_component_erased $field:tt $($before:ident)?) => {
        fn has_component_erased(&self, entity: $crate::__api::core::EntityId, component: $crate::__api::core::ComponentId) -> bool {
            self.$field.has_component_erased(entity, component)
        }
    };
    (get_component_types $field:tt $($before:ident)?) => {
        fn get_component_types(&self, entity: $crate::__api::core::EntityId) -> Option<$crate::__api::core::ComponentSet> {
            self.$field.get_component_types(entity)
        }
    };
    (read_chunks $field:tt $($before:ident)?) => {
        fn read_chunks<'a>(&'a self, sink: &mut $crate::__api::ReadSink<'a, '_>) {
            self.$field.read_chunks(sink)
        }
    };
    (write_chunks $field:tt $($before:ident)?) => {
        fn write_chunks<'a>(&'a mut self, sink: &mut $crate::__api::WriteSink<'a, '_>) {
            self.$field.write_chunks(sink)
        }
    };
    (directory $field:tt $($before:ident)?) => {
        fn directory(&self) -> Option<$crate::__api::DirectoryRef<'_>> {
            self.$field.directory()
        }
    };
    (directory_mut $field:tt $($before:ident)?) => {
        fn directory_mut(&mut self) -> Option<$crate::__api::DirectoryMut<'_>> {
            self.$field.directory_mut()
        }
    };
    (version $field:tt $($before:ident)?) => {
        fn version(&self) -> $crate::__api::Version {
            $crate::__api::Storage::version(&self.$field)
        }
    };
    (advance_version $field:tt $($before:ident)?) => {
        fn advance_version(&self) -> $crate::__api::Version {
            self.$field.advance_version()
        }
    };
    (origin $field:tt $($before:ident)?) => {
        fn origin(&self) -> $crate::__api::Version {
            self.$field.origin()
        }
    };
    (identity $field:tt $($before:ident)?) => {
        fn identity(&self) -> u64 {
            self.$field.identity()
        }
    };
    (descent $field:tt $($before:ident)?) => {
        fn descent(&self) -> Option<&$crate::__api::snapshot::Descent> {
            self.$field.descent()
        }
    };
    (set_version $field:tt $($before:ident)?) => {
        fn set_version(&mut self, version: $crate::__api::Version) {
            self.$field.set_version(version);
        }
    };
    (touched_since $field:tt $($before:ident)?) => {
        fn touched_since(&mut self, since: $crate::__api::Version) -> Option<$crate::__api::Touched> {
            self.$field.touched_since(since)
        }
    };
    (forget_touched $field:tt $($before:ident)?) => {
        fn forget_touched(&mut self) {
            self.$field.forget_touched();
        }
    };
    (removed $field:tt $($before:ident)?) => {
        fn removed(&self, component: $crate::__api::core::ComponentId, since: $crate::__api::Version) -> &[$crate::__api::Removed] {
            self.$field.removed(component, since)
        }
    };
    (forget_removed $field:tt $($before:ident)?) => {
        fn forget_removed(&mut self, up_to: $crate::__api::Version) {
            self.$field.forget_removed(up_to);
        }
    };
    (apply_updates $field:tt $($before:ident)?) => {
        fn apply_updates(&mut self, batch: $crate::__api::UpdateBatch) -> Result<Vec<$crate::__api::core::EntityId>, $crate::__api::UpdateError> {
            $(self.$before()?;)?
            self.$field.apply_updates(batch)
        }
    };
    (allocator_state $field:tt $($before:ident)?) => {
        fn allocator_state(&self) -> $crate::__api::core::AllocatorState {
            self.$field.allocator_state()
        }
    };
    (load $field:tt $($before:ident)?) => {
        fn load(&mut self, image: $crate::__api::StorageImage) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.load(image)
        }
    };
    (load_cut $field:tt $($before:ident)?) => {
        fn load_cut(&mut self, cut: &$crate::__api::snapshot::StorageCut, known: &$crate::__api::snapshot::StorageCut) -> Result<(), $crate::__api::SnapshotError> {
            $(self.$before().map_err($crate::__api::SnapshotError::from)?;)?
            self.$field.load_cut(cut, known)
        }
    };
    (snapshot $field:tt $($before:ident)?) => {
        fn snapshot(&self) -> Result<Vec<u8>, $crate::__api::SnapshotError> {
            $(self.$before()?;)?
            self.$field.snapshot()
        }
    };
    (restore $field:tt $($before:ident)?) => {
        fn restore(&mut self, bytes: &[u8]) -> Result<(), $crate::__api::SnapshotError> {
            $(self.$before()?;)?
            self.$field.restore(bytes)
        }
    };
    (flush $field:tt $($before:ident)?) => {
        fn flush(&mut self) -> Result<(), $crate::__api::StorageError> {
            $(self.$before()?;)?
            self.$field.flush()
        }
    };
}
