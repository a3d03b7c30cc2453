//! Changes, as systems and worlds see them.

use ecs_core::{Component, Description, EntityId};
use ecs_storage_api::{Added, Changed, Mut, Query, QueryState, Ref, Version, Window, With};
use ecs_world::{
    Commands, IntoSystemConfig, Local, RemovedComponents, ResMut, Schedule, SystemConfig, Threads,
    World,
};

macro_rules! component {
    ($name:ident $track:literal) => {
        #[derive(Debug, Clone, Copy, PartialEq)]
        struct $name(i32);

        impl Component for $name {
            const TRACK: bool = $track;

            fn describe() -> Description<Self> {
                Description::transient(concat!("world_changes::", stringify!($name)))
            }
        }
    };
}

component!(Health true);
component!(Speed false);

/// What a term of a system says needs no lifetime.
fn heal(mut query: Query<(Mut<Health>, &Speed)>) {
    for (mut health, speed) in &mut query {
        if health.0 < speed.0 {
            health.0 = speed.0;
        }
    }
}

fn look(query: Query<(EntityId, Ref<Health>), With<Speed>>) {
    assert!(query.iter().all(|(_, health)| health.0 >= 5));
}

#[test]
fn terms_that_mark_are_terms_of_systems() {
    let mut world = World::new();
    let all = [1, 7, 3].map(|n| world.spawn((Health(n), Speed(5))));
    let before = world.advance_version();
    let mut schedule = Schedule::new();
    schedule.add_system(heal);
    schedule.add_system(look);
    schedule.run(&mut world);
    let mut state = QueryState::<EntityId, Changed<Health>>::new();
    state.set_window(Window { since: before, now: world.version() });
    let changed: Vec<_> = state.query(world.storage()).iter().collect();
    assert_eq!(changed, [all[0], all[2]]);
}

#[test]
fn a_value_that_is_set_counts_as_changed_if_it_differs() {
    let mut world = World::new();
    let all = [1, 7, 3].map(|n| world.spawn((Health(n), Speed(n))));
    let before = world.advance_version();
    let mut schedule = Schedule::new();
    schedule.add_system(|mut query: Query<(Mut<Health>, Mut<Speed>)>| {
        let mut was_set = Vec::new();
        for (mut health, mut speed) in &mut query {
            was_set.push((health.set_if_neq(Health(7)), speed.set_if_neq(Speed(7))));
            assert_eq!((*health, *speed), (Health(7), Speed(7)));
        }
        assert_eq!(was_set, [(true, true), (false, false), (true, true)]);
    });
    schedule.run(&mut world);
    let mut state = QueryState::<EntityId, Changed<Health>>::new();
    state.set_window(Window { since: before, now: world.version() });
    let changed: Vec<_> = state.query(world.storage()).iter().collect();
    assert_eq!(changed, [all[0], all[2]]);
    let before = world.advance_version();
    world
        .run_system(|mut query: Query<Mut<Speed>>| {
            assert!(query.iter_mut().all(|mut speed| !speed.set_if_neq(Speed(7))));
        })
        .unwrap();
    let mut state = QueryState::<EntityId, Changed<Speed>>::new();
    state.set_window(Window { since: before, now: world.version() });
    assert_eq!(state.query(world.storage()).iter().count(), 0, "no page was written");
}

#[test]
fn a_world_remembers_when_it_was_asked() {
    let mut world = World::new();
    let all: Vec<_> = (0..10).map(|n| world.spawn((Health(n), Speed(n)))).collect();
    let ask = |world: &mut World| {
        let changed = world.query_filtered_mut::<EntityId, Changed<Health>>().iter().count();
        (changed, world.query_filtered_mut::<EntityId, Added<Health>>().iter().count())
    };
    assert_eq!(ask(&mut world), (10, 10));
    assert_eq!(ask(&mut world), (0, 0));
    world.get_mut::<Health>(all[3]).unwrap().0 += 1;
    world.query_mut::<&mut Speed>().for_each(|speed| speed.0 += 1);
    world.spawn(Health(1));
    assert_eq!(ask(&mut world), (2, 1));
    let before = world.version();
    world.despawn(all[0]).unwrap();
    world.remove::<Health>(all[1]).unwrap();
    let removed = |world: &World| {
        let removed = world.removed::<Health>(Version::ZERO);
        removed.iter().map(|removed| removed.entity).collect::<Vec<_>>()
    };
    assert_eq!(removed(&world), all[..2]);
    world.forget_removed(before);
    assert_eq!(removed(&world), []);
}

/// What systems have been told, by their names.
type Told = Vec<(&'static str, EntityId)>;

fn tell(name: &'static str) -> SystemConfig {
    let tell = move |changed: Query<EntityId, Changed<Health>>, mut told: ResMut<Told>| {
        told.extend(changed.iter().map(|entity| (name, entity)));
    };
    tell.into_config()
}

#[test]
fn a_system_is_told_of_each_change_once_whoever_made_it() {
    for threads in [Threads::None, Threads::Current] {
        let mut world = World::new();
        world.insert_resource(Told::new());
        let all = [1, 2, 3].map(|n| world.spawn((Health(n), Speed(n))));
        let target = all[1];
        let mut schedule = Schedule::new();
        schedule.set_threads(threads);
        schedule.set_phases(["main", "late"]);
        schedule.add_system(tell("before"));
        schedule.add_system(move |mut query: Query<&mut Health>| {
            query.get_mut(target).unwrap().0 += 1;
        });
        schedule.add_system(tell("after"));
        schedule.add_system(tell("slow").every(2));
        schedule.add_system(|mut commands: Commands, mut spawned: Local<bool>| {
            if !std::mem::replace(&mut *spawned, true) {
                commands.spawn(Health(9));
            }
        });
        schedule.add_system(tell("late").in_phase("late"));
        let mut run = |world: &mut World| {
            schedule.run(world);
            std::mem::take(&mut *world.resource_mut::<Told>().unwrap())
        };
        let of = |told: &Told, name: &str| {
            let own = told.iter().filter(|(other, _)| *other == name);
            own.map(|(_, entity)| *entity).collect::<Vec<_>>()
        };
        let first = run(&mut world);
        assert_eq!(of(&first, "before"), all, "everything is new");
        assert_eq!(of(&first, "after"), all);
        assert_eq!(of(&first, "slow"), all);
        assert_eq!(of(&first, "late").len(), 4, "commands are new behind their phase");
        let born = of(&first, "late")[3];
        let second = run(&mut world);
        assert_eq!(of(&second, "before")[..2], [target, born], "what came behind it last time");
        assert_eq!(of(&second, "after")[..2], [target, born]);
        assert_eq!(of(&second, "slow"), [], "it does not run in this tick");
        world.get_mut::<Health>(all[0]).unwrap().0 = 100;
        let third = run(&mut world);
        assert_eq!(of(&third, "before")[..2], [all[0], target]);
        assert!(of(&third, "slow").contains(&born), "nothing was missed in between");
    }
}

#[test]
fn a_system_is_told_of_each_removal_once() {
    type Gone = Vec<Vec<EntityId>>;
    let mut world = World::new();
    world.insert_resource(Gone::new());
    let all: Vec<_> = world.spawn_batch((0..6).map(|n| (Health(n), Speed(n))));
    let dying = all[2];
    let mut schedule = Schedule::new();
    let note = |mut lost: RemovedComponents<Health>, mut gone: ResMut<Gone>| {
        gone.push(lost.read().collect());
    };
    schedule.add_system(note);
    schedule.add_system(move |mut commands: Commands| commands.despawn(dying));
    schedule.add_system(note.every_offset(3, 2));
    world.remove::<Health>(all[0]).unwrap();
    world.despawn(all[1]).unwrap();
    schedule.run(&mut world);
    schedule.run(&mut world);
    world.remove::<Health>(all[3]).unwrap();
    schedule.run(&mut world);
    let gone = world.resource::<Gone>().unwrap();
    let expected = [&all[..2], &all[2..3], &all[3..4], &all[..4]];
    assert_eq!(*gone, expected, "every third run misses nothing");
    drop(gone);
    world.clear().unwrap();
    schedule.run(&mut world);
    assert_eq!(world.resource::<Gone>().unwrap().last().unwrap()[..], all[4..]);
}
