//! A world that runs in memory, and whose ticks are kept in a database.

mod committer;

use std::fmt;

use ecs_core::AllocatorState;
use ecs_storage_api::remote::{Archive, Version};
use ecs_storage_api::snapshot::{Moment, ReadOptions, Replica, RowCapture};
use ecs_storage_api::{RemoteError, SnapshotError, Storage};
use pollster::block_on;

use crate::state::Head;
use crate::world::World;
use committer::{Committer, Due, Kept};

/// A world that runs at the speed of memory, and is committed to an [`Archive`] in the
/// background: a database that holds its rows.
///
/// A commit brings what has changed since the one before, in one transaction. To begin
/// one costs a [copy](RowCapture) of what may have; another thread compares that with a
/// [replica](Replica) of what the archive holds, and sends it. If the archive is slower than the world, the
/// world waits: no more than [`ahead`](DurableOptions::ahead) commits do.
///
/// While that thread works, and while the archive does if it is on this machine, the
/// parallel work of worlds does with one processor less: on all of them the world would
/// wait for threads that have to share one.
///
/// To bring a commit to rows costs as much as the rows it touches. An archive that keeps a
/// [journal](Archive#journal) can be given commits as bytes instead, whose rows follow
/// [every n-th commit](DurableOptions::rows_every), what several changed once. What lists
/// of entities were given is appended then, though it may be what they had: so the replica
/// [needs no copy](Replica::forget_values) of it, until a world that went back, or a failed
/// commit, has to be compared as a whole.
///
/// Opened again, the world is what it was at its last commit, in
/// [state hash](World::state_hash), saved resources and events. Rows come back in the
/// order of ids, and everything is new to systems that ask for changes, as after
/// [`World::snapshot_canonical`].
///
/// # Errors of commits
/// A commit that fails is told by the next call, unless a later commit has made it good
/// by then. What it was to bring comes before what the next commit brings, so that after
/// an error which [may be tried again](DurableError::is_retryable) nothing is lost by going
/// on; after another, the next commit is of all that the world is by then. If somebody
/// else has written to the archive, every commit is a conflict; the world has to be
/// opened anew. If rows could not follow the journal ([`DurableError::Fold`]), the commit
/// is made nevertheless, and they follow with the next one.
///
/// # Dropping
/// waits for the commits that were begun, and tells nobody of an error;
/// [`close`](Self::close) does. What is in the journal stays there, for the next who opens
/// the world.
pub struct Durable<S: Storage> {
    world: World<S>,
    /// The last moment whose state was given away, if what comes after it is enough.
    last: Option<Moment>,
    /// The tick of that.
    last_tick: u64,
    committer: Committer,
    every: u64,
    skips: bool,
    origin: Origin,
}

/// Says how a world is committed.
#[derive(Debug, Clone)]
#[must_use]
pub struct DurableOptions {
    every: u64,
    ahead: usize,
    skips: bool,
    rows_every: u64,
}

/// Where the state of a durable world came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Origin {
    /// The archive was new: the world is as it was given, and its first commit brings
    /// all of it.
    World,
    /// The last commit.
    Commit,
    /// The last commit, and what others have changed since.
    ChangedCommit,
    /// Rows of others: no world has been committed to the archive. Tick, clocks and
    /// resources are those of the world that was given.
    Rows,
}

/// Tells whether an allocator has named nobody yet.
fn is_new(allocator: &AllocatorState) -> bool {
    allocator.next_index == 1
}

/// Tells why a world could not be opened or committed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DurableError {
    /// The archive failed, or refused.
    #[error(transparent)]
    Remote(#[from] RemoteError),
    /// The state could not be copied or taken in.
    #[error(transparent)]
    Snapshot(#[from] SnapshotError),
    /// The archive has no entities, but has had some: a world with others would name
    /// theirs again.
    #[error("the archive has named entities before; only an empty world can be opened on it")]
    Used,
    /// The commit is kept in the journal, and the rows could not follow it.
    #[error("the rows could not follow the journal: {0}")]
    Fold(#[source] RemoteError),
    /// There is no thread to commit.
    #[error("the thread that commits could not be started: {0}")]
    Thread(#[source] std::io::Error),
    /// The thread that commits has panicked.
    #[error("the thread that commits has panicked")]
    Panicked,
}

/// Tells why the last commit of a world could not be made, and gives the world back.
pub struct CloseError<S: Storage> {
    error: DurableError,
    durable: Box<Durable<S>>,
}

impl<S: Storage> CloseError<S> {
    /// Returns what went wrong, and the world, which can be closed once more.
    pub fn into_parts(self) -> (DurableError, Durable<S>) {
        (self.error, *self.durable)
    }
}

impl<S: Storage> fmt::Display for CloseError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.error.fmt(f)
    }
}

impl<S: Storage> fmt::Debug for CloseError<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("CloseError").field(&self.error).finish()
    }
}

impl<S: Storage> std::error::Error for CloseError<S> {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&self.error)
    }
}

impl DurableError {
    /// Tells whether going on may succeed: what could not be committed comes before what the
    /// next commit brings.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Remote(error) | Self::Fold(error) if error.is_retryable())
    }
}

impl Default for DurableOptions {
    fn default() -> Self {
        Self::new()
    }
}

impl DurableOptions {
    /// Commits every tick, and lets one commit wait.
    pub fn new() -> Self {
        Self { every: 1, ahead: 1, skips: false, rows_every: 1 }
    }

    /// Commits every n-th tick; 0 counts as 1.
    pub fn every(mut self, ticks: u64) -> Self {
        self.every = ticks.max(1);
        self
    }

    /// Lets so many commits wait for the one that is being made. Each holds a copy of
    /// what changed.
    pub fn ahead(mut self, commits: usize) -> Self {
        self.ahead = commits;
        self
    }

    /// Lets the world run on if the archive is slower than it: a tick at which there is
    /// no room for a commit is passed over, and part of the next one. So the archive
    /// holds the newest state that it could take in, and not one of each tick.
    pub fn skipping(mut self) -> Self {
        self.skips = true;
        self
    }

    /// Brings the rows of the archive up to date at every n-th commit, and keeps the
    /// others in its journal, if it has one: durable at once, at the cost of their bytes.
    /// [`Durable::fold`] and [`Durable::close`] bring the rows up to date as well;
    /// `u64::MAX` leaves it to those. 0 counts as 1, which is each commit.
    ///
    /// Meanwhile others see the rows as they were, and can't change them. A journal takes
    /// as much room as its commits; folding it, and opening a world from it, takes as much
    /// memory.
    pub fn rows_every(mut self, commits: u64) -> Self {
        self.rows_every = commits.max(1);
        self
    }

    /// Opens a world: as it was at its last commit, or, if the archive is new, as it is
    /// given. What the world is to take up (saved resources and events) must be
    /// [named](World::save_resource) before.
    ///
    /// # Errors
    /// [`DurableError`]; then the world is lost, and the archive as it was.
    pub fn open<S: Storage>(
        self,
        mut world: World<S>,
        archive: impl Archive + 'static,
    ) -> Result<Durable<S>, DurableError> {
        let committed = block_on(archive.committed_async())?;
        let (version, is_changed) = (committed.version, committed.is_changed);
        let journaled = committed.journaled;
        let image = committed.image;
        let rows = Replica::of_image(&image).map_err(SnapshotError::from)?;
        let is_empty = image.entities().next().is_none();
        let load = |storage: &mut S| Ok(storage.load(image)?);
        let origin = match committed.head {
            Some(head) => {
                world.take_in(&Head::from_bytes(&head)?, &ReadOptions::new(), load)?;
                if is_changed { Origin::ChangedCommit } else { Origin::Commit }
            }
            None if is_empty && is_new(rows.allocator()) => Origin::World,
            None if is_empty && !world.is_empty() => return Err(DurableError::Used),
            None => {
                load(world.storage_mut())?;
                Origin::Rows
            }
        };
        // A world that came from the archive holds what that does.
        let last = (origin != Origin::World).then(|| Moment::of(world.storage_mut()));
        let last_tick = world.tick();
        let allocator = rows.allocator().clone();
        let kept = Kept { rows, allocator, version, journaled };
        let committer = Committer::start(archive, kept, self.ahead, self.rows_every)?;
        let Self { every, skips, .. } = self;
        Ok(Durable { world, last, last_tick, committer, every, skips, origin })
    }
}

impl<S: Storage> Durable<S> {
    /// Opens a world, and commits every tick; see [`DurableOptions::open`].
    ///
    /// # Errors
    /// As there.
    pub fn open(world: World<S>, archive: impl Archive + 'static) -> Result<Self, DurableError> {
        DurableOptions::new().open(world, archive)
    }

    /// Tells where the state came from when it was opened.
    pub fn origin(&self) -> Origin {
        self.origin
    }

    /// Returns the world.
    pub fn world(&self) -> &World<S> {
        &self.world
    }

    /// Returns the world, to be changed: what changes is part of the next commit.
    pub fn world_mut(&mut self) -> &mut World<S> {
        &mut self.world
    }

    /// Begins a commit if the world has come to a tick that is to be committed. If too
    /// many commits wait, it does too, or [passes over](DurableOptions::skipping) the
    /// tick.
    ///
    /// # Errors
    /// That of an earlier commit; this one is begun nevertheless, if there is room.
    pub fn commit_if_due(&mut self) -> Result<(), DurableError> {
        let tick = self.world.tick();
        // A world that went back, or was replaced, comes to a tick anew.
        let storage = self.world.storage();
        let goes_on = self.last.is_none_or(|last| last.is_of(storage));
        if !tick.is_multiple_of(self.every) || (tick == self.last_tick && goes_on) {
            return Ok(());
        }
        if self.skips && !self.committer.has_room() {
            return self.committer.told();
        }
        self.commit()
    }

    /// Begins a commit. It waits if too many commits do.
    ///
    /// # Errors
    /// That of an earlier commit; this one is begun nevertheless.
    pub fn commit(&mut self) -> Result<(), DurableError> {
        // After one that could not be made, all is given: so what waits for an archive
        // that is away does not grow.
        let since = self.last.take().filter(|_| !self.committer.is_behind());
        let rows = RowCapture::of(self.world.storage_mut(), since).map_err(SnapshotError::from)?;
        let (tick, head) = (self.world.tick(), self.world.head().map_err(SnapshotError::from)?);
        (self.last, self.last_tick) = (Some(rows.moment()), tick);
        self.committer.give(Due { tick, head, rows })
    }

    /// Waits until every commit that was begun has been made, and returns the tick and
    /// the version of the last one; `None` if none was since the world was opened.
    ///
    /// # Errors
    /// That of a commit.
    pub fn wait(&mut self) -> Result<Option<(u64, Version)>, DurableError> {
        self.committer.wait()
    }

    /// Returns the tick and the version of the last commit that has been made since the
    /// world was opened.
    pub fn committed(&self) -> Option<(u64, Version)> {
        self.committer.committed()
    }

    /// Waits until every commit that was begun has been made, and brings the rows of the
    /// archive to the last one.
    ///
    /// # Errors
    /// [`DurableError::Fold`]; the commits are in the journal then. One that could not be
    /// made is told by the other calls.
    ///
    /// # Complexity
    /// O(values in the journal); O(1) if it is empty.
    pub fn fold(&mut self) -> Result<(), DurableError> {
        self.committer.fold()
    }

    /// Commits what has not been, waits, brings the rows of the archive to that, and
    /// returns the world.
    ///
    /// # Errors
    /// That of the last commit or of [`fold`](Self::fold), with the world, which can be
    /// closed once more; the archive holds what was committed before.
    pub fn close(mut self) -> Result<World<S>, CloseError<S>> {
        // That of an earlier commit may be made good by this one.
        let begun = match self.commit() {
            Err(error) if !error.is_retryable() => Err(error),
            _ => Ok(()),
        };
        match begun.and_then(|()| self.wait()).and_then(|_| self.fold()) {
            Ok(()) => {
                self.world.storage_mut().forget_touched();
                Ok(self.world)
            }
            Err(error) => Err(CloseError { error, durable: Box::new(self) }),
        }
    }
}

impl<S: Storage> fmt::Debug for Durable<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Durable")
            .field("world", &self.world)
            .field("committed", &self.committed())
            .finish_non_exhaustive()
    }
}
