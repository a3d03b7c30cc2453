//! hecs.

use hecs::{PreparedQuery, World};
use rayon::prelude::*;

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::worlds;

/// Rows that a thread takes at once: the piece that this engine takes too.
const BATCH: u32 = 8_192;

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

pub(super) fn parallel(world: World) -> impl Workload {
    steady(
        world,
        |world| {
            let batches = world.query_mut::<Moving<'_>>().into_iter_batched(BATCH);
            batches.par_bridge().for_each(|batch| {
                batch.for_each(|(position, velocity)| step(position, velocity));
            });
        },
        worlds::hecs::positions,
    )
}
