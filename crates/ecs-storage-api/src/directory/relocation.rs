//! Rows that move one by one between tables, or end, on several threads.

use std::ptr::NonNull;

use ecs_core::EntityId;

use super::{Directory, Location, TableEntry, TableId, prefetch};

/// Moves the ids of single rows from tables to the ends of others, or ends them. The
/// lengths of the tables are told when all have moved.
pub struct Relocation<'d> {
    tables: &'d [TableEntry],
    /// Where home ids are said to be; `None` if some id is foreign.
    locations: Option<NonNull<Location>>,
}

// SAFETY: the directory is borrowed; what one call reads or writes, the caller of another
// vouches not to write at the same time.
unsafe impl Sync for Relocation<'_> {}

impl Directory {
    /// Begins to move single rows.
    pub fn relocation(&mut self) -> Relocation<'_> {
        self.changes += 1;
        let locations = NonNull::from(&mut self.locations[..]).cast();
        let locations = self.foreign.is_empty().then_some(locations);
        Relocation { tables: &self.tables, locations }
    }

    /// Tells whether an id of another shard is placed here.
    pub fn has_foreign(&self) -> bool {
        !self.foreign.is_empty()
    }
}

impl Relocation<'_> {
    /// Asks memory for what will be written of the entity of a row.
    ///
    /// # Safety
    /// The source has the row, and nobody writes its id at the same time.
    ///
    /// # Panics
    /// If there is no such table.
    #[inline(always)]
    pub unsafe fn ask_for(&self, source: TableId, row: usize) {
        let Some(locations) = self.locations else { return };
        // SAFETY: the caller's.
        let entity = unsafe { self.tables[source.index()].ids.add(row).read() };
        prefetch(locations.as_ptr().wrapping_add(entity.index() as usize));
    }

    /// Moves the id of a row of `source` to a row of `target`. Says where it is then, if no
    /// id is foreign; else [`relocate`](Directory::relocate) says so afterwards.
    ///
    /// # Safety
    /// - The source has the row, and the target, which is another table, room for `new_row`.
    /// - The entity of the row is placed.
    /// - Nobody else moves, ends or fills one of these rows, before or at the same time.
    ///
    /// # Panics
    /// If there is no such table.
    #[inline(always)]
    pub unsafe fn bring(&self, source: TableId, row: usize, (target, new_row): (TableId, usize)) {
        let (from, to) = (self.tables[source.index()].ids, self.tables[target.index()].ids);
        // SAFETY: the caller's. Entities of different rows differ, and so do
        // their locations; home ids that are placed have one.
        unsafe {
            let entity = from.add(row).read();
            to.add(new_row).write(entity);
            self.place(entity, target, new_row);
        }
    }

    /// Ends the id of a row of `source`.
    ///
    /// # Safety
    /// - The source has the row, whose entity is placed.
    /// - Nobody else moves, ends or fills the row, before or at the same time.
    /// - No id is foreign.
    ///
    /// # Panics
    /// If there is no such table.
    #[inline(always)]
    pub unsafe fn end(&self, source: TableId, row: usize) {
        // SAFETY: the caller's; as in `bring`.
        unsafe {
            let entity = self.tables[source.index()].ids.add(row).read();
            self.say(entity, Location::NOWHERE);
        }
    }

    /// Moves the id of `filler` into the place of a row of the same table, which has been
    /// [brought](Self::bring) elsewhere, or [ended](Self::end).
    ///
    /// # Safety
    /// - The source has both rows. The row was brought or ended, and has not been filled;
    ///   the filler, whose entity is placed, was neither brought nor ended, and fills no
    ///   other row.
    /// - Nobody else touches one of the rows afterwards or at the same time.
    ///
    /// # Panics
    /// If there is no such table.
    #[inline(always)]
    pub unsafe fn fill(&self, source: TableId, row: usize, filler: usize) {
        let ids = self.tables[source.index()].ids;
        // SAFETY: the caller's.
        unsafe {
            let moved = ids.add(filler).read();
            ids.add(row).write(moved);
            self.place(moved, source, row);
        }
    }

    /// Says where a home id is.
    ///
    /// # Safety
    /// It is placed, and nobody else says so at the same time.
    #[inline(always)]
    unsafe fn place(&self, entity: EntityId, table: TableId, row: usize) {
        // SAFETY: the caller's.
        unsafe { self.say(entity, Location::new(entity.generation(), table, row)) }
    }

    /// As `place`.
    ///
    /// # Safety
    /// As there.
    #[inline(always)]
    unsafe fn say(&self, entity: EntityId, location: Location) {
        if let Some(locations) = self.locations {
            // SAFETY: the caller's.
            unsafe { locations.add(entity.index() as usize).write(location) }
        }
    }
}

impl std::fmt::Debug for Relocation<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Relocation").field("tables", &self.tables.len()).finish_non_exhaustive()
    }
}
