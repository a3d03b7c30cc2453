//! Systems that are found again by the names that they were given.

use std::time::Duration;

use ecs_derive::Component;
use ecs_storage_api::{Changed, Query};
use ecs_world::{
    EventReader, FrameTime, IntoSystemConfig, Local, ResMut, Schedule, SubSchedule, SystemConfig,
    World,
};
use serde::{Deserialize, Serialize};

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "names::Height", track)]
struct Height(u32);

#[derive(Clone, Serialize, Deserialize)]
struct Stone(u32);

const STEP: Duration = Duration::from_millis(10);

/// What a system found to have changed, and which events it got.
#[derive(Default, Serialize, Deserialize)]
struct Found(Vec<u32>, Vec<u32>);

type Heights<'w> = Query<'w, &'static Height, Changed<Height>>;

fn fall(heights: Heights, mut stones: EventReader<Stone>, mut found: ResMut<Found>) {
    found.0.extend(heights.iter().map(|height| height.0));
    found.1.extend(stones.read().map(|stone| stone.0));
}

fn world() -> World {
    let mut world = World::new();
    world.save_resource::<Found>("names::Found");
    world.save_resource::<FrameTime>("names::FrameTime");
    world.save_events::<Stone>("names::Stone");
    world.register::<Height>();
    world
}

/// Runs a system, changes one of ten values and sends an event, and goes on with another
/// system from a snapshot. Returns what that found.
fn goes_on(
    first: SystemConfig,
    then: SystemConfig,
    schedule: fn(SystemConfig) -> Schedule,
) -> (Vec<u32>, Vec<u32>) {
    let (mut before, mut first) = (world(), schedule(first));
    before.insert_resource(Found::default());
    before.insert_resource(FrameTime(STEP));
    let rows = before.spawn_batch((0..10).map(Height));
    before.send(Stone(0));
    first.run(&mut before);
    before.get_mut::<Height>(rows[3]).unwrap().0 = 33;
    before.send(Stone(1));
    before.insert_resource(Found::default());
    let (mut restored, mut then) = (world(), schedule(then));
    restored.restore(&before.snapshot().unwrap()).unwrap();
    then.run(&mut restored);
    let Found(heights, stones) = restored.remove_resource().unwrap();
    (heights, stones)
}

/// The same as a closure, with something more between.
fn falling() -> SystemConfig {
    (|heights: Heights, mut runs: Local<u32>, mut stones: EventReader<Stone>| {
        *runs += (heights.count() + stones.read().count()) as u32;
    })
    .into_config()
}

fn alone(system: SystemConfig) -> Schedule {
    let mut schedule = Schedule::new();
    schedule.add_system(system);
    schedule
}

fn in_steps(system: SystemConfig) -> Schedule {
    alone(SubSchedule::fixed("steps", STEP, alone(system)).into_config())
}

#[test]
fn a_function_goes_on_where_a_closure_of_its_name_was() {
    for schedule in [alone, in_steps] {
        let found = goes_on(falling().named("fall"), fall.named("fall"), schedule);
        assert_eq!(found, (vec![33], vec![1]), "what it was not told yet");
        let (heights, _) = goes_on(falling().named("fall"), fall.named("another"), schedule);
        assert_eq!(heights.len(), 10, "a name that the snapshot does not know");
        let (heights, _) = goes_on(falling(), fall.into_config(), schedule);
        assert_eq!(heights.len(), 10, "a path that the snapshot does not know");
    }
}

#[test]
fn a_system_that_is_named_by_the_path_it_had_goes_on_from_snapshots_of_before() {
    let path = falling();
    let path = alone(path).stats().next().unwrap().0.to_owned();
    let found = goes_on(falling(), fall.named(path), alone);
    assert_eq!(found, (vec![33], vec![1]));
}

#[test]
fn a_system_that_takes_the_world_goes_on_by_its_name() {
    fn look(world: &mut World) {
        let changed = world.query_filtered_mut::<&Height, Changed<Height>>();
        let changed: Vec<_> = changed.iter().map(|height| height.0).collect();
        world.resource_mut::<Found>().unwrap().0.extend(changed);
    }
    let first = (|world: &mut World| look(world)).named("look");
    assert_eq!(goes_on(first, look.named("look"), alone).0, [33]);
    let first = (|world: &mut World| look(world)).into_config();
    assert_eq!(goes_on(first, look.into_config(), alone).0.len(), 10);
}

#[test]
fn systems_of_one_name_are_known_by_their_order() {
    fn program() -> (World, Schedule) {
        let mut schedule = Schedule::new();
        schedule.add_system(fall.named("fall").every(2)).add_system(fall.named("fall"));
        (world(), schedule)
    }
    let (mut world, mut schedule) = program();
    world.insert_resource(Found::default());
    let rows = world.spawn_batch((0..4).map(Height));
    schedule.run(&mut world);
    world.get_mut::<Height>(rows[1]).unwrap().0 = 11;
    schedule.run(&mut world);
    world.insert_resource(Found::default());
    let (mut restored, mut anew) = program();
    restored.restore(&world.snapshot().unwrap()).unwrap();
    anew.run(&mut restored);
    assert_eq!(restored.resource::<Found>().unwrap().0, [11], "the second has seen it");
}

#[test]
fn a_sub_schedule_that_is_renamed_has_the_clock_and_the_systems_of_its_new_name() {
    let steps = |name: &str| {
        let steps = SubSchedule::fixed(name, STEP, alone(fall.into_config()));
        steps.into_config()
    };
    let found = goes_on(steps("old"), steps("new").named("old"), alone);
    assert_eq!(found, (vec![33], vec![1]));
    assert_eq!(goes_on(steps("old"), steps("new"), alone).0.len(), 10);
}
