//! From a store to bytes.

use ecs_core::{AllocatorState, CodecError, ComponentInfo, EntityId, ErasedSlice, ErasedVec};

use super::error::SnapshotError;
use super::image::StorageImage;
use super::schema::Schema;
use super::sections::SectionWriter;
use crate::sink::ReadSink;
use crate::storage::Storage;

/// Writes everything persistent that a store holds.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
pub fn write<S: Storage + ?Sized>(storage: &S) -> Result<Vec<u8>, SnapshotError> {
    let mut content = Content::default();
    storage.read_chunks(&mut ReadSink::visitor(&mut |ids, columns| content.add(ids, columns)));
    content.write(&storage.allocator_state())
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
    content.write(image.allocator())
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

    fn write(&self, allocator: &AllocatorState) -> Result<Vec<u8>, SnapshotError> {
        let mut writer = SectionWriter::new();
        let schemas: Vec<_> = self.components.iter().map(|info| Schema::of(info)).collect();
        writer.section(*b"comp", |out| encode(&schemas, out))?;
        writer.section(*b"allo", |out| encode(allocator, out))?;
        for run in &self.runs {
            writer.section(*b"chnk", |out| run.write(out))?;
        }
        Ok(writer.finish())
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

impl Run<'_> {
    /// Writes rows, components, ids, and each column's length and values.
    fn write(&self, out: &mut Vec<u8>) -> Result<(), SnapshotError> {
        let rows: usize = self.chunks.iter().map(|(ids, _)| ids.len()).sum();
        encode(&(rows as u64, &self.components), out)?;
        for (ids, _) in &self.chunks {
            for id in *ids {
                out.extend_from_slice(&id.to_bits().to_le_bytes());
            }
        }
        for column in 0..self.components.len() {
            self.write_column(column, out)?;
        }
        Ok(())
    }

    fn write_column(&self, column: usize, out: &mut Vec<u8>) -> Result<(), CodecError> {
        let head = out.len();
        out.extend_from_slice(&[0; 8]);
        let start = out.len();
        for (_, columns) in &self.chunks {
            columns[column].encode(out)?;
        }
        let length = (out.len() - start) as u64;
        out[head..start].copy_from_slice(&length.to_le_bytes());
        Ok(())
    }
}
