//! Stores that keep what a world was at its last commit.

use ecs_core::AllocatorState;

use super::BoxFuture;
use super::async_storage::AsyncStorage;
use super::error::RemoteError;
use super::version::Version;
use crate::snapshot::{RowChanges, StorageImage};

/// A remote store to which a world is brought that runs elsewhere: commit by commit,
/// row by row.
///
/// Beside the rows it keeps the world's *head*: the bytes of all that a world has and
/// no store knows of, such as its tick and saved resources.
pub trait Archive: AsyncStorage {
    /// Brings the store from the state before to the one after, wholly or not at all,
    /// if it is at that version; and returns the one that it has then.
    ///
    /// What the changes say of the state before is taken for granted, and checked as
    /// far as that costs nothing.
    ///
    /// # Errors
    /// [`RemoteError::Conflict`] if the store is at another version,
    /// [`RemoteError::Codec`] if a value can't travel, or [`RemoteError::Backend`]. As
    /// with [`apply_updates_async`](AsyncStorage::apply_updates_async), nothing has
    /// changed, unless the error says that it is not known.
    fn commit_async<'a>(
        &'a self,
        commit: &'a Commit<'a>,
        condition: Version,
    ) -> BoxFuture<'a, Result<Version, RemoteError>>;

    /// Reads all that the store holds, at one version.
    ///
    /// # Errors
    /// As [`image_async`](AsyncStorage::image_async).
    fn committed_async(&self) -> BoxFuture<'_, Result<Committed, RemoteError>>;
}

/// What a commit brings.
#[derive(Debug)]
pub struct Commit<'a> {
    /// Which rows are others than before.
    pub changes: &'a RowChanges,
    /// Which ids came next before.
    pub allocator_before: &'a AllocatorState,
    /// Which ids come next now.
    pub allocator: &'a AllocatorState,
    /// What the world has beside its store.
    pub head: &'a [u8],
}

/// What a store holds of a world.
#[derive(Debug)]
#[non_exhaustive]
pub struct Committed {
    /// The rows, and which ids come next.
    pub image: StorageImage,
    /// The head of the last commit; `None` if there was none.
    pub head: Option<Vec<u8>>,
    /// The version of the store.
    pub version: Version,
    /// Whether somebody has changed rows since the last commit.
    pub is_changed: bool,
}

impl Committed {
    /// Puts together what a store holds; for backends. The head comes with the version
    /// that its commit made.
    pub fn new(image: StorageImage, head: Option<(Vec<u8>, Version)>, version: Version) -> Self {
        let is_changed = head.as_ref().is_some_and(|(_, committed)| *committed != version);
        Self { image, head: head.map(|(head, _)| head), version, is_changed }
    }
}

/// Forwards to the archive behind a pointer.
macro_rules! forward {
    ($($pointer:ty),*) => {
        $(impl<A: Archive + ?Sized> Archive for $pointer {
            fn commit_async<'a>(
                &'a self,
                commit: &'a Commit<'a>,
                condition: Version,
            ) -> BoxFuture<'a, Result<Version, RemoteError>> {
                (**self).commit_async(commit, condition)
            }

            fn committed_async(&self) -> BoxFuture<'_, Result<Committed, RemoteError>> {
                (**self).committed_async()
            }
        })*
    };
}

forward!(&A, Box<A>, std::sync::Arc<A>);
