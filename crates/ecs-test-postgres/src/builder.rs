//! Settings of a server that is to be started.

use std::fmt::Write as _;
use std::fs::{self, File};
use std::io::{Read, Write as _};
use std::path::{Path, PathBuf};

use crate::account::Account;
use crate::binaries;
use crate::disk::Disk;
use crate::error::{Doing, ServerError};
use crate::folder::{self, Folder};
use crate::launch::Launcher;
use crate::server::Server;

/// Prepares a [`Server`].
#[derive(Debug, Clone, Default)]
#[must_use = "a server is not started before `start`"]
pub struct Builder {
    binaries: Option<PathBuf>,
    fsync: bool,
    disk: Option<u64>,
    #[cfg(feature = "tls")]
    tls: bool,
    settings: Vec<(String, String)>,
}

impl Builder {
    /// Says whether the server waits for the disk; off unless said.
    ///
    /// Off, commits still reach the kernel before they are answered, and so outlive the
    /// server's processes; but pages torn by a kill are not mended. Tests of faults turn
    /// it on.
    pub fn fsync(mut self, fsync: bool) -> Self {
        self.fsync = fsync;
        self
    }

    /// Sets a parameter of `postgresql.conf`, over what this crate says.
    pub fn setting(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.settings.push((name.into(), value.into()));
        self
    }

    /// Offers TLS with a certificate for `127.0.0.1` and `localhost`, signed by the
    /// authority of [`Server::authority`]; connections without it are taken too.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// Puts all of the server's data on a file system of so many bytes, which is
    /// [`Server::disk`]. An empty server takes about 40 MB.
    ///
    /// It takes root, with the right to mount.
    pub fn disk(mut self, bytes: u64) -> Self {
        self.disk = Some(bytes);
        self
    }

    /// Takes the server's programs from this folder, and looks nowhere else.
    pub fn binaries(mut self, folder: impl Into<PathBuf>) -> Self {
        self.binaries = Some(folder.into());
        self
    }

    /// Starts the server and waits until it answers.
    ///
    /// # Errors
    ///
    /// Each variant of [`ServerError`] but those of statements and addresses.
    pub fn start(self) -> Result<Server, ServerError> {
        folder::sweep();
        let binaries = self.find_binaries()?;
        let account = Account::choose()?;
        let folder = Folder::create()?;
        let disk = self.disk.map(|bytes| Disk::mount(folder.path().join("disk"), bytes));
        let disk = disk.transpose()?;
        let data = folder.give(account, if disk.is_some() { "disk/data" } else { "data" })?;
        let sockets = folder.give(account, "socket")?;
        let password = password()?;
        let path = folder.path().to_owned();
        let launcher = Launcher { binaries, account, folder: path, data, password };
        launcher.initialize()?;
        #[cfg(feature = "tls")]
        let authority = match self.tls {
            true => Some(crate::certificate::make(&launcher)?),
            false => None,
        };
        self.configure(&launcher, &sockets)?;
        let (postmaster, port) = launcher.start()?;
        Ok(Server::new(
            postmaster,
            launcher,
            port,
            disk,
            #[cfg(feature = "tls")]
            authority,
            folder,
        ))
    }

    fn find_binaries(&self) -> Result<PathBuf, ServerError> {
        match &self.binaries {
            None => binaries::find().map_err(|looked| ServerError::Missing { looked }),
            Some(folder) if binaries::is_complete(folder) => Ok(folder.clone()),
            Some(folder) => {
                Err(ServerError::Missing { looked: vec![folder.display().to_string()] })
            }
        }
    }

    fn configure(&self, launcher: &Launcher, sockets: &Path) -> Result<(), ServerError> {
        let switch = |on| if on { "on" } else { "off" };
        let sockets = sockets.to_string_lossy();
        let mut settings = vec![
            ("listen_addresses", crate::url::HOST),
            ("unix_socket_directories", &sockets),
            ("max_connections", "100"),
            ("shared_buffers", "128MB"),
            ("fsync", switch(self.fsync)),
            ("full_page_writes", switch(self.fsync)),
            // Files of its folder, where a kill would leave others in /dev/shm.
            ("dynamic_shared_memory_type", "mmap"),
            ("huge_pages", "off"),
            ("max_wal_size", "256MB"),
            ("log_line_prefix", "%m [%p] "),
        ];
        #[cfg(feature = "tls")]
        if self.tls {
            settings.push(("ssl", "on"));
        }
        settings.extend(self.settings.iter().map(|(name, value)| (name.as_str(), value.as_str())));
        let mut text = String::new();
        for (name, value) in settings {
            let value = value.replace('\\', "\\\\").replace('\'', "''");
            writeln!(text, "{name} = '{value}'").expect("a string takes all that is written");
        }
        let path = launcher.data.join("postgresql.conf");
        let file = fs::OpenOptions::new().append(true).open(&path);
        file.and_then(|mut file| file.write_all(text.as_bytes())).doing("writing", path)
    }
}

/// Makes a password that nobody guesses.
fn password() -> Result<String, ServerError> {
    let source = "/dev/urandom";
    let mut bytes = [0; 16];
    File::open(source).and_then(|mut file| file.read_exact(&mut bytes)).doing("reading", source)?;
    Ok(bytes.iter().map(|byte| format!("{byte:02x}")).collect())
}
