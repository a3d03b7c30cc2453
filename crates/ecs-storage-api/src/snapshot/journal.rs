//! Journals: commits as bytes, one after the other, for a store whose rows follow later.
//!
//! To bring a commit to rows costs as much as the rows it touches; to keep its bytes costs
//! as much as their number. So a store may keep [entries](JournalEntry) first, and
//! [fold](Folded) many of them into its rows at once: what several changed is written
//! once.

mod folded;
#[cfg(test)]
mod tests;

use ecs_core::AllocatorState;

use super::delta::AllocatorDelta;
use super::error::SnapshotError;
use super::row_changes::RowChanges;
use super::sections::{ReadySection, SectionReader, SectionWriter, Tag};
use super::serial::{section, value};
use super::tags;

pub use folded::Folded;

/// The number of the entry, and the tick.
const ENTRY: Tag = *b"jrnl";
/// What the world has beside its store.
const HEAD: Tag = *b"head";

/// One commit of a world: which rows are others than after the one before, which ids
/// come next, and what the world has beside its store.
///
/// As bytes it is a container of [sections](super::sections), each with a checksum:
/// its number and the tick, the [changes](RowChanges::write), what the allocator gave and took, and the
/// head.
#[derive(Debug)]
pub struct JournalEntry {
    /// Its number: that of the version which the commit made.
    pub number: u64,
    /// The tick of the world.
    pub tick: u64,
    /// Which rows are others than before.
    pub changes: RowChanges,
    /// What the world has beside its store.
    pub head: Vec<u8>,
    allocator: AllocatorDelta,
}

impl JournalEntry {
    /// Writes an entry as bytes. The allocator is the one before and the one after.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded, and
    /// [`SnapshotError::Damaged`] if the ids of a list do not ascend.
    ///
    /// # Complexity
    /// O(bytes), and O(ids) that are free.
    pub fn encode(
        number: u64,
        tick: u64,
        changes: &RowChanges,
        allocator: [&AllocatorState; 2],
        head: &[u8],
    ) -> Result<Vec<u8>, SnapshotError> {
        let [before, after] = allocator;
        let mut writer = SectionWriter::new(Vec::new())?;
        section(&mut writer, ENTRY, &(number, tick))?;
        changes.write(&mut writer)?;
        section(&mut writer, tags::ALLOCATOR, &AllocatorDelta::between(before, after))?;
        writer.ready(&ReadySection::new(HEAD, vec![head.into()]))?;
        Ok(writer.finish()?)
    }

    /// Reads an entry.
    ///
    /// Memory stays within a small multiple of the bytes given.
    ///
    /// # Errors
    /// [`SnapshotError`] if the bytes are no entry, damaged, or name components that this
    /// process does not know, or knows in another form.
    pub fn decode(bytes: &[u8]) -> Result<Self, SnapshotError> {
        let mut sections = SectionReader::new(bytes)?;
        let (number, tick) = value(sections.expect(ENTRY)?, "the number of an entry")?;
        let changes = RowChanges::read(&mut sections)?;
        let allocator = value(sections.expect(tags::ALLOCATOR)?, "the allocator")?;
        let head = sections.expect(HEAD)?.to_vec();
        match sections.next_section()? {
            None => Ok(Self { number, tick, changes, head, allocator }),
            Some(_) => Err(damaged("a section behind an entry")),
        }
    }
}

fn damaged(what: impl Into<String>) -> SnapshotError {
    SnapshotError::Damaged { at: 0, what: what.into() }
}
