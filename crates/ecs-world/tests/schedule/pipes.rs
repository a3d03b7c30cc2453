//! Systems that are piped into each other.

use ecs_storage_api::Query;
use ecs_world::{Commands, In, IntoSystem, IntoSystemConfig, ResMut, RunError, Schedule, World};

use crate::common::{A, B, Log, log, logging, short, words};

fn largest(rows: Query<&A>) -> Option<u64> {
    rows.iter().map(|a| a.0).max()
}

fn halve(In(largest): In<Option<u64>>, mut rows: Query<&mut A>) -> u64 {
    rows.for_each(|a| a.0 /= 2);
    largest.unwrap_or(0)
}

fn write_down(In(number): In<u64>, rows: Query<&A>, mut log: ResMut<Log>) {
    log.add(number);
    log.add(rows.iter().map(|a| a.0).sum::<u64>());
}

#[test]
fn what_is_piped_may_borrow_the_same_component_in_each_part() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    world.spawn_batch([4, 8].map(A));
    schedule.add_system(largest.pipe(halve).pipe(write_down));
    assert_eq!(words(&mut schedule, &mut world), "8 6");
    assert_eq!(words(&mut schedule, &mut world), "4 3");
}

#[test]
fn what_is_piped_may_borrow_the_same_resource_in_each_part() {
    fn first(mut log: ResMut<Log>) -> u8 {
        log.add("first");
        3
    }
    fn second(In(number): In<u8>, mut log: ResMut<Log>) {
        log.add(number);
    }
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(first.pipe(second));
    assert_eq!(words(&mut schedule, &mut world), "first 3");
}

#[test]
fn a_pipe_has_the_names_of_its_parts_and_waits_as_each_would() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    world.spawn(A(1));
    schedule.add_system(|_: Query<&mut B>| {});
    schedule.add_system(largest.pipe(halve).pipe(write_down));
    schedule.add_system(|_: Query<&A>| {});
    let steps = crate::common::steps(&mut schedule, &mut world);
    let parts: Vec<_> = steps[1].name.split(" | ").map(short).collect();
    assert_eq!(parts, ["largest", "halve", "write_down"]);
    assert!(steps[1].waits_for.is_empty());
    assert_eq!(steps[2].waits_for.len(), 1, "the middle part writes");
}

#[test]
fn the_commands_of_all_parts_are_applied_in_their_order() {
    fn first(mut commands: Commands) -> u64 {
        commands.spawn(A(1));
        2
    }
    fn second(In(number): In<u64>, mut commands: Commands, rows: Query<&A>) {
        assert!(rows.is_empty(), "nothing is applied between the parts");
        commands.spawn(A(number));
    }
    let (mut world, mut schedule) = (World::new(), Schedule::new());
    schedule.add_system(first.pipe(second));
    schedule.run(&mut world);
    assert_eq!(world.query::<&A>().iter().map(|a| a.0).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn results_are_piped_too_and_a_pipe_may_end_in_one() {
    fn parse() -> Result<u64, std::num::ParseIntError> {
        "many".parse()
    }
    fn give_up(In(result): In<Result<u64, std::num::ParseIntError>>) -> Result<(), String> {
        result.map(drop).map_err(|error| error.to_string())
    }
    fn ignore(In(result): In<Result<u64, std::num::ParseIntError>>, mut log: ResMut<Log>) {
        log.add(result.is_err());
    }
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(parse.pipe(ignore));
    assert_eq!(words(&mut schedule, &mut world), "true");
    schedule.add_system(parse.pipe(give_up));
    let error = schedule.try_run(&mut world).unwrap_err();
    let RunError::Failed { system, source } = &error else { panic!("{error}") };
    assert!(system.contains("parse") && system.contains("give_up"), "{error}");
    assert_eq!(source.to_string(), "invalid digit found in string");
}

#[test]
fn a_condition_may_be_a_pipe() {
    fn more_than_two(In(number): In<Option<u64>>) -> bool {
        number.is_some_and(|number| number > 2)
    }
    let (mut world, mut schedule) = (logging(), Schedule::new());
    let a = world.spawn(A(1));
    schedule.add_system(log("large").run_if(largest.pipe(more_than_two)));
    assert_eq!(words(&mut schedule, &mut world), "");
    world.insert(a, A(3)).unwrap();
    assert_eq!(words(&mut schedule, &mut world), "large");
}
