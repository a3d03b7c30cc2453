//! What systems may ask for.

use ecs_core::EntityId;
use ecs_storage_api::{Query, With, Without};
use ecs_world::{
    Commands, Conflict, EventReader, EventWriter, Events, In, IntoSystem, IntoSystemConfig, Local,
    QuerySet, Res, ResMut, Schedule, SystemError, World,
};

use crate::common::{A, B, C, Log, Total, log, logging, words};

#[test]
fn a_component_twice_in_one_system_is_an_error_in_both_orders() {
    let mut schedule = Schedule::new();
    let error = schedule.try_add_system(|_: Query<&mut A>, _: Query<&A>| {}).unwrap_err();
    assert!(
        matches!(&error, SystemError::Conflict { conflict: Conflict::Component(id), .. } if id.info().name() == "schedule::A"),
        "{error}"
    );
    let text = error.to_string();
    assert!(text.contains("`schedule::A`") && text.contains("`Without`"), "{text}");
    assert!(schedule.try_add_system(|_: Query<&A>, _: Query<&mut A>| {}).is_err());
    assert!(
        schedule
            .try_add_system(|_: Query<(&A, &mut B)>, _: Local<u8>, _: Query<Option<&mut B>>| {})
            .is_err()
    );
    assert!(schedule.try_add_system(|_: Query<(&mut A, &A)>| {}).is_err());
    assert!(schedule.try_add_system(|_: (Query<&A>, (Local<u8>, Query<&mut A>))| {}).is_err());
    assert!(
        schedule
            .try_add_system(|_: QuerySet<(Query<&C>, Query<&mut A>)>, _: Query<&A>| {})
            .is_err()
    );
    assert!(schedule.is_empty());
    assert!(
        schedule
            .try_add_system(|_: Query<&mut A, With<B>>, _: Query<&mut A, Without<B>>| {})
            .is_ok()
    );
    assert!(schedule.try_add_system(|_: Query<&A>, _: Query<&A>| {}).is_ok());
    schedule.run(&mut World::new());
}

#[test]
fn a_resource_twice_in_one_system_is_an_error_in_both_orders() {
    let mut schedule = Schedule::new();
    let error = schedule.try_add_system(|_: Res<Total>, _: ResMut<Total>| {}).unwrap_err();
    assert!(error.to_string().contains("Total"), "{error}");
    assert!(schedule.try_add_system(|_: ResMut<Total>, _: Option<Res<Total>>| {}).is_err());
    assert!(schedule.try_add_system(|_: Option<ResMut<Total>>, _: Res<Total>| {}).is_err());
    let error = schedule.try_add_system(|_: EventWriter<Total>, _: EventReader<Total>| {});
    let text = error.unwrap_err().to_string();
    assert!(text.contains("borrow events of `schedule::common::Total`"), "{text}");
    assert!(text.ends_with("for writing"), "{text}");
    assert!(schedule.try_add_system(|_: EventReader<Total>, _: ResMut<Events<Total>>| {}).is_err());
    assert!(schedule.is_empty());
    assert!(schedule.try_add_system(|_: Res<Total>, _: Res<Total>| {}).is_ok());
}

#[test]
fn a_closure_keeps_what_it_captured() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    for step in [2, 5] {
        let mut sum = 0;
        schedule.add_system(move |mut log: ResMut<Log>| {
            sum += step;
            log.add(sum);
        });
    }
    assert_eq!(words(&mut schedule, &mut world), "2 5");
    assert_eq!(words(&mut schedule, &mut world), "4 10");
}

#[test]
fn a_function_returns_a_system_with_what_it_was_given() {
    fn raise(by: u64) -> impl FnMut(Query<&mut A>, Local<u64>) {
        move |mut rows: Query<&mut A>, mut turns: Local<u64>| {
            *turns += 1;
            rows.for_each(|row| row.0 += by * *turns);
        }
    }
    fn spawn(value: u64) -> impl FnMut(&mut World) {
        move |world| _ = world.spawn(A(value))
    }
    fn times(factor: u64) -> impl FnMut(In<u64>) -> u64 {
        move |In(value)| value * factor
    }
    let (mut world, mut schedule) = (logging(), Schedule::new());
    let sum = |rows: Query<&A>| rows.iter().map(|row| row.0).sum::<u64>();
    let tell = |In(value): In<u64>, mut log: ResMut<Log>| log.add(value);
    schedule.add_system(spawn(1)).add_system(raise(10)).add_system(raise(100).label("more"));
    schedule.add_system(sum.pipe(times(2)).pipe(tell));
    assert_eq!(words(&mut schedule, &mut world), "222");
    assert_eq!(words(&mut schedule, &mut world), "1104");
}

#[test]
fn a_local_value_is_a_system_s_own() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    for _ in 0..2 {
        schedule.add_system(|mut runs: Local<u64>, mut log: ResMut<Log>| {
            *runs += 1;
            log.add(*runs);
        });
    }
    assert_eq!(words(&mut schedule, &mut world), "1 1");
    assert_eq!(words(&mut schedule, &mut world), "2 2");
}

#[test]
fn an_optional_resource_may_be_absent_and_another_is_named() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(|total: Option<Res<Total>>, mut log: ResMut<Log>| {
        log.add(total.is_some());
    });
    schedule.add_system(|total: Option<ResMut<Total>>| {
        if let Some(mut total) = total {
            total.0 += 1;
        }
    });
    assert_eq!(words(&mut schedule, &mut world), "false");
    world.insert_resource(Total(4));
    assert_eq!(words(&mut schedule, &mut world), "true");
    assert_eq!(world.resource::<Total>().unwrap().0, 5);
    world.remove_resource::<Total>();
    fn needy(_: Res<Total>) {}
    schedule.add_system(needy);
    let error = schedule.try_run(&mut world).unwrap_err().to_string();
    assert!(error.contains("needy") && error.contains("Total"), "{error}");
}

#[test]
fn a_tuple_is_one_parameter() {
    type Both<'w> = (Query<'w, (&'static mut A, &'static B)>, ResMut<'w, Total>);
    fn all((mut rows, mut total): Both<'_>, nested: (Local<u64>, (Commands<'_>,))) {
        rows.for_each(|(a, b)| {
            a.0 += b.0;
            total.0 += a.0;
        });
        let (mut runs, (mut commands,)) = nested;
        *runs += 1;
        commands.spawn(C(*runs));
    }
    let mut world = World::new();
    world.insert_resource(Total(0));
    world.spawn((A(1), B(2)));
    let mut schedule = Schedule::new();
    schedule.add_system(all);
    schedule.run(&mut world);
    schedule.run(&mut world);
    assert_eq!(world.resource::<Total>().unwrap().0, 3 + 5);
    assert_eq!(world.query::<&C>().iter().map(|c| c.0).collect::<Vec<_>>(), [1, 2]);
}

#[test]
fn twelve_parameters_are_told_apart() {
    #[allow(clippy::too_many_arguments)]
    fn many(
        a: Query<&A>,
        b: Query<&mut B>,
        c: Query<&C>,
        ids: Query<EntityId>,
        with: Query<(), With<A>>,
        without: Query<(), Without<A>>,
        mut log: ResMut<Log>,
        total: Res<Total>,
        absent: Option<Res<u8>>,
        one: Local<u8>,
        two: Local<u16>,
        _: Commands,
    ) {
        let counts = [a.count(), b.count(), c.count(), ids.count(), with.count(), without.count()];
        log.add(format!("{counts:?} {} {} {} {}", total.0, absent.is_none(), *one, *two));
    }
    let mut world = logging();
    world.insert_resource(Total(7));
    world.spawn_batch((0..4).map(|n| (A(n), B(n))));
    world.spawn_batch((0..2).map(B));
    world.spawn(C(0));
    let mut schedule = Schedule::new();
    schedule.add_system(many);
    assert_eq!(words(&mut schedule, &mut world), "[4, 6, 1, 7, 4, 3] 7 true 0 0");
}

#[test]
fn a_query_set_gives_out_one_query_at_a_time() {
    type Sets<'w> = QuerySet<
        'w,
        (
            Query<'static, &'static A>,
            Query<'static, &'static mut A>,
            Query<'static, (&'static mut A, &'static B), With<C>>,
            Query<'static, EntityId, Without<B>>,
        ),
    >;
    let mut world = logging();
    world.spawn(A(1));
    world.spawn((A(2), B(10), C(0)));
    let mut schedule = Schedule::new();
    schedule.add_system(|mut set: Sets, mut log: ResMut<Log>| {
        let sum = |set: &mut Sets| set.first().iter().map(|a| a.0).sum::<u64>();
        log.add(sum(&mut set));
        set.second().for_each(|a| a.0 *= 2);
        log.add(sum(&mut set));
        set.third().for_each(|(a, b)| a.0 += b.0);
        log.add(sum(&mut set));
        log.add(set.fourth().count());
    });
    assert_eq!(words(&mut schedule, &mut world), "3 6 16 1");
}

#[test]
fn a_query_set_is_written_without_lifetimes() {
    fn level(mut rows: QuerySet<(Query<&A>, Query<&mut A>)>) {
        let most = rows.first().iter().map(|a| a.0).max().unwrap_or(0);
        rows.second().for_each(|a| a.0 = most);
    }
    let mut world = World::new();
    world.spawn_batch((0..3).map(A));
    let mut schedule = Schedule::new();
    schedule.add_system(level);
    schedule.run(&mut world);
    assert!(world.query::<&A>().iter().all(|a| a.0 == 2));
}

#[test]
fn a_system_sees_entities_by_id_and_no_others_than_its_query_s() {
    let mut world = logging();
    let plain = world.spawn(A(1));
    let marked = world.spawn((A(2), B(0)));
    let mut schedule = Schedule::new();
    schedule.add_system(move |mut rows: Query<&mut A, With<B>>, mut log: ResMut<Log>| {
        rows.get_mut(marked).unwrap().0 += 1;
        log.add(rows.get_mut(plain).is_none());
    });
    assert_eq!(words(&mut schedule, &mut world), "true");
    assert_eq!(world.get::<A>(marked), Some(&A(3)));
}

#[test]
fn one_schedule_serves_several_worlds() {
    let (mut one, mut other) = (logging(), logging());
    one.spawn_batch((0..3).map(A));
    other.spawn_batch((0..5).map(|n| (B(n), A(n))));
    let mut schedule = Schedule::new();
    schedule.add_system(log("begin"));
    schedule.add_system(|rows: Query<&A>, mut log: ResMut<Log>| log.add(rows.count()));
    for _ in 0..2 {
        assert_eq!(words(&mut schedule, &mut one), "begin 3");
        assert_eq!(words(&mut schedule, &mut other), "begin 5");
    }
    assert_eq!((one.tick(), other.tick()), (2, 2));
}
