//! Three systems, of which one is independent of the two others.
//!
//! Four archetypes of as many entities each: AB, ABC, ABCD, ABCE. The systems
//! swap A with B, C with D, and C with E.

use std::mem::swap;

use crate::compare::{Row, Size, Workload, steady};
use crate::components::letters::{A, B, C, D, E};
use crate::worlds;

pub(super) fn row(size: Size) -> Row {
    let n = size.of(10_000);
    Row::new("schedule", "three systems over 4 archetypes of 10k entities", 4 * n)
        .with("limit/loops", move || limit(n))
        .with("ecs/serial", move || ours_serial(n))
        .with("ecs/schedule", move || ours_schedule(n, false))
        .with("ecs/schedule_parallel", move || ours_schedule(n, true))
        .with("bevy/multi_threaded", move || bevy(n, true))
        .with("bevy/single_threaded", move || bevy(n, false))
        .with("flecs/progress", move || flecs(n))
        .with("legion/schedule", move || legion(n))
        .with("shipyard/workload", move || shipyard(n))
        .with("specs/dispatcher", move || specs(n))
        .with("sparsey/serial", move || sparsey(n))
}

fn ab(n: usize) -> impl ExactSizeIterator<Item = (A, B)> {
    (0..n).map(|_| (A(1.0), B(2.0)))
}

fn abc(n: usize) -> impl ExactSizeIterator<Item = (A, B, C)> {
    (0..n).map(|_| (A(3.0), B(4.0), C(5.0)))
}

fn abcd(n: usize) -> impl ExactSizeIterator<Item = (A, B, C, D)> {
    (0..n).map(|_| (A(6.0), B(7.0), C(8.0), D(9.0)))
}

fn abce(n: usize) -> impl ExactSizeIterator<Item = (A, B, C, E)> {
    (0..n).map(|_| (A(10.0), B(11.0), C(12.0), E(13.0)))
}

/// Tells the orders apart in which the systems may have run.
fn weigh(sums: [f64; 5]) -> f64 {
    sums.iter().enumerate().map(|(n, sum)| (n + 1) as f64 * sum).sum()
}

fn sum<T: Copy>(values: impl Iterator<Item = T>, value: impl Fn(T) -> f32) -> f64 {
    values.map(|item| f64::from(value(item))).sum()
}

/// A, B, and C with what it is swapped with, archetype by archetype.
struct Columns {
    ab: Vec<(Vec<A>, Vec<B>)>,
    cd: (Vec<C>, Vec<D>),
    ce: (Vec<C>, Vec<E>),
    c: Vec<C>,
}

fn limit(n: usize) -> impl Workload {
    let pairs = [(1.0, 2.0), (3.0, 4.0), (6.0, 7.0), (10.0, 11.0)];
    let columns = Columns {
        ab: pairs.iter().map(|&(a, b)| (vec![A(a); n], vec![B(b); n])).collect(),
        cd: (vec![C(8.0); n], vec![D(9.0); n]),
        ce: (vec![C(12.0); n], vec![E(13.0); n]),
        c: vec![C(5.0); n],
    };
    steady(
        columns,
        |columns| {
            for (a, b) in &mut columns.ab {
                a.iter_mut().zip(b).for_each(|(a, b)| swap(&mut a.0, &mut b.0));
            }
            let (c, d) = &mut columns.cd;
            c.iter_mut().zip(d).for_each(|(c, d)| swap(&mut c.0, &mut d.0));
            let (c, e) = &mut columns.ce;
            c.iter_mut().zip(e).for_each(|(c, e)| swap(&mut c.0, &mut e.0));
        },
        |Columns { ab, cd, ce, c }| {
            weigh([
                sum(ab.iter().flat_map(|(a, _)| a), |a| a.0),
                sum(ab.iter().flat_map(|(_, b)| b), |b| b.0),
                sum(cd.0.iter().chain(&ce.0).chain(c.iter()), |c| c.0),
                sum(cd.1.iter(), |d| d.0),
                sum(ce.1.iter(), |e| e.0),
            ])
        },
    )
}

fn ours_world(n: usize) -> ecs::World {
    let mut world = ecs::World::new();
    world.spawn_batch(ab(n));
    world.spawn_batch(abc(n));
    world.spawn_batch(abcd(n));
    world.spawn_batch(abce(n));
    world
}

fn ours_sums(world: &ecs::World) -> f64 {
    weigh([
        sum(world.query::<&A>().iter(), |a| a.0),
        sum(world.query::<&B>().iter(), |b| b.0),
        sum(world.query::<&C>().iter(), |c| c.0),
        sum(world.query::<&D>().iter(), |d| d.0),
        sum(world.query::<&E>().iter(), |e| e.0),
    ])
}

/// Prepared queries one after another.
fn ours_serial(n: usize) -> impl Workload {
    use ecs::QueryState;
    let queries = (
        QueryState::<(&mut A, &mut B)>::new(),
        QueryState::<(&mut C, &mut D)>::new(),
        QueryState::<(&mut C, &mut E)>::new(),
    );
    steady(
        (ours_world(n), queries),
        |(world, (ab, cd, ce))| {
            ab.query_mut(world.storage_mut()).for_each(|(a, b)| swap(&mut a.0, &mut b.0));
            cd.query_mut(world.storage_mut()).for_each(|(c, d)| swap(&mut c.0, &mut d.0));
            ce.query_mut(world.storage_mut()).for_each(|(c, e)| swap(&mut c.0, &mut e.0));
        },
        |(world, _)| ours_sums(world),
    )
}

fn ours_schedule(n: usize, parallel: bool) -> impl Workload {
    use ecs::{Query, Schedule, Threads};
    let mut schedule = Schedule::new();
    schedule.set_threads(if parallel { Threads::Current } else { Threads::None });
    schedule
        .add_system(|mut query: Query<'_, (&mut A, &mut B)>| {
            query.for_each(|(a, b)| swap(&mut a.0, &mut b.0));
        })
        .add_system(|mut query: Query<'_, (&mut C, &mut D)>| {
            query.for_each(|(c, d)| swap(&mut c.0, &mut d.0));
        })
        .add_system(|mut query: Query<'_, (&mut C, &mut E)>| {
            query.for_each(|(c, e)| swap(&mut c.0, &mut e.0));
        });
    steady(
        (ours_world(n), schedule),
        |(world, schedule)| schedule.run(world),
        |(world, _)| ours_sums(world),
    )
}

fn bevy(n: usize, parallel: bool) -> impl Workload {
    use bevy_ecs::prelude::*;
    use bevy_ecs::schedule::{MultiThreadedExecutor, SingleThreadedExecutor};
    bevy_tasks::ComputeTaskPool::get_or_init(bevy_tasks::TaskPool::default);
    let mut world = World::new();
    world.spawn_batch(ab(n)).for_each(drop);
    world.spawn_batch(abc(n)).for_each(drop);
    world.spawn_batch(abcd(n)).for_each(drop);
    world.spawn_batch(abce(n)).for_each(drop);
    let mut schedule = Schedule::default();
    match parallel {
        true => schedule.set_executor(MultiThreadedExecutor::new()),
        false => schedule.set_executor(SingleThreadedExecutor::new()),
    };
    schedule
        .add_systems(|mut query: Query<'_, '_, (&mut A, &mut B)>| {
            query.iter_mut().for_each(|(mut a, mut b)| swap(&mut a.0, &mut b.0));
        })
        .add_systems(
            (
                |mut query: Query<'_, '_, (&mut C, &mut D)>| {
                    query.iter_mut().for_each(|(mut c, mut d)| swap(&mut c.0, &mut d.0));
                },
                |mut query: Query<'_, '_, (&mut C, &mut E)>| {
                    query.iter_mut().for_each(|(mut c, mut e)| swap(&mut c.0, &mut e.0));
                },
            )
                .chain(),
        );
    steady(
        (world, schedule),
        |(world, schedule)| schedule.run(world),
        |(world, _)| {
            weigh([
                sum(world.query::<&A>().iter(world), |a| a.0),
                sum(world.query::<&B>().iter(world), |b| b.0),
                sum(world.query::<&C>().iter(world), |c| c.0),
                sum(world.query::<&D>().iter(world), |d| d.0),
                sum(world.query::<&E>().iter(world), |e| e.0),
            ])
        },
    )
}

/// On one thread: on two it takes longer here.
fn flecs(n: usize) -> impl Workload {
    use crate::worlds::flecs::Columns;
    use flecs_ecs::prelude::*;
    let world = World::new();
    <(A, B)>::spawn(&world, ab(n));
    <(A, B, C)>::spawn(&world, abc(n));
    <(A, B, C, D)>::spawn(&world, abcd(n));
    <(A, B, C, E)>::spawn(&world, abce(n));
    world.system::<(&mut A, &mut B)>().each(|(a, b)| swap(&mut a.0, &mut b.0));
    world.system::<(&mut C, &mut D)>().each(|(c, d)| swap(&mut c.0, &mut d.0));
    world.system::<(&mut C, &mut E)>().each(|(c, e)| swap(&mut c.0, &mut e.0));
    steady(
        world,
        |world| world.progress(),
        |world| {
            let mut sums = [0.0; 5];
            world.new_query::<&A>().each(|a| sums[0] += f64::from(a.0));
            world.new_query::<&B>().each(|b| sums[1] += f64::from(b.0));
            world.new_query::<&C>().each(|c| sums[2] += f64::from(c.0));
            world.new_query::<&D>().each(|d| sums[3] += f64::from(d.0));
            world.new_query::<&E>().each(|e| sums[4] += f64::from(e.0));
            weigh(sums)
        },
    )
}

fn legion(n: usize) -> impl Workload {
    use legion::storage::PackOptions;
    use legion::systems::SystemBuilder;
    use legion::world::SubWorld;
    use legion::{IntoQuery, Resources, Schedule, World};

    let mut world = World::default();
    world.extend(ab(n));
    world.extend(abc(n));
    world.extend(abcd(n));
    world.extend(abce(n));
    world.pack(PackOptions::force());
    let ab = SystemBuilder::new("ab").with_query(<(&mut A, &mut B)>::query()).build(
        |_, world: &mut SubWorld<'_>, (), query| {
            query.for_each_mut(world, |(a, b)| swap(&mut a.0, &mut b.0));
        },
    );
    let cd = SystemBuilder::new("cd").with_query(<(&mut C, &mut D)>::query()).build(
        |_, world: &mut SubWorld<'_>, (), query| {
            query.for_each_mut(world, |(c, d)| swap(&mut c.0, &mut d.0));
        },
    );
    let ce = SystemBuilder::new("ce").with_query(<(&mut C, &mut E)>::query()).build(
        |_, world: &mut SubWorld<'_>, (), query| {
            query.for_each_mut(world, |(c, e)| swap(&mut c.0, &mut e.0));
        },
    );
    let schedule = Schedule::builder().add_system(ab).add_system(cd).add_system(ce).build();
    steady(
        (world, Resources::default(), schedule),
        |(world, resources, schedule)| schedule.execute(world, resources),
        |(world, ..)| {
            weigh([
                sum(<&A>::query().iter(world), |a| a.0),
                sum(<&B>::query().iter(world), |b| b.0),
                sum(<&C>::query().iter(world), |c| c.0),
                sum(<&D>::query().iter(world), |d| d.0),
                sum(<&E>::query().iter(world), |e| e.0),
            ])
        },
    )
}

fn shipyard(n: usize) -> impl Workload {
    use shipyard::{IntoIter, View, ViewMut, Workload as Systems, World};

    fn ab_system(mut a: ViewMut<'_, A>, mut b: ViewMut<'_, B>) {
        (&mut a, &mut b).iter().for_each(|(a, b)| swap(&mut a.0, &mut b.0));
    }
    fn cd_system(mut c: ViewMut<'_, C>, mut d: ViewMut<'_, D>) {
        (&mut c, &mut d).iter().for_each(|(c, d)| swap(&mut c.0, &mut d.0));
    }
    fn ce_system(mut c: ViewMut<'_, C>, mut e: ViewMut<'_, E>) {
        (&mut c, &mut e).iter().for_each(|(c, e)| swap(&mut c.0, &mut e.0));
    }

    let mut world = World::new();
    world.bulk_add_entity(ab(n));
    world.bulk_add_entity(abc(n));
    world.bulk_add_entity(abcd(n));
    world.bulk_add_entity(abce(n));
    Systems::new("run")
        .with_system(ab_system)
        .with_system(cd_system)
        .with_system(ce_system)
        .add_to_world(&world)
        .unwrap();
    steady(
        world,
        |world| world.run_workload("run").unwrap(),
        |world| {
            world.run(
                |a: View<'_, A>, b: View<'_, B>, c: View<'_, C>, d: View<'_, D>, e: View<'_, E>| {
                    weigh([
                        sum((&a).iter(), |a| a.0),
                        sum((&b).iter(), |b| b.0),
                        sum((&c).iter(), |c| c.0),
                        sum((&d).iter(), |d| d.0),
                        sum((&e).iter(), |e| e.0),
                    ])
                },
            )
        },
    )
}

fn specs(n: usize) -> impl Workload {
    use specs::{DispatcherBuilder, Join, System, World, WorldExt, WriteStorage};

    struct Ab;
    impl<'a> System<'a> for Ab {
        type SystemData = (WriteStorage<'a, A>, WriteStorage<'a, B>);
        fn run(&mut self, (mut a, mut b): Self::SystemData) {
            (&mut a, &mut b).join().for_each(|(a, b)| swap(&mut a.0, &mut b.0));
        }
    }
    struct Cd;
    impl<'a> System<'a> for Cd {
        type SystemData = (WriteStorage<'a, C>, WriteStorage<'a, D>);
        fn run(&mut self, (mut c, mut d): Self::SystemData) {
            (&mut c, &mut d).join().for_each(|(c, d)| swap(&mut c.0, &mut d.0));
        }
    }
    struct Ce;
    impl<'a> System<'a> for Ce {
        type SystemData = (WriteStorage<'a, C>, WriteStorage<'a, E>);
        fn run(&mut self, (mut c, mut e): Self::SystemData) {
            (&mut c, &mut e).join().for_each(|(c, e)| swap(&mut c.0, &mut e.0));
        }
    }

    let mut world = World::new();
    worlds::specs::register::<(A, B, C, D)>(&mut world);
    world.register::<E>();
    worlds::specs::extend(&mut world, ab(n));
    worlds::specs::extend(&mut world, abc(n));
    worlds::specs::extend(&mut world, abcd(n));
    worlds::specs::extend(&mut world, abce(n));
    let dispatcher = DispatcherBuilder::new()
        .with(Ab, "ab", &[])
        .with(Cd, "cd", &[])
        .with(Ce, "ce", &[])
        .build();
    steady(
        (world, dispatcher),
        |(world, dispatcher)| dispatcher.dispatch_par(world),
        |(world, _)| {
            weigh([
                sum(world.read_storage::<A>().join(), |a| a.0),
                sum(world.read_storage::<B>().join(), |b| b.0),
                sum(world.read_storage::<C>().join(), |c| c.0),
                sum(world.read_storage::<D>().join(), |d| d.0),
                sum(world.read_storage::<E>().join(), |e| e.0),
            ])
        },
    )
}

/// It has no schedule.
fn sparsey(n: usize) -> impl Workload {
    use sparsey::World;
    let mut world = World::builder().add_group::<(A, B)>().add_group::<(C, D)>().build();
    worlds::sparsey::register::<(D, E)>(&mut world);
    world.extend(ab(n));
    world.extend(abc(n));
    world.extend(abcd(n));
    world.extend(abce(n));
    steady(
        world,
        |world| {
            world.for_each::<(&mut A, &mut B)>(|(a, b)| swap(&mut a.0, &mut b.0));
            world.for_each::<(&mut C, &mut D)>(|(c, d)| swap(&mut c.0, &mut d.0));
            world.for_each::<(&mut C, &mut E)>(|(c, e)| swap(&mut c.0, &mut e.0));
        },
        |world| {
            let mut sums = [0.0; 5];
            world.for_each::<&A>(|a| sums[0] += f64::from(a.0));
            world.for_each::<&B>(|b| sums[1] += f64::from(b.0));
            world.for_each::<&C>(|c| sums[2] += f64::from(c.0));
            world.for_each::<&D>(|d| sums[3] += f64::from(d.0));
            world.for_each::<&E>(|e| sums[4] += f64::from(e.0));
            weigh(sums)
        },
    )
}
