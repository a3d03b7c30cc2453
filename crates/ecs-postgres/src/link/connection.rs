//! One connection, with what it has prepared.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use ahash::{AHashMap, AHashSet};
use deadpool::managed::{Manager, Metrics, RecycleError, RecycleResult};
use ecs_core::ComponentId;
use tokio_postgres::{Client, Config, IsolationLevel, Statement, Transaction};

use super::tls::Tls;
use crate::error::ConnectError;
use crate::options::PostgresOptions;

/// Makes connections for the pool.
pub(crate) struct Connector {
    pub(super) config: Config,
    pub(super) tls: Arc<Tls>,
}

impl Connector {
    pub(super) fn new(options: &PostgresOptions) -> Result<Self, ConnectError> {
        Ok(Self { config: options.config()?, tls: Arc::new(Tls::new(options)?) })
    }
}

impl Manager for Connector {
    type Type = Connection;
    type Error = tokio_postgres::Error;

    async fn create(&self) -> Result<Connection, tokio_postgres::Error> {
        let client = self.tls.connect(&self.config).await?;
        Ok(Connection {
            client,
            statements: Statements::default(),
            staged: AHashSet::new(),
            is_settled: true,
        })
    }

    async fn recycle(
        &self,
        connection: &mut Connection,
        _: &Metrics,
    ) -> RecycleResult<tokio_postgres::Error> {
        if connection.client.is_closed() {
            return Err(RecycleError::message("the connection is closed"));
        }
        if !connection.is_settled {
            let asking = connection.client.batch_execute("");
            if !matches!(tokio::time::timeout(PATIENCE, asking).await, Ok(Ok(()))) {
                // What runs there is wanted by nobody.
                self.tls.cancel(connection.client.cancel_token());
                return Err(RecycleError::message("the connection is busy"));
            }
            connection.is_settled = true;
        }
        Ok(())
    }
}

/// For how long a connection is waited for whose last user left before the answer came.
const PATIENCE: Duration = Duration::from_millis(100);

/// A connection of the pool.
pub(crate) struct Connection {
    pub(crate) client: Client,
    pub(crate) statements: Statements,
    /// Components for whose rows it has a temporary table.
    staged: AHashSet<ComponentId>,
    /// Whether all answers have come, and no transaction is open.
    pub(crate) is_settled: bool,
}

/// Statements that a connection has prepared, by their text.
#[derive(Default)]
pub(crate) struct Statements(AHashMap<String, Statement>);

impl Statements {
    /// How many are kept. Those of many kinds of queries are forgotten together.
    const LIMIT: usize = 512;

    /// Prepares a statement, once for a connection.
    pub(crate) async fn prepare(
        &mut self,
        client: &Client,
        sql: &str,
    ) -> Result<Statement, tokio_postgres::Error> {
        if let Some(statement) = self.0.get(sql) {
            return Ok(statement.clone());
        }
        let statement = client.prepare(sql).await?;
        if self.0.len() == Self::LIMIT {
            self.0.clear();
        }
        self.0.insert(sql.to_owned(), statement.clone());
        Ok(statement)
    }
}

/// What a transaction is begun for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// It writes, after it has locked what it depends on.
    Write,
    /// It reads several times, and sees one state.
    Read,
}

/// A transaction on a connection. Dropped without [`commit`](Self::commit), it has no
/// effect.
pub(crate) struct Session<'c> {
    pub(crate) transaction: Transaction<'c>,
    pub(crate) statements: &'c mut Statements,
    staged: &'c mut AHashSet<ComponentId>,
    /// Temporary tables that are there once it is committed.
    newly_staged: Vec<ComponentId>,
    is_settled: &'c mut bool,
}

impl Connection {
    /// Begins a transaction.
    pub(crate) async fn begin(
        &mut self,
        purpose: Purpose,
    ) -> Result<Session<'_>, tokio_postgres::Error> {
        let Self { client, statements, staged, is_settled } = self;
        *is_settled = false;
        let builder = client.build_transaction();
        let transaction = match purpose {
            Purpose::Write => builder.isolation_level(IsolationLevel::ReadCommitted),
            Purpose::Read => {
                builder.isolation_level(IsolationLevel::RepeatableRead).read_only(true)
            }
        };
        let transaction = transaction.start().await?;
        Ok(Session { transaction, statements, staged, newly_staged: Vec::new(), is_settled })
    }
}

impl Session<'_> {
    /// Prepares a statement, once for the connection.
    pub(crate) async fn prepare(&mut self, sql: &str) -> Result<Statement, tokio_postgres::Error> {
        self.statements.prepare(self.transaction.client(), sql).await
    }

    /// Makes a temporary table by a statement, unless the connection has it.
    pub(crate) async fn stage(
        &mut self,
        component: ComponentId,
        sql: impl FnOnce() -> String,
    ) -> Result<(), tokio_postgres::Error> {
        if !self.staged.contains(&component) && !self.newly_staged.contains(&component) {
            self.transaction.batch_execute(&sql()).await?;
            self.newly_staged.push(component);
        }
        Ok(())
    }

    /// Makes its effects last.
    pub(crate) async fn commit(self) -> Result<(), tokio_postgres::Error> {
        self.transaction.commit().await?;
        *self.is_settled = true;
        self.staged.extend(self.newly_staged);
        Ok(())
    }
}

impl fmt::Debug for Connection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connection").field("closed", &self.client.is_closed()).finish()
    }
}

/// Shows neither where the database is nor who asks.
impl fmt::Debug for Connector {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Connector").field("tls", &self.tls).finish_non_exhaustive()
    }
}
