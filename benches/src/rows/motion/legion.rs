//! legion.

use legion::query::Query;
use legion::storage::PackOptions;
use legion::{IntoQuery, Read, World, Write};

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::stretches::add_flat;
use crate::worlds;

type Moving = (Write<Position>, Read<Velocity>);

fn prepared(
    mut world: World,
    mut work: impl FnMut(&mut World, &mut Query<Moving>),
) -> impl Workload {
    world.pack(PackOptions::force());
    steady(
        (world, Moving::query()),
        move |(world, query)| work(world, query),
        |(world, _)| worlds::legion::positions(world),
    )
}

pub(in crate::rows) fn for_each(world: World) -> impl Workload {
    prepared(world, |world, query| {
        query.for_each_mut(world, |(position, velocity)| step(position, velocity));
    })
}

pub(in crate::rows) fn flat_chunks(world: World) -> impl Workload {
    prepared(world, |world, query| {
        query.for_each_chunk_mut(world, |chunk| {
            let (positions, velocities) = chunk.into_components();
            add_flat(positions, velocities);
        });
    })
}

pub(super) fn parallel(world: World) -> impl Workload {
    prepared(world, |world, query| {
        query.par_for_each_mut(world, |(position, velocity)| step(position, velocity));
    })
}
