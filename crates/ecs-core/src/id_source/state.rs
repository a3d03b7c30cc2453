//! An id source written down, and what makes it credible.

use serde::{Deserialize, Serialize};

use super::index_set::IndexSet;
use crate::entity::EntityId;

/// Holds all that decides which ids come next.
///
/// Every index below `next_index` belongs to exactly one of: an entity that is
/// alive, a free id, a reserved id, a retired index. So a state is never much
/// greater than its parts, and whoever reads one from untrusted bytes may size
/// tables by `next_index` once
/// [`validate_with_alive`](Self::validate_with_alive) has agreed.
///
/// # Example
/// ```
/// use ecs_core::{AllocatorState, IdSource};
///
/// let mut ids = IdSource::new(0);
/// ids.allocate()?;
/// let mut same = IdSource::from_state(ids.state())?;
/// assert_eq!(same.allocate(), ids.allocate());
/// # Ok::<(), ecs_core::AllocatorError>(())
/// ```
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AllocatorState {
    /// The shard whose ids these are.
    pub shard: u16,
    /// The first index that was never used; `u32::MAX` when there is none left.
    pub next_index: u32,
    /// The ids to give next, last first.
    pub free: Vec<EntityId>,
    /// Ids that are reserved, and neither claimed nor released, ascending.
    pub reserved: Vec<EntityId>,
    /// Indices whose generations are used up, ascending.
    pub retired: Vec<u32>,
}

impl AllocatorState {
    /// Returns how many more ids can be given.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.free.len() as u64 + u64::from(u32::MAX - self.next_index)
    }

    /// Checks all that can be checked without knowing which ids are alive.
    ///
    /// # Complexity
    /// O(n log n) for n ids in the state, and memory for n indices, whatever
    /// `next_index` claims.
    ///
    /// # Errors
    /// The first contradiction found.
    pub fn validate(&self) -> Result<(), AllocatorStateError> {
        self.validate_parts()?;
        // A stable sort takes ascending runs, which these lists often are, as a
        // whole.
        let mut named: Vec<_> = self.named().collect();
        named.sort();
        match named.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(self.repeated(pair[0])),
            None => Ok(()),
        }
    }

    /// Checks the state together with the ids that are alive beside it; those of
    /// other shards are passed over.
    ///
    /// # Complexity
    /// O(n) for n ids in the state and alive, and room for those alive.
    ///
    /// # Errors
    /// As [`validate_with_runs`](Self::validate_with_runs).
    pub fn validate_with_alive(
        &self,
        alive: impl Iterator<Item = EntityId>,
    ) -> Result<(), AllocatorStateError> {
        let alive: Vec<_> = alive.collect();
        self.validate_with_runs(&EntityId::runs(&alive).collect::<Vec<_>>())
    }

    /// As [`validate_with_alive`](Self::validate_with_alive), for ids in runs:
    /// each the first of so many that follow each other.
    ///
    /// # Complexity
    /// O(n + r) for n ids in the state and r runs; and a bit an index, of which 64
    /// are set at once.
    ///
    /// # Errors
    /// The first contradiction found: an alive id that was never given, an index
    /// that occurs twice among alive, free, reserved and retired ones, an index
    /// that occurs nowhere, or what [`validate`](Self::validate) finds.
    pub fn validate_with_runs(&self, alive: &[(EntityId, u32)]) -> Result<(), AllocatorStateError> {
        self.validate_parts()?;
        let home = alive.iter().filter(|(first, _)| first.shard() == self.shard);

        // Counted before anything is sized by `next_index`, which may be a lie.
        let mut count = self.named().count() as u64;
        for &(first, length) in home.clone() {
            self.run_in_range(first, length)?;
            count += u64::from(length);
        }
        let used = u64::from(self.next_index - 1);
        if count < used {
            let (shard, missing) = (self.shard, used - count);
            return Err(AllocatorStateError::Unaccounted { shard, missing });
        }

        let mut seen = IndexSet::new(self.next_index);
        let home = home.map(|(first, length)| (first.index(), *length));
        for (first, length) in self.named().map(|index| (index, 1)).chain(home) {
            seen.insert(first, length).map_err(|index| self.repeated(index))?;
        }
        Ok(())
    }

    /// Checks each part by itself.
    fn validate_parts(&self) -> Result<(), AllocatorStateError> {
        let shard = self.shard;
        if shard > EntityId::MAX_SHARD {
            return Err(AllocatorStateError::NoSuchShard { shard });
        }
        if self.next_index == 0 {
            return Err(AllocatorStateError::ZeroNextIndex { shard });
        }
        for &id in self.free.iter().chain(&self.reserved) {
            if id.shard() != shard {
                return Err(AllocatorStateError::Foreign { id, shard });
            }
            self.in_range(id)?;
        }
        for &index in &self.retired {
            if index == 0 || index >= self.next_index {
                return Err(AllocatorStateError::RetiredOutOfRange { shard, index });
            }
        }
        if !self.reserved.is_sorted() || !self.retired.is_sorted() {
            return Err(AllocatorStateError::Unsorted { shard });
        }
        Ok(())
    }

    fn in_range(&self, id: EntityId) -> Result<(), AllocatorStateError> {
        let next_index = self.next_index;
        if id.index() >= next_index {
            return Err(AllocatorStateError::NeverAllocated { id, next_index });
        }
        Ok(())
    }

    fn run_in_range(&self, first: EntityId, length: u32) -> Result<(), AllocatorStateError> {
        let below = self.next_index.saturating_sub(first.index());
        if length > below {
            let (id, next_index) = (first.offset(below), self.next_index);
            return Err(AllocatorStateError::NeverAllocated { id, next_index });
        }
        Ok(())
    }

    /// The indices that the state names.
    fn named(&self) -> impl Iterator<Item = u32> {
        let ids = self.free.iter().chain(&self.reserved).map(|id| id.index());
        ids.chain(self.retired.iter().copied())
    }

    fn repeated(&self, index: u32) -> AllocatorStateError {
        AllocatorStateError::Repeated { shard: self.shard, index }
    }
}

/// Tells in which way a saved state contradicts itself or the ids alive beside
/// it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllocatorStateError {
    /// There is no shard of this number.
    #[error("there is no shard {shard}: shards run from 0 to {}", EntityId::MAX_SHARD)]
    NoSuchShard {
        /// The number.
        shard: u16,
    },
    /// The next index is 0, which is never given.
    #[error("the next index of shard {shard} is 0, which is never given")]
    ZeroNextIndex {
        /// The state's shard.
        shard: u16,
    },
    /// A free or reserved id belongs to another shard.
    #[error("entity {id} stands in the allocator of shard {shard}")]
    Foreign {
        /// The id.
        id: EntityId,
        /// The state's shard.
        shard: u16,
    },
    /// An id has an index that, by the state, was never used.
    #[error("entity {id} was never allocated: the next index is {next_index}")]
    NeverAllocated {
        /// The id.
        id: EntityId,
        /// The state's next index.
        next_index: u32,
    },
    /// A retired index is 0 or was never used.
    #[error("index {index} of shard {shard} is retired but was never used")]
    RetiredOutOfRange {
        /// The state's shard.
        shard: u16,
        /// The index.
        index: u32,
    },
    /// The reserved ids or the retired indices are not ascending.
    #[error("the reserved ids or retired indices of shard {shard} are not in order")]
    Unsorted {
        /// The state's shard.
        shard: u16,
    },
    /// An index occurs twice among alive, free, reserved and retired ones.
    #[error("index {index} of shard {shard} occurs twice among alive, free, reserved and retired")]
    Repeated {
        /// The state's shard.
        shard: u16,
        /// The index.
        index: u32,
    },
    /// Indices were used, by the state, but are nowhere.
    #[error("{missing} used indices of shard {shard} are not alive, free, reserved or retired")]
    Unaccounted {
        /// The state's shard.
        shard: u16,
        /// How many.
        missing: u64,
    },
}
