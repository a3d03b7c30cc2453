//! Batches of changes: one transaction each.

mod batch;
mod effects;
mod facts;
mod outcome;

use ecs_storage_api::remote::Version;
use ecs_storage_api::{Applied, RemoteError, UpdateBatch};

use crate::error::server;
use crate::ids::Allocator;
use crate::link::{Purpose, Session};
use crate::storage::Store;
use crate::tables::Tables;
use batch::Work;
pub(crate) use effects::Effects;
pub(crate) use outcome::commit;

/// The store's row, locked: nobody else writes until the transaction ends.
#[derive(Debug, Clone)]
pub(crate) struct Locked {
    pub(crate) version: Version,
    pub(crate) shard: u16,
    /// What the next version is known by to who makes it.
    pub(crate) token: String,
}

impl Locked {
    /// Locks the store, if it is at the version asked for.
    pub(crate) async fn lock(
        session: &mut Session<'_>,
        tables: &Tables,
        condition: Option<Version>,
    ) -> Result<Self, RemoteError> {
        let locking = server("lock the store");
        // Rows that come are few beside those that are there, and found by the index: a
        // temporary table has no statistics by which the planner could know.
        let statement = tables.sql(
            "select version, shard, gen_random_uuid()::text, \
             set_config('enable_hashjoin', 'off', true), \
             set_config('enable_mergejoin', 'off', true) \
             from @_store for no key update",
        );
        let statement = session.prepare(&statement).await.map_err(&locking)?;
        let row = session.transaction.query_one(&statement, &[]).await.map_err(&locking)?;
        let found = Version::new(row.get::<_, i64>(0) as u64);
        match condition {
            Some(expected) if expected != found => Err(RemoteError::Conflict { expected, found }),
            _ => Ok(Self { version: found, shard: row.get::<_, i16>(1) as u16, token: row.get(2) }),
        }
    }
}

/// How a try ended that changed nothing.
pub(crate) enum Trouble {
    /// What the batch takes for granted does not hold: it is to be found out what.
    Untrue,
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
    let mut connection = store.link.connection().await?;
    store.catalog.ensure(&mut connection, &store.tables, &work.stored()).await?;
    store.catalog.look_up(&mut connection, &store.tables, work.removed()).await?;
    drop(connection);
    store
        .again(|| async {
            match batch::apply(store, batch, &work, condition).await {
                Ok(applied) => Ok(applied),
                Err(Trouble::Failed(error)) => Err(error),
                Err(Trouble::Untrue) => Err(facts::explain(store, batch, condition).await?),
            }
        })
        .await
}

/// Reserves the next ids.
pub(crate) async fn reserve(
    store: &Store,
    count: usize,
) -> Result<Vec<ecs_core::EntityId>, RemoteError> {
    let reserving = server("reserve ids");
    let mut connection = store.link.connection().await?;
    let mut session = connection.begin(Purpose::Write).await.map_err(&reserving)?;
    let shard = shard(&mut session, &store.tables).await?;
    let mut allocator = Allocator::lock(&mut session, &store.tables, shard).await?;
    let ids = allocator.take(&mut session, &store.tables, count).await?;
    crate::ids::note_reserved(&mut session, &store.tables, &ids).await?;
    allocator.store(&mut session, &store.tables).await?;
    session.commit().await.map_err(&reserving)?;
    Ok(ids)
}

/// Gives reserved ids back.
pub(crate) async fn release(store: &Store, ids: &[ecs_core::EntityId]) -> Result<(), RemoteError> {
    let releasing = server("release ids");
    let mut connection = store.link.connection().await?;
    let mut session = connection.begin(Purpose::Write).await.map_err(&releasing)?;
    let shard = shard(&mut session, &store.tables).await?;
    let mut allocator = Allocator::lock(&mut session, &store.tables, shard).await?;
    let bits: Vec<_> = ids.iter().map(|id| crate::rows::signed(*id)).collect();
    let mut reserved = crate::ids::reserved_among(&mut session, &store.tables, &bits).await?;
    reserved.sort_unstable();
    let mut seen = ahash::AHashSet::new();
    for (id, bits) in ids.iter().zip(&bits) {
        if reserved.binary_search(bits).is_err() || !seen.insert(bits) {
            return Err(ecs_storage_api::StorageError::NotReserved(*id).into());
        }
    }
    crate::ids::end_reserved(&mut session, &store.tables, &bits).await?;
    allocator.push(&mut session, &store.tables, bits).await?;
    allocator.store(&mut session, &store.tables).await?;
    session.commit().await.map_err(&releasing)?;
    Ok(())
}

/// Reads the shard. It only changes while nobody is there to see it.
async fn shard(session: &mut Session<'_>, tables: &Tables) -> Result<u16, RemoteError> {
    let reading = server("read the shard");
    let statement = tables.sql("select shard from @_store");
    let statement = session.prepare(&statement).await.map_err(&reading)?;
    let row = session.transaction.query_one(&statement, &[]).await.map_err(&reading)?;
    Ok(row.get::<_, i16>(0) as u16)
}
