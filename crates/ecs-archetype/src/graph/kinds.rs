//! Plans by the type of a bundle: what every single insert and removal asks.

use std::any::TypeId;
use std::hash::{Hash, Hasher};

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
    /// As many as a power of two.
    places: Box<[Place]>,
    len: usize,
}

#[derive(Debug, Clone, Copy)]
struct Place {
    edge: TypedEdge,
    plan: u32,
}

impl Place {
    /// Of an edge that leads from no table: they have fewer bits.
    const EMPTY: Self =
        Self { edge: TypedEdge { key: TypeId::of::<()>(), table: u32::MAX }, plan: 0 };

    #[inline]
    fn is_empty(&self) -> bool {
        self.edge.table == u32::MAX
    }
}

impl Kinds {
    pub(super) fn new() -> Self {
        Self { places: vec![Place::EMPTY; 16].into(), len: 0 }
    }

    /// Returns the plan of an edge, if it is known.
    ///
    /// By value: an edge that has an address is written to memory and read back
    /// to be compared, and at twice the width of the writes, which waits for
    /// them: that alone was half the time of an insert.
    #[inline(always)]
    pub(super) fn get(&self, edge: TypedEdge) -> Option<usize> {
        let first = &self.places[edge.hash() & (self.places.len() - 1)];
        if first.edge.table == edge.table && first.edge.key == edge.key {
            return Some(first.plan as usize);
        }
        self.get_behind(edge)
    }

    /// As `get`, where the edge is not in its first place.
    #[inline(never)]
    fn get_behind(&self, edge: TypedEdge) -> Option<usize> {
        let found = &self.places[self.place(&edge)];
        (!found.is_empty()).then_some(found.plan as usize)
    }

    /// Returns where an edge is, or would be.
    fn place(&self, edge: &TypedEdge) -> usize {
        let mask = self.places.len() - 1;
        let mut place = edge.hash() & mask;
        while !self.places[place].is_empty() && self.places[place].edge != *edge {
            place = (place + 1) & mask;
        }
        place
    }

    /// Keeps the plan of an edge that is not known yet.
    pub(super) fn insert(&mut self, edge: TypedEdge, plan: usize) {
        if (self.len + 1) * 2 > self.places.len() {
            let larger = vec![Place::EMPTY; self.places.len() * 2].into();
            let known = std::mem::replace(&mut self.places, larger);
            for place in known.into_iter().filter(|place| !place.is_empty()) {
                self.places[self.place(&place.edge)] = place;
            }
        }
        self.places[self.place(&edge)] = Place { edge, plan: plan as u32 };
        self.len += 1;
    }
}
