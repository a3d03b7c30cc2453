//! A world of places and names that changes in every way that there is.
#![allow(dead_code, reason = "each file uses some of it")]

use bytemuck::{Pod, Zeroable};
use ecs_archetype::ArchetypeStorage;
use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_storage_api::Query;
use ecs_world::{Commands, Durable, DurableError, ResMut, Schedule, World};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[component(crate = ecs_core, name = "durable::Place", pod)]
#[repr(C)]
pub(crate) struct Place {
    pub(crate) x: f32,
    pub(crate) y: f32,
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "durable::Name")]
pub(crate) struct Name(pub(crate) String);

#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Score(pub(crate) u64);

pub(crate) fn empty() -> World<ArchetypeStorage> {
    let mut world = World::new();
    world.register::<(Place, Name)>();
    world.save_resource::<Score>("score");
    world
}

pub(crate) fn filled() -> World<ArchetypeStorage> {
    let mut world = empty();
    world.insert_resource(Score(0));
    world.spawn_batch((0..3000).map(|n| Place { x: n as f32, y: 0.0 }));
    world
}

/// Moves some, names some, ends some, makes some.
pub(crate) fn schedule() -> Schedule {
    fn move_some(mut all: Query<(EntityId, &mut Place)>, mut score: ResMut<Score>) {
        score.0 += 1;
        let turn = score.0;
        all.for_each(|(id, place)| {
            if u64::from(id.index()) % 7 == turn % 7 {
                place.x += 0.5;
            }
        });
    }
    fn change_some(mut all: Query<(EntityId, Option<&Name>)>, mut commands: Commands) {
        all.for_each(|(id, name)| match id.index() % 97 {
            1 if name.is_none() => {
                commands.insert(id, Name(format!("number {id}")));
            }
            2 if id.generation() < 3 => {
                commands.despawn(id);
                commands.spawn(Place { x: 0.0, y: 1.0 });
            }
            3 if name.is_some() => {
                commands.remove::<Name>(id);
            }
            _ => {}
        });
    }
    let mut schedule = Schedule::new();
    schedule.add_system(move_some).add_system(change_some);
    schedule
}

/// Has two entities come and end, with a commit after each, so that two ids are free.
pub(crate) fn end_two(durable: &mut Durable<ArchetypeStorage>) {
    let short = |n: u64| Name(format!("short {n}"));
    let ids = durable.world_mut().spawn_batch((0..2).map(short));
    commit_and_wait(durable).unwrap();
    durable.world_mut().despawn_batch(&ids).unwrap();
    commit_and_wait(durable).unwrap();
}

/// Commits, and waits until it is done; the error of it may be told at once or at the end.
pub(crate) fn commit_and_wait(durable: &mut Durable<ArchetypeStorage>) -> Result<(), DurableError> {
    durable.commit()?;
    durable.wait().map(drop)
}
