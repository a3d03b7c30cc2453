//! From bytes to an image, checked.

use std::cmp::Reverse;

use ecs_core::{AllocatorState, ComponentId, EntityId, ErasedVec};
use serde::de::DeserializeOwned;

use super::ages::{Age, ChunkAges, ImageHistory, MOST_VERSIONS};
use super::columns::Column;
use super::error::SnapshotError;
use super::form::Form;
use super::ids::{self, RowSize};
use super::image::StorageImage;
use super::options::ReadOptions;
use super::packing::RATIO;
use super::sections::{Section, SectionReader};
use super::tags;
use crate::owned_chunk::OwnedChunk;
use crate::workers::{self, Alone, Workers};

/// Reads a snapshot and checks all of it.
///
/// Memory stays within a small multiple of the bytes given.
///
/// # Errors
/// [`SnapshotError`], which says what is wrong and where.
pub fn read(bytes: &[u8]) -> Result<StorageImage, SnapshotError> {
    read_with(bytes, &ReadOptions::new())
}

/// As [`read`], but skips and migrates components.
///
/// # Errors
/// [`SnapshotError`], which says what is wrong and where.
pub fn read_with(bytes: &[u8], options: &ReadOptions) -> Result<StorageImage, SnapshotError> {
    read_sections_with(&mut SectionReader::new(bytes)?, options)
}

/// Reads a store from the sections that are left of a container, as
/// [`read`] does.
///
/// # Errors
/// [`SnapshotError`], which says what is wrong and where.
pub fn read_sections(sections: &mut SectionReader<'_>) -> Result<StorageImage, SnapshotError> {
    read_sections_with(sections, &ReadOptions::new())
}

/// As [`read_sections`], but skips and migrates components.
///
/// # Errors
/// [`SnapshotError`], which says what is wrong and where.
pub fn read_sections_with(
    sections: &mut SectionReader<'_>,
    options: &ReadOptions,
) -> Result<StorageImage, SnapshotError> {
    read_sections_with_helpers(sections, options, &Alone)
}

/// As [`read_sections_with`], with helpers: columns are checked and decoded side by
/// side.
///
/// # Errors
/// [`SnapshotError`], which says what is wrong and where.
pub fn read_sections_with_helpers(
    sections: &mut SectionReader<'_>,
    options: &ReadOptions,
    workers: &dyn Workers,
) -> Result<StorageImage, SnapshotError> {
    let bytes = sections.remaining();
    let forms: Vec<Form> =
        Payload(sections.expect(tags::COMPONENTS)?).whole("the component table")?;
    let components = forms.into_iter().map(|form| Column::new(form, options));
    let components = components.collect::<Result<Vec<_>, _>>()?;
    let allocator: AllocatorState =
        Payload(sections.expect(tags::ALLOCATOR)?).whole("the allocator")?;
    let mut history = history(Payload(sections.expect(tags::HISTORY)?), &components)?;
    let (mut heads, mut columns, mut runs) = (Vec::new(), Vec::new(), Vec::new());
    while let Some((tag, payload)) = sections.next_section()? {
        if tag != tags::CHUNK {
            return Err(damaged(format!("section `{}` is unknown", String::from_utf8_lossy(&tag))));
        }
        let (ids, of_chunk) =
            Payload(payload).chunk(&components, sections, history.as_mut(), &mut runs)?;
        heads.push((ids, of_chunk.len()));
        columns.extend(of_chunk);
    }
    let features = sections.features();
    let mut columns =
        workers::map(workers, bytes, columns, |unread| unread.read(features)).into_iter();
    let chunks = heads.into_iter().map(|(ids, count)| {
        let columns = columns.by_ref().take(count).filter_map(Result::transpose);
        // Whether an id occurs twice is checked for the whole image.
        Ok(OwnedChunk::with_unchecked_ids(ids, columns.collect::<Result<_, _>>()?)?)
    });
    let chunks = chunks.collect::<Result<_, SnapshotError>>()?;
    StorageImage::with_runs(allocator, chunks, &runs, history)
}

/// Reads what is said of the history as a whole; nothing of a store that kept none.
fn history(
    payload: Payload<'_>,
    components: &[Column<'_>],
) -> Result<Option<ImageHistory>, SnapshotError> {
    type Removed = Vec<(u32, Vec<(Age, u64)>)>;
    let (span, all): (u64, Removed) = payload.whole("the history")?;
    if span > MOST_VERSIONS {
        return Err(damaged(format!("a history of {span} versions")));
    }
    let mut removed: Vec<(ComponentId, Vec<(Age, EntityId)>)> = Vec::with_capacity(all.len());
    for (place, of_one) in all {
        let component = components.get(place as usize);
        let component =
            component.ok_or_else(|| damaged(format!("component {place} was removed, of none")))?;
        if !of_one.is_sorted_by(|(before, _), (after, _)| before >= after) {
            return Err(damaged("removals that are not in their order".to_owned()));
        }
        let entity = |(age, id)| match EntityId::from_bits(id) {
            Ok(id) if (1..=span).contains(&age) => Ok((age, id)),
            Ok(_) => Err(damaged(format!("a removal {age} versions ago, of {span}"))),
            Err(error) => Err(damaged(format!("a removal of {error}"))),
        };
        let of_one = of_one.into_iter().map(entity).collect::<Result<Vec<_>, _>>()?;
        let Some(component) = component.info().map(|info| info.id()) else { continue };
        match removed.iter_mut().find(|(known, _)| *known == component) {
            // Two that have become one.
            Some((_, known)) => {
                known.extend(of_one);
                known.sort_by_key(|(age, _)| Reverse(*age));
            }
            None => removed.push((component, of_one)),
        }
    }
    let chunks = Vec::new();
    Ok((span != 0).then_some(ImageHistory { span, chunks, removed }))
}

/// The part of a section that is still to be read.
pub(super) struct Payload<'a>(pub(super) &'a [u8]);

/// Inside a section whose checksum is right, so no place is worth naming.
pub(super) fn damaged(what: String) -> SnapshotError {
    SnapshotError::Damaged { at: 0, what }
}

impl<'a> Payload<'a> {
    fn value<T: DeserializeOwned>(&mut self, what: &str) -> Result<T, SnapshotError> {
        let (value, rest) = postcard::take_from_bytes(self.0)
            .map_err(|error| damaged(format!("{what} can't be read: {error}")))?;
        self.0 = rest;
        Ok(value)
    }

    fn whole<T: DeserializeOwned>(mut self, what: &str) -> Result<T, SnapshotError> {
        let value = self.value(what)?;
        self.end(what)?;
        Ok(value)
    }

    pub(super) fn end(&self, what: &str) -> Result<(), SnapshotError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(damaged(format!("{} bytes are left over behind {what}", self.0.len())))
        }
    }

    pub(super) fn bytes(&mut self, count: u64, what: &str) -> Result<&'a [u8], SnapshotError> {
        let taken = usize::try_from(count).ok().and_then(|count| self.0.split_at_checked(count));
        let (taken, rest) = taken.ok_or_else(|| damaged(format!("{what} end early")))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads the ids of a chunk of which this is the head, and finds its columns, which
    /// follow. Its ages are added to `history`, and the runs of its ids to `id_runs`.
    fn chunk<'c>(
        mut self,
        components: &'c [Column<'c>],
        sections: &mut SectionReader<'a>,
        history: Option<&mut ImageHistory>,
        id_runs: &mut Vec<(EntityId, u32)>,
    ) -> Result<(Vec<EntityId>, Vec<Unread<'c, 'a>>), SnapshotError> {
        let (rows, places, runs): (u64, Vec<u32>, u64) = self.value("the head of a chunk")?;
        let columns = places.iter().map(|&place| {
            components.get(place as usize).ok_or_else(|| {
                damaged(format!("a chunk names component {place} of {}", components.len()))
            })
        });
        let columns = columns.collect::<Result<Vec<_>, _>>()?;
        let row_size = RowSize::of(columns.iter().map(|column| column.stride()));
        let ids = match runs {
            0 => {
                let size = rows.saturating_mul(ids::SIZE as u64);
                ids::read(self.bytes(size, "the ids of a chunk")?, id_runs)
            }
            _ => {
                let size = runs.saturating_mul(ids::RUN_SIZE as u64);
                let bytes = self.bytes(size, "the runs of ids of a chunk")?;
                let rows = bounded(rows, &row_size, sections)?;
                ids::read_runs(bytes, rows, id_runs)
            }
        };
        let ids = ids.map_err(|what| damaged(format!("a chunk lists {what}")))?;
        if let Some(history) = history {
            let ages = ChunkAges::read(&mut self.0, ids.len(), columns.len(), history.span);
            let mut ages = ages.map_err(|what| damaged(format!("a chunk has {what}")))?;
            let of_columns = columns.iter().zip(ages.columns);
            let mut kept: Vec<_> =
                of_columns.filter_map(|(column, ages)| Some((column.info()?.id(), ages))).collect();
            // In the order of the columns of a chunk.
            kept.sort_by_key(|(component, _)| *component);
            ages.columns = kept.into_iter().map(|(_, ages)| ages).collect();
            history.chunks.push(ages);
        }
        self.end("a chunk")?;
        let rows = ids.len();
        let columns = columns.into_iter().map(|column| {
            let section = sections.expect_one_of(&[tags::COLUMN, tags::PACKED])?;
            Ok(Unread { column, rows, section: column.expect(rows, section)? })
        });
        let columns = columns.collect::<Result<_, SnapshotError>>()?;
        Ok((ids, columns))
    }
}

/// A column whose bytes nobody has looked at.
struct Unread<'c, 'a> {
    column: &'c Column<'c>,
    rows: usize,
    section: Section<'a>,
}

impl Unread<'_, '_> {
    /// Reads it; nothing if it is skipped.
    fn read(self, features: u8) -> Result<Option<ErasedVec>, SnapshotError> {
        self.column.read(self.rows, self.section, features)
    }
}

/// Checks that rows whose ids are runs have columns, in the bytes that follow,
/// which take more memory than the ids.
fn bounded(
    rows: u64,
    row_size: &RowSize,
    sections: &SectionReader<'_>,
) -> Result<usize, SnapshotError> {
    let packed = sections.features() != 0;
    let ratio = if packed { RATIO } else { 1 };
    let rows = usize::try_from(rows).ok();
    let bounded = rows.filter(|rows| {
        let columns = rows.checked_mul(row_size.plain());
        let room = sections.remaining().saturating_mul(ratio);
        row_size.allows_runs(packed) && columns.is_some_and(|size| size <= room)
    });
    bounded.ok_or_else(|| damaged("runs of ids without the columns of their rows".to_owned()))
}
