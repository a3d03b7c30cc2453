//! Changes of many entities at once.
//!
//! A list of entities is cut into runs: entities that follow each other in a
//! table as they do in the list. A list that came out of a query, or out of
//! spawning, is a single run. A run moves as a block, and if it is a whole table,
//! the table hands its columns over. In a list in random order every entity would be
//! a run of its own: such go the way of an exchange, row by row.

use std::ops::Range;

use ahash::{AHashMap, AHashSet};
use ecs_core::{BundleBatch, BundleKind, EntityId};
use ecs_storage_api::{Alone, BundleError, StorageError, TableId};

use crate::exchange;
use crate::graph::{Change, Graph};
use crate::rows::{Course, Panics, Rows, Staged};

/// Entities that follow each other in a table as they do in the list.
pub(crate) struct Run {
    pub(crate) table: TableId,
    pub(crate) rows: Range<usize>,
}

impl Run {
    /// Returns the run at the head of a list, or `None` if its first entity is
    /// dead. The list must not be empty.
    pub(crate) fn next(rows: &Rows, entities: &[EntityId]) -> Option<Self> {
        let at = rows.locate(entities[0])?;
        let there = &rows.ids(at.table())[at.row()..];
        let count = common_prefix(entities, there);
        Some(Self { table: at.table(), rows: at.row()..at.row() + count })
    }
}

/// Returns how many ids two lists share at their heads.
fn common_prefix(a: &[EntityId], b: &[EntityId]) -> usize {
    /// Ids that are compared before anything is decided, so that the compiler
    /// takes several at a time.
    const BLOCK: usize = 32;
    let differ = |(a, b): (&EntityId, &EntityId)| a.to_bits() ^ b.to_bits();
    let blocks = a.chunks_exact(BLOCK).zip(b.chunks_exact(BLOCK));
    let equal = blocks
        .take_while(|(a, b)| a.iter().zip(*b).map(differ).fold(0, |bits, next| bits | next) == 0)
        .count()
        * BLOCK;
    equal + a[equal..].iter().zip(&b[equal..]).take_while(|(a, b)| a == b).count()
}

/// Cuts a list into the runs that it has before anything moves; `None` if those turn out
/// to be a few rows each, and it costs less to move each row by itself.
///
/// # Errors
/// As [`runs`].
fn long_runs(rows: &Rows, entities: &[EntityId]) -> Result<Option<Vec<Run>>, StorageError> {
    /// So many runs are cut before they are judged.
    const RUNS: usize = 16;
    /// How many rows a run has to have on average: to follow one costs as much as to move
    /// so many.
    const LONG: usize = 8;
    let is_scattered = |runs: usize, done: usize| runs >= RUNS && done < runs * LONG;
    cut(rows, entities, is_scattered)
}

/// Cuts a list into the runs that it has before anything moves.
///
/// # Errors
/// [`StorageError::NoSuchEntity`] or [`StorageError::ListedTwice`] with the
/// first entity that is dead or listed before.
fn runs(rows: &Rows, entities: &[EntityId]) -> Result<Vec<Run>, StorageError> {
    Ok(cut(rows, entities, |_, _| false)?.unwrap_or_default())
}

/// Cuts a list into runs, unless `gives_up` says of so many runs with so many rows that
/// they are of no use.
fn cut(
    rows: &Rows,
    entities: &[EntityId],
    gives_up: impl Fn(usize, usize) -> bool,
) -> Result<Option<Vec<Run>>, StorageError> {
    let mut runs = Vec::new();
    let mut done = 0;
    let mut dead = None;
    while done < entities.len() && dead.is_none() {
        if gives_up(runs.len(), done) {
            return Ok(None);
        }
        match Run::next(rows, &entities[done..]) {
            Some(run) => {
                done += run.rows.len();
                runs.push(run);
            }
            None => dead = Some(entities[done]),
        }
    }
    if overlap(&runs) {
        let mut seen = AHashSet::with_capacity(done);
        let twice = entities[..done].iter().find(|&&entity| !seen.insert(entity));
        return Err(StorageError::ListedTwice(*twice.expect("a row is in two runs")));
    }
    dead.map_or(Ok(Some(runs)), |entity| Err(StorageError::NoSuchEntity(entity)))
}

/// Tells whether a row is in more than one run.
fn overlap(runs: &[Run]) -> bool {
    if runs.len() < 2 {
        return false;
    }
    let mut places: Vec<_> =
        runs.iter().map(|run| (run.table.0, run.rows.start, run.rows.end)).collect();
    places.sort_unstable();
    places.windows(2).any(|pair| pair[0].0 == pair[1].0 && pair[0].2 > pair[1].1)
}

/// What becomes of the rows of each table, for the tables that a list touches.
struct Courses {
    courses: Vec<Course>,
    by_table: AHashMap<TableId, usize>,
}

impl Courses {
    /// Finds out what becomes of each run's table, and makes room for as many rows as
    /// will come.
    fn new(
        rows: &mut Rows,
        runs: &[Run],
        mut target: impl FnMut(&mut Rows, TableId) -> Result<Option<TableId>, StorageError>,
        staged: Option<&Staged>,
    ) -> Result<Self, StorageError> {
        let mut this = Self { courses: Vec::new(), by_table: AHashMap::new() };
        // By where they go: the course of the first run, its rows, and all that come.
        let mut incoming: AHashMap<TableId, (usize, usize, usize)> = AHashMap::new();
        let mut last = None;
        for run in runs {
            let course = match last {
                Some((table, course)) if table == run.table => course,
                _ => match this.by_table.get(&run.table) {
                    Some(&course) => course,
                    None => {
                        let target = target(rows, run.table)?;
                        this.courses.push(rows.course(run.table, target, staged));
                        this.by_table.insert(run.table, this.courses.len() - 1);
                        this.courses.len() - 1
                    }
                },
            };
            last = Some((run.table, course));
            if let Some(target) = this.courses[course].target() {
                incoming.entry(target).or_insert((course, run.rows.len(), 0)).2 += run.rows.len();
            }
        }
        for (course, first, all) in incoming.into_values() {
            rows.make_way(&mut this.courses[course], (first, all), staged)?;
        }
        Ok(this)
    }

    fn of(&self, table: TableId) -> &Course {
        &self.courses[self.by_table[&table]]
    }
}

/// Takes every entity of a list along the course of its table.
///
/// Runs are looked for again as rows move: an entity that is yet to come may
/// have taken the place of one that is gone.
fn follow(
    rows: &mut Rows,
    courses: &Courses,
    entities: &[EntityId],
    mut first: Option<Run>,
    mut staged: Option<Staged>,
) {
    let mut panics = Panics::new();
    let mut done = 0;
    while done < entities.len() {
        // Nothing has moved before the first.
        let run = first.take().or_else(|| Run::next(rows, &entities[done..]));
        let run = run.expect("an entity that was found lives");
        let count = run.rows.len();
        let written = staged.as_mut().map(|staged| (staged, done));
        rows.take_course(courses.of(run.table), run.rows, written, &mut panics);
        done += count;
    }
    panics.go_on();
}

/// Adds or replaces components of several entities.
pub(crate) fn insert(
    rows: &mut Rows,
    graph: &mut Graph,
    entities: &[EntityId],
    batch: &mut dyn BundleBatch,
) -> Result<(), StorageError> {
    let kind = batch.kind();
    if let Some(twice) = kind.duplicate() {
        return Err(BundleError::Duplicate(twice).into());
    }
    let Some(runs) = long_runs(rows, entities)? else {
        let nothing = BundleKind::listed([]);
        return exchange::exchange(rows, graph, entities, &nothing, batch, &Alone);
    };
    let staged = Staged::write(&kind, batch, entities.len())?;
    let target = |rows: &mut Rows, table| {
        graph.plan(rows, Change::Insert, table, &kind).map(|plan| Some(plan.target()))
    };
    let courses = Courses::new(rows, &runs, target, Some(&staged))?;
    follow(rows, &courses, entities, runs.into_iter().next(), Some(staged));
    Ok(())
}

/// Takes components away from several entities, and returns how many values
/// that were.
pub(crate) fn remove(
    rows: &mut Rows,
    graph: &mut Graph,
    entities: &[EntityId],
    kind: &BundleKind,
) -> Result<usize, StorageError> {
    let Some(runs) = long_runs(rows, entities)? else {
        return exchange::remove(rows, graph, entities, kind);
    };
    let target = |rows: &mut Rows, table| {
        graph.plan(rows, Change::Remove, table, kind).map(|plan| Some(plan.target()))
    };
    let courses = Courses::new(rows, &runs, target, None)?;
    let count = runs.iter().map(|run| run.rows.len() * courses.of(run.table).ended()).sum();
    follow(rows, &courses, entities, runs.into_iter().next(), None);
    Ok(count)
}

/// Ends several entities; `ending` is told once that they all can.
pub(crate) fn despawn(
    rows: &mut Rows,
    entities: &[EntityId],
    ending: impl FnOnce(),
) -> Result<(), StorageError> {
    let runs = match rows.has_foreign() {
        true => runs(rows, entities)?,
        false => match long_runs(rows, entities)? {
            Some(runs) => runs,
            None => return exchange::despawn(rows, entities, ending),
        },
    };
    let courses = Courses::new(rows, &runs, |_, _| Ok(None), None)?;
    ending();
    follow(rows, &courses, entities, runs.into_iter().next(), None);
    Ok(())
}
