//! The protocol that every remote backend implements.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use ecs_core::{AllocatorState, ComponentId, ComponentSet, EntityId, ErasedValue};
use futures_core::Stream;

use super::error::RemoteError;
use super::feed::RemoteChanges;
use super::query::{Page, Projection, RemoteQuery};
use super::version::{Applied, Version};
use super::{BoxFuture, BoxStream, next};
use crate::capabilities::Capabilities;
use crate::error::StorageError;
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::{self, StorageImage};
use crate::update_batch::UpdateBatch;

/// Stores entities and their components where answers take time.
///
/// A backend writes eight methods: what it can do, its version, one way to read
/// (pages), one way to write (batches), three for ids and one to take in a whole
/// state. Every other method is written over these, as a batch or query of one; a
/// backend overrides those that it can do with less. The typed methods are in
/// [`AsyncStorageExt`](super::AsyncStorageExt).
///
/// # Futures and streams
/// Nothing happens before the first poll. A future or stream may be dropped at
/// any time: it leaves nothing locked and nothing half done. Whether a write
/// whose future was dropped happened is not known; its version tells.
///
/// # Order
/// Backends agree on ids with local ones: a batch's spawns without an id get
/// those that [`allocator_state_async`](Self::allocator_state_async) puts next,
/// as long as nobody else takes them first; and the effects of a batch come in
/// the order of [`Storage::apply_updates`](crate::Storage::apply_updates).
pub trait AsyncStorage: Send + Sync {
    /// Says what the backend can do. Without
    /// [`versions`](Capabilities::versions) every version is the same, and a
    /// condition is an error.
    fn capabilities(&self) -> Capabilities;

    /// Returns the version of the store.
    ///
    /// # Errors
    /// [`RemoteError::Backend`].
    fn version_async(&self) -> BoxFuture<'_, Result<Version, RemoteError>>;

    // Reading.

    /// Finds entities, and brings of each what the query asks for, page by page
    /// in ascending order of id.
    ///
    /// Each page is read at one version of the store; between pages it may
    /// change. An entity that lives and matches all along comes once. One that
    /// is made, ended or changed meanwhile comes once or not at all, and with
    /// the components it has when its page is read. The stream ends after the
    /// first error.
    fn query_erased_async(&self, query: RemoteQuery) -> BoxStream<'_, Result<Page, RemoteError>>;

    /// Returns every living entity in ascending order, page by page.
    fn all_entities_async(&self) -> BoxStream<'_, Result<Vec<EntityId>, RemoteError>> {
        Box::pin(Ids(self.query_erased_async(RemoteQuery::new())))
    }

    /// Tells whether the entity lives.
    ///
    /// # Errors
    /// [`RemoteError::Backend`].
    fn entity_exists_async(&self, entity: EntityId) -> BoxFuture<'_, Result<bool, RemoteError>> {
        Box::pin(async move {
            let query = RemoteQuery::new().among([entity]);
            Ok(first_chunk(self.query_erased_async(query)).await?.is_some())
        })
    }

    /// Returns the value of a component, or `None` if the entity is dead or
    /// lacks it.
    ///
    /// # Errors
    /// [`RemoteError::Codec`] if the value can't travel, or
    /// [`RemoteError::Backend`].
    fn get_component_erased_async(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> BoxFuture<'_, Result<Option<ErasedValue>, RemoteError>> {
        Box::pin(async move {
            let query = RemoteQuery::new().read_erased(component).among([entity]);
            let chunk = first_chunk(self.query_erased_async(query)).await?;
            let column = chunk.and_then(|chunk| {
                chunk.into_parts().1.into_iter().find(|column| column.id() == component)
            });
            Ok(column.and_then(|mut column| column.pop()))
        })
    }

    /// Tells whether the entity lives and has the component.
    ///
    /// # Errors
    /// [`RemoteError::Backend`].
    fn has_component_erased_async(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> BoxFuture<'_, Result<bool, RemoteError>> {
        Box::pin(async move {
            let mut query = RemoteQuery::new().among([entity]);
            query.matcher.require(component);
            Ok(first_chunk(self.query_erased_async(query)).await?.is_some())
        })
    }

    /// Returns the components of an entity, or `None` if it is dead.
    ///
    /// # Errors
    /// [`RemoteError::Backend`].
    fn get_component_types_async(
        &self,
        entity: EntityId,
    ) -> BoxFuture<'_, Result<Option<ComponentSet>, RemoteError>> {
        Box::pin(async move {
            let query = RemoteQuery::new().all().among([entity]);
            let chunk = first_chunk(self.query_erased_async(query)).await?;
            Ok(chunk.map(|chunk| chunk.components()))
        })
    }

    // Writing.

    /// Applies a batch of changes wholly or not at all.
    ///
    /// With a condition, it is applied only if the store is at that version when
    /// it is. The batch is borrowed, so that it can be sent again.
    ///
    /// # Errors
    /// Nothing has changed after any of them but the last:
    /// - [`RemoteError::Conflict`] if the store is at another version,
    /// - [`RemoteError::Update`], which names the place in the batch,
    /// - [`RemoteError::Codec`] if a value can't travel,
    /// - [`RemoteError::Backend`]; if the answer was lost, the batch may have
    ///   been applied.
    fn apply_updates_async<'a>(
        &'a self,
        batch: &'a UpdateBatch,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Applied, RemoteError>>;

    /// Makes an entity without components.
    ///
    /// # Errors
    /// As [`apply_updates_async`](Self::apply_updates_async).
    fn create_entity_async(&self) -> BoxFuture<'_, Result<EntityId, RemoteError>> {
        Box::pin(async move {
            let applied = apply_single(self, UpdateBatch::new().spawn(())).await?;
            let created = applied.created.first().copied();
            created.ok_or_else(|| RemoteError::nonsense("an entity was made and has no id"))
        })
    }

    /// Ends an entity and drops its components. Its id never lives again.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`](crate::StorageError::NoSuchEntity) if it is
    /// dead; else as [`apply_updates_async`](Self::apply_updates_async).
    fn destroy_entity_async(&self, entity: EntityId) -> BoxFuture<'_, Result<(), RemoteError>> {
        Box::pin(async move {
            apply_single(self, UpdateBatch::new().destroy(entity)).await?;
            Ok(())
        })
    }

    /// Adds or replaces a component.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`](crate::StorageError::NoSuchEntity) if the
    /// entity is dead; else as [`apply_updates_async`](Self::apply_updates_async).
    fn set_component_erased_async(
        &self,
        entity: EntityId,
        value: ErasedValue,
    ) -> BoxFuture<'_, Result<(), RemoteError>> {
        Box::pin(async move {
            apply_single(self, UpdateBatch::new().insert_erased(entity, value)).await?;
            Ok(())
        })
    }

    /// Takes a component away; tells whether the entity had it.
    ///
    /// # Errors
    /// [`StorageError::NoSuchEntity`](crate::StorageError::NoSuchEntity) if the
    /// entity is dead; else as [`apply_updates_async`](Self::apply_updates_async).
    fn remove_component_erased_async(
        &self,
        entity: EntityId,
        component: ComponentId,
    ) -> BoxFuture<'_, Result<bool, RemoteError>> {
        Box::pin(async move {
            let batch = UpdateBatch::new().remove_erased(entity, component);
            Ok(apply_single(self, batch).await?.removed != 0)
        })
    }

    // Ids.

    /// Names `count` entities that do not exist yet; nobody else will get these
    /// ids. A batch makes them real with
    /// [`spawn_as`](UpdateBatch::spawn_as).
    ///
    /// They are those that as many spawns would have got. The version stays as
    /// it is, so that a reservation is no conflict for anybody.
    ///
    /// # Errors
    /// [`StorageError::Allocator`](crate::StorageError::Allocator) if the ids are
    /// used up, or [`RemoteError::Backend`].
    fn reserve_ids_async(&self, count: usize) -> BoxFuture<'_, Result<Vec<EntityId>, RemoteError>>;

    /// Gives ids back that were reserved and not used; wholly or not at all.
    ///
    /// # Errors
    /// [`StorageError::NotReserved`](crate::StorageError::NotReserved) with the
    /// first that is not outstanding, or [`RemoteError::Backend`].
    fn release_ids_async<'a>(
        &'a self,
        ids: &'a [EntityId],
    ) -> BoxFuture<'a, Result<(), RemoteError>>;

    /// Returns the state of the allocator: which ids come next.
    ///
    /// # Errors
    /// [`RemoteError::Backend`].
    fn allocator_state_async(&self) -> BoxFuture<'_, Result<AllocatorState, RemoteError>>;

    // What others do.

    /// Tells what changed since a version, or the first part of it.
    ///
    /// Only backends with [`notifications`](Capabilities::notifications) have it.
    ///
    /// # Errors
    /// [`RemoteError::Forgotten`] if it is not known any more,
    /// [`StorageError::Unsupported`] if the backend does not have it, or
    /// [`RemoteError::Backend`].
    fn changes_async(&self, since: Version) -> BoxFuture<'_, Result<RemoteChanges, RemoteError>> {
        let _ = since;
        Box::pin(async { Err(StorageError::Unsupported("telling what others change").into()) })
    }

    /// Tells what changes from a version on, as it happens. No change is missed, also if
    /// connections are lost meanwhile.
    ///
    /// After an error that may be tried again, the stream goes on; after any other it
    /// ends.
    ///
    /// # Errors
    /// As [`changes_async`](Self::changes_async).
    fn watch_async(&self, since: Version) -> BoxStream<'_, Result<RemoteChanges, RemoteError>> {
        let _ = since;
        let refusal = StorageError::Unsupported("telling what others change");
        Box::pin(Once(Some(Err(refusal.into()))))
    }

    // The whole.

    /// Replaces everything by what the image holds of persistent components,
    /// wholly or not at all, and returns the version that it has then. With a
    /// condition, only if the store is at that version.
    ///
    /// # Errors
    /// [`RemoteError::Conflict`] if the store is at another version, or
    /// [`RemoteError::Backend`].
    fn load_async<'a>(
        &'a self,
        image: &'a StorageImage,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Version, RemoteError>>;

    /// Returns everything persistent that the store holds, and the version that
    /// this is.
    ///
    /// # Errors
    /// [`RemoteError::Conflict`] if the store keeps changing while it is read,
    /// [`RemoteError::Snapshot`] if what comes contradicts itself, or
    /// [`RemoteError::Backend`].
    fn image_async(&self) -> BoxFuture<'_, Result<(StorageImage, Version), RemoteError>> {
        const ATTEMPTS: usize = 4;
        Box::pin(async move {
            let mut attempt = 1;
            loop {
                match read_image(self).await {
                    Err(RemoteError::Conflict { .. }) if attempt < ATTEMPTS => attempt += 1,
                    outcome => return outcome,
                }
            }
        })
    }

    /// Writes everything persistent into bytes, in the format of
    /// [`snapshot`].
    ///
    /// # Errors
    /// As [`image_async`](Self::image_async).
    fn snapshot_async(&self) -> BoxFuture<'_, Result<Vec<u8>, RemoteError>> {
        Box::pin(async move {
            let (image, _) = self.image_async().await?;
            Ok(snapshot::write_image(&image)?)
        })
    }

    /// Replaces everything by what a snapshot holds, and returns the version
    /// that it has then. With a condition, only if the store is at that version.
    ///
    /// # Errors
    /// [`RemoteError::Snapshot`] if the bytes are no snapshot, damaged, or hold
    /// components that this process does not know; else as
    /// [`load_async`](Self::load_async).
    fn restore_async<'a>(
        &'a self,
        bytes: &'a [u8],
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        Box::pin(async move {
            let image = snapshot::read(bytes)?;
            self.load_async(&image, condition).await
        })
    }
}

/// Applies a batch of one, whatever others have done.
async fn apply_single<R: AsyncStorage + ?Sized>(
    remote: &R,
    batch: UpdateBatch,
) -> Result<Applied, RemoteError> {
    remote.apply_updates_async(&batch, None).await.map_err(RemoteError::of_single)
}

/// Returns the first chunk that has an entity.
async fn first_chunk(
    mut pages: BoxStream<'_, Result<Page, RemoteError>>,
) -> Result<Option<OwnedChunk>, RemoteError> {
    while let Some(page) = next(&mut pages).await {
        if let Some(chunk) = page?.chunks.into_iter().find(|chunk| !chunk.is_empty()) {
            return Ok(Some(chunk));
        }
    }
    Ok(None)
}

/// Reads everything at one version, or finds that it changed meanwhile.
async fn read_image<R: AsyncStorage + ?Sized>(
    remote: &R,
) -> Result<(StorageImage, Version), RemoteError> {
    let expected = remote.version_async().await?;
    let unchanged = |found| match found == expected {
        true => Ok(()),
        false => Err(RemoteError::Conflict { expected, found }),
    };
    let allocator = remote.allocator_state_async().await?;
    let query = RemoteQuery { projection: Projection::All, ..RemoteQuery::new() };
    let mut pages = remote.query_erased_async(query);
    let mut chunks = Vec::new();
    while let Some(page) = next(&mut pages).await {
        let page = page?;
        unchanged(page.version)?;
        chunks.extend(page.chunks);
    }
    // A store without entities gives no page that would tell.
    unchanged(remote.version_async().await?)?;
    Ok((StorageImage::new(allocator, chunks)?, expected))
}

/// A stream of one item.
struct Once<T>(Option<T>);

impl<T: Unpin> Stream for Once<T> {
    type Item = T;

    fn poll_next(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<T>> {
        Poll::Ready(self.0.take())
    }
}

/// The ids of pages.
struct Ids<'a>(BoxStream<'a, Result<Page, RemoteError>>);

impl Stream for Ids<'_> {
    type Item = Result<Vec<EntityId>, RemoteError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let page = ready!(self.0.as_mut().poll_next(context));
        Poll::Ready(page.map(|page| page.map(Page::into_ids)))
    }
}

/// Forwards every method to the storage behind a pointer.
macro_rules! forward {
    ($pointer:ty: $(fn $name:ident$(<$life:lifetime>)?([$($receiver:tt)*] $this:ident $(, $argument:ident: $type:ty)*) -> $out:ty;)*) => {
        impl<R: AsyncStorage + ?Sized> AsyncStorage for $pointer {
            $(fn $name$(<$life>)?($($receiver)* $this $(, $argument: $type)*) -> $out {
                (**$this).$name($($argument),*)
            })*
        }
    };
    ($($pointer:ty),*) => {
        $(forward! { $pointer:
            fn capabilities([&] self) -> Capabilities;
            fn version_async([&] self) -> BoxFuture<'_, Result<Version, RemoteError>>;
            fn query_erased_async([&] self, query: RemoteQuery) -> BoxStream<'_, Result<Page, RemoteError>>;
            fn all_entities_async([&] self) -> BoxStream<'_, Result<Vec<EntityId>, RemoteError>>;
            fn entity_exists_async([&] self, entity: EntityId) -> BoxFuture<'_, Result<bool, RemoteError>>;
            fn get_component_erased_async([&] self, entity: EntityId, component: ComponentId) -> BoxFuture<'_, Result<Option<ErasedValue>, RemoteError>>;
            fn has_component_erased_async([&] self, entity: EntityId, component: ComponentId) -> BoxFuture<'_, Result<bool, RemoteError>>;
            fn get_component_types_async([&] self, entity: EntityId) -> BoxFuture<'_, Result<Option<ComponentSet>, RemoteError>>;
            fn apply_updates_async<'a>([&'a] self, batch: &'a UpdateBatch, condition: Option<Version>) -> BoxFuture<'a, Result<Applied, RemoteError>>;
            fn create_entity_async([&] self) -> BoxFuture<'_, Result<EntityId, RemoteError>>;
            fn destroy_entity_async([&] self, entity: EntityId) -> BoxFuture<'_, Result<(), RemoteError>>;
            fn set_component_erased_async([&] self, entity: EntityId, value: ErasedValue) -> BoxFuture<'_, Result<(), RemoteError>>;
            fn remove_component_erased_async([&] self, entity: EntityId, component: ComponentId) -> BoxFuture<'_, Result<bool, RemoteError>>;
            fn reserve_ids_async([&] self, count: usize) -> BoxFuture<'_, Result<Vec<EntityId>, RemoteError>>;
            fn release_ids_async<'a>([&'a] self, ids: &'a [EntityId]) -> BoxFuture<'a, Result<(), RemoteError>>;
            fn allocator_state_async([&] self) -> BoxFuture<'_, Result<AllocatorState, RemoteError>>;
            fn changes_async([&] self, since: Version) -> BoxFuture<'_, Result<RemoteChanges, RemoteError>>;
            fn watch_async([&] self, since: Version) -> BoxStream<'_, Result<RemoteChanges, RemoteError>>;
            fn load_async<'a>([&'a] self, image: &'a StorageImage, condition: Option<Version>) -> BoxFuture<'a, Result<Version, RemoteError>>;
            fn image_async([&] self) -> BoxFuture<'_, Result<(StorageImage, Version), RemoteError>>;
            fn snapshot_async([&] self) -> BoxFuture<'_, Result<Vec<u8>, RemoteError>>;
            fn restore_async<'a>([&'a] self, bytes: &'a [u8], condition: Option<Version>) -> BoxFuture<'a, Result<Version, RemoteError>>;
        })*
    };
}

forward!(&R, Box<R>, Arc<R>);
