//! The PostgreSQL database that a run is committed to.

use std::fmt;
use std::str::FromStr;
use std::thread::sleep;
use std::time::{Duration, Instant};

use clap::Args;
use ecs::DurableOptions;
use ecs_postgres::{ConnectError, PostgresOptions};

use crate::cli::{Backend, commits, days};
use crate::error::Error;
use crate::simulation::{StoreError, Stored};

/// For how long a store is tried again that does not answer.
const PATIENCE: Duration = Duration::from_secs(30);
/// How long to wait between two tries.
const PAUSE: Duration = Duration::from_millis(500);

/// Options of the store.
#[derive(Args, Clone, Debug)]
pub struct StoreOptions {
    /// Commit the run to a PostgreSQL database, and go on from the last commit if the run
    /// is there: postgresql://user:password@host/database
    #[arg(long = "store", value_name = "URL", conflicts_with_all = ["resume", "runs"])]
    pub url: Option<StoreUrl>,

    /// Days from one commit to the next
    #[arg(long = "store-every", value_name = "DAYS", default_value_t = 1, value_parser = days)]
    #[arg(requires = "url")]
    pub every: u32,

    /// Commits from one that updates the tables to the next; those between are kept in the
    /// store's journal, and 1 updates them at each [default: when the run ends]
    #[arg(long = "store-rows-every", value_name = "COMMITS", value_parser = commits)]
    #[arg(requires = "url")]
    pub rows_every: Option<u64>,

    /// Pass over a commit, but for the last, while the store is busy with others
    #[arg(long = "store-skip", requires = "url")]
    pub skips: bool,

    /// Schema of the database that holds the run
    #[arg(long = "store-schema", value_name = "NAME", default_value = "epidemic")]
    #[arg(requires = "url")]
    pub schema: String,
}

impl StoreOptions {
    fn durable(&self) -> DurableOptions {
        let options = DurableOptions::new().rows_every(self.rows_every.unwrap_or(u64::MAX));
        if self.skips { options.skipping() } else { options }
    }
}

/// Where the database is. It may hold a password, and so is never shown.
#[derive(Clone, PartialEq, Eq)]
pub struct StoreUrl(String);

impl FromStr for StoreUrl {
    type Err = std::convert::Infallible;

    /// Takes everything: whoever reads it says what is wrong without showing it.
    fn from_str(text: &str) -> Result<Self, Self::Err> {
        Ok(Self(text.to_owned()))
    }
}

impl fmt::Debug for StoreUrl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StoreUrl(…)")
    }
}

/// Opens the store; tries again for a while if it does not answer.
///
/// # Errors
/// When it can't be reached, or holds something else than an epidemic.
pub fn open(
    url: &StoreUrl,
    store: &StoreOptions,
    people: u32,
    backend: Backend,
    tell: impl Fn(&str),
) -> Result<Stored, Error> {
    // To bring everybody to the tables may take its time.
    let limit = Duration::from_secs(60 + u64::from(people) / 4_000);
    let options = PostgresOptions::new(&url.0).schema(&store.schema).time_limit(limit);
    let options = options.pool_size(2);
    let attempt = || -> Result<Stored, Trouble> {
        Ok(Stored::open(options.clone().connect()?, backend, store.durable())?)
    };
    Ok(with_patience(attempt(), tell, attempt)?)
}

/// Tries again for a while what failed for want of an answer.
///
/// # Errors
/// The last one, or the first that trying again can't help.
pub fn with_patience<T, E>(
    mut outcome: Result<T, E>,
    tell: impl Fn(&str),
    mut again: impl FnMut() -> Result<T, E>,
) -> Result<T, Trouble>
where
    E: Into<Trouble>,
{
    let end = Instant::now() + PATIENCE;
    let mut is_told = false;
    loop {
        let trouble = match outcome {
            Ok(value) => return Ok(value),
            Err(error) => error.into(),
        };
        if !trouble.is_retryable() || Instant::now() >= end {
            return Err(trouble);
        }
        if !is_told {
            is_told = true;
            tell(&format!("{}; it is tried again for {PATIENCE:?}", Error::store(&trouble)));
        }
        sleep(PAUSE);
        outcome = again();
    }
}

/// What can go wrong with the store.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Trouble {
    /// It could not be opened.
    #[error(transparent)]
    Connect(#[from] ConnectError),
    /// It failed later, or does not hold what it should.
    #[error(transparent)]
    Store(#[from] StoreError),
}

impl Trouble {
    fn is_retryable(&self) -> bool {
        match self {
            Self::Connect(ConnectError::Remote(error)) => error.is_retryable(),
            Self::Connect(_) => false,
            Self::Store(error) => error.is_retryable(),
        }
    }
}

impl From<Trouble> for Error {
    fn from(trouble: Trouble) -> Self {
        Self::store(&trouble)
    }
}
