//! From a store to bytes.

use ecs_core::{AllocatorState, ComponentInfo, EntityId, ErasedSlice, ErasedVec};

use super::error::SnapshotError;
use super::ids::Ids;
use super::image::StorageImage;
use super::schema::Schema;
use super::sections::SectionWriter;
use super::tags;
use crate::sink::ReadSink;
use crate::storage::Storage;

/// Writes everything persistent that a store holds.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
pub fn write<S: Storage + ?Sized>(storage: &S) -> Result<Vec<u8>, SnapshotError> {
    let mut writer = SectionWriter::new();
    write_sections(storage, &mut writer)?;
    Ok(writer.finish())
}

/// Writes everything persistent that a store holds to the end of a container,
/// behind sections of the caller's.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
pub fn write_sections<S: Storage + ?Sized>(
    storage: &S,
    writer: &mut SectionWriter,
) -> Result<(), SnapshotError> {
    let mut content = Content::default();
    storage.read_chunks(&mut ReadSink::visitor(&mut |ids, columns| content.add(ids, columns)));
    content.write(&storage.allocator_state(), writer)
}

/// Writes everything persistent that an image holds.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
pub fn write_image(image: &StorageImage) -> Result<Vec<u8>, SnapshotError> {
    let mut content = Content::default();
    for chunk in image.chunks() {
        let columns: Vec<_> = chunk.columns().iter().map(ErasedVec::as_slice).collect();
        content.add(chunk.ids(), &columns);
    }
    let mut writer = SectionWriter::new();
    content.write(image.allocator(), &mut writer)?;
    Ok(writer.finish())
}

/// What is to be written, borrowed from where it lies.
#[derive(Default)]
struct Content<'a> {
    components: Vec<&'static ComponentInfo>,
    runs: Vec<Run<'a>>,
}

/// A run of chunks with the same persistent components, written as one.
#[derive(Default)]
struct Run<'a> {
    /// Places in the component table, ascending.
    components: Vec<u32>,
    chunks: Vec<(&'a [EntityId], Vec<ErasedSlice<'a>>)>,
}

impl<'a> Content<'a> {
    fn add(&mut self, ids: &'a [EntityId], columns: &[ErasedSlice<'a>]) {
        let mut columns: Vec<_> =
            columns.iter().filter(|column| !column.info().is_transient()).copied().collect();
        columns.sort_by_key(ErasedSlice::id);
        let places =
            columns.iter().map(|column| place(&mut self.components, column.info())).collect();
        match self.runs.last_mut() {
            Some(run) if run.components == places => run.chunks.push((ids, columns)),
            _ => self.runs.push(Run { components: places, chunks: vec![(ids, columns)] }),
        }
    }

    fn write(
        &self,
        allocator: &AllocatorState,
        writer: &mut SectionWriter,
    ) -> Result<(), SnapshotError> {
        let schemas: Vec<_> = self.components.iter().map(|info| Schema::of(info)).collect();
        writer.section(tags::COMPONENTS, |out| encode(&schemas, out))?;
        writer.section(tags::ALLOCATOR, |out| encode(allocator, out))?;
        let ids: Vec<_> = self.runs.iter().map(|run| run.ids(&self.components)).collect();
        let sizes = self.runs.iter().zip(&ids).map(|(run, ids)| run.size(ids, &self.components));
        writer.reserve(sizes.sum());
        for (run, ids) in self.runs.iter().zip(&ids) {
            run.write(ids, &self.components, writer)?;
        }
        Ok(())
    }
}

/// Returns a component's place in the table, in order of first use.
fn place(components: &mut Vec<&'static ComponentInfo>, info: &'static ComponentInfo) -> u32 {
    let known = components.iter().position(|known| known.id() == info.id());
    known.unwrap_or_else(|| {
        components.push(info);
        components.len() - 1
    }) as u32
}

fn encode(value: &impl serde::Serialize, out: &mut Vec<u8>) -> Result<(), SnapshotError> {
    let bytes = std::mem::take(out);
    *out = postcard::to_extend(value, bytes).expect("numbers, strings and lists can be encoded");
    Ok(())
}

/// Returns how many bytes of plain columns a row has.
pub(super) fn plain_bytes_per_row<'a>(
    components: impl Iterator<Item = &'a &'static ComponentInfo>,
) -> usize {
    components.filter(|info| info.is_pod()).map(|info| info.stride()).sum()
}

impl<'a> Run<'a> {
    fn infos<'c>(
        &self,
        all: &'c [&'static ComponentInfo],
    ) -> impl Iterator<Item = &'c &'static ComponentInfo> {
        self.components.iter().map(|&place| &all[place as usize])
    }

    fn ids(&self, all: &[&'static ComponentInfo]) -> Ids<'a> {
        let slices = self.chunks.iter().map(|(ids, _)| *ids).collect();
        Ids::new(slices, plain_bytes_per_row(self.infos(all)))
    }

    /// Returns how many bytes are written, but for values that serde encodes.
    fn size(&self, ids: &Ids<'_>, all: &[&'static ComponentInfo]) -> usize {
        // Numbers of the head have ten bytes at most, places in the table five.
        let head = 30 + 5 * self.components.len() + ids.size();
        let columns = ids.rows() * plain_bytes_per_row(self.infos(all));
        SectionWriter::HEAD * (1 + self.components.len()) + head + columns
    }

    /// Writes rows, components and ids; then each column.
    fn write(
        &self,
        ids: &Ids<'_>,
        all: &[&'static ComponentInfo],
        writer: &mut SectionWriter,
    ) -> Result<(), SnapshotError> {
        writer.section(tags::CHUNK, |out| {
            encode(&(ids.rows() as u64, &self.components, ids.runs() as u64), out)?;
            ids.write(out);
            Ok::<(), SnapshotError>(())
        })?;
        for (column, info) in self.infos(all).enumerate() {
            let mut values = self.chunks.iter().map(|(_, columns)| columns[column]);
            if info.is_pod() {
                writer.memory(tags::COLUMN, values.filter_map(|values| values.as_bytes()));
            } else {
                writer.section(tags::COLUMN, |out| values.try_for_each(|it| it.encode(out)))?;
            }
        }
        Ok(())
    }
}
