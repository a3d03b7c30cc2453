//! Many entries as one.
//!
//! What all entries say is noted in their order, and sorted by entity: the ids of their
//! lists ascend, so sorting is merging. Then it is gone through from one end to the other,
//! entity by entity, and nothing is looked up.

mod lives;
mod mentions;

use std::collections::BTreeMap;

use ecs_core::{AllocatorState, ComponentId, EntityId};

use self::lives::Lives;
use self::mentions::Mentions;
use super::{JournalEntry, damaged};
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::SnapshotError;

/// Entries that follow each other, made one: what is different between the state before
/// the first and the one after the last, each value once.
///
/// The lists are what is to be done to the state before, in this order. Ids of each are
/// in ascending order.
#[derive(Debug)]
pub struct Folded {
    /// The tick after the last entry.
    pub tick: u64,
    /// What the world has beside its store, after the last entry.
    pub head: Vec<u8>,
    /// Which ids come next, after the last entry.
    pub allocator: AllocatorState,
    /// Entities that end, with all that they have.
    pub died: Vec<EntityId>,
    /// Entities that come. One that ended and is here again, since the world went back to
    /// an earlier state, is in both lists.
    pub born: Vec<EntityId>,
    /// Components that entities lose.
    pub removed: Vec<(ComponentId, Vec<EntityId>)>,
    /// New values of components that entities have: a chunk of one column for each.
    pub updated: Vec<OwnedChunk>,
    /// Values of components that entities do not have, those of who comes among them: a
    /// chunk of one column for each.
    pub inserted: Vec<OwnedChunk>,
}

/// What entries say.
#[derive(Default)]
struct Said {
    /// The number of the entry that is gone through.
    entry: u32,
    lives: Lives,
    mentions: BTreeMap<ComponentId, Mentions>,
    /// Of all entries.
    chunks: Vec<OwnedChunk>,
}

impl Folded {
    /// Makes one of entries in their order; `allocator` is the one before the first.
    ///
    /// # Errors
    /// [`SnapshotError`] if there is none, if one can't be read or says two things of a
    /// component of an entity, or if they do not follow each other as far as that shows.
    ///
    /// # Complexity
    /// O(n log k) for n values in k entries, and the memory of those.
    pub fn of(
        entries: impl IntoIterator<Item = Result<JournalEntry, SnapshotError>>,
        mut allocator: AllocatorState,
    ) -> Result<Self, SnapshotError> {
        let mut said = Said::default();
        let mut last = None;
        for entry in entries {
            let JournalEntry { tick, changes, head, allocator: given, .. } = entry?;
            allocator = given.apply(&allocator)?;
            last = Some((tick, head));
            said.entry += 1;
            said.lives.end(&changes.died, said.entry);
            for chunk in changes.born {
                said.lives.begin(chunk.ids(), said.entry);
                said.take(chunk, false);
            }
            changes.inserted.into_iter().for_each(|chunk| said.take(chunk, false));
            changes.updated.into_iter().for_each(|chunk| said.take(chunk, true));
            for (component, entities) in &changes.removed {
                let mentions = said.mentions.entry(*component).or_default();
                mentions.add(entities, said.entry, true, None);
            }
        }
        let (tick, head) = last.ok_or_else(|| damaged("a journal without entries"))?;
        said.finish(tick, head, allocator)
    }

    /// Returns how many rows are touched in a place that has a row for each entity, and
    /// in each component a row for each value.
    pub fn len(&self) -> usize {
        let chunks = self.updated.iter().chain(&self.inserted).map(OwnedChunk::len);
        let removed = self.removed.iter().map(|(_, ids)| ids.len());
        self.died.len() + self.born.len() + chunks.chain(removed).sum::<usize>()
    }

    /// Tells whether no row is touched.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl Said {
    /// Takes the values of a chunk, of components that entities had before or not.
    fn take(&mut self, chunk: OwnedChunk, is_there: bool) {
        let number = self.chunks.len() as u32;
        for component in chunk.components().iter() {
            let mentions = self.mentions.entry(component).or_default();
            mentions.add(chunk.ids(), self.entry, is_there, Some(number));
        }
        self.chunks.push(chunk);
    }

    fn finish(
        self,
        tick: u64,
        head: Vec<u8>,
        allocator: AllocatorState,
    ) -> Result<Folded, SnapshotError> {
        let lives = self.lives.in_order()?;
        let (mut updated, mut inserted, mut removed) = (Vec::new(), Vec::new(), Vec::new());
        for (component, mentions) in self.mentions {
            let settled = mentions.settle(component, &lives)?;
            updated.extend(settled.updated(&self.chunks)?);
            inserted.extend(settled.inserted(&self.chunks)?);
            if !settled.removed.is_empty() {
                removed.push((component, settled.removed));
            }
        }
        let (died, born) = (lives.died(), lives.born());
        Ok(Folded { tick, head, allocator, died, born, removed, updated, inserted })
    }
}
