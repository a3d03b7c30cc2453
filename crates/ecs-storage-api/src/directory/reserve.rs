//! Room in a directory, asked for where memory may be refused: whoever reserves
//! first changes afterwards without asking.

use ecs_core::ComponentId;

use super::{ComponentEntry, Directory, Location, TableId};
use crate::error::StorageError;
use crate::reserve::{reserve_list, reserve_map};

/// What the memory is for, in errors.
const TABLE: &str = "what is known of an archetype";

impl Directory {
    /// Makes room for one more table, with these components and no rows.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused; nothing that shows has
    /// changed.
    pub fn try_reserve_table(&mut self, components: &[ComponentId]) -> Result<(), StorageError> {
        // What records have of where pages lie may not be true any more.
        self.changes += 1;
        reserve_list(&mut self.tables, 1, TABLE)?;
        reserve_list(&mut self.columns, 1, TABLE)?;
        reserve_list(&mut self.next_columns, components.len(), TABLE)?;
        let count = self.tables.len() + 1;
        let entries = components.iter().map(|id| id.index() + 1).max().unwrap_or(0);
        let missing = entries.saturating_sub(self.components.len());
        reserve_list(&mut self.components, missing, TABLE)?;
        while self.components.len() < entries {
            self.components.push(ComponentEntry::NONE);
        }
        for component in components {
            let entry = &mut self.components[component.index()];
            reserve_places(&mut entry.tables, count.div_ceil(64))?;
            reserve_places(&mut entry.columns, count)?;
            reserve_places(&mut entry.pages, count)?;
            if component.info().is_tracked() {
                reserve_places(&mut entry.ticks, count)?;
            }
        }
        Ok(())
    }

    /// Makes room for what is known of so many rows of a table and its columns.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused; nothing that shows has
    /// changed.
    pub fn try_reserve_rows(
        &mut self,
        table: TableId,
        components: &[ComponentId],
        rows: usize,
    ) -> Result<(), StorageError> {
        // What records have of where pages and lines lie may not be true any more.
        self.changes += 1;
        // The table's own pages last: by their number the columns' are made.
        for component in components {
            let entry = &mut self.components[component.index()];
            let pages = &mut entry.pages[table.index()];
            pages.try_cover(rows)?;
            if let Some(ticks) = entry.ticks.get_mut(table.index()) {
                ticks.lines.try_cover(pages.as_slice().len())?;
            }
        }
        self.tables[table.index()].pages.try_cover(rows)
    }

    /// Makes room for the locations of home ids below `end`, and for `foreign` more
    /// of other shards, and to note whoever is there as touched.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused; nothing that shows has
    /// changed.
    pub fn try_reserve_entities(&mut self, end: usize, foreign: usize) -> Result<(), StorageError> {
        const WHAT: &str = "the places of entities";
        self.try_reserve_touched(end, foreign)?;
        reserve_map(&mut self.foreign, foreign, WHAT)?;
        if end > self.locations.len() {
            let ample = end.max(self.locations.len() * 2).max(64);
            let room = self.locations.try_grow_to(ample, Location::NOWHERE);
            room.map_err(StorageError::no_memory(WHAT))?;
        }
        Ok(())
    }
}

/// Makes room for `count` places in all.
fn reserve_places<T>(list: &mut Vec<T>, count: usize) -> Result<(), StorageError> {
    reserve_list(list, count.saturating_sub(list.len()), TABLE)
}
