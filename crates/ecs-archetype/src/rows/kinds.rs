//! Plans by the type of a bundle: what every single insert and removal asks.
//!
//! Every address here is that of a plan that belongs to the hash table alone, and lives
//! as long as it.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::ptr::NonNull;

use ecs_core::TypeHasher;

use super::Plan;

/// What leads from one table to another, named by a bundle's type.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TypedEdge {
    /// The number of the table, which may be none that there is.
    pub(crate) table: u64,
    pub(crate) key: TypeId,
}

impl TypedEdge {
    /// Returns where to look first. A `TypeId` is a hash already; the tables of
    /// one kind follow each other.
    #[inline(always)]
    fn hash(self) -> usize {
        hash(self.key).wrapping_add(self.table as usize)
    }
}

#[inline(always)]
fn hash(key: TypeId) -> usize {
    let mut hash = TypeHasher::default();
    key.hash(&mut hash);
    hash.finish() as usize
}

/// A hash table that is never more than a quarter full, with the next free place
/// for what collides. Nothing is ever taken out.
///
/// The edge is in the plan, which is looked at anyway.
#[derive(Debug)]
pub(crate) struct Kinds {
    /// For each kind of bundle the plan that was asked for last, or that of nobody; some
    /// kinds share one.
    recent: [NonNull<Plan>; Self::RECENT],
    /// As many as a power of two.
    places: Box<[Option<NonNull<Plan>>]>,
    len: usize,
    /// A plan of no edge.
    nobody: NonNull<Plan>,
}

// SAFETY: the plans belong to the hash table, and are lent as it is.
unsafe impl Send for Kinds {}
// SAFETY: as above.
unsafe impl Sync for Kinds {}

impl Kinds {
    const RECENT: usize = 16;

    pub(crate) fn new() -> Self {
        let nobody = owned(Plan::of_nobody());
        Self { recent: [nobody; Self::RECENT], places: Self::places(64), len: 0, nobody }
    }

    fn places(count: usize) -> Box<[Option<NonNull<Plan>>]> {
        vec![None; count].into()
    }

    /// Returns the plan that was asked for last where bundles are of that kind, or another
    /// one.
    ///
    /// Whoever asks for the same again does not wait for where an entity is: a processor
    /// that has guessed so goes on with the plan while it looks for the entity.
    #[inline(always)]
    pub(crate) fn recent(&self, key: TypeId) -> &Plan {
        // SAFETY: it lives as long as this.
        unsafe { self.recent[hash(key) % Self::RECENT].as_ref() }
    }

    /// Asks for the plan of an edge; returns it if it is known.
    pub(crate) fn turn_to(&mut self, edge: TypedEdge) -> Option<&Plan> {
        let plan = self.places[self.place(edge)]?;
        self.recent[hash(edge.key) % Self::RECENT] = plan;
        // SAFETY: it lives as long as this.
        Some(unsafe { plan.as_ref() })
    }

    /// Returns the plan of an edge, made by `make` if it is not known.
    pub(crate) fn get_or_make<E>(
        &mut self,
        edge: TypedEdge,
        make: impl FnOnce() -> Result<Plan, E>,
    ) -> Result<&mut Plan, E> {
        let mut plan = match self.places[self.place(edge)] {
            Some(known) => known,
            None => {
                let plan = make()?;
                if (self.len + 1) * 4 > self.places.len() {
                    self.grow();
                }
                let plan = owned(plan);
                self.places[self.place(edge)] = Some(plan);
                self.len += 1;
                plan
            }
        };
        // SAFETY: it lives as long as this, which is borrowed mutably.
        Ok(unsafe { plan.as_mut() })
    }

    /// Returns where an edge is, or would be.
    fn place(&self, edge: TypedEdge) -> usize {
        let mask = self.places.len() - 1;
        let mut place = edge.hash() & mask;
        // SAFETY: it lives as long as this.
        let is_other = |plan: NonNull<Plan>| !unsafe { plan.as_ref() }.is_of(edge.table, edge.key);
        while self.places[place].is_some_and(is_other) {
            place = (place + 1) & mask;
        }
        place
    }

    fn grow(&mut self) {
        let larger = Self::places(self.places.len() * 2);
        for plan in std::mem::replace(&mut self.places, larger).into_iter().flatten() {
            // SAFETY: it lives as long as this.
            let edge = unsafe { plan.as_ref() };
            let place = self.place(TypedEdge { table: edge.source().0.into(), key: edge.key() });
            self.places[place] = Some(plan);
        }
    }
}

impl Drop for Kinds {
    fn drop(&mut self) {
        for plan in self.places.iter().flatten().chain([&self.nobody]) {
            // SAFETY: each is in one place alone, and nobody uses it any more.
            drop(unsafe { Box::from_raw(plan.as_ptr()) });
        }
    }
}

/// Gives a plan an address of its own.
fn owned(plan: Plan) -> NonNull<Plan> {
    NonNull::from(Box::leak(Box::new(plan)))
}
