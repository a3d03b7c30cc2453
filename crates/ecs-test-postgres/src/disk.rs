//! File systems of limited size.

use std::ffi::CString;
use std::fs::{self, OpenOptions};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};

use rustix::mount::{MountFlags, mount};

use crate::error::{Doing, ServerError};

/// A file system that can be filled, and be given room again.
///
/// It lies in memory, and goes with the server.
#[derive(Debug, Clone)]
pub struct Disk {
    path: PathBuf,
}

impl Disk {
    /// Mounts a file system at a folder that is made for it.
    pub(crate) fn mount(path: PathBuf, bytes: u64) -> Result<Self, ServerError> {
        fs::create_dir(&path).doing("creating", &path)?;
        let size = CString::new(format!("size={bytes},mode=0755")).expect("a number has no zero");
        let flags = MountFlags::NOSUID | MountFlags::NODEV;
        mount("tmpfs", &path, "tmpfs", flags, size.as_c_str()).map_err(|source| {
            ServerError::NoDisk { bytes, path: path.clone(), source: source.into() }
        })?;
        Ok(Self { path })
    }

    /// Where it is mounted.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Takes up all room that is left.
    ///
    /// What the server has reserved already stays its own.
    ///
    /// # Errors
    ///
    /// [`ServerError::Io`] for any other fault than a full disk.
    pub fn fill(&self) -> Result<(), ServerError> {
        let ballast = self.ballast();
        let file = OpenOptions::new().append(true).create(true).open(&ballast);
        let mut file = file.doing("opening", &ballast)?;
        let block = [0xa5; 1 << 16];
        let mut size = block.len();
        while size > 0 {
            match file.write(&block[..size]) {
                Ok(_) => {}
                Err(error) if error.kind() == ErrorKind::StorageFull => size /= 2,
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(error).doing("filling", &ballast),
            }
        }
        Ok(())
    }

    /// Gives back what [`fill`](Self::fill) took.
    ///
    /// # Errors
    ///
    /// [`ServerError::Io`] if it can't be removed.
    pub fn make_room(&self) -> Result<(), ServerError> {
        let ballast = self.ballast();
        match fs::remove_file(&ballast) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(error).doing("removing", &ballast)
            }
            _ => Ok(()),
        }
    }

    fn ballast(&self) -> PathBuf {
        self.path.join("ballast")
    }
}

/// A tablespace on a [`Disk`] of its own.
#[derive(Debug, Clone)]
pub struct SmallTablespace {
    pub(crate) name: String,
    pub(crate) disk: Disk,
}

impl SmallTablespace {
    /// Its name in SQL, which needs no quotes.
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// What it lies on.
    #[must_use]
    pub fn disk(&self) -> &Disk {
        &self.disk
    }
}
