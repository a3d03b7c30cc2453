//! Batches of changes that happen wholly or not at all.

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ahash::AHashMap;
use ecs_core::{
    AllocatorError, AllocatorState, Bundle, Component, ComponentId, EntityId, ErasedBundle,
    ErasedValue, IdSource,
};

use crate::batches::each_despite_panics;
use crate::error::{BundleError, StorageError};
use crate::reserve::reserve_map;
use crate::storage::Storage;

/// A batch of changes for [`Storage::apply_updates`].
///
/// Effects come in one order on every backend: spawns, updates, inserts,
/// removes, destroys; within each kind, in the order of the calls.
///
/// # Example
/// ```
/// # use ecs_core::{Component, Description, EntityId};
/// # use ecs_storage_api::UpdateBatch;
/// # struct Health(u32);
/// # impl Component for Health {
/// #     fn describe() -> Description<Self> { Description::transient("update_batch::Health") }
/// # }
/// # let (hurt, dead) = (EntityId::new(0, 1, 0).unwrap(), EntityId::new(0, 2, 0).unwrap());
/// let batch = UpdateBatch::new().spawn(Health(10)).update(hurt, Health(1)).destroy(dead);
/// assert_eq!(batch.len(), 3);
/// ```
#[derive(Debug, Default)]
pub struct UpdateBatch {
    spawns: Vec<Spawn>,
    updates: Vec<(EntityId, ErasedValue)>,
    inserts: Vec<(EntityId, ErasedValue)>,
    removes: Vec<(EntityId, ComponentId)>,
    destroys: Vec<EntityId>,
}

/// A batch taken apart, for a backend that applies it in a way of its own.
#[derive(Debug, Default)]
#[non_exhaustive]
pub struct UpdateParts {
    /// The entities to be made.
    pub spawns: Vec<Spawn>,
    /// The components to be replaced.
    pub updates: Vec<(EntityId, ErasedValue)>,
    /// The components to be added or replaced.
    pub inserts: Vec<(EntityId, ErasedValue)>,
    /// The components to be taken away.
    pub removes: Vec<(EntityId, ComponentId)>,
    /// The entities to be ended.
    pub destroys: Vec<EntityId>,
}

/// An entity to be made.
#[derive(Debug)]
pub struct Spawn {
    /// The id to make real: reserved here, or another shard's. A new one if
    /// `None`.
    pub id: Option<EntityId>,
    /// What it carries.
    pub bundle: ErasedBundle,
}

/// Where in a batch a change stands: its kind, and its number within it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum UpdatePlace {
    /// The n-th spawn, from 0.
    Spawn(usize),
    /// The n-th update, from 0.
    Update(usize),
    /// The n-th insert, from 0.
    Insert(usize),
    /// The n-th remove, from 0.
    Remove(usize),
    /// The n-th destroy, from 0.
    Destroy(usize),
}

/// Tells why a batch was refused; nothing has changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum UpdateError {
    /// The entity is dead, or never lived here.
    #[error("{place}: entity {entity} does not exist")]
    NoSuchEntity {
        /// Where in the batch.
        place: UpdatePlace,
        /// Which entity.
        entity: EntityId,
    },
    /// An update of a component that the entity does not have.
    #[error("{place}: entity {entity} has no component `{component}` to update")]
    MissingComponent {
        /// Where in the batch.
        place: UpdatePlace,
        /// Which entity.
        entity: EntityId,
        /// Which component.
        component: ComponentId,
    },
    /// The same component of the same entity is changed twice.
    #[error("{place}: component `{component}` of entity {entity} is changed before, by {first}")]
    ChangedTwice {
        /// Where in the batch.
        place: UpdatePlace,
        /// Where it was changed before.
        first: UpdatePlace,
        /// Which entity.
        entity: EntityId,
        /// Which component.
        component: ComponentId,
    },
    /// An entity is destroyed twice, or destroyed and changed.
    #[error("{place}: entity {entity} is destroyed here, and {first} names it too")]
    DestroyedAndNamed {
        /// Where in the batch it is destroyed.
        place: UpdatePlace,
        /// What else names it.
        first: UpdatePlace,
        /// Which entity.
        entity: EntityId,
    },
    /// A spawned bundle holds a component twice.
    #[error("{place}: {source}")]
    Bundle {
        /// Where in the batch.
        place: UpdatePlace,
        /// What is wrong with the bundle.
        source: BundleError,
    },
    /// An entity can't be made with the id that is asked for.
    #[error("{place}: {source}")]
    Spawn {
        /// Where in the batch.
        place: UpdatePlace,
        /// Why not.
        source: StorageError,
    },
    /// The store failed.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl UpdateBatch {
    /// Creates an empty batch.
    pub fn new() -> Self {
        Self::default()
    }

    /// Makes an entity with the components of `bundle`.
    pub fn spawn(self, bundle: impl Bundle) -> Self {
        self.spawn_erased(None, ErasedBundle::of(bundle))
    }

    /// Makes an entity of an id that was reserved, or that another shard named.
    pub fn spawn_as(self, id: EntityId, bundle: impl Bundle) -> Self {
        self.spawn_erased(Some(id), ErasedBundle::of(bundle))
    }

    /// Makes an entity with a bundle that was put together at run time.
    pub fn spawn_erased(mut self, id: Option<EntityId>, bundle: ErasedBundle) -> Self {
        self.spawns.push(Spawn { id, bundle });
        self
    }

    /// Replaces a component that the entity has.
    pub fn update<C: Component>(self, entity: EntityId, value: C) -> Self {
        self.update_erased(entity, ErasedValue::new(value))
    }

    /// Replaces a component that the entity has.
    pub fn update_erased(mut self, entity: EntityId, value: ErasedValue) -> Self {
        self.updates.push((entity, value));
        self
    }

    /// Adds components, replacing those that the entity has.
    pub fn insert(mut self, entity: EntityId, bundle: impl Bundle) -> Self {
        let values = ErasedBundle::of(bundle).into_values();
        self.inserts.extend(values.into_iter().map(|value| (entity, value)));
        self
    }

    /// Adds a component, replacing the one that the entity has.
    pub fn insert_erased(mut self, entity: EntityId, value: ErasedValue) -> Self {
        self.inserts.push((entity, value));
        self
    }

    /// Takes a component away; nothing happens if the entity lacks it.
    pub fn remove<C: Component>(self, entity: EntityId) -> Self {
        self.remove_erased(entity, ComponentId::of::<C>())
    }

    /// Takes a component away; nothing happens if the entity lacks it.
    pub fn remove_erased(mut self, entity: EntityId, component: ComponentId) -> Self {
        self.removes.push((entity, component));
        self
    }

    /// Ends an entity.
    pub fn destroy(mut self, entity: EntityId) -> Self {
        self.destroys.push(entity);
        self
    }

    /// Returns how many changes there are.
    pub fn len(&self) -> usize {
        self.spawns.len()
            + self.updates.len()
            + self.inserts.len()
            + self.removes.len()
            + self.destroys.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the entities to be made.
    pub fn spawns(&self) -> &[Spawn] {
        &self.spawns
    }

    /// Returns the components to be replaced.
    pub fn updates(&self) -> &[(EntityId, ErasedValue)] {
        &self.updates
    }

    /// Returns the components to be added or replaced.
    pub fn inserts(&self) -> &[(EntityId, ErasedValue)] {
        &self.inserts
    }

    /// Returns the components to be taken away.
    pub fn removes(&self) -> &[(EntityId, ComponentId)] {
        &self.removes
    }

    /// Returns the entities to be ended.
    pub fn destroys(&self) -> &[EntityId] {
        &self.destroys
    }

    /// Gives the changes up.
    pub fn into_parts(self) -> UpdateParts {
        let Self { spawns, updates, inserts, removes, destroys } = self;
        UpdateParts { spawns, updates, inserts, removes, destroys }
    }

    /// Checks the batch against a store, without changing either.
    ///
    /// # Complexity
    /// O(changes) look-ups; and if it makes entities a copy of the allocator's state, which
    /// is O(free ids). A backend with its own ids has [`check_with`](Self::check_with).
    ///
    /// # Errors
    /// The first fault found, in the order of effects.
    pub fn check<S: Storage + ?Sized>(&self, storage: &S) -> Result<(), UpdateError> {
        let ids = match self.spawns.is_empty() {
            true => None,
            false => Some(storage.allocator_state()),
        };
        self.check_with(storage, ids.as_ref().map(|ids| ids as &dyn BatchIds))
    }

    /// As [`check`](Self::check), by what is known of a store, and by its own source
    /// of ids, which may be left out where nothing is spawned.
    ///
    /// # Errors
    /// As there; memory that is refused is an error, too.
    pub fn check_with<F: BatchFacts + ?Sized>(
        &self,
        facts: &F,
        ids: Option<&dyn BatchIds>,
    ) -> Result<(), UpdateError> {
        let mut checker = Checker {
            facts,
            available: ids.map_or(0, BatchIds::available),
            ids,
            changes: AHashMap::new(),
            named: AHashMap::new(),
        };
        let changes = self.updates.len() + self.inserts.len() + self.removes.len();
        let named = self.spawns.iter().filter(|spawn| spawn.id.is_some()).count();
        reserve_map(&mut checker.changes, changes, CHECK)?;
        reserve_map(&mut checker.named, changes + named + self.destroys.len(), CHECK)?;
        for (n, spawn) in self.spawns.iter().enumerate() {
            checker.spawn(UpdatePlace::Spawn(n), spawn)?;
        }
        for (n, (entity, value)) in self.updates.iter().enumerate() {
            let place = UpdatePlace::Update(n);
            checker.change(place, *entity, value.id())?;
            if !facts.has_component(*entity, value.id()) {
                return Err(UpdateError::MissingComponent {
                    place,
                    entity: *entity,
                    component: value.id(),
                });
            }
        }
        for (n, (entity, value)) in self.inserts.iter().enumerate() {
            checker.change(UpdatePlace::Insert(n), *entity, value.id())?;
        }
        for (n, (entity, component)) in self.removes.iter().enumerate() {
            checker.change(UpdatePlace::Remove(n), *entity, *component)?;
        }
        for (n, entity) in self.destroys.iter().enumerate() {
            checker.destroy(UpdatePlace::Destroy(n), *entity)?;
        }
        Ok(())
    }
}

/// What a batch is checked by of a store's entities: the store itself, or what was
/// asked of one that is far away.
pub trait BatchFacts {
    /// Tells whether the entity lives.
    fn is_alive(&self, entity: EntityId) -> bool;

    /// Tells whether the entity lives and has the component.
    fn has_component(&self, entity: EntityId, component: ComponentId) -> bool;

    /// Tells whether entities that other shards named can be taken in.
    fn adopts_foreign_ids(&self) -> bool;
}

impl<S: Storage + ?Sized> BatchFacts for S {
    fn is_alive(&self, entity: EntityId) -> bool {
        self.entity_exists(entity)
    }

    fn has_component(&self, entity: EntityId, component: ComponentId) -> bool {
        self.has_component_erased(entity, component)
    }

    fn adopts_foreign_ids(&self) -> bool {
        self.capabilities().adopts_foreign_ids
    }
}

/// What a batch is checked by of a store's ids.
pub trait BatchIds {
    /// Returns the shard whose ids these are.
    fn shard(&self) -> u16;

    /// Tells whether an id was reserved here, and is not yet real.
    fn is_reserved(&self, id: EntityId) -> bool;

    /// Returns how many new ids there are.
    fn available(&self) -> u64;
}

impl BatchIds for AllocatorState {
    fn shard(&self) -> u16 {
        self.shard
    }

    fn is_reserved(&self, id: EntityId) -> bool {
        self.reserved.binary_search(&id).is_ok()
    }

    fn available(&self) -> u64 {
        self.available()
    }
}

impl BatchIds for IdSource {
    fn shard(&self) -> u16 {
        self.shard()
    }

    fn is_reserved(&self, id: EntityId) -> bool {
        self.is_reserved(id)
    }

    fn available(&self) -> u64 {
        self.available()
    }
}

/// What the memory of a check is for, in errors.
const CHECK: &str = "the check of a batch";

/// What was seen of a batch so far.
struct Checker<'a, F: ?Sized> {
    facts: &'a F,
    ids: Option<&'a dyn BatchIds>,
    /// How many ids are left for the spawns to come.
    available: u64,
    changes: AHashMap<(EntityId, ComponentId), UpdatePlace>,
    named: AHashMap<EntityId, UpdatePlace>,
}

impl<F: BatchFacts + ?Sized> Checker<'_, F> {
    fn spawn(&mut self, place: UpdatePlace, spawn: &Spawn) -> Result<(), UpdateError> {
        check_values_once(spawn.bundle.values())
            .map_err(|source| UpdateError::Bundle { place, source })?;
        let refuse = |source| Err(UpdateError::Spawn { place, source });
        let ids = self.ids.expect("a batch with spawns is checked by a source of ids");
        let Some(id) = spawn.id else {
            let shard = ids.shard();
            let Some(left) = self.available.checked_sub(1) else {
                return refuse(AllocatorError::Exhausted { shard }.into());
            };
            self.available = left;
            return Ok(());
        };
        if self.facts.is_alive(id) || self.named.contains_key(&id) {
            return refuse(StorageError::EntityExists(id));
        }
        if id.shard() == ids.shard() {
            if !ids.is_reserved(id) {
                return refuse(StorageError::NotReserved(id));
            }
        } else if !self.facts.adopts_foreign_ids() {
            return refuse(StorageError::Unsupported("entities that other shards named"));
        }
        self.named.insert(id, place);
        Ok(())
    }

    fn change(
        &mut self,
        place: UpdatePlace,
        entity: EntityId,
        component: ComponentId,
    ) -> Result<(), UpdateError> {
        if !self.facts.is_alive(entity) {
            return Err(UpdateError::NoSuchEntity { place, entity });
        }
        if let Some(&first) = self.changes.get(&(entity, component)) {
            return Err(UpdateError::ChangedTwice { place, first, entity, component });
        }
        self.changes.insert((entity, component), place);
        self.named.entry(entity).or_insert(place);
        Ok(())
    }

    fn destroy(&mut self, place: UpdatePlace, entity: EntityId) -> Result<(), UpdateError> {
        if !self.facts.is_alive(entity) {
            return Err(UpdateError::NoSuchEntity { place, entity });
        }
        match self.named.insert(entity, place) {
            Some(first) => Err(UpdateError::DestroyedAndNamed { place, first, entity }),
            None => Ok(()),
        }
    }
}

/// Checks that no component occurs twice, without memory.
fn check_values_once(values: &[ErasedValue]) -> Result<(), BundleError> {
    let twice = values.iter().enumerate().find(|&(at, value)| {
        let mut before = values[..at].iter();
        before.any(|other| other.id() == value.id())
    });
    twice.map_or(Ok(()), |(_, value)| Err(BundleError::Duplicate(value.id())))
}

/// Applies a batch over the single operations of a store, after checking it.
pub(crate) fn apply<S: Storage + ?Sized>(
    storage: &mut S,
    batch: UpdateBatch,
) -> Result<Vec<EntityId>, UpdateError> {
    batch.check(storage)?;
    let mut made = Vec::with_capacity(batch.spawns.len());
    for mut spawn in batch.spawns {
        made.push(match spawn.id {
            None => storage.create_with(&mut spawn.bundle)?,
            Some(id) => {
                storage.adopt(id)?;
                storage.insert_with(id, &mut spawn.bundle)?;
                id
            }
        });
    }
    // What ends is dropped last, since it may panic.
    let mut ended = Vec::new();
    for (entity, value) in batch.updates.into_iter().chain(batch.inserts) {
        ended.extend(storage.set_component_erased(entity, value)?);
    }
    for (entity, component) in batch.removes {
        ended.extend(storage.remove_component_erased(entity, component)?);
    }
    let destroyed = catch_unwind(AssertUnwindSafe(|| storage.destroy_batch(&batch.destroys)));
    // Not while a panic unwinds: a second one would end the process.
    let ended = catch_unwind(AssertUnwindSafe(|| each_despite_panics(ended, drop)));
    match (destroyed, ended) {
        (Ok(destroyed), Ok(())) => destroyed?,
        (Ok(_), Err(panic)) => resume_unwind(panic),
        (Err(panic), ended) => {
            // It may throw again when it is dropped.
            std::mem::forget(ended);
            resume_unwind(panic)
        }
    }
    Ok(made)
}

impl fmt::Display for UpdatePlace {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, n) = match self {
            Self::Spawn(n) => ("spawns", n),
            Self::Update(n) => ("updates", n),
            Self::Insert(n) => ("inserts", n),
            Self::Remove(n) => ("removes", n),
            Self::Destroy(n) => ("destroys", n),
        };
        write!(f, "{kind}[{n}]")
    }
}
