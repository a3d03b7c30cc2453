//! Reading the journal.

use std::pin::pin;

use ecs_core::AllocatorState;
use ecs_storage_api::remote::Version;
use ecs_storage_api::snapshot::{Folded, JournalEntry};
use ecs_storage_api::{RemoteError, SnapshotError};
use futures_util::StreamExt;

use crate::error::{nonsense, server};
use crate::link::Session;
use crate::rows;
use crate::storage::Store;

/// Reads all entries between two versions, and makes one of them; `None` if there are
/// none. The allocator is that of the rows.
pub(crate) async fn read(
    store: &Store,
    session: &mut Session<'_>,
    [rows, version]: [Version; 2],
    allocator: AllocatorState,
) -> Result<Option<Folded>, RemoteError> {
    if rows == version {
        return Ok(None);
    }
    let reading = server("read the journal");
    let all = store.tables.sql("select version, part, bytes from @_journal order by version, part");
    let all = session.prepare(&all).await.map_err(&reading)?;
    let none: [i64; 0] = [];
    let parts = session.transaction.query_raw(&all, none).await.map_err(&reading)?;
    let mut parts = pin!(parts);
    let (mut entries, mut bytes) = (Vec::new(), Vec::new());
    let mut at = rows;
    while let Some(row) = parts.next().await {
        let row = row.map_err(&reading)?;
        let (of, part) = (rows::version(&row, 0)?, rows::read::<i32>(&row, 1)?);
        if part == 0 {
            if at != rows {
                entries.push(decode(&bytes, at)?);
            }
            // Each commit raised the version by one.
            at = Version::new(at.get() + 1);
            bytes.clear();
        }
        if of != at {
            return Err(nonsense(format!("the journal has no commit of version {at}")));
        }
        bytes.extend_from_slice(rows::read(&row, 2)?);
    }
    if at != version {
        return Err(nonsense(format!(
            "the journal ends at version {at}, and the store was committed at {version}"
        )));
    }
    entries.push(decode(&bytes, at)?);
    let folded = Folded::of(entries.into_iter().map(Ok::<_, SnapshotError>), allocator)?;
    Ok(Some(folded))
}

fn decode(bytes: &[u8], version: Version) -> Result<JournalEntry, RemoteError> {
    let wrong = |error| match error {
        SnapshotError::Damaged { at, what } => {
            let what = format!("the commit of version {version} in the journal: {what}");
            SnapshotError::Damaged { at, what }
        }
        other => other,
    };
    let entry = JournalEntry::decode(bytes).map_err(wrong)?;
    match entry.number == version.get() {
        true => Ok(entry),
        false => Err(nonsense(format!(
            "the commit of version {version} in the journal is that of {}",
            entry.number
        ))),
    }
}
