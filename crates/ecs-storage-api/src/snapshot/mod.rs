//! Snapshots: one format for every backend, exact and checked.
//!
//! A snapshot is a container of [sections]: the components it uses, the
//! allocator, and each chunk in the store's own order. [`write()`] goes over the
//! protocol alone, so what one backend writes every other one reads;
//! [`read()`] checks everything and gives a [`StorageImage`], which a store then
//! takes in at once.
//!
//! Byte by byte the format is in `docs/snapshot-format.md`. [`ReadOptions`] say
//! what to do with components that are not what they were.

mod ages;
mod canonical;
mod capture;
mod columns;
mod component_table;
mod cut;
mod delta;
mod descent;
mod error;
mod form;
mod groups;
mod ids;
mod image;
mod journal;
mod migration;
mod options;
mod packing;
mod read;
mod replica;
mod row_changes;
pub mod sections;
mod serial;
#[cfg(test)]
mod tests;
mod value;
mod write;

pub use ages::{ChunkAges, ColumnAges, ImageHistory, RowAges};
pub use canonical::write_canonical;
pub use capture::{Moment, RowCapture};
pub use cut::{StorageCut, TableOfCut, ValuesOfCut};
pub use delta::StorageDelta;
pub use descent::Descent;
pub use error::SnapshotError;
pub use image::StorageImage;
pub use journal::{Folded, JournalEntry};
pub use migration::Migration;
pub use options::ReadOptions;
pub use packing::Compression;
pub use read::{read, read_sections, read_sections_with, read_sections_with_helpers, read_with};
pub use replica::Replica;
pub use row_changes::RowChanges;
pub use write::{Contents, write, write_image, write_with};

/// The sections of a store, in their order.
mod tags {
    use super::sections::Tag;

    /// The forms of the components that are used.
    pub(super) const COMPONENTS: Tag = *b"comp";
    /// The state of the allocator.
    pub(super) const ALLOCATOR: Tag = *b"allo";
    /// How many versions there were, and what was removed.
    pub(super) const HISTORY: Tag = *b"hist";
    /// Rows, components, ids and ages of a chunk, whose columns follow.
    pub(super) const CHUNK: Tag = *b"chnk";
    /// The values of one component in the chunk before.
    pub(super) const COLUMN: Tag = *b"colm";
    /// As [`COLUMN`], packed.
    pub(super) const PACKED: Tag = *b"colz";
}
