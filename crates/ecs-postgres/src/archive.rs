//! A world that runs elsewhere, and is committed here.

use ecs_core::{AllocatorState, ComponentId, EntityId};
use ecs_storage_api::remote::{Archive, BoxFuture, Commit, Committed, Version};
use ecs_storage_api::{OwnedChunk, RemoteError};

use crate::error::{nonsense, server};
use crate::ids::{self, Allocator};
use crate::journal;
use crate::link::{Connection, Purpose, Session};
use crate::read::read_committed;
use crate::rows::{Run, signed};
use crate::storage::{PostgresStorage, Store};
use crate::write::{Effects, Locked, Trace, commit, settle};

impl Archive for PostgresStorage {
    fn commit_async<'a>(
        &'a self,
        commit: &'a Commit<'a>,
        condition: Version,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(store.again(move || take_in(store, commit, condition))))
    }

    fn has_journal(&self) -> bool {
        true
    }

    fn shares_processors(&self) -> bool {
        self.store.link.is_near()
    }

    fn append_async<'a>(
        &'a self,
        commit: &'a Commit<'a>,
        condition: Version,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        Box::pin(self.store.link.enter(journal::append(&self.store, commit, condition)))
    }

    fn fold_async(
        &self,
        condition: Option<Version>,
    ) -> BoxFuture<'_, Result<Version, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(store.again(move || journal::fold(store, condition))))
    }

    fn committed_async(&self) -> BoxFuture<'_, Result<Committed, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(store.again(move || read_committed(store))))
    }
}

async fn take_in(
    store: &Store,
    changes: &Commit<'_>,
    condition: Version,
) -> Result<Version, RemoteError> {
    let mut connection = store.link.connection().await?;
    let rows = changes.changes;
    let chunks = [&rows.born, &rows.updated, &rows.inserted].into_iter().flatten();
    let preparing = prepare(store, &mut connection, chunks, &rows.removed);
    let components = store.link.in_time(preparing).await?;
    let doing = perform(store, &mut connection, changes, &components, condition);
    let (session, locked, version) = store.link.in_time(doing).await?;
    let ended = commit(store, session).await;
    settle(store, connection, ended, Trace::Version(&locked)).await?;
    Ok(version)
}

/// Sees to the tables of changes, and returns the components of those that bring values.
pub(crate) async fn prepare<'a>(
    store: &Store,
    connection: &mut Connection,
    chunks: impl Iterator<Item = &'a OwnedChunk>,
    removed: &[(ComponentId, Vec<EntityId>)],
) -> Result<Vec<ComponentId>, RemoteError> {
    let columns = chunks.flat_map(OwnedChunk::columns);
    let mut components: Vec<_> = columns.map(|column| column.id()).collect();
    components.sort_unstable();
    components.dedup();
    store.catalog.ensure(connection, &store.tables, &components).await?;
    let removed = removed.iter().map(|(component, _)| *component);
    store.catalog.look_up(connection, &store.tables, removed).await?;
    Ok(components)
}

/// Does all of it but to commit it.
async fn perform<'c>(
    store: &Store,
    connection: &'c mut Connection,
    changes: &Commit<'_>,
    components: &[ComponentId],
    condition: Version,
) -> Result<(Session<'c>, Locked, Version), RemoteError> {
    let Commit { tick, changes: rows, allocator_before, allocator, head } = changes;
    let session = connection.begin(Purpose::Write).await;
    let mut session = session.map_err(server("begin a transaction"))?;
    let locked = Locked::lock(&mut session, &store.tables, Some(condition)).await?;
    store.catalog.expect(&locked)?;
    if allocator_before != allocator {
        expect_allocator(store, &mut session, &locked, allocator_before).await?;
    }
    let mut effects = Effects::new(&store.tables);
    for chunk in &rows.born {
        effects.spawn(&mut session, chunk.ids()).await?;
    }
    for component in components {
        let new = runs(rows.born.iter().chain(&rows.inserted), *component);
        let updated = runs(&rows.updated, *component);
        write_values(store, &mut session, &mut effects, *component, &new, &updated).await?;
    }
    take_away(store, &mut session, &mut effects, &rows.removed).await?;
    end(&mut session, &mut effects, &rows.died).await?;
    if allocator_before != allocator {
        ids::write_state(&mut session, &store.tables, allocator_before, allocator).await?;
    }
    let version = effects.finish(&mut session, &locked, store.kept_changes).await?;
    keep_head(store, &mut session, version, *tick, head).await?;
    Ok((session, locked, version))
}

/// Locks the allocator, and checks that it is as the world believes.
pub(crate) async fn expect_allocator(
    store: &Store,
    session: &mut Session<'_>,
    locked: &Locked,
    believed: &AllocatorState,
) -> Result<(), RemoteError> {
    let there = Allocator::lock(session, &store.tables, locked.shard).await?;
    match there.is_in(session, &store.tables, believed).await? {
        true => Ok(()),
        false => Err(ids::others_took_ids()),
    }
}

/// Writes the values of a component: new ones, and ones in place of others.
pub(crate) async fn write_values(
    store: &Store,
    session: &mut Session<'_>,
    effects: &mut Effects<'_>,
    component: ComponentId,
    new: &[Run<'_>],
    updated: &[Run<'_>],
) -> Result<(), RemoteError> {
    let missing = || nonsense(format!("component `{component}` has no table"));
    let table = store.catalog.get(component).ok_or_else(missing)?;
    if !new.is_empty() {
        effects.fill(session, &table, new).await?;
    }
    let count = crate::rows::count(updated) as u64;
    if count != 0 && effects.update(session, &table, updated).await? != count {
        return Err(nonsense(format!("values of `{component}` to be replaced are not there")));
    }
    Ok(())
}

/// Takes components away.
pub(crate) async fn take_away(
    store: &Store,
    session: &mut Session<'_>,
    effects: &mut Effects<'_>,
    removed: &[(ComponentId, Vec<EntityId>)],
) -> Result<(), RemoteError> {
    for (component, entities) in removed {
        if let Some(table) = store.catalog.get(*component) {
            let entities = entities.iter().map(|id| signed(*id)).collect();
            effects.remove(session, &table, entities).await?;
        }
    }
    Ok(())
}

/// Ends entities.
pub(crate) async fn end(
    session: &mut Session<'_>,
    effects: &mut Effects<'_>,
    died: &[EntityId],
) -> Result<(), RemoteError> {
    if died.is_empty() {
        return Ok(());
    }
    let ids = died.iter().map(|id| signed(*id)).collect();
    match effects.destroy(session, ids).await? == died.len() as u64 {
        true => Ok(()),
        false => Err(nonsense("entities that died did not live")),
    }
}

/// Keeps what the world has beside its rows.
pub(crate) async fn keep_head(
    store: &Store,
    session: &mut Session<'_>,
    version: Version,
    tick: u64,
    head: &[u8],
) -> Result<(), RemoteError> {
    let keeping = server("keep the head of the world");
    let keep = store.tables.sql(
        "insert into @_world (version, tick, head) values ($1, $2, $3) \
         on conflict (single) do update \
         set version = excluded.version, tick = excluded.tick, head = excluded.head",
    );
    let keep = session.prepare(&keep).await.map_err(&keeping)?;
    let (version, tick) = (version.get() as i64, tick as i64);
    let kept = session.transaction.execute(&keep, &[&version, &tick, &head]).await;
    kept.map_err(&keeping)?;
    Ok(())
}

/// Returns the values of a component in some chunks.
pub(crate) fn runs<'a>(
    chunks: impl IntoIterator<Item = &'a OwnedChunk>,
    component: ComponentId,
) -> Vec<Run<'a>> {
    let chunks = chunks.into_iter();
    chunks.filter_map(|chunk| Some(Run::many(chunk.ids(), chunk.column(component)?))).collect()
}
