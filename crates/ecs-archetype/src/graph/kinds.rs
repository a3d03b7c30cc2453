//! Plans by the type of a bundle: what every single insert and removal asks.

use std::any::TypeId;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU32;

use ecs_storage_api::TableId;

use super::Change;

/// What leads from one table to another, named by a bundle's type.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct TypedEdge {
    key: TypeId,
    /// The table, and in the last bit whether components come or go.
    table: u32,
}

impl TypedEdge {
    #[inline]
    pub(super) fn new(change: Change, table: TableId, key: TypeId) -> Self {
        Self { key, table: table.0 << 1 | change as u32 }
    }

    /// Returns where to look first. A `TypeId` is a hash already; the tables of
    /// one kind follow each other.
    #[inline]
    fn hash(&self) -> usize {
        let mut hash = FromTypeId(0);
        self.key.hash(&mut hash);
        (hash.0 as usize).wrapping_add(self.table as usize)
    }
}

/// Takes the hash that a `TypeId` is.
struct FromTypeId(u64);

impl Hasher for FromTypeId {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
    }

    fn write_u64(&mut self, hash: u64) {
        self.0 = hash;
    }
}

/// A hash table that is never more than half full, with the next free place for
/// what collides. Nothing is ever taken out.
#[derive(Debug)]
pub(super) struct Kinds {
    /// Edges and one more than the number of the plan, so that an empty place
    /// needs no room of its own. As many as a power of two.
    places: Box<[Option<(TypedEdge, NonZeroU32)>]>,
    len: usize,
}

impl Kinds {
    pub(super) fn new() -> Self {
        Self { places: vec![None; 16].into(), len: 0 }
    }

    /// Returns the plan of an edge, if it is known.
    #[inline]
    pub(super) fn get(&self, edge: &TypedEdge) -> Option<usize> {
        self.places[self.place(edge)].map(|(_, plan)| plan.get() as usize - 1)
    }

    /// Returns where an edge is, or would be.
    #[inline]
    fn place(&self, edge: &TypedEdge) -> usize {
        let mask = self.places.len() - 1;
        let mut place = edge.hash() & mask;
        while let Some((there, _)) = &self.places[place]
            && there != edge
        {
            place = (place + 1) & mask;
        }
        place
    }

    /// Keeps the plan of an edge that is not known yet.
    pub(super) fn insert(&mut self, edge: TypedEdge, plan: usize) {
        if (self.len + 1) * 2 > self.places.len() {
            let larger = vec![None; self.places.len() * 2].into();
            for (edge, plan) in std::mem::replace(&mut self.places, larger).into_iter().flatten() {
                let place = self.place(&edge);
                self.places[place] = Some((edge, plan));
            }
        }
        let place = self.place(&edge);
        self.places[place] = Some((edge, NonZeroU32::MIN.saturating_add(plan as u32)));
        self.len += 1;
    }
}
