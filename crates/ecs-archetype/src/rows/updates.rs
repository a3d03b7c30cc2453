//! What a batch of changes does to single rows, for which room was made before:
//! nothing here fails or asks for memory.

use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{ComponentId, EntityId, ErasedValue};
use ecs_storage_api::{StorageError, TableId};

use super::Rows;
use super::panics::Panics;

/// A component that comes to an entity, or goes.
#[derive(Debug)]
pub(crate) struct Change {
    pub(crate) entity: EntityId,
    /// Its number in the batch.
    pub(crate) order: usize,
    pub(crate) component: ComponentId,
    /// What comes, until it is there; `None` if the component goes.
    pub(crate) value: Option<ErasedValue>,
}

impl Rows {
    /// Makes room for `additional` more rows of a table.
    ///
    /// # Errors
    /// [`StorageError::Capacity`] or [`StorageError::OutOfMemory`]; nothing that
    /// shows has changed.
    pub(crate) fn make_room(
        &mut self,
        table: TableId,
        additional: usize,
    ) -> Result<(), StorageError> {
        self.reserve(table, additional)
    }

    /// Makes room to say where home ids below `end` are, and `foreign` more ids of
    /// other shards.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused; nothing that shows has
    /// changed.
    pub(crate) fn make_room_for_entities(
        &mut self,
        end: usize,
        foreign: usize,
    ) -> Result<(), StorageError> {
        self.directory.try_reserve_entities(end, foreign)
    }

    /// Returns the tracked components of a table.
    pub(crate) fn tracked(&self, table: TableId) -> impl Iterator<Item = ComponentId> + '_ {
        let table = &self.tables[table.index()];
        table.tracked.iter().map(|tracked| table.columns[tracked.column as usize].info().id())
    }

    /// Tells whether an entity that lives has a component.
    pub(crate) fn has(&self, entity: EntityId, component: ComponentId) -> bool {
        let at = self.locate(entity);
        at.is_some_and(|at| self.components(at.table()).contains(component))
    }

    /// Makes an entity of values in a table with just their components.
    ///
    /// # Panics
    /// If the table has other components, or no room was made.
    pub(crate) fn spawn_values(&mut self, id: TableId, entity: EntityId, values: Vec<ErasedValue>) {
        let (row, now) = (self.len(id), self.version());
        let table = &mut self.tables[id.index()];
        let complete = values.iter().all(|value| table.components.contains(value.id()))
            && table.components.iter().all(|id| values.iter().any(|value| value.id() == id));
        assert!(complete && row < table.capacity, "a row of the table's components has room");
        // SAFETY: there is room for the row, which nobody counts and which gets a
        // value in every column, ticks included; the entity is new, so it is nowhere
        // else.
        unsafe {
            for value in values {
                let column = table.column(value.id()).expect("its column was found");
                value.write_to(table.columns[column].at(row).as_ptr());
            }
            table.stamp_new(row..row + 1, now);
            self.directory.push(id, entity);
        }
        self.count += 1;
    }

    /// Replaces a component that an entity has; what it replaces is dropped, and a
    /// panic kept.
    ///
    /// # Panics
    /// If the entity has no such component.
    pub(crate) fn replace_value(
        &mut self,
        entity: EntityId,
        value: ErasedValue,
        panics: &mut Panics,
    ) {
        let directory = self.directory_mut();
        let place = directory.get_erased(entity, value.id());
        let old = place.expect("the entity has the component").replace(value);
        let drop = AssertUnwindSafe(|| drop(old.expect("it was found by the value's component")));
        panics.keep(catch_unwind(drop));
    }

    /// Moves an entity to another table, with the values that come there. What it
    /// loses is dropped, and panics are kept.
    ///
    /// # Panics
    /// If the entity is dead or in that table, a component of the table neither
    /// comes nor is kept, or no room was made.
    pub(crate) fn transfer(
        &mut self,
        entity: EntityId,
        target: TableId,
        changes: &mut [Change],
        panics: &mut Panics,
    ) {
        let at = self.locate(entity).expect("the entity lives");
        let (row, new_row, now) = (at.row(), self.len(target), self.version());
        let [from, to] = self
            .tables
            .get_disjoint_mut([at.table().index(), target.index()])
            .expect("an entity moves from one table to another");
        let comes = |id| changes.iter().flat_map(|change| &change.value).any(|v| v.id() == id);
        let complete = to.components.iter().all(|id| from.components.contains(id) != comes(id))
            && changes
                .iter()
                .flat_map(|change| &change.value)
                .all(|value| to.components.contains(value.id()));
        assert!(complete && new_row < to.capacity, "a row of the table's components has room");
        // SAFETY: the entity is there, and the target, which is another table, has
        // room for one row more. Counterparts are of the same component; `row` and
        // `last` hold values, the new row holds none and gets one in every column:
        // each is kept or comes.
        let last = unsafe {
            let passage = self.directory.passage(at.table(), target);
            let last = self.directory.move_row(entity, at, &passage);
            for column in 0..from.columns.len() {
                let there = to.counterpart(from, column);
                let column = &mut from.columns[column];
                match there {
                    Some(there) => {
                        column.move_rows_to(row, 1, to.columns[there].at(new_row));
                        if row != last {
                            column.move_rows(last, row, 1);
                        }
                    }
                    None if row != last => column.swap_rows(row, last, 1),
                    None => {}
                }
            }
            for value in changes.iter_mut().filter_map(|change| change.value.take()) {
                let column = to.column(value.id()).expect("its column was found");
                value.write_to(to.columns[column].at(new_row).as_ptr());
                if let Some(ticks) = to.tracked(column) {
                    to.stamp(&[ticks.changed, ticks.added], new_row..new_row + 1, now);
                }
            }
            last
        };
        for (at, component) in from.components.iter().enumerate() {
            if !to.components.contains(component) {
                let column = &mut from.columns[at];
                // SAFETY: the value that ends lies in the row that was the last,
                // and is no row's.
                let drop = AssertUnwindSafe(|| unsafe { column.drop_rows(last, 1) });
                panics.keep(catch_unwind(drop));
            }
        }
    }

    /// Ends the entities of a run of rows. Their values are dropped, and panics
    /// kept.
    ///
    /// # Panics
    /// If there are no such rows.
    pub(crate) fn despawn_run(&mut self, id: TableId, rows: Range<usize>, panics: &mut Panics) {
        let (len, count, now) = (self.len(id), rows.len(), self.version());
        let table = &self.tables[id.index()];
        // SAFETY: rows below the length are initialised.
        let entities = &unsafe { table.ids.as_slice(len) }[rows.clone()];
        for tracked in &table.tracked {
            let component = table.columns[tracked.column as usize].info().id();
            self.removed.note(component, entities.iter().copied(), now);
        }
        self.end_run(id, rows);
        // SAFETY: the values of the run were left behind the last row, and are no
        // row's.
        unsafe { self.tables[id.index()].drop_rows(len - count, count, panics) };
    }

    /// Notes that an entity loses a tracked component.
    pub(crate) fn note_loss(&mut self, entity: EntityId, component: ComponentId) {
        let now = self.version();
        self.removed.note(component, [entity], now);
    }
}
