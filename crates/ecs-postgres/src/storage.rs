//! The store.

use ecs_core::{AllocatorState, EntityId};
use ecs_storage_api::remote::{BoxFuture, BoxStream, RemoteChanges, Version};
use ecs_storage_api::{
    Applied, AsyncStorage, Capabilities, Consistency, Page, RemoteError, RemoteQuery, StorageImage,
    UpdateBatch,
};

use crate::catalog::Catalog;
use crate::error::{ConnectError, ViewError};
use crate::link::{Link, Patience};
use crate::options::PostgresOptions;
use crate::tables::{self, Tables};
use crate::{feed, migrate, name, read, write};

/// A store in a PostgreSQL database.
///
/// A component is a table, a field a column, so that the world can be asked in SQL.
/// Every change is one transaction, which raises the version of the store; several
/// processes can share it.
///
/// It is an [`AsyncStorage`], whose futures any executor can run. A `World` runs on it
/// through [`Blocking`](ecs_storage_api::Blocking), which keeps a mirror in memory;
/// `Durable` commits a world's ticks in the background.
///
/// # Errors
/// A write that came to nothing says so, and whether to try again
/// ([`is_retryable`](RemoteError::is_retryable)); what was ended for the sake of others, or
/// lost its connection, was tried again already. If the answer to a commit was lost, the
/// server is asked what became of it. Only if it can't be asked within the time limit is
/// the outcome unknown: that is a permanent error, and says that it is not known.
///
/// # Rights
/// The role in the URL needs, beside the right to connect to the database:
/// - to make a store: `CREATE` on its schema, or on the database if the schema is not
///   there either;
/// - to write: `TEMPORARY` on the database, `USAGE` on the schema, and `SELECT`,
///   `INSERT`, `UPDATE` and `DELETE` on its tables; and `CREATE` on the schema to write
///   components that have no table yet;
/// - to read: `USAGE` on the schema and `SELECT` on its tables.
///
/// Who makes a table owns it: roles that share a store grant each other what they need
/// (`ALTER DEFAULT PRIVILEGES`), or share a role that they are set to
/// (`?options=-c%20role%3D…` in the URL).
///
/// # Limits
/// - Text and `char` can't hold a zero character: such values are an error.
/// - A query brings 1,600 columns at most, as PostgreSQL does.
/// - Transient components have no table, and are refused.
///
/// # Example
/// ```no_run
/// use ecs_archetype::ArchetypeStorage;
/// use ecs_postgres::PostgresStorage;
/// use ecs_storage_api::Blocking;
/// use ecs_world::World;
///
/// let storage = PostgresStorage::connect("postgresql://localhost/worlds")?;
/// let storage: Blocking<_, ArchetypeStorage> = Blocking::connect(storage)?;
/// let mut world = World::with_storage(storage);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug)]
pub struct PostgresStorage {
    pub(crate) store: Store,
}

/// What all that a store does works with.
#[derive(Debug)]
pub(crate) struct Store {
    pub(crate) link: Link,
    pub(crate) tables: Tables,
    pub(crate) catalog: Catalog,
    pub(crate) kept_changes: u64,
    attempts: u32,
}

impl Store {
    /// Tries again what came to nothing for the sake of others or for a connection that
    /// was lost.
    pub(crate) async fn again<T, F>(&self, mut attempt: impl FnMut() -> F) -> Result<T, RemoteError>
    where
        F: Future<Output = Result<T, RemoteError>>,
    {
        let mut patience = self.patience();
        loop {
            match attempt().await {
                Err(error) if patience.allows(&error).await => {}
                outcome => return outcome,
            }
        }
    }

    /// Begins to count attempts.
    pub(crate) fn patience(&self) -> Patience {
        Patience::new(self.attempts, self.link.time_limit())
    }
}

impl PostgresOptions {
    /// Opens the store, and makes it if it is not there. The calling thread waits.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect(self) -> Result<PostgresStorage, ConnectError> {
        pollster::block_on(self.connect_async())
    }

    /// Opens the store, and makes it if it is not there.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub async fn connect_async(self) -> Result<PostgresStorage, ConnectError> {
        if self.shard > EntityId::MAX_SHARD {
            return Err(ConnectError::Shard(self.shard));
        }
        let store = Store {
            link: Link::new(&self)?,
            tables: Tables::new(&self.schema),
            catalog: Catalog::default(),
            // What is forgotten at a version must not be that version itself.
            kept_changes: self.kept_changes.max(64),
            attempts: self.attempts.max(1),
        };
        let opening = async {
            let mut connection = store.link.connection().await?;
            tables::open(&mut connection, &store.tables, &self).await?;
            // It may be the only one.
            drop(connection);
            migrate::run(&store, &self.migrations).await?;
            let mut connection = store.link.connection().await?;
            store.catalog.check(&mut connection, &store.tables).await?;
            Ok::<_, ConnectError>(())
        };
        store.link.enter(opening).await?;
        Ok(PostgresStorage { store })
    }
}

impl PostgresStorage {
    /// Opens the store in the schema `ecs` of a database, and makes it if it is not
    /// there. [`PostgresOptions`] say more.
    ///
    /// # Errors
    /// [`ConnectError`].
    pub fn connect(url: &str) -> Result<Self, ConnectError> {
        PostgresOptions::new(url).connect()
    }

    /// Makes a view of what a query brings, for people who ask in SQL; one of that name
    /// is replaced. The calling thread waits.
    ///
    /// Its columns are `entity`, and those of each component under the last part of its
    /// name: `position_x`, `health`. A component without data that need not be there
    /// is a column that says whether it is. Tables are made for components that have
    /// none yet.
    ///
    /// # Errors
    /// [`ViewError::Name`](crate::ViewError::Name), and those of the server, which
    /// refuses a name that a table has.
    pub fn create_view(&self, name: &str, query: &RemoteQuery) -> Result<(), ViewError> {
        pollster::block_on(self.create_view_async(name, query))
    }

    /// As [`create_view`](Self::create_view).
    ///
    /// # Errors
    /// As there.
    pub async fn create_view_async(
        &self,
        name: &str,
        query: &RemoteQuery,
    ) -> Result<(), ViewError> {
        name::check_view(name)?;
        Ok(self.store.link.limited(read::create_view(&self.store, name, query)).await?)
    }
}

impl PostgresStorage {
    /// Brings the rows to where the journal of a world is, and empties that: for those who
    /// ask in SQL, and those who write, after a world has ended without being closed. The
    /// calling thread waits. Returns the version that the rows have then.
    ///
    /// The components that the world had must be registered in this process.
    ///
    /// # Errors
    /// As [`Archive::fold_async`](ecs_storage_api::remote::Archive::fold_async). Then the
    /// journal is as it was.
    ///
    /// # Complexity
    /// O(values in the journal), and their memory; of each row that several commits
    /// changed the last value is written.
    pub fn fold(&self) -> Result<Version, RemoteError> {
        pollster::block_on(ecs_storage_api::remote::Archive::fold_async(self, None))
    }
}

impl AsyncStorage for PostgresStorage {
    fn capabilities(&self) -> Capabilities {
        Capabilities::in_memory()
            .with_consistency(Consistency::Transactional)
            .with_persistence()
            .with_versions()
            .with_adoption()
            .with_notifications()
    }

    fn version_async(&self) -> BoxFuture<'_, Result<Version, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.limited(store.again(move || read::version(store))))
    }

    fn query_erased_async(&self, query: RemoteQuery) -> BoxStream<'_, Result<Page, RemoteError>> {
        read::pages(&self.store, query)
    }

    fn apply_updates_async<'a>(
        &'a self,
        batch: &'a UpdateBatch,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Applied, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(write::apply(store, batch, condition)))
    }

    fn reserve_ids_async(&self, count: usize) -> BoxFuture<'_, Result<Vec<EntityId>, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(store.again(move || write::reserve(store, count))))
    }

    fn release_ids_async<'a>(
        &'a self,
        ids: &'a [EntityId],
    ) -> BoxFuture<'a, Result<(), RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(store.again(move || write::release(store, ids))))
    }

    fn allocator_state_async(&self) -> BoxFuture<'_, Result<AllocatorState, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.limited(store.again(move || read::allocator_state(store))))
    }

    fn changes_async(&self, since: Version) -> BoxFuture<'_, Result<RemoteChanges, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.limited(store.again(move || feed::changes(store, since))))
    }

    fn watch_async(&self, since: Version) -> BoxStream<'_, Result<RemoteChanges, RemoteError>> {
        feed::watch(&self.store, since)
    }

    fn load_async<'a>(
        &'a self,
        image: &'a StorageImage,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(store.again(move || write::load(store, image, condition))))
    }

    fn image_async(&self) -> BoxFuture<'_, Result<(StorageImage, Version), RemoteError>> {
        let store = &self.store;
        Box::pin(store.link.enter(store.again(move || read::read_image(store))))
    }
}
