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
mod late;
mod lent;
mod lines;
mod location;
mod pages;
mod passage;
mod prefetch;
mod recorder;
mod relocation;
mod reserve;
mod rewriting;
mod touched;

use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use ahash::AHashMap;
use ecs_core::{Component, ComponentId, ComponentInfo, EntityId, PlainVec};

use crate::changes::{Changes, PAGE_ROWS, Version, new_identity};
use crate::query::{TableChanges, Term};
pub(crate) use late::{LateLines, late_ticks};
pub use lent::{DirectoryMut, DirectoryRef};
pub use lines::Line;
pub(crate) use lines::{LineWord, mark_line, mark_lines};
pub(crate) use location::HomeLocations;
pub use location::{Location, Sighting, TableId};
pub(crate) use pages::{mark_page, mark_pages, mark_ticks};
pub use passage::Passage;
pub(crate) use prefetch::prefetch;
pub(crate) use recorder::Recorder;
pub use relocation::Relocation;

use lines::Lines;
use pages::Pages;
use touched::Noted;

/// One table: its entities and how many there are.
struct TableEntry {
    ids: NonNull<EntityId>,
    len: usize,
    /// When rows of each page came or were moved to where they are, once for all
    /// columns. They cover as many rows as `ids` has room for.
    pages: Pages,
}

/// Where the ticks of a table's column lie; null where it has none.
#[derive(Debug, Clone, Copy)]
pub(crate) struct TicksAt {
    /// Of each row, when its value was last lent for writing.
    pub(crate) changed: *mut u32,
    /// Of each row, when its value came.
    pub(crate) added: *mut u32,
    /// Of each line of rows, from the first of the table on, what is known of its changes.
    pub(crate) lines: *const Line,
}

impl TicksAt {
    pub(crate) const NONE: Self = Self {
        changed: std::ptr::null_mut(),
        added: std::ptr::null_mut(),
        lines: std::ptr::null(),
    };
}

/// The ticks of a table's column: those of rows are the backend's.
struct Ticks {
    /// As [`TicksAt::changed`].
    changed: *mut u32,
    /// As [`TicksAt::added`].
    added: *mut u32,
    /// Of as many pages as the table has.
    lines: Lines,
}

impl Ticks {
    /// Of a column that has none.
    fn none() -> Self {
        let TicksAt { changed, added, .. } = TicksAt::NONE;
        Self { changed, added, lines: Lines::default() }
    }

    /// Tells whether the column has them.
    #[inline]
    fn are_there(&self) -> bool {
        !self.changed.is_null()
    }

    /// Returns where they lie.
    #[inline]
    fn at(&self) -> TicksAt {
        match self.are_there() {
            true => {
                let Self { changed, added, lines } = self;
                TicksAt { changed: *changed, added: *added, lines: lines.first() }
            }
            false => TicksAt::NONE,
        }
    }
}

/// One component: the tables that have it, and its column in each.
///
/// As large as two cache lines, so that it is found by a shift; what look-ups read
/// is in the first.
#[repr(C, align(64))]
struct ComponentEntry {
    /// `None` in entries that no table has used yet.
    info: Option<&'static ComponentInfo>,
    /// A bit a table.
    tables: Vec<u64>,
    /// By table: the first value, or null where the table lacks the component.
    columns: Vec<*mut u8>,
    /// By table: when values of each page were lent for writing. As many as there
    /// are columns; each covers as many rows as the table's own pages.
    pages: Vec<Pages>,
    /// By table, up to the last where the component is tracked.
    ticks: Vec<Ticks>,
}

impl ComponentEntry {
    /// Of a component that no table has.
    const NONE: Self = Self {
        info: None,
        tables: Vec::new(),
        columns: Vec::new(),
        pages: Vec::new(),
        ticks: Vec::new(),
    };

    /// Returns where the ticks of a table's column lie.
    #[inline]
    fn ticks(&self, table: TableId) -> TicksAt {
        self.ticks.get(table.index()).map_or(TicksAt::NONE, Ticks::at)
    }
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
    /// Names the store, and stays as it is: versions are of this store alone.
    store: u64,
    /// The present version. Atomic, since it is raised by those who only read.
    version: AtomicU64,
    /// The upper half of a home id with generation 0.
    home: u32,
    /// By index of home ids.
    locations: PlainVec<Location>,
    /// Where the entities are that other shards named.
    foreign: AHashMap<EntityId, Location>,
    tables: Vec<TableEntry>,
    /// By component index.
    components: Vec<ComponentEntry>,
    /// By table: the indices of its components.
    columns: Vec<Vec<u32>>,
    /// An empty list for the table that comes next, with room for its components.
    next_columns: Vec<u32>,
    /// As `home`; above it a bit unless single rows move plainly, which no id has: so
    /// whoever looks for one finds nothing, and asks nothing more.
    plain_home: u64,
    /// Which entities were touched, if somebody wants to know.
    noted: Option<Box<Noted>>,
}

// SAFETY: the pointers address memory of the backend that owns the directory,
// components are `Send + Sync`, and every access goes through a borrow of the
// backend: shared for reading, exclusive for writing.
unsafe impl Send for Directory {}
// SAFETY: as above.
unsafe impl Sync for Directory {}

impl Directory {
    /// The bits of the upper half of an id that name its shard.
    const SHARD: u32 = !0 << 20;

    /// Creates a directory without tables, for the ids of `shard`.
    pub fn new(shard: u16) -> Self {
        let home = u32::from(shard) << 20;
        let (locations, foreign, tables, components, columns, next_columns, noted) =
            Default::default();
        let (identity, version) = (new_identity(), AtomicU64::new(Version::FIRST.get()));
        let store = identity;
        let changes = 0;
        Self {
            identity,
            changes,
            store,
            version,
            home,
            locations,
            foreign,
            tables,
            components,
            columns,
            next_columns,
            plain_home: u64::from(home),
            noted,
        }
    }

    /// Returns the present version: what is written now is stamped with it.
    #[inline]
    pub fn version(&self) -> Version {
        // Relaxed: a number, which orders nothing else.
        Version::new(self.version.load(Ordering::Relaxed))
    }

    /// Returns the present version, and raises it: what is written from now on is
    /// later.
    #[inline]
    pub fn advance_version(&self) -> Version {
        // Relaxed: as above.
        Version::new(self.version.fetch_add(1, Ordering::Relaxed))
    }

    /// Raises the version to at least that.
    pub fn set_version(&mut self, version: Version) {
        let present = self.version.get_mut();
        *present = version.get().max(*present);
    }

    /// As [`version`](Self::version).
    #[inline(always)]
    fn present(&mut self) -> Version {
        Version::new(*self.version.get_mut())
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
        self.tables.push(TableEntry { ids: NonNull::dangling(), len: 0, pages: Pages::default() });
        self.columns.push(Vec::new());
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
        entry.pages.cover(0);
        let (word, bit) = (table.index() / 64, table.index() % 64);
        for component in self.columns[table.index()].drain(..) {
            let component = &mut self.components[component as usize];
            component.tables[word] &= !(1 << bit);
            component.columns[table.index()] = std::ptr::null_mut();
            component.pages[table.index()].cover(0);
            if let Some(ticks) = component.ticks.get_mut(table.index()) {
                *ticks = Ticks::none();
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

    /// Says where the entities of a table lie, and for how many there is room.
    ///
    /// # Safety
    /// - Before the directory is lent or a row marked,
    ///   [`set_column`](Self::set_column) is called for each column, which makes
    ///   room for its pages.
    /// - While the directory is lent, `ids` addresses as many initialised ids as
    ///   the table has rows.
    /// - The table never has more rows than there is room for.
    pub unsafe fn set_ids(&mut self, table: TableId, ids: NonNull<EntityId>, room: usize) {
        self.changes += 1;
        let entry = &mut self.tables[table.index()];
        entry.ids = ids;
        entry.pages.cover(room);
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

    /// Says where a table's column of a component lies, for the rows that
    /// [`set_ids`](Self::set_ids) spoke of.
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
            self.components.resize_with(component + 1, || ComponentEntry::NONE);
        }
        self.changes += 1;
        let entry = &mut self.components[component];
        entry.info = Some(info);
        let (word, bit) = (table.index() / 64, table.index() % 64);
        if word >= entry.tables.len() {
            entry.tables.resize(word + 1, 0);
        }
        if entry.tables[word] >> bit & 1 == 0 {
            entry.tables[word] |= 1 << bit;
            let columns = &mut self.columns[table.index()];
            if columns.is_empty() {
                // Whether or not the place is new.
                *columns = std::mem::take(&mut self.next_columns);
            }
            columns.push(component as u32);
        }
        if table.index() >= entry.columns.len() {
            entry.columns.resize(table.index() + 1, std::ptr::null_mut());
            entry.pages.resize_with(table.index() + 1, Pages::default);
        }
        entry.columns[table.index()] = first.as_ptr();
        let pages = self.tables[table.index()].pages.as_slice().len();
        entry.pages[table.index()].cover(pages * PAGE_ROWS);
        if let Some(ticks) = entry.ticks.get_mut(table.index()).filter(|ticks| ticks.are_there()) {
            ticks.lines.cover(pages);
        }
    }

    /// Says where the ticks of a table's column lie, whose place is said.
    ///
    /// # Safety
    /// While the directory is lent, both address as many ticks as the table has
    /// rows, in memory that belongs to them alone.
    ///
    /// # Panics
    /// If the table has no such column.
    pub unsafe fn set_ticks(
        &mut self,
        table: TableId,
        component: ComponentId,
        changed: NonNull<u32>,
        added: NonNull<u32>,
    ) {
        assert!(self.has(table, component), "ticks are of a column");
        self.changes += 1;
        let ticks = &mut self.components[component.index()].ticks;
        if table.index() >= ticks.len() {
            ticks.resize_with(table.index() + 1, Ticks::none);
        }
        let ticks = &mut ticks[table.index()];
        (ticks.changed, ticks.added) = (changed.as_ptr(), added.as_ptr());
        // By the table's own: those of the column may have got room for which there are no
        // lines, since memory was refused.
        ticks.lines.cover(self.tables[table.index()].pages.as_slice().len());
    }

    /// As [`mark`](Self::mark), of one row, but stamps the page alone: of a tracked
    /// component [`mark_line`](Self::mark_line) is called as well.
    #[inline]
    pub fn mark_row(&mut self, table: TableId, component: ComponentId, row: usize) {
        let now = self.present();
        if let Some(entry) = self.components.get(component.index())
            && let Some(pages) = entry.pages.get(table.index())
        {
            pages.mark_covered(row, now);
        }
    }

    /// Stamps the line of a row, if the component is tracked. Apart from
    /// [`mark_row`](Self::mark_row), since few are, and whoever marks rows knows which.
    pub fn mark_line(&mut self, table: TableId, component: ComponentId, row: usize) {
        let now = self.present();
        if let Some(entry) = self.components.get_mut(component.index())
            && let Some(ticks) = entry.ticks.get_mut(table.index())
        {
            ticks.lines.mark_row(row, now);
        }
    }

    /// Says that rows came, or were moved to where others were, by
    /// [`Relocation`].
    pub fn mark_moved(&mut self, table: TableId, rows: Range<usize>) {
        let now = self.present();
        self.tables[table.index()].pages.mark(rows, now);
    }

    /// As [`mark_moved`](Self::mark_moved), at a version of the past: pages that are
    /// newer stay as they are.
    pub fn date_moved(&mut self, table: TableId, rows: Range<usize>, version: Version) {
        self.tables[table.index()].pages.date(rows, version);
    }

    /// As [`mark`](Self::mark), at a version of the past: pages that are newer stay
    /// as they are.
    pub fn date(
        &mut self,
        table: TableId,
        component: ComponentId,
        rows: Range<usize>,
        version: Version,
    ) {
        if let Some(entry) = self.components.get(component.index())
            && let Some(pages) = entry.pages.get(table.index())
        {
            pages.date(rows.clone(), version);
            if let Some(ticks) = entry.ticks.get(table.index()) {
                let range = rows.start / PAGE_ROWS..rows.end.div_ceil(PAGE_ROWS);
                ticks.lines.follow(pages, range);
            }
        }
    }

    /// Says that values of some rows are written, by other ways than through the
    /// directory.
    #[inline]
    pub fn mark(&mut self, table: TableId, component: ComponentId, rows: Range<usize>) {
        let now = self.present();
        if let Some(entry) = self.components.get(component.index())
            && let Some(pages) = entry.pages.get(table.index())
        {
            pages.mark(rows.clone(), now);
            if let Some(ticks) = entry.ticks.get(table.index()) {
                ticks.lines.mark(rows, now);
            }
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

    /// Returns where an entity may be, if no id of another shard lives and nobody wants to
    /// know who is [touched](Self::touched_since); else it is in no table.
    #[inline(always)]
    pub fn sight_home(&self, entity: EntityId) -> Option<Sighting> {
        let location = *self.locations.get(entity.index() as usize)?;
        Some(Sighting::new(location, entity, self.plain_home))
    }

    /// Tells whether single rows move without a thought of anything rare.
    #[inline]
    fn is_plain(&self) -> bool {
        self.plain_home == u64::from(self.home)
    }

    /// Finds out whether single rows move without a thought of anything rare.
    fn look_for_rare(&mut self) {
        const RARE: u64 = 1 << u32::BITS;
        let rare = !self.foreign.is_empty() || self.noted.is_some();
        self.plain_home = u64::from(self.home) | if rare { RARE } else { 0 };
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

    /// Returns where the column of `C` begins, if the table has it.
    ///
    /// As [`column`](Self::column), for look-ups of single rows, which go no other way for
    /// a component that nobody has registered.
    #[inline]
    pub(crate) fn first_of<C: Component>(&self, table: TableId) -> Option<NonNull<C>> {
        let entry = self.components.get(ComponentId::index_if_registered::<C>())?;
        NonNull::new(entry.columns.get(table.index())?.cast())
    }

    /// As [`first_of`](Self::first_of), with the versions of the column's pages and its
    /// ticks, of which there are none unless the component is tracked.
    #[inline]
    pub(crate) fn written_of<C: Component>(
        &self,
        table: TableId,
    ) -> Option<(NonNull<C>, *const AtomicU64, TicksAt)> {
        let entry = self.components.get(ComponentId::index_if_registered::<C>())?;
        let first = NonNull::new(entry.columns.get(table.index())?.cast())?;
        // SAFETY: there are as many `pages` as `columns`, which has one for the table.
        let pages = unsafe { entry.pages.get_unchecked(table.index()) }.first();
        let ticks = match C::TRACK {
            true => entry.ticks(table),
            false => TicksAt::NONE,
        };
        Some((first, pages, ticks))
    }

    /// Returns where the versions of a column's pages lie: nowhere that can be read, if
    /// the table has no rows or no such column.
    #[inline]
    pub(crate) fn pages(&self, table: TableId, component: ComponentId) -> *const AtomicU64 {
        let entry = self.components.get(component.index());
        let pages = entry.and_then(|entry| entry.pages.get(table.index()));
        pages.map_or(std::ptr::null(), Pages::first)
    }

    /// Returns where the ticks of a column lie.
    #[inline]
    pub(crate) fn ticks(&self, table: TableId, component: ComponentId) -> TicksAt {
        let entry = self.components.get(component.index());
        entry.map_or(TicksAt::NONE, |entry| entry.ticks(table))
    }

    /// Returns what is known of the changes of each [`LINE_ROWS`](crate::LINE_ROWS) rows of
    /// a tracked column, if there is such a one.
    pub fn column_lines(&self, table: TableId, component: ComponentId) -> Option<&[Line]> {
        let ticks = self.components.get(component.index())?.ticks.get(table.index())?;
        ticks.are_there().then(|| ticks.lines.as_slice())
    }

    /// Returns when rows of each page of a table came or were moved.
    pub fn moves(&self, table: TableId) -> &[AtomicU64] {
        self.tables[table.index()].pages.as_slice()
    }

    /// Returns when values of each page of a column were lent for writing; none
    /// where there is no column.
    pub fn column_pages(&self, table: TableId, component: ComponentId) -> &[AtomicU64] {
        let entry = self.components.get(component.index());
        entry.and_then(|entry| entry.pages.get(table.index())).map_or(&[], Pages::as_slice)
    }

    /// Returns what is known of the changes of a column, if there is one.
    fn column_changes(&self, table: TableId, component: ComponentId) -> Option<Changes<'_>> {
        let entry = self.components.get(component.index())?;
        entry.columns.get(table.index()).filter(|column| !column.is_null())?;
        let (len, ticks) = (self.len(table), self.ticks(table, component));
        // SAFETY: the directory speaks the truth while it is lent, which it is to
        // whoever asks queries: so many ticks lie there. Nobody writes them as long
        // as they are looked at: a query that watches a component conflicts with
        // those that write it (`QueryShape::watched_by`), whoever holds them, and
        // nothing of its own has been lent yet.
        let slice = |first: *mut u32| unsafe { std::slice::from_raw_parts(first, len) };
        let ticks = (!ticks.changed.is_null()).then(|| (slice(ticks.changed), slice(ticks.added)));
        Some(Changes { pages: entry.pages[table.index()].as_slice(), ticks })
    }

    /// As [`column_lines`](Self::column_lines), as numbers.
    fn column_line_words(&self, table: TableId, component: ComponentId) -> Option<&[LineWord]> {
        let lines = self.column_lines(table, component)?;
        // SAFETY: a line is an atomic number, which lies in memory as the number does. As in
        // `column_changes`: whoever writes values stamps lines, and nobody does as long as
        // they are looked at.
        Some(unsafe { std::slice::from_raw_parts(lines.as_ptr().cast(), lines.len()) })
    }

    /// Returns what is known of the changes of a table, for the time before records
    /// of it are made.
    pub(crate) fn table_changes(&self, table: TableId) -> ChangesOfTable<'_> {
        ChangesOfTable { directory: self, table }
    }

    /// Returns where a component of an entity lies, to be written: its page is
    /// stamped, and its row and line if the component is tracked.
    #[inline]
    fn value_mut<C: Component>(&self, entity: EntityId) -> Option<NonNull<C>> {
        let component = ComponentId::index_if_registered::<C>();
        if let Some(entry) = self.components.get(component)
            && let Some(seen) = self.home_locations().probe(entity)
            && let (table, row) = (seen.index(), seen.row())
            && let Some(&first) = entry.columns.get(table)
        {
            let first = NonNull::new(first)?;
            // SAFETY: as in `value`; there are pages for each column, which cover
            // its rows.
            return Some(unsafe {
                let pages = entry.pages.get_unchecked(table).first();
                mark_page(&*pages.add(row / PAGE_ROWS), self.version());
                if C::TRACK {
                    self.mark_tick(component, table, row);
                }
                first.cast::<C>().add(row)
            });
        }
        self.value_elsewhere_mut(entity, component)
    }

    /// As `value_mut`, of an entity that another shard named.
    #[cold]
    #[inline(never)]
    fn value_elsewhere_mut<C: Component>(
        &self,
        entity: EntityId,
        component: usize,
    ) -> Option<NonNull<C>> {
        let value = self.value_elsewhere::<C>(entity, component)?;
        let at = self.foreign.get(&entity)?;
        // SAFETY: the entity has the component, so there is a column with a row
        // for it.
        unsafe {
            self.mark_written(at.table(), ComponentId::of::<C>(), at.row()..at.row() + 1);
        }
        Some(value)
    }

    /// Stamps a row of a component that may be tracked.
    ///
    /// # Safety
    /// The directory is lent for writing, and the table has the component and
    /// the row.
    #[inline]
    unsafe fn mark_tick(&self, component: usize, table: usize, row: usize) {
        let entry = self.components.get(component);
        if let Some(ticks) = entry.and_then(|entry| entry.ticks.get(table)) {
            let TicksAt { changed, lines, .. } = ticks.at();
            // SAFETY: the caller's: as many ticks as rows, and lines that cover them.
            unsafe {
                mark_ticks(changed, row..row + 1, self.version());
                mark_line(lines, row, self.version());
            }
        }
    }

    /// Stamps rows of a column that are lent for writing.
    ///
    /// # Safety
    /// The directory is lent for writing, and the table has the component and
    /// the rows.
    pub(crate) unsafe fn mark_written(
        &self,
        table: TableId,
        component: ComponentId,
        rows: Range<usize>,
    ) {
        if rows.is_empty() {
            return;
        }
        // SAFETY: the caller's.
        unsafe {
            mark_pages(self.pages(table, component), rows.clone(), self.version());
            let TicksAt { changed, lines, .. } = self.ticks(table, component);
            mark_lines(lines, rows.clone(), self.version());
            mark_ticks(changed, rows, self.version());
        }
    }

    /// Returns where a component of an entity lies, or `None` if the entity is
    /// dead or lacks it.
    #[inline]
    fn value<C: Component>(&self, entity: EntityId) -> Option<NonNull<C>> {
        let component = ComponentId::index_if_registered::<C>();
        if let Some(entry) = self.components.get(component)
            && let Some(seen) = self.home_locations().probe(entity)
            && let Some(&first) = entry.columns.get(seen.index())
        {
            let row = seen.row();
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

    /// Returns what names the store to which the versions belong; see
    /// [`Storage::identity`](crate::Storage::identity).
    #[inline]
    pub fn store(&self) -> u64 {
        self.store
    }

    /// Prepares to write records for queries of these terms.
    #[inline]
    pub(crate) fn recorder(&self, terms: &[Term]) -> Recorder<'_> {
        let column = |term: &Term| (*term, self.components.get(term.component.index()));
        Recorder { tables: &self.tables, columns: terms.iter().map(column).collect() }
    }
}

/// What is known of the changes of a table.
pub(crate) struct ChangesOfTable<'a> {
    directory: &'a Directory,
    table: TableId,
}

impl TableChanges for ChangesOfTable<'_> {
    fn has(&self, component: ComponentId) -> bool {
        self.directory.has(self.table, component)
    }

    fn moves(&self) -> Option<&[AtomicU64]> {
        Some(self.directory.moves(self.table))
    }

    fn column(&self, component: ComponentId) -> Option<Changes<'_>> {
        self.directory.column_changes(self.table, component)
    }

    fn lines(&self, component: ComponentId) -> Option<&[LineWord]> {
        self.directory.column_line_words(self.table, component)
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
