//! Systems that take the world, and ask it what has changed.

use ecs_derive::Component;
use ecs_storage_api::{Changed, Storage};
use ecs_world::{IntoSystemConfig, Schedule, World};
use serde::{Deserialize, Serialize};

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "exclusive::Level", track)]
struct Level(u32);

/// How many values were new to each look.
#[derive(Default, Serialize, Deserialize)]
struct Found(Vec<usize>);

fn look<S: Storage>(world: &mut World<S>) {
    let beside = world.query_filtered::<&Level, Changed<Level>>().count();
    let found = world.query_filtered_mut::<&Level, Changed<Level>>().count();
    assert_eq!(found, beside);
    world.resource_mut::<Found>().unwrap().0.push(found);
}

/// Raises the level of as many as there are ticks.
fn raise<S: Storage>(world: &mut World<S>) {
    let count = world.tick() as usize;
    world.query_mut::<&mut Level>().iter_mut().take(count).for_each(|level| level.0 += 1);
}

fn program<S: Storage>(storage: S) -> (World<S>, Schedule) {
    let (mut world, mut schedule) = (World::with_storage(storage), Schedule::new());
    world.save_resource::<Found>("exclusive::Found");
    world.register::<Level>();
    schedule.add_system(look::<S>).add_system(raise::<S>.every(2)).add_system(look::<S>);
    (world, schedule)
}

fn goes_on<S: Storage + Default>() {
    let (mut world, mut schedule) = program(S::default());
    world.insert_resource(Found::default());
    world.spawn_batch((0..10).map(Level));
    let run = |world: &mut World<S>, schedule: &mut Schedule| {
        for _ in 0..7 {
            schedule.run(world);
            // Who looks in between takes nothing from anybody.
            world.query_filtered_mut::<&Level, Changed<Level>>().count();
        }
    };
    run(&mut world, &mut schedule);
    let (saved, cut, fork) =
        (world.snapshot().unwrap(), world.cut().unwrap(), world.fork().unwrap());
    run(&mut world, &mut schedule);
    let found = world.resource::<Found>().unwrap().0.clone();
    let (mut restored, mut anew) = program(S::default());
    restored.restore(&saved).unwrap();
    run(&mut restored, &mut anew);
    assert_eq!(restored.resource::<Found>().unwrap().0, found);
    let (mut fork, mut anew) = (fork, program(S::default()).1);
    run(&mut fork, &mut anew);
    assert_eq!(fork.resource::<Found>().unwrap().0, found);
    let hash = world.state_hash().unwrap();
    assert_eq!([&restored, &fork].map(|world| world.state_hash().unwrap()), [hash; 2]);
    world.restore_cut(&cut).unwrap();
    run(&mut world, &mut schedule);
    assert_eq!(world.resource::<Found>().unwrap().0, found);
}

#[test]
fn a_system_that_takes_the_world_goes_on_looking_where_it_was() {
    goes_on::<ecs_archetype::ArchetypeStorage>();
    goes_on::<ecs_local::LocalStorage>();
}
