//! The number of a remote store's state.

use std::fmt;

use ecs_core::EntityId;
use serde::{Deserialize, Serialize};

/// Numbers the states of a remote store.
///
/// Every change of an entity or component raises it, by one writer or another;
/// reserving and releasing ids does not. So two reads at one version see the
/// same, and a write on condition of a version loses nobody's work. How far it
/// rises at a change is the backend's own.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize,
)]
#[serde(transparent)]
pub struct Version(u64);

impl Version {
    /// Makes the version of a number; for backends.
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number; for backends.
    pub const fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// What a batch did.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Applied {
    /// The new entities, in the order of the batch's spawns.
    pub created: Vec<EntityId>,
    /// How many of the batch's removes took a component away.
    pub removed: usize,
    /// The version of the store with the batch in it.
    pub version: Version,
}

impl Applied {
    /// Puts together what a batch did; for backends.
    pub fn new(created: Vec<EntityId>, removed: usize, version: Version) -> Self {
        Self { created, removed, version }
    }
}
