//! What can go wrong between here and a remote store.

use std::error::Error;

use ecs_core::{CodecError, ComponentId};

use super::version::Version;
use crate::error::{BackendError, StorageError};
use crate::snapshot::SnapshotError;
use crate::update_batch::UpdateError;

/// Tells why a remote store did not do what it was asked.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RemoteError {
    /// The store refused, as a local one would.
    #[error(transparent)]
    Storage(StorageError),
    /// The store refused a batch; nothing has changed.
    #[error(transparent)]
    Update(UpdateError),
    /// A snapshot could not be written or read.
    #[error(transparent)]
    Snapshot(SnapshotError),
    /// A value can't travel.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// Another writer was faster: a write, or a read in several steps, was to
    /// happen at one version of the store and met another. Nothing has changed.
    #[error(
        "the store is at version {found}, and version {expected} was asked for: somebody else may have changed it"
    )]
    Conflict {
        /// The version that was asked for.
        expected: Version,
        /// The version of the store.
        found: Version,
    },
    /// A journal holds commits of a world that rows have not followed yet, so that they
    /// can't be changed: the world has to be opened and closed, or the journal
    /// [folded](super::Archive::fold_async). Nothing has changed.
    #[error(
        "the rows are at version {rows}, and a journal holds a world's commits up to version {version}; it has to be folded before anything is written"
    )]
    Unfolded {
        /// The version of the rows.
        rows: Version,
        /// The version that the journal leads to.
        version: Version,
    },
    /// A condition on a field makes no sense.
    #[error("field {field:?} of component `{component}`: {reason}")]
    Field {
        /// Which component.
        component: ComponentId,
        /// Which field.
        field: String,
        /// What is wrong.
        reason: &'static str,
    },
    /// What changed since a version is not known any more: whoever follows the changes
    /// has to read everything.
    #[error("what changed since version {since} is forgotten; it is known since {oldest}")]
    Forgotten {
        /// The version that was asked for.
        since: Version,
        /// The first version since which it is known.
        oldest: Version,
    },
    /// What lies behind the store failed: a connection, a database, a disk.
    ///
    /// Whether a write happened is not known if the answer was lost; a write on
    /// condition of a version can be sent again without harm.
    #[error(transparent)]
    Backend(BackendError),
}

impl RemoteError {
    /// Tells whether the same call may succeed later.
    ///
    /// A [`Conflict`](Self::Conflict) is not such an error: the same call meets
    /// it again until the caller has read what the other writer wrote.
    pub fn is_retryable(&self) -> bool {
        matches!(self, Self::Backend(error) if error.is_retryable())
    }

    /// Finds the remote store's error behind an error of a local storage or a
    /// world: [`Blocking`](super::Blocking) passes on those that a local store
    /// can't have as the source of a [`BackendError`].
    pub fn find_in<'e>(error: &'e (dyn Error + 'static)) -> Option<&'e Self> {
        let mut next = Some(error);
        while let Some(error) = next {
            if let Some(found) = error.downcast_ref() {
                return Some(found);
            }
            next = error.source();
        }
        None
    }

    /// Names a fault of the store itself: an answer that makes no sense.
    pub(crate) fn nonsense(what: impl Into<String>) -> Self {
        Self::Backend(BackendError::permanent(what.into()))
    }

    /// Speaks of a single operation instead of a batch of one.
    pub(crate) fn of_single(self) -> Self {
        match self {
            Self::Update(error) => StorageError::from(Self::Update(error)).into(),
            other => other,
        }
    }
}

impl From<BackendError> for RemoteError {
    fn from(error: BackendError) -> Self {
        Self::Backend(error)
    }
}

// A failing backend is one variant, however deep the error was that brought it.

impl From<StorageError> for RemoteError {
    fn from(error: StorageError) -> Self {
        match error {
            StorageError::Backend(error) => Self::Backend(error),
            other => Self::Storage(other),
        }
    }
}

impl From<UpdateError> for RemoteError {
    fn from(error: UpdateError) -> Self {
        match error {
            UpdateError::Storage(error) => error.into(),
            other => Self::Update(other),
        }
    }
}

impl From<SnapshotError> for RemoteError {
    fn from(error: SnapshotError) -> Self {
        match error {
            SnapshotError::Storage(error) => error.into(),
            SnapshotError::Codec(error) => Self::Codec(error),
            other => Self::Snapshot(other),
        }
    }
}

impl From<RemoteError> for StorageError {
    /// Gives the error that a local store would give, or wraps the remote one.
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Storage(error) => error,
            RemoteError::Backend(error) => Self::Backend(error),
            RemoteError::Update(UpdateError::NoSuchEntity { entity, .. }) => {
                Self::NoSuchEntity(entity)
            }
            RemoteError::Update(UpdateError::Bundle { source, .. }) => Self::Bundle(source),
            RemoteError::Update(UpdateError::Spawn { source, .. }) => source,
            RemoteError::Update(UpdateError::Storage(source)) => source,
            other => Self::Backend(BackendError::permanent(other)),
        }
    }
}

impl From<RemoteError> for UpdateError {
    fn from(error: RemoteError) -> Self {
        match error {
            RemoteError::Update(error) => error,
            other => Self::Storage(other.into()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::update_batch::UpdatePlace;
    use ecs_core::EntityId;

    const CONFLICT: RemoteError =
        RemoteError::Conflict { expected: Version::new(1), found: Version::new(2) };

    #[test]
    fn a_failing_backend_is_one_variant_at_any_depth() {
        let failing = || StorageError::Backend(BackendError::retryable("gone"));
        let errors = [
            RemoteError::from(failing()),
            UpdateError::Storage(failing()).into(),
            SnapshotError::Storage(failing()).into(),
        ];
        for error in errors {
            assert!(matches!(&error, RemoteError::Backend(_)) && error.is_retryable(), "{error}");
        }
        assert!(!CONFLICT.is_retryable());
    }

    #[test]
    fn a_conflict_is_found_behind_every_error_of_a_local_store() {
        let wrapped: [Box<dyn Error>; 3] = [
            Box::new(StorageError::from(CONFLICT)),
            Box::new(UpdateError::from(CONFLICT)),
            Box::new(SnapshotError::Storage(CONFLICT.into())),
        ];
        for error in wrapped {
            let found = RemoteError::find_in(&*error);
            assert!(matches!(found, Some(RemoteError::Conflict { .. })), "{error}");
        }
        assert!(RemoteError::find_in(&BackendError::permanent("gone")).is_none());
    }

    #[test]
    fn a_batch_of_one_gives_the_error_of_the_single_operation() {
        let entity = EntityId::new(0, 1, 0).unwrap();
        let place = UpdatePlace::Destroy(0);
        let error = RemoteError::Update(UpdateError::NoSuchEntity { place, entity }).of_single();
        assert!(
            matches!(error, RemoteError::Storage(StorageError::NoSuchEntity(e)) if e == entity)
        );
    }
}
