//! bevy_ecs.

use bevy_ecs::world::World;

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::worlds;

pub(super) fn for_each(mut world: World) -> impl Workload {
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
