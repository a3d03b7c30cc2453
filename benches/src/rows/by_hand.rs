//! What a program would write that has one table and no engine: plain vectors,
//! and where each id's row is.

use crate::components::{Position, Rotation, Transform, Velocity};

/// An id that knows how often its slot was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    pub(super) slot: u32,
    pub(super) generation: u32,
}

/// Where each id's row is.
#[derive(Debug, Default)]
pub(super) struct Places {
    slots: Vec<(u32, u32)>,
    free: Vec<u32>,
}

impl Places {
    pub(super) fn with_capacity(count: usize) -> Self {
        Self { slots: Vec::with_capacity(count), free: Vec::new() }
    }

    /// Gives an id to a row.
    #[inline]
    pub(super) fn take(&mut self, row: usize) -> Id {
        match self.free.pop() {
            Some(slot) => {
                let (generation, place) = &mut self.slots[slot as usize];
                *place = row as u32;
                Id { slot, generation: *generation }
            }
            None => {
                self.slots.push((0, row as u32));
                Id { slot: self.slots.len() as u32 - 1, generation: 0 }
            }
        }
    }

    /// Finds an id's row.
    #[inline]
    pub(super) fn row(&self, id: Id) -> Option<usize> {
        let (generation, row) = *self.slots.get(id.slot as usize)?;
        (generation == id.generation).then_some(row as usize)
    }

    /// Says that an id has another row now.
    #[inline]
    pub(super) fn moved(&mut self, id: Id, row: usize) {
        self.slots[id.slot as usize].1 = row as u32;
    }
}

/// One table of the `simple` workloads.
#[derive(Debug, Default)]
pub(super) struct Simple {
    places: Places,
    ids: Vec<Id>,
    transforms: Vec<Transform>,
    positions: Vec<Position>,
    rotations: Vec<Rotation>,
    velocities: Vec<Velocity>,
}

impl Simple {
    /// Makes room beforehand.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            places: Places::with_capacity(count),
            ids: Vec::with_capacity(count),
            transforms: Vec::with_capacity(count),
            positions: Vec::with_capacity(count),
            rotations: Vec::with_capacity(count),
            velocities: Vec::with_capacity(count),
        }
    }

    #[inline]
    pub(super) fn push(&mut self, bundle: (Transform, Position, Rotation, Velocity)) -> Id {
        let id = self.places.take(self.ids.len());
        self.ids.push(id);
        self.transforms.push(bundle.0);
        self.positions.push(bundle.1);
        self.rotations.push(bundle.2);
        self.velocities.push(bundle.3);
        id
    }

    pub(super) fn positions(&self) -> &[Position] {
        &self.positions
    }
}
