//! Schedules that are systems of another one.

use std::time::Duration;

use ecs_storage_api::Query;
use ecs_world::{
    Commands, FrameTime, IntoSystemConfig, PlanError, Res, ResMut, RunError, Schedule, SubSchedule,
    World,
};

use crate::common::{A, Log, Total, log, logged, logging, pool, words};

const STEP: Duration = Duration::from_millis(10);

fn count(rows: Query<&A>, mut log: ResMut<Log>) {
    log.add(rows.count());
}

fn spawn(mut commands: Commands) {
    commands.spawn(A(0));
}

fn advance(schedule: &mut Schedule, world: &mut World, millis: u64) -> String {
    world.insert_resource(FrameTime(Duration::from_millis(millis)));
    words(schedule, world)
}

#[test]
fn a_sub_schedule_sees_the_commands_before_it_and_applies_its_own() {
    let (mut world, mut outer, mut inner) = (logging(), Schedule::new(), Schedule::new());
    inner.add_system(count).add_system(spawn);
    outer.add_system(spawn).add_system(SubSchedule::new("inner", inner)).add_system(count);
    assert_eq!(words(&mut outer, &mut world), "1 2");
    let report = outer.run(&mut world);
    assert_eq!((report.systems, report.commands.applied), (3 + 2, 2));
    assert_eq!(world.tick(), 2, "only the outer run is a tick");
}

#[test]
fn a_fixed_step_runs_as_often_as_time_has_passed() {
    let (mut world, mut outer, mut steps) = (logging(), Schedule::new(), Schedule::new());
    steps.add_system(log("step")).add_system(log("third").every_offset(3, 2));
    outer.add_system(SubSchedule::fixed("steps", STEP, steps)).add_system(log("frame"));
    let frames = [25, 5, 1, 9].map(|millis| advance(&mut outer, &mut world, millis));
    assert_eq!(frames, ["step step frame", "step third frame", "frame", "step frame"]);
    world.remove_resource::<FrameTime>();
    assert_eq!(words(&mut outer, &mut world), "frame", "no time passes");
}

#[test]
fn within_a_fixed_step_as_much_time_passes_as_it_takes() {
    let steps = |frames: [u64; 4]| {
        let (mut world, mut outer) = (logging(), Schedule::new());
        let (mut fast, mut once, mut slow) = (Schedule::new(), Schedule::new(), Schedule::new());
        slow.add_system(log("slow"));
        once.add_system(SubSchedule::fixed("slow", 4 * STEP, slow));
        fast.add_system(SubSchedule::new("once", once));
        outer.add_system(SubSchedule::fixed("fast", STEP, fast));
        frames.map(|millis| advance(&mut outer, &mut world, millis))
    };
    assert_eq!(steps([20, 20, 20, 20]), ["", "slow", "", "slow"]);
    assert_eq!(steps([90, 9, 30, 1]), ["slow slow", "", "slow", ""]);
}

#[test]
fn what_the_systems_of_a_sub_schedule_did_is_told_by_its_name() {
    let (mut world, mut outer) = (logging(), Schedule::new());
    let (mut frame, mut steps) = (Schedule::new(), Schedule::new());
    steps.add_system(log("step").every(2)).add_system(count);
    frame.add_system(SubSchedule::fixed("steps", STEP, steps)).add_system(spawn);
    outer.add_system(SubSchedule::new("frame", frame));
    let frames = [30, 20].map(|millis| advance(&mut outer, &mut world, millis));
    assert_eq!(frames, ["step 0 0 step 0", "1 step 1"]);
    let told = |name| {
        let stats = outer.stats_of(name)?;
        Some(stats.iter().map(|(_, it)| (it.runs, it.skipped, it.rows)).collect::<Vec<_>>())
    };
    assert_eq!(told("steps").unwrap(), [(3, 2, 0), (5, 0, 2)]);
    assert_eq!(told("frame").unwrap()[1], (2, 0, 0));
    assert!(outer.stats_of("steps").unwrap()[1].0.ends_with("count"));
    assert_eq!(told("outer"), None);
}

#[test]
fn at_most_so_many_steps_run_and_the_time_of_the_others_is_forgotten() {
    let (mut world, mut outer, mut steps) = (logging(), Schedule::new(), Schedule::new());
    steps.add_system(log("step"));
    outer.add_system(SubSchedule::fixed("steps", STEP, steps).at_most(2));
    let frames = [95, 9, 1].map(|millis| advance(&mut outer, &mut world, millis));
    assert_eq!(frames, ["step step", "", "step"]);
}

#[test]
fn a_world_that_is_restored_goes_on_exactly() {
    fn make() -> (World, Schedule) {
        let (mut world, mut outer, mut steps) = (logging(), Schedule::new(), Schedule::new());
        world.insert_resource(Total(1));
        world.save_resource::<Total>("total");
        steps.add_system(|mut total: ResMut<Total>| total.0 = total.0 * 3 + 1);
        steps.add_system(spawn.every_offset(4, 3));
        steps.add_system(log("step"));
        outer.add_system(SubSchedule::fixed("steps", STEP, steps));
        outer.add_system(log("second").every(2));
        outer.add_system(|mut rows: Query<&mut A>, total: Res<Total>| {
            rows.for_each(|a| a.0 ^= total.0);
        });
        (world, outer)
    }
    let (mut world, mut schedule) = make();
    let times = [17, 4, 33, 8, 12, 29, 3, 10, 6, 41];
    times[..5].iter().for_each(|&millis| drop(advance(&mut schedule, &mut world, millis)));
    let saved = world.snapshot().unwrap();
    let (mut other, mut others) = make();
    other.restore(&saved).unwrap();
    for millis in &times[5..] {
        let (one, two) = (
            advance(&mut schedule, &mut world, *millis),
            advance(&mut others, &mut other, *millis),
        );
        assert_eq!(one, two);
        assert_eq!(world.state_hash().unwrap(), other.state_hash().unwrap());
        assert_eq!(world.snapshot().unwrap(), other.snapshot().unwrap());
    }
    // The same schedule, with what its systems keep, goes back as well.
    world.restore(&saved).unwrap();
    times[5..].iter().for_each(|&millis| drop(advance(&mut schedule, &mut world, millis)));
    assert_eq!(world.snapshot().unwrap(), other.snapshot().unwrap());
}

#[test]
fn a_failure_in_a_sub_schedule_names_its_own_system_and_ends_the_whole_run() {
    fn fails() -> Result<(), String> {
        Err("no".to_owned())
    }
    let (mut world, mut outer, mut inner) = (logging(), Schedule::new(), Schedule::new());
    inner.add_system(spawn).add_system(fails);
    outer.add_system(SubSchedule::new("inner", inner)).add_system(log("behind"));
    let error = outer.try_run(&mut world).unwrap_err();
    let RunError::Within { sub_schedule, source } = &error else { panic!("{error}") };
    let RunError::Failed { system, .. } = &**source else { panic!("{error}") };
    assert!(sub_schedule == "inner" && system.ends_with("fails"), "{error}");
    assert!(world.is_empty(), "commands are forgotten");
    assert_eq!(words(&mut Schedule::new(), &mut world), "");
}

#[test]
fn a_sub_schedule_has_places_rhythm_and_conditions_as_systems_have() {
    let (mut world, mut outer, mut inner) = (logging(), Schedule::new(), Schedule::new());
    inner.add_system(log("inner"));
    let sub = SubSchedule::new("inner", inner).after("late").every(2);
    outer.add_system(sub.run_if(|total: Option<Res<Total>>| total.is_none()));
    outer.add_system(log("outer").label("late"));
    outer.add_system(log("behind").after("inner"));
    let runs = [(); 2].map(|()| words(&mut outer, &mut world));
    assert_eq!(runs, ["outer inner behind", "outer behind"]);
    world.insert_resource(Total(0));
    assert_eq!(words(&mut outer, &mut world), "outer behind");
}

#[test]
fn sub_schedules_may_be_in_each_other_and_use_the_threads_of_the_one_around() {
    let (mut world, mut outer, mut middle, mut inner) =
        (logging(), Schedule::new(), Schedule::new(), Schedule::new());
    for _ in 0..2 {
        inner.add_system(|_: Query<&A>| {
            crate::common::work();
            assert_eq!(rayon::current_thread_index(), None);
        });
    }
    inner.add_system(log("inner"));
    middle.add_system(SubSchedule::fixed("inner", STEP, inner)).add_system(log("middle"));
    middle.set_threads(ecs_world::Threads::None);
    outer.add_system(SubSchedule::new("middle", middle)).add_system(log("outer"));
    outer.set_threads(pool(2));
    for _ in 0..2 {
        assert_eq!(advance(&mut outer, &mut world, 20), "inner inner middle outer");
    }
}

#[test]
fn a_plan_error_of_a_sub_schedule_is_found_before_anything_runs() {
    let (mut world, mut outer, mut inner) = (logging(), Schedule::new(), Schedule::new());
    inner.add_system(log("inner").after("nobody"));
    outer.add_system(spawn).add_system(SubSchedule::new("inner", inner));
    let error = outer.check().unwrap_err();
    let PlanError::Within { sub_schedule, source } = &error else { panic!("{error}") };
    assert!(matches!(&**source, PlanError::NoSuchLabel { .. }), "{error}");
    assert_eq!(sub_schedule, "inner");
    assert!(matches!(outer.try_run(&mut world), Err(RunError::Plan(_))));
    assert!(world.is_empty());
}

#[test]
fn a_step_that_fails_has_not_been_and_its_time_is_still_there() {
    let (mut world, mut outer, mut steps) = (logging(), Schedule::new(), Schedule::new());
    world.insert_resource(Total(0));
    steps.add_system(|mut total: ResMut<Total>| {
        total.0 += 1;
        // The second step fails, once.
        if total.0 == 2 { Err("not yet") } else { Ok(()) }
    });
    steps.add_system(log("step"));
    outer.add_system(SubSchedule::fixed("steps", STEP, steps));
    world.insert_resource(FrameTime(3 * STEP));
    assert!(outer.try_run(&mut world).is_err());
    assert_eq!(logged(&mut world), "step");
    assert_eq!(advance(&mut outer, &mut world, 0), "step step");
}

#[test]
fn two_sub_schedules_of_one_name_are_an_error_wherever_they_stand() {
    let (mut outer, mut middle) = (Schedule::new(), Schedule::new());
    middle.add_system(SubSchedule::new("steps", Schedule::new()));
    outer.add_system(SubSchedule::new("middle", middle));
    assert!(outer.check().is_ok());
    outer.add_system(SubSchedule::new("steps", Schedule::new()));
    assert_eq!(outer.check(), Err(PlanError::SameName { name: "steps".to_owned() }));
}

#[test]
fn unused_time_is_part_of_the_state() {
    let after = |millis| {
        let (mut world, mut outer) = (logging(), Schedule::new());
        outer.add_system(SubSchedule::fixed("steps", STEP, Schedule::new()));
        advance(&mut outer, &mut world, millis);
        world.state_hash().unwrap()
    };
    assert_eq!(after(3), after(3));
    assert_ne!(after(3), after(4));
}
