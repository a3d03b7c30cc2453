//! A new world, and entities of a matrix and three vectors.

use std::hint::black_box;

use flecs_ecs::prelude::World;

use super::by_hand::Simple;
use crate::compare::{Row, Size, Workload, fresh};
use crate::components::{Position, Rotation, Transform, Velocity, simple_bundle};
use crate::worlds::flecs::Columns;
use crate::{sums, worlds};

type Bundle = (Transform, Position, Rotation, Velocity);

/// One call an entity.
pub(super) fn spawn(size: Size) -> Row {
    let n = size.of(10_000);
    Row::new("simple_insert_spawn", "a new world, entities of mat4 + 3 vec3 one by one", n)
        .with("limit/growing", move || limit(n, Simple::default))
        .with("ecs/spawn", move || ours_spawn(n))
        .with("bevy/spawn", move || bevy_spawn(n))
        .with("hecs/spawn", move || hecs_spawn(n))
        .with("flecs/set", move || flecs_set(n))
        .with("legion/push", move || legion_push(n))
        .with("shipyard/add_entity", move || shipyard_add(n))
        .with("specs/create_entity", move || specs_create(n))
        .with("sparsey/create", move || sparsey_create(n))
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
        .with("flecs/bulk", move || flecs_bulk(n))
        .with("legion/extend", move || legion_extend(n))
        .with("legion/columns", move || legion_columns(n))
        .with("shipyard/bulk_add_entity", move || shipyard_bulk(n))
        .with("sparsey/extend", move || sparsey_extend(n))
}

/// What goes in: made where it is used, as in the suite.
fn bundles(n: usize) -> impl ExactSizeIterator<Item = Bundle> {
    (0..n).map(|_| simple_bundle())
}

/// Every way makes a world of nothing.
fn making<O>(make: impl Fn() -> O, check: impl Fn(&mut O) -> f64) -> impl Workload {
    fresh(|| (), move |()| make(), move |(), world| check(world))
}

fn limit(n: usize, new: impl Fn() -> Simple) -> impl Workload {
    making(
        move || {
            let mut table = new();
            for bundle in bundles(n) {
                black_box(table.push(bundle));
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
            for bundle in bundles(n) {
                world.spawn(bundle);
            }
            world
        },
        |world| worlds::ours::positions(world),
    )
}

fn ours_batch(n: usize) -> impl Workload {
    making(move || worlds::ours::with_ids(bundles(n)), |(world, _)| worlds::ours::positions(world))
}

fn bevy_spawn(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = bevy_ecs::world::World::new();
            for bundle in bundles(n) {
                world.spawn(bundle);
            }
            world
        },
        worlds::bevy::positions,
    )
}

fn bevy_batch(n: usize) -> impl Workload {
    making(move || worlds::bevy::with_ids(bundles(n)), |(world, _)| worlds::bevy::positions(world))
}

fn hecs_spawn(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = hecs::World::new();
            for bundle in bundles(n) {
                world.spawn(bundle);
            }
            world
        },
        worlds::hecs::positions,
    )
}

fn hecs_batch(n: usize) -> impl Workload {
    making(move || worlds::hecs::with_ids(bundles(n)), |(world, _)| worlds::hecs::positions(world))
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
                for (transform, position, rotation, velocity) in bundles(n) {
                    transforms.push(transform).unwrap();
                    positions.push(position).unwrap();
                    rotations.push(rotation).unwrap();
                    velocities.push(velocity).unwrap();
                }
            }
            let mut world = hecs::World::new();
            let ids: Vec<_> = world.spawn_column_batch(batch.build().unwrap()).collect();
            (world, ids)
        },
        |(world, _)| worlds::hecs::positions(world),
    )
}

/// One `set` a component; the entity passes through four tables. To make a
/// world of flecs takes a millisecond, which is not what the row is about.
fn flecs_set(n: usize) -> impl Workload {
    fresh(
        World::new,
        move |world| {
            for (transform, position, rotation, velocity) in bundles(n) {
                world.entity().set(transform).set(position).set(rotation).set(velocity);
            }
        },
        |world, ()| worlds::flecs::positions(world),
    )
}

fn flecs_bulk(n: usize) -> impl Workload {
    fresh(
        World::new,
        move |world| Bundle::spawn(world, bundles(n)),
        |world, _| worlds::flecs::positions(world),
    )
}

fn legion_push(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = legion::World::default();
            for bundle in bundles(n) {
                world.push(bundle);
            }
            world
        },
        |world| worlds::legion::positions(world),
    )
}

fn legion_extend(n: usize) -> impl Workload {
    making(
        move || worlds::legion::with_ids(bundles(n)),
        |(world, _)| worlds::legion::positions(world),
    )
}

fn legion_columns(n: usize) -> impl Workload {
    use legion::storage::IntoSoa;
    making(
        move || {
            let mut columns = (
                Vec::with_capacity(n),
                Vec::with_capacity(n),
                Vec::with_capacity(n),
                Vec::with_capacity(n),
            );
            for (transform, position, rotation, velocity) in bundles(n) {
                columns.0.push(transform);
                columns.1.push(position);
                columns.2.push(rotation);
                columns.3.push(velocity);
            }
            worlds::legion::with_ids(columns.into_soa())
        },
        |(world, _)| worlds::legion::positions(world),
    )
}

fn shipyard_add(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = shipyard::World::new();
            for bundle in bundles(n) {
                world.add_entity(bundle);
            }
            world
        },
        |world| worlds::shipyard::positions(world),
    )
}

fn shipyard_bulk(n: usize) -> impl Workload {
    making(
        move || worlds::shipyard::with_ids(bundles(n)),
        |(world, _)| worlds::shipyard::positions(world),
    )
}

fn specs_create(n: usize) -> impl Workload {
    making(
        move || worlds::specs::with_ids(bundles(n)),
        |(world, _)| worlds::specs::positions(world),
    )
}

fn sparsey_world() -> sparsey::World {
    let mut world = sparsey::World::default();
    worlds::sparsey::register::<Bundle>(&mut world);
    world
}

fn sparsey_create(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = sparsey_world();
            for bundle in bundles(n) {
                world.create(bundle);
            }
            world
        },
        |world| worlds::sparsey::positions(world),
    )
}

fn sparsey_extend(n: usize) -> impl Workload {
    making(
        move || {
            let mut world = sparsey_world();
            let ids = world.extend(bundles(n)).to_vec();
            (world, ids)
        },
        |(world, _)| worlds::sparsey::positions(world),
    )
}
