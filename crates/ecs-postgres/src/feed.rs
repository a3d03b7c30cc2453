//! What others change: told by version, and as it happens.

use std::time::Duration;

use ahash::AHashMap;
use ecs_storage_api::RemoteError;
use ecs_storage_api::remote::{BoxStream, RemoteChange, RemoteChangeKind, RemoteChanges, Version};
use futures_util::stream;
use tokio_postgres::Row;

use crate::error::{nonsense, server};
use crate::link::{Bell, Purpose, Session};
use crate::rows::{entity, read, version};
use crate::storage::Store;

/// How many versions an answer tells of at most.
const VERSIONS: i64 = 1_000;

/// How many entities it tells of at most, unless one version has more.
const ENTITIES: i64 = 1_000_000;

/// How long to wait after an error.
const PAUSE: Duration = Duration::from_millis(200);

/// How long to wait for a word of the server before it is asked anyhow: a connection
/// may be dead without a word.
const PATIENCE: Duration = Duration::from_secs(10);

/// Tells what changed since a version.
pub(crate) async fn changes(store: &Store, since: Version) -> Result<RemoteChanges, RemoteError> {
    let reading = server("read what changed");
    let mut connection = store.link.connection().await?;
    let mut session = connection.begin(Purpose::Read).await.map_err(&reading)?;
    let known = store.tables.sql("select version, changes_since, committed from @_store");
    let known = session.prepare(&known).await.map_err(&reading)?;
    let known = session.transaction.query_one(&known, &[]).await.map_err(&reading)?;
    let (now, oldest): (i64, i64) = (read(&known, 0)?, read(&known, 1)?);
    let first = since.get() as i64;
    let committed: i64 = read(&known, 2)?;
    if (now + 1..=committed).contains(&first) {
        // The rows are to follow the journal there.
        session.commit().await.map_err(&reading)?;
        return Ok(RemoteChanges::new(since, Vec::new()));
    }
    // One that lies ahead is of another past: the database has been put back.
    if first < oldest || first > now {
        return Err(RemoteError::Forgotten { since, oldest: Version::new(oldest as u64) });
    }
    let last = end(&mut session, store, first, now).await?;
    let names = store.tables.sql("select id, name from @_component");
    let names = session.prepare(&names).await.map_err(&reading)?;
    let names = session.transaction.query(&names, &[]).await.map_err(&reading)?;
    let names = names.iter().map(|row| Ok((read(row, 0)?, read(row, 1)?)));
    let names = names.collect::<Result<AHashMap<i32, String>, RemoteError>>()?;
    // In the order in which a batch has its effects.
    let told = store.tables.sql(
        "select version, kind, component, entities from @_change \
         where version > $1 and version <= $2 \
         order by version, position(kind::text in 'lswrd'), component",
    );
    let told = session.prepare(&told).await.map_err(&reading)?;
    let told = session.transaction.query(&told, &[&first, &last]).await.map_err(&reading)?;
    session.commit().await.map_err(&reading)?;
    let changes = told.iter().map(|row| change(row, &names)).collect::<Result<_, _>>()?;
    Ok(RemoteChanges::new(Version::new(last as u64), changes))
}

/// Returns the version up to which an answer tells: as many as have no more entities than
/// one answer may, and one at least.
async fn end(
    session: &mut Session<'_>,
    store: &Store,
    first: i64,
    now: i64,
) -> Result<i64, RemoteError> {
    let reading = server("read what changed");
    let last = now.min(first.saturating_add(VERSIONS));
    let end = store.tables.sql(
        "select coalesce(max(version) filter (where total <= $3::bigint), min(version)) from \
         (select version, sum(sum(count)) over (order by version) as total from @_change \
          where version > $1 and version <= $2 group by version) as told",
    );
    let end = session.prepare(&end).await.map_err(&reading)?;
    let row = session.transaction.query_one(&end, &[&first, &last, &ENTITIES]).await;
    let row = row.map_err(&reading)?;
    let total: Option<i64> = read(&row, 0)?;
    // Versions without a change have nothing to tell: where all is told, they are passed.
    let left = store.tables.sql("select exists (select from @_change where version > $1)");
    let left = session.prepare(&left).await.map_err(&reading)?;
    let left = session.transaction.query_one(&left, &[&total.unwrap_or(first)]).await;
    match (total, read(&left.map_err(&reading)?, 0)?) {
        (Some(end), true) => Ok(end),
        _ => Ok(last),
    }
}

fn change(row: &Row, names: &AHashMap<i32, String>) -> Result<RemoteChange, RemoteError> {
    let kind = match read::<i8>(row, 1)? as u8 {
        b's' => RemoteChangeKind::Spawned,
        b'w' => RemoteChangeKind::Written,
        b'r' => RemoteChangeKind::Removed,
        b'd' => RemoteChangeKind::Destroyed,
        b'l' => RemoteChangeKind::Loaded,
        other => return Err(nonsense(format!("a change of kind {:?}", other as char))),
    };
    let entities = read::<Vec<i64>>(row, 3)?.into_iter().map(entity);
    let entities = entities.collect::<Result<_, _>>()?;
    let component = names.get(&read(row, 2)?).cloned();
    Ok(RemoteChange::new(version(row, 0)?, kind, component, entities))
}

/// Tells what changes from a version on. The server's word only says when to ask: what
/// changed is read by version, so that a word that is lost costs time and nothing else.
pub(crate) fn watch(
    store: &Store,
    since: Version,
) -> BoxStream<'_, Result<RemoteChanges, RemoteError>> {
    // Nothing happens before the first poll.
    let state = Some((since, None, false));
    Box::pin(stream::unfold(state, move |state| async move {
        let (since, bell, has_failed) = state?;
        let mut bell = bell.unwrap_or_else(|| store.link.listen(store.tables.channel()));
        let asking = async {
            if has_failed {
                tokio::time::sleep(PAUSE).await;
            }
            next(store, since, &mut bell).await
        };
        match store.link.enter(asking).await {
            Ok(changes) => {
                let reached = changes.version;
                Some((Ok(changes), Some((reached, Some(bell), false))))
            }
            Err(error) if error.is_retryable() => {
                Some((Err(error), Some((since, Some(bell), true))))
            }
            Err(error) => Some((Err(error), None)),
        }
    }))
}

async fn next(
    store: &Store,
    since: Version,
    bell: &mut Bell,
) -> Result<RemoteChanges, RemoteError> {
    loop {
        let found = store.link.in_time(changes(store, since)).await?;
        if !found.is_empty() || found.version > since {
            return Ok(found);
        }
        // Whatever rings from the moment before the question on is heard.
        let _ = tokio::time::timeout(PATIENCE, bell.ring()).await;
    }
}
