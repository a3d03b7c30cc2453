//! From installed programs to a server that answers.

use std::fs::{self, File, OpenOptions};
use std::io::{Read, Seek, SeekFrom};
use std::net::{Ipv4Addr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::account::Account;
use crate::client;
use crate::error::{Doing, ServerError};
use crate::postmaster::Postmaster;
use crate::url;

/// The superuser of every server.
pub(crate) const ADMIN: &str = "ecs";
/// For how long a server is waited for; one that was killed recovers first.
const ANSWER: Duration = Duration::from_secs(120);
/// How often a server is started that ends as it starts.
const ATTEMPTS: u32 = 6;
/// How much of the log is shown.
const LOG_LINES: usize = 30;

/// All that it takes to start a server on its folder, again and again.
#[derive(Debug)]
pub(crate) struct Launcher {
    pub(crate) binaries: PathBuf,
    pub(crate) account: Account,
    /// The server's folder, of which `data` is a part.
    pub(crate) folder: PathBuf,
    pub(crate) data: PathBuf,
    pub(crate) password: String,
}

/// Where the data may lie in a server's folder: on a file system of limited size, or not.
pub(crate) fn data_folders(folder: &Path) -> [PathBuf; 2] {
    [folder.join("data"), folder.join("disk/data")]
}

impl Launcher {
    /// Fills the data folder.
    pub(crate) fn initialize(&self) -> Result<(), ServerError> {
        let secret = self.folder.join("password");
        fs::write(&secret, &self.password).doing("writing", &secret)?;
        self.account.owns(&secret)?;
        let mut initdb = self.program("initdb");
        initdb.arg("--pgdata").arg(&self.data);
        initdb.arg("--pwfile").arg(&secret);
        initdb.args(["--username", ADMIN, "--auth=scram-sha-256"]);
        initdb.args(["--encoding=UTF8", "--locale=C", "--no-sync", "--no-instructions"]);
        let output = initdb.output().map_err(|source| self.not_started("initdb", source))?;
        fs::remove_file(&secret).doing("removing", &secret)?;
        if output.status.success() {
            return Ok(());
        }
        let words = [output.stdout, output.stderr].concat();
        let output_words = String::from_utf8_lossy(&words).into_owned();
        Err(ServerError::Initdb { status: output.status, output: output_words })
    }

    /// Starts the server on a free port, and waits until it answers.
    pub(crate) fn start(&self) -> Result<(Postmaster, u16), ServerError> {
        self.attempt(|| {
            let port = free_port()?;
            Ok((self.start_once(port)?, port))
        })
    }

    /// Starts the server on the port that it had.
    pub(crate) fn start_at(&self, port: u16) -> Result<Postmaster, ServerError> {
        self.attempt(|| self.start_once(port))
    }

    /// Starts anew what ends as it starts: its port may be taken for a moment, or what
    /// was killed not be gone yet.
    fn attempt<T>(
        &self,
        mut start: impl FnMut() -> Result<T, ServerError>,
    ) -> Result<T, ServerError> {
        let mut attempt = 1;
        loop {
            match start() {
                Err(ServerError::Crashed { .. }) if attempt < ATTEMPTS => {
                    thread::sleep(Duration::from_millis(50) * attempt * attempt);
                    attempt += 1;
                }
                Err(ServerError::Crashed { ended, log, .. }) => {
                    return Err(ServerError::Crashed { attempts: attempt, ended, log });
                }
                result => return result,
            }
        }
    }

    fn start_once(&self, port: u16) -> Result<Postmaster, ServerError> {
        let path = self.log();
        let log = OpenOptions::new().append(true).create(true).open(&path);
        let log = log.doing("opening", &path)?;
        let from = log.metadata().doing("reading", &path)?.len();
        let both = log.try_clone().doing("opening", &path)?;
        // Should the test die, the server is told to end at once (SIGQUIT).
        let mut command = self.run_as("setpriv");
        command.args(["--pdeathsig", "QUIT"]).arg(self.binaries.join("postgres"));
        command.arg("-D").arg(&self.data).args(["-p", &port.to_string()]);
        command.stdout(log).stderr(both);
        let postmaster = Postmaster::launch(command);
        let postmaster = postmaster.map_err(|source| ServerError::Program {
            program: "setpriv".to_owned(),
            advice: "it ends the server with the test; install it (`apt-get install util-linux`)",
            source,
        })?;
        self.await_answer(postmaster, port, from)
    }

    /// Waits for an answer by protocol. Another server that has taken the port meanwhile
    /// does not know the password.
    fn await_answer(
        &self,
        postmaster: Postmaster,
        port: u16,
        log_from: u64,
    ) -> Result<Postmaster, ServerError> {
        let url = url::write(ADMIN, &self.password, port, "postgres");
        let start = Instant::now();
        loop {
            let reason = match client::answers(&url, Duration::from_secs(5)) {
                Ok(()) if postmaster.is_running() => return Ok(postmaster),
                Ok(()) => "it ended after its answer".to_owned(),
                Err(reason) => reason,
            };
            if !postmaster.is_running() {
                let log = self.log_tail(log_from);
                let ended = postmaster.ended();
                return Err(ServerError::Crashed { attempts: 1, ended, log });
            }
            if start.elapsed() > ANSWER {
                let log = self.log_tail(log_from);
                return Err(ServerError::NoAnswer { waited: ANSWER, reason, log });
            }
            thread::sleep(Duration::from_millis(10));
        }
    }

    pub(crate) fn log(&self) -> PathBuf {
        self.folder.join("log")
    }

    /// The last lines of the log.
    pub(crate) fn log_tail(&self, from: u64) -> String {
        let mut bytes = Vec::new();
        let read = File::open(self.log()).and_then(|mut log| {
            log.seek(SeekFrom::Start(from))?;
            log.read_to_end(&mut bytes)
        });
        if let Err(error) = read {
            return format!("(the log can't be read: {error})");
        }
        let text = String::from_utf8_lossy(&bytes);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LOG_LINES)..].join("\n")
    }

    fn program(&self, name: &str) -> Command {
        self.run_as(self.binaries.join(name))
    }

    /// Prepares a program of the server's user, on which no setting of the tester has
    /// an influence.
    fn run_as(&self, program: impl AsRef<std::ffi::OsStr>) -> Command {
        let mut command = Command::new(program);
        self.account.runs(&mut command);
        for (name, _) in std::env::vars_os() {
            if name.as_encoded_bytes().starts_with(b"PG") {
                command.env_remove(name);
            }
        }
        // The folder of the test may be closed to the server's user.
        command.env("LC_ALL", "C").current_dir(&self.folder).stdin(Stdio::null());
        command
    }

    fn not_started(&self, name: &str, source: std::io::Error) -> ServerError {
        ServerError::Program {
            program: self.binaries.join(name).display().to_string(),
            advice: "is the installation whole (`apt-get install --reinstall postgresql`)?",
            source,
        }
    }
}

fn free_port() -> Result<u16, ServerError> {
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0));
    let port = listener.and_then(|listener| listener.local_addr());
    Ok(port.doing("asking for a free port of", url::HOST)?.port())
}
