//! Many small archetypes: one for each letter, all with one component in common.

use crate::compare::{Row, Size, Workload, steady};
use crate::components::{Data, letters};
use crate::{for_each_letter, worlds};

pub(super) fn row(size: Size) -> Row {
    let n = size.of(20);
    Row::new("fragmented_iter", "26 archetypes of 20 entities, one value of each doubled", 26 * n)
        .with("limit/tables", move || limit(n))
        .with("ecs/prepared", move || ours_prepared(n))
        .with("ecs/prepared_for", move || ours_prepared_for(n))
        .with("ecs/one_shot", move || ours_one_shot(n))
        .with("bevy/prepared", move || bevy(n))
        .with("hecs/prepared", move || hecs_prepared(n))
        .with("hecs/for_each", move || hecs_for_each(n))
        .with("hecs/suite", move || hecs_suite(n))
        .with("flecs/each", move || flecs(n))
        .with("legion/for_each", move || legion(n))
        .with("shipyard/view", move || shipyard(n))
        .with("specs/join", move || specs(n))
        .with("sparsey/for_each", move || sparsey(n))
}

fn double(data: &mut Data) {
    data.0 *= 2.0;
}

fn sum<'a>(data: impl IntoIterator<Item = &'a Data>) -> f64 {
    data.into_iter().map(|data| f64::from(data.0)).sum()
}

/// For A: `fn ours_world` that makes n entities of A and `Data`, and so on; then
/// the same for B to Z in the same functions.
macro_rules! define_worlds {
    ($($letter:ident)*) => {
        fn ours_world(n: usize) -> ecs::World {
            let mut world = ecs::World::new();
            $(world.spawn_batch((0..n).map(|_| (letters::$letter(0.0), Data(1.0))));)*
            world
        }

        fn bevy_world(n: usize) -> bevy_ecs::world::World {
            let mut world = bevy_ecs::world::World::new();
            $(world.spawn_batch((0..n).map(|_| (letters::$letter(0.0), Data(1.0)))).for_each(drop);)*
            world
        }

        fn hecs_world(n: usize) -> hecs::World {
            let mut world = hecs::World::new();
            $(world.spawn_batch((0..n).map(|_| (letters::$letter(0.0), Data(1.0)))).for_each(drop);)*
            world
        }

        fn flecs_world(n: usize) -> flecs_ecs::prelude::World {
            use worlds::flecs::Columns;
            let world = flecs_ecs::prelude::World::new();
            $(<(letters::$letter, Data)>::spawn(&world, (0..n).map(|_| (letters::$letter(0.0), Data(1.0))));)*
            world
        }

        fn legion_world(n: usize) -> legion::World {
            let mut world = legion::World::default();
            $(world.extend((0..n).map(|_| (letters::$letter(0.0), Data(1.0))));)*
            world
        }

        fn shipyard_world(n: usize) -> shipyard::World {
            let mut world = shipyard::World::new();
            $(world.bulk_add_entity((0..n).map(|_| (letters::$letter(0.0), Data(1.0))));)*
            world
        }

        fn specs_world(n: usize) -> specs::World {
            use specs::{Builder, WorldExt};
            let mut world = specs::World::new();
            world.register::<Data>();
            $(
                world.register::<letters::$letter>();
                for _ in 0..n {
                    world.create_entity().with(letters::$letter(0.0)).with(Data(1.0)).build();
                }
            )*
            world
        }

        fn sparsey_world(n: usize) -> sparsey::World {
            let mut world = sparsey::World::default();
            world.register::<Data>();
            $(
                world.register::<letters::$letter>();
                world.extend((0..n).map(|_| (letters::$letter(0.0), Data(1.0))));
            )*
            world
        }
    };
}
for_each_letter!(define_worlds);

fn limit(n: usize) -> impl Workload {
    steady(
        vec![vec![Data(1.0); n]; 26],
        |tables| {
            for table in tables.iter_mut() {
                table.iter_mut().for_each(double);
            }
        },
        |tables| sum(tables.iter().flatten()),
    )
}

fn ours_prepared(n: usize) -> impl Workload {
    steady(
        (ours_world(n), ecs::QueryState::<&mut Data>::new()),
        |(world, query)| query.query_mut(world.storage_mut()).for_each(double),
        |(world, _)| sum(world.query::<&Data>().iter()),
    )
}

fn ours_prepared_for(n: usize) -> impl Workload {
    steady(
        (ours_world(n), ecs::QueryState::<&mut Data>::new()),
        |(world, query)| {
            for data in query.query_mut(world.storage_mut()).iter_mut() {
                double(data);
            }
        },
        |(world, _)| sum(world.query::<&Data>().iter()),
    )
}

fn ours_one_shot(n: usize) -> impl Workload {
    steady(
        ours_world(n),
        |world| world.query_mut::<&mut Data>().for_each(double),
        |world| sum(world.query::<&Data>().iter()),
    )
}

fn bevy(n: usize) -> impl Workload {
    let mut world = bevy_world(n);
    let query = world.query::<&mut Data>();
    steady(
        (world, query),
        |(world, query)| query.iter_mut(world).for_each(|mut data| double(&mut data)),
        |(world, _)| sum(world.query::<&Data>().iter(world)),
    )
}

fn hecs_prepared(n: usize) -> impl Workload {
    steady(
        (hecs_world(n), hecs::PreparedQuery::<&mut Data>::new()),
        |(world, query)| query.query_mut(world).for_each(double),
        |(world, _)| sum(world.query_mut::<&Data>()),
    )
}

fn hecs_for_each(n: usize) -> impl Workload {
    steady(
        hecs_world(n),
        |world| world.query_mut::<&mut Data>().into_iter().for_each(double),
        |world| sum(world.query_mut::<&Data>()),
    )
}

fn hecs_suite(n: usize) -> impl Workload {
    steady(
        hecs_world(n),
        |world| {
            for data in world.query_mut::<&mut Data>() {
                double(data);
            }
        },
        |world| sum(world.query_mut::<&Data>()),
    )
}

fn flecs(n: usize) -> impl Workload {
    use flecs_ecs::core::Builder;
    use flecs_ecs::prelude::{QueryAPI, QueryBuilderImpl};
    let world = flecs_world(n);
    let query = world.query::<&mut Data>().set_cached().build();
    steady(
        (query, world),
        |(query, _)| query.each(double),
        |(_, world)| {
            let mut total = 0.0;
            world.new_query::<&Data>().each(|data| total += f64::from(data.0));
            total
        },
    )
}

fn legion(n: usize) -> impl Workload {
    use legion::IntoQuery;
    steady(
        (legion_world(n), <&mut Data>::query()),
        |(world, query)| query.for_each_mut(world, double),
        |(world, _)| sum(<&Data>::query().iter(world)),
    )
}

fn shipyard(n: usize) -> impl Workload {
    use shipyard::{IntoIter, View, ViewMut};
    steady(
        shipyard_world(n),
        |world| {
            world.run(|mut data: ViewMut<'_, Data>| {
                (&mut data).iter().for_each(double);
            });
        },
        |world| world.run(|data: View<'_, Data>| sum((&data).iter())),
    )
}

fn specs(n: usize) -> impl Workload {
    use specs::{Join, WorldExt};
    steady(
        specs_world(n),
        |world| (&mut world.write_storage::<Data>()).join().for_each(double),
        |world| sum(world.read_storage::<Data>().join()),
    )
}

fn sparsey(n: usize) -> impl Workload {
    steady(
        sparsey_world(n),
        |world| world.for_each::<&mut Data>(double),
        |world| {
            let mut total = 0.0;
            world.for_each::<&Data>(|data| total += f64::from(data.0));
            total
        },
    )
}
