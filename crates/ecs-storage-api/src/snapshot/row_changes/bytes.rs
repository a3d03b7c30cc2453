//! Row changes as sections of a container.
//!
//! Ids are written as the difference to the one before, seven bits a byte: those of a
//! list ascend, so most take one or two bytes. Columns are in their codec, as they are:
//! numbers that change hardly get smaller.

use std::io::Write;

use ecs_core::{ComponentId, EntityId, ErasedVec};
use serde::{Deserialize, Serialize};

use super::RowChanges;
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::SnapshotError;
use crate::snapshot::component_table::ComponentTable;
use crate::snapshot::sections::{ReadySection, SectionReader, SectionWriter, Tag};
use crate::snapshot::serial::{section, value};
use crate::snapshot::tags;

/// Which lists there are.
const ROWS: Tag = *b"rows";
/// The ids of all lists, one after the other.
const IDS: Tag = *b"rids";

/// The lists of changes; components are places in the component table.
#[derive(Serialize, Deserialize)]
struct Outline {
    born: Vec<List>,
    updated: Vec<List>,
    inserted: Vec<List>,
    removed: Vec<(u32, u64)>,
    died: u64,
}

const DISORDER: &str = "ids of a list of changes do not ascend";

/// The components of a chunk, and how many rows it has.
type List = (Vec<u32>, u64);

impl RowChanges {
    /// Writes its sections to a container: the components, the lists, ids and columns.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded, or
    /// [`SnapshotError::Io`] if it can't be written.
    ///
    /// # Complexity
    /// O(bytes).
    pub fn write<W: Write>(&self, writer: &mut SectionWriter<W>) -> Result<(), SnapshotError> {
        let mut components = ComponentTable::default();
        let mut place = |component: ComponentId| components.place(component.info());
        let mut lists = |chunks: &[OwnedChunk]| -> Vec<List> {
            let list = |chunk: &OwnedChunk| {
                let places = chunk.columns().iter().map(|column| place(column.id()));
                (places.collect(), chunk.len() as u64)
            };
            chunks.iter().map(list).collect()
        };
        let (born, updated) = (lists(&self.born), lists(&self.updated));
        let inserted = lists(&self.inserted);
        let removed = self.removed.iter();
        let removed = removed.map(|(component, ids)| (place(*component), ids.len() as u64));
        let (removed, died) = (removed.collect(), self.died.len() as u64);
        let outline = Outline { born, updated, inserted, removed, died };
        components.write(writer)?;
        section(writer, ROWS, &outline)?;
        writer.section(IDS, |out| {
            self.chunks().try_for_each(|chunk| put_ids(chunk.ids(), out))?;
            self.removed.iter().try_for_each(|(_, ids)| put_ids(ids, out))?;
            put_ids(&self.died, out)
        })?;
        for column in self.chunks().flat_map(OwnedChunk::columns) {
            let values = column.as_slice();
            match values.as_bytes() {
                Some(bytes) => {
                    writer.ready(&ReadySection::new(tags::COLUMN, vec![bytes.into()]))?
                }
                None => writer
                    .section(tags::COLUMN, |out| values.encode(out).map_err(SnapshotError::from))?,
            }
        }
        Ok(())
    }

    /// Reads changes from the next sections of a container.
    ///
    /// Memory stays within a small multiple of the bytes given.
    ///
    /// # Errors
    /// [`SnapshotError`], which says what is wrong.
    pub fn read(sections: &mut SectionReader<'_>) -> Result<Self, SnapshotError> {
        let components = ComponentTable::read(sections)?;
        let outline: Outline = value(sections.expect(ROWS)?, "the lists of changes")?;
        let mut ids = Ids(sections.expect(IDS)?);
        let mut lists = |lists: Vec<List>| -> Result<Lists, SnapshotError> {
            lists.into_iter().map(|(places, rows)| Ok((places, ids.take(rows)?))).collect()
        };
        let (born, updated) = (lists(outline.born)?, lists(outline.updated)?);
        let inserted = lists(outline.inserted)?;
        let removed = outline.removed.into_iter().map(|(place, rows)| {
            let component = components.get(place)?.id();
            Ok::<_, SnapshotError>((component, ids.take(rows)?))
        });
        let removed = removed.collect::<Result<_, _>>()?;
        let died = ids.take(outline.died)?;
        if !ids.0.is_empty() {
            return Err(damaged("ids are left over behind the lists of changes"));
        }
        let mut chunks = |lists: Lists| -> Result<Vec<OwnedChunk>, SnapshotError> {
            lists
                .into_iter()
                .map(|(places, ids)| chunk(places, ids, &components, sections))
                .collect()
        };
        let (born, updated) = (chunks(born)?, chunks(updated)?);
        Ok(Self { born, died, updated, inserted: chunks(inserted)?, removed })
    }

    fn chunks(&self) -> impl Iterator<Item = &OwnedChunk> {
        [&self.born, &self.updated, &self.inserted].into_iter().flatten()
    }
}

/// Lists whose columns are still to be read.
type Lists = Vec<(Vec<u32>, Vec<EntityId>)>;

fn chunk(
    places: Vec<u32>,
    ids: Vec<EntityId>,
    components: &ComponentTable,
    sections: &mut SectionReader<'_>,
) -> Result<OwnedChunk, SnapshotError> {
    let mut columns = Vec::with_capacity(places.len().min(components.all().len()));
    for place in places {
        let info = components.get(place)?;
        let mut bytes = sections.expect(tags::COLUMN)?;
        columns.push(ErasedVec::decode(info, &mut bytes, ids.len())?);
        if !bytes.is_empty() {
            return Err(damaged(format!("bytes are left over behind values of `{}`", info.name())));
        }
    }
    OwnedChunk::with_unchecked_ids(ids, columns).map_err(|error| damaged(error.to_string()))
}

/// Writes ids that ascend.
fn put_ids(ids: &[EntityId], out: &mut Vec<u8>) -> Result<(), SnapshotError> {
    out.reserve(ids.len());
    let mut before = 0;
    for id in ids {
        let mut step = match id.to_bits().checked_sub(before) {
            Some(step) if step != 0 => step,
            _ => return Err(damaged(DISORDER)),
        };
        before = id.to_bits();
        while step >= 0x80 {
            out.push(step as u8 | 0x80);
            step >>= 7;
        }
        out.push(step as u8);
    }
    Ok(())
}

/// Ids that are still to be read.
struct Ids<'a>(&'a [u8]);

impl Ids<'_> {
    /// Reads so many that ascend.
    fn take(&mut self, count: u64) -> Result<Vec<EntityId>, SnapshotError> {
        // Each takes a byte at least.
        let count = usize::try_from(count).ok().filter(|count| *count <= self.0.len());
        let count = count.ok_or_else(|| damaged("a list of changes has fewer ids than it says"))?;
        let mut ids = Vec::with_capacity(count);
        let mut before = 0u64;
        for _ in 0..count {
            let step = self.number()?;
            let bits = before.checked_add(step).filter(|_| step != 0);
            before = bits.ok_or_else(|| damaged(DISORDER))?;
            ids.push(EntityId::from_bits(before).map_err(|error| damaged(error.to_string()))?);
        }
        Ok(ids)
    }

    fn number(&mut self) -> Result<u64, SnapshotError> {
        let mut number = 0u64;
        for shift in (0..u64::BITS).step_by(7) {
            let Some((byte, rest)) = self.0.split_first() else { break };
            self.0 = rest;
            let bits = u64::from(byte & 0x7f);
            if bits << shift >> shift != bits {
                break;
            }
            number |= bits << shift;
            if byte & 0x80 == 0 {
                return Ok(number);
            }
        }
        Err(damaged("an id of a list of changes can't be read"))
    }
}

fn damaged(what: impl Into<String>) -> SnapshotError {
    SnapshotError::Damaged { at: 0, what: what.into() }
}
