//! Commands: changes that are recorded now and applied later, in order.

mod batch;
mod target;

use std::fmt;
use std::marker::PhantomData;

use ecs_core::{Bundle, BundleRow, BundleRows, Component, DynBundle, EntityId, Removal, RemoveAll};
use ecs_storage_api::{Storage, StorageError};
use smallvec::SmallVec;

use self::batch::{
    BatchCommand, DespawnBatch, ExchangeBatch, InsertBatch, RemoveBatch, SpawnBatch,
};
use self::target::{Entity, Handles};
pub use self::target::{Spawned, Target};
use crate::resources::{Resource, Resources};
use crate::schedule::RunError;
use crate::system::{ParamContext, SystemAccess, SystemError, SystemParam};

/// A change that is made with the ids of some entities.
type Change = Box<
    dyn FnOnce(&[EntityId], &mut dyn Storage, &mut Resources) -> Result<(), StorageError> + Send,
>;

enum Command {
    Spawn(Box<dyn DynBundle + Send>),
    Batch(Box<dyn BatchCommand>),
    Insert(Entity, Box<dyn DynBundle + Send>),
    Remove(Entity, Box<dyn Removal + Send>),
    Despawn(Entity),
    Change(Box<[Entity]>, Change),
}

/// A buffer of commands.
#[derive(Default)]
pub struct CommandQueue {
    commands: Vec<Command>,
    handles: Handles,
}

/// What becomes of a command about an entity that is dead by then.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Leniency {
    /// It is counted and skipped.
    Skip,
    /// It is an error.
    Fail,
}

/// Tells which command of a buffer failed, and why.
#[derive(Debug)]
pub(crate) struct CommandError {
    command: usize,
    source: StorageError,
}

impl CommandError {
    /// Returns it as the error of a run.
    pub(crate) fn into_run_error(self, system: &str) -> RunError {
        match self.source {
            StorageError::NoSuchEntity(entity) => {
                RunError::DeadEntity { system: system.to_owned(), command: self.command, entity }
            }
            source => {
                RunError::Command { system: system.to_owned(), command: self.command, source }
            }
        }
    }
}

/// What became of the commands of a buffer; one about many entities counts once
/// for each.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct CommandReport {
    /// How many were applied.
    pub applied: usize,
    /// How many were about an entity that was dead by then.
    pub skipped: usize,
}

impl CommandReport {
    /// Adds another report's counts.
    pub fn add(&mut self, other: Self) {
        self.applied += other.applied;
        self.skipped += other.skipped;
    }

    /// Counts what became of a command about one entity.
    fn count(
        &mut self,
        outcome: Result<(), StorageError>,
        leniency: Leniency,
    ) -> Result<(), StorageError> {
        match outcome {
            Ok(()) => self.applied += 1,
            Err(StorageError::NoSuchEntity(_)) if leniency == Leniency::Skip => self.skipped += 1,
            Err(error) => return Err(error),
        }
        Ok(())
    }
}

impl CommandQueue {
    /// Creates an empty buffer.
    pub fn new() -> Self {
        Self::default()
    }

    /// Returns how many commands are recorded.
    pub fn len(&self) -> usize {
        self.commands.len()
    }

    /// Tells whether none is recorded.
    pub fn is_empty(&self) -> bool {
        self.commands.is_empty()
    }

    /// Forgets every command.
    pub fn clear(&mut self) {
        *self = Self::default();
    }

    /// Has what follows be a buffer of its own, as far as handles go: those of spawns
    /// that were recorded are of no use from here on.
    pub(crate) fn end_handles(&mut self) {
        self.handles.end();
    }

    /// Adds the commands of another buffer behind these. They keep their
    /// entities; its handles are of no use from then on.
    ///
    /// # Complexity
    /// O(commands of the other); O(1) if there are none before it.
    pub fn append(&mut self, other: Self) {
        if self.commands.is_empty() {
            return *self = other;
        }
        let before = self.handles.count();
        self.commands.extend(other.commands.into_iter().map(|command| match command {
            Command::Insert(entity, bundle) => Command::Insert(entity.behind(before), bundle),
            Command::Remove(entity, removal) => Command::Remove(entity.behind(before), removal),
            Command::Despawn(entity) => Command::Despawn(entity.behind(before)),
            Command::Change(entities, change) => {
                let entities = entities.into_iter().map(|entity| entity.behind(before));
                Command::Change(entities.collect(), change)
            }
            other => other,
        }));
        self.handles.extend(other.handles.count());
    }

    /// Applies the commands in order. One that is about a dead entity is
    /// counted and skipped.
    ///
    /// # Errors
    /// Any other error ends it; the commands before it have been applied.
    pub fn apply(
        self,
        storage: &mut dyn Storage,
        resources: &mut Resources,
    ) -> Result<CommandReport, StorageError> {
        self.apply_with(storage, resources, Leniency::Skip).map_err(|error| error.source)
    }

    /// As `apply`, where a command about a dead entity may be an error.
    pub(crate) fn apply_with(
        self,
        storage: &mut dyn Storage,
        resources: &mut Resources,
        leniency: Leniency,
    ) -> Result<CommandReport, CommandError> {
        let mut made = Vec::with_capacity(self.handles.count() as usize);
        let mut report = CommandReport::default();
        for (n, command) in self.commands.into_iter().enumerate() {
            let outcome = match command {
                Command::Spawn(mut bundle) => {
                    storage.create_with(&mut *bundle).map(|entity| made.push(entity))
                }
                Command::Batch(batch) => {
                    let done = batch.apply(storage, leniency);
                    report.add(done.map_err(|source| CommandError { command: n, source })?);
                    continue;
                }
                Command::Insert(entity, mut bundle) => {
                    storage.insert_with(entity.resolve(&made), &mut *bundle)
                }
                Command::Remove(entity, mut removal) => {
                    storage.remove_with(entity.resolve(&made), &mut *removal).map(drop)
                }
                Command::Despawn(entity) => storage.destroy_entity(entity.resolve(&made)),
                Command::Change(entities, change) => {
                    let ids: SmallVec<[_; 4]> =
                        entities.iter().map(|entity| entity.resolve(&made)).collect();
                    change(&ids, storage, resources)
                }
            };
            let counted = report.count(outcome, leniency);
            counted.map_err(|source| CommandError { command: n, source })?;
        }
        Ok(report)
    }
}

/// Records commands.
///
/// As a parameter of a system: what it records is applied where the phase ends,
/// or before the next system that takes the world, after the commands of the
/// systems before it.
pub struct Commands<'w> {
    queue: &'w mut CommandQueue,
}

impl<'w> Commands<'w> {
    /// Records into a buffer.
    pub fn new(queue: &'w mut CommandQueue) -> Self {
        Self { queue }
    }

    /// Makes an entity, and returns what stands for it in later commands of this
    /// buffer.
    pub fn spawn<B: Bundle + Send>(&mut self, bundle: B) -> Spawned {
        self.queue.commands.push(Command::Spawn(Box::new(BundleRow::new(bundle))));
        self.queue.handles.make()
    }

    /// Makes an entity for each bundle, which are asked for when the commands are
    /// applied.
    pub fn spawn_batch<I>(&mut self, bundles: I)
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Bundle,
    {
        self.batch(SpawnBatch(Box::new(BundleRows::<I::IntoIter>::new(bundles))));
    }

    /// Adds or replaces components of several entities: the n-th gets those of
    /// the n-th bundle. Bundles beyond are not asked for.
    ///
    /// Rows move in bulk if all entities live by then and none is listed twice;
    /// else one by one, and those that are dead are counted. The same is true of
    /// [`Commands::remove_batch`] and [`Commands::despawn_batch`].
    pub fn insert_batch<I>(&mut self, entities: impl Into<Vec<EntityId>>, bundles: I)
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Bundle,
    {
        self.batch(InsertBatch { entities: entities.into(), bundles: bundles.into_iter() });
    }

    /// Takes the components of a bundle away from several entities.
    pub fn remove_batch<B: Bundle>(&mut self, entities: impl Into<Vec<EntityId>>) {
        self.batch(RemoveBatch::<B> { entities: entities.into(), bundle: PhantomData });
    }

    /// Takes the components of a bundle from several entities, and gives the n-th
    /// those of the n-th bundle, in one move each; the schedule's threads help.
    /// Bundles beyond are not asked for.
    pub fn exchange_batch<Lost: Bundle, I>(&mut self, entities: impl Into<Vec<EntityId>>, gained: I)
    where
        I: IntoIterator,
        I::IntoIter: Send + 'static,
        I::Item: Bundle,
    {
        let (entities, gained) = (entities.into(), gained.into_iter());
        self.batch(ExchangeBatch::<Lost, _> { entities, lost: PhantomData, gained });
    }

    /// Ends several entities.
    pub fn despawn_batch(&mut self, entities: impl Into<Vec<EntityId>>) {
        self.batch(DespawnBatch(entities.into()));
    }

    fn batch(&mut self, batch: impl BatchCommand + 'static) {
        self.queue.commands.push(Command::Batch(Box::new(batch)));
    }

    /// Adds or replaces components.
    ///
    /// # Panics
    /// As the other commands about one entity, if the target is a handle of another
    /// buffer.
    #[track_caller]
    pub fn insert<B: Bundle + Send>(&mut self, target: impl Into<Target>, bundle: B) {
        let entity = self.queue.handles.know(target.into());
        self.queue.commands.push(Command::Insert(entity, Box::new(BundleRow::new(bundle))));
    }

    /// As [`insert`](Self::insert), where what is inserted holds the ids of others: those of
    /// spawned entities are known when the command is applied, and so `bundle` is called then.
    ///
    /// # Panics
    /// If a target is a handle of another buffer.
    ///
    /// # Example
    /// ```
    /// use ecs_world::{Commands, World};
    /// # use ecs_core::{Component, Description, EntityId};
    /// # struct Wheel;
    /// # impl Component for Wheel {
    /// #     fn describe() -> Description<Self> { Description::transient("docs::insert_with::Wheel") }
    /// # }
    /// # struct Wheels([EntityId; 2]);
    /// # impl Component for Wheels {
    /// #     fn describe() -> Description<Self> { Description::transient("docs::insert_with::Wheels") }
    /// # }
    ///
    /// let mut world = World::new();
    /// world.run_system(|mut commands: Commands| {
    ///     let wheels = [commands.spawn(Wheel), commands.spawn(Wheel)];
    ///     let bicycle = commands.spawn(());
    ///     commands.insert_with(bicycle, wheels, Wheels);
    /// })?;
    /// let wheels = world.query::<&Wheels>().iter().next().unwrap().0;
    /// assert!(wheels.iter().all(|wheel| world.get::<Wheel>(*wheel).is_some()));
    /// # Ok::<(), ecs_world::RunError>(())
    /// ```
    #[track_caller]
    pub fn insert_with<B: Bundle, const N: usize>(
        &mut self,
        target: impl Into<Target>,
        others: [impl Into<Target>; N],
        bundle: impl FnOnce([EntityId; N]) -> B + Send + 'static,
    ) {
        let entity = self.queue.handles.know(target.into());
        let others = others.map(|other| self.queue.handles.know(other.into()));
        let entities = others.into_iter().chain([entity]).collect();
        self.change(entities, move |ids, storage, _| {
            let (others, entity) = ids.split_first_chunk().expect("an id for each entity");
            storage.insert_with(entity[0], &mut BundleRow::new(bundle(*others)))
        });
    }

    /// Takes a component away.
    #[track_caller]
    pub fn remove<C: Component>(&mut self, target: impl Into<Target>) {
        self.remove_bundle::<C>(target);
    }

    /// Takes the components of a bundle away.
    #[track_caller]
    pub fn remove_bundle<B: Bundle>(&mut self, target: impl Into<Target>) {
        let entity = self.queue.handles.know(target.into());
        self.queue.commands.push(Command::Remove(entity, Box::new(RemoveAll::<B>::default())));
    }

    /// Ends an entity.
    #[track_caller]
    pub fn despawn(&mut self, target: impl Into<Target>) {
        let entity = self.queue.handles.know(target.into());
        self.queue.commands.push(Command::Despawn(entity));
    }

    /// Puts a resource in, in place of one of its type.
    pub fn insert_resource<T: Resource>(&mut self, value: T) {
        self.add(move |_, resources| drop(resources.insert(value)));
    }

    /// Does anything else to the store and the resources.
    pub fn add(&mut self, change: impl FnOnce(&mut dyn Storage, &mut Resources) + Send + 'static) {
        let nobody: [Target; 0] = [];
        self.add_with(nobody, |_, storage, resources| change(storage, resources));
    }

    /// As [`add`](Self::add), with the ids that some entities have by then: to put that of a
    /// spawned one into a resource or an event, for example.
    ///
    /// # Panics
    /// If an entity is a handle of another buffer.
    #[track_caller]
    pub fn add_with<const N: usize>(
        &mut self,
        entities: [impl Into<Target>; N],
        change: impl FnOnce([EntityId; N], &mut dyn Storage, &mut Resources) + Send + 'static,
    ) {
        let entities = entities.map(|entity| self.queue.handles.know(entity.into()));
        self.change(entities.into(), move |ids, storage, resources| {
            change(*ids.first_chunk().expect("an id for each entity"), storage, resources);
            Ok(())
        });
    }

    fn change(
        &mut self,
        entities: Box<[Entity]>,
        change: impl FnOnce(&[EntityId], &mut dyn Storage, &mut Resources) -> Result<(), StorageError>
        + Send
        + 'static,
    ) {
        self.queue.commands.push(Command::Change(entities, Box::new(change)));
    }

    /// As [`CommandQueue::append`].
    pub fn append(&mut self, other: CommandQueue) {
        self.queue.append(other);
    }
}

impl SystemParam for Commands<'_> {
    type State = CommandQueue;
    type Item<'w> = Commands<'w>;

    fn init(access: &mut SystemAccess) -> Result<CommandQueue, SystemError> {
        access.add_commands();
        Ok(CommandQueue::new())
    }

    #[inline]
    fn get<'w>(state: &'w mut CommandQueue, _context: &mut ParamContext<'w>) -> Commands<'w> {
        Commands::new(state)
    }

    #[inline]
    fn take_commands(state: &mut CommandQueue, queue: &mut CommandQueue) {
        if !state.is_empty() {
            queue.append(std::mem::take(state));
        }
    }
}

impl fmt::Debug for CommandQueue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("CommandQueue").field("len", &self.len()).finish()
    }
}

impl fmt::Debug for Commands<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.queue.fmt(f)
    }
}
