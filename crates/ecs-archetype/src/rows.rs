//! Tables, their rows, and the moves between them.
//!
//! This is one of the rooms for unsafe code. Its invariants, for each table:
//! - rows below `len` of the ids and of every column are initialised, those from
//!   `len` on are not; all have room for `capacity` rows;
//! - columns are in ascending order of component id;
//! - the directory tells `len`, where ids and columns lie, and for each row
//!   below `len` that its entity is there.
//!
//! They hold whenever user code can run: values that end are dropped when the
//! row that held them is no longer counted, so a panic in `Drop` finds
//! everything in order.
#![expect(unsafe_code, reason = "room: rows, moved between tables in step with the directory")]

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;

use ecs_core::{
    AllocatorError, BundleBatch, ComponentId, ComponentIds, ComponentInfo, ComponentSet, DynBundle,
    EntityId, ErasedSlice, ErasedSliceMut, IdSource, InPlace, Removal, RowTarget, RowWriter,
};
use ecs_storage_api::{
    BundleError, Directory, DirectoryMut, DirectoryRef, Location, OwnedChunk, StorageError, TableId,
};

use smallvec::SmallVec;

use crate::column::{Column, Ids, copy_value, swap_values};

/// Entities with the same components: their ids, and a column a component.
#[derive(Debug)]
struct Table {
    components: ComponentSet,
    ids: Ids,
    columns: Vec<Column>,
    len: usize,
    capacity: usize,
    /// Raised whenever ids or columns move in memory.
    moves: u64,
}

impl Table {
    fn new(components: ComponentSet) -> Self {
        let columns = components.iter().map(|component| Column::new(component.info())).collect();
        Self { components, ids: Ids::new(), columns, len: 0, capacity: 0, moves: 0 }
    }

    fn column(&self, component: ComponentId) -> Option<usize> {
        self.components.as_slice().binary_search(&component).ok()
    }
}

impl Drop for Table {
    fn drop(&mut self) {
        let (len, capacity) = (std::mem::take(&mut self.len), self.capacity);
        // Every column is freed, whatever its values do.
        let mut panic = None;
        for column in &mut self.columns {
            // SAFETY: rows below `len` hold values, and this is the end of them.
            let dropped = catch_unwind(AssertUnwindSafe(|| unsafe { column.drop_rows(0, len) }));
            panic = panic.or(dropped.err());
            // SAFETY: the capacity is that of every column.
            unsafe { column.values.free(capacity) }
        }
        // SAFETY: the capacity is that of the ids too.
        unsafe { self.ids.0.free(capacity) }
        if let Some(panic) = panic
            && !std::thread::panicking()
        {
            resume_unwind(panic);
        }
    }
}

/// How a row gets from one table to another when components come or go.
///
/// Made by [`Rows`] for two of its tables, and used with no others.
#[derive(Debug)]
pub(crate) struct Plan {
    source: TableId,
    target: TableId,
    /// The columns that the bundle writes, in its own order.
    targets: Vec<RowTarget>,
    /// The columns of `target` behind `targets`, in the same order.
    written: Vec<u16>,
    /// Columns that keep their value.
    kept: Vec<Kept>,
    /// Columns of the source whose value ends.
    ended: Vec<Ended>,
    /// Whether a value that ends needs to be dropped.
    drops: bool,
    /// `Table::moves` of source and target when the addresses here were last
    /// brought up to date.
    moves: (u64, u64),
}

/// A column that keeps its value when a row moves.
#[derive(Debug)]
struct Kept {
    /// The columns' places in the source and the target.
    columns: (u16, u16),
    /// Row 0 of the source's column.
    from: NonNull<u8>,
    /// Row 0 of the target's column.
    to: NonNull<u8>,
    size: usize,
}

/// A column whose value ends when a row moves.
#[derive(Debug)]
struct Ended {
    /// The column's place in the source.
    column: u16,
    info: &'static ComponentInfo,
    /// Row 0 of the source's column.
    first: NonNull<u8>,
}

impl Ended {
    /// Takes over the value that ended.
    ///
    /// # Safety
    /// It was left at `row`, by `move_row`, and nobody has taken it over yet.
    #[inline]
    unsafe fn value(&self, row: usize) -> InPlace<'_> {
        // SAFETY: the caller's; the address is that of the column.
        unsafe { InPlace::new(self.info, self.first.add(row * self.info.stride())) }
    }
}

// SAFETY: the addresses are of the tables of the `Rows` that the plan was made
// for, and are used through a mutable borrow of them alone.
unsafe impl Send for Plan {}
// SAFETY: as above.
unsafe impl Sync for Plan {}

/// The tables and the directory of a store.
#[derive(Debug)]
pub(crate) struct Rows {
    directory: Directory,
    tables: Vec<Table>,
    count: usize,
}

impl Rows {
    /// Entities without components live in this table.
    pub(crate) const EMPTY: TableId = TableId(0);

    pub(crate) fn new(shard: u16) -> Self {
        let mut rows = Self { directory: Directory::new(shard), tables: Vec::new(), count: 0 };
        rows.add_table(ComponentSet::new()).expect("the first table");
        rows
    }

    pub(crate) fn add_table(&mut self, components: ComponentSet) -> Result<TableId, StorageError> {
        if self.tables.len() == Location::MAX_TABLES {
            return Err(StorageError::Capacity {
                what: "the number of archetypes",
                limit: Location::MAX_TABLES as u64,
            });
        }
        let id = self.directory.add_table();
        self.tables.push(Table::new(components));
        self.publish(id);
        Ok(id)
    }

    /// Tells the directory where a table's ids and columns lie now.
    fn publish(&mut self, id: TableId) {
        let table = &mut self.tables[id.index()];
        table.moves += 1;
        // SAFETY: these are the addresses of the table's own memory, and `len`
        // rows are initialised.
        unsafe {
            self.directory.set_ids(id, table.ids.first());
            self.directory.set_len(id, table.len);
            for column in &table.columns {
                self.directory.set_column(id, column.info, column.values.first());
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn table_count(&self) -> usize {
        self.tables.len()
    }

    pub(crate) fn components(&self, table: TableId) -> &ComponentSet {
        &self.tables[table.index()].components
    }

    #[inline]
    pub(crate) fn locate(&self, entity: EntityId) -> Option<Location> {
        self.directory.locate(entity)
    }

    #[inline]
    pub(crate) fn directory(&self) -> DirectoryRef<'_> {
        // SAFETY: the directory is in step (the room's invariants), and as long
        // as `self` is borrowed nobody changes a row.
        unsafe { DirectoryRef::new(&self.directory) }
    }

    #[inline]
    pub(crate) fn directory_mut(&mut self) -> DirectoryMut<'_> {
        // SAFETY: as above, and `self` is borrowed mutably.
        unsafe { DirectoryMut::new(&self.directory) }
    }

    /// Returns every table's components, entities and columns, in order.
    pub(crate) fn chunks(
        &self,
    ) -> impl Iterator<Item = (&ComponentSet, &[EntityId], impl Iterator<Item = ErasedSlice<'_>>)>
    {
        self.tables.iter().map(|table| {
            // SAFETY: rows below `len` are initialised.
            let ids = unsafe { table.ids.as_slice(table.len) };
            // SAFETY: as above.
            let columns = table.columns.iter().map(|column| unsafe { column.slice(table.len) });
            (&table.components, ids, columns)
        })
    }

    /// As `chunks`, to be changed.
    pub(crate) fn chunks_mut(
        &mut self,
    ) -> impl Iterator<Item = (&ComponentSet, &[EntityId], impl Iterator<Item = ErasedSliceMut<'_>>)>
    {
        self.tables.iter_mut().map(|table| {
            let len = table.len;
            // SAFETY: rows below `len` are initialised.
            let ids = unsafe { table.ids.as_slice(len) };
            // SAFETY: as above.
            let columns =
                table.columns.iter_mut().map(move |column| unsafe { column.slice_mut(len) });
            (&table.components, ids, columns)
        })
    }

    /// Makes room for `additional` more rows.
    #[inline]
    fn reserve(&mut self, id: TableId, additional: usize) -> Result<(), StorageError> {
        let table = &self.tables[id.index()];
        if additional <= table.capacity - table.len {
            return Ok(());
        }
        self.grow(id, additional)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, id: TableId, additional: usize) -> Result<(), StorageError> {
        let table = &mut self.tables[id.index()];
        let needed = table.len.saturating_add(additional);
        if needed > Location::MAX_ROWS {
            return Err(StorageError::Capacity {
                what: "the rows of an archetype",
                limit: Location::MAX_ROWS as u64,
            });
        }
        let capacity = needed.max(table.capacity * 2).clamp(8, Location::MAX_ROWS);
        if !table.columns.iter().all(|column| column.values.fits(capacity)) {
            return Err(StorageError::Capacity {
                what: "the bytes of a column",
                limit: isize::MAX as u64,
            });
        }
        self.resize(id, capacity);
        Ok(())
    }

    /// Changes the capacity of a table to at least its length.
    fn resize(&mut self, id: TableId, capacity: usize) {
        let table = &mut self.tables[id.index()];
        let old = table.capacity;
        debug_assert!(capacity >= table.len);
        // SAFETY: `old` is the capacity of ids and columns alike, and `grow`
        // checked the new one (a smaller one fits where the old one did).
        unsafe {
            table.ids.0.resize(old, capacity);
            for column in &mut table.columns {
                column.values.resize(old, capacity);
            }
        }
        table.capacity = capacity;
        self.publish(id);
    }

    /// Gives back what tables hold beyond their rows.
    pub(crate) fn shrink(&mut self) {
        for id in 0..self.tables.len() {
            let table = &self.tables[id];
            if table.capacity != table.len {
                self.resize(TableId(id as u32), table.len);
            }
        }
    }

    /// Plans what becomes of a row of `source` when it gets the components of a
    /// bundle.
    pub(crate) fn plan_insert(
        &self,
        source: TableId,
        target: TableId,
        bundle: &ComponentIds,
    ) -> Plan {
        let (from, to) = (&self.tables[source.index()], &self.tables[target.index()]);
        let mut plan =
            Self::plan_move(source, target, from, to, |component| !bundle.contains(&component));
        let column = |&component| {
            to.column(component).expect("the target has every component of the bundle")
        };
        plan.written = bundle.iter().map(|component| column(component) as u16).collect();
        if source == target {
            plan.ended.clear();
        }
        // Nothing may be left without a value.
        assert!(
            plan.kept.len() + plan.written.len() == to.columns.len(),
            "a column of the target is kept or written"
        );
        plan
    }

    /// Plans what becomes of a row of `source` when it loses components.
    pub(crate) fn plan_remove(&self, source: TableId, target: TableId) -> Plan {
        let (from, to) = (&self.tables[source.index()], &self.tables[target.index()]);
        let plan = Self::plan_move(source, target, from, to, |_| true);
        assert!(plan.kept.len() == to.columns.len(), "a column of the target is kept");
        plan
    }

    fn plan_move(
        source: TableId,
        target: TableId,
        from: &Table,
        to: &Table,
        keeps: impl Fn(ComponentId) -> bool,
    ) -> Plan {
        let (mut kept, mut ended) = (Vec::new(), Vec::new());
        for (at, column) in (0u16..).zip(&from.columns) {
            match to.column(column.info.id()) {
                Some(to) if keeps(column.info.id()) => kept.push(Kept {
                    columns: (at, to as u16),
                    from: NonNull::dangling(),
                    to: NonNull::dangling(),
                    size: column.info.stride(),
                }),
                _ => {
                    ended.push(Ended { column: at, info: column.info, first: NonNull::dangling() })
                }
            }
        }
        let drops = ended.iter().any(|ended| ended.info.drop_fn().is_some());
        // Tables start at move 1: no plan is up to date before its first use.
        Plan {
            source,
            target,
            targets: Vec::new(),
            written: Vec::new(),
            kept,
            ended,
            drops,
            moves: (0, 0),
        }
    }

    /// Brings the addresses in a plan up to date.
    #[inline]
    fn refresh(&self, plan: &mut Plan) {
        let (from, to) = (&self.tables[plan.source.index()], &self.tables[plan.target.index()]);
        if plan.moves != (from.moves, to.moves) {
            Self::refresh_moved(plan, from, to);
        }
    }

    #[cold]
    #[inline(never)]
    fn refresh_moved(plan: &mut Plan, from: &Table, to: &Table) {
        let replaces = plan.source == plan.target && plan.source != Self::EMPTY;
        plan.targets.clear();
        plan.targets.extend(
            plan.written.iter().map(|&column| to.columns[column as usize].target(replaces)),
        );
        for kept in &mut plan.kept {
            kept.from = from.columns[kept.columns.0 as usize].values.first();
            kept.to = to.columns[kept.columns.1 as usize].values.first();
        }
        for ended in &mut plan.ended {
            ended.first = from.columns[ended.column as usize].values.first();
        }
        plan.moves = (from.moves, to.moves);
    }

    /// Makes an entity with the components of a bundle, along a plan from the
    /// empty table.
    #[inline]
    pub(crate) fn spawn(
        &mut self,
        plan: &mut Plan,
        bundle: &mut dyn DynBundle,
        name: impl FnOnce() -> Result<EntityId, StorageError>,
    ) -> Result<EntityId, StorageError> {
        debug_assert!(plan.source == Self::EMPTY);
        self.reserve(plan.target, 1)?;
        self.refresh(plan);
        let row = self.tables[plan.target.index()].len;
        self.write_row(plan, row, bundle)?;
        let entity = match name() {
            Ok(entity) => entity,
            Err(error) => {
                // SAFETY: the row was written just now, and is not counted.
                unsafe { drop_uncounted(&mut self.tables[plan.target.index()], row, 1) };
                return Err(error);
            }
        };
        // SAFETY: the row at `len` is initialised in every column: the plan
        // starts at a table without columns, so the bundle wrote them all.
        unsafe { self.count_row(plan.target, entity) };
        self.count += 1;
        Ok(entity)
    }

    /// Writes a bundle to a row.
    #[inline]
    fn write_row(
        &mut self,
        plan: &Plan,
        row: usize,
        bundle: &mut dyn DynBundle,
    ) -> Result<(), StorageError> {
        let mut rows_done = 0;
        // SAFETY: `refresh` made the targets the target table's columns, which
        // are apart from each other and, by `reserve` or because the row exists,
        // have room for the row; `self` is borrowed mutably, so nobody else
        // touches them.
        let mut writer = unsafe { RowWriter::new(&plan.targets, row..row + 1, &mut rows_done) };
        bundle.write(&mut writer);
        if writer.finish_row() {
            return Ok(());
        }
        Err(BundleError::Incomplete { announced: plan.targets.len() }.into())
    }

    /// Counts the row behind the last as an entity's.
    ///
    /// # Safety
    /// That row is below the capacity, and initialised in every column.
    #[inline]
    unsafe fn count_row(&mut self, id: TableId, entity: EntityId) {
        let table = &mut self.tables[id.index()];
        let row = table.len;
        table.len = row + 1;
        // SAFETY: the caller's; the directory is told what was just done.
        unsafe {
            table.ids.write(row, entity);
            self.directory.set_location(entity, id, row);
            self.directory.set_len(id, row + 1);
        }
    }

    /// Makes an entity for each row of a batch, along a plan from the empty
    /// table.
    pub(crate) fn spawn_batch(
        &mut self,
        plan: &mut Plan,
        batch: &mut dyn BundleBatch,
        ids: &mut IdSource,
        made: &mut Vec<EntityId>,
    ) -> Result<(), StorageError> {
        // A hint may lie: it is believed up to a million rows at a time.
        self.reserve(plan.target, batch.rows_hint().clamp(1, 1 << 20))?;
        loop {
            self.reserve(plan.target, 1)?;
            self.refresh(plan);
            let table = &self.tables[plan.target.index()];
            let (start, room) = (table.len, table.capacity - table.len);
            let mut rows = 0;
            let written = {
                // SAFETY: as in `write_row`, for `room` rows behind the last.
                let writer =
                    unsafe { RowWriter::new(&plan.targets, start..start + room, &mut rows) };
                catch_unwind(AssertUnwindSafe(|| batch.write(room, writer)))
            };
            let counted = self.count_rows(plan.target, rows, ids, made);
            if let Err(panic) = written {
                resume_unwind(panic);
            }
            counted?;
            if rows < room {
                return Ok(());
            }
        }
    }

    /// Names the `rows` rows behind the last, and counts them.
    fn count_rows(
        &mut self,
        id: TableId,
        rows: usize,
        ids: &mut IdSource,
        made: &mut Vec<EntityId>,
    ) -> Result<(), AllocatorError> {
        let table = &mut self.tables[id.index()];
        let (start, first) = (table.len, made.len());
        let fresh = match ids.allocate_many(rows, made) {
            Ok(fresh) => fresh,
            Err(error) => {
                // SAFETY: the writer finished these rows, which are not counted.
                unsafe { drop_uncounted(table, start, rows) };
                return Err(error);
            }
        };
        self.directory.reserve_locations(fresh.end as usize);
        table.len = start + rows;
        self.count += rows;
        // SAFETY: the writer finished `rows` rows, so they are below the
        // capacity and initialised in every column.
        unsafe {
            for (row, &entity) in (start..).zip(&made[first..]) {
                table.ids.write(row, entity);
                self.directory.set_location(entity, id, row);
            }
            self.directory.set_len(id, table.len);
        }
        Ok(())
    }

    /// Gives an entity the components of a bundle, along a plan from its table.
    #[inline]
    pub(crate) fn insert(
        &mut self,
        plan: &mut Plan,
        at: Location,
        bundle: &mut dyn DynBundle,
    ) -> Result<(), StorageError> {
        debug_assert!(plan.source == at.table());
        if plan.source == plan.target {
            self.refresh(plan);
            return self.write_row(plan, at.row(), bundle);
        }
        self.reserve(plan.target, 1)?;
        self.refresh(plan);
        let row = self.tables[plan.target.index()].len;
        // Written first, behind the last row: if the bundle panics, nothing has
        // happened.
        self.write_row(plan, row, bundle)?;
        self.move_row(plan, at.row());
        if plan.drops {
            self.drop_ended(plan);
        }
        Ok(())
    }

    /// Takes components from an entity, along a plan from its table.
    #[inline]
    pub(crate) fn remove(
        &mut self,
        plan: &mut Plan,
        at: Location,
        removal: &mut dyn Removal,
    ) -> Result<usize, StorageError> {
        debug_assert!(plan.source == at.table());
        if plan.source == plan.target {
            return Ok(0);
        }
        self.reserve(plan.target, 1)?;
        self.refresh(plan);
        self.move_row(plan, at.row());
        if removal.wants_values() {
            let last = self.tables[plan.source.index()].len;
            match &plan.ended[..] {
                // SAFETY: `move_row` left the value behind the last row.
                [one] => removal.take(unsafe { one.value(last) }),
                // SAFETY: as above, for each.
                more => more
                    .iter()
                    .map(|ended| unsafe { ended.value(last) })
                    // All of them first: those that are not taken in the end,
                    // because one panics, are dropped.
                    .collect::<SmallVec<[InPlace<'_>; 8]>>()
                    .into_iter()
                    .for_each(|value| removal.take(value)),
            }
        } else if plan.drops {
            self.drop_ended(plan);
        }
        Ok(plan.ended.len())
    }

    /// Moves a row to the plan's other table, where the columns that do not
    /// come along are written already. Values that end are left behind the last
    /// row of the source.
    #[inline(always)]
    fn move_row(&mut self, plan: &Plan, row: usize) {
        let [source, target] = self
            .tables
            .get_disjoint_mut([plan.source.index(), plan.target.index()])
            .expect("a plan leads from one table to another");
        assert!(row < source.len && target.len < target.capacity);
        let (last, new_row) = (source.len - 1, target.len);
        // SAFETY: `refresh` brought the plan's addresses up to date, its pairs
        // of columns hold the same component, `row` and `last` are counted rows
        // of the source, and `new_row` is within the target's capacity.
        let (entity, moved) = unsafe {
            for kept in &plan.kept {
                let place = kept.from.add(row * kept.size).as_ptr();
                copy_value(place, kept.to.add(new_row * kept.size).as_ptr(), kept.size);
                if row != last {
                    copy_value(kept.from.add(last * kept.size).as_ptr(), place, kept.size);
                }
            }
            for ended in &plan.ended {
                if row != last {
                    swap_values(ended.first, row, last, ended.info.stride());
                }
            }
            let (entity, moved) = (source.ids.read(row), source.ids.read(last));
            source.ids.write(row, moved);
            target.ids.write(new_row, entity);
            (entity, moved)
        };
        source.len = last;
        target.len = new_row + 1;
        // SAFETY: the source has one row less, and the row of `moved` is now
        // `row`. If `moved` is `entity`, the second location corrects the first.
        // The new row has the kept columns from here, the others from before.
        unsafe {
            self.directory.set_len(plan.source, last);
            self.directory.set_len(plan.target, new_row + 1);
            self.directory.set_location(moved, plan.source, row);
            self.directory.set_location(entity, plan.target, new_row);
        }
    }

    /// Drops the values that `move_row` left behind the last row.
    #[cold]
    fn drop_ended(&mut self, plan: &Plan) {
        let last = self.tables[plan.source.index()].len;
        // SAFETY: as in `remove`. Collected first, so that all are dropped.
        drop(
            plan.ended
                .iter()
                .map(|ended| unsafe { ended.value(last) })
                .collect::<SmallVec<[InPlace<'_>; 8]>>(),
        );
    }

    /// Ends an entity.
    #[inline]
    pub(crate) fn despawn(&mut self, entity: EntityId, at: Location) {
        let (id, row) = (at.table(), at.row());
        let table = &mut self.tables[id.index()];
        assert!(row < table.len);
        let last = table.len - 1;
        table.len = last;
        self.count -= 1;
        let mut drops = false;
        // SAFETY: both rows were counted; the directory is told what is done.
        unsafe {
            for column in &mut table.columns {
                if column.info.drop_fn().is_some() {
                    drops = true;
                    column.swap(row, last);
                } else {
                    column.fill(row, last);
                }
            }
            let moved = table.ids.read(last);
            table.ids.write(row, moved);
            self.directory.set_len(id, last);
            self.directory.set_location(moved, id, row);
        }
        // After the other's: it may be the last row itself.
        self.directory.clear_location(entity);
        if drops {
            // SAFETY: the row behind the last holds the entity's values in the
            // columns that need dropping, and is not counted.
            unsafe { drop_uncounted(table, last, 1) };
        }
    }

    /// Ends every entity.
    pub(crate) fn clear(&mut self) {
        let mut panic = None;
        self.count = 0;
        for id in (0..self.tables.len()).map(|id| TableId(id as u32)) {
            let table = &mut self.tables[id.index()];
            let len = std::mem::take(&mut table.len);
            // SAFETY: a table without rows has as many.
            unsafe { self.directory.set_len(id, 0) };
            for row in 0..len {
                // SAFETY: the row was counted, and ids are not dropped.
                self.directory.clear_location(unsafe { table.ids.read(row) });
            }
            // SAFETY: the rows were counted until now.
            let dropped =
                catch_unwind(AssertUnwindSafe(|| unsafe { drop_uncounted(table, 0, len) }));
            panic = panic.or(dropped.err());
        }
        if let Some(panic) = panic {
            resume_unwind(panic);
        }
    }

    /// Makes an entity without components.
    pub(crate) fn adopt(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.reserve(Self::EMPTY, 1)?;
        // SAFETY: `reserve` made room, and there is no column to initialise.
        unsafe { self.count_row(Self::EMPTY, entity) };
        self.count += 1;
        Ok(())
    }

    /// Takes in a chunk, whose entities live nowhere yet.
    pub(crate) fn append(&mut self, id: TableId, chunk: OwnedChunk) -> Result<(), StorageError> {
        let (ids, columns) = chunk.into_parts();
        assert!(
            columns.iter().map(|column| column.id()).eq(self.components(id).iter()),
            "a chunk comes to its own table"
        );
        assert!(
            columns.iter().all(|column| column.len() == ids.len()),
            "a chunk's columns have a value a row"
        );
        self.reserve(id, ids.len())?;
        let table = &mut self.tables[id.index()];
        let start = table.len;
        // SAFETY: there is room for as many rows as the chunk has (`reserve`),
        // and the columns hold as many values of the table's components, in the
        // order of its columns.
        unsafe {
            for (column, values) in table.columns.iter_mut().zip(columns) {
                column.append(start, values);
            }
            table.len += ids.len();
            for (row, &entity) in (start..).zip(&ids) {
                table.ids.write(row, entity);
                self.directory.set_location(entity, id, row);
            }
            self.directory.set_len(id, table.len);
        }
        self.count += ids.len();
        Ok(())
    }
}

/// Drops the values of `count` rows from `start` on, which the table does not
/// count; all of them, also when some panic.
///
/// # Safety
/// Every column that needs dropping holds values there, which nobody uses
/// afterwards.
unsafe fn drop_uncounted(table: &mut Table, start: usize, count: usize) {
    let mut panic = None;
    for column in &mut table.columns {
        // SAFETY: the caller's.
        let dropped = catch_unwind(AssertUnwindSafe(|| unsafe { column.drop_rows(start, count) }));
        panic = panic.or(dropped.err());
    }
    if let Some(panic) = panic {
        resume_unwind(panic);
    }
}
