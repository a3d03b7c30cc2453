//! Running systems: one after another, or side by side with the same result.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::{Duration, Instant};

use ecs_storage_api::{QueryError, Records, Storage, StorageError, gather_mut};

use crate::commands::{CommandQueue, CommandReport};
use crate::resources::Resources;
use crate::system::{IntoSystem, System, SystemError};
use crate::world::World;

/// Systems in the order of their registration.
///
/// A run gives each system its parameters, and when the last has ended applies
/// the commands of all of them, in order of registration, and flushes the store. Side by side
/// ([`Schedule::run_parallel`]) run those that do not conflict; of two that do,
/// the one that was registered first runs first. So both ways of running give
/// the same state, on any number of threads.
#[derive(Debug, Default)]
pub struct Schedule {
    systems: Vec<Timed>,
    /// The systems that run side by side, wave by wave; empty if it must be
    /// made anew.
    waves: Vec<Vec<usize>>,
}

/// A system, and how long it has run in all.
#[derive(Debug)]
struct Timed {
    system: Box<dyn System>,
    time: Duration,
}

/// What a run did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct RunReport {
    /// How many systems ran.
    pub systems: usize,
    /// What became of their commands.
    pub commands: CommandReport,
    /// How long applying them took.
    pub applying: Duration,
}

/// Tells why a run failed.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum RunError {
    /// A system panicked. No command of the run was applied.
    #[error("system `{system}` panicked: {message}")]
    Panicked {
        /// The function's name.
        system: &'static str,
        /// What the panic said, if it said something.
        message: String,
    },
    /// The store offered a value twice.
    #[error(transparent)]
    Query(#[from] QueryError),
    /// A command failed. Those before it were applied.
    #[error(transparent)]
    Storage(#[from] StorageError),
}

impl Schedule {
    /// Creates an empty schedule.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a system behind the others.
    ///
    /// # Panics
    /// If its parameters conflict with each other; see
    /// [`Schedule::try_add_system`].
    pub fn add_system<M>(&mut self, system: impl IntoSystem<M>) -> &mut Self {
        match self.try_add_system(system) {
            Ok(schedule) => schedule,
            Err(error) => panic!("{error}"),
        }
    }

    /// Adds a system behind the others.
    ///
    /// # Errors
    /// [`SystemError`] if its parameters conflict with each other.
    pub fn try_add_system<M>(
        &mut self,
        system: impl IntoSystem<M>,
    ) -> Result<&mut Self, SystemError> {
        self.systems.push(Timed { system: system.into_system()?, time: Duration::ZERO });
        self.waves.clear();
        Ok(self)
    }

    /// Returns how many systems there are.
    pub fn len(&self) -> usize {
        self.systems.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.systems.is_empty()
    }

    /// Returns the names of the systems that run side by side, wave by wave.
    pub fn plan(&mut self) -> Vec<Vec<&'static str>> {
        self.make_waves();
        let names =
            |wave: &Vec<usize>| wave.iter().map(|&n| self.systems[n].system.name()).collect();
        self.waves.iter().map(names).collect()
    }

    /// Returns how long each system has run in all, by name, in order of
    /// registration.
    pub fn times(&self) -> impl Iterator<Item = (&'static str, Duration)> + '_ {
        self.systems.iter().map(|timed| (timed.system.name(), timed.time))
    }

    /// Puts each system one wave behind the last that it conflicts with.
    fn make_waves(&mut self) {
        if !self.waves.is_empty() {
            return;
        }
        let mut wave_of: Vec<usize> = Vec::new();
        for (n, Timed { system, .. }) in self.systems.iter().enumerate() {
            let conflicting =
                (0..n).filter(|&m| self.systems[m].system.access().conflicts_with(system.access()));
            let wave = conflicting.map(|m| wave_of[m] + 1).max().unwrap_or(0);
            wave_of.push(wave);
            self.waves.resize_with(self.waves.len().max(wave + 1), Vec::new);
            self.waves[wave].push(n);
        }
    }

    /// Runs the systems one after another.
    ///
    /// # Panics
    /// If a system panics, with its name; see [`Schedule::try_run`].
    pub fn run<S: Storage>(&mut self, world: &mut World<S>) -> RunReport {
        or_panic(self.try_run(world))
    }

    /// Runs the systems one after another.
    ///
    /// # Errors
    /// [`RunError`] if a system panics; those behind it do not run.
    pub fn try_run<S: Storage>(&mut self, world: &mut World<S>) -> Result<RunReport, RunError> {
        for n in 0..self.systems.len() {
            let outcome = run_wave(&mut self.systems, &[n], world, false);
            self.or_forget(outcome)?;
        }
        self.finish(world)
    }

    /// Runs systems that do not conflict side by side, on the threads of the
    /// current rayon pool.
    ///
    /// # Panics
    /// If a system panics, with its name; see [`Schedule::try_run_parallel`].
    pub fn run_parallel<S: Storage>(&mut self, world: &mut World<S>) -> RunReport {
        or_panic(self.try_run_parallel(world))
    }

    /// Runs systems that do not conflict side by side, on the threads of the
    /// current rayon pool.
    ///
    /// # Errors
    /// [`RunError`] if a system panics: the first in order of registration.
    /// Those that run beside it end, the others do not run.
    pub fn try_run_parallel<S: Storage>(
        &mut self,
        world: &mut World<S>,
    ) -> Result<RunReport, RunError> {
        self.make_waves();
        for wave in 0..self.waves.len() {
            let outcome = run_wave(&mut self.systems, &self.waves[wave], world, true);
            self.or_forget(outcome)?;
        }
        self.finish(world)
    }

    /// Forgets the commands of a run that failed.
    fn or_forget(&mut self, outcome: Result<(), RunError>) -> Result<(), RunError> {
        if outcome.is_err() {
            self.take_commands();
        }
        outcome
    }

    fn take_commands(&mut self) -> CommandQueue {
        let mut queue = CommandQueue::new();
        self.systems.iter_mut().for_each(|timed| timed.system.take_commands(&mut queue));
        queue
    }

    fn finish<S: Storage>(&mut self, world: &mut World<S>) -> Result<RunReport, RunError> {
        let start = Instant::now();
        let commands = world.apply_commands(self.take_commands())?;
        // What was changed through references reaches a store far away now.
        world.storage.flush()?;
        world.tick += 1;
        Ok(RunReport { systems: self.systems.len(), commands, applying: start.elapsed() })
    }
}

/// Runs some of the systems, which do not conflict with each other.
fn run_wave<S: Storage>(
    systems: &mut [Timed],
    wave: &[usize],
    world: &mut World<S>,
    parallel: bool,
) -> Result<(), RunError> {
    let mut chosen: Vec<_> =
        systems.iter_mut().enumerate().filter(|(n, _)| wave.contains(n)).map(|(_, s)| s).collect();
    let mut counts = Vec::with_capacity(chosen.len());
    let mut all = Vec::new();
    for timed in &mut chosen {
        let queries = timed.system.queries();
        counts.push(queries.len());
        all.extend(queries);
    }
    let mut records = gather_mut(&mut world.storage, &mut all)?.into_iter();
    let resources = &world.resources;
    let jobs: Vec<_> = chosen
        .into_iter()
        .zip(counts)
        .map(|(system, count)| (system, records.by_ref().take(count).collect()))
        .collect();
    let mut panics: Vec<Option<RunError>> = Vec::new();
    panics.resize_with(jobs.len(), || None);
    if parallel && jobs.len() > 1 {
        rayon::scope(|scope| {
            for ((system, records), panic) in jobs.into_iter().zip(&mut panics) {
                scope.spawn(move |_| *panic = run_one(system, records, resources));
            }
        });
    } else {
        for ((system, records), panic) in jobs.into_iter().zip(&mut panics) {
            *panic = run_one(system, records, resources);
        }
    }
    panics.into_iter().flatten().next().map_or(Ok(()), Err)
}

fn run_one<'w>(
    timed: &'w mut Timed,
    records: Vec<Records<'w>>,
    resources: &'w Resources,
) -> Option<RunError> {
    let Timed { system, time } = timed;
    let (name, start) = (system.name(), Instant::now());
    let outcome = catch_unwind(AssertUnwindSafe(|| system.run(records, resources)));
    *time += start.elapsed();
    outcome.err().map(|panic| RunError::Panicked { system: name, message: message(&*panic) })
}

fn message(panic: &(dyn Any + Send)) -> String {
    let text = panic
        .downcast_ref::<String>()
        .map(String::as_str)
        .or_else(|| panic.downcast_ref::<&str>().copied());
    text.unwrap_or("(no message)").to_owned()
}

fn or_panic(outcome: Result<RunReport, RunError>) -> RunReport {
    match outcome {
        Ok(report) => report,
        Err(error) => panic!("{error}"),
    }
}
