//! Components by id, in an order that no prefetcher guesses, to be changed.
//!
//! A write whose address is still being looked up holds back every later read on
//! processors that may not read past it, as hosts of virtual machines often set
//! them (speculative store bypass disabled). Look-ups then wait for memory one by
//! one, 150 ns each whatever the engine, and nothing else is measured. So each
//! block of ids is read before it is written: the reads wait together, and the
//! writes find in the cache what they look up. Who takes the whole list at once sees
//! to that itself, and reads and writes each as it comes.

use std::hint::black_box;

use ecs::QueryState;

use super::by_hand::Moving;
use super::random_get::chosen;
use crate::compare::{Row, Size, Workload, steady};
use crate::components::Position;
use crate::{population, worlds};

pub(super) fn row(size: Size) -> Row {
    let (n, writes) = (size.of(1_000_000), size.of(100_000));
    Row::new(
        "random_get_mut",
        "100k reads, then writes, by id without order among 1M entities",
        writes,
    )
    .with("limit/table", move || limit(n, writes))
    .with("ecs/world", move || ours_world(n, writes))
    .with("ecs/query", move || ours_query(n, writes))
    .with("ecs/view", move || ours_view(n, writes))
    .with("ecs/get_each_mut", move || ours_get_each(n, writes))
    .with("bevy/world", move || bevy_world(n, writes))
    .with("bevy/query", move || bevy_query(n, writes))
    .with("hecs/world", move || hecs_world(n, writes))
    .with("hecs/view", move || hecs_view(n, writes))
    .with("flecs/get", move || flecs_get(n, writes))
    .with("legion/query", move || legion_query(n, writes))
    .with("shipyard/view", move || shipyard_view(n, writes))
    .with("specs/storage", move || specs_storage(n, writes))
    .with("sparsey/view", move || sparsey_view(n, writes))
}

/// How many ids are read before they are written.
const BLOCK: usize = 64;

/// Reads a position.
#[inline]
fn look(position: &Position) {
    black_box(position.0[0]);
}

/// Writes a position.
#[inline]
fn touch(position: &mut Position) {
    position.0[0] += 1.0;
}

/// Does the one, and then the other, with each id of a block.
macro_rules! in_blocks {
    ($ids:expr, |$id:ident| $read:expr, $write:expr) => {
        for block in $ids.chunks(BLOCK) {
            for &$id in block {
                $read;
            }
            for &$id in block {
                $write;
            }
        }
    };
}

fn limit(n: usize, writes: usize) -> impl Workload {
    let (table, ids) = Moving::filled(n);
    steady(
        (table, chosen(&ids, writes)),
        |(table, ids)| {
            in_blocks!(
                ids,
                |id| look(table.position(id).unwrap()),
                touch(table.position_mut(id).unwrap())
            );
        },
        |(table, _)| crate::sums::positions(table.positions()),
    )
}

fn ours_world(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            in_blocks!(
                ids,
                |id| look(world.get::<Position>(id).unwrap()),
                touch(world.get_mut::<Position>(id).unwrap())
            );
        },
        |(world, _)| worlds::ours::positions(world),
    )
}

fn ours_query(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    let query = QueryState::<&mut Position>::new();
    steady(
        (world, chosen(&ids, writes), query),
        |(world, ids, query)| {
            let mut query = query.query_mut(world.storage_mut());
            in_blocks!(
                ids,
                |id| look(query.get_mut(id).unwrap()),
                touch(query.get_mut(id).unwrap())
            );
        },
        |(world, ..)| worlds::ours::positions(world),
    )
}

fn ours_view(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    let query = QueryState::<&mut Position>::new();
    steady(
        (world, chosen(&ids, writes), query),
        |(world, ids, query)| {
            let mut query = query.query_mut(world.storage_mut());
            let mut view = query.view_mut();
            in_blocks!(ids, |id| look(view.get_mut(id).unwrap()), touch(view.get_mut(id).unwrap()));
        },
        |(world, ..)| worlds::ours::positions(world),
    )
}

fn ours_get_each(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    let query = QueryState::<&mut Position>::new();
    steady(
        (world, chosen(&ids, writes), query),
        |(world, ids, query)| {
            let mut query = query.query_mut(world.storage_mut());
            query.view_mut().get_each_mut(ids.iter().copied(), |_, position| {
                let position = position.unwrap();
                look(position);
                touch(position);
            });
        },
        |(world, ..)| worlds::ours::positions(world),
    )
}

fn bevy_world(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::bevy::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            in_blocks!(
                ids,
                |id| look(world.get::<Position>(id).unwrap()),
                touch(&mut world.get_mut::<Position>(id).unwrap())
            );
        },
        |(world, _)| worlds::bevy::positions(world),
    )
}

fn bevy_query(n: usize, writes: usize) -> impl Workload {
    let (mut world, ids) = worlds::bevy::with_ids(population::moving(n));
    let query = world.query::<&mut Position>();
    steady(
        (world, chosen(&ids, writes), query),
        |(world, ids, query)| {
            let mut query = query.query_mut(world);
            in_blocks!(
                ids,
                |id| look(query.get(id).unwrap()),
                touch(&mut query.get_mut(id).unwrap())
            );
        },
        |(world, ..)| worlds::bevy::positions(world),
    )
}

fn hecs_world(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::hecs::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            in_blocks!(
                ids,
                |id| look(&world.get::<&Position>(id).unwrap()),
                touch(&mut world.get::<&mut Position>(id).unwrap())
            );
        },
        |(world, _)| worlds::hecs::positions(world),
    )
}

fn hecs_view(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::hecs::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            let mut view = world.view_mut::<&mut Position>();
            in_blocks!(ids, |id| look(view.get_mut(id).unwrap()), touch(view.get_mut(id).unwrap()));
        },
        |(world, _)| worlds::hecs::positions(world),
    )
}

fn flecs_get(n: usize, writes: usize) -> impl Workload {
    use flecs_ecs::prelude::EntityViewGet;
    let (world, ids) = worlds::flecs::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            in_blocks!(
                ids,
                |id| world.entity_from_id(id).get::<&Position>(look),
                world.entity_from_id(id).get::<&mut Position>(touch)
            );
        },
        |(world, _)| worlds::flecs::positions(world),
    )
}

fn legion_query(n: usize, writes: usize) -> impl Workload {
    use legion::IntoQuery;
    let (world, ids) = worlds::legion::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes), <&mut Position>::query()),
        |(world, ids, query)| {
            in_blocks!(
                ids,
                |id| look(query.get_mut(world, id).unwrap()),
                touch(query.get_mut(world, id).unwrap())
            );
        },
        |(world, ..)| worlds::legion::positions(world),
    )
}

fn shipyard_view(n: usize, writes: usize) -> impl Workload {
    use shipyard::{Get, ViewMut};
    let (world, ids) = worlds::shipyard::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            world.run(|mut positions: ViewMut<'_, Position>| {
                in_blocks!(
                    ids,
                    |id| look((&positions).get(id).unwrap()),
                    touch(&mut (&mut positions).get(id).unwrap())
                );
            });
        },
        |(world, _)| worlds::shipyard::positions(world),
    )
}

fn specs_storage(n: usize, writes: usize) -> impl Workload {
    use specs::WorldExt;
    let (world, ids) = worlds::specs::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            let mut positions = world.write_storage::<Position>();
            in_blocks!(
                ids,
                |id| look(positions.get(id).unwrap()),
                touch(positions.get_mut(id).unwrap())
            );
        },
        |(world, _)| worlds::specs::positions(world),
    )
}

fn sparsey_view(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::sparsey::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            let mut positions = world.borrow_mut::<Position>();
            in_blocks!(
                ids,
                |id| look(positions.get(id).unwrap()),
                touch(positions.get_mut(id).unwrap())
            );
        },
        |(world, _)| worlds::sparsey::positions(world),
    )
}
