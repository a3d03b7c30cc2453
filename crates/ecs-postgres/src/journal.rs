//! The journal: commits of a world that the rows have not followed yet.
//!
//! A commit is one row of `_journal`, or several of some megabytes each, of the bytes of a
//! [`JournalEntry`]. As long as there are any, the store's row says with `committed` to
//! which version they lead; `version` is that of the rows, for all who read them.

mod fold;
mod read;

use ecs_storage_api::RemoteError;
use ecs_storage_api::remote::{Commit, Version};
use ecs_storage_api::snapshot::JournalEntry;

use crate::archive::expect_allocator;
use crate::error::server;
use crate::ids;
use crate::link::{Connection, Purpose, Session};
use crate::storage::Store;
use crate::write::{Locked, Raised, Trace, commit, raise, settle};
pub(crate) use fold::fold;
pub(crate) use read::read;

/// How many bytes of a commit a row has at most.
const PART: usize = 4 << 20;

/// Keeps a commit in the journal.
pub(crate) async fn append(
    store: &Store,
    changes: &Commit<'_>,
    condition: Version,
) -> Result<Version, RemoteError> {
    let Commit { tick, changes, allocator_before, allocator, head } = changes;
    let allocators = [*allocator_before, *allocator];
    let bytes = JournalEntry::encode(condition.get() + 1, *tick, changes, allocators, head)?;
    let attempt = || async {
        let mut connection = store.link.connection().await?;
        let doing = perform(store, &mut connection, *tick, &bytes, allocator_before, condition);
        let (session, locked, version) = store.link.in_time(doing).await?;
        let ended = commit(store, session).await;
        settle(store, connection, ended, Trace::Version(&locked)).await?;
        Ok(version)
    };
    store.again(attempt).await
}

/// Does all of it but to commit it.
async fn perform<'c>(
    store: &Store,
    connection: &'c mut Connection,
    tick: u64,
    bytes: &[u8],
    allocator: &ecs_core::AllocatorState,
    condition: Version,
) -> Result<(Session<'c>, Locked, Version), RemoteError> {
    let keeping = server("keep a commit in the journal");
    let mut session = connection.begin(Purpose::Write).await.map_err(&keeping)?;
    let locked = Locked::lock_journal(&mut session, &store.tables).await?;
    locked.expect(Some(condition))?;
    store.catalog.expect(&locked)?;
    if locked.rows == locked.version {
        // Whoever reserves ids is done, or sees the journal.
        expect_allocator(store, &mut session, &locked, allocator).await?;
        // Its entries say what changes of it, so the order counts too.
        if ids::read_state(&mut session, &store.tables).await?.free != allocator.free {
            return Err(ids::others_took_ids());
        }
    }
    let version = raise(&mut session, &store.tables, &locked, Raised::Journal).await?;
    let keep = store.tables.sql("insert into @_journal values ($1, $2, $3, $4)");
    let keep = session.prepare(&keep).await.map_err(&keeping)?;
    let (number, tick) = (version.get() as i64, tick as i64);
    for (part, bytes) in (0i32..).zip(bytes.chunks(PART)) {
        let kept = session.transaction.execute(&keep, &[&number, &part, &tick, &bytes]).await;
        kept.map_err(&keeping)?;
    }
    Ok((session, locked, version))
}
