//! Names that systems are given.

use std::time::Duration;

use ecs_core::EntityId;
use ecs_storage_api::Query;
use ecs_world::{
    Commands, In, IntoSystem, IntoSystemConfig, Label, PlanError, Res, RunError, Schedule,
    SetConfig, SubSchedule, SystemConfig, SystemError, World,
};

use crate::common::{A, Total, log, logging, steps, words};

fn fall(mut rows: Query<&mut A>) {
    rows.for_each(|a| a.0 += 1);
}

fn names(schedule: &Schedule) -> Vec<&str> {
    schedule.stats().map(|(name, _)| name).collect()
}

#[test]
fn a_name_stands_in_statistics_and_plans_instead_of_the_path() {
    let (mut world, mut schedule) = (World::new(), Schedule::new());
    world.spawn(A(1));
    let double = |In(n): In<u64>| assert_eq!(n, 2);
    schedule
        .add_system(fall.named("first").named("physics::fall"))
        .add_system((|| 2u64).pipe(double).named("pipe"))
        .add_system((|_: &mut World| {}).named("whole"))
        .add_system((|mut rows: Query<&mut A>| rows.for_each(|a| a.0 *= 2)).named("double"))
        .add_system((|_: Query<&A>| {}).named("look"));
    schedule.run(&mut world);
    assert_eq!(names(&schedule), ["physics::fall", "pipe", "whole", "double", "look"]);
    let steps = steps(&mut schedule, &mut world);
    let planned: Vec<_> = steps.iter().map(|step| step.name.as_str()).collect();
    assert_eq!(planned, names(&schedule));
    assert_eq!(steps[0].beside, ["pipe"]);
    assert_eq!(steps[4].waits_for[0].0, "double");
    let ambiguous = schedule.ambiguities().unwrap();
    assert_eq!((&*ambiguous[0].first, &*ambiguous[0].second), ("physics::fall", "double"));
    assert!(format!("{schedule:?}").contains("physics::fall"));
    assert!(format!("{:?}", fall.named("x")).contains("\"x\""));
}

fn boom() {
    panic!("bang");
}

#[test]
fn errors_have_the_name() {
    let told = |system: SystemConfig| {
        let mut schedule = Schedule::new();
        schedule.add_system(system).set_strict_commands(true);
        schedule.try_run(&mut World::new()).unwrap_err().to_string()
    };
    assert_eq!(told(boom.named("one")), "system `one` panicked: bang");
    assert_eq!(told((|| Err::<(), _>("no")).named("two")), "system `two` failed: no");
    let end = |mut commands: Commands| commands.despawn(EntityId::from_bits(1).unwrap());
    let dead = told(end.named("three"));
    assert!(dead.starts_with("system `three`: command 0 is about entity"), "{dead}");
    assert_eq!(told((|_: &mut World| boom()).named("four")), "system `four` panicked: bang");
    let nobody = told(fall.named("five").after("nobody"));
    assert_eq!(nobody, "`five` is to run after `nobody`, but nothing has that label");
    let asks = |_: Res<Total>| true;
    let missing = told(fall.run_if(asks).named("six"));
    assert!(missing.starts_with("system `six` panicked: it, or a condition"), "{missing}");

    let twice = (|_: Query<&A>, _: Query<&mut A>| {}).named("seven");
    let error = Schedule::new().try_add_system(twice).unwrap_err();
    assert!(matches!(&error, SystemError::Conflict { system, .. } if system == "seven"), "{error}");
    let error = World::new().run_system(boom.named("eight")).unwrap_err();
    assert!(matches!(&error, RunError::Panicked { system, .. } if system == "eight"), "{error}");
}

#[test]
fn a_system_is_ordered_and_removed_by_its_function_and_by_its_name() {
    fn one(mut log: ecs_world::ResMut<crate::common::Log>) {
        log.add("one");
    }
    for label in [Label::of(one), Label::from("first")] {
        let (mut world, mut schedule) = (logging(), Schedule::new());
        schedule.add_system(log("other").before(label.clone()));
        schedule.add_system(log("late").after(label.clone()));
        schedule.add_system(one.named("first"));
        assert_eq!(words(&mut schedule, &mut world), "other one late");
        schedule.configure_set(SetConfig::new(label.clone()).run_if(|| false));
        assert_eq!(words(&mut schedule, &mut world), "other late");
        assert_eq!(schedule.remove_all(label), 1);
        assert_eq!(schedule.len(), 2);
    }
}

#[test]
fn a_sub_schedule_is_known_by_its_new_name_alone() {
    let named = || {
        let mut inner = Schedule::new();
        inner.add_system(fall);
        SubSchedule::new("old", inner).every(1).named("new")
    };
    let mut schedule = Schedule::new();
    schedule.add_system(named());
    schedule.run(&mut World::new());
    assert_eq!(names(&schedule), ["new"]);
    assert_eq!(schedule.stats_of("new").unwrap().len(), 1);
    assert_eq!(schedule.stats_of("old"), None);
    assert_eq!(schedule.remove_all("old"), 0);
    schedule.add_system(SubSchedule::new("old", Schedule::new()));
    assert_eq!(schedule.check(), Ok(()));
    schedule.add_system(named());
    assert_eq!(schedule.check(), Err(PlanError::SameName { name: "new".to_owned() }));
}

#[test]
#[should_panic(expected = "a system has a name that is not empty")]
fn an_empty_name_is_refused() {
    let _ = fall.named("");
}

#[test]
#[should_panic(expected = "a system's name has no `/`, as `steps/fall` has")]
fn a_name_that_looks_like_one_of_a_sub_schedule_is_refused() {
    let _ = fall.named("steps/fall");
}

#[test]
#[should_panic(expected = "a sub-schedule has a name that is not empty")]
fn an_empty_name_of_a_sub_schedule_is_refused() {
    SubSchedule::new("", Schedule::new());
}

#[test]
#[should_panic(expected = "a sub-schedule's name has no `/`, as `outer/inner` has")]
fn a_name_that_looks_like_one_of_a_sub_schedule_in_another_is_refused() {
    SubSchedule::fixed("outer/inner", Duration::from_millis(1), Schedule::new());
}
