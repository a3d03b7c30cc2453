//! How a row gets from one table to another when components come or go.

use std::ptr::NonNull;

use ecs_core::{BundleKind, ComponentInfo, InPlace, RowTargets};
use ecs_storage_api::TableId;

use super::Rows;
use super::table::Table;
use crate::column::{copy_value, is_small, swap_values};

/// Which columns of a table go where in another, when a row moves.
///
/// Made by [`Rows`] for two of its tables, and used with no others.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) source: TableId,
    pub(super) target: TableId,
    /// `Rows::layout` when the addresses here were last brought up to date.
    pub(super) layout: u64,
    /// How many rows the target has room for.
    pub(super) room: usize,
    /// Columns that keep their value.
    pub(super) kept: Vec<Kept>,
    /// Columns of the source whose value ends.
    pub(super) ended: Vec<Ended>,
    /// Whether a value that ends needs to be dropped.
    pub(super) drops: bool,
    /// Whether all that is kept or ends is small.
    pub(super) small: bool,
    /// The columns of the target that the bundle writes, in its own order.
    pub(super) written: Vec<u16>,
    /// Where these columns are.
    pub(super) targets: RowTargets,
}

/// A column that keeps its value when a row moves.
#[derive(Debug)]
pub(super) struct Kept {
    /// Row 0 of the source's column.
    pub(super) from: NonNull<u8>,
    /// Row 0 of the target's column.
    pub(super) to: NonNull<u8>,
    pub(super) size: usize,
    /// The columns' places in the source and the target.
    pub(super) columns: (u16, u16),
}

/// A column whose value ends when a row moves.
#[derive(Debug)]
pub(super) struct Ended {
    /// Row 0 of the source's column.
    pub(super) first: NonNull<u8>,
    pub(super) info: &'static ComponentInfo,
    /// The column's place in the source.
    pub(super) column: u16,
}

impl Ended {
    /// Takes over the value that ended.
    ///
    /// # Safety
    /// A value lies at `row` that is no row's any more, and nobody has taken it
    /// over yet.
    #[inline]
    pub(super) unsafe fn value(&self, row: usize) -> InPlace<'_> {
        // SAFETY: the caller's; the address is that of the column.
        unsafe { InPlace::new(self.info, self.first.add(row * self.info.stride())) }
    }
}

// SAFETY: the addresses are of the tables of the `Rows` that the plan was made
// for, and are used through a mutable borrow of them alone.
unsafe impl Send for Plan {}
// SAFETY: as above.
unsafe impl Sync for Plan {}

impl Plan {
    /// Plans what becomes of a row of `source` when it gets the components of a
    /// bundle, all of which `target` has.
    pub(super) fn insert(
        (source, from): (TableId, &Table),
        (target, to): (TableId, &Table),
        kind: &BundleKind,
    ) -> Self {
        let ids = kind.component_ids();
        let mut plan = Self::between((source, from), (target, to), kind);
        if source != target {
            let (ended, kept) = plan
                .kept
                .drain(..)
                .partition(|kept| ids.contains(&from.columns[kept.columns.0 as usize].info.id()));
            plan.kept = kept;
            plan.end(from, ended);
        }
        let column = |&id| to.column(id).expect("the target has every component of the bundle");
        plan.written = ids.iter().map(|id| column(id) as u16).collect();
        // Nothing may be left without a value.
        assert!(
            source == target || plan.kept.len() + plan.written.len() == to.columns.len(),
            "a column of the target is kept or written"
        );
        plan
    }

    /// Plans what becomes of a row of `source` when it loses the components that
    /// `target` lacks.
    pub(super) fn remove(source: (TableId, &Table), target: (TableId, &Table)) -> Self {
        let plan = Self::between(source, target, &BundleKind::listed([]));
        assert!(plan.kept.len() == target.1.columns.len(), "a column of the target is kept");
        plan
    }

    /// Plans to keep what both tables have, and to end the rest.
    fn between(
        (source, from): (TableId, &Table),
        (target, to): (TableId, &Table),
        kind: &BundleKind,
    ) -> Self {
        // Layouts start at 1: no plan is up to date before its first use.
        let mut plan = Self {
            source,
            target,
            layout: 0,
            room: 0,
            kept: Vec::new(),
            ended: Vec::new(),
            drops: false,
            small: false,
            written: Vec::new(),
            targets: RowTargets::new(kind),
        };
        let mut ended = Vec::new();
        for (at, column) in (0u16..).zip(&from.columns) {
            let there = to.column(column.info.id());
            let kept = Kept {
                from: NonNull::dangling(),
                to: NonNull::dangling(),
                size: column.info.stride(),
                columns: (at, there.unwrap_or(0) as u16),
            };
            if there.is_some() { plan.kept.push(kept) } else { ended.push(kept) }
        }
        plan.end(from, ended);
        plan
    }

    /// Ends the values of columns.
    fn end(&mut self, from: &Table, columns: Vec<Kept>) {
        self.ended.extend(columns.into_iter().map(|kept| Ended {
            first: NonNull::dangling(),
            info: from.columns[kept.columns.0 as usize].info,
            column: kept.columns.0,
        }));
        self.drops = self.ended.iter().any(|ended| ended.info.drop_fn().is_some());
        self.small = self.kept.iter().all(|kept| is_small(kept.size))
            && self.ended.iter().all(|ended| is_small(ended.info.stride()));
    }

    /// Returns the table where the plan leads.
    pub(crate) fn target(&self) -> TableId {
        self.target
    }

    /// Tells whether the plan leads nowhere.
    #[inline]
    pub(super) fn stays(&self) -> bool {
        self.source == self.target
    }

    /// Moves the values of a row along, and those of the last row into its place.
    /// Values that end come to lie in the last row.
    ///
    /// # Safety
    /// - The addresses are up to date; `row` and `last` are rows of the source,
    ///   and the target has room for `new_row`, which holds no values where the
    ///   plan keeps some.
    /// - `copy` and `swap` can be used on the sizes of all columns.
    #[inline(always)]
    pub(super) unsafe fn move_values(
        &self,
        row: usize,
        last: usize,
        new_row: usize,
        copy: unsafe fn(*const u8, *mut u8, usize),
        swap: unsafe fn(*mut u8, *mut u8, usize),
    ) {
        // SAFETY: the caller's.
        unsafe {
            for kept in &self.kept {
                let place = kept.from.add(row * kept.size).as_ptr();
                copy(place, kept.to.add(new_row * kept.size).as_ptr(), kept.size);
                if row != last {
                    copy(kept.from.add(last * kept.size).as_ptr(), place, kept.size);
                }
            }
            for ended in self.ended.iter().filter(|_| row != last) {
                let size = ended.info.stride();
                let (a, b) = (ended.first.add(row * size), ended.first.add(last * size));
                swap(a.as_ptr(), b.as_ptr(), size);
            }
        }
    }

    /// As `move_values`, for any sizes: apart, since the calls in it would cost
    /// the small ones their registers.
    ///
    /// # Safety
    /// As `move_values`.
    #[inline(never)]
    pub(super) unsafe fn move_large(&self, row: usize, last: usize, new_row: usize) {
        // SAFETY: the caller's; any size can be copied and exchanged.
        unsafe { self.move_values(row, last, new_row, copy_value, swap_values) }
    }

    /// Brings the addresses up to date.
    pub(super) fn refresh(&mut self, rows: &Rows) {
        let (from, to) = (&rows.tables[self.source.index()], &rows.tables[self.target.index()]);
        self.room = to.capacity;
        for (at, &column) in self.written.iter().enumerate() {
            self.targets.set_address(at, to.columns[column as usize].values.first());
        }
        for kept in &mut self.kept {
            kept.from = from.columns[kept.columns.0 as usize].values.first();
            kept.to = to.columns[kept.columns.1 as usize].values.first();
        }
        for ended in &mut self.ended {
            ended.first = from.columns[ended.column as usize].values.first();
        }
        self.layout = rows.layout;
    }
}
