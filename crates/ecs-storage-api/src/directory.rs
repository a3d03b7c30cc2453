//! The fast way to a backend's rows: where each entity is, and where each
//! component of each table lies.
//!
//! This is one of the rooms for unsafe code. A directory is data that a trusted
//! backend keeps in step with its tables; everything here believes it. What
//! makes that sound is who can lend one: [`DirectoryRef::new`] and
//! [`DirectoryMut::new`] are unsafe, and so is every method that changes a
//! pointer, a length or a location.
#![expect(unsafe_code, reason = "room: what a trusted backend says about its tables")]

use std::fmt;
use std::marker::PhantomData;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::AHashMap;
use ecs_core::{
    Component, ComponentId, ComponentInfo, EntityId, ErasedMut, ErasedRef, ErasedSlice,
    ErasedSliceMut, PlainVec,
};

use smallvec::SmallVec;

use crate::query::{RecordBuffer, Term};

/// Names a table of a directory: dense, from 0.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TableId(pub u32);

impl TableId {
    /// Returns the number as an index.
    #[inline]
    pub const fn index(self) -> usize {
        self.0 as usize
    }
}

/// Where an entity is, in 8 bytes: generation (20 bits), table (17), row (27).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(transparent)]
pub struct Location(u64);

impl Location {
    const ROW_BITS: u32 = 27;
    const TABLE_BITS: u32 = 17;
    const GENERATION_SHIFT: u32 = Self::ROW_BITS + Self::TABLE_BITS;
    /// Tables that a location can name.
    pub const MAX_TABLES: usize = 1 << Self::TABLE_BITS;
    /// Rows of a table that a location can name.
    pub const MAX_ROWS: usize = 1 << Self::ROW_BITS;
    /// Where no entity is: its generation is none that an id can have.
    const NOWHERE: Self = Self(u64::MAX);

    #[inline]
    fn new(generation: u32, table: TableId, row: usize) -> Self {
        debug_assert!(table.index() < Self::MAX_TABLES && row < Self::MAX_ROWS);
        let generation = u64::from(generation) << Self::GENERATION_SHIFT;
        Self(generation | u64::from(table.0) << Self::ROW_BITS | row as u64)
    }

    const GENERATION: u64 = u64::MAX << Self::GENERATION_SHIFT;

    /// Returns where another entity is that takes the place of the one here.
    #[inline(always)]
    fn taken_by(self, entity: EntityId) -> Self {
        let generation = u64::from(entity.generation()) << Self::GENERATION_SHIFT;
        Self(generation | self.0 & !Self::GENERATION)
    }

    /// Returns where the same entity is when it has moved.
    #[inline(always)]
    fn moved_to(self, table: TableId, row: usize) -> Self {
        debug_assert!(table.index() < Self::MAX_TABLES && row < Self::MAX_ROWS);
        Self(self.0 & Self::GENERATION | u64::from(table.0) << Self::ROW_BITS | row as u64)
    }

    /// Returns the table.
    #[inline]
    pub fn table(self) -> TableId {
        TableId((self.0 >> Self::ROW_BITS) as u32 & (Self::MAX_TABLES as u32 - 1))
    }

    /// Returns the row in the table.
    #[inline]
    pub fn row(self) -> usize {
        self.0 as usize & (Self::MAX_ROWS - 1)
    }

    #[inline]
    fn generation(self) -> u32 {
        (self.0 >> Self::GENERATION_SHIFT) as u32
    }
}

/// Where the ids of the home shard are, by value, for look-ups in a row.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct HomeLocations<'a> {
    locations: &'a [Location],
    home: u32,
}

impl HomeLocations<'_> {
    /// Returns the number of the table and the row where an entity is. Unless it
    /// lives here and is of the home shard, there is no table of that number.
    ///
    /// The compare of the table's number with the tables at hand, which the
    /// caller makes anyway, is thus the test of liveness too.
    #[inline]
    pub(crate) fn probe(self, entity: EntityId) -> Option<(usize, usize)> {
        let location = *self.locations.get(entity.index() as usize)?;
        // The generation lies above the table in both, and cancels out. What is
        // left of a foreign id's upper half lies above the generation.
        let other = u64::from(entity.high() ^ self.home) << Location::TABLE_BITS;
        let table = usize::try_from(location.0 >> Location::ROW_BITS ^ other).ok()?;
        Some((table, location.row()))
    }

    /// Returns where an entity is, or `None` if it does not live here or another
    /// shard named it.
    #[inline]
    fn locate(self, entity: EntityId) -> Option<Location> {
        let location = *self.locations.get(entity.index() as usize)?;
        // The upper half of a foreign id differs from `home` above the
        // generation, so it equals no location's generation.
        (location.generation() == entity.high() ^ self.home).then_some(location)
    }
}

/// One table: its entities and how many there are.
struct TableEntry {
    ids: NonNull<EntityId>,
    len: usize,
}

impl TableEntry {
    /// Takes the last id away and puts it in the place of `row`; returns it and
    /// its row.
    ///
    /// # Safety
    /// There is such a row.
    #[inline(always)]
    unsafe fn swap_remove(&mut self, row: usize) -> (EntityId, usize) {
        debug_assert!(row < self.len);
        let last = self.len - 1;
        self.len = last;
        // SAFETY: the caller's: both rows are initialised.
        unsafe {
            let moved = self.ids.add(last).read();
            self.ids.add(row).write(moved);
            (moved, last)
        }
    }
}

/// One component: the tables that have it, and its column in each.
///
/// As large as a cache line, so that it is found by a shift.
#[repr(align(64))]
struct ComponentEntry {
    /// `None` in entries that no table has used yet.
    info: Option<&'static ComponentInfo>,
    /// A bit a table.
    tables: Vec<u64>,
    /// By table: the first value, or null where the table lacks the component.
    columns: Vec<*mut u8>,
}

/// Says where the rows of a trusted backend are.
///
/// Matching a query is a few AND instructions for 64 tables; a value is
/// location, column, value, without a look at the table itself.
pub struct Directory {
    /// Unique in the process: what was prepared for one directory is never used
    /// on another.
    identity: u64,
    /// Raised whenever something moves in memory, or a length changes: as long
    /// as it is the same, records that were made of this directory are true.
    changes: u64,
    /// The upper half of a home id with generation 0.
    home: u32,
    /// By index of home ids.
    locations: PlainVec<Location>,
    /// Where the entities are that other shards named.
    foreign: AHashMap<EntityId, Location>,
    tables: Vec<TableEntry>,
    /// By component index.
    components: Vec<ComponentEntry>,
}

// SAFETY: the pointers address memory of the backend that owns the directory,
// components are `Send + Sync`, and every access goes through a borrow of the
// backend: shared for reading, exclusive for writing.
unsafe impl Send for Directory {}
// SAFETY: as above.
unsafe impl Sync for Directory {}

fn new_identity() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Relaxed: only uniqueness matters.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

impl Directory {
    /// The bits of the upper half of an id that name its shard.
    const SHARD: u32 = !0 << 20;

    /// Creates a directory without tables, for the ids of `shard`.
    pub fn new(shard: u16) -> Self {
        let home = u32::from(shard) << 20;
        let (locations, foreign, tables, components) = Default::default();
        Self { identity: new_identity(), changes: 0, home, locations, foreign, tables, components }
    }

    /// Adds an empty table and returns its id.
    ///
    /// # Panics
    /// If there are [`Location::MAX_TABLES`] already.
    pub fn add_table(&mut self) -> TableId {
        let id = self.tables.len();
        assert!(
            id < Location::MAX_TABLES,
            "a directory names at most {} tables",
            Location::MAX_TABLES
        );
        self.changes += 1;
        self.tables.push(TableEntry { ids: NonNull::dangling(), len: 0 });
        TableId(id as u32)
    }

    /// Takes a table's components away, so that its place can be another's;
    /// whatever was prepared for this directory is prepared anew.
    ///
    /// # Panics
    /// If the table has rows.
    pub fn clear_table(&mut self, table: TableId) {
        let entry = &mut self.tables[table.index()];
        assert!(entry.len == 0, "a table is cleared when it is empty");
        entry.ids = NonNull::dangling();
        let (word, bit) = (table.index() / 64, table.index() % 64);
        for component in &mut self.components {
            if let Some(bits) = component.tables.get_mut(word) {
                *bits &= !(1 << bit);
            }
            if let Some(column) = component.columns.get_mut(table.index()) {
                *column = std::ptr::null_mut();
            }
        }
        self.renew();
    }

    /// Has whatever was prepared for this directory prepared anew: a table has
    /// other components than before.
    pub fn renew(&mut self) {
        self.identity = new_identity();
        self.changes += 1;
    }

    /// Says where the entities of a table lie.
    ///
    /// # Safety
    /// While the directory is lent, `ids` addresses as many initialised ids as
    /// the table has rows.
    #[inline]
    pub unsafe fn set_ids(&mut self, table: TableId, ids: NonNull<EntityId>) {
        self.changes += 1;
        self.tables[table.index()].ids = ids;
    }

    /// Says how many rows a table has, without a word about their entities.
    ///
    /// # Safety
    /// While the directory is lent, its ids and columns have that many
    /// initialised rows, and the locations of their entities are right.
    #[inline]
    pub unsafe fn set_len(&mut self, table: TableId, len: usize) {
        self.changes += 1;
        self.tables[table.index()].len = len;
    }

    /// Says where a table's column of a component lies.
    ///
    /// # Safety
    /// While the directory is lent, `first` addresses as many valid values of
    /// the component as the table has rows, aligned, in memory that belongs to
    /// this column alone.
    pub unsafe fn set_column(
        &mut self,
        table: TableId,
        info: &'static ComponentInfo,
        first: NonNull<u8>,
    ) {
        let component = info.id().index();
        if component >= self.components.len() {
            self.components.resize_with(component + 1, || ComponentEntry {
                info: None,
                tables: Vec::new(),
                columns: Vec::new(),
            });
        }
        self.changes += 1;
        let entry = &mut self.components[component];
        entry.info = Some(info);
        let (word, bit) = (table.index() / 64, table.index() % 64);
        if word >= entry.tables.len() {
            entry.tables.resize(word + 1, 0);
        }
        entry.tables[word] |= 1 << bit;
        if table.index() >= entry.columns.len() {
            entry.columns.resize(table.index() + 1, std::ptr::null_mut());
        }
        entry.columns[table.index()] = first.as_ptr();
    }

    /// Counts the row behind a table's last as an entity's, and writes its id.
    ///
    /// # Safety
    /// - The table exists, and its ids have room for the row.
    /// - While the directory is lent, the row is initialised in every column.
    /// - The entity is nowhere else.
    #[inline(always)]
    pub unsafe fn push(&mut self, table: TableId, entity: EntityId) {
        self.changes += 1;
        // SAFETY: the caller's.
        let row = unsafe {
            let entry = self.entry(table);
            let row = entry.len;
            entry.ids.add(row).write(entity);
            entry.len = row + 1;
            row
        };
        self.place(entity, Location::new(entity.generation(), table, row));
    }

    /// Counts the rows behind a table's last as those of `entities`, and writes
    /// their ids. The last of them are the home ids of generation 0 whose
    /// indices are `fresh`, ascending.
    ///
    /// # Safety
    /// As [`push`](Self::push), for each row; and `fresh` is as said.
    pub unsafe fn push_many(&mut self, table: TableId, entities: &[EntityId], fresh: Range<u32>) {
        self.changes += 1;
        // SAFETY: the caller's.
        let start = unsafe {
            let entry = self.entry(table);
            let start = entry.len;
            let ids = entry.ids.add(start);
            ids.copy_from_nonoverlapping(NonNull::from(entities).cast(), entities.len());
            entry.len = start + entities.len();
            start
        };
        let recycled = entities.len() - fresh.len();
        for (row, &entity) in (start..).zip(&entities[..recycled]) {
            self.place(entity, Location::new(entity.generation(), table, row));
        }
        let (first, end) = (fresh.start as usize, fresh.end as usize);
        let base = Location::new(0, table, start + recycled).0;
        let located = |offset: usize| Location(base + offset as u64);
        if first >= self.locations.len() && !fresh.is_empty() {
            self.locations.grow_to(first, Location::NOWHERE);
            self.locations.extend_with(fresh.len(), located);
        } else {
            self.reserve_locations(end);
            let places = &mut self.locations[first..end];
            places.iter_mut().enumerate().for_each(|(offset, place)| *place = located(offset));
        }
    }

    /// Ends the row of an entity, whose place the last one takes; says so of their
    /// entities. Returns which was the last row.
    ///
    /// # Safety
    /// - The entity is at `at`.
    /// - While the directory is lent, the columns have changed in the same way.
    #[inline(always)]
    pub unsafe fn swap_remove(&mut self, entity: EntityId, at: Location) -> usize {
        self.changes += 1;
        // SAFETY: the caller's: there is such a row.
        let (moved, last) = unsafe { self.entry(at.table()).swap_remove(at.row()) };
        let place = at.taken_by(moved);
        if self.foreign.is_empty() {
            // SAFETY: both ids were placed, and none is foreign. If the row is the
            // last, `moved` is `entity`, and the second location corrects the
            // first.
            unsafe { self.place_home([(moved, place), (entity, Location::NOWHERE)]) }
        } else {
            self.swap_places(moved, place, entity);
        }
        last
    }

    /// Moves the row of an entity to the end of another table, and lets the last
    /// one take its place; says so of their entities. Returns which was the last
    /// row.
    ///
    /// # Safety
    /// - The entity is at `at`; the target is another table that exists, and its
    ///   ids have room for one more.
    /// - While the directory is lent, the columns have changed in the same way.
    #[inline(always)]
    pub unsafe fn move_row(&mut self, entity: EntityId, at: Location, target: TableId) -> usize {
        self.changes += 1;
        // SAFETY: the caller's.
        let (moved, last, new_row) = unsafe {
            let (moved, last) = self.entry(at.table()).swap_remove(at.row());
            let entry = self.entry(target);
            let new_row = entry.len;
            entry.ids.add(new_row).write(entity);
            entry.len = new_row + 1;
            (moved, last, new_row)
        };
        let place = at.taken_by(moved);
        let new_place = at.moved_to(target, new_row);
        if self.foreign.is_empty() {
            // SAFETY: both ids were placed, and none is foreign. If the row is
            // the last, `moved` is `entity`, and the second location corrects the
            // first.
            unsafe { self.place_home([(moved, place), (entity, new_place)]) }
        } else {
            self.place_both(moved, place, entity, new_place);
        }
        last
    }

    /// Says where home ids are, one after the other.
    ///
    /// # Safety
    /// They are of the home shard, and have been placed before.
    #[inline(always)]
    unsafe fn place_home(&mut self, places: [(EntityId, Location); 2]) {
        for (entity, location) in places {
            // SAFETY: the caller's.
            unsafe { *self.home_location_mut(entity) = location }
        }
    }

    /// Says where two ids are, of which one may be foreign. Apart, since few
    /// stores have such ids.
    #[cold]
    #[inline(never)]
    fn place_both(&mut self, first: EntityId, at: Location, second: EntityId, then: Location) {
        self.place_far(first, at);
        self.place_far(second, then);
    }

    /// Says where an id is, and that another is nowhere; one may be foreign.
    #[cold]
    #[inline(never)]
    fn swap_places(&mut self, moved: EntityId, place: Location, ended: EntityId) {
        self.place_far(moved, place);
        self.clear_location(ended);
    }

    /// Ends a run of rows, whose places as many of the last rows take in their
    /// order; says so of their entities.
    ///
    /// # Safety
    /// As [`swap_remove`](Self::swap_remove), for each of the rows.
    ///
    /// # Complexity
    /// O(rows).
    pub unsafe fn remove_rows(&mut self, table: TableId, rows: Range<usize>) {
        // SAFETY: the caller's: the rows are initialised, and nobody changes
        // their ids here; they were placed, and if nothing is foreign they are
        // home ids.
        unsafe {
            let entities = self.ids_at(table, &rows);
            if self.foreign.is_empty() {
                for &entity in entities {
                    *self.home_location_mut(entity) = Location::NOWHERE;
                }
            } else {
                entities.iter().for_each(|&entity| self.clear_location(entity));
            }
            self.close_gap(table, rows);
        }
    }

    /// Moves a run of rows to the end of another table, and lets as many of the
    /// last rows take their places in their order; says so of their entities.
    ///
    /// # Safety
    /// As [`move_row`](Self::move_row), for each of the rows.
    ///
    /// # Complexity
    /// O(rows).
    pub unsafe fn move_rows(&mut self, source: TableId, rows: Range<usize>, target: TableId) {
        // SAFETY: the caller's: there is room for the ids, in other memory than
        // where they come from.
        unsafe {
            let entities = NonNull::from(self.ids_at(source, &rows)).cast();
            let entry = self.entry(target);
            let start = entry.len;
            entry.ids.add(start).copy_from_nonoverlapping(entities, rows.len());
            entry.len = start + rows.len();
            self.relocate(target, start..start + rows.len());
            self.close_gap(source, rows);
        }
    }

    /// Shortens a table by a run of rows, whose places as many of the last rows
    /// take in their order.
    ///
    /// # Safety
    /// The table exists and has the rows, whose entities are placed elsewhere or
    /// nowhere; while the directory is lent, the columns have changed in the
    /// same way.
    unsafe fn close_gap(&mut self, table: TableId, rows: Range<usize>) {
        self.changes += 1;
        // SAFETY: the caller's. What moves lies behind the gap and is no longer
        // than it, so the two do not overlap.
        unsafe {
            let entry = self.entry(table);
            let moved = rows.len().min(entry.len - rows.end);
            let (from, to) = (entry.ids.add(entry.len - moved), entry.ids.add(rows.start));
            to.copy_from_nonoverlapping(from, moved);
            entry.len -= rows.len();
            self.relocate(table, rows.start..rows.start + moved);
        }
    }

    /// Returns the entities of some rows, for a lifetime that the caller
    /// chooses.
    ///
    /// # Safety
    /// The table exists and has the rows, whose ids nobody changes as long.
    unsafe fn ids_at<'a>(&mut self, table: TableId, rows: &Range<usize>) -> &'a [EntityId] {
        // SAFETY: the caller's.
        unsafe {
            let ids = self.entry(table).ids.add(rows.start);
            std::slice::from_raw_parts(ids.as_ptr(), rows.len())
        }
    }

    /// Says again where the entities of some rows are, by the ids that lie
    /// there.
    ///
    /// # Safety
    /// The table exists and has those rows; their entities have been placed
    /// before, and are nowhere else.
    pub unsafe fn relocate(&mut self, table: TableId, rows: Range<usize>) {
        self.changes += 1;
        // SAFETY: the caller's: the rows are initialised, and nobody changes
        // their ids here.
        let entities = unsafe { self.ids_at(table, &rows) };
        let location = |entity: EntityId, row| Location::new(entity.generation(), table, row);
        let all_home = self.foreign.is_empty();
        for (row, &entity) in rows.zip(entities) {
            if all_home {
                // SAFETY: the caller's; no id is foreign.
                unsafe { *self.home_location_mut(entity) = location(entity, row) }
            } else {
                self.place_far(entity, location(entity, row));
            }
        }
    }

    /// Returns a table's entry.
    ///
    /// # Safety
    /// The table exists.
    #[inline(always)]
    unsafe fn entry(&mut self, table: TableId) -> &mut TableEntry {
        debug_assert!(table.index() < self.tables.len());
        // SAFETY: the caller's.
        unsafe { self.tables.get_unchecked_mut(table.index()) }
    }

    /// Returns where a home id is said to be.
    ///
    /// # Safety
    /// It is of the home shard, and has been placed before.
    #[inline(always)]
    unsafe fn home_location_mut(&mut self, entity: EntityId) -> &mut Location {
        debug_assert!(self.home == entity.high() & Self::SHARD);
        // SAFETY: the caller's: a home id that was placed has an entry.
        unsafe { self.locations.get_unchecked_mut(entity.index() as usize) }
    }

    /// Says where an entity is.
    #[inline(always)]
    fn place(&mut self, entity: EntityId, location: Location) {
        match self.locations.get_mut(entity.index() as usize) {
            Some(place) if self.home == entity.high() & Self::SHARD => *place = location,
            _ => self.place_far(entity, location),
        }
    }

    /// Says where an entity is, whatever its id.
    #[cold]
    #[inline(never)]
    fn place_far(&mut self, entity: EntityId, location: Location) {
        if self.home == entity.high() & Self::SHARD {
            let index = entity.index() as usize;
            if index >= self.locations.len() {
                let len = (index + 1).max(self.locations.len() * 2).max(64);
                self.locations.grow_to(len, Location::NOWHERE);
            }
            self.locations[index] = location;
        } else {
            self.foreign.insert(entity, location);
        }
    }

    /// Makes room for home ids below `end`.
    pub fn reserve_locations(&mut self, end: usize) {
        self.locations.grow_to(end, Location::NOWHERE);
    }

    /// Gives back the memory beyond the last entity that lives.
    ///
    /// # Complexity
    /// O(locations), if they are copied.
    pub fn shrink_to_fit(&mut self) {
        let len = self.locations.iter().rposition(|&location| location != Location::NOWHERE);
        self.locations.truncate(len.map_or(0, |last| last + 1));
        self.locations.shrink_to_fit();
        self.foreign.shrink_to_fit();
    }

    /// Says that an entity is nowhere any more.
    #[inline]
    pub fn clear_location(&mut self, entity: EntityId) {
        if self.home == entity.high() & Self::SHARD {
            if let Some(location) = self.locations.get_mut(entity.index() as usize) {
                *location = Location::NOWHERE;
            }
        } else {
            self.foreign.remove(&entity);
        }
    }

    /// Returns where an entity is, or `None` if it does not live here.
    ///
    /// # Complexity
    /// One load and one compare for an id of the home shard; a hash look-up for
    /// one of another shard.
    #[inline]
    pub fn locate(&self, entity: EntityId) -> Option<Location> {
        match self.home_locations().locate(entity) {
            None => self.locate_foreign(entity),
            found => found,
        }
    }

    // Apart, so that the way of a home id stays short where it is inlined.
    #[cold]
    #[inline(never)]
    fn locate_foreign(&self, entity: EntityId) -> Option<Location> {
        self.foreign.get(&entity).copied()
    }

    /// Returns where the home ids are.
    #[inline]
    pub(crate) fn home_locations(&self) -> HomeLocations<'_> {
        HomeLocations { locations: &self.locations, home: self.home }
    }

    /// Returns how many tables there are.
    #[inline]
    pub fn table_count(&self) -> usize {
        self.tables.len()
    }

    /// Returns how many rows a table has.
    #[inline]
    pub fn len(&self, table: TableId) -> usize {
        self.tables[table.index()].len
    }

    /// As [`len`](Self::len), without a look at how many tables there are.
    ///
    /// # Safety
    /// The table exists.
    #[inline]
    pub unsafe fn len_unchecked(&self, table: TableId) -> usize {
        debug_assert!(table.index() < self.tables.len());
        // SAFETY: the caller's.
        unsafe { self.tables.get_unchecked(table.index()) }.len
    }

    /// Tells whether no table has a row.
    pub fn is_empty(&self) -> bool {
        self.tables.iter().all(|table| table.len == 0)
    }

    /// Tells whether a table has a component.
    #[inline]
    pub fn has(&self, table: TableId, component: ComponentId) -> bool {
        !self.column(table, component).is_null()
    }

    /// Returns the first value of a column, or null where there is none.
    #[inline]
    pub(crate) fn column(&self, table: TableId, component: ComponentId) -> *mut u8 {
        let entry = self.components.get(component.index());
        entry
            .and_then(|entry| entry.columns.get(table.index()))
            .copied()
            .unwrap_or(std::ptr::null_mut())
    }

    /// Returns where a component of an entity lies, or `None` if the entity is
    /// dead or lacks it.
    #[inline]
    fn value<C: Component>(&self, entity: EntityId) -> Option<NonNull<C>> {
        let component = ComponentId::index_if_registered::<C>();
        if let Some(entry) = self.components.get(component)
            && let Some((table, row)) = self.home_locations().probe(entity)
            && let Some(&first) = entry.columns.get(table)
        {
            // SAFETY: the entity is at that row of the table, so the column, if
            // there is one, has that many values and more (`push`, `set_column`).
            return NonNull::new(first).map(|first| unsafe { first.cast::<C>().add(row) });
        }
        self.value_elsewhere(entity, component)
    }

    /// As `value`, of an entity that another shard named; of others there is
    /// nothing. Apart, so that the way of home ids stays short where it is
    /// inlined.
    #[cold]
    #[inline(never)]
    fn value_elsewhere<C: Component>(
        &self,
        entity: EntityId,
        component: usize,
    ) -> Option<NonNull<C>> {
        let at = self.foreign.get(&entity)?;
        let first = *self.components.get(component)?.columns.get(at.table().index())?;
        // SAFETY: as in `value`.
        NonNull::new(first).map(|first| unsafe { first.cast::<C>().add(at.row()) })
    }

    /// Returns 64 bits: which of the tables `64 * word ..` have a component.
    #[inline]
    pub(crate) fn table_bits(&self, component: ComponentId, word: usize) -> u64 {
        self.components
            .get(component.index())
            .and_then(|entry| entry.tables.get(word))
            .copied()
            .unwrap_or(0)
    }

    /// Gives each table from `from` on that matches to `each`, ascending;
    /// `bits` tells of the tables `64 * word ..` which do.
    ///
    /// # Complexity
    /// A few AND instructions a component and 64 tables, and O(matched).
    #[inline]
    pub(crate) fn matching(
        &self,
        bits: impl Fn(usize) -> u64,
        from: usize,
        mut each: impl FnMut(TableId),
    ) {
        let end = self.tables.len();
        for word in from / 64..end.div_ceil(64) {
            let mut bits = bits(word);
            if word == from / 64 {
                bits &= u64::MAX << (from % 64);
            }
            if end - word * 64 < 64 {
                bits &= (1 << (end % 64)) - 1;
            }
            while bits != 0 {
                each(TableId((word * 64) as u32 + bits.trailing_zeros()));
                bits &= bits - 1;
            }
        }
    }

    /// Returns where the ids of a table lie.
    #[inline]
    pub(crate) fn ids(&self, table: TableId) -> NonNull<EntityId> {
        self.tables[table.index()].ids
    }

    #[inline]
    pub(crate) fn identity(&self) -> u64 {
        self.identity
    }

    #[inline]
    pub(crate) fn changes(&self) -> u64 {
        self.changes
    }

    /// Prepares to write records for queries of these terms.
    #[inline]
    pub(crate) fn recorder(&self, terms: &[Term]) -> Recorder<'_> {
        let columns = |term: &Term| {
            self.components.get(term.component.index()).map_or(&[][..], |entry| &entry.columns)
        };
        Recorder { tables: &self.tables, columns: terms.iter().map(columns).collect() }
    }
}

/// Writes records of tables, with each term's columns at hand.
pub(crate) struct Recorder<'a> {
    tables: &'a [TableEntry],
    columns: SmallVec<[&'a [*mut u8]; 4]>,
}

impl Recorder<'_> {
    /// Writes a table's record, if it has rows.
    #[inline]
    pub(crate) fn record(&self, table: TableId, records: &mut RecordBuffer) {
        let entry = &self.tables[table.index()];
        if entry.len != 0 {
            let column = |columns: &&[*mut u8]| {
                columns.get(table.index()).copied().unwrap_or(std::ptr::null_mut())
            };
            records.push(entry.len, entry.ids.as_ptr(), self.columns.iter().map(column));
        }
    }
}

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: usize = self.tables.iter().map(|table| table.len).sum();
        f.debug_struct("Directory")
            .field("tables", &self.tables.len())
            .field("rows", &rows)
            .finish_non_exhaustive()
    }
}

/// A directory lent for reading.
#[derive(Debug, Clone, Copy)]
pub struct DirectoryRef<'a>(&'a Directory);

impl<'a> DirectoryRef<'a> {
    /// Lends a directory.
    ///
    /// # Safety
    /// For as long as `'a`, everything that the directory says is true, and
    /// nobody writes to the rows it names.
    #[inline]
    pub unsafe fn new(directory: &'a Directory) -> Self {
        Self(directory)
    }

    #[inline]
    pub(crate) fn get_ref(self) -> &'a Directory {
        self.0
    }

    /// Returns where an entity is.
    #[inline]
    pub fn locate(self, entity: EntityId) -> Option<Location> {
        self.0.locate(entity)
    }

    /// Returns a component of an entity, or `None` if it is dead or lacks it.
    ///
    /// # Complexity
    /// O(1): location, column, value.
    #[inline]
    pub fn get<C: Component>(self, entity: EntityId) -> Option<&'a C> {
        // SAFETY: the directory speaks the truth (`DirectoryRef::new`): a valid
        // `C` lies there, and nobody writes during `'a`.
        self.0.value::<C>(entity).map(|value| unsafe { value.as_ref() })
    }

    /// Returns a component of an entity, or `None` if it is dead or lacks it.
    pub fn get_erased(self, entity: EntityId, component: ComponentId) -> Option<ErasedRef<'a>> {
        let location = self.0.locate(entity)?;
        let first = NonNull::new(self.0.column(location.table(), component))?;
        let info = self.0.components[component.index()].info?;
        // SAFETY: as in `get`: the column holds `len` valid values.
        let column = unsafe { ErasedSlice::from_raw(info, first, self.0.len(location.table())) };
        column.get(location.row())
    }

    /// Returns the entities of a table.
    pub fn ids(self, table: TableId) -> &'a [EntityId] {
        let entry = &self.0.tables[table.index()];
        // SAFETY: the directory speaks the truth: `len` initialised ids.
        unsafe { std::slice::from_raw_parts(entry.ids.as_ptr(), entry.len) }
    }

    /// Returns the values that a table has of a component.
    pub fn column(self, table: TableId, component: ComponentId) -> Option<ErasedSlice<'a>> {
        let first = NonNull::new(self.0.column(table, component))?;
        let info = self.0.components[component.index()].info?;
        // SAFETY: as in `get_erased`.
        Some(unsafe { ErasedSlice::from_raw(info, first, self.0.len(table)) })
    }
}

/// A directory lent for writing.
#[derive(Debug)]
pub struct DirectoryMut<'a> {
    directory: &'a Directory,
    rows: PhantomData<&'a mut [u8]>,
}

impl<'a> DirectoryMut<'a> {
    /// Lends a directory.
    ///
    /// # Safety
    /// For as long as `'a`, everything that the directory says is true, and
    /// nobody else reads or writes the rows it names.
    #[inline]
    pub unsafe fn new(directory: &'a Directory) -> Self {
        Self { directory, rows: PhantomData }
    }

    #[inline]
    pub(crate) fn into_ref(self) -> &'a Directory {
        self.directory
    }

    /// Returns a component of an entity, or `None` if it is dead or lacks it.
    ///
    /// # Complexity
    /// O(1): location, column, value.
    #[inline]
    pub fn get<C: Component>(self, entity: EntityId) -> Option<&'a mut C> {
        // SAFETY: the directory speaks the truth (`DirectoryMut::new`): a valid
        // `C` lies there, and `self` was the only way to the rows for `'a`.
        self.directory.value::<C>(entity).map(|mut value| unsafe { value.as_mut() })
    }

    /// Returns a component of an entity, or `None` if it is dead or lacks it.
    pub fn get_erased(self, entity: EntityId, component: ComponentId) -> Option<ErasedMut<'a>> {
        let location = self.directory.locate(entity)?;
        self.column(location.table(), component)?.into_get(location.row())
    }

    /// Returns the values that a table has of a component.
    pub fn column(self, table: TableId, component: ComponentId) -> Option<ErasedSliceMut<'a>> {
        let first = NonNull::new(self.directory.column(table, component))?;
        let info = self.directory.components[component.index()].info?;
        // SAFETY: as in `get`: the column holds `len` valid values.
        Some(unsafe { ErasedSliceMut::from_raw(info, first, self.directory.len(table)) })
    }

    /// Returns a component of several entities at once.
    ///
    /// `None` stands for one that is dead or lacks the component, or that was
    /// listed before.
    pub fn get_many<C: Component, const N: usize>(
        self,
        entities: [EntityId; N],
    ) -> [Option<&'a mut C>; N] {
        let mut places = [None; N];
        for (n, &entity) in entities.iter().enumerate() {
            // Equal ids are the only way to one row twice: an entity has one row.
            if entities[..n].contains(&entity) {
                continue;
            }
            places[n] = self.directory.value::<C>(entity);
        }
        // SAFETY: at each place lies a valid `C` in a row of its own, and `self`
        // was the only way to the rows for `'a`.
        places.map(|place| place.map(|mut value| unsafe { value.as_mut() }))
    }
}
