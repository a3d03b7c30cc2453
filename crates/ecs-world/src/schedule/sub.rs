//! Schedules that are systems of another one.

use std::collections::BTreeMap;
use std::time::Duration;

use ecs_storage_api::Storage;
use serde::{Deserialize, Serialize};

use super::error::RunError;
use super::report::RunReport;
use super::{Schedule, Tick};
use crate::resources::Resources;
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
/// and restored goes on as if nothing had happened; two sub-schedules of one
/// name would share it. In it, `every` counts its own runs.
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

impl SubSchedule {
    /// Creates one that runs `schedule` once each time.
    pub fn new(name: impl Into<String>, schedule: Schedule) -> Self {
        Self { name: name.into(), schedule, pace: Pace::Once }
    }

    /// Creates one that runs `schedule` once for each full `step` of the time that
    /// has passed, as [`FrameTime`] tells it; what is left over counts next time.
    ///
    /// # Panics
    /// If `step` is zero.
    pub fn fixed(name: impl Into<String>, step: Duration, schedule: Schedule) -> Self {
        assert!(!step.is_zero(), "a fixed step takes time");
        Self { name: name.into(), schedule, pace: Pace::Fixed { step, most: u32::MAX } }
    }

    /// Has it run at most so many steps a time, and forget the time that would
    /// take more: a program that can't keep up slows down, and does not stall. One
    /// that runs once each time stays as it is.
    pub fn at_most(mut self, steps: u32) -> Self {
        if let Pace::Fixed { most, .. } = &mut self.pace {
            *most = steps;
        }
        self
    }

    pub(super) fn name(&self) -> &str {
        &self.name
    }

    pub(super) fn schedule(&mut self) -> &mut Schedule {
        &mut self.schedule
    }

    pub(super) fn prepare(&mut self, resources: &mut Resources) {
        self.schedule.prepare(resources);
    }

    /// Runs it as often as it is due.
    pub(super) fn run<S: Storage>(&mut self, world: &mut World<S>) -> Result<RunReport, RunError> {
        let passed = world.resource::<FrameTime>().map_or(Duration::ZERO, |time| time.0);
        let clock = world.clocks.entry(&self.name);
        let steps = match self.pace {
            Pace::Once => 1,
            Pace::Fixed { step, most } => clock.steps(passed, step, most),
        };
        let mut report = RunReport::default();
        for _ in 0..steps {
            let tick = world.clocks.entry(&self.name).runs;
            report.add(self.schedule.run_steps(world, Tick(tick))?);
            world.clocks.entry(&self.name).runs += 1;
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
    fn entry(&mut self, name: &str) -> &mut Clock {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Clock::default());
        }
        self.0.get_mut(name).expect("it was put in")
    }
}

impl Clock {
    /// Takes full steps from the time that has passed.
    fn steps(&mut self, passed: Duration, step: Duration, most: u32) -> u32 {
        self.left = self.left.saturating_add(passed);
        let mut steps = 0;
        while self.left >= step {
            if steps == most {
                self.left = Duration::ZERO;
                break;
            }
            self.left -= step;
            steps += 1;
        }
        steps
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_over_counts_next_time_and_what_is_too_much_is_forgotten() {
        let mut clock = Clock::default();
        let millis = Duration::from_millis;
        let steps: Vec<_> = [10, 5, 1, 40].map(|ms| clock.steps(millis(ms), millis(8), 100)).into();
        assert_eq!(steps, [1, 0, 1, 5]);
        assert_eq!(clock.left, millis(0));
        assert_eq!(clock.steps(millis(100), millis(8), 3), 3);
        assert_eq!(clock.left, millis(0));
    }
}
