//! Worlds on which several schedules run, some of which come later than others.

use std::mem;

use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_storage_api::{Added, Query, Storage};
use ecs_world::{EventReader, EventWriter, Events, RemovedComponents, ResMut, Schedule, World};
use serde::{Deserialize, Serialize};

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "several_schedules::Alive", track)]
struct Alive;

/// The indices of entities of which a system was told.
#[derive(Default, Serialize, Deserialize)]
struct Told(Vec<u32>);

fn end_one(world: &mut World) {
    let first = world.storage().all_entities().min();
    first.into_iter().for_each(|entity| world.despawn(entity).unwrap());
}

fn listen(mut gone: RemovedComponents<Alive>, mut told: ResMut<Told>) {
    told.0.extend(gone.read().map(EntityId::index));
}

/// A world, a schedule that ends an entity, and one that is told.
fn program() -> (World, Schedule, Schedule) {
    let mut world = World::new();
    world.save_resource::<Told>("several_schedules::Told");
    world.register::<Alive>();
    let (mut often, mut seldom) = (Schedule::new(), Schedule::new());
    often.add_system(end_one);
    seldom.add_system(listen);
    (world, often, seldom)
}

fn go_on(world: &mut World, often: &mut Schedule, seldom: &mut Schedule) {
    for _ in 0..2 {
        for _ in 0..3 {
            often.run(world);
        }
        seldom.run(world);
    }
}

#[test]
fn removals_wait_for_a_schedule_that_comes_later() {
    let (mut world, mut often, mut seldom) = program();
    world.insert_resource(Told::default());
    world.spawn_batch((0..20).map(|_| Alive));
    go_on(&mut world, &mut often, &mut seldom);
    let saved = world.snapshot().unwrap();
    let (mut restored, fork) = (program().0, world.fork().unwrap());
    restored.restore(&saved).unwrap();
    go_on(&mut world, &mut often, &mut seldom);
    let told: Vec<_> = (3..=12).collect();
    assert_eq!(world.resource::<Told>().unwrap().0, told, "the first run began after two");
    for mut other in [restored, fork] {
        let (_, mut often, mut seldom) = program();
        go_on(&mut other, &mut often, &mut seldom);
        assert_eq!(other.resource::<Told>().unwrap().0, told);
        assert_eq!(other.state_hash().unwrap(), world.state_hash().unwrap());
    }
}

struct Tick;

fn send(mut ticks: EventWriter<Tick>) {
    ticks.send(Tick);
}

fn read_here(mut ticks: EventReader<Tick>) {
    ticks.read().for_each(drop);
}

fn read_there(mut ticks: EventReader<Tick>) {
    ticks.read().for_each(drop);
}

#[test]
fn a_fork_that_follows_does_not_wait_for_the_systems_of_the_other_world_for_good() {
    let (mut world, mut schedule, mut own) = (World::new(), Schedule::new(), Schedule::new());
    schedule.add_system(send).add_system(read_here);
    own.add_system(send).add_system(read_there);
    schedule.run(&mut world);
    let mut cut = world.cut().unwrap();
    let mut fork = world.fork_of(&cut).unwrap();
    let mut most = 0;
    for _ in 0..1_500 {
        own.run(&mut fork);
        schedule.run(&mut world);
        let next = world.cut_after(&cut).unwrap();
        fork.restore_cut_after(&next, &cut).unwrap();
        cut = next;
        most = most.max(fork.resource::<Events<Tick>>().unwrap().len());
    }
    own.run(&mut fork);
    assert!(most <= 1_000, "{most}");
    assert_eq!(fork.resource::<Events<Tick>>().unwrap().len(), 0);
}

#[test]
fn all_of_a_store_that_was_put_in_place_of_another_is_new() {
    fn count(all: Query<&Alive, Added<Alive>>, mut told: ResMut<Told>) {
        told.0.push(all.iter().count() as u32);
    }
    let mut world = World::new();
    world.insert_resource(Told::default());
    let mut schedule = Schedule::new();
    schedule.add_system(count).add_system(listen);
    world.spawn(Alive);
    for _ in 0..20 {
        schedule.run(&mut world);
    }
    world.insert_resource(Told::default());
    let mut other = World::new();
    let all = other.spawn_batch((0..5).map(|_| Alive));
    other.despawn(all[0]).unwrap();
    mem::swap(world.storage_mut(), other.storage_mut());
    schedule.run(&mut world);
    assert_eq!(world.resource::<Told>().unwrap().0, [4, all[0].index()]);
    schedule.run(&mut world);
    assert_eq!(world.resource::<Told>().unwrap().0, [4, all[0].index(), 0]);
}
