//! Which id comes next, without knowing which ids are alive.
//!
//! A backend keeps liveness where it is cheapest for it: [`EntityAllocator`] in
//! a table of generations, an archetypal store in its table of locations. All of
//! them draw their ids from an [`IdSource`], and so the same operations give the
//! same ids on every backend.
//!
//! [`EntityAllocator`]: crate::EntityAllocator

mod index_set;
mod pending;
mod runs;
mod state;
#[cfg(test)]
mod tests;

use std::num::NonZeroU32;
use std::ops::Range;

use ahash::AHashSet;

use crate::entity::EntityId;
use crate::memory::OutOfMemory;

use pending::Pending;
pub use state::{AllocatorState, AllocatorStateError};

/// Gives entity ids of one shard, each once.
///
/// Recycled indices come first, the last recycled one at the head; then indices
/// never used before, in ascending order from 1. It trusts its owner to recycle
/// only ids that it gave and that are dead from then on.
///
/// Ids can be reserved through `&self`, from several threads. A reserved id is
/// named, so nothing else gets it, but it is not alive until its owner
/// [claims](Self::claim) it. Reserving takes the very ids that allocating would.
///
/// # Example
/// ```
/// use ecs_core::{EntityId, IdSource};
///
/// let mut ids = IdSource::new(0);
/// let first = ids.allocate()?;
/// assert_eq!(first, EntityId::new(0, 1, 0).unwrap());
/// ids.recycle(first);
/// assert_eq!(ids.allocate()?, EntityId::new(0, 1, 1).unwrap());
/// # Ok::<(), ecs_core::AllocatorError>(())
/// ```
#[derive(Debug)]
pub struct IdSource {
    shard: u16,
    /// The first index that was never used; `u32::MAX` when there is none left.
    next_index: NonZeroU32,
    /// The ids to give next, last first; generations are already raised.
    free: Vec<EntityId>,
    /// How many ids were reserved since the last settling: the first so many of
    /// those that `allocate` would give. `free` and `next_index` stand still while
    /// it is raised.
    pending: Pending,
    /// Ids that were reserved, and neither claimed nor released.
    reserved: AHashSet<EntityId>,
    /// Indices whose generations are used up.
    retired: Vec<u32>,
}

impl IdSource {
    /// Makes a source that has given no id yet.
    ///
    /// # Panics
    /// If `shard` is above [`EntityId::MAX_SHARD`]; [`try_new`](Self::try_new)
    /// gives an error instead.
    #[must_use]
    #[track_caller]
    pub fn new(shard: u16) -> Self {
        match Self::try_new(shard) {
            Ok(new) => new,
            Err(error) => panic!("{error}"),
        }
    }

    /// Makes a source that has given no id yet.
    ///
    /// # Errors
    /// [`AllocatorError::NoSuchShard`] if `shard` is above
    /// [`EntityId::MAX_SHARD`].
    pub fn try_new(shard: u16) -> Result<Self, AllocatorError> {
        if shard > EntityId::MAX_SHARD {
            return Err(AllocatorError::NoSuchShard { shard });
        }
        Ok(Self {
            shard,
            next_index: NonZeroU32::MIN,
            free: Vec::new(),
            pending: Pending::new(0),
            reserved: AHashSet::new(),
            retired: Vec::new(),
        })
    }

    /// Takes a source up where [`state`](Self::state) left it.
    ///
    /// # Errors
    /// [`AllocatorError::State`] if the state contradicts itself. Whether it
    /// agrees with the ids that are alive is for
    /// [`AllocatorState::validate_with_alive`] to say.
    pub fn from_state(state: AllocatorState) -> Result<Self, AllocatorError> {
        state.validate()?;
        Ok(Self::from_valid_state(state))
    }

    /// Takes a source up from a state that has been validated.
    pub(crate) fn from_valid_state(state: AllocatorState) -> Self {
        let AllocatorState { shard, next_index, free, reserved, retired } = state;
        Self {
            shard,
            next_index: NonZeroU32::new(next_index).expect("a valid state's next index is not 0"),
            free,
            pending: Pending::new(0),
            reserved: reserved.into_iter().collect(),
            retired,
        }
    }

    /// Writes down all that decides which ids come next.
    ///
    /// Reservations count as settled; the source itself is left as it is.
    ///
    /// # Complexity
    /// O(f + r log r) for f free and r reserved or retired ids.
    #[must_use]
    pub fn state(&self) -> AllocatorState {
        let pending = self.pending();
        let (kept, fresh) = self.split(pending);
        let mut reserved: Vec<_> = self.reserved.iter().copied().collect();
        reserved.extend(self.next_ids(pending));
        reserved.sort_unstable();
        let mut retired = self.retired.clone();
        retired.sort_unstable();
        AllocatorState {
            shard: self.shard,
            next_index: self.next_index.get() + fresh,
            free: self.free[..kept].to_vec(),
            reserved,
            retired,
        }
    }

    /// Tells the shard whose ids these are.
    #[inline]
    #[must_use]
    pub fn shard(&self) -> u16 {
        self.shard
    }

    /// Tells the first index that was never used: every id given so far has a
    /// smaller one. Ids that are reserved but not settled do not count yet.
    #[inline]
    #[must_use]
    pub fn next_index(&self) -> u32 {
        self.next_index.get()
    }

    /// Gives the next id.
    ///
    /// # Complexity
    /// O(1), about a nanosecond.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if all indices are in use.
    #[inline]
    pub fn allocate(&mut self) -> Result<EntityId, AllocatorError> {
        self.settle();
        if let Some(id) = self.free.pop() {
            return Ok(id);
        }
        let index = self.next_index;
        if index == NonZeroU32::MAX {
            return Err(AllocatorError::Exhausted { shard: self.shard });
        }
        self.next_index = index.saturating_add(1);
        Ok(EntityId::first(self.shard, index))
    }

    /// Returns what [`next_index`](Self::next_index) will be when `count` more ids
    /// are allocated, or as many as there are: a table by index needs as many
    /// places.
    #[must_use]
    pub fn next_index_after(&self, count: usize) -> u32 {
        let count = (count as u64).saturating_add(self.pending()).min(self.capacity());
        self.next_index.get() + self.split(count).1
    }

    /// Returns how many more ids can be given.
    #[must_use]
    pub fn available(&self) -> u64 {
        self.capacity() - self.pending()
    }

    /// Returns a number above the index of each of the next `count` ids, of which
    /// there must be so many: a table by index needs as many places for them.
    ///
    /// # Complexity
    /// O(count).
    #[must_use]
    pub fn end_of_next(&self, count: usize) -> u32 {
        let pending = self.pending();
        match self.split(pending + count as u64) {
            (kept, 0) => {
                let recycled = self.free[kept..].iter().take(count);
                recycled.map(|id| id.index() + 1).max().unwrap_or(0)
            }
            (_, fresh) if count > 0 => self.next_index.get() + fresh,
            _ => 0,
        }
    }

    /// Appends the next `count` ids to `out`: those that so many calls of
    /// [`allocate`](Self::allocate) would give, in that order.
    ///
    /// Returns the indices among them that were never used before. They are the
    /// last ones of the batch, ascending, so that a table by index can take them
    /// in one go.
    ///
    /// # Complexity
    /// O(count), at the speed of memory.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if fewer than `count` ids are left; then
    /// none is given.
    ///
    /// # Example
    /// ```
    /// use ecs_core::{EntityId, IdSource};
    ///
    /// let mut ids = IdSource::new(0);
    /// let first = ids.allocate()?;
    /// ids.recycle(first);
    /// let mut batch = Vec::new();
    /// assert_eq!(ids.allocate_many(3, &mut batch)?, 2..4);
    /// assert_eq!(batch, ["0:1v1", "0:2v0", "0:3v0"].map(|id| id.parse().unwrap()));
    /// # Ok::<(), ecs_core::AllocatorError>(())
    /// ```
    pub fn allocate_many(
        &mut self,
        count: usize,
        out: &mut impl Extend<EntityId>,
    ) -> Result<Range<u32>, AllocatorError> {
        self.settle();
        let count = count as u64;
        if count > self.capacity() {
            return Err(AllocatorError::Exhausted { shard: self.shard });
        }
        let (kept, fresh) = self.split(count);
        // Two calls rather than one over a chain: each is a loop over memory.
        out.extend(self.free[kept..].iter().rev().copied());
        let start = self.next_index;
        out.extend(self.fresh_ids(fresh));
        self.free.truncate(kept);
        self.next_index = start.saturating_add(fresh);
        Ok(start.get()..self.next_index.get())
    }

    /// Takes an index back: it will be given with the next generation.
    ///
    /// Returns whether the index is retired instead, since `id` had the last
    /// generation. The id must be one that this source gave and must be dead from
    /// now on; recycling it twice would give an id twice.
    ///
    /// # Complexity
    /// O(1), amortised.
    #[inline]
    pub fn recycle(&mut self, id: EntityId) -> bool {
        debug_assert_eq!(id.shard(), self.shard, "{id} is not of shard {}", self.shard);
        self.settle();
        debug_assert!(id.index() < self.next_index.get(), "{id} was never given");
        match id.next_generation() {
            Some(next) => {
                self.free.push(next);
                false
            }
            None => {
                self.retire(id.index());
                true
            }
        }
    }

    /// As [`recycle`](Self::recycle), if that takes no more than to write the id
    /// down; returns whether it did. If not, nothing has happened.
    #[inline]
    pub fn recycle_at_once(&mut self, id: EntityId) -> bool {
        let Some(next) = id.next_generation() else { return false };
        if self.pending() != 0 || self.free.len() == self.free.capacity() {
            return false;
        }
        debug_assert_eq!(id.shard(), self.shard, "{id} is not of shard {}", self.shard);
        debug_assert!(id.index() < self.next_index.get(), "{id} was never given");
        self.free.push(next);
        true
    }

    /// Takes the indices of several ids back, in order; ids of other shards are
    /// passed over.
    ///
    /// # Complexity
    /// O(ids), at the speed of memory.
    pub fn recycle_many(&mut self, ids: &[EntityId]) {
        self.settle();
        self.free.reserve(ids.len());
        let home = self.shard;
        for &id in ids.iter().filter(|id| id.shard() == home) {
            match id.next_generation() {
                Some(next) => self.free.push(next),
                None => self.retire(id.index()),
            }
        }
    }

    /// Makes room to take `ids` back and to end reservations, so that neither asks
    /// for memory; ids of other shards are passed over.
    ///
    /// # Errors
    /// [`OutOfMemory`] if it is refused; then nothing has changed.
    pub fn try_reserve_recycled(&mut self, ids: &[EntityId]) -> Result<(), OutOfMemory> {
        let home = || ids.iter().filter(|id| id.shard() == self.shard);
        let retired = home().filter(|id| id.next_generation().is_none()).count();
        let (freed, pending) = (home().count(), self.pending() as usize);
        let refused = |count: usize, size| move |_| OutOfMemory { bytes: count * size };
        let size = size_of::<EntityId>();
        self.free.try_reserve(freed).map_err(refused(freed, size))?;
        self.retired.try_reserve(retired).map_err(refused(retired, size_of::<u32>()))?;
        self.reserved.try_reserve(pending).map_err(refused(pending, size))?;
        self.settle();
        Ok(())
    }

    #[cold]
    fn retire(&mut self, index: u32) {
        self.retired.push(index);
    }

    /// Gives back the memory that the ids in it don't need.
    pub fn shrink_to_fit(&mut self) {
        self.free.shrink_to_fit();
        self.reserved.shrink_to_fit();
        self.retired.shrink_to_fit();
    }

    /// Takes the next id through a shared reference: named, but not alive until
    /// it is [claimed](Self::claim).
    ///
    /// Lock-free. Which thread gets which id depends on timing.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if all indices are in use.
    #[inline]
    pub fn reserve(&self) -> Result<EntityId, AllocatorError> {
        let position = self.advance_pending(1)?;
        Ok(self.nth_id(position))
    }

    /// Takes the next `count` ids through a shared reference.
    ///
    /// Lock-free; the ids follow each other as if no other thread were reserving.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if fewer than `count` ids are left; then
    /// none is reserved.
    pub fn reserve_many(&self, count: usize) -> Result<Vec<EntityId>, AllocatorError> {
        let start = self.advance_pending(count as u64)?;
        Ok((start..start + count as u64).map(|position| self.nth_id(position)).collect())
    }

    /// Moves the ids that were reserved through `&self` into the set of reserved
    /// ids.
    ///
    /// Every method with `&mut self` does this first.
    ///
    /// # Complexity
    /// One comparison if nothing was reserved since the last time, otherwise
    /// O(number of ids reserved).
    #[inline]
    pub fn settle(&mut self) {
        if self.pending() != 0 {
            self.settle_pending();
        }
    }

    #[cold]
    #[inline(never)]
    fn settle_pending(&mut self) {
        let pending = self.pending.take();
        let (kept, fresh) = self.split(pending);
        let fresh_ids = self.fresh_ids(fresh);
        self.reserved.extend(self.free.drain(kept..));
        self.reserved.extend(fresh_ids);
        self.next_index = self.next_index.saturating_add(fresh);
    }

    /// Ends a reservation because the id comes to life; the caller makes it so.
    /// Returns whether it was reserved.
    #[inline]
    pub fn claim(&mut self, id: EntityId) -> bool {
        self.settle();
        self.reserved.remove(&id)
    }

    /// Ends a reservation without using the id: it never was alive, so the very
    /// same id is given next. Returns whether it was reserved.
    #[inline]
    pub fn release(&mut self, id: EntityId) -> bool {
        let was_reserved = self.claim(id);
        if was_reserved {
            self.free.push(id);
        }
        was_reserved
    }

    /// Tells whether an id is reserved, and neither claimed nor released.
    ///
    /// # Complexity
    /// O(1), plus one step for each recycled id that was reserved since the last
    /// settling.
    #[must_use]
    pub fn is_reserved(&self, id: EntityId) -> bool {
        if self.reserved.contains(&id) {
            return true;
        }
        let (kept, fresh) = self.split(self.pending());
        let next = u64::from(self.next_index.get());
        let is_fresh = id.shard() == self.shard
            && id.generation() == 0
            && (next..next + u64::from(fresh)).contains(&u64::from(id.index()));
        is_fresh || self.free[kept..].contains(&id)
    }

    /// Tells how many ids are reserved, and neither claimed nor released.
    #[must_use]
    pub fn reserved_count(&self) -> usize {
        self.reserved.len() + self.pending() as usize
    }

    fn pending(&self) -> u64 {
        self.pending.get()
    }

    /// How many ids can be given before the first of them is settled.
    fn capacity(&self) -> u64 {
        self.free.len() as u64 + u64::from(u32::MAX - self.next_index.get())
    }

    /// Says what taking `count` ids means: how many of the free ids are kept, and
    /// how many ids are fresh. The count must be within the capacity.
    fn split(&self, count: u64) -> (usize, u32) {
        let recycled = count.min(self.free.len() as u64);
        (self.free.len() - recycled as usize, (count - recycled) as u32)
    }

    /// The first ids of the next `count` indices. Borrows nothing.
    fn fresh_ids(&self, count: u32) -> impl Iterator<Item = EntityId> + use<> {
        let first = EntityId::first(self.shard, self.next_index);
        (0..count).map(move |offset| first.offset(offset))
    }

    /// The next `count` ids, in the order in which they are given.
    fn next_ids(&self, count: u64) -> impl Iterator<Item = EntityId> {
        let (kept, fresh) = self.split(count);
        self.free[kept..].iter().rev().copied().chain(self.fresh_ids(fresh))
    }

    /// The id at a position in the order in which they are given.
    #[inline]
    fn nth_id(&self, position: u64) -> EntityId {
        let recycled = self.free.len() as u64;
        if position < recycled {
            return self.free[(recycled - 1 - position) as usize];
        }
        EntityId::first(self.shard, self.next_index).offset((position - recycled) as u32)
    }

    /// Counts `count` more reservations and returns the first one's position.
    #[inline]
    fn advance_pending(&self, count: u64) -> Result<u64, AllocatorError> {
        let position = self.pending.advance(count, self.capacity());
        position.ok_or(AllocatorError::Exhausted { shard: self.shard })
    }
}

impl Clone for IdSource {
    /// Makes a second source that gives the same ids from here on.
    fn clone(&self) -> Self {
        Self {
            shard: self.shard,
            next_index: self.next_index,
            free: self.free.clone(),
            pending: Pending::new(self.pending()),
            reserved: self.reserved.clone(),
            retired: self.retired.clone(),
        }
    }
}

/// Tells why an id could not be given or taken back.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum AllocatorError {
    /// There is no shard of this number.
    #[error("there is no shard {shard}: shards run from 0 to {}", EntityId::MAX_SHARD)]
    NoSuchShard {
        /// The number.
        shard: u16,
    },
    /// The shard has not as many unused indices as were asked for.
    #[error("shard {shard} has run out of entity indices")]
    Exhausted {
        /// The shard.
        shard: u16,
    },
    /// The id was given by another shard.
    #[error("entity {id} is not of shard {shard}")]
    Foreign {
        /// The id.
        id: EntityId,
        /// The shard that was asked.
        shard: u16,
    },
    /// The id's index was never given by this shard.
    #[error("entity {0} was never allocated")]
    NeverAllocated(EntityId),
    /// The id is not alive: its entity is gone, or its reservation is unclaimed.
    #[error("entity {0} is not alive")]
    Dead(EntityId),
    /// The id is listed twice where it may be listed once.
    #[error("entity {0} is listed twice")]
    Repeated(EntityId),
    /// The id is not reserved.
    #[error("entity {0} is not reserved")]
    NotReserved(EntityId),
    /// A saved state contradicts itself or the ids that are alive.
    #[error(transparent)]
    State(#[from] AllocatorStateError),
}
