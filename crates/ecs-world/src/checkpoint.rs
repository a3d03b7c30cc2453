//! Checkpoints: snapshots as files, whole or not at all.

use std::fs::{self, File};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};

use ecs_storage_api::snapshot::{Compression, ReadOptions};
use ecs_storage_api::{SnapshotError, Storage};

use crate::world::World;

/// Small parts are written together; columns are larger, and pass it by.
const BUFFER: usize = 32 << 10;

/// Tells why a checkpoint could not be written or read, the reason included: `source` tells
/// of none, so that who prints a chain of sources has it once.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum CheckpointError {
    /// The system refused something about the file.
    #[error("{}: cannot {action}: {reason}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// What was tried: `open it`, say.
        action: &'static str,
        /// The system's reason.
        reason: io::Error,
    },
    /// The state could not be encoded, or the file holds no such state.
    #[error("{}: {reason}", path.display())]
    Snapshot {
        /// The file.
        path: PathBuf,
        /// What is wrong.
        reason: SnapshotError,
    },
}

impl<S: Storage> World<S> {
    /// Writes a [snapshot](World::snapshot) to a file, which appears whole or not
    /// at all, whenever the process or the machine ends: until the new one is safe
    /// on the disk, the old one is in its place.
    ///
    /// A process that is killed meanwhile leaves a file `.*.partial` beside it.
    ///
    /// # Errors
    /// [`CheckpointError`] that names the file; what was in its place is still
    /// there, unless nothing but to keep the new name on the disk has failed.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        self.save_with(path, Compression::None)
    }

    /// As [`save`](World::save), with packed columns.
    ///
    /// # Errors
    /// As [`save`](World::save).
    pub fn save_with(
        &self,
        path: impl AsRef<Path>,
        compression: Compression,
    ) -> Result<(), CheckpointError> {
        save(path.as_ref(), |out| self.snapshot_to_with(out, compression).map(drop))
    }

    /// Replaces everything persistent by what a file holds, as
    /// [`restore`](World::restore) does.
    ///
    /// # Errors
    /// [`CheckpointError`] that names the file; then nothing has changed.
    pub fn load(&mut self, path: impl AsRef<Path>) -> Result<(), CheckpointError> {
        self.load_with(path, &ReadOptions::new())
    }

    /// As [`load`](World::load), but skips and migrates components.
    ///
    /// # Errors
    /// As [`load`](World::load); then nothing has changed.
    pub fn load_with(
        &mut self,
        path: impl AsRef<Path>,
        options: &ReadOptions,
    ) -> Result<(), CheckpointError> {
        load(path.as_ref(), |bytes| self.restore_with(bytes, options))
    }
}

/// Writes a file that appears whole or not at all.
pub(crate) fn save(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), SnapshotError>,
) -> Result<(), CheckpointError> {
    replace(path, write).map_err(|error| match error {
        SnapshotError::Io(reason) => io_error(path, "write it", reason),
        reason => snapshot_error(path, reason),
    })
}

/// Reads a file.
pub(crate) fn load<T>(
    path: &Path,
    read: impl FnOnce(&[u8]) -> Result<T, SnapshotError>,
) -> Result<T, CheckpointError> {
    let bytes = fs::read(path).map_err(|reason| io_error(path, "open it", reason))?;
    read(&bytes).map_err(|reason| snapshot_error(path, reason))
}

fn io_error(path: &Path, action: &'static str, reason: io::Error) -> CheckpointError {
    CheckpointError::Io { path: path.to_owned(), action, reason }
}

pub(crate) fn snapshot_error(path: &Path, reason: SnapshotError) -> CheckpointError {
    CheckpointError::Snapshot { path: path.to_owned(), reason }
}

/// Writes a file beside its place, and puts it there when it is safe on the disk.
fn replace(
    path: &Path,
    write: impl FnOnce(&mut BufWriter<&File>) -> Result<(), SnapshotError>,
) -> Result<(), SnapshotError> {
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    // Made by `File`, which gives it the rights of any new file, and says nothing of a name
    // that nobody has asked for where it fails.
    let mut beside = tempfile::Builder::new();
    let file =
        beside.prefix(".").suffix(".partial").make_in(folder, |path| File::create_new(path))?;
    let mut out = BufWriter::with_capacity(BUFFER, file.as_file());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    // The name must not reach the disk before the bytes.
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(sync_folder(folder)?)
}

/// Sees to it that a name which was put into a folder stays there.
#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    File::open(folder)?.sync_all()
}

/// Elsewhere folders can't be opened, and names are kept with the files.
#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
