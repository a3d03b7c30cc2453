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
    /// As [`validate_with_slices`](Self::validate_with_slices).
    pub fn validate_with_alive(
        &self,
        alive: impl Iterator<Item = EntityId>,
    ) -> Result<(), AllocatorStateError> {
        let alive: Vec<_> = alive.collect();
        self.validate_with_slices(std::iter::once(&alive[..])).map(drop)
    }

    /// As [`validate_with_alive`](Self::validate_with_alive), for ids that lie in
    /// slices; returns how many of them are of this shard.
    ///
    /// # Complexity
    /// O(n) for n ids in the state and alive, a cycle or two for an id that
    /// follows the one before; and a bit an id.
    ///
    /// # Errors
    /// The first contradiction found: an alive id that was never given, an index
    /// that occurs twice among alive, free, reserved and retired ones, an index
    /// that occurs nowhere, or what [`validate`](Self::validate) finds.
    pub fn validate_with_slices<'a>(
        &self,
        alive: impl Iterator<Item = &'a [EntityId]> + Clone,
    ) -> Result<usize, AllocatorStateError> {
        self.validate_parts()?;
        let named = self.named().count();
        // Before anything is sized by `next_index`, which may be a lie.
        self.all_accounted(named + alive.clone().map(<[_]>::len).sum::<usize>())?;

        let mut seen = IndexSet::new(self.next_index);
        for index in self.named() {
            seen.insert(index, 1).map_err(|index| self.repeated(index))?;
        }
        let mut home = 0;
        for run in alive.flat_map(EntityId::runs) {
            let (first, last) = (run[0], run[run.len() - 1]);
            if first.shard() != self.shard {
                continue;
            }
            self.in_range(last)?;
            seen.insert(first.index(), run.len()).map_err(|index| self.repeated(index))?;
            home += run.len();
        }
        self.all_accounted(named + home)?;
        Ok(home)
    }

    /// Checks that `count` different indices are all that were used.
    fn all_accounted(&self, count: usize) -> Result<(), AllocatorStateError> {
        match u64::from(self.next_index - 1).checked_sub(count as u64) {
            None | Some(0) => Ok(()),
            Some(missing) => Err(AllocatorStateError::Unaccounted { shard: self.shard, missing }),
        }
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
