//! What others have changed in a remote store.

use ecs_core::EntityId;

use super::version::Version;

/// What changed in a remote store from one version to another, in the order in which it
/// did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteChanges {
    /// The version up to which this tells; the next question begins there.
    pub version: Version,
    /// The changes, in ascending order of version.
    pub changes: Vec<RemoteChange>,
}

/// One kind of change at one version.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RemoteChange {
    /// The version that has it.
    pub version: Version,
    /// What happened.
    pub kind: RemoteChangeKind,
    /// The stable name of the component of which values were written or removed.
    pub component: Option<String>,
    /// To whom.
    pub entities: Vec<EntityId>,
}

/// What happened to entities.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum RemoteChangeKind {
    /// They came.
    Spawned,
    /// They were given a value of a component, a new one or another.
    Written,
    /// They lost a component.
    Removed,
    /// They ended, with all that they had.
    Destroyed,
    /// Everything was replaced: whoever follows the changes has to read all. No
    /// entities are listed.
    Loaded,
}

impl RemoteChanges {
    /// Puts changes together; for backends.
    pub fn new(version: Version, changes: Vec<RemoteChange>) -> Self {
        Self { version, changes }
    }

    /// Tells whether nothing changed.
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

impl RemoteChange {
    /// Puts a change together; for backends.
    pub fn new(
        version: Version,
        kind: RemoteChangeKind,
        component: Option<String>,
        entities: Vec<EntityId>,
    ) -> Self {
        Self { version, kind, component, entities }
    }
}
