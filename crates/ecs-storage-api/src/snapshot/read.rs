//! From bytes to an image, checked.

use ecs_core::{AllocatorState, ComponentInfo, EntityId, ErasedVec};
use serde::de::DeserializeOwned;

use super::ages::{Age, ChunkAges, ImageHistory};
use super::error::SnapshotError;
use super::form::Form;
use super::ids;
use super::image::StorageImage;
use super::sections::{Section, SectionReader};
use super::tags;
use super::write::plain_bytes_per_row;
use crate::owned_chunk::OwnedChunk;

/// Reads a snapshot and checks all of it.
///
/// Memory stays within a small multiple of the bytes given.
///
/// # Errors
/// [`SnapshotError`], which says what is wrong and where.
pub fn read(bytes: &[u8]) -> Result<StorageImage, SnapshotError> {
    read_sections(&mut SectionReader::new(bytes)?)
}

/// Reads a store from the sections that are left of a container, as
/// [`read`] does.
///
/// # Errors
/// [`SnapshotError`], which says what is wrong and where.
pub fn read_sections(sections: &mut SectionReader<'_>) -> Result<StorageImage, SnapshotError> {
    let forms: Vec<Form> =
        Payload(sections.expect(tags::COMPONENTS)?).whole("the component table")?;
    let components = forms.iter().map(Form::resolve).collect::<Result<Vec<_>, _>>()?;
    let allocator: AllocatorState =
        Payload(sections.expect(tags::ALLOCATOR)?).whole("the allocator")?;
    let mut history = history(Payload(sections.expect(tags::HISTORY)?), &components)?;
    let (mut chunks, mut runs) = (Vec::new(), Vec::new());
    while let Some((tag, payload)) = sections.next_section()? {
        if tag != tags::CHUNK {
            return Err(damaged(format!("section `{}` is unknown", String::from_utf8_lossy(&tag))));
        }
        let chunk = Payload(payload).chunk(&components, sections, history.as_mut(), &mut runs)?;
        chunks.push(chunk);
    }
    StorageImage::with_runs(allocator, chunks, &runs, history)
}

/// Reads what is said of the history as a whole; nothing of a store that kept none.
fn history(
    payload: Payload<'_>,
    components: &[&'static ComponentInfo],
) -> Result<Option<ImageHistory>, SnapshotError> {
    type Removed = Vec<(u32, Vec<(Age, u64)>)>;
    let (span, all): (u64, Removed) = payload.whole("the history")?;
    let mut removed = Vec::with_capacity(all.len());
    for (place, of_one) in all {
        let component = components.get(place as usize).map(|info| info.id());
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
        removed.push((component, of_one.into_iter().map(entity).collect::<Result<_, _>>()?));
    }
    let chunks = Vec::new();
    Ok((span != 0).then_some(ImageHistory { span, chunks, removed }))
}

/// Reads a column of `rows` values.
fn column(
    info: &'static ComponentInfo,
    rows: usize,
    section: Section<'_>,
) -> Result<ErasedVec, SnapshotError> {
    let stride = info.stride();
    if !info.is_pod() || stride == 0 {
        let mut bytes = section.verified()?;
        let values = ErasedVec::decode(info, &mut bytes, rows)?;
        Payload(bytes).end("the values of a column")?;
        return Ok(values);
    }
    if rows.checked_mul(stride) != Some(section.len()) {
        let (name, len) = (info.name(), section.len());
        section.verified()?;
        return Err(damaged(format!(
            "column `{name}` has {len} bytes for {rows} values of {stride}"
        )));
    }
    let mut values = ErasedVec::new(info);
    values.reserve(rows);
    section.copied(stride, |block| values.extend_from_bytes(block))?;
    Ok(values)
}

/// The part of a section that is still to be read.
struct Payload<'a>(&'a [u8]);

/// Inside a section whose checksum is right, so no place is worth naming.
fn damaged(what: String) -> SnapshotError {
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

    fn end(&self, what: &str) -> Result<(), SnapshotError> {
        if self.0.is_empty() {
            Ok(())
        } else {
            Err(damaged(format!("{} bytes are left over behind {what}", self.0.len())))
        }
    }

    fn bytes(&mut self, count: u64, what: &str) -> Result<&'a [u8], SnapshotError> {
        let taken = usize::try_from(count).ok().and_then(|count| self.0.split_at_checked(count));
        let (taken, rest) = taken.ok_or_else(|| damaged(format!("{what} end early")))?;
        self.0 = rest;
        Ok(taken)
    }

    /// Reads a chunk of which this is the head; its columns follow. Its ages are
    /// added to `history`, and the runs of its ids to `id_runs`.
    fn chunk(
        mut self,
        components: &[&'static ComponentInfo],
        sections: &mut SectionReader<'_>,
        history: Option<&mut ImageHistory>,
        id_runs: &mut Vec<(EntityId, u32)>,
    ) -> Result<OwnedChunk, SnapshotError> {
        let (rows, places, runs): (u64, Vec<u32>, u64) = self.value("the head of a chunk")?;
        let infos = places.iter().map(|&place| {
            components.get(place as usize).ok_or_else(|| {
                damaged(format!("a chunk names component {place} of {}", components.len()))
            })
        });
        let infos = infos.collect::<Result<Vec<_>, _>>()?;
        let ids = match runs {
            0 => {
                let size = rows.saturating_mul(ids::SIZE as u64);
                ids::read(self.bytes(size, "the ids of a chunk")?, id_runs)
            }
            _ => {
                let bytes_per_row = plain_bytes_per_row(infos.iter().copied());
                let size = runs.saturating_mul(ids::RUN_SIZE as u64);
                let bytes = self.bytes(size, "the runs of ids of a chunk")?;
                let rows = bounded(rows, bytes_per_row, sections.remaining())?;
                ids::read_runs(bytes, rows, id_runs)
            }
        };
        let ids = ids.map_err(|what| damaged(format!("a chunk lists {what}")))?;
        if let Some(history) = history {
            let ages = ChunkAges::read(&mut self.0, ids.len(), infos.len(), history.span);
            let mut ages = ages.map_err(|what| damaged(format!("a chunk has {what}")))?;
            let mut columns: Vec<_> = infos.iter().zip(ages.columns).collect();
            // In the order of the columns of a chunk.
            columns.sort_by_key(|(info, _)| info.id());
            ages.columns = columns.into_iter().map(|(_, ages)| ages).collect();
            history.chunks.push(ages);
        }
        self.end("a chunk")?;
        let mut columns = Vec::with_capacity(infos.len());
        for info in infos {
            columns.push(column(info, ids.len(), sections.expect_unverified(tags::COLUMN)?)?);
        }
        // Whether an id occurs twice is checked for the whole image.
        Ok(OwnedChunk::with_unchecked_ids(ids, columns)?)
    }
}

/// Checks that rows whose ids are runs have columns, in the bytes that follow,
/// which take more memory than the ids.
fn bounded(rows: u64, bytes_per_row: usize, remaining: usize) -> Result<usize, SnapshotError> {
    let rows = usize::try_from(rows).ok();
    let bounded = rows.filter(|rows| {
        let columns = rows.checked_mul(bytes_per_row);
        bytes_per_row >= ids::SIZE && columns.is_some_and(|size| size <= remaining)
    });
    bounded.ok_or_else(|| damaged("runs of ids without the columns of their rows".to_owned()))
}
