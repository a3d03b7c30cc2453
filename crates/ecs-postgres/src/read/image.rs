//! Everything at once: out of the database, and into it.

use std::pin::pin;
use std::sync::Arc;

use ecs_core::{CodecError, ComponentId, EntityId};
use ecs_storage_api::remote::{Committed, Version};
use ecs_storage_api::{RemoteError, SnapshotError, StorageImage};
use futures_util::StreamExt;

use super::sorting::{Column, Sorting};
use super::{cells, id, overlay};
use crate::catalog::{Table, entries};
use crate::error::{lost, server};
use crate::ids;
use crate::journal;
use crate::link::{Purpose, Session};
use crate::rows::{self, read as cell};
use crate::storage::Store;
use crate::values::Unfit;

/// How often reading everything begins, if components come meanwhile.
const TRIES: usize = 4;

/// Reads all rows, as they are at one version.
pub(crate) async fn read_image(store: &Store) -> Result<(StorageImage, Version), RemoteError> {
    let committed = read(store, Until::Rows).await?;
    Ok((committed.image, committed.version))
}

/// As [`read_image`], with the head of the world that is committed here, and with what the
/// journal has beyond the rows.
pub(crate) async fn read_committed(store: &Store) -> Result<Committed, RemoteError> {
    read(store, Until::Commit).await
}

/// What is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Until {
    Rows,
    /// Rows, and the journal.
    Commit,
}

async fn read(store: &Store, until: Until) -> Result<Committed, RemoteError> {
    // The tables of components that come meanwhile are looked up by the next try.
    for _ in 0..TRIES {
        if let Some(committed) = try_read(store, until).await? {
            return Ok(committed);
        }
    }
    Err(lost("components keep coming while the store is read".to_owned()))
}

/// Reads the store; `None` if it holds a component that this process knows and has not
/// looked up.
async fn try_read(store: &Store, until: Until) -> Result<Option<Committed>, RemoteError> {
    let reading = server("read the store");
    let mut connection = store.link.connection().await?;
    let all = entries(&mut connection, &store.tables).await?;
    let known = all.iter().filter_map(|entry| ComponentId::named(&entry.name));
    store.catalog.look_up(&mut connection, &store.tables, known.collect::<Vec<_>>()).await?;

    let mut session = connection.begin(Purpose::Read).await.map_err(&reading)?;
    // Before anything is seen: whoever migrates tables has to be done, or waits.
    let lock = store.tables.sql("lock table @_component in access share mode");
    session.transaction.batch_execute(&lock).await.map_err(&reading)?;
    let version = store.tables.sql("select version, committed, migrations from @_store");
    let version = session.transaction.query_one(&version, &[]).await.map_err(&reading)?;
    store.catalog.expect_migrations(cell(&version, 2)?)?;
    let of_rows = rows::version(&version, 0)?;
    let version = match until {
        Until::Rows => of_rows,
        Until::Commit => rows::version(&version, 1)?,
    };
    let allocator = ids::read_state(&mut session, &store.tables).await?;
    let beyond = journal::read(store, &mut session, [of_rows, version], allocator.clone()).await?;
    let living = read_ids(store, &mut session).await?;
    let mut sorting = Sorting::new(overlay::ids(living, beyond.as_ref()));
    let mut new = beyond.as_ref().map(overlay::components).unwrap_or_default();
    // Asked again: what has come meanwhile is seen by this transaction.
    let all = store.tables.sql("select name, \"table\" from @_component order by id");
    let all = session.transaction.query(&all, &[]).await.map_err(&reading)?;
    for row in &all {
        let (name, table): (String, String) = (cell(row, 0)?, cell(row, 1)?);
        // A component that is transient here is not that of the database.
        let known = ComponentId::named(&name).filter(|known| !known.info().is_transient());
        match known.map(|component| store.catalog.get(component)) {
            Some(Some(table)) => {
                new.remove(&table.component);
                let column = read_column(&mut session, table).await?;
                sorting.add(overlay::column(column, beyond.as_ref())?)?;
            }
            Some(None) => return Ok(None),
            None => {
                let any = format!("select exists (select from {})", store.tables.at(&table));
                let any = session.transaction.query_one(&any, &[]).await.map_err(&reading)?;
                if cell(&any, 0)? {
                    return Err(SnapshotError::UnknownComponent { name }.into());
                }
            }
        }
    }
    // Those that have no table yet.
    for component in new {
        sorting.add(overlay::column(Column::new(component), beyond.as_ref())?)?;
    }
    let head = store.tables.sql("select version, head from @_world");
    let head = session.transaction.query_opt(&head, &[]).await.map_err(&reading)?;
    let head = head.map(|row| Ok::<_, RemoteError>((cell(&row, 1)?, rows::version(&row, 0)?)));
    let head = head.transpose()?;
    session.commit().await.map_err(&reading)?;
    let chunks = sorting.into_chunks()?;
    Ok(Some(match beyond {
        None => Committed::new(StorageImage::new(allocator, chunks)?, head, version),
        Some(beyond) => {
            let image = StorageImage::new(beyond.allocator, chunks)?;
            let commits = version.get() - of_rows.get();
            Committed::new(image, Some((beyond.head, version)), version).with_journaled(commits)
        }
    }))
}

/// Reads which entities live, in the order of signed ids.
async fn read_ids(store: &Store, session: &mut Session<'_>) -> Result<Vec<EntityId>, RemoteError> {
    let reading = server("read which entities live");
    let all = store.tables.sql("select entity from @_entity order by entity");
    let all = session.prepare(&all).await.map_err(&reading)?;
    let none: [i64; 0] = [];
    let rows = session.transaction.query_raw(&all, none).await.map_err(&reading)?;
    let mut rows = pin!(rows);
    let mut entities = Vec::new();
    while let Some(row) = rows.next().await {
        entities.push(id(&row.map_err(&reading)?)?);
    }
    Ok(entities)
}

/// Reads all values of a component, in the order of signed ids.
async fn read_column(session: &mut Session<'_>, table: Arc<Table>) -> Result<Column, RemoteError> {
    let reading = server("read the values of a component");
    let info = table.component.info();
    let all = format!("select {} from {} order by entity", table.columns(), table.name);
    let all = session.prepare(&all).await.map_err(&reading)?;
    let none: [i64; 0] = [];
    let rows = session.transaction.query_raw(&all, none).await.map_err(&reading)?;
    let mut rows = pin!(rows);
    let mut column = Column::new(table.component);
    while let Some(row) = rows.next().await {
        let row = row.map_err(&reading)?;
        let taken = table.layout.take_row(cells(&row, 1), info.stride(), &mut column.bytes);
        taken.map_err(|Unfit(reason)| {
            let (component, row) = (info.name().to_owned(), column.ids.len());
            CodecError::Decode { component, row, reason }
        })?;
        column.ids.push(id(&row)?);
        column.ends.push(column.bytes.len());
    }
    Ok(column)
}
