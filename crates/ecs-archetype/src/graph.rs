//! Which table a row comes to when components are added or taken away.
//!
//! Plans are kept for good, and found by the kind of bundle: at first in a
//! small table without collisions lists, then by hash, and only at last by the
//! components themselves.

use std::any::TypeId;
use std::hash::{Hash, Hasher};

use ahash::AHashMap;
use ecs_core::{ComponentIds, ComponentSet};
use ecs_storage_api::{BundleError, StorageError, TableId};

use crate::rows::{Plan, Rows};

/// Whether components come or go.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Change {
    Insert,
    Remove,
}

/// What leads from one table to another: the kind of bundle, or its components.
type Edge<K> = (Change, TableId, K);

/// The plan that was last found for some edge.
#[derive(Debug, Clone, Copy)]
struct Recent {
    edge: Edge<TypeId>,
    plan: usize,
}

const RECENT: usize = 64;

/// The tables by their components, and the plans between them.
#[derive(Debug)]
pub(crate) struct Graph {
    tables: AHashMap<ComponentSet, TableId>,
    plans: Vec<Plan>,
    recent: [Option<Recent>; RECENT],
    by_kind: AHashMap<Edge<TypeId>, usize>,
    by_components: AHashMap<Edge<ComponentIds>, usize>,
}

impl Graph {
    pub(crate) fn new() -> Self {
        Self {
            tables: AHashMap::from_iter([(ComponentSet::new(), Rows::EMPTY)]),
            plans: Vec::new(),
            recent: [None; RECENT],
            by_kind: AHashMap::new(),
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

    /// Returns the plan for rows of `table`, made at the first call.
    ///
    /// `kind` names the bundle if it has a static one; `components` lists its
    /// ids, and is called only where the kind is new or missing.
    #[inline]
    pub(crate) fn plan(
        &mut self,
        rows: &mut Rows,
        change: Change,
        table: TableId,
        kind: Option<TypeId>,
        components: impl FnOnce() -> ComponentIds,
    ) -> Result<&mut Plan, StorageError> {
        let plan = match kind {
            Some(kind) => {
                let edge = (change, table, kind);
                let place = place(&edge);
                match self.recent[place] {
                    Some(recent) if recent.edge == edge => recent.plan,
                    _ => {
                        let plan = self.by_kind(rows, edge, components)?;
                        self.recent[place] = Some(Recent { edge, plan });
                        plan
                    }
                }
            }
            None => self.by_components(rows, (change, table, components()))?,
        };
        Ok(&mut self.plans[plan])
    }

    #[cold]
    #[inline(never)]
    fn by_kind(
        &mut self,
        rows: &mut Rows,
        edge: Edge<TypeId>,
        components: impl FnOnce() -> ComponentIds,
    ) -> Result<usize, StorageError> {
        if let Some(&plan) = self.by_kind.get(&edge) {
            return Ok(plan);
        }
        let plan = self.by_components(rows, (edge.0, edge.1, components()))?;
        self.by_kind.insert(edge, plan);
        Ok(plan)
    }

    fn by_components(
        &mut self,
        rows: &mut Rows,
        edge: Edge<ComponentIds>,
    ) -> Result<usize, StorageError> {
        if let Some(&plan) = self.by_components.get(&edge) {
            return Ok(plan);
        }
        let (change, source, ids) = &edge;
        let mut components = rows.components(*source).clone();
        let plan = match change {
            Change::Insert => {
                if let Some((_, &twice)) =
                    ids.iter().enumerate().find(|(at, id)| ids[..*at].contains(id))
                {
                    return Err(BundleError::Duplicate(twice).into());
                }
                components.extend(ids.iter().copied());
                let target = self.table(rows, components)?;
                rows.plan_insert(*source, target, ids)
            }
            Change::Remove => {
                for &id in ids {
                    components.remove(id);
                }
                let target = self.table(rows, components)?;
                rows.plan_remove(*source, target)
            }
        };
        self.plans.push(plan);
        self.by_components.insert(edge, self.plans.len() - 1);
        Ok(self.plans.len() - 1)
    }
}

/// Returns where the recent table keeps an edge.
#[inline]
fn place(&(change, table, kind): &Edge<TypeId>) -> usize {
    /// Takes the hash that a `TypeId` is.
    struct Last(u64);
    impl Hasher for Last {
        fn finish(&self) -> u64 {
            self.0
        }
        fn write(&mut self, bytes: &[u8]) {
            bytes.iter().for_each(|&byte| self.0 = self.0.rotate_left(8) ^ u64::from(byte));
        }
        fn write_u64(&mut self, hash: u64) {
            self.0 = hash;
        }
    }
    let mut hash = Last(0);
    kind.hash(&mut hash);
    let mixed = hash.finish() as usize ^ (table.index() << 1) ^ (change as usize);
    mixed % RECENT
}
