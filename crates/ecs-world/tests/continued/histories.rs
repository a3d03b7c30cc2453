//! From the last ticks.

use ecs_archetype::ArchetypeStorage;
use ecs_core::EntityId;
use ecs_local::LocalStorage;
use ecs_storage_api::Storage;
use ecs_world::{History, RewindError};

use crate::programs::{Description, Plain, TICKS, filled, on_programs, schedule, shown};

fn check<S: Storage + Default>(program: &[Description], from: usize) {
    let (mut world, mut systems) = (filled(S::default()), schedule(program));
    let mut history = History::new(TICKS + 1);
    let mut all = vec![shown(&world)];
    history.record(&world).unwrap();
    for _ in 0..TICKS {
        systems.run(&mut world);
        all.push(shown(&world));
        history.record(&world).unwrap();
    }
    assert!(history.ticks().eq(0..=TICKS as u64));
    let middle = from as u64;
    let mut fork = history.fork(&world, middle).unwrap();
    // Back, on, and back again.
    for _ in 0..2 {
        history.rewind(&mut world, middle).unwrap();
        assert_eq!((world.tick(), history.ticks().next_back()), (middle, Some(middle)));
        assert_eq!(shown(&world), all[from]);
        for shown_then in &all[from + 1..] {
            systems.run(&mut world);
            assert_eq!(shown(&world), *shown_then);
            history.record(&world).unwrap();
        }
    }
    for shown_then in &all[from + 1..] {
        systems.run(&mut fork);
        assert_eq!(shown(&fork), *shown_then, "in the fork");
    }
}

#[test]
fn a_run_goes_on_from_any_remembered_tick_as_if_it_had_never_been_broken() {
    on_programs(30, |program, from| {
        check::<ArchetypeStorage>(program, from);
        check::<LocalStorage>(program, from);
    });
}

#[test]
fn what_is_forgotten_is_told_and_changes_nothing() {
    let (mut world, mut systems) = (filled(ArchetypeStorage::default()), schedule(&[]));
    let mut history = History::new(3);
    let none = history.rewind(&mut world, 0).unwrap_err();
    assert_eq!(none.to_string(), "tick 0 is not remembered; none is");
    for _ in 0..8 {
        systems.run(&mut world);
        history.record(&world).unwrap();
    }
    let before = shown(&world);
    let error = history.rewind(&mut world, 2).unwrap_err();
    assert!(matches!(error, RewindError::Forgotten { tick: 2, .. }));
    assert_eq!(error.to_string(), "tick 2 is not remembered; those from 6 to 8 are");
    assert_eq!(shown(&world), before);
    history.rewind(&mut world, 7).unwrap();
    assert!(history.ticks().eq(6..=7));
}

/// A ring of states costs one copy and the changes.
#[test]
fn states_share_what_did_not_change() {
    use crate::programs::Plain;
    let mut world = crate::programs::empty(ArchetypeStorage::default());
    let all = world.spawn_batch((0..100_000).map(Plain));
    let mut history = History::new(50);
    history.record(&world).unwrap();
    let one = history.bytes();
    let mut systems = schedule(&[]);
    for &entity in &all[..49] {
        systems.run(&mut world);
        world.get_mut::<Plain>(entity).unwrap().0 = 7;
        history.record(&world).unwrap();
    }
    assert_eq!(history.ticks().len(), 50);
    let page = 1024 * size_of::<Plain>();
    assert!(history.bytes() < one + 49 * (page + 1000), "{} bytes", history.bytes());
}

/// A rewind writes what differs, and no more.
#[test]
fn what_did_not_change_stays_where_it_is() {
    use crate::programs::Plain;
    let mut world = crate::programs::empty(ArchetypeStorage::default());
    let all = world.spawn_batch((0..20_000).map(Plain));
    let mut history = History::new(5);
    history.record(&world).unwrap();
    let address = std::ptr::from_ref(world.get::<Plain>(all[9_999]).unwrap());
    let mut systems = schedule(&[]);
    for round in 0..20 {
        for n in 0..4 {
            systems.run(&mut world);
            world.get_mut::<Plain>(all[1_000 * n]).unwrap().0 += 1;
            history.record(&world).unwrap();
        }
        // Three forward, and one that is run again.
        let before = shown(&world);
        let back = world.tick() - 1;
        history.rewind(&mut world, back).unwrap();
        assert_eq!(std::ptr::from_ref(world.get::<Plain>(all[9_999]).unwrap()), address);
        assert_eq!(world.get::<Plain>(all[3_000]).unwrap().0, 3_000);
        assert_ne!(shown(&world), before);
        assert_eq!((world.tick(), history.ticks().len()), (3 * (round + 1), 4));
    }
}

#[test]
fn free_ids_are_kept_once_for_all_states_that_have_the_same() {
    let mut world = filled(ArchetypeStorage::default());
    let mut systems = schedule(&[]);
    let many = world.spawn_batch((0..1_000).map(Plain));
    world.despawn_batch(&many).unwrap();
    let mut history = History::new(5);
    history.record(&world).unwrap();
    let one = history.bytes();
    assert!(one >= 1_000 * size_of::<EntityId>());
    for _ in 0..3 {
        systems.run(&mut world);
        history.record(&world).unwrap();
    }
    let several = history.bytes();
    assert!(several < one + 1_000, "{several} after {one}");
    world.spawn(Plain(0));
    systems.run(&mut world);
    history.record(&world).unwrap();
    assert!(history.bytes() > several + 990 * size_of::<EntityId>(), "another list is a copy");
}
