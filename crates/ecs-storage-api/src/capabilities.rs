//! What a backend can do, as data.

/// How soon a read sees a write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Consistency {
    /// Every read sees every earlier write.
    Strong,
    /// A read sees what was committed; transactions do not mix.
    Transactional,
    /// A read may be behind; writers may have to resolve conflicts.
    Eventual,
}

/// Says what a backend can do, so that callers choose by data and not by type.
///
/// # Example
/// ```
/// use ecs_storage_api::Capabilities;
/// let local = Capabilities::in_memory();
/// assert!(local.atomic_batches && !local.persistent);
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub struct Capabilities {
    /// Chunks are long contiguous slices, not single rows.
    pub contiguous: bool,
    /// Lends a [`Directory`](crate::Directory), from which queries are served
    /// in parallel without a call into the backend.
    pub parallel: bool,
    /// How soon a read sees a write.
    pub consistency: Consistency,
    /// `apply_updates` happens wholly or not at all.
    pub atomic_batches: bool,
    /// A batch for which memory can't be had is refused with an error, and
    /// nothing has changed. Without it, the program ends as elsewhere in Rust.
    pub survives_refused_memory: bool,
    /// State outlives the process.
    pub persistent: bool,
    /// State has a version that writes can be made conditional on.
    pub versions: bool,
    /// Takes in entities that another shard's allocator named.
    pub adopts_foreign_ids: bool,
    /// Tells of changes made by others.
    pub notifications: bool,
    /// Entities can be given a time to live.
    pub expiry: bool,
    /// Tells what changed since a version, a page of rows at a time or better;
    /// of tracked components row by row, removals included. Without it,
    /// everything counts as changed.
    pub change_detection: bool,
}

impl Capabilities {
    /// Returns what a store in this process's memory has: strong consistency
    /// and atomic batches, nothing else. Set the other fields from there.
    pub const fn in_memory() -> Self {
        Self {
            contiguous: false,
            parallel: false,
            consistency: Consistency::Strong,
            atomic_batches: true,
            survives_refused_memory: false,
            persistent: false,
            versions: false,
            adopts_foreign_ids: false,
            notifications: false,
            expiry: false,
            change_detection: false,
        }
    }

    /// Says that chunks are long contiguous slices.
    pub const fn with_contiguous(mut self) -> Self {
        self.contiguous = true;
        self
    }

    /// Says that the backend lends its directory.
    pub const fn with_parallel(mut self) -> Self {
        self.parallel = true;
        self
    }

    /// Says how soon a read sees a write.
    pub const fn with_consistency(mut self, consistency: Consistency) -> Self {
        self.consistency = consistency;
        self
    }

    /// Says whether batches are atomic.
    pub const fn with_atomic_batches(mut self, atomic: bool) -> Self {
        self.atomic_batches = atomic;
        self
    }

    /// Says that a batch for which memory can't be had is refused.
    pub const fn with_survival_of_refused_memory(mut self) -> Self {
        self.survives_refused_memory = true;
        self
    }

    /// Says that state outlives the process.
    pub const fn with_persistence(mut self) -> Self {
        self.persistent = true;
        self
    }

    /// Says that writes can be made conditional on a version.
    pub const fn with_versions(mut self) -> Self {
        self.versions = true;
        self
    }

    /// Says that foreign ids can be adopted.
    pub const fn with_adoption(mut self) -> Self {
        self.adopts_foreign_ids = true;
        self
    }

    /// Says that changes made by others are told of.
    pub const fn with_notifications(mut self) -> Self {
        self.notifications = true;
        self
    }

    /// Says that changes are told.
    pub const fn with_change_detection(mut self) -> Self {
        self.change_detection = true;
        self
    }

    /// Says that entities can be given a time to live.
    pub const fn with_expiry(mut self) -> Self {
        self.expiry = true;
        self
    }
}
