//! Systems that panic or fail.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_storage_api::{Query, Version};
use ecs_world::{
    Commands, EventReader, EventWriter, Events, IntoSystemConfig, Label, ParQuery, ParamContext,
    RemovedComponents, Res, ResMut, RunError, Schedule, SetConfig, SubSchedule, SystemAccess,
    SystemError, SystemParam, Threads, World,
};

use crate::common::{A, B, C, Total, log, logged, logging, pool, work};

/// No thread but the calling one, and pools of several sizes.
fn all_threads() -> [Threads; 5] {
    [Threads::None, Threads::Current, pool(1), pool(2), pool(8)]
}

/// Fails in the ticks from the second on, so that its cost is known by then.
fn fails_later(mut runs: ecs_world::Local<u32>, _: Query<&mut A>) -> Result<(), String> {
    work();
    *runs += 1;
    if *runs > 1 { Err("out of luck".to_owned()) } else { Ok(()) }
}

fn panics_later(mut runs: ecs_world::Local<u32>, _: Query<&mut B>) {
    work();
    *runs += 1;
    assert!(*runs < 2, "too often");
}

fn record(rows: Query<EntityId>, mut commands: Commands) {
    work();
    rows.iter().for_each(|entity| commands.despawn(entity));
    commands.spawn(C(1));
}

fn record_first(mut runs: ecs_world::Local<u32>, rows: Query<EntityId>, commands: Commands) {
    *runs += 1;
    if *runs > 1 {
        record(rows, commands);
    }
}

fn slow(_: Query<&C>) {
    work();
}

/// Two systems fail; returns which one the run tells of.
fn first_failure(threads: Threads, swap: bool) -> String {
    let mut world = World::new();
    world.spawn((A(0), B(0)));
    let mut schedule = Schedule::new();
    schedule.add_system(slow);
    if swap {
        schedule.add_system(panics_later).add_system(slow).add_system(fails_later);
    } else {
        // The one that tells later comes first in the order.
        schedule.add_system(fails_later).add_system(slow).add_system(panics_later);
    }
    schedule.set_threads(threads);
    schedule.run(&mut world);
    schedule.try_run(&mut world).unwrap_err().to_string()
}

#[test]
fn the_first_failure_of_the_plan_s_order_is_told_whatever_the_number_of_threads() {
    for threads in all_threads() {
        for _ in 0..3 {
            let error = first_failure(threads.clone(), false);
            assert!(error.ends_with("fails_later` failed: out of luck"), "{threads:?}: {error}");
            let error = first_failure(threads.clone(), true);
            assert!(error.ends_with("panics_later` panicked: too often"), "{threads:?}: {error}");
        }
    }
}

#[test]
fn a_panic_names_its_system_and_no_command_of_the_run_is_applied() {
    for threads in all_threads() {
        let mut world = World::new();
        world.spawn_batch((0..10).map(|n| (A(n), B(n))));
        let mut schedule = Schedule::new();
        schedule.add_system(record_first).add_system(slow).add_system(panics_later);
        schedule.add_system(slow).set_threads(threads);
        schedule.run(&mut world);
        let error = schedule.try_run(&mut world).unwrap_err();
        let RunError::Panicked { system, message } = &error else { panic!("{error}") };
        assert!(system.ends_with("panics_later") && message == "too often", "{error}");
        assert_eq!((world.len(), world.tick()), (10, 1));
        // The schedule goes on without it, and what was recorded is forgotten.
        assert_eq!(schedule.remove_all(Label::of(panics_later)), 1);
        schedule.run(&mut world);
        assert_eq!((world.len(), world.tick()), (1, 2));
    }
}

#[test]
fn what_waits_for_a_system_that_failed_does_not_run() {
    for threads in all_threads() {
        let mut world = logging();
        world.spawn(A(0));
        let mut schedule = Schedule::new();
        schedule.add_system(log("before"));
        schedule.add_system(fails_later);
        schedule.add_system(log("behind").after(Label::of(fails_later)));
        schedule.add_system(|mut rows: Query<&mut A>| rows.for_each(|a| a.0 += 1));
        schedule.add_system(slow).add_system(slow);
        schedule.set_threads(threads);
        schedule.run(&mut world);
        assert_eq!(logged(&mut world), "before behind");
        assert!(schedule.try_run(&mut world).is_err());
        assert_eq!(logged(&mut world), "before");
        assert_eq!(world.query::<&A>().iter().map(|a| a.0).sum::<u64>(), 1);
    }
}

#[test]
fn what_is_before_a_system_that_failed_has_run_to_its_end() {
    for threads in all_threads() {
        let mut world = World::new();
        world.spawn((A(0), B(0), C(0)));
        let mut schedule = Schedule::new();
        schedule.add_system(|mut rows: Query<&mut C>| {
            work();
            work();
            rows.for_each(|c| c.0 += 1);
        });
        // Waits for the one above, and stands before the one that fails at once.
        schedule.add_system(|mut rows: Query<&mut C>| {
            work();
            rows.for_each(|c| c.0 *= 10);
        });
        schedule.add_system(panics_later);
        schedule.set_threads(threads);
        schedule.run(&mut world);
        assert!(schedule.try_run(&mut world).is_err());
        assert_eq!(world.query::<&C>().iter().map(|c| c.0).sum::<u64>(), 110);
    }
}

#[test]
fn a_resource_that_is_not_there_is_named_with_who_asks_for_it() {
    fn asks(_: Query<&A>, _: ResMut<Total>) {}
    fn may_ask(_: Option<Res<Total>>) {}
    fn holds(total: Res<Total>) -> bool {
        total.0 > 0
    }
    fn whole(_: &mut World) {}
    fn in_set() {}
    let check = |name: &str, add: &dyn Fn(&mut Schedule)| {
        for threads in all_threads() {
            let (mut world, mut schedule) = (World::new(), Schedule::new());
            schedule.add_system(may_ask).set_threads(threads);
            add(&mut schedule);
            let error = schedule.try_run(&mut world).unwrap_err();
            let RunError::MissingResource { system, resource } = &error else { panic!("{error}") };
            assert!(system.ends_with(name) && resource.ends_with("common::Total"), "{error}");
            let told = format!(
                "system `{system}` panicked: it, or a condition of it, asks for resource `{resource}`, which is not there"
            );
            assert_eq!(error.to_string(), told);
            world.insert_resource(Total(0));
            assert!(schedule.try_run(&mut world).is_ok());
        }
    };
    check("asks", &|schedule| {
        schedule.add_system(asks);
    });
    check("may_ask", &|schedule| {
        schedule.add_system(may_ask.run_if(holds));
    });
    check("whole", &|schedule| {
        schedule.add_system(whole.run_if(holds));
    });
    check("condition of set set", &|schedule| {
        schedule.add_system(in_set.label("set")).configure_set(SetConfig::new("set").run_if(holds));
    });

    let (mut inner, mut schedule) = (Schedule::new(), Schedule::new());
    inner.add_system(asks);
    schedule.add_system(SubSchedule::new("inner", inner));
    let error = schedule.try_run(&mut World::new()).unwrap_err();
    let RunError::Within { source, .. } = &error else { panic!("{error}") };
    assert!(matches!(&**source, RunError::MissingResource { .. }), "{error}");
    assert!(matches!(World::new().run_system(asks), Err(RunError::MissingResource { .. })));
}

/// Whether a resource can be had, found out by trying.
struct CanBeHad(bool);

impl SystemParam for CanBeHad {
    type State = ();
    type Item<'w> = Self;

    fn init(access: &mut SystemAccess) -> Result<(), SystemError> {
        <Res<Total> as SystemParam>::init(access)
    }

    fn get<'w>(_state: &'w mut (), context: &mut ParamContext<'w>) -> Self {
        let total = catch_unwind(AssertUnwindSafe(|| context.resource::<Total>().0));
        Self(total.is_ok())
    }
}

#[test]
fn a_panic_is_told_though_a_resource_was_missed_before() {
    let system = |CanBeHad(can): CanBeHad| assert!(can, "another reason");
    let error = World::new().run_system(system).unwrap_err();
    let RunError::Panicked { message, .. } = &error else { panic!("{error}") };
    assert_eq!(message, "another reason");
}

#[test]
fn errors_of_any_type_reach_the_caller() {
    #[derive(Debug, thiserror::Error)]
    #[error("{0} is too much")]
    struct TooMuch(u64);
    fn check(rows: Query<&A>) -> Result<(), TooMuch> {
        rows.iter().find(|a| a.0 > 5).map_or(Ok(()), |a| Err(TooMuch(a.0)))
    }
    fn boxed() -> Result<(), ecs_world::BoxError> {
        Err("no".into())
    }
    let (mut world, mut schedule) = (World::new(), Schedule::new());
    schedule.add_system(check);
    schedule.run(&mut world);
    world.spawn(A(7));
    let RunError::Failed { source, .. } = schedule.try_run(&mut world).unwrap_err() else {
        panic!("it failed");
    };
    assert_eq!(source.downcast_ref::<TooMuch>().map(|error| error.0), Some(7));
    world.clear().unwrap();
    schedule.add_system(boxed);
    let error = schedule.try_run(&mut world).unwrap_err().to_string();
    assert!(error.ends_with("boxed` failed: no"), "{error}");
}

#[test]
#[should_panic(expected = "boom` panicked: bang")]
fn run_panics_with_the_system_s_name() {
    fn boom() {
        panic!("bang");
    }
    Schedule::new().add_system(boom).run(&mut World::new());
}

#[test]
fn a_panic_in_parallel_iteration_leaves_no_partial_commands() {
    for threads in all_threads() {
        let mut world = World::new();
        world.spawn_batch((0..30_000).map(A));
        world.insert_resource(Total(29_000));
        let mut schedule = Schedule::new();
        schedule.add_system(
            |mut rows: Query<(EntityId, &mut A)>, total: ResMut<Total>, mut commands: Commands| {
                commands.spawn(B(0));
                rows.par_for_each_with(&mut commands, |commands, (entity, a)| {
                    assert!(a.0 != total.0, "this one");
                    commands.despawn(entity);
                });
            },
        );
        schedule.set_threads(threads);
        for _ in 0..2 {
            let RunError::Panicked { message, .. } = schedule.try_run(&mut world).unwrap_err()
            else {
                panic!("it panics");
            };
            assert_eq!(message, "this one");
            assert_eq!(world.len(), 30_000);
        }
        world.insert_resource(Total(u64::MAX));
        schedule.run(&mut world);
        assert_eq!((world.len(), world.query::<&B>().count()), (1, 1));
    }
}

#[test]
fn a_panic_in_parallel_iteration_gives_resources_and_rows_back() {
    let mut world = World::new();
    world.spawn_batch((0..30_000).map(A));
    world.insert_resource(Total(0));
    let mut schedule = Schedule::new();
    schedule.add_system(|mut rows: Query<&mut A>, _: ResMut<Total>| {
        rows.par_for_each(|a| {
            assert!(a.0 != 20_000, "this one");
            a.0 += 1_000_000;
        });
    });
    assert!(schedule.try_run(&mut world).is_err());
    assert!(world.resource_mut::<Total>().is_some());
    world.query_mut::<&mut A>().for_each(|a| a.0 %= 1_000_000);
    assert!(world.query::<&A>().iter().map(|a| a.0).eq(0..30_000));
}

#[test]
fn a_condition_that_panics_is_its_system_s_failure() {
    fn member() {}
    let mut schedule = Schedule::new();
    schedule.add_system(member.run_if(|| -> bool { panic!("unsure") }));
    let error = schedule.try_run(&mut World::new()).unwrap_err().to_string();
    assert!(error.ends_with("member` panicked: unsure"), "{error}");
}

/// Panics as it ends, if it is told so.
struct Touchy(bool);

impl Drop for Touchy {
    fn drop(&mut self) {
        assert!(!self.0, "a touchy one ended");
    }
}

#[test]
fn an_event_that_panics_as_it_ends_takes_no_other_with_it() {
    let mut world = World::new();
    world.insert_resource(0usize);
    let mut schedule = Schedule::new();
    schedule.add_system(|mut events: EventReader<'_, Touchy>, mut heard: ResMut<'_, usize>| {
        *heard += events.read().count();
    });
    schedule.run(&mut world);
    let send = |world: &mut World, panics| {
        world.resource_mut::<Events<Touchy>>().unwrap().send(Touchy(panics));
    };
    send(&mut world, true);
    assert!(catch_unwind(AssertUnwindSafe(|| schedule.try_run(&mut world))).is_err());
    send(&mut world, false);
    schedule.run(&mut world);
    assert_eq!(*world.resource::<usize>().unwrap(), 2);
}

struct Ping;

#[derive(Component)]
#[component(crate = ecs_core, name = "failures::Tracked", transient, track)]
struct Tracked;

#[test]
fn what_all_have_got_is_dropped_though_a_run_fails() {
    let (mut world, mut schedule) = (World::new(), Schedule::new());
    schedule.add_system(|mut pings: EventWriter<Ping>| pings.send(Ping));
    schedule.add_system(|mut pings: EventReader<Ping>| pings.read().for_each(drop));
    schedule.add_system(|world: &mut World| {
        let entity = world.spawn(Tracked);
        world.despawn(entity).unwrap();
    });
    schedule.add_system(|_: RemovedComponents<Tracked>| Err::<(), _>("out of luck".to_owned()));
    for _ in 0..50 {
        assert!(schedule.try_run(&mut world).is_err());
        assert_eq!(world.resource::<Events<Ping>>().unwrap().len(), 0);
        assert!(world.removed::<Tracked>(Version::ZERO).len() <= 2);
    }
    assert_eq!(world.tick(), 0);
}
