//! Which table a row comes to when components are added or taken away.
//!
//! Plans are kept for good, and found by the kind of bundle or, where it has no
//! type, by its components.

mod kinds;

use ahash::AHashMap;
use ecs_core::{BundleKind, ComponentIds, ComponentSet};
use ecs_storage_api::{BundleError, StorageError, TableId};

use crate::rows::{Plan, Rows};
use kinds::{Kinds, TypedEdge};

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
    tables: AHashMap<ComponentSet, TableId>,
    plans: Vec<Plan>,
    by_kind: Kinds,
    by_components: AHashMap<Edge, usize>,
}

impl Graph {
    pub(crate) fn new() -> Self {
        Self {
            tables: AHashMap::from_iter([(ComponentSet::new(), Rows::EMPTY)]),
            plans: Vec::new(),
            by_kind: Kinds::new(),
            by_components: AHashMap::new(),
        }
    }

    /// Returns the table for a component set, made at the first call.
    pub(crate) fn table(
        &mut self,
        rows: &mut Rows,
        components: ComponentSet,
    ) -> Result<TableId, StorageError> {
        if let Some(&table) = self.tables.get(&components) {
            return Ok(table);
        }
        let table = rows.add_table(components.clone())?;
        self.tables.insert(components, table);
        Ok(table)
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

    /// Returns the plan for rows of `table`, made at the first call.
    ///
    /// `kind` is called rather than handed over: where the plan is known,
    /// nothing of it but the key is ever looked at.
    ///
    /// # Errors
    /// [`StorageError::Bundle`] if a component is to be inserted twice.
    #[inline(always)]
    pub(crate) fn plan(
        &mut self,
        rows: &mut Rows,
        change: Change,
        table: TableId,
        kind: impl Fn() -> BundleKind,
    ) -> Result<&mut Plan, StorageError> {
        let known =
            kind().key().and_then(|key| self.by_kind.get(TypedEdge::new(change, table, key)));
        let plan = match known {
            Some(plan) => plan,
            None => self.find(rows, change, table, &kind())?,
        };
        Ok(&mut self.plans[plan])
    }

    #[cold]
    #[inline(never)]
    fn find(
        &mut self,
        rows: &mut Rows,
        change: Change,
        table: TableId,
        kind: &BundleKind,
    ) -> Result<usize, StorageError> {
        if let Some(key) = kind.key() {
            let plan = self.make(rows, change, table, kind)?;
            self.by_kind.insert(TypedEdge::new(change, table, key), plan);
            return Ok(plan);
        }
        let edge = (change, table, kind.component_ids());
        if let Some(&plan) = self.by_components.get(&edge) {
            return Ok(plan);
        }
        let plan = self.make(rows, change, table, kind)?;
        self.by_components.insert(edge, plan);
        Ok(plan)
    }

    fn make(
        &mut self,
        rows: &mut Rows,
        change: Change,
        source: TableId,
        kind: &BundleKind,
    ) -> Result<usize, StorageError> {
        let ids = kind.component_ids();
        let mut components = rows.components(source).clone();
        let plan = match change {
            Change::Insert => {
                if let Some(twice) = kind.duplicate() {
                    return Err(BundleError::Duplicate(twice).into());
                }
                components.extend(ids.iter().copied());
                let target = self.table(rows, components)?;
                rows.plan_insert(source, target, kind)
            }
            Change::Remove => {
                for &id in &ids {
                    components.remove(id);
                }
                let target = self.table(rows, components)?;
                rows.plan_remove(source, target)
            }
        };
        self.plans.push(plan);
        Ok(self.plans.len() - 1)
    }
}
