//! How a row gets from one table to another when components come or go.

use std::any::TypeId;
use std::ptr::NonNull;

use ecs_core::{BundleKind, ComponentInfo, InPlace, RowTargets};
use ecs_storage_api::TableId;

use super::Rows;
use super::table::Table;
use super::transfer::{self, Kept, Left, Transfer};

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
    /// Columns with elements of some size that keep their value.
    kept: Vec<Kept>,
    /// Columns with elements of some size whose value ends.
    left: Vec<Left>,
    transfer: Transfer,
    /// Columns of the source whose value ends.
    pub(super) ended: Vec<Ended>,
    /// Whether a value that ends needs to be dropped.
    pub(super) drops: bool,
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
        let column = |&id| to.column(id).expect("the target has every component of the bundle");
        let written: Vec<_> = ids.iter().map(|id| column(id) as u16).collect();
        let stays = source == target;
        let replaced = |info: &ComponentInfo| !stays && ids.contains(&info.id());
        Self::between((source, from), (target, to), kind, written, replaced)
    }

    /// Plans what becomes of a row of `source` when it loses the components of a
    /// kind, all of which `target` lacks.
    pub(super) fn remove(
        source: (TableId, &Table),
        target: (TableId, &Table),
        kind: &BundleKind,
    ) -> Self {
        Self::between(source, target, kind, Vec::new(), |_| false)
    }

    /// Plans to keep what both tables have and is not `replaced`, and to end the
    /// rest.
    fn between(
        (source, from): (TableId, &Table),
        (target, to): (TableId, &Table),
        kind: &BundleKind,
        written: Vec<u16>,
        replaced: impl Fn(&ComponentInfo) -> bool,
    ) -> Self {
        let (mut kept, mut left, mut ended) = (Vec::new(), Vec::new(), Vec::new());
        let mut kept_in_all = 0;
        for (column, info) in (0u16..).zip(from.columns.iter().map(|column| column.info)) {
            let size = info.stride();
            match to.column(info.id()) {
                Some(there) if !replaced(info) => {
                    kept_in_all += 1;
                    let [from, to] = [NonNull::dangling(); 2];
                    kept.push(Kept { from, to, size, columns: (column, there as u16) });
                }
                _ => {
                    ended.push(Ended { first: NonNull::dangling(), info, column });
                    left.push(Left { first: NonNull::dangling(), size, column });
                }
            }
        }
        // Nothing may be left without a value.
        assert!(
            source == target || kept_in_all + written.len() == to.columns.len(),
            "a column of the target is kept or written"
        );
        kept.retain(|kept| kept.size != 0);
        left.retain(|left| left.size != 0);
        Self {
            source,
            target,
            // Layouts start at 1: no plan is up to date before its first use.
            layout: 0,
            room: 0,
            transfer: transfer::of(&kept, &left),
            kept,
            left,
            drops: ended.iter().any(|ended| ended.info.drop_fn().is_some()),
            ended,
            written,
            targets: RowTargets::new(kind),
        }
    }

    /// Returns what names the bundles that it was made for, if they have a type.
    pub(crate) fn key(&self) -> TypeId {
        self.targets.key()
    }

    /// Tells whether it was made for the bundles that a key names.
    #[inline(always)]
    pub(crate) fn is_named(&self, key: TypeId) -> bool {
        self.targets.are_named(key)
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
    /// The addresses are up to date; `row` and `last` are rows of the source, and
    /// the target has room for `new_row`, which holds no values where the plan
    /// keeps some.
    #[inline(always)]
    pub(super) unsafe fn move_values(&self, rows: transfer::Rows) {
        // SAFETY: the caller's; the transfer was chosen for these columns.
        unsafe { (self.transfer)(&self.kept, &self.left, rows) }
    }

    /// Brings the addresses up to date.
    pub(super) fn refresh(&mut self, rows: &Rows) {
        let (from, to) = (&rows.tables[self.source.index()], &rows.tables[self.target.index()]);
        self.room = if self.stays() { 0 } else { to.capacity };
        for (at, &column) in self.written.iter().enumerate() {
            self.targets.set_address(at, to.columns[column as usize].values.first());
        }
        for kept in &mut self.kept {
            kept.from = from.columns[kept.columns.0 as usize].values.first();
            kept.to = to.columns[kept.columns.1 as usize].values.first();
        }
        for left in &mut self.left {
            left.first = from.columns[left.column as usize].values.first();
        }
        for ended in &mut self.ended {
            ended.first = from.columns[ended.column as usize].values.first();
        }
        self.layout = rows.layout;
    }
}
