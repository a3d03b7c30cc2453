//! What a program would write that has one table and no engine: plain vectors,
//! and where each id's row is.

use crate::components::{Position, Rotation, Transform, Velocity};
use crate::population;

/// An id that knows how often its slot was used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Id {
    slot: u32,
    generation: u32,
}

/// Where each id's row is.
#[derive(Debug, Default)]
pub(super) struct Places {
    /// Generation and row of each slot.
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

    /// Ends an id, and returns its row.
    #[inline]
    fn give_back(&mut self, id: Id) -> Option<usize> {
        let (generation, row) = self.slots.get_mut(id.slot as usize)?;
        if *generation != id.generation {
            return None;
        }
        *generation += 1;
        self.free.push(id.slot);
        Some(*row as usize)
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

/// The table of the `simple` workloads.
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

/// The table of positions and velocities.
#[derive(Debug, Default)]
pub(super) struct Moving {
    places: Places,
    ids: Vec<Id>,
    positions: Vec<Position>,
    velocities: Vec<Velocity>,
}

impl Moving {
    /// Makes room beforehand.
    pub(super) fn with_capacity(count: usize) -> Self {
        Self {
            places: Places::with_capacity(count),
            ids: Vec::with_capacity(count),
            positions: Vec::with_capacity(count),
            velocities: Vec::with_capacity(count),
        }
    }

    /// Fills a table with moving entities.
    pub(super) fn filled(count: usize) -> (Self, Vec<Id>) {
        let mut table = Self::with_capacity(count);
        let ids = population::moving(count).map(|bundle| table.push(bundle)).collect();
        (table, ids)
    }

    /// Takes columns over as they are.
    pub(super) fn of_columns(positions: Vec<Position>, velocities: Vec<Velocity>) -> Self {
        let mut places = Places::with_capacity(positions.len());
        let ids = (0..positions.len()).map(|row| places.take(row)).collect();
        Self { places, ids, positions, velocities }
    }

    /// Returns the entities.
    pub(super) fn ids(&self) -> &[Id] {
        &self.ids
    }

    #[inline]
    pub(super) fn push(&mut self, bundle: (Position, Velocity)) -> Id {
        let id = self.places.take(self.ids.len());
        self.ids.push(id);
        self.positions.push(bundle.0);
        self.velocities.push(bundle.1);
        id
    }

    /// Puts the last row into the place of an entity that goes.
    #[inline]
    pub(super) fn remove(&mut self, id: Id) -> Option<(Position, Velocity)> {
        let row = self.places.give_back(id)?;
        self.ids.swap_remove(row);
        if let Some(&moved) = self.ids.get(row) {
            self.places.moved(moved, row);
        }
        Some((self.positions.swap_remove(row), self.velocities.swap_remove(row)))
    }

    #[inline]
    pub(super) fn position(&self, id: Id) -> Option<&Position> {
        self.positions.get(self.places.row(id)?)
    }

    /// Gives the positions of many entities, in order: places are looked up for a block
    /// of them, and then values.
    #[inline]
    pub(super) fn positions_of(&self, ids: &[Id], mut each: impl FnMut(&Position)) {
        const BLOCK: usize = 32;
        let mut rows = [0; BLOCK];
        for block in ids.chunks(BLOCK) {
            let rows = &mut rows[..block.len()];
            for (row, id) in rows.iter_mut().zip(block) {
                *row = self.places.row(*id).unwrap();
            }
            rows.iter().for_each(|row| each(&self.positions[*row]));
        }
    }

    #[inline]
    pub(super) fn position_mut(&mut self, id: Id) -> Option<&mut Position> {
        self.positions.get_mut(self.places.row(id)?)
    }

    pub(super) fn positions(&self) -> &[Position] {
        &self.positions
    }

    pub(super) fn velocities(&self) -> &[Velocity] {
        &self.velocities
    }
}
