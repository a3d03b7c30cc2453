//! Whether a system runs: every n-th tick, and conditions.

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use ecs_storage_api::{Changed, Query};
use ecs_world::{
    FrameTime, In, IntoSystem, IntoSystemConfig, Local, ParQuery, Res, ResMut, Schedule, SetConfig,
    SubSchedule, Threads, Tick, World,
};

use crate::common::{A, Log, Total, log, logged, logging, pool, run_times, words, work};

#[test]
fn every_n_th_tick_counts_the_ticks_of_the_world() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("a").every(2));
    schedule.add_system(log("b").every_offset(3, 1));
    schedule.add_system(log("c").every(1));
    let runs = [(); 5].map(|()| words(&mut schedule, &mut world));
    assert_eq!(runs, ["a c", "b c", "a c", "c", "a b c"]);
    // Another schedule goes on with the count.
    let mut other = Schedule::new();
    other.add_system(log("d").every_offset(6, 5));
    assert_eq!(words(&mut other, &mut world), "d");
}

#[test]
fn rhythms_of_a_system_and_of_its_sets_must_all_hold() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.configure_set(SetConfig::new("inner").label("outer"));
    schedule.configure_set(SetConfig::new("outer").every(3));
    schedule.add_system(log("x").label("inner").every(2));
    let runs: String = (0..12).map(|_| words(&mut schedule, &mut world) + ".").collect();
    assert_eq!(runs, "x......x......");
}

#[test]
#[should_panic(expected = "is 2 at most, and not 3")]
fn an_offset_that_never_comes_is_refused() {
    drop(log("a").every_offset(3, 3));
}

#[test]
fn a_system_runs_if_all_of_its_conditions_hold_and_the_first_that_does_not_is_the_last_asked() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    world.insert_resource(Total(0));
    let asked = Arc::new(AtomicUsize::new(0));
    let second = Arc::clone(&asked);
    schedule.add_system(log("run").run_if(|rows: Query<&A>| !rows.is_empty()).run_if(
        move |total: Res<Total>| second.fetch_add(1, Ordering::Relaxed) < total.0 as usize,
    ));
    assert_eq!(words(&mut schedule, &mut world), "");
    assert_eq!(asked.load(Ordering::Relaxed), 0);
    world.spawn(A(0));
    assert_eq!(words(&mut schedule, &mut world), "");
    assert_eq!(asked.load(Ordering::Relaxed), 1);
    world.insert_resource(Total(9));
    assert_eq!(words(&mut schedule, &mut world), "run");
}

#[test]
fn a_condition_is_asked_when_the_system_s_turn_has_come() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    world.insert_resource(Total(0));
    let is_odd = |total: Res<Total>| total.0 % 2 == 1;
    schedule.add_system(log("before").run_if(is_odd));
    schedule.add_system(|mut total: ResMut<Total>| total.0 += 1);
    schedule.add_system(log("behind").run_if(is_odd));
    let runs = [(); 3].map(|()| words(&mut schedule, &mut world));
    assert_eq!(runs, ["behind", "before", "behind"]);
}

#[test]
fn a_condition_may_write_and_keep_values() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("run").run_if(|mut asked: Local<u8>, mut log: ResMut<Log>| {
        *asked += 1;
        log.add(*asked);
        *asked > 1
    }));
    assert_eq!(words(&mut schedule, &mut world), "1");
    assert_eq!(words(&mut schedule, &mut world), "2 run");
}

#[test]
fn a_set_s_condition_is_asked_once_a_run() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.configure_set(SetConfig::new("set").run_if(
        |mut n: Local<u8>, mut log: ResMut<Log>| {
            *n += 1;
            log.add(*n);
            n.is_multiple_of(2)
        },
    ));
    schedule.add_system(log("first"));
    schedule.add_system(log("a").label("set"));
    schedule.add_system(log("between"));
    schedule.add_system(log("b").label("set"));
    assert_eq!(words(&mut schedule, &mut world), "first 1 between");
    assert_eq!(words(&mut schedule, &mut world), "first 2 a between b");
    assert_eq!(schedule.len(), 4, "what asks is no system");
}

#[test]
fn a_set_s_condition_is_asked_after_what_the_whole_set_is_after() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    world.insert_resource(Total(0));
    schedule.configure_set(
        SetConfig::new("set").after("input").run_if(|total: Res<Total>| total.0 == 1),
    );
    schedule.add_system(log("member").label("set"));
    schedule.add_system((|mut total: ResMut<Total>| total.0 += 1).label("input"));
    assert_eq!(words(&mut schedule, &mut world), "member");
    assert_eq!(words(&mut schedule, &mut world), "");
}

#[test]
fn conditions_of_outer_sets_hold_for_inner_ones_and_across_phases() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    world.insert_resource(Total(0));
    schedule.set_phases(["one", "two"]);
    schedule.configure_set(SetConfig::new("inner").label("outer"));
    schedule.configure_set(SetConfig::new("outer").run_if(|total: Res<Total>| total.0 > 0));
    schedule.add_system(log("a").label("inner"));
    schedule.add_system(log("b").label("inner").in_phase("two"));
    schedule.add_system((|world: &mut World| _ = world.spawn(A(0))).label("outer"));
    assert_eq!(words(&mut schedule, &mut world), "");
    assert_eq!(world.len(), 0);
    world.insert_resource(Total(1));
    assert_eq!(words(&mut schedule, &mut world), "a b");
    assert_eq!(world.len(), 1);
}

#[test]
fn the_report_and_the_stats_tell_what_ran_and_what_did_not() {
    fn member() {}
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.configure_set(SetConfig::new("set").run_if(|| false));
    schedule.add_system(member.label("set"));
    schedule.add_system(log("a").every(2));
    schedule.add_system(log("b").run_if(|mut n: Local<u8>| {
        *n += 1;
        *n == 1
    }));
    let counts = [(); 2].map(|()| {
        let report = schedule.run(&mut world);
        (report.systems, report.skipped)
    });
    assert_eq!(counts, [(2, 1), (0, 3)]);
    let stats: Vec<_> = schedule.stats().map(|(_, stats)| (stats.runs, stats.skipped)).collect();
    assert_eq!(stats, [(0, 2), (1, 1), (1, 1)]);
}

#[test]
fn a_system_that_becomes_slow_among_short_ones_is_found() {
    const LONG: Duration = Duration::from_millis(2);
    let (mut world, mut schedule) = (World::new(), Schedule::new());
    schedule.set_threads(Threads::None);
    for system in 0..40 {
        schedule.add_system(move |mut run: Local<u32>| {
            *run += 1;
            if system == 7 && *run > 8 {
                std::thread::sleep(LONG);
            }
        });
    }
    let start = Instant::now();
    for _ in 0..14 {
        assert_eq!(schedule.run(&mut world).systems, 40);
    }
    let stats: Vec<_> = schedule.stats().map(|(_, stats)| stats.clone()).collect();
    assert!(stats.iter().all(|stats| stats.runs == 14));
    assert!(stats[7].last_time >= LONG, "{:?}", stats[7]);
    let all: Duration = stats.iter().map(|stats| stats.time).sum();
    assert!((LONG * 6..=start.elapsed()).contains(&all), "{all:?}");
}

#[test]
fn what_a_condition_takes_is_no_time_of_the_next_system() {
    const LONG: Duration = Duration::from_millis(2);
    let slow = || {
        std::thread::sleep(LONG);
        false
    };
    let (mut world, mut schedule) = (World::new(), Schedule::new());
    schedule.set_threads(Threads::None);
    schedule.configure_set(SetConfig::new("set").run_if(slow));
    schedule.add_system((|| {}).label("set"));
    schedule.add_system((|| {}).run_if(slow));
    schedule.add_system(|| {});
    let start = Instant::now();
    for _ in 0..6 {
        assert_eq!(schedule.run(&mut world).systems, 1);
    }
    let all: Duration = schedule.stats().map(|(_, stats)| stats.time).sum();
    assert!(all + LONG * 12 <= start.elapsed(), "{all:?}");
}

#[test]
fn a_condition_s_commands_are_applied_with_those_of_its_system() {
    use ecs_world::Commands;
    fn ask(mut commands: Commands) -> bool {
        commands.spawn(A(1));
        true
    }
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.configure_set(SetConfig::new("set").run_if(ask));
    schedule
        .add_system((|mut commands: Commands| _ = commands.spawn(A(2))).label("set").run_if(ask));
    schedule.add_system((|world: &mut World| _ = world.spawn(A(3))).run_if(ask));
    schedule.run(&mut world);
    assert_eq!(world.query::<&A>().iter().map(|a| a.0).collect::<Vec<_>>(), [1, 1, 2, 1, 3]);
}

#[test]
fn a_set_s_condition_is_asked_when_the_set_is_due_and_hears_of_what_came_before() {
    let mut world = logging();
    let tile = world.spawn(A(0));
    let mut schedule = Schedule::new();
    let changed = |changed: Query<'_, (), Changed<A>>| !changed.is_empty();
    schedule.configure_set(SetConfig::new("inner").label("outer").run_if(changed));
    schedule.configure_set(SetConfig::new("outer").every(4));
    schedule.add_system(log("x").label("inner"));
    let mut runs = |world: &mut World, ticks: u32| {
        (0..ticks).map(|_| words(&mut schedule, world) + ".").collect::<String>()
    };
    assert_eq!(runs(&mut world, 6), "x......");
    world.get_mut::<A>(tile).unwrap().0 = 1;
    assert_eq!(runs(&mut world, 6), "..x....");
}

#[test]
#[should_panic(expected = "`every` takes 1 or more")]
fn a_rhythm_of_no_ticks_is_refused() {
    drop(log("a").every(0));
}

/// Writes its tick down.
fn note(tick: Tick, mut log: ResMut<Log>) {
    log.add(tick.get());
}

#[test]
fn a_system_is_told_the_tick_of_the_world_that_it_runs_on() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(note.every_offset(3, 1));
    run_times(8, &mut schedule, &mut world);
    assert_eq!(logged(&mut world), "1 4 7");
    let even = |tick: Tick| tick.get().is_multiple_of(2);
    let double = |tick: Tick, _: Tick| 2 * tick.get();
    let both = |In(twice): In<u64>, tick: Tick, mut log: ResMut<Log>| {
        log.add(format!("{twice}/{}", tick.get()));
    };
    let mut other = Schedule::new();
    other.add_system(note.run_if(even)).add_system(double.pipe(both));
    let runs = [(); 3].map(|()| words(&mut other, &mut world));
    assert_eq!(runs, ["8 16/8", "18/9", "10 20/10"]);
}

#[test]
fn a_system_that_is_run_once_is_told_the_tick_that_comes() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    run_times(3, &mut schedule, &mut world);
    world.run_system(note).unwrap();
    world.run_system(note).unwrap();
    assert_eq!((logged(&mut world).as_str(), world.tick()), ("3 3", 3));
}

#[test]
fn in_a_sub_schedule_the_tick_counts_its_own_steps() {
    let (mut world, mut schedule, mut steps) = (logging(), Schedule::new(), Schedule::new());
    steps.add_system(note);
    let step = Duration::from_millis(10);
    schedule.add_system(note).add_system(SubSchedule::fixed("steps", step, steps)).add_system(note);
    world.insert_resource(FrameTime(Duration::from_millis(25)));
    let runs = [(); 3].map(|()| words(&mut schedule, &mut world));
    assert_eq!(runs, ["0 0 1 0", "1 2 3 4 1", "2 5 6 2"]);
}

#[test]
fn the_tick_goes_on_from_what_was_restored_and_stays_in_a_run_that_failed() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(note);
    schedule.add_system(|world: &mut World| {
        assert!(world.resource::<Total>().is_none(), "there is a total");
    });
    run_times(2, &mut schedule, &mut world);
    let saved = world.snapshot().unwrap();
    run_times(2, &mut schedule, &mut world);
    world.restore(&saved).unwrap();
    schedule.run(&mut world);
    world.insert_resource(Total(0));
    schedule.try_run(&mut world).unwrap_err();
    world.remove_resource::<Total>();
    schedule.run(&mut world);
    assert_eq!(logged(&mut world), "0 1 2 3 2 3 3");
}

#[test]
fn an_exclusive_system_that_restores_leaves_the_tick_of_its_run() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    let saved = world.snapshot().unwrap();
    run_times(5, &mut schedule, &mut world);
    schedule.add_system(note);
    schedule.add_system(move |world: &mut World| world.restore(&saved).unwrap());
    schedule.add_system(note);
    let runs = [(); 2].map(|()| words(&mut schedule, &mut world));
    assert_eq!(runs, ["5 5", "1 1"]);
}

#[test]
fn systems_side_by_side_and_parallel_queries_see_one_tick() {
    let mut world = World::new();
    world.spawn_batch((0..20_000).map(|_| A(0)));
    let mut schedule = Schedule::new();
    schedule.add_system(|tick: Tick, mut rows: Query<&mut A>| {
        rows.par_for_each(|row| row.0 += tick.get());
    });
    for _ in 0..4 {
        schedule.add_system(|tick: Tick, mut seen: Local<Vec<u64>>| {
            work();
            seen.push(tick.get());
            assert!(seen.iter().copied().eq(0..=tick.get()));
        });
    }
    schedule.set_threads(pool(3));
    let step = &schedule.describe(&mut world).unwrap().phases[0].steps[4];
    assert_eq!((step.waits_for.len(), step.beside.len()), (0, 4), "it conflicts with nothing");
    run_times(5, &mut schedule, &mut world);
    assert!(world.query::<&A>().iter().all(|row| row.0 == 10));
}
