//! Tables, their rows, and the moves between them.
//!
//! This is one of the rooms for unsafe code. Its invariants, for each table:
//! - rows below the length that the directory tells are initialised in the ids
//!   and in every column, those from it on are not; all have room for `capacity`
//!   rows;
//! - columns are in ascending order of component id;
//! - the directory tells where ids and columns lie, and for each row below the
//!   length that its entity is there.
//!
//! They hold whenever user code can run: values that end are dropped when the
//! row that held them is no longer counted, so a panic in `Drop` finds
//! everything in order.
#![expect(unsafe_code, reason = "room: rows, moved between tables in step with the directory")]

mod course;
mod ending;
mod kinds;
mod panics;
mod patch;
mod places;
mod plan;
mod ready;
mod scatter;
mod shrinking;
mod staged;
mod table;
mod transfer;
mod updates;

use ecs_core::{
    AllocatorError, BundleBatch, BundleKind, Component, ComponentId, ComponentSet, DynBundle,
    EntityId, ErasedSlice, ErasedSliceMut, ErasedVec, IdSource, InPlace, Removal, RowTargets,
    RowWriter,
};
use ecs_storage_api::snapshot::ChunkAges;
use ecs_storage_api::{
    BundleError, Changes, ChangesMut, Directory, DirectoryMut, DirectoryRef, Location, OwnedChunk,
    RemovalLog, StorageError, TableId, Touched, Version, reserve_list,
};
use std::any::TypeId;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::AtomicU64;

pub(crate) use course::Course;
use ending::Ending;
pub(crate) use kinds::{Kinds, TypedEdge};
pub(crate) use panics::Panics;
pub(crate) use patch::Patch;
pub(crate) use places::Scattered;
use plan::Ended;
pub(crate) use plan::Plan;
pub(crate) use ready::{AtStart, InPlaceOf, Ready};
pub(crate) use staged::Staged;
use table::{Table, Tracked};
pub(crate) use updates::Change;

/// Plans number columns by `u16`; a tracked component has three.
const MOST_COLUMNS: usize = u16::MAX as usize;

/// What there is of a table: its entities, and its columns with what is known of
/// their changes.
pub(crate) struct TableChunk<'a, I> {
    pub(crate) components: &'a ComponentSet,
    pub(crate) ids: &'a [EntityId],
    /// When rows of each page came or were moved.
    pub(crate) moves: &'a [AtomicU64],
    pub(crate) columns: I,
}

/// How memory grows while a batch is written.
///
/// A hint may lie. It is believed up to a million rows, and then up to as many as
/// came already: so a lie costs no more than doubling would. A hint that names
/// one number is the end of the batch, beyond which nothing is made room for;
/// only between batches is memory doubled, so that many small ones cost no more
/// than a large one. If more comes than was named, memory is doubled too.
struct Growth {
    /// How many rows came so far.
    rows: usize,
    /// Whether there was room for all rows that a hint named.
    all: bool,
    /// Twice of what there was room for before the batch.
    table: usize,
    locations: usize,
    ids: usize,
}

impl Growth {
    /// What a hint is believed at first.
    const BELIEVED: usize = 1 << 20;

    fn from(rows: &Rows, id: TableId, made: &[EntityId]) -> Self {
        Self {
            rows: 0,
            all: false,
            table: rows.tables[id.index()].capacity * 2,
            locations: rows.directory.capacity() * 2,
            ids: made.len() * 2,
        }
    }

    /// Makes room for one row more at least.
    fn make_room(
        &mut self,
        rows: &mut Rows,
        id: TableId,
        (least, most): (usize, Option<usize>),
        ids: &IdSource,
        made: &mut Vec<EntityId>,
    ) -> Result<(), StorageError> {
        let count = least.clamp(1, self.rows.max(Self::BELIEVED));
        if count <= rows.tables[id.index()].capacity - rows.len(id) {
            return Ok(());
        }
        if most != Some(least) || self.all {
            let enough = if self.rows == 0 { count } else { 1 };
            return rows.reserve(id, enough);
        }
        self.all = count == least;
        rows.grow_exact(id, count, self.table)?;
        rows.directory.reserve_exact(ids.next_index_after(count) as usize, self.locations);
        if made.capacity() - made.len() < count {
            made.reserve_exact(count.max(self.ids.saturating_sub(made.len())));
        }
        Ok(())
    }
}

/// The tables and the directory of a store.
#[derive(Debug)]
pub(crate) struct Rows {
    directory: Directory,
    tables: Vec<Table>,
    /// Places of tables that were removed, for those that come.
    vacant: Vec<TableId>,
    /// Raised whenever ids or columns of some table move in memory, or what the
    /// directory knows of it: plans hold addresses.
    layout: u64,
    count: usize,
    /// Where an entity ended last.
    ending: Ending,
    removed: RemovalLog,
}

impl Rows {
    /// Entities without components live in this table.
    pub(crate) const EMPTY: TableId = TableId(0);

    pub(crate) fn new(shard: u16) -> Self {
        let mut rows = Self {
            directory: Directory::new(shard),
            tables: Vec::new(),
            vacant: Vec::new(),
            layout: 0,
            count: 0,
            ending: Ending::of_none(),
            removed: RemovalLog::default(),
        };
        rows.add_table(ComponentSet::new()).expect("the first table");
        rows
    }

    pub(crate) fn add_table(&mut self, components: ComponentSet) -> Result<TableId, StorageError> {
        let tracked = components.iter().filter(|id| id.info().is_tracked()).count();
        if components.len() + 2 * tracked > MOST_COLUMNS {
            return Err(StorageError::Capacity {
                what: "the components of an archetype",
                limit: MOST_COLUMNS as u64,
            });
        }
        if self.vacant.is_empty() && self.tables.len() == Location::MAX_TABLES {
            return Err(StorageError::Capacity {
                what: "the number of archetypes",
                limit: Location::MAX_TABLES as u64,
            });
        }
        const WHAT: &str = "the list of archetypes";
        reserve_list(&mut self.tables, 1, WHAT)?;
        // So that each table can become vacant.
        let vacant = self.tables.len() + 1 - self.vacant.len();
        reserve_list(&mut self.vacant, vacant, WHAT)?;
        // Whatever comes of it, what the directory knows of tables may lie elsewhere.
        self.forget_addresses();
        self.directory.try_reserve_table(components.as_slice())?;
        let table = Table::new(components)?;
        let id = match self.vacant.pop() {
            Some(id) => {
                self.tables[id.index()] = table;
                self.directory.renew();
                id
            }
            None => {
                self.tables.push(table);
                self.directory.add_table()
            }
        };
        self.publish(id);
        Ok(id)
    }

    /// Removes a table without rows. No plan that leads from it or to it may be used
    /// afterwards. If those that came last go first, later ones come as if these had
    /// never been.
    pub(crate) fn remove_table(&mut self, id: TableId) {
        self.tables[id.index()] = Table::empty();
        self.directory.clear_table(id);
        self.vacant.push(id);
        self.forget_addresses();
    }

    /// Removes the tables without rows, but for that of entities without
    /// components, and calls `each` with them. No plan may be used afterwards.
    pub(crate) fn remove_empty_tables(&mut self, mut each: impl FnMut(&ComponentSet)) {
        for id in (1..self.tables.len()).map(|id| TableId(id as u32)) {
            let components = &self.tables[id.index()].components;
            if self.directory.len(id) == 0 && !components.is_empty() {
                each(components);
                self.remove_table(id);
            }
        }
    }

    /// Has every address asked for anew that plans and the like remember.
    fn forget_addresses(&mut self) {
        self.layout += 1;
        self.ending = Ending::of_none();
    }

    /// Tells the directory where a table's ids and columns lie now.
    fn publish(&mut self, id: TableId) {
        self.forget_addresses();
        let table = &self.tables[id.index()];
        // SAFETY: these are the addresses of the table's own memory, in which
        // as many rows are initialised as the directory counts.
        unsafe {
            self.directory.set_ids(id, table.ids.first(), table.capacity);
            for column in table.values() {
                self.directory.set_column(id, column.info(), column.values.first());
            }
            for &Tracked { column, changed, added } in &table.tracked {
                let component = table.columns[column as usize].info().id();
                let [changed, added] = [changed, added]
                    .map(|ticks| table.columns[ticks as usize].values.first().cast());
                self.directory.set_ticks(id, component, changed, added);
            }
        }
    }

    pub(crate) fn count(&self) -> usize {
        self.count
    }

    pub(crate) fn table_count(&self) -> usize {
        self.tables.len() - self.vacant.len()
    }

    /// Tells whether an id of another shard lives here.
    pub(crate) fn has_foreign(&self) -> bool {
        self.directory.has_foreign()
    }

    pub(crate) fn components(&self, table: TableId) -> &ComponentSet {
        &self.tables[table.index()].components
    }

    /// Returns how many rows a table has.
    #[inline]
    fn len(&self, table: TableId) -> usize {
        self.directory.len(table)
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

    /// Returns the present version.
    #[inline]
    pub(crate) fn version(&self) -> Version {
        self.directory.version()
    }

    /// Returns the present version, and raises it.
    #[inline]
    pub(crate) fn advance_version(&self) -> Version {
        self.directory.advance_version()
    }

    /// Returns what names the store and its history.
    pub(crate) fn identity(&self) -> u64 {
        self.directory.store()
    }

    /// Raises the version to at least that.
    pub(crate) fn set_version(&mut self, version: Version) {
        self.directory.set_version(version);
    }

    /// Returns which entities were touched since a moment, and notes them from now on.
    pub(crate) fn touched_since(&mut self, since: Version) -> Option<Touched> {
        self.directory.touched_since(since)
    }

    /// Notes no longer which entities are touched.
    pub(crate) fn forget_touched(&mut self) {
        self.directory.forget_touched();
    }

    /// Returns which entities lost which tracked component.
    pub(crate) fn removed(&self) -> &RemovalLog {
        &self.removed
    }

    /// As `removed`, to be changed.
    pub(crate) fn removed_mut(&mut self) -> &mut RemovalLog {
        &mut self.removed
    }

    /// Returns what there is of each table, in order.
    pub(crate) fn chunks(
        &self,
    ) -> impl Iterator<Item = TableChunk<'_, impl Iterator<Item = (ErasedSlice<'_>, Changes<'_>)>>>
    {
        (0..).map(TableId).zip(&self.tables).map(move |(id, table)| {
            let len = self.len(id);
            let columns = table.values().iter().enumerate().map(move |(at, column)| {
                let pages = self.directory.column_pages(id, column.info().id());
                // SAFETY: rows below `len` are initialised, and as long as `self` is
                // borrowed nobody changes them.
                let ticks = table.tracked(at).map(|tracked| unsafe {
                    let [changed, added] = [tracked.changed, tracked.added]
                        .map(|ticks| table.columns[ticks as usize].ticks(len));
                    (changed, added)
                });
                // SAFETY: as above.
                (unsafe { column.slice(len) }, Changes { pages, ticks })
            });
            TableChunk {
                components: &table.components,
                // SAFETY: as above.
                ids: unsafe { table.ids.as_slice(len) },
                moves: self.directory.moves(id),
                columns,
            }
        })
    }

    /// As `chunks`, to be changed.
    pub(crate) fn chunks_mut(
        &mut self,
    ) -> impl Iterator<Item = TableChunk<'_, impl Iterator<Item = (ErasedSliceMut<'_>, ChangesMut<'_>)>>>
    {
        let Self { directory, tables, .. } = self;
        let directory = &*directory;
        (0..).map(TableId).zip(tables).map(move |(id, table)| {
            let len = directory.len(id);
            let Table { components, ids, columns, tracked, .. } = table;
            let (values, ticks) = columns.split_at_mut(components.len());
            let (ticks, first) = (&*ticks, values.len());
            let columns = values.iter_mut().enumerate().map(move |(at, column)| {
                let component = column.info().id();
                let pages = directory.column_pages(id, component);
                let lines = directory.column_lines(id, component);
                let tracked = tracked.iter().find(|tracked| tracked.column as usize == at);
                // SAFETY: rows below `len` are initialised; the columns of ticks
                // belong to one column of values, and this is borrowed mutably.
                let ticks = tracked.map(|tracked| unsafe {
                    (
                        ticks[tracked.changed as usize - first].ticks_mut(len),
                        ticks[tracked.added as usize - first].ticks(len),
                    )
                });
                // SAFETY: as above.
                (unsafe { column.slice_mut(len) }, ChangesMut { pages, ticks, lines })
            });
            TableChunk {
                components,
                // SAFETY: as above.
                ids: unsafe { ids.as_slice(len) },
                moves: directory.moves(id),
                columns,
            }
        })
    }

    /// Returns the entities of a table, in order of rows.
    pub(crate) fn ids(&self, table: TableId) -> &[EntityId] {
        // SAFETY: rows below the length are initialised.
        unsafe { self.tables[table.index()].ids.as_slice(self.len(table)) }
    }

    /// Makes room for `additional` more rows.
    ///
    /// # Errors
    /// [`StorageError::Capacity`] or [`StorageError::OutOfMemory`]; nothing that shows
    /// has changed.
    #[inline(always)]
    pub(crate) fn reserve(&mut self, id: TableId, additional: usize) -> Result<(), StorageError> {
        if self.has_room(id, additional) {
            return Ok(());
        }
        self.grow(id, additional)
    }

    /// Tells whether there is room for `additional` more rows.
    #[inline(always)]
    fn has_room(&self, id: TableId, additional: usize) -> bool {
        additional <= self.tables[id.index()].capacity - self.len(id)
    }

    #[cold]
    #[inline(never)]
    fn grow(&mut self, id: TableId, additional: usize) -> Result<(), StorageError> {
        self.grow_exact(id, additional, self.tables[id.index()].capacity * 2)
    }

    /// Makes room for `additional` more rows, which there is not: for exactly as
    /// many, but for `least` rows in all.
    fn grow_exact(
        &mut self,
        id: TableId,
        additional: usize,
        least: usize,
    ) -> Result<(), StorageError> {
        let needed = self.len(id).saturating_add(additional);
        let capacity = self.tables[id.index()].capacity_for(needed, least)?;
        self.resize(id, capacity)
    }

    /// Changes the capacity of a table to at least its length.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused; nothing that shows has
    /// changed.
    fn resize(&mut self, id: TableId, capacity: usize) -> Result<(), StorageError> {
        debug_assert!(capacity >= self.len(id));
        let table = &mut self.tables[id.index()];
        // Where it gets less room, it has less before an array does.
        table.capacity = table.capacity.min(capacity);
        let resized = table.try_resize(capacity).and_then(|()| {
            self.directory.try_reserve_rows(id, table.components.as_slice(), capacity)
        });
        if resized.is_ok() {
            table.capacity = capacity;
        }
        // Also if not: some arrays may have moved.
        self.publish(id);
        resized
    }

    /// Plans what becomes of a row of `source` when it gets the components of a
    /// bundle.
    pub(crate) fn plan_insert(&self, source: TableId, target: TableId, kind: &BundleKind) -> Plan {
        let table = |id: TableId| (id, &self.tables[id.index()]);
        Plan::insert(table(source), table(target), kind)
    }

    /// Plans what becomes of a row of `source` when it loses the components of a
    /// kind.
    pub(crate) fn plan_remove(&self, source: TableId, target: TableId, kind: &BundleKind) -> Plan {
        let table = |id: TableId| (id, &self.tables[id.index()]);
        Plan::remove(table(source), table(target), kind)
    }

    /// Does what it takes that a row can be moved by a plan, which leads
    /// somewhere.
    fn prepare<'a>(&mut self, plan: &'a mut Plan) -> Result<Ready<'a>, StorageError> {
        if self.ready(plan).is_none() {
            self.reserve(plan.target, 1)?;
            plan.refresh(self);
        }
        Ok(self.ready(plan).expect("there is room now, and the addresses are up to date"))
    }

    /// Makes an entity without components.
    pub(crate) fn spawn_empty(&mut self, ids: &mut IdSource) -> Result<EntityId, StorageError> {
        self.reserve(Self::EMPTY, 1)?;
        let entity = ids.allocate()?;
        self.adopt(entity)?;
        Ok(entity)
    }

    /// Makes an entity with the components of a bundle, along a plan from the
    /// empty table.
    pub(crate) fn spawn(
        &mut self,
        plan: &mut Plan,
        bundle: &mut dyn DynBundle,
        ids: &mut IdSource,
    ) -> Result<EntityId, StorageError> {
        if plan.stays() {
            return self.spawn_empty(ids);
        }
        let ready = self.prepare(plan)?;
        self.spawn_ready(ready, bundle, ids)
    }

    /// As `spawn`, along a plan that is ready.
    #[inline(always)]
    pub(crate) fn spawn_ready(
        &mut self,
        ready: Ready<'_>,
        bundle: &mut (impl DynBundle + ?Sized),
        ids: &mut IdSource,
    ) -> Result<EntityId, StorageError> {
        let plan = ready.plan;
        debug_assert!(plan.source == Self::EMPTY);
        self.write_row(&plan.targets, ready.new_row, bundle)?;
        let entity = match ids.allocate() {
            Ok(entity) => entity,
            Err(error) => {
                self.forget_written(plan.target, 1);
                return Err(error.into());
            }
        };
        // SAFETY: the row behind the last is initialised in every column: the
        // plan starts at a table without columns, so the bundle wrote them all; the
        // source of ids is of the home shard.
        unsafe { self.directory.push_home(&plan.passage, entity) };
        self.count += 1;
        if plan.minds_coming {
            self.mind_coming(plan, ready.new_row);
        }
        Ok(entity)
    }

    /// Writes a bundle to the row behind the last of the table whose columns are
    /// the targets, by addresses that are up to date; there is room for the row.
    #[inline(always)]
    fn write_row(
        &mut self,
        targets: &RowTargets,
        row: usize,
        bundle: &mut (impl DynBundle + ?Sized),
    ) -> Result<(), StorageError> {
        let mut rows_done = 0;
        // SAFETY: the targets are the columns of the bundle's components, in its
        // order, which are apart from each other and have room for the row, which
        // holds no values.
        bundle.write(unsafe { RowWriter::new(targets, row..row + 1, &mut rows_done) });
        match rows_done {
            1 => Ok(()),
            _ => Err(incomplete(targets)),
        }
    }

    /// Drops what was written to the `count` rows behind a table's last.
    #[cold]
    #[inline(never)]
    fn forget_written(&mut self, id: TableId, count: usize) {
        let (start, mut panics) = (self.len(id), Panics::new());
        // SAFETY: the caller wrote to all columns of these rows, and nobody has
        // counted them.
        unsafe { self.tables[id.index()].drop_rows(start, count, &mut panics) };
        panics.go_on();
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
        let mut growth = Growth::from(self, plan.target, made);
        loop {
            growth.make_room(self, plan.target, batch.size_hint(), ids, made)?;
            if plan.layout != self.layout {
                plan.refresh(self);
            }
            let start = self.len(plan.target);
            let room = start..self.tables[plan.target.index()].capacity;
            let (length, mut rows) = (room.len(), 0);
            // SAFETY: as in `write_row`, for all rows behind the last.
            let writer = unsafe { RowWriter::new(&plan.targets, room, &mut rows) };
            let mut panics = Panics::new();
            panics.keep(catch_unwind(AssertUnwindSafe(|| batch.write(writer))));
            let counted = self.count_rows(plan.target, rows, ids, made);
            growth.rows += rows;
            panics.go_on();
            counted?;
            if rows < length || batch.size_hint().1 == Some(0) {
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
        let first = made.len();
        match ids.allocate_many(rows, made) {
            // SAFETY: the writer finished these rows, so there is room for them,
            // and they are initialised in every column; the ids are new, and
            // their source says which are fresh.
            Ok(fresh) => unsafe {
                let start = self.len(id);
                self.tables[id.index()].stamp_new(start..start + rows, self.directory.version());
                self.directory.push_many(id, &made[first..], fresh);
            },
            Err(error) => {
                self.forget_written(id, rows);
                return Err(error);
            }
        }
        self.count += rows;
        Ok(())
    }

    /// Gives an entity the components of a bundle, along a plan from its table.
    pub(crate) fn insert(
        &mut self,
        plan: &mut Plan,
        entity: EntityId,
        at: Location,
        bundle: &mut dyn DynBundle,
    ) -> Result<(), StorageError> {
        debug_assert!(plan.source == at.table());
        if plan.stays() {
            return self.replace(plan, at.row(), bundle);
        }
        let ready = self.prepare(plan)?;
        self.write_row(&ready.plan.targets, ready.new_row, bundle)?;
        self.move_row(ready, entity, at);
        if ready.plan.minds_coming {
            self.mind_coming(ready.plan, ready.new_row);
        }
        Ok(())
    }

    /// As `insert`, along a plan that is ready, for an entity that was found at
    /// home.
    #[inline(always)]
    pub(crate) fn insert_ready(
        &mut self,
        AtStart { ready, at }: AtStart<'_>,
        entity: EntityId,
        bundle: &mut (impl DynBundle + ?Sized),
    ) -> Result<(), StorageError> {
        // Written first, behind the last row: if the bundle panics, nothing has
        // happened.
        self.write_row(&ready.plan.targets, ready.new_row, bundle)?;
        self.move_row_home(ready, entity, at);
        if ready.plan.minds_coming {
            self.mind_coming(ready.plan, ready.new_row);
        }
        Ok(())
    }

    /// Stamps what came to a row along a plan, and drops what it replaced.
    #[cold]
    #[inline(never)]
    fn mind_coming(&mut self, plan: &Plan, new_row: usize) {
        let now = self.version();
        // SAFETY: the row is one of the table's.
        unsafe { self.tables[plan.target.index()].stamp(&plan.stamped, new_row..new_row + 1, now) }
        if plan.drops {
            self.drop_ended(plan);
        }
    }

    /// Notes that entities lose tracked components.
    #[cold]
    #[inline(never)]
    fn note_lost(
        &mut self,
        components: &[ComponentId],
        entities: impl Iterator<Item = EntityId> + Clone,
    ) {
        let now = self.version();
        components.iter().for_each(|&id| self.removed.note(id, entities.clone(), now));
    }

    /// Notes that every entity loses all that is tracked, in ascending order of
    /// id.
    pub(crate) fn note_all_lost(&mut self) {
        let mut lost = Vec::new();
        for (id, table) in (0..).map(TableId).zip(&self.tables) {
            for tracked in &table.tracked {
                let component = table.columns[tracked.column as usize].info().id();
                lost.extend(self.ids(id).iter().map(|&entity| (entity, component)));
            }
        }
        lost.sort_unstable();
        for (entity, component) in lost {
            self.note_lost(&[component], std::iter::once(entity));
        }
    }

    /// Replaces components of a row by those of a bundle, along a plan that leads
    /// nowhere.
    fn replace(
        &mut self,
        plan: &mut Plan,
        row: usize,
        bundle: &mut dyn DynBundle,
    ) -> Result<(), StorageError> {
        let id = plan.target;
        if self.tables[id.index()].capacity == self.len(id) {
            self.make_spare_row(id)?;
        }
        if plan.layout != self.layout {
            plan.refresh(self);
        }
        let at = self.in_place(plan, row).expect("there is a spare row, and the plan is ready");
        self.replace_ready(at, bundle)
    }

    /// Marks the lines of a row's values that are tracked. Apart, since few are.
    #[cold]
    #[inline(never)]
    fn mark_lines(directory: &mut Directory, table: &Table, plan: &Plan, row: usize) {
        for &column in &plan.written {
            let component = table.columns[column as usize].info().id();
            directory.mark_line(plan.target, component, row);
        }
    }

    /// Replaces components of a row by those of a bundle.
    pub(crate) fn replace_ready(
        &mut self,
        InPlaceOf { plan, row, spare }: InPlaceOf<'_>,
        bundle: &mut (impl DynBundle + ?Sized),
    ) -> Result<(), StorageError> {
        debug_assert!(plan.layout == self.layout && spare == self.len(plan.target));
        let id = plan.target;
        self.write_row(&plan.targets, spare, bundle)?;
        let (now, table) = (self.directory.version(), &mut self.tables[id.index()]);
        for &column in &plan.written {
            let component = table.columns[column as usize].info().id();
            self.directory.mark_row(id, component, row);
        }
        if !plan.stamped.is_empty() {
            Self::mark_lines(&mut self.directory, table, plan, row);
        }
        // SAFETY: the row is one of the table's.
        unsafe { table.stamp(&plan.stamped, row..row + 1, now) };
        if table.drops {
            // SAFETY: the row is counted, and the row behind the last was written,
            // which nobody counts.
            unsafe { table.swap_and_drop(&plan.written, row, spare) };
            return Ok(());
        }
        for &column in &plan.written {
            // SAFETY: the row is counted, the row behind the last was written;
            // values that are not dropped may be lost.
            unsafe { table.columns[column as usize].move_rows(spare, row, 1) };
        }
        Ok(())
    }

    /// Makes room for a row more, which is not added. For an eighth more, and not for
    /// twice as many: enough that who adds rows and replaces components in turn does not
    /// have all of them moved for each.
    #[cold]
    #[inline(never)]
    fn make_spare_row(&mut self, id: TableId) -> Result<(), StorageError> {
        let len = self.len(id);
        self.grow_exact(id, 1, len + len / 8)
    }

    /// Takes components from an entity, along a plan from its table.
    pub(crate) fn remove(
        &mut self,
        plan: &mut Plan,
        entity: EntityId,
        at: Location,
        removal: &mut dyn Removal,
    ) -> Result<usize, StorageError> {
        debug_assert!(plan.source == at.table());
        if plan.stays() {
            return Ok(0);
        }
        let ready = self.prepare(plan)?;
        let (plan, last) = (ready.plan, self.move_row(ready, entity, at));
        if plan.loses {
            self.note_lost(&plan.lost, std::iter::once(entity));
        }
        if removal.wants_values() {
            // SAFETY: `move_row` left the values behind the last row; `prepare` asked for the
            // addresses, and no table grows or shrinks before the values have ended.
            unsafe { end_each(plan.ended.iter(), last, |value| removal.take(value)) }
        } else if plan.drops {
            self.drop_ended(plan);
        }
        Ok(plan.ended.len())
    }

    /// Takes a component from an entity, along a plan that is ready and was made
    /// for the removal of it alone.
    ///
    /// # Panics
    /// If the plan was made for something else.
    #[inline(always)]
    pub(crate) fn take<C: Component>(
        &mut self,
        AtStart { ready, at }: AtStart<'_>,
        entity: EntityId,
    ) -> C {
        let plan = ready.plan;
        assert!(plan.targets.are_named(TypeId::of::<C>()), "a plan for the component");
        let [ended] = &plan.ended[..] else { unreachable!("one column ends where one is taken") };
        let last = self.move_row_home(ready, entity, at);
        if plan.loses {
            self.note_lost(&plan.lost, std::iter::once(entity));
        }
        // SAFETY: `move_row_home` left the value behind the last row, in the column
        // that ends: that of the component by which the plan is named.
        unsafe { ended.value_of::<C>(last) }
    }

    /// Moves a row to the plan's other table, where the columns that do not
    /// come along are written already. Values that end are left behind the last
    /// row of the source; returns where that is.
    fn move_row(
        &mut self,
        Ready { plan, new_row }: Ready<'_>,
        entity: EntityId,
        at: Location,
    ) -> usize {
        debug_assert!(plan.layout == self.layout && new_row == self.len(plan.target));
        debug_assert!(at.table() == plan.source);
        // SAFETY: the entity is where its location says. A plan that is ready leads
        // to another table, its addresses are up to date, its pairs of columns hold
        // the same component, `at` and `last` are rows of the source, and the
        // target has room for `new_row`. That has the kept columns from here,
        // the others from before.
        unsafe {
            let last = self.directory.move_row(entity, at, &plan.passage);
            plan.transfer.run(at.row(), last, new_row);
            last
        }
    }

    /// As `move_row`, of an entity that was found at home.
    #[inline(always)]
    fn move_row_home(
        &mut self,
        Ready { plan, new_row }: Ready<'_>,
        entity: EntityId,
        at: Location,
    ) -> usize {
        debug_assert!(plan.layout == self.layout && new_row == self.len(plan.target));
        debug_assert!(at.table() == plan.source);
        // SAFETY: as in `move_row`; and no id is foreign.
        unsafe {
            let last = self.directory.move_row_home(entity, at, &plan.passage);
            plan.transfer.run(at.row(), last, new_row);
            last
        }
    }

    /// Drops the values that `move_row` left behind the last row.
    #[cold]
    #[inline(never)]
    fn drop_ended(&mut self, plan: &Plan) {
        let last = self.len(plan.source);
        let dropped = plan.ended.iter().filter(|ended| ended.needs_drop());
        // SAFETY: as in `remove`; those that need no drop are forgotten.
        unsafe { end_each(dropped, last, drop) }
    }

    /// Ends an entity.
    pub(crate) fn despawn(&mut self, entity: EntityId, at: Location) {
        let (id, row) = (at.table(), at.row());
        let table = &mut self.tables[id.index()];
        let now = self.directory.version();
        for tracked in &table.tracked {
            let component = table.columns[tracked.column as usize].info().id();
            self.removed.note(component, [entity], now);
        }
        self.count -= 1;
        // SAFETY: the entity is there, and is told of in the directory as it is done; both
        // rows were counted. The values that end come to lie behind the
        // last row.
        unsafe {
            let last = self.directory.swap_remove(entity, at);
            table.columns.iter_mut().filter(|_| row != last).for_each(|column| {
                column.swap_rows(row, last, 1);
            });
        }
        self.forget_written(id, 1);
    }

    /// Ends every entity.
    pub(crate) fn clear(&mut self) {
        let mut panics = Panics::new();
        self.note_all_lost();
        self.count = 0;
        for id in (0..self.tables.len()).map(|id| TableId(id as u32)) {
            let (len, table) = (self.directory.len(id), &mut self.tables[id.index()]);
            // SAFETY: the rows were counted until now, and are not from here on.
            unsafe {
                self.directory.remove_rows(id, 0..len);
                table.drop_rows(0, len, &mut panics);
            }
        }
        panics.go_on();
    }

    /// Makes an entity without components.
    pub(crate) fn adopt(&mut self, entity: EntityId) -> Result<(), StorageError> {
        self.reserve(Self::EMPTY, 1)?;
        // SAFETY: `reserve` made room, and there is no column to initialise.
        unsafe { self.directory.push(Self::EMPTY, entity) };
        self.count += 1;
        Ok(())
    }

    /// Takes in a chunk, whose entities live nowhere yet; `home` is the shard of
    /// the store. Returns its first row.
    pub(crate) fn append(
        &mut self,
        id: TableId,
        chunk: OwnedChunk,
        home: u16,
    ) -> Result<usize, StorageError> {
        let (ids, columns) = chunk.into_parts();
        let start = self.len(id);
        self.append_columns(id, ids.len(), columns)?;
        let fresh = match EntityId::runs(&ids).last() {
            Some((first, length)) if first.shard() == home && first.generation() == 0 => {
                first.index()..first.index() + length
            }
            _ => 0..0,
        };
        // SAFETY: there is room for as many rows as the chunk has, and they
        // are initialised; the last run of ids is as `push_many` wants it.
        unsafe {
            self.tables[id.index()].stamp_new(start..start + ids.len(), self.directory.version());
            self.directory.push_many(id, &ids, fresh);
        }
        self.count += ids.len();
        Ok(start)
    }

    /// Says when the last rows of a table, from `start` on, came and changed, for a
    /// store that will be at `present`.
    pub(crate) fn date(&mut self, id: TableId, start: usize, ages: &ChunkAges, present: Version) {
        let here = |rows: Range<usize>| start + rows.start..start + rows.end;
        for (rows, version) in ages.moves.at(present) {
            self.directory.date_moved(id, here(rows), version);
        }
        let (end, table) = (self.len(id), &self.tables[id.index()]);
        for (at, column) in ages.columns.iter().enumerate() {
            let component = table.components.as_slice()[at];
            for (rows, version) in column.pages.at(present) {
                self.directory.date(id, component, here(rows), version);
            }
            let Some(Tracked { changed, added, .. }) = table.tracked(at) else { continue };
            // SAFETY: `changed` and `added` are two columns of ticks (`Table::new`),
            // with as many as the table has rows; `self` is borrowed mutably, and
            // nobody else has them.
            let ticks = [changed, added]
                .map(|ticks| unsafe { table.columns[ticks as usize].ticks_mut(end) });
            match column.ticks_at(present) {
                Some(known) => {
                    for (ticks, known) in ticks.into_iter().zip(known) {
                        ticks[start..].iter_mut().zip(known).for_each(|(tick, at)| *tick = at);
                    }
                }
                None => {
                    let pages = ages.moves.at(present).chain(column.pages.at(present));
                    // The latest last: a row that came later has changed then.
                    let mut pages: Vec<_> = pages.collect();
                    pages.sort_by_key(|(_, version)| *version);
                    let [changed, added] = ticks;
                    for (rows, version) in pages {
                        changed[here(rows.clone())].fill(version.tick());
                        added[here(rows)].fill(version.tick());
                    }
                }
            }
        }
    }
}

impl Rows {
    /// Moves columns to the rows behind a table's last, which nobody counts yet.
    ///
    /// # Errors
    /// [`StorageError::Capacity`] if there can't be so many rows.
    ///
    /// # Panics
    /// If the columns are not those of the table, in its order, or not all as
    /// long as `count`.
    fn append_columns(
        &mut self,
        id: TableId,
        count: usize,
        columns: Vec<ErasedVec>,
    ) -> Result<(), StorageError> {
        let table = &self.tables[id.index()];
        assert!(
            columns.iter().map(ErasedVec::id).eq(table.components.iter())
                && columns.iter().all(|column| column.len() == count),
            "a chunk has the columns of its table, all as long as its ids"
        );
        if self.len(id) == 0 {
            self.tables[id.index()].check_capacity(count)?;
            self.adopt_columns(id, count, columns);
            return Ok(());
        }
        self.reserve(id, count)?;
        let start = self.len(id);
        for (column, values) in self.tables[id.index()].columns.iter_mut().zip(columns) {
            // SAFETY: `reserve` made room, and rows behind the last hold
            // nothing.
            unsafe { column.append(start, values) };
        }
        Ok(())
    }

    /// Takes over columns of `count` rows for an empty table, with their memory.
    fn adopt_columns(&mut self, id: TableId, count: usize, columns: Vec<ErasedVec>) {
        let table = &mut self.tables[id.index()];
        if table.ids.0.capacity() < count {
            table.ids.0.resize(count);
        }
        for (column, values) in table.columns.iter_mut().zip(columns) {
            // SAFETY: the table has no rows.
            unsafe { column.adopt(values) };
        }
        let ticks = table.columns.iter_mut().filter(|column| column.is_of_ticks());
        for column in ticks.filter(|column| column.values.capacity() < count) {
            column.values.resize(count);
        }
        table.measure();
        self.publish(id);
    }

    /// Makes an entity of each row of some columns, which are those of the table,
    /// in its order.
    pub(crate) fn spawn_columns(
        &mut self,
        id: TableId,
        columns: Vec<ErasedVec>,
        ids: &mut IdSource,
        made: &mut Vec<EntityId>,
    ) -> Result<(), StorageError> {
        let rows = columns.first().map_or(0, ErasedVec::len);
        self.append_columns(id, rows, columns)?;
        Ok(self.count_rows(id, rows, ids, made)?)
    }
}

impl Drop for Rows {
    fn drop(&mut self) {
        let mut panics = Panics::new();
        for (id, table) in (0..).map(TableId).zip(&mut self.tables) {
            // SAFETY: rows below the length hold values, and this is the end of
            // them.
            unsafe { table.drop_rows(0, self.directory.len(id), &mut panics) };
        }
        panics.go_on_unless_panicking();
    }
}

/// Calls `each` with the values that ended in a row; with all of them, also when some
/// panic.
///
/// # Safety
/// As [`Ended::value`], for each of them.
unsafe fn end_each<'a>(
    ended: impl Iterator<Item = &'a Ended> + Clone,
    row: usize,
    mut each: impl FnMut(InPlace<'a>),
) {
    // Behind a single one nothing is left to be done after a panic.
    if ended.clone().nth(1).is_none() {
        // SAFETY: the caller's promise; the clone was only counted, so the value is taken once.
        return ended.for_each(|ended| each(unsafe { ended.value(row) }));
    }
    let mut panics = Panics::new();
    for ended in ended {
        // SAFETY: the caller's promise; each value is taken once, whoever panics, as the loop
        // comes to each once and every panic of `each` is kept.
        let value = unsafe { ended.value(row) };
        panics.keep(catch_unwind(AssertUnwindSafe(|| each(value))));
    }
    panics.go_on();
}

#[cold]
#[inline(never)]
fn incomplete(targets: &RowTargets) -> StorageError {
    BundleError::Incomplete { announced: targets.components().count() }.into()
}

#[cfg(test)]
mod tests;
