//! From a snapshot.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::Storage;
use ecs_world::{EventReader, EventWriter, Events, ResMut, Schedule, World};
use serde::{Deserialize, Serialize};

use crate::programs::{
    Description, Heard, Log, TICKS, empty, filled, on_programs, schedule, shown,
};

/// Runs a program unbroken, and goes on from a snapshot after `cut` ticks: in the
/// same world, in a new one, and in one on the other backend.
fn check<S: Storage + Default, Other: Storage + Default>(program: &[Description], cut: usize) {
    let (mut world, mut systems) = (filled(S::default()), schedule(program));
    let mut saved = Vec::new();
    let mut unbroken = Vec::new();
    for tick in 0..TICKS {
        if tick == cut {
            saved = world.snapshot().expect("all is saved");
        }
        systems.run(&mut world);
        unbroken.push(shown(&world));
    }
    let mut fresh = empty(S::default());
    fresh.restore(&saved).expect("what was saved is read");
    assert_eq!(fresh.snapshot().unwrap(), saved, "saving again gives the same bytes");
    let mut new_systems = schedule(program);
    let mut other = empty(Other::default());
    other.restore(&saved).expect("what one backend saved another reads");
    let mut other_systems = schedule(program);
    world.restore(&saved).expect("what was saved is read");
    for (tick, unbroken) in unbroken.iter().enumerate().skip(cut) {
        new_systems.run(&mut fresh);
        assert_eq!(shown(&fresh), *unbroken, "a new world, tick {tick}, cut at {cut}");
        systems.run(&mut world);
        assert_eq!(shown(&world), *unbroken, "the same world, tick {tick}, cut at {cut}");
        other_systems.run(&mut other);
        let hash = shown(&other).0;
        assert_eq!(hash, unbroken.0, "the other backend, tick {tick}, cut at {cut}");
    }
}

#[test]
fn a_run_goes_on_from_a_snapshot_as_if_it_had_never_been_broken() {
    on_programs(60, |program, cut| {
        check::<ArchetypeStorage, LocalStorage>(program, cut);
        check::<LocalStorage, ArchetypeStorage>(program, cut);
    });
}

/// The first of two schedules must not drop what the second has not got.
#[test]
fn events_wait_for_the_systems_of_another_schedule() {
    let send = |mut heard: EventWriter<Heard>| heard.send_all([Heard(1), Heard(2)]);
    let hear = |mut heard: EventReader<Heard>, mut log: ResMut<Log>| {
        heard.read().for_each(|heard| log.note(3, heard.0));
    };
    let schedules = || {
        let (mut sending, mut hearing) = (Schedule::new(), Schedule::new());
        sending.add_system(send);
        hearing.add_system(hear);
        (sending, hearing)
    };
    let mut world = filled(ArchetypeStorage::default());
    let (mut sending, mut hearing) = schedules();
    for _ in 0..3 {
        sending.run(&mut world);
        hearing.run(&mut world);
    }
    sending.run(&mut world);
    let saved = world.snapshot().unwrap();
    let mut restored = empty(ArchetypeStorage::default());
    restored.restore(&saved).unwrap();
    let (mut new_sending, mut new_hearing) = schedules();
    for _ in 0..3 {
        sending.run(&mut world);
        hearing.run(&mut world);
        new_sending.run(&mut restored);
        new_hearing.run(&mut restored);
        assert_eq!(shown(&restored), shown(&world));
    }
}

/// A system that the program has no more is not waited for without end.
#[test]
fn events_do_not_wait_for_systems_that_do_not_come() {
    let send = |mut heard: EventWriter<Heard>| heard.send_all([Heard(1)]);
    let hear = |mut heard: EventReader<Heard>| assert!(heard.read().len() <= 1);
    let mut world = filled(ArchetypeStorage::default());
    let mut schedule = Schedule::new();
    schedule.add_system(send).add_system(hear);
    schedule.run(&mut world);
    let saved = world.snapshot().unwrap();
    let mut restored = empty(ArchetypeStorage::default());
    restored.restore(&saved).unwrap();
    let mut schedule = Schedule::new();
    schedule.add_system(send);
    for _ in 0..1_000 {
        schedule.run(&mut restored);
    }
    schedule.run(&mut restored);
    assert_eq!(restored.resource::<Events<Heard>>().unwrap().len(), 0);
}

#[test]
fn events_that_are_not_saved_stay_with_their_readers_when_a_world_is_restored() {
    #[derive(Clone, Copy)]
    struct Ping(u64);
    fn send(mut pings: EventWriter<'_, Ping>, mut count: ResMut<'_, u64>) {
        *count += 1;
        pings.send(Ping(*count));
    }
    fn read(mut pings: EventReader<'_, Ping>, mut heard: ResMut<'_, Vec<u64>>) {
        heard.extend(pings.read().map(|ping| ping.0));
    }
    let program = || {
        let mut world = ecs_world::World::<ArchetypeStorage>::new();
        world.insert_resource(0u64);
        world.insert_resource(Vec::<u64>::new());
        let mut schedule = Schedule::new();
        schedule.add_system(send).add_system(read);
        (world, schedule)
    };
    let heard = |world: &ecs_world::World| world.resource::<Vec<u64>>().unwrap().clone();
    let run = |(world, schedule): &mut (ecs_world::World, Schedule), ticks| {
        for _ in 0..ticks {
            schedule.run(world);
        }
    };
    // One that has counted more, and one that has counted less.
    for (ticks, before) in [(50, 1), (1, 50)] {
        let (mut one, mut other) = (program(), program());
        run(&mut one, ticks);
        run(&mut other, before);
        other.0.restore(&one.0.snapshot().unwrap()).unwrap();
        run(&mut other, 3);
        assert_eq!(heard(&other.0), (1..=before + 3).collect::<Vec<_>>());
    }
}

#[test]
fn a_world_is_restored_wholly_even_if_a_value_panics_as_it_ends() {
    struct Touchy;
    impl Drop for Touchy {
        fn drop(&mut self) {
            panic!("a touchy one ended");
        }
    }
    impl ecs_core::Component for Touchy {
        fn describe() -> ecs_core::Description<Self> {
            ecs_core::Description::transient("snapshots::Touchy")
        }
    }
    fn check<S: Storage + Default>() {
        let mut world = filled(S::default());
        let mut systems = schedule(&[]);
        let (cut, saved) = (world.cut().unwrap(), world.snapshot().unwrap());
        let shown_then = shown(&world);
        for in_place in [false, true] {
            systems.run(&mut world);
            world.spawn(Touchy);
            assert_ne!(shown(&world), shown_then);
            let outcome = catch_unwind(AssertUnwindSafe(|| match in_place {
                true => world.restore_cut(&cut),
                false => world.restore(&saved),
            }));
            assert!(outcome.is_err(), "the panic goes on");
            assert_eq!(shown(&world), shown_then);
        }
    }
    check::<ArchetypeStorage>();
    check::<LocalStorage>();
}

#[test]
fn a_world_is_restored_wholly_even_if_a_resource_or_an_event_panics_as_it_ends() {
    #[derive(Serialize, Deserialize)]
    struct Touchy(bool);
    impl Drop for Touchy {
        fn drop(&mut self) {
            assert!(!self.0, "a touchy one ended");
        }
    }
    let mut world = World::new();
    world.save_resource::<Touchy>("snapshots::touchy");
    world.save_events::<Touchy>("snapshots::touched");
    world.save_resource::<u32>("snapshots::count");
    world.insert_resource(Touchy(false));
    world.insert_resource(Events::<Touchy>::default());
    world.insert_resource(7u32);
    let (saved, hash) = (world.snapshot().unwrap(), world.state_hash().unwrap());
    let spoil: [fn(&mut World); 2] = [
        |world| world.resource_mut::<Touchy>().unwrap().0 = true,
        |world| world.resource_mut::<Events<Touchy>>().unwrap().send(Touchy(true)),
    ];
    for spoil in spoil {
        spoil(&mut world);
        world.insert_resource(8u32);
        let outcome = catch_unwind(AssertUnwindSafe(|| world.restore(&saved)));
        assert!(outcome.is_err(), "the panic goes on");
        assert_eq!(world.state_hash().unwrap(), hash);
    }
}

#[test]
fn a_tick_ends_wholly_even_if_an_event_panics_as_it_ends() {
    struct Touchy;
    impl Drop for Touchy {
        fn drop(&mut self) {
            panic!("a touchy one ended");
        }
    }
    let mut world = World::new();
    let mut schedule = Schedule::new();
    schedule.add_system(|mut events: EventWriter<'_, Touchy>, mut runs: ResMut<'_, u32>| {
        *runs += 1;
        if *runs == 1 {
            events.send(Touchy);
        }
    });
    world.insert_resource(0u32);
    let outcome = catch_unwind(AssertUnwindSafe(|| schedule.run(&mut world)));
    assert!(outcome.is_err(), "the panic goes on");
    assert_eq!(world.tick(), 1);
    schedule.run(&mut world);
    assert_eq!((world.tick(), *world.resource::<u32>().unwrap()), (2, 2));
}

#[test]
fn a_reader_of_events_that_are_not_saved_misses_none_in_another_process() {
    fn read(mut pings: EventReader<'_, u8>, mut heard: ResMut<'_, Vec<u8>>) {
        heard.extend(pings.read());
    }
    let program = || {
        let mut world = World::new();
        world.insert_resource(Vec::<u8>::new());
        world.insert_resource(Events::<u8>::default());
        let mut schedule = Schedule::new();
        schedule.add_system(read);
        (world, schedule)
    };
    let (mut world, mut schedule) = program();
    schedule.run(&mut world);
    world.resource_mut::<Events<u8>>().unwrap().send(1);
    schedule.run(&mut world);
    let saved = world.snapshot().unwrap();
    let (mut world, mut schedule) = program();
    world.restore(&saved).unwrap();
    world.resource_mut::<Events<u8>>().unwrap().send(2);
    schedule.run(&mut world);
    assert_eq!(*world.resource::<Vec<u8>>().unwrap(), [2]);
}

#[test]
fn a_saved_resource_of_another_form_is_refused() {
    let mut world = World::new();
    world.save_resource::<(u32, u32)>("snapshots::settings");
    world.insert_resource((70u32, 3u32));
    let saved = world.snapshot().unwrap();
    let mut world = World::new();
    world.save_resource::<u32>("snapshots::settings");
    world.insert_resource(5u32);
    let error = world.restore(&saved).unwrap_err();
    assert!(error.to_string().contains("snapshots::settings"), "{error}");
    assert_eq!(*world.resource::<u32>().unwrap(), 5);
}
