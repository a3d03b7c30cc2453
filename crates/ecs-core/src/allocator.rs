//! The specification's entity allocator: an id source that knows who is alive.

#[cfg(test)]
mod tests;

use crate::entity::EntityId;
use crate::id_source::{AllocatorError, AllocatorState, IdSource};

/// Gives entity ids of one shard, takes them back, and knows which are alive.
///
/// Ids are given as [`IdSource`] describes. An id of another shard is never
/// alive here.
///
/// # Example
/// ```
/// use ecs_core::{EntityAllocator, EntityId};
///
/// let mut allocator = EntityAllocator::new(0);
/// let first = allocator.allocate();
/// assert_eq!(first, EntityId::new(0, 1, 0).unwrap());
///
/// allocator.deallocate(first)?;
/// let second = allocator.allocate();
/// assert_eq!(second, EntityId::new(0, 1, 1).unwrap());
/// assert!(allocator.is_alive(second) && !allocator.is_alive(first));
/// # Ok::<(), ecs_core::AllocatorError>(())
/// ```
#[derive(Debug, Clone)]
pub struct EntityAllocator {
    ids: IdSource,
    /// By index: the upper half of the id that is alive, or `NO_HIGH`.
    alive: Vec<u32>,
    alive_count: usize,
}

impl EntityAllocator {
    /// Makes an allocator that has given no id yet.
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

    /// Makes an allocator that has given no id yet.
    ///
    /// # Errors
    /// [`AllocatorError::NoSuchShard`] if `shard` is above
    /// [`EntityId::MAX_SHARD`].
    pub fn try_new(shard: u16) -> Result<Self, AllocatorError> {
        Ok(Self { ids: IdSource::try_new(shard)?, alive: Vec::new(), alive_count: 0 })
    }

    /// Takes an allocator up where [`state`](Self::state) left it, with the ids
    /// that were alive; those of other shards are passed over.
    ///
    /// # Errors
    /// [`AllocatorError::State`] if the state contradicts itself or the ids.
    /// Memory is bounded by the ids that are named, whatever the state claims.
    ///
    /// # Example
    /// ```
    /// use ecs_core::EntityAllocator;
    ///
    /// let mut allocator = EntityAllocator::new(0);
    /// allocator.allocate_many(10);
    /// let mut same = EntityAllocator::from_state(allocator.state(), allocator.iter_alive())?;
    /// assert_eq!(same.allocate(), allocator.allocate());
    /// # Ok::<(), ecs_core::AllocatorError>(())
    /// ```
    pub fn from_state(
        state: AllocatorState,
        alive: impl IntoIterator<Item = EntityId>,
    ) -> Result<Self, AllocatorError> {
        let shard = state.shard;
        let home: Vec<_> = alive.into_iter().filter(|id| id.shard() == shard).collect();
        state.validate_with_runs(&EntityId::runs(&home).collect::<Vec<_>>())?;
        let mut alive = vec![EntityId::NO_HIGH; state.next_index as usize];
        for id in &home {
            alive[id.index() as usize] = id.high();
        }
        Ok(Self { ids: IdSource::from_valid_state(state), alive, alive_count: home.len() })
    }

    /// Writes down all that decides which ids come next, except which are alive:
    /// that is for [`iter_alive`](Self::iter_alive) to say.
    #[must_use]
    pub fn state(&self) -> AllocatorState {
        self.ids.state()
    }

    /// Tells the shard whose ids these are.
    #[must_use]
    pub fn shard(&self) -> u16 {
        self.ids.shard()
    }

    /// Gives the next id, alive from now on.
    ///
    /// # Complexity
    /// O(1), amortised.
    ///
    /// # Panics
    /// If all 2³² − 2 indices of the shard are alive, reserved or retired;
    /// [`try_allocate`](Self::try_allocate) gives an error instead.
    #[inline]
    pub fn allocate(&mut self) -> EntityId {
        self.try_allocate().unwrap_or_else(|error| panic!("{error}"))
    }

    /// Gives the next id, alive from now on.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if all indices are in use.
    #[inline]
    pub fn try_allocate(&mut self) -> Result<EntityId, AllocatorError> {
        let id = self.ids.allocate()?;
        self.enliven(id);
        Ok(id)
    }

    /// Gives the next `count` ids, as so many calls of
    /// [`allocate`](Self::allocate) would.
    ///
    /// # Panics
    /// If fewer are left; [`try_allocate_many`](Self::try_allocate_many) gives an
    /// error instead.
    pub fn allocate_many(&mut self, count: usize) -> Vec<EntityId> {
        self.try_allocate_many(count).unwrap_or_else(|error| panic!("{error}"))
    }

    /// Gives the next `count` ids, as so many calls of
    /// [`allocate`](Self::allocate) would.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if fewer are left; then none is given.
    pub fn try_allocate_many(&mut self, count: usize) -> Result<Vec<EntityId>, AllocatorError> {
        let mut given = Vec::new();
        self.ids.allocate_many(count, &mut given)?;
        self.cover();
        for id in &given {
            self.alive[id.index() as usize] = id.high();
        }
        self.alive_count += given.len();
        Ok(given)
    }

    /// Takes an id back: it is dead, and its index will be given with the next
    /// generation.
    ///
    /// # Complexity
    /// O(1), amortised.
    ///
    /// # Errors
    /// If the id is not alive: [`AllocatorError::Foreign`],
    /// [`AllocatorError::NeverAllocated`] or [`AllocatorError::Dead`].
    #[inline]
    pub fn deallocate(&mut self, id: EntityId) -> Result<(), AllocatorError> {
        if !self.is_alive(id) {
            return Err(self.why_not_alive(id));
        }
        self.alive[id.index() as usize] = EntityId::NO_HIGH;
        self.alive_count -= 1;
        self.ids.recycle(id);
        Ok(())
    }

    /// Takes ids back, wholly or not at all, as [`deallocate`](Self::deallocate)
    /// would one after the other.
    ///
    /// # Errors
    /// What `deallocate` says of the first id that is not alive, or
    /// [`AllocatorError::Repeated`] if an id is listed twice. Then nothing has
    /// changed.
    pub fn deallocate_many(&mut self, ids: &[EntityId]) -> Result<(), AllocatorError> {
        for (position, &id) in ids.iter().enumerate() {
            if !self.is_alive(id) {
                // Those before it were alive, or this would not be the first.
                for earlier in &ids[..position] {
                    self.alive[earlier.index() as usize] = earlier.high();
                }
                let repeated = self.is_alive(id);
                return Err(match repeated {
                    true => AllocatorError::Repeated(id),
                    false => self.why_not_alive(id),
                });
            }
            self.alive[id.index() as usize] = EntityId::NO_HIGH;
        }
        self.alive_count -= ids.len();
        for &id in ids {
            self.ids.recycle(id);
        }
        Ok(())
    }

    /// Tells whether an id was given by this allocator and not taken back.
    ///
    /// # Complexity
    /// O(1): one comparison.
    #[inline]
    #[must_use]
    pub fn is_alive(&self, id: EntityId) -> bool {
        self.alive.get(id.index() as usize) == Some(&id.high())
    }

    /// Tells how many ids are alive.
    #[inline]
    #[must_use]
    pub fn alive_count(&self) -> usize {
        self.alive_count
    }

    /// Lists the ids that are alive, by ascending index.
    ///
    /// # Complexity
    /// O(indices ever used).
    pub fn iter_alive(&self) -> impl Iterator<Item = EntityId> + Clone + '_ {
        // A free slot's upper half makes no id, and neither does index 0.
        (0..).zip(&self.alive).filter_map(|(index, &high)| EntityId::from_halves(high, index).ok())
    }

    /// Takes the next id through a shared reference: named, but not alive until
    /// it is [claimed](Self::claim).
    ///
    /// Lock-free. Which thread gets which id depends on timing.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if all indices are in use.
    ///
    /// # Example
    /// ```
    /// use ecs_core::EntityAllocator;
    ///
    /// let mut allocator = EntityAllocator::new(0);
    /// let id = allocator.reserve()?;
    /// assert!(!allocator.is_alive(id));
    /// allocator.claim(id)?;
    /// assert!(allocator.is_alive(id));
    /// # Ok::<(), ecs_core::AllocatorError>(())
    /// ```
    pub fn reserve(&self) -> Result<EntityId, AllocatorError> {
        self.ids.reserve()
    }

    /// Takes the next `count` ids through a shared reference.
    ///
    /// # Errors
    /// [`AllocatorError::Exhausted`] if fewer are left; then none is reserved.
    pub fn reserve_many(&self, count: usize) -> Result<Vec<EntityId>, AllocatorError> {
        self.ids.reserve_many(count)
    }

    /// Brings a reserved id to life.
    ///
    /// # Errors
    /// [`AllocatorError::NotReserved`] if it is not reserved (any more).
    pub fn claim(&mut self, id: EntityId) -> Result<(), AllocatorError> {
        if !self.ids.claim(id) {
            return Err(AllocatorError::NotReserved(id));
        }
        self.enliven(id);
        Ok(())
    }

    /// Gives a reserved id back unused: the very same id is given next.
    ///
    /// # Errors
    /// [`AllocatorError::NotReserved`] if it is not reserved (any more).
    pub fn release(&mut self, id: EntityId) -> Result<(), AllocatorError> {
        match self.ids.release(id) {
            true => Ok(()),
            false => Err(AllocatorError::NotReserved(id)),
        }
    }

    /// Tells whether an id is reserved, and neither claimed nor released.
    #[must_use]
    pub fn is_reserved(&self, id: EntityId) -> bool {
        self.ids.is_reserved(id)
    }

    #[inline]
    fn enliven(&mut self, id: EntityId) {
        if id.index() as usize >= self.alive.len() {
            self.cover();
        }
        self.alive[id.index() as usize] = id.high();
        self.alive_count += 1;
    }

    /// Makes the table as long as the indices used so far.
    fn cover(&mut self) {
        let length = self.ids.next_index() as usize;
        if length > self.alive.len() {
            self.alive.resize(length, EntityId::NO_HIGH);
        }
    }

    #[cold]
    fn why_not_alive(&self, id: EntityId) -> AllocatorError {
        let shard = self.shard();
        if id.shard() != shard {
            AllocatorError::Foreign { id, shard }
        } else if id.index() >= self.ids.next_index() {
            AllocatorError::NeverAllocated(id)
        } else {
            AllocatorError::Dead(id)
        }
    }
}
