//! Running the systems of a segment: one after another, or side by side with the
//! same result.
//!
//! The threads that work on a segment share an account of which systems can run
//! ([`Progress`]), behind a lock. Each takes the first that can, runs it, and
//! says that it has ended; a thread leaves when nothing can be begun, and one
//! that finds more work than it can do calls another to help. No thread ever
//! waits for another here: whoever ends a system goes on with what that one held
//! up, and rayon's scope ends when all have left. So it works in a pool of one,
//! inside other jobs of the pool, and in several worlds at once.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ecs_storage_api::{Claim, Share, Storage, Version};
use parking_lot::Mutex;
use rayon::Scope;

use super::config::{Every, Work};
use super::crew::Crew;
use super::dependencies::{Dependencies, Progress};
use super::error::RunError;
use super::node::{Cell, Known, Node};
use super::plan::Segment;
use super::watch::Watch;
use crate::resources::Resources;
use crate::system::{Tick, Turn, missing_message};

/// Nanoseconds of work from which on it is worth while to call another thread:
/// some times what that costs.
const WORTH_A_THREAD: u64 = 50_000;

/// The same while another thread is awake.
const WORTH_A_THREAD_AWAKE: u64 = 15_000;

/// Nanoseconds from which on a system is worth while to be handed over: some
/// times what keeping account of it costs.
const WORTH_HANDING_OVER: u64 = 2_000;

/// What the nodes of a run share.
pub(super) struct Context<'r> {
    pub(super) gates: &'r [Vec<usize>],
    pub(super) every: &'r [Vec<Every>],
    /// By node: whether it ran.
    pub(super) ran: &'r [AtomicBool],
    pub(super) crew: &'r Crew,
    pub(super) tick: Tick,
}

/// Runs the systems of a segment.
///
/// # Errors
/// [`RunError`] if one fails: the first in the order of the plan. Those before
/// it have run, those behind it may have.
pub(super) fn run_segment(
    context: &Context<'_>,
    nodes: &mut [Node],
    segment: &mut Segment,
    storage: &mut dyn Storage,
    resources: &Resources,
) -> Result<(), RunError> {
    let Segment { nodes: order, queries, dependencies, .. } = segment;
    queries.update(storage);
    dependencies.update(queries);
    let before = storage.version();
    let mut share = queries.share(storage);
    let run = Run { context, order, dependencies, resources, before };
    let outcome = match run.gains_from_threads(nodes) {
        false => run.one_by_one(nodes, &mut share),
        true => run.side_by_side(nodes, &share),
    };
    drop(share);
    // Whatever follows is later than the last of them.
    storage.set_version(Version::new(before.get() + order.len() as u64 + 1));
    outcome
}

/// A run of a segment.
struct Run<'r> {
    context: &'r Context<'r>,
    /// The nodes of the segment, in the order of the plan.
    order: &'r [usize],
    dependencies: &'r Dependencies,
    resources: &'r Resources,
    /// The version at which the segment began: each system has one of its own
    /// behind it, in the order of the plan.
    before: Version,
}

/// What the threads share that run systems side by side.
struct SideBySide<'s, 'w> {
    run: &'s Run<'s>,
    nodes: &'s [Node],
    share: &'s Share<'w>,
    threads: usize,
    account: Mutex<Account>,
}

/// What they write down.
struct Account {
    progress: Progress,
    /// The first failure in the order of the plan.
    failure: Option<(usize, RunError)>,
}

impl Run<'_> {
    /// Returns about how many nanoseconds of a system another thread could take
    /// over.
    fn cost(&self, nodes: &[Node], at: usize) -> u64 {
        match nodes[self.order[at]].cost() {
            cost if cost < WORTH_HANDING_OVER => 0,
            cost => cost,
        }
    }

    /// Runs the systems on this thread, to which they belong: without locks.
    fn one_by_one(&self, nodes: &mut [Node], share: &mut Share<'_>) -> Result<(), RunError> {
        let mut watch = Watch::start();
        for (at, &n) in self.order.iter().enumerate() {
            let is_short = nodes[n].is_short();
            if !is_short {
                watch.stop(nodes);
            }
            let (known, cell) = nodes[n].own();
            match self.system(at, known, cell, || share.claim_alone(at))? {
                true => watch.add(n),
                // What conditions took is no time of the next system.
                false if nodes[n].is_asked() => watch = Watch::start(),
                false => {}
            }
            if !is_short || watch.is_full() {
                watch.stop(nodes);
            }
        }
        watch.stop(nodes);
        Ok(())
    }

    /// Tells whether another thread could take enough work over.
    fn gains_from_threads(&self, nodes: &[Node]) -> bool {
        if self.context.crew.count() < 2 {
            return false;
        }
        let costs = (0..self.order.len()).map(|at| self.cost(nodes, at));
        let (total, most) =
            costs.fold((0u64, 0), |(total, most), cost| (total + cost, most.max(cost)));
        total - most >= self.worth_a_thread()
    }

    /// Returns how many nanoseconds of work are worth a call to another thread.
    fn worth_a_thread(&self) -> u64 {
        match self.context.crew.is_awake() {
            true => WORTH_A_THREAD_AWAKE,
            false => WORTH_A_THREAD,
        }
    }

    fn side_by_side(&self, nodes: &[Node], share: &Share<'_>) -> Result<(), RunError> {
        let mut progress = self.dependencies.begin(|at| self.cost(nodes, at));
        progress.workers = 1;
        let shared = SideBySide {
            run: self,
            nodes,
            share,
            threads: self.context.crew.count(),
            account: Mutex::new(Account { progress, failure: None }),
        };
        self.context.crew.scope(|scope| shared.work(scope));
        // Through the lock: ThreadSanitizer does not know how a scope waits, and
        // so it sees what the threads hand back.
        let failure = shared.account.lock().failure.take();
        failure.map_or(Ok(()), |(_, error)| Err(error))
    }

    /// Runs a system, if it is due, and tells whether it ran. How long it took is for the
    /// caller to say.
    fn system<'s, 'w: 's>(
        &self,
        at: usize,
        known: Known<'_>,
        cell: &mut Cell,
        claim: impl FnOnce() -> Claim<'s, 'w>,
    ) -> Result<bool, RunError> {
        let n = self.order[at];
        if !self.context.is_due(n) {
            self.context.skipped(n, cell);
            return Ok(false);
        }
        let mut claim = claim();
        let window = cell.window(Version::new(self.before.get() + at as u64 + 1));
        let mut turn = Turn::new(&mut claim, self.resources, known.name, window, self.context.tick);
        let Cell { work, conditions, .. } = &mut *cell;
        let mut run = |turn: &mut Turn<'_>| {
            if !conditions.iter_mut().all(|condition| condition.run((), turn)) {
                return Ok(false);
            }
            match work {
                Work::Function(system) => system.run((), turn).map(|()| true),
                Work::Gate(condition) => Ok(condition.run((), turn)),
                Work::Exclusive(_) | Work::Sub(_) => unreachable!("it stands alone"),
            }
        };
        #[cfg(feature = "tracing")]
        let _span = tracing::info_span!("system", name = known.name).entered();
        let outcome = guarded_turn(known.name, &mut turn, |turn| {
            let failed = |source| RunError::Failed { system: known.name.to_owned(), source };
            run(turn).map_err(failed)
        });
        let has_run = outcome?;
        match has_run {
            true => {
                cell.ran_at(window.now);
                self.context.ran(n, cell, turn.rows());
            }
            false => {
                if !known.is_system {
                    // A gate that is closed has been asked.
                    cell.ran_at(window.now);
                }
                self.context.skipped(n, cell);
            }
        }
        Ok(has_run)
    }
}

impl SideBySide<'_, '_> {
    /// Runs systems as long as one can be begun.
    fn work<'s>(&'s self, scope: &Scope<'s>) {
        self.run.context.crew.enter(|| {
            let mut next = self.next(None, scope);
            while let Some(at) = next {
                let claim = || self.share.claim(at).expect("the plan keeps apart what conflicts");
                let (known, mut cell) = self.nodes[self.run.order[at]].lock();
                let start = Instant::now();
                let outcome = self.run.system(at, known, &mut cell, claim);
                if matches!(outcome, Ok(true)) {
                    known.took(&mut cell, start.elapsed());
                }
                drop(cell);
                next = self.next(Some((at, outcome.map(drop))), scope);
            }
        });
    }

    /// Says how a system ended, and takes one that can be begun; calls another
    /// thread if there is more to do.
    fn next<'s>(
        &'s self,
        ended: Option<(usize, Result<(), RunError>)>,
        scope: &Scope<'s>,
    ) -> Option<usize> {
        let cost = |at| self.run.cost(self.nodes, at);
        let mut account = self.account.lock();
        let Account { progress, failure } = &mut *account;
        if let Some((at, outcome)) = ended {
            if let Err(error) = outcome {
                progress.fail(at);
                if failure.as_ref().is_none_or(|(first, _)| at < *first) {
                    *failure = Some((at, error));
                }
            }
            progress.finish(at, self.run.dependencies, cost);
        }
        let Some(taken) = progress.take(cost) else {
            progress.workers -= 1;
            return None;
        };
        if progress.workers < self.threads && progress.waiting() >= self.run.worth_a_thread() / 2 {
            progress.workers += 1;
            let helpers = progress.workers - 1;
            drop(account);
            self.run.context.crew.call(helpers);
            scope.spawn(|scope| self.work(scope));
        }
        Some(taken)
    }
}

impl Context<'_> {
    /// Tells whether a node runs in this tick, as far as its rhythm and the gates
    /// of its sets go.
    #[inline]
    pub(super) fn is_due(&self, node: usize) -> bool {
        let (every, gates) = (&self.every[node], &self.gates[node]);
        // Most systems run always.
        (every.is_empty() && gates.is_empty()) || self.is_due_among(every, gates)
    }

    #[inline(never)]
    fn is_due_among(&self, every: &[Every], gates: &[usize]) -> bool {
        // Relaxed: who asks has waited for the gate.
        let open = |&gate: &usize| self.ran[gate].load(Ordering::Relaxed);
        every.iter().all(|every| every.includes(self.tick.0)) && gates.iter().all(open)
    }

    pub(super) fn ran(&self, node: usize, cell: &mut Cell, rows: usize) {
        self.ran[node].store(true, Ordering::Relaxed);
        cell.stats.runs += 1;
        cell.stats.rows += rows as u64;
    }

    pub(super) fn skipped(&self, node: usize, cell: &mut Cell) {
        self.ran[node].store(false, Ordering::Relaxed);
        cell.stats.skipped += 1;
    }
}

/// Runs something, and takes a panic for an error.
pub(super) fn guarded<T>(
    system: &str,
    run: impl FnOnce() -> Result<T, RunError>,
) -> Result<T, RunError> {
    catch_unwind(AssertUnwindSafe(run)).unwrap_or_else(|panic| {
        let message = message(&*panic);
        // What was thrown may panic itself when it is dropped.
        if let Err(again) = catch_unwind(AssertUnwindSafe(|| drop(panic))) {
            std::mem::forget(again);
        }
        Err(RunError::Panicked { system: system.to_owned(), message })
    })
}

/// Has a system or its conditions take a turn, and takes a panic for an error, as [`guarded`]
/// does; one about a resource that is not there for an error of its own.
pub(super) fn guarded_turn<T>(
    system: &str,
    turn: &mut Turn<'_>,
    run: impl FnOnce(&mut Turn<'_>) -> Result<T, RunError>,
) -> Result<T, RunError> {
    let outcome = guarded(system, || run(turn));
    outcome.map_err(|error| match (error, turn.missing()) {
        // Else the panic about the resource was caught, and another one came.
        (RunError::Panicked { system, message }, Some(resource))
            if message == missing_message(resource) =>
        {
            RunError::MissingResource { system, resource }
        }
        (error, _) => error,
    })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("(no message)").to_owned()
}
