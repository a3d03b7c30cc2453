//! Bundles that are written and not yet anybody's.

use ecs_core::{
    BundleBatch, BundleKind, ComponentId, ComponentSet, ErasedSlice, RowTargets, RowWriter,
};
use ecs_storage_api::{BundleError, StorageError};

use super::panics::Panics;
use super::table::Table;

/// Rows of a kind of bundle, written before any entity is touched: a bundle that
/// panics, or is missing, has no effect.
#[derive(Debug)]
pub(crate) struct Staged {
    pub(super) table: Table,
    /// How many rows hold values that end with this.
    owned: usize,
    /// How many rows were written.
    pub(super) rows: usize,
}

impl Staged {
    /// Writes the first `count` rows of a batch.
    ///
    /// # Errors
    /// [`BundleError::Short`] if there are fewer;
    /// [`StorageError::Capacity`] if there can't be so many, or
    /// [`StorageError::OutOfMemory`] if memory for them is refused.
    pub(crate) fn write(
        kind: &BundleKind,
        batch: &mut dyn BundleBatch,
        count: usize,
    ) -> Result<Self, StorageError> {
        let ids = kind.component_ids();
        let mut table = Table::without_ticks(ids.iter().copied().collect())?;
        table.check_capacity(count)?;
        table.try_resize(count)?;
        table.measure();
        let mut staged = Self { table, owned: 0, rows: count };
        let mut targets = RowTargets::new(kind);
        for (at, &id) in ids.iter().enumerate() {
            let column = staged.column(id).expect("the table has the bundle's components");
            targets.set_address(at, staged.table.columns[column].values.first());
        }
        // SAFETY: each target is a column of the table, which has room for
        // `count` rows, that hold nothing. As many as are counted in `owned` are
        // written, also if this panics.
        batch.write(unsafe { RowWriter::new(&targets, 0..count, &mut staged.owned) });
        match staged.owned {
            bundles if bundles < count => {
                Err(BundleError::Short { bundles, entities: count }.into())
            }
            _ => Ok(staged),
        }
    }

    /// Stages rows without values.
    pub(crate) fn without_values(count: usize) -> Result<Self, StorageError> {
        let table = Table::without_ticks(ComponentSet::new())?;
        Ok(Self { table, owned: 0, rows: count })
    }

    /// Returns the place of a component's column.
    pub(super) fn column(&self, component: ComponentId) -> Option<usize> {
        self.table.column(component)
    }

    /// Returns the values of each component.
    pub(super) fn values(&self) -> impl Iterator<Item = ErasedSlice<'_>> {
        // SAFETY: the rows that are owned hold values.
        self.table.values().iter().map(|column| unsafe { column.slice(self.owned) })
    }

    /// Gives the values up: whoever moves them is who ends them.
    pub(super) fn hand_out(&mut self) {
        self.owned = 0;
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        let mut panics = Panics::new();
        // SAFETY: the rows that are owned hold values, and this is the end of
        // them.
        unsafe { self.table.drop_rows(0, self.owned, &mut panics) };
        panics.go_on_unless_panicking();
    }
}
