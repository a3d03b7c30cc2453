//! Everything at once, in place of what is there.

use ecs_storage_api::remote::Version;
use ecs_storage_api::{OwnedChunk, RemoteError, StorageImage};

use super::effects::Effects;
use super::{Locked, Trace, commit, settle};
use crate::error::server;
use crate::ids;
use crate::link::Purpose;
use crate::rows::read;
use crate::storage::Store;

/// Replaces all that the store holds.
pub(crate) async fn load(
    store: &Store,
    image: &StorageImage,
    condition: Option<Version>,
) -> Result<Version, RemoteError> {
    let loading = server("replace what the store holds");
    let columns = image.chunks().iter().flat_map(OwnedChunk::columns);
    let persistent = columns.filter(|column| !column.info().is_transient());
    let mut components: Vec<_> = persistent.map(|column| column.id()).collect();
    components.sort_unstable();
    components.dedup();
    let mut connection = store.link.connection().await?;
    store.catalog.ensure(&mut connection, &store.tables, &components).await?;

    let mut session = connection.begin(Purpose::Write).await.map_err(&loading)?;
    let locked = Locked::lock(&mut session, &store.tables, condition).await?;
    store.catalog.expect(&locked)?;
    ids::Allocator::lock(&mut session, &store.tables, locked.shard).await?;
    let before = ids::read_state(&mut session, &store.tables).await?;
    // Not "truncate": who reads an earlier state would see nothing.
    let owners = store.tables.sql("select \"table\" from @_component");
    let owners = session.transaction.query(&owners, &[]).await.map_err(&loading)?;
    let owners = owners.iter().map(|row| read(row, 0));
    for table in owners.chain([Ok("_entity")]) {
        let delete = format!("delete from {}", store.tables.at(table?));
        session.transaction.batch_execute(&delete).await.map_err(&loading)?;
    }
    let mut effects = Effects::new(&store.tables);
    effects.load(&mut session, image, &components, &store.catalog).await?;
    ids::write_state(&mut session, &store.tables, &before, image.allocator()).await?;
    let version = effects.finish(&mut session, &locked, store.kept_changes).await?;
    let ended = commit(store, session).await;
    settle(store, connection, ended, Trace::Version(&locked)).await?;
    Ok(version)
}
