//! Everything that a snapshot holds of a store, checked.

use ahash::AHashSet;
use ecs_core::{AllocatorState, EntityId};

use super::ages::ImageHistory;
use super::error::SnapshotError;
use crate::changes::Version;
use crate::owned_chunk::OwnedChunk;

/// The content of a store: its allocator, its chunks in order, and when they
/// changed.
///
/// It is checked as a whole: ids occur once, and the allocator accounts for
/// every one of its shard.
#[derive(Debug)]
pub struct StorageImage {
    allocator: AllocatorState,
    chunks: Vec<OwnedChunk>,
    history: Option<ImageHistory>,
}

impl StorageImage {
    /// Puts an image together.
    ///
    /// # Errors
    /// [`SnapshotError`] if an entity occurs twice, or the allocator's state
    /// contradicts itself or the entities.
    pub fn new(allocator: AllocatorState, chunks: Vec<OwnedChunk>) -> Result<Self, SnapshotError> {
        let runs: Vec<_> = chunks.iter().flat_map(|chunk| EntityId::runs(chunk.ids())).collect();
        Self::with_runs(allocator, chunks, &runs, None)
    }

    /// As [`new`](Self::new), where it is known which runs the ids make, and maybe
    /// what happened to the chunks.
    pub(super) fn with_runs(
        allocator: AllocatorState,
        chunks: Vec<OwnedChunk>,
        runs: &[(EntityId, u32)],
        history: Option<ImageHistory>,
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
            None => Ok(Self { allocator, chunks, history }),
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

    /// Returns what is known of the history of its store. Without it, everything
    /// came when the image was taken in.
    pub fn history(&self) -> Option<&ImageHistory> {
        self.history.as_ref()
    }

    /// Returns the version for a store that takes in an image with such a history,
    /// and is at `now`: all that the image tells of is later than that, and no later
    /// than the version that is returned.
    pub fn present_after(history: Option<&ImageHistory>, now: Version) -> Version {
        Version::new(now.get().saturating_add(history.map_or(1, |history| history.span)))
    }

    /// Gives it a history, that of the image of which it is a copy.
    pub(crate) fn with_history(mut self, history: Option<ImageHistory>) -> Self {
        self.history = history;
        self
    }

    /// Returns every entity in order.
    pub fn entities(&self) -> impl Iterator<Item = EntityId> + Clone + '_ {
        self.chunks.iter().flat_map(|chunk| chunk.ids().iter().copied())
    }

    /// Gives allocator, chunks and history up.
    pub fn into_parts(self) -> (AllocatorState, Vec<OwnedChunk>, Option<ImageHistory>) {
        (self.allocator, self.chunks, self.history)
    }
}
