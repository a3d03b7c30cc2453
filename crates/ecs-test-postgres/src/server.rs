//! A server and its databases.

use std::path::Path;
#[cfg(feature = "tls")]
use std::path::PathBuf;
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Weak};
use std::time::Duration;

use parking_lot::Mutex;
use rustix::process::Signal;

use crate::builder::Builder;
use crate::client::{self, Row};
use crate::disk::{Disk, SmallTablespace};
use crate::error::ServerError;
use crate::folder::Folder;
use crate::launch::{ADMIN, Launcher};
use crate::postmaster::Postmaster;
use crate::url;

/// For how long a server may write out what it has in memory.
const STOP: Duration = Duration::from_secs(60);
/// For how long it may take to end without doing so.
const QUIT: Duration = Duration::from_secs(5);

static SHARED: Mutex<Weak<Server>> = Mutex::new(Weak::new());

/// A PostgreSQL server of its own, which ends and leaves nothing when it is dropped.
#[derive(Debug)]
pub struct Server {
    /// `None` while it is stopped.
    running: Mutex<Option<Postmaster>>,
    launcher: Launcher,
    port: u16,
    /// Counts databases and tablespaces, for their names.
    named: AtomicU32,
    disk: Option<Disk>,
    #[cfg(feature = "tls")]
    authority: Option<PathBuf>,
    /// Removed last.
    folder: Folder,
}

impl Server {
    /// Starts a server as [`Builder::default`] describes it.
    ///
    /// # Errors
    ///
    /// As [`Builder::start`].
    pub fn start() -> Result<Self, ServerError> {
        Self::builder().start()
    }

    /// Prepares a server with other settings.
    pub fn builder() -> Builder {
        Builder::default()
    }

    /// Lends the server of this process: it is started for the first who asks, and ends
    /// with the last handle. Whoever means to stop or kill one starts one.
    ///
    /// # Errors
    ///
    /// As [`Builder::start`].
    pub fn shared() -> Result<Arc<Self>, ServerError> {
        let mut shared = SHARED.lock();
        if let Some(server) = shared.upgrade() {
            return Ok(server);
        }
        let server = Arc::new(Self::start()?);
        *shared = Arc::downgrade(&server);
        Ok(server)
    }

    pub(crate) fn new(
        postmaster: Postmaster,
        launcher: Launcher,
        port: u16,
        disk: Option<Disk>,
        #[cfg(feature = "tls")] authority: Option<PathBuf>,
        folder: Folder,
    ) -> Self {
        Self {
            running: Mutex::new(Some(postmaster)),
            launcher,
            port,
            named: AtomicU32::new(0),
            disk,
            #[cfg(feature = "tls")]
            authority,
            folder,
        }
    }

    /// Creates a database of a new name, and gives back its address for the superuser.
    ///
    /// # Errors
    ///
    /// [`ServerError::Sql`].
    pub fn database(&self) -> Result<String, ServerError> {
        let name = self.name("test");
        // To template0 nobody connects, so that tests side by side don't disturb it.
        self.execute(&format!("create database {name} template template0"))?;
        Ok(self.url_of(ADMIN, &self.launcher.password, &name))
    }

    /// Writes the address of a database for a user.
    #[must_use]
    pub fn url_of(&self, user: &str, password: &str, database: &str) -> String {
        url::write(user, password, self.port, database)
    }

    /// Writes the address of the superuser, in the database `postgres`.
    #[must_use]
    pub fn admin_url(&self) -> String {
        self.url_of(ADMIN, &self.launcher.password, "postgres")
    }

    /// Runs statements as superuser, in the database `postgres`; see [`crate::query`].
    ///
    /// # Errors
    ///
    /// [`ServerError::Sql`].
    pub fn execute(&self, sql: &str) -> Result<Vec<Row>, ServerError> {
        client::query(&self.admin_url(), sql)
    }

    /// Creates a tablespace on a file system of so many bytes, which goes with the server.
    ///
    /// # Errors
    ///
    /// [`ServerError::NoDisk`] unless the test is run as root, with the right to mount.
    pub fn small_tablespace(&self, bytes: u64) -> Result<SmallTablespace, ServerError> {
        let name = self.name("small");
        let disk = Disk::mount(self.folder().join(&name), bytes)?;
        let space = self.folder.give(self.launcher.account, &format!("{name}/space"))?;
        let quoted = space.to_string_lossy().replace('\'', "''");
        self.execute(&format!("create tablespace {name} location '{quoted}'"))?;
        Ok(SmallTablespace { name, disk })
    }

    /// The file system of [`Builder::disk`].
    #[must_use]
    pub fn disk(&self) -> Option<&Disk> {
        self.disk.as_ref()
    }

    /// The certificate, in a PEM file, of the authority that signed the server's.
    #[cfg(feature = "tls")]
    #[must_use]
    pub fn authority(&self) -> Option<&Path> {
        self.authority.as_deref()
    }

    /// The port on 127.0.0.1, the same after a restart.
    #[must_use]
    pub fn port(&self) -> u16 {
        self.port
    }

    /// The temporary folder; `socket` in it is the folder of the Unix socket.
    #[must_use]
    pub fn folder(&self) -> &Path {
        self.folder.path()
    }

    /// The last lines of the server's log.
    #[must_use]
    pub fn log_tail(&self) -> String {
        self.launcher.log_tail(0)
    }

    /// The number of the server's first process, while it runs.
    #[must_use]
    pub fn process_id(&self) -> Option<u32> {
        let running = self.running.lock();
        let running = running.as_ref().filter(|postmaster| postmaster.is_running());
        running.map(|postmaster| postmaster.pid().as_raw_pid().unsigned_abs())
    }

    /// Whether the server runs.
    #[must_use]
    pub fn is_running(&self) -> bool {
        self.process_id().is_some()
    }

    /// Ends all processes of the server at once, without a word to them (SIGKILL), and
    /// returns when they are gone.
    pub fn kill(&self) {
        // Dropping it kills.
        *self.running.lock() = None;
    }

    /// Stops the server in order: clients are sent away, what is in memory is written.
    ///
    /// # Errors
    ///
    /// [`ServerError::NotStopped`] if it takes too long; the server is killed then.
    pub fn stop(&self) -> Result<(), ServerError> {
        self.stop_running(&mut self.running.lock())
    }

    /// Starts the server again, on the same data and the same port; stops it first if it
    /// runs. Returns when it has recovered and answers.
    ///
    /// # Errors
    ///
    /// [`ServerError::Crashed`] or [`ServerError::NoAnswer`], with the end of the log;
    /// [`ServerError::NotStopped`].
    pub fn restart(&self) -> Result<(), ServerError> {
        let mut running = self.running.lock();
        self.stop_running(&mut running)?;
        *running = Some(self.launcher.start_at(self.port)?);
        Ok(())
    }

    fn stop_running(&self, running: &mut Option<Postmaster>) -> Result<(), ServerError> {
        let Some(postmaster) = running.take() else { return Ok(()) };
        postmaster.signal(Signal::INT);
        match postmaster.wait(STOP) {
            true => Ok(()),
            false => Err(ServerError::NotStopped { waited: STOP, log: self.log_tail() }),
        }
    }

    fn name(&self, kind: &str) -> String {
        format!("{kind}_{}", self.named.fetch_add(1, Ordering::Relaxed))
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        if let Some(postmaster) = self.running.get_mut().take() {
            // Its data goes too, so nothing need be written; but it frees its memory.
            postmaster.signal(Signal::QUIT);
            postmaster.wait(QUIT);
        }
    }
}
