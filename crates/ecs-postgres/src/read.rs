//! Reading: pages of queries, and everything.

mod image;
mod overlay;
mod pages;
mod plan;
mod sorting;
mod view;

use ecs_core::{AllocatorState, EntityId};
use ecs_storage_api::RemoteError;
use ecs_storage_api::remote::Version;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

pub(crate) use image::{read_committed, read_image};
pub(crate) use pages::pages;
pub(crate) use view::create as create_view;

use crate::error::server;
use crate::link::Purpose;
use crate::storage::Store;
use crate::{ids, rows};

/// Reads which version the store is at.
pub(crate) async fn version(store: &Store) -> Result<Version, RemoteError> {
    let reading = server("read the version");
    let mut connection = store.link.connection().await?;
    let connection = &mut *connection;
    let version = store.tables.sql("select version from @_store");
    let version = connection.statements.prepare(&connection.client, &version).await;
    let version = version.map_err(&reading)?;
    let row = connection.client.query_one(&version, &[]).await.map_err(&reading)?;
    rows::version(&row, 0)
}

/// Reads which ids come next.
pub(crate) async fn allocator_state(store: &Store) -> Result<AllocatorState, RemoteError> {
    let reading = server("read which ids come next");
    let mut connection = store.link.connection().await?;
    let mut session = connection.begin(Purpose::Read).await.map_err(&reading)?;
    let state = ids::read_state(&mut session, &store.tables).await?;
    session.commit().await.map_err(&reading)?;
    Ok(state)
}

/// A cell as it came, whatever its type.
struct Raw<'a>(&'a [u8]);

impl<'a> FromSql<'a> for Raw<'a> {
    fn from_sql(
        _: &Type,
        bytes: &'a [u8],
    ) -> Result<Self, Box<dyn std::error::Error + Sync + Send>> {
        Ok(Self(bytes))
    }

    fn accepts(_: &Type) -> bool {
        true
    }
}

/// Returns the cells of a row from one on.
pub(crate) fn cells(row: &Row, first: usize) -> impl Iterator<Item = Option<&[u8]>> {
    (first..row.len()).map(move |at| {
        let cell: Option<Raw<'_>> = row.try_get(at).ok().flatten();
        cell.map(|Raw(bytes)| bytes)
    })
}

/// Returns the id that stands first in a row.
fn id(row: &Row) -> Result<EntityId, RemoteError> {
    rows::entity(row.try_get(0).map_err(server("read an id"))?)
}
