//! Whom a command is about.

use std::fmt;
use std::hash::{Hash, Hasher};
use std::num::NonZeroU64;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::EntityId;

/// The entity a command is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Target {
    /// One that lives already.
    Entity(EntityId),
    /// One that an earlier command of the same buffer makes.
    Spawned(Spawned),
}

/// Stands for an entity that a command is going to make; later commands of the
/// same buffer can use it. The id is given when the buffer is applied.
///
/// Each [`Commands`](crate::Commands) of a system is a buffer of its own, and so is
/// that of each call in a parallel query. To use a handle in another buffer is a
/// panic.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Spawned {
    buffer: BufferId,
    /// The how manieth of the buffer's.
    index: u32,
}

/// Names a buffer in which entities are made.
#[derive(Clone, Copy, PartialEq, Eq)]
struct BufferId(NonZeroU64);

impl From<EntityId> for Target {
    fn from(entity: EntityId) -> Self {
        Self::Entity(entity)
    }
}

impl From<Spawned> for Target {
    fn from(spawned: Spawned) -> Self {
        Self::Spawned(spawned)
    }
}

// The buffer's name depends on how many there were before, on any thread: nothing
// that can be seen may.
impl Hash for Spawned {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.index.hash(state);
    }
}

impl fmt::Debug for Spawned {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Spawned").field(&self.index).finish()
    }
}

/// Hands out the handles of a buffer, and knows them again.
#[derive(Default)]
pub(super) struct Handles {
    /// From the first handle on.
    buffer: Option<BufferId>,
    count: u32,
    /// Those before are of no use any more.
    first: u32,
}

impl Handles {
    pub(super) fn count(&self) -> u32 {
        self.count
    }

    /// Makes the next handle.
    pub(super) fn make(&mut self) -> Spawned {
        let buffer = *self.buffer.get_or_insert_with(BufferId::new);
        let index = self.count;
        self.count += 1;
        Spawned { buffer, index }
    }

    /// Has the handles that were made be of no use from here on.
    pub(super) fn end(&mut self) {
        self.first = self.count;
    }

    /// Makes room for so many handles of another buffer.
    pub(super) fn extend(&mut self, count: u32) {
        self.count += count;
    }

    /// Returns the entity that a target stands for when the buffer is applied.
    ///
    /// # Panics
    /// If it is a handle of another buffer.
    #[track_caller]
    pub(super) fn know(&self, target: Target) -> Entity {
        match target {
            Target::Entity(entity) => Entity::Living(entity),
            Target::Spawned(Spawned { buffer, index }) => {
                let own = self.buffer == Some(buffer) && index >= self.first;
                assert!(
                    own,
                    "a handle of a spawn stands for nothing in another buffer of commands"
                );
                Entity::Made(index)
            }
        }
    }
}

impl BufferId {
    fn new() -> Self {
        static BUFFERS: AtomicU64 = AtomicU64::new(1);
        // Relaxed: no two are equal, and nothing else is asked of them.
        let number = BUFFERS.fetch_add(1, Ordering::Relaxed);
        Self(NonZeroU64::new(number).expect("nobody makes 2^64 buffers"))
    }
}

/// An entity as a recorded command names it.
#[derive(Clone, Copy)]
pub(super) enum Entity {
    Living(EntityId),
    /// The how manieth that the buffer makes.
    Made(u32),
}

impl Entity {
    /// Returns the same behind so many that another buffer makes before.
    pub(super) fn behind(self, offset: u32) -> Self {
        match self {
            Self::Made(index) => Self::Made(index + offset),
            living @ Self::Living(_) => living,
        }
    }

    pub(super) fn resolve(self, made: &[EntityId]) -> EntityId {
        match self {
            Self::Living(entity) => entity,
            Self::Made(index) => made[index as usize],
        }
    }
}
