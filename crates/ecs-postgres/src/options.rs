//! How a store is reached, and where in the database it is.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ecs_storage_api::snapshot::ReadOptions;
use tokio_postgres::Config;

use crate::error::ConnectError;
use crate::name;
use crate::url::UrlFault;

/// Says which database holds a store, and how it is spoken to.
///
/// # Example
/// ```no_run
/// use std::time::Duration;
/// use ecs_postgres::{PostgresOptions, PostgresStorage};
///
/// let store: PostgresStorage = PostgresOptions::new("postgresql://ecs@localhost/worlds")
///     .schema("harbour")
///     .pool_size(4)
///     .time_limit(Duration::from_secs(10))
///     .connect()?;
/// # Ok::<(), ecs_postgres::ConnectError>(())
/// ```
#[derive(Clone)]
#[must_use]
pub struct PostgresOptions {
    url: String,
    pub(crate) schema: String,
    pub(crate) pool_size: usize,
    pub(crate) time_limit: Duration,
    pub(crate) attempts: u32,
    pub(crate) shard: u16,
    pub(crate) kept_changes: u64,
    pub(crate) migrations: Arc<ReadOptions>,
    #[cfg(feature = "tls")]
    pub(crate) certificates: Option<Vec<Vec<u8>>>,
}

impl PostgresOptions {
    /// Names a database by a URL (`postgresql://user:password@host:port/database`) or
    /// by `key=value` pairs, as every program of PostgreSQL takes them.
    pub fn new(url: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            schema: "ecs".to_owned(),
            pool_size: 4,
            time_limit: Duration::from_secs(30),
            attempts: 5,
            shard: 0,
            kept_changes: 10_000,
            migrations: Arc::default(),
            #[cfg(feature = "tls")]
            certificates: None,
        }
    }

    /// Names the schema that holds the store: `ecs` unless said otherwise. A database
    /// can hold many.
    pub fn schema(mut self, name: impl Into<String>) -> Self {
        self.schema = name.into();
        self
    }

    /// Says how many connections there are at most: 4 unless said otherwise. They are
    /// kept, and made when they are wanted. Who watches for changes listens on one of its
    /// own. None counts as one, and more than 65,536 as so many.
    pub fn pool_size(mut self, connections: usize) -> Self {
        self.pool_size = connections.clamp(1, 1 << 16);
        self
    }

    /// Says how long a transaction may take, a page to be read, or an answer to come: 30
    /// seconds unless said otherwise. The server ends a statement then that is still
    /// running, or waiting for a lock. What reads or replaces everything may take as long
    /// for each of its statements; that, opening and folding wait for a server that
    /// neither answers nor ends its statements, as long as the connection stands. More than
    /// 24 days count as so many.
    pub fn time_limit(mut self, limit: Duration) -> Self {
        // So many milliseconds a server counts.
        const MOST: Duration = Duration::from_millis(i32::MAX as u64);
        self.time_limit = limit.min(MOST);
        self
    }

    /// Says how often a batch is tried in all that the server ends for the sake of
    /// others (deadlocks, failed serialisation): 5 times unless said otherwise.
    pub fn attempts(mut self, attempts: u32) -> Self {
        self.attempts = attempts;
        self
    }

    /// Says which shard a new store names its entities by: 0 unless said otherwise. A
    /// store that is there has its own.
    pub fn shard(mut self, shard: u16) -> Self {
        self.shard = shard;
        self
    }

    /// Says for how many versions it is kept what changed: 10,000 unless said
    /// otherwise. A reader of the [feed](ecs_storage_api::AsyncStorage::changes_async) that
    /// is further behind has to read everything.
    pub fn kept_changes(mut self, versions: u64) -> Self {
        self.kept_changes = versions;
        self
    }

    /// Says how components of old forms become what they are now: as in files, by the
    /// steps of [`ReadOptions::migrate`]. Opening the store migrates their tables, each
    /// in a transaction that raises the version; without a way, a component whose form
    /// has changed is an error. What a step would skip in a file stays here.
    ///
    /// Old columns are dropped, which the server refuses as long as a view shows them,
    /// and with them indexes over them. What leads to a transient component stays too.
    pub fn migrations(mut self, migrations: ReadOptions) -> Self {
        self.migrations = Arc::new(migrations);
        self
    }

    /// Trusts servers by these certificates, in DER form, instead of the system's.
    /// What the URL says of `sslmode` decides whether a connection is encrypted.
    #[cfg(feature = "tls")]
    pub fn certificates(mut self, certificates: impl IntoIterator<Item = Vec<u8>>) -> Self {
        self.certificates = Some(certificates.into_iter().collect());
        self
    }

    /// Returns what a connection is made by.
    pub(crate) fn config(&self) -> Result<Config, ConnectError> {
        name::check_schema(&self.schema)?;
        let config = self.url.parse::<Config>();
        let mut config =
            config.map_err(|error| ConnectError::Url(UrlFault::of(&self.url, &error)))?;
        let milliseconds = self.time_limit.as_millis().clamp(1, i32::MAX as u128);
        // Functions are those of the server itself, whatever others made in schemas that
        // are looked into first. A plan that was made for few ids, while a table was small, is
        // not to be kept for many.
        let limits = format!(
            "{} -c statement_timeout={milliseconds} -c lock_timeout={milliseconds} \
             -c idle_in_transaction_session_timeout={milliseconds} \
             -c client_min_messages=warning -c search_path=pg_catalog,pg_temp \
             -c plan_cache_mode=force_custom_plan",
            config.get_options().unwrap_or_default(),
        );
        config.options(limits.trim()).connect_timeout(self.time_limit);
        // A way on which nothing comes back any more is a lost one.
        config.tcp_user_timeout(self.time_limit);
        // In seconds, of which Linux takes no more.
        const LONGEST_IDLE: Duration = Duration::from_secs(i16::MAX as u64);
        let idle = self.time_limit.clamp(Duration::from_secs(1), LONGEST_IDLE);
        config.keepalives_idle(idle);
        if config.get_application_name().is_none() {
            config.application_name("ecs-postgres");
        }
        Ok(config)
    }
}

/// Shows neither URL nor password.
impl fmt::Debug for PostgresOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PostgresOptions")
            .field("schema", &self.schema)
            .field("pool_size", &self.pool_size)
            .field("time_limit", &self.time_limit)
            .finish_non_exhaustive()
    }
}
