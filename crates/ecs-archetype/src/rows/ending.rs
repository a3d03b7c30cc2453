//! Rows that end one by one, and nothing more with them.

use std::ptr::NonNull;

use ecs_core::EntityId;
use ecs_storage_api::{Location, Passage};

use super::Rows;
use crate::column::{Column, MoveRow};

/// A table where the end of an entity is the end of its row and nothing more: no value
/// needs to be dropped, and none is tracked.
///
/// [`Rows`] remembers the last one, so that where the next entity is need not be waited
/// for: a processor that guesses the same table has all addresses at once.
#[derive(Debug, Clone, Copy)]
pub(super) struct Ending {
    /// The number of the table.
    table: u64,
    /// From the table to itself.
    passage: Passage,
    columns: NonNull<[Column]>,
    move_row: MoveRow,
}

// SAFETY: the addresses are of the tables of the `Rows` that have it, and are used
// through a mutable borrow of them alone.
unsafe impl Send for Ending {}
// SAFETY: as above.
unsafe impl Sync for Ending {}

impl Ending {
    /// Of no table. That is what is remembered after addresses have changed.
    pub(super) fn of_none() -> Self {
        Self {
            table: u64::MAX,
            passage: Passage::NONE,
            columns: NonNull::from(&mut []),
            move_row: crate::column::move_row(&[]),
        }
    }
}

/// An entity that was found at home, in the table where one ended last; to be used before
/// anything else changes.
#[derive(Debug, Clone, Copy)]
pub(crate) struct AtEnd(Location);

impl Rows {
    /// Returns where an entity is, if it is in the table where one ended last.
    #[inline(always)]
    pub(crate) fn at_end(&self, entity: EntityId) -> Option<AtEnd> {
        let seen = self.directory.sight_home(entity)?;
        seen.within(self.ending.table).map(AtEnd)
    }

    /// As [`at_end`](Self::at_end), in whichever table the entity is, if its end is that
    /// of its row.
    pub(crate) fn turn_to_end(&mut self, entity: EntityId) -> Option<AtEnd> {
        let at = self.directory.sight_home(entity)?.among(self.tables.len())?;
        let (table, source) = (at.table(), &self.tables[at.table().index()]);
        if source.minds_ends {
            return None;
        }
        // Of the list itself, not of a borrow of it, so that it stays good when columns are
        // borrowed again.
        let first = NonNull::new(source.columns.as_ptr().cast_mut()).expect("an address");
        self.ending = Ending {
            table: u64::from(table.0),
            columns: NonNull::slice_from_raw_parts(first, source.columns.len()),
            move_row: source.move_row,
            passage: self.directory.passage(table, table),
        };
        Some(AtEnd(at))
    }

    /// Ends an entity.
    #[inline(always)]
    pub(crate) fn end_plainly(&mut self, entity: EntityId, AtEnd(at): AtEnd) {
        debug_assert!(self.ending.table == u64::from(at.table().0));
        self.count -= 1;
        let Ending { passage, columns, move_row, .. } = &self.ending;
        // SAFETY: the entity was found there, and no id is foreign; the addresses are those
        // of its table, which are forgotten when they change. The directory is told what
        // is done, and says which is the last row; both were counted. Values that are not
        // dropped may be lost.
        unsafe {
            let last = self.directory.swap_remove_home(entity, at, passage);
            move_row(columns.as_ref(), last, at.row());
        }
    }
}
