//! This engine.

use ecs::{Chunk, ParQuery, QueryState, World};

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::stretches::add_flat;
use crate::worlds;

fn prepared(
    world: World,
    mut work: impl FnMut(&mut World, &mut QueryState<(&mut Position, &Velocity)>),
) -> impl Workload {
    let query = QueryState::new();
    steady(
        (world, query),
        move |(world, query)| work(world, query),
        |(world, _)| worlds::ours::positions(world),
    )
}

pub(in crate::rows) fn for_each(world: World) -> impl Workload {
    prepared(world, |world, query| {
        query
            .query_mut(world.storage_mut())
            .for_each(|(position, velocity)| step(position, velocity));
    })
}

pub(super) fn plain_for(world: World) -> impl Workload {
    prepared(world, |world, query| {
        for (position, velocity) in query.query_mut(world.storage_mut()).iter_mut() {
            step(position, velocity);
        }
    })
}

pub(in crate::rows) fn flat_chunks(world: World) -> impl Workload {
    prepared(world, |world, query| {
        for chunk in query.query_mut(world.storage_mut()).chunks_mut() {
            let (positions, velocities) = chunk.into_slices();
            add_flat(positions, velocities);
        }
    })
}

pub(in crate::rows) fn interleaved(world: World) -> impl Workload {
    prepared(world, |world, query| {
        let mut query = query.query_mut(world.storage_mut());
        for chunk in query.chunks_mut().flat_map(Chunk::interleaved) {
            let (positions, velocities) = chunk.into_slices();
            add_flat(positions, velocities);
        }
    })
}

pub(super) fn parallel(world: World) -> impl Workload {
    prepared(world, |world, query| {
        query
            .query_mut(world.storage_mut())
            .par_for_each(|(position, velocity)| step(position, velocity));
    })
}

pub(super) fn parallel_flat(world: World) -> impl Workload {
    prepared(world, |world, query| {
        query.query_mut(world.storage_mut()).par_chunks(|chunk| {
            let (positions, velocities) = chunk.into_slices();
            add_flat(positions, velocities);
        });
    })
}
