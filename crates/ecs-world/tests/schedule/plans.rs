//! Plans: which systems wait for which, what runs beside what, and why.

use ecs_local::LocalStorage;
use ecs_storage_api::{Query, With, Without};
use ecs_world::{
    Conflict, IntoSystemConfig, Label, Res, ResMut, Schedule, StepDescription, SubSchedule, Why,
    World,
};

use crate::common::{A, B, C, Total, short, steps};

fn write_a(mut rows: Query<&mut A>) {
    rows.for_each(|a| a.0 += 1);
}
fn read_a(_: Query<&A>) {}
fn read_a_too(_: Query<&A>) {}
fn write_b(_: Query<&mut B>) {}
fn write_a_of_b(_: Query<(&mut A, &B)>) {}
fn write_a_of_c(_: Query<(&mut A, &C)>) {}

fn waits(step: &StepDescription) -> Vec<&str> {
    step.waits_for.iter().map(|(name, _)| short(name)).collect()
}

fn beside(step: &StepDescription) -> Vec<&str> {
    step.beside.iter().map(|name| short(name)).collect()
}

#[test]
fn a_writer_waits_for_every_reader_and_readers_run_side_by_side() {
    let mut world = World::new();
    world.spawn(A(0));
    let mut schedule = Schedule::new();
    schedule.add_system(read_a).add_system(read_a_too).add_system(write_a).add_system(read_a);
    let steps = steps(&mut schedule, &mut world);
    assert_eq!(beside(&steps[0]), ["read_a_too"]);
    assert_eq!(waits(&steps[2]), ["read_a", "read_a_too"]);
    assert_eq!(waits(&steps[3]), ["write_a"]);
    let why = steps[3].waits_for[0].1;
    assert!(
        matches!(why, Why::Conflict(Conflict::Component(id)) if id.info().name() == "schedule::A"),
        "{why}"
    );
}

#[test]
fn resources_keep_systems_apart_as_components_do() {
    fn read(_: Res<Total>) {}
    fn read_perhaps(_: Option<Res<Total>>) {}
    fn write(_: ResMut<Total>) {}
    let mut schedule = Schedule::new();
    schedule.add_system(read).add_system(read_perhaps).add_system(write).add_system(write_b);
    let steps = steps(&mut schedule, &mut World::new());
    assert_eq!(beside(&steps[0]), ["read_perhaps", "write_b"]);
    assert_eq!(waits(&steps[2]), ["read", "read_perhaps"]);
    assert!(
        matches!(steps[2].waits_for[0].1, Why::Conflict(Conflict::Resource(name)) if name.ends_with("Total"))
    );
    assert_eq!(beside(&steps[3]), ["read", "read_perhaps", "write"]);
}

#[test]
fn an_order_that_was_asked_for_is_told_as_such_and_what_is_between_is_left_out() {
    fn one() {}
    fn two() {}
    fn three() {}
    let mut schedule = Schedule::new();
    schedule.add_system(one);
    schedule.add_system(two.after(Label::of(one)));
    schedule.add_system(three.after(Label::of(one)).after(Label::of(two)));
    let steps = steps(&mut schedule, &mut World::new());
    assert_eq!(waits(&steps[1]), ["one"]);
    assert_eq!(steps[1].waits_for[0].1, Why::Asked);
    assert_eq!(waits(&steps[2]), ["two"]);
}

#[test]
fn filters_that_exclude_each_other_let_two_writers_run_side_by_side() {
    fn with(_: Query<&mut A, With<C>>) {}
    fn without(_: Query<&mut A, Without<C>>) {}
    let mut world = World::new();
    world.spawn((A(0), C(0)));
    world.spawn(A(0));
    let mut schedule = Schedule::new();
    schedule.add_system(with).add_system(without);
    assert_eq!(beside(&steps(&mut schedule, &mut world)[0]), ["without"]);
    assert_eq!(schedule.ambiguities().unwrap(), []);
}

#[test]
fn two_writers_on_disjoint_archetypes_run_side_by_side_until_one_appears_that_both_match() {
    let mut world = World::new();
    world.spawn((A(0), B(0)));
    world.spawn((A(0), C(0)));
    let mut schedule = Schedule::new();
    schedule.add_system(write_a_of_b).add_system(write_a_of_c);
    assert_eq!(beside(&steps(&mut schedule, &mut world)[0]), ["write_a_of_c"]);
    schedule.run(&mut world);
    let both = world.spawn((A(0), B(0), C(0)));
    let now = steps(&mut schedule, &mut world);
    assert!(beside(&now[0]).is_empty());
    assert_eq!(waits(&now[1]), ["write_a_of_b"]);
    // The archetype stays when it is empty.
    world.despawn(both).unwrap();
    schedule.run(&mut world);
    assert!(beside(&steps(&mut schedule, &mut world)[0]).is_empty());
    // Another world has other archetypes, and the plan is that of the last asked for.
    let mut other = World::new();
    other.spawn((A(0), B(0)));
    assert_eq!(beside(&steps(&mut schedule, &mut other)[0]), ["write_a_of_c"]);
    assert!(beside(&steps(&mut schedule, &mut world)[0]).is_empty());
}

#[test]
fn where_a_backend_tells_of_no_archetypes_one_system_with_queries_runs_at_a_time() {
    let mut world = World::with_storage(LocalStorage::new(0));
    world.spawn((A(0), B(0)));
    let mut schedule = Schedule::new();
    schedule.add_system(write_a).add_system(write_b).add_system(|_: Option<Res<Total>>| {});
    let plan = schedule.describe(&mut world).unwrap();
    let steps = &plan.phases[0].steps;
    assert_eq!(waits(&steps[1]), ["write_a"], "{plan}");
    assert_eq!(steps[2].beside.len(), 2, "{plan}");
}

#[test]
fn ambiguities_are_pairs_that_conflict_and_whose_order_nobody_asked_for() {
    let mut schedule = Schedule::new();
    schedule.add_system(write_a).add_system(read_a).add_system(write_b);
    schedule.add_system(read_a_too.after(Label::of(write_a)));
    let pairs = |schedule: &mut Schedule| {
        let found = schedule.ambiguities().unwrap();
        found.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(
        pairs(&mut schedule),
        ["`write_a` and `read_a` conflict on component `schedule::A`"]
    );
    // An order through others is one too.
    fn between() {}
    schedule.remove_all(Label::of(read_a));
    schedule.add_system(read_a.after(Label::of(between)));
    schedule.add_system(between.after(Label::of(write_a)));
    assert!(pairs(&mut schedule).is_empty());
}

#[test]
fn systems_of_different_phases_are_not_ambiguous() {
    let mut schedule = Schedule::new();
    schedule.set_phases(["one", "two"]);
    schedule.add_system(write_a).add_system(write_a_of_b.in_phase("two"));
    assert_eq!(schedule.ambiguities().unwrap(), []);
}

#[test]
fn the_plan_s_text_says_what_waits_what_runs_beside_and_why() {
    fn clean_up(_: &mut World) {}
    fn is_late(_: Option<Res<Total>>) -> bool {
        true
    }
    let mut inner = Schedule::new();
    inner.add_system(read_a);
    let mut world = World::new();
    world.spawn((A(0), B(0)));
    let mut schedule = Schedule::new();
    schedule.set_phases(["update", "end"]);
    schedule.add_system(write_a).add_system(read_a.every_offset(4, 1)).add_system(write_b);
    schedule.add_system(read_a_too.after(Label::of(write_b)).run_if(is_late));
    schedule.add_system(clean_up.in_phase("end"));
    schedule.add_system(SubSchedule::new("steps", inner).in_phase("end"));
    let text = schedule.describe(&mut world).unwrap().to_string();
    let expected = "\
phase update
   1. write_a, beside write_b
   2. read_a, in tick 1 of every 4, after write_a (component `schedule::A`), beside write_b, read_a_too
   3. write_b, beside write_a, read_a
   4. read_a_too, if its conditions hold, after write_a (component `schedule::A`) and write_b (as asked), beside read_a
phase end
   1. clean_up, alone
   2. steps, alone
      phase main
         1. read_a
";
    assert_eq!(text, expected, "{text}");
}
