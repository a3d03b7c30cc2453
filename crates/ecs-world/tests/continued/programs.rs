//! Random schedules of systems that ask what changed, what came and what went, that
//! send and get events, keep a rhythm and take fixed steps.

use std::env;
use std::time::Duration;

use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_storage_api::{Added, Changed, Or, Query, Storage, With};
use ecs_world::{
    Commands, EventReader, EventWriter, FrameTime, IntoSystemConfig, RemovedComponents, ResMut,
    Schedule, SubSchedule, SystemConfig, World,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};
use serde::{Deserialize, Serialize};

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "continued::Seen", track)]
struct Seen(u64);

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "continued::Fed", track)]
struct Fed(u64);

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "continued::Plain")]
pub(crate) struct Plain(pub(crate) u64);

/// What systems have found out; the order in which they find it does not matter.
#[derive(Default, Serialize, Deserialize)]
pub(crate) struct Log(u64);

#[derive(Clone, Serialize, Deserialize)]
pub(crate) struct Heard(pub(crate) u64);

impl Log {
    pub(crate) fn note(&mut self, system: u64, what: u64) {
        self.0 = self.0.wrapping_add(mix(system, what));
    }
}

fn mix(a: u64, b: u64) -> u64 {
    (a.rotate_left(9) ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Returns the entities of a query in ascending order, whatever that of the store is.
fn sorted(rows: impl Iterator<Item = EntityId>) -> Vec<EntityId> {
    let mut all: Vec<_> = rows.collect();
    all.sort_unstable();
    all
}

/// What is fed anew, or seen for the first time.
type New = Or<(Changed<Fed>, Added<Seen>)>;

/// A system: what it does, and when.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Description {
    kind: u8,
    k: u64,
    every: u64,
    steps: bool,
}

fn descriptions() -> impl Strategy<Value = Description> {
    (0..11u8, 2..7u64, 1..4u64, any::<bool>()).prop_map(|(kind, k, every, steps)| Description {
        kind,
        k,
        every,
        steps,
    })
}

impl Description {
    fn config(self) -> SystemConfig {
        let k = self.k;
        let config = match self.kind {
            0 => (move |mut rows: Query<(EntityId, &mut Seen)>| {
                let some = |(entity, _): &(EntityId, &mut Seen)| entity.to_bits() % k == 1;
                rows.iter_mut().filter(some).for_each(|(_, seen)| seen.0 = mix(seen.0, k));
            })
            .into_config(),
            1 => (move |rows: Query<(EntityId, &Seen), Changed<Seen>>, mut log: ResMut<Log>| {
                rows.iter().for_each(|(id, seen)| log.note(k, mix(id.to_bits(), seen.0)));
            })
            .into_config(),
            2 => (move |rows: Query<EntityId, Added<Fed>>, mut log: ResMut<Log>| {
                rows.iter().for_each(|id| log.note(k, id.to_bits()));
            })
            .into_config(),
            3 => (move |mut rows: Query<&mut Fed, New>| {
                rows.iter_mut().for_each(|fed| fed.0 = mix(fed.0, k));
            })
            .into_config(),
            4 => (move |mut lost: RemovedComponents<Seen>, mut log: ResMut<Log>| {
                lost.read().for_each(|id| log.note(k, id.to_bits()));
            })
            .into_config(),
            5 => (move |rows: Query<(EntityId, &Plain)>, mut heard: EventWriter<Heard>| {
                let some = rows.iter().filter(|(id, _)| id.to_bits() % (5 * k) == 0);
                let mut all: Vec<_> = some.map(|(id, plain)| mix(id.to_bits(), plain.0)).collect();
                all.sort_unstable();
                heard.send_all(all.into_iter().map(Heard));
            })
            .into_config(),
            6 => (move |mut heard: EventReader<Heard>, mut log: ResMut<Log>| {
                heard.read().for_each(|heard| log.note(k, heard.0));
            })
            .into_config(),
            7 => (move |rows: Query<EntityId, With<Seen>>, mut commands: Commands| {
                for id in sorted(rows.iter()).into_iter().step_by(7 * k as usize) {
                    match id.to_bits() % 3 {
                        0 => commands.despawn(id),
                        1 => commands.remove::<Seen>(id),
                        _ => commands.insert(id, Fed(k)),
                    }
                }
            })
            .into_config(),
            8 => (move |log: ResMut<Log>, mut commands: Commands| {
                commands.spawn((Seen(log.0), Plain(k)));
                commands.spawn_batch((0..k).map(move |n| (Fed(n), Plain(k))));
            })
            .into_config(),
            9 => (move |rows: Query<EntityId, With<Fed>>, mut commands: Commands| {
                for id in sorted(rows.iter()).into_iter().step_by(5 * k as usize) {
                    commands.remove::<Fed>(id);
                    commands.insert(id, Seen(k));
                }
            })
            .into_config(),
            _ => (move |mut rows: Query<(&mut Plain, &Seen)>| {
                rows.for_each(|(plain, seen)| plain.0 = mix(plain.0, seen.0));
            })
            .into_config(),
        };
        config.every(self.every)
    }
}

/// Makes the schedule of a program.
pub(crate) fn schedule(program: &[Description]) -> Schedule {
    let (mut schedule, mut steps) = (Schedule::new(), Schedule::new());
    for system in program {
        match system.steps {
            true => steps.add_system(system.config()),
            false => schedule.add_system(system.config()),
        };
    }
    schedule.add_system(SubSchedule::fixed("steps", Duration::from_millis(10), steps));
    schedule
}

/// Makes a world that knows what is saved.
pub(crate) fn empty<S: Storage>(storage: S) -> World<S> {
    let mut world = World::with_storage(storage);
    world.save_resource::<Log>("continued::log");
    world.save_events::<Heard>("continued::heard");
    world.save_resource::<FrameTime>("continued::time");
    world.register::<(Seen, Fed, Plain)>();
    world
}

pub(crate) fn filled<S: Storage>(storage: S) -> World<S> {
    let mut world = empty(storage);
    world.insert_resource(Log::default());
    world.insert_resource(FrameTime(Duration::from_millis(14)));
    world.spawn_batch((0..150).map(|n| (Seen(n), Plain(n))));
    world.spawn_batch((0..60).map(|n| (Seen(n), Fed(n))));
    world.spawn_batch((0..40).map(|n| (Fed(n), Plain(n))));
    world
}

/// As [`filled`], with tables of more pages than one.
pub(crate) fn filled_with_pages<S: Storage>(storage: S) -> World<S> {
    let mut world = filled(storage);
    world.spawn_batch((0..2_500).map(|n| (Seen(n), Plain(n))));
    world.spawn_batch((0..1_500).map(|n| (Seen(n), Fed(n))));
    world.spawn_batch((0..1_100).map(Plain));
    world
}

/// What a world shows: its hash, and the order of its entities.
pub(crate) fn shown<S: Storage>(world: &World<S>) -> (u64, Vec<EntityId>) {
    (world.state_hash().expect("all is saved"), world.storage().all_entities().collect())
}

pub(crate) const TICKS: usize = 9;

/// Runs a test on random programs and a number of ticks; `ECS_CONTINUED_CASES` sets
/// on how many.
pub(crate) fn on_programs(cases: u32, test: impl Fn(&[Description], usize)) {
    let cases = env::var("ECS_CONTINUED_CASES").map_or(cases, |cases| cases.parse().unwrap());
    let config = Config { cases, failure_persistence: None, ..Config::default() };
    let rng = TestRng::deterministic_rng(RngAlgorithm::ChaCha);
    let programs = (vec(descriptions(), 3..12), 0..TICKS);
    TestRunner::new_with_rng(config, rng)
        .run(&programs, |(program, ticks)| {
            test(&program, ticks);
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}
