//! What can be wrong with a snapshot.

use std::io;

use ecs_core::{AllocatorStateError, CodecError, ComponentInfo, EntityId};

use super::form::Form;
use crate::error::StorageError;
use crate::owned_chunk::ChunkError;

/// Tells why a snapshot could not be written or read; a store that was to take
/// it in has not changed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum SnapshotError {
    /// The bytes are something else.
    #[error("these bytes are not a snapshot")]
    NotASnapshot,
    /// The bytes are of another kind: a delta where a snapshot was expected, for example.
    #[error("these bytes are {found}, and {expected} was expected")]
    OtherKind {
        /// What they are.
        found: &'static str,
        /// What they should be.
        expected: &'static str,
    },
    /// Another version of the format wrote it.
    #[error("the snapshot has format version {found}; this build reads version {supported}")]
    Version {
        /// The version in the bytes.
        found: u16,
        /// The version that is understood.
        supported: u16,
    },
    /// A machine of other byte order wrote it.
    #[error("the snapshot was written on a machine of other byte order")]
    ByteOrder,
    /// It uses what this build does not know of.
    #[error("the snapshot uses features {found:#010b}; this build knows {known:#010b}")]
    Features {
        /// A bit each.
        found: u8,
        /// Those that this build knows.
        known: u8,
    },
    /// Columns are packed in a way for which this build has no code.
    #[error(
        "the snapshot has columns that are packed with {feature}, which this build can't unpack: it needs the feature `{feature}`"
    )]
    Compression {
        /// The name of the cargo feature.
        feature: &'static str,
    },
    /// The bytes end early or run on.
    #[error("the snapshot is cut off or damaged at byte {at}: {what}")]
    Damaged {
        /// Where, counted from the start.
        at: usize,
        /// What was expected there.
        what: String,
    },
    /// A checksum does not match.
    #[error("section `{section}` of the snapshot is damaged: its checksum does not match")]
    Checksum {
        /// Which section.
        section: String,
    },
    /// A component was not registered in this process.
    #[error(
        "the snapshot holds component `{name}`, which this process does not know: register it first, migrate it from that name, or skip it"
    )]
    UnknownComponent {
        /// The component's stable name.
        name: String,
    },
    /// A component has another form than it had: codec, schema, or size and alignment
    /// of plain bytes. [`ReadOptions`](super::ReadOptions) migrate or skip it.
    #[error(
        "component `{name}` was written as {written} and is now {known}, and no migration leads from the one to the other"
    )]
    Schema {
        /// The component's stable name.
        name: String,
        /// Its form in the snapshot.
        written: String,
        /// Its form in this process.
        known: String,
    },
    /// A resource, or events, that nobody has named in this process.
    #[error(
        "the snapshot holds resource or events `{name}`, which this world does not save: name them first, or skip them"
    )]
    UnknownResource {
        /// The resource's stable name.
        name: String,
    },
    /// A resource, or events, could not be decoded.
    #[error("resource or events `{name}` can't be decoded: {reason}")]
    Resource {
        /// The resource's stable name.
        name: String,
        /// What is wrong with its bytes.
        reason: String,
    },
    /// A value could not be encoded or decoded.
    #[error(transparent)]
    Codec(#[from] CodecError),
    /// The allocator's state contradicts itself or the entities.
    #[error(transparent)]
    Allocator(#[from] AllocatorStateError),
    /// A chunk contradicts itself.
    #[error(transparent)]
    Chunk(#[from] ChunkError),
    /// An entity occurs twice.
    #[error("entity {0} occurs twice in the snapshot")]
    EntityTwice(EntityId),
    /// A delta begins with another state than the one that it should change. Values that
    /// serde writes otherwise each time, such as a `HashMap`, make another state of equal
    /// ones.
    #[error("the delta begins with state {expected:016x}, and this is state {found:016x}")]
    OtherBase {
        /// The digest of the state with which it begins.
        expected: u64,
        /// That of the state here.
        found: u64,
    },
    /// A delta leads to another state than it says.
    #[error("the delta says that it leads to state {expected:016x}, and leads to {found:016x}")]
    OtherResult {
        /// The digest of the state that it names.
        expected: u64,
        /// That of the state to which it leads.
        found: u64,
    },
    /// It could not be written to where it was to go.
    #[error("the snapshot can't be written: {0}")]
    Io(#[from] io::Error),
    /// The store could not take it in.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl SnapshotError {
    /// Says that a component is not what a file holds of it.
    pub(super) fn changed(written: &Form, info: &ComponentInfo) -> Self {
        let (name, written) = (written.name.clone(), written.text());
        Self::Schema { name, written, known: Form::of(info).text() }
    }
}
