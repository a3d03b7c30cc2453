//! What a cut holds that the rows do not, put in its place.
//!
//! A patch is planned first: all values are decoded, and everything is checked and
//! made room for. So it can be refused, and nothing has changed. A cut can be of any
//! store, and claim to be of this one: that each entity is in one row afterwards is
//! not left to what it says of its pages.

use std::collections::BTreeMap;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::ptr;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::{AllocatorState, CodecError, ComponentId, EntityId, ErasedVec, IdSource};
use ecs_storage_api::snapshot::{StorageCut, TableOfCut, ValuesOfCut};
use ecs_storage_api::{Location, PAGE_ROWS, StorageError, TableId, Version};

use super::Rows;
use super::panics::Panics;
use super::table::{Table, Tracked};

/// The pages of a cut that the rows do not hold.
pub(crate) struct Patch<'a> {
    cut: &'a StorageCut,
    /// Of each table that stays, in order.
    tables: Vec<TablePatch<'a>>,
}

struct TablePatch<'a> {
    cut: TableOfCut<'a>,
    /// The pages to which rows came, or in which they moved.
    moved: Vec<usize>,
    /// Those of them that hold other ids, ascending.
    ids: Vec<usize>,
    /// Of each column, the pages with other values.
    columns: Vec<Vec<ValuesPatch<'a>>>,
}

struct ValuesPatch<'a> {
    page: usize,
    values: ValuesOfCut<'a>,
    /// If they are no plain bytes: what comes instead of rows that are there, and
    /// what comes behind the last.
    decoded: Option<[ErasedVec; 2]>,
}

/// Values that ended and are still to be dropped.
#[derive(Default)]
pub(crate) struct Ended {
    values: Vec<ErasedVec>,
    /// Rows behind the last of a table.
    rows: Vec<(TableId, Range<usize>)>,
    /// Tables that are gone, and how many rows they had.
    tables: Vec<(Table, usize)>,
}

/// Returns the rows of a page, in a table with so many.
fn rows_of(page: usize, len: usize) -> Range<usize> {
    (page * PAGE_ROWS).min(len)..((page + 1) * PAGE_ROWS).min(len)
}

/// Tells whether a page was stamped no later than a version.
fn is_older(pages: &[AtomicU64], page: usize, since: Version) -> bool {
    // Relaxed: who wrote has ended.
    pages.get(page).is_some_and(|page| page.load(Ordering::Relaxed) <= since.get())
}

impl TablePatch<'_> {
    /// Tells whether a row is one whose entity changes, or which ends.
    fn is_left(&self, row: usize) -> bool {
        row >= self.cut.rows() || self.ids.binary_search(&(row / PAGE_ROWS)).is_ok()
    }

    /// Returns the rows whose entities change, or which end, where there are `len`.
    fn left(&self, len: usize) -> impl Iterator<Item = Range<usize>> + '_ {
        let behind = (self.cut.pages() * PAGE_ROWS).min(len)..len;
        self.ids.iter().map(move |&page| rows_of(page, len)).chain([behind])
    }
}

impl<'a> Patch<'a> {
    /// Returns the entities of the pages that hold others.
    fn entities(&self) -> impl Iterator<Item = EntityId> + '_ {
        let ids = |table: &'_ TablePatch<'a>, page: &usize| table.cut.ids(*page).0;
        let pages = self
            .tables
            .iter()
            .flat_map(move |table| table.ids.iter().flat_map(move |page| ids(table, page)));
        pages.copied()
    }

    /// Tells whether a row is one whose entity changes, or which ends.
    fn is_left(&self, at: Location) -> bool {
        self.tables.get(at.table().index()).is_none_or(|table| table.is_left(at.row()))
    }
}

impl Rows {
    /// Finds the pages of a cut that the rows do not hold, where `before` holds all
    /// that they did at the version `since`; `None` if it has other tables, so that
    /// more is to be done than to write to pages.
    ///
    /// # Errors
    /// [`CodecError`] if a value can't be decoded.
    ///
    /// # Complexity
    /// O(pages), and the values of those that are found.
    pub(crate) fn plan_patch<'a>(
        &self,
        cut: &'a StorageCut,
        before: &StorageCut,
        since: Version,
    ) -> Result<Option<Patch<'a>>, CodecError> {
        let fits = |(table, cut): (&Table, TableOfCut<'_>)| {
            table.components.as_slice() == cut.components()
        };
        let count = cut.tables().len();
        if !self.vacant.is_empty()
            || !(1..=self.tables.len()).contains(&count)
            || !self.tables.iter().zip(cut.tables()).all(fits)
        {
            return Ok(None);
        }
        let mut tables = Vec::with_capacity(count);
        let mut earlier = before.tables();
        for (n, cut) in cut.tables().enumerate() {
            let earlier = earlier.next().filter(|it| it.components() == cut.components());
            match self.plan_table(TableId(n as u32), cut, earlier, since)? {
                Some(table) => tables.push(table),
                None => return Ok(None),
            }
        }
        Ok(Some(Patch { cut, tables }))
    }

    fn plan_table<'a>(
        &self,
        id: TableId,
        cut: TableOfCut<'a>,
        before: Option<TableOfCut<'_>>,
        since: Version,
    ) -> Result<Option<TablePatch<'a>>, CodecError> {
        let (table, len, moves) =
            (&self.tables[id.index()], self.len(id), self.directory.moves(id));
        let same_table = before.is_some_and(|before| before.is(cut));
        let stayed = |page: usize| {
            rows_of(page, len) == rows_of(page, cut.rows())
                && is_older(moves, page, since)
                && (same_table || before.is_some_and(|before| before.shares_ids(cut, page)))
        };
        let moved: Vec<_> = (0..cut.pages()).filter(|&page| !stayed(page)).collect();
        let fits = |&page: &usize| cut.ids(page).0.len() == rows_of(page, cut.rows()).len();
        if !moved.iter().all(fits) {
            return Ok(None);
        }
        let others = |&&page: &&usize| self.ids(id)[rows_of(page, len)] != *cut.ids(page).0;
        let ids: Vec<_> = moved.iter().filter(others).copied().collect();
        let mut columns = Vec::with_capacity(cut.components().len());
        for (at, component) in cut.components().iter().enumerate() {
            let (info, tracked) = (component.info(), table.tracked(at).is_some());
            let stamps = self.directory.column_pages(id, *component);
            let mut moved = moved.iter().copied().peekable();
            let mut pages = Vec::new();
            for page in 0..cut.pages() {
                let stayed = moved.next_if_eq(&page).is_none()
                    && is_older(stamps, page, since)
                    && (same_table || before.is_some_and(|it| it.shares_values(cut, at, page)));
                if stayed {
                    continue;
                }
                let (values, rows) = (cut.values(at, page), rows_of(page, cut.rows()));
                let known = |ticks: [&[u32]; 2]| ticks.iter().all(|it| it.len() == rows.len());
                if tracked && !values.ticks.is_some_and(known) {
                    return Ok(None);
                }
                let plain = info.is_pod() && info.stride() != 0;
                let decoded = if plain {
                    if values.bytes.len() != rows.len() * info.stride() {
                        return Ok(None);
                    }
                    None
                } else {
                    let there = rows.len().min(rows_of(page, len).len());
                    let mut bytes = values.bytes;
                    let mut decode = |count| ErasedVec::decode(info, &mut bytes, count);
                    let decoded = [decode(there)?, decode(rows.len() - there)?];
                    let lens = decoded.each_ref().map(ErasedVec::len);
                    if lens != [there, rows.len() - there] || !bytes.is_empty() {
                        return Ok(None);
                    }
                    Some(decoded)
                };
                pages.push(ValuesPatch { page, values, decoded });
            }
            columns.push(pages);
        }
        Ok(Some(TablePatch { cut, moved, ids, columns }))
    }

    /// Tells whether a patch leaves each entity where it is.
    pub(crate) fn patch_moves_nobody(&self, patch: &Patch<'_>) -> bool {
        patch.entities().next().is_none()
            && self.left_by(patch).all(|(_, entities)| entities.is_empty())
    }

    /// Tells whether after a patch each entity is in one row, and the allocator of the
    /// cut accounts for every one of its shard, that of the store; `ids` does so for
    /// the present ones.
    ///
    /// # Complexity
    /// O(n log n) for n entities that change their place, and O(free ids).
    pub(crate) fn patch_holds_together(&self, patch: &Patch<'_>, ids: &IdSource) -> bool {
        let state = patch.cut.allocator();
        let is_home = |entity: &EntityId| entity.shard() == state.shard;
        let (mut home, mut foreign): (Vec<_>, Vec<_>) = patch.entities().partition(is_home);
        home.sort_unstable_by_key(|entity| entity.index());
        foreign.sort_unstable();
        let is_free =
            |entity: &EntityId| self.directory.occupant(*entity).is_none_or(|at| patch.is_left(at));
        let index_differs = |pair: &[EntityId]| pair[0].index() != pair[1].index();
        let in_range = |entity: &EntityId| (1..state.next_index).contains(&entity.index());
        home.windows(2).all(index_differs)
            && foreign.windows(2).all(|pair| pair[0] != pair[1])
            && home.iter().all(in_range)
            && home.iter().chain(&foreign).all(is_free)
            && self.accounts_for(state, patch, &home, foreign.len(), ids)
    }

    /// Tells whether a state of the allocator accounts for every home id after a patch,
    /// by which come those of `home` and so many of other shards.
    fn accounts_for(
        &self,
        state: &AllocatorState,
        patch: &Patch<'_>,
        home: &[EntityId],
        foreign: usize,
        ids: &IdSource,
    ) -> bool {
        let will_live = |index: u32| {
            home.binary_search_by_key(&index, |entity| entity.index()).is_ok()
                || EntityId::new(state.shard, index, 0)
                    .and_then(|entity| self.directory.occupant(entity))
                    .is_some_and(|at| !patch.is_left(at))
        };
        let foreign_left = if self.directory.has_foreign() {
            let left = self.left_by(patch).flat_map(|(_, entities)| entities);
            left.filter(|entity| entity.shard() != state.shard).count()
        } else {
            0
        };
        let foreign = self.directory.foreign_count() - foreign_left + foreign;
        let rows: usize = patch.tables.iter().map(|table| table.cut.rows()).sum();
        let named = state.free.iter().chain(&state.reserved).map(|id| id.index());
        let mut named = named.chain(state.retired.iter().copied());
        let count = state.free.len() + state.reserved.len() + state.retired.len();
        rows.checked_sub(foreign).is_some_and(|home| {
            home as u64 + count as u64 == u64::from(state.next_index.saturating_sub(1))
        }) && !named.any(will_live)
            && !(state.next_index..ids.next_index()).any(will_live)
    }

    /// Returns the entities whose rows others take, or which end, table by table.
    fn left_by<'s>(
        &'s self,
        patch: &'s Patch<'_>,
    ) -> impl Iterator<Item = (TableId, &'s [EntityId])> + 's {
        (0..self.tables.len()).map(|n| TableId(n as u32)).flat_map(move |id| {
            let (ids, known) = (self.ids(id), patch.tables.get(id.index()));
            let gone = known.is_none().then_some(0..ids.len());
            let left = known.map(|table| table.left(ids.len())).into_iter().flatten();
            left.chain(gone).map(move |rows| (id, &ids[rows]))
        })
    }

    /// Makes room for a patch, and for what it notes; returns which entities may lose
    /// what is tracked.
    ///
    /// # Errors
    /// [`StorageError::Capacity`] or [`StorageError::OutOfMemory`]; nothing that shows
    /// has changed.
    pub(crate) fn make_room_for_patch(
        &mut self,
        patch: &Patch<'_>,
    ) -> Result<Vec<(EntityId, ComponentId)>, StorageError> {
        for (n, table) in patch.tables.iter().enumerate() {
            let id = TableId(n as u32);
            self.reserve(id, table.cut.rows().saturating_sub(self.len(id)))?;
        }
        let shard = patch.cut.allocator().shard;
        let (mut end, mut foreign) = (0, 0);
        for entity in patch.entities() {
            match entity.shard() == shard {
                true => end = end.max(entity.index() as usize + 1),
                false => foreign += 1,
            }
        }
        self.directory.try_reserve_entities(end, foreign)?;
        let mut lost = Vec::new();
        for (id, entities) in self.left_by(patch) {
            for component in self.tracked(id) {
                lost.extend(entities.iter().map(|&entity| (entity, component)));
            }
        }
        lost.sort_unstable();
        let mut counts: BTreeMap<_, usize> = patch.cut.removals().collect();
        lost.iter().for_each(|(_, component)| *counts.entry(*component).or_default() += 1);
        for (component, count) in counts {
            self.removed.reserve(component, count)?;
        }
        Ok(lost)
    }

    /// Puts a patch in place, of a cut whose versions the store is ahead of by `lead`:
    /// it was by `later` less. Returns what has ended; then [`end`](Self::end) it.
    ///
    /// Room was made for it, and it holds together: nothing here fails or runs code of
    /// a component.
    pub(crate) fn apply_patch(
        &mut self,
        patch: Patch<'_>,
        lost: Vec<(EntityId, ComponentId)>,
        present: Version,
        (lead, later): (u64, u64),
    ) -> Ended {
        let (now, mut ended) = (self.version(), Ended::default());
        // Pages are told to be as old as they were when the cut was taken.
        self.directory.forget_touched();
        for n in 0..self.tables.len() {
            let (id, len) = (TableId(n as u32), self.len(TableId(n as u32)));
            let known = patch.tables.get(n);
            let left = known.map(|table| table.left(len)).into_iter().flatten();
            for rows in left.chain(known.is_none().then_some(0..len)) {
                // SAFETY: the table has these rows; they end, or get other entities,
                // before this returns.
                unsafe { self.directory.forget_rows(id, rows) };
            }
        }
        while self.tables.len() > patch.tables.len() {
            let id = TableId(self.tables.len() as u32 - 1);
            let (len, table) = (self.len(id), self.tables.pop().expect("there are more"));
            // SAFETY: none of its entities is there any more, and it is taken away.
            unsafe { self.directory.set_len(id, 0) };
            self.directory.pop_table();
            self.forget_addresses();
            ended.tables.push((table, len));
        }
        let cut = patch.cut;
        let mut stamps = Vec::new();
        for (n, mut patch) in patch.tables.into_iter().enumerate() {
            let (id, rows) = (TableId(n as u32), patch.cut.rows());
            let (len, components) = (self.len(id), patch.cut.components());
            for (at, pages) in std::mem::take(&mut patch.columns).into_iter().enumerate() {
                for ValuesPatch { page, values, decoded } in pages {
                    let start = page * PAGE_ROWS;
                    stamps.push((id, Some(components[at]), page, values.version));
                    // SAFETY: the rows are below the capacity; as many values as the
                    // page has rows in the cut come, of which those of the first
                    // array come to rows that hold values, others behind the last.
                    unsafe { self.write_page(id, at, start, values, decoded, &mut ended) };
                }
            }
            // SAFETY: rows below `rows` are initialised in every column: they were, or
            // lie in pages that were written, since those have other rows than before.
            // What lies behind is dropped in the end, by nobody else.
            unsafe { self.directory.set_len(id, rows) };
            for &page in &patch.ids {
                // SAFETY: as above; the patch holds together: the entities are
                // nowhere, since those that had their places were forgotten.
                unsafe { self.directory.put_rows(id, page * PAGE_ROWS, patch.cut.ids(page).0) };
            }
            let moved = patch.moved.iter();
            stamps.extend(moved.map(|&page| (id, None, page, patch.cut.ids(page).1)));
            self.count = self.count - len + rows;
            ended.rows.extend((rows < len).then_some((id, rows..len)));
        }
        self.count -= ended.tables.iter().map(|(_, len)| len).sum::<usize>();
        self.directory.begin_history(present, later);
        // Pages were borrowed mutably.
        self.forget_addresses();
        for (id, component, page, version) in stamps {
            let known = version != Version::ZERO;
            let version = if known { Version::new(version.get() + lead) } else { version };
            match component {
                Some(component) => self.directory.set_written(id, component, page, version),
                None => self.directory.set_moved(id, page, version),
            }
        }
        for (entity, component) in lost {
            if !self.has(entity, component) {
                self.removed.note(component, [entity], now);
            }
        }
        cut.note_removed(&mut self.removed, present);
        ended
    }

    /// Writes the values of a page, and its ticks.
    ///
    /// # Safety
    /// - The table has the column, and room for the rows from `start` on.
    /// - As many plain values come as there are rows, and as many ticks if the
    ///   component is tracked. Of those that are decoded, the first come to rows that
    ///   hold values, and the others behind the last.
    unsafe fn write_page(
        &mut self,
        id: TableId,
        at: usize,
        start: usize,
        values: ValuesOfCut<'_>,
        decoded: Option<[ErasedVec; 2]>,
        ended: &mut Ended,
    ) {
        let table = &mut self.tables[id.index()];
        let column = &mut table.columns[at];
        match decoded {
            // SAFETY: the caller's: there is room for the bytes of whole values, of
            // which all patterns are valid, and which end by themselves.
            None => unsafe {
                let to = column.at(start).as_ptr();
                ptr::copy_nonoverlapping(values.bytes.as_ptr(), to, values.bytes.len());
            },
            Some([mut there, behind]) => {
                assert!(there.id() == column.info().id(), "values come to their own component");
                let count = there.len();
                // SAFETY: the caller's. The values of the array and those in the rows
                // lie in memory of two owners, and so do not overlap.
                unsafe {
                    column.swap_rows_with(start, count, there.as_mut_slice().as_ptr());
                    column.append(start + count, behind);
                }
                ended.values.push(there);
            }
        }
        if let (Some(Tracked { changed, added, .. }), Some(ticks)) =
            (table.tracked(at), values.ticks)
        {
            for (column, ticks) in [changed, added].into_iter().zip(ticks) {
                // SAFETY: the caller's; columns of ticks have as much room as others.
                unsafe {
                    let to = table.columns[column as usize].at(start).cast().as_ptr();
                    ptr::copy_nonoverlapping(ticks.as_ptr(), to, ticks.len());
                }
            }
        }
    }

    /// Drops what has ended by a patch; panics are kept.
    pub(crate) fn end(&mut self, ended: Ended, panics: &mut Panics) {
        for values in ended.values {
            panics.keep(catch_unwind(AssertUnwindSafe(|| drop(values))));
        }
        for (id, rows) in ended.rows {
            // SAFETY: the rows hold values, and nobody counts them.
            unsafe { self.tables[id.index()].drop_rows(rows.start, rows.len(), panics) };
        }
        for (mut table, len) in ended.tables {
            // SAFETY: the rows hold values, and the table is nobody's.
            unsafe { table.drop_rows(0, len, panics) };
        }
    }
}
