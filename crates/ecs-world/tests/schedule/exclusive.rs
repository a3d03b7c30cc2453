//! Systems that take the world.

use ecs_derive::Component;
use ecs_local::LocalStorage;
use ecs_storage_api::{Changed, Query};
use ecs_world::{
    Commands, In, IntoSystem, IntoSystemConfig, RemovedComponents, Res, ResMut, RunError, Schedule,
    World,
};

use serde::{Deserialize, Serialize};

use crate::common::{A, Log, Total, log, logged, logging, words};

fn count(world: &mut World) {
    let count = world.query::<&A>().count();
    world.resource_mut::<Log>().unwrap().add(count);
}

fn spawn(mut commands: Commands) {
    commands.spawn(A(0));
}

#[test]
fn a_system_that_takes_the_world_sees_the_commands_of_all_before_it() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(spawn).add_system(count).add_system(spawn).add_system(count);
    assert_eq!(words(&mut schedule, &mut world), "1 2");
    let plan = schedule.describe(&mut world).unwrap();
    let alone: Vec<_> = plan.phases[0].steps.iter().map(|step| step.alone).collect();
    assert_eq!(alone, [false, true, false, true]);
}

#[test]
fn a_system_between_two_exclusive_ones_sees_what_the_first_did() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(|world: &mut World| _ = world.spawn(A(1)));
    schedule.add_system(|rows: Query<&A>, mut log: ResMut<Log>| log.add(rows.count()));
    schedule.add_system(|world: &mut World| world.clear().unwrap());
    assert_eq!(words(&mut schedule, &mut world), "1");
    assert!(world.is_empty());
}

#[test]
fn an_exclusive_closure_keeps_what_it_captured_and_may_fail() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    let mut left = 2;
    schedule.add_system(move |world: &mut World| -> Result<(), String> {
        world.spawn(A(left));
        left -= 1;
        if left == 0 { Err("used up".to_owned()) } else { Ok(()) }
    });
    schedule.add_system(log("behind"));
    assert_eq!(words(&mut schedule, &mut world), "behind");
    let error = schedule.try_run(&mut world).unwrap_err();
    assert!(matches!(&error, RunError::Failed { .. }), "{error}");
    assert!(error.to_string().contains("used up"), "{error}");
    assert_eq!((world.len(), world.tick()), (2, 1));
}

#[test]
fn an_exclusive_system_may_be_ordered_and_conditional() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(count.after("spawners").run_if(|rows: Query<&A>| rows.count() == 2));
    schedule.add_system(spawn.label("spawners"));
    let runs = [(); 3].map(|()| words(&mut schedule, &mut world));
    assert_eq!(runs, ["", "2", ""]);
}

#[test]
fn an_exclusive_system_may_run_another_schedule_on_the_world() {
    let (mut world, mut inner, mut outer) = (logging(), Schedule::new(), Schedule::new());
    inner.add_system(spawn).add_system(count);
    outer.add_system(move |world: &mut World| _ = inner.run(world));
    assert_eq!(words(&mut outer, &mut world), "1");
    assert_eq!(world.tick(), 2, "both count their runs");
}

#[test]
fn an_exclusive_system_of_another_backend_is_an_error_that_names_it() {
    fn elsewhere(_: &mut World<LocalStorage>) {}
    let mut schedule = Schedule::new();
    schedule.add_system(elsewhere);
    schedule.run(&mut World::with_storage(LocalStorage::new(0)));
    let error = schedule.try_run(&mut World::new()).unwrap_err();
    let RunError::OtherBackend { system } = &error else { panic!("{error}") };
    assert!(system.ends_with("elsewhere"), "{error}");
}

#[test]
fn what_an_exclusive_system_has_written_is_no_news_to_its_own_condition() {
    fn rebuild(world: &mut World) {
        world.query_mut::<&mut A>().for_each(|a| a.0 += 1);
    }
    let mut world = World::new();
    let tile = world.spawn(A(0));
    let mut schedule = Schedule::new();
    schedule.add_system(rebuild.run_if(|changed: Query<'_, (), Changed<A>>| !changed.is_empty()));
    let mut runs = |world: &mut World| {
        for _ in 0..3 {
            schedule.run(world);
        }
        world.get::<A>(tile).unwrap().0
    };
    assert_eq!(runs(&mut world), 1);
    world.get_mut::<A>(tile).unwrap().0 = 10;
    assert_eq!(runs(&mut world), 11);
}

#[test]
fn a_condition_of_an_exclusive_system_hears_of_what_was_removed_before_its_phase() {
    #[derive(ecs_derive::Component)]
    #[component(crate = ecs_core, name = "exclusive::Health", transient, track)]
    struct Health;
    let mut world = World::new();
    let patient = world.spawn(Health);
    world.insert_resource(0u32);
    let mut schedule = Schedule::new();
    schedule.set_phases(["treatment", "burial"]);
    let end = move |mut commands: Commands, runs: Res<'_, u32>| {
        if *runs == 0 {
            commands.despawn(patient);
        }
    };
    schedule.add_system(end.in_phase("treatment").every(100));
    let bury = |world: &mut World| *world.resource_mut::<u32>().unwrap() += 1;
    let has_lost = |mut lost: RemovedComponents<'_, Health>| lost.read().len() > 0;
    schedule.add_system(bury.run_if(has_lost).in_phase("burial"));
    schedule.run(&mut world);
    assert_eq!(*world.resource::<u32>().unwrap(), 1, "in the same tick");
    schedule.run(&mut world);
    assert_eq!(*world.resource::<u32>().unwrap(), 1, "and once");
}

#[test]
fn a_system_that_puts_another_world_in_is_an_error_that_names_it() {
    fn replace(world: &mut World) {
        *world = World::new();
    }
    let mut schedule = Schedule::new();
    schedule.add_system(replace);
    schedule.add_system(count);
    let mut world = World::new();
    let error = schedule.try_run(&mut world).unwrap_err();
    let RunError::OtherWorld { system } = &error else { panic!("{error}") };
    assert!(system.ends_with("replace"), "{error}");
    assert_eq!(world.tick(), 0);
}

#[test]
fn a_system_is_run_once_without_a_tick() {
    let mut world = logging();
    for _ in 0..2 {
        let report = world.run_system(|mut commands: Commands, rows: Query<&A, Changed<A>>| {
            commands.spawn(A(rows.count() as u64));
        });
        assert_eq!(report.unwrap().commands.applied, 1);
    }
    let mut numbers: Vec<_> = world.query::<&A>().iter().map(|a| a.0).collect();
    numbers.sort_unstable();
    assert_eq!((numbers, world.tick()), (vec![0, 1], 0));
    let error = world.run_system(|| Err::<(), _>("no luck".to_owned())).unwrap_err();
    assert!(error.to_string().ends_with("failed: no luck"), "{error}");
    world.run_system(|world: &mut World| world.clear().unwrap()).unwrap();
    assert!(world.is_empty());
}

#[test]
fn a_system_that_is_called_returns_its_value_and_its_commands_are_applied() {
    #[derive(Debug, PartialEq)]
    struct TooMany(usize);
    fn spawn(mut commands: Commands, rows: Query<&A>) -> Result<usize, TooMany> {
        commands.spawn(A(7));
        let count = rows.count();
        if count < 2 { Ok(count) } else { Err(TooMany(count)) }
    }
    fn boom(_: Query<&A>) -> u32 {
        panic!("bang")
    }
    let mut world = logging();
    let returned = [(); 3].map(|()| world.call_system(spawn).unwrap());
    assert_eq!(returned, [Ok(0), Ok(1), Err(TooMany(2))], "errors keep their type");
    assert_eq!((world.len(), world.tick()), (3, 0));
    let mut log = vec!["captured".to_owned()];
    let words = world.call_system(move |rows: Query<&A>| {
        log.push(rows.count().to_string());
        std::mem::take(&mut log)
    });
    assert_eq!(words.unwrap(), ["captured", "3"]);
    let total = (|rows: Query<&A>| rows.iter().map(|a| a.0).sum()).pipe(|In(n): In<u64>| n * 2);
    assert_eq!(world.call_system(total).unwrap(), 42);

    let error = world.call_system(boom).unwrap_err();
    let RunError::Panicked { system, message } = &error else { panic!("{error}") };
    assert!(system.ends_with("::boom") && message == "bang", "{error}");
    let error = world.call_system(|total: Res<Total>| total.0).unwrap_err();
    assert!(matches!(error, RunError::MissingResource { .. }), "{error}");
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "exclusive::Seen", track)]
struct Seen(u64);

/// Logs who is new, by a system's name.
fn seen(name: &str, world: &mut World) {
    let found = world.query_filtered_mut::<&Seen, Changed<Seen>>();
    let found: Vec<_> = found.iter().map(|seen| seen.0).collect();
    world.resource_mut::<Log>().unwrap().add(format!("{name}{found:?}"));
}

#[test]
fn each_exclusive_system_finds_what_others_changed_since_it_ran_last() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    let [one, two] = [1, 2].map(|n| world.spawn(Seen(n)));
    schedule.add_system(|world: &mut World| seen("a", world));
    schedule.add_system(move |world: &mut World| {
        seen("b", world);
        world.get_mut::<Seen>(one).unwrap().0 += 10;
        // What it has changed in this run it finds, and in the next it does not.
        seen("b", world);
    });
    assert_eq!(words(&mut schedule, &mut world), "a[1, 2] b[1, 2] b[11, 2]");
    assert_eq!(words(&mut schedule, &mut world), "a[11] b[] b[21]");
    world.get_mut::<Seen>(two).unwrap().0 += 10;
    // Of those who look from outside each has news of its own.
    seen("c", &mut world);
    assert_eq!(words(&mut schedule, &mut world), "c[21, 12] a[21, 12] b[12] b[31, 12]");
    seen("c", &mut world);
    seen("c", &mut world);
    assert_eq!(logged(&mut world), "c[31] c[]");
}

#[test]
fn an_exclusive_system_that_runs_a_schedule_goes_on_with_its_own_news() {
    let (mut world, mut inner, mut outer) = (logging(), Schedule::new(), Schedule::new());
    let one = world.spawn(Seen(1));
    inner.add_system(|world: &mut World| seen("inner", world));
    outer.add_system(move |world: &mut World| {
        inner.run(world);
        seen("outer", world);
    });
    assert_eq!(words(&mut outer, &mut world), "inner[1] outer[1]");
    assert_eq!(words(&mut outer, &mut world), "inner[] outer[]");
    world.get_mut::<Seen>(one).unwrap().0 = 2;
    assert_eq!(words(&mut outer, &mut world), "inner[2] outer[2]");
}

#[test]
fn an_exclusive_system_that_fails_keeps_its_news_and_nobody_elses() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    world.spawn(Seen(1));
    let mut fails = true;
    schedule.add_system(move |world: &mut World| {
        seen("a", world);
        assert!(!std::mem::take(&mut fails), "it fails once");
    });
    schedule.try_run(&mut world).unwrap_err();
    seen("c", &mut world);
    seen("c", &mut world);
    assert_eq!(words(&mut schedule, &mut world), "a[1] c[1] c[] a[1]");
    assert_eq!(words(&mut schedule, &mut world), "a[]");
}
