//! sparsey, positions and velocities in one group.

use sparsey::World;

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::stretches::add_flat;
use crate::worlds;

type Moving<'a> = (&'a mut Position, &'a Velocity);

pub(super) fn group(world: World) -> impl Workload {
    steady(
        world,
        |world| {
            world.for_each::<Moving<'_>>(|(position, velocity)| step(position, velocity));
        },
        |world| worlds::sparsey::positions(world),
    )
}

pub(super) fn flat_slices(world: World) -> impl Workload {
    steady(
        world,
        |world| {
            let mut query = world.query_all::<Moving<'_>>();
            let (positions, velocities) = query.slice().unwrap();
            add_flat(positions, velocities);
        },
        |world| worlds::sparsey::positions(world),
    )
}

pub(super) fn parallel(world: World) -> impl Workload {
    steady(
        world,
        |world| {
            world.par_for_each::<Moving<'_>>(|(position, velocity)| step(position, velocity));
        },
        |world| worlds::sparsey::positions(world),
    )
}
