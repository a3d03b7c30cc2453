//! The way from one table to another, for rows that go there one by one.

use std::ptr::NonNull;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::EntityId;

use super::pages::Pages;
use super::{Directory, Location, TableEntry, TableId};
use crate::changes::{PAGE_ROWS, Version};

/// Where the rows of two tables are counted and named, so that a row goes from the one
/// to the other, or to the end of the other, without a look for either.
///
/// It is true as long as both tables are there, and neither is [cleared](Directory::clear_table),
/// gets [other ids](Directory::set_ids) or [room for rows](Directory::try_reserve_rows); and
/// no table is added, nor [room for one](Directory::try_reserve_table) asked for.
#[derive(Debug, Clone, Copy)]
pub struct Passage {
    pub(super) source: TableRows,
    pub(super) target: TableRows,
    /// The place of the target's row 0, in generation 0.
    pub(super) first: Location,
}

impl Passage {
    /// Leads nowhere, and is never true.
    pub const NONE: Self =
        Self { source: TableRows::NONE, target: TableRows::NONE, first: Location::NOWHERE };

    /// Returns how many rows the target has.
    ///
    /// # Safety
    /// It is true, and nobody changes the directory meanwhile.
    #[inline(always)]
    pub unsafe fn target_len(&self) -> usize {
        // SAFETY: the caller's.
        unsafe { self.target.len.read() }
    }
}

/// The ids of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct TableRows {
    len: NonNull<usize>,
    ids: NonNull<EntityId>,
    /// When rows of each page came or were moved.
    pages: NonNull<AtomicU64>,
}

impl TableRows {
    const NONE: Self =
        Self { len: NonNull::dangling(), ids: NonNull::dangling(), pages: NonNull::dangling() };

    /// Puts an id behind the last one, and stamps its page; returns its row.
    ///
    /// # Safety
    /// The addresses are up to date, nobody else uses what lies there, and there is room
    /// for the row.
    #[inline(always)]
    pub(super) unsafe fn push(&self, entity: EntityId, now: Version) -> usize {
        // SAFETY: the caller's.
        unsafe {
            let row = self.len.read();
            self.len.write(row + 1);
            self.ids.add(row).write(entity);
            self.stamp(row, now);
            row
        }
    }

    /// Takes the last id away and puts it in the place of `row`, whose page is
    /// stamped; returns it and its row.
    ///
    /// # Safety
    /// As [`push`](Self::push); and there is such a row.
    #[inline(always)]
    pub(super) unsafe fn swap_remove(&self, row: usize, now: Version) -> (EntityId, usize) {
        // SAFETY: the caller's: both rows are initialised.
        unsafe {
            let last = self.len.read() - 1;
            debug_assert!(row <= last);
            self.len.write(last);
            let moved = self.ids.add(last).read();
            self.ids.add(row).write(moved);
            self.stamp(row, now);
            (moved, last)
        }
    }

    /// # Safety
    /// The pages are up to date, and cover the row.
    #[inline(always)]
    unsafe fn stamp(&self, row: usize, now: Version) {
        // SAFETY: the caller's. Relaxed: a number, which orders nothing else.
        unsafe { self.pages.add(row / PAGE_ROWS).as_ref().store(now.get(), Ordering::Relaxed) }
    }
}

impl Directory {
    /// Returns the way from one table to another.
    ///
    /// # Panics
    /// If there is no such table.
    pub fn passage(&mut self, source: TableId, target: TableId) -> Passage {
        let count = self.tables.len();
        assert!(source.index() < count && target.index() < count, "a passage is between tables");
        // SAFETY: both tables exist.
        let [source, end] = [source, target].map(|table| unsafe { self.table_rows(table) });
        Passage { source, target: end, first: Location::new(0, target, 0) }
    }

    /// Returns where a table's rows are counted and named.
    ///
    /// # Safety
    /// The table exists.
    #[inline(always)]
    pub(super) unsafe fn table_rows(&mut self, table: TableId) -> TableRows {
        debug_assert!(table.index() < self.tables.len());
        // SAFETY: the caller's; a list of pages has an address. It and that of the count are
        // made of the address of the whole list, not of a borrow of the entry: so they stay
        // good when entries are borrowed again.
        unsafe {
            let entry: *mut TableEntry = self.tables.as_mut_ptr().add(table.index());
            let pages = Pages::first_of(&raw mut (*entry).pages);
            let pages = NonNull::new_unchecked(pages.cast_mut());
            TableRows {
                len: NonNull::new_unchecked(&raw mut (*entry).len),
                ids: (*entry).ids,
                pages,
            }
        }
    }
}
