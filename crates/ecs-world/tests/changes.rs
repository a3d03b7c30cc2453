//! Changes, as systems and worlds see them.

use ecs_core::{Component, Description, EntityId};
use ecs_storage_api::{Added, Changed, Mut, Query, QueryState, Ref, Version, Window, With};
use ecs_world::{Schedule, World};

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
