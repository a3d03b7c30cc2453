//! How a commit ended, also if its answer was lost.

use std::time::{Duration, Instant};

use ecs_storage_api::{BackendError, RemoteError};

use super::Locked;
use crate::error::{is_cut, server};
use crate::link::{Purpose, Session};
use crate::storage::Store;

/// How long to wait before the server is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// Commits a transaction that raised the version.
///
/// If the connection is lost at this, the server is asked, on another one, whether
/// the version came to be: its row holds a token that only this transaction had.
///
/// # Errors
/// If it did not happen: what went wrong, to be tried again. If that could not be
/// found out within the time limit: a permanent error, which says so.
pub(crate) async fn commit(
    store: &Store,
    session: Session<'_>,
    locked: &Locked,
) -> Result<(), RemoteError> {
    let committing = async { session.commit().await.map_err(server("commit")) };
    let Err(error) = store.link.in_time(committing).await else { return Ok(()) };
    if !is_cut(&error) {
        return Err(error);
    }
    let end = Instant::now() + store.link.time_limit();
    loop {
        match happened(store, locked).await {
            Ok(true) => return Ok(()),
            Ok(false) => return Err(error),
            Err(failed) if Instant::now() >= end || !failed.is_retryable() => {
                return Err(RemoteError::Backend(BackendError::permanent(format!(
                    "the connection was lost at a commit ({error}), and it is not known \
                     whether version {} was committed: {failed}",
                    locked.version.get() + 1,
                ))));
            }
            Err(_) => tokio::time::sleep(PAUSE).await,
        }
    }
}

/// Asks whether the next version is that of a transaction.
async fn happened(store: &Store, locked: &Locked) -> Result<bool, RemoteError> {
    let asking = server("ask whether a commit happened");
    let mut connection = store.link.connection().await?;
    let mut session = connection.begin(Purpose::Write).await.map_err(&asking)?;
    // It may still be at it: whoever holds the lock after it knows its end.
    Locked::lock(&mut session, &store.tables, None).await?;
    let found = store
        .tables
        .sql("select exists (select from @_version where version = $1 and token = $2::text::uuid)");
    let next = locked.version.get() as i64 + 1;
    let row = session.transaction.query_one(&found, &[&next, &locked.token]).await;
    Ok(row.map_err(&asking)?.get(0))
}
