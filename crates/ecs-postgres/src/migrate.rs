//! Tables of old forms of components, made those of the present ones.

use std::pin::pin;

use ecs_core::{CodecError, ComponentId, ErasedVec};
use ecs_storage_api::snapshot::{Migration, ReadOptions};
use ecs_storage_api::{RemoteError, SnapshotError};
use futures_util::StreamExt;

use crate::catalog::{Entry, Table, entries};
use crate::error::{ComponentError, nonsense, server};
use crate::link::{Purpose, Session};
use crate::name::quote;
use crate::rows::{self, Run};
use crate::storage::Store;
use crate::values::{Layout, Unfit};
use crate::write::{Effects, Locked, Trace, commit, settle};

/// Migrates every component of the database that is in an old form, each in a
/// transaction of its own.
pub(crate) async fn run(store: &Store, options: &ReadOptions) -> Result<(), RemoteError> {
    let mut connection = store.link.connection().await?;
    let all = entries(&mut connection, &store.tables).await?;
    drop(connection);
    for entry in all {
        if let Some(migration) = way(options, &entry)? {
            store.again(|| migrate(store, &entry, &migration)).await?;
        }
    }
    Ok(())
}

/// Returns the way from the form of a table; none if that is the present one, as in
/// files, even if a step begins there, or if the values would be transient here: what a
/// step would skip stays as well.
fn way<'o>(
    options: &'o ReadOptions,
    entry: &Entry,
) -> Result<Option<Migration<'o>>, SnapshotError> {
    let here = ComponentId::named(&entry.name).map(|id| Entry::of(id.info()));
    if here.is_some_and(|here| here.is_same(entry)) {
        return Ok(None);
    }
    let (codec, stride, schema) = entry.form();
    let way = options.migration(&entry.name, codec, stride, schema)?;
    Ok(way.filter(|way| !way.info().is_transient()))
}

async fn migrate(store: &Store, old: &Entry, migration: &Migration<'_>) -> Result<(), RemoteError> {
    let migrating = server("migrate a component");
    let tables = &store.tables;
    let mut connection = store.link.connection().await?;
    let mut session = connection.begin(Purpose::Write).await.map_err(&migrating)?;
    let locked = Locked::lock(&mut session, tables, None).await?;
    // Somebody else may have been faster.
    if !old.is_noted(&session, tables).await? {
        return Ok(());
    }
    // In the order of those who read pages: they would wait for each other.
    let [first, second] = [&old.table, "_component"].map(|name| tables.at(name));
    let lock = format!("lock table {first}, {second} in access exclusive mode");
    session.transaction.batch_execute(&lock).await.map_err(&migrating)?;
    let info = migration.info();
    let new = Entry::of(info);
    if new.is_another(&session, tables, old.number).await? {
        let (name, target) = (old.name.clone(), new.name);
        return Err(ComponentError::Twice { name, target }.into());
    }
    let layout = Layout::new(migration.schema(), migration.stride());
    let (ids, values) = read(&mut session, store, old, &layout, migration).await?;
    new.replace(&session, tables, (old, &layout), &Layout::of(info)).await?;
    let raise = tables.sql("update @_store set migrations = migrations + 1");
    session.transaction.batch_execute(&raise).await.map_err(&migrating)?;
    let table = Table {
        component: info.id(),
        number: old.number,
        layout: Layout::of(info),
        name: tables.at(&new.table),
    };
    let mut effects = Effects::new(tables);
    let runs = [Run::many(&ids, values.as_slice())];
    effects.fill(&mut session, &table, &runs).await?;
    effects.finish(&mut session, &locked, store.kept_changes).await?;
    let ended = commit(store, session).await;
    settle(store, connection, ended, Trace::Version(&locked)).await
}

/// Reads the values of an old form, as what they are now.
async fn read(
    session: &mut Session<'_>,
    store: &Store,
    old: &Entry,
    layout: &Layout,
    migration: &Migration<'_>,
) -> Result<(Vec<ecs_core::EntityId>, ErasedVec), RemoteError> {
    let reading = server("read a component to be migrated");
    let columns = layout.columns().iter().map(|column| format!(", {}", quote(&column.name)));
    let columns: String = columns.collect();
    let all =
        format!("select entity{columns} from {} order by entity", store.tables.at(&old.table));
    let none: [i64; 0] = [];
    let rows = session.transaction.query_raw(&all, none).await.map_err(&reading)?;
    let mut rows = pin!(rows);
    let (mut ids, mut bytes) = (Vec::new(), Vec::new());
    while let Some(row) = rows.next().await {
        let row = row.map_err(&reading)?;
        let cells = crate::read::cells(&row, 1);
        layout.take_row(cells, migration.stride().unwrap_or(0), &mut bytes).map_err(
            |Unfit(reason)| CodecError::Decode {
                component: old.name.clone(),
                row: ids.len(),
                reason,
            },
        )?;
        ids.push(rows::entity(row.try_get(0).map_err(&reading)?)?);
    }
    let mut left = &*bytes;
    let values = migration.decode(&mut left, ids.len())?;
    match left {
        [] => Ok((ids, values)),
        _ => Err(nonsense(format!("component `{}` has more bytes than values", old.name))),
    }
}
