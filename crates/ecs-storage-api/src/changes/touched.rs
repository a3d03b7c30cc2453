//! Which entities have come, gone, or got other components since a moment.

use ahash::AHashSet;
use ecs_core::{ComponentId, EntityId, ErasedSlice};

use super::batches::Batches;
use crate::bits::numbers;
use crate::error::StorageError;
use crate::reserve::{reserve_list, reserve_set};

const WORD: usize = u64::BITS as usize;

/// Entities that came, went, or gained or lost components.
///
/// Of those of the store's own shard it is the index that is told, once: whoever had it
/// before and whoever has it now are touched. Beside them there are entities that changed
/// [in batches](Self::in_batches).
#[derive(Debug, Clone, Default)]
pub struct Touched {
    /// A bit for each index of the home shard, up to the last that was touched.
    home: Vec<u64>,
    foreign: AHashSet<EntityId>,
    batches: Batches,
    /// Whether there were so many batches that their entities are told of as all others.
    is_full: bool,
}

impl Touched {
    /// Makes room for the indices below `end`, and for so many ids of other shards: of
    /// those nothing that is noted afterwards asks for memory.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused.
    pub(crate) fn try_reserve(&mut self, end: usize, foreign: usize) -> Result<(), StorageError> {
        const WHAT: &str = "the entities that are touched";
        let missing = end.div_ceil(WORD).saturating_sub(self.home.len());
        reserve_list(&mut self.home, missing, WHAT)?;
        self.home.resize(self.home.len() + missing, 0);
        let missing = foreign.saturating_sub(self.foreign.len());
        reserve_set(&mut self.foreign, missing, WHAT)
    }

    /// Notes an entity of the home shard.
    #[inline]
    pub(crate) fn note_home(&mut self, index: u32) {
        let word = index as usize / WORD;
        if word >= self.home.len() {
            self.home.resize((word + 1).next_power_of_two(), 0);
        }
        self.home[word] |= 1 << (index as usize % WORD);
    }

    /// Notes an entity that another shard named.
    pub(crate) fn note_foreign(&mut self, entity: EntityId) {
        self.foreign.insert(entity);
    }

    /// Notes that entities of the home shard lose some components, and get values of
    /// others, one for each; of these is told what they change of an entity, and no more.
    /// Returns false if they are to be noted one by one. `most` entities are told of in
    /// this way, and if there are more, as all others.
    pub(crate) fn note_batch(
        &mut self,
        entities: &[EntityId],
        lost: &[ComponentId],
        came: &[ErasedSlice<'_>],
        most: usize,
    ) -> bool {
        if entities.is_empty() {
            return true;
        }
        if !self.is_full && self.batches.ids().len() + entities.len() > most {
            self.is_full = true;
            for id in std::mem::take(&mut self.batches).ids() {
                self.note_home(id.index());
            }
        }
        !self.is_full && self.batches.try_add(entities, lost, came)
    }

    /// Returns entities of the home shard that lost and got components by lists, for each
    /// time that they did. Of those that are not told of otherwise, and do not lie in a
    /// page that was written, nothing else has changed.
    pub fn in_batches(&self) -> &[EntityId] {
        self.batches.ids()
    }

    /// Gives up what is known of those that are touched: a bit for each index of the home
    /// shard, and the batches.
    pub(crate) fn into_parts(self) -> (Vec<u64>, Batches) {
        (self.home, self.batches)
    }

    /// Returns the indices of the home shard, in ascending order.
    pub fn home(&self) -> impl Iterator<Item = u32> + '_ {
        numbers(&self.home)
    }

    /// Returns the entities that other shards named, in any order.
    pub fn foreign(&self) -> impl Iterator<Item = EntityId> + '_ {
        self.foreign.iter().copied()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_is_told_once_and_in_order() {
        let mut touched = Touched::default();
        for index in [700, 3, 64, 63, 700, 0] {
            touched.note_home(index);
        }
        assert_eq!(touched.home().collect::<Vec<_>>(), [0, 3, 63, 64, 700]);
        let stranger = EntityId::new(7, 3, 1).unwrap();
        touched.note_foreign(stranger);
        touched.note_foreign(stranger);
        assert_eq!(touched.foreign().collect::<Vec<_>>(), [stranger]);
    }
}
