//! How a row gets from one table to another when components come or go.

use std::any::TypeId;
use std::ptr::NonNull;

use ecs_core::{BundleKind, Component, ComponentId, ComponentInfo, InPlace, RowTargets};
use ecs_storage_api::{Passage, TableId};

use super::Rows;
use super::table::Table;
use super::transfer::Transfer;

/// Which columns of a table go where in another, when a row moves.
///
/// Made by [`Rows`] for two of its tables, and used with no others.
#[derive(Debug)]
pub(crate) struct Plan {
    pub(super) source: TableId,
    pub(super) target: TableId,
    /// `Rows::layout` when the addresses here were last brought up to date.
    pub(super) layout: u64,
    /// How many rows the target has room for; none where the plan leads nowhere,
    /// so that no row is ever moved by it.
    pub(super) room: usize,
    /// Where the rows of both tables are counted; up to date with the addresses.
    pub(super) passage: Passage,
    /// What becomes of the values of a row.
    pub(super) transfer: Transfer,
    /// Columns of the source whose value ends.
    pub(super) ended: Vec<Ended>,
    /// Whether a value that ends needs to be dropped.
    pub(super) drops: bool,
    /// Columns of ticks of the target that are stamped where components come.
    pub(super) stamped: Vec<u16>,
    /// Whether something is to be done after components came.
    pub(super) minds_coming: bool,
    /// The tracked components that the entity loses.
    pub(super) lost: Vec<ComponentId>,
    /// Whether there are such.
    pub(super) loses: bool,
    /// The columns of the target that the bundle writes, in its own order; none
    /// where components go.
    pub(super) written: Vec<u16>,
    /// The components that come or go. Where they come, this is where.
    pub(super) targets: RowTargets,
}

/// A column whose value ends when a row moves.
#[derive(Debug)]
pub(super) struct Ended {
    /// Row 0 of the source's column.
    first: NonNull<u8>,
    info: &'static ComponentInfo,
    /// The column's place in the source.
    column: u16,
}

impl Ended {
    /// Tells whether the value needs to be dropped.
    pub(super) fn needs_drop(&self) -> bool {
        self.info.drop_fn().is_some()
    }

    /// Takes over the value that ended.
    ///
    /// # Safety
    /// The address is up to date; a value lies at `row` that is no row's any more,
    /// and nobody has taken it over yet. The column keeps its memory as long as the result
    /// may live.
    #[inline]
    pub(super) unsafe fn value(&self, row: usize) -> InPlace<'_> {
        // SAFETY: the caller's promise; the address is that of the column, whose values are of
        // `info`'s component.
        unsafe { InPlace::new(self.info, self.first.add(row * self.info.stride())) }
    }

    /// Moves the value out that ended.
    ///
    /// # Safety
    /// As `value`; the column is of `C`.
    #[inline(always)]
    pub(super) unsafe fn value_of<C: Component>(&self, row: usize) -> C {
        // SAFETY: the caller's.
        unsafe { self.first.cast::<C>().add(row).read() }
    }
}

// SAFETY: the addresses are of the tables of the `Rows` that the plan was made
// for, and are used through a mutable borrow of them alone.
unsafe impl Send for Plan {}
// SAFETY: as above.
unsafe impl Sync for Plan {}

impl Plan {
    /// Makes a plan that leads from no table, for bundles that nobody has.
    pub(crate) fn of_nobody() -> Self {
        let (nowhere, table) = (TableId(u32::MAX), Table::empty());
        Self::between((nowhere, &table), (nowhere, &table), &BundleKind::listed([]), vec![], |_| {
            false
        })
    }

    /// Plans what becomes of a row of `source` when it gets the components of a
    /// bundle, all of which `target` has.
    pub(super) fn insert(
        (source, from): (TableId, &Table),
        (target, to): (TableId, &Table),
        kind: &BundleKind,
    ) -> Self {
        let ids = kind.component_ids();
        let column = |&id| to.column(id).expect("the target has every component of the bundle");
        let written: Vec<_> = ids.iter().map(|id| column(id) as u16).collect();
        let mut stamped = Vec::new();
        for tracked in written.iter().filter_map(|&column| to.tracked(column as usize)) {
            stamped.push(tracked.changed);
            if from.counterpart(to, tracked.column as usize).is_none() {
                stamped.push(tracked.added);
            }
        }
        let stays = source == target;
        let replaced = |id| !stays && ids.contains(&id);
        let mut plan = Self::between((source, from), (target, to), kind, written, replaced);
        plan.minds_coming = plan.drops || !stamped.is_empty();
        plan.stamped = stamped;
        plan
    }

    /// Plans what becomes of a row of `source` when it loses the components of a
    /// kind, all of which `target` lacks.
    pub(super) fn remove(
        source: (TableId, &Table),
        target: (TableId, &Table),
        kind: &BundleKind,
    ) -> Self {
        let mut plan = Self::between(source, target, kind, Vec::new(), |_| false);
        let tracked = plan.ended.iter().filter(|ended| ended.info.is_tracked());
        plan.lost = tracked.map(|ended| ended.info.id()).collect();
        plan.loses = !plan.lost.is_empty();
        plan
    }

    /// Plans to keep what both tables have and is not `replaced`, and to end the
    /// rest.
    fn between(
        (source, from): (TableId, &Table),
        (target, to): (TableId, &Table),
        kind: &BundleKind,
        written: Vec<u16>,
        replaced: impl Fn(ComponentId) -> bool,
    ) -> Self {
        let there = |column: usize| {
            let component = from.components.as_slice().get(column);
            let kept = !component.is_some_and(|&id| replaced(id));
            to.counterpart(from, column).filter(|_| kept).map(|column| column as u16)
        };
        let ended: Vec<_> = (0..=u16::MAX)
            .zip(from.values())
            .filter(|&(column, _)| there(column as usize).is_none())
            .map(|(at, column)| Ended {
                first: NonNull::dangling(),
                info: column.info(),
                column: at,
            })
            .collect();
        // Nothing may be left without a value.
        assert!(
            source == target
                || from.values().len() - ended.len() + written.len() == to.values().len(),
            "a column of the target is kept or written"
        );
        Self {
            source,
            target,
            // Layouts start at 1: no plan is up to date before its first use.
            layout: 0,
            room: 0,
            passage: Passage::NONE,
            transfer: Transfer::new(
                (0..=u16::MAX)
                    .zip(&from.columns)
                    .map(|(at, column)| (at, column.values.element_size(), there(at as usize))),
            ),
            drops: ended.iter().any(Ended::needs_drop),
            ended,
            stamped: Vec::new(),
            minds_coming: false,
            lost: Vec::new(),
            loses: false,
            written,
            targets: RowTargets::new(kind),
        }
    }

    /// Returns what names the bundles that it was made for, if they have a type.
    pub(crate) fn key(&self) -> TypeId {
        self.targets.key()
    }

    /// Tells whether it was made for rows of the table of that number, and for the
    /// bundles that a key names.
    #[inline(always)]
    pub(crate) fn is_of(&self, table: u64, key: TypeId) -> bool {
        u64::from(self.source.0) == table && self.targets.are_named(key)
    }

    /// Returns the table from which the plan leads.
    pub(crate) fn source(&self) -> TableId {
        self.source
    }

    /// Returns the table where the plan leads.
    pub(crate) fn target(&self) -> TableId {
        self.target
    }

    /// Tells whether the plan leads nowhere.
    #[inline]
    pub(crate) fn stays(&self) -> bool {
        self.source == self.target
    }

    /// Brings the addresses up to date.
    pub(super) fn refresh(&mut self, rows: &mut Rows) {
        self.passage = rows.directory.passage(self.source, self.target);
        let (from, to) = (&rows.tables[self.source.index()], &rows.tables[self.target.index()]);
        self.room = if self.stays() { 0 } else { to.capacity };
        for (at, &column) in self.written.iter().enumerate() {
            self.targets.set_address(at, to.columns[column as usize].values.first());
        }
        self.transfer.refresh(from, to);
        for ended in &mut self.ended {
            ended.first = from.columns[ended.column as usize].values.first();
        }
        self.layout = rows.layout;
    }
}
