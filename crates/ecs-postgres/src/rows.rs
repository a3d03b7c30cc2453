//! Rows on their way to the server.

use std::pin::pin;

use bytes::Bytes;
use ecs_core::{EntityId, ErasedSlice};
use ecs_storage_api::RemoteError;
use ecs_storage_api::remote::Version;
use futures_util::SinkExt;
use tokio_postgres::Row;
use tokio_postgres::types::FromSql;

use crate::catalog::Table;
use crate::error::{nonsense, server};
use crate::link::Session;

/// Entities, and a value for each.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Run<'a> {
    ids: Ids<'a>,
    values: ErasedSlice<'a>,
}

#[derive(Debug, Clone, Copy)]
enum Ids<'a> {
    One(EntityId),
    Many(&'a [EntityId]),
}

impl<'a> Run<'a> {
    pub(crate) fn one(id: EntityId, value: ErasedSlice<'a>) -> Self {
        Self { ids: Ids::One(id), values: value }
    }

    pub(crate) fn many(ids: &'a [EntityId], values: ErasedSlice<'a>) -> Self {
        Self { ids: Ids::Many(ids), values }
    }

    pub(crate) fn ids(&self) -> &[EntityId] {
        match &self.ids {
            Ids::One(id) => std::slice::from_ref(id),
            Ids::Many(ids) => ids,
        }
    }
}

/// Returns how many rows there are.
pub(crate) fn count(runs: &[Run<'_>]) -> usize {
    runs.iter().map(|run| run.ids().len()).sum()
}

/// Returns the ids of all rows, as PostgreSQL knows them.
pub(crate) fn ids(runs: &[Run<'_>]) -> Vec<i64> {
    runs.iter().flat_map(|run| run.ids()).map(|id| signed(*id)).collect()
}

/// Returns an id as PostgreSQL knows it: the same 64 bits.
pub(crate) fn signed(id: EntityId) -> i64 {
    id.to_bits() as i64
}

/// Takes an id back.
pub(crate) fn entity(bits: i64) -> Result<EntityId, RemoteError> {
    EntityId::from_bits(bits as u64)
        .map_err(|error| nonsense(format!("the database holds a wrong id: {error}")))
}

/// Reads a cell of an answer, if it is what belongs there.
pub(crate) fn read<'r, T: FromSql<'r>>(row: &'r Row, at: usize) -> Result<T, RemoteError> {
    row.try_get(at).map_err(server("read an answer"))
}

/// Reads a version.
pub(crate) fn version(row: &Row, at: usize) -> Result<Version, RemoteError> {
    let version = u64::try_from(read::<i64>(row, at)?);
    version.map(Version::new).map_err(|_| nonsense("the database holds a wrong version"))
}

/// How the binary form of `COPY` begins: a signature, flags, and no extension.
const HEAD: &[u8] = b"PGCOPY\n\xff\r\n\0\0\0\0\0\0\0\0\0";
/// How it ends: a row of -1 cells.
const TAIL: [u8; 2] = (-1i16).to_be_bytes();
/// The rows that are written between two looks at how much there is.
const STEP: usize = 1024;
/// The bytes that are sent together.
const PIECE: usize = 256 * 1024;
/// More bytes go in several messages, of which the server takes none above a gigabyte;
/// where they are cut is nothing to it.
const MESSAGE: usize = 64 * 1024 * 1024;

/// Bytes that go into a table while they are made.
struct Sending<S> {
    sink: S,
    bytes: Vec<u8>,
}

impl<S: futures_util::Sink<Bytes, Error = tokio_postgres::Error> + Unpin> Sending<S> {
    async fn send_if(&mut self, much: usize) -> Result<(), RemoteError> {
        if self.bytes.len() >= much {
            let full = std::mem::replace(&mut self.bytes, Vec::with_capacity(PIECE + PIECE / 4));
            let mut full = Bytes::from(full);
            while !full.is_empty() {
                let message = full.split_to(full.len().min(MESSAGE));
                self.sink.send(message).await.map_err(server("send rows"))?;
            }
        }
        Ok(())
    }
}

/// Copies values into a table with the columns of a component's.
pub(crate) async fn copy(
    session: &mut Session<'_>,
    into: &str,
    table: &Table,
    runs: &[Run<'_>],
) -> Result<(), RemoteError> {
    let statement = format!("copy {into} ({}) from stdin (format binary)", table.columns());
    let statement = session.prepare(&statement).await.map_err(server("prepare to send rows"))?;
    let sink = session.transaction.copy_in(&statement).await.map_err(server("send rows"))?;
    let mut sink = pin!(sink);
    let mut sending = Sending { sink: sink.as_mut(), bytes: HEAD.to_vec() };
    for run in runs {
        let ids = run.ids();
        for start in (0..ids.len()).step_by(STEP) {
            let length = STEP.min(ids.len() - start);
            let values = run.values.range(start, length).expect("a value for each entity");
            table.layout.put_rows(&ids[start..start + length], values, &mut sending.bytes)?;
            sending.send_if(PIECE).await?;
        }
    }
    sending.bytes.extend_from_slice(&TAIL);
    sending.send_if(0).await?;
    sink.finish().await.map_err(server("send rows"))?;
    Ok(())
}

/// Copies ids into a table that has nothing else.
pub(crate) async fn copy_ids(
    session: &mut Session<'_>,
    statement: &str,
    ids: impl Iterator<Item = EntityId>,
) -> Result<(), RemoteError> {
    let statement = session.prepare(statement).await.map_err(server("prepare to send ids"))?;
    let sink = session.transaction.copy_in(&statement).await.map_err(server("send ids"))?;
    let mut sink = pin!(sink);
    let mut sending = Sending { sink: sink.as_mut(), bytes: HEAD.to_vec() };
    for (n, id) in ids.enumerate() {
        sending.bytes.extend_from_slice(&[0, 1, 0, 0, 0, 8]);
        sending.bytes.extend_from_slice(&id.to_bits().to_be_bytes());
        if n % STEP == 0 {
            sending.send_if(PIECE).await?;
        }
    }
    sending.bytes.extend_from_slice(&TAIL);
    sending.send_if(0).await?;
    sink.finish().await.map_err(server("send ids"))?;
    Ok(())
}
