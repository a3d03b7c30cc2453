//! Rows that move from wherever they lie in their tables.
//!
//! Lists of entities that change alike are mostly scattered, and then a run is a
//! row. So the rows that leave a table are sorted, each gap is given the row that
//! will fill it, and only then is anything moved: column by column, without a
//! question in between. What is moved for one row is touched for no other, so
//! that several threads can do so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use ecs_core::EntityId;
use ecs_storage_api::{Location, PAGE_ROWS, Relocation, TableId, Workers};
use parking_lot::Mutex;

use super::Rows;
use super::course::Course;
use super::panics::Panics;
use super::staged::Staged;
use super::table::Table;
use crate::column::{copy_value, swap_values};

/// Rows whose moves are one piece of work.
const PIECE: usize = 64;

/// Entities that are looked up in one piece of work.
const LOOKED_UP: usize = 512;

/// Where the entities of a list are, by table and row.
#[derive(Debug)]
pub(crate) struct Scattered(Vec<Place>);

#[derive(Debug, Clone, Copy, Default)]
struct Place {
    /// Table and row as one number: sorting asks a single question of two places, whose
    /// answer nobody has to guess.
    at: u64,
    /// The place in the list.
    nth: u32,
}

impl Place {
    fn new(at: Location, nth: u32) -> Self {
        Self { at: u64::from(at.table().0) << 32 | at.row() as u64, nth }
    }

    fn table(self) -> TableId {
        TableId((self.at >> 32) as u32)
    }

    fn row(self) -> u32 {
        self.at as u32
    }
}

/// A row that moves, the one that takes its place, which is the same if none
/// does, and its place in the list.
struct Step {
    row: u32,
    filler: u32,
    nth: u32,
}

impl Scattered {
    /// Looks where entities are.
    ///
    /// # Errors
    /// Nothing, if one is dead or listed twice.
    pub(crate) fn of(rows: &Rows, entities: &[EntityId], workers: &dyn Workers) -> Option<Self> {
        let mut places = vec![Place::default(); entities.len()];
        let pieces = places.chunks_mut(LOOKED_UP).zip(entities.chunks(LOOKED_UP));
        let (pieces, all_live) = (Mutex::new(pieces.enumerate()), AtomicBool::new(true));
        let work = || {
            let next = || pieces.lock().next();
            while let Some((piece, (places, entities))) = next() {
                let first = (piece * LOOKED_UP) as u32;
                for ((nth, place), &entity) in (first..).zip(places).zip(entities) {
                    match rows.locate(entity) {
                        Some(at) => *place = Place::new(at, nth),
                        // Relaxed: it is read when all have returned.
                        None => all_live.store(false, Ordering::Relaxed),
                    }
                }
            }
        };
        if entities.len() > LOOKED_UP {
            workers.work(entities.len().div_ceil(LOOKED_UP), &work);
        }
        // Whatever the helpers have left.
        work();
        if !all_live.into_inner() {
            return None;
        }
        if !places.is_sorted_by_key(|place| place.at) {
            places.sort_unstable_by_key(|place| place.at);
        }
        let twice = |pair: &[Place]| pair[0].at == pair[1].at;
        (!places.windows(2).any(twice)).then_some(Self(places))
    }

    fn groups(&self) -> impl Iterator<Item = &[Place]> {
        self.0.chunk_by(|a, b| a.table() == b.table())
    }

    /// Returns the tables and how many of the entities are in each, in the order
    /// of [`Rows::scatter`]'s courses.
    pub(crate) fn tables(&self) -> impl Iterator<Item = (TableId, usize)> {
        self.groups().map(|group| (group[0].table(), group.len()))
    }
}

/// Returns the page of the row that moves.
fn page(step: &Step) -> usize {
    step.row as usize / PAGE_ROWS
}

/// Gives every gap the row that fills it: those that stay behind the new end, in
/// their order.
fn steps(group: &[Place], len: usize) -> Vec<Step> {
    let end = (len - group.len()) as u32;
    let behind = group.partition_point(|place| place.row() < end);
    let mut leaving = group[behind..].iter().map(|place| place.row()).peekable();
    let mut fillers = (end..len as u32).filter(|row| leaving.next_if_eq(row).is_none());
    let step = |place: &Place| {
        let (row, nth) = (place.row(), place.nth);
        let filler = if row < end { fillers.next() } else { None };
        Step { row, filler: filler.unwrap_or(row), nth }
    };
    group.iter().map(step).collect()
}

/// The rows of a table that move, or stay where no component comes or goes.
///
/// Of its steps, each is of a row of the source, and no row is in two; a filler is
/// a row of the source that does not move, and in one step; the n-th staged row
/// holds values for the step of that number and for no other. In the target, rows
/// from `base` on are behind the last and those of groups before, and there is room.
struct Group<'a> {
    course: &'a Course,
    steps: Vec<Step>,
    /// The row of the target where the first goes.
    base: usize,
}

impl Rows {
    /// Takes the entities of a list along the courses of their tables, the n-th
    /// with the n-th of the rows that are staged. Panics of components that end
    /// are kept in `panics`. Before it moves anything it notes who loses what.
    ///
    /// # Panics
    /// If there is no [room](Rows::reserve) where they go, rows have moved since the
    /// list was looked up, or there are fewer courses than tables, or fewer rows than
    /// entities, or some end and an id is foreign.
    pub(crate) fn scatter(
        &mut self,
        scattered: &Scattered,
        courses: &[Course],
        mut staged: Staged,
        workers: &dyn Workers,
        panics: &mut Panics,
    ) {
        let groups: Vec<_> = scattered.groups().zip(courses).collect();
        assert!(groups.len() == scattered.groups().count(), "a course for each table");
        assert!(scattered.0.len() <= staged.rows, "a row is inserted for each entity");
        let ends = courses.iter().any(Course::ends);
        assert!(!ends || !self.directory.has_foreign(), "foreign entities end one by one");
        staged.hand_out();
        self.note_scattered(&groups);
        if self.directory.notes_touched() {
            self.touch_scattered(&groups);
        }
        let mut rest = &groups[..];
        while !rest.is_empty() {
            let (now, later) = rest.split_at(independent(rest));
            let mut moving = Vec::with_capacity(now.len());
            for &(places, course) in now {
                let group = self.group(places, course, &moving);
                moving.push(group);
            }
            self.move_groups(&moving, &staged.table, workers, panics);
            // All of them before a value is dropped, which is foreign code.
            moving.iter().for_each(|group| self.stamp_scattered(group));
            for Group { course, steps, .. } in &moving {
                if !course.stays() {
                    self.drop_run(course, steps.len(), None, panics);
                }
                drop_replaced(course, steps, &mut staged.table, panics);
            }
            rest = later;
        }
    }

    /// Plans the moves of the rows of a table, behind those of the groups before.
    fn group<'a>(&self, places: &[Place], course: &'a Course, before: &[Group<'a>]) -> Group<'a> {
        let len = self.len(course.source);
        assert!(places[0].table() == course.source, "the courses are those of the tables");
        assert!((places[places.len() - 1].row() as usize) < len, "the rows are where they were");
        let mut base = 0;
        if let Some(target) = course.target() {
            let last = before.iter().rev().find(|group| group.course.target() == Some(target));
            base = last.map_or(self.len(target), |group| group.base + group.steps.len());
            let incoming = base - self.len(target) + places.len();
            assert!(self.has_room(target, incoming), "there is room where rows go");
        }
        Group { course, steps: steps(places, len), base }
    }

    /// Notes which entities lose tracked components, in the order of the list, while
    /// they are where they were.
    fn note_scattered(&mut self, groups: &[(&[Place], &Course)]) {
        let losing = groups.iter().filter(|(_, course)| !course.lost.is_empty());
        let mut lost: Vec<_> = losing
            .flat_map(|(places, course)| {
                let ids = self.ids(course.source);
                places.iter().map(move |place| (place.nth, ids[place.row() as usize], &course.lost))
            })
            .collect();
        lost.sort_unstable_by_key(|(nth, ..)| *nth);
        for (_, entity, components) in lost {
            self.note_lost(components, std::iter::once(entity));
        }
    }

    /// Notes which entities are touched that can't be found when all have moved: those
    /// that end, and those that fill gaps if their values were written where they were.
    fn touch_scattered(&mut self, groups: &[(&[Place], &Course)]) {
        for (places, course) in groups.iter().filter(|(_, course)| !course.stays()) {
            let (ids, mut touched) = (self.ids(course.source), Vec::new());
            if course.ends() {
                touched.extend(places.iter().map(|place| ids[place.row() as usize]));
            }
            let fillers = ids.len() - places.len()..ids.len();
            if self.directory.is_written(course.source, &fillers) {
                touched.extend_from_slice(&ids[fillers]);
            }
            self.directory.touch_all(&touched);
        }
    }

    /// Says of rows that have moved, or were changed where they stay, that they
    /// have; the ticks of values that came are written by this alone.
    fn stamp_scattered(&mut self, Group { course, steps, base }: &Group<'_>) {
        let now = self.version();
        if !course.stays() {
            let end = self.len(course.source);
            // Ascending, so that a page is stamped once.
            for same_page in steps.chunk_by(|a, b| page(a) == page(b)) {
                let row = same_page[0].row as usize;
                if row < end {
                    self.directory.mark_moved(course.source, row..row + 1);
                }
            }
        }
        if let Some(target) = course.target() {
            let rows = *base..base + steps.len();
            self.directory.mark_moved(target, rows.clone());
            // SAFETY: the rows are counted by now.
            let ids = unsafe { self.tables[target.index()].ids.as_slice(rows.end) };
            self.directory.touch_all(&ids[rows.clone()]);
            // SAFETY: the rows are the target's.
            unsafe { self.tables[target.index()].stamp(&course.stamped, rows, now) }
        }
        if !course.stays() {
            return;
        }
        let table = &mut self.tables[course.source.index()];
        for row in steps.iter().map(|step| step.row as usize) {
            for &(_, column) in &course.replaced {
                let component = table.columns[column].info().id();
                self.directory.mark_row(course.source, component, row);
                if !course.stamped.is_empty() {
                    self.directory.mark_line(course.source, component, row);
                }
            }
            // SAFETY: the row is the table's.
            unsafe { table.stamp(&course.stamped, row..row + 1, now) }
        }
    }

    /// Moves rows to the ends of their targets, or ends them. Values that end come to
    /// lie behind the last row of the source, those that were replaced in the staged
    /// rows.
    fn move_groups(
        &mut self,
        groups: &[Group<'_>],
        staged: &Table,
        workers: &dyn Workers,
        panics: &mut Panics,
    ) {
        let pieces: Vec<_> = groups
            .iter()
            .flat_map(|group| group.steps.chunks(PIECE).enumerate().map(move |at| (group, at)))
            .collect();
        let moves = Moves { tables: &self.tables, staged, relocation: self.directory.relocation() };
        // Of 64 bits, so that nobody calls often enough for it to begin again.
        let next = AtomicU64::new(0);
        let work = || {
            // Relaxed: it is the number alone that matters.
            let next = || usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok();
            while let Some((group, (nth, steps))) = next().and_then(|next| pieces.get(next)) {
                // SAFETY: by `group` and `independent`, what `Moves::take` asks for
                // is true of all groups of a round together; each piece of them is
                // taken once.
                unsafe { moves.take(group.course, steps, group.base + nth * PIECE) }
            }
        };
        if pieces.len() > 1 {
            panics.keep(catch_unwind(AssertUnwindSafe(|| workers.work(pieces.len(), &work))));
        }
        // Whatever the helpers have left.
        work();
        for Group { course, steps, base } in groups {
            let end = self.len(course.source) - steps.len();
            if course.ends() {
                self.count -= steps.len();
                // SAFETY: as below; no id is foreign.
                unsafe { self.directory.set_len(course.source, end) }
            }
            let Some(target) = course.target() else { continue };
            // SAFETY: every row of the steps is behind the target's last, and
            // initialised in each column of values; those of the source below `end`
            // are without gaps. Ticks of components that came, and the locations of
            // foreign ids, follow before the directory is lent or a value dropped.
            unsafe {
                self.directory.set_len(course.source, end);
                self.directory.set_len(target, base + steps.len());
                if self.directory.has_foreign() {
                    self.directory.relocate(target, *base..base + steps.len());
                    for row in steps.iter().map(|step| step.row as usize).filter(|&row| row < end) {
                        self.directory.relocate(course.source, row..row + 1);
                    }
                }
            }
        }
    }
}

/// Counts the groups at the head of which no target is a source: they don't get
/// in each other's way.
fn independent(groups: &[(&[Place], &Course)]) -> usize {
    /// They are compared in pairs.
    const MOST: usize = 64;
    let most = groups.len().min(MOST);
    let is_apart = |&n: &usize| {
        let course = groups[n].1;
        groups[..n].iter().all(|(_, other)| {
            other.target() != Some(course.source) && course.target() != Some(other.source)
        })
    };
    (1..most).find(|n| !is_apart(n)).unwrap_or(most)
}

/// Drops the values that were replaced, which lie in the staged rows: once, after
/// the moves.
fn drop_replaced(course: &Course, steps: &[Step], staged: &mut Table, panics: &mut Panics) {
    for &(written, _) in &course.replaced {
        let column = &mut staged.columns[written];
        if column.drop_fn().is_none() {
            continue;
        }
        for step in steps {
            // SAFETY: the value was left there, and is nobody's.
            let drop = AssertUnwindSafe(|| unsafe { column.drop_rows(step.nth as usize, 1) });
            panics.keep(catch_unwind(drop));
        }
    }
}

/// Exchanges the values that rows have with the staged ones that replace them.
///
/// # Safety
/// Both tables hold values there, which nobody else touches.
unsafe fn swap_replaced(course: &Course, steps: &[Step], table: &Table, staged: &Table) {
    for &(written, column) in &course.replaced {
        let (there, written) = (&table.columns[column], &staged.columns[written]);
        let size = there.values.element_size();
        for step in steps {
            // SAFETY: the caller's.
            unsafe {
                let (value, new) = (there.at(step.row as usize), written.at(step.nth as usize));
                swap_values(value.as_ptr(), new.as_ptr(), size);
            }
        }
    }
}

/// What is needed for every move.
struct Moves<'a> {
    tables: &'a [Table],
    staged: &'a Table,
    relocation: Relocation<'a>,
}

impl Moves<'_> {
    /// Takes steps of a course, the first to row `base` of the target.
    ///
    /// # Safety
    /// - The course is one between these tables, and of these staged rows.
    /// - The steps are of a [`Group`] as that says, the first of them is to go to
    ///   `base`, and none is taken twice, by whatever thread.
    /// - The target of no group that moves at the same time is the source of one.
    /// - The entities of the source are placed, and none is foreign if they end.
    unsafe fn take(&self, course: &Course, steps: &[Step], base: usize) {
        let source = &self.tables[course.source.index()];
        // SAFETY: the caller's, in all of this: a step touches its row, its
        // filler, which is not among the rows that move, the row in the target
        // and the staged one, and they are no other step's.
        unsafe {
            swap_replaced(course, steps, source, self.staged);
            match course.target() {
                Some(target) => self.bring(course, steps, target, base),
                None if course.ends() => {}
                None => return,
            }
            for &column in &course.left {
                let from = &source.columns[column];
                let size = from.values.element_size();
                for step in steps.iter().filter(|step| step.filler != step.row) {
                    let filler = from.at(step.filler as usize).as_ptr();
                    copy_value(filler, from.at(step.row as usize).as_ptr(), size);
                }
            }
            for &column in &course.ended {
                let from = &source.columns[column];
                let (size, drops) = (from.values.element_size(), from.drop_fn().is_some());
                for step in steps.iter().filter(|step| step.filler != step.row) {
                    let value = from.at(step.row as usize).as_ptr();
                    let filler = from.at(step.filler as usize).as_ptr();
                    match drops {
                        true => swap_values(value, filler, size),
                        false => copy_value(filler, value, size),
                    }
                }
            }
            for (new_row, step) in (base..).zip(steps) {
                let (row, filler) = (step.row as usize, step.filler as usize);
                match course.target() {
                    Some(to) => self.relocation.step((course.source, row, filler), (to, new_row)),
                    None => self.relocation.end(course.source, row, filler),
                }
            }
        }
    }

    /// Copies values to rows of the target from `base` on, and where they come from
    /// those that fill the gaps.
    ///
    /// # Safety
    /// As for `take`.
    unsafe fn bring(&self, course: &Course, steps: &[Step], target: TableId, base: usize) {
        let (source, target) = (&self.tables[course.source.index()], &self.tables[target.index()]);
        // SAFETY: the caller's.
        unsafe {
            for &(column, place) in &course.kept {
                let (from, to) = (&source.columns[column], &target.columns[place]);
                let size = from.values.element_size();
                for (new_row, step) in (base..).zip(steps) {
                    let value = from.at(step.row as usize).as_ptr();
                    copy_value(value, to.at(new_row).as_ptr(), size);
                    if step.filler != step.row {
                        copy_value(from.at(step.filler as usize).as_ptr(), value, size);
                    }
                }
            }
            for &(written, place) in &course.added {
                let (from, to) = (&self.staged.columns[written], &target.columns[place]);
                let size = from.values.element_size();
                for (new_row, step) in (base..).zip(steps) {
                    let value = from.at(step.nth as usize).as_ptr();
                    copy_value(value, to.at(new_row).as_ptr(), size);
                }
            }
        }
    }
}
