//! Where systems run: on one thread, a pool, the global pool, inside other work.

use std::collections::{BTreeSet, HashSet};
use std::hint::black_box;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::{self, ThreadId};
use std::time::{Duration, Instant};

use ecs_archetype::ArchetypeStorage;
use ecs_core::EntityId;
use ecs_local::LocalStorage;
use ecs_storage_api::{Query, Storage, With, Without};
use ecs_world::{Commands, Local, ParQuery, Res, ResMut, Schedule, Threads, World};
use parking_lot::{Condvar, Mutex};

use crate::common::{A, B, C, Meeting, Total, logging, pool, run_times, work};

fn add(mut rows: Query<(&mut A, &B)>) {
    rows.for_each(|(a, b)| a.0 = a.0.wrapping_mul(31).wrapping_add(b.0));
    work();
}

fn turn(mut rows: Query<&mut B>) {
    rows.for_each(|b| b.0 = b.0.rotate_left(3) ^ 5);
    work();
}

fn spread(mut rows: Query<&mut C>) {
    rows.par_for_each(|c| c.0 = c.0.wrapping_mul(7) + 1);
    work();
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
            2 => _ = commands.spawn((A(a.0), B(total))),
            _ => {}
        }
    }
}

fn refill(rows: Query<EntityId, (With<A>, Without<B>)>, mut commands: Commands) {
    rows.iter().for_each(|entity| commands.insert(entity, B(entity.to_bits())));
}

/// Runs a schedule several times, on a new world with enough rows for several
/// pieces of parallel iteration.
fn outcome<S: Storage>(storage: S, threads: Option<Threads>) -> (u64, u64) {
    let mut world = World::with_storage(storage);
    world.insert_resource(Total::default());
    world.spawn_batch((0..300).map(|n| (A(n), B(n * n))));
    world.spawn_batch((0..20_000).map(C));
    let mut schedule = Schedule::new();
    schedule.add_system(add).add_system(turn).add_system(spread).add_system(sum);
    schedule.add_system(change).add_system(refill);
    if let Some(threads) = threads {
        schedule.set_threads(threads);
    }
    for _ in 0..5 {
        schedule.run(&mut world);
    }
    let total = world.resource::<Total>().unwrap().0;
    (world.state_hash().unwrap(), total)
}

fn archetypes(threads: Option<Threads>) -> (u64, u64) {
    outcome(ArchetypeStorage::new(0), threads)
}

#[test]
fn the_result_is_the_same_on_one_thread_on_pools_and_on_the_global_pool() {
    let alone = archetypes(Some(Threads::None));
    assert_eq!(archetypes(None), alone);
    for threads in [1, 2, 3, 8, 64] {
        assert_eq!(archetypes(Some(pool(threads))), alone, "a pool of {threads}");
    }
}

#[test]
fn the_result_is_the_same_on_a_backend_that_one_system_uses_at_a_time() {
    let alone = outcome(LocalStorage::new(0), Some(Threads::None));
    assert_eq!(outcome(LocalStorage::new(0), Some(pool(3))), alone);
}

#[test]
fn systems_that_do_not_conflict_run_at_the_same_time() {
    let meeting = Meeting::of(3);
    let mut schedule = Schedule::new();
    let (a, b, c) = (meeting.clone(), meeting.clone(), meeting);
    schedule.add_system(move |_: Query<&mut A>| assert!(a.come(), "alone"));
    schedule.add_system(move |_: Query<&mut B>| assert!(b.come(), "alone"));
    schedule.add_system(move |_: Query<&C>, _: Query<&mut A, With<B>>| {});
    schedule.add_system(move |_: Query<&C>| assert!(c.come(), "alone"));
    schedule.set_threads(pool(3));
    let mut world = World::new();
    world.spawn((A(0), C(0)));
    for _ in 0..4 {
        schedule.run(&mut world);
    }
}

#[test]
fn two_writers_of_one_component_on_disjoint_archetypes_run_at_the_same_time() {
    let meeting = Meeting::of(2);
    let (a, b) = (meeting.clone(), meeting);
    let mut schedule = Schedule::new();
    schedule.add_system(move |mut rows: Query<(&mut A, &B)>| {
        assert!(a.come(), "alone");
        rows.for_each(|(a, _)| a.0 += 1);
    });
    schedule.add_system(move |mut rows: Query<(&mut A, &C)>| {
        assert!(b.come(), "alone");
        rows.for_each(|(a, _)| a.0 += 1);
    });
    schedule.set_threads(pool(2));
    let mut world = World::new();
    world.spawn_batch((0..100).map(|n| (A(n), B(n))));
    world.spawn_batch((0..100).map(|n| (A(n), C(n))));
    for _ in 0..4 {
        schedule.run(&mut world);
    }
    assert!(world.query::<&A>().iter().map(|a| a.0).eq((0..100).chain(0..100).map(|n| n + 4)));
}

#[test]
fn without_threads_everything_stays_on_the_calling_one() {
    let here = thread::current().id();
    let mut world = World::new();
    world.spawn_batch((0..20_000).map(C));
    let mut schedule = Schedule::new();
    for _ in 0..3 {
        schedule.add_system(move |rows: Query<&C>| {
            assert_eq!(thread::current().id(), here);
            work();
            assert_eq!(rows.count(), 20_000);
        });
    }
    schedule.add_system(move |mut rows: Query<&mut C>| {
        rows.par_for_each(|_| assert_eq!(thread::current().id(), here));
    });
    schedule.set_threads(Threads::None);
    run_times(3, &mut schedule, &mut world);
}

#[test]
fn parallel_iteration_in_a_system_uses_the_threads_of_its_schedule() {
    fn spread(rows: &mut Query<&mut C>) {
        let seen = Mutex::new(BTreeSet::new());
        rows.par_chunks_of(1_000, |_| {
            seen.lock().insert(thread::current().name().map(str::to_owned));
            work();
        });
        let both = ["mine 0", "mine 1"].map(|name| Some(name.to_owned()));
        assert_eq!(seen.into_inner(), BTreeSet::from(both));
    }
    let rayon = rayon::ThreadPoolBuilder::new().thread_name(|n| format!("mine {n}"));
    let rayon = Arc::new(rayon.num_threads(2).build().unwrap());
    let mut world = World::new();
    world.spawn_batch((0..20_000).map(C));
    let mut schedule = Schedule::new();
    schedule.add_system(|mut rows: Query<&mut C>| spread(&mut rows));
    schedule.add_system(|world: &mut World| spread(&mut world.query_mut::<&mut C>()));
    schedule.set_threads(Threads::Pool(rayon));
    schedule.run(&mut world);
}

#[test]
fn small_systems_stay_on_the_calling_thread() {
    let here = thread::current().id();
    let elsewhere = Arc::new(AtomicUsize::new(0));
    let mut world = logging();
    let mut schedule = Schedule::new();
    for _ in 0..4 {
        let elsewhere = Arc::clone(&elsewhere);
        schedule.add_system(move |_: Query<&A>| {
            let left = thread::current().id() != here;
            elsewhere.fetch_add(usize::from(left), Ordering::Relaxed);
        });
    }
    schedule.set_threads(pool(2));
    run_times(100, &mut schedule, &mut world);
    // A machine that interrupts a system again and again makes it look long.
    let elsewhere = elsewhere.load(Ordering::Relaxed);
    assert!(elsewhere < 40, "{elsewhere} of 400 runs left their thread");
}

#[test]
fn a_schedule_runs_inside_a_job_of_a_pool_of_one() {
    let alone = archetypes(Some(Threads::None));
    for threads in [1, 2] {
        let Threads::Pool(pool) = pool(threads) else { unreachable!() };
        let both = pool.install(|| rayon::join(|| archetypes(None), || archetypes(None)));
        assert_eq!(both, (alone, alone));
        // The pool that a job runs in, given by name.
        let own = Some(Threads::Pool(Arc::clone(&pool)));
        let both =
            pool.install(|| rayon::join(|| archetypes(own.clone()), || archetypes(own.clone())));
        assert_eq!(both, (alone, alone));
    }
}

#[test]
fn a_schedule_runs_inside_a_system_of_another_one() {
    let alone = archetypes(Some(Threads::None));
    for threads in [1, 3] {
        let runs = Arc::new(AtomicUsize::new(0));
        let mut outer = Schedule::new();
        for _ in 0..3 {
            let runs = Arc::clone(&runs);
            outer.add_system(move |_: Local<u8>| {
                assert_eq!(archetypes(None), alone);
                runs.fetch_add(1, Ordering::Relaxed);
            });
        }
        outer.set_threads(pool(threads));
        let mut world = World::new();
        run_times(2, &mut outer, &mut world);
        assert_eq!(runs.load(Ordering::Relaxed), 6);
    }
}

/// The threads that came.
#[derive(Clone, Default)]
struct Seen(Arc<(Mutex<HashSet<ThreadId>>, Condvar)>);

impl Seen {
    /// Is work of a third of a millisecond, and if it `waits`, until two threads came.
    fn come(&self, waits: bool) {
        let (threads, changed) = &*self.0;
        let mut threads = threads.lock();
        threads.insert(thread::current().id());
        changed.notify_all();
        let latest = Instant::now() + Duration::from_secs(20);
        while waits && threads.len() < 2 {
            assert!(!changed.wait_until(&mut threads, latest).timed_out(), "one does it all");
        }
        drop(threads);
        thread::sleep(Duration::from_micros(300));
    }
}

#[test]
fn few_rows_that_are_dear_are_shared_and_their_commands_keep_their_order() {
    let (seen, seen_with_commands) = (Seen::default(), Seen::default());
    let spread = move |mut rows: Query<&A>, mut commands: Commands| {
        rows.par_for_each(|a| seen.come(a.0 > 30));
        rows.par_for_each_with(&mut commands, |commands, a| {
            seen_with_commands.come(a.0 > 30);
            commands.spawn(B(a.0));
        });
    };
    let mut world = World::new();
    world.spawn_batch((0..40).map(|n| (A(n), C(n))));
    world.spawn_batch((40..50).map(A));
    let mut schedule = Schedule::new();
    schedule.set_threads(pool(2)).add_system(spread);
    schedule.run(&mut world);
    assert!(world.query::<&B>().iter().map(|b| b.0).eq(0..50));
}

#[test]
fn rows_that_get_dear_are_shared_though_many_were_cheap() {
    let seen = Seen::default();
    // Cheap is some ten nanoseconds, once the first run has warmed what it needs. A quarter
    // is dear, more than a thread takes at once whenever they begin to share, and of that
    // less waits than the others have left.
    let work = move |mut rows: Query<&A>| {
        for cheap in [4_000, 3_000] {
            rows.par_for_each(|a| match a.0 < cheap {
                true => drop((0..5).fold(a.0, |n, _| black_box(n ^ 1))),
                false => seen.come(a.0 >= 3_600),
            });
        }
    };
    let mut world = World::new();
    world.spawn_batch((0..4_000).map(A));
    Schedule::new().set_threads(pool(2)).add_system(work).run(&mut world);
}

#[test]
fn rows_of_which_each_is_a_chunk_are_all_visited_once() {
    for count in [0, 1, 4, 5, 6, 300] {
        let mut world = World::with_storage(LocalStorage::new(0));
        world.spawn_batch((0..count).map(A));
        let add = |mut rows: Query<&mut A>| rows.par_for_each(|a| a.0 += 1_000);
        Schedule::new().set_threads(pool(2)).add_system(add).run(&mut world);
        let seen: BTreeSet<_> = world.query::<&A>().iter().map(|a| a.0).collect();
        assert!(seen.into_iter().eq(1_000..1_000 + count));
    }
}

#[test]
fn several_worlds_run_at_once_on_one_pool() {
    let alone = archetypes(Some(Threads::None));
    let shared = pool(2);
    thread::scope(|scope| {
        let worlds: Vec<_> = (0..4)
            .map(|n| {
                let threads = if n % 2 == 0 { Some(shared.clone()) } else { None };
                scope.spawn(move || archetypes(threads))
            })
            .collect();
        worlds.into_iter().for_each(|world| assert_eq!(world.join().unwrap(), alone));
    });
}
