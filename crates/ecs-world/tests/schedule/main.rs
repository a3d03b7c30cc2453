//! Systems: what they may ask for, and that both ways of running agree.

use std::sync::atomic::{AtomicUsize, Ordering};

use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_local::LocalStorage;
use ecs_storage_api::{Query, Storage, With, Without};
use ecs_world::{
    Commands, Conflict, IntoSystemConfig, Local, QuerySet, Res, ResMut, RunError, Schedule,
    SubSchedule, SystemError, Threads, World,
};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "schedule::A")]
struct A(u64);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "schedule::B")]
struct B(u64);

#[derive(Debug, Default)]
struct Total(u64);

fn add(mut rows: Query<(&mut A, &B)>) {
    rows.for_each(|(a, b)| a.0 = a.0.wrapping_mul(31).wrapping_add(b.0));
}

fn turn(mut rows: Query<&mut B>) {
    rows.for_each(|b| b.0 = b.0.rotate_left(3) ^ 5);
}

fn sum(rows: Query<&A>, mut total: ResMut<Total>) {
    total.0 = rows.iter().fold(total.0, |total, a| total.wrapping_mul(7).wrapping_add(a.0));
}

fn change(
    rows: Query<(EntityId, &A), With<B>>,
    total: Option<Res<Total>>,
    mut runs: Local<u64>,
    mut commands: Commands,
) {
    *runs += 1;
    let total = total.map_or(0, |total| total.0);
    for (entity, a) in &rows {
        match (a.0 ^ total ^ *runs) % 5 {
            0 => commands.remove::<B>(entity),
            1 => commands.despawn(entity),
            2 => drop(commands.spawn((A(a.0), B(total)))),
            _ => {}
        }
    }
}

fn refill(rows: Query<EntityId, (With<A>, Without<B>)>, mut commands: Commands) {
    rows.iter().for_each(|entity| commands.insert(entity, B(entity.to_bits())));
}

fn schedule() -> Schedule {
    let mut schedule = Schedule::new();
    schedule.add_system(add).add_system(turn).add_system(sum).add_system(change).add_system(refill);
    schedule
}

fn run<S: Storage>(storage: S, parallel: bool) -> (u64, u64) {
    let mut world = World::with_storage(storage);
    world.insert_resource(Total::default());
    world.spawn_batch((0..300).map(|n| (A(n), B(n * n))));
    let mut schedule = schedule();
    schedule.set_threads(if parallel { Threads::Current } else { Threads::None });
    for _ in 0..12 {
        schedule.run(&mut world);
    }
    let total = world.resource::<Total>().unwrap().0;
    (world.state_hash().unwrap(), total)
}

#[test]
fn serial_and_parallel_runs_agree_on_any_number_of_threads() {
    let serial = run(ecs_archetype::ArchetypeStorage::new(0), false);
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        let parallel = pool.install(|| run(ecs_archetype::ArchetypeStorage::new(0), true));
        assert_eq!(parallel, serial, "{threads} threads");
    }
}

#[test]
fn safe_backends_run_systems_side_by_side_too() {
    let (serial, parallel) = (run(LocalStorage::new(0), false), run(LocalStorage::new(0), true));
    assert_eq!(serial, parallel);
}

#[test]
fn conflicting_systems_keep_their_order_and_others_run_side_by_side() {
    let mut world = World::new();
    world.spawn((A(1), B(1)));
    world.spawn(A(1));
    let mut schedule = Schedule::new();
    schedule.add_system(add).add_system(turn).add_system(sum);
    schedule.add_system(|_: Query<&mut A, Without<B>>| {});
    let plan = schedule.describe(&mut world).unwrap();
    let steps = &plan.phases[0].steps;
    let waits = |n: usize| steps[n].waits_for.iter().map(|(name, _)| name.as_str()).collect();
    let (of_turn, of_sum, of_last): (Vec<_>, Vec<_>, Vec<_>) = (waits(1), waits(2), waits(3));
    assert!(matches!(of_turn[..], [name] if name.ends_with("::add")), "{plan}");
    assert!(matches!(of_sum[..], [name] if name.ends_with("::add")), "{plan}");
    assert!(matches!(of_last[..], [name] if name.ends_with("::sum")), "{plan}");
    assert!(
        matches!(&steps[1].beside[..], [sum, last] if sum.ends_with("::sum") && last.contains("closure")),
        "{plan}"
    );
}

#[test]
fn a_component_twice_in_one_system_is_an_error_in_both_orders() {
    let mut schedule = Schedule::new();
    let error = schedule.try_add_system(|_: Query<&mut A>, _: Query<&A>| {}).unwrap_err();
    assert!(
        matches!(&error, SystemError::Conflict { conflict: Conflict::Component(id), .. } if id.info().name() == "schedule::A"),
        "{error}"
    );
    assert!(schedule.try_add_system(|_: Query<&A>, _: Query<&mut A>| {}).is_err());
    assert!(
        schedule
            .try_add_system(|_: Query<(&A, &mut B)>, _: Local<u8>, _: Query<Option<&mut B>>| {})
            .is_err()
    );
    assert!(schedule.try_add_system(|_: Query<(&mut A, &A)>| {}).is_err());
    assert!(schedule.try_add_system(|_: Res<Total>, _: ResMut<Total>| {}).is_err());
    assert!(schedule.try_add_system(|_: ResMut<Total>, _: Option<Res<Total>>| {}).is_err());
    assert!(schedule.is_empty());
    assert!(
        schedule
            .try_add_system(|_: Query<&mut A, With<B>>, _: Query<&mut A, Without<B>>| {})
            .is_ok()
    );
    assert!(
        schedule
            .try_add_system(|_: Query<&A>, _: Query<&A>, _: Res<Total>, _: Res<Total>| {})
            .is_ok()
    );
    let mut world = World::new();
    world.insert_resource(Total(0));
    schedule.run(&mut world);
}

fn explode(mut rows: Query<&mut B>) {
    rows.for_each(|b| assert!(b.0 != 3, "three is too much"));
}

fn record(rows: Query<EntityId>, mut commands: Commands) {
    rows.iter().for_each(|entity| commands.despawn(entity));
}

#[test]
fn a_panic_names_its_system_and_no_command_of_the_run_is_applied() {
    for parallel in [false, true] {
        let mut world = World::new();
        world.spawn_batch((0..10).map(|n| (A(n), B(n))));
        let mut schedule = Schedule::new();
        schedule.add_system(record).add_system(explode);
        schedule.set_threads(if parallel { Threads::Current } else { Threads::None });
        let error = schedule.try_run(&mut world).unwrap_err();
        let RunError::Panicked { system, message } = &error else { panic!("{error}") };
        assert!(system.ends_with("explode") && message == "three is too much", "{error}");
        assert_eq!((world.len(), world.tick()), (10, 0));
        // The world and the schedule go on.
        world.query_mut::<&mut B>().for_each(|b| b.0 = 0);
        schedule.run(&mut world);
        assert!(world.is_empty());
    }
}

#[test]
fn a_missing_resource_is_named_with_the_system() {
    let mut schedule = Schedule::new();
    schedule.add_system(sum);
    let error = schedule.try_run(&mut World::new()).unwrap_err().to_string();
    assert!(error.contains("sum") && error.contains("Total"), "{error}");
}

#[test]
fn schedules_run_inside_jobs_pools_of_one_and_each_other() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap();
    pool.install(|| {
        rayon::join(
            || run(ecs_archetype::ArchetypeStorage::new(0), true),
            || run(ecs_archetype::ArchetypeStorage::new(0), true),
        )
    });
    static INNER: AtomicUsize = AtomicUsize::new(0);
    let mut outer = Schedule::new();
    for _ in 0..3 {
        outer.add_system(|_: Local<u8>| {
            run(ecs_archetype::ArchetypeStorage::new(0), true);
            INNER.fetch_add(1, Ordering::Relaxed);
        });
    }
    outer.run(&mut World::new());
    assert_eq!(INNER.load(Ordering::Relaxed), 3);
}

#[test]
fn a_local_value_is_a_system_s_own() {
    let mut world = World::new();
    world.insert_resource(Total(0));
    let mut schedule = Schedule::new();
    for _ in 0..2 {
        schedule.add_system(|mut runs: Local<u64>, mut total: ResMut<Total>| {
            *runs += 1;
            total.0 = total.0 * 10 + *runs;
        });
    }
    schedule.run(&mut world);
    schedule.run(&mut world);
    assert_eq!(world.resource::<Total>().unwrap().0, 1122);
}

fn level(mut rows: QuerySet<(Query<&A>, Query<&mut A>)>) {
    let most = rows.first().iter().map(|a| a.0).max().unwrap_or(0);
    rows.second().for_each(|a| a.0 = most);
}

#[test]
fn a_set_of_queries_is_used_one_at_a_time() {
    let mut world = World::new();
    let entities = world.spawn_batch((0..3).map(A));
    let mut schedule = Schedule::new();
    schedule.add_system(level);
    schedule.run(&mut world);
    assert!(entities.iter().all(|&entity| world.get(entity) == Some(&A(2))));
}

#[test]
fn a_sub_schedule_without_a_plan_is_refused_at_every_run() {
    let mut inner = Schedule::new();
    inner.add_system(refill.after("nobody"));
    let mut schedule = Schedule::new();
    schedule.add_system(|mut commands: Commands| {
        commands.spawn(A(1));
    });
    schedule.add_system(SubSchedule::new("inner", inner));
    let mut world = World::new();
    for _ in 0..2 {
        assert!(matches!(schedule.try_run(&mut world), Err(RunError::Plan(_))));
        assert!(world.is_empty(), "nothing was run");
    }
}

/// Takes time that is worth another thread.
fn rest() {
    std::thread::sleep(std::time::Duration::from_millis(5));
}

#[test]
fn a_backend_without_a_directory_is_used_by_one_system_at_a_time() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    let mut world = World::with_storage(LocalStorage::new(0));
    world.spawn((A(1), B(2)));
    let mut schedule = Schedule::new();
    schedule.set_threads(Threads::Pool(pool.into()));
    schedule.add_system(|mut rows: Query<&mut A>| {
        rest();
        rows.for_each(|a| a.0 += 1);
    });
    schedule.add_system(|mut rows: Query<&mut B>| {
        rest();
        rows.for_each(|b| b.0 += 1);
    });
    // What systems cost is learned in the first runs.
    for _ in 0..10 {
        schedule.run(&mut world);
    }
    let rows: Vec<_> = world.query::<(&A, &B)>().iter().map(|(a, b)| (a.0, b.0)).collect();
    assert_eq!(rows, [(11, 12)]);
}
