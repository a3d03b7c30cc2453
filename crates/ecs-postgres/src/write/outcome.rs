//! How a commit ended, also if its answer was lost.

use std::time::{Duration, Instant};

use ecs_storage_api::{BackendError, RemoteError};

use super::Locked;
use crate::error::{is_refusal, server};
use crate::ids::{Allocator, token};
use crate::link::{Pooled, Purpose, Session};
use crate::rows::read;
use crate::storage::Store;

/// How long to wait before the server is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// What shows that a transaction was committed: a token that nobody else had.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trace<'t> {
    /// The version after the one that was locked has it.
    Version(&'t Locked),
    /// The rows are at the version that was locked, or a later one.
    Folded(&'t Locked),
    /// An id is reserved with it.
    Reserved(i64, &'t str),
    /// An id was reserved with it, and is no longer.
    Released(i64, &'t str),
}

/// Commits a transaction. [`settle`] says how that ended.
pub(crate) async fn commit(store: &Store, session: Session<'_>) -> Result<(), RemoteError> {
    let committing = async { session.commit().await.map_err(server("commit")) };
    store.link.in_time(committing).await
}

/// Finds out how a commit ended, whose connection is given up for that.
///
/// If no answer came, the server is asked on another connection.
///
/// # Errors
/// If nothing was committed: what went wrong. If that could not be found out within the
/// time limit: a permanent error, which says so.
pub(crate) async fn settle(
    store: &Store,
    connection: Pooled,
    ended: Result<(), RemoteError>,
    trace: Trace<'_>,
) -> Result<(), RemoteError> {
    let Err(error) = ended else { return Ok(()) };
    if is_refusal(&error) {
        return Err(error);
    }
    // Not back to the pool: whoever asks may need its place, and must not wait for it.
    drop(Pooled::take(connection));
    let end = Instant::now() + store.link.time_limit();
    loop {
        let asking = store.link.in_time(happened(store, trace)).await;
        let why = match asking {
            Ok(Some(true)) => return Ok(()),
            Ok(Some(false)) => return Err(error),
            Ok(None) => "what is known of versions no longer goes back to it".to_owned(),
            Err(failed) if Instant::now() >= end || !failed.is_retryable() => failed.to_string(),
            Err(_) => {
                tokio::time::sleep(PAUSE).await;
                continue;
            }
        };
        return Err(RemoteError::Backend(BackendError::permanent(format!(
            "the connection was lost at a commit ({error}), and it is not known whether \
             it happened: {why}",
        ))));
    }
}

/// Asks whether a transaction was committed; `None` if that can't be known any more.
///
/// It may still be at it: whoever gets its lock knows its end.
async fn happened(store: &Store, trace: Trace<'_>) -> Result<Option<bool>, RemoteError> {
    let asking = server("ask whether a commit happened");
    let mut connection = store.link.connection().await?;
    let mut session = connection.begin(Purpose::Write).await.map_err(&asking)?;
    let now = Locked::lock_journal(&mut session, &store.tables).await?;
    match trace {
        Trace::Version(locked) => {
            let found = store.tables.sql(
                "select exists (select from @_version where version = $1 and token = $2::text::uuid), \
                        changes_since < $1 from @_store",
            );
            let next = locked.version.get() as i64 + 1;
            let row = session.transaction.query_one(&found, &[&next, &locked.token]).await;
            let row = row.map_err(&asking)?;
            let (is_there, is_known): (bool, bool) = (read(&row, 0)?, read(&row, 1)?);
            Ok((is_there || is_known).then_some(is_there))
        }
        Trace::Folded(locked) => Ok(Some(now.rows >= locked.version)),
        Trace::Reserved(id, its) | Trace::Released(id, its) => {
            Allocator::lock(&mut session, &store.tables, now.shard).await?;
            let is_there = token(&mut session, &store.tables, id).await?.as_deref() == Some(its);
            Ok(Some(is_there == matches!(trace, Trace::Reserved(..))))
        }
    }
}
