//! Any local store as a remote one.

use std::convert::Infallible;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::vec;

use ahash::{AHashMap, AHashSet};
use ecs_core::{
    AllocatorState, ComponentId, ComponentSet, EntityId, ErasedRef, ErasedValue, ErasedVec,
};
use futures_core::Stream;
use parking_lot::RwLock;
use smallvec::SmallVec;

use super::async_storage::AsyncStorage;
use super::error::RemoteError;
use super::query::{Page, Projection, RemoteQuery};
use super::version::{Applied, Version};
use super::{BoxFuture, BoxStream, copy};
use crate::capabilities::Capabilities;
use crate::error::StorageError;
use crate::owned_chunk::OwnedChunk;
use crate::query::DynamicQuery;
use crate::snapshot::StorageImage;
use crate::storage::Storage;
use crate::update_batch::UpdateBatch;

/// Lets any local store answer as a remote one.
///
/// Every future is ready at its first poll, and the store is locked only while
/// one is polled. Several clients can share it, through a reference or an `Arc`.
///
/// A query's stream takes the ids of the matching entities at its first poll,
/// and brings them page by page: entities made later are not in it, and of the
/// others those that still match when their page is read.
///
/// # Complexity
/// A query costs O(matched log matched) to begin, and then O(1) a value brought.
///
/// # Example
/// ```
/// # use ecs_storage_api::{AsyncStorage, LocalAsync, RemoteError, Storage};
/// async fn twice(store: impl Storage) -> Result<(), RemoteError> {
///     let store = LocalAsync::new(store);
///     let version = store.version_async().await?;
///     store.create_entity_async().await?;
///     assert!(store.version_async().await? > version);
///     Ok(())
/// }
/// ```
#[derive(Debug, Default)]
pub struct LocalAsync<S> {
    inner: RwLock<Inner<S>>,
}

#[derive(Debug, Default)]
struct Inner<S> {
    store: S,
    version: u64,
}

impl<S: Storage> LocalAsync<S> {
    /// Wraps a store; its version is 0.
    pub fn new(store: S) -> Self {
        Self { inner: RwLock::new(Inner { store, version: 0 }) }
    }

    /// Gives the store back.
    pub fn into_inner(self) -> S {
        self.inner.into_inner().store
    }

    /// Looks at the store, while others only look too.
    pub fn read<T>(&self, look: impl FnOnce(&S) -> T) -> T {
        look(&self.inner.read().store)
    }

    /// Changes the store past the protocol, and raises its version.
    pub fn write<T>(&self, change: impl FnOnce(&mut S) -> T) -> T {
        let mut inner = self.inner.write();
        let Ok(changed) = inner.change(|store| Ok::<_, Infallible>(change(store)));
        changed
    }
}

impl<S> Inner<S> {
    fn version(&self) -> Version {
        Version::new(self.version)
    }

    /// Raises the version, unless the change is refused.
    fn change<T, E>(&mut self, change: impl FnOnce(&mut S) -> Result<T, E>) -> Result<T, E> {
        let before = self.version;
        // First, so that it has risen too if a component panics as it is dropped.
        self.version += 1;
        let outcome = change(&mut self.store);
        if outcome.is_err() {
            self.version = before;
        }
        outcome
    }

    fn check(&self, condition: Option<Version>) -> Result<(), RemoteError> {
        match condition {
            Some(expected) if expected != self.version() => {
                Err(RemoteError::Conflict { expected, found: self.version() })
            }
            _ => Ok(()),
        }
    }
}

impl<S: Storage> AsyncStorage for LocalAsync<S> {
    fn capabilities(&self) -> Capabilities {
        let local = self.read(S::capabilities).with_versions();
        // A batch is copied before it is applied.
        Capabilities { survives_refused_memory: false, ..local }
    }

    fn version_async(&self) -> BoxFuture<'_, Result<Version, RemoteError>> {
        Box::pin(async { Ok(self.inner.read().version()) })
    }

    fn query_erased_async(&self, query: RemoteQuery) -> BoxStream<'_, Result<Page, RemoteError>> {
        Box::pin(Pages { store: self, query, left: None })
    }

    fn entity_exists_async(&self, entity: EntityId) -> BoxFuture<'_, Result<bool, RemoteError>> {
        Box::pin(async move { Ok(self.read(|store| store.entity_exists(entity))) })
    }

    fn get_component_erased_async(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> BoxFuture<'_, Result<Option<ErasedValue>, RemoteError>> {
        Box::pin(async move {
            let copied =
                self.read(|store| store.get_component_erased(entity, component).map(copy::value));
            Ok(copied.transpose()?)
        })
    }

    fn has_component_erased_async(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> BoxFuture<'_, Result<bool, RemoteError>> {
        Box::pin(
            async move { Ok(self.read(|store| store.has_component_erased(entity, component))) },
        )
    }

    fn get_component_types_async(
        &self,
        entity: EntityId,
    ) -> BoxFuture<'_, Result<Option<ComponentSet>, RemoteError>> {
        Box::pin(async move { Ok(self.read(|store| store.get_component_types(entity))) })
    }

    fn apply_updates_async<'a>(
        &'a self,
        batch: &'a UpdateBatch,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Applied, RemoteError>> {
        Box::pin(async move {
            // Before the lock: codecs are the components' own code.
            let copy = copy::batch(batch, |_| true)?;
            let mut inner = self.inner.write();
            inner.check(condition)?;
            let had = |(entity, component): &&(EntityId, ComponentId)| {
                inner.store.has_component_erased(*entity, *component)
            };
            let removed = batch.removes().iter().filter(had).count();
            let created = match batch.is_empty() {
                true => Vec::new(),
                false => inner.change(|store| store.apply_updates(copy))?,
            };
            Ok(Applied::new(created, removed, inner.version()))
        })
    }

    fn reserve_ids_async(&self, count: usize) -> BoxFuture<'_, Result<Vec<EntityId>, RemoteError>> {
        Box::pin(async move { Ok(self.inner.write().store.reserve_entities(count)?) })
    }

    fn release_ids_async<'a>(
        &'a self,
        ids: &'a [EntityId],
    ) -> BoxFuture<'a, Result<(), RemoteError>> {
        Box::pin(async move {
            let mut inner = self.inner.write();
            let mut reserved: AHashSet<_> =
                inner.store.allocator_state().reserved.into_iter().collect();
            if let Some(&id) = ids.iter().find(|id| !reserved.remove(id)) {
                return Err(StorageError::NotReserved(id).into());
            }
            for &id in ids {
                inner.store.release_reserved(id)?;
            }
            Ok(())
        })
    }

    fn allocator_state_async(&self) -> BoxFuture<'_, Result<AllocatorState, RemoteError>> {
        Box::pin(async { Ok(self.read(S::allocator_state)) })
    }

    fn load_async<'a>(
        &'a self,
        image: &'a StorageImage,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        Box::pin(async move {
            let copy = copy::image(image)?;
            let mut inner = self.inner.write();
            inner.check(condition)?;
            inner.change(|store| store.load(copy))?;
            Ok(inner.version())
        })
    }

    /// Keeps the order of rows, which pages do not.
    fn snapshot_async(&self) -> BoxFuture<'_, Result<Vec<u8>, RemoteError>> {
        Box::pin(async { Ok(self.read(S::snapshot)?) })
    }
}

/// The pages of a query.
struct Pages<'a, S> {
    store: &'a LocalAsync<S>,
    query: RemoteQuery,
    /// The entities still to come, ascending; `None` before the first poll.
    left: Option<vec::IntoIter<EntityId>>,
}

impl<S: Storage> Stream for Pages<'_, S> {
    type Item = Result<Page, RemoteError>;

    fn poll_next(mut self: Pin<&mut Self>, _context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let page = self.next_page();
        if matches!(page, Some(Err(_))) {
            self.left = Some(Vec::new().into_iter());
        }
        Poll::Ready(page)
    }
}

impl<S: Storage> Pages<'_, S> {
    fn next_page(&mut self) -> Option<Result<Page, RemoteError>> {
        let inner = self.store.inner.read();
        let (store, query) = (&inner.store, &self.query);
        let left = match &mut self.left {
            Some(left) => left,
            None => match query
                .conditions
                .iter()
                .try_for_each(|condition| condition.check().map(drop))
                .and_then(|()| matching(store, query))
            {
                Ok(ids) => self.left.insert(ids.into_iter()),
                Err(error) => return Some(Err(error)),
            },
        };
        let mut rows = Groups::default();
        let mut resume = None;
        while rows.len < query.page_size.max(1) {
            let Some(entity) = left.next() else { break };
            let pushed = match is_asked_for(store, query, entity) {
                Ok(false) => continue,
                Ok(true) => rows.push(store, entity, &query.projection),
                Err(error) => Err(error),
            };
            if let Err(error) = pushed {
                return Some(Err(error));
            }
            resume = Some(entity);
        }
        resume.map(|resume| Ok(Page::new(rows.into_chunks(), resume, inner.version())))
    }
}

/// Tells whether an entity is one that a query asks for.
fn is_asked_for<S: Storage>(
    store: &S,
    query: &RemoteQuery,
    entity: EntityId,
) -> Result<bool, RemoteError> {
    let has = |component| store.has_component_erased(entity, component);
    if !store.entity_exists(entity) || !query.matcher.matches(&has) {
        return Ok(false);
    }
    for condition in &query.conditions {
        let value = store.get_component_erased(entity, condition.component);
        let holds = value.map(|value| condition.holds(value)).transpose()?;
        if holds != Some(true) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// Returns the entities that a query asks for, ascending.
fn matching<S: Storage>(store: &S, query: &RemoteQuery) -> Result<Vec<EntityId>, RemoteError> {
    let mut ids = Vec::new();
    match &query.among {
        Some(among) => ids.extend_from_slice(among),
        None => {
            let condition = vec![query.matcher.clone()];
            let asked = DynamicQuery::builder().any_of(condition).build();
            asked
                .and_then(|mut asked| {
                    asked.for_each_chunk(store, |chunk| ids.extend_from_slice(chunk.ids()))
                })
                .expect("a query without terms borrows nothing");
        }
    }
    ids.retain(|&id| query.after.is_none_or(|after| id > after));
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}

/// Copies of rows, grouped by their components.
#[derive(Default)]
struct Groups {
    places: AHashMap<ComponentSet, usize>,
    groups: Vec<(Vec<EntityId>, Vec<ErasedVec>)>,
    len: usize,
}

impl Groups {
    fn push<S: Storage>(
        &mut self,
        store: &S,
        entity: EntityId,
        projection: &Projection,
    ) -> Result<(), RemoteError> {
        let get = |component| store.get_component_erased(entity, component);
        let values: SmallVec<[ErasedRef<'_>; 8]> = match projection {
            Projection::Components(components) => components.iter().filter_map(get).collect(),
            Projection::All => {
                let types = store.get_component_types(entity).unwrap_or_default();
                let values = types.iter().filter_map(get);
                values.filter(|value| !value.info().is_transient()).collect()
            }
        };
        let components: ComponentSet = values.iter().map(ErasedRef::id).collect();
        let place = *self.places.entry(components).or_insert_with(|| {
            let columns = values.iter().map(|value| ErasedVec::new(value.info())).collect();
            self.groups.push((Vec::new(), columns));
            self.groups.len() - 1
        });
        let (ids, columns) = &mut self.groups[place];
        for (column, value) in columns.iter_mut().zip(values) {
            let copied = column.push(copy::value(value)?);
            copied.expect("the columns of a group are those of its components");
        }
        ids.push(entity);
        self.len += 1;
        Ok(())
    }

    fn into_chunks(self) -> Vec<OwnedChunk> {
        let chunks = self.groups.into_iter().map(|(ids, columns)| {
            OwnedChunk::with_unchecked_ids(ids, columns).expect("a row has a value in each column")
        });
        chunks.collect()
    }
}
