//! Rows that come, go and move, in step with the tables that a directory tells of.

use std::ops::Range;
use std::ptr::NonNull;

use ecs_core::EntityId;

use super::passage::TableRows;
use super::{Directory, Location, Passage, TableEntry, TableId};

impl Directory {
    /// Counts the row behind a table's last as an entity's, and writes its id.
    ///
    /// # Safety
    /// - The table exists, and its ids have room for the row.
    /// - While the directory is lent, the row is initialised in every column.
    /// - The entity is nowhere else, nor is another of the home shard that has its
    ///   index.
    #[inline(always)]
    pub unsafe fn push(&mut self, table: TableId, entity: EntityId) {
        self.changes += 1;
        let now = self.present();
        // SAFETY: the caller's.
        let row = unsafe { self.table_rows(table).push(entity, now) };
        self.place(entity, Location::new(entity.generation(), table, row));
        self.touch(entity);
    }

    /// As [`push`](Self::push), of an entity of the home shard, to the end of a passage.
    ///
    /// # Safety
    /// As there; it is of the home shard; and the passage is true, and of this
    /// directory.
    #[inline(always)]
    pub unsafe fn push_home(&mut self, passage: &Passage, entity: EntityId) {
        self.changes += 1;
        debug_assert!(self.home == entity.high() & Self::SHARD);
        let now = self.present();
        // SAFETY: the caller's: the table is borrowed with the directory.
        let row = unsafe { passage.target.push(entity, now) };
        let location = passage.first.below(row).of_generation(entity.generation());
        match self.locations.get_mut(entity.index() as usize) {
            Some(place) => *place = location,
            None => self.place_far(entity, location),
        }
        self.touch(entity);
    }

    /// Counts the rows behind a table's last as those of `entities`, and writes
    /// their ids. The last of them are the home ids of generation 0 whose
    /// indices are `fresh`, ascending.
    ///
    /// # Safety
    /// As [`push`](Self::push), for each row; and `fresh` is as said.
    pub unsafe fn push_many(&mut self, table: TableId, entities: &[EntityId], fresh: Range<u32>) {
        self.changes += 1;
        self.touch_all(entities);
        let now = self.present();
        // SAFETY: the caller's.
        let start = unsafe {
            let entry = self.entry(table);
            let start = entry.len;
            let ids = entry.ids.add(start);
            ids.copy_from_nonoverlapping(NonNull::from(entities).cast(), entities.len());
            entry.len = start + entities.len();
            entry.pages.mark(start..entry.len, now);
            start
        };
        let recycled = entities.len() - fresh.len();
        for (row, &entity) in (start..).zip(&entities[..recycled]) {
            self.place(entity, Location::new(entity.generation(), table, row));
        }
        if fresh.is_empty() {
            return;
        }
        let (first, end) = (fresh.start as usize, fresh.end as usize);
        let base = Location::new(0, table, start + recycled);
        let located = |offset: usize| base.below(offset);
        if first >= self.locations.len() {
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
    /// - The entity is at `at`, and that of each row of the table in its row.
    /// - While the directory is lent, the columns have changed in the same way.
    #[inline]
    pub unsafe fn swap_remove(&mut self, entity: EntityId, at: Location) -> usize {
        // SAFETY: the caller's: there is such a table.
        let rows = unsafe { self.table_rows(at.table()) };
        if self.is_plain() {
            // SAFETY: the caller's; no id is foreign.
            return unsafe { self.swap_remove_plainly(entity, at, &rows) };
        }
        self.changes += 1;
        let now = self.present();
        // SAFETY: the caller's: there is such a row.
        let (moved, last) = unsafe { rows.swap_remove(at.row(), now) };
        self.swap_places(moved, at.taken_by(moved, entity), entity);
        self.touch_moved(entity, moved, at.table(), last);
        last
    }

    /// As [`swap_remove`](Self::swap_remove), where no id is foreign and nobody wants to
    /// know who is touched.
    ///
    /// # Safety
    /// As there; [`sight_home`](Self::sight_home) found the entity; and the passage begins
    /// at its table, is true, and of this directory.
    #[inline(always)]
    pub unsafe fn swap_remove_home(
        &mut self,
        entity: EntityId,
        at: Location,
        passage: &Passage,
    ) -> usize {
        // SAFETY: the caller's; no id is foreign.
        unsafe { self.swap_remove_plainly(entity, at, &passage.source) }
    }

    /// # Safety
    /// As [`swap_remove`](Self::swap_remove); no id is foreign, and these are the rows of
    /// the entity's table.
    #[inline(always)]
    unsafe fn swap_remove_plainly(
        &mut self,
        entity: EntityId,
        at: Location,
        rows: &TableRows,
    ) -> usize {
        self.changes += 1;
        let now = self.present();
        // SAFETY: the caller's: there is such a row; both ids are placed, and none
        // is foreign. If the row is the last, `moved` is `entity`, and the second
        // location corrects the first.
        unsafe {
            let (moved, last) = rows.swap_remove(at.row(), now);
            self.place_home([(moved, at.taken_by(moved, entity)), (entity, Location::NOWHERE)]);
            last
        }
    }

    /// Moves the row of an entity to the end of another table, and lets the last
    /// one take its place; says so of their entities. Returns which was the last
    /// row.
    ///
    /// # Safety
    /// - The entity is at `at`, in the table where the passage begins, and that of each
    ///   row of this table in its row; the passage leads to another table, whose ids
    ///   have room for one more, is true, and of this directory.
    /// - While the directory is lent, the columns have changed in the same way.
    #[inline(always)]
    pub unsafe fn move_row(&mut self, entity: EntityId, at: Location, passage: &Passage) -> usize {
        if self.is_plain() {
            // SAFETY: the caller's; no id is foreign.
            return unsafe { self.move_row_home(entity, at, passage) };
        }
        // SAFETY: the caller's.
        let (moved, last, new_row) = unsafe { self.move_id(entity, at, passage) };
        let new_place = at.moved_to(passage.first, new_row);
        self.place_both(moved, at.taken_by(moved, entity), entity, new_place);
        self.touch_moved(entity, moved, at.table(), last);
        last
    }

    /// As [`move_row`](Self::move_row), where no id is foreign and nobody wants to know who
    /// is touched.
    ///
    /// # Safety
    /// As there; and [`sight_home`](Self::sight_home) found the entity.
    #[inline(always)]
    pub unsafe fn move_row_home(
        &mut self,
        entity: EntityId,
        at: Location,
        passage: &Passage,
    ) -> usize {
        // SAFETY: the caller's; both ids are placed, and none is foreign. If the
        // row is the last, `moved` is `entity`, and the second location corrects
        // the first.
        unsafe {
            let (moved, last, new_row) = self.move_id(entity, at, passage);
            let new_place = at.moved_to(passage.first, new_row);
            self.place_home([(moved, at.taken_by(moved, entity)), (entity, new_place)]);
            last
        }
    }

    /// Moves the id of a row to the end of another table, and lets the last one
    /// take its place. Returns this one and its row, and the new row.
    ///
    /// # Safety
    /// As [`move_row`](Self::move_row), but for the locations, which are yet to
    /// be said.
    #[inline(always)]
    unsafe fn move_id(
        &mut self,
        entity: EntityId,
        at: Location,
        passage: &Passage,
    ) -> (EntityId, usize, usize) {
        self.changes += 1;
        let now = self.present();
        // SAFETY: the caller's: the tables are borrowed with the directory, and are
        // two.
        unsafe {
            let (moved, last) = passage.source.swap_remove(at.row(), now);
            let new_row = passage.target.push(entity, now);
            (moved, last, new_row)
        }
    }

    /// Says where home ids are, one after the other.
    ///
    /// # Safety
    /// They are of the home shard, and are placed now.
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
        // their ids here; they are placed, and if nothing is foreign they are
        // home ids.
        unsafe {
            self.touch_rows(table, &rows);
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
            self.touch_rows(source, &rows);
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
    pub(super) unsafe fn ids_at<'a>(&self, table: TableId, rows: &Range<usize>) -> &'a [EntityId] {
        // SAFETY: the caller's.
        unsafe {
            let ids = self.tables[table.index()].ids.add(rows.start);
            std::slice::from_raw_parts(ids.as_ptr(), rows.len())
        }
    }

    /// Says where the entities of some rows that were moved are, by the ids that
    /// lie there.
    ///
    /// # Safety
    /// The table exists and has those rows; their entities are placed now,
    /// somewhere, and are nowhere else.
    pub unsafe fn relocate(&mut self, table: TableId, rows: Range<usize>) {
        self.changes += 1;
        let now = self.present();
        // SAFETY: the caller's.
        unsafe { self.entry(table) }.pages.mark(rows.clone(), now);
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
    /// It is of the home shard, and is placed now.
    #[inline(always)]
    unsafe fn home_location_mut(&mut self, entity: EntityId) -> &mut Location {
        debug_assert!(self.home == entity.high() & Self::SHARD);
        // SAFETY: the caller's: a home id that is placed has an entry.
        unsafe { self.locations.get_unchecked_mut(entity.index() as usize) }
    }

    /// Says where an entity is.
    #[inline(always)]
    pub(super) fn place(&mut self, entity: EntityId, location: Location) {
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
            self.look_for_rare();
        }
    }

    /// Makes room for the locations of home ids below `end`, if there is less: for
    /// exactly as many, but for `least` in all.
    pub fn reserve_exact(&mut self, end: usize, least: usize) {
        self.locations.reserve_exact(end.saturating_sub(self.locations.len()), least);
    }

    /// Returns for how many locations there is room.
    pub fn capacity(&self) -> usize {
        self.locations.capacity()
    }

    /// Makes room for home ids below `end`.
    fn reserve_locations(&mut self, end: usize) {
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
    pub(super) fn clear_location(&mut self, entity: EntityId) {
        if self.home == entity.high() & Self::SHARD {
            if let Some(location) = self.locations.get_mut(entity.index() as usize) {
                *location = Location::NOWHERE;
            }
        } else {
            self.foreign.remove(&entity);
            self.look_for_rare();
        }
    }
}
