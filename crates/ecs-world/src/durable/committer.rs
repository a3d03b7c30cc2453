//! The thread that brings cuts to an archive.

use std::sync::Arc;
use std::sync::mpsc::{self, Receiver, SyncSender};
use std::thread::{self, JoinHandle};

use ecs_storage_api::RemoteError;
use ecs_storage_api::remote::{Archive, Commit, Version};
use ecs_storage_api::snapshot::StorageCut;
use parking_lot::Mutex;
use pollster::block_on;

use super::DurableError;
use crate::cut::Cut;

/// What the thread is asked for.
enum Task {
    Commit(Cut),
    /// Commits what an error left, and says when all is done.
    Settle(SyncSender<()>),
    /// Brings the archive's rows to the last commit, and says how that ended.
    Fold(SyncSender<Result<(), DurableError>>),
}

/// What an archive holds.
#[derive(Debug)]
pub(super) struct Kept {
    /// The rows, those in the journal included.
    pub(super) rows: StorageCut,
    pub(super) version: Version,
    /// How many commits its rows have not followed yet.
    pub(super) journaled: u64,
}

/// Commits cuts one after another, on a thread of its own.
#[derive(Debug)]
pub(super) struct Committer {
    /// There until it is dropped.
    tasks: Option<SyncSender<Task>>,
    thread: Option<JoinHandle<()>>,
    outcome: Arc<Mutex<Outcome>>,
    /// How many cuts may wait for the one that is being committed.
    ahead: usize,
}

#[derive(Debug, Default)]
struct Outcome {
    committed: Option<(u64, Version)>,
    /// Cuts that were given and have not come to an end.
    under_way: usize,
    /// Until a caller is told.
    error: Option<DurableError>,
}

impl Committer {
    /// Starts the thread. So many cuts may wait, and the rows follow at every n-th.
    pub(super) fn start(
        archive: impl Archive + 'static,
        kept: Kept,
        ahead: usize,
        rows_every: u64,
    ) -> Result<Self, DurableError> {
        let (tasks, waiting) = mpsc::sync_channel(ahead);
        let outcome = Arc::<Mutex<Outcome>>::default();
        let work = Work { archive, kept, left: None, rows_every, outcome: outcome.clone() };
        let thread = thread::Builder::new().name("committer".to_owned());
        let thread = thread.spawn(move || work.run(&waiting)).map_err(DurableError::Thread)?;
        Ok(Self { tasks: Some(tasks), thread: Some(thread), outcome, ahead })
    }

    /// Gives a cut to be committed, and waits while there is no room for it.
    pub(super) fn give(&self, cut: Cut) -> Result<(), DurableError> {
        self.outcome.lock().under_way += 1;
        self.ask(Task::Commit(cut))?;
        self.told()
    }

    /// Tells whether a cut can be given without waiting.
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
    /// The last cut, if it could not be committed.
    left: Option<Cut>,
    rows_every: u64,
    outcome: Arc<Mutex<Outcome>>,
}

impl<A: Archive> Work<A> {
    fn run(mut self, tasks: &Receiver<Task>) {
        while let Ok(task) = tasks.recv() {
            match task {
                Task::Commit(cut) => {
                    self.commit(cut);
                    self.outcome.lock().under_way -= 1;
                }
                Task::Settle(done) => {
                    // A failure that nobody has heard of is not to be forgotten.
                    if self.outcome.lock().error.is_none()
                        && let Some(left) = self.left.take()
                    {
                        self.commit(left);
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

    /// Commits a cut, with all that earlier ones left.
    fn commit(&mut self, cut: Cut) {
        match self.try_commit(&cut) {
            Ok(version) => {
                self.kept.version = version;
                self.kept.rows = cut.store().clone();
                self.left = None;
                let folded = match self.kept.journaled >= self.rows_every {
                    true => self.fold().map_err(DurableError::Fold),
                    false => Ok(()),
                };
                let mut outcome = self.outcome.lock();
                outcome.committed = Some((cut.tick(), version));
                // What an earlier commit could not bring is there now.
                outcome.error = folded.err();
            }
            Err(error) => {
                self.left = Some(cut);
                self.outcome.lock().error.get_or_insert(error);
            }
        }
    }

    /// Commits a cut: to the rows, or to the journal if the rows follow later.
    fn try_commit(&mut self, cut: &Cut) -> Result<Version, DurableError> {
        let appends = self.rows_every > 1 && self.archive.has_journal();
        if !appends {
            // Left by who was here before.
            self.fold()?;
        }
        let (store, before) = (cut.store(), &self.kept.rows);
        let changes = store.rows_since(before).map_err(ecs_storage_api::SnapshotError::from)?;
        let commit = Commit {
            tick: cut.tick(),
            changes: &changes,
            allocator_before: before.allocator(),
            allocator: store.allocator(),
            head: &cut.head_bytes(),
        };
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
            block_on(self.archive.fold_async(Some(self.kept.version)))?;
            self.kept.journaled = 0;
        }
        Ok(())
    }
}
