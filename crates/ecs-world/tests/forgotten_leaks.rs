//! What is forgotten with `mem::forget` leaks, and breaks nothing else.
#![expect(clippy::forget_non_drop, reason = "whether it drops something is not to matter")]

use std::mem::forget;

use ecs_derive::Component;
use ecs_world::{Commands, Label, Schedule, World};

#[derive(Component, Debug, PartialEq)]
#[component(crate = ecs_core, transient)]
struct Text(String);

fn world() -> World {
    let mut world = World::new();
    world.spawn_batch((0..100).map(|n| Text(n.to_string())));
    world
}

#[test]
fn a_forgotten_query_or_iterator_ends_its_borrow() {
    let mut world = world();
    let mut query = world.query_mut::<&mut Text>();
    let mut iter = query.iter_mut();
    iter.next();
    forget(iter);
    assert_eq!(query.iter_mut().count(), 100);
    forget(query);
    let mut items = world.query_mut::<&mut Text>().into_iter();
    items.next();
    forget(items);
    forget(world.query::<&Text>().chunks().next());
    world.spawn(Text("after".to_owned()));
    assert_eq!(world.query::<&Text>().count(), 101);
}

#[test]
fn a_batch_that_is_half_consumed_and_forgotten_leaves_whole_rows() {
    let mut world = world();
    let mut rows = (0..10).map(|n| Text(n.to_string()));
    world.spawn_batch(rows.by_ref().take(4));
    forget(rows);
    assert_eq!(world.query::<&Text>().count(), 104);
}

#[test]
fn a_forgotten_resource_guard_keeps_its_resource_borrowed_and_no_other() {
    let mut world = world();
    world.insert_resource(1u8);
    world.insert_resource(2u16);
    forget(world.resource::<u8>());
    assert_eq!(*world.resource::<u8>().unwrap(), 1);
    assert_eq!(*world.resource_mut::<u16>().unwrap(), 2);
    assert_eq!(world.insert_resource(3u8), Some(1));
    assert_eq!(*world.resource_mut::<u8>().unwrap(), 3);
}

#[test]
fn a_forgotten_value_or_world_is_only_leaked() {
    let mut world = world();
    let entity = world.spawn(Text("taken".to_owned()));
    forget(world.remove::<Text>(entity).unwrap());
    assert_eq!(world.get::<Text>(entity), None);
    forget(world);
}

/// What is thrown the second time is forgotten, or it could throw again.
#[test]
fn what_was_thrown_may_panic_when_it_is_dropped() {
    struct Thrown;
    impl Drop for Thrown {
        fn drop(&mut self) {
            panic!("again");
        }
    }
    fn throws(mut commands: Commands) {
        commands.spawn(Text(String::new()));
        std::panic::panic_any(Thrown);
    }
    let (mut world, mut schedule) = (World::new(), Schedule::new());
    schedule.add_system(throws);
    let error = schedule.try_run(&mut world).unwrap_err().to_string();
    assert!(error.ends_with("throws` panicked: (no message)"), "{error}");
    schedule.remove_all(Label::of(throws));
    schedule.run(&mut world);
    assert!(world.is_empty());
}
