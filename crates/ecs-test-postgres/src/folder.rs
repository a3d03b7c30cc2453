//! The temporary folder of a server.

use std::collections::hash_map::RandomState;
use std::fs::{self, DirBuilder, File, TryLockError};
use std::hash::BuildHasher;
use std::io;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::error::{Doing, ServerError};
use crate::leftovers;

/// What the names of our folders begin with.
const PREFIX: &str = "ecs-test-postgres-";
/// Marks a folder as ours. Its owner holds a lock on it, which the kernel takes away
/// from a process that dies, however it does.
const MARKER: &str = "owner.lock";

/// A folder that is removed with its handle.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
    /// Holds the lock.
    _owner: File,
}

impl Folder {
    /// Makes a folder of a new name.
    pub(crate) fn create() -> Result<Self, ServerError> {
        let name = format!("{PREFIX}{}-{:x}", std::process::id(), random());
        let path = std::env::temp_dir().join(name);
        // The server's user passes through it.
        DirBuilder::new().mode(0o755).create(&path).doing("creating", &path)?;
        // It becomes the marker once it is locked, so that nobody takes it for the one
        // of a process that has died.
        let unlocked = path.join("owner");
        let owner = File::create_new(&unlocked).doing("creating", &unlocked)?;
        owner.try_lock().doing("locking", &unlocked)?;
        fs::rename(&unlocked, path.join(MARKER)).doing("renaming", &unlocked)?;
        Ok(Self { path, _owner: owner })
    }

    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Makes a folder within, for the server's user alone.
    pub(crate) fn give(&self, account: Account, name: &str) -> Result<PathBuf, ServerError> {
        let path = self.path.join(name);
        DirBuilder::new().mode(0o700).create(&path).doing("creating", &path)?;
        account.owns(&path)?;
        Ok(path)
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        if let Err(error) = leftovers::remove(&self.path) {
            eprintln!("{} could not be removed: {error}", self.path.display());
        }
    }
}

/// Removes the folders whose owners have died, with what still runs in them.
///
/// Looks only at folders with our prefix and our marker, of our user. Faults are passed
/// over: another process may be about the same.
pub(crate) fn sweep() {
    for entry in fs::read_dir(std::env::temp_dir()).into_iter().flatten().flatten() {
        if entry.file_name().to_string_lossy().starts_with(PREFIX)
            && let Ok(Some(_owner)) = adopt(&entry.path())
        {
            let _ = leftovers::remove(&entry.path());
        }
    }
}

/// Takes over the lock of a folder, unless its owner lives.
fn adopt(folder: &Path) -> io::Result<Option<File>> {
    let metadata = fs::symlink_metadata(folder)?;
    if !metadata.is_dir() || metadata.uid() != rustix::process::geteuid().as_raw() {
        return Ok(None);
    }
    let marker = File::open(folder.join(MARKER))?;
    match marker.try_lock() {
        Ok(()) => Ok(Some(marker)),
        Err(TryLockError::WouldBlock) => Ok(None),
        Err(TryLockError::Error(error)) => Err(error),
    }
}

/// A number that no other folder has: the standard library seeds its hashes by chance.
fn random() -> u64 {
    RandomState::new().hash_one(std::process::id())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_is_kept_while_its_owner_lives_and_goes_with_it() {
        let folder = Folder::create().expect("the temporary folder takes folders");
        let path = folder.path().to_owned();
        sweep();
        assert!(path.join(MARKER).is_file());
        drop(folder);
        assert!(!path.exists());
    }

    #[test]
    fn a_folder_without_our_marker_is_left_alone() {
        let path = std::env::temp_dir().join(format!("{PREFIX}stranger-{:x}", random()));
        fs::create_dir(&path).expect("the temporary folder takes folders");
        sweep();
        assert!(path.is_dir());
        fs::remove_dir(&path).expect("it is empty");
    }

    #[test]
    fn a_folder_whose_owner_is_gone_is_removed() {
        let path = std::env::temp_dir().join(format!("{PREFIX}orphan-{:x}", random()));
        fs::create_dir(&path).expect("the temporary folder takes folders");
        fs::write(path.join(MARKER), "").expect("the folder takes files");
        // A sweep of another test may be at it, and passes for its owner meanwhile.
        for _ in 0..500 {
            sweep();
            if !path.exists() {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(20));
        }
        panic!("the folder stays");
    }
}
