//! The entities, as each contender wants them.

use bytemuck::{Pod, Zeroable};
use ecs::{Component, EntityId};
use ecs_storage_api::core::{CodecError, ErasedVec, IdSource};
use ecs_storage_api::snapshot::RowChanges;
use ecs_storage_api::{OwnedChunk, SnapshotError, StorageImage, UpdateBatch};

#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(name = "position", pod)]
#[repr(C)]
pub(crate) struct Position {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

#[derive(Component, Clone, Copy, Debug, Pod, Zeroable)]
#[component(name = "velocity", pod)]
#[repr(C)]
pub(crate) struct Velocity {
    pub(crate) x: f32,
    pub(crate) y: f32,
    pub(crate) z: f32,
}

/// Entities with positions and velocities, and some of them that are written again.
pub(crate) struct Rows {
    ids: IdSource,
    pub(crate) entities: Vec<EntityId>,
    written: usize,
}

impl Rows {
    pub(crate) fn new(entities: usize, written: usize) -> Result<Self, Box<dyn std::error::Error>> {
        let mut ids = IdSource::new(0);
        let mut all = Vec::new();
        ids.allocate_many(entities, &mut all)?;
        Ok(Self { ids, entities: all, written: written.min(entities) })
    }

    pub(crate) fn position(&self, n: usize) -> Position {
        Position { x: n as f32, y: 1.0, z: -1.0 }
    }

    pub(crate) fn velocity(&self, n: usize) -> Velocity {
        Velocity { x: 1.0, y: n as f32, z: 0.5 }
    }

    pub(crate) fn image(&self) -> Result<StorageImage, SnapshotError> {
        let count = self.entities.len();
        let positions = (0..count).map(|n| self.position(n)).collect();
        let velocities = (0..count).map(|n| self.velocity(n)).collect();
        let columns = vec![
            ErasedVec::from_vec::<Position>(positions),
            ErasedVec::from_vec::<Velocity>(velocities),
        ];
        let chunk = OwnedChunk::ascending(self.entities.clone(), columns)?;
        StorageImage::new(self.ids.state(), vec![chunk])
    }

    /// Returns who is written in a round, spread over all, and what.
    pub(crate) fn written(&self, round: usize) -> (Vec<EntityId>, Vec<Position>) {
        let step = (self.entities.len() / self.written.max(1)).max(1);
        let written = self.entities.iter().skip(round % step).step_by(step).take(self.written);
        let ids: Vec<_> = written.copied().collect();
        let values = (0..ids.len()).map(|n| Position { x: -(n as f32), y: round as f32, z: 2.0 });
        let values = values.collect();
        (ids, values)
    }

    pub(crate) fn changes(&self, round: usize) -> Result<RowChanges, CodecError> {
        let (ids, values) = self.written(round);
        let chunk = OwnedChunk::ascending(ids, vec![ErasedVec::from_vec::<Position>(values)]);
        let updated = vec![chunk.expect("ids ascend, with a value each")];
        Ok(RowChanges { updated, ..RowChanges::default() })
    }

    pub(crate) fn batch(&self, round: usize) -> UpdateBatch {
        let (ids, values) = self.written(round + 1);
        let pairs = ids.into_iter().zip(values);
        pairs.fold(UpdateBatch::new(), |batch, (id, value)| batch.update(id, value))
    }

    /// One entity with both.
    pub(crate) fn one(&self) -> UpdateBatch {
        UpdateBatch::new().spawn((self.position(0), self.velocity(0)))
    }
}
