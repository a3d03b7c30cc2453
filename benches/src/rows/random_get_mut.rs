//! Components by id, in an order that no prefetcher guesses, to be changed.

use ecs::QueryState;

use super::by_hand::Moving;
use super::random_get::chosen;
use crate::compare::{Row, Size, Workload, steady};
use crate::components::Position;
use crate::{population, worlds};

pub(super) fn row(size: Size) -> Row {
    let (n, writes) = (size.of(1_000_000), size.of(100_000));
    Row::new("random_get_mut", "100k writes by id without order among 1M entities", writes)
        .with("limit/table", move || limit(n, writes))
        .with("ecs/world", move || ours_world(n, writes))
        .with("ecs/query", move || ours_query(n, writes))
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

/// What is done to each position.
#[inline]
fn touch(position: &mut Position) {
    position.0[0] += 1.0;
}

fn limit(n: usize, writes: usize) -> impl Workload {
    let (table, ids) = Moving::filled(n);
    steady(
        (table, chosen(&ids, writes)),
        |(table, ids)| ids.iter().for_each(|&id| touch(table.position_mut(id).unwrap())),
        |(table, _)| crate::sums::positions(table.positions()),
    )
}

fn ours_world(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| ids.iter().for_each(|&id| touch(world.get_mut::<Position>(id).unwrap())),
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
            ids.iter().for_each(|&id| touch(query.get_mut(id).unwrap()));
        },
        |(world, ..)| worlds::ours::positions(world),
    )
}

fn bevy_world(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::bevy::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            ids.iter().for_each(|&id| touch(&mut world.get_mut::<Position>(id).unwrap()));
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
            ids.iter().for_each(|&id| touch(&mut query.get_mut(id).unwrap()));
        },
        |(world, ..)| worlds::bevy::positions(world),
    )
}

fn hecs_world(n: usize, writes: usize) -> impl Workload {
    let (world, ids) = worlds::hecs::with_ids(population::moving(n));
    steady(
        (world, chosen(&ids, writes)),
        |(world, ids)| {
            ids.iter().for_each(|&id| touch(&mut world.get::<&mut Position>(id).unwrap()));
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
            ids.iter().for_each(|&id| touch(view.get_mut(id).unwrap()));
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
            ids.iter().for_each(|&id| world.entity_from_id(id).get::<&mut Position>(touch));
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
            ids.iter().for_each(|&id| touch(query.get_mut(world, id).unwrap()));
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
                ids.iter().for_each(|&id| touch(&mut (&mut positions).get(id).unwrap()));
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
            ids.iter().for_each(|&id| touch(positions.get_mut(id).unwrap()));
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
            ids.iter().for_each(|&id| touch(positions.get_mut(id).unwrap()));
        },
        |(world, _)| worlds::sparsey::positions(world),
    )
}
