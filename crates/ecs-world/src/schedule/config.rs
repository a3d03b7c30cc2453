//! Where a system or a set stands in a schedule, and when it runs.

use std::fmt;
use std::sync::Arc;

use ecs_storage_api::Storage;
use parking_lot::Mutex;

use super::label::Label;
use super::sub::{SubSchedule, checked_name};
use crate::system::{
    CheckedSystem, ExclusiveFunction, ExclusiveSystem, In, IntoChecked, IntoSystem, System,
    SystemOutput,
};
use crate::world::World;

/// Tells whether a system runs.
pub(super) type Condition = Box<dyn System<In = (), Out = bool>>;

/// What a node of a schedule does.
pub(super) enum Work {
    /// It runs beside others.
    Function(CheckedSystem),
    /// It takes the world, and runs alone.
    Exclusive(Box<dyn ExclusiveSystem>),
    /// It is a schedule.
    Sub(Box<SubSchedule>),
    /// It says whether a set runs.
    Gate(Condition),
}

impl Work {
    pub(super) fn name(&self) -> &str {
        match self {
            Self::Function(system) => system.name(),
            Self::Exclusive(system) => system.name(),
            Self::Sub(sub) => sub.name(),
            Self::Gate(condition) => condition.name(),
        }
    }
}

/// In which ticks something runs: those that leave `offset` when divided by `n`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Every {
    n: u64,
    offset: u64,
}

impl Every {
    /// # Panics
    /// If `n` is not greater than `offset`.
    #[track_caller]
    fn new(n: u64, offset: u64) -> Self {
        assert!(n > 0, "`every` takes 1 or more: no tick is a multiple of 0");
        let most = n - 1;
        assert!(offset <= most, "an offset in every {n} ticks is {most} at most, and not {offset}");
        Self { n, offset }
    }

    pub(super) fn includes(self, tick: u64) -> bool {
        tick % self.n == self.offset
    }
}

impl fmt::Display for Every {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "in tick {} of every {}", self.offset, self.n)
    }
}

/// Labels, order and rhythm of a system or a set.
#[derive(Debug, Clone, Default)]
pub(super) struct Place {
    pub(super) labels: Vec<Label>,
    pub(super) before: Vec<Label>,
    pub(super) after: Vec<Label>,
    pub(super) phase: Option<Label>,
    pub(super) every: Vec<Every>,
}

/// A system, and where it stands in a schedule.
pub struct SystemConfig {
    pub(super) work: Work,
    /// `None` if it is known by what its work is called.
    pub(super) name: Option<String>,
    pub(super) conditions: Vec<Condition>,
    pub(super) place: Place,
}

impl SystemConfig {
    pub(super) fn new(work: Work) -> Self {
        Self { work, name: None, conditions: Vec::new(), place: Place::default() }
    }

    /// Takes in a system of which what it returns is kept, and returns where.
    pub(crate) fn returning<S: System<In = ()>>(system: S) -> (Self, Arc<Mutex<Option<S::Out>>>)
    where
        S::Out: Send + 'static,
    {
        let name = system.name().to_owned();
        let returned = Arc::new(Mutex::new(None));
        let kept = Arc::clone(&returned);
        let keep = move |In(value): In<S::Out>| *kept.lock() = Some(value);
        (Self { name: Some(name), ..system.pipe(keep).into_config() }, returned)
    }

    /// Returns the name by which the system is known.
    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or_else(|| self.work.name())
    }
}

impl fmt::Debug for SystemConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SystemConfig")
            .field("system", &self.name())
            .field("conditions", &self.conditions.len())
            .field("place", &self.place)
            .finish()
    }
}

/// Something that a schedule takes as a system: a function, a closure, two of
/// them piped, a function that takes the world, a [`SubSchedule`].
///
/// `Marker` keeps the implementations apart; it is never named.
///
/// # Example
/// ```
/// use ecs_world::{IntoSystemConfig, Schedule};
///
/// fn read_input() {}
/// fn movement() {}
/// fn report() {}
///
/// let mut schedule = Schedule::new();
/// schedule
///     .add_system(movement.label("physics").after("input"))
///     .add_system(read_input.label("input"))
///     .add_system(report.after("physics").every(60));
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is no system of a schedule",
    label = "not a system",
    note = "a system is a function of up to 12 parameters, each a `Query`, `Res`, `ResMut`, `Commands`, `Local` (of a type with `Default`), `Tick`, events, a tuple of those, or a struct that derives `SystemParam`, and not a reference to one",
    note = "or a function of `&mut World` alone",
    note = "it returns nothing, or a `Result<(), E>`; `pipe` gives what else it returns to another system",
    note = "several systems are added one by one"
)]
pub trait IntoSystemConfig<Marker>: Sized {
    /// Begins to say where it stands.
    fn into_config(self) -> SystemConfig;

    /// Gives it a name of its own, by which it is known from then on, instead of by the path
    /// of its function: in snapshots, plans, statistics and errors. So it may become another
    /// function, move to another module, or be a closure, and it goes on in a world that is
    /// restored where the one of that name was.
    ///
    /// The name is a label too, beside that of the function ([`Label::of`]). Of several with
    /// one name each is known by its place among them, as those of one function are. A
    /// [`SubSchedule`] gets another name for the one that it has, for its clock and its systems
    /// too. Where names are shown in short, that is what stands behind the last `::`.
    ///
    /// # Panics
    /// If the name is empty, or has a `/`: snapshots have that between the name of a
    /// sub-schedule and those of its systems.
    ///
    /// # Example
    /// ```
    /// use ecs_world::{IntoSystemConfig, Schedule};
    ///
    /// let mut schedule = Schedule::new();
    /// schedule
    ///     .add_system((|| {}).named("physics::fall"))
    ///     .add_system((|| {}).named("physics::wind").before("physics::fall"));
    /// let names: Vec<_> = schedule.stats().map(|(name, _)| name).collect();
    /// assert_eq!(names, ["physics::fall", "physics::wind"]);
    /// ```
    #[track_caller]
    fn named(self, name: impl Into<String>) -> SystemConfig {
        let (mut config, name) = (self.into_config(), checked_name("system", name.into()));
        match &mut config.work {
            Work::Sub(sub) => sub.rename(name),
            _ => config.name = Some(name),
        }
        config
    }

    /// Gives it a label: puts it into the set of that name.
    fn label(self, label: impl Into<Label>) -> SystemConfig {
        let mut config = self.into_config();
        config.place.labels.push(label.into());
        config
    }

    /// Has it run before all that have a label, which is an error of the plan if
    /// none has.
    fn before(self, label: impl Into<Label>) -> SystemConfig {
        let mut config = self.into_config();
        config.place.before.push(label.into());
        config
    }

    /// Has it run after all that have a label, which is an error of the plan if
    /// none has.
    fn after(self, label: impl Into<Label>) -> SystemConfig {
        let mut config = self.into_config();
        config.place.after.push(label.into());
        config
    }

    /// Has it run in a phase; without one it runs in the first.
    fn in_phase(self, phase: impl Into<Label>) -> SystemConfig {
        let mut config = self.into_config();
        config.place.phase = Some(phase.into());
        config
    }

    /// Has it run only if a system returns true, which is asked when its turn
    /// has come. All conditions must hold; the first that does not is the last
    /// that is asked. What they read and write counts as read and written by the
    /// system.
    fn run_if<M, C: IntoSystem<M>>(self, condition: C) -> SystemConfig
    where
        C::System: System<In = (), Out = bool>,
    {
        let mut config = self.into_config();
        config.conditions.push(Box::new(condition.into_system()));
        config
    }

    /// Has it run in every `n`-th tick of the world, from tick 0 on; in a
    /// sub-schedule, in every `n`-th run of that. Said several times, all must
    /// hold.
    ///
    /// # Panics
    /// If `n` is 0.
    #[track_caller]
    fn every(self, n: u64) -> SystemConfig {
        self.every_offset(n, 0)
    }

    /// Has it run in those ticks that leave `offset` when divided by `n`; see
    /// [`IntoSystemConfig::every`].
    ///
    /// # Panics
    /// If `n` is not greater than `offset`.
    #[track_caller]
    fn every_offset(self, n: u64, offset: u64) -> SystemConfig {
        let mut config = self.into_config();
        config.place.every.push(Every::new(n, offset));
        config
    }
}

impl IntoSystemConfig<SystemConfig> for SystemConfig {
    fn into_config(self) -> SystemConfig {
        self
    }
}

/// Marks what can be made a system.
#[derive(Debug)]
pub struct IsParallel;

impl<F: IntoSystem<M>, M> IntoSystemConfig<(IsParallel, M)> for F
where
    F::System: System<In = ()>,
    <F::System as System>::Out: SystemOutput,
{
    fn into_config(self) -> SystemConfig {
        SystemConfig::new(Work::Function(self.into_system().into_checked()))
    }
}

/// Marks functions that take the world.
#[derive(Debug)]
pub struct IsExclusive;

impl<F, S, Out> IntoSystemConfig<(IsExclusive, S, Out)> for F
where
    F: FnMut(&mut World<S>) -> Out + Send + 'static,
    S: Storage,
    Out: SystemOutput + 'static,
{
    fn into_config(self) -> SystemConfig {
        SystemConfig::new(Work::Exclusive(Box::new(ExclusiveFunction::<F, (S, Out)>::new(self))))
    }
}

impl IntoSystemConfig<SubSchedule> for SubSchedule {
    fn into_config(self) -> SystemConfig {
        SystemConfig::new(Work::Sub(Box::new(self)))
    }
}

/// Where all systems with a label stand in a schedule, and when they run.
///
/// # Example
/// ```
/// use ecs_world::{IntoSystemConfig, Res, Schedule, SetConfig};
///
/// struct Paused(bool);
/// fn movement() {}
/// fn collisions() {}
/// fn input() {}
///
/// let mut schedule = Schedule::new();
/// schedule
///     .add_system(movement.label("physics"))
///     .add_system(collisions.label("physics"))
///     .add_system(input.label("input"))
///     .configure_set(SetConfig::new("physics").after("input").run_if(|paused: Res<Paused>| !paused.0));
/// assert!(schedule.check().is_ok());
/// ```
pub struct SetConfig {
    pub(super) label: Label,
    pub(super) conditions: Vec<Condition>,
    pub(super) place: Place,
}

impl SetConfig {
    /// Begins to speak of all systems with a label.
    pub fn new(label: impl Into<Label>) -> Self {
        Self { label: label.into(), conditions: Vec::new(), place: Place::default() }
    }

    /// Gives them another label too.
    pub fn label(mut self, label: impl Into<Label>) -> Self {
        self.place.labels.push(label.into());
        self
    }

    /// Has them run before all that have a label.
    pub fn before(mut self, label: impl Into<Label>) -> Self {
        self.place.before.push(label.into());
        self
    }

    /// Has them run after all that have a label.
    pub fn after(mut self, label: impl Into<Label>) -> Self {
        self.place.after.push(label.into());
        self
    }

    /// Has them run only if a system returns true, which is asked once a run in which the
    /// rhythm of the set lets them run, before the first of them.
    pub fn run_if<M, C: IntoSystem<M>>(mut self, condition: C) -> Self
    where
        C::System: System<In = (), Out = bool>,
    {
        self.conditions.push(Box::new(condition.into_system()));
        self
    }

    /// Has them run in a phase, but for those that name one themselves; of several
    /// sets of a system the one counts that was configured first.
    pub fn in_phase(mut self, phase: impl Into<Label>) -> Self {
        self.place.phase = Some(phase.into());
        self
    }

    /// Has them run in every `n`-th tick, from tick 0 on.
    ///
    /// # Panics
    /// If `n` is 0.
    #[track_caller]
    pub fn every(self, n: u64) -> Self {
        self.every_offset(n, 0)
    }

    /// Has them run in those ticks that leave `offset` when divided by `n`.
    ///
    /// # Panics
    /// If `n` is not greater than `offset`.
    #[track_caller]
    pub fn every_offset(mut self, n: u64, offset: u64) -> Self {
        self.place.every.push(Every::new(n, offset));
        self
    }
}

impl fmt::Debug for SetConfig {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SetConfig")
            .field("label", &self.label)
            .field("conditions", &self.conditions.len())
            .field("place", &self.place)
            .finish()
    }
}
