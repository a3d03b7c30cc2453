//! What is different in a table.

use std::collections::BTreeMap;
use std::sync::Arc;

use ecs_core::{ComponentId, EntityId};

use super::damaged;
use crate::changes::{PAGE_ROWS, Version};
use crate::snapshot::SnapshotError;
use crate::snapshot::ages::{ColumnAges, RowAges};
use crate::snapshot::cut::{
    CutTable, Encoded, Hashed, IdPage, Paged, StorageCut, ValuePage, Versions,
};

/// Tables afterwards.
#[derive(Debug, Clone)]
pub(super) enum TableDelta {
    /// So many of the base, from this place on, as they were.
    Same(u32, u32),
    /// One in which something is different.
    Changed(Changed),
}

/// A table in which something is different.
#[derive(Debug, Clone)]
pub(super) struct Changed {
    /// In ascending order of their ids.
    pub(super) components: Vec<ComponentId>,
    pub(super) rows: usize,
    /// The place of the table of the base from which the other pages are.
    pub(super) from: Option<u32>,
    /// The pages in which rows came or moved, with their ages afterwards.
    pub(super) ids: BTreeMap<u32, (Arc<Hashed<EntityId>>, RowAges)>,
    /// Of each component, the pages in which values changed.
    pub(super) columns: Vec<BTreeMap<u32, (Arc<Encoded>, ColumnAges)>>,
}

/// Returns how many rows a page of a table has.
pub(super) fn rows_of(page: u32, rows: usize) -> usize {
    rows.saturating_sub(page as usize * PAGE_ROWS).min(PAGE_ROWS)
}

impl TableDelta {
    /// Compares a table with that of the base from which it came.
    pub(super) fn between(
        base: &StorageCut,
        from: Option<usize>,
        next: &StorageCut,
        table: &Arc<CutTable>,
        elapsed: i64,
    ) -> Self {
        let before = from.map(|from| &base.tables[from]);
        let from = from.map(|from| from as u32);
        if let (Some(from), Some(before)) = (from, before)
            && Arc::ptr_eq(before, table)
        {
            return Self::Same(from, 1);
        }
        let mut ids = BTreeMap::new();
        for (n, page, known) in table.ids.beside(before.map(|before| &before.ids)) {
            let ages = |cut: &StorageCut, page: &IdPage| {
                let mut ages = RowAges::default();
                page.moves.ages(cut.present(), cut.origin, &mut ages);
                ages
            };
            let same = known.is_some_and(|known| {
                Arc::ptr_eq(known, page)
                    || known.ids[..] == page.ids[..]
                        && ages(base, known).older(elapsed) == ages(next, page)
            });
            if !same {
                ids.insert(n as u32, (page.ids.clone(), ages(next, page)));
            }
        }
        let column = |(at, pages): (usize, &Paged<ValuePage>)| {
            let mut changed = BTreeMap::new();
            for (n, page, known) in pages.beside(before.map(|before| &before.columns[at])) {
                let n = n as u32;
                let ages =
                    |cut: &StorageCut, page: &ValuePage| page.ages(cut.present(), cut.origin);
                let same = known.is_some_and(|known| {
                    Arc::ptr_eq(known, page)
                        || page.has_values_of(known)
                            && rows_of(n, before.map_or(0, |it| it.rows)) == rows_of(n, table.rows)
                            && ages(base, known).older(elapsed) == ages(next, page)
                });
                if !same {
                    changed.insert(n, (page.values.clone(), ages(next, page)));
                }
            }
            changed
        };
        let columns = table.columns.iter().enumerate().map(column).collect();
        let components = table.components.clone();
        Self::Changed(Changed { components, rows: table.rows, from, ids, columns })
    }

    /// Returns how many tables it tells of.
    fn count(&self) -> u32 {
        match self {
            Self::Same(_, count) => *count,
            Self::Changed(_) => 1,
        }
    }

    /// Adds it behind others.
    pub(super) fn push_to(self, tables: &mut Vec<Self>) {
        match (&self, tables.last_mut()) {
            (Self::Same(from, more), Some(Self::Same(first, count)))
                if first.checked_add(*count) == Some(*from)
                    && count.checked_add(*more).is_some() =>
            {
                *count += more;
            }
            _ => tables.push(self),
        }
    }

    /// Makes the table, or the tables, of those of the base, for a store that is at
    /// `present`.
    pub(super) fn apply(
        &self,
        base: &StorageCut,
        elapsed: i64,
        present: Version,
        taken: &mut [bool],
        tables: &mut Vec<Arc<CutTable>>,
    ) -> Result<(), SnapshotError> {
        let mut find = |from: u32| {
            let before = base.tables.get(from as usize);
            let before = before.filter(|_| !std::mem::replace(&mut taken[from as usize], true));
            before.ok_or_else(|| damaged("a delta of a table that is not there"))
        };
        match self {
            Self::Same(first, count) => {
                for n in 0..*count {
                    let before = find(first.saturating_add(n))?;
                    let same = Changed::nothing(before).apply(base, Some(before), elapsed, present);
                    tables.push(Arc::new(same?));
                }
            }
            Self::Changed(changed) => {
                let before = changed.from.map(find).transpose()?;
                tables.push(Arc::new(changed.apply(base, before, elapsed, present)?));
            }
        }
        Ok(())
    }
}

/// Puts the tables of a delta behind those of the one before; so many versions are
/// between its ends.
pub(super) fn compose(
    before: &[TableDelta],
    later: &[TableDelta],
    elapsed: i64,
) -> Result<Vec<TableDelta>, SnapshotError> {
    let (mut starts, mut count) = (Vec::with_capacity(before.len()), 0u32);
    for table in before {
        starts.push(count);
        count = count.saturating_add(table.count());
    }
    let mut taken = vec![false; before.len()];
    // Which delta tells of a table, and of how many more.
    let mut find = |place: u32| {
        let at = starts.partition_point(|start| *start <= place);
        let at = at.checked_sub(1).filter(|_| place < count);
        let at = at.ok_or_else(|| damaged("a delta of a table that is not there"))?;
        if matches!(before[at], TableDelta::Changed(_)) && std::mem::replace(&mut taken[at], true) {
            return Err(damaged("two tables of a delta come from one"));
        }
        let offset = place - starts[at];
        Ok::<_, SnapshotError>((&before[at], offset, before[at].count() - offset))
    };
    let mut tables = Vec::with_capacity(later.len());
    for table in later {
        match table {
            TableDelta::Same(first, count) => {
                let (mut place, mut left) = (*first, *count);
                while left > 0 {
                    let (known, offset, more) = find(place)?;
                    let taken = more.min(left);
                    let known = match known {
                        TableDelta::Same(from, _) => {
                            TableDelta::Same(from.saturating_add(offset), taken)
                        }
                        TableDelta::Changed(known) => TableDelta::Changed(known.older(elapsed)),
                    };
                    known.push_to(&mut tables);
                    (place, left) = (place.saturating_add(taken), left - taken);
                }
            }
            TableDelta::Changed(changed) => {
                let known = changed.from.map(&mut find).transpose()?;
                let changed = match known {
                    None => changed.clone(),
                    Some((TableDelta::Same(from, _), offset, _)) => {
                        Changed { from: Some(from.saturating_add(offset)), ..changed.clone() }
                    }
                    Some((TableDelta::Changed(known), ..)) => {
                        changed.after(known.older(elapsed))?
                    }
                };
                tables.push(TableDelta::Changed(changed));
            }
        }
    }
    Ok(tables)
}

impl Changed {
    fn nothing(table: &CutTable) -> Self {
        Self {
            components: table.components.clone(),
            rows: table.rows,
            from: None,
            ids: BTreeMap::new(),
            columns: vec![BTreeMap::new(); table.components.len()],
        }
    }

    /// Puts it behind what was different before.
    fn after(&self, earlier: Self) -> Result<Self, SnapshotError> {
        if earlier.components != self.components {
            return Err(damaged("a delta of a table with other components"));
        }
        // A page that has another number of rows than before is in the later one.
        let left = |page: &u32| rows_of(*page, earlier.rows) == rows_of(*page, self.rows);
        let mut ids = earlier.ids;
        ids.retain(|page, _| left(page));
        ids.extend(self.ids.clone());
        let mut columns = earlier.columns;
        for (pages, changed) in columns.iter_mut().zip(&self.columns) {
            pages.retain(|page, _| left(page));
            pages.extend(changed.clone());
        }
        let (components, rows, from) = (earlier.components, self.rows, earlier.from);
        Ok(Self { components, rows, from, ids, columns })
    }

    fn older(&self, elapsed: i64) -> Self {
        let ids = self.ids.iter().map(|(n, (ids, ages))| (*n, (ids.clone(), ages.older(elapsed))));
        let column = |pages: &BTreeMap<u32, (Arc<Encoded>, ColumnAges)>| {
            let older =
                |(values, ages): &(Arc<Encoded>, ColumnAges)| (values.clone(), ages.older(elapsed));
            pages.iter().map(|(n, page)| (*n, older(page))).collect()
        };
        Self {
            components: self.components.clone(),
            rows: self.rows,
            from: self.from,
            ids: ids.collect(),
            columns: self.columns.iter().map(column).collect(),
        }
    }

    fn apply(
        &self,
        base: &StorageCut,
        before: Option<&Arc<CutTable>>,
        elapsed: i64,
        present: Version,
    ) -> Result<CutTable, SnapshotError> {
        if before.is_some_and(|before| before.components != self.components) {
            return Err(damaged("a delta of a table with other components"));
        }
        // Pages of before are good where they have as many rows.
        let known = |page: u32| {
            let before = before?;
            (rows_of(page, before.rows) == rows_of(page, self.rows)).then_some(before)
        };
        let missing = || damaged("a delta without a page that changed");
        // Before memory is taken for a number that may be a lie.
        let count = self.rows.div_ceil(PAGE_ROWS);
        if count > self.ids.len() + before.map_or(0, |before| before.ids.len()) {
            return Err(missing());
        }
        let count = count as u32;
        let mut ids = Vec::with_capacity(count as usize);
        for n in 0..count {
            ids.push(Arc::new(match self.ids.get(&n) {
                Some((ids, ages)) => {
                    IdPage { ids: ids.clone(), moves: Versions::of(ages, present) }
                }
                None => {
                    let page =
                        &known(n).ok_or_else(missing)?.ids.get(n as usize).ok_or_else(missing)?;
                    let mut ages = RowAges::default();
                    page.moves.ages(base.present(), base.origin, &mut ages);
                    let moves = Versions::of(&ages.older(elapsed), present);
                    IdPage { ids: page.ids.clone(), moves }
                }
            }));
        }
        let mut columns = Vec::with_capacity(self.columns.len());
        for (at, changed) in self.columns.iter().enumerate() {
            let mut all = Vec::with_capacity(count as usize);
            for n in 0..count {
                all.push(Arc::new(match changed.get(&n) {
                    Some((values, ages)) => ValuePage::of(values.clone(), ages, present),
                    None => {
                        let page = &known(n).ok_or_else(missing)?.columns[at]
                            .get(n as usize)
                            .ok_or_else(missing)?;
                        let ages = page.ages(base.present(), base.origin).older(elapsed);
                        ValuePage::of(page.values.clone(), &ages, present)
                    }
                }));
            }
            columns.push(Paged::new(all));
        }
        Ok(CutTable::new(self.components.clone(), self.rows, Paged::new(ids), columns))
    }
}
