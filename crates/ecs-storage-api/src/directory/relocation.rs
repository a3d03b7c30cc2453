//! Rows that move one by one between tables, or end, on several threads.

use std::ptr::NonNull;

use ecs_core::EntityId;

use super::{Directory, Location, TableEntry, TableId};

/// Moves the ids of single rows from tables to the ends of others, or ends them. The
/// lengths of the tables are told when all have moved.
pub struct Relocation<'d> {
    tables: &'d [TableEntry],
    /// Where home ids are said to be; `None` if some id is foreign.
    locations: Option<NonNull<Location>>,
}

// SAFETY: the directory is borrowed; what one step touches, the caller of another
// vouches not to touch at the same time.
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
    /// Moves the id of a row of `source` to a row of `target`, and that of
    /// `filler`, unless it is the same row, into its place. Says where the two
    /// are then, if no id is foreign; else [`relocate`](Directory::relocate) says
    /// so afterwards.
    ///
    /// # Safety
    /// - The source has `row` and `filler`, and the target, which is another
    ///   table, room for `new_row`.
    /// - The entities of the source's rows are placed.
    /// - No other step, before or at the same time, is of one of these rows.
    ///
    /// # Panics
    /// If there is no such table.
    #[inline(always)]
    pub unsafe fn step(
        &self,
        (source, row, filler): (TableId, usize, usize),
        (target, new_row): (TableId, usize),
    ) {
        let (from, to) = (self.tables[source.index()].ids, self.tables[target.index()].ids);
        // SAFETY: the caller's. Entities of different rows differ, and so do
        // their locations; home ids that are placed have one.
        unsafe {
            let entity = from.add(row).read();
            to.add(new_row).write(entity);
            self.place(entity, target, new_row);
            self.fill(source, row, filler);
        }
    }

    /// Ends the id of a row of `source`, and moves that of `filler`, unless it is the
    /// same row, into its place.
    ///
    /// # Safety
    /// - The source has `row` and `filler`, whose entities are placed.
    /// - No other step, before or at the same time, is of one of these rows.
    /// - No id is foreign.
    ///
    /// # Panics
    /// If there is no such table.
    #[inline(always)]
    pub unsafe fn end(&self, source: TableId, row: usize, filler: usize) {
        // SAFETY: the caller's; as in `step`.
        unsafe {
            let entity = self.tables[source.index()].ids.add(row).read();
            self.say(entity, Location::NOWHERE);
            self.fill(source, row, filler);
        }
    }

    /// Moves the id of `filler` into the place of a row, unless it is the same.
    ///
    /// # Safety
    /// As for `step`.
    #[inline(always)]
    unsafe fn fill(&self, source: TableId, row: usize, filler: usize) {
        if filler != row {
            let ids = self.tables[source.index()].ids;
            // SAFETY: the caller's.
            unsafe {
                let moved = ids.add(filler).read();
                ids.add(row).write(moved);
                self.place(moved, source, row);
            }
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
