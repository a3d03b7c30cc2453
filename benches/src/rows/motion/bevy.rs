//! bevy_ecs.

use bevy_ecs::world::World;

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::stretches::add_flat;
use crate::worlds;

pub(in crate::rows) fn for_each(mut world: World) -> impl Workload {
    let query = world.query::<(&mut Position, &Velocity)>();
    steady(
        (world, query),
        |(world, query)| {
            query
                .iter_mut(world)
                .for_each(|(mut position, velocity)| step(&mut position, velocity));
        },
        |(world, _)| worlds::bevy::positions(world),
    )
}

pub(super) fn contiguous(mut world: World) -> impl Workload {
    let query = world.query::<(&mut Position, &Velocity)>();
    steady(
        (world, query),
        |(world, query)| {
            for (mut positions, velocities) in query.contiguous_iter_mut(world).unwrap() {
                for (position, velocity) in positions.iter_mut().zip(velocities) {
                    step(position, velocity);
                }
            }
        },
        |(world, _)| worlds::bevy::positions(world),
    )
}

pub(in crate::rows) fn flat_contiguous(mut world: World) -> impl Workload {
    let query = world.query::<(&mut Position, &Velocity)>();
    steady(
        (world, query),
        |(world, query)| {
            for (mut positions, velocities) in query.contiguous_iter_mut(world).unwrap() {
                add_flat(&mut positions, velocities);
            }
        },
        |(world, _)| worlds::bevy::positions(world),
    )
}

pub(super) fn parallel(mut world: World) -> impl Workload {
    bevy_tasks::ComputeTaskPool::get_or_init(bevy_tasks::TaskPool::default);
    let query = world.query::<(&mut Position, &Velocity)>();
    steady(
        (world, query),
        |(world, query)| {
            query
                .par_iter_mut(world)
                .for_each(|(mut position, velocity)| step(&mut position, velocity));
        },
        |(world, _)| worlds::bevy::positions(world),
    )
}
