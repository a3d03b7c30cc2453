//! A map of maps.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::convert::Infallible;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::{
    AllocatorState, ComponentId, ComponentSet, EntityAllocator, EntityId, ErasedMut, ErasedRef,
    ErasedValue,
};
use ecs_storage_api::snapshot::ChunkAges;
use ecs_storage_api::{
    Capabilities, Changes, ChangesMut, ReadSink, RemovalLog, Removed, Storage, StorageError,
    StorageImage, Version, WriteSink, all_despite_panics, new_identity,
};

/// The components of one entity; the id is kept beside them, for the chunks.
#[derive(Debug)]
struct Row {
    id: EntityId,
    values: BTreeMap<ComponentId, Cell>,
}

/// A value, and when it changed and came. Each is a page of its own, so that
/// changes are exact whether the component is tracked or not; of one that is not, queries
/// stamp the page alone.
#[derive(Debug)]
struct Cell {
    value: ErasedValue,
    page: AtomicU64,
    changed: u32,
    added: u32,
}

impl Cell {
    fn new(value: ErasedValue, now: Version) -> Self {
        let (page, tick) = (AtomicU64::new(now.get()), now.tick());
        Self { value, page, changed: tick, added: tick }
    }

    fn is_tracked(&self) -> bool {
        self.value.info().is_tracked()
    }

    /// Says that the value is changed.
    fn mark(&mut self, now: Version) {
        *self.page.get_mut() = now.get();
        self.changed = now.tick();
    }
}

/// Stores entities first: a map from each to the map of its components.
///
/// This is the oracle that faster backends are compared with. It has no unsafe
/// code and no cleverness: whenever another backend differs from it, one of the
/// two is wrong, and it is easy to see whether it is this one.
///
/// # Complexity
/// With n entities and m components on one of them: entities O(log n), values
/// O(log n + log m), queries O(n m), since every entity is looked at.
///
/// Iteration is in ascending order of id.
///
/// # Memory
/// It can't survive that memory is refused: maps ask for it node by node, and the
/// standard library's have no way to ask before. The program ends then, and
/// [`survives_refused_memory`](Capabilities::survives_refused_memory) says so.
///
/// # Example
/// ```
/// use ecs_local::LocalStorage;
/// use ecs_storage_api::Storage;
///
/// let mut storage = LocalStorage::new(0);
/// let entity = storage.create_entity()?;
/// assert_eq!(entity.to_string(), "0:1v0");
/// # Ok::<(), ecs_storage_api::StorageError>(())
/// ```
#[derive(Debug)]
pub struct LocalStorage {
    ids: EntityAllocator,
    rows: BTreeMap<EntityId, Row>,
    /// Atomic, since it is raised by those who only read.
    version: AtomicU64,
    removed: RemovalLog,
    /// When everything was last replaced.
    origin: Version,
    identity: u64,
}

impl LocalStorage {
    /// Creates an empty store whose ids belong to `shard`.
    ///
    /// # Panics
    /// If `shard` is over [`EntityId::MAX_SHARD`].
    #[track_caller]
    pub fn new(shard: u16) -> Self {
        Self::of(EntityAllocator::new(shard), Version::FIRST)
    }

    fn of(ids: EntityAllocator, version: Version) -> Self {
        let version = AtomicU64::new(version.get());
        let (rows, removed) = Default::default();
        Self { ids, rows, version, removed, origin: Version::ZERO, identity: new_identity() }
    }

    fn row(&mut self, entity: EntityId) -> Result<&mut Row, StorageError> {
        self.rows.get_mut(&entity).ok_or(StorageError::NoSuchEntity(entity))
    }

    fn add(&mut self, id: EntityId) -> EntityId {
        self.rows.insert(id, Row { id, values: BTreeMap::new() });
        id
    }

    /// Notes that an entity loses a component.
    fn note_lost(&mut self, entity: EntityId, component: ComponentId) {
        if component.info().is_tracked() {
            self.removed.note(component, [entity], self.version());
        }
    }
}

/// Drops the values of rows, one after the other: of several that panic the first goes on.
fn end(rows: impl IntoIterator<Item = Row>) {
    let values = rows.into_iter().flat_map(|row| row.values.into_values());
    let Ok(()) = all_despite_panics(values, |value| {
        drop(value);
        Ok::<(), Infallible>(())
    });
}

impl Drop for LocalStorage {
    fn drop(&mut self) {
        let rows = std::mem::take(&mut self.rows).into_values();
        if !std::thread::panicking() {
            return end(rows);
        }
        // A second panic would end the process, and what it throws may throw again.
        std::mem::forget(catch_unwind(AssertUnwindSafe(|| end(rows))));
    }
}

impl Default for LocalStorage {
    /// Creates an empty store of shard 0.
    fn default() -> Self {
        Self::new(0)
    }
}

impl Storage for LocalStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities::in_memory().with_adoption().with_change_detection()
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
        if entity.shard() == self.ids.shard() {
            self.ids.claim(entity).map_err(|_| StorageError::NotReserved(entity))?;
        }
        self.add(entity);
        Ok(())
    }

    fn destroy_entity(&mut self, entity: EntityId) -> Result<(), StorageError> {
        let row = self.rows.remove(&entity).ok_or(StorageError::NoSuchEntity(entity))?;
        if entity.shard() == self.ids.shard() {
            self.ids.deallocate(entity)?;
        }
        row.values.keys().for_each(|&component| self.note_lost(entity, component));
        // Last, so that a value that panics finds everything in order.
        end([row]);
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
        Some(self.rows.get(&entity)?.values.get(&component)?.value.as_ref())
    }

    fn get_component_mut_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedMut<'_>> {
        let now = self.version();
        let cell = self.rows.get_mut(&entity)?.values.get_mut(&component)?;
        cell.mark(now);
        Some(cell.value.as_mut())
    }

    fn set_component_erased(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
    ) -> Result<Option<ErasedValue>, StorageError> {
        let now = self.version();
        match self.row(entity)?.values.entry(value.id()) {
            Entry::Occupied(known) => {
                let cell = known.into_mut();
                cell.mark(now);
                Ok(Some(std::mem::replace(&mut cell.value, value)))
            }
            Entry::Vacant(new) => {
                new.insert(Cell::new(value, now));
                Ok(None)
            }
        }
    }

    fn remove_component_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Result<Option<ErasedValue>, StorageError> {
        let taken = self.row(entity)?.values.remove(&component);
        if taken.is_some() {
            self.note_lost(entity, component);
        }
        Ok(taken.map(|cell| cell.value))
    }

    fn get_component_types(&self, entity: EntityId) -> Option<ComponentSet> {
        Some(self.rows.get(&entity)?.values.keys().copied().collect())
    }

    fn read_chunks<'a>(&'a self, sink: &mut ReadSink<'a, '_>) {
        for row in self.rows.values() {
            // Asked first, since most queries want few rows.
            if !sink.wants(|component| row.values.contains_key(&component)) {
                continue;
            }
            let columns = row.values.values().map(|cell| {
                let ticks = [&cell.changed, &cell.added].map(std::slice::from_ref);
                let changes = Changes {
                    pages: std::slice::from_ref(&cell.page),
                    ticks: cell.is_tracked().then_some((ticks[0], ticks[1])),
                };
                (cell.value.as_ref().as_slice(), changes)
            });
            sink.push_tracked(std::slice::from_ref(&row.id), None, columns);
        }
    }

    fn write_chunks<'a>(&'a mut self, sink: &mut WriteSink<'a, '_>) {
        for row in self.rows.values_mut() {
            if !sink.wants(|component| row.values.contains_key(&component)) {
                continue;
            }
            let columns = row.values.values_mut().map(|cell| {
                let is_tracked = cell.is_tracked();
                let Cell { value, page, changed, added } = cell;
                let ticks = (std::slice::from_mut(changed), std::slice::from_ref(&*added));
                let changes = ChangesMut {
                    pages: std::slice::from_ref(page),
                    ticks: is_tracked.then_some(ticks),
                    lines: None,
                };
                (value.as_mut().into_slice(), changes)
            });
            sink.push_tracked(std::slice::from_ref(&row.id), None, columns);
        }
    }

    fn version(&self) -> Version {
        // Relaxed: a number, which orders nothing else.
        Version::new(self.version.load(Ordering::Relaxed))
    }

    fn advance_version(&self) -> Version {
        Version::new(self.version.fetch_add(1, Ordering::Relaxed))
    }

    fn origin(&self) -> Version {
        self.origin
    }

    fn identity(&self) -> u64 {
        self.identity
    }

    fn set_version(&mut self, version: Version) {
        let present = self.version.get_mut();
        *present = version.get().max(*present);
    }

    fn removed(&self, component: ComponentId, since: Version) -> &[Removed] {
        self.removed.since(component, since)
    }

    fn forget_removed(&mut self, up_to: Version) {
        self.removed.forget(up_to);
    }

    fn allocator_state(&self) -> AllocatorState {
        self.ids.state()
    }

    fn load(&mut self, image: StorageImage) -> Result<(), StorageError> {
        let home = image.allocator().shard;
        let alive: Vec<_> = image.entities().filter(|id| id.shard() == home).collect();
        let (allocator, chunks, history) = image.into_parts();
        let now = self.version();
        let present = StorageImage::present_after(history.as_ref(), now);
        let mut loaded = Self::of(EntityAllocator::from_state(allocator, alive)?, present);
        for (n, chunk) in chunks.into_iter().enumerate() {
            let ages = history.as_ref().map(|history| &history.chunks()[n]);
            let (ids, columns) = chunk.into_parts();
            for &id in &ids {
                loaded.add(id);
            }
            for (at, mut column) in columns.into_iter().enumerate() {
                let dates = match ages {
                    Some(ages) => dates(ages, at, ids.len(), present),
                    None => vec![(present.get(), present.tick(), present.tick()); ids.len()],
                };
                // From the back, as a vector gives its values.
                for (&id, (page, changed, added)) in ids.iter().zip(dates).rev() {
                    let value = column.pop().expect("a column has a value a row");
                    let cell = Cell { value, page: AtomicU64::new(page), changed, added };
                    loaded.row(id)?.values.insert(cell.value.id(), cell);
                }
            }
        }
        let lost: Vec<_> = (self.rows.values())
            .flat_map(|row| row.values.keys().map(|&component| (row.id, component)))
            .collect();
        lost.into_iter().for_each(|(entity, component)| self.note_lost(entity, component));
        loaded.removed = std::mem::take(&mut self.removed);
        loaded.origin = now;
        if let Some(history) = history {
            history.note_removed(&mut loaded.removed, present);
        }
        drop(std::mem::replace(self, loaded));
        Ok(())
    }
}

/// Returns of each value of a column the version at which it changed, and the ticks
/// at which it changed and came.
fn dates(ages: &ChunkAges, column: usize, rows: usize, present: Version) -> Vec<(u64, u32, u32)> {
    let mut dates = vec![(0, 0, 0); rows];
    let column = &ages.columns[column];
    for (rows, version) in ages.moves.at(present).chain(column.pages.at(present)) {
        for (page, changed, added) in &mut dates[rows] {
            *page = version.get().max(*page);
            (*changed, *added) = (*page as u32, *page as u32);
        }
    }
    if let Some([changed, added]) = column.ticks_at(present) {
        for ((_, row_changed, row_added), (changed, added)) in
            dates.iter_mut().zip(changed.zip(added))
        {
            (*row_changed, *row_added) = (changed, added);
        }
    }
    dates
}
