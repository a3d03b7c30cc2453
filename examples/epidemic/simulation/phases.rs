//! The order of a tick: phases one after another, and in each the systems that
//! may run side by side.

use std::collections::BTreeMap;
use std::fmt::Write;
use std::time::Duration;

use ecs::Storage;
use ecs::prelude::*;

use super::{illness, infection, travel};

/// A part of the tick. Its commands are applied when it ends.
#[derive(Debug)]
struct Phase {
    name: &'static str,
    schedule: Schedule,
    applying: Duration,
}

/// The phases in their order.
#[derive(Debug)]
pub(super) struct Phases(Vec<Phase>);

impl Phases {
    pub(super) fn new() -> Self {
        let phase = |name, add: fn(&mut Schedule)| {
            let mut schedule = Schedule::new();
            add(&mut schedule);
            Phase { name, schedule, applying: Duration::ZERO }
        };
        Self(vec![
            phase("illness", |systems| {
                systems.add_system(illness::become_infectious).add_system(illness::recover);
            }),
            phase("arrival", |systems| {
                systems.add_system(travel::land).add_system(travel::leave_for_home);
            }),
            phase("departure", |systems| {
                systems.add_system(travel::depart);
            }),
            phase("infection", |systems| {
                systems.add_system(infection::expose_cities).add_system(infection::infect);
            }),
        ])
    }

    /// Runs a tick.
    pub(super) fn run<S: Storage>(&mut self, world: &mut World<S>) {
        for phase in &mut self.0 {
            let report = phase.schedule.run_parallel(world);
            phase.applying += report.applying;
        }
    }

    /// Lists phases and waves for people to read.
    pub(super) fn plan(&mut self) -> String {
        let mut plan = String::from("Each tick:\n");
        for (n, phase) in self.0.iter_mut().enumerate() {
            for (wave, systems) in phase.schedule.plan().into_iter().enumerate() {
                let systems: Vec<_> = systems.into_iter().map(short).collect();
                let name =
                    if wave == 0 { format!("{}. {}", n + 1, phase.name) } else { String::new() };
                writeln!(plan, "  {name:14} {}", systems.join(" | "))
                    .expect("a string takes every text");
            }
        }
        plan + "Systems on one line run side by side; a phase's commands are applied at its end.\n"
    }

    /// How long each system has run, by name, and the application of commands.
    pub(super) fn times(&self) -> BTreeMap<String, Duration> {
        let mut times = BTreeMap::new();
        for phase in &self.0 {
            times.extend(phase.schedule.times().map(|(name, time)| (short(name).to_owned(), time)));
            times.insert(format!("apply_{}", phase.name), phase.applying);
        }
        times
    }
}

/// The function's own name.
fn short(path: &str) -> &str {
    path.rsplit("::").next().unwrap_or(path)
}
