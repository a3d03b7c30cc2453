//! One store lent to several holders of queries at once.
//!
//! [`SharedQueries`] knows which groups of queries can't be used at the same
//! time. While a store is lent ([`Share`]), each holder claims its group, and is
//! refused as long as one that conflicts with it is out. So whoever plans the
//! order of the holders decides how fast things go, and never whether they are
//! sound.

use std::fmt;
use std::sync::atomic::{AtomicBool, Ordering};

use ecs_core::ComponentId;
use parking_lot::{Mutex, MutexGuard};
use smallvec::SmallVec;

use super::gather::{Prepared, gather_slots, lent};
use super::records::Records;
use super::shape::{QueryError, QueryShape};
use crate::bits::{BitMatrix, Bits};
use crate::changes::Window;
use crate::directory::Directory;
use crate::storage::Storage;

/// Queries of which one is used at a time: a query, or a set of alternatives.
#[derive(Debug, Clone)]
pub(crate) struct Slot(pub(crate) SmallVec<[Prepared; 1]>);

/// Holds the queries of one holder.
///
/// They are used in stages, one after another; those of one stage are used
/// together, except alternatives, of which one is used at a time.
#[derive(Debug, Clone, Default)]
pub struct QueryGroup {
    /// In place, since most have one stage of one query: whoever goes through many
    /// groups waits for memory once a group.
    stages: SmallVec<[Stage; 1]>,
}

/// The queries that are used together.
type Stage = SmallVec<[Slot; 1]>;

impl QueryGroup {
    /// Creates a group without stages.
    pub fn new() -> Self {
        Self::default()
    }

    /// Begins a stage, to which queries are added from now on.
    pub fn begin_stage(&mut self) {
        self.stages.push(Stage::new());
    }

    /// Adds queries of which one is used at a time to the stage; a plain query is
    /// a list of one.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if one of them can't be used beside the others
    /// of the stage.
    ///
    /// # Panics
    /// If no stage was begun.
    pub fn add(&mut self, alternatives: Vec<Prepared>) -> Result<(), QueryError> {
        let stage = self.stages.last_mut().expect("a stage was begun");
        let others = || stage.iter().flat_map(|slot| &slot.0);
        for added in &alternatives {
            if let Some(component) =
                others().find_map(|other| other.shape().overlaps(added.shape()))
            {
                return Err(QueryError::Conflict { component });
            }
        }
        stage.push(Slot(alternatives.into_iter().collect()));
        Ok(())
    }

    /// Tells whether there is no query in it.
    pub fn is_empty(&self) -> bool {
        self.prepared().next().is_none()
    }

    fn prepared(&self) -> impl Iterator<Item = &Prepared> {
        self.stages.iter().flatten().flat_map(|slot| &slot.0)
    }

    fn prepared_mut(&mut self) -> impl Iterator<Item = &mut Prepared> {
        self.stages.iter_mut().flatten().flat_map(|slot| &mut slot.0)
    }

    /// Returns what each query asks for.
    pub fn shapes(&self) -> impl Iterator<Item = &QueryShape> {
        self.prepared().map(Prepared::shape)
    }

    /// Returns a component that keeps the two from being used at the same time,
    /// whatever archetypes there are.
    pub fn conflict_with(&self, other: &Self) -> Option<ComponentId> {
        self.shapes().find_map(|a| other.shapes().find_map(|b| a.overlaps(b)))
    }

    /// Returns a component that keeps the two from being used at the same time on
    /// the tables that match now.
    fn conflict_now(&self, other: &Self) -> Option<ComponentId> {
        self.prepared().find_map(|a| other.prepared().find_map(|b| a.conflict_with(b)))
    }
}

/// Knows the groups of queries of several holders, and which of them conflict.
#[derive(Default)]
pub struct SharedQueries {
    groups: Vec<Mutex<QueryGroup>>,
    /// Pairs that conflict on some archetype that there may be.
    pairs: Vec<(u32, u32)>,
    /// Those that conflict as far as was seen.
    conflicts: BitMatrix,
    seen: Seen,
    revision: u64,
    /// Whether a group was claimed through its lock since this was looked at.
    claimed: AtomicBool,
}

/// What `conflicts` speaks of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Seen {
    /// Any archetypes that there may be.
    #[default]
    Nothing,
    /// A backend that lends no directory, and so serves one holder at a time.
    Whole,
    /// The tables of a directory, when it had so many.
    Tables { identity: u64, count: usize },
}

impl SharedQueries {
    /// Takes groups in; each is known by its place from here on. Until
    /// [`SharedQueries::update`] all conflict that may.
    ///
    /// # Complexity
    /// O(groups²) in the worst case: pairs that share a component are compared.
    pub fn new(groups: Vec<QueryGroup>) -> Self {
        let mut pairs = Vec::new();
        for (n, group) in groups.iter().enumerate() {
            let conflicting = (0..n).filter(|&m| groups[m].conflict_with(group).is_some());
            pairs.extend(conflicting.map(|m| (m as u32, n as u32)));
        }
        let conflicts = BitMatrix::new(groups.len());
        let groups = groups.into_iter().map(Mutex::new).collect();
        let (seen, revision, claimed) = (Seen::Nothing, 1, AtomicBool::new(false));
        let mut queries = Self { groups, pairs, conflicts, seen, revision, claimed };
        queries.pairs.iter().for_each(|&(a, b)| queries.conflicts.set_both(a as usize, b as usize));
        queries
    }

    /// Finds out which groups conflict on the archetypes that there are; on a
    /// backend without a directory, all that have queries.
    ///
    /// # Complexity
    /// O(1) unless archetypes have come since; then O(matched) for each pair
    /// that shares a component.
    pub fn update<S: Storage + ?Sized>(&mut self, storage: &mut S) {
        match storage.directory_mut().is_some() {
            true => self.compare(Some(lent(storage))),
            false => self.compare(None),
        }
    }

    fn compare(&mut self, directory: Option<&Directory>) {
        if std::mem::take(self.claimed.get_mut()) {
            // The lock of a claim that was forgotten is nobody's any more.
            for group in self.groups.iter_mut().filter(|group| group.is_locked()) {
                *group = Mutex::new(std::mem::take(group.get_mut()));
            }
        }
        let now = directory.map_or(Seen::Whole, |directory| Seen::Tables {
            identity: directory.identity(),
            count: directory.table_count(),
        });
        if self.seen == now {
            return;
        }
        self.seen = now;
        let conflicts = match directory {
            Some(directory) => self.conflicts_on(directory),
            None => self.conflicts_on_whole(),
        };
        if conflicts != self.conflicts {
            self.conflicts = conflicts;
            self.revision += 1;
        }
    }

    fn conflicts_on(&mut self, directory: &Directory) -> BitMatrix {
        for group in &mut self.groups {
            group.get_mut().prepared_mut().for_each(|prepared| prepared.match_tables(directory));
        }
        let mut conflicts = BitMatrix::new(self.groups.len());
        for &(a, b) in &self.pairs {
            let (a, b) = (a as usize, b as usize);
            if self.groups[a].lock().conflict_now(&self.groups[b].lock()).is_some() {
                conflicts.set_both(a, b);
            }
        }
        conflicts
    }

    fn conflicts_on_whole(&mut self) -> BitMatrix {
        let mut conflicts = BitMatrix::new(self.groups.len());
        let groups = self.groups.iter_mut().enumerate();
        let asking: Vec<_> =
            groups.filter_map(|(n, group)| (!group.get_mut().is_empty()).then_some(n)).collect();
        for (n, &b) in asking.iter().enumerate() {
            asking[..n].iter().for_each(|&a| conflicts.set_both(a, b));
        }
        conflicts
    }

    /// Returns a number that is raised whenever other groups conflict than
    /// before.
    pub fn revision(&self) -> u64 {
        self.revision
    }

    /// Tells whether two groups can't be used at the same time now.
    #[inline]
    pub fn conflict(&self, a: usize, b: usize) -> bool {
        self.conflicts.get(a, b)
    }

    /// Returns a component that keeps two groups from being used at the same
    /// time now, or `None` if nothing does, or the backend alone.
    ///
    /// # Panics
    /// If there is no such group.
    pub fn conflict_on(&self, a: usize, b: usize) -> Option<ComponentId> {
        if a == b || !self.conflict(a, b) {
            return None;
        }
        let (a, b) = (self.groups[a].lock(), self.groups[b].lock());
        match self.seen {
            Seen::Tables { .. } => a.conflict_now(&b),
            Seen::Nothing | Seen::Whole => a.conflict_with(&b),
        }
    }

    /// Returns how many groups there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.groups.is_empty()
    }

    /// Lends a store to the holders of the groups, as [`SharedQueries::update`]
    /// finds them.
    ///
    /// A backend that lends no directory is used by one holder at a time.
    ///
    /// # Panics
    /// If the backend lends its directory at one call and not at the next.
    pub fn share<'w>(&'w mut self, storage: &'w mut dyn Storage) -> Share<'w> {
        let rows = match storage.directory_mut().is_some() {
            true => {
                // The one that is lent is the one that was looked at: nothing
                // keeps a backend from lending another at each call.
                let directory = lent(storage);
                self.compare(Some(directory));
                Lent::Directory(directory)
            }
            false => {
                self.compare(None);
                Lent::Whole(Mutex::new(storage))
            }
        };
        let out = Mutex::new(Bits::new(self.groups.len()));
        Share { queries: self, rows, out }
    }
}

impl fmt::Debug for SharedQueries {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SharedQueries")
            .field("groups", &self.groups.len())
            .field("pairs", &self.pairs.len())
            .finish_non_exhaustive()
    }
}

enum Lent<'w> {
    Directory(&'w Directory),
    Whole(Mutex<&'w mut dyn Storage>),
}

/// Lends a store to holders of queries, each of which claims its group.
pub struct Share<'w> {
    queries: &'w mut SharedQueries,
    rows: Lent<'w>,
    /// The groups that are claimed.
    out: Mutex<Bits>,
}

impl<'w> Share<'w> {
    /// Claims a group, or returns `None` while one that conflicts with it, or
    /// itself, is claimed; on a backend without a directory, while any is.
    ///
    /// # Complexity
    /// O(groups / 64).
    pub fn claim(&self, group: usize) -> Option<Claim<'_, 'w>> {
        let mut out = self.out.lock();
        if out.get(group) || out.intersects(self.queries.conflicts.row(group)) {
            return None;
        }
        // Relaxed: it is asked by whoever has the groups to itself again.
        self.queries.claimed.store(true, Ordering::Relaxed);
        let queries = self.queries.groups[group].try_lock()?;
        let storage = match &self.rows {
            Lent::Directory(directory) => Source::Directory(directory),
            Lent::Whole(_) if queries.is_empty() => Source::Nothing,
            Lent::Whole(storage) => Source::Whole(Held::Guard(storage.try_lock()?)),
        };
        out.set(group);
        let queries = Held::Guard(queries);
        Some(Claim { queries, storage, _back: Some(GiveBack { out: &self.out, group }) })
    }

    /// Claims a group for the one holder that there is: nothing is claimed now,
    /// and nothing can be as long as the claim lives.
    ///
    /// # Complexity
    /// O(1), without a lock.
    #[inline]
    pub fn claim_alone(&mut self, group: usize) -> Claim<'_, 'w> {
        let storage = match &mut self.rows {
            Lent::Directory(directory) => Source::Directory(directory),
            Lent::Whole(storage) => Source::Whole(Held::Own(storage.get_mut())),
        };
        // A claim that was forgotten keeps its group; whoever is alone needs none
        // of them.
        let queries = Held::Own(self.queries.groups[group].get_mut());
        Claim { queries, storage, _back: None }
    }
}

/// What a claim holds: through a lock, or because nobody else can.
enum Held<'s, T> {
    Guard(MutexGuard<'s, T>),
    Own(&'s mut T),
}

impl<T> Held<'_, T> {
    #[inline]
    fn get_mut(&mut self) -> &mut T {
        match self {
            Self::Guard(guard) => guard,
            Self::Own(own) => own,
        }
    }
}

impl fmt::Debug for Share<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Share").field("queries", &self.queries).finish_non_exhaustive()
    }
}

enum Source<'s, 'w> {
    Directory(&'w Directory),
    Whole(Held<'s, &'w mut dyn Storage>),
    /// For a group without queries.
    Nothing,
}

/// Lets a holder use its group of queries.
pub struct Claim<'s, 'w> {
    queries: Held<'s, QueryGroup>,
    storage: Source<'s, 'w>,
    /// Last, so that the group is given back when nothing of it is in use.
    _back: Option<GiveBack<'s>>,
}

/// Marks a group as given back when it is dropped.
struct GiveBack<'s> {
    out: &'s Mutex<Bits>,
    group: usize,
}

impl Drop for GiveBack<'_> {
    fn drop(&mut self) {
        self.out.lock().clear(self.group);
    }
}

impl Claim<'_, '_> {
    /// Matches the queries of a stage, and lends their rows; those of the stage
    /// before have been given back by then. What counts as new, and how writes
    /// are stamped, `window` says.
    ///
    /// # Errors
    /// [`QueryError::Conflict`] if the backend offers a value twice.
    ///
    /// # Panics
    /// If there is no such stage.
    pub fn stage(&mut self, stage: usize, window: Window) -> Result<StageRecords<'_>, QueryError> {
        let slots = &mut self.queries.get_mut().stages[stage];
        let directory = match self.storage {
            Source::Directory(directory) => Some(directory),
            Source::Whole(_) | Source::Nothing => None,
        };
        for slot in &mut *slots {
            for prepared in &mut slot.0 {
                prepared.set_window(window);
                if let Some(directory) = directory {
                    prepared.fill(directory);
                }
            }
        }
        if let Source::Whole(storage) = &mut self.storage {
            gather_slots(&mut **storage.get_mut(), slots)?;
        }
        Ok(StageRecords { slots: slots.iter(), directory })
    }
}

impl fmt::Debug for Claim<'_, '_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Claim").finish_non_exhaustive()
    }
}

/// Gives out the rows of the queries of a stage, each once, in order.
#[derive(Debug)]
pub struct StageRecords<'c> {
    slots: std::slice::Iter<'c, Slot>,
    directory: Option<&'c Directory>,
}

impl<'c> StageRecords<'c> {
    /// Returns what the next query matched.
    ///
    /// # Panics
    /// If there is none, or alternatives come next.
    #[inline]
    pub fn next_query(&mut self) -> Records<'c> {
        let [prepared] = &self.next_slot().0[..] else { panic!("one query comes next") };
        prepared.records(self.directory)
    }

    /// Returns the alternatives that come next.
    ///
    /// # Panics
    /// If there is nothing more.
    pub fn next_alternatives(&mut self) -> Alternatives<'c> {
        Alternatives { slot: self.next_slot(), directory: self.directory }
    }

    #[inline]
    fn next_slot(&mut self) -> &'c Slot {
        self.slots.next().expect("a stage has a slot for each query that is asked of it")
    }

    /// Returns how many rows the queries that are left have matched in all.
    #[inline]
    pub fn rows_matched(&self) -> usize {
        let mut rows = 0;
        // Plain loops: mostly there is one query.
        for slot in self.slots.as_slice() {
            for prepared in &slot.0 {
                rows += prepared.rows_matched();
            }
        }
        rows
    }
}

/// Gives out queries of which one is used at a time.
#[derive(Debug)]
pub struct Alternatives<'c> {
    slot: &'c Slot,
    directory: Option<&'c Directory>,
}

impl Alternatives<'_> {
    /// Returns what the `n`-th of them matched.
    ///
    /// # Panics
    /// If there are not so many.
    pub fn records(&mut self, n: usize) -> Records<'_> {
        self.slot.0[n].records(self.directory)
    }
}
