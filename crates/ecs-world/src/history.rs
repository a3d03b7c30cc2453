//! The last ticks of a world, to go back to.

use std::collections::VecDeque;

use ecs_storage_api::{SnapshotError, Storage};

use crate::cut::Cut;
use crate::world::World;

/// The last states of a world, one a tick.
///
/// They share what did not change from one to the next, so that together they cost
/// one copy of the world and the changes. It does not know whose states they are: another
/// world that is given to it to be brought back becomes the one that was recorded.
///
/// # Example
/// ```
/// # use ecs_core::{Component, Description};
/// use ecs_world::{History, Schedule, World};
/// # #[derive(serde::Serialize, serde::Deserialize)]
/// # struct Age(u32);
/// # impl Component for Age {
/// #     fn describe() -> Description<Self> { Description::persistent("docs::history::Age") }
/// # }
/// use ecs_storage_api::Query;
///
/// let mut world = World::new();
/// let one = world.spawn(Age(0));
/// let mut schedule = Schedule::new();
/// schedule.add_system(|mut all: Query<&mut Age>| all.for_each(|age| age.0 += 1));
/// let mut history = History::new(10);
/// for _ in 0..100 {
///     schedule.run(&mut world);
///     history.record(&world)?;
/// }
/// history.rewind(&mut world, 93)?;
/// assert_eq!((world.tick(), world.get::<Age>(one).unwrap().0), (93, 93));
/// # Ok::<(), ecs_world::RewindError>(())
/// ```
#[derive(Debug, Clone)]
pub struct History {
    /// The oldest first.
    cuts: VecDeque<Cut>,
    most: usize,
}

/// Tells why a world could not be brought back.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RewindError {
    /// The tick is not remembered.
    #[error("tick {tick} is not remembered; {}", remembered(oldest, newest))]
    Forgotten {
        /// Which tick was asked for.
        tick: u64,
        /// The first tick that is remembered, if there is one.
        oldest: Option<u64>,
        /// The last one.
        newest: Option<u64>,
    },
    /// The state could not be copied or taken in.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
}

fn remembered(oldest: &Option<u64>, newest: &Option<u64>) -> String {
    match (oldest, newest) {
        (Some(oldest), Some(newest)) => format!("those from {oldest} to {newest} are"),
        _ => "none is".to_owned(),
    }
}

impl History {
    /// Creates one that remembers so many states.
    ///
    /// # Panics
    /// If `most` is 0.
    pub fn new(most: usize) -> Self {
        assert!(most > 0, "a history remembers at least one state");
        Self { cuts: VecDeque::new(), most }
    }

    /// Remembers the state of a world, and forgets the oldest if there are too many.
    /// A state of the same tick is replaced; those of later ticks are another
    /// future, and forgotten.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded.
    ///
    /// # Complexity
    /// As [`World::cut_after`].
    pub fn record<S: Storage>(&mut self, world: &World<S>) -> Result<(), SnapshotError> {
        let cut = match self.cuts.back() {
            Some(last) => world.cut_after(last)?,
            None => world.cut()?,
        };
        self.forget_from(cut.tick);
        if self.cuts.len() == self.most {
            self.cuts.pop_front();
        }
        self.cuts.push_back(cut);
        Ok(())
    }

    fn forget_from(&mut self, tick: u64) {
        while self.cuts.back().is_some_and(|last| last.tick >= tick) {
            self.cuts.pop_back();
        }
    }

    /// Returns the ticks that are remembered, ascending.
    pub fn ticks(&self) -> impl DoubleEndedIterator<Item = u64> + ExactSizeIterator + '_ {
        self.cuts.iter().map(Cut::tick)
    }

    /// Returns the state of a tick, if it is remembered.
    ///
    /// # Complexity
    /// O(log n) for n states.
    pub fn get(&self, tick: u64) -> Option<&Cut> {
        let at = self.cuts.binary_search_by_key(&tick, Cut::tick).ok()?;
        Some(&self.cuts[at])
    }

    fn find(&self, tick: u64) -> Result<&Cut, RewindError> {
        let (oldest, newest) = (self.ticks().next(), self.ticks().next_back());
        self.get(tick).ok_or(RewindError::Forgotten { tick, oldest, newest })
    }

    /// Brings a world back to the state after a tick, and forgets what came later.
    ///
    /// # Errors
    /// [`RewindError`]; then nothing has changed.
    ///
    /// # Complexity
    /// As [`World::restore_cut`]: what was changed since that tick.
    pub fn rewind<S: Storage>(
        &mut self,
        world: &mut World<S>,
        tick: u64,
    ) -> Result<(), RewindError> {
        world.restore_cut(self.find(tick)?)?;
        self.forget_from(tick + 1);
        Ok(())
    }

    /// Makes a world of the state after a tick, like `world` in what it saves; what
    /// is remembered stays.
    ///
    /// # Errors
    /// [`RewindError`].
    pub fn fork<S: Storage + Default>(
        &self,
        world: &World<S>,
        tick: u64,
    ) -> Result<World<S>, RewindError> {
        Ok(world.fork_of(self.find(tick)?)?)
    }

    /// Returns about how many bytes the states hold together.
    ///
    /// # Complexity
    /// O(states × pages).
    pub fn bytes(&self) -> usize {
        let first = self.cuts.front().map_or(0, Cut::bytes);
        let pairs = self.cuts.iter().zip(self.cuts.iter().skip(1));
        first + pairs.map(|(before, next)| next.bytes_beside(before)).sum::<usize>()
    }
}
