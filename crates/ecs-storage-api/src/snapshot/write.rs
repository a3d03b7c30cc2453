//! From a store to bytes.

use std::borrow::Cow;
use std::io::Write;
use std::{fmt, iter};

use ecs_core::{AllocatorState, ComponentId, ComponentInfo, EntityId, ErasedSlice};

use super::ages::{self, Age, ChunkAges, ColumnAges};
use super::component_table::ComponentTable;
use super::cut::StorageCut;
use super::error::SnapshotError;
use super::form::Form;
use super::groups::Groups;
use super::ids::{Ids, RowSize};
use super::image::StorageImage;
use super::packing::{self, Compression};
use super::sections::{AROUND, HEADER, ReadySection, SectionWriter};
use super::serial::{append, section};
use super::tags;
use crate::changes::Version;
use crate::sink::{ReadSink, WholeChunk};
use crate::storage::Storage;
use crate::workers::{self, Alone, Workers};

/// Writes everything persistent that a store holds.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
pub fn write<S: Storage + ?Sized>(storage: &S) -> Result<Vec<u8>, SnapshotError> {
    write_with(storage, Compression::None)
}

/// As [`write()`], with packed columns.
///
/// # Errors
/// As [`write()`].
pub fn write_with<S: Storage + ?Sized>(
    storage: &S,
    compression: Compression,
) -> Result<Vec<u8>, SnapshotError> {
    Contents::of(storage).to_bytes(compression)
}

/// Writes everything persistent that an image holds.
///
/// # Errors
/// [`SnapshotError::Codec`] if a value refuses to be encoded.
pub fn write_image(image: &StorageImage) -> Result<Vec<u8>, SnapshotError> {
    Contents::of_image(image).to_bytes(Compression::None)
}

/// Everything persistent that a store holds, borrowed from where it lies.
pub struct Contents<'a> {
    pub(super) components: ComponentTable,
    pub(super) allocator: AllocatorState,
    /// How many versions there were; 0 if nothing is known of them.
    pub(super) span: u64,
    pub(super) removed: Removals,
    pub(super) runs: Vec<Run<'a>>,
}

/// Which entities lost a component, by its place in the table, and how long ago.
type Removals = Vec<(u32, Vec<(Age, EntityId)>)>;

/// A run of chunks with the same persistent components, written as one.
pub(super) struct Run<'a> {
    /// Places in the component table.
    pub(super) components: Vec<u32>,
    pub(super) ids: Ids<'a>,
    /// The columns of each chunk.
    pub(super) chunks: Vec<Vec<Values<'a>>>,
    pub(super) ages: ChunkAges,
}

/// Values of one column.
pub(super) enum Values<'a> {
    /// As they lie in a store.
    Typed(ErasedSlice<'a>),
    /// As they are written, in parts.
    Encoded(Vec<&'a [u8]>),
}

impl<'a> Values<'a> {
    /// Tells whether what is written lies in memory.
    fn lies_in_memory(&self) -> bool {
        match self {
            Self::Typed(values) => values.as_bytes().is_some(),
            Self::Encoded(_) => true,
        }
    }

    /// Returns what is written, if that lies in memory.
    fn in_memory(&self) -> impl Iterator<Item = &'a [u8]> + Clone {
        let (typed, encoded) = match self {
            Self::Typed(values) => (values.as_bytes(), &[][..]),
            Self::Encoded(parts) => (None, &parts[..]),
        };
        typed.into_iter().chain(encoded.iter().copied())
    }

    /// Returns how many bytes they take where they lie.
    fn size(&self) -> usize {
        match self {
            Self::Typed(values) => values.len() * values.info().stride(),
            Self::Encoded(parts) => parts.iter().map(|part| part.len()).sum(),
        }
    }

    /// Appends what is written.
    fn encode(&self, out: &mut Vec<u8>) -> Result<(), SnapshotError> {
        match self {
            Self::Typed(values) => Ok(values.encode(out)?),
            Self::Encoded(parts) => {
                parts.iter().for_each(|part| out.extend_from_slice(part));
                Ok(())
            }
        }
    }

    /// Returns `len` values from a row of a store on.
    ///
    /// # Panics
    /// If there are fewer, or they do not lie in a store.
    pub(super) fn range(&self, start: usize, len: usize) -> Self {
        match self {
            Self::Typed(values) => Self::Typed(values.range(start, len).expect("rows of a chunk")),
            Self::Encoded(_) => panic!("encoded values are not told apart"),
        }
    }
}

impl fmt::Debug for Contents<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.components.all().iter().map(|info| info.name()).collect();
        f.debug_struct("Contents").field("components", &names).finish_non_exhaustive()
    }
}

impl<'a> Contents<'a> {
    /// Looks at a store.
    pub fn of<S: Storage + ?Sized>(storage: &'a S) -> Self {
        Self::of_with_helpers(storage, &Alone)
    }

    /// As [`of`](Self::of), with helpers that look at its ids, too.
    pub fn of_with_helpers<S: Storage + ?Sized>(storage: &'a S, workers: &dyn Workers) -> Self {
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
        chunks.with(storage.allocator_state(), present.get() - origin.get(), workers)
    }

    /// Looks at an image.
    pub(super) fn of_image(image: &'a StorageImage) -> Self {
        let mut chunks = Chunks::default();
        let history = image.history();
        for (n, chunk) in image.chunks().iter().enumerate() {
            let persistent = chunk.columns().iter().zip(0..);
            let persistent = persistent.filter(|(column, _)| !column.info().is_transient());
            let (columns, places): (Vec<_>, Vec<usize>) = persistent.unzip();
            let ages = history.map(|history| &history.chunks()[n]);
            let of_column = |place: &usize| ages.map(|ages| ages.columns[*place].clone());
            let ages = ChunkAges {
                moves: ages.map(|ages| ages.moves.clone()).unwrap_or_default(),
                columns: places.iter().map(|at| of_column(at).unwrap_or_default()).collect(),
            };
            let key = columns.iter().map(|column| column.id()).collect();
            let columns = columns.iter().map(|it| Values::Typed(it.as_slice())).collect();
            chunks.groups.add(key, false, Part { ids: vec![chunk.ids()], columns, ages });
        }
        for (component, removed) in history.map_or(&[][..], |history| &history.removed) {
            chunks.add_removed(*component, removed.iter().copied());
        }
        chunks.with(image.allocator().clone(), history.map_or(0, |history| history.span), &Alone)
    }

    /// Looks at a cut.
    pub fn of_cut(cut: &'a StorageCut) -> Self {
        let mut chunks = Chunks::default();
        for table in &cut.tables {
            let pages = |at: usize| table.columns[at].iter();
            let columns: Vec<Vec<_>> = (0..table.components.len())
                .map(|at| pages(at).map(|page| &page.values[..]).collect())
                .collect();
            let part = Part {
                ids: table.ids.iter().map(|page| &page.ids[..]).collect(),
                columns: columns.into_iter().map(Values::Encoded).collect(),
                ages: cut.ages(table),
            };
            chunks.groups.add(table.components.clone(), false, part);
        }
        for (component, removed) in &cut.removed {
            chunks.add_removed(*component, removed.iter().copied());
        }
        chunks.with((*cut.allocator).clone(), cut.span(), &Alone)
    }

    pub(super) fn to_bytes(&self, compression: Compression) -> Result<Vec<u8>, SnapshotError> {
        let room = if compression == Compression::None { self.size_hint() } else { 0 };
        let mut writer = SectionWriter::with_compression(Vec::with_capacity(room), compression)?;
        self.write(&mut writer)?;
        Ok(writer.finish()?)
    }

    /// Returns about how many bytes a container of these sections takes, but for
    /// values that serde encodes, if no column is packed.
    pub fn size_hint(&self) -> usize {
        // Numbers have ten bytes at most, places in the table five.
        let forms = self.components.all().iter().map(|info| Form::of(info).size_hint());
        let AllocatorState { free, reserved, retired, .. } = &self.allocator;
        let allocator = 10 * (4 + free.len() + reserved.len() + retired.len());
        let removed = self.removed.iter().map(|(_, removed)| 10 + 20 * removed.len());
        let runs = self.runs.iter().map(|run| {
            let head = 30 + 5 * run.components.len() + run.ids.size(false) + run.ages.size();
            let columns =
                run.ids.rows() * RowSize::of_infos(run.infos(self.components.all())).plain();
            AROUND * (1 + run.components.len()) + head + columns
        });
        let heads = forms.sum::<usize>() + allocator + removed.sum::<usize>();
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
        self.write_heads(writer)?;
        let compression = writer.compression();
        self.sections().try_for_each(|section| Ok(writer.ready(&section.made(compression)?)?))
    }

    /// As [`write`](Self::write), to memory and with helpers: columns side by side. All
    /// that serde encodes, and every packed column, is there before any of it is copied
    /// to its place.
    ///
    /// # Errors
    /// [`SnapshotError::Codec`] if a value refuses to be encoded.
    pub fn write_with_helpers(
        &self,
        writer: &mut SectionWriter<Vec<u8>>,
        workers: &dyn Workers,
    ) -> Result<(), SnapshotError> {
        self.write_heads(writer)?;
        let compression = writer.compression();
        let unmade: Vec<_> = self.sections().collect();
        let bytes = unmade.iter().map(|section| section.bytes_to_make(compression)).sum();
        let made = workers::map(workers, bytes, unmade, |section| section.made(compression));
        let made = made.into_iter().collect::<Result<Vec<_>, _>>()?;
        writer.all_ready(&made, workers);
        Ok(())
    }

    /// Writes what is before the chunks.
    fn write_heads<W: Write>(&self, writer: &mut SectionWriter<W>) -> Result<(), SnapshotError> {
        self.components.write(writer)?;
        section(writer, tags::ALLOCATOR, &self.allocator)?;
        section(writer, tags::HISTORY, &(self.span, &self.removed))
    }

    /// Returns the sections of the chunks, which are still to be made.
    fn sections(&self) -> impl Iterator<Item = Unmade<'_>> {
        let ages = self.span != 0;
        self.runs.iter().flat_map(move |run| run.sections(self.components.all(), ages))
    }
}

/// Chunks as they are offered, put together.
#[derive(Default)]
struct Chunks<'a> {
    components: ComponentTable,
    removed: Removals,
    groups: Groups<Part<'a>>,
}

/// A chunk of a group: ids, columns, and ages.
struct Part<'a> {
    ids: Vec<&'a [EntityId]>,
    columns: Vec<Values<'a>>,
    ages: ChunkAges,
}

impl<'a> Chunks<'a> {
    /// Adds a chunk of a store that is at `present`, and whose history begins at
    /// `origin`.
    fn add_whole(&mut self, chunk: &WholeChunk<'a, '_>, present: Version, origin: Version) {
        let rows = chunk.ids.len();
        let persistent = chunk.columns.iter().filter(|(it, _)| !it.info().is_transient());
        let mut columns: Vec<_> = persistent.copied().collect();
        columns.sort_by_key(|(values, _)| values.id());
        let moves = chunk.moves.map(|pages| ages::of_pages(pages, rows, present, origin));
        let ages = columns.iter().map(|(_, it)| ColumnAges::of(*it, rows, present, origin));
        let key = columns.iter().map(|(values, _)| values.id()).collect();
        let ages = ChunkAges { moves: moves.unwrap_or_default(), columns: ages.collect() };
        let columns = columns.into_iter().map(|(values, _)| Values::Typed(values)).collect();
        self.groups.add(key, chunk.moves.is_some(), Part { ids: vec![chunk.ids], columns, ages });
    }

    fn add_removed(
        &mut self,
        component: ComponentId,
        removed: impl ExactSizeIterator<Item = (Age, EntityId)>,
    ) {
        if removed.len() != 0 {
            let place = self.components.place(component.info());
            self.removed.push((place, removed.collect()));
        }
    }

    /// Puts the chunks of each group together, and chooses how their ids are
    /// written.
    fn with(mut self, allocator: AllocatorState, span: u64, workers: &dyn Workers) -> Contents<'a> {
        let groups = std::mem::take(&mut self.groups).into_groups();
        let runs = groups.map(|(components, parts)| {
            let (mut ids, mut chunks) = (Vec::new(), Vec::new());
            let mut ages = ChunkAges::empty(components.len());
            for part in parts {
                let rows = part.ids.iter().map(|ids| ids.len()).sum();
                ages.extend(&part.ages, rows);
                ids.extend(part.ids);
                chunks.push(part.columns);
            }
            let infos: Vec<_> = components.iter().map(|id| id.info()).collect();
            let ids = Ids::new(ids, &RowSize::of_infos(infos.iter()), workers);
            let components = infos.into_iter().map(|info| self.components.place(info)).collect();
            Run { components, ids, chunks, ages }
        });
        let runs = runs.collect();
        let Self { components, removed, .. } = self;
        Contents { runs, components, allocator, span, removed }
    }
}

impl<'a> Run<'a> {
    fn infos<'c>(
        &self,
        all: &'c [&'static ComponentInfo],
    ) -> impl Iterator<Item = &'c &'static ComponentInfo> {
        self.components.iter().map(|&place| &all[place as usize])
    }

    /// Returns ids and columns of each chunk of a store.
    pub(super) fn parts(&self) -> impl Iterator<Item = (&'a [EntityId], &[Values<'a>])> {
        let chunks = self.chunks.iter().map(Vec::as_slice);
        self.ids.slices().iter().copied().zip(chunks)
    }

    /// Returns its sections, which are still to be made: the head, then each column.
    fn sections<'r>(
        &'r self,
        all: &[&'static ComponentInfo],
        ages: bool,
    ) -> impl Iterator<Item = Unmade<'r>> {
        let column = |(at, info): (usize, &&'static ComponentInfo)| Unmade::Column {
            values: self.chunks.iter().map(|columns| &columns[at]).collect(),
            unit: if info.is_pod() { info.stride().max(1) } else { 1 },
        };
        let columns: Vec<_> = self.infos(all).enumerate().map(column).collect();
        iter::once(Unmade::Head { run: self, ages }).chain(columns)
    }

    /// Returns rows, components, ids, and ages if they are known.
    fn head(&self, ages: bool, packed: bool) -> Vec<u8> {
        let (ids, mut out) = (&self.ids, Vec::new());
        append(&(ids.rows() as u64, &self.components, ids.runs(packed).len() as u64), &mut out);
        ids.write(packed, &mut out);
        if ages {
            self.ages.write(&mut out);
        }
        out
    }
}

/// A section of a run that is still to be made.
enum Unmade<'r> {
    /// What is before the columns; with ages or without.
    Head { run: &'r Run<'r>, ages: bool },
    /// The values of a column, which are packed in units of some bytes.
    Column { values: Vec<&'r Values<'r>>, unit: usize },
}

impl<'r> Unmade<'r> {
    /// Returns about how many bytes [`made`](Self::made) has to read or write.
    fn bytes_to_make(&self, compression: Compression) -> usize {
        let packs = compression != Compression::None;
        match self {
            Self::Head { run, .. } => run.ids.size(packs),
            Self::Column { values, .. } => {
                let ready = |values: &Values<'_>| !packs && values.lies_in_memory();
                values.iter().filter(|values| !ready(values)).map(|values| values.size()).sum()
            }
        }
    }

    /// Encodes what does not lie in memory, and packs what is to be packed.
    fn made(self, compression: Compression) -> Result<ReadySection<'r>, SnapshotError> {
        let (values, unit) = match self {
            Self::Head { run, ages } => {
                let head = run.head(ages, compression != Compression::None);
                return Ok(ReadySection::new(tags::CHUNK, vec![head.into()]));
            }
            Self::Column { values, unit } => (values, unit),
        };
        let parts: Vec<Cow<'r, [u8]>> = if values.iter().all(|values| values.lies_in_memory()) {
            values.iter().flat_map(|values| values.in_memory()).map(Cow::Borrowed).collect()
        } else {
            let mut encoded = Vec::new();
            values.iter().try_for_each(|values| values.encode(&mut encoded))?;
            vec![encoded.into()]
        };
        let packed = packing::pack(parts.iter().map(|part| &**part), unit, compression)?;
        Ok(match packed {
            Some(packed) => ReadySection::new(tags::PACKED, vec![packed.into()]),
            None => ReadySection::new(tags::COLUMN, parts),
        })
    }
}
