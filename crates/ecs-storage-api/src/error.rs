//! The errors of storage operations.

use std::error::Error;
use std::fmt;

use ecs_core::{AllocatorError, ComponentId, EntityId, OutOfMemory};

/// Tells why a storage operation did nothing.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum StorageError {
    /// The entity is dead, or never lived here.
    #[error("entity {0} does not exist")]
    NoSuchEntity(EntityId),
    /// The id is in use, so it can't be taken in once more.
    #[error("entity {0} exists already")]
    EntityExists(EntityId),
    /// The id was neither reserved here nor named by another shard.
    #[error("entity {0} can't be adopted: shard {home} names its own entities and did not reserve it", home = .0.shard())]
    NotReserved(EntityId),
    /// The bundle is not a set of components.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// An entity was listed twice in one batch.
    #[error("entity {0} is listed twice")]
    ListedTwice(EntityId),
    /// The ids of this shard are used up, or an id is not the allocator's.
    #[error(transparent)]
    Allocator(#[from] AllocatorError),
    /// A table or the number of tables reached its limit.
    #[error("{what} would exceed the limit of {limit}")]
    Capacity {
        /// What is full.
        what: &'static str,
        /// How many there can be.
        limit: u64,
    },
    /// Memory could not be had.
    #[error("{bytes} bytes for {what} could not be had")]
    OutOfMemory {
        /// What it was wanted for.
        what: &'static str,
        /// How much was wanted.
        bytes: usize,
    },
    /// The backend does not have the ability; see `Capabilities`.
    #[error("this backend does not support {0}")]
    Unsupported(&'static str),
    /// The backend behind the store failed.
    #[error(transparent)]
    Backend(#[from] BackendError),
}

impl StorageError {
    /// Returns what turns a refusal of memory into an error that says what it was
    /// wanted for.
    pub fn no_memory(what: &'static str) -> impl FnOnce(OutOfMemory) -> Self {
        move |OutOfMemory { bytes }| Self::OutOfMemory { what, bytes }
    }
}

/// Tells why components can't be added together.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[non_exhaustive]
pub enum BundleError {
    /// A component occurs twice.
    #[error("the bundle holds component `{0}` twice")]
    Duplicate(ComponentId),
    /// The bundle gave fewer components than it had announced.
    #[error("the bundle announced {announced} components and gave fewer")]
    Incomplete {
        /// How many it announced.
        announced: usize,
    },
    /// There are fewer bundles than entities that should get one each.
    #[error("there are {bundles} bundles for {entities} entities")]
    Short {
        /// How many bundles there were.
        bundles: usize,
        /// How many entities were listed.
        entities: usize,
    },
    /// A column has another length than the first.
    #[error("column `{component}` has {len} values where the first column has {rows}")]
    Length {
        /// The component of the column.
        component: ComponentId,
        /// How many values it has.
        len: usize,
        /// How many the first column has.
        rows: usize,
    },
}

/// A failure of what lies behind a backend: a file, a database, a network.
#[derive(Debug)]
pub struct BackendError {
    source: Box<dyn Error + Send + Sync>,
    retryable: bool,
}

impl BackendError {
    /// Wraps a failure that the same call will meet again.
    pub fn permanent(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), retryable: false }
    }

    /// Wraps a failure that may be gone at the next try.
    pub fn retryable(source: impl Into<Box<dyn Error + Send + Sync>>) -> Self {
        Self { source: source.into(), retryable: true }
    }

    /// Tells whether the same call may succeed later.
    pub fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// Returns the failure itself.
    pub fn get_ref(&self) -> &(dyn Error + Send + Sync + 'static) {
        &*self.source
    }
}

impl fmt::Display for BackendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let kind = if self.retryable { " (may be tried again)" } else { "" };
        write!(f, "the backend failed: {}{kind}", self.source)
    }
}

impl Error for BackendError {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        Some(&*self.source)
    }
}
