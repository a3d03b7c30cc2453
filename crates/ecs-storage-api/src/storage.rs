//! The protocol that every backend implements.

use ecs_core::{
    AllocatorState, Bundle, BundleBatch, BundleKind, BundleRow, Component, ComponentId,
    ComponentSet, DynBundle, EntityId, ErasedBundle, ErasedMut, ErasedRef, ErasedValue, ErasedVec,
    Removal, Taken,
};

use crate::batches::{
    ColumnRows, all_despite_panics, check_bundle, check_columns, check_entities,
    each_despite_panics, take_bundle, take_row, take_rows,
};
use crate::capabilities::Capabilities;
use crate::changes::{Removed, Touched, Version};
use crate::directory::{DirectoryMut, DirectoryRef};
use crate::error::StorageError;
use crate::sink::{ReadSink, WriteSink};
use crate::snapshot::{self, Descent, SnapshotError, StorageCut, StorageImage};
use crate::update_batch::{self, UpdateBatch, UpdateError};
use crate::workers::Workers;

/// Stores entities and their components.
///
/// The trait is object-safe and safe to implement: nothing above it trusts a
/// length, an id or an order that an implementation supplies. Methods with a
/// body are written over the others; a backend overrides those that it can do
/// faster. The typed methods of the same names are in
/// [`StorageExt`](crate::StorageExt).
///
/// Every method that changes something either does all of it or returns an
/// error and does nothing. If the `Drop` of a component that it ends panics, the
/// panic reaches the caller once all of it is done. The methods with a body keep
/// to that as long as those that they are written over fail only for what they
/// can check before; a backend whose single operations can fail by themselves
/// overrides them, or says so in
/// [`atomic_batches`](Capabilities::atomic_batches).
///
/// # Order
/// Backends agree on ids: the same operations give the same ids everywhere, as
/// long as each follows the order of effects written at the methods and takes
/// its ids from an `EntityAllocator` or `IdSource`. Order of iteration is a
/// backend's own, but must not depend on anything that differs between two
/// runs.
pub trait Storage: Send + Sync + 'static {
    /// Says what the backend can do.
    fn capabilities(&self) -> Capabilities;

    // Entities.

    /// Makes an entity without components.
    ///
    /// # Errors
    /// [`StorageError::Allocator`] if the shard's ids are used up.
    fn create_entity(&mut self) -> Result<EntityId, StorageError>;

    /// Makes an entity with the components of a bundle.
    ///
    /// # Errors
    /// As [`Storage::create_entity`]; [`StorageError::Bundle`] if a component
    /// occurs twice.
    fn create_with(&mut self, bundle: &mut dyn DynBundle) -> Result<EntityId, StorageError> {
        let values = take_bundle(bundle)?;
        let entity = self.create_entity()?;
        self.insert_with(entity, &mut ErasedBundle::new(values))?;
        Ok(entity)
    }

    /// As [`Storage::create_with`], of a bundle whose type the caller knows: a
    /// backend that has code for each type may be faster by it.
    ///
    /// # Errors
    /// As [`Storage::create_with`].
    #[inline]
    fn create_typed<B: Bundle>(&mut self, bundle: B) -> Result<EntityId, StorageError>
    where
        Self: Sized,
    {
        self.create_with(&mut BundleRow::new(bundle))
    }

    /// Makes an entity for each row of a batch, and adds their ids to `made`
    /// in order.
    ///
    /// # Errors
    /// As [`Storage::create_with`]. Rows made before the error stay, and their
    /// ids are in `made`.
    fn create_batch(
        &mut self,
        batch: &mut dyn BundleBatch,
        made: &mut Vec<EntityId>,
    ) -> Result<(), StorageError> {
        let kind = batch.kind();
        check_bundle(&kind)?;
        let announced = kind.component_ids();
        while let Some(row) = take_row(batch, &announced)? {
            made.push(self.create_with(&mut ErasedBundle::new(row))?);
        }
        Ok(())
    }

    /// Makes an entity of each row of some columns, and adds their ids to `made`
    /// in order.
    ///
    /// # Errors
    /// [`StorageError::Bundle`] if two columns hold the same component or they
    /// are not all as long; then nothing has changed. Others as
    /// [`Storage::create_batch`].
    fn create_columns(
        &mut self,
        columns: Vec<ErasedVec>,
        made: &mut Vec<EntityId>,
    ) -> Result<(), StorageError> {
        check_columns(&columns)?;
        self.create_batch(&mut ColumnRows::new(columns), made)
    }

    /// Names `count` entities that do not exist yet, in the order in which
    /// [`Storage::create_entity`] would have named them. [`Storage::adopt`]
    /// makes each real.
    ///
    /// # Errors
    /// As [`Storage::create_entity`].
    fn reserve_entities(&mut self, count: usize) -> Result<Vec<EntityId>, StorageError>;

    /// Gives an id back that was reserved and not used.
    ///
    /// # Errors
    /// [`StorageError::NotReserved`] if it is not outstanding.
    fn release_reserved(&mut self, entity: EntityId) -> Result<(), StorageError>;

    /// Makes an entity of an id that was reserved here, or that another shard's
    /// allocator named.
    ///
    /// # Errors
    /// [`StorageError::EntityExists`] if it lives already,
    /// [`StorageError::NotReserved`] if it is of this shard and not reserved,
    /// [`StorageError::Unsupported`] if the backend takes in no foreign ids.
    fn adopt(&mut self, entity: EntityId) -> Result<(), StorageError>;

    /// Ends an entity and drops its components. Its id never lives again, unless it is of
    /// another shard, whose store alone knows which ids are used up, and is adopted again.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if it is dead.
    fn destroy_entity(&mut self, entity: EntityId) -> Result<(), StorageError>;

    /// Ends several entities, in order; wholly or not at all.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if one is dead,
    /// [`StorageError::ListedTwice`] if one is listed twice.
    fn destroy_batch(&mut self, entities: &[EntityId]) -> Result<(), StorageError> {
        check_entities(self, entities)?;
        all_despite_panics(entities, |&entity| self.destroy_entity(entity))
    }

    /// Ends every entity, in ascending order of id.
    ///
    /// # Errors
    /// Those of the backend.
    fn clear(&mut self) -> Result<(), StorageError> {
        let mut all: Vec<_> = self.all_entities().collect();
        all.sort_unstable();
        all_despite_panics(all, |entity| self.destroy_entity(entity))
    }

    /// Tells whether the entity lives.
    fn entity_exists(&self, entity: EntityId) -> bool;

    /// Returns how many entities live.
    fn entity_count(&self) -> usize;

    /// Returns every living entity, in the backend's own order.
    fn all_entities(&self) -> Box<dyn Iterator<Item = EntityId> + '_>;

    // Components.

    /// Returns the value of a component, or `None` if the entity is dead or
    /// lacks it.
    fn get_component_erased(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedRef<'_>>;

    /// Returns the value of a component to be changed, or `None` if the entity
    /// is dead or lacks it.
    fn get_component_mut_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Option<ErasedMut<'_>>;

    /// Adds or replaces a component, and returns the value it replaced.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead.
    fn set_component_erased(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
    ) -> Result<Option<ErasedValue>, StorageError>;

    /// Adds or replaces the components of a bundle.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead,
    /// [`StorageError::Bundle`] if a component occurs twice.
    fn insert_with(
        &mut self,
        entity: EntityId,
        bundle: &mut dyn DynBundle,
    ) -> Result<(), StorageError> {
        if !self.entity_exists(entity) {
            return Err(StorageError::NoSuchEntity(entity));
        }
        let mut replaced = Vec::new();
        for value in take_bundle(bundle)? {
            replaced.extend(self.set_component_erased(entity, value)?);
        }
        // Only now, since it may panic.
        each_despite_panics(replaced, drop);
        Ok(())
    }

    /// As [`Storage::insert_with`], of a bundle whose type the caller knows: a
    /// backend that has code for each type may be faster by it.
    ///
    /// # Errors
    /// As [`Storage::insert_with`].
    #[inline]
    fn insert_typed<B: Bundle>(&mut self, entity: EntityId, bundle: B) -> Result<(), StorageError>
    where
        Self: Sized,
    {
        self.insert_with(entity, &mut BundleRow::new(bundle))
    }

    /// Takes a component away and returns its value, or `None` if the entity
    /// did not have it.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead.
    fn remove_component_erased(
        &mut self,
        entity: EntityId,
        component: ComponentId,
    ) -> Result<Option<ErasedValue>, StorageError>;

    /// Takes several components away, and returns how many of them the entity
    /// had.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead.
    fn remove_with(
        &mut self,
        entity: EntityId,
        removal: &mut dyn Removal,
    ) -> Result<usize, StorageError> {
        if !self.entity_exists(entity) {
            return Err(StorageError::NoSuchEntity(entity));
        }
        let mut taken = Vec::new();
        for component in removal.kind().component_ids() {
            taken.extend(self.remove_component_erased(entity, component)?);
        }
        let count = taken.len();
        // Only now, since it may panic.
        each_despite_panics(taken, |value| removal.take_value(value));
        Ok(count)
    }

    /// As [`Storage::remove_with`], of a component whose type the caller knows:
    /// takes it away and returns it, or `None` if the entity did not have it.
    ///
    /// # Errors
    /// As [`Storage::remove_with`].
    #[inline]
    fn remove_typed<C: Component>(&mut self, entity: EntityId) -> Result<Option<C>, StorageError>
    where
        Self: Sized,
    {
        let mut taken = Taken(None);
        self.remove_with(entity, &mut taken)?;
        Ok(taken.0)
    }

    /// Adds or replaces components of several entities, wholly or not at all: the
    /// n-th entity gets those of the n-th row. Rows beyond are not asked for.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if one is dead,
    /// [`StorageError::ListedTwice`] if one is listed twice,
    /// [`StorageError::Bundle`] if a component occurs twice or there are fewer
    /// rows than entities.
    fn insert_batch(
        &mut self,
        entities: &[EntityId],
        batch: &mut dyn BundleBatch,
    ) -> Result<(), StorageError> {
        let kind = batch.kind();
        check_bundle(&kind)?;
        check_entities(self, entities)?;
        let rows = take_rows(batch, &kind.component_ids(), entities.len())?;
        all_despite_panics(entities.iter().zip(rows), |(&entity, row)| {
            self.insert_with(entity, &mut ErasedBundle::new(row))
        })
    }

    /// Takes components away from several entities and drops them, wholly or not
    /// at all; returns how many values that were.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if one is dead,
    /// [`StorageError::ListedTwice`] if one is listed twice.
    fn remove_batch(
        &mut self,
        entities: &[EntityId],
        kind: &BundleKind,
    ) -> Result<usize, StorageError> {
        check_entities(self, entities)?;
        let mut count = 0;
        all_despite_panics(entities, |&entity| {
            let mut taken = Vec::new();
            for component in kind.component_ids() {
                taken.extend(self.remove_component_erased(entity, component)?);
            }
            count += taken.len();
            Ok::<_, StorageError>(())
        })?;
        Ok(count)
    }

    /// Takes the components of a kind from several entities and gives the n-th
    /// those of the n-th row, wholly or not at all: one change each, where taking
    /// away and giving would be two. Rows beyond are not asked for. A component that
    /// is both taken and given is replaced.
    ///
    /// A backend may let `workers` help.
    ///
    /// # Errors
    /// As [`Storage::insert_batch`].
    fn exchange_batch(
        &mut self,
        entities: &[EntityId],
        lost: &BundleKind,
        batch: &mut dyn BundleBatch,
        _workers: &dyn Workers,
    ) -> Result<(), StorageError> {
        let kind = batch.kind();
        check_bundle(&kind)?;
        check_entities(self, entities)?;
        let gained = kind.component_ids();
        let rows = take_rows(batch, &gained, entities.len())?;
        all_despite_panics(entities.iter().zip(rows), |(&entity, row)| {
            let mut ended = Vec::new();
            for component in lost.component_ids().into_iter().filter(|id| !gained.contains(id)) {
                ended.extend(self.remove_component_erased(entity, component)?);
            }
            for value in row {
                ended.extend(self.set_component_erased(entity, value)?);
            }
            Ok(())
        })
    }

    /// Tells whether the entity lives and has the component.
    fn has_component_erased(&self, entity: EntityId, component: ComponentId) -> bool {
        self.get_component_erased(entity, component).is_some()
    }

    /// Returns the components of an entity, or `None` if it is dead.
    fn get_component_types(&self, entity: EntityId) -> Option<ComponentSet>;

    // Chunks.

    /// Pushes every chunk that the sink wants, for reading.
    fn read_chunks<'a>(&'a self, sink: &mut ReadSink<'a, '_>);

    /// Pushes every chunk that the sink wants, for writing.
    fn write_chunks<'a>(&'a mut self, sink: &mut WriteSink<'a, '_>);

    /// Lends the directory for reading, if the backend keeps one.
    #[inline]
    fn directory(&self) -> Option<DirectoryRef<'_>> {
        None
    }

    /// Lends the directory for writing, if the backend keeps one.
    ///
    /// A backend that must know what is written to may lend it for reading
    /// alone; [`write_chunks`](Self::write_chunks) is asked then.
    #[inline]
    fn directory_mut(&mut self) -> Option<DirectoryMut<'_>> {
        None
    }

    // Changes.

    /// Returns the present version: what is written now is stamped with it.
    /// [`Version::ZERO`] says that the backend keeps none: then everything always
    /// counts as changed.
    #[inline]
    fn version(&self) -> Version {
        Version::ZERO
    }

    /// Returns the present version and raises it, so that what is written from now
    /// on is later. A backend that keeps no versions returns [`Version::ZERO`].
    #[inline]
    fn advance_version(&self) -> Version {
        Version::ZERO
    }

    /// Returns the version at which everything was last replaced, by
    /// [`load`](Storage::load): what the store holds and remembers happened later.
    /// [`Version::ZERO`] if that never was.
    fn origin(&self) -> Version {
        Version::ZERO
    }

    /// Names the store and its history: a number that no other store of the process
    /// has, and another one after each [`load`](Storage::load). Versions of one
    /// identity can be compared. 0 says that the backend does not tell.
    fn identity(&self) -> u64 {
        0
    }

    /// Tells from which cuts the store comes, and how far its versions are ahead of
    /// those in cuts: for a backend that [takes in](Storage::load_cut) by itself what
    /// is different in a cut. `None` says that its versions are those of its cuts, and
    /// that they can be compared within its [identity](Storage::identity) alone.
    fn descent(&self) -> Option<&Descent> {
        None
    }

    /// Raises the version to at least `version`.
    fn set_version(&mut self, version: Version) {
        let _ = version;
    }

    /// Returns which entities came, went, or gained or lost components after `since`,
    /// and notes them from now on. Beside them only those entities are others than then
    /// which lie in pages that were written after `since`.
    ///
    /// `None` if they were not noted from then on, for whatever reason: then anything
    /// may have changed. It is so at the first call, and always for a backend that
    /// notes nothing. There is one list: who asks ends what another waits for.
    fn touched_since(&mut self, since: Version) -> Option<Touched> {
        let _ = since;
        None
    }

    /// Notes them no longer.
    fn forget_touched(&mut self) {}

    /// Returns which entities lost a [tracked](Component::TRACK) component after
    /// `since`, the oldest first; one that died lost all it had. A backend that
    /// keeps no versions knows of none.
    ///
    /// # Complexity
    /// O(log n) with n removals that are remembered.
    fn removed(&self, component: ComponentId, since: Version) -> &[Removed] {
        let _ = (component, since);
        &[]
    }

    /// Forgets which entities lost components up to a version. Until then every
    /// removal of a tracked component is remembered.
    fn forget_removed(&mut self, up_to: Version) {
        let _ = up_to;
    }

    // Batches.

    /// Applies a batch of changes wholly or not at all, and returns the new
    /// entities in order.
    ///
    /// Effects come in this order: spawns, updates, inserts, removes, destroys. What
    /// shows of their order within a kind is that of the batch: new ids, and who is
    /// told to have lost a component. In which order rows come to lie, and values
    /// are dropped, is the backend's own.
    ///
    /// Whether memory that can't be had is an error too, the backend says in
    /// [`survives_refused_memory`](Capabilities::survives_refused_memory).
    ///
    /// # Errors
    /// [`UpdateError`], which names the place in the batch, the entity and the
    /// component; then nothing has changed.
    fn apply_updates(&mut self, batch: UpdateBatch) -> Result<Vec<EntityId>, UpdateError> {
        update_batch::apply(self, batch)
    }

    // Snapshots.

    /// Returns the state of the allocator: which ids come next.
    fn allocator_state(&self) -> AllocatorState;

    /// Replaces everything by what the image holds, in its order; the shard is
    /// then that of the image.
    ///
    /// A backend that keeps versions takes over the [history](StorageImage::history)
    /// of the image, behind its own: its version rises by as many as there were, so
    /// that all that it holds is later than whatever was known of it before, and
    /// what changed earlier than something else still did. Of an image without a
    /// history everything came now. What the store held before counts as removed.
    ///
    /// # Errors
    /// Those of the backend; then nothing has changed.
    fn load(&mut self, image: StorageImage) -> Result<(), StorageError>;

    /// Replaces everything by what a cut holds, as [`load`](Storage::load) does with
    /// an image; `before` is a cut that the store comes from, mostly `cut` itself.
    ///
    /// A backend may put only that in place in which the two differ, if it knows what
    /// it changed since. Then it is as if it had loaded the cut, but for what counts
    /// as removed: what the store held before, and holds no more. Such a backend says
    /// by its [`descent`](Storage::descent) that it comes from the cut then.
    ///
    /// # Errors
    /// Those of the backend, and [`SnapshotError`] if the cut does not hold together
    /// or a value can't be decoded; then nothing has changed.
    fn load_cut(&mut self, cut: &StorageCut, before: &StorageCut) -> Result<(), SnapshotError> {
        let _ = before;
        Ok(self.load(cut.to_image()?)?)
    }

    /// Writes everything that is persistent into bytes.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded.
    fn snapshot(&self) -> Result<Vec<u8>, SnapshotError> {
        snapshot::write(self)
    }

    /// Replaces everything by what a snapshot holds.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are no snapshot, damaged, or hold
    /// components that this process does not know; then nothing has changed.
    fn restore(&mut self, bytes: &[u8]) -> Result<(), SnapshotError> {
        let image = snapshot::read(bytes)?;
        Ok(self.load(image)?)
    }

    /// Brings everything that was changed through borrowed values to where it
    /// belongs. Stores in memory have nothing to do.
    ///
    /// # Errors
    /// Those of the backend.
    fn flush(&mut self) -> Result<(), StorageError> {
        Ok(())
    }
}

/// Forwards every method to the storage in the box.
macro_rules! forward {
    ($($(#[$attribute:meta])* fn $name:ident$(<$life:lifetime>)?([$($receiver:tt)*] $this:ident $(, $argument:ident: $type:ty)*) $(-> $out:ty)?;)*) => {
        impl<S: Storage + ?Sized> Storage for Box<S> {
            $($(#[$attribute])* fn $name$(<$life>)?($($receiver)* $this $(, $argument: $type)*) $(-> $out)? {
                (**$this).$name($($argument),*)
            })*
        }
    };
}

forward! {
    #[inline] fn capabilities([&] self) -> Capabilities;
    #[inline] fn create_entity([&mut] self) -> Result<EntityId, StorageError>;
    #[inline] fn create_with([&mut] self, bundle: &mut dyn DynBundle) -> Result<EntityId, StorageError>;
    fn create_batch([&mut] self, batch: &mut dyn BundleBatch, made: &mut Vec<EntityId>) -> Result<(), StorageError>;
    fn create_columns([&mut] self, columns: Vec<ErasedVec>, made: &mut Vec<EntityId>) -> Result<(), StorageError>;
    fn reserve_entities([&mut] self, count: usize) -> Result<Vec<EntityId>, StorageError>;
    fn release_reserved([&mut] self, entity: EntityId) -> Result<(), StorageError>;
    fn adopt([&mut] self, entity: EntityId) -> Result<(), StorageError>;
    #[inline] fn destroy_entity([&mut] self, entity: EntityId) -> Result<(), StorageError>;
    fn destroy_batch([&mut] self, entities: &[EntityId]) -> Result<(), StorageError>;
    fn clear([&mut] self) -> Result<(), StorageError>;
    #[inline] fn entity_exists([&] self, entity: EntityId) -> bool;
    fn entity_count([&] self) -> usize;
    fn all_entities([&] self) -> Box<dyn Iterator<Item = EntityId> + '_>;
    fn get_component_erased([&] self, entity: EntityId, component: ComponentId) -> Option<ErasedRef<'_>>;
    fn get_component_mut_erased([&mut] self, entity: EntityId, component: ComponentId) -> Option<ErasedMut<'_>>;
    fn set_component_erased([&mut] self, entity: EntityId, value: ErasedValue) -> Result<Option<ErasedValue>, StorageError>;
    #[inline] fn insert_with([&mut] self, entity: EntityId, bundle: &mut dyn DynBundle) -> Result<(), StorageError>;
    fn remove_component_erased([&mut] self, entity: EntityId, component: ComponentId) -> Result<Option<ErasedValue>, StorageError>;
    #[inline] fn remove_with([&mut] self, entity: EntityId, removal: &mut dyn Removal) -> Result<usize, StorageError>;
    fn insert_batch([&mut] self, entities: &[EntityId], batch: &mut dyn BundleBatch) -> Result<(), StorageError>;
    fn remove_batch([&mut] self, entities: &[EntityId], kind: &BundleKind) -> Result<usize, StorageError>;
    fn exchange_batch([&mut] self, entities: &[EntityId], lost: &BundleKind, batch: &mut dyn BundleBatch, workers: &dyn Workers) -> Result<(), StorageError>;
    fn has_component_erased([&] self, entity: EntityId, component: ComponentId) -> bool;
    fn get_component_types([&] self, entity: EntityId) -> Option<ComponentSet>;
    fn read_chunks<'a>([&'a] self, sink: &mut ReadSink<'a, '_>);
    fn write_chunks<'a>([&'a mut] self, sink: &mut WriteSink<'a, '_>);
    #[inline] fn directory([&] self) -> Option<DirectoryRef<'_>>;
    #[inline] fn directory_mut([&mut] self) -> Option<DirectoryMut<'_>>;
    #[inline] fn version([&] self) -> Version;
    #[inline] fn advance_version([&] self) -> Version;
    fn origin([&] self) -> Version;
    fn identity([&] self) -> u64;
    fn descent([&] self) -> Option<&Descent>;
    fn set_version([&mut] self, version: Version);
    fn touched_since([&mut] self, since: Version) -> Option<Touched>;
    fn forget_touched([&mut] self);
    fn removed([&] self, component: ComponentId, since: Version) -> &[Removed];
    fn forget_removed([&mut] self, up_to: Version);
    fn apply_updates([&mut] self, batch: UpdateBatch) -> Result<Vec<EntityId>, UpdateError>;
    fn allocator_state([&] self) -> AllocatorState;
    fn load([&mut] self, image: StorageImage) -> Result<(), StorageError>;
    fn load_cut([&mut] self, cut: &StorageCut, before: &StorageCut) -> Result<(), SnapshotError>;
    fn snapshot([&] self) -> Result<Vec<u8>, SnapshotError>;
    fn restore([&mut] self, bytes: &[u8]) -> Result<(), SnapshotError>;
    fn flush([&mut] self) -> Result<(), StorageError>;
}
