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
        let slices = chunks.iter().map(OwnedChunk::ids);
        // That checks that ids of the home shard occur once.
        let home = allocator.validate_with_slices(slices.clone())?;
        if home != slices.clone().map(<[_]>::len).sum::<usize>() {
            let mut seen = AHashSet::new();
            let mut foreign = slices.flatten().filter(|id| id.shard() != allocator.shard);
            if let Some(id) = foreign.find(|&&id| !seen.insert(id)) {
                return Err(SnapshotError::EntityTwice(*id));
            }
        }
        Ok(Self { allocator, chunks })
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
