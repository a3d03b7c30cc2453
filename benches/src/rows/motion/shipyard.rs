//! shipyard.

use rayon::prelude::*;
use shipyard::{IntoIter, View, ViewMut, World};

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::worlds;

pub(super) fn for_each(world: World) -> impl Workload {
    steady(
        world,
        |world| {
            world.run(|mut positions: ViewMut<'_, Position>, velocities: View<'_, Velocity>| {
                (&mut positions, &velocities)
                    .iter()
                    .for_each(|(position, velocity)| step(position, velocity));
            });
        },
        |world| worlds::shipyard::positions(world),
    )
}

pub(super) fn parallel(world: World) -> impl Workload {
    steady(
        world,
        |world| {
            world.run(|mut positions: ViewMut<'_, Position>, velocities: View<'_, Velocity>| {
                (&mut positions, &velocities)
                    .par_iter()
                    .for_each(|(position, velocity)| step(position, velocity));
            });
        },
        |world| worlds::shipyard::positions(world),
    )
}
