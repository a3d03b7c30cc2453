//! Phases: one ends, with its commands, before the next begins.

use ecs_storage_api::Query;
use ecs_world::{Commands, IntoSystemConfig, PlanError, ResMut, Schedule, SetConfig};

use crate::common::{A, Log, log, logging, words};

fn early() {}
fn late() {}

#[test]
fn phases_run_in_their_order_whatever_the_order_of_registration() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.set_phases(["input", "update", "output"]);
    schedule.add_system(log("c").in_phase("output"));
    schedule.add_system(log("b").in_phase("update"));
    schedule.add_system(log("a"));
    schedule.add_system(log("d").in_phase("output"));
    assert_eq!(words(&mut schedule, &mut world), "a b c d");
    let plan = schedule.describe(&mut world).unwrap();
    let phases: Vec<_> =
        plan.phases.iter().map(|phase| (phase.label.as_str(), phase.steps.len())).collect();
    assert_eq!(phases, [("input", 1), ("update", 1), ("output", 2)]);
}

#[test]
fn commands_are_applied_where_a_phase_ends() {
    fn count(rows: Query<&A>, mut log: ResMut<Log>) {
        log.add(rows.count());
    }
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.set_phases(["one", "two"]);
    schedule.add_system(|mut commands: Commands| _ = commands.spawn(A(0)));
    schedule.add_system(count);
    schedule.add_system(count.in_phase("two"));
    assert_eq!(words(&mut schedule, &mut world), "0 1");
}

#[test]
fn an_order_that_contradicts_the_phases_is_an_error_that_names_both() {
    let mut schedule = Schedule::new();
    schedule.set_phases(["one", "two"]);
    schedule.add_system(late.in_phase("two").label("late"));
    schedule.add_system(early.after("late"));
    let error = schedule.check().unwrap_err();
    let PlanError::Phases { first, second } = &error else { panic!("{error}") };
    assert!(first.ends_with("late") && second.ends_with("early"), "{error}");
}

#[test]
fn a_phase_that_the_schedule_does_not_have_is_named_with_the_system() {
    let mut schedule = Schedule::new();
    schedule.add_system(late.in_phase("evening"));
    let error = schedule.check().unwrap_err();
    let PlanError::NoSuchPhase { name, phase } = &error else { panic!("{error}") };
    assert!(name.ends_with("late") && phase.as_str() == "evening", "{error}");
    // Of a set that nothing is in yet as well.
    let mut schedule = Schedule::new();
    schedule.configure_set(SetConfig::new("night").in_phase("evening"));
    let error = schedule.check().unwrap_err();
    let PlanError::NoSuchPhase { name, .. } = &error else { panic!("{error}") };
    assert_eq!(name, "night");
}

#[test]
fn an_order_that_agrees_with_the_phases_may_be_asked_for() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.set_phases(["one", "two"]);
    schedule.add_system(log("b").in_phase("two").after("first"));
    schedule.add_system(log("a").label("first"));
    assert_eq!(words(&mut schedule, &mut world), "a b");
}

#[test]
fn a_set_puts_its_systems_in_a_phase_but_for_those_that_name_one() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.set_phases(["first", "second", "third"]);
    schedule.add_system(log("a").label("late"));
    schedule.add_system(log("b").label("late").in_phase("third"));
    schedule.add_system(log("c"));
    schedule.configure_set(SetConfig::new("late").in_phase("second"));
    assert_eq!(words(&mut schedule, &mut world), "c a b");
    schedule.configure_set(SetConfig::new("late").in_phase("third").every_offset(2, 1));
    assert_eq!(words(&mut schedule, &mut world), "c a b", "what was said first counts");
    assert_eq!(words(&mut schedule, &mut world), "c");
}

#[test]
#[should_panic(expected = "each phase once, and `sense` is named twice")]
fn a_phase_is_named_once() {
    Schedule::new().set_phases(["sense", "act", "sense"]);
}
