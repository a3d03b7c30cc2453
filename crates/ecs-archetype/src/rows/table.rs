//! Columns of one length, beside the ids of the entities whose rows they are.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{ComponentId, ComponentSet, RawArray};
use ecs_storage_api::{Location, StorageError, Version, reserve_list};

use super::panics::Panics;
use crate::column::{Column, Ids, MoveRow, move_row};

/// What the memory of a new table is for, in errors.
const COLUMNS: &str = "the columns of an archetype";

/// Entities with the same components: their ids, and a column a component, in
/// ascending order of component id. Behind them come columns of ticks, which so
/// go wherever the rows go: for each tracked component when its values changed,
/// and when they came.
///
/// How many rows it has, the directory knows.
#[derive(Debug)]
pub(super) struct Table {
    pub(super) components: ComponentSet,
    pub(super) ids: Ids,
    pub(super) columns: Vec<Column>,
    /// How many rows ids and columns have room for.
    pub(super) capacity: usize,
    /// Whether some component needs to be dropped.
    pub(super) drops: bool,
    /// The tracked components.
    pub(super) tracked: Vec<Tracked>,
    /// Whether something is to be done when a row ends, beside the copying.
    pub(super) minds_ends: bool,
    /// Moves a row's values to another row.
    pub(super) move_row: MoveRow,
}

/// A tracked component of a table.
#[derive(Debug, Clone, Copy)]
pub(super) struct Tracked {
    /// The place of its column.
    pub(super) column: u16,
    /// The place of the column of ticks at which its values changed.
    pub(super) changed: u16,
    /// The place of the column of ticks at which its values came.
    pub(super) added: u16,
}

impl Table {
    /// Makes a table without rows.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused.
    pub(super) fn new(components: ComponentSet) -> Result<Self, StorageError> {
        let mut table = Self::without_ticks(components)?;
        let tracked = table.components.iter().filter(|id| id.info().is_tracked()).count();
        reserve_list(&mut table.columns, 2 * tracked, COLUMNS)?;
        reserve_list(&mut table.tracked, tracked, COLUMNS)?;
        for (column, id) in (0..=u16::MAX).zip(table.components.iter()) {
            if id.info().is_tracked() {
                let changed = table.columns.len() as u16;
                table.columns.extend([Column::of_ticks(), Column::of_ticks()]);
                table.tracked.push(Tracked { column, changed, added: changed + 1 });
            }
        }
        table.minds_ends |= !table.tracked.is_empty();
        table.move_row = move_row(&table.columns);
        Ok(table)
    }

    /// Makes a table without components.
    pub(super) fn empty() -> Self {
        Self::new(ComponentSet::new()).expect("no components need no memory")
    }

    /// Makes a table for rows that are nobody's yet: when they came is still to
    /// be said.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused.
    pub(super) fn without_ticks(components: ComponentSet) -> Result<Self, StorageError> {
        let mut columns = Vec::new();
        reserve_list(&mut columns, components.len(), COLUMNS)?;
        columns.extend(components.iter().map(|component| Column::new(component.info())));
        let drops = columns.iter().any(|column| column.drop_fn().is_some());
        let (ids, tracked) = (Ids::new(), Vec::new());
        let move_row = move_row(&columns);
        let minds_ends = drops;
        Ok(Self { components, ids, columns, capacity: 0, drops, tracked, minds_ends, move_row })
    }

    /// Returns the columns of components, without those of ticks.
    pub(super) fn values(&self) -> &[Column] {
        &self.columns[..self.components.len()]
    }

    /// Returns what is tracked of a component, by the place of its column.
    pub(super) fn tracked(&self, column: usize) -> Option<Tracked> {
        self.tracked.iter().find(|tracked| tracked.column as usize == column).copied()
    }

    /// Returns the place of the column where another table's column goes, if there
    /// is one.
    pub(super) fn counterpart(&self, other: &Self, column: usize) -> Option<usize> {
        if let Some(&component) = other.components.as_slice().get(column) {
            return self.column(component);
        }
        let ticks = |tracked: &&Tracked| {
            tracked.changed as usize == column || tracked.added as usize == column
        };
        let theirs = other.tracked.iter().find(ticks)?;
        let component = other.components.as_slice()[theirs.column as usize];
        let ours = self.tracked(self.column(component)?)?;
        let ticks = if theirs.changed as usize == column { ours.changed } else { ours.added };
        Some(ticks as usize)
    }

    /// Stamps rows of the columns of ticks at these places.
    ///
    /// # Safety
    /// The columns have room for the rows.
    pub(super) unsafe fn stamp(&mut self, places: &[u16], rows: Range<usize>, now: Version) {
        for &place in places {
            let column = &self.columns[place as usize];
            assert!(column.is_of_ticks(), "ticks are written where ticks are");
            for row in rows.clone() {
                // SAFETY: the caller's; it is a column of ticks.
                unsafe { column.at(row).cast::<u32>().write(now.tick()) }
            }
        }
    }

    /// Stamps rows that came, in every column of ticks.
    ///
    /// # Safety
    /// The columns have room for the rows.
    pub(super) unsafe fn stamp_new(&mut self, rows: Range<usize>, now: Version) {
        for at in 0..self.tracked.len() {
            let Tracked { changed, added, .. } = self.tracked[at];
            // SAFETY: the caller's.
            unsafe { self.stamp(&[changed, added], rows.clone(), now) }
        }
    }

    /// Returns the place of a component's column.
    pub(super) fn column(&self, component: ComponentId) -> Option<usize> {
        self.components.as_slice().binary_search(&component).ok()
    }

    fn arrays(&mut self) -> impl Iterator<Item = &mut RawArray> {
        let columns = self.columns.iter_mut().map(|column| &mut column.values);
        std::iter::once(&mut self.ids.0).chain(columns)
    }

    /// Checks that there can be `needed` rows.
    ///
    /// # Errors
    /// [`StorageError::Capacity`] if not.
    pub(super) fn check_capacity(&mut self, needed: usize) -> Result<(), StorageError> {
        if needed > Location::MAX_ROWS {
            return Err(StorageError::Capacity {
                what: "the rows of an archetype",
                limit: Location::MAX_ROWS as u64,
            });
        }
        if !self.arrays().all(|array| array.fits(needed)) {
            return Err(StorageError::Capacity {
                what: "the bytes of a column",
                limit: isize::MAX as u64,
            });
        }
        Ok(())
    }

    /// Chooses a capacity for `needed` rows, and for `least` or eight where there
    /// can be so many.
    ///
    /// # Errors
    /// As [`check_capacity`](Self::check_capacity).
    pub(super) fn capacity_for(
        &mut self,
        needed: usize,
        least: usize,
    ) -> Result<usize, StorageError> {
        self.check_capacity(needed)?;
        let ample = needed.max(least).clamp(8, Location::MAX_ROWS);
        Ok(if self.arrays().all(|array| array.fits(ample)) { ample } else { needed })
    }

    /// Gives every array room for exactly `capacity` rows. How many rows the table
    /// has room for is still to be said.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused; then some arrays have
    /// moved and have more room than the table, none has less.
    pub(super) fn try_resize(&mut self, capacity: usize) -> Result<(), StorageError> {
        let mut arrays = self.arrays();
        let resized = arrays.try_for_each(|array| array.try_resize(capacity));
        resized.map_err(StorageError::no_memory("the rows of an archetype"))
    }

    /// Finds out how many rows there is room for, after arrays were exchanged.
    pub(super) fn measure(&mut self) {
        self.capacity = self.arrays().map(|array| array.capacity()).min().unwrap_or(0);
    }

    /// Drops the values of `count` rows from `start` on, which nobody counts; all
    /// of them, also when some panic.
    ///
    /// # Safety
    /// Every column that needs dropping holds values there, which nobody uses
    /// afterwards.
    pub(super) unsafe fn drop_rows(&mut self, start: usize, count: usize, panics: &mut Panics) {
        if !self.drops || count == 0 {
            return;
        }
        for column in &mut self.columns {
            // SAFETY: the caller's.
            let drop = AssertUnwindSafe(|| unsafe { column.drop_rows(start, count) });
            panics.keep(catch_unwind(drop));
        }
    }

    /// Exchanges a row's values in some columns with those of a row that nobody
    /// counts, and drops these; all of them, also when some panic.
    ///
    /// # Safety
    /// Both rows hold values in these columns, and nobody uses those of `spare`
    /// afterwards.
    pub(super) unsafe fn swap_and_drop(&mut self, columns: &[u16], row: usize, spare: usize) {
        for &column in columns {
            // SAFETY: the caller's.
            unsafe { self.columns[column as usize].swap_rows(row, spare, 1) };
        }
        let mut panics = Panics::new();
        for &column in columns {
            let column = &mut self.columns[column as usize];
            // SAFETY: the caller's: the replaced value lies there now.
            let drop = AssertUnwindSafe(|| unsafe { column.drop_rows(spare, 1) });
            panics.keep(catch_unwind(drop));
        }
        panics.go_on();
    }
}
