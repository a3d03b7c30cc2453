//! What can go wrong between here and the server, in the words of the contract.

use std::error::Error;
use std::{fmt, io};

use ecs_storage_api::{BackendError, RemoteError};
use tokio_postgres::error::{DbError, Severity, SqlState};

use crate::name::NameError;
use crate::url::UrlFault;

/// Tells why a store could not be opened. None shows the URL or the password.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ConnectError {
    /// The URL can't be read.
    #[error(
        "the URL of the database can't be read: {0} (it is not shown, as it may hold a password)"
    )]
    Url(UrlFault),
    /// A name can't be an identifier.
    #[error(transparent)]
    Name(#[from] NameError),
    /// No threads for connections could be had.
    #[error("no runtime for connections: {0}")]
    Runtime(#[source] io::Error),
    /// The pool can't be as it was asked for.
    #[error("no pool of connections: {0}")]
    Pool(String),
    /// A certificate can't be used.
    #[error("a certificate can't be used: {0}")]
    Certificate(String),
    /// There is no such shard.
    #[error("shard {0} is above the greatest, {max}", max = ecs_core::EntityId::MAX_SHARD)]
    Shard(u16),
    /// The schema holds a store of another kind.
    #[error("schema `{schema}` holds a store of format {found}, and this is format {expected}")]
    Format {
        /// Which schema.
        schema: String,
        /// The format that it has.
        found: i32,
        /// The format that is known here.
        expected: i32,
    },
    /// A component is something else here than in the database.
    #[error(transparent)]
    Component(#[from] ComponentError),
    /// The server said no, or said nothing.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

/// Tells why a view could not be made.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum ViewError {
    /// A name can't be an identifier.
    #[error(transparent)]
    Name(#[from] NameError),
    /// The server said no, or said nothing.
    #[error(transparent)]
    Remote(#[from] RemoteError),
}

/// Tells why a component of this process can't be that of the database.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum ComponentError {
    /// Its schema changed.
    #[error(
        "component `{name}` is {here} here and {there} in the database; a migration leads from one to the other"
    )]
    Changed {
        /// Which component.
        name: String,
        /// Its codec and schema in this process.
        here: String,
        /// Those in the database.
        there: String,
    },
    /// Somebody changed the table.
    #[error("table {table} of component `{name}` has columns ({there}), and should have ({here})")]
    Table {
        /// Which component.
        name: String,
        /// Its table.
        table: String,
        /// The columns that it should have.
        here: String,
        /// The columns that it has.
        there: String,
    },
    /// The database holds it, and this process does not know it.
    #[error("the database holds component `{name}`, which is not registered in this process")]
    Unknown {
        /// Which component.
        name: String,
    },
    /// It is to be migrated to a component that has a table already.
    #[error(
        "component `{name}` is to become `{target}`, which has a table already: bring its rows there and drop its own, or the other way round"
    )]
    Twice {
        /// Which component.
        name: String,
        /// What it is to become.
        target: String,
    },
    /// Another process has migrated tables since the store was opened.
    #[error("components were migrated by another process; the store has to be opened anew")]
    Migrated,
    /// It stays in the process that made it.
    #[error("component `{name}` is transient: it has no table")]
    Transient {
        /// Which component.
        name: String,
    },
}

impl From<ComponentError> for RemoteError {
    fn from(error: ComponentError) -> Self {
        Self::Backend(BackendError::permanent(error))
    }
}

/// What the server said, and what was being done. Neither text nor `Debug` shows the
/// detail of an answer, which may show values.
pub(crate) struct ServerError {
    doing: &'static str,
    source: tokio_postgres::Error,
}

impl fmt::Display for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "could not {}: ", self.doing)?;
        match self.source.as_db_error() {
            Some(error) => write!(f, "{} ({})", error.message(), error.code().code()),
            None => {
                write!(f, "{}", self.source)?;
                match self.source.source() {
                    Some(source) => write!(f, ": {source}"),
                    None => Ok(()),
                }
            }
        }
    }
}

impl fmt::Debug for ServerError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("ServerError").field(&self.to_string()).finish()
    }
}

// Without a source: its text would show the detail.
impl Error for ServerError {}

/// Whether the same may go well later.
fn is_retryable(error: &tokio_postgres::Error) -> bool {
    let Some(code) = error.code() else {
        // The connection was lost, or never came about.
        return error.is_closed() || is_broken_way(error);
    };
    // Classes: connection, transaction ended for others, resources, operator.
    let by_class =
        ["08", "40", "53", "57", "58"].iter().any(|class| code.code().starts_with(class));
    // A lock that others held, and the server's own limits for those who say nothing.
    by_class || ["55P03", "25P03", "25P04"].contains(&code.code())
}

/// Whether the way to the server broke, however deep the error says so. What came and
/// made no sense is an error of reading and writing too, and none of the way.
fn is_broken_way(error: &tokio_postgres::Error) -> bool {
    let mut next = error.source();
    while let Some(error) = next {
        if let Some(error) = error.downcast_ref::<io::Error>() {
            let kinds = [io::ErrorKind::InvalidData, io::ErrorKind::InvalidInput];
            return !kinds.contains(&error.kind());
        }
        next = error.source();
    }
    false
}

/// Returns what the server, or the way to it, said.
fn said(error: &RemoteError) -> Option<&tokio_postgres::Error> {
    let RemoteError::Backend(error) = error else { return None };
    Some(&error.get_ref().downcast_ref::<ServerError>()?.source)
}

/// Tells whether a transaction was ended for the sake of others, and can be run again
/// at once.
fn is_crossed(error: &RemoteError) -> bool {
    let crossed = [SqlState::T_R_SERIALIZATION_FAILURE, SqlState::T_R_DEADLOCK_DETECTED];
    said(error).and_then(|error| error.code()).is_some_and(|code| crossed.contains(code))
}

/// Tells whether a row was there already.
pub(crate) fn is_twice(error: &RemoteError) -> bool {
    said(error).and_then(|error| error.code()) == Some(&SqlState::UNIQUE_VIOLATION)
}

/// Tells whether the server refused, and went on: nothing of the transaction is left.
pub(crate) fn is_refusal(error: &RemoteError) -> bool {
    let answer = said(error).and_then(tokio_postgres::Error::as_db_error);
    answer.is_some_and(|answer| !["FATAL", "PANIC"].contains(&severity(answer)))
}

/// Tells whether the connection is gone, or never came about.
fn is_cut(error: &RemoteError) -> bool {
    said(error).is_some_and(is_retryable) && !is_refusal(error)
}

/// Tells whether what nothing came of can be tried again at once: it was in the way of
/// others, or its connection was lost.
pub(crate) fn is_passing(error: &RemoteError) -> bool {
    is_crossed(error) || is_cut(error)
}

/// Returns how bad it is, in the words of the protocol and not of the server's
/// language.
fn severity(answer: &DbError) -> &str {
    match answer.parsed_severity() {
        Some(Severity::Panic) => "PANIC",
        Some(Severity::Fatal) => "FATAL",
        Some(_) => "ERROR",
        None => answer.severity(),
    }
}

/// Says what was being done when the server refused.
pub(crate) fn server(doing: &'static str) -> impl Fn(tokio_postgres::Error) -> RemoteError {
    move |source| {
        let retryable = is_retryable(&source);
        let error = ServerError { doing, source };
        RemoteError::Backend(match retryable {
            true => BackendError::retryable(error),
            false => BackendError::permanent(error),
        })
    }
}

pub(crate) fn unreachable_server(error: tokio_postgres::Error) -> RemoteError {
    server("connect to the server")(error)
}

/// An answer that did not come in time, or a connection that could not be had.
pub(crate) fn lost(what: String) -> RemoteError {
    RemoteError::Backend(BackendError::retryable(what))
}

/// An answer that makes no sense.
pub(crate) fn nonsense(what: impl Into<String>) -> RemoteError {
    RemoteError::Backend(BackendError::permanent(what.into()))
}
