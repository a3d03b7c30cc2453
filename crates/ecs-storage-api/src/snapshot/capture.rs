//! What may have changed in a store since a moment, copied row by row.
//!
//! A store that notes which entities are [touched](Storage::touched_since) is asked for
//! those, and for the pages that were written: so a capture costs what changed, where a
//! [cut](super::StorageCut) copies every page that a row was moved to. What has really
//! changed, only somebody can tell who knows what was before: a
//! [`Replica`](super::Replica).

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::{AllocatorState, CodecError, ComponentId, EntityId, ErasedSlice};

use super::image::StorageImage;
use super::value::append_value;
use crate::changes::{Batches, Changes, PAGE_ROWS, Touched, Version};
use crate::directory::Directory;
use crate::sink::{ReadSink, WholeChunk};
use crate::storage::Storage;

/// Memory is asked so many entities in advance where each is: more than a processor comes
/// to while one look-up waits.
const AHEAD: usize = 32;

/// A moment of a store's history.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Moment {
    /// Of the store and its history; 0 for none.
    identity: u64,
    /// What is written later is stamped with a later version.
    version: Version,
}

impl Moment {
    /// Returns the present one, and has the store note what is touched from now on.
    pub fn of<S: Storage + ?Sized>(storage: &mut S) -> Self {
        // What was noted for somebody else is of no use.
        let _ = storage.touched_since(Version::ZERO);
        let version = storage.advance_version();
        Self { identity: storage.identity(), version }
    }

    /// Tells whether a store is still the one whose moment it is: it has not gone back to
    /// an earlier state since, nor taken in another.
    pub fn is_of<S: Storage + ?Sized>(&self, storage: &S) -> bool {
        self.identity == storage.identity()
    }
}

/// What may have changed in a store since a [moment](Moment): what lists of entities lost
/// and got, other entities with all their persistent components, who is no longer there,
/// and pages of single columns.
#[derive(Debug)]
pub struct RowCapture {
    pub(super) moment: Moment,
    /// Whether whoever is not in it is no longer there.
    pub(super) is_whole: bool,
    pub(super) allocator: AllocatorState,
    /// With all their components.
    pub(super) entities: Vec<Captured>,
    /// Places of ids where nobody is: the generation does not count.
    pub(super) ended: Vec<EntityId>,
    /// Of one component each. Who is among the entities as well has the same value
    /// there.
    pub(super) written: Vec<Captured>,
    /// What lists of entities lost and got, in order.
    pub(super) batches: Batches,
    /// A bit for each index of an entity of which the batches do not tell all: what is to
    /// be told of it is among the rest.
    pub(super) touched: Vec<u64>,
}

/// Rows, with the values of some components.
#[derive(Debug)]
pub(super) struct Captured {
    /// In ascending order.
    pub(super) components: Vec<ComponentId>,
    pub(super) ids: Vec<EntityId>,
    /// Of entities: their numbers among all, in the order in which they were found. That
    /// is of their indices, unless everything was captured.
    pub(super) turns: Vec<u32>,
    pub(super) columns: Vec<CapturedColumn>,
}

/// The values of a component, in its codec.
#[derive(Debug)]
pub(super) struct CapturedColumn {
    stride: usize,
    bytes: Vec<u8>,
    /// Where each ends, unless all have one size.
    ends: Option<Vec<usize>>,
}

/// How values lie in a column.
pub(super) enum CapturedValues<'a> {
    /// Side by side, of one size.
    Plain(&'a [u8]),
    /// One by one.
    Encoded,
}

impl CapturedColumn {
    /// Copies the values of so many rows, in any order.
    fn copy_of(
        values: ErasedSlice<'_>,
        count: usize,
        rows: impl Iterator<Item = usize>,
    ) -> Result<Self, CodecError> {
        let stride = values.info().stride();
        let Some(known) = values.as_bytes() else { return Self::encode(values, count, rows) };
        let bytes = match stride {
            0 => Vec::new(),
            2 => copies_of::<2>(known, count, rows),
            4 => copies_of::<4>(known, count, rows),
            8 => copies_of::<8>(known, count, rows),
            12 => copies_of::<12>(known, count, rows),
            16 => copies_of::<16>(known, count, rows),
            stride => {
                let mut bytes = Vec::with_capacity(count * stride);
                rows.for_each(|row| {
                    bytes.extend_from_slice(&known[row * stride..(row + 1) * stride]);
                });
                bytes
            }
        };
        Ok(Self { stride, bytes, ends: None })
    }

    /// Copies the values of runs of rows, so many in all.
    fn copy_of_runs(
        values: ErasedSlice<'_>,
        count: usize,
        runs: &[Range<usize>],
    ) -> Result<Self, CodecError> {
        let stride = values.info().stride();
        let Some(known) = values.as_bytes() else {
            return Self::encode(values, count, runs.iter().cloned().flatten());
        };
        let mut bytes = Vec::with_capacity(count * stride);
        for run in runs {
            bytes.extend_from_slice(&known[run.start * stride..run.end * stride]);
        }
        Ok(Self { stride, bytes, ends: None })
    }

    /// Encodes the values of so many rows.
    fn encode(
        values: ErasedSlice<'_>,
        count: usize,
        rows: impl Iterator<Item = usize>,
    ) -> Result<Self, CodecError> {
        let (mut bytes, mut ends) = (Vec::new(), Vec::with_capacity(count));
        for row in rows {
            let value = values.range(row, 1).expect("a row of the chunk");
            value.encode(&mut bytes).map_err(|error| error.behind(row))?;
            ends.push(bytes.len());
        }
        Ok(Self { stride: values.info().stride(), bytes, ends: Some(ends) })
    }

    /// Returns the values as memory, if they are plain bytes.
    pub(super) fn values(&self) -> CapturedValues<'_> {
        match self.ends {
            None => CapturedValues::Plain(&self.bytes),
            Some(_) => CapturedValues::Encoded,
        }
    }

    /// Returns the value of a row.
    #[inline]
    pub(super) fn get(&self, row: usize) -> &[u8] {
        match &self.ends {
            None => &self.bytes[row * self.stride..(row + 1) * self.stride],
            Some(ends) => {
                let start = if row == 0 { 0 } else { ends[row - 1] };
                &self.bytes[start..ends[row]]
            }
        }
    }

    /// Appends the value of a row to bytes.
    #[inline]
    pub(super) fn copy_to(&self, row: usize, out: &mut Vec<u8>) {
        append_value(self.get(row), out);
    }
}

/// Copies values of `N` bytes: a copy of unknown size would cost more than the value.
fn copies_of<const N: usize>(
    bytes: &[u8],
    count: usize,
    rows: impl Iterator<Item = usize>,
) -> Vec<u8> {
    let (values, _) = bytes.as_chunks::<N>();
    // As arrays: whether there is room is asked once, and not for each.
    let mut copies: Vec<[u8; N]> = Vec::with_capacity(count);
    copies.extend(rows.map(|row| values[row]));
    copies.into_flattened()
}

impl RowCapture {
    /// Copies what may have changed since a moment, and has the store note what is
    /// touched from now on; everything, if there is no such moment, or the store does
    /// not know what came after it.
    ///
    /// # Errors
    /// [`CodecError`] if a value refuses to be encoded. Then the next capture should be
    /// of everything.
    ///
    /// # Complexity
    /// O(pages), O(free ids), a bit for each index that an entity has had, and a copy of
    /// entities that were touched and pages that were written, where the store notes them.
    /// Else O(values).
    pub fn of<S: Storage + ?Sized>(
        storage: &mut S,
        since: Option<Moment>,
    ) -> Result<Self, CodecError> {
        let since = since.filter(|since| since.identity == storage.identity());
        let asked = since.map_or(Version::ZERO, |since| since.version);
        let touched = storage.touched_since(asked).filter(|_| since.is_some());
        let version = storage.advance_version();
        let moment = Moment { identity: storage.identity(), version };
        let mut capture = Self::empty(moment, storage.allocator_state());
        match (storage.directory(), touched) {
            (Some(directory), Some(touched)) => {
                capture.is_whole = false;
                let rows = capture.find(directory.get_ref(), &touched);
                (capture.touched, capture.batches) = touched.into_parts();
                capture.read(storage, |chunk, capture| {
                    let table = chunk.ids.first().and_then(|&first| directory.locate(first));
                    if let Some(at) = table {
                        let found = &rows[at.table().index()];
                        let rows = found.iter().map(|(row, _)| *row as usize);
                        capture.add_entities(chunk, rows, found.iter().map(|(_, turn)| *turn))?;
                    }
                    capture.add_written(chunk, asked)
                })?;
            }
            _ => capture.read(storage, |chunk, capture| capture.add_all(chunk))?,
        }
        Ok(capture)
    }

    /// Makes one of everything, where there is nothing.
    fn empty(moment: Moment, allocator: AllocatorState) -> Self {
        let (entities, ended, written, batches, touched) = Default::default();
        Self { moment, is_whole: true, allocator, entities, ended, written, batches, touched }
    }

    /// Copies an image.
    ///
    /// # Errors
    /// [`CodecError`] if a value refuses to be encoded.
    pub(super) fn of_image(image: &StorageImage) -> Result<Self, CodecError> {
        let moment = Moment { identity: 0, version: Version::ZERO };
        let mut capture = Self::empty(moment, image.allocator().clone());
        for chunk in image.chunks() {
            let columns: Vec<_> =
                chunk.columns().iter().map(|column| (column.as_slice(), None)).collect();
            let chunk = WholeChunk { ids: chunk.ids(), moves: None, columns: &columns };
            capture.add_all(&chunk)?;
        }
        Ok(capture)
    }

    /// Returns the moment, for a capture of what comes after it.
    pub fn moment(&self) -> Moment {
        self.moment
    }

    /// Returns which ids come next.
    pub fn allocator(&self) -> &AllocatorState {
        &self.allocator
    }

    /// Returns how many rows are told of: of entities, of single columns, and of batches.
    pub fn rows(&self) -> usize {
        let copied = self.entities.iter().chain(&self.written).map(|rows| rows.ids.len());
        copied.sum::<usize>() + self.batches.ids().len()
    }

    /// Tells whether all entities were copied.
    pub fn is_whole(&self) -> bool {
        self.is_whole
    }

    /// Tells whether the values of an entity are all here beside the batches, whose word
    /// does not count then.
    pub(super) fn has_all_of(&self, id: EntityId) -> bool {
        let index = id.index() as usize;
        self.touched.get(index / 64).is_some_and(|word| word >> (index % 64) & 1 == 1)
    }

    /// Finds the rows of entities that were touched, by table, with the number of each
    /// among all, and notes who has ended.
    fn find(&mut self, directory: &Directory, touched: &Touched) -> Vec<Vec<(u32, u32)>> {
        let mut rows = vec![Vec::new(); directory.table_count()];
        let shard = self.allocator.shard;
        let home = touched.home().filter_map(|index| EntityId::new(shard, index, 0));
        let ids: Vec<EntityId> = home.chain(touched.foreign()).collect();
        for (turn, id) in ids.iter().enumerate() {
            if let Some(later) = ids.get(turn + AHEAD) {
                directory.ask_for(*later);
            }
            match directory.occupant(*id) {
                Some(at) => rows[at.table().index()].push((at.row() as u32, turn as u32)),
                None => self.ended.push(*id),
            }
        }
        rows
    }

    /// Reads every chunk, until one refuses.
    fn read<S: Storage + ?Sized>(
        &mut self,
        storage: &S,
        mut read: impl FnMut(&WholeChunk<'_, '_>, &mut Self) -> Result<(), CodecError>,
    ) -> Result<(), CodecError> {
        let mut outcome = Ok(());
        storage.read_chunks(&mut ReadSink::visitor(&mut |chunk| {
            if outcome.is_ok() {
                outcome = read(&chunk, self);
            }
        }));
        outcome
    }

    /// Copies all rows of a chunk.
    fn add_all(&mut self, chunk: &WholeChunk<'_, '_>) -> Result<(), CodecError> {
        let last = self.entities.last().and_then(|rows| rows.turns.last());
        self.add_entities(chunk, 0..chunk.ids.len(), last.map_or(0, |last| last + 1)..)
    }

    /// Copies rows with all their persistent components.
    fn add_entities(
        &mut self,
        chunk: &WholeChunk<'_, '_>,
        rows: impl ExactSizeIterator<Item = usize> + Clone,
        turns: impl Iterator<Item = u32>,
    ) -> Result<(), CodecError> {
        if rows.len() == 0 {
            return Ok(());
        }
        let mut columns: Vec<_> =
            chunk.columns.iter().map(|(values, _)| *values).filter(is_persistent).collect();
        columns.sort_unstable_by_key(ErasedSlice::id);
        let copied =
            columns.iter().map(|values| CapturedColumn::copy_of(*values, rows.len(), rows.clone()));
        self.entities.push(Captured {
            columns: copied.collect::<Result<_, _>>()?,
            components: columns.iter().map(ErasedSlice::id).collect(),
            turns: turns.take(rows.len()).collect(),
            ids: rows.map(|row| chunk.ids[row]).collect(),
        });
        Ok(())
    }

    /// Copies the pages of each column that were written.
    fn add_written(
        &mut self,
        chunk: &WholeChunk<'_, '_>,
        since: Version,
    ) -> Result<(), CodecError> {
        for (values, changes) in chunk.columns.iter().filter(|(values, _)| is_persistent(values)) {
            let pages = written_pages(*changes, since, chunk.ids.len());
            let count = pages.iter().map(ExactSizeIterator::len).sum();
            if count == 0 {
                continue;
            }
            let mut ids = Vec::with_capacity(count);
            pages.iter().for_each(|rows| ids.extend_from_slice(&chunk.ids[rows.clone()]));
            self.written.push(Captured {
                components: vec![values.id()],
                turns: Vec::new(),
                ids,
                columns: vec![CapturedColumn::copy_of_runs(*values, count, &pages)?],
            });
        }
        Ok(())
    }
}

fn is_persistent(values: &ErasedSlice<'_>) -> bool {
    !values.info().is_transient()
}

/// Returns the rows, of `len`, of each page with a later stamp; all of a column whose pages
/// are not stamped.
fn written_pages(changes: Option<Changes<'_>>, since: Version, len: usize) -> Vec<Range<usize>> {
    let Some(Changes { pages, .. }) = changes else {
        return std::iter::once(0..len).collect();
    };
    // Relaxed: nobody writes values while a capture is taken.
    let is_later = |stamp: &AtomicU64| stamp.load(Ordering::Relaxed) > since.get();
    let pages = pages.iter().enumerate().take(len.div_ceil(PAGE_ROWS));
    let written = pages.filter(|(_, stamp)| is_later(stamp));
    written.map(|(page, _)| page * PAGE_ROWS..((page + 1) * PAGE_ROWS).min(len)).collect()
}
