//! A remote store that names entities in an order of its own.

use ecs_core::{AllocatorState, EntityId};
use ecs_storage_api::{
    Applied, AsyncStorage, BoxFuture, BoxStream, Capabilities, Page, RemoteError, RemoteQuery,
    StorageImage, UpdateBatch, remote::Version,
};

/// Passes over as many ids as a batch needs.
#[derive(Debug, Clone)]
pub(crate) struct Wilful<R>(pub(crate) R);

impl<R: AsyncStorage> AsyncStorage for Wilful<R> {
    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn version_async(&self) -> BoxFuture<'_, Result<Version, RemoteError>> {
        self.0.version_async()
    }

    fn query_erased_async(&self, query: RemoteQuery) -> BoxStream<'_, Result<Page, RemoteError>> {
        self.0.query_erased_async(query)
    }

    fn apply_updates_async<'a>(
        &'a self,
        batch: &'a UpdateBatch,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Applied, RemoteError>> {
        Box::pin(async move {
            let passed_over = self.0.reserve_ids_async(batch.spawns().len()).await?;
            let applied = self.0.apply_updates_async(batch, condition).await;
            self.0.release_ids_async(&passed_over).await?;
            applied
        })
    }

    fn reserve_ids_async(&self, count: usize) -> BoxFuture<'_, Result<Vec<EntityId>, RemoteError>> {
        self.0.reserve_ids_async(count)
    }

    fn release_ids_async<'a>(
        &'a self,
        ids: &'a [EntityId],
    ) -> BoxFuture<'a, Result<(), RemoteError>> {
        self.0.release_ids_async(ids)
    }

    fn allocator_state_async(&self) -> BoxFuture<'_, Result<AllocatorState, RemoteError>> {
        self.0.allocator_state_async()
    }

    fn load_async<'a>(
        &'a self,
        image: &'a StorageImage,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        self.0.load_async(image, condition)
    }
}
