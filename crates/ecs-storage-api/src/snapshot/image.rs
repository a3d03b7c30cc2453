//! Everything that a snapshot holds of a store, checked.

use ahash::AHashSet;
use ecs_core::{AllocatorState, EntityId};

use super::error::SnapshotError;
use crate::owned_chunk::OwnedChunk;

/// The content of a store: its allocator, and its chunks in order.
///
/// It is checked as a whole: ids occur once, and the allocator accounts for
/// every one of its shard.
#[derive(Debug)]
pub struct StorageImage {
    allocator: AllocatorState,
    chunks: Vec<OwnedChunk>,
}

impl StorageImage {
    /// Puts an image together.
    ///
    /// # Errors
    /// [`SnapshotError`] if an entity occurs twice, or the allocator's state
    /// contradicts itself or the entities.
    pub fn new(allocator: AllocatorState, chunks: Vec<OwnedChunk>) -> Result<Self, SnapshotError> {
        let runs: Vec<_> = chunks.iter().flat_map(|chunk| EntityId::runs(chunk.ids())).collect();
        Self::with_runs(allocator, chunks, &runs)
    }

    /// As [`new`](Self::new), where it is known which runs the ids make.
    pub(super) fn with_runs(
        allocator: AllocatorState,
        chunks: Vec<OwnedChunk>,
        runs: &[(EntityId, u32)],
    ) -> Result<Self, SnapshotError> {
        // That checks that ids of the home shard occur once.
        allocator.validate_with_runs(runs)?;
        let foreign = runs.iter().filter(|(first, _)| first.shard() != allocator.shard);
        let mut seen = AHashSet::new();
        match foreign
            .flat_map(|(first, length)| first.run(*length))
            .flatten()
            .find(|id| !seen.insert(*id))
        {
            Some(id) => Err(SnapshotError::EntityTwice(id)),
            None => Ok(Self { allocator, chunks }),
        }
    }

    /// Returns the state of the allocator.
    pub fn allocator(&self) -> &AllocatorState {
        &self.allocator
    }

    /// Returns the chunks in order.
    pub fn chunks(&self) -> &[OwnedChunk] {
        &self.chunks
    }

    /// Returns every entity in order.
    pub fn entities(&self) -> impl Iterator<Item = EntityId> + Clone + '_ {
        self.chunks.iter().flat_map(|chunk| chunk.ids().iter().copied())
    }

    /// Gives allocator and chunks up.
    pub fn into_parts(self) -> (AllocatorState, Vec<OwnedChunk>) {
        (self.allocator, self.chunks)
    }
}
