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
///
/// # Journal
/// An archive may keep a *journal*: commits as bytes, which its rows follow later. To
/// [append](Self::append_async) one costs what its bytes do;
/// [folding](Self::fold_async) brings all of them to the rows, what several changed
/// once. As long as the journal is not empty, whoever reads rows sees them as they were
/// at the last fold, with the version of then, and nobody can change them.
pub trait Archive: AsyncStorage {
    /// Brings the store from the state before to the one after, wholly or not at all,
    /// if it is at that version; and returns the one that it has then.
    ///
    /// What the changes say of the state before is taken for granted, and checked as
    /// far as that costs nothing.
    ///
    /// # Errors
    /// [`RemoteError::Conflict`] if the store is at another version,
    /// [`RemoteError::Unfolded`] if its journal is not empty,
    /// [`RemoteError::Codec`] if a value can't travel, or [`RemoteError::Backend`]. As
    /// with [`apply_updates_async`](AsyncStorage::apply_updates_async), nothing has
    /// changed, unless the error says that it is not known.
    fn commit_async<'a>(
        &'a self,
        commit: &'a Commit<'a>,
        condition: Version,
    ) -> BoxFuture<'a, Result<Version, RemoteError>>;

    /// Tells whether there is a journal: if not, to append is to commit.
    fn has_journal(&self) -> bool {
        false
    }

    /// Tells whether what it is asked for is done by the processors of this machine: a
    /// world then does with one less until it is done.
    fn shares_processors(&self) -> bool {
        false
    }

    /// Keeps a commit in the journal, wholly or not at all, if the store is at that
    /// version; and returns the one that it has then. The commit is as durable as one of
    /// rows, and they follow with the next [fold](Self::fold_async).
    ///
    /// Without a journal this is [`commit_async`](Self::commit_async).
    ///
    /// # Errors
    /// As there, but for `Unfolded`.
    fn append_async<'a>(
        &'a self,
        commit: &'a Commit<'a>,
        condition: Version,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        self.commit_async(commit, condition)
    }

    /// Brings the rows to where the journal is, and empties that, wholly or not at all;
    /// and returns the version of the store, which stays as it is. If a condition is
    /// given, only at that version.
    ///
    /// # Errors
    /// [`RemoteError::Conflict`] if the store is at another version,
    /// [`RemoteError::Snapshot`] if an entry is damaged or holds components that are not
    /// known here, or [`RemoteError::Backend`].
    fn fold_async(
        &self,
        condition: Option<Version>,
    ) -> BoxFuture<'_, Result<Version, RemoteError>> {
        Box::pin(async move {
            match (self.version_async().await?, condition) {
                (found, Some(expected)) if found != expected => {
                    Err(RemoteError::Conflict { expected, found })
                }
                (version, _) => Ok(version),
            }
        })
    }

    /// Reads all that was committed, at one version: the rows, and what the journal has
    /// beyond them.
    ///
    /// # Errors
    /// As [`image_async`](AsyncStorage::image_async), and as
    /// [`fold_async`](Self::fold_async) of entries that can't be read.
    fn committed_async(&self) -> BoxFuture<'_, Result<Committed, RemoteError>>;
}

/// What a commit brings.
#[derive(Debug)]
pub struct Commit<'a> {
    /// The tick of the world.
    pub tick: u64,
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
    /// How many commits are in the journal.
    pub journaled: u64,
}

impl Committed {
    /// Puts together what a store holds; for backends. The head comes with the version
    /// that its commit made.
    pub fn new(image: StorageImage, head: Option<(Vec<u8>, Version)>, version: Version) -> Self {
        let is_changed = head.as_ref().is_some_and(|(_, committed)| *committed != version);
        Self { image, head: head.map(|(head, _)| head), version, is_changed, journaled: 0 }
    }

    /// Says that the last commits came from the journal, and how many.
    pub fn with_journaled(mut self, commits: u64) -> Self {
        self.journaled = commits;
        self
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

            fn has_journal(&self) -> bool {
                (**self).has_journal()
            }

            fn shares_processors(&self) -> bool {
                (**self).shares_processors()
            }

            fn append_async<'a>(
                &'a self,
                commit: &'a Commit<'a>,
                condition: Version,
            ) -> BoxFuture<'a, Result<Version, RemoteError>> {
                (**self).append_async(commit, condition)
            }

            fn fold_async(
                &self,
                condition: Option<Version>,
            ) -> BoxFuture<'_, Result<Version, RemoteError>> {
                (**self).fold_async(condition)
            }

            fn committed_async(&self) -> BoxFuture<'_, Result<Committed, RemoteError>> {
                (**self).committed_async()
            }
        })*
    };
}

forward!(&A, Box<A>, std::sync::Arc<A>);
