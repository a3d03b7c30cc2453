//! The world.

use std::fmt;
use std::time::Duration;

use ecs_archetype::ArchetypeStorage;
use ecs_core::{Bundle, BundleRows, Columns, Component, ComponentId, EntityId, RemoveAll};
use ecs_storage_api::{
    Filter, Query, QueryCache, QueryData, ReadOnlyQueryData, Removed, Storage, StorageError,
    StorageExt, UpdateBatch, UpdateError, Version,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::commands::{CommandQueue, CommandReport};
use crate::entity::{EntityMut, EntityRef};
use crate::events::{self, Events};
use crate::resources::{Res, ResMut, Resource, Resources};
use crate::saved::SavedResource;
use crate::schedule::{Clocks, IntoSystemConfig, RunError, RunReport, Schedule, SystemConfig};
use crate::system::{IntoSystem, System};

/// Entities with their components, resources, and a tick.
///
/// Where entities are kept is up to `S`. Methods cost what the backend's cost.
///
/// # Example
/// ```
/// use ecs_core::{Component, Description};
/// use ecs_world::World;
///
/// #[derive(Debug, PartialEq)]
/// struct Health(u32);
/// impl Component for Health {
///     fn describe() -> Description<Self> {
///         Description::transient("world::Health")
///     }
/// }
///
/// let mut world = World::new();
/// let hero = world.spawn(Health(10));
/// world.query_mut::<&mut Health>().for_each(|health| health.0 -= 1);
/// assert_eq!(world.get::<Health>(hero), Some(&Health(9)));
/// ```
pub struct World<S: Storage = ArchetypeStorage> {
    pub(crate) storage: S,
    queries: QueryCache,
    pub(crate) resources: Resources,
    pub(crate) saved: Vec<SavedResource>,
    pub(crate) tick: u64,
    pub(crate) clocks: Clocks,
    /// The time that passes in the step of a sub-schedule that runs now.
    pub(crate) step: Option<Duration>,
}

impl<S: Storage> fmt::Debug for World<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("World")
            .field("entities", &self.len())
            .field("resources", &self.resources)
            .field("tick", &self.tick)
            .finish_non_exhaustive()
    }
}

impl World {
    /// Creates an empty world on the archetype backend, of shard 0.
    pub fn new() -> Self {
        Self::with_storage(ArchetypeStorage::new(0))
    }
}

impl Default for World {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Storage> World<S> {
    /// Creates a world on a backend.
    pub fn with_storage(storage: S) -> Self {
        let (resources, queries, saved, clocks) = Default::default();
        Self { storage, queries, resources, saved, tick: 0, clocks, step: None }
    }

    /// Returns the backend.
    #[inline]
    pub fn storage(&self) -> &S {
        &self.storage
    }

    /// Returns the backend, to be changed.
    #[inline]
    pub fn storage_mut(&mut self) -> &mut S {
        &mut self.storage
    }

    /// Gives the backend up.
    pub fn into_storage(self) -> S {
        self.storage
    }

    /// Returns how often a schedule has run on the world, and did not fail.
    pub fn tick(&self) -> u64 {
        self.tick
    }

    // Entities.

    /// Makes an entity with the components of a bundle.
    ///
    /// # Panics
    /// If a component occurs twice, or the backend fails; see
    /// [`World::try_spawn`].
    #[inline]
    #[track_caller]
    pub fn spawn<B: Bundle>(&mut self, bundle: B) -> EntityId {
        match self.try_spawn(bundle) {
            Ok(entity) => entity,
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes an entity with the components of a bundle.
    ///
    /// # Errors
    /// [`StorageError::Bundle`] if a component occurs twice,
    /// [`StorageError::Allocator`] if ids are used up, and those of the backend.
    #[inline]
    pub fn try_spawn<B: Bundle>(&mut self, bundle: B) -> Result<EntityId, StorageError> {
        self.storage.create_typed(bundle)
    }

    /// Makes an entity for each bundle, and returns their ids in order.
    ///
    /// # Panics
    /// As [`World::spawn`]; see [`World::try_spawn_batch`], also for what stays if `bundles`
    /// panics itself.
    #[track_caller]
    pub fn spawn_batch<I>(&mut self, bundles: I) -> Vec<EntityId>
    where
        I: IntoIterator,
        I::Item: Bundle,
    {
        match self.try_spawn_batch(bundles) {
            Ok(entities) => entities,
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes an entity for each bundle, and returns their ids in order. If the iterator
    /// panics, entities for the bundles before are there.
    ///
    /// # Errors
    /// As [`World::try_spawn`]; then none is there, unless a store far away refuses to end
    /// those that it had made.
    pub fn try_spawn_batch<I>(&mut self, bundles: I) -> Result<Vec<EntityId>, StorageError>
    where
        I: IntoIterator,
        I::Item: Bundle,
    {
        let mut made = Vec::new();
        let mut rows = BundleRows::<I::IntoIter>::new(bundles);
        match self.storage.create_batch(&mut rows, &mut made) {
            Ok(()) => Ok(made),
            Err(error) => {
                // Nobody else knows of them, and the first error is the one to tell.
                let _ = self.storage.destroy_batch(&made);
                Err(error)
            }
        }
    }

    /// Makes an entity of each row of finished columns, and returns their ids in
    /// order. An empty archetype takes the vectors over as they are.
    ///
    /// # Errors
    /// [`StorageError::Bundle`] if two columns hold the same component or they
    /// are not all as long; others as [`World::try_spawn`].
    ///
    /// # Complexity
    /// O(rows), and where the vectors are taken over nothing is copied but ids.
    pub fn spawn_columns(&mut self, columns: impl Columns) -> Result<Vec<EntityId>, StorageError> {
        self.storage.create_from(columns)
    }

    /// Ends an entity.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if it is dead.
    #[inline]
    pub fn despawn(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.storage.destroy_entity(entity)
    }

    /// Ends several entities, wholly or not at all.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if one is dead,
    /// [`StorageError::ListedTwice`] if one is listed twice.
    pub fn despawn_batch(&mut self, entities: &[EntityId]) -> Result<(), StorageError> {
        self.storage.destroy_batch(entities)
    }

    /// Ends every entity. Resources stay.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn clear(&mut self) -> Result<(), StorageError> {
        self.storage.clear()
    }

    /// Tells whether an entity lives.
    #[inline]
    pub fn contains(&self, entity: EntityId) -> bool {
        self.storage.entity_exists(entity)
    }

    /// Returns how many entities live.
    pub fn len(&self) -> usize {
        self.storage.entity_count()
    }

    /// Tells whether no entity lives.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns a handle to read an entity.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if it is dead.
    pub fn entity(&self, entity: EntityId) -> Result<EntityRef<'_, S>, StorageError> {
        EntityRef::new(&self.storage, entity)
    }

    /// Returns a handle to change an entity.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if it is dead.
    pub fn entity_mut(&mut self, entity: EntityId) -> Result<EntityMut<'_, S>, StorageError> {
        EntityMut::new(&mut self.storage, entity)
    }

    // Components.

    /// Returns a component, or `None` if the entity is dead or lacks it.
    #[inline]
    pub fn get<C: Component>(&self, entity: EntityId) -> Option<&C> {
        self.storage.get_component(entity)
    }

    /// Returns a component to be changed, or `None` if the entity is dead or
    /// lacks it.
    #[inline]
    pub fn get_mut<C: Component>(&mut self, entity: EntityId) -> Option<&mut C> {
        self.storage.get_component_mut(entity)
    }

    /// Returns a component of several entities, each `None` if the entity is
    /// dead, lacks it, or was listed before.
    pub fn get_many_mut<C: Component, const N: usize>(
        &mut self,
        entities: [EntityId; N],
    ) -> [Option<&mut C>; N] {
        self.storage.get_many_mut(entities)
    }

    /// Adds or replaces the components of a bundle.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead,
    /// [`StorageError::Bundle`] if a component occurs twice.
    #[inline]
    pub fn insert<B: Bundle>(&mut self, entity: EntityId, bundle: B) -> Result<(), StorageError> {
        self.storage.insert_typed(entity, bundle)
    }

    /// Adds or replaces components of several entities, wholly or not at all: the
    /// n-th entity gets those of the n-th bundle. Bundles beyond are not asked
    /// for, so `std::iter::repeat` gives all of them the same.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if one is dead,
    /// [`StorageError::ListedTwice`] if one is listed twice,
    /// [`StorageError::Bundle`] if a component occurs twice or there are fewer
    /// bundles than entities.
    ///
    /// # Complexity
    /// O(entities); entities that are listed in the order of a query move
    /// together, and a whole archetype hands its columns over. O(n log n) for a list
    /// of n without order, which takes less time than a call for each.
    pub fn insert_batch<I>(&mut self, entities: &[EntityId], bundles: I) -> Result<(), StorageError>
    where
        I: IntoIterator,
        I::Item: Bundle,
    {
        self.storage.insert_many(entities, bundles)
    }

    /// Takes the components of a bundle away from several entities, wholly or
    /// not at all, and returns how many values that were.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if one is dead,
    /// [`StorageError::ListedTwice`] if one is listed twice.
    ///
    /// # Complexity
    /// As [`World::insert_batch`].
    pub fn remove_batch<B: Bundle>(
        &mut self,
        entities: &[EntityId],
    ) -> Result<usize, StorageError> {
        self.storage.remove_many::<B>(entities)
    }

    /// Takes the components of `Lost` from several entities and gives the n-th
    /// those of the n-th bundle, wholly or not at all: one move each. Bundles
    /// beyond are not asked for.
    ///
    /// # Errors
    /// As [`World::insert_batch`].
    ///
    /// # Complexity
    /// O(entities), and O(n log n) for a list of n that is not in the order of a
    /// query.
    pub fn exchange_batch<Lost: Bundle, I>(
        &mut self,
        entities: &[EntityId],
        gained: I,
    ) -> Result<(), StorageError>
    where
        I: IntoIterator,
        I::Item: Bundle,
    {
        self.storage.exchange_many::<Lost, _>(entities, gained)
    }

    /// Takes a component away and returns it, or `None` if the entity lacked it.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead.
    #[inline]
    pub fn remove<C: Component>(&mut self, entity: EntityId) -> Result<Option<C>, StorageError> {
        self.storage.remove_typed(entity)
    }

    /// Takes the components of a bundle away, and returns how many of them the
    /// entity had.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`] if the entity is dead.
    pub fn remove_bundle<B: Bundle>(&mut self, entity: EntityId) -> Result<usize, StorageError> {
        self.storage.remove_with(entity, &mut RemoveAll::<B>::default())
    }

    /// Applies a batch of changes wholly or not at all, and returns the new
    /// entities in order.
    ///
    /// # Errors
    /// [`UpdateError`]; then nothing has changed.
    pub fn apply(&mut self, batch: UpdateBatch) -> Result<Vec<EntityId>, UpdateError> {
        self.storage.apply_updates(batch)
    }

    /// Applies recorded commands in order; those about dead entities are counted
    /// and skipped.
    ///
    /// # Errors
    /// Those of the backend; the commands before have been applied.
    pub fn apply_commands(&mut self, queue: CommandQueue) -> Result<CommandReport, StorageError> {
        queue.apply(&mut self.storage, &mut self.resources)
    }

    /// Brings what was changed through references to where it belongs; stores in
    /// memory have nothing to do. A schedule does so at the end of each run.
    ///
    /// # Errors
    /// Those of the backend.
    pub fn flush(&mut self) -> Result<(), StorageError> {
        self.storage.flush()
    }

    // Queries.

    /// Finds the entities that have what `D` asks for.
    ///
    /// By a shared reference nothing is remembered of who asked: to `Changed`, `Added` and
    /// `Ref` everything is new, whenever it came; in a system that takes the world, what came
    /// since it ran last.
    #[inline]
    pub fn query<D: ReadOnlyQueryData>(&self) -> Query<'_, D> {
        self.query_filtered()
    }

    /// Finds the entities that have what `D` asks for, to be changed.
    ///
    /// The world remembers which archetypes match, so that asking again costs
    /// little more than a [`QueryState`](ecs_storage_api::QueryState).
    ///
    /// # Panics
    /// If `D` would borrow a component twice, once for writing.
    #[inline]
    #[track_caller]
    pub fn query_mut<D: QueryData>(&mut self) -> Query<'_, D> {
        self.query_filtered_mut()
    }

    /// Finds the entities that have what `D` asks for and meet `F`.
    ///
    /// By a shared reference nothing is remembered of who asked: to `Changed`, `Added` and
    /// `Ref` everything is new, whenever it came; in a system that takes the world, what came
    /// since it ran last.
    #[inline]
    pub fn query_filtered<D: ReadOnlyQueryData, F: Filter>(&self) -> Query<'_, D, F> {
        self.queries.query(&self.storage)
    }

    /// Finds the entities that have what `D` asks for and meet `F`, to be
    /// changed.
    ///
    /// With `Changed` or `Added` in `F`, new is what has changed since anybody asked the
    /// world for the same `D` and `F` in this way: for news of its own, who asks keeps a
    /// [`QueryState`](ecs_storage_api::QueryState). In a system that takes the world, new is
    /// what others have changed since it ran last, and what it has changed itself in this
    /// run; that is no look that anybody else misses, and a snapshot keeps when it was.
    ///
    /// # Panics
    /// If `D` would borrow a component twice, once for writing.
    #[inline]
    #[track_caller]
    pub fn query_filtered_mut<D: QueryData, F: Filter>(&mut self) -> Query<'_, D, F> {
        match self.queries.query_mut(&mut self.storage) {
            Ok(query) => query,
            Err(error) => panic!("{error}"),
        }
    }

    /// Says from when on all that is asked here finds what came: since it was asked last, if
    /// no version is given. Returns what was said before.
    pub(crate) fn look_since(&mut self, since: Option<Version>) -> Option<Version> {
        self.queries.set_since(since)
    }

    // Resources.

    /// Returns the present version of the store: what is written now is stamped
    /// with it.
    #[inline]
    pub fn version(&self) -> Version {
        self.storage.version()
    }

    /// Returns the present version and raises it, so that what is written from now
    /// on is later.
    #[inline]
    pub fn advance_version(&self) -> Version {
        self.storage.advance_version()
    }

    /// Returns which entities lost the tracked component `C` after a version, the
    /// oldest first; those that died among them. A schedule has the world forget at
    /// the end of each tick what was removed before it began; systems read by
    /// [`RemovedComponents`](crate::RemovedComponents), and miss nothing.
    ///
    /// # Complexity
    /// O(log n) with n removals that are remembered.
    pub fn removed<C: Component>(&self, since: Version) -> &[Removed] {
        self.storage.removed(ComponentId::of::<C>(), since)
    }

    /// Forgets which entities lost components up to a version. Until then every
    /// removal of a tracked component is remembered.
    pub fn forget_removed(&mut self, up_to: Version) {
        self.storage.forget_removed(up_to);
    }

    /// Puts a resource in, and returns the one of its type that was there.
    pub fn insert_resource<T: Resource>(&mut self, value: T) -> Option<T> {
        self.resources.insert(value)
    }

    /// Takes a resource out.
    pub fn remove_resource<T: Resource>(&mut self) -> Option<T> {
        self.resources.remove()
    }

    /// Borrows a resource, or returns `None` if it is not there.
    ///
    /// # Panics
    /// If it is borrowed for writing, through [`World::resources`].
    #[track_caller]
    pub fn resource<T: Resource>(&self) -> Option<Res<'_, T>> {
        self.resources.get()
    }

    /// Borrows a resource to be changed, or returns `None` if it is not there.
    #[track_caller]
    pub fn resource_mut<T: Resource>(&mut self) -> Option<ResMut<'_, T>> {
        self.resources.get_mut()
    }

    /// Sends an event to the systems that read those of its type, from outside of systems:
    /// input, for example. They get it when they run next, the first time too.
    pub fn send<E: Resource>(&mut self, event: E) {
        events::prepare::<E>(&mut self.resources);
        self.resources.get_mut::<Events<E>>().expect("it was put in").send(event);
    }

    /// Drops the events of type `E` that wait, whether systems have got them or not. A
    /// schedule does so at the end of each tick with those that all have got: this is for
    /// programs that run none, where events wait without end.
    ///
    /// The numbers by which readers count stay: where the events are saved, snapshots and
    /// state hash are those of a world whose systems have got as many.
    ///
    /// # Example
    /// ```
    /// use ecs_world::{Events, World};
    ///
    /// struct Key(char);
    ///
    /// let mut world = World::new();
    /// world.send(Key('a'));
    /// world.forget_events::<Key>();
    /// assert!(world.resource::<Events<Key>>().unwrap().is_empty());
    /// ```
    pub fn forget_events<E: Resource>(&mut self) {
        if let Some(mut events) = self.resources.get_mut::<Events<E>>() {
            events.forget_all();
        }
    }

    /// Runs a system once, outside of any schedule: to set a world up, or to test the system.
    /// Its commands are applied. It is no tick, and everything is new to the system, however
    /// often it is run. [`World::call_system`] hands on what the system returns, too.
    ///
    /// # Errors
    /// [`RunError`] if the system panics or fails.
    ///
    /// # Panics
    /// If its parameters conflict with each other.
    ///
    /// # Example
    /// ```
    /// use ecs_world::{Commands, World};
    /// # use ecs_core::{Component, Description};
    /// # struct House;
    /// # impl Component for House {
    /// #     fn describe() -> Description<Self> { Description::transient("docs::run_system::House") }
    /// # }
    ///
    /// let mut world = World::new();
    /// world.run_system(|mut commands: Commands| {
    ///     commands.spawn(House);
    /// })?;
    /// assert_eq!((world.len(), world.tick()), (1, 0));
    /// # Ok::<(), ecs_world::RunError>(())
    /// ```
    #[track_caller]
    pub fn run_system<M>(
        &mut self,
        system: impl IntoSystemConfig<M>,
    ) -> Result<RunReport, RunError> {
        let mut schedule = Schedule::new();
        schedule.add_system(system);
        schedule.run_once(self)
    }

    /// Runs a system once, as [`World::run_system`] does, and returns what it returned, of
    /// whatever type: of a `Result` an error too, which is no failure of the run.
    ///
    /// # Errors
    /// [`RunError`] if the system panics, or one of its commands can't be applied.
    ///
    /// # Panics
    /// If its parameters conflict with each other.
    ///
    /// # Example
    /// ```
    /// use ecs_storage_api::Query;
    /// use ecs_world::World;
    /// # use ecs_core::{Component, Description};
    /// # struct Mass(u32);
    /// # impl Component for Mass {
    /// #     fn describe() -> Description<Self> { Description::transient("docs::call_system::Mass") }
    /// # }
    ///
    /// fn heaviest(bodies: Query<&Mass>) -> Option<u32> {
    ///     bodies.iter().map(|mass| mass.0).max()
    /// }
    ///
    /// let mut world = World::new();
    /// assert_eq!(world.call_system(heaviest)?, None);
    /// world.spawn_batch([2, 7, 4].map(Mass));
    /// assert_eq!(world.call_system(heaviest)?, Some(7));
    /// # Ok::<(), ecs_world::RunError>(())
    /// ```
    #[track_caller]
    pub fn call_system<M, F: IntoSystem<M>>(
        &mut self,
        system: F,
    ) -> Result<<F::System as System>::Out, RunError>
    where
        F::System: System<In = ()>,
        <F::System as System>::Out: Send + 'static,
    {
        let (system, returned) = SystemConfig::returning(system.into_system());
        self.run_system(system)?;
        let returned = returned.lock().take();
        Ok(returned.expect("a system that ran has returned"))
    }

    /// Returns all resources.
    pub fn resources(&self) -> &Resources {
        &self.resources
    }

    /// Says that resources of type `T` are part of snapshots and of the state
    /// hash, under a stable name.
    ///
    /// Unlike components, they have no schema: if what serde makes of `T` changes, it needs
    /// another name, or older snapshots are read as what they are not. Where those are still
    /// to be read, the old type keeps the old name, and is converted afterwards.
    ///
    /// To say the same again does nothing.
    ///
    /// # Panics
    /// If the name is taken by another type, or by events, or `T` is saved under another
    /// name.
    #[track_caller]
    pub fn save_resource<T: Resource + Serialize + DeserializeOwned>(&mut self, name: &str) {
        self.add_saved(SavedResource::of::<T>(name.to_owned()));
    }

    /// Says that events of type `E` are part of snapshots and of the state hash,
    /// under a stable name: those that a reader may still want. To say the same again does
    /// nothing.
    ///
    /// # Panics
    /// If the name is taken by a resource or by events of another type, or these are saved
    /// under another name.
    #[track_caller]
    pub fn save_events<E: Resource + Serialize + DeserializeOwned>(&mut self, name: &str) {
        self.add_saved(SavedResource::of_events::<E>(name.to_owned()));
    }

    #[track_caller]
    pub(crate) fn add_saved(&mut self, added: SavedResource) {
        for saved in &self.saved {
            let (same_name, same_kind) = (saved.name == added.name, saved.kind == added.kind);
            match (same_name, same_kind) {
                (true, true) => return,
                (false, false) => {}
                (true, false) => {
                    panic!("the name `{}` of {} is taken by {}", added.name, added.what, saved.what)
                }
                (false, true) => panic!(
                    "{} can't be saved as `{}` and as `{}`",
                    added.what, saved.name, added.name
                ),
            }
        }
        self.resources.bring(added.kind);
        self.saved.push(added);
    }

    /// Names components to this process, before it meets them in a snapshot:
    /// one, or a tuple.
    ///
    /// # Panics
    /// If two types have one name.
    pub fn register<B: Bundle>(&mut self) {
        B::COMPONENTS.ids().for_each(drop);
    }
}
