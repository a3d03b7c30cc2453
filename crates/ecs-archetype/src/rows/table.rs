//! Columns of one length, beside the ids of the entities whose rows they are.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{ComponentId, ComponentSet, RawArray};
use ecs_storage_api::{Location, StorageError};

use super::panics::Panics;
use crate::column::{Column, Ids, MoveRow, move_row};

/// Entities with the same components: their ids, and a column a component, in
/// ascending order of component id.
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
    /// Moves a row's values to another row.
    pub(super) move_row: MoveRow,
}

impl Table {
    pub(super) fn new(components: ComponentSet) -> Self {
        let columns: Vec<_> =
            components.iter().map(|component| Column::new(component.info())).collect();
        let drops = columns.iter().any(|column| column.info.drop_fn().is_some());
        let move_row = move_row(&columns);
        Self { components, ids: Ids::new(), columns, capacity: 0, drops, move_row }
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

    /// Gives every array room for exactly `capacity` rows.
    pub(super) fn resize(&mut self, capacity: usize) {
        self.arrays().for_each(|array| array.resize(capacity));
        self.capacity = capacity;
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
