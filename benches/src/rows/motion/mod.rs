//! Position += velocity, for few and many entities.

pub(super) mod bevy;
pub(super) mod by_hand;
mod flecs;
mod hecs;
pub(super) mod legion;
pub(super) mod ours;
mod shipyard;
mod sparsey;
mod specs;

use crate::compare::{Row, Size};
use crate::components::letters::{A, B, C, D, E, F};
use crate::components::{Position, Rotation, Transform, Velocity};
use crate::{population, worlds};

/// So few that they stay in the cache.
pub(super) fn simple_iter(size: Size) -> Row {
    let n = size.of(10_000);
    let all = move || population::simple(n);
    let columns = move || population::simple(n).map(|bundle| (bundle.1, bundle.3));
    Row::new("simple_iter", "position += velocity, vec3 of f32", n)
        .with("limit/structs", move || by_hand::structs(columns()))
        .with("limit/flat", move || by_hand::flat(columns()))
        .with("ecs/for_each", move || ours::for_each(worlds::ours::spawned(all())))
        .with("ecs/for", move || ours::plain_for(worlds::ours::spawned(all())))
        .with("ecs/flat_chunks", move || ours::flat_chunks(worlds::ours::spawned(all())))
        .with("bevy/for_each", move || bevy::for_each(worlds::bevy::spawned(all())))
        .with("bevy/contiguous", move || bevy::contiguous(worlds::bevy::spawned(all())))
        .with("bevy/flat_contiguous", move || bevy::flat_contiguous(worlds::bevy::spawned(all())))
        .with("hecs/for_each", move || hecs::for_each(worlds::hecs::spawned(all())))
        .with("hecs/for", move || hecs::plain_for(worlds::hecs::spawned(all())))
        .with("flecs/each", move || flecs::each(worlds::flecs::spawned(all())))
        .with("flecs/flat_run", move || flecs::flat_run(worlds::flecs::spawned(all())))
        .with("legion/for_each", move || legion::for_each(worlds::legion::spawned(all())))
        .with("legion/flat_chunks", move || legion::flat_chunks(worlds::legion::spawned(all())))
        .with("shipyard/for_each", move || shipyard::for_each(worlds::shipyard::spawned(all())))
        .with("specs/join", move || specs::join(worlds::specs::spawned(all())))
        .with("sparsey/group", move || sparsey::group(sparsey_simple(n)))
        .with("sparsey/flat_slices", move || sparsey::flat_slices(sparsey_simple(n)))
}

/// Only what is iterated over is a group, in an order that the rest shares.
fn sparsey_simple(n: usize) -> ::sparsey::World {
    let mut world = worlds::sparsey::grouped::<(Position, Velocity)>();
    worlds::sparsey::register::<(Transform, Rotation)>(&mut world);
    world.extend(population::simple(n));
    world
}

/// More than a cache holds.
pub(super) fn large_iter(size: Size) -> Row {
    many("large_iter", "position += velocity, 1M entities of both", size.of(1_000_000))
}

/// Far more than a cache holds.
pub(super) fn xlarge_iter(size: Size) -> Row {
    many("xlarge_iter", "position += velocity, 10M entities of both", size.of(10_000_000))
}

fn many(name: &'static str, about: &'static str, n: usize) -> Row {
    let all = move || population::moving(n);
    Row::new(name, about, n)
        .with("limit/structs", move || by_hand::structs(all()))
        .with("limit/flat", move || by_hand::flat(all()))
        .with("limit/interleaved", move || by_hand::interleaved(all()))
        .with("ecs/for_each", move || ours::for_each(worlds::ours::spawned(all())))
        .with("ecs/for", move || ours::plain_for(worlds::ours::spawned(all())))
        .with("ecs/flat_chunks", move || ours::flat_chunks(worlds::ours::spawned(all())))
        .with("ecs/interleaved", move || ours::interleaved(worlds::ours::spawned(all())))
        .with("bevy/for_each", move || bevy::for_each(worlds::bevy::spawned(all())))
        .with("bevy/contiguous", move || bevy::contiguous(worlds::bevy::spawned(all())))
        .with("bevy/flat_contiguous", move || bevy::flat_contiguous(worlds::bevy::spawned(all())))
        .with("hecs/for_each", move || hecs::for_each(worlds::hecs::spawned(all())))
        .with("hecs/for", move || hecs::plain_for(worlds::hecs::spawned(all())))
        .with("flecs/each", move || flecs::each(worlds::flecs::spawned(all())))
        .with("flecs/flat_run", move || flecs::flat_run(worlds::flecs::spawned(all())))
        .with("legion/for_each", move || legion::for_each(worlds::legion::spawned(all())))
        .with("legion/flat_chunks", move || legion::flat_chunks(worlds::legion::spawned(all())))
        .with("shipyard/for_each", move || shipyard::for_each(worlds::shipyard::spawned(all())))
        .with("specs/join", move || specs::join(worlds::specs::spawned(all())))
        .with("sparsey/group", move || sparsey::group(sparsey_moving(n)))
        .with("sparsey/flat_slices", move || sparsey::flat_slices(sparsey_moving(n)))
}

fn sparsey_moving(n: usize) -> ::sparsey::World {
    let mut world = worlds::sparsey::grouped::<(Position, Velocity)>();
    world.extend(population::moving(n));
    world
}

/// Entities of eight components, of which two are touched.
pub(super) fn large_iter_2of8(size: Size) -> Row {
    let n = size.of(1_000_000);
    let all = move || population::eight(n);
    Row::new("large_iter_2of8", "position += velocity, 1M entities of 8 components", n)
        .with("limit/structs", move || by_hand::structs(population::moving(n)))
        .with("limit/flat", move || by_hand::flat(population::moving(n)))
        .with("limit/interleaved", move || by_hand::interleaved(population::moving(n)))
        .with("ecs/for_each", move || ours::for_each(worlds::ours::spawned(all())))
        .with("ecs/for", move || ours::plain_for(worlds::ours::spawned(all())))
        .with("ecs/flat_chunks", move || ours::flat_chunks(worlds::ours::spawned(all())))
        .with("ecs/interleaved", move || ours::interleaved(worlds::ours::spawned(all())))
        .with("bevy/for_each", move || bevy::for_each(worlds::bevy::spawned(all())))
        .with("bevy/contiguous", move || bevy::contiguous(worlds::bevy::spawned(all())))
        .with("bevy/flat_contiguous", move || bevy::flat_contiguous(worlds::bevy::spawned(all())))
        .with("hecs/for_each", move || hecs::for_each(worlds::hecs::spawned(all())))
        .with("flecs/each", move || flecs::each(worlds::flecs::spawned(all())))
        .with("flecs/flat_run", move || flecs::flat_run(worlds::flecs::spawned(all())))
        .with("legion/for_each", move || legion::for_each(worlds::legion::spawned(all())))
        .with("legion/flat_chunks", move || legion::flat_chunks(worlds::legion::spawned(all())))
        .with("shipyard/for_each", move || shipyard::for_each(worlds::shipyard::spawned(all())))
        .with("specs/join", move || specs::join(worlds::specs::spawned(all())))
        .with("sparsey/group", move || sparsey::group(sparsey_eight(n)))
        .with("sparsey/flat_slices", move || sparsey::flat_slices(sparsey_eight(n)))
}

fn sparsey_eight(n: usize) -> ::sparsey::World {
    let mut world = worlds::sparsey::grouped::<(Position, Velocity)>();
    worlds::sparsey::register::<(A, B, C)>(&mut world);
    worlds::sparsey::register::<(D, E, F)>(&mut world);
    world.extend(population::eight(n));
    world
}

/// On as many threads as there are cores; flecs on two.
pub(super) fn par_iter(size: Size) -> Row {
    let n = size.of(1_000_000);
    let all = move || population::moving(n);
    Row::new("par_iter", "position += velocity, 1M entities of both, parallel", n)
        .with("limit/flat", move || by_hand::parallel(all()))
        .with("ecs/par_for_each", move || ours::parallel(worlds::ours::spawned(all())))
        .with("ecs/par_flat_chunks", move || ours::parallel_flat(worlds::ours::spawned(all())))
        .with("bevy/par_iter", move || bevy::parallel(worlds::bevy::spawned(all())))
        .with("hecs/batches", move || hecs::parallel(worlds::hecs::spawned(all())))
        .with("flecs/par_each", move || flecs::parallel(worlds::flecs::spawned(all())))
        .with("legion/par_for_each", move || legion::parallel(worlds::legion::spawned(all())))
        .with("shipyard/par_iter", move || shipyard::parallel(worlds::shipyard::spawned(all())))
        .with("specs/par_join", move || specs::parallel(worlds::specs::spawned(all())))
        .with("sparsey/par_group", move || sparsey::parallel(sparsey_moving(n)))
}
