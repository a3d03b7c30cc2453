//! specs.

use rayon::prelude::*;
use specs::{Join, ParJoin, World, WorldExt};

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::worlds;

pub(super) fn join(world: World) -> impl Workload {
    steady(
        world,
        |world| {
            let mut positions = world.write_storage::<Position>();
            let velocities = world.read_storage::<Velocity>();
            (&mut positions, &velocities)
                .join()
                .for_each(|(position, velocity)| step(position, velocity));
        },
        |world| worlds::specs::positions(world),
    )
}

pub(super) fn parallel(world: World) -> impl Workload {
    steady(
        world,
        |world| {
            let mut positions = world.write_storage::<Position>();
            let velocities = world.read_storage::<Velocity>();
            (&mut positions, &velocities)
                .par_join()
                .for_each(|(position, velocity)| step(position, velocity));
        },
        |world| worlds::specs::positions(world),
    )
}
