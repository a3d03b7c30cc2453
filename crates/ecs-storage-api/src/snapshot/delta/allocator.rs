//! What an allocator gave and took.

use ecs_core::{AllocatorState, EntityId};
use serde::{Deserialize, Serialize};

use super::damaged;
use crate::snapshot::SnapshotError;

/// What is different between two states of an allocator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::snapshot) struct AllocatorDelta {
    shard: u16,
    next_index: u32,
    free: Tail<EntityId>,
    reserved: Vec<EntityId>,
    retired: Tail<u32>,
}

/// How the end of a list changed: how many stay in front, and what follows them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Tail<T> {
    kept: u64,
    more: Vec<T>,
}

impl<T: Clone + PartialEq> Tail<T> {
    fn between(base: &[T], next: &[T]) -> Self {
        let kept = base.iter().zip(next).take_while(|(a, b)| a == b).count();
        Self { kept: kept as u64, more: next[kept..].to_vec() }
    }

    fn apply(&self, base: &[T]) -> Result<Vec<T>, SnapshotError> {
        let kept = usize::try_from(self.kept).ok().and_then(|kept| base.get(..kept));
        let kept = kept.ok_or_else(|| damaged("a delta that keeps more ids than there are"))?;
        Ok([kept, &self.more].concat())
    }

    fn then(&self, later: &Self) -> Result<Self, SnapshotError> {
        let more = later.kept.saturating_sub(self.kept);
        let more = usize::try_from(more).ok().and_then(|more| self.more.get(..more));
        let more = more.ok_or_else(|| damaged("a delta that keeps more ids than there are"))?;
        Ok(Self { kept: self.kept.min(later.kept), more: [more, &later.more].concat() })
    }
}

impl AllocatorDelta {
    pub(in crate::snapshot) fn between(base: &AllocatorState, next: &AllocatorState) -> Self {
        Self {
            shard: next.shard,
            next_index: next.next_index,
            free: Tail::between(&base.free, &next.free),
            reserved: next.reserved.clone(),
            retired: Tail::between(&base.retired, &next.retired),
        }
    }

    pub(in crate::snapshot) fn apply(
        &self,
        base: &AllocatorState,
    ) -> Result<AllocatorState, SnapshotError> {
        Ok(AllocatorState {
            shard: self.shard,
            next_index: self.next_index,
            free: self.free.apply(&base.free)?,
            reserved: self.reserved.clone(),
            retired: self.retired.apply(&base.retired)?,
        })
    }

    pub(super) fn then(&self, later: &Self) -> Result<Self, SnapshotError> {
        Ok(Self {
            shard: later.shard,
            next_index: later.next_index,
            free: self.free.then(&later.free)?,
            reserved: later.reserved.clone(),
            retired: self.retired.then(&later.retired)?,
        })
    }
}
