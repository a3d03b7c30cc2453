//! Files that appear whole or not at all.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use crate::error::Error;

/// A file that is written beside its place and put there once it is whole.
///
/// Dropped before that, it leaves nothing behind, and what was in its place stays.
#[derive(Debug)]
pub struct AtomicFile {
    place: PathBuf,
    /// Where the bytes are until then; `None` once they are in place.
    beside: Option<PathBuf>,
}

impl AtomicFile {
    /// Writes the bytes beside `place`.
    ///
    /// # Errors
    /// When the system refuses to.
    pub fn write(place: &Path, bytes: &[u8]) -> Result<Self, Error> {
        let name = place.file_name().ok_or_else(|| {
            let source = io::Error::from(io::ErrorKind::IsADirectory);
            Error::io(place, "write it", source)
        })?;
        // The process's number keeps two runs with one folder apart.
        let mut temporary = std::ffi::OsString::from(".");
        temporary.push(name);
        temporary.push(format!(".{}.partial", std::process::id()));
        let beside = place.with_file_name(temporary);
        let file = Self { place: place.to_owned(), beside: Some(beside.clone()) };
        let write = || {
            let mut file = File::create(&beside)?;
            file.write_all(bytes)?;
            // The name must not reach the disk before the bytes.
            file.sync_all()
        };
        write().map_err(|error| Error::io(place, "write it", error))?;
        Ok(file)
    }

    /// Puts the file in its place.
    ///
    /// # Errors
    /// When the system refuses to.
    pub fn put(mut self) -> Result<(), Error> {
        let beside = self.beside.as_ref().expect("a file is put in its place once");
        fs::rename(beside, &self.place)
            .map_err(|error| Error::io(&self.place, "put it in its place", error))?;
        self.beside = None;
        Ok(())
    }
}

impl Drop for AtomicFile {
    fn drop(&mut self) {
        if let Some(beside) = &self.beside {
            // Nothing more can be done about a file that cannot be removed.
            let _ = fs::remove_file(beside);
        }
    }
}

/// Makes a folder, and checks that files can be written to it.
///
/// # Errors
/// When it cannot be made or written to.
pub fn prepare_folder(folder: &Path) -> Result<(), Error> {
    fs::create_dir_all(folder).map_err(|error| Error::io(folder, "make this folder", error))?;
    let probe = AtomicFile::write(&folder.join("probe"), b"");
    match probe {
        Err(Error::Io { source, .. }) => Err(Error::io(folder, "write to this folder", source)),
        other => other.map(drop),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(folder: &Path) -> Vec<String> {
        let entries = fs::read_dir(folder).unwrap();
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect()
    }

    #[test]
    fn a_file_replaces_the_old_one_when_it_is_put() {
        let folder = tempfile::tempdir().unwrap();
        let place = folder.path().join("f.txt");
        fs::write(&place, "old").unwrap();
        let file = AtomicFile::write(&place, b"new").unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"old");
        file.put().unwrap();
        assert_eq!(fs::read(&place).unwrap(), b"new");
        assert_eq!(names(folder.path()), ["f.txt"]);
    }

    #[test]
    fn a_file_that_is_dropped_leaves_nothing() {
        let folder = tempfile::tempdir().unwrap();
        drop(AtomicFile::write(&folder.path().join("f.txt"), b"new").unwrap());
        assert_eq!(names(folder.path()), Vec::<String>::new());
    }

    #[test]
    fn a_prepared_folder_is_there_and_empty() {
        let folder = tempfile::tempdir().unwrap();
        let inner = folder.path().join("a/b");
        prepare_folder(&inner).unwrap();
        assert_eq!(names(&inner), Vec::<String>::new());
    }

    #[test]
    fn a_folder_that_is_a_file_is_refused() {
        let file = tempfile::NamedTempFile::new().unwrap();
        let error = prepare_folder(file.path()).unwrap_err().to_string();
        assert!(error.contains("cannot make this folder"), "{error}");
        let error = AtomicFile::write(&file.path().join("f"), b"").unwrap_err().to_string();
        assert!(error.contains("cannot write it"), "{error}");
        assert!(AtomicFile::write(Path::new("/"), b"").is_err());
    }
}
