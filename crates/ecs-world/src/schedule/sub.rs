//! Schedules that are systems of another one.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use ecs_storage_api::Storage;
use serde::{Deserialize, Serialize};

use super::Schedule;
use super::error::{PlanError, RunError};
use super::report::{RunReport, SystemStats};
use crate::resources::Resources;
use crate::system::Tick;
use crate::world::World;

/// Tells how much time has passed since the tick before, for fixed time steps: a
/// resource that the program sets before each run. Without it no time passes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FrameTime(pub Duration);

/// How often a sub-schedule runs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Pace {
    Once,
    Fixed { step: Duration, most: u32 },
}

/// A schedule that runs as a system of another one.
///
/// It is exclusive: the systems before it have ended, and their commands are
/// applied. Its name keeps its clock in the world, so that a world that is saved
/// and restored goes on as if nothing had happened; no two sub-schedules of a
/// schedule have one name. In it, `every` and [`Tick`] count its own runs. A step that fails
/// has not been: its time is still there for the next run. The time of ticks in which it is
/// not due, by its rhythm or by a condition, does not count. In a step of one with fixed
/// steps, as much time passes for those within it as the step takes.
///
/// # Example
/// ```
/// use std::time::Duration;
///
/// use ecs_world::{FrameTime, ResMut, Schedule, SubSchedule, World};
///
/// struct Steps(u32);
///
/// let mut physics = Schedule::new();
/// physics.add_system(|mut steps: ResMut<Steps>| steps.0 += 1);
/// let mut schedule = Schedule::new();
/// schedule.add_system(SubSchedule::fixed("physics", Duration::from_millis(20), physics));
///
/// let mut world = World::new();
/// world.insert_resource(Steps(0));
/// world.insert_resource(FrameTime(Duration::from_millis(50)));
/// schedule.run(&mut world);
/// assert_eq!(world.resource::<Steps>().unwrap().0, 2);
/// schedule.run(&mut world);
/// assert_eq!(world.resource::<Steps>().unwrap().0, 5);
/// ```
#[derive(Debug)]
pub struct SubSchedule {
    name: String,
    schedule: Schedule,
    pace: Pace,
}

/// Returns a name by which snapshots can know something.
///
/// # Panics
/// If it is empty, or has a `/`.
#[track_caller]
pub(super) fn checked_name(what: &str, name: String) -> String {
    assert!(!name.is_empty(), "a {what} has a name that is not empty");
    assert!(!name.contains('/'), "a {what}'s name has no `/`, as `{name}` has");
    name
}

impl SubSchedule {
    /// Creates one that runs `schedule` once each time.
    ///
    /// # Panics
    /// If the name is empty, or has a `/`: snapshots have that between the name of a
    /// sub-schedule and those of its systems.
    #[track_caller]
    pub fn new(name: impl Into<String>, schedule: Schedule) -> Self {
        let name = checked_name("sub-schedule", name.into());
        Self { name, schedule, pace: Pace::Once }
    }

    /// Creates one that runs `schedule` once for each full `step` of the time that
    /// has passed, as [`FrameTime`] tells it; what is left over counts next time.
    ///
    /// # Panics
    /// If `step` is zero, or the name is none that [`SubSchedule::new`] takes.
    #[track_caller]
    pub fn fixed(name: impl Into<String>, step: Duration, schedule: Schedule) -> Self {
        assert!(!step.is_zero(), "a fixed step takes time");
        Self { pace: Pace::Fixed { step, most: u32::MAX }, ..Self::new(name, schedule) }
    }

    /// Has it run at most so many steps a time, and forget the time that would
    /// take more: a program that can't keep up slows down, and does not stall. One
    /// that runs once each time stays as it is.
    ///
    /// # Panics
    /// If `steps` is 0.
    #[track_caller]
    pub fn at_most(mut self, steps: u32) -> Self {
        assert!(steps > 0, "a sub-schedule with fixed steps runs at least one of those due");
        if let Pace::Fixed { most, .. } = &mut self.pace {
            *most = steps;
        }
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn rename(&mut self, name: String) {
        self.name = name;
    }

    /// Returns what the systems have done of the sub-schedule of a name, which this one
    /// is or has.
    pub(super) fn stats_of(&self, name: &str) -> Option<Vec<(String, SystemStats)>> {
        if self.name != name {
            return self.schedule.stats_of(name);
        }
        Some(self.schedule.stats().map(|(name, stats)| (name.to_owned(), stats)).collect())
    }

    /// Collects its name and those of the sub-schedules in it.
    ///
    /// # Errors
    /// [`PlanError::SameName`] if one is there already.
    pub(super) fn add_names(&mut self, names: &mut BTreeSet<String>) -> Result<(), PlanError> {
        match names.insert(self.name.clone()) {
            true => self.schedule.add_names(names),
            false => Err(PlanError::SameName { name: self.name.clone() }),
        }
    }

    /// Checks that there is an order.
    ///
    /// # Errors
    /// [`PlanError::Within`], which names it.
    pub(super) fn check(&mut self) -> Result<(), PlanError> {
        self.schedule.check().map_err(|source| PlanError::Within {
            sub_schedule: self.name.clone(),
            source: Box::new(source),
        })
    }

    pub(super) fn schedule(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    pub(super) fn prepare(&mut self, resources: &mut Resources) {
        resources.places.enter(&self.name);
        self.schedule.prepare(resources);
        resources.places.leave();
    }

    /// Runs it as often as it is due.
    pub(super) fn run<S: Storage>(&mut self, world: &mut World<S>) -> Result<RunReport, RunError> {
        let Pace::Fixed { step, most } = self.pace else { return self.run_due(world, 1) };
        let frame = || world.resource::<FrameTime>().map_or(Duration::ZERO, |time| time.0);
        let passed = world.step.unwrap_or_else(frame);
        world.clocks.entry(&self.name).pass(passed);
        let around = world.step.replace(step);
        let outcome = self.run_due(world, most);
        world.step = around;
        outcome
    }

    /// Runs it as often as it is due, at most so often.
    fn run_due<S: Storage>(
        &mut self,
        world: &mut World<S>,
        most: u32,
    ) -> Result<RunReport, RunError> {
        let mut report = RunReport::default();
        for _ in 0..most {
            let clock = *world.clocks.entry(&self.name);
            if clock.after_a_run(self.pace).is_none() {
                return Ok(report);
            }
            let ran = self.schedule.run_steps(world, Tick(clock.runs));
            report.add(ran.map_err(|source| RunError::Within {
                sub_schedule: self.name.clone(),
                source: Box::new(source),
            })?);
            // Looked at anew: a system may have put another world's clock in.
            let clock = world.clocks.entry(&self.name);
            *clock = clock.after_a_run(self.pace).unwrap_or(*clock);
        }
        if let Pace::Fixed { step, .. } = self.pace {
            world.clocks.entry(&self.name).forget_more_than(step);
        }
        Ok(report)
    }
}

/// The clocks of sub-schedules, by name: part of a world's state.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Clocks(BTreeMap<String, Clock>);

/// How often a sub-schedule has run, and what time it has not used yet.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Clock {
    runs: u64,
    left: Duration,
}

impl Clocks {
    /// Returns the name, the runs and the unused time of each.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (&str, u64, Duration)> {
        self.0.iter().map(|(name, clock)| (name.as_str(), clock.runs, clock.left))
    }

    fn entry(&mut self, name: &str) -> &mut Clock {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Clock::default());
        }
        self.0.get_mut(name).expect("it was put in")
    }
}

impl Clock {
    /// Takes time in.
    fn pass(&mut self, time: Duration) {
        self.left = self.left.saturating_add(time);
    }

    /// Returns the clock after one more run, if one is due.
    fn after_a_run(self, pace: Pace) -> Option<Self> {
        let left = match pace {
            Pace::Once => self.left,
            Pace::Fixed { step, .. } => self.left.checked_sub(step)?,
        };
        Some(Self { runs: self.runs + 1, left })
    }

    /// Forgets the time, if it would take another step.
    fn forget_more_than(&mut self, step: Duration) {
        if self.left >= step {
            self.left = Duration::ZERO;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const PACE: Pace = Pace::Fixed { step: Duration::from_millis(8), most: 100 };

    fn steps(clock: &mut Clock, millis: u64) -> u32 {
        clock.pass(Duration::from_millis(millis));
        let mut steps = 0;
        while let Some(after) = clock.after_a_run(PACE) {
            *clock = after;
            steps += 1;
        }
        steps
    }

    #[test]
    fn what_is_left_over_counts_next_time() {
        let mut clock = Clock::default();
        assert_eq!([10, 5, 1, 40].map(|millis| steps(&mut clock, millis)), [1, 0, 1, 5]);
        assert_eq!(clock, Clock { runs: 7, left: Duration::ZERO });
    }

    #[test]
    fn what_is_too_much_is_forgotten_and_what_is_less_than_a_step_is_not() {
        let (step, millis) = (Duration::from_millis(8), Duration::from_millis);
        let mut clock = Clock { runs: 0, left: millis(7) };
        clock.forget_more_than(step);
        assert_eq!(clock.left, millis(7));
        clock.pass(millis(1));
        clock.forget_more_than(step);
        assert_eq!(clock.left, Duration::ZERO);
    }
}
