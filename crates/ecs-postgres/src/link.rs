//! Connections: a pool of them, and the runtime that they need.

mod bell;
mod connection;
mod entered;
mod near;
mod patience;
mod tls;

use std::time::Duration;

use deadpool::managed::{Object, Pool, PoolError, Timeouts};
use ecs_storage_api::RemoteError;
use tokio::runtime::{Builder, Runtime};

use crate::error::{ConnectError, lost, unreachable_server};
use crate::options::PostgresOptions;

pub(crate) use bell::Bell;
use connection::Connector;
pub(crate) use connection::{Connection, Purpose, Session};
pub(crate) use entered::Entered;
pub(crate) use patience::Patience;

/// A connection that goes back to the pool when it is dropped.
pub(crate) type Pooled = Object<Connector>;

/// The way to the server, shared by all that a store does.
///
/// Futures of the store run on whatever executor polls them; only the connections
/// themselves are tasks of this runtime. So nothing outside need know of it.
#[derive(Debug)]
pub(crate) struct Link {
    /// There until the link is dropped.
    runtime: Option<Runtime>,
    pool: Pool<Connector>,
    time_limit: Duration,
}

impl Link {
    pub(crate) fn new(options: &PostgresOptions) -> Result<Self, ConnectError> {
        let limit = Some(options.time_limit);
        let pool = Pool::builder(Connector::new(options)?)
            .max_size(options.pool_size)
            .runtime(deadpool::Runtime::Tokio1)
            .timeouts(Timeouts { wait: limit, create: limit, recycle: limit })
            .build()
            .map_err(|error| ConnectError::Pool(error.to_string()))?;
        // Last: what fails before it must not drop it, which waits, and to wait is forbidden
        // to tasks of other runtimes.
        let runtime = Builder::new_multi_thread()
            .worker_threads(1)
            .thread_name("ecs-postgres")
            .enable_all()
            .build()
            .map_err(ConnectError::Runtime)?;
        Ok(Self { runtime: Some(runtime), pool, time_limit: options.time_limit })
    }

    /// Lets a future run on any executor.
    pub(crate) fn enter<F: Future>(&self, future: F) -> Entered<F> {
        Entered::new(self.runtime().handle().clone(), future)
    }

    /// As [`enter`](Self::enter), for no longer than the time limit. Not for what
    /// commits: how that ended takes a time of its own to find out.
    pub(crate) fn limited<T>(
        &self,
        doing: impl Future<Output = Result<T, RemoteError>>,
    ) -> impl Future<Output = Result<T, RemoteError>> {
        self.enter(self.in_time(doing))
    }

    /// Gives up what takes longer than it may. Nothing of it has happened then, unless
    /// it was to be committed.
    pub(crate) fn in_time<T, E: From<RemoteError>>(
        &self,
        doing: impl Future<Output = Result<T, E>>,
    ) -> impl Future<Output = Result<T, E>> {
        let limit = self.time_limit;
        async move {
            match tokio::time::timeout(limit, doing).await {
                Ok(outcome) => outcome,
                Err(_) => Err(lost(format!("the server did not answer within {limit:?}")).into()),
            }
        }
    }

    /// Takes a connection out of the pool; it goes back when it is dropped.
    pub(crate) async fn connection(&self) -> Result<Pooled, RemoteError> {
        self.pool.get().await.map_err(|error| match error {
            PoolError::Backend(error) => unreachable_server(error),
            other => lost(format!("no connection could be had: {other}")),
        })
    }

    /// Listens on a channel, until the bell is dropped.
    pub(crate) fn listen(&self, channel: String) -> Bell {
        let Connector { config, tls } = self.pool.manager();
        Bell::new(self.runtime().handle(), config.clone(), tls.clone(), channel)
    }

    /// Tells whether the server works on this machine's processors.
    pub(crate) fn is_near(&self) -> bool {
        near::is_near(&self.pool.manager().config)
    }

    fn runtime(&self) -> &Runtime {
        self.runtime.as_ref().expect("it is there until the link is dropped")
    }

    pub(crate) fn time_limit(&self) -> Duration {
        self.time_limit
    }
}

impl Drop for Link {
    fn drop(&mut self) {
        self.pool.close();
        if let Some(runtime) = self.runtime.take() {
            // Waiting for it is forbidden to tasks of other runtimes.
            runtime.shutdown_background();
        }
    }
}
