//! A world that runs elsewhere, and is committed here.

use ecs_core::ComponentId;
use ecs_storage_api::remote::{Archive, BoxFuture, Commit, Committed, Version};
use ecs_storage_api::{OwnedChunk, RemoteError};

use crate::error::{nonsense, server};
use crate::ids::{self, Allocator};
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

    fn committed_async(&self) -> BoxFuture<'_, Result<Committed, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(read_committed(store)))
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
    let columns = chunks.flat_map(OwnedChunk::columns);
    let mut components: Vec<_> = columns.map(|column| column.id()).collect();
    components.sort_unstable();
    components.dedup();
    store.catalog.ensure(&mut connection, &store.tables, &components).await?;
    let removed = rows.removed.iter().map(|(component, _)| *component);
    store.catalog.look_up(&mut connection, &store.tables, removed).await?;

    let doing = perform(store, &mut connection, changes, &components, condition);
    let (session, locked, version) = store.link.in_time(doing).await?;
    let ended = commit(store, session).await;
    settle(store, connection, ended, Trace::Version(&locked)).await?;
    Ok(version)
}

/// Does all of it but to commit it.
async fn perform<'c>(
    store: &Store,
    connection: &'c mut Connection,
    changes: &Commit<'_>,
    components: &[ComponentId],
    condition: Version,
) -> Result<(Session<'c>, Locked, Version), RemoteError> {
    let Commit { changes: rows, allocator_before, allocator, head } = changes;
    let session = connection.begin(Purpose::Write).await;
    let mut session = session.map_err(server("begin a transaction"))?;
    let locked = Locked::lock(&mut session, &store.tables, Some(condition)).await?;
    store.catalog.expect(&locked)?;
    if allocator_before != allocator {
        let there = Allocator::lock(&mut session, &store.tables, locked.shard).await?;
        if !there.is_in(&mut session, &store.tables, allocator_before).await? {
            return Err(nonsense(
                "others have reserved ids since the last commit; the world has to be opened anew",
            ));
        }
    }
    let mut effects = Effects::new(&store.tables);
    for chunk in &rows.born {
        effects.spawn(&mut session, chunk.ids()).await?;
    }
    for component in components {
        let missing = || nonsense(format!("component `{component}` has no table"));
        let table = store.catalog.get(*component).ok_or_else(missing)?;
        let new = runs(rows.born.iter().chain(&rows.inserted), *component);
        if !new.is_empty() {
            effects.fill(&mut session, &table, &new).await?;
        }
        let updated = runs(&rows.updated, *component);
        let count = crate::rows::count(&updated) as u64;
        if count != 0 && effects.update(&mut session, &table, &updated).await? != count {
            return Err(nonsense(format!("values of `{component}` to be replaced are not there")));
        }
    }
    for (component, entities) in &rows.removed {
        if let Some(table) = store.catalog.get(*component) {
            let entities = entities.iter().map(|id| signed(*id)).collect();
            effects.remove(&mut session, &table, entities).await?;
        }
    }
    if !rows.died.is_empty() {
        let died: Vec<_> = rows.died.iter().map(|id| signed(*id)).collect();
        let count = died.len() as u64;
        if effects.destroy(&mut session, died).await? != count {
            return Err(nonsense("entities that died did not live"));
        }
    }
    if allocator_before != allocator {
        ids::write_state(&mut session, &store.tables, allocator_before, allocator).await?;
    }
    let version = effects.finish(&mut session, &locked, store.kept_changes).await?;
    let keep = store.tables.sql(
        "insert into @_world (version, head) values ($1, $2) \
         on conflict (single) do update set version = excluded.version, head = excluded.head",
    );
    let keep = session.prepare(&keep).await.map_err(server("keep the head of the world"))?;
    let kept = session.transaction.execute(&keep, &[&(version.get() as i64), head]).await;
    kept.map_err(server("keep the head of the world"))?;
    Ok((session, locked, version))
}

/// Returns the values of a component in some chunks.
fn runs<'a>(
    chunks: impl IntoIterator<Item = &'a OwnedChunk>,
    component: ComponentId,
) -> Vec<Run<'a>> {
    let chunks = chunks.into_iter();
    chunks.filter_map(|chunk| Some(Run::many(chunk.ids(), chunk.column(component)?))).collect()
}
