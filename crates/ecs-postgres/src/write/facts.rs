//! Why a batch was refused, in the words that a local store would use.

use ahash::{AHashMap, AHashSet};
use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::remote::Version;
use ecs_storage_api::{BatchFacts, BatchIds, RemoteError, UpdateBatch};

use super::Locked;
use crate::error::{lost, server};
use crate::ids::{Allocator, reserved_among};
use crate::link::{Purpose, Session};
use crate::rows::{read, signed};
use crate::storage::Store;

/// All that a batch is checked by.
struct Facts {
    alive: AHashSet<i64>,
    having: AHashMap<ComponentId, AHashSet<i64>>,
    shard: u16,
    reserved: AHashSet<i64>,
    available: u64,
}

impl BatchFacts for Facts {
    fn is_alive(&self, entity: EntityId) -> bool {
        self.alive.contains(&signed(entity))
    }

    fn has_component(&self, entity: EntityId, component: ComponentId) -> bool {
        self.having.get(&component).is_some_and(|having| having.contains(&signed(entity)))
    }

    fn adopts_foreign_ids(&self) -> bool {
        true
    }
}

impl BatchIds for Facts {
    fn shard(&self) -> u16 {
        self.shard
    }

    fn is_reserved(&self, id: EntityId) -> bool {
        self.reserved.contains(&signed(id))
    }

    fn available(&self) -> u64 {
        self.available
    }
}

/// Finds out what a batch took for granted and is not so. If nothing is found,
/// somebody has changed it meanwhile, and the batch can be tried again.
pub(super) async fn explain(
    store: &Store,
    batch: &UpdateBatch,
    condition: Option<Version>,
) -> Result<RemoteError, RemoteError> {
    let mut connection = store.link.connection().await?;
    let session = connection.begin(Purpose::Write).await;
    let mut session = session.map_err(server("begin a transaction"))?;
    let locked = Locked::lock(&mut session, &store.tables, condition).await?;
    let facts = gather(store, &mut session, batch, &locked).await?;
    Ok(match batch.check_with(&facts, Some(&facts)) {
        Err(error) => error.into(),
        Ok(()) => lost("what a batch depends on changed while it was applied".to_owned()),
    })
}

async fn gather(
    store: &Store,
    session: &mut Session<'_>,
    batch: &UpdateBatch,
    locked: &Locked,
) -> Result<Facts, RemoteError> {
    let spawns: Vec<_> = batch.spawns().iter().filter_map(|spawn| spawn.id).collect();
    let changed = batch.updates().iter().chain(batch.inserts()).map(|(entity, _)| *entity);
    let removed = batch.removes().iter().map(|(entity, _)| *entity);
    let named = changed.chain(removed).chain(batch.destroys().iter().copied());
    let mut named: Vec<_> = named.chain(spawns.iter().copied()).map(signed).collect();
    named.sort_unstable();
    named.dedup();
    let alive = store.tables.sql("select entity from @_entity where entity = any($1)");
    let alive = which(session, &alive, &named).await?;

    let mut updated: AHashMap<_, Vec<_>> = AHashMap::new();
    for (entity, value) in batch.updates() {
        updated.entry(value.id()).or_default().push(signed(*entity));
    }
    let mut having = AHashMap::new();
    for (component, entities) in updated {
        if let Some(table) = store.catalog.get(component) {
            let those = format!("select entity from {} where entity = any($1)", table.name);
            having.insert(component, which(session, &those, &entities).await?);
        }
    }
    let spawns: Vec<_> = spawns.into_iter().map(signed).collect();
    let reserved = reserved_among(session, &store.tables, &spawns).await?.into_iter().collect();
    let allocator = Allocator::lock(session, &store.tables, locked.shard).await?;
    let (shard, available) = (locked.shard, allocator.available());
    Ok(Facts { alive, having, shard, reserved, available })
}

async fn which(
    session: &mut Session<'_>,
    statement: &str,
    ids: &[i64],
) -> Result<AHashSet<i64>, RemoteError> {
    let looking = server("look at entities");
    let statement = session.prepare(statement).await.map_err(&looking)?;
    let rows = session.transaction.query(&statement, &[&ids]).await.map_err(&looking)?;
    rows.iter().map(|row| read(row, 0)).collect()
}
