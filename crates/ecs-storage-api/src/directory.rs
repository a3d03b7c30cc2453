//! The fast way to a backend's rows: where each entity is, and where each
//! component of each table lies.
//!
//! This is one of the rooms for unsafe code. A directory is data that a trusted
//! backend keeps in step with its tables; everything here believes it. What
//! makes that sound is who can lend one: [`DirectoryRef::new`] and
//! [`DirectoryMut::new`] are unsafe, and so is every method that changes a
//! pointer, a length or a location.
#![expect(unsafe_code, reason = "room: what a trusted backend says about its tables")]

mod changes;
mod lent;
mod location;
mod recorder;
mod relocation;

use std::fmt;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::AHashMap;
use ecs_core::{Component, ComponentId, ComponentInfo, EntityId, PlainVec};

use crate::query::Term;
pub use lent::{DirectoryMut, DirectoryRef};
pub(crate) use location::HomeLocations;
pub use location::{Location, TableId};
pub(crate) use recorder::Recorder;
pub use relocation::Relocation;

/// One table: its entities and how many there are.
struct TableEntry {
    ids: NonNull<EntityId>,
    len: usize,
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

impl fmt::Debug for Directory {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let rows: usize = self.tables.iter().map(|table| table.len).sum();
        f.debug_struct("Directory")
            .field("tables", &self.tables.len())
            .field("rows", &rows)
            .finish_non_exhaustive()
    }
}
