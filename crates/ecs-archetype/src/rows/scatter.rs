//! Rows that move from wherever they lie in their tables.
//!
//! Lists of entities that change alike are mostly scattered, and then a run is a
//! row. So the rows that leave a table are sorted, each gap is given the row that
//! will fill it, and only then is anything moved: column by column, without a
//! question in between. What is moved for one row is touched for no other, so
//! that several threads can do so.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::{PAGE_ROWS, Relocation, TableId, Workers};

use super::Rows;
use super::course::Course;
use super::panics::Panics;
use super::places::{Place, Scattered, Turns};
use super::staged::Staged;
use super::table::Table;
use crate::column::{copy_rows, swap_values};

/// Rows whose moves are one piece of work.
const PIECE: usize = 64;

/// The places of a table and their turns, and the course that they take.
type Bound<'a> = ((&'a [Place], Turns<'a>), &'a Course);

/// Returns the rows that fill the gaps of a group, in their order: those that stay behind
/// the new end. Whoever leaves from there leaves no gap.
fn fillers(group: &[Place], len: usize) -> Vec<u32> {
    let end = len - group.len();
    let behind = group.partition_point(|place| place.row() < end);
    let mut leaving = group[behind..].iter().map(|place| place.row()).peekable();
    let mut fillers = Vec::with_capacity(behind);
    let stay = (end..len).filter(|row| leaving.next_if_eq(row).is_none());
    fillers.extend(stay.map(|row| row as u32));
    fillers
}

/// The rows of a table that move, or stay where no component comes or goes.
///
/// Its places are of rows of the source, which ascend, none twice; the n-th filler, a row
/// of the source that does not move and is no other filler, takes the place of the n-th of
/// them, which is before the new end, behind which all fillers are; the staged row of a
/// turn holds values for the place of that turn and for no other. In the target, rows
/// from `base` on are behind the last and those of groups before, and there is room.
struct Group<'a> {
    course: &'a Course,
    places: &'a [Place],
    turns: Turns<'a>,
    fillers: Vec<u32>,
    /// The first row of the target that they take.
    base: usize,
}

/// Some rows of a group.
struct Piece<'a> {
    course: &'a Course,
    places: &'a [Place],
    turns: Turns<'a>,
    /// Of the first of them; the others leave no gap.
    fillers: &'a [u32],
    /// The first row of the target that the group takes.
    base: usize,
    /// How many of the group are before them.
    before: usize,
}

impl<'a> Group<'a> {
    /// Cuts it into pieces.
    fn pieces(&'a self) -> impl Iterator<Item = Piece<'a>> {
        let Self { course, places, turns, fillers, base } = self;
        places.chunks(PIECE).enumerate().map(move |(n, places)| {
            let (first, len) = (n * PIECE, places.len());
            let rest = fillers.get(first..).unwrap_or_default();
            let (turns, fillers) = (turns.part(first, len), &rest[..rest.len().min(len)]);
            Piece { course, places, turns, fillers, base: *base, before: first }
        })
    }

    /// Returns the rows that get others.
    fn gaps(&self) -> impl Iterator<Item = usize> {
        self.places.iter().zip(&self.fillers).map(|(place, _)| place.row())
    }
}

impl Piece<'_> {
    /// Returns the rows that get others, and which.
    fn gaps(&self) -> impl Iterator<Item = (usize, usize)> {
        let gaps = self.places.iter().zip(self.fillers);
        gaps.map(|(place, filler)| (place.row(), *filler as usize))
    }

    /// Returns the rows.
    fn rows(&self) -> impl Iterator<Item = usize> {
        self.places.iter().map(|place| place.row())
    }

    /// Returns the rows, and where each goes in the target: in the order of the list, if all
    /// of that are in one table. So whoever has the list finds a run there.
    fn moves(&self) -> impl Iterator<Item = (usize, usize)> {
        self.rows().enumerate().map(|(n, row)| (row, self.target(n)))
    }

    /// Returns where the n-th goes.
    fn target(&self, n: usize) -> usize {
        match self.turns {
            Turns::All(turns) => self.base + turns[n] as usize,
            Turns::From(_) | Turns::Of(_) => self.base + self.before + n,
        }
    }
}

impl Rows {
    /// Notes a batch, if somebody wants to know who is touched and what changes is plain
    /// bytes: entities that lose some components, the n-th of which gets the n-th of the
    /// rows that are staged. Tells whether it was noted.
    pub(crate) fn note_batch(
        &mut self,
        entities: &[EntityId],
        lost: &[ComponentId],
        staged: &Staged,
    ) -> bool {
        if !self.directory.notes_touched() {
            return false;
        }
        let came: Vec<_> = staged.values().collect();
        self.directory.note_batch(entities, lost, &came)
    }

    /// Takes the entities of a list along the courses of their tables, the n-th
    /// with the n-th of the rows that are staged. Panics of components that end
    /// are kept in `panics`. Before it moves anything it notes who loses what, and who is
    /// touched that the batch does not tell of, if it [was noted](Self::note_batch).
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
        is_noted: bool,
        workers: &dyn Workers,
        panics: &mut Panics,
    ) {
        let groups: Vec<_> = scattered.groups().zip(courses).collect();
        assert!(groups.len() == scattered.groups().count(), "a course for each table");
        assert!(scattered.len() <= staged.rows, "a row is inserted for each entity");
        let ends = courses.iter().any(Course::ends);
        assert!(!ends || !self.directory.has_foreign(), "foreign entities end one by one");
        staged.hand_out();
        self.note_scattered(&groups);
        if self.directory.notes_touched() {
            self.touch_scattered(&groups, is_noted);
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
            moving.iter().for_each(|group| self.stamp_scattered(group, is_noted));
            for group in &moving {
                if !group.course.stays() {
                    self.drop_run(group.course, group.places.len(), None, panics);
                }
                drop_replaced(group, &mut staged.table, panics);
            }
            rest = later;
        }
    }

    /// Plans the moves of the rows of a table, behind those of the groups before.
    fn group<'a>(
        &self,
        (places, turns): (&'a [Place], Turns<'a>),
        course: &'a Course,
        before: &[Group<'a>],
    ) -> Group<'a> {
        let len = self.len(course.source);
        assert!(places[0].table() == course.source, "the courses are those of the tables");
        assert!(places[places.len() - 1].row() < len, "the rows are where they were");
        let mut base = 0;
        if let Some(target) = course.target() {
            let last = before.iter().rev().find(|group| group.course.target() == Some(target));
            base = last.map_or(self.len(target), |group| group.base + group.places.len());
            let incoming = base - self.len(target) + places.len();
            assert!(self.has_room(target, incoming), "there is room where rows go");
        }
        let fillers = if course.stays() { Vec::new() } else { fillers(places, len) };
        Group { course, places, turns, fillers, base }
    }

    /// Notes which entities lose tracked components, in the order of the list, while
    /// they are where they were.
    fn note_scattered(&mut self, groups: &[Bound<'_>]) {
        let losing = groups.iter().filter(|(_, course)| !course.lost.is_empty());
        let mut lost: Vec<_> = losing
            .flat_map(|((places, turns), course)| {
                let ids = self.ids(course.source);
                let places = places.iter().enumerate();
                places.map(|(n, place)| (turns.get(n), ids[place.row()], &course.lost))
            })
            .collect();
        lost.sort_unstable_by_key(|(turn, ..)| *turn);
        for (_, entity, components) in lost {
            self.note_lost(components, std::iter::once(entity));
        }
    }

    /// Notes which entities are touched that can't be found when all have moved: those
    /// that end, and those that fill gaps or leave, if values of them were written where
    /// they were.
    fn touch_scattered(&mut self, groups: &[Bound<'_>], is_noted: bool) {
        for ((places, _), course) in groups.iter().filter(|(_, course)| !course.stays()) {
            let (ids, mut touched) = (self.ids(course.source), Vec::new());
            if course.ends() {
                touched.extend(places.iter().map(|place| ids[place.row()]));
            } else if is_noted {
                // Else all are touched where they go.
                let components = course.kept_components(&self.tables[course.source.index()]);
                let mut pages: Vec<_> =
                    places.iter().map(|place| place.row() / PAGE_ROWS).collect();
                pages.dedup();
                let written = self.directory.written_among(course.source, &components, &pages);
                for page in written {
                    let first = places.partition_point(|place| place.row() / PAGE_ROWS < page);
                    let there = places[first..].iter().map(|place| place.row());
                    let there = there.take_while(|row| row / PAGE_ROWS == page);
                    touched.extend(there.map(|row| ids[row]));
                }
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
    fn stamp_scattered(&mut self, group: &Group<'_>, is_noted: bool) {
        let (now, Group { course, places, base, .. }) = (self.version(), group);
        // Ascending, so that a page is stamped once.
        let mut last = None;
        for row in group.gaps().filter(|row| last.replace(row / PAGE_ROWS) != Some(row / PAGE_ROWS))
        {
            self.directory.mark_moved(course.source, row..row + 1);
        }
        if let Some(target) = course.target() {
            let rows = *base..base + places.len();
            self.directory.mark_moved(target, rows.clone());
            // SAFETY: the rows are counted by now.
            let ids = unsafe { self.tables[target.index()].ids.as_slice(rows.end) };
            if !is_noted {
                self.directory.touch_all(&ids[rows.clone()]);
            }
            // SAFETY: the rows are the target's.
            unsafe { self.tables[target.index()].stamp(&course.stamped, rows, now) }
        }
        if !course.stays() {
            return;
        }
        let table = &mut self.tables[course.source.index()];
        for row in places.iter().map(|place| place.row()) {
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
        let pieces: Vec<_> = groups.iter().flat_map(Group::pieces).collect();
        let moves = Moves { tables: &self.tables, staged, relocation: self.directory.relocation() };
        // Of 64 bits, so that nobody calls often enough for it to begin again.
        let next = AtomicU64::new(0);
        let work = || {
            // Relaxed: it is the number alone that matters.
            let next = || usize::try_from(next.fetch_add(1, Ordering::Relaxed)).ok();
            while let Some(piece) = next().and_then(|next| pieces.get(next)) {
                // SAFETY: by `group` and `independent`, what `Moves::take` asks for
                // is true of all groups of a round together; each piece of them is
                // taken once.
                unsafe { moves.take(piece) }
            }
        };
        if pieces.len() > 1 {
            panics.keep(catch_unwind(AssertUnwindSafe(|| workers.work(pieces.len(), &work))));
        }
        // Whatever the helpers have left.
        work();
        for group in groups {
            let Group { course, places, base, .. } = group;
            let end = self.len(course.source) - places.len();
            if course.ends() {
                self.count -= places.len();
                // SAFETY: as below; no id is foreign.
                unsafe { self.directory.set_len(course.source, end) }
            }
            let Some(target) = course.target() else { continue };
            // SAFETY: every row of the group is behind the target's last, and
            // initialised in each column of values; those of the source below `end`
            // are without gaps. Ticks of components that came, and the locations of
            // foreign ids, follow before the directory is lent or a value dropped.
            unsafe {
                self.directory.set_len(course.source, end);
                self.directory.set_len(target, base + places.len());
                if self.directory.has_foreign() {
                    self.directory.relocate(target, *base..base + places.len());
                    for row in group.gaps() {
                        self.directory.relocate(course.source, row..row + 1);
                    }
                }
            }
        }
    }
}

/// Counts the groups at the head of which no target is a source: they don't get
/// in each other's way.
fn independent(groups: &[Bound<'_>]) -> usize {
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
fn drop_replaced(group: &Group<'_>, staged: &mut Table, panics: &mut Panics) {
    for &(written, _) in &group.course.replaced {
        let column = &mut staged.columns[written];
        if column.drop_fn().is_none() {
            continue;
        }
        for turn in (0..group.places.len()).map(|n| group.turns.get(n)) {
            // SAFETY: the value was left there, and is nobody's.
            let drop = AssertUnwindSafe(|| unsafe { column.drop_rows(turn, 1) });
            panics.keep(catch_unwind(drop));
        }
    }
}

/// Exchanges the values that rows have with the staged ones that replace them.
///
/// # Safety
/// Both tables hold values there, which nobody else touches.
unsafe fn swap_replaced(piece: &Piece<'_>, table: &Table, staged: &Table) {
    for &(written, column) in &piece.course.replaced {
        let (there, written) = (&table.columns[column], &staged.columns[written]);
        let size = there.values.element_size();
        for (n, place) in piece.places.iter().enumerate() {
            // SAFETY: the caller's.
            unsafe {
                let (value, new) = (there.at(place.row()), written.at(piece.turns.get(n)));
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
    /// Takes a piece of a group along its course.
    ///
    /// # Safety
    /// - The course is one between these tables, and of these staged rows.
    /// - The piece is of a [`Group`] as that says, and taken once, by whatever thread.
    /// - The target of no group that moves at the same time is the source of one.
    /// - The entities of the source are placed, and none is foreign if they end.
    unsafe fn take(&self, piece: &Piece<'_>) {
        let course = piece.course;
        let source = &self.tables[course.source.index()];
        // SAFETY: the caller's, in all of this: a place touches its row, its
        // filler, which is not among the rows that move, the row in the target
        // and the staged one, and they are no other place's.
        unsafe {
            swap_replaced(piece, source, self.staged);
            if course.stays() {
                return;
            }
            self.ask_for_locations(piece);
            if let Some(target) = course.target() {
                self.bring(piece, target);
            }
            let kept = course.kept.iter().map(|(column, _)| column);
            for &column in kept.chain(&course.left) {
                let from = &source.columns[column];
                copy_rows(from, from, piece.gaps().map(|(row, filler)| (filler, row)));
            }
            for &column in &course.ended {
                let from = &source.columns[column];
                if from.drop_fn().is_none() {
                    copy_rows(from, from, piece.gaps().map(|(row, filler)| (filler, row)));
                    continue;
                }
                let size = from.values.element_size();
                for (row, filler) in piece.gaps() {
                    swap_values(from.at(row).as_ptr(), from.at(filler).as_ptr(), size);
                }
            }
            match course.target() {
                Some(target) => piece.moves().for_each(|(row, new_row)| {
                    self.relocation.bring(course.source, row, (target, new_row));
                }),
                None => piece.rows().for_each(|row| self.relocation.end(course.source, row)),
            }
            for (row, filler) in piece.gaps() {
                self.relocation.fill(course.source, row, filler);
            }
        }
    }

    /// Asks memory for what will be written of entities that move: while their values do,
    /// it comes.
    ///
    /// # Safety
    /// As for `take`.
    unsafe fn ask_for_locations(&self, piece: &Piece<'_>) {
        for row in piece.rows().chain(piece.gaps().map(|(_, filler)| filler)) {
            // SAFETY: the caller's: the source has the row, and no other piece writes it.
            unsafe { self.relocation.ask_for(piece.course.source, row) }
        }
    }

    /// Copies values to rows of the target.
    ///
    /// # Safety
    /// As for `take`.
    unsafe fn bring(&self, piece: &Piece<'_>, target: TableId) {
        let course = piece.course;
        let (source, target) = (&self.tables[course.source.index()], &self.tables[target.index()]);
        // SAFETY: the caller's.
        unsafe {
            for &(column, place) in &course.kept {
                copy_rows(&source.columns[column], &target.columns[place], piece.moves());
            }
            for &(written, place) in &course.added {
                let (from, to) = (&self.staged.columns[written], &target.columns[place]);
                match piece.turns {
                    Turns::From(first) => {
                        from.move_rows_to(first, piece.places.len(), to.at(piece.target(0)));
                    }
                    Turns::Of(turns) | Turns::All(turns) => {
                        let turns = turns.iter().map(|turn| *turn as usize).enumerate();
                        copy_rows(from, to, turns.map(|(n, turn)| (turn, piece.target(n))));
                    }
                }
            }
        }
    }
}
