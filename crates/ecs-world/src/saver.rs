//! Checkpoints that are written while the world goes on.

use std::path::Path;
use std::thread::{self, JoinHandle};

use ecs_storage_api::Storage;

use crate::checkpoint::{CheckpointError, snapshot_error};
use crate::cut::Cut;
use crate::world::World;

/// Writes checkpoints of one world on a thread of its own.
///
/// To begin one costs a [cut](World::cut_after): a copy of what changed since the one
/// before. So the first costs a copy of the world, and every later one what was
/// written meanwhile; [`Saver::prepare`] takes the first copy at a time of the
/// caller's choice. Files appear as with [`World::save`].
///
/// # Example
/// ```
/// # use ecs_world::{Schedule, World};
/// use ecs_world::Saver;
///
/// # let folder = tempfile::tempdir()?;
/// # let path = folder.path().join("latest.ecs");
/// # let (mut world, mut schedule) = (World::new(), Schedule::new());
/// let mut saver = Saver::default();
/// for tick in 0..100 {
///     schedule.run(&mut world);
///     if tick % 10 == 0 && !saver.is_busy() {
///         saver.save(&world, &path)?;
///     }
/// }
/// saver.wait()?;
/// # assert!(path.exists());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Default)]
pub struct Saver {
    last: Option<Cut>,
    running: Option<JoinHandle<Result<(), CheckpointError>>>,
}

impl Saver {
    /// Copies a world, so that the next checkpoint has to copy only what changes from
    /// now on.
    ///
    /// # Errors
    /// [`SnapshotError`](ecs_storage_api::SnapshotError) if a value refuses to be
    /// encoded.
    pub fn prepare<S: Storage>(
        &mut self,
        world: &World<S>,
    ) -> Result<(), ecs_storage_api::SnapshotError> {
        let cut = match &self.last {
            Some(last) => world.cut_after(last)?,
            None => world.cut()?,
        };
        self.last = Some(cut);
        Ok(())
    }

    /// Begins to write a checkpoint of what the world holds now. If one is still
    /// being written, it waits for that first.
    ///
    /// # Errors
    /// [`CheckpointError`] if the checkpoint before could not be written, or this one
    /// can't be begun; then it was not.
    pub fn save<S: Storage>(
        &mut self,
        world: &World<S>,
        path: impl AsRef<Path>,
    ) -> Result<(), CheckpointError> {
        self.wait()?;
        let path = path.as_ref().to_owned();
        self.prepare(world).map_err(|error| snapshot_error(&path, error))?;
        let cut = self.last.clone().expect("it was prepared");
        let name = "checkpoint".to_owned();
        let written = path.clone();
        let thread = thread::Builder::new().name(name).spawn(move || cut.save(&written));
        let thread = thread.map_err(|reason| CheckpointError::Io {
            path,
            action: "start a thread to write it",
            reason,
        })?;
        self.running = Some(thread);
        Ok(())
    }

    /// Tells whether a checkpoint is being written.
    pub fn is_busy(&self) -> bool {
        self.running.as_ref().is_some_and(|thread| !thread.is_finished())
    }

    /// Waits until the checkpoint is on the disk that was begun last.
    ///
    /// # Errors
    /// [`CheckpointError`] if it could not be written, told once.
    pub fn wait(&mut self) -> Result<(), CheckpointError> {
        match self.running.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(outcome)) => outcome,
            Some(Err(panic)) => std::panic::resume_unwind(panic),
        }
    }
}

impl Drop for Saver {
    /// Waits for a checkpoint that is being written; nobody is told if it fails.
    fn drop(&mut self) {
        if let Some(thread) = self.running.take() {
            let _ = thread.join();
        }
    }
}
