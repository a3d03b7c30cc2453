//! What the tests of schedules share.

use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use ecs_derive::Component;
use ecs_world::{
    IntoSystemConfig, PlanDescription, ResMut, Schedule, StepDescription, SystemConfig, Threads,
    World,
};
use parking_lot::{Condvar, Mutex};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "schedule::A")]
pub(crate) struct A(pub(crate) u64);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "schedule::B")]
pub(crate) struct B(pub(crate) u64);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "schedule::C")]
pub(crate) struct C(pub(crate) u64);

/// A resource.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Total(pub(crate) u64);

/// What systems wrote down, in order: a resource.
#[derive(Debug, Default)]
pub(crate) struct Log(Vec<String>);

impl Log {
    pub(crate) fn add(&mut self, word: impl ToString) {
        self.0.push(word.to_string());
    }
}

/// A world with an empty log.
pub(crate) fn logging() -> World {
    let mut world = World::new();
    world.insert_resource(Log::default());
    world
}

/// A system that writes a word down.
pub(crate) fn log(word: &'static str) -> SystemConfig {
    (move |mut log: ResMut<Log>| log.add(word)).into_config()
}

/// Returns what was written down since the last call.
pub(crate) fn logged(world: &mut World) -> String {
    std::mem::take(&mut world.resource_mut::<Log>().unwrap().0).join(" ")
}

/// Runs a schedule once, and returns what was written down.
pub(crate) fn words(schedule: &mut Schedule, world: &mut World) -> String {
    schedule.run(world);
    logged(world)
}

/// Runs a schedule so many times.
pub(crate) fn run_times(times: usize, schedule: &mut Schedule, world: &mut World) {
    for _ in 0..times {
        schedule.run(world);
    }
}

pub(crate) fn pool(threads: usize) -> Threads {
    Threads::Pool(Arc::new(rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap()))
}

/// Works for so long that a schedule that has seen it once calls threads for it.
pub(crate) fn work() {
    thread::sleep(Duration::from_millis(1));
}

/// Several systems that wait until all of them have come, and so prove that they
/// run at the same time.
///
/// In the first two runs nobody knows yet how long they take, and they run one
/// after another: there they do not wait.
#[derive(Clone)]
pub(crate) struct Meeting(Arc<(Mutex<u32>, Condvar, u32)>);

impl Meeting {
    pub(crate) fn of(systems: u32) -> Self {
        Self(Arc::new((Mutex::new(0), Condvar::new(), systems)))
    }

    /// Tells whether all came before long.
    pub(crate) fn come(&self) -> bool {
        let (come, changed, systems) = &*self.0;
        let mut come = come.lock();
        *come += 1;
        let round = come.div_ceil(*systems);
        if round <= 2 {
            drop(come);
            work();
            return true;
        }
        changed.notify_all();
        let latest = Instant::now() + Duration::from_secs(20);
        let all = round * systems;
        while *come < all {
            if changed.wait_until(&mut come, latest).timed_out() {
                return false;
            }
        }
        true
    }
}

/// The steps of a plan of one phase.
pub(crate) fn steps(schedule: &mut Schedule, world: &mut World) -> Vec<StepDescription> {
    let plan = schedule.describe(world).unwrap();
    assert_eq!(plan.phases.len(), 1, "{plan}");
    plan.phases.into_iter().next().unwrap().steps
}

/// The names of the systems of a plan, in order.
pub(crate) fn names(plan: &PlanDescription) -> Vec<&str> {
    let steps = plan.phases.iter().flat_map(|phase| &phase.steps);
    steps.map(|step| short(&step.name)).collect()
}

pub(crate) fn short(name: &str) -> &str {
    name.rsplit("::").next().unwrap()
}
