//! Everything at once: out of the database, and into it.

use std::pin::pin;
use std::sync::Arc;

use ecs_core::{CodecError, ComponentId, EntityId};
use ecs_storage_api::remote::{Committed, Version};
use ecs_storage_api::{RemoteError, SnapshotError, StorageImage};
use futures_util::StreamExt;

use super::sorting::{Column, Sorting};
use super::{cells, id};
use crate::catalog::{Table, entries};
use crate::error::{lost, server};
use crate::ids;
use crate::link::{Purpose, Session};
use crate::rows::{self, read};
use crate::storage::Store;
use crate::values::Unfit;

/// How often reading everything begins, if components come meanwhile.
const TRIES: usize = 4;

/// Reads all that the store holds, as it is at one version.
pub(crate) async fn read_image(store: &Store) -> Result<(StorageImage, Version), RemoteError> {
    let committed = read_committed(store).await?;
    Ok((committed.image, committed.version))
}

/// As [`read_image`], with the head of the world that is committed here.
pub(crate) async fn read_committed(store: &Store) -> Result<Committed, RemoteError> {
    // The tables of components that come meanwhile are looked up by the next try.
    for _ in 0..TRIES {
        if let Some(committed) = try_read(store).await? {
            return Ok(committed);
        }
    }
    Err(lost("components keep coming while the store is read".to_owned()))
}

/// Reads the store; `None` if it holds a component that this process knows and has not
/// looked up.
async fn try_read(store: &Store) -> Result<Option<Committed>, RemoteError> {
    let reading = server("read the store");
    let mut connection = store.link.connection().await?;
    let all = entries(&mut connection, &store.tables).await?;
    let known = all.iter().filter_map(|entry| ComponentId::named(&entry.name));
    store.catalog.look_up(&mut connection, &store.tables, known.collect::<Vec<_>>()).await?;

    let mut session = connection.begin(Purpose::Read).await.map_err(&reading)?;
    // Before anything is seen: whoever migrates tables has to be done, or waits.
    let lock = store.tables.sql("lock table @_component in access share mode");
    session.transaction.batch_execute(&lock).await.map_err(&reading)?;
    let version = store.tables.sql("select version, migrations from @_store");
    let version = session.transaction.query_one(&version, &[]).await.map_err(&reading)?;
    store.catalog.expect_migrations(read(&version, 1)?)?;
    let version = rows::version(&version)?;
    let allocator = ids::read_state(&mut session, &store.tables).await?;
    let mut sorting = Sorting::new(read_ids(store, &mut session).await?);
    // Asked again: what has come meanwhile is seen by this transaction.
    let all = store.tables.sql("select name, \"table\" from @_component order by id");
    let all = session.transaction.query(&all, &[]).await.map_err(&reading)?;
    for row in &all {
        let (name, table): (String, String) = (read(row, 0)?, read(row, 1)?);
        // A component that is transient here is not that of the database.
        let known = ComponentId::named(&name).filter(|known| !known.info().is_transient());
        match known.map(|component| store.catalog.get(component)) {
            Some(Some(table)) => sorting.add(read_column(&mut session, table).await?)?,
            Some(None) => return Ok(None),
            None => {
                let any = format!("select exists (select from {})", store.tables.at(&table));
                let any = session.transaction.query_one(&any, &[]).await.map_err(&reading)?;
                if read(&any, 0)? {
                    return Err(SnapshotError::UnknownComponent { name }.into());
                }
            }
        }
    }
    let head = store.tables.sql("select version, head from @_world");
    let head = session.transaction.query_opt(&head, &[]).await.map_err(&reading)?;
    let head = head.map(|row| Ok::<_, RemoteError>((read(&row, 1)?, rows::version(&row)?)));
    let head = head.transpose()?;
    session.commit().await.map_err(&reading)?;
    let image = StorageImage::new(allocator, sorting.into_chunks()?)?;
    Ok(Some(Committed::new(image, head, version)))
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
