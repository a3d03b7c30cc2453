//! Any remote store as a local one.

use std::mem::ManuallyDrop;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ecs_core::{
    AllocatorState, BundleBatch, BundleKind, ComponentId, ComponentSet, DynBundle, EntityId,
    ErasedBundle, ErasedMut, ErasedRef, ErasedValue, Removal,
};
use pollster::block_on;

use super::async_storage::AsyncStorage;
use super::copy;
use super::error::RemoteError;
use super::lent::Lent;
use super::version::Version;
use crate::batches::{check_bundle, check_entities, take_bundle, take_row, take_rows};
use crate::capabilities::{Capabilities, Consistency};
use crate::directory::DirectoryRef;
use crate::error::{BundleError, StorageError};
use crate::sink::{ReadSink, WriteSink};
use crate::snapshot::StorageImage;
use crate::storage::Storage;
use crate::update_batch::{UpdateBatch, UpdateError};
use crate::workers::{Alone, Workers};

/// Lets a world run on a remote store, by a mirror of it in memory.
///
/// The mirror `M` holds everything that the remote store holds: a local store
/// lends references, and only memory can. So reading costs what it costs in
/// `M`, and memory must suffice for the whole.
///
/// # Writing
/// Every change goes to the remote store first, as one batch, and to the mirror
/// once the remote store has it. A batch is sent on condition of the version
/// that was last seen. If another writer was faster, the call gives
/// [`RemoteError::Conflict`] (found by [`RemoteError::find_in`]) and has changed
/// nothing; so does every later one until [`refresh`](Self::refresh) has loaded
/// what the other wrote. Other writers are not noticed by reading.
///
/// Values that were lent as `&mut` are compared with what they were, and those
/// that changed are sent as one batch at the start of the next call that returns
/// a `Result`, or by [`flush`](Storage::flush). Call that before dropping the
/// adapter: what is not sent by then is lost, since dropping could tell nobody of
/// an error.
///
/// After an error the mirror is as before. If an answer was lost, the remote
/// store may have the change nevertheless; then its version has risen, and the
/// next write is a conflict.
///
/// # Ids
/// The mirror has the remote store's allocator, so both name the same entities
/// by themselves. Where the remote store names others (someone else reserved
/// ids, or it has an order of its own), its names count, and the mirror is
/// loaded anew. If that fails, the call gives the error although the remote
/// store has made the change, and the next call loads.
///
/// # Transient components
/// They stay in the mirror and are not sent. Refreshing drops them.
///
/// # Waiting
/// The calling thread waits for each answer. A backend whose futures need a
/// runtime must keep one running on threads of its own, and this adapter must
/// not be used from inside a task of it.
#[derive(Debug)]
pub struct Blocking<R, M> {
    remote: R,
    mirror: M,
    /// The version of the remote store that the mirror shows.
    version: Version,
    /// Whether the mirror shows the remote store; if not, the next call that can
    /// fail loads it.
    loaded: bool,
    /// Why the first loading failed, until a caller is told.
    untold: Option<RemoteError>,
    lent: Lent,
}

impl<R: AsyncStorage + 'static, M: Storage> Blocking<R, M> {
    /// Rows that are sent as one batch when many entities are made.
    const ROWS: usize = 1024;

    /// Loads what the remote store holds into a new mirror.
    ///
    /// If that fails, the adapter shows an empty store; the next call that
    /// returns a `Result` gives the error, and the one after it tries again.
    /// [`connect`](Self::connect) tells at once.
    pub fn new(remote: R) -> Self
    where
        M: Default,
    {
        Self::with_mirror(remote, M::default())
    }

    /// Loads what the remote store holds into a new mirror.
    ///
    /// # Errors
    /// Those of [`AsyncStorage::image_async`], and
    /// [`StorageError`] if the mirror can't hold it.
    pub fn connect(remote: R) -> Result<Self, RemoteError>
    where
        M: Default,
    {
        let mut this = Self::with_mirror(remote, M::default());
        match this.untold.take() {
            Some(error) => Err(error),
            None => Ok(this),
        }
    }

    /// As [`new`](Self::new), with a mirror whose content is replaced.
    pub fn with_mirror(remote: R, mirror: M) -> Self {
        let version = Version::default();
        let lent = Lent::default();
        let mut this = Self { remote, mirror, version, loaded: false, untold: None, lent };
        this.untold = this.load_remote(None).err();
        this
    }

    /// Loads what the remote store holds now. What was changed here and not
    /// written back is lost, and so are transient components.
    ///
    /// # Errors
    /// As [`connect`](Self::connect); then the mirror is as before.
    pub fn refresh(&mut self) -> Result<(), RemoteError> {
        self.load_remote(None)
    }

    /// Returns the version of the remote store that the mirror shows.
    pub fn version(&self) -> Version {
        self.version
    }

    /// Returns the remote store.
    pub fn remote(&self) -> &R {
        &self.remote
    }

    /// Returns the mirror.
    pub fn mirror(&self) -> &M {
        &self.mirror
    }

    /// Gives the remote store back. What was changed here and not
    /// [flushed](Storage::flush) is lost.
    pub fn into_remote(self) -> R {
        self.remote
    }

    /// Fills the mirror from the remote store, if that is at `expected`.
    fn load_remote(&mut self, expected: Option<Version>) -> Result<(), RemoteError> {
        let (image, found) = block_on(self.remote.image_async())?;
        if let Some(expected) = expected.filter(|&expected| expected != found) {
            return Err(RemoteError::Conflict { expected, found });
        }
        self.mirror.load(image)?;
        self.version = found;
        self.loaded = true;
        self.untold = None;
        self.lent.clear();
        Ok(())
    }

    /// Returns what a write depends on.
    fn condition(&self) -> Option<Version> {
        self.remote.capabilities().versions.then_some(self.version)
    }

    /// Prepares a change: tells what could not be told before, and writes back
    /// what was lent.
    fn settle(&mut self) -> Result<(), RemoteError> {
        if let Some(error) = self.untold.take() {
            return Err(error);
        }
        if !self.loaded {
            return self.load_remote(None);
        }
        if !self.lent.is_empty() {
            let changes = self.lent.changes(&self.mirror)?;
            if !changes.is_empty() {
                self.apply(&changes)?;
            }
            self.lent.clear();
        }
        Ok(())
    }

    /// Brings a batch to the remote store, and returns the new entities.
    fn apply(&mut self, batch: &UpdateBatch) -> Result<Vec<EntityId>, RemoteError> {
        let applied = block_on(self.remote.apply_updates_async(batch, self.condition()))?;
        self.version = applied.version;
        Ok(applied.created)
    }

    /// Brings what is persistent of a batch to the remote store, once the mirror
    /// has found no fault with it.
    fn send(&mut self, batch: &UpdateBatch) -> Result<Vec<EntityId>, UpdateError> {
        self.settle()?;
        batch.check(&self.mirror)?;
        let persistent = if has_transient(batch) {
            Some(copy::batch(batch, |info| !info.is_transient()).map_err(RemoteError::from)?)
        } else {
            None
        };
        let sent = persistent.as_ref().unwrap_or(batch);
        Ok(if sent.is_empty() { Vec::new() } else { self.apply(sent)? })
    }

    /// As [`send`](Self::send), with the error of a single operation.
    fn send_single(&mut self, batch: &UpdateBatch) -> Result<(), StorageError> {
        self.send(batch).map(drop).map_err(single)
    }

    /// Ends a change that the remote store has made: the mirror did the same, or
    /// shows the remote store no longer.
    fn followed<T, E>(&mut self, outcome: Result<T, E>) -> Result<T, E> {
        self.loaded &= outcome.is_ok();
        outcome
    }

    /// Ends a change that named entities: the names that count are those of the
    /// remote store. If the mirror had others, it is loaded anew.
    fn agreed<E: From<RemoteError>>(
        &mut self,
        remote: Vec<EntityId>,
        mirror: Result<Vec<EntityId>, E>,
    ) -> Result<Vec<EntityId>, E> {
        if self.followed(mirror)? != remote {
            self.loaded = false;
            self.load_remote(Some(self.version))?;
        }
        Ok(remote)
    }

    /// Applies a batch here and there.
    fn change(&mut self, batch: UpdateBatch) -> Result<Vec<EntityId>, UpdateError> {
        let created = self.send(&batch)?;
        let mirrored = self.mirror.apply_updates(batch);
        self.agreed(created, mirrored)
    }

    /// As [`change`](Self::change), with the error of a single operation.
    fn change_single(&mut self, batch: UpdateBatch) -> Result<Vec<EntityId>, StorageError> {
        self.change(batch).map_err(single)
    }
}

/// Speaks of a single operation instead of a batch of one.
fn single(error: UpdateError) -> StorageError {
    RemoteError::from(error).into()
}

fn has_transient(batch: &UpdateBatch) -> bool {
    let changes = batch.updates().iter().chain(batch.inserts()).map(|(_, value)| value.info());
    let spawned = batch.spawns().iter().flat_map(|spawn| spawn.bundle.values());
    changes.chain(spawned.map(ErasedValue::info)).any(|info| info.is_transient())
        || batch.removes().iter().any(|(_, component)| component.info().is_transient())
}

impl<R: AsyncStorage + 'static, M: Storage> Storage for Blocking<R, M> {
    fn capabilities(&self) -> Capabilities {
        let (remote, mirror) = (self.remote.capabilities(), self.mirror.capabilities());
        Capabilities {
            contiguous: mirror.contiguous,
            // The directory is lent for reading only.
            parallel: false,
            // Others' writes are seen after a refresh.
            consistency: Consistency::Eventual,
            adopts_foreign_ids: remote.adopts_foreign_ids && mirror.adopts_foreign_ids,
            change_detection: mirror.change_detection,
            // A batch travels, as copies that are made on the way.
            survives_refused_memory: false,
            // Neither reaches the mirror by itself.
            notifications: false,
            expiry: false,
            ..remote
        }
    }

    fn create_entity(&mut self) -> Result<EntityId, StorageError> {
        self.create_with(&mut ErasedBundle::default())
    }

    fn create_with(&mut self, bundle: &mut dyn DynBundle) -> Result<EntityId, StorageError> {
        let bundle = ErasedBundle::new(take_bundle(bundle)?);
        let created = self.change_single(UpdateBatch::new().spawn_erased(None, bundle))?;
        let nonsense = || RemoteError::nonsense("an entity was made and has no id");
        Ok(created.first().copied().ok_or_else(nonsense)?)
    }

    fn create_batch(
        &mut self,
        rows: &mut dyn BundleBatch,
        made: &mut Vec<EntityId>,
    ) -> Result<(), StorageError> {
        let kind = rows.kind();
        check_bundle(&kind)?;
        let announced = kind.component_ids();
        loop {
            let mut batch = UpdateBatch::new();
            // Rows are user code: those before a faulty one, or one that panics,
            // are made.
            let taken = catch_unwind(AssertUnwindSafe(|| {
                while batch.len() < Self::ROWS {
                    let Some(row) = take_row(rows, &announced)? else {
                        return Ok(true);
                    };
                    let filling = std::mem::take(&mut batch);
                    batch = filling.spawn_erased(None, ErasedBundle::new(row));
                }
                Ok::<_, BundleError>(false)
            }));
            // Not dropped while another panic unwinds: it may throw again.
            let taken = taken.map_err(ManuallyDrop::new);
            let created = match batch.is_empty() {
                true => Ok(Vec::new()),
                false => self.change_single(batch),
            };
            made.extend(created.iter().flatten());
            let ended =
                taken.unwrap_or_else(|panic| resume_unwind(ManuallyDrop::into_inner(panic)));
            created?;
            if ended? {
                return Ok(());
            }
        }
    }

    fn reserve_entities(&mut self, count: usize) -> Result<Vec<EntityId>, StorageError> {
        self.settle()?;
        let ids = block_on(self.remote.reserve_ids_async(count))?;
        let mirrored = self.mirror.reserve_entities(count);
        // Others may have reserved ids, which is no conflict, or changed
        // something, which is one.
        self.agreed(ids.clone(), mirrored.map_err(RemoteError::from)).map_err(|error| {
            // The error to tell is the first.
            let _ = block_on(self.remote.release_ids_async(&ids));
            error.into()
        })
    }

    fn release_reserved(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.settle()?;
        block_on(self.remote.release_ids_async(&[entity]))?;
        let mirrored = self.mirror.release_reserved(entity);
        self.followed(mirrored)
    }

    fn adopt(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.change_single(UpdateBatch::new().spawn_as(entity, ())).map(drop)
    }

    fn destroy_entity(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.change_single(UpdateBatch::new().destroy(entity)).map(drop)
    }

    fn destroy_batch(&mut self, entities: &[EntityId]) -> Result<(), StorageError> {
        self.settle()?;
        check_entities(self, entities)?;
        self.change_single(entities.iter().copied().fold(UpdateBatch::new(), UpdateBatch::destroy))
            .map(drop)
    }

    fn clear(&mut self) -> Result<(), StorageError> {
        self.settle()?;
        let mut all: Vec<_> = self.all_entities().collect();
        all.sort_unstable();
        self.destroy_batch(&all)
    }

    fn entity_exists(&self, entity: EntityId) -> bool {
        self.mirror.entity_exists(entity)
    }

    fn entity_count(&self) -> usize {
        self.mirror.entity_count()
    }

    fn all_entities(&self) -> Box<dyn Iterator<Item = EntityId> + '_> {
        self.mirror.all_entities()
    }

    fn get_component_erased(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedRef<'_>> {
        self.mirror.get_component_erased(entity, component)
    }

    fn get_component_mut_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedMut<'_>> {
        if !self.loaded {
            return None;
        }
        self.lent.note(entity, self.mirror.get_component_erased(entity, component)?);
        self.mirror.get_component_mut_erased(entity, component)
    }

    fn set_component_erased(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
    ) -> Result<Option<ErasedValue>, StorageError> {
        let batch = UpdateBatch::new().insert_erased(entity, value);
        self.send_single(&batch)?;
        let (entity, value) =
            batch.into_parts().inserts.pop().expect("one component was to be set");
        let mirrored = self.mirror.set_component_erased(entity, value);
        self.followed(mirrored)
    }

    fn insert_with(
        &mut self,
        entity: EntityId,
        bundle: &mut dyn DynBundle,
    ) -> Result<(), StorageError> {
        self.settle()?;
        if !self.entity_exists(entity) {
            return Err(StorageError::NoSuchEntity(entity));
        }
        let batch = take_bundle(bundle)?
            .into_iter()
            .fold(UpdateBatch::new(), |batch, value| batch.insert_erased(entity, value));
        self.send_single(&batch)?;
        let values = batch.into_parts().inserts.into_iter().map(|(_, value)| value).collect();
        let mirrored = self.mirror.insert_with(entity, &mut ErasedBundle::new(values));
        self.followed(mirrored)
    }

    fn remove_component_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Result<Option<ErasedValue>, StorageError> {
        self.settle()?;
        if self.entity_exists(entity) && !self.has_component_erased(entity, component) {
            return Ok(None);
        }
        self.send_single(&UpdateBatch::new().remove_erased(entity, component))?;
        let mirrored = self.mirror.remove_component_erased(entity, component);
        self.followed(mirrored)
    }

    fn remove_with(
        &mut self,
        entity: EntityId,
        removal: &mut dyn Removal,
    ) -> Result<usize, StorageError> {
        self.settle()?;
        let Some(types) = self.get_component_types(entity) else {
            return Err(StorageError::NoSuchEntity(entity));
        };
        let listed: ComponentSet = removal.kind().component_ids().into_iter().collect();
        let batch = listed
            .iter()
            .filter(|&component| types.contains(component))
            .fold(UpdateBatch::new(), |batch, component| batch.remove_erased(entity, component));
        self.send_single(&batch)?;
        let mirrored = self.mirror.remove_with(entity, removal);
        self.followed(mirrored)
    }

    fn insert_batch(
        &mut self,
        entities: &[EntityId],
        rows: &mut dyn BundleBatch,
    ) -> Result<(), StorageError> {
        self.exchange_batch(entities, &BundleKind::listed([]), rows, &Alone)
    }

    fn remove_batch(
        &mut self,
        entities: &[EntityId],
        kind: &BundleKind,
    ) -> Result<usize, StorageError> {
        self.settle()?;
        check_entities(self, entities)?;
        let listed: ComponentSet = kind.component_ids().into_iter().collect();
        let mut batch = UpdateBatch::new();
        for &entity in entities {
            let there = listed.iter().filter(|&id| self.has_component_erased(entity, id));
            batch = there.fold(batch, |batch, id| batch.remove_erased(entity, id));
        }
        let count = batch.len();
        self.change_single(batch)?;
        Ok(count)
    }

    fn exchange_batch(
        &mut self,
        entities: &[EntityId],
        lost: &BundleKind,
        rows: &mut dyn BundleBatch,
        _workers: &dyn Workers,
    ) -> Result<(), StorageError> {
        let kind = rows.kind();
        check_bundle(&kind)?;
        self.settle()?;
        check_entities(self, entities)?;
        let gained = kind.component_ids();
        let rows = take_rows(rows, &gained, entities.len())?;
        // What is gained again is replaced, and changes once.
        let lost: ComponentSet =
            lost.component_ids().into_iter().filter(|id| !gained.contains(id)).collect();
        let mut batch = UpdateBatch::new();
        for (&entity, row) in entities.iter().zip(rows) {
            let there = lost.iter().filter(|&id| self.has_component_erased(entity, id));
            batch = there.fold(batch, |batch, id| batch.remove_erased(entity, id));
            batch = row.into_iter().fold(batch, |batch, value| batch.insert_erased(entity, value));
        }
        self.change_single(batch).map(drop)
    }

    fn has_component_erased(&self, entity: EntityId, component: ComponentId) -> bool {
        self.mirror.has_component_erased(entity, component)
    }

    fn get_component_types(&self, entity: EntityId) -> Option<ComponentSet> {
        self.mirror.get_component_types(entity)
    }

    fn read_chunks<'a>(&'a self, sink: &mut ReadSink<'a, '_>) {
        self.mirror.read_chunks(sink);
    }

    fn write_chunks<'a>(&'a mut self, sink: &mut WriteSink<'a, '_>) {
        if self.loaded {
            sink.shapes().for_each(|shape| self.lent.note_query(shape, &self.mirror));
            self.mirror.write_chunks(sink);
        }
    }

    // Every change reaches the mirror, and is stamped there.

    fn version(&self) -> crate::Version {
        Storage::version(&self.mirror)
    }

    fn advance_version(&self) -> crate::Version {
        self.mirror.advance_version()
    }

    fn origin(&self) -> crate::Version {
        self.mirror.origin()
    }

    fn identity(&self) -> u64 {
        self.mirror.identity()
    }

    fn set_version(&mut self, version: crate::Version) {
        self.mirror.set_version(version);
    }

    fn removed(&self, component: ComponentId, since: crate::Version) -> &[crate::Removed] {
        self.mirror.removed(component, since)
    }

    fn forget_removed(&mut self, up_to: crate::Version) {
        self.mirror.forget_removed(up_to);
    }

    /// Lends that of the mirror. For writing it is not lent: what is written to
    /// must be known, to be brought back.
    fn directory(&self) -> Option<DirectoryRef<'_>> {
        self.mirror.directory()
    }

    fn apply_updates(&mut self, batch: UpdateBatch) -> Result<Vec<EntityId>, UpdateError> {
        self.change(batch)
    }

    fn allocator_state(&self) -> AllocatorState {
        self.mirror.allocator_state()
    }

    fn load(&mut self, image: StorageImage) -> Result<(), StorageError> {
        if self.untold.is_some() || !self.loaded {
            self.settle()?;
        }
        self.version = block_on(self.remote.load_async(&image, self.condition()))?;
        // What was lent is replaced with the rest.
        self.lent.clear();
        let mirrored = self.mirror.load(image);
        self.followed(mirrored)
    }

    fn flush(&mut self) -> Result<(), StorageError> {
        Ok(self.settle()?)
    }
}
