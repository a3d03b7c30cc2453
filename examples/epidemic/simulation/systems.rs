//! The order of a tick: phases one after another, and in each the systems that
//! may run side by side.

use std::collections::BTreeMap;
use std::time::Duration;

use ecs::prelude::*;
use ecs::{PlanError, Storage};

use super::{departure, illness, infection, landing, leaving};

/// The systems of a tick, and how long their commands took.
#[derive(Debug)]
pub(super) struct Systems {
    schedule: Schedule,
    applying: Duration,
}

impl Systems {
    pub(super) fn new() -> Self {
        let mut schedule = Schedule::new();
        schedule
            .set_phases(["illness", "arrival", "departure", "infection"])
            .add_system(illness::become_infectious.in_phase("illness"))
            .add_system(illness::recover.in_phase("illness"))
            .add_system(landing::land.in_phase("arrival"))
            .add_system(leaving::leave_for_home.in_phase("arrival"))
            .add_system(landing::be_at_risk.in_phase("arrival"))
            .add_system(landing::wait_at_home.in_phase("arrival"))
            .add_system(landing::count_landed.in_phase("arrival"))
            .add_system(departure::depart.in_phase("departure"))
            .add_system(infection::expose_cities.in_phase("infection"))
            .add_system(infection::infect.in_phase("infection"));
        Self { schedule, applying: Duration::ZERO }
    }

    /// Runs a tick.
    pub(super) fn run<S: Storage>(&mut self, world: &mut World<S>) {
        self.applying += self.schedule.run(world).applying;
    }

    /// Tells the order of a tick, for people to read.
    pub(super) fn plan<S: Storage>(&mut self, world: &mut World<S>) -> Result<String, PlanError> {
        let plan = self.schedule.describe(world)?;
        Ok(format!("Each tick:\n{plan}Commands are applied at the end of each phase.\n"))
    }

    /// How long each system has run, by name, and the application of commands.
    pub(super) fn times(&self) -> BTreeMap<String, Duration> {
        let own = |path: &str| path.rsplit("::").next().unwrap_or(path).to_owned();
        let times = self.schedule.stats().map(|(name, stats)| (own(name), stats.time));
        times.chain([("apply_commands".to_owned(), self.applying)]).collect()
    }
}
