//! What schedules themselves cost: many systems with nothing to do, and two that
//! could run side by side.

use crate::compare::{Row, Size, Workload, steady};
use crate::components::letters::{A, B, D, E};

/// A thousand systems, each with a query that nothing matches.
pub(super) fn idle(size: Size) -> Row {
    let n = size.of(1_000);
    Row::new("schedule_idle", "1,000 systems with nothing to do", n)
        .with("ecs/schedule", move || ours_idle(n, false))
        .with("ecs/schedule_parallel", move || ours_idle(n, true))
        .with("bevy/multi_threaded", move || bevy_idle(n, true))
        .with("bevy/single_threaded", move || bevy_idle(n, false))
        .with("legion/schedule", move || legion_idle(n))
}

/// Two systems that do not conflict, each a millisecond of arithmetic.
pub(super) fn pair(size: Size) -> Row {
    let steps = size.of(300_000);
    Row::new("schedule_pair", "two systems of a millisecond that do not conflict", 1)
        .with("limit/one_thread", move || limit(steps, false))
        .with("limit/rayon_join", move || limit(steps, true))
        .with("ecs/schedule", move || ours_pair(steps, false))
        .with("ecs/schedule_parallel", move || ours_pair(steps, true))
        .with("bevy/multi_threaded", move || bevy_pair(steps))
        .with("legion/schedule", move || legion_pair(steps))
}

/// A chain of operations, each of which needs the one before.
fn turn(value: &mut f32, steps: usize) {
    for _ in 0..steps {
        *value = *value * 0.999 + 0.5;
    }
}

fn weigh(a: f32, b: f32) -> f64 {
    f64::from(a) + 2.0 * f64::from(b)
}

/// The two by hand: one after the other, or on two threads.
fn limit(steps: usize, parallel: bool) -> impl Workload {
    steady(
        (1.0, 2.0),
        move |(a, b)| match parallel {
            true => drop(rayon::join(|| turn(a, steps), || turn(b, steps))),
            false => {
                turn(a, steps);
                turn(b, steps);
            }
        },
        |(a, b)| weigh(*a, *b),
    )
}

fn ours(parallel: bool) -> ecs::Schedule {
    let mut schedule = ecs::Schedule::new();
    schedule.set_threads(if parallel { ecs::Threads::Current } else { ecs::Threads::None });
    schedule
}

fn ours_idle(n: usize, parallel: bool) -> impl Workload {
    use ecs::Query;
    let mut schedule = ours(parallel);
    for _ in 0..n {
        schedule.add_system(|query: Query<'_, (&D, &E)>| assert!(query.is_empty()));
    }
    steady((ecs::World::new(), schedule), |(world, schedule)| schedule.run(world), |_| 0.0)
}

fn ours_pair(steps: usize, parallel: bool) -> impl Workload {
    use ecs::Query;
    let mut world = ecs::World::new();
    world.spawn((A(1.0), B(2.0)));
    let mut schedule = ours(parallel);
    schedule
        .add_system(move |mut query: Query<'_, &mut A>| query.for_each(|a| turn(&mut a.0, steps)))
        .add_system(move |mut query: Query<'_, &mut B>| query.for_each(|b| turn(&mut b.0, steps)));
    steady(
        (world, schedule),
        |(world, schedule)| schedule.run(world),
        |(world, _)| {
            let query = world.query::<(&A, &B)>();
            let (a, b) = query.single().unwrap();
            weigh(a.0, b.0)
        },
    )
}

fn bevy_schedule(parallel: bool) -> bevy_ecs::schedule::Schedule {
    use bevy_ecs::schedule::{MultiThreadedExecutor, Schedule, SingleThreadedExecutor};
    bevy_tasks::ComputeTaskPool::get_or_init(bevy_tasks::TaskPool::default);
    let mut schedule = Schedule::default();
    match parallel {
        true => schedule.set_executor(MultiThreadedExecutor::new()),
        false => schedule.set_executor(SingleThreadedExecutor::new()),
    };
    schedule
}

fn bevy_idle(n: usize, parallel: bool) -> impl Workload {
    use bevy_ecs::prelude::*;
    let mut schedule = bevy_schedule(parallel);
    for _ in 0..n {
        schedule.add_systems(|query: Query<'_, '_, (&D, &E)>| assert!(query.is_empty()));
    }
    steady((World::new(), schedule), |(world, schedule)| schedule.run(world), |_| 0.0)
}

fn bevy_pair(steps: usize) -> impl Workload {
    use bevy_ecs::prelude::*;
    let mut world = World::new();
    world.spawn((A(1.0), B(2.0)));
    let mut schedule = bevy_schedule(true);
    schedule
        .add_systems(move |mut query: Query<'_, '_, &mut A>| {
            query.iter_mut().for_each(|mut a| turn(&mut a.0, steps));
        })
        .add_systems(move |mut query: Query<'_, '_, &mut B>| {
            query.iter_mut().for_each(|mut b| turn(&mut b.0, steps));
        });
    steady(
        (world, schedule),
        |(world, schedule)| schedule.run(world),
        |(world, _)| {
            let (a, b) = world.query::<(&A, &B)>().single(world).unwrap();
            weigh(a.0, b.0)
        },
    )
}

fn legion_idle(n: usize) -> impl Workload {
    use legion::systems::SystemBuilder;
    use legion::world::SubWorld;
    use legion::{IntoQuery, Resources, Schedule, World};
    let mut builder = Schedule::builder();
    for _ in 0..n {
        builder.add_system(SystemBuilder::new("idle").with_query(<(&D, &E)>::query()).build(
            |_, world: &mut SubWorld<'_>, (), query| assert!(query.iter(world).next().is_none()),
        ));
    }
    steady(
        (World::default(), Resources::default(), builder.build()),
        |(world, resources, schedule)| schedule.execute(world, resources),
        |_| 0.0,
    )
}

fn legion_pair(steps: usize) -> impl Workload {
    use legion::systems::SystemBuilder;
    use legion::world::SubWorld;
    use legion::{IntoQuery, Resources, Schedule, World};
    let mut world = World::default();
    world.push((A(1.0), B(2.0)));
    let a = SystemBuilder::new("a").with_query(<&mut A>::query()).build(
        move |_, world: &mut SubWorld<'_>, (), query| {
            query.for_each_mut(world, |a| turn(&mut a.0, steps));
        },
    );
    let b = SystemBuilder::new("b").with_query(<&mut B>::query()).build(
        move |_, world: &mut SubWorld<'_>, (), query| {
            query.for_each_mut(world, |b| turn(&mut b.0, steps));
        },
    );
    let schedule = Schedule::builder().add_system(a).add_system(b).build();
    steady(
        (world, Resources::default(), schedule),
        |(world, resources, schedule)| schedule.execute(world, resources),
        |(world, ..)| {
            let (a, b) = <(&A, &B)>::query().iter(world).next().unwrap();
            weigh(a.0, b.0)
        },
    )
}
