//! Batches of changes: one transaction each.

mod batch;
mod effects;
mod facts;
mod load;
mod outcome;

use ecs_core::EntityId;
use ecs_storage_api::remote::Version;
use ecs_storage_api::{Applied, RemoteError, UpdateBatch};

use crate::error::server;
use crate::ids::{Allocator, end_reserved, note_reserved, reserved_among, token};
use crate::link::{Purpose, Session};
use crate::rows::{read, signed, version};
use crate::storage::Store;
use crate::tables::Tables;
use batch::Work;
pub(crate) use effects::{Effects, Raised, raise};
pub(crate) use load::load;
pub(crate) use outcome::{Trace, commit, settle};

/// The store's row, locked: nobody else writes until the transaction ends.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    /// That of the rows.
    pub(crate) rows: Version,
    /// That of the last commit: later than the rows, if there is a journal.
    pub(crate) version: Version,
    pub(crate) shard: u16,
    /// What the next version is known by to who makes it.
    pub(crate) token: String,
    /// How often tables have been migrated.
    pub(crate) migrations: i32,
}

impl Locked {
    /// Locks the store for who changes rows, if it is at the version asked for and no
    /// journal is ahead of them.
    pub(crate) async fn lock(
        session: &mut Session<'_>,
        tables: &Tables,
        condition: Option<Version>,
    ) -> Result<Self, RemoteError> {
        let locked = Self::lock_journal(session, tables).await?;
        expect_folded(locked.rows, locked.version)?;
        locked.expect(condition)?;
        Ok(locked)
    }

    /// Locks the store for who minds the journal.
    pub(crate) async fn lock_journal(
        session: &mut Session<'_>,
        tables: &Tables,
    ) -> Result<Self, RemoteError> {
        let locking = server("lock the store");
        // Rows that come are few beside those that are there, and found by the index: a
        // temporary table has no statistics by which the planner could know.
        let statement = tables.sql(
            "select version, shard, gen_random_uuid()::text, \
             set_config('enable_hashjoin', 'off', true), \
             set_config('enable_mergejoin', 'off', true), migrations, committed \
             from @_store for no key update",
        );
        let statement = session.prepare(&statement).await.map_err(&locking)?;
        let row = session.transaction.query_one(&statement, &[]).await.map_err(&locking)?;
        Ok(Self {
            rows: version(&row, 0)?,
            version: version(&row, 6)?,
            shard: read::<i16>(&row, 1)? as u16,
            token: read(&row, 2)?,
            migrations: read(&row, 5)?,
        })
    }

    /// Checks that the store is at the version asked for.
    pub(crate) fn expect(&self, condition: Option<Version>) -> Result<(), RemoteError> {
        match condition {
            Some(expected) if expected != self.version => {
                Err(RemoteError::Conflict { expected, found: self.version })
            }
            _ => Ok(()),
        }
    }
}

/// Checks that rows are where the last commit is: no journal is ahead of them.
pub(crate) fn expect_folded(rows: Version, version: Version) -> Result<(), RemoteError> {
    match rows == version {
        true => Ok(()),
        false => Err(RemoteError::Unfolded { rows, version }),
    }
}

/// How a try ended that changed nothing.
pub(crate) enum Trouble {
    /// What the batch takes for granted does not hold: it is to be found out what.
    Untrue,
    /// A component has a table that has not been looked up.
    Unprepared,
    /// It failed.
    Failed(RemoteError),
}

impl<E: Into<RemoteError>> From<E> for Trouble {
    fn from(error: E) -> Self {
        Self::Failed(error.into())
    }
}

/// Applies a batch, wholly or not at all.
pub(crate) async fn apply(
    store: &Store,
    batch: &UpdateBatch,
    condition: Option<Version>,
) -> Result<Applied, RemoteError> {
    let work = Work::of(batch);
    let attempt = || async {
        loop {
            store.link.in_time(prepare(store, &work)).await?;
            return match batch::apply(store, batch, &work, condition).await {
                Ok(applied) => Ok(applied),
                Err(Trouble::Unprepared) => continue,
                Err(Trouble::Failed(error)) => Err(error),
                Err(Trouble::Untrue) => {
                    Err(store.link.in_time(facts::explain(store, batch, condition)).await?)
                }
            };
        }
    };
    store.again(attempt).await
}

/// Sees to the tables of a batch.
async fn prepare(store: &Store, work: &Work<'_>) -> Result<(), RemoteError> {
    let mut connection = store.link.connection().await?;
    store.catalog.ensure(&mut connection, &store.tables, &work.stored()).await?;
    store.catalog.look_up(&mut connection, &store.tables, work.removed()).await
}

/// Reserves the next ids.
pub(crate) async fn reserve(store: &Store, count: usize) -> Result<Vec<EntityId>, RemoteError> {
    let mut connection = store.link.connection().await?;
    let taking = async {
        let reserving = server("reserve ids");
        let mut session = connection.begin(Purpose::Write).await.map_err(&reserving)?;
        let mut allocator = Allocator::lock_alone(&mut session, &store.tables).await?;
        let ids = allocator.take(&mut session, &store.tables, count).await?;
        note_reserved(&mut session, &store.tables, &ids).await?;
        let first = ids.first().map_or(0, |id| signed(*id));
        let token = token(&mut session, &store.tables, first).await?.unwrap_or_default();
        allocator.store(&mut session, &store.tables).await?;
        Ok::<_, RemoteError>((session, ids, first, token))
    };
    let (session, ids, first, token) = store.link.in_time(taking).await?;
    if ids.is_empty() {
        return Ok(ids);
    }
    let ended = commit(store, session).await;
    settle(store, connection, ended, Trace::Reserved(first, &token)).await?;
    Ok(ids)
}

/// Gives reserved ids back.
pub(crate) async fn release(store: &Store, ids: &[EntityId]) -> Result<(), RemoteError> {
    let bits: Vec<_> = ids.iter().map(|id| signed(*id)).collect();
    let Some(&first) = bits.first() else { return Ok(()) };
    let mut connection = store.link.connection().await?;
    let giving = async {
        let releasing = server("release ids");
        let mut session = connection.begin(Purpose::Write).await.map_err(&releasing)?;
        let mut allocator = Allocator::lock_alone(&mut session, &store.tables).await?;
        let mut reserved = reserved_among(&mut session, &store.tables, &bits).await?;
        reserved.sort_unstable();
        let mut seen = ahash::AHashSet::new();
        for (id, bits) in ids.iter().zip(&bits) {
            if reserved.binary_search(bits).is_err() || !seen.insert(bits) {
                return Err(ecs_storage_api::StorageError::NotReserved(*id).into());
            }
        }
        let token = token(&mut session, &store.tables, first).await?.unwrap_or_default();
        end_reserved(&mut session, &store.tables, &bits).await?;
        allocator.push(&mut session, &store.tables, bits.clone()).await?;
        allocator.store(&mut session, &store.tables).await?;
        Ok::<_, RemoteError>((session, token))
    };
    let (session, token) = store.link.in_time(giving).await?;
    // Were it sent again after it happened, it could meet somebody else's reservation.
    let ended = commit(store, session).await;
    settle(store, connection, ended, Trace::Released(first, &token)).await
}
