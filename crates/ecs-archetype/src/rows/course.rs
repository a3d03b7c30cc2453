//! Runs of rows that move together.

use std::mem;
use std::ops::Range;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{ComponentId, ComponentInfo};
use ecs_storage_api::{StorageError, TableId};

use super::Rows;
use super::panics::Panics;
use super::staged::Staged;
use super::table::Table;
use crate::column::Column;

/// Which columns of a table go where, when runs of its rows move.
///
/// Made by [`Rows`] for its tables, and used with no others.
#[derive(Debug)]
pub(crate) struct Course {
    pub(super) source: TableId,
    /// `None` where the entities end.
    target: Option<TableId>,
    /// Columns of the source, and where they go in the target; ticks among them.
    pub(super) kept: Vec<(usize, usize)>,
    /// Columns of ticks of the source that go nowhere.
    pub(super) left: Vec<usize>,
    /// Columns of ticks, of the target or where the rows stay, that are stamped
    /// because components come.
    pub(super) stamped: Vec<u16>,
    /// The tracked components that the entities lose.
    pub(super) lost: Vec<ComponentId>,
    /// Columns of the source whose values end.
    pub(super) ended: Vec<usize>,
    /// Columns that were written, and those of the source that they replace.
    pub(super) replaced: Vec<(usize, usize)>,
    /// Columns that were written, and where they go in the target.
    pub(super) added: Vec<(usize, usize)>,
    /// Whether the source hands its columns over to the target.
    hands_over: bool,
}

impl Course {
    pub(super) fn new(
        (source, from): (TableId, &Table),
        target: Option<(TableId, &Table)>,
        staged: Option<&Staged>,
    ) -> Self {
        let mut this = Self {
            source,
            target: target.map(|(id, _)| id),
            kept: Vec::new(),
            left: Vec::new(),
            stamped: Vec::new(),
            lost: Vec::new(),
            ended: Vec::new(),
            replaced: Vec::new(),
            added: Vec::new(),
            hands_over: false,
        };
        let there = |id| target.and_then(|(_, to)| to.column(id));
        for (at, column) in from.columns.iter().enumerate() {
            match target.and_then(|(_, to)| to.counterpart(from, at)) {
                Some(place) => this.kept.push((at, place)),
                None if column.is_of_ticks() => this.left.push(at),
                None => this.ended.push(at),
            }
        }
        let ended = this.ended.iter().map(|&at| from.columns[at].info());
        this.lost = ended.filter(|info| info.is_tracked()).map(ComponentInfo::id).collect();
        let mut new = 0;
        for (at, id) in staged.iter().flat_map(|staged| staged.table.components.iter().enumerate())
        {
            let place = there(id).expect("what is written has a place where it goes");
            let tracked = target.and_then(|(_, to)| to.tracked(place));
            this.stamped.extend(tracked.map(|tracked| tracked.changed));
            match from.column(id) {
                Some(column) => this.replaced.push((at, column)),
                None => {
                    this.added.push((at, place));
                    this.stamped.extend(tracked.map(|tracked| tracked.added));
                    new += 1 + 2 * usize::from(tracked.is_some());
                }
            }
        }
        let columns = target.map_or(0, |(_, to)| to.columns.len());
        assert!(this.kept.len() + new == columns, "every column of the target gets values");
        this
    }

    /// Returns where the rows go, unless they end or stay.
    pub(crate) fn target(&self) -> Option<TableId> {
        self.target.filter(|&target| target != self.source)
    }

    /// Tells whether the entities end.
    pub(crate) fn ends(&self) -> bool {
        self.target.is_none()
    }

    /// Tells whether the rows stay where they are.
    pub(super) fn stays(&self) -> bool {
        self.target == Some(self.source)
    }

    /// Returns the columns of the target that have no values from the source, nor any
    /// that were written for these `count` rows alone and so are handed over as well.
    fn coming(&self, count: usize, staged: Option<&Staged>) -> impl Iterator<Item = usize> + '_ {
        let is_shared = staged.is_some_and(|staged| staged.rows != count);
        let values = self.added.iter().map(|(_, place)| *place).filter(move |_| is_shared);
        let is_kept = |at: &usize| self.kept.iter().any(|(_, place)| place == at);
        let ticks = self.stamped.iter().map(|ticks| *ticks as usize);
        values.chain(ticks.filter(move |at| !is_kept(at)))
    }

    /// Returns the components of the source whose values go to the target and are saved.
    pub(super) fn kept_components(&self, from: &Table) -> Vec<ComponentId> {
        let values = self.kept.iter().filter_map(|(at, _)| from.values().get(*at));
        let infos = values.map(Column::info).filter(|info| !info.is_transient());
        infos.map(ComponentInfo::id).collect()
    }

    /// Returns how many values of a row end.
    pub(crate) fn ended(&self) -> usize {
        self.ended.len()
    }
}

/// Fewer rows are copied rather than handed over with their columns, after which
/// every plan has to look up its addresses.
const HANDED_OVER: usize = 16;

impl Rows {
    /// Finds out what becomes of rows of a table that move to another, or end.
    pub(crate) fn course(
        &self,
        source: TableId,
        target: Option<TableId>,
        staged: Option<&Staged>,
    ) -> Course {
        let table = |id: TableId| (id, &self.tables[id.index()]);
        Course::new(table(source), target.map(table), staged)
    }

    /// Makes room where a course leads, in a table that no course comes from: for
    /// `incoming` rows, of which its own first run has `first`. If that is all of its
    /// table and all that comes, the columns are handed over, and those alone need room
    /// that come.
    ///
    /// # Errors
    /// [`StorageError::Capacity`] or [`StorageError::OutOfMemory`]; nothing that shows
    /// has changed.
    pub(crate) fn make_way(
        &mut self,
        course: &mut Course,
        (first, incoming): (usize, usize),
        staged: Option<&Staged>,
    ) -> Result<(), StorageError> {
        let Some(target) = course.target() else { return Ok(()) };
        course.hands_over = first >= HANDED_OVER
            && first == incoming
            && first == self.len(course.source)
            && self.len(target) == 0;
        if !course.hands_over {
            return self.reserve(target, incoming);
        }
        let to = &mut self.tables[target.index()];
        let made = course.coming(first, staged).try_for_each(|column| {
            let array = &mut to.columns[column].values;
            if array.capacity() >= first { Ok(()) } else { array.try_resize(first) }
        });
        // Also if not: some may have moved.
        self.publish(target);
        made.map_err(StorageError::no_memory("the rows of an archetype"))
    }

    /// Takes a run of rows of the course's source to its target, or to their
    /// end. `staged` are the rows that are inserted, and which of them is the
    /// first.
    ///
    /// Panics of components that end are kept in `panics`.
    ///
    /// # Panics
    /// If no [way was made](Self::make_way) for them.
    pub(crate) fn take_course(
        &mut self,
        course: &Course,
        rows: Range<usize>,
        staged: Option<(&mut Staged, usize)>,
        panics: &mut Panics,
    ) {
        let (source, count) = (course.source, rows.len());
        assert!(rows.end <= self.len(source), "a run is of rows that there are");
        let whole = course.hands_over;
        if let Some(target) = course.target() {
            let is_ready = match whole {
                true => count == self.len(source) && self.len(target) == 0,
                false => self.has_room(target, count),
            };
            assert!(is_ready, "there is room where rows go");
        }
        if !course.lost.is_empty() {
            let entities = self.ids(source)[rows.clone()].to_vec();
            self.note_lost(&course.lost, entities.into_iter());
        }
        let mut staged = staged;
        if let Some((staged, first)) = &mut staged {
            assert!(*first + count <= staged.rows, "a row is inserted for each entity");
            staged.hand_out();
            self.replace_run(course, &rows, staged, *first);
        }
        let (now, place) = match course.target() {
            Some(target) => (target, if whole { 0 } else { self.len(target) }),
            None => (source, rows.start),
        };
        match course.target() {
            Some(target) if whole => self.hand_over(course, target, count, &mut staged),
            Some(target) => self.move_run(course, target, &rows, &staged),
            None if course.target.is_none() => self.end_run(source, rows),
            None => {}
        }
        let version = self.version();
        // SAFETY: the rows are there now: where components come, rows do not end.
        unsafe {
            self.tables[now.index()].stamp(&course.stamped, place..place + count, version);
        }
        self.drop_run(course, count, staged, panics);
    }

    /// Exchanges values of a run with those that replace them.
    fn replace_run(
        &mut self,
        course: &Course,
        rows: &Range<usize>,
        staged: &mut Staged,
        first: usize,
    ) {
        let table = &mut self.tables[course.source.index()];
        for &(written, column) in &course.replaced {
            // SAFETY: both are columns of the same component, each in memory of
            // its own, and hold as many values there.
            unsafe {
                let there = staged.table.columns[written].at(first);
                table.columns[column].swap_rows_with(rows.start, rows.len(), there);
            }
            let component = table.columns[column].info().id();
            self.directory.mark(course.source, component, rows.clone());
        }
    }

    /// Copies a run to the end of the target, and closes the gap that it leaves.
    fn move_run(
        &mut self,
        course: &Course,
        target: TableId,
        rows: &Range<usize>,
        staged: &Option<(&mut Staged, usize)>,
    ) {
        let (end, new) = (self.len(course.source), self.len(target));
        let [from, to] = self
            .tables
            .get_disjoint_mut([course.source.index(), target.index()])
            .expect("a course leads from one table to another");
        // SAFETY: the pairs are of the same component; the target has room for
        // as many rows behind its last, which hold nothing; every column of it
        // is kept or added.
        unsafe {
            for &(column, place) in &course.kept {
                let there = to.columns[place].at(new);
                from.columns[column].move_rows_to(rows.start, rows.len(), there);
            }
            for &(written, place) in &course.added {
                let (staged, first) = staged.as_ref().expect("what is added was written");
                let there = to.columns[place].at(new);
                staged.table.columns[written].move_rows_to(*first, rows.len(), there);
            }
            for column in
                course.kept.iter().map(|&(column, _)| column).chain(course.left.iter().copied())
            {
                from.columns[column].close_gap(rows, end);
            }
            for &column in &course.ended {
                from.columns[column].swap_gap(rows, end);
            }
            self.directory.move_rows(course.source, rows.clone(), target);
        }
    }

    /// Makes the columns of a whole table those of another, which is empty.
    fn hand_over(
        &mut self,
        course: &Course,
        target: TableId,
        count: usize,
        staged: &mut Option<(&mut Staged, usize)>,
    ) {
        let [from, to] = self
            .tables
            .get_disjoint_mut([course.source.index(), target.index()])
            .expect("a course leads from one table to another");
        let mut coming = course.coming(count, staged.as_ref().map(|(staged, _)| &**staged));
        let has_room = coming.all(|column| to.columns[column].values.capacity() >= count);
        assert!(has_room, "there is room for what comes");
        mem::swap(&mut from.ids, &mut to.ids);
        for &(column, place) in &course.kept {
            mem::swap(&mut from.columns[column].values, &mut to.columns[place].values);
        }
        for &(written, place) in &course.added {
            let (staged, first) = staged.as_mut().expect("what is added was written");
            let (written, column) = (&mut staged.table.columns[written], &mut to.columns[place]);
            if count == staged.rows {
                mem::swap(&mut written.values, &mut column.values);
                continue;
            }
            // SAFETY: both are of the same component; there is room for as many
            // values, and none lie there.
            unsafe { written.move_rows_to(*first, count, column.at(0)) }
        }
        from.measure();
        to.measure();
        debug_assert!(to.capacity >= count);
        // SAFETY: the rows of the source are now those of the target, with every
        // column kept or added; the source has none.
        unsafe {
            self.directory.set_len(course.source, 0);
            self.publish(course.source);
            self.publish(target);
            self.directory.set_len(target, count);
            self.directory.relocate(target, 0..count);
            self.directory.touch_all(self.tables[target.index()].ids.as_slice(count));
        }
    }

    /// Uncounts a run, and closes the gap that it leaves.
    pub(super) fn end_run(&mut self, id: TableId, rows: Range<usize>) {
        let end = self.len(id);
        let table = &mut self.tables[id.index()];
        self.count -= rows.len();
        // SAFETY: the rows are counted until now, and not from here on.
        unsafe {
            table.columns.iter_mut().for_each(|column| column.swap_gap(&rows, end));
            self.directory.remove_rows(id, rows);
        }
    }

    /// Drops the values that a run has left behind, all of them.
    pub(super) fn drop_run(
        &mut self,
        course: &Course,
        count: usize,
        staged: Option<(&mut Staged, usize)>,
        panics: &mut Panics,
    ) {
        let start = self.len(course.source);
        let table = &mut self.tables[course.source.index()];
        for &column in &course.ended {
            let column = &mut table.columns[column];
            // SAFETY: the values of the run were left behind the last row, and
            // are no row's.
            let drop = AssertUnwindSafe(|| unsafe { column.drop_rows(start, count) });
            panics.keep(catch_unwind(drop));
        }
        let Some((staged, first)) = staged else { return };
        for &(written, _) in &course.replaced {
            let column = &mut staged.table.columns[written];
            // SAFETY: `replace_run` left the values there that were replaced.
            let drop = AssertUnwindSafe(|| unsafe { column.drop_rows(first, count) });
            panics.keep(catch_unwind(drop));
        }
    }
}
