//! From a store to bytes.

use std::fmt;
use std::io::Write;

use ahash::AHashMap;
use ecs_core::{AllocatorState, ComponentId, ComponentInfo, EntityId, ErasedSlice};

use super::ages::{self, Age, ChunkAges, ColumnAges};
use super::error::SnapshotError;
use super::ids::Ids;
use super::image::StorageImage;
use super::schema::Schema;
use super::sections::{AROUND, HEADER, SectionWriter, Tag};
use super::tags;
use crate::changes::Version;
use crate::sink::{ReadSink, WholeChunk};
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
    /// How many versions there were; 0 if nothing is known of them.
    span: u64,
    removed: Removals,
    runs: Vec<Run<'a>>,
}

/// Which entities lost a component, by its place in the table, and how long ago.
type Removals = Vec<(u32, Vec<(Age, EntityId)>)>;

/// A run of chunks with the same persistent components, written as one.
struct Run<'a> {
    /// Places in the component table, ascending.
    components: Vec<u32>,
    ids: Ids<'a>,
    /// The columns of each chunk.
    chunks: Vec<Vec<ErasedSlice<'a>>>,
    ages: ChunkAges,
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
        let (present, origin) = (storage.version(), storage.origin());
        let mut chunks = Chunks::default();
        storage.read_chunks(&mut ReadSink::visitor(&mut |chunk| {
            chunks.add_whole(&chunk, present, origin);
        }));
        let lost = ecs_core::components().filter(|id| id.info().is_tracked());
        for component in lost.filter(|id| !id.info().is_transient()) {
            let removed = storage.removed(component, origin).iter();
            chunks.add_removed(
                component,
                removed.map(|it| (ages::age(it.version.get(), present, origin), it.entity)),
            );
        }
        chunks.with(storage.allocator_state(), present.get() - origin.get())
    }

    /// Looks at an image.
    pub(super) fn of_image(image: &'a StorageImage) -> Self {
        let mut chunks = Chunks::default();
        let history = image.history();
        for (n, chunk) in image.chunks().iter().enumerate() {
            let columns = chunk.columns().iter().enumerate().map(|(at, column)| {
                let ages = history.map(|history| history.chunks()[n].columns[at].clone());
                (column.as_slice(), ages.unwrap_or_default())
            });
            let moves = history.map(|history| history.chunks()[n].moves.clone());
            chunks.add(chunk.ids(), moves, columns.collect());
        }
        for (component, removed) in history.map_or(&[][..], |history| &history.removed) {
            chunks.add_removed(*component, removed.iter().copied());
        }
        chunks.with(image.allocator().clone(), history.map_or(0, |history| history.span))
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
        let removed = self.removed.iter().map(|(_, removed)| 10 + 20 * removed.len());
        let runs = self.runs.iter().map(|run| {
            let head = 30 + 5 * run.components.len() + run.ids.size() + run.ages.size();
            let columns = run.ids.rows() * plain_bytes_per_row(run.infos(&self.components));
            AROUND * (1 + run.components.len()) + head + columns
        });
        let heads = names.sum::<usize>() + allocator + removed.sum::<usize>();
        HEADER + 5 * AROUND + heads + runs.sum::<usize>()
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
        section(writer, tags::HISTORY, &(self.span, &self.removed))?;
        let ages = self.span != 0;
        self.runs.iter().try_for_each(|run| run.write(&self.components, ages, writer))
    }
}

/// Chunks as they are offered, put together.
#[derive(Default)]
struct Chunks<'a> {
    components: Vec<&'static ComponentInfo>,
    removed: Removals,
    runs: Vec<ChunkRun<'a>>,
    /// The runs that consist of tables.
    tables: AHashMap<Vec<u32>, usize>,
}

/// As [`Run`], while more chunks may come.
struct ChunkRun<'a> {
    components: Vec<u32>,
    ids: Vec<&'a [EntityId]>,
    chunks: Vec<Vec<ErasedSlice<'a>>>,
    ages: ChunkAges,
}

impl<'a> Chunks<'a> {
    /// Adds a chunk of a store that is at `present`, and whose history begins at
    /// `origin`.
    fn add_whole(&mut self, chunk: &WholeChunk<'a, '_>, present: Version, origin: Version) {
        let rows = chunk.ids.len();
        let column = |(values, changes): &(ErasedSlice<'a>, _)| {
            (*values, ColumnAges::of(*changes, rows, present, origin))
        };
        let moves = chunk.moves.map(|pages| ages::of_pages(pages, rows, present, origin));
        self.add(chunk.ids, moves, chunk.columns.iter().map(column).collect());
    }

    /// Adds a chunk to the run before, if that has the same components; tables,
    /// which store them by their components, also to an earlier one.
    fn add(
        &mut self,
        ids: &'a [EntityId],
        moves: Option<ages::RowAges>,
        mut columns: Vec<(ErasedSlice<'a>, ColumnAges)>,
    ) {
        columns.retain(|(column, _)| !column.info().is_transient());
        columns.sort_by_key(|(column, _)| column.id());
        let components: Vec<_> =
            columns.iter().map(|(column, _)| self.place(column.info())).collect();
        let known = match moves {
            Some(_) => self.tables.get(&components).copied(),
            None => {
                let last = self.runs.len().checked_sub(1);
                last.filter(|&last| self.runs[last].components == components)
            }
        };
        let known = known.unwrap_or_else(|| {
            let known = self.runs.len();
            if moves.is_some() {
                self.tables.insert(components.clone(), known);
            }
            let (ids, chunks) = Default::default();
            let ages = ChunkAges::empty(components.len());
            self.runs.push(ChunkRun { components, ids, chunks, ages });
            known
        });
        let run = &mut self.runs[known];
        run.ids.push(ids);
        run.ages.moves.extend(&moves.unwrap_or_default(), ids.len());
        for (all, (_, ages)) in run.ages.columns.iter_mut().zip(&columns) {
            all.extend(ages, ids.len());
        }
        run.chunks.push(columns.into_iter().map(|(column, _)| column).collect());
    }

    fn add_removed(
        &mut self,
        component: ComponentId,
        removed: impl ExactSizeIterator<Item = (Age, EntityId)>,
    ) {
        if removed.len() != 0 {
            let place = self.place(component.info());
            self.removed.push((place, removed.collect()));
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
    fn with(self, allocator: AllocatorState, span: u64) -> Contents<'a> {
        let Self { components: all, removed, runs, .. } = self;
        let runs = runs.into_iter().map(|ChunkRun { components, ids, chunks, ages, .. }| {
            let infos = components.iter().map(|&place| &all[place as usize]);
            let ids = Ids::new(ids, plain_bytes_per_row(infos));
            Run { components, ids, chunks, ages }
        });
        Contents { runs: runs.collect(), components: all, allocator, span, removed }
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

    /// Writes rows, components, ids, and ages if they are known; then each column.
    fn write<W: Write>(
        &self,
        all: &[&'static ComponentInfo],
        ages: bool,
        writer: &mut SectionWriter<W>,
    ) -> Result<(), SnapshotError> {
        let ids = &self.ids;
        writer.section(tags::CHUNK, |out| {
            encode(&(ids.rows() as u64, &self.components, ids.runs() as u64), out)?;
            ids.write(out);
            if ages {
                self.ages.write(out);
            }
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
