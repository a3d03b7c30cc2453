//! A world in memory, and the store that it is committed to, if there is one.

use std::fmt;
use std::ops::{Deref, DerefMut};
use std::time::{Duration, Instant};

use ecs::prelude::*;
use ecs::remote::Archive;
use ecs::{Durable, DurableError, DurableOptions, Origin, Storage};

use super::empty_world;
use super::state::Course;
use crate::cli::Backend;
use crate::parameters::Parameters;

/// A world as a store's last commit left it, or an empty one for an empty store.
#[derive(Debug)]
pub struct Stored {
    world: Durable<Box<dyn Storage>>,
}

/// Tells why a store can't be gone on from, or does not keep the world.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StoreError {
    /// The store failed, or refused.
    #[error(transparent)]
    Durable(#[from] DurableError),
    /// It holds something else.
    #[error("it holds rows, and not those of an epidemic")]
    Other,
    /// Its rows no longer fit what was counted on the way.
    #[error("others have changed its rows since the last commit, so that the run can't go on")]
    Changed,
}

impl StoreError {
    /// Tells whether the same may go well later.
    #[must_use]
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Durable(error) if error.is_retryable())
    }
}

impl Stored {
    /// Opens a store.
    ///
    /// # Errors
    /// When it fails, or holds something else than an epidemic.
    pub fn open(
        archive: impl Archive + 'static,
        backend: Backend,
        options: DurableOptions,
    ) -> Result<Self, StoreError> {
        let world = options.open(empty_world(backend), archive)?;
        let is_whole = world.world().resource::<Parameters>().is_some()
            && world.world().resource::<Course>().is_some();
        match world.origin() {
            Origin::World => Ok(Self { world }),
            Origin::Commit if is_whole => Ok(Self { world }),
            Origin::ChangedCommit if is_whole => Err(StoreError::Changed),
            _ => Err(StoreError::Other),
        }
    }

    /// The parameters of the run that is in it, and how many ticks that has behind it.
    #[must_use]
    pub fn run(&self) -> Option<(Parameters, u32)> {
        let parameters = self.world.world().resource::<Parameters>()?.clone();
        let tick = self.world.world().resource::<Course>()?.tick;
        Some((parameters, tick))
    }

    /// Brings the store's tables to its last commit.
    ///
    /// # Errors
    /// When the store fails.
    pub fn fold(&mut self) -> Result<(), StoreError> {
        Ok(self.world.fold()?)
    }

    /// One number for the whole state.
    ///
    /// # Panics
    /// Never: every component of the model can be encoded.
    #[must_use]
    pub fn state_hash(&self) -> u64 {
        self.world.world().state_hash().expect("numbers can be encoded")
    }

    pub(super) fn into_kept(self) -> Kept {
        let committed = self.run().map(|(_, tick)| tick);
        let (pause, folding) = (Duration::ZERO, Duration::ZERO);
        let keeping = Keeping { world: self.world, committed, pause, folding };
        Kept::InStore(Box::new(keeping))
    }
}

/// A world that is, or is not, committed while it runs.
pub(super) enum Kept {
    InMemory(Box<World<Box<dyn Storage>>>),
    InStore(Box<Keeping>),
}

/// A world with the store that it is committed to.
pub(super) struct Keeping {
    world: Durable<Box<dyn Storage>>,
    /// The tick of the last commit that was begun.
    committed: Option<u32>,
    /// For how long the world has stood still.
    pause: Duration,
    /// For how long its end was put off for the tables.
    folding: Duration,
}

impl Keeping {
    /// Begins the commit of a tick, unless that was begun before.
    pub(super) fn commit(&mut self, tick: u32) -> Result<(), StoreError> {
        if self.committed == Some(tick) {
            return Ok(());
        }
        self.committed = Some(tick);
        self.pausing(Durable::commit)
    }

    /// Begins the commit of a tick, unless the world skips and there is no room for it.
    pub(super) fn commit_if_room(&mut self) -> Result<(), StoreError> {
        self.pausing(Durable::commit_if_due)
    }

    /// Does something for which the world stands still.
    fn pausing<T>(
        &mut self,
        doing: impl FnOnce(&mut Durable<Box<dyn Storage>>) -> Result<T, DurableError>,
    ) -> Result<(), StoreError> {
        let start = Instant::now();
        let outcome = doing(&mut self.world);
        self.pause += start.elapsed();
        outcome?;
        Ok(())
    }

    /// Waits until all that was begun is committed, and tries again what failed.
    pub(super) fn wait(&mut self) -> Result<(), StoreError> {
        self.pausing(Durable::wait)
    }

    /// Brings the tables to the last commit.
    pub(super) fn fold(&mut self) -> Result<(), StoreError> {
        let start = Instant::now();
        let outcome = self.world.fold();
        self.folding += start.elapsed();
        Ok(outcome?)
    }

    pub(super) fn folding(&self) -> Duration {
        self.folding
    }

    pub(super) fn pause(&self) -> Duration {
        self.pause
    }
}

impl Kept {
    pub(super) fn in_memory(world: World<Box<dyn Storage>>) -> Self {
        Self::InMemory(Box::new(world))
    }
}

impl Deref for Kept {
    type Target = World<Box<dyn Storage>>;

    fn deref(&self) -> &Self::Target {
        match self {
            Self::InMemory(world) => world,
            Self::InStore(keeping) => keeping.world.world(),
        }
    }
}

impl DerefMut for Kept {
    fn deref_mut(&mut self) -> &mut Self::Target {
        match self {
            Self::InMemory(world) => world,
            Self::InStore(keeping) => keeping.world.world_mut(),
        }
    }
}

impl fmt::Debug for Kept {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        (**self).fmt(f)
    }
}
