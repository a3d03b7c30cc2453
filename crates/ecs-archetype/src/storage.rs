//! The archetype backend.

mod loading;

use std::any::TypeId;

use ecs_core::{
    AllocatorState, Bundle, BundleBatch, BundleKind, BundleRow, Component, ComponentId,
    ComponentSet, DynBundle, EntityId, ErasedBundle, ErasedMut, ErasedRef, ErasedValue, ErasedVec,
    IdSource, InPlace, Removal, Taken,
};
use ecs_storage_api::snapshot::{Descent, StorageCut};
use ecs_storage_api::{
    Capabilities, DirectoryMut, DirectoryRef, Location, ReadSink, Removed, Sighting, SnapshotError,
    Storage, StorageError, StorageImage, Touched, UpdateBatch, UpdateError, Version, Workers,
    WriteSink, check_columns,
};

use crate::batch;
use crate::exchange::exchange;
use crate::graph::{Change, Graph};
use crate::rows::Rows;
use crate::updates;

/// Stores entities by archetype: one table of contiguous columns for each set
/// of components.
///
/// # Complexity
/// | operation | cost |
/// |---|---|
/// | create, destroy, get, replace | O(components of the entity), get O(1) |
/// | add or remove a component | O(components of the entity): the row moves |
/// | query | O(matched), and a few AND instructions for 64 archetypes |
///
/// Order of iteration is that of archetypes as they came into being, and of
/// rows in them; when an entity leaves an archetype, the last row takes its
/// place.
///
/// A batch of changes ([`apply_updates`](Storage::apply_updates)) reserves all
/// memory that it needs before its first effect: if some is refused, the batch is,
/// and nothing has changed, not even which ids and which order come next. Single
/// operations, and cuts that are put in place, are refused in the same way where a table
/// grows; where they note less than that, the program ends without memory, as elsewhere
/// in Rust.
///
/// # Example
/// ```
/// use ecs_archetype::ArchetypeStorage;
/// use ecs_storage_api::Storage;
///
/// let mut storage = ArchetypeStorage::new(0);
/// let entity = storage.create_entity()?;
/// assert!(storage.entity_exists(entity));
/// storage.destroy_entity(entity)?;
/// assert!(!storage.entity_exists(entity));
/// # Ok::<(), ecs_storage_api::StorageError>(())
/// ```
#[derive(Debug)]
pub struct ArchetypeStorage {
    pub(crate) ids: IdSource,
    graph: Graph,
    rows: Rows,
    /// When everything was last replaced.
    origin: Version,
    /// Which cuts were taken in.
    descent: Descent,
}

impl ArchetypeStorage {
    /// Creates an empty store whose ids belong to `shard`.
    ///
    /// # Panics
    /// If `shard` is over [`EntityId::MAX_SHARD`].
    #[track_caller]
    pub fn new(shard: u16) -> Self {
        let (ids, graph, rows) = (IdSource::new(shard), Graph::new(), Rows::new(shard));
        Self { ids, graph, rows, origin: Version::ZERO, descent: Descent::default() }
    }

    /// Returns how many archetypes there are, the one without components
    /// included.
    pub fn archetype_count(&self) -> usize {
        self.rows.table_count()
    }

    /// Gives back the memory that tables hold beyond their rows, and what was
    /// known of entities that are gone.
    ///
    /// Columns of less than 64 KiB are laid side by side, those of one component in the
    /// order in which queries come to them, as far as the allocator gives memory in order:
    /// queries over many small archetypes are faster then. It is for once, after a world is
    /// built or loaded, say; such columns take twice their memory meanwhile, and the allocator
    /// may keep what they took before. Where fresh memory lies no better they stay.
    ///
    /// # Complexity
    /// O(n log n) for n columns, and what is copied: short ones, and those with room to spare.
    pub fn shrink_to_fit(&mut self) {
        self.ids.shrink_to_fit();
        self.rows.shrink();
    }

    /// Removes the archetypes that no entity has, with their memory; returns how
    /// many those were. The one without components stays.
    ///
    /// Worth it where components come and go in ever new combinations: each is
    /// an archetype, and all of them are looked at when a query is matched.
    /// Archetypes that come later take the places of those removed in the order
    /// of iteration. A snapshot does not tell of places that are free: in a world that
    /// is restored, archetypes that come later are behind all others. So who wants a
    /// restored run to be the unbroken one, order included, does not remove any.
    ///
    /// # Complexity
    /// O(archetypes), and O(components in use) for each that is removed. Moves
    /// and queries are prepared anew at their next use.
    pub fn remove_empty_archetypes(&mut self) -> usize {
        self.graph.remove_empty_tables(&mut self.rows)
    }

    #[inline]
    fn locate(&self, entity: EntityId) -> Result<Location, StorageError> {
        self.rows.locate(entity).ok_or(StorageError::NoSuchEntity(entity))
    }

    // The ways of single rows where another plan is asked for than the last time. Apart,
    // so that the way of many rows alike stays short.

    #[cold]
    #[inline(never)]
    fn create_turning<B: Bundle>(
        &mut self,
        bundle: &mut BundleRow<B>,
    ) -> Result<EntityId, StorageError> {
        let Self { ids, graph, rows, .. } = self;
        if let Some(plan) = graph.turn_to(Change::Insert, Rows::EMPTY.0.into(), TypeId::of::<B>())
            && let Some(ready) = rows.ready(plan)
        {
            return rows.spawn_ready(ready, bundle, ids);
        }
        self.create_unprepared(bundle)
    }

    #[cold]
    #[inline(never)]
    fn insert_turning<B: Bundle>(
        &mut self,
        entity: EntityId,
        seen: Sighting,
        bundle: &mut BundleRow<B>,
    ) -> Result<(), StorageError> {
        let Self { graph, rows, .. } = self;
        if let Some(plan) = graph.turn_to(Change::Insert, seen.table(), TypeId::of::<B>()) {
            if let Some(start) = rows.at_start(plan, seen) {
                return rows.insert_ready(start, entity, bundle);
            }
            if let Some(place) = rows.in_place_of(plan, seen) {
                return rows.replace_ready(place, bundle);
            }
        }
        self.insert_unprepared(entity, bundle)
    }

    #[cold]
    #[inline(never)]
    fn destroy_turning(&mut self, entity: EntityId) -> Result<(), StorageError> {
        if let Some(at) = self.rows.turn_to_end(entity)
            && self.ids.recycle_at_once(entity)
        {
            self.rows.end_plainly(entity, at);
            return Ok(());
        }
        self.destroy_unprepared(entity)
    }

    #[cold]
    #[inline(never)]
    fn remove_turning<C: Component>(
        &mut self,
        entity: EntityId,
        seen: Sighting,
    ) -> Result<Option<C>, StorageError> {
        let Self { graph, rows, .. } = self;
        if let Some(plan) = graph.turn_to(Change::Remove, seen.table(), TypeId::of::<C>())
            && let Some(start) = rows.at_start(plan, seen)
        {
            return Ok(Some(rows.take(start, entity)));
        }
        self.remove_unprepared(entity)
    }

    // The ways of single rows where a plan is to be made or brought up to date.

    #[cold]
    #[inline(never)]
    fn create_unprepared(&mut self, bundle: &mut dyn DynBundle) -> Result<EntityId, StorageError> {
        self.create_with(bundle)
    }

    #[cold]
    #[inline(never)]
    fn destroy_unprepared(&mut self, entity: EntityId) -> Result<(), StorageError> {
        let at = self.locate(entity)?;
        if entity.shard() == self.ids.shard() {
            self.ids.recycle(entity);
        }
        self.rows.despawn(entity, at);
        Ok(())
    }

    #[cold]
    #[inline(never)]
    fn insert_unprepared(
        &mut self,
        entity: EntityId,
        bundle: &mut dyn DynBundle,
    ) -> Result<(), StorageError> {
        self.insert_with(entity, bundle)
    }

    #[cold]
    #[inline(never)]
    fn remove_unprepared<C: Component>(
        &mut self,
        entity: EntityId,
    ) -> Result<Option<C>, StorageError> {
        let mut taken = Taken(None);
        self.remove_with(entity, &mut taken)?;
        Ok(taken.0)
    }
}

impl Default for ArchetypeStorage {
    /// Creates an empty store of shard 0.
    fn default() -> Self {
        Self::new(0)
    }
}

impl Storage for ArchetypeStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities::in_memory()
            .with_contiguous()
            .with_parallel()
            .with_survival_of_refused_memory()
            .with_adoption()
            .with_change_detection()
    }

    fn create_entity(&mut self) -> Result<EntityId, StorageError> {
        self.rows.spawn_empty(&mut self.ids)
    }

    fn create_with(&mut self, bundle: &mut dyn DynBundle) -> Result<EntityId, StorageError> {
        let Self { ids, graph, rows, .. } = self;
        let plan = graph.plan(rows, Change::Insert, Rows::EMPTY, &bundle.kind())?;
        rows.spawn(plan, bundle, ids)
    }

    #[inline]
    fn create_typed<B: Bundle>(&mut self, bundle: B) -> Result<EntityId, StorageError> {
        let Self { ids, graph, rows, .. } = self;
        let plan = graph.recent(Change::Insert, TypeId::of::<B>());
        if plan.is_of(Rows::EMPTY.0.into(), TypeId::of::<B>())
            && let Some(ready) = rows.ready(plan)
        {
            return rows.spawn_ready(ready, &mut BundleRow::new(bundle), ids);
        }
        self.create_turning(&mut BundleRow::new(bundle))
    }

    fn create_batch(
        &mut self,
        batch: &mut dyn BundleBatch,
        made: &mut Vec<EntityId>,
    ) -> Result<(), StorageError> {
        let Self { ids, graph, rows, .. } = self;
        let plan = graph.plan(rows, Change::Insert, Rows::EMPTY, &batch.kind())?;
        rows.spawn_batch(plan, batch, ids, made)
    }

    fn create_columns(
        &mut self,
        mut columns: Vec<ErasedVec>,
        made: &mut Vec<EntityId>,
    ) -> Result<(), StorageError> {
        check_columns(&columns)?;
        columns.sort_unstable_by_key(ErasedVec::id);
        let Self { ids, graph, rows, .. } = self;
        let table = graph.table(rows, columns.iter().map(ErasedVec::id).collect())?;
        rows.spawn_columns(table, columns, ids, made)
    }

    fn reserve_entities(&mut self, count: usize) -> Result<Vec<EntityId>, StorageError> {
        let reserved = self.ids.reserve_many(count)?;
        self.ids.settle();
        Ok(reserved)
    }

    fn release_reserved(&mut self, entity: EntityId) -> Result<(), StorageError> {
        if self.ids.release(entity) { Ok(()) } else { Err(StorageError::NotReserved(entity)) }
    }

    fn adopt(&mut self, entity: EntityId) -> Result<(), StorageError> {
        if self.entity_exists(entity) {
            return Err(StorageError::EntityExists(entity));
        }
        if entity.shard() == self.ids.shard() && !self.ids.is_reserved(entity) {
            return Err(StorageError::NotReserved(entity));
        }
        self.rows.adopt(entity)?;
        self.ids.claim(entity);
        Ok(())
    }

    #[inline]
    fn destroy_entity(&mut self, entity: EntityId) -> Result<(), StorageError> {
        if let Some(at) = self.rows.at_end(entity)
            && self.ids.recycle_at_once(entity)
        {
            self.rows.end_plainly(entity, at);
            return Ok(());
        }
        self.destroy_turning(entity)
    }

    fn destroy_batch(&mut self, entities: &[EntityId]) -> Result<(), StorageError> {
        let Self { ids, rows, .. } = self;
        batch::despawn(rows, entities, || ids.recycle_many(entities))
    }

    fn clear(&mut self) -> Result<(), StorageError> {
        let mut all: Vec<_> = self.all_entities().collect();
        all.sort_unstable();
        self.ids.recycle_many(&all);
        self.rows.clear();
        Ok(())
    }

    #[inline]
    fn entity_exists(&self, entity: EntityId) -> bool {
        self.rows.locate(entity).is_some()
    }

    fn entity_count(&self) -> usize {
        self.rows.count()
    }

    fn all_entities(&self) -> Box<dyn Iterator<Item = EntityId> + '_> {
        Box::new(self.rows.chunks().flat_map(|chunk| chunk.ids.iter().copied()))
    }

    #[inline]
    fn get_component_erased(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedRef<'_>> {
        self.rows.directory().get_erased(entity, component)
    }

    #[inline]
    fn get_component_mut_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedMut<'_>> {
        self.rows.directory_mut().get_erased(entity, component)
    }

    fn set_component_erased(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
    ) -> Result<Option<ErasedValue>, StorageError> {
        self.locate(entity)?;
        if let Some(mut place) = self.get_component_mut_erased(entity, value.id()) {
            return Ok(Some(
                place.replace(value).expect("the place was found by the value's component"),
            ));
        }
        self.insert_with(entity, &mut ErasedBundle::new(vec![value]))?;
        Ok(None)
    }

    fn insert_with(
        &mut self,
        entity: EntityId,
        bundle: &mut dyn DynBundle,
    ) -> Result<(), StorageError> {
        let at = self.locate(entity)?;
        let Self { graph, rows, .. } = self;
        let plan = graph.plan(rows, Change::Insert, at.table(), &bundle.kind())?;
        rows.insert(plan, entity, at, bundle)
    }

    // Wherever it is called: as a call of its own, for which registers are saved and whose
    // outcome goes through memory, to insert and remove took a third longer. To replace takes
    // a fifth more instructions so, as less of that is compiled into each place.
    #[inline(always)]
    fn insert_typed<B: Bundle>(&mut self, entity: EntityId, bundle: B) -> Result<(), StorageError> {
        // A bundle is put where it can be called over the protocol only on the way
        // that is taken: so it is not copied there on the other.
        let Self { graph, rows, .. } = self;
        let plan = graph.recent(Change::Insert, TypeId::of::<B>());
        let Some(seen) = rows.sight(entity) else {
            return self.insert_unprepared(entity, &mut BundleRow::new(bundle));
        };
        if plan.is_of(seen.table(), TypeId::of::<B>()) {
            if let Some(start) = rows.at_start(plan, seen) {
                return rows.insert_ready(start, entity, &mut BundleRow::new(bundle));
            }
            if let Some(place) = rows.in_place_of(plan, seen) {
                return rows.replace_ready(place, &mut BundleRow::new(bundle));
            }
        }
        self.insert_turning(entity, seen, &mut BundleRow::new(bundle))
    }

    fn remove_component_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Result<Option<ErasedValue>, StorageError> {
        let mut one = TakeOne { component, value: None };
        self.remove_with(entity, &mut one)?;
        Ok(one.value)
    }

    fn remove_with(
        &mut self,
        entity: EntityId,
        removal: &mut dyn Removal,
    ) -> Result<usize, StorageError> {
        let at = self.locate(entity)?;
        let Self { graph, rows, .. } = self;
        let plan = graph.plan(rows, Change::Remove, at.table(), &removal.kind())?;
        rows.remove(plan, entity, at, removal)
    }

    // As `insert_typed`.
    #[inline(always)]
    fn remove_typed<C: Component>(&mut self, entity: EntityId) -> Result<Option<C>, StorageError> {
        let Self { graph, rows, .. } = self;
        let plan = graph.recent(Change::Remove, TypeId::of::<C>());
        let Some(seen) = rows.sight(entity) else { return self.remove_unprepared(entity) };
        if plan.is_of(seen.table(), TypeId::of::<C>())
            && let Some(start) = rows.at_start(plan, seen)
        {
            return Ok(Some(rows.take(start, entity)));
        }
        self.remove_turning(entity, seen)
    }

    fn insert_batch(
        &mut self,
        entities: &[EntityId],
        batch: &mut dyn BundleBatch,
    ) -> Result<(), StorageError> {
        batch::insert(&mut self.rows, &mut self.graph, entities, batch)
    }

    fn remove_batch(
        &mut self,
        entities: &[EntityId],
        kind: &BundleKind,
    ) -> Result<usize, StorageError> {
        batch::remove(&mut self.rows, &mut self.graph, entities, kind)
    }

    fn exchange_batch(
        &mut self,
        entities: &[EntityId],
        lost: &BundleKind,
        batch: &mut dyn BundleBatch,
        workers: &dyn Workers,
    ) -> Result<(), StorageError> {
        exchange(&mut self.rows, &mut self.graph, entities, lost, batch, workers)
    }

    #[inline]
    fn has_component_erased(&self, entity: EntityId, component: ComponentId) -> bool {
        self.rows
            .locate(entity)
            .is_some_and(|at| self.rows.components(at.table()).contains(component))
    }

    fn get_component_types(&self, entity: EntityId) -> Option<ComponentSet> {
        self.rows.locate(entity).map(|at| self.rows.components(at.table()).clone())
    }

    fn read_chunks<'a>(&'a self, sink: &mut ReadSink<'a, '_>) {
        for chunk in self.rows.chunks() {
            if sink.wants(|component| chunk.components.contains(component)) {
                sink.push_tracked(chunk.ids, Some(chunk.moves), chunk.columns);
            }
        }
    }

    fn write_chunks<'a>(&'a mut self, sink: &mut WriteSink<'a, '_>) {
        for chunk in self.rows.chunks_mut() {
            if sink.wants(|component| chunk.components.contains(component)) {
                sink.push_tracked(chunk.ids, Some(chunk.moves), chunk.columns);
            }
        }
    }

    #[inline]
    fn directory(&self) -> Option<DirectoryRef<'_>> {
        Some(self.rows.directory())
    }

    #[inline]
    fn directory_mut(&mut self) -> Option<DirectoryMut<'_>> {
        Some(self.rows.directory_mut())
    }

    fn apply_updates(&mut self, batch: UpdateBatch) -> Result<Vec<EntityId>, UpdateError> {
        batch.check_with(self, Some(&self.ids))?;
        let Self { ids, graph, rows, .. } = self;
        Ok(updates::apply(ids, graph, rows, batch.into_parts())?)
    }

    fn allocator_state(&self) -> AllocatorState {
        self.ids.state()
    }

    fn load(&mut self, image: StorageImage) -> Result<(), StorageError> {
        let now = self.version();
        let present = StorageImage::present_after(image.history(), now);
        self.take_in(image, present, now, Descent::default())
    }

    fn load_cut(&mut self, cut: &StorageCut, before: &StorageCut) -> Result<(), SnapshotError> {
        self.take_cut_in(cut, before)
    }

    #[inline]
    fn version(&self) -> Version {
        self.rows.version()
    }

    #[inline]
    fn advance_version(&self) -> Version {
        self.rows.advance_version()
    }

    fn origin(&self) -> Version {
        self.origin
    }

    fn identity(&self) -> u64 {
        self.rows.identity()
    }

    fn descent(&self) -> Option<&Descent> {
        Some(&self.descent)
    }

    fn set_version(&mut self, version: Version) {
        self.rows.set_version(version);
    }

    fn touched_since(&mut self, since: Version) -> Option<Touched> {
        self.rows.touched_since(since)
    }

    fn forget_touched(&mut self) {
        self.rows.forget_touched();
    }

    fn removed(&self, component: ComponentId, since: Version) -> &[Removed] {
        self.rows.removed().since(component, since)
    }

    fn forget_removed(&mut self, up_to: Version) {
        self.rows.removed_mut().forget(up_to);
    }
}

/// Takes one component away, whatever its type.
struct TakeOne {
    component: ComponentId,
    value: Option<ErasedValue>,
}

impl Removal for TakeOne {
    fn kind(&self) -> BundleKind {
        BundleKind::listed([self.component])
    }

    fn wants_values(&self) -> bool {
        true
    }

    fn take(&mut self, value: InPlace<'_>) {
        self.value = Some(value.into_value());
    }

    fn take_value(&mut self, value: ErasedValue) {
        self.value = Some(value);
    }
}

#[cfg(test)]
mod tests;
