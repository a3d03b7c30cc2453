//! Components by id, in an order that no prefetcher guesses.

use ecs::QueryState;

use super::by_hand::Moving;
use crate::compare::{Row, Size, Workload, steady};
use crate::components::Position;
use crate::{population, scattered, worlds};

pub(super) fn row(size: Size) -> Row {
    let (n, reads) = (size.of(1_000_000), size.of(100_000));
    Row::new("random_get", "100k reads by id without order among 1M entities", reads)
        .with("limit/table", move || limit(n, reads))
        .with("limit/in_blocks", move || limit_in_blocks(n, reads))
        .with("ecs/world", move || ours_world(n, reads))
        .with("ecs/query", move || ours_query(n, reads))
        .with("ecs/view", move || ours_view(n, reads))
        .with("ecs/get_each", move || ours_get_each(n, reads))
        .with("bevy/world", move || bevy_world(n, reads))
        .with("bevy/query", move || bevy_query(n, reads))
        .with("hecs/world", move || hecs_world(n, reads))
        .with("hecs/view", move || hecs_view(n, reads))
        .with("flecs/get", move || flecs_get(n, reads))
        .with("legion/query", move || legion_query(n, reads))
        .with("shipyard/view", move || shipyard_view(n, reads))
        .with("specs/storage", move || specs_storage(n, reads))
        .with("sparsey/view", move || sparsey_view(n, reads))
}

/// Chooses the entities that are asked for.
pub(super) fn chosen<I: Copy>(ids: &[I], count: usize) -> Vec<I> {
    scattered(count, ids.len()).into_iter().map(|n| ids[n]).collect()
}

/// Adds up the same values in the same order, so that the sums agree to the bit.
fn reading<W, I>(world: W, ids: Vec<I>, sum: impl Fn(&mut W, &[I]) -> f32 + Copy) -> impl Workload {
    steady(
        (world, ids),
        move |(world, ids)| sum(world, ids),
        move |(world, ids)| f64::from(sum(world, ids)),
    )
}

fn limit(n: usize, reads: usize) -> impl Workload {
    let (table, ids) = Moving::filled(n);
    reading(table, chosen(&ids, reads), |table, ids| {
        ids.iter().map(|&id| table.position(id).unwrap().0[0]).sum()
    })
}

fn limit_in_blocks(n: usize, reads: usize) -> impl Workload {
    let (table, ids) = Moving::filled(n);
    reading(table, chosen(&ids, reads), |table, ids| {
        let mut sum = 0.0;
        table.positions_of(ids, |position| sum += position.0[0]);
        sum
    })
}

fn ours_world(n: usize, reads: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    reading(world, chosen(&ids, reads), |world, ids| {
        ids.iter().map(|&id| world.get::<Position>(id).unwrap().0[0]).sum()
    })
}

fn ours_query(n: usize, reads: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    let query = QueryState::<&Position>::new();
    reading((world, query), chosen(&ids, reads), |(world, query), ids| {
        let query = query.query(world.storage());
        ids.iter().map(|&id| query.get(id).unwrap().0[0]).sum()
    })
}

fn ours_view(n: usize, reads: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    let query = QueryState::<&Position>::new();
    reading((world, query), chosen(&ids, reads), |(world, query), ids| {
        let query = query.query(world.storage());
        let view = query.view();
        ids.iter().map(|&id| view.get(id).unwrap().0[0]).sum()
    })
}

fn ours_get_each(n: usize, reads: usize) -> impl Workload {
    let (world, ids) = worlds::ours::with_ids(population::moving(n));
    let query = QueryState::<&Position>::new();
    reading((world, query), chosen(&ids, reads), |(world, query), ids| {
        let mut sum = 0.0;
        let ids = ids.iter().copied();
        query.query(world.storage()).view().get_each(ids, |_, at| sum += at.unwrap().0[0]);
        sum
    })
}

fn bevy_world(n: usize, reads: usize) -> impl Workload {
    let (world, ids) = worlds::bevy::with_ids(population::moving(n));
    reading(world, chosen(&ids, reads), |world, ids| {
        ids.iter().map(|&id| world.get::<Position>(id).unwrap().0[0]).sum()
    })
}

fn bevy_query(n: usize, reads: usize) -> impl Workload {
    let (mut world, ids) = worlds::bevy::with_ids(population::moving(n));
    let query = world.query::<&Position>();
    reading((world, query), chosen(&ids, reads), |(world, query), ids| {
        let query = query.query(world);
        ids.iter().map(|&id| query.get(id).unwrap().0[0]).sum()
    })
}

fn hecs_world(n: usize, reads: usize) -> impl Workload {
    let (world, ids) = worlds::hecs::with_ids(population::moving(n));
    reading(world, chosen(&ids, reads), |world, ids| {
        ids.iter().map(|&id| world.get::<&Position>(id).unwrap().0[0]).sum()
    })
}

fn hecs_view(n: usize, reads: usize) -> impl Workload {
    let (world, ids) = worlds::hecs::with_ids(population::moving(n));
    reading(world, chosen(&ids, reads), |world, ids| {
        let mut query = world.query::<&Position>();
        let view = query.view();
        ids.iter().map(|&id| view.get(id).unwrap().0[0]).sum()
    })
}

fn flecs_get(n: usize, reads: usize) -> impl Workload {
    use flecs_ecs::prelude::EntityViewGet;
    let (world, ids) = worlds::flecs::with_ids(population::moving(n));
    reading(world, chosen(&ids, reads), |world, ids| {
        ids.iter().map(|&id| world.entity_from_id(id).get::<&Position>(|p| p.0[0])).sum()
    })
}

fn legion_query(n: usize, reads: usize) -> impl Workload {
    use legion::IntoQuery;
    let (world, ids) = worlds::legion::with_ids(population::moving(n));
    reading((world, <&Position>::query()), chosen(&ids, reads), |(world, query), ids| {
        ids.iter().map(|&id| query.get(world, id).unwrap().0[0]).sum()
    })
}

fn shipyard_view(n: usize, reads: usize) -> impl Workload {
    use shipyard::{Get, View};
    let (world, ids) = worlds::shipyard::with_ids(population::moving(n));
    reading(world, chosen(&ids, reads), |world, ids| {
        world.run(|positions: View<'_, Position>| {
            ids.iter().map(|&id| (&positions).get(id).unwrap().0[0]).sum()
        })
    })
}

fn specs_storage(n: usize, reads: usize) -> impl Workload {
    use specs::WorldExt;
    let (world, ids) = worlds::specs::with_ids(population::moving(n));
    reading(world, chosen(&ids, reads), |world, ids| {
        let positions = world.read_storage::<Position>();
        ids.iter().map(|&id| positions.get(id).unwrap().0[0]).sum()
    })
}

fn sparsey_view(n: usize, reads: usize) -> impl Workload {
    let (world, ids) = worlds::sparsey::with_ids(population::moving(n));
    reading(world, chosen(&ids, reads), |world, ids| {
        let positions = world.borrow::<Position>();
        ids.iter().map(|&id| positions.get(id).unwrap().0[0]).sum()
    })
}
