//! Resources: values of the world that belong to no entity.

use std::any::{Any, TypeId, type_name};
use std::fmt;
use std::mem;
use std::ops::{Deref, DerefMut};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::AHashMap;
use parking_lot::{
    MappedRwLockReadGuard, MappedRwLockWriteGuard, RwLock, RwLockReadGuard, RwLockWriteGuard,
};

use crate::places::Places;
use crate::removed::Removals;

/// A value of the world that belongs to no entity: any type that threads can
/// share.
pub trait Resource: Send + Sync + 'static {}

impl<T: Send + Sync + 'static> Resource for T {}

type Slot = RwLock<Box<dyn Any + Send + Sync>>;

/// What is done to resources at the end of a tick.
type Upkeep = fn(&mut Resources);

/// What is done about a resource when a snapshot is taken in: before, with whether the
/// resource stays what it is, and after.
type AroundRestore = fn(&Resources, bool) -> AfterRestore;
type AfterRestore = Box<dyn FnOnce(&Resources)>;

/// The resources of a world, one of each type.
pub struct Resources {
    slots: AHashMap<TypeId, Slot>,
    /// Unique in the process: what systems know of one world's resources is not
    /// taken for another's.
    identity: u64,
    /// What is done to some of them at the end of each tick.
    upkeep: Vec<(TypeId, Upkeep)>,
    around_restore: Vec<(TypeId, AroundRestore)>,
    /// The types of those that a snapshot brings.
    pub(crate) brought: Vec<TypeId>,
    /// What systems want to know of the store.
    pub(crate) removals: Removals,
    /// How far systems are.
    pub(crate) places: Places,
}

impl Default for Resources {
    fn default() -> Self {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        // Relaxed: only uniqueness matters.
        let identity = NEXT.fetch_add(1, Ordering::Relaxed);
        let (slots, upkeep, around_restore, brought, removals, places) = Default::default();
        Self { slots, identity, upkeep, around_restore, brought, removals, places }
    }
}

/// A resource that is read.
pub struct Res<'w, T: Resource>(MappedRwLockReadGuard<'w, T>);

/// A resource that is changed.
pub struct ResMut<'w, T: Resource>(MappedRwLockWriteGuard<'w, T>);

impl Resources {
    /// Puts a resource in, and returns the one of its type that was there.
    pub fn insert<T: Resource>(&mut self, value: T) -> Option<T> {
        self.slots.insert(TypeId::of::<T>(), RwLock::new(Box::new(value))).and_then(unbox)
    }

    /// Takes a resource out.
    pub fn remove<T: Resource>(&mut self) -> Option<T> {
        self.slots.remove(&TypeId::of::<T>()).and_then(unbox)
    }

    /// Tells whether there is a resource of this type.
    pub fn contains<T: Resource>(&self) -> bool {
        self.slots.contains_key(&TypeId::of::<T>())
    }

    /// Borrows a resource for reading, or returns `None` if it is not there.
    ///
    /// # Panics
    /// If it is borrowed for writing.
    pub fn get<T: Resource>(&self) -> Option<Res<'_, T>> {
        let guard = self.slots.get(&TypeId::of::<T>())?.try_read().unwrap_or_else(|| in_use::<T>());
        Some(Res(RwLockReadGuard::map(guard, |value| {
            value.downcast_ref().expect("a slot holds its own type")
        })))
    }

    /// Borrows a resource for writing, or returns `None` if it is not there.
    ///
    /// # Panics
    /// If it is borrowed already.
    pub fn get_mut<T: Resource>(&self) -> Option<ResMut<'_, T>> {
        let guard =
            self.slots.get(&TypeId::of::<T>())?.try_write().unwrap_or_else(|| in_use::<T>());
        Some(ResMut(RwLockWriteGuard::map(guard, |value| {
            value.downcast_mut().expect("a slot holds its own type")
        })))
    }

    /// Returns a number that no other world's resources have.
    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    /// Has something done to the resource of type `T` at the end of each tick.
    pub(crate) fn at_end_of_tick<T: Resource>(&mut self, upkeep: Upkeep) {
        if self.upkeep.iter().all(|(id, _)| *id != TypeId::of::<T>()) {
            self.upkeep.push((TypeId::of::<T>(), upkeep));
        }
    }

    /// Has something done about the resource of type `T` when a snapshot is taken in.
    pub(crate) fn at_restore<T: Resource>(&mut self, around: AroundRestore) {
        if self.around_restore.iter().all(|(id, _)| *id != TypeId::of::<T>()) {
            self.around_restore.push((TypeId::of::<T>(), around));
        }
    }

    /// Returns what is to be done when a snapshot was taken in.
    pub(crate) fn before_restore(&self) -> Vec<AfterRestore> {
        let stays = |id: &TypeId| !self.brought.contains(id);
        self.around_restore.iter().map(|(id, around)| around(self, stays(id))).collect()
    }

    /// Says that a snapshot brings the resource of a type.
    pub(crate) fn bring(&mut self, kind: TypeId) {
        if !self.brought.contains(&kind) {
            self.brought.push(kind);
        }
    }

    /// Does what is done at the end of each tick and after a failure, wholly. Returns the
    /// first panic of values that ended.
    pub(crate) fn tidy(&mut self) -> Result<(), Box<dyn Any + Send>> {
        let mut outcome = Ok(());
        for n in 0..self.upkeep.len() {
            let upkeep = self.upkeep[n].1;
            let tidied = catch_unwind(AssertUnwindSafe(|| upkeep(self)));
            // A second panic is forgotten: to drop what it says may panic again.
            match outcome {
                Ok(()) => outcome = tidied,
                Err(_) => mem::forget(tidied),
            }
        }
        outcome
    }

    /// Counts a tick.
    pub(crate) fn end_tick(&mut self) {
        self.places.end_tick();
        self.forget_unexpected_removals();
    }

    /// Returns how many resources there are.
    pub fn len(&self) -> usize {
        self.slots.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.slots.is_empty()
    }
}

fn unbox<T: Resource>(slot: Slot) -> Option<T> {
    slot.into_inner().downcast().ok().map(|value| *value)
}

#[cold]
fn in_use<T>() -> ! {
    panic!("resource `{}` is borrowed already", type_name::<T>())
}

impl<T: Resource> Deref for Res<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Resource> Deref for ResMut<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.0
    }
}

impl<T: Resource> DerefMut for ResMut<'_, T> {
    fn deref_mut(&mut self) -> &mut T {
        &mut self.0
    }
}

impl fmt::Debug for Resources {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Resources").field("len", &self.len()).finish()
    }
}

impl<T: Resource + fmt::Debug> fmt::Debug for Res<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: Resource + fmt::Debug> fmt::Debug for ResMut<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        T::fmt(self, f)
    }
}
