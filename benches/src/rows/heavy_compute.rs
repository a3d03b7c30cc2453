//! A hundred inversions of a matrix an entity, on as many threads as there are
//! cores.

use std::hint::black_box;

use cgmath::{Matrix4, Rad, SquareMatrix, Transform as _, Vector3};
use rayon::prelude::*;

use crate::compare::{Row, Size, Workload, steady};
use crate::components::{Position, Rotation, Transform, Velocity};
use crate::{sums, worlds};

/// Rows that a thread takes at once, where the engine lets one say so.
const BATCH: usize = 4;

pub(super) fn row(size: Size) -> Row {
    let n = size.of(1_000);
    Row::new("heavy_compute", "1,000 x 100 inverses of mat4, parallel", n)
        .with("limit/rayon", move || limit(n))
        .with("ecs/par_chunks_of", move || ours_chunks(n))
        .with("ecs/par_for_each", move || ours_par_for_each(n))
        .with("bevy/par_iter", move || bevy(n))
        .with("hecs/batches", move || hecs(n))
        .with("flecs/par_each", move || flecs(n))
        .with("legion/par_for_each", move || legion(n))
        .with("shipyard/par_iter", move || shipyard(n))
        .with("specs/par_join", move || specs(n))
        .with("sparsey/par_for_each", move || sparsey(n))
}

fn bundle() -> (Transform, Position, Rotation, Velocity) {
    let matrix = Matrix4::from_angle_x(Rad(1.2_f32));
    let along_x = [1.0, 0.0, 0.0];
    let transform = Transform(bytemuck::cast::<[[f32; 4]; 4], _>(matrix.into()));
    (transform, Position(along_x), Rotation(along_x), Velocity(along_x))
}

fn bundles(n: usize) -> impl ExactSizeIterator<Item = (Transform, Position, Rotation, Velocity)> {
    (0..n).map(|_| bundle())
}

/// The frame of a function that has one begins at a line of memory.
#[repr(align(64))]
struct Line {
    _first: u8,
}

/// What is done for each entity: the same code for all, and the same place of its frame in
/// lines of memory. That differed from caller to caller, and what it took by 1 %.
#[inline(never)]
fn compute(position: &mut Position, transform: &mut Transform) {
    black_box(&mut Line { _first: 0 });
    let mut matrix = Matrix4::from(bytemuck::cast::<_, [[f32; 4]; 4]>(transform.0));
    for _ in 0..100 {
        matrix = matrix.invert().expect("a rotation can be turned back");
    }
    position.0 = matrix.transform_vector(Vector3::from(position.0)).into();
    transform.0 = bytemuck::cast::<[[f32; 4]; 4], _>(matrix.into());
}

fn limit(n: usize) -> impl Workload {
    let columns: (Vec<_>, Vec<_>) = bundles(n).map(|bundle| (bundle.1, bundle.0)).unzip();
    steady(
        columns,
        |(positions, transforms)| {
            let pieces = positions.par_chunks_mut(BATCH).zip(transforms.par_chunks_mut(BATCH));
            pieces.for_each(|(positions, transforms)| {
                for (position, transform) in positions.iter_mut().zip(transforms) {
                    compute(position, transform);
                }
            });
        },
        |(positions, _)| sums::positions(positions.iter()),
    )
}

type Asked<'a> = (&'a mut Position, &'a mut Transform);

/// Pieces that are small from the beginning, where `par_for_each` first finds out what a row
/// costs.
fn ours_chunks(n: usize) -> impl Workload {
    use ecs::ParQuery;
    steady(
        (worlds::ours::spawned(bundles(n)), ecs::QueryState::<Asked<'_>>::new()),
        |(world, query)| {
            query.query_mut(world.storage_mut()).par_chunks_of(BATCH, |chunk| {
                chunk.for_each(|(position, transform)| compute(position, transform));
            });
        },
        |(world, _)| worlds::ours::positions(world),
    )
}

fn ours_par_for_each(n: usize) -> impl Workload {
    use ecs::ParQuery;
    steady(
        (worlds::ours::spawned(bundles(n)), ecs::QueryState::<Asked<'_>>::new()),
        |(world, query)| {
            query
                .query_mut(world.storage_mut())
                .par_for_each(|(position, transform)| compute(position, transform));
        },
        |(world, _)| worlds::ours::positions(world),
    )
}

fn bevy(n: usize) -> impl Workload {
    bevy_tasks::ComputeTaskPool::get_or_init(bevy_tasks::TaskPool::default);
    let mut world = worlds::bevy::spawned(bundles(n));
    let query = world.query::<(&mut Position, &mut Transform)>();
    steady(
        (world, query),
        |(world, query)| {
            query
                .par_iter_mut(world)
                .for_each(|(mut position, mut transform)| compute(&mut position, &mut transform));
        },
        |(world, _)| worlds::bevy::positions(world),
    )
}

fn hecs(n: usize) -> impl Workload {
    steady(
        worlds::hecs::spawned(bundles(n)),
        |world| {
            let batches = world.query_mut::<Asked<'_>>().into_iter_batched(BATCH as u32);
            batches.par_bridge().for_each(|batch| {
                batch.for_each(|(position, transform)| compute(position, transform));
            });
        },
        worlds::hecs::positions,
    )
}

fn flecs(n: usize) -> impl Workload {
    use flecs_ecs::prelude::*;
    let world = worlds::flecs::spawned(bundles(n));
    world.set_threads(2);
    world
        .system::<(&mut Position, &mut Transform)>()
        .par_each(|(position, transform)| compute(position, transform));
    steady(world, |world| world.progress(), |world| worlds::flecs::positions(world))
}

fn legion(n: usize) -> impl Workload {
    use legion::IntoQuery;
    use legion::storage::PackOptions;
    let mut world = worlds::legion::spawned(bundles(n));
    world.pack(PackOptions::force());
    steady(
        (world, <Asked<'_>>::query()),
        |(world, query)| {
            query.par_for_each_mut(world, |(position, transform)| compute(position, transform));
        },
        |(world, _)| worlds::legion::positions(world),
    )
}

fn shipyard(n: usize) -> impl Workload {
    use shipyard::{IntoIter, ViewMut};
    steady(
        worlds::shipyard::spawned(bundles(n)),
        |world| {
            world.run(
                |mut positions: ViewMut<'_, Position>, mut transforms: ViewMut<'_, Transform>| {
                    (&mut positions, &mut transforms)
                        .par_iter()
                        .for_each(|(position, transform)| compute(position, transform));
                },
            );
        },
        |world| worlds::shipyard::positions(world),
    )
}

fn specs(n: usize) -> impl Workload {
    use specs::{ParJoin, WorldExt};
    steady(
        worlds::specs::spawned(bundles(n)),
        |world| {
            let mut positions = world.write_storage::<Position>();
            let mut transforms = world.write_storage::<Transform>();
            (&mut positions, &mut transforms)
                .par_join()
                .for_each(|(position, transform)| compute(position, transform));
        },
        |world| worlds::specs::positions(world),
    )
}

fn sparsey(n: usize) -> impl Workload {
    let (world, _) = worlds::sparsey::with_ids(bundles(n));
    steady(
        world,
        |world| {
            world.par_for_each::<Asked<'_>>(|(position, transform)| compute(position, transform));
        },
        |world| worlds::sparsey::positions(world),
    )
}
