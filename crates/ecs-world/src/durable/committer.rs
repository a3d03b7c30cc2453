//! The thread that brings what has changed to an archive.

use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use ecs_core::AllocatorState;
use ecs_storage_api::remote::{Archive, Commit, Version};
use ecs_storage_api::snapshot::{Replica, RowCapture, RowChanges};
use ecs_storage_api::{RemoteError, SnapshotError};
use parking_lot::Mutex;
use pollster::block_on;

use super::DurableError;
use crate::busy::Busy;
use crate::state::Head;

/// What a commit is made of: all that may have changed in a world since the one before.
#[derive(Debug)]
pub(super) struct Due {
    pub(super) tick: u64,
    pub(super) head: Head,
    pub(super) rows: RowCapture,
}

/// A commit that could not be made yet.
enum Left {
    /// Nobody has looked yet at what it brings.
    Due(Due),
    /// The replica has followed it.
    Found(Found),
}

/// What a commit brings.
struct Found {
    tick: u64,
    head: Vec<u8>,
    changes: RowChanges,
    allocator_before: AllocatorState,
    allocator: AllocatorState,
}

/// What the thread is asked for.
enum Task {
    Commit(Box<Due>),
    /// Commits what an error left, and says when all is done.
    Settle(SyncSender<()>),
    /// Brings the archive's rows to the last commit, and says how that ended.
    Fold(SyncSender<Result<(), DurableError>>),
}

/// What an archive holds, and what the replica has followed beyond it.
#[derive(Debug)]
pub(super) struct Kept {
    /// The rows, those in the journal included, and those of a commit that is being made, or
    /// is left.
    pub(super) rows: Replica,
    /// Which ids come next after those.
    pub(super) allocator: AllocatorState,
    pub(super) version: Version,
    /// How many commits its rows have not followed yet.
    pub(super) journaled: u64,
}

/// Makes commits one after another, on a thread of its own.
#[derive(Debug)]
pub(super) struct Committer {
    /// There until it is dropped.
    tasks: Option<SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
    outcome: Arc<Mutex<Outcome>>,
    /// How many commits may wait for the one that is being made.
    ahead: usize,
}

#[derive(Debug, Default)]
struct Outcome {
    committed: Option<(u64, Version)>,
    /// Commits that were given and have not come to an end.
    under_way: usize,
    /// Whether one could not be made, and was not made good.
    is_behind: bool,
    /// Until a caller is told.
    error: Option<DurableError>,
}

impl Committer {
    /// Starts the thread. So many commits may wait, and the rows follow at every n-th.
    pub(super) fn start(
        archive: impl Archive + 'static,
        mut kept: Kept,
        ahead: usize,
        rows_every: u64,
    ) -> Result<Self, DurableError> {
        if rows_every > 1 && archive.has_journal() {
            // A value more in it costs less than to find out that it is the same.
            kept.rows.forget_values();
        }
        let (tasks, waiting) = mpsc::sync_channel(ahead);
        let outcome = Arc::<Mutex<Outcome>>::default();
        let work = Work {
            archive,
            kept,
            left: VecDeque::new(),
            is_refused: false,
            rows_every,
            outcome: outcome.clone(),
        };
        let thread = thread::Builder::new().name("committer".to_owned());
        let thread = thread.spawn(move || work.run(&waiting)).map_err(DurableError::Thread)?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread), outcome, ahead })
    }

    /// Gives a commit to be made, and waits while there is no room for it.
    pub(super) fn give(&self, due: Due) -> Result<(), DurableError> {
        self.outcome.lock().under_way += 1;
        self.ask(Task::Commit(Box::new(due)))?;
        self.told()
    }

    /// Tells whether a commit could not be made. What is given next should be of
    /// everything.
    pub(super) fn is_behind(&self) -> bool {
        self.outcome.lock().is_behind
    }

    /// Tells whether a commit can be given without waiting.
    pub(super) fn has_room(&self) -> bool {
        self.outcome.lock().under_way <= self.ahead
    }

    /// Waits until nothing is left to be done.
    pub(super) fn wait(&self) -> Result<Option<(u64, Version)>, DurableError> {
        let (done, settled) = mpsc::sync_channel(1);
        self.ask(Task::Settle(done))?;
        settled.recv().map_err(|_| DurableError::Panicked)?;
        self.told()?;
        Ok(self.committed())
    }

    /// Waits until the archive's rows are where the last commit is.
    pub(super) fn fold(&self) -> Result<(), DurableError> {
        let (done, folded) = mpsc::sync_channel(1);
        self.ask(Task::Fold(done))?;
        folded.recv().map_err(|_| DurableError::Panicked)?
    }

    pub(super) fn committed(&self) -> Option<(u64, Version)> {
        self.outcome.lock().committed
    }

    fn ask(&self, task: Task) -> Result<(), DurableError> {
        let tasks = self.tasks.as_ref().expect("it is there until it is dropped");
        tasks.send(task).map_err(|_| DurableError::Panicked)
    }

    /// Tells of an error that nobody has heard of.
    pub(super) fn told(&self) -> Result<(), DurableError> {
        if let Some(error) = self.outcome.lock().error.take() {
            return Err(error);
        }
        // It runs until it is dropped, or panics.
        match self.thread.as_ref().is_some_and(JoinHandle::is_finished) {
            true => Err(DurableError::Panicked),
            false => Ok(()),
        }
    }
}

impl Drop for Committer {
    fn drop(&mut self) {
        self.tasks = None;
        if let Some(thread) = self.thread.take() {
            // Its panic has been told, or nobody has asked.
            let _ = thread.join();
        }
    }
}

/// What the thread works with.
struct Work<A> {
    archive: A,
    kept: Kept,
    /// What could not be committed yet, in order: each is what came after the one
    /// before.
    left: VecDeque<Left>,
    /// Whether the archive would refuse the first of it again.
    is_refused: bool,
    rows_every: u64,
    outcome: Arc<Mutex<Outcome>>,
}

impl<A: Archive> Work<A> {
    fn run(mut self, tasks: &Receiver<Task>) {
        while let Ok(task) = tasks.recv() {
            match task {
                Task::Commit(due) => {
                    if due.rows.is_whole() {
                        // What the replica has not followed it need not any more.
                        self.left.retain(|left| matches!(left, Left::Found(_)));
                        self.go_back();
                    }
                    self.left.push_back(Left::Due(*due));
                    self.commit();
                    self.outcome.lock().under_way -= 1;
                }
                Task::Settle(done) => {
                    // A failure that nobody has heard of is not to be forgotten.
                    if self.outcome.lock().error.is_none() {
                        self.commit();
                    }
                    // Whoever has gone does not wait.
                    let _ = done.send(());
                }
                Task::Fold(done) => {
                    let _ = done.send(self.fold().map_err(DurableError::Fold));
                }
            }
        }
    }

    /// Makes the commits that are left, until one fails.
    fn commit(&mut self) {
        while let Some(left) = self.left.pop_front() {
            let made = match left {
                Left::Found(found) => self.make(found),
                Left::Due(due) => match self.find(&due) {
                    Ok(found) => self.make(found),
                    Err(error) => {
                        self.left.push_front(Left::Due(due));
                        Err(error)
                    }
                },
            };
            match made {
                Ok((tick, version)) => {
                    self.kept.version = version;
                    let folded = match self.kept.journaled >= self.rows_every {
                        true => self.fold().map_err(DurableError::Fold),
                        false => Ok(()),
                    };
                    let mut outcome = self.outcome.lock();
                    outcome.committed = Some((tick, version));
                    outcome.is_behind = !self.left.is_empty();
                    // What an earlier attempt could not bring is there now.
                    outcome.error = folded.err();
                }
                Err(error) => {
                    let mut outcome = self.outcome.lock();
                    outcome.is_behind = true;
                    outcome.error.get_or_insert(error);
                    return;
                }
            }
        }
    }

    /// Makes a commit and returns its tick and version, or leaves it for later.
    fn make(&mut self, found: Found) -> Result<(u64, Version), DurableError> {
        match self.try_commit(&found) {
            Ok(version) => Ok((found.tick, version)),
            Err(error) => {
                self.is_refused = !error.is_retryable();
                self.left.push_front(Left::Found(found));
                Err(error)
            }
        }
    }

    /// Gives up a commit that would be refused again, for one of everything: the replica is
    /// what the archive holds. If others have written to that, or it is away, all stays.
    fn go_back(&mut self) {
        let Some(Left::Found(first)) = self.left.front().filter(|_| self.is_refused) else {
            return;
        };
        let _busy = Busy::begin();
        if let Ok(rows) = self.read() {
            self.kept.rows = rows;
            // What the world believed, and not what is read: others may have reserved ids.
            self.kept.allocator = first.allocator_before.clone();
            self.left.clear();
        }
    }

    /// Reads what the archive holds, if nobody else has written to it.
    fn read(&self) -> Result<Replica, DurableError> {
        let committed = block_on(self.archive.committed_async())?;
        let (expected, found) = (self.kept.version, committed.version);
        if found != expected {
            return Err(RemoteError::Conflict { expected, found }.into());
        }
        Ok(Replica::of_image(&committed.image).map_err(SnapshotError::from)?)
    }

    /// Finds out what a commit brings, and has the replica follow.
    fn find(&mut self, Due { tick, head, rows }: &Due) -> Result<Found, DurableError> {
        let _busy = Busy::begin();
        if rows.is_whole() && !self.kept.rows.has_values() && !self.kept.rows.is_empty() {
            // What is left has been made: the archive holds what the replica does. Its values
            // stay, since there may be more such captures.
            self.kept.rows = self.read()?;
        }
        let changes = self.kept.rows.follow(rows).map_err(SnapshotError::from)?;
        let allocator = rows.allocator().clone();
        let allocator_before = std::mem::replace(&mut self.kept.allocator, allocator.clone());
        Ok(Found { tick: *tick, head: head.to_bytes(), changes, allocator_before, allocator })
    }

    /// Makes a commit: to the rows, or to the journal if the rows follow later.
    fn try_commit(&mut self, found: &Found) -> Result<Version, DurableError> {
        // What was left in a journal may wait for this very commit to be folded: a value in it
        // that no column holds is given another one.
        let appends =
            self.archive.has_journal() && (self.rows_every > 1 || self.kept.journaled > 0);
        let commit = Commit {
            tick: found.tick,
            changes: &found.changes,
            allocator_before: &found.allocator_before,
            allocator: &found.allocator,
            head: &found.head,
        };
        let _busy = self.archive.shares_processors().then(Busy::begin);
        if appends {
            let version = block_on(self.archive.append_async(&commit, self.kept.version))?;
            self.kept.journaled += 1;
            return Ok(version);
        }
        Ok(block_on(self.archive.commit_async(&commit, self.kept.version))?)
    }

    /// Brings the archive's rows to the last commit.
    fn fold(&mut self) -> Result<(), RemoteError> {
        if self.kept.journaled != 0 {
            let _busy = self.archive.shares_processors().then(Busy::begin);
            block_on(self.archive.fold_async(Some(self.kept.version)))?;
            self.kept.journaled = 0;
        }
        Ok(())
    }
}
