//! In which order systems run.

use ecs_world::{IntoSystemConfig, Label, PlanError, Schedule, SetConfig, World};

use crate::common::{log, logging, names, words};

fn one() {}
fn two() {}
fn three() {}

#[test]
fn systems_run_in_the_order_of_their_registration_as_far_as_nothing_else_is_said() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("a").after("late"));
    schedule.add_system(log("b"));
    schedule.add_system(log("c").label("late"));
    schedule.add_system(log("d").before("early"));
    schedule.add_system(log("e"));
    schedule.add_system(log("f").label("early"));
    assert_eq!(words(&mut schedule, &mut world), "b c a d e f");
}

#[test]
fn a_function_s_own_name_is_a_label() {
    let mut schedule = Schedule::new();
    schedule.add_system(one.after(Label::of(two))).add_system(two.after(Label::of(three)));
    schedule.add_system(three);
    let plan = schedule.describe(&mut World::new()).unwrap();
    assert_eq!(names(&plan), ["three", "two", "one"]);
}

#[test]
fn a_label_orders_all_that_have_it() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("a").after("set"));
    schedule.add_system(log("b").label("set"));
    schedule.add_system(log("c").label("other"));
    schedule.add_system(log("d").label("other").label("set"));
    assert_eq!(words(&mut schedule, &mut world), "b c d a");
}

#[test]
fn a_set_is_ordered_as_a_whole_and_may_be_in_another() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    // Declared from the inside out and from the outside in.
    schedule.configure_set(SetConfig::new("wheels").label("car"));
    schedule.configure_set(SetConfig::new("car").after("road").label("traffic"));
    schedule.configure_set(SetConfig::new("traffic").before("report"));
    schedule.add_system(log("report").label("report"));
    schedule.add_system(log("wheel").label("wheels"));
    schedule.add_system(log("door").label("car"));
    schedule.add_system(log("road").label("road"));
    assert_eq!(words(&mut schedule, &mut world), "road wheel door report");
}

#[test]
fn what_is_said_of_a_set_in_several_calls_adds_up() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("last").label("last"));
    schedule.add_system(log("member").label("set"));
    schedule.add_system(log("first").label("first"));
    schedule.configure_set(SetConfig::new("set").after("first"));
    schedule.configure_set(SetConfig::new("set").before("last"));
    assert_eq!(words(&mut schedule, &mut world), "first member last");
}

#[test]
fn a_set_before_a_label_that_some_of_it_have_is_before_the_others() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("other").label("late"));
    schedule.add_system(log("a").label("set"));
    schedule.add_system(log("b").label("set"));
    schedule.configure_set(SetConfig::new("set").before("late"));
    assert_eq!(words(&mut schedule, &mut world), "a b other");
}

#[test]
fn a_cycle_names_its_path() {
    let mut schedule = Schedule::new();
    schedule.add_system(log("elsewhere"));
    schedule.add_system(one.before(Label::of(two)));
    schedule.add_system(two.before("threes"));
    schedule.add_system(three.label("threes").before(Label::of(one)));
    let error = schedule.check().unwrap_err();
    let PlanError::Cycle { path, .. } = &error else { panic!("{error}") };
    let short: Vec<_> = path.iter().map(|name| name.rsplit("::").next().unwrap()).collect();
    let turns = [
        ["one", "two", "three", "one"],
        ["two", "three", "one", "two"],
        ["three", "one", "two", "three"],
    ];
    assert!(turns.iter().any(|turn| short == *turn), "{error}");
    assert!(error.to_string().contains(" -> "), "{error}");
    assert!(schedule.try_run(&mut World::new()).is_err());
}

#[test]
fn a_cycle_through_sets_names_systems_and_sets() {
    let mut schedule = Schedule::new();
    schedule.configure_set(SetConfig::new("first").before("second").run_if(|| true));
    schedule.configure_set(SetConfig::new("inner").label("second").run_if(|| true));
    schedule.add_system(three.named("three").label("second"));
    schedule.add_system(one.named("one").label("inner").before("two"));
    schedule.add_system(two.named("two").label("first"));
    let error = schedule.check().unwrap_err();
    let told = error.to_string().replace("systems must run before each other: ", "");
    let turns = [
        "one -> two -> one (as `first` before `second`)",
        "two -> one (as `first` before `second`) -> two",
    ];
    assert!(turns.contains(&&*told), "{error}");
    let PlanError::Cycle { path, orders } = &error else { panic!("{error}") };
    assert_eq!((path.len(), orders.len()), (3, 2));
    let through = orders.iter().find(|order| order.name == "first").unwrap();
    assert_eq!((through.relation, through.label.as_str()), ("before", "second"));
}

#[test]
fn a_cycle_through_labels_names_who_asked_for_it() {
    let mut schedule = Schedule::new();
    schedule.configure_set(SetConfig::new("early").after("late"));
    schedule.add_system(one.named("one").label("early").before("two"));
    schedule.add_system(two.named("two").label("late").after("early"));
    let told = schedule.check().unwrap_err().to_string();
    assert!(told.contains("two -> one (as `early` after `late`)"), "{told}");
    assert!(told.contains("one -> two"), "{told}");
    let mut schedule = Schedule::new();
    schedule.add_system(one.named("one").label("set").after("set"));
    let told = schedule.check().unwrap_err().to_string();
    assert!(told.ends_with(": one -> one (as `one` after `set`)"), "{told}");
}

#[test]
fn a_system_that_is_before_a_label_of_its_own_is_before_the_others_that_have_it() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("a").label("set"));
    schedule.add_system(log("b").label("set").before("set"));
    assert_eq!(words(&mut schedule, &mut world), "b a");
}

#[test]
fn a_label_that_nothing_has_is_named_with_who_asked_for_it() {
    let mut schedule = Schedule::new();
    schedule.add_system(one.after("nobody"));
    let error = schedule.check().unwrap_err();
    let PlanError::NoSuchLabel { name, relation, label } = &error else { panic!("{error}") };
    assert!(name.ends_with("one") && *relation == "after", "{error}");
    assert_eq!(label.as_str(), "nobody");

    let mut schedule = Schedule::new();
    schedule.add_system(one);
    schedule.configure_set(SetConfig::new("set").before("nobody"));
    let error = schedule.check().unwrap_err();
    assert_eq!(error.to_string(), "`set` is to run before `nobody`, but nothing has that label");
}

#[test]
fn an_error_in_a_plan_leaves_the_schedule_to_be_mended() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(log("a").after("late"));
    assert!(schedule.try_run(&mut world).is_err());
    assert_eq!(world.tick(), 0);
    schedule.add_system(log("b").label("late"));
    assert_eq!(words(&mut schedule, &mut world), "b a");
}

#[test]
fn what_is_to_run_before_itself_is_a_cycle() {
    let mut schedule = Schedule::new();
    schedule.add_system(one.before(Label::of(one)));
    let error = schedule.check().unwrap_err();
    let PlanError::Cycle { path, .. } = &error else { panic!("{error}") };
    assert!(path.len() == 2 && path.iter().all(|name| name.ends_with("one")), "{error}");
    for members in 1..3 {
        let mut schedule = Schedule::new();
        for _ in 0..members {
            schedule.add_system(one.label("set"));
        }
        schedule.configure_set(SetConfig::new("set").after("set"));
        assert!(matches!(schedule.check(), Err(PlanError::Cycle { .. })), "{members}");
    }
}

#[test]
fn sets_that_are_in_each_other_are_named() {
    let mut schedule = Schedule::new();
    schedule.configure_set(SetConfig::new("x").label("y"));
    schedule.configure_set(SetConfig::new("z"));
    schedule.configure_set(SetConfig::new("y").label("x").label("z"));
    let error = schedule.check().unwrap_err();
    let PlanError::SetCycle { path } = &error else { panic!("{error}") };
    assert!(path == &["x", "y", "x"] || path == &["y", "x", "y"], "{error}");
    let mut schedule = Schedule::new();
    schedule.configure_set(SetConfig::new("x").label("x"));
    assert!(matches!(schedule.check(), Err(PlanError::SetCycle { .. })));
}
