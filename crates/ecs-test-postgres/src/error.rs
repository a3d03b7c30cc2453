//! What keeps a server from running, and what there is to do.

use std::io;
use std::path::PathBuf;
use std::process::ExitStatus;
use std::time::Duration;

/// Says why a server is not there.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ServerError {
    /// PostgreSQL is not installed where it was looked for.
    #[error(
        "PostgreSQL is not installed: no folder with `initdb` and `postgres`; looked at {}. \
         Install it (`apt-get install postgresql`), or name the folder of its programs in \
         ECS_POSTGRES_BIN",
        looked.join(", ")
    )]
    Missing {
        /// The places, in words.
        looked: Vec<String>,
    },
    /// PostgreSQL refuses to run as root, and there is nobody else.
    #[error(
        "PostgreSQL refuses to run as root, and /etc/passwd has neither a user `postgres` nor \
         `nobody`; add one (`useradd --system postgres`)"
    )]
    NoAccount,
    /// A program could not be started.
    #[error("`{program}` could not be started; {advice}")]
    Program {
        /// Its name or path.
        program: String,
        /// What there is to do.
        advice: &'static str,
        /// The system's words.
        source: io::Error,
    },
    /// A file or folder of the server could not be used.
    #[error("{doing} {}: {source}", path.display())]
    Io {
        /// What was to be done with it.
        doing: &'static str,
        /// The file or folder.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// `initdb` failed.
    #[error("`initdb` failed ({status}); it said:\n{output}")]
    Initdb {
        /// How it ended.
        status: ExitStatus,
        /// All that it wrote.
        output: String,
    },
    /// Each start of the server ended at once.
    #[error("the server ended as it started, {attempts} times ({ended}); its log ends so:\n{log}")]
    Crashed {
        /// How often it was started.
        attempts: u32,
        /// How the last one ended.
        ended: String,
        /// The end of its log.
        log: String,
    },
    /// The server runs, and gives no answer.
    #[error("the server did not answer within {waited:?} ({reason}); its log ends so:\n{log}")]
    NoAnswer {
        /// How long it was waited for.
        waited: Duration,
        /// Why the last question failed.
        reason: String,
        /// The end of its log.
        log: String,
    },
    /// The server did not end when it was told to, and was killed.
    #[error("the server did not stop within {waited:?} and was killed; its log ends so:\n{log}")]
    NotStopped {
        /// How long it was waited for.
        waited: Duration,
        /// The end of its log.
        log: String,
    },
    /// A file system of limited size could not be had.
    #[error(
        "a file system of {bytes} bytes could not be mounted at {}: {source}; it takes root with \
         the right to mount (CAP_SYS_ADMIN)",
        path.display()
    )]
    NoDisk {
        /// How large it was to be.
        bytes: u64,
        /// Where.
        path: PathBuf,
        /// The system's words.
        source: io::Error,
    },
    /// A statement or its connection failed.
    #[error("`{sql}` failed: {}", crate::client::words(source))]
    Sql {
        /// The statement.
        sql: String,
        /// What the client says; it has the code of an SQL error.
        source: Box<tokio_postgres::Error>,
    },
    /// An address is not one of the server that it was given to.
    #[error("`{url}` is no address of the server at {address}")]
    ForeignUrl {
        /// What was given.
        url: String,
        /// What it should contain.
        address: String,
    },
    /// A certificate could not be made.
    #[cfg(feature = "tls")]
    #[error("a certificate could not be made: {0}")]
    Certificate(#[from] rcgen::Error),
}

/// Adds what was being done, and with which file.
pub(crate) trait Doing<T> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, ServerError>;
}

impl<T, E: Into<io::Error>> Doing<T> for Result<T, E> {
    fn doing(self, doing: &'static str, path: impl Into<PathBuf>) -> Result<T, ServerError> {
        self.map_err(|error| ServerError::Io { doing, path: path.into(), source: error.into() })
    }
}
