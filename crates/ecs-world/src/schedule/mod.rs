//! Schedules: systems in an order, run one after another or side by side with
//! the same result.
//!
//! What is said of systems and sets ([`config`]) is sorted into an order of
//! nodes ([`order`]) and cut into steps ([`plan`]). A step is a segment of
//! systems that may run side by side where their [`dependencies`] allow it
//! ([`execute`]), or a single node that takes the world. [`describe`] tells
//! people what will happen, [`report`] what has happened.

mod config;
mod cost;
mod crew;
mod dependencies;
mod describe;
mod error;
mod execute;
mod label;
mod node;
mod order;
mod plan;
mod ready;
mod report;
mod sub;
mod threads;
mod watch;

use std::any::Any;
use std::collections::BTreeSet;
use std::fmt;
use std::mem;
use std::panic::resume_unwind;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Instant;

use ecs_storage_api::{SharedQueries, Storage};

use self::config::Work;
use self::execute::{Context, guarded, guarded_turn, run_segment};
use self::node::{Cell, Node};
use self::plan::{Plan, Segment, Step};
use crate::commands::{CommandQueue, Leniency};
use crate::removed::send_removals;
use crate::resources::Resources;
use crate::system::{SystemError, Tick, Turn};
use crate::world::World;

pub use config::{IntoSystemConfig, SetConfig, SystemConfig};
pub(crate) use crew::Crew;
pub use describe::{Ambiguity, PhaseDescription, PlanDescription, StepDescription, Why};
pub use error::{AskedOrder, PlanError, RunError};
pub use label::Label;
pub use node::SystemId;
pub use report::{RunReport, SystemStats};
pub(crate) use sub::Clocks;
pub use sub::{FrameTime, SubSchedule};
pub use threads::Threads;

/// Systems, and the order in which they run.
///
/// Systems run in the order of their registration, as far as `before`, `after`
/// and phases leave it: [`Schedule::describe`] shows the order. Those that do
/// not conflict may run at the same time, on as many threads as
/// [`Schedule::set_threads`] says; the result is that of running them one after
/// another, bit for bit, on any number of threads.
///
/// Commands are applied, in the order of their systems, where a phase ends, and
/// before a system that takes the world; those of a run that fails before that
/// are forgotten.
///
/// Each run raises the world's tick, by which [`IntoSystemConfig::every`] goes:
/// several schedules for one world are best made [`SubSchedule`]s of one.
///
/// # Example
/// ```
/// use ecs_storage_api::Query;
/// use ecs_world::{Schedule, World};
/// # use ecs_core::{Component, Description};
/// # struct Position(f32);
/// # impl Component for Position {
/// #     fn describe() -> Description<Self> {
/// #         Description::transient("docs::schedule::Position")
/// #     }
/// # }
///
/// fn movement(mut moving: Query<&mut Position>) {
///     moving.for_each(|position| position.0 += 1.0);
/// }
///
/// let mut world = World::new();
/// let mover = world.spawn(Position(0.0));
/// let mut schedule = Schedule::new();
/// schedule.add_system(movement);
/// schedule.run(&mut world);
/// assert_eq!(world.get::<Position>(mover).map(|position| position.0), Some(1.0));
/// ```
pub struct Schedule {
    nodes: Vec<Node>,
    sets: Vec<SetConfig>,
    phases: Vec<Label>,
    /// `None` for those of the schedule around it.
    threads: Option<Threads>,
    leniency: Leniency,
    /// `None` if it must be made anew.
    plan: Option<Plan>,
    /// Which world's resources the systems know; 0 for none.
    prepared: u64,
}

impl Default for Schedule {
    fn default() -> Self {
        Self::new()
    }
}

impl Schedule {
    /// Creates a schedule without systems, with one phase, `main`.
    pub fn new() -> Self {
        Self {
            nodes: Vec::new(),
            sets: Vec::new(),
            phases: vec![Label::from("main")],
            threads: None,
            leniency: Leniency::Skip,
            plan: None,
            prepared: 0,
        }
    }

    /// Adds a system behind the others.
    ///
    /// # Panics
    /// If its parameters conflict with each other; see
    /// [`Schedule::try_add_system`].
    #[track_caller]
    pub fn add_system<M>(&mut self, system: impl IntoSystemConfig<M>) -> &mut Self {
        if let Err(error) = self.try_add_system(system) {
            panic!("{error}");
        }
        self
    }

    /// Adds a system behind the others, and returns what it is removed by.
    ///
    /// # Errors
    /// [`SystemError`] if its parameters conflict with each other.
    pub fn try_add_system<M>(
        &mut self,
        system: impl IntoSystemConfig<M>,
    ) -> Result<SystemId, SystemError> {
        self.add_node(system.into_config(), None)
    }

    fn add_node(
        &mut self,
        config: SystemConfig,
        gate_of: Option<Label>,
    ) -> Result<SystemId, SystemError> {
        let mut node = Node::new(config)?;
        let id = node.id;
        if let Some(set) = &gate_of {
            node.name = format!("condition of set {set}");
        }
        node.gate_of = gate_of;
        self.nodes.push(node);
        self.plan = None;
        // It knows no world yet, whoever makes a plan before the next run.
        self.prepared = 0;
        Ok(id)
    }

    /// Takes a system out; tells whether it was there.
    pub fn remove_system(&mut self, id: SystemId) -> bool {
        let before = self.nodes.len();
        self.nodes.retain(|node| node.id != id);
        self.plan = None;
        self.nodes.len() < before
    }

    /// Takes all systems out that were given a label or a name, or are the function of
    /// that path, and returns how many those were. Systems that have it through a set
    /// stay.
    pub fn remove_all(&mut self, label: impl Into<Label>) -> usize {
        let (label, before) = (label.into(), self.nodes.len());
        let named = |node: &Node| {
            node.is_system()
                && (node.place.labels.contains(&label) || node.own_labels().contains(&label))
        };
        self.nodes.retain(|node| !named(node));
        self.plan = None;
        before - self.nodes.len()
    }

    /// Says where all systems with a label stand, and when they run. What is said
    /// of one label in several calls adds up.
    ///
    /// # Panics
    /// If the parameters of a condition conflict with each other.
    #[track_caller]
    pub fn configure_set(&mut self, mut set: SetConfig) -> &mut Self {
        for condition in std::mem::take(&mut set.conditions) {
            let gate = SystemConfig::new(Work::Gate(condition));
            if let Err(error) = self.add_node(gate, Some(set.label.clone())) {
                panic!("{error}");
            }
        }
        self.sets.push(set);
        self.plan = None;
        self
    }

    /// Says which phases there are, in their order. Each ends before the next
    /// begins, and its commands are applied at its end.
    ///
    /// # Panics
    /// If there is none, or one is named twice.
    #[track_caller]
    pub fn set_phases<L: Into<Label>>(&mut self, phases: impl IntoIterator<Item = L>) -> &mut Self {
        self.phases = phases.into_iter().map(Into::into).collect();
        assert!(!self.phases.is_empty(), "a schedule has at least one phase");
        let twice = |n: usize| self.phases[..n].contains(&self.phases[n]);
        if let Some(n) = (0..self.phases.len()).find(|n| twice(*n)) {
            panic!("a schedule has each phase once, and `{}` is named twice", self.phases[n]);
        }
        self.plan = None;
        self
    }

    /// Says which threads are used. Unless told, those of the current rayon
    /// pool, and in a sub-schedule those of the schedule around it.
    pub fn set_threads(&mut self, threads: Threads) -> &mut Self {
        self.threads = Some(threads);
        self
    }

    /// Says whether a command about an entity that is dead by then is an error,
    /// instead of being counted and skipped.
    pub fn set_strict_commands(&mut self, strict: bool) -> &mut Self {
        self.leniency = if strict { Leniency::Fail } else { Leniency::Skip };
        self
    }

    /// Returns how many systems there are.
    pub fn len(&self) -> usize {
        self.nodes.iter().filter(|node| node.is_system()).count()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns what each system has done, by name, in the order of registration.
    /// A sub-schedule is one system; [`stats_of`](Schedule::stats_of) tells of its own.
    pub fn stats(&self) -> impl Iterator<Item = (&str, SystemStats)> {
        let systems = self.nodes.iter().filter(|node| node.is_system());
        systems.map(|node| (node.name.as_str(), node.cell.lock().stats.clone()))
    }

    /// Returns what each system of a sub-schedule has done, which may be one of a
    /// sub-schedule's, or `None` if none has that name.
    pub fn stats_of(&self, sub_schedule: &str) -> Option<Vec<(String, SystemStats)>> {
        self.nodes.iter().find_map(|node| match &node.cell.lock().work {
            Work::Sub(sub) => sub.stats_of(sub_schedule),
            _ => None,
        })
    }

    /// Checks that there is an order, without a run; in sub-schedules too.
    ///
    /// # Errors
    /// [`PlanError`] that names a cycle, or what is not there.
    ///
    /// # Complexity
    /// O(n²) for n systems, and O(1) if it was checked since the last change.
    pub fn check(&mut self) -> Result<(), PlanError> {
        if self.plan.is_some() {
            return Ok(());
        }
        let plan = Plan::new(&mut self.nodes, &self.sets, &self.phases)?;
        self.subs().try_for_each(SubSchedule::check)?;
        self.add_names(&mut BTreeSet::new())?;
        // Last: what failed is checked again.
        self.plan = Some(plan);
        Ok(())
    }

    /// Returns the sub-schedules among the systems.
    fn subs(&mut self) -> impl Iterator<Item = &mut SubSchedule> {
        self.nodes.iter_mut().filter_map(|node| match &mut node.cell.get_mut().work {
            Work::Sub(sub) => Some(&mut **sub),
            _ => None,
        })
    }

    /// Collects the names of the sub-schedules, whose clocks go by them.
    fn add_names(&mut self, names: &mut BTreeSet<String>) -> Result<(), PlanError> {
        self.subs().try_for_each(|sub| sub.add_names(names))
    }

    /// Has the systems get to know the resources of a world.
    fn prepare(&mut self, resources: &mut Resources) {
        if self.prepared == resources.identity() {
            return;
        }
        self.prepared = resources.identity();
        self.nodes.iter_mut().for_each(|node| node.prepare(resources));
    }

    /// Runs the systems, and raises the world's tick.
    ///
    /// # Panics
    /// If a system panics or fails, with its name, or there is no plan; see
    /// [`Schedule::try_run`].
    #[track_caller]
    pub fn run<S: Storage>(&mut self, world: &mut World<S>) -> RunReport {
        match self.try_run(world) {
            Ok(report) => report,
            Err(error) => panic!("{error}"),
        }
    }

    /// Runs the systems, and raises the world's tick.
    ///
    /// # Errors
    /// [`RunError`] if there is no plan, or a system panics or fails: the first
    /// in the order of the plan. Those behind it are not begun, what ran beside
    /// it ends, the commands that are not yet applied are forgotten, and the tick
    /// stays. Events and removals that every reader has got are dropped, as after a
    /// tick. The world can be used, and the schedule too.
    ///
    /// # Panics
    /// If an event panics that is dropped as the tick ends, which it does all the same.
    pub fn try_run<S: Storage>(&mut self, world: &mut World<S>) -> Result<RunReport, RunError> {
        self.prepare(&mut world.resources);
        world.resources.meet(&world.storage);
        let before = world.storage.version();
        send_removals(&mut world.resources, &world.storage);
        let ran = self.run_steps(world, Tick(world.tick)).and_then(|report| {
            // What was changed through references reaches a store far away now.
            world.storage.flush()?;
            Ok(report)
        });
        let tidied = world.resources.tidy();
        // A tick more than systems need, for those who ask the world.
        world.storage.forget_removed(before);
        match (ran, tidied) {
            (Ok(report), tidied) => {
                world.resources.end_tick();
                world.tick += 1;
                tidied.map_or_else(|panic| resume_unwind(panic), |()| Ok(report))
            }
            (Err(error), tidied) => {
                // The error is what is told: to drop what a panic says may panic again.
                mem::forget(tidied);
                Err(error)
            }
        }
    }

    /// Runs the systems on a world without a tick, as systems of no name that is kept.
    pub(crate) fn run_once<S: Storage>(
        &mut self,
        world: &mut World<S>,
    ) -> Result<RunReport, RunError> {
        // Places of systems that a snapshot knows are not for these.
        world.resources.places.enter("");
        self.prepare(&mut world.resources);
        world.resources.places.leave();
        world.resources.meet(&world.storage);
        send_removals(&mut world.resources, &world.storage);
        let report = self.run_steps(world, Tick(world.tick))?;
        world.storage.flush()?;
        Ok(report)
    }

    /// Runs the steps of the plan.
    fn run_steps<S: Storage>(
        &mut self,
        world: &mut World<S>,
        tick: Tick,
    ) -> Result<RunReport, RunError> {
        self.check()?;
        let mut plan = self.plan.take().expect("`check` made a plan");
        let ran: Vec<_> = self.nodes.iter().map(|_| AtomicBool::new(false)).collect();
        let outcome = Crew::run(self.threads.as_ref(), |crew| {
            let mut report = RunReport::default();
            for step in &mut plan.steps {
                let context =
                    Context { gates: &plan.gates, every: &plan.every, ran: &ran, crew, tick };
                match step {
                    Step::Together(segment) => {
                        send_removals(&mut world.resources, &world.storage);
                        let World { storage, resources, .. } = &mut *world;
                        run_segment(&context, &mut self.nodes, segment, storage, resources)?;
                        apply_all(&mut self.nodes, segment, world, self.leniency, &mut report)?;
                    }
                    Step::Alone(node, queries) => {
                        let leniency = self.leniency;
                        let own = &mut self.nodes[*node];
                        run_alone(&context, (*node, own), queries, world, leniency, &mut report)?;
                    }
                }
            }
            Ok(report)
        });
        self.plan = Some(plan);
        match outcome {
            Ok(mut report) => {
                let systems = self.nodes.iter().zip(&ran).filter(|(node, _)| node.is_system());
                for (_, ran) in systems {
                    match ran.load(Ordering::Relaxed) {
                        true => report.systems += 1,
                        false => report.skipped += 1,
                    }
                }
                Ok(report)
            }
            Err(error) => {
                let mut forgotten = CommandQueue::new();
                let cells = self.nodes.iter_mut().map(|node| node.cell.get_mut());
                cells.for_each(|cell| cell.take_commands(&mut forgotten));
                // What ends with them may panic, and is not what is told.
                let _ = guarded("", || {
                    drop(forgotten);
                    Ok(())
                });
                Err(error)
            }
        }
    }

    /// Tells what a run on a world will do: which systems run in which order,
    /// what each waits for, and what may run beside it, with the archetypes that
    /// there are now. It is text for people through `Display`.
    ///
    /// # Errors
    /// [`PlanError`] if there is no order.
    ///
    /// # Complexity
    /// More than a run: every two systems of a step are compared, and what stands
    /// between them.
    pub fn describe<S: Storage>(
        &mut self,
        world: &mut World<S>,
    ) -> Result<PlanDescription, PlanError> {
        self.describe_on(&mut world.storage)
    }

    fn describe_on(&mut self, storage: &mut dyn Storage) -> Result<PlanDescription, PlanError> {
        self.check()?;
        let mut plan = self.plan.take().expect("`check` made a plan");
        let description = PlanDescription::new(&mut self.nodes, &mut plan, &self.phases, storage);
        self.plan = Some(plan);
        description
    }

    /// Lists pairs of systems that conflict on some archetype that there may be,
    /// and whose order nobody asked for: they run in the order of their
    /// registration.
    ///
    /// # Errors
    /// [`PlanError`] if there is no order.
    ///
    /// # Complexity
    /// O(n² · pairs whose order was asked for).
    pub fn ambiguities(&mut self) -> Result<Vec<Ambiguity>, PlanError> {
        self.check()?;
        let plan = self.plan.as_ref().expect("`check` made a plan");
        Ok(describe::ambiguities(&self.nodes, plan))
    }
}

/// Applies the commands of a segment's systems, in their order.
fn apply_all<S: Storage>(
    nodes: &mut [Node],
    segment: &Segment,
    world: &mut World<S>,
    leniency: Leniency,
    report: &mut RunReport,
) -> Result<(), RunError> {
    if segment.commanding.is_empty() {
        return Ok(());
    }
    let start = Instant::now();
    for &n in &segment.commanding {
        let Node { name, cell, .. } = &mut nodes[n];
        apply_commands(name, cell.get_mut(), world, leniency, report)?;
    }
    report.applying += start.elapsed();
    Ok(())
}

/// Applies what a node has recorded.
fn apply_commands<S: Storage>(
    name: &str,
    cell: &mut Cell,
    world: &mut World<S>,
    leniency: Leniency,
    report: &mut RunReport,
) -> Result<(), RunError> {
    let mut queue = CommandQueue::new();
    cell.take_commands(&mut queue);
    if queue.is_empty() {
        return Ok(());
    }
    let World { storage, resources, .. } = world;
    let applied = guarded(name, || {
        let applied = queue.apply_with(storage, resources, leniency);
        applied.map_err(|error| error.into_run_error(name))
    })?;
    cell.stats.commands.add(applied);
    report.commands.add(applied);
    Ok(())
}

/// Runs a node that takes the world, if it is due.
fn run_alone<S: Storage>(
    context: &Context<'_>,
    (n, node): (usize, &mut Node),
    queries: &mut SharedQueries,
    world: &mut World<S>,
    leniency: Leniency,
    report: &mut RunReport,
) -> Result<(), RunError> {
    let Node { name, conditional, access, cell, .. } = node;
    let (name, cell) = (&**name, cell.get_mut());
    if !context.is_due(n) {
        context.skipped(n, cell);
        return Ok(());
    }
    #[cfg(feature = "tracing")]
    let _span = tracing::info_span!("system", name = name).entered();
    let start = Instant::now();
    if *conditional {
        send_removals(&mut world.resources, &world.storage);
    }
    let window = cell.window(world.storage.advance_version());
    let outer = world.look_since(Some(window.since));
    let ran = guarded(name, || {
        if *conditional {
            let hold = {
                let mut share = queries.share(&mut world.storage);
                let mut claim = share.claim_alone(0);
                let mut turn = Turn::new(&mut claim, &world.resources, name, window, context.tick);
                let mut all = cell.conditions.iter_mut();
                guarded_turn(name, &mut turn, |turn| Ok(all.all(|one| one.run((), turn))))?
            };
            if access.records_commands() {
                apply_commands(name, cell, world, leniency, report)?;
            }
            if !hold {
                return Ok(false);
            }
        }
        match &mut cell.work {
            Work::Exclusive(system) => {
                let system_name = || name.to_owned();
                let identity = world.resources.identity();
                let outcome = system.run(&mut *world as &mut dyn Any);
                let outcome =
                    outcome.map_err(|_| RunError::OtherBackend { system: system_name() })?;
                outcome.map_err(|source| RunError::Failed { system: system_name(), source })?;
                if world.resources.identity() != identity {
                    // How far systems are is a part of the other one.
                    return Err(RunError::OtherWorld { system: system_name() });
                }
            }
            Work::Sub(sub) => report.add(sub.run(world)?),
            Work::Function(_) | Work::Gate(_) => unreachable!("it stands with others"),
        }
        Ok(true)
    });
    world.look_since(outer);
    match ran? {
        true => {
            // What it has written itself is no news to it, nor to its conditions.
            cell.ran_at(world.storage.advance_version());
            context.ran(n, cell, 0);
            cell.stats.add_time(start.elapsed());
        }
        false => context.skipped(n, cell),
    }
    Ok(())
}

impl fmt::Debug for Schedule {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let names: Vec<_> = self.nodes.iter().map(|node| node.name.as_str()).collect();
        f.debug_struct("Schedule")
            .field("systems", &names)
            .field("phases", &self.phases)
            .field("threads", &self.threads)
            .finish_non_exhaustive()
    }
}
