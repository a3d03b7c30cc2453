//! Systems: functions whose parameters say what they read and write.
//!
//! A function or closure is a system if each of its parameters is a
//! [`SystemParam`] ([`function`]); two systems are one if the first's output is
//! the second's input ([`pipe`]); a function that takes the world is one that
//! runs alone ([`exclusive`]). What a system may touch is collected in its
//! [`SystemAccess`], which schedules compare.

mod access;
mod exclusive;
mod function;
mod local;
mod output;
mod param;
mod pipe;
mod query;
mod resource;
mod tick;

pub use access::{Conflict, SystemAccess, SystemError};
pub(crate) use exclusive::{ExclusiveFunction, ExclusiveSystem};
pub use function::{FunctionSystem, IsFunction, SystemFunction};
pub use local::Local;
pub use output::{BoxError, SystemOutput};
pub(crate) use output::{CheckedSystem, IntoChecked};
pub(crate) use param::missing_message;
pub use param::{ParamContext, SystemParam};
pub use pipe::{In, Pipe};
pub use query::{AlternativeQueries, QuerySet};
pub use tick::Tick;

use std::cell::Cell;

use ecs_storage_api::{Claim, QueryError, StageRecords, Window};

use crate::commands::CommandQueue;
use crate::resources::Resources;

/// Runs on parts of a world: a function with what it keeps between runs.
///
/// [`IntoSystem`] makes one of a function. An implementation of one's own wraps
/// another system, to which it gives each call; only the engine gives [`Turn`]s.
pub trait System: Send + 'static {
    /// What it takes.
    type In;
    /// What it returns.
    type Out;

    /// Returns the function's name.
    fn name(&self) -> &str;

    /// Says what it reads and writes, and makes what it keeps between runs.
    ///
    /// # Errors
    /// [`SystemError`] if its parameters conflict with each other.
    fn init(&mut self, access: &mut SystemAccess) -> Result<(), SystemError>;

    /// Gets to know the resources of a world, before the first run on it.
    fn prepare(&mut self, resources: &mut Resources);

    /// Runs it.
    fn run(&mut self, input: Self::In, turn: &mut Turn<'_>) -> Self::Out;

    /// Adds the commands that were recorded since the last call.
    fn take_commands(&mut self, queue: &mut CommandQueue);
}

/// Can be made a system: functions and closures whose parameters are
/// [`SystemParam`]s, and systems themselves.
///
/// `Marker` keeps the implementations apart; it is never named.
pub trait IntoSystem<Marker>: Sized {
    /// The system.
    type System: System;

    /// Makes it a system.
    fn into_system(self) -> Self::System;

    /// Makes a system of two: `next` gets what this one returns, as its [`In`].
    ///
    /// # Example
    /// ```
    /// use ecs_world::{In, IntoSystem, ResMut, Schedule, World};
    ///
    /// fn measure() -> u32 {
    ///     7
    /// }
    /// fn note(In(measured): In<u32>, mut notes: ResMut<Vec<u32>>) {
    ///     notes.push(measured);
    /// }
    ///
    /// let mut world = World::new();
    /// world.insert_resource(Vec::<u32>::new());
    /// let mut schedule = Schedule::new();
    /// schedule.add_system(measure.pipe(note));
    /// schedule.run(&mut world);
    /// assert_eq!(*world.resource::<Vec<u32>>().unwrap(), [7]);
    /// ```
    fn pipe<N, Other: IntoSystem<N>>(self, next: Other) -> Pipe<Self::System, Other::System>
    where
        Other::System: System<In = In<<Self::System as System>::Out>>,
    {
        Pipe::new(self.into_system(), next.into_system())
    }
}

/// Marks what is a system already.
#[derive(Debug)]
pub struct IsSystem;

impl<S: System> IntoSystem<IsSystem> for S {
    type System = S;

    fn into_system(self) -> S {
        self
    }
}

/// Lends the queries of a system, stage by stage.
trait Stages {
    fn stage(&mut self, stage: usize, window: Window) -> Result<StageRecords<'_>, QueryError>;
}

impl Stages for Claim<'_, '_> {
    fn stage(&mut self, stage: usize, window: Window) -> Result<StageRecords<'_>, QueryError> {
        Claim::stage(self, stage, window)
    }
}

/// A system's turn: what it needs of the world for one run.
pub struct Turn<'t> {
    stages: &'t mut (dyn Stages + 't),
    next: usize,
    resources: &'t Resources,
    system: &'t str,
    window: Window,
    tick: Tick,
    rows: usize,
    /// A resource that was asked for and is not there.
    missing: Cell<Option<&'static str>>,
}

impl<'t> Turn<'t> {
    pub(crate) fn new(
        claim: &'t mut Claim<'_, '_>,
        resources: &'t Resources,
        system: &'t str,
        window: Window,
        tick: Tick,
    ) -> Self {
        let missing = Cell::new(None);
        Self { stages: claim, next: 0, resources, system, window, tick, rows: 0, missing }
    }

    /// Begins a stage: the parameters of one function.
    ///
    /// # Panics
    /// If the backend offers a value twice, or the stages are used up.
    #[inline]
    fn begin(&mut self) -> ParamContext<'_> {
        let stage = self.next;
        self.next += 1;
        match self.stages.stage(stage, self.window) {
            Ok(records) => {
                self.rows += records.rows_matched();
                let Self { resources, tick, missing, .. } = self;
                ParamContext { records, resources, tick: *tick, missing }
            }
            Err(error) => panic!("{error}"),
        }
    }

    /// Returns how many rows the queries have matched so far.
    pub(crate) fn rows(&self) -> usize {
        self.rows
    }

    /// Returns the name of a resource that was asked for and is not there, which ended the
    /// turn by a panic.
    pub(crate) fn missing(&self) -> Option<&'static str> {
        self.missing.get()
    }
}

impl std::fmt::Debug for Turn<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Turn").field("system", &self.system).finish_non_exhaustive()
    }
}
