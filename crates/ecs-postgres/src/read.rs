//! Reading: pages of queries, and everything.

mod image;
mod pages;
mod plan;
mod sorting;
mod view;

use ecs_core::EntityId;
use ecs_storage_api::RemoteError;
use tokio_postgres::Row;
use tokio_postgres::types::{FromSql, Type};

pub(crate) use image::{load, read_committed, read_image};
pub(crate) use pages::pages;
pub(crate) use view::create as create_view;

use crate::error::server;

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
    crate::rows::entity(row.try_get(0).map_err(server("read an id"))?)
}
