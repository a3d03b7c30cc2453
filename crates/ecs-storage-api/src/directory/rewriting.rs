//! Rows that are written anew where they lie, as they were at another time.

use std::ops::Range;
use std::ptr::NonNull;

use ecs_core::{ComponentId, EntityId};

use super::{Directory, Location, TableId, prefetch};
use crate::changes::{PAGE_ROWS, Version, new_identity};

impl Directory {
    /// Returns where the entity is whose place an id would take: itself, or one of the
    /// home shard that has the same index.
    pub fn occupant(&self, entity: EntityId) -> Option<Location> {
        if self.home != entity.high() & Self::SHARD {
            return self.locate_foreign(entity);
        }
        let location = self.locations.get(entity.index() as usize).copied();
        location.filter(|&location| location != Location::NOWHERE)
    }

    /// Asks memory for what [`occupant`](Self::occupant) will look at.
    pub(crate) fn ask_for(&self, entity: EntityId) {
        prefetch(self.home_locations().entry(entity));
    }

    /// Returns how many ids of other shards are placed here.
    pub fn foreign_count(&self) -> usize {
        self.foreign.len()
    }

    /// Says that the entities of some rows are nowhere any more.
    ///
    /// # Safety
    /// - The table exists and has the rows.
    /// - Before the directory is lent, other entities are [put](Self::put_rows) there,
    ///   or the table is made [shorter](Self::set_len).
    pub unsafe fn forget_rows(&mut self, table: TableId, rows: Range<usize>) {
        self.changes += 1;
        let ids = self.tables[table.index()].ids;
        for row in rows {
            // SAFETY: the caller's: the row is initialised.
            let entity = unsafe { ids.add(row).read() };
            self.clear_location(entity);
        }
    }

    /// Writes the ids of some rows, and says that their entities are there. When they
    /// came is still to be said.
    ///
    /// # Safety
    /// - The table exists, and its ids have room for the rows.
    /// - Before the directory is lent, the table has the rows, and they are
    ///   initialised in every column.
    /// - The entities are nowhere else, nor are others of the home shard that have
    ///   their indices.
    pub unsafe fn put_rows(&mut self, table: TableId, start: usize, entities: &[EntityId]) {
        self.changes += 1;
        // SAFETY: the caller's: there is room, and nobody else has it.
        unsafe {
            let ids = self.tables[table.index()].ids.add(start);
            ids.copy_from_nonoverlapping(NonNull::from(entities).cast(), entities.len());
        }
        for (row, &entity) in (start..).zip(entities) {
            self.place(entity, Location::new(entity.generation(), table, row));
        }
    }

    /// Takes the last table away; whatever was prepared for this directory is prepared
    /// anew.
    ///
    /// # Panics
    /// If it has rows, or there is none.
    pub fn pop_table(&mut self) {
        let last = self.tables.len().checked_sub(1).expect("a table is there");
        self.clear_table(TableId(last as u32));
        self.tables.pop();
        self.columns.pop();
    }

    /// Lets another history begin, at `version`: all that there is happened `later`
    /// versions after it did, and what was prepared for changes finds everything new.
    /// Ticks stay as they are: `later` is whole rounds of them, of 2^32 versions each.
    ///
    /// # Complexity
    /// O(pages).
    pub fn begin_history(&mut self, version: Version, later: u64) {
        debug_assert!(later as u32 == 0, "ticks would have to move");
        self.store = new_identity();
        self.changes += 1;
        self.set_version(version);
        for (n, table) in self.tables.iter().enumerate() {
            table.pages.go_on(table.len, later);
            for &component in &self.columns[n] {
                let entry = &self.components[component as usize];
                entry.pages[n].go_on(table.len, later);
                if let Some(ticks) = entry.ticks.get(n) {
                    // What lies behind the rows was of the other history.
                    let behind = table.len.div_ceil(PAGE_ROWS)..usize::MAX;
                    ticks.lines.follow(&entry.pages[n], behind);
                }
            }
        }
    }

    /// Says when rows of a page last came, or were moved, whatever was said before.
    pub fn set_moved(&mut self, table: TableId, page: usize, version: Version) {
        self.tables[table.index()].pages.set(page, version);
    }

    /// Says when values of a page were last written, whatever was said before.
    pub fn set_written(
        &mut self,
        table: TableId,
        component: ComponentId,
        page: usize,
        version: Version,
    ) {
        let entry = self.components.get(component.index());
        if let Some(entry) = entry
            && let Some(pages) = entry.pages.get(table.index())
        {
            pages.set(page, version);
            if let Some(ticks) = entry.ticks.get(table.index()) {
                ticks.lines.follow(pages, page..page + 1);
            }
        }
    }
}
