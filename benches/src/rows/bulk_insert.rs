//! A million entities at once: from an iterator, or from finished columns.

use std::mem::take;

use super::by_hand::Moving;
use crate::compare::{Row, Size, Workload, fresh};
use crate::components::{Position, Velocity};
use crate::{population, sums, worlds};

type Columns = (Vec<Position>, Vec<Velocity>);

pub(super) fn row(size: Size) -> Row {
    let n = size.of(1_000_000);
    Row::new("bulk_insert", "a new world, 1M entities of position and velocity", n)
        .with("limit/columns", move || limit_columns(n))
        .with("limit/iterator", move || limit_iterator(n))
        .with("ecs/columns", move || ours_columns(n))
        .with("ecs/iterator", move || ours_iterator(n))
        .with("bevy/spawn_batch", move || bevy(n))
        .with("hecs/columns", move || hecs_columns(n))
        .with("hecs/spawn_batch", move || hecs_iterator(n))
        .with("flecs/columns", move || flecs_columns(n))
        .with("legion/columns", move || legion_columns(n))
        .with("legion/extend", move || legion_iterator(n))
        .with("shipyard/bulk_add_entity", move || shipyard(n))
        .with("specs/create_entity", move || specs(n))
        .with("sparsey/extend", move || sparsey(n))
}

/// Makes a world of an iterator.
fn of_iterator<O>(make: impl Fn() -> O, check: impl Fn(&mut O) -> f64) -> impl Workload {
    fresh(|| (), move |()| make(), move |(), world| check(world))
}

/// Makes a world of columns that were finished before.
fn of_columns<O>(
    n: usize,
    make: impl Fn(&mut Columns) -> O,
    check: impl Fn(&mut O) -> f64,
) -> impl Workload {
    fresh(move || population::moving(n).unzip(), make, move |_, world| check(world))
}

/// The caller gets the ids, as from every engine: a million of them are a third
/// of what is written, so a loop that kept them to itself would do another work.
fn limit_columns(n: usize) -> impl Workload {
    of_columns(
        n,
        |(positions, velocities)| {
            let table = Moving::of_columns(take(positions), take(velocities));
            let ids = table.ids().to_vec();
            (table, ids)
        },
        |(table, _)| sums::positions(table.positions()),
    )
}

fn limit_iterator(n: usize) -> impl Workload {
    of_iterator(move || Moving::filled(n), |(table, _)| sums::positions(table.positions()))
}

fn ours_columns(n: usize) -> impl Workload {
    of_columns(
        n,
        |(positions, velocities)| {
            let mut world = ecs::World::new();
            let ids = world.spawn_columns((take(positions), take(velocities))).unwrap();
            (world, ids)
        },
        |(world, _)| worlds::ours::positions(world),
    )
}

fn ours_iterator(n: usize) -> impl Workload {
    of_iterator(
        move || worlds::ours::with_ids(population::moving(n)),
        |(world, _)| worlds::ours::positions(world),
    )
}

fn bevy(n: usize) -> impl Workload {
    of_iterator(
        move || worlds::bevy::with_ids(population::moving(n)),
        |(world, _)| worlds::bevy::positions(world),
    )
}

fn hecs_columns(n: usize) -> impl Workload {
    of_columns(
        n,
        |(positions, velocities)| {
            let mut types = hecs::ColumnBatchType::new();
            types.add::<Position>().add::<Velocity>();
            let batch = types.into_batch(positions.len() as u32);
            {
                let mut writer = batch.writer().unwrap();
                positions.drain(..).for_each(|position| writer.push(position).unwrap());
            }
            {
                let mut writer = batch.writer().unwrap();
                velocities.drain(..).for_each(|velocity| writer.push(velocity).unwrap());
            }
            let mut world = hecs::World::new();
            let ids: Vec<_> = world.spawn_column_batch(batch.build().unwrap()).collect();
            (world, ids)
        },
        |(world, _)| worlds::hecs::positions(world),
    )
}

fn hecs_iterator(n: usize) -> impl Workload {
    of_iterator(
        move || worlds::hecs::with_ids(population::moving(n)),
        |(world, _)| worlds::hecs::positions(world),
    )
}

fn flecs_columns(n: usize) -> impl Workload {
    use flecs_ecs::prelude::World;
    of_columns(
        n,
        |(positions, velocities)| {
            let world = World::new();
            let count = positions.len() as u32;
            let ids = world.entity_bulk(count).set(positions).set(velocities).build();
            (world, ids)
        },
        |(world, _)| worlds::flecs::positions(world),
    )
}

fn legion_columns(n: usize) -> impl Workload {
    use legion::storage::IntoSoa;
    of_columns(
        n,
        |(positions, velocities)| {
            worlds::legion::with_ids((take(positions), take(velocities)).into_soa())
        },
        |(world, _)| worlds::legion::positions(world),
    )
}

fn legion_iterator(n: usize) -> impl Workload {
    of_iterator(
        move || worlds::legion::with_ids(population::moving(n)),
        |(world, _)| worlds::legion::positions(world),
    )
}

fn shipyard(n: usize) -> impl Workload {
    of_iterator(
        move || worlds::shipyard::with_ids(population::moving(n)),
        |(world, _)| worlds::shipyard::positions(world),
    )
}

fn specs(n: usize) -> impl Workload {
    of_iterator(
        move || worlds::specs::with_ids(population::moving(n)),
        |(world, _)| worlds::specs::positions(world),
    )
}

fn sparsey(n: usize) -> impl Workload {
    of_iterator(
        move || worlds::sparsey::ungrouped(population::moving(n)),
        |(world, _)| worlds::sparsey::positions(world),
    )
}
