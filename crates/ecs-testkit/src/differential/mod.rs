//! Two backends, the same operations, the same results.
//!
//! [`compare`] draws sequences of [`Operation`]s, applies each to two stores,
//! and compares outcome and state after each: entities, values, the allocator,
//! what each way of looking says, what changed since earlier versions, and that
//! every value ends once. Components
//! that panic as they are dropped are among the operations, too. A failure is
//! shrunk to a minimal sequence.

mod follower;
mod operation;
mod rows;
mod shorten;
mod subject;

use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{AllocatorState, ComponentId, EntityId};
use ecs_storage_api::{Added, Changed, Storage, Version, snapshot, state_hash};
use proptest::collection::vec;
use proptest::strategy::Strategy;
use proptest::test_runner::{Config, TestCaseError, TestError, TestRunner};

pub use follower::Follower;
pub use operation::{Chosen, Kind, Operation, Pick};
pub use rows::{EncodedRows, apply_rows, check_rows, compare_rows, encoded_rows};
use subject::Subject;

use crate::claims::changes::found;
use crate::claims::{State, state};
use crate::components::{Name, Position, Velocity};

/// Makes an empty store of shard 0, whose typed methods are its own: in a box
/// they would be those of the protocol.
pub type Make<'a, S> = &'a dyn Fn() -> S;

/// How long a sequence is at most.
const LENGTH: usize = 80;

/// Compares two backends over at least `operations` random operations.
///
/// Every sequence is checked after each of its operations. `ECS_DIFF_OPS`, if
/// set, replaces the number.
///
/// # Panics
/// If they differ, with a minimal sequence that shows it.
pub fn compare<A: Storage, B: Storage>(make_a: Make<'_, A>, make_b: Make<'_, B>, operations: u64) {
    tell(find_difference(make_a, make_b, asked(operations)));
}

/// Compares a backend that goes back to cuts, in place where it can, with itself where
/// it loads each of them whole. `checks` says when the stores are compared from every
/// side; what was taken and loaded is compared always.
///
/// # Panics
/// As [`compare`].
pub fn compare_rewinds<S: Storage>(make: Make<'_, S>, operations: u64, checks: Checks) {
    let run = |sequence: &[Operation]| {
        let mut pair = Pair::new(make, make);
        (pair.b.whole, pair.rewinds) = (true, true);
        pair.run(sequence, checks, &mut make())
    };
    tell(find(operation::operation_with_cuts(), run, asked(operations)));
}

/// Returns how many operations are asked for.
fn asked(operations: u64) -> u64 {
    let asked = std::env::var("ECS_DIFF_OPS").ok().and_then(|text| text.parse().ok());
    asked.unwrap_or(operations)
}

fn tell(found: Option<(Vec<Operation>, String)>) {
    if let Some((sequence, reason)) = found {
        let list: Vec<_> = sequence.iter().map(|operation| format!("  {operation:?}\n")).collect();
        panic!("the backends differ: {reason}\nminimal sequence:\n{}", list.concat());
    }
}

/// Looks for a minimal sequence of operations after which two backends differ,
/// and returns it with the difference; `None` if none was found among as many
/// operations.
pub fn find_difference<A: Storage, B: Storage>(
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
    operations: u64,
) -> Option<(Vec<Operation>, String)> {
    let run = |sequence: &[Operation]| run(make_a, make_b, sequence, Checks::Each);
    find(operation::operation(), run, operations)
}

fn find(
    drawn: impl Strategy<Value = Operation>,
    run: impl Fn(&[Operation]) -> Result<(), String>,
    operations: u64,
) -> Option<(Vec<Operation>, String)> {
    let sequences = vec(drawn, 1..LENGTH);
    let mut left = operations;
    while left > 0 {
        let config = Config {
            // A sequence has half its greatest length on average.
            cases: u32::try_from(left.div_ceil(LENGTH as u64 / 2)).unwrap_or(u32::MAX),
            failure_persistence: None,
            max_shrink_iters: 20_000,
            ..Config::default()
        };
        // Counted, since the average is not a promise.
        let done = std::cell::Cell::new(0);
        let outcome = TestRunner::new(config).run(&sequences, |sequence| {
            done.set(done.get() + sequence.len() as u64);
            run(&sequence).map_err(TestCaseError::fail)
        });
        match outcome {
            Ok(()) => left = left.saturating_sub(done.get()),
            Err(TestError::Fail(_, sequence)) => {
                return Some(shorten::shorten(|sequence| run(sequence).err(), sequence));
            }
            Err(TestError::Abort(reason)) => panic!("the comparison gave up: {reason}"),
        }
    }
    None
}

/// When two stores are compared from every side; what came of each operation is
/// compared always.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Checks {
    /// After each operation: the first that shows a difference is named.
    Each,
    /// After the last operation, and that a refused batch changes nothing: less work
    /// for those who try many sequences.
    Last,
}

/// Applies a sequence to two stores and compares them as it goes.
///
/// # Errors
/// What differs, and after which operation.
pub fn run<A: Storage, B: Storage>(
    make_a: Make<'_, A>,
    make_b: Make<'_, B>,
    operations: &[Operation],
    checks: Checks,
) -> Result<(), String> {
    Pair::new(make_a, make_b).run(operations, checks, &mut make_a())
}

/// Applies one operation to both stores, and tells what came of it.
fn apply_to_both<A: Storage, B: Storage>(
    a: &mut Subject<A>,
    b: &mut Subject<B>,
    operation: &Operation,
    known: &[EntityId],
) -> [String; 2] {
    match operation {
        Operation::RestoreEachOther => {
            let (of_a, of_b) = (a.save(), b.save());
            [a.rewind_to(of_b), b.rewind_to(of_a)]
        }
        other => [a.apply(other, known), b.apply(other, known)],
    }
}

/// Compares the canonical snapshots of two stores, and has a third take one in.
fn same_bytes(a: &dyn Storage, b: &dyn Storage, empty: &mut dyn Storage) -> Result<(), String> {
    let written = |storage: &dyn Storage| {
        snapshot::write_canonical(storage).expect("the kit's components can be encoded")
    };
    let (of_a, of_b) = (written(a), written(b));
    ensure(of_a == of_b, || "equal states have other canonical snapshots".to_owned())?;
    empty.restore(&of_b).map_err(|error| format!("a canonical snapshot is refused: {error}"))?;
    ensure(written(empty) == of_b, || "a canonical snapshot comes back as another".to_owned())
}

fn ensure(holds: bool, reason: impl FnOnce() -> String) -> Result<(), String> {
    if holds { Ok(()) } else { Err(reason()) }
}

/// The ids that were seen so far, in the order in which they came up.
#[derive(Default)]
struct Known {
    ids: Vec<EntityId>,
    seen: BTreeSet<EntityId>,
}

impl Known {
    /// Remembers the ids that are new, so that later operations can be about them.
    fn learn(&mut self, storage: &dyn Storage) {
        let mut ids: Vec<_> = storage.all_entities().collect();
        ids.sort_unstable();
        ids.extend(storage.allocator_state().reserved);
        for id in ids {
            if self.seen.insert(id) {
                self.ids.push(id);
            }
        }
    }
}

/// Two stores to which the same is done.
struct Pair<A, B> {
    a: Subject<A>,
    b: Subject<B>,
    known: Known,
    /// After a store has taken in what the other one saved: the version at which it
    /// last took something in. Of what was before that, both may know it as the other
    /// does.
    mixed: Option<Version>,
    /// Whether both are of one backend, and one goes back in place: they save the same,
    /// but what they removed before they came to a cut is told otherwise.
    rewinds: bool,
}

impl<A: Storage, B: Storage> Pair<A, B> {
    fn new(make_a: Make<'_, A>, make_b: Make<'_, B>) -> Self {
        let (a, b) = (Subject::new(make_a), Subject::new(make_b));
        Self { a, b, known: Known::default(), mixed: None, rewinds: false }
    }

    /// Applies a sequence to the stores, and has a third one, which is empty, take in
    /// what they are in the end.
    fn run(
        mut self,
        operations: &[Operation],
        checks: Checks,
        empty: &mut dyn Storage,
    ) -> Result<(), String> {
        for (n, operation) in operations.iter().enumerate() {
            let whole = checks == Checks::Each || n + 1 == operations.len();
            // A store that panics where it should not has failed too.
            catch_unwind(AssertUnwindSafe(|| self.step(operation, whole)))
                .unwrap_or_else(|_| Err("a store panicked when it was looked at".to_owned()))
                .map_err(|reason| format!("operation {n}, {operation:?}: {reason}"))?;
        }
        same_bytes(&self.a.storage, &self.b.storage, empty)?;
        let alive = [self.a.end(), self.b.end()];
        ensure(alive == [0, 0], || format!("{alive:?} values live on when their stores have ended"))
    }

    /// Applies one operation to both stores, and compares what came of it; and the
    /// stores as a whole if that is wanted.
    fn step(&mut self, operation: &Operation, whole: bool) -> Result<(), String> {
        let before = match operation {
            Operation::Apply { .. } => Some(self.seen()),
            _ => None,
        };
        let (a, b, known) = (&mut self.a, &mut self.b, &self.known.ids);
        let outcomes = apply_to_both(a, b, operation, known);
        ensure(outcomes[0] == outcomes[1], || format!("{} and {}", outcomes[0], outcomes[1]))?;
        match operation {
            Operation::RestoreEachOther => self.mixed = Some(self.a.storage.version()),
            Operation::RestoreOwn | Operation::Rewind | Operation::ChangeShard { .. } => {
                self.mixed = self.mixed.map(|_| self.a.storage.version());
            }
            _ => {}
        }
        if whole {
            self.compare()?;
        }
        if let Some(before) = before.filter(|_| outcomes[0].starts_with("Err")) {
            ensure(self.seen() == before, || {
                format!("a batch that is refused changes something: {}", outcomes[0])
            })?;
        }
        self.known.learn(&self.a.storage);
        Ok(())
    }

    /// Returns what a refused batch leaves as it is, of both stores.
    fn seen(&self) -> [(State, AllocatorState); 2] {
        [&self.a.storage as &dyn Storage, &self.b.storage]
            .map(|storage| (state(storage), storage.allocator_state()))
    }

    /// Compares the stores from every side.
    fn compare(&self) -> Result<(), String> {
        let (a, b) = (&self.a, &self.b);
        a.check()?;
        b.check()?;
        let [of_a, of_b] = self.seen();
        ensure(of_a.0 == of_b.0, || format!("{:?} and {:?}", of_a.0, of_b.0))?;
        ensure(of_a.1 == of_b.1, || format!("{:?} and {:?}", of_a.1, of_b.1))?;
        let hashes = [state_hash(&a.storage), state_hash(&b.storage)]
            .map(|hash| hash.expect("the kit's components can be encoded"));
        ensure(hashes[0] == hashes[1], || format!("equal states have hashes {hashes:?}"))?;
        if self.rewinds {
            ensure(a.save() == b.save(), || "they save other bytes".to_owned())?;
        }
        same_changes(&a.storage, &b.storage, self.mixed, self.rewinds)
    }
}

/// Compares what two stores tell of changes since some versions: of tracked
/// components exactly, of others the one with longer pages may tell of more, if
/// neither has taken over what the other knew. Removals are compared since the last
/// cut that was taken in, if one was.
fn same_changes(
    a: &dyn Storage,
    b: &dyn Storage,
    mixed: Option<Version>,
    rewinds: bool,
) -> Result<(), String> {
    if !a.capabilities().change_detection || !b.capabilities().change_detection {
        return Ok(());
    }
    let (now, other) = (a.version(), b.version());
    ensure(now == other, || format!("the versions are {now} and {other}"))?;
    // The last ones, and one long ago that differs from time to time.
    let past = now.get() * 5 / 7;
    for since in [now.get() - 1, now.get().saturating_sub(2), past].map(Version::new) {
        let told = |store| {
            [
                ("Changed<Velocity>", found::<Changed<Velocity>>(store, since)),
                ("Added<Velocity>", found::<Added<Velocity>>(store, since)),
                ("Changed<Name>", found::<Changed<Name>>(store, since)),
                ("Added<Name>", found::<Added<Name>>(store, since)),
            ]
        };
        for ((what, of_a), (_, of_b)) in told(a).into_iter().zip(told(b)) {
            ensure(of_a == of_b, || format!("{what} since {since}: {of_a:?} and {of_b:?}"))?;
        }
        for component in [ComponentId::of::<Velocity>(), ComponentId::of::<Name>()] {
            let since = if rewinds { since.max(a.origin()) } else { since };
            let [of_a, of_b] = [a, b].map(|store| {
                let mut removed = store.removed(component, since).to_vec();
                removed.sort_unstable();
                removed
            });
            ensure(of_a == of_b, || {
                format!("`{component}` removed since {since}: {of_a:?} and {of_b:?}")
            })?;
        }
        let own = mixed.is_none_or(|mixed| since >= mixed);
        if own && a.capabilities().contiguous && !b.capabilities().contiguous {
            let [of_a, of_b] = [a, b].map(|store| found::<Changed<Position>>(store, since));
            let missed: Vec<_> = of_b.iter().filter(|entity| !of_a.contains(entity)).collect();
            ensure(missed.is_empty(), || format!("not told to have changed: {missed:?}"))?;
        }
    }
    Ok(())
}
