//! A batch as the effects of a transaction.

use std::collections::BTreeMap;

use ahash::AHashSet;
use ecs_core::{ComponentId, EntityId, ErasedValue};
use ecs_storage_api::remote::Version;
use ecs_storage_api::{Applied, BatchFacts, BatchIds, UpdateBatch};

use super::effects::{Effects, count_by_ids};
use super::{Locked, Trace, Trouble, commit, settle};
use crate::catalog::Table;
use crate::error::{is_twice, nonsense, server};
use crate::ids::{self, Allocator};
use crate::link::{Connection, Purpose, Session};
use crate::rows::{self, Run, signed};
use crate::storage::Store;

/// A batch by component.
pub(super) struct Work<'b> {
    updates: BTreeMap<ComponentId, Vec<Run<'b>>>,
    inserts: BTreeMap<ComponentId, Vec<Run<'b>>>,
    removes: BTreeMap<ComponentId, Vec<i64>>,
    /// Components whose values are spawned.
    spawned: Vec<ComponentId>,
}

impl<'b> Work<'b> {
    pub(super) fn of(batch: &'b UpdateBatch) -> Self {
        let runs = |changes: &'b [(EntityId, ErasedValue)]| {
            let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
            for (entity, value) in changes {
                let run = Run::one(*entity, value.as_ref().as_slice());
                runs.entry(value.id()).or_default().push(run);
            }
            runs
        };
        let mut removes: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (entity, component) in batch.removes() {
            removes.entry(*component).or_default().push(signed(*entity));
        }
        let bundles = batch.spawns().iter().flat_map(|spawn| spawn.bundle.values());
        let mut spawned: Vec<_> = bundles.map(ErasedValue::id).collect();
        spawned.sort_unstable();
        spawned.dedup();
        Self { updates: runs(batch.updates()), inserts: runs(batch.inserts()), removes, spawned }
    }

    /// Returns the components for which there must be tables.
    pub(super) fn stored(&self) -> Vec<ComponentId> {
        let changed = self.updates.keys().chain(self.inserts.keys());
        let mut stored: Vec<_> = changed.chain(&self.spawned).copied().collect();
        stored.sort_unstable();
        stored.dedup();
        stored
    }

    /// Returns the components that are taken away.
    pub(super) fn removed(&self) -> impl Iterator<Item = ComponentId> {
        self.removes.keys().copied()
    }

    /// Returns the values of new entities, by component.
    fn spawns(
        &self,
        batch: &'b UpdateBatch,
        made: &[EntityId],
    ) -> BTreeMap<ComponentId, Vec<Run<'b>>> {
        let mut runs: BTreeMap<_, Vec<_>> = BTreeMap::new();
        for (spawn, entity) in batch.spawns().iter().zip(made) {
            for value in spawn.bundle.values() {
                let run = Run::one(*entity, value.as_ref().as_slice());
                runs.entry(value.id()).or_default().push(run);
            }
        }
        runs
    }

    /// Tells whether a change names one of some entities.
    fn names_any(&self, batch: &UpdateBatch, entities: &[EntityId]) -> bool {
        if batch.len() == batch.spawns().len() {
            return false;
        }
        let entities: AHashSet<_> = entities.iter().map(|id| signed(*id)).collect();
        let runs = self.updates.values().chain(self.inserts.values()).flatten();
        let changed = runs.flat_map(|run| run.ids()).map(|id| signed(*id));
        let removed = self.removes.values().flatten().copied();
        let destroyed = batch.destroys().iter().map(|id| signed(*id));
        changed.chain(removed).chain(destroyed).any(|id| entities.contains(&id))
    }

    /// Returns the entities that must live although no effect shows it, each once.
    fn presumed_alive(&self) -> Vec<i64> {
        let mut alive: Vec<_> = self.inserts.values().flat_map(|runs| rows::ids(runs)).collect();
        alive.extend(self.removes.values().flatten());
        alive.sort_unstable();
        alive.dedup();
        alive
    }
}

/// What a batch takes for granted: that all is as it must be.
struct Hoped {
    /// Ids that the batch itself is to make real.
    named: AHashSet<EntityId>,
    shard: u16,
}

impl BatchFacts for Hoped {
    fn is_alive(&self, entity: EntityId) -> bool {
        !self.named.contains(&entity)
    }

    fn has_component(&self, _: EntityId, _: ComponentId) -> bool {
        true
    }

    fn adopts_foreign_ids(&self) -> bool {
        true
    }
}

impl BatchIds for Hoped {
    fn shard(&self) -> u16 {
        self.shard
    }

    fn is_reserved(&self, _: EntityId) -> bool {
        true
    }

    fn available(&self) -> u64 {
        u64::MAX
    }
}

/// Applies a batch in one transaction, taking for granted what its effects will show.
pub(super) async fn apply(
    store: &Store,
    batch: &UpdateBatch,
    work: &Work<'_>,
    condition: Option<Version>,
) -> Result<Applied, Trouble> {
    let mut connection = store.link.connection().await?;
    let doing = perform(store, &mut connection, batch, work, condition);
    let (session, locked, applied) = store.link.in_time(doing).await?;
    if !batch.is_empty() {
        let ended = commit(store, session).await;
        settle(store, connection, ended, Trace::Version(&locked)).await?;
    }
    Ok(applied)
}

/// Does all of a batch but to commit it.
async fn perform<'c>(
    store: &Store,
    connection: &'c mut Connection,
    batch: &UpdateBatch,
    work: &Work<'_>,
    condition: Option<Version>,
) -> Result<(Session<'c>, Locked, Applied), Trouble> {
    let tables = &store.tables;
    let session = connection.begin(Purpose::Write).await;
    let mut session = session.map_err(server("begin a transaction"))?;
    let locked = Locked::lock(&mut session, tables, condition).await?;
    if batch.is_empty() {
        let applied = Applied::new(Vec::new(), 0, locked.version);
        return Ok((session, locked, applied));
    }
    store.catalog.expect(&locked)?;
    let named = batch.spawns().iter().filter_map(|spawn| spawn.id).collect();
    let hoped = Hoped { named, shard: locked.shard };
    batch.check_with(&hoped, Some(&hoped)).map_err(|_| Trouble::Untrue)?;

    let mut effects = Effects::new(tables);
    let mut allocator = match batch.spawns().is_empty() && batch.destroys().is_empty() {
        true => None,
        false => Some(Allocator::lock(&mut session, tables, locked.shard).await?),
    };
    let mut made = Vec::new();
    if let Some(allocator) = &mut allocator {
        made = spawn(store, &mut session, &mut effects, allocator, batch, locked.shard).await?;
        // Who comes to life with a batch can't be changed by it.
        if work.names_any(batch, &made) {
            return Err(Trouble::Untrue);
        }
        for (component, runs) in work.spawns(batch, &made) {
            effects.fill(&mut session, &*table(store, component)?, &runs).await?;
        }
    }
    let removed = change(store, &mut session, &mut effects, work).await?;
    if !batch.destroys().is_empty() {
        let ids: Vec<_> = batch.destroys().iter().map(|id| signed(*id)).collect();
        if effects.destroy(&mut session, ids).await? != batch.destroys().len() as u64 {
            return Err(Trouble::Untrue);
        }
    }
    if let Some(mut allocator) = allocator {
        allocator.recycle(&mut session, tables, batch.destroys()).await?;
        allocator.store(&mut session, tables).await?;
    }
    let version = effects.finish(&mut session, &locked, store.kept_changes).await?;
    Ok((session, locked, Applied::new(made, removed, version)))
}

/// Names and makes the entities of a batch.
async fn spawn(
    store: &Store,
    session: &mut Session<'_>,
    effects: &mut Effects<'_>,
    allocator: &mut Allocator,
    batch: &UpdateBatch,
    shard: u16,
) -> Result<Vec<EntityId>, Trouble> {
    let named: Vec<_> = batch.spawns().iter().filter_map(|spawn| spawn.id).collect();
    let fresh = batch.spawns().len() - named.len();
    if fresh as u64 > allocator.available() {
        return Err(Trouble::Untrue);
    }
    let home = named.iter().filter(|id| id.shard() == shard);
    let home: Vec<_> = home.map(|id| signed(*id)).collect();
    if ids::end_reserved(session, &store.tables, &home).await? != home.len() as u64 {
        return Err(Trouble::Untrue);
    }
    let mut fresh = allocator.take(session, &store.tables, fresh).await?.into_iter();
    let ids = batch.spawns().iter().map(|spawn| spawn.id.or_else(|| fresh.next()));
    let made: Option<Vec<_>> = ids.collect();
    let made = made.ok_or_else(|| nonsense("fewer ids came than were taken"))?;
    match effects.spawn(session, &made).await {
        Err(error) if is_twice(&error) => Err(Trouble::Untrue),
        outcome => Ok(outcome.map(|()| made)?),
    }
}

/// Changes what living entities have, and returns how many values were taken away.
async fn change(
    store: &Store,
    session: &mut Session<'_>,
    effects: &mut Effects<'_>,
    work: &Work<'_>,
) -> Result<usize, Trouble> {
    for (component, runs) in &work.updates {
        let updated = effects.update(session, &*table(store, *component)?, runs).await?;
        if updated != rows::count(runs) as u64 {
            return Err(Trouble::Untrue);
        }
    }
    let alive = work.presumed_alive();
    if !alive.is_empty() {
        let living = store.tables.sql("select count(*) from @_entity where entity = any($1)");
        if count_by_ids(session, &living, &alive).await? != alive.len() as u64 {
            return Err(Trouble::Untrue);
        }
    }
    for (component, runs) in &work.inserts {
        effects.upsert(session, &*table(store, *component)?, runs).await?;
    }
    let mut removed = 0;
    for (component, ids) in &work.removes {
        match store.catalog.get(*component) {
            Some(table) => removed += effects.remove(session, &table, ids.clone()).await?,
            // No entity has a component that has no table.
            None if !has_table(store, session, *component).await? => {}
            None => return Err(Trouble::Unprepared),
        }
    }
    Ok(removed as usize)
}

/// Tells whether a component that is not known has a table by now.
async fn has_table(
    store: &Store,
    session: &mut Session<'_>,
    component: ComponentId,
) -> Result<bool, Trouble> {
    let looking = server("look for the table of a component");
    let found = store.tables.sql("select exists (select from @_component where name = $1)");
    let found = session.prepare(&found).await.map_err(&looking)?;
    let info = component.info();
    let row = session.transaction.query_one(&found, &[&info.name()]).await.map_err(&looking)?;
    Ok(rows::read(&row, 0)? && !info.is_transient())
}

fn table(store: &Store, component: ComponentId) -> Result<std::sync::Arc<Table>, Trouble> {
    let missing = || nonsense(format!("component `{component}` has no table"));
    Ok(store.catalog.get(component).ok_or_else(missing)?)
}
