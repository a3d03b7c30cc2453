//! flecs, whose cached queries are what it calls fastest.

use flecs_ecs::prelude::*;

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::stretches::add_flat;
use crate::worlds;

type Moving = (&'static mut Position, &'static Velocity);

/// The query is dropped before its world.
fn prepared(world: World, mut work: impl FnMut(&Query<Moving>)) -> impl Workload {
    let query = world.query::<Moving>().set_cached().build();
    steady(
        (query, world),
        move |(query, _)| work(query),
        |(_, world)| worlds::flecs::positions(world),
    )
}

pub(super) fn each(world: World) -> impl Workload {
    prepared(world, |query| query.each(|(position, velocity)| step(position, velocity)))
}

pub(super) fn flat_run(world: World) -> impl Workload {
    prepared(world, |query| {
        query.run(|mut tables| {
            while tables.next() {
                let mut positions = tables.field_mut::<Position>(0);
                let velocities = tables.field::<Velocity>(1);
                add_flat(positions.as_mut_slice(), velocities.as_slice());
            }
        });
    })
}

/// A system on two threads; the rest of a frame runs with it.
pub(super) fn parallel(world: World) -> impl Workload {
    world.set_threads(2);
    world.system::<Moving>().par_each(|(position, velocity)| step(position, velocity));
    steady(world, |world| world.progress(), |world| worlds::flecs::positions(world))
}
