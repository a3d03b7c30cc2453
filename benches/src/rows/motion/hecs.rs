//! hecs.

use hecs::{PreparedQuery, World};

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::worlds;

type Moving<'a> = (&'a mut Position, &'a Velocity);

fn prepared(
    world: World,
    mut work: impl FnMut(&mut World, &mut PreparedQuery<Moving<'static>>),
) -> impl Workload {
    steady(
        (world, PreparedQuery::new()),
        move |(world, query)| work(world, query),
        |(world, _)| worlds::hecs::positions(world),
    )
}

pub(super) fn for_each(world: World) -> impl Workload {
    prepared(world, |world, query| {
        query.query_mut(world).for_each(|(position, velocity)| step(position, velocity));
    })
}

pub(super) fn plain_for(world: World) -> impl Workload {
    prepared(world, |world, query| {
        for (position, velocity) in query.query_mut(world) {
            step(position, velocity);
        }
    })
}
