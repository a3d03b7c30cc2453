//! From a store to bytes.

use std::fmt;
use std::io::Write;

use ecs_core::{AllocatorState, ComponentInfo, EntityId, ErasedSlice, ErasedVec};

use super::error::SnapshotError;
use super::ids::Ids;
use super::image::StorageImage;
use super::schema::Schema;
use super::sections::{AROUND, HEADER, SectionWriter, Tag};
use super::tags;
use crate::sink::ReadSink;
use crate::storage::Storage;

/// Writes everything persistent that a store holds.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
pub fn write<S: Storage + ?Sized>(storage: &S) -> Result<Vec<u8>, SnapshotError> {
    Contents::of(storage).to_bytes()
}

/// Writes everything persistent that an image holds.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
pub fn write_image(image: &StorageImage) -> Result<Vec<u8>, SnapshotError> {
    Contents::of_image(image).to_bytes()
}

/// Everything persistent that a store holds, borrowed from where it lies.
pub struct Contents<'a> {
    components: Vec<&'static ComponentInfo>,
    allocator: AllocatorState,
    runs: Vec<Run<'a>>,
}

/// A run of chunks with the same persistent components, written as one.
struct Run<'a> {
    /// Places in the component table, ascending.
    components: Vec<u32>,
    ids: Ids<'a>,
    /// The columns of each chunk.
    chunks: Vec<Vec<ErasedSlice<'a>>>,
}

impl fmt::Debug for Contents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.components.iter().map(|info| info.name()).collect();
        f.debug_struct("Contents").field("components", &names).finish_non_exhaustive()
    }
}

impl<'a> Contents<'a> {
    /// Looks at a store.
    pub fn of<S: Storage + ?Sized>(storage: &'a S) -> Self {
        let mut chunks = Chunks::default();
        storage.read_chunks(&mut ReadSink::visitor(&mut |ids, columns| chunks.add(ids, columns)));
        chunks.with(storage.allocator_state())
    }

    /// Looks at an image.
    pub(super) fn of_image(image: &'a StorageImage) -> Self {
        let mut chunks = Chunks::default();
        for chunk in image.chunks() {
            let columns: Vec<_> = chunk.columns().iter().map(ErasedVec::as_slice).collect();
            chunks.add(chunk.ids(), &columns);
        }
        chunks.with(image.allocator().clone())
    }

    fn to_bytes(&self) -> Result<Vec<u8>, SnapshotError> {
        let mut writer = SectionWriter::new(Vec::with_capacity(self.size_hint()))?;
        self.write(&mut writer)?;
        Ok(writer.finish()?)
    }

    /// Returns about how many bytes a container of these sections takes, but for
    /// values that serde encodes.
    pub fn size_hint(&self) -> usize {
        // Numbers have ten bytes at most, places in the table five.
        let names = self.components.iter().map(|info| 40 + info.name().len());
        let AllocatorState { free, reserved, retired, .. } = &self.allocator;
        let allocator = 10 * (4 + free.len() + reserved.len() + retired.len());
        let runs = self.runs.iter().map(|run| {
            let head = 30 + 5 * run.components.len() + run.ids.size();
            let columns = run.ids.rows() * plain_bytes_per_row(run.infos(&self.components));
            AROUND * (1 + run.components.len()) + head + columns
        });
        HEADER + 4 * AROUND + names.sum::<usize>() + allocator + runs.sum::<usize>()
    }

    /// Writes the sections of a store to the end of a container, behind those of
    /// the caller's: straight from where the values lie, but for those that serde
    /// encodes, a column at a time.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded,
    /// [`SnapshotError::Io`] if it can't be written.
    pub fn write<W: Write>(&self, writer: &mut SectionWriter<W>) -> Result<(), SnapshotError> {
        let schemas: Vec<_> = self.components.iter().map(|info| Schema::of(info)).collect();
        section(writer, tags::COMPONENTS, &schemas)?;
        section(writer, tags::ALLOCATOR, &self.allocator)?;
        self.runs.iter().try_for_each(|run| run.write(&self.components, writer))
    }
}

/// Chunks as they are offered, those that follow each other with the same
/// components together.
#[derive(Default)]
struct Chunks<'a> {
    components: Vec<&'static ComponentInfo>,
    runs: Vec<ChunkRun<'a>>,
}

/// As [`Run`], while more chunks may come.
struct ChunkRun<'a> {
    components: Vec<u32>,
    ids: Vec<&'a [EntityId]>,
    chunks: Vec<Vec<ErasedSlice<'a>>>,
}

impl<'a> Chunks<'a> {
    fn add(&mut self, ids: &'a [EntityId], columns: &[ErasedSlice<'a>]) {
        let mut columns: Vec<_> =
            columns.iter().filter(|column| !column.info().is_transient()).copied().collect();
        columns.sort_by_key(ErasedSlice::id);
        let components: Vec<_> = columns.iter().map(|column| self.place(column.info())).collect();
        match self.runs.last_mut() {
            Some(run) if run.components == components => {
                run.ids.push(ids);
                run.chunks.push(columns);
            }
            _ => self.runs.push(ChunkRun { components, ids: vec![ids], chunks: vec![columns] }),
        }
    }

    /// Returns a component's place in the table, in order of first use.
    fn place(&mut self, info: &'static ComponentInfo) -> u32 {
        let known = self.components.iter().position(|known| known.id() == info.id());
        known.unwrap_or_else(|| {
            self.components.push(info);
            self.components.len() - 1
        }) as u32
    }

    /// Chooses how the ids of each run are written.
    fn with(self, allocator: AllocatorState) -> Contents<'a> {
        let Self { components: all, runs } = self;
        let runs = runs.into_iter().map(|ChunkRun { components, ids, chunks }| {
            let infos = components.iter().map(|&place| &all[place as usize]);
            let ids = Ids::new(ids, plain_bytes_per_row(infos));
            Run { components, ids, chunks }
        });
        Contents { runs: runs.collect(), components: all, allocator }
    }
}

/// Writes a section of numbers, strings and lists.
fn section<W: Write>(
    writer: &mut SectionWriter<W>,
    tag: Tag,
    value: &impl serde::Serialize,
) -> Result<(), SnapshotError> {
    writer.section(tag, |out| encode(value, out))
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

impl Run<'_> {
    fn infos<'c>(
        &self,
        all: &'c [&'static ComponentInfo],
    ) -> impl Iterator<Item = &'c &'static ComponentInfo> {
        self.components.iter().map(|&place| &all[place as usize])
    }

    /// Writes rows, components and ids; then each column.
    fn write<W: Write>(
        &self,
        all: &[&'static ComponentInfo],
        writer: &mut SectionWriter<W>,
    ) -> Result<(), SnapshotError> {
        let ids = &self.ids;
        writer.section(tags::CHUNK, |out| {
            encode(&(ids.rows() as u64, &self.components, ids.runs() as u64), out)?;
            ids.write(out);
            Ok::<(), SnapshotError>(())
        })?;
        for (column, info) in self.infos(all).enumerate() {
            let mut values = self.chunks.iter().map(move |columns| columns[column]);
            if info.is_pod() {
                writer.memory(tags::COLUMN, values.filter_map(|values| values.as_bytes()))?;
            } else {
                writer.section(tags::COLUMN, |out| {
                    values.try_for_each(|values| values.encode(out)).map_err(SnapshotError::from)
                })?;
            }
        }
        Ok(())
    }
}
