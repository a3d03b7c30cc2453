//! Random schedules of random systems give the same state on any number of
//! threads.
//!
//! `ECS_DETERMINISM_CASES` sets how many schedules are made; each runs on one
//! thread, and then on a pool of each size.

#[path = "determinism/components.rs"]
mod components;
#[path = "determinism/merging.rs"]
mod merging;
#[path = "determinism/systems.rs"]
mod systems;

use std::cell::Cell;
use std::sync::atomic::Ordering;
use std::time::Duration;
use std::{env, fmt};

use ecs_world::{
    FrameTime, IntoSystemConfig, Res, Schedule, SetConfig, SubSchedule, Threads, World,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

use components::{Acc, populate};
use merging::{Merge, Merged};
use systems::{Description, HANDED_OVER};

const TICKS: usize = 5;
const POOLS: [usize; 5] = [1, 2, 3, 8, 64];

fn cases() -> u32 {
    env::var("ECS_DETERMINISM_CASES").map_or(100, |cases| cases.parse().expect("a number"))
}

/// A random schedule: systems in the order of their registration.
#[derive(Clone)]
struct Program(Vec<Description>);

impl fmt::Debug for Program {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(&self.0).finish()
    }
}

fn programs() -> impl Strategy<Value = Program> {
    vec(any::<[u8; 11]>().prop_map(Description::from), 6..24).prop_map(Program)
}

impl Program {
    /// Makes the schedule; every third system stands in fixed steps.
    fn schedule(&self, jitter: bool) -> Schedule {
        let (mut schedule, mut steps) = (Schedule::new(), Schedule::new());
        schedule.set_phases(["first", "second"]);
        for schedule in [&mut schedule, &mut steps] {
            // So that each label is somebody's.
            for label in systems::LABELS {
                schedule.add_system((|| {}).label(label));
            }
            schedule.configure_set(SetConfig::new("middle").after("early").before("late"));
            let odd = |acc: Res<Acc<0>>| acc.word % 4 != 1;
            schedule.configure_set(SetConfig::new("late").run_if(odd));
        }
        for (n, system) in self.0.iter().enumerate() {
            match n % 3 {
                2 => steps.add_system(system.config(jitter)),
                _ if system.second_phase => {
                    schedule.add_system(system.config(jitter).in_phase("second"))
                }
                _ => schedule.add_system(system.config(jitter)),
            };
        }
        steps.add_system(merging::end.after("late"));
        schedule.add_system(merging::end.after("late"));
        schedule.add_system(merging::end.in_phase("second"));
        let steps = SubSchedule::fixed("steps", Duration::from_millis(10), steps);
        schedule.add_system(steps.in_phase("second"));
        schedule
    }

    /// Returns the hash of the state after each tick.
    fn run(&self, threads: Threads, merge: Merge) -> Vec<u64> {
        Merged::set(merge);
        let mut world = World::new();
        populate(&mut world);
        let mut schedule = self.schedule(!matches!(threads, Threads::None));
        schedule.set_threads(threads);
        let hashes = (0..TICKS).map(|tick| {
            world.insert_resource(FrameTime(Duration::from_millis(7 * tick as u64)));
            schedule.run(&mut world);
            world.state_hash().expect("all components are saved")
        });
        let hashes = hashes.collect();
        Merged::set(Merge::InOrder);
        hashes
    }
}

fn runner(cases: u32) -> TestRunner {
    let config =
        Config { cases, failure_persistence: None, max_shrink_iters: 200, ..Config::default() };
    TestRunner::new_with_rng(config, TestRng::deterministic_rng(RngAlgorithm::ChaCha))
}

fn pool(threads: usize) -> Threads {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build();
    Threads::Pool(std::sync::Arc::new(pool.expect("threads can be started")))
}

#[test]
fn random_schedules_give_the_same_state_on_any_number_of_threads() {
    let pools = POOLS.map(pool);
    let same = |program: Program| {
        let alone = program.run(Threads::None, Merge::Checked);
        for threads in &pools {
            let hashes = program.run(threads.clone(), Merge::InOrder);
            prop_assert_eq!(&hashes, &alone, "on {:?}", threads);
        }
        Ok(())
    };
    runner(cases()).run(&programs(), same).unwrap_or_else(|error| panic!("{error}"));
    let handed_over = HANDED_OVER.load(Ordering::Relaxed);
    println!("{handed_over} systems ran on other threads than the calling one");
    assert!(handed_over > cases() as usize, "no threads took part: {handed_over}");
}

/// Proves that the comparison sees what it is there for.
#[test]
fn buffers_merged_in_another_order_are_seen() {
    let (seen, with_commands) = (Cell::new(0), Cell::new(0));
    let count = |mut program: Program| {
        // Those cut the schedule, and buffers that are merged late are too easy to
        // see.
        program.0.retain(|system| !system.is_exclusive());
        let recording = program.0.iter().filter(|system| system.records_commands()).count();
        if recording > 3 {
            let alone = program.run(Threads::None, Merge::InOrder);
            let reversed = program.run(Threads::None, Merge::Reversed);
            with_commands.set(with_commands.get() + 1);
            seen.set(seen.get() + u32::from(reversed != alone));
        }
        Ok(())
    };
    runner(cases()).run(&programs(), count).unwrap_or_else(|error| panic!("{error}"));
    let (seen, with_commands) = (seen.get(), with_commands.get());
    println!("{seen} of {with_commands} schedules");
    assert!(with_commands > 0 && seen * 10 >= with_commands * 9, "{seen} of {with_commands}");
}
