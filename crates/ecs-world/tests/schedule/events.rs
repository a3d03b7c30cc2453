//! Events: each reader gets each one once, in order, whenever it runs.

use std::sync::Arc;
use std::time::Duration;

use ecs_world::{
    EventReader, EventWriter, Events, FrameTime, IntoSystemConfig, Local, ResMut, Schedule,
    SetConfig, SubSchedule, SystemConfig, World, on_event,
};

use crate::common::{Log, log, logging, run_times, words};

/// An event.
struct Ping(u64);

/// Sends the number of the run.
fn send(mut runs: Local<u64>, mut pings: EventWriter<Ping>) {
    pings.send(Ping(*runs));
    *runs += 1;
}

/// A system that writes down what it gets, behind a letter.
fn read(letter: char) -> SystemConfig {
    let read = move |mut pings: EventReader<Ping>, mut log: ResMut<Log>| {
        for ping in pings.read() {
            log.add(format!("{letter}{}", ping.0));
        }
    };
    read.into_config()
}

fn waiting(world: &World) -> usize {
    world.resource::<Events<Ping>>().map_or(0, |events| events.len())
}

#[test]
fn a_reader_behind_the_writer_gets_events_in_the_same_tick_and_one_before_it_in_the_next() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(read('a')).add_system(send).add_system(read('b'));
    let runs = [(); 3].map(|()| words(&mut schedule, &mut world));
    assert_eq!(runs, ["b0", "a0 b1", "a1 b2"]);
    assert_eq!(waiting(&world), 1, "the first reader has still to get it");
}

#[test]
fn a_reader_that_runs_every_n_th_tick_gets_all_events_since() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(send).add_system(read('a').every_offset(3, 2)).add_system(read('b'));
    let runs: Vec<_> = (0..6).map(|_| words(&mut schedule, &mut world)).collect();
    assert_eq!(runs, ["b0", "b1", "a0 a1 a2 b2", "b3", "b4", "a3 a4 a5 b5"]);
    assert_eq!(waiting(&world), 0);
}

#[test]
fn a_reader_that_was_skipped_misses_nothing() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    let flips = |mut n: Local<u64>| {
        *n += 1;
        n.is_multiple_of(2)
    };
    schedule.configure_set(SetConfig::new("set").run_if(flips));
    schedule.add_system(send);
    schedule.add_system(read('a').label("set"));
    schedule.add_system(read('b').run_if(flips));
    let runs: Vec<_> = (0..4).map(|_| words(&mut schedule, &mut world)).collect();
    assert_eq!(runs, ["", "a0 a1 b0 b1", "", "a2 a3 b2 b3"]);
}

#[test]
fn fixed_steps_read_and_send_each_event_once() {
    let (mut world, mut schedule, mut steps) = (logging(), Schedule::new(), Schedule::new());
    steps.add_system(read('s')).add_system(send);
    schedule.add_system(read('a'));
    schedule.add_system(SubSchedule::fixed("steps", Duration::from_millis(10), steps));
    schedule.add_system(read('b'));
    let runs: Vec<_> = [25, 0, 5, 40]
        .into_iter()
        .map(|millis| {
            world.insert_resource(FrameTime(Duration::from_millis(millis)));
            words(&mut schedule, &mut world)
        })
        .collect();
    // Steps: 2, none, 1, 4.
    assert_eq!(runs, ["s0 b0 b1", "a0 a1", "s1 b2", "a2 s2 s3 s4 s5 b3 b4 b5 b6"]);
}

#[test]
fn a_reader_that_is_added_later_begins_with_what_still_waits() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(send);
    run_times(3, &mut schedule, &mut world);
    assert_eq!(waiting(&world), 0, "no reader waited");
    schedule.add_system(read('a'));
    assert_eq!(words(&mut schedule, &mut world), "a3");
    assert_eq!(words(&mut schedule, &mut world), "a4");
}

#[test]
fn a_system_may_leave_events_unread_and_get_them_later() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(send);
    schedule.add_system(|mut pings: EventReader<Ping>, mut log: ResMut<Log>| {
        if pings.len() == 2 {
            let got: Vec<_> = pings.read().map(|ping| ping.0.to_string()).collect();
            log.add(got.join("+"));
            assert!(pings.is_empty() && pings.read().next().is_none());
        }
    });
    let runs: Vec<_> = (0..4).map(|_| words(&mut schedule, &mut world)).collect();
    assert_eq!(runs, ["", "0+1", "", "2+3"]);
}

#[test]
fn several_events_of_several_writers_come_in_the_order_of_the_systems() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(|mut pings: EventWriter<Ping>| pings.send_all((0..3).map(Ping)));
    schedule.add_system(|mut pings: EventWriter<Ping>| pings.send(Ping(10)));
    schedule.add_system(read('a'));
    assert_eq!(words(&mut schedule, &mut world), "a0 a1 a2 a10");
}

#[test]
fn an_event_is_dropped_once_when_the_last_reader_has_got_it() {
    let alive = Arc::new(());
    let (mut world, mut schedule) = (logging(), Schedule::new());
    let sent = Arc::clone(&alive);
    schedule.add_system(move |mut events: EventWriter<Arc<()>>| events.send(Arc::clone(&sent)));
    schedule.add_system(|mut events: EventReader<Arc<()>>| _ = events.read());
    schedule.add_system((|mut events: EventReader<Arc<()>>| _ = events.read()).every(4));
    let counts: Vec<_> = (0..9)
        .map(|_| {
            schedule.run(&mut world);
            Arc::strong_count(&alive) - 2
        })
        .collect();
    assert_eq!(counts, [0, 1, 2, 3, 0, 1, 2, 3, 0]);
    drop(world);
    assert_eq!(Arc::strong_count(&alive), 2);
}

#[test]
fn a_reader_that_was_removed_is_waited_for_no_longer() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(send);
    let reader = schedule.try_add_system(read('a').every_offset(100, 99)).unwrap();
    run_times(3, &mut schedule, &mut world);
    assert_eq!(waiting(&world), 3);
    schedule.remove_system(reader);
    schedule.run(&mut world);
    assert_eq!(waiting(&world), 0);
}

#[test]
fn events_of_two_worlds_do_not_mix_under_one_schedule() {
    let (mut one, mut other, mut schedule) = (logging(), logging(), Schedule::new());
    let mut n = 0;
    schedule.add_system(read('b'));
    schedule.add_system(move |mut pings: EventWriter<Ping>| {
        pings.send(Ping(n));
        n += 1;
    });
    schedule.add_system(read('a'));
    // Keeps events that the others have got.
    schedule.add_system(read('c').every_offset(4, 3));
    let runs: Vec<_> = (0..4)
        .flat_map(|_| [words(&mut schedule, &mut one), words(&mut schedule, &mut other)])
        .collect();
    let expected =
        ["a0", "a1", "b0 a2", "b1 a3", "b2 a4", "b3 a5", "b4 a6 c0 c2 c4 c6", "b5 a7 c1 c3 c5 c7"];
    assert_eq!(runs, expected);
}

#[test]
fn two_schedules_of_one_world_read_apart() {
    let (mut world, mut sends, mut reads) = (logging(), Schedule::new(), Schedule::new());
    sends.add_system(send).add_system(read('a'));
    reads.add_system(read('b'));
    assert_eq!(words(&mut reads, &mut world), "");
    assert_eq!(words(&mut sends, &mut world), "a0");
    assert_eq!(words(&mut sends, &mut world), "a1");
    assert_eq!(words(&mut reads, &mut world), "b0 b1");
    assert_eq!(waiting(&world), 0);
}

#[test]
fn events_that_were_replaced_are_read_from_the_start() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(send).add_system(read('a')).add_system(read('b').every(2));
    assert_eq!(words(&mut schedule, &mut world), "a0 b0");
    assert_eq!(words(&mut schedule, &mut world), "a1");
    world.insert_resource(Events::<Ping>::default());
    let runs: Vec<_> = (0..3).map(|_| words(&mut schedule, &mut world)).collect();
    assert_eq!(runs, ["a2 b2", "a3", "a4 b3 b4"]);
}

#[test]
fn a_program_may_send_between_runs() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(read('a')).add_system(log("end"));
    assert_eq!(words(&mut schedule, &mut world), "end");
    world.resource_mut::<Events<Ping>>().unwrap().send(Ping(5));
    assert_eq!(words(&mut schedule, &mut world), "a5 end");
    assert_eq!(words(&mut schedule, &mut world), "end");
}

#[test]
fn a_program_may_send_before_the_first_run_and_a_condition_asks_once() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(read('a'));
    schedule.add_system(log("rang").run_if(on_event::<Ping>));
    world.send(Ping(1));
    world.send(Ping(2));
    assert_eq!(words(&mut schedule, &mut world), "a1 a2 rang");
    assert_eq!(words(&mut schedule, &mut world), "");
    world.send(Ping(3));
    assert_eq!(words(&mut schedule, &mut world), "a3 rang");
    assert_eq!(waiting(&world), 0);
}

#[test]
fn what_a_program_without_a_schedule_has_sent_is_forgotten_when_it_says_so() {
    let mut world = World::new();
    world.forget_events::<Ping>();
    assert!(world.resource::<Events<Ping>>().is_none());
    for n in 0..100 {
        world.send(Ping(n));
        world.run_system(|mut pings: EventWriter<Ping>| pings.send(Ping(0))).unwrap();
    }
    assert_eq!(waiting(&world), 200);
    world.forget_events::<Ping>();
    assert_eq!(waiting(&world), 0);
}

#[test]
fn readers_go_on_behind_events_that_were_forgotten() {
    let (mut world, mut schedule) = (logging(), Schedule::new());
    schedule.add_system(read('a')).add_system(send).add_system(read('b').every(2));
    assert_eq!(words(&mut schedule, &mut world), "b0");
    assert_eq!(words(&mut schedule, &mut world), "a0");
    world.forget_events::<Ping>();
    world.forget_events::<Ping>();
    assert_eq!(words(&mut schedule, &mut world), "b2");
    assert_eq!(words(&mut schedule, &mut world), "a2");
    world.send(Ping(9));
    assert_eq!(words(&mut schedule, &mut world), "a3 a9 b3 b9 b4");
}

#[test]
fn saved_events_that_were_forgotten_leave_the_state_in_which_all_were_got() {
    let world = || {
        let mut world = World::new();
        world.save_events::<u32>("events::told");
        world
    };
    let (mut forgetful, mut attentive, mut silent) = (world(), world(), world());
    forgetful.forget_events::<u32>();
    let hash = |world: &World| world.state_hash().unwrap();
    assert_eq!(hash(&forgetful), hash(&silent), "none was sent");
    for world in [&mut forgetful, &mut attentive] {
        (0..3u32).for_each(|n| world.send(n));
    }
    forgetful.forget_events::<u32>();
    let mut schedule = Schedule::new();
    schedule.add_system(|mut told: EventReader<u32>| assert_eq!(told.read().len(), 3));
    schedule.run(&mut attentive);
    Schedule::new().run(&mut forgetful);
    Schedule::new().run(&mut silent);
    assert_eq!(hash(&forgetful), hash(&attentive));
    assert_ne!(hash(&forgetful), hash(&silent), "that three were sent is part of the state");
    let saved = forgetful.snapshot().unwrap();
    let mut restored = world();
    restored.restore(&saved).unwrap();
    restored.send(7u32);
    let mut schedule = Schedule::new();
    schedule.add_system(|mut told: EventReader<u32>| assert!(told.read().eq(&[7])));
    schedule.run(&mut restored);
}
