//! Bringing rows to where the journal is.

use ecs_storage_api::RemoteError;
use ecs_storage_api::remote::Version;
use ecs_storage_api::snapshot::Folded;

use super::read;
use crate::archive::{end, keep_head, prepare, runs, take_away, write_values};
use crate::error::{lost, server};
use crate::ids::{self, Allocator};
use crate::link::{Connection, Purpose, Session};
use crate::storage::Store;
use crate::write::{Effects, Locked, Trace, commit, settle};

/// How often it begins, if commits come meanwhile.
const TRIES: usize = 4;

/// Brings the rows to where the journal is, in one transaction, and empties that.
pub(crate) async fn fold(
    store: &Store,
    condition: Option<Version>,
) -> Result<Version, RemoteError> {
    for _ in 0..TRIES {
        if let Some(version) = try_fold(store, condition).await? {
            return Ok(version);
        }
    }
    Err(lost("commits keep coming while the journal is folded".to_owned()))
}

/// As [`fold`]; `None` if a commit came meanwhile.
async fn try_fold(
    store: &Store,
    condition: Option<Version>,
) -> Result<Option<Version>, RemoteError> {
    let mut connection = store.link.connection().await?;
    let (folded, version) = look(store, &mut connection).await?;
    if let Some(expected) = condition.filter(|expected| *expected != version) {
        return Err(RemoteError::Conflict { expected, found: version });
    }
    let Some(folded) = folded else { return Ok(Some(version)) };
    let chunks = folded.updated.iter().chain(&folded.inserted);
    let components = prepare(store, &mut connection, chunks, &folded.removed).await?;
    let mut effects = Effects::new(&store.tables);
    let doing = async {
        let begun = connection.begin(Purpose::Write).await;
        let mut session = begun.map_err(server("begin a transaction"))?;
        let locked = Locked::lock_journal(&mut session, &store.tables).await?;
        store.catalog.expect(&locked)?;
        if locked.version != version || locked.rows == version {
            return Ok(None);
        }
        // Who reserves ids waits, and sees the new ones.
        Allocator::lock(&mut session, &store.tables, locked.shard).await?;
        end(&mut session, &mut effects, &folded.died).await?;
        effects.spawn(&mut session, &folded.born).await?;
        for component in components {
            let new = runs(&folded.inserted, component);
            let updated = runs(&folded.updated, component);
            write_values(store, &mut session, &mut effects, component, &new, &updated).await?;
        }
        take_away(store, &mut session, &mut effects, &folded.removed).await?;
        let before = ids::read_state(&mut session, &store.tables).await?;
        ids::write_state(&mut session, &store.tables, &before, &folded.allocator).await?;
        keep_head(store, &mut session, version, folded.tick, &folded.head).await?;
        let empty = store.tables.sql("delete from @_journal");
        let emptied = session.transaction.batch_execute(&empty).await;
        emptied.map_err(server("empty the journal"))?;
        if folded.died.iter().any(|entity| folded.born.binary_search(entity).is_ok()) {
            // The world went back: who is told that they came and ended takes them for dead.
            effects.note_all();
        }
        effects.finish_fold(&mut session, &locked, store.kept_changes).await?;
        Ok::<_, RemoteError>(Some((session, locked)))
    };
    let Some((session, locked)) = doing.await? else { return Ok(None) };
    let ended = commit(store, session).await;
    settle(store, connection, ended, Trace::Folded(&locked)).await?;
    Ok(Some(version))
}

/// Reads what the journal has beyond the rows, and to which version it leads.
async fn look(
    store: &Store,
    connection: &mut Connection,
) -> Result<(Option<Folded>, Version), RemoteError> {
    let reading = server("read the journal");
    let mut session = connection.begin(Purpose::Read).await.map_err(&reading)?;
    let versions = versions(store, &mut session).await?;
    let allocator = ids::read_state(&mut session, &store.tables).await?;
    let folded = read(store, &mut session, versions, allocator).await?;
    session.commit().await.map_err(&reading)?;
    Ok((folded, versions[1]))
}

/// Reads the version of the rows, and that of the last commit.
async fn versions(store: &Store, session: &mut Session<'_>) -> Result<[Version; 2], RemoteError> {
    let reading = server("read the version");
    let both = store.tables.sql("select version, committed from @_store");
    let both = session.prepare(&both).await.map_err(&reading)?;
    let row = session.transaction.query_one(&both, &[]).await.map_err(&reading)?;
    Ok([crate::rows::version(&row, 0)?, crate::rows::version(&row, 1)?])
}
