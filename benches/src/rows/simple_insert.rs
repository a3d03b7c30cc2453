//! A new world, and entities of a matrix and three vectors.

use std::hint::black_box;

use super::by_hand::Simple;

use crate::compare::{Row, Size, Workload, fresh};
use crate::components::{Position, Rotation, Transform, Velocity, simple_bundle};
use crate::{sums, worlds};

/// One call an entity.
pub(super) fn spawn(size: Size) -> Row {
    let n = size.of(10_000);
    Row::new("simple_insert_spawn", "a new world, entities of mat4 + 3 vec3 one by one", n)
        .with("limit/grow", move || limit(n, Simple::default))
        .with("ecs/spawn", move || ours_spawn(n))
        .with("bevy/spawn", move || bevy_spawn(n))
        .with("hecs/spawn", move || hecs_spawn(n))
}

/// One call for all.
pub(super) fn batch(size: Size) -> Row {
    let n = size.of(10_000);
    Row::new("simple_insert_batch", "a new world, entities of mat4 + 3 vec3 as a batch", n)
        .with("limit/reserved", move || limit(n, move || Simple::with_capacity(n)))
        .with("ecs/spawn_batch", move || ours_batch(n))
        .with("bevy/spawn_batch", move || bevy_batch(n))
        .with("hecs/spawn_batch", move || hecs_batch(n))
        .with("hecs/columns", move || hecs_columns(n))
}

/// Every way makes a world of nothing.
fn making<O>(make: impl FnMut() -> O, mut check: impl FnMut(&mut O) -> f64) -> impl Workload {
    let mut make = make;
    fresh(|| (), move |()| make(), move |(), world| check(world))
}

fn limit(n: usize, new: impl Fn() -> Simple) -> impl Workload {
    making(
        move || {
            let mut table = new();
            for _ in 0..n {
                black_box(table.push(black_box(simple_bundle())));
            }
            table
        },
        |table| sums::positions(table.positions()),
    )
}

fn ours_spawn(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = ecs::World::new();
            for _ in 0..n {
                world.spawn(black_box(simple_bundle()));
            }
            world
        },
        |world| worlds::ours::positions(world),
    )
}

fn ours_batch(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = ecs::World::new();
            world.spawn_batch((0..n).map(|_| black_box(simple_bundle())));
            world
        },
        |world| worlds::ours::positions(world),
    )
}

fn bevy_spawn(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = bevy_ecs::world::World::new();
            for _ in 0..n {
                world.spawn(black_box(simple_bundle()));
            }
            world
        },
        worlds::bevy::positions,
    )
}

fn bevy_batch(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = bevy_ecs::world::World::new();
            world.spawn_batch((0..n).map(|_| black_box(simple_bundle()))).for_each(drop);
            world
        },
        worlds::bevy::positions,
    )
}

fn hecs_spawn(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = hecs::World::new();
            for _ in 0..n {
                world.spawn(black_box(simple_bundle()));
            }
            world
        },
        worlds::hecs::positions,
    )
}

fn hecs_batch(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = hecs::World::new();
            world.spawn_batch((0..n).map(|_| black_box(simple_bundle()))).for_each(drop);
            world
        },
        worlds::hecs::positions,
    )
}

fn hecs_columns(n: usize) -> impl Workload {
    making(
        move || {
            let mut types = hecs::ColumnBatchType::new();
            types.add::<Transform>().add::<Position>().add::<Rotation>().add::<Velocity>();
            let batch = types.into_batch(n as u32);
            {
                let mut transforms = batch.writer::<Transform>().unwrap();
                let mut positions = batch.writer::<Position>().unwrap();
                let mut rotations = batch.writer::<Rotation>().unwrap();
                let mut velocities = batch.writer::<Velocity>().unwrap();
                for _ in 0..n {
                    let (transform, position, rotation, velocity) = black_box(simple_bundle());
                    transforms.push(transform).unwrap();
                    positions.push(position).unwrap();
                    rotations.push(rotation).unwrap();
                    velocities.push(velocity).unwrap();
                }
            }
            let mut world = hecs::World::new();
            world.spawn_column_batch(batch.build().unwrap()).for_each(drop);
            world
        },
        worlds::hecs::positions,
    )
}
