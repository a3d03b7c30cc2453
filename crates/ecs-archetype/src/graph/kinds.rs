//! Plans by the type of a bundle: what every single insert and removal asks.

use std::any::TypeId;
use std::hash::{Hash, Hasher};

use ecs_core::TypeHasher;
use ecs_storage_api::TableId;

use super::Change;
use crate::rows::Plan;

/// What leads from one table to another, named by a bundle's type.
#[derive(Debug, Clone, Copy)]
pub(super) struct TypedEdge {
    key: TypeId,
    /// The table, and in the last bit whether components come or go.
    table: u32,
}

impl TypedEdge {
    #[inline(always)]
    pub(super) fn new(change: Change, table: TableId, key: TypeId) -> Self {
        Self { key, table: table.0 << 1 | change as u32 }
    }

    /// Returns where to look first. A `TypeId` is a hash already; the tables of
    /// one kind follow each other.
    #[inline(always)]
    fn hash(self) -> usize {
        let mut hash = TypeHasher::default();
        self.key.hash(&mut hash);
        (hash.finish() as usize).wrapping_add(self.table as usize)
    }
}

/// A hash table that is never more than a quarter full, with the next free place
/// for what collides. Nothing is ever taken out.
#[derive(Debug)]
pub(super) struct Kinds {
    /// As many as a power of two.
    places: Box<[Place]>,
    /// One less.
    mask: usize,
    len: usize,
}

/// The key of the edge is in the plan, which is looked at anyway.
#[derive(Debug)]
struct Place {
    table: u32,
    /// `None` only where no edge is.
    plan: Option<Box<Plan>>,
}

impl Place {
    /// Of an edge that leads from no table: they have fewer bits.
    const EMPTY: Self = Self { table: u32::MAX, plan: None };

    #[inline(always)]
    fn is(&self, edge: TypedEdge) -> bool {
        self.table == edge.table && self.plan.as_ref().is_some_and(|plan| plan.is_named(edge.key))
    }
}

impl Kinds {
    pub(super) fn new() -> Self {
        Self { places: Self::places(64), mask: 63, len: 0 }
    }

    fn places(count: usize) -> Box<[Place]> {
        std::iter::repeat_with(|| Place::EMPTY).take(count).collect()
    }

    /// Returns the plan of an edge if it lies in its first place, as most do.
    #[inline(always)]
    pub(super) fn first(&mut self, edge: TypedEdge) -> Option<&mut Plan> {
        let place = &mut self.places[edge.hash() & self.mask];
        if place.is(edge) { place.plan.as_deref_mut() } else { None }
    }

    /// Returns the plan of an edge, made by `make` if it is not known.
    pub(super) fn get_or_make<E>(
        &mut self,
        edge: TypedEdge,
        make: impl FnOnce() -> Result<Plan, E>,
    ) -> Result<&mut Plan, E> {
        let mut place = self.place(edge);
        if self.places[place].plan.is_none() {
            let plan = make()?;
            if (self.len + 1) * 4 > self.places.len() {
                self.grow();
                place = self.place(edge);
            }
            self.places[place] = Place { table: edge.table, plan: Some(Box::new(plan)) };
            self.len += 1;
        }
        Ok(self.places[place].plan.as_deref_mut().expect("it is known, or was made"))
    }

    /// Returns where an edge is, or would be.
    fn place(&self, edge: TypedEdge) -> usize {
        let mut place = edge.hash() & self.mask;
        while self.places[place].plan.is_some() && !self.places[place].is(edge) {
            place = (place + 1) & self.mask;
        }
        place
    }

    fn grow(&mut self) {
        let larger = Self::places(self.places.len() * 2);
        self.mask = larger.len() - 1;
        for known in std::mem::replace(&mut self.places, larger) {
            if let Some(plan) = &known.plan {
                let place = self.place(TypedEdge { key: plan.key(), table: known.table });
                self.places[place] = known;
            }
        }
    }
}
