//! Schedules that change between runs.

use ecs_storage_api::Query;
use ecs_world::{IntoSystemConfig, Label, Res, Schedule, SetConfig};

use crate::common::{A, Total, log, logging, words};

fn named() {}

#[test]
fn systems_are_added_and_removed_at_run_time() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("a"));
    let b = schedule.try_add_system(log("b")).unwrap();
    schedule.add_system(log("c"));
    assert_eq!(words(&mut schedule, &mut world), "a b c");
    assert!(schedule.remove_system(b));
    assert!(!schedule.remove_system(b));
    assert_eq!(words(&mut schedule, &mut world), "a c");
    schedule.add_system(log("d").before("first"));
    assert!(schedule.try_run(&mut world).is_err());
    schedule.add_system(log("e").label("first"));
    assert_eq!(words(&mut schedule, &mut world), "a c d e");
    assert_eq!(schedule.len(), 4);
}

#[test]
fn a_system_of_another_schedule_is_not_there() {
    let (mut one, mut other) = (Schedule::new(), Schedule::new());
    let [first, _] = [&mut one, &mut other].map(|it| it.try_add_system(named).unwrap());
    assert!(!other.remove_system(first));
    assert!(one.remove_system(first));
    assert_eq!((one.len(), other.len()), (0, 1));
}

#[test]
fn the_condition_of_a_set_without_members_is_not_asked() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.configure_set(SetConfig::new("set").run_if(|total: Res<Total>| total.0 > 0));
    schedule.add_system(log("a"));
    assert_eq!(words(&mut schedule, &mut world), "a", "there is no total");
    schedule.add_system(log("b").label("set"));
    assert!(schedule.try_run(&mut world).is_err());
    world.insert_resource(Total(1));
    assert_eq!(words(&mut schedule, &mut world), "a a b", "the first of the run that failed");
    schedule.remove_all("set");
    world.remove_resource::<Total>();
    assert_eq!(words(&mut schedule, &mut world), "a");
    schedule.describe(&mut world).unwrap();
}

#[test]
fn all_with_a_label_are_removed_together() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("a").label("set"));
    schedule.add_system(log("b"));
    schedule.add_system(log("c").label("set"));
    schedule.add_system(named);
    assert_eq!(schedule.remove_all("set"), 2);
    assert_eq!(schedule.remove_all("set"), 0);
    assert_eq!(words(&mut schedule, &mut world), "b");
    assert_eq!(schedule.remove_all(Label::of(named)), 1);
    assert_eq!(schedule.len(), 1);
}

#[test]
fn a_set_s_condition_outlives_its_systems_and_waits_for_new_ones() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.configure_set(SetConfig::new("set").run_if(|rows: Query<&A>| !rows.is_empty()));
    schedule.add_system(log("a").label("set"));
    assert_eq!(words(&mut schedule, &mut world), "");
    schedule.remove_all("set");
    schedule.add_system(log("b").label("set"));
    assert_eq!(words(&mut schedule, &mut world), "");
    world.spawn(A(0));
    assert_eq!(words(&mut schedule, &mut world), "b");
}

#[test]
fn what_a_system_keeps_outlives_changes_of_the_schedule() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    let first = schedule.try_add_system(log("first")).unwrap();
    let mut runs = 0;
    schedule.add_system(move |mut log: ecs_world::ResMut<crate::common::Log>| {
        runs += 1;
        log.add(runs);
    });
    assert_eq!(words(&mut schedule, &mut world), "first 1");
    schedule.remove_system(first);
    schedule.add_system(log("last"));
    assert_eq!(words(&mut schedule, &mut world), "2 last");
    let runs: Vec<_> = schedule.stats().map(|(_, stats)| stats.runs).collect();
    assert_eq!(runs, [2, 1]);
}

#[test]
fn a_system_that_came_before_a_plan_was_asked_for_runs_like_any_other() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("a"));
    assert_eq!(words(&mut schedule, &mut world), "a");
    schedule.add_system(log("b"));
    schedule.check().unwrap();
    assert_eq!(words(&mut schedule, &mut world), "a b");
    schedule.add_system(log("c"));
    schedule.describe(&mut world).unwrap();
    assert_eq!(words(&mut schedule, &mut world), "a b c");
    schedule.add_system(log("d").before("first"));
    assert!(schedule.try_run(&mut world).is_err());
    schedule.add_system(log("e").label("first"));
    schedule.check().unwrap();
    assert_eq!(words(&mut schedule, &mut world), "a b c d e");
}
