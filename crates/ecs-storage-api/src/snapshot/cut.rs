//! Cuts: everything persistent of a store at one moment, in pages that cuts share.
//!
//! A cut is a copy, so the store goes on while it is written, compared or kept. It
//! is made of immutable pages of 1,024 rows; one that is taken after another of the
//! same store shares with it every page that nobody has written since, by the
//! versions of pages. So it costs what changed, and a ring of cuts holds one copy of
//! the world and the changes.

mod lent;
mod page;
mod paged;
mod table;

use std::fmt;
use std::hash::Hasher as _;
use std::sync::Arc;

use ahash::AHashMap;
use ecs_core::{AllocatorState, CodecError, ComponentId, EntityId, ErasedVec};
use twox_hash::XxHash3_64;

use self::table::{Part, Source};
use super::ages::{self, Age, ChunkAges, ImageHistory};
use super::descent::Descent;
use super::error::SnapshotError;
use super::groups::Groups;
use super::image::StorageImage;
use crate::changes::{PAGE_ROWS, Version};
use crate::owned_chunk::OwnedChunk;
use crate::sink::ReadSink;
use crate::storage::Storage;
use crate::workers::{Alone, Workers};

pub use lent::{TableOfCut, ValuesOfCut};
pub(crate) use page::{Encoded, Hashed, IdPage, ValuePage, Versions};
pub(crate) use paged::Paged;
pub(crate) use table::CutTable;

/// Everything persistent that a store held at one moment.
#[derive(Clone)]
pub struct StorageCut {
    /// That of the store and its history; 0 for none.
    pub(super) identity: u64,
    /// The version of the store at the moment: all that it held is no later, and
    /// what came afterwards is. Zero if the store keeps none. All versions in a cut
    /// are less than those of the store by its [lead](Descent::lead).
    pub(super) version: Version,
    pub(super) origin: Version,
    pub(super) allocator: Arc<AllocatorState>,
    /// Which entities lost a tracked component, and how long ago; the oldest first.
    pub(super) removed: Vec<(ComponentId, Vec<(Age, EntityId)>)>,
    pub(super) tables: Vec<Arc<CutTable>>,
}

impl StorageCut {
    /// Copies everything persistent that a store holds.
    ///
    /// # Errors
    /// [`CodecError`] if a value refuses to be encoded.
    ///
    /// # Complexity
    /// O(values).
    pub fn of<S: Storage + ?Sized>(storage: &S) -> Result<Self, CodecError> {
        Self::take(storage, None, &Alone)
    }

    /// As [`of`](Self::of), sharing with an earlier cut what has not changed since.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Complexity
    /// O(pages), O(free ids), and a copy of pages that were written since, if the store comes from
    /// that cut: it is one of this store, and nothing was loaded meanwhile but it or
    /// a later one. Else O(values).
    pub fn after<S: Storage + ?Sized>(storage: &S, before: &Self) -> Result<Self, CodecError> {
        Self::take(storage, Some(before), &Alone)
    }

    /// As [`after`](Self::after), with the help of other threads.
    ///
    /// # Errors
    /// As there.
    ///
    /// # Complexity
    /// As there; pages of 65,536 rows together are copied by one thread.
    pub fn after_with<S: Storage + ?Sized>(
        storage: &S,
        before: &Self,
        workers: &dyn Workers,
    ) -> Result<Self, CodecError> {
        Self::take(storage, Some(before), workers)
    }

    fn take<S: Storage + ?Sized>(
        storage: &S,
        before: Option<&Self>,
        workers: &dyn Workers,
    ) -> Result<Self, CodecError> {
        let (identity, descent) = (storage.identity(), storage.descent());
        let lead = descent.map_or(0, Descent::lead);
        let at = storage.advance_version();
        let mut groups = Groups::default();
        storage.read_chunks(&mut ReadSink::visitor(&mut |chunk| {
            let persistent = chunk.columns.iter().filter(|(it, _)| !it.info().is_transient());
            let mut columns: Vec<_> = persistent.copied().collect();
            columns.sort_by_key(|(values, _)| values.id());
            let key = columns.iter().map(|(values, _)| values.id()).collect();
            let part = Part { ids: chunk.ids, moves: chunk.moves, columns };
            groups.add(key, chunk.moves.is_some(), part);
        }));
        let none = Descent::default();
        let descent = descent.unwrap_or(&none);
        let since = before.and_then(|before| descent.since(identity, before));
        let mut earlier = Earlier::of(before.map_or(&[][..], |before| &before.tables));
        let sources = groups.into_groups().map(|(components, parts)| {
            let source = Source::new(components, parts, lead);
            let before = earlier.next(source.components());
            (source, before)
        });
        let tables = table::cut_all(&sources.collect::<Vec<_>>(), since, workers)?;
        let (present, origin) = (version_after(at), storage.origin());
        let lost = ecs_core::components().filter(|id| id.info().is_tracked());
        let lost = lost.filter(|id| !id.info().is_transient());
        let removed = lost.map(|component| {
            let removed = storage.removed(component, origin).iter();
            let aged = removed.map(|it| (ages::age(it.version.get(), present, origin), it.entity));
            (component, aged.collect::<Vec<_>>())
        });
        let removed = removed.filter(|(_, removed)| !removed.is_empty()).collect();
        let allocator = storage.allocator_state();
        let known = before.map(|before| &before.allocator).filter(|known| ***known == allocator);
        let allocator = known.map_or_else(|| Arc::new(allocator), Arc::clone);
        let [version, origin] = [at, origin].map(|it| Version::new(it.get().saturating_sub(lead)));
        Ok(Self { identity, version, origin, allocator, removed, tables })
    }

    /// Copies an image, as it was read from bytes.
    ///
    /// # Errors
    /// [`CodecError`] if a value refuses to be encoded.
    ///
    /// # Complexity
    /// O(values).
    pub fn of_image(image: &StorageImage) -> Result<Self, CodecError> {
        let history = image.history();
        let span = history.map_or(0, |history| history.span);
        // In a frame of its own, whose history begins at one; without a history, at nothing.
        let version = Version::new(span);
        let mut tables = Vec::with_capacity(image.chunks().len());
        for (n, chunk) in image.chunks().iter().enumerate() {
            let ages = history.map(|history| &history.chunks()[n]);
            tables.push(Arc::new(CutTable::of_chunk(chunk, ages, version_after(version))?));
        }
        let removed = history.map(|history| history.removed.clone()).unwrap_or_default();
        Ok(Self::new(version, image.allocator().clone(), removed, tables))
    }

    /// Makes one of nothing, of a store that had this identity and version.
    #[cfg(test)]
    pub(super) fn with_identity(identity: u64, version: Version) -> Self {
        let allocator = ecs_core::IdSource::new(0).state();
        let nothing = Self::new(version, allocator, Vec::new(), Vec::new());
        Self { identity, origin: Version::ZERO, ..nothing }
    }

    /// Returns the version that a store has which goes on from here.
    pub(super) fn present(&self) -> Version {
        version_after(self.version)
    }

    /// Returns how many versions there were; 0 if the store keeps none.
    pub(super) fn span(&self) -> u64 {
        self.present().get() - self.origin.get()
    }

    /// Returns how many entities there are.
    pub fn len(&self) -> usize {
        self.tables.iter().map(|table| table.rows).sum()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns about how many bytes of values and ids it holds, those that it shares
    /// with other cuts included.
    pub fn bytes(&self) -> usize {
        let allocator = bytes_of(&self.allocator);
        let of_table = |table: &Arc<CutTable>| {
            let pages = table.columns.iter().flat_map(|column| column.iter());
            let values = pages.map(|page| page.values.len());
            values.sum::<usize>() + table.rows * size_of::<EntityId>()
        };
        allocator + self.tables.iter().map(of_table).sum::<usize>()
    }

    /// Returns about how many bytes of values and ids it holds that an earlier cut
    /// does not.
    pub fn bytes_beside(&self, before: &Self) -> usize {
        let mut earlier = Earlier::of(&before.tables);
        let mut bytes = match Arc::ptr_eq(&self.allocator, &before.allocator) {
            true => 0,
            false => bytes_of(&self.allocator),
        };
        for table in &self.tables {
            let before = earlier.next(&table.components);
            if before.is_some_and(|before| Arc::ptr_eq(before, table)) {
                continue;
            }
            for (_, page, known) in table.ids.beside(before.map(|before| &before.ids)) {
                if !known.is_some_and(|known| Arc::ptr_eq(&known.ids, &page.ids)) {
                    bytes += size_of_val(&page.ids[..]);
                }
            }
            for (at, column) in table.columns.iter().enumerate() {
                for (_, page, known) in column.beside(before.map(|before| &before.columns[at])) {
                    if !known.is_some_and(|known| Arc::ptr_eq(&known.values, &page.values)) {
                        bytes += page.values.len();
                    }
                }
            }
        }
        bytes
    }

    /// Returns a number for all that it holds, in its order, but for when it
    /// changed: equal for cuts of equal stores. It tells whether a delta fits.
    ///
    /// A cut holds values as bytes. Those that come with a delta which no store wrote may
    /// be other bytes than a codec writes for the same value: then a cut of a store that
    /// took them in has another digest.
    ///
    /// # Complexity
    /// O(pages), and the bytes of pages that nobody has asked for yet.
    pub fn digest(&self) -> u64 {
        let mut hash = XxHash3_64::new();
        let allocator = postcard::to_allocvec(&*self.allocator);
        hash.write(&allocator.expect("an allocator's state is numbers and lists"));
        self.tables.iter().for_each(|table| hash.write(&table.digest().to_le_bytes()));
        hash.finish()
    }

    /// Returns the content for a store that takes it in.
    ///
    /// # Errors
    /// [`SnapshotError`] if it does not hold together, which only one that comes
    /// from a [delta](super::StorageDelta) may not.
    pub fn to_image(&self) -> Result<StorageImage, SnapshotError> {
        let mut history =
            ImageHistory { span: self.span(), chunks: Vec::new(), removed: self.removed.clone() };
        let (mut chunks, mut runs) = (Vec::new(), Vec::new());
        for table in &self.tables {
            let mut ids = Vec::with_capacity(table.rows);
            table.ids.iter().for_each(|page| ids.extend_from_slice(&page.ids));
            let columns = table.components.iter().zip(&table.columns);
            let columns = columns.map(|(component, pages)| values(*component, pages, table.rows));
            let columns = columns.collect::<Result<_, _>>()?;
            runs.extend(EntityId::runs(&ids));
            chunks.push(OwnedChunk::with_unchecked_ids(ids, columns)?);
            history.chunks.push(self.ages(table));
        }
        let history = (history.span != 0).then_some(history);
        StorageImage::with_runs((*self.allocator).clone(), chunks, &runs, history)
    }

    /// Returns the ages of a table's rows.
    pub(super) fn ages(&self, table: &CutTable) -> ChunkAges {
        let (present, origin) = (self.present(), self.origin);
        let mut ages = ChunkAges::empty(table.components.len());
        for page in table.ids.iter() {
            page.moves.ages(present, origin, &mut ages.moves);
        }
        for (ages, pages) in ages.columns.iter_mut().zip(&table.columns) {
            for (page, ids) in pages.iter().zip(table.ids.iter()) {
                ages.extend(&page.ages(present, origin), ids.ids.len());
            }
        }
        ages
    }

    /// Puts a cut together that belongs to no store, and whose history begins at the first
    /// version, if it has one.
    pub(super) fn new(
        version: Version,
        allocator: AllocatorState,
        removed: Vec<(ComponentId, Vec<(Age, EntityId)>)>,
        tables: Vec<Arc<CutTable>>,
    ) -> Self {
        let origin = if version == Version::ZERO { version } else { Version::FIRST };
        let (identity, allocator) = (0, Arc::new(allocator));
        Self { identity, version, origin, allocator, removed, tables }
    }
}

fn version_after(version: Version) -> Version {
    if version == Version::ZERO { version } else { version.next() }
}

/// Decodes the pages of a column.
fn values(
    component: ComponentId,
    pages: &Paged<ValuePage>,
    rows: usize,
) -> Result<ErasedVec, SnapshotError> {
    let info = component.info();
    let mut all = ErasedVec::new(info);
    if info.is_pod() && info.stride() != 0 {
        all.reserve(rows);
        for page in pages.iter() {
            all.extend_from_bytes(&page.values);
        }
        return Ok(all);
    }
    for (page, start) in pages.iter().zip((0..rows).step_by(PAGE_ROWS)) {
        let mut bytes = &page.values[..];
        all.append(ErasedVec::decode(info, &mut bytes, PAGE_ROWS.min(rows - start))?);
        if !bytes.is_empty() {
            let what = format!("bytes are left over behind a page of `{}`", info.name());
            return Err(SnapshotError::Damaged { at: 0, what });
        }
    }
    Ok(all)
}

/// The tables of an earlier cut, for those of a later one: mostly they stand in the
/// same places.
pub(super) struct Earlier<'a> {
    tables: &'a [Arc<CutTable>],
    at: usize,
    /// By components; made when a table is elsewhere.
    places: Option<AHashMap<&'a [ComponentId], Vec<usize>>>,
    /// Which are taken already.
    taken: Vec<bool>,
}

impl<'a> Earlier<'a> {
    pub(super) fn of(tables: &'a [Arc<CutTable>]) -> Self {
        Self { tables, at: 0, places: None, taken: vec![false; tables.len()] }
    }

    /// Returns the table of these components that comes next.
    pub(super) fn next(&mut self, components: &[ComponentId]) -> Option<&'a Arc<CutTable>> {
        self.next_place(components).map(|place| &self.tables[place])
    }

    /// As [`next`](Self::next), its place.
    pub(super) fn next_place(&mut self, components: &[ComponentId]) -> Option<usize> {
        let here = self.at;
        self.at += 1;
        let fits = |table: &Arc<CutTable>| table.components == components;
        if self.tables.get(here).is_some_and(fits) && !self.taken[here] {
            self.taken[here] = true;
            return Some(here);
        }
        let places = self.places.get_or_insert_with(|| {
            let mut places: AHashMap<_, Vec<_>> = AHashMap::new();
            for (place, table) in self.tables.iter().enumerate() {
                places.entry(&table.components[..]).or_default().push(place);
            }
            places
        });
        let place = *places.get(components)?.iter().find(|&&place| !self.taken[place])?;
        self.taken[place] = true;
        Some(place)
    }
}

impl fmt::Debug for StorageCut {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageCut")
            .field("version", &self.version)
            .field("entities", &self.len())
            .field("tables", &self.tables.len())
            .finish_non_exhaustive()
    }
}

/// Returns how many bytes the lists of an allocator take.
fn bytes_of(allocator: &AllocatorState) -> usize {
    let AllocatorState { free, reserved, retired, .. } = allocator;
    size_of_val(&free[..]) + size_of_val(&reserved[..]) + size_of_val(&retired[..])
}

#[cfg(test)]
mod tests {
    use ecs_core::DynamicComponent;

    use super::page::{Encoded, ValuePage, Versions};
    use super::*;

    #[test]
    fn a_page_holds_the_values_of_its_rows_and_nothing_more() {
        let nothing = DynamicComponent::new("cut::Nothing", 0, 1).register().unwrap();
        let page = |bytes: &[u8]| {
            let (values, versions) = (Arc::new(Encoded::new(bytes)), Versions::default());
            Arc::new(ValuePage { values, versions, ticks: None })
        };
        let pages = |first: &[u8]| Paged::new(vec![page(first), page(&[])]);
        assert_eq!(values(nothing, &pages(&[]), PAGE_ROWS + 7).unwrap().len(), PAGE_ROWS + 7);
        let error = values(nothing, &pages(&[1]), PAGE_ROWS + 7).unwrap_err().to_string();
        assert!(error.contains("left over behind a page of `cut::Nothing`"), "{error}");
    }
}
