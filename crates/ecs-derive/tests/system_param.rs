//! What `#[derive(SystemParam)]` writes.

#![forbid(unsafe_code)]
#![deny(private_bounds, private_interfaces)]

use std::marker::PhantomData;

use ecs_core::EntityId;
use ecs_derive::{Component, SystemParam};
use ecs_storage_api::{Filter, Query, With, Without};
use ecs_world::{
    Commands, Conflict, EventReader, EventWriter, Local, QuerySet, Res, ResMut, Resource, Schedule,
    SystemError, SystemParam as _, World,
};

#[derive(Component, Debug, PartialEq)]
#[component(crate = ecs_core, transient)]
struct Place(i64);

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Speed(i64);

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Weight(i64);

#[derive(Debug, Default, PartialEq)]
struct Sum(i64);

struct Factor(i64);

/// Public, over private types: what is kept between runs must not show them.
#[derive(SystemParam)]
#[allow(missing_debug_implementations)]
#[system_param(crate = ecs_world)]
pub struct Physics<'w> {
    bodies: Query<'w, (&'static mut Place, &'static Speed)>,
    factor: Res<'w, Factor>,
    runs: Local<'w, Sum>,
}

impl Physics<'_> {
    fn step(&mut self) {
        self.runs.0 += 1;
        let factor = self.factor.0 * self.runs.0;
        self.bodies.for_each(|(place, speed)| place.0 += speed.0 * factor);
    }
}

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Two<'run>(Commands<'run>, Commands<'run>);

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Nothing;

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Empty {}

/// A resource and its rows, whatever they are: with a bound in each place.
#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Totals<'w, T: Resource, F = ()>
where
    F: Filter,
{
    rows: Query<'w, &'static Place, F>,
    total: ResMut<'w, T>,
}

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Kept<'w, T: Default + Send + 'static, const N: usize>(Local<'w, [T; N]>)
where
    [T; N]: Default;

struct Typed<T>(PhantomData<fn() -> T>);

impl<T> Default for Typed<T> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

/// Over a type that need not be `Send`, and with parameters in parameters.
#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Nested<'w, T> {
    physics: Physics<'w>,
    nothing: Nothing,
    tuple: (Option<Res<'w, Sum>>, Local<'w, Typed<T>>),
    weights: QuerySet<'w, (Query<'static, &'static Weight>, Query<'static, &'static mut Weight>)>,
}

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Ring<'w> {
    rings: EventWriter<'w, u32>,
}

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
struct Hear<'w> {
    rings: EventReader<'w, u32>,
    heard: ResMut<'w, Vec<u32>>,
}

// The engine under another name, which a macro passes on.
mod engine {
    pub(crate) use ecs_world as renamed;
}
macro_rules! param {
    ($name:ident, $($krate:tt)+) => {
        #[derive(SystemParam)]
        #[system_param(crate = $($krate)+)]
        struct $name<'w>(Res<'w, Factor>);
    };
}
param!(Renamed, crate::engine::renamed);

fn world() -> World {
    let mut world = World::new();
    world.insert_resource(Factor(10));
    world.insert_resource(Sum(0));
    world.spawn((Place(0), Speed(1)));
    world.spawn(Place(500));
    world
}

fn places(world: &World) -> Vec<i64> {
    let mut places: Vec<_> = world.query::<&Place>().iter().map(|place| place.0).collect();
    places.sort_unstable();
    places
}

#[test]
fn a_struct_of_parameters_is_a_parameter_beside_others() {
    let mut world = world();
    let mut schedule = Schedule::new();
    schedule.add_system(|mut physics: Physics, renamed: Renamed, mut sum: ResMut<Sum>| {
        physics.step();
        sum.0 += renamed.0.0;
    });
    schedule.run(&mut world);
    schedule.run(&mut world);
    assert_eq!(places(&world), [30, 500]);
    assert_eq!(*world.resource::<Sum>().unwrap(), Sum(20));
}

#[test]
fn structs_without_fields_are_parameters() {
    let mut world = World::new();
    let mut schedule = Schedule::new();
    schedule.add_system(|_: Nothing, Empty {}: Empty, mut commands: Commands| {
        commands.spawn(Place(1));
    });
    schedule.run(&mut world);
    assert_eq!(places(&world), [1]);
}

#[test]
fn the_commands_of_the_first_field_come_first() {
    let mut world = World::new();
    let mut schedule = Schedule::new();
    schedule.add_system(|Two(mut first, mut second): Two| {
        second.spawn(Place(3));
        first.spawn(Place(1));
        second.spawn(Place(4));
        first.spawn(Place(2));
    });
    schedule.run(&mut world);
    let query = world.query::<(EntityId, &Place)>();
    let mut rows: Vec<_> = query.iter().map(|(entity, place)| (entity, place.0)).collect();
    rows.sort_unstable();
    assert!(rows.iter().map(|row| row.1).eq(1..=4), "{rows:?}");
}

fn total<F: Filter>(mut totals: Totals<Sum, F>) {
    totals.total.0 += totals.rows.iter().map(|place| place.0).sum::<i64>();
}

#[test]
fn type_parameters_are_what_is_borrowed() {
    let mut world = world();
    let mut schedule = Schedule::new();
    schedule.add_system(total::<Without<Speed>>).add_system(total::<()>);
    schedule.run(&mut world);
    assert_eq!(*world.resource::<Sum>().unwrap(), Sum(1000));
    schedule.add_system(|mut kept: Kept<u8, 3>, mut sum: ResMut<Sum>| {
        kept.0[2] += 1;
        sum.0 = i64::from(kept.0[2]);
    });
    schedule.run(&mut world);
    schedule.run(&mut world);
    assert_eq!(*world.resource::<Sum>().unwrap(), Sum(2));
}

#[test]
fn parameters_nest() {
    let mut world = world();
    let mut schedule = Schedule::new();
    schedule.add_system(|mut nested: Nested<std::rc::Rc<u8>>| {
        let Nested { physics, nothing: Nothing, tuple: (sum, _), weights } = &mut nested;
        assert!(sum.is_some());
        physics.step();
        let all: i64 = weights.first().iter().map(|weight| weight.0).sum();
        weights.second().for_each(|weight| weight.0 += all);
    });
    let entity = world.spawn(Weight(2));
    schedule.run(&mut world);
    assert_eq!(places(&world), [10, 500]);
    assert_eq!(world.get::<Weight>(entity).unwrap().0, 4);
}

#[test]
fn every_field_gets_to_know_the_world() {
    let mut world = World::new();
    world.insert_resource(Vec::<u32>::new());
    let mut schedule = Schedule::new();
    schedule.add_system(|mut ring: Ring, mut n: Local<u32>| {
        *n += 1;
        ring.rings.send(*n);
    });
    schedule.add_system(|mut hear: Hear| hear.heard.extend(hear.rings.read().copied()));
    schedule.run(&mut world);
    schedule.run(&mut world);
    assert_eq!(*world.resource::<Vec<u32>>().unwrap(), [1, 2]);
}

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
#[allow(dead_code)]
struct Twice<'w>(Query<'w, &'static Place>, Query<'w, &'static mut Place>);

#[derive(SystemParam)]
#[system_param(crate = ecs_world)]
#[allow(dead_code)]
struct Apart<'w> {
    moving: Query<'w, &'static mut Place, With<Speed>>,
    resting: Query<'w, &'static mut Place, Without<Speed>>,
}

#[test]
fn two_fields_that_borrow_the_same_are_no_system() {
    let mut schedule = Schedule::new();
    let error = schedule.try_add_system(|_: Twice| {}).unwrap_err();
    assert!(
        matches!(&error, SystemError::Conflict { conflict: Conflict::Component(id), .. } if id.info().name() == "system_param::Place"),
        "{error}"
    );
    assert!(schedule.try_add_system(|_: Physics, _: Query<&Place>| {}).is_err());
    assert!(schedule.try_add_system(|_: Physics, _: ResMut<Factor>| {}).is_err());
    assert!(schedule.try_add_system(|_: Physics, _: Res<Factor>| {}).is_ok());
    assert!(schedule.try_add_system(|_: Apart| {}).is_ok());
}

#[test]
fn what_is_kept_belongs_to_no_run() {
    fn kept<P: ecs_world::SystemParam>() -> usize {
        let mut access = ecs_world::SystemAccess::new("test");
        access.begin_stage();
        let state = P::init(&mut access).unwrap();
        size_of_val(&state)
    }
    assert_eq!(kept::<Physics>(), size_of::<Sum>());
    assert_eq!(kept::<Nothing>(), 0);
    let _ = Physics::init;
}
