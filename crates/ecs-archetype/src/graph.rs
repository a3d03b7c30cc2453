//! Which table a row comes to when components are added or taken away.
//!
//! Plans are kept for good, and found by the kind of bundle or, where it has no
//! type, by its components.

use std::any::TypeId;
use std::collections::hash_map::Entry;

use ahash::AHashMap;
use ecs_core::{BundleKind, ComponentId, ComponentIds, ComponentSet};
use ecs_storage_api::{BundleError, StorageError, TableId, reserve_map};

use crate::rows::{Kinds, Plan, Rows, TypedEdge};

/// Whether components come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    Insert,
    Remove,
}

/// What leads from one table to another.
type Edge = (Change, TableId, ComponentIds);

/// The tables by their components, and the plans between them.
#[derive(Debug)]
pub(crate) struct Graph {
    tables: Tables,
    /// Where components come, and where they go.
    by_kind: [Kinds; 2],
    by_components: AHashMap<Edge, Plan>,
}

impl Graph {
    pub(crate) fn new() -> Self {
        Self {
            tables: AHashMap::from_iter([(ComponentSet::new(), Rows::EMPTY)]),
            by_kind: [Kinds::new(), Kinds::new()],
            by_components: AHashMap::new(),
        }
    }

    /// Returns the table for a component set, made at the first call.
    pub(crate) fn table(
        &mut self,
        rows: &mut Rows,
        components: ComponentSet,
    ) -> Result<TableId, StorageError> {
        table_of(&mut self.tables, rows, components)
    }

    /// Returns the table for components in ascending order, and whether it was made
    /// for this call.
    ///
    /// # Errors
    /// [`StorageError::Capacity`] or [`StorageError::OutOfMemory`]; then there is no
    /// new table.
    pub(crate) fn table_for(
        &mut self,
        rows: &mut Rows,
        components: &[ComponentId],
    ) -> Result<(TableId, bool), StorageError> {
        if let Some(&table) = self.tables.get(components) {
            return Ok((table, false));
        }
        let components = copy_of(components)?;
        Ok((table_of(&mut self.tables, rows, components)?, true))
    }

    /// Removes a table without rows that no plan knows.
    pub(crate) fn remove_table(&mut self, rows: &mut Rows, table: TableId) {
        self.tables.remove(rows.components(table));
        rows.remove_table(table);
    }

    /// Removes the tables without rows, and every plan, since it may lead to one
    /// of them; returns how many tables that were.
    pub(crate) fn remove_empty_tables(&mut self, rows: &mut Rows) -> usize {
        let before = self.tables.len();
        rows.remove_empty_tables(|components| {
            self.tables.remove(components);
        });
        if self.tables.len() != before {
            let tables = std::mem::take(&mut self.tables);
            *self = Self { tables, ..Self::new() };
        }
        before - self.tables.len()
    }

    /// Forgets the tables that came after the first `count`, which are gone, and every
    /// plan, since it may lead to one of them.
    pub(crate) fn keep_first(&mut self, count: usize) {
        let before = self.tables.len();
        self.tables.retain(|_, table| table.index() < count);
        if self.tables.len() != before {
            let tables = std::mem::take(&mut self.tables);
            *self = Self { tables, ..Self::new() };
        }
    }

    /// Returns the plan that was asked for last where components of the type that `key`
    /// names come or go, or another one.
    #[inline(always)]
    pub(crate) fn recent(&self, change: Change, key: TypeId) -> &Plan {
        self.by_kind[change as usize].recent(key)
    }

    /// Asks for the plan for rows of the table of that number where components of the type
    /// that `key` names come or go; returns it if it is known.
    pub(crate) fn turn_to(&mut self, change: Change, table: u64, key: TypeId) -> Option<&Plan> {
        self.by_kind[change as usize].turn_to(TypedEdge { table, key })
    }

    /// Returns the plan for rows of `table`, made at the first call.
    ///
    /// # Errors
    /// [`StorageError::Bundle`] if a component is to be inserted twice.
    pub(crate) fn plan(
        &mut self,
        rows: &mut Rows,
        change: Change,
        table: TableId,
        kind: &BundleKind,
    ) -> Result<&mut Plan, StorageError> {
        let Self { tables, by_kind, by_components } = self;
        if let Some(key) = kind.key() {
            let edge = TypedEdge { table: table.0.into(), key };
            let make = || make(tables, rows, change, table, kind);
            return by_kind[change as usize].get_or_make(edge, make);
        }
        match by_components.entry((change, table, kind.component_ids())) {
            Entry::Occupied(known) => Ok(known.into_mut()),
            Entry::Vacant(new) => Ok(new.insert(make(tables, rows, change, table, kind)?)),
        }
    }
}

/// The tables by their components.
type Tables = AHashMap<ComponentSet, TableId>;

/// Returns the table for a component set, made at the first call.
fn table_of(
    tables: &mut Tables,
    rows: &mut Rows,
    components: ComponentSet,
) -> Result<TableId, StorageError> {
    if let Some(&table) = tables.get(&components) {
        return Ok(table);
    }
    reserve_map(tables, 1, "the list of archetypes")?;
    let key = copy_of(components.as_slice())?;
    let table = rows.add_table(components)?;
    tables.insert(key, table);
    Ok(table)
}

fn copy_of(components: &[ComponentId]) -> Result<ComponentSet, StorageError> {
    let what = "the components of an archetype";
    ComponentSet::try_from_sorted(components).map_err(StorageError::no_memory(what))
}

/// Makes the plan for rows of `source`.
fn make(
    tables: &mut Tables,
    rows: &mut Rows,
    change: Change,
    source: TableId,
    kind: &BundleKind,
) -> Result<Plan, StorageError> {
    let ids = kind.component_ids();
    let mut components = rows.components(source).clone();
    match change {
        Change::Insert => {
            if let Some(twice) = kind.duplicate() {
                return Err(BundleError::Duplicate(twice).into());
            }
            components.extend(ids.iter().copied());
            let target = table_of(tables, rows, components)?;
            Ok(rows.plan_insert(source, target, kind))
        }
        Change::Remove => {
            for &id in &ids {
                components.remove(id);
            }
            let target = table_of(tables, rows, components)?;
            Ok(rows.plan_remove(source, target, kind))
        }
    }
}
