//! Commands of systems: applied in the order of the systems, then of the rows.

use std::sync::{Arc, Mutex};

use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_storage_api::{Query, With};
use ecs_world::{
    CommandQueue, Commands, Local, ParQuery, RunError, Schedule, Spawned, Target, Threads, World,
};

use crate::common::{A, B, C, Total, pool, run_times, work};

fn values(world: &World) -> Vec<u64> {
    world.query::<&A>().iter().map(|a| a.0).collect()
}

#[test]
fn commands_are_applied_in_the_order_of_their_systems_whoever_ends_first() {
    for threads in [Threads::None, pool(2), pool(8)] {
        let mut schedule = Schedule::new();
        for n in 0..8 {
            schedule.add_system(move |mut commands: Commands| {
                // Later ones end earlier.
                (n..8).for_each(|_| work());
                commands.spawn(A(n));
                commands.spawn(A(n));
            });
        }
        schedule.set_threads(threads);
        let mut world = World::new();
        for _ in 0..3 {
            schedule.run(&mut world);
            assert_eq!(values(&world), (0..16).map(|n| n / 2).collect::<Vec<_>>());
            world.clear().unwrap();
        }
    }
}

#[test]
fn a_handle_of_another_buffer_is_its_system_s_failure() {
    let mut world = World::new();
    let mut schedule = Schedule::new();
    schedule.add_system(|mut commands: Commands, mut kept: Local<Option<Spawned>>| {
        commands.spawn(A(1));
        let new = commands.spawn(A(2));
        commands.insert(kept.unwrap_or(new), B(3));
        *kept = Some(new);
    });
    schedule.run(&mut world);
    let error = schedule.try_run(&mut world).unwrap_err();
    assert!(matches!(&error, RunError::Panicked { message, .. } if message.contains("buffer")));
    assert_eq!(world.query::<(&A, &B)>().iter().map(|(a, _)| a.0).collect::<Vec<_>>(), [2]);
}

#[test]
fn handles_of_a_buffer_that_is_appended_to_an_empty_one_are_still_good() {
    let (mut whole, mut part) = (CommandQueue::new(), CommandQueue::new());
    let new = Commands::new(&mut part).spawn(A(1));
    let mut commands = Commands::new(&mut whole);
    commands.append(part);
    commands.insert(new, B(1));
    let mut part = CommandQueue::new();
    let mut others = Commands::new(&mut part);
    let new = others.spawn(A(2));
    others.insert(new, B(2));
    commands.append(part);
    let mut world = World::new();
    world.apply_commands(whole).unwrap();
    let made = world.query::<(&A, &B)>();
    assert!(made.iter().map(|(a, b)| (a.0, b.0)).eq([(1, 1), (2, 2)]));
}

#[test]
fn an_exchange_of_many_is_the_same_whoever_helps() {
    let exchanged = |threads| {
        let mut world = World::new();
        world.spawn_batch((0..20_000).map(|n| (A(n), B(n))));
        let mut schedule = Schedule::new();
        schedule.add_system(|rows: Query<(EntityId, &B)>, mut commands: Commands| {
            // Not in the order of the rows.
            let mut some: Vec<_> = rows.iter().filter(|(_, b)| b.0 % 3 < 2).collect();
            some.sort_unstable_by_key(|(_, b)| b.0.wrapping_mul(0x9E37_79B9_7F4A_7C15));
            let gained: Vec<_> = some.iter().map(|(_, b)| C(b.0 + 1)).collect();
            let some: Vec<_> = some.into_iter().map(|(entity, _)| entity).collect();
            commands.exchange_batch::<B, _>(some, gained);
        });
        schedule.set_threads(threads);
        schedule.run(&mut world);
        assert!(world.query::<(&A, &C)>().iter().all(|(a, c)| a.0 + 1 == c.0));
        assert_eq!(world.query::<&C>().count(), 13_334);
        world.query::<(EntityId, &A)>().iter().map(|(entity, a)| (entity, a.0)).collect::<Vec<_>>()
    };
    let alone = exchanged(Threads::None);
    for threads in [Threads::Current, pool(1), pool(2), pool(8)] {
        assert!(exchanged(threads) == alone);
    }
}

#[test]
fn commands_of_parallel_iteration_are_in_the_order_of_the_rows() {
    // As many as are tried on one thread first, and more.
    let few = [Threads::None, pool(1), pool(8)].map(|threads| (40_000, threads));
    for (count, threads) in few.into_iter().chain([(300_000, pool(2))]) {
        let every = count / 13_000;
        let mut world = World::new();
        world.spawn_batch((0..count / 2).map(B));
        world.spawn_batch((count / 2..count).map(|n| (B(n), C(n))));
        let mut schedule = Schedule::new();
        schedule.add_system(move |mut rows: Query<(EntityId, &B)>, mut commands: Commands| {
            commands.spawn(A(1));
            rows.par_for_each_with(&mut commands, |commands, (entity, b)| {
                if b.0 % every == 0 {
                    let new = commands.spawn(A(b.0 + 2));
                    commands.insert(new, C(b.0));
                    commands.despawn(entity);
                }
            });
            let last = commands.spawn(A(99));
            commands.insert(last, C(99));
        });
        schedule.set_threads(threads);
        schedule.run(&mut world);
        let made = world.query_mut::<(&A, &C)>();
        let made: Vec<_> = made.iter().map(|(a, c)| (a.0, c.0)).collect();
        let expected = (0..count).step_by(every as usize).map(|n| (n + 2, n)).chain([(99, 99)]);
        assert!(made.into_iter().eq(expected));
        assert_eq!(world.query::<&B>().count(), (count - count.div_ceil(every)) as usize);
    }
}

#[test]
fn later_commands_of_the_same_system_use_what_a_spawn_returns() {
    let mut schedule = Schedule::new();
    schedule.add_system(|mut commands: Commands| {
        let all: Vec<Spawned> = (0..4).map(|n| commands.spawn(A(n))).collect();
        commands.insert(all[1], B(10));
        commands.insert(all[3], (B(30), C(30)));
        commands.remove::<A>(all[3]);
        commands.despawn(all[0]);
    });
    // Handles of two systems do not mix.
    schedule.add_system(|mut commands: Commands| {
        let own = commands.spawn(A(7));
        commands.insert(own, B(70));
    });
    let mut world = World::new();
    for _ in 0..2 {
        let report = schedule.run(&mut world);
        assert_eq!((report.commands.applied, report.commands.skipped), (10, 0));
        let of_a: Vec<_> =
            world.query::<(&A, Option<&B>)>().iter().map(|(a, b)| (a.0, b.map(|b| b.0))).collect();
        assert_eq!(of_a, [(2, None), (1, Some(10)), (7, Some(70))]);
        assert_eq!(world.query_filtered::<&B, With<C>>().iter().next(), Some(&B(30)));
        world.clear().unwrap();
    }
}

/// Holds the ids of others.
#[derive(Component, Debug, PartialEq)]
#[component(crate = ecs_core, name = "commands::Links", transient)]
struct Links(Vec<EntityId>);

#[test]
fn what_is_inserted_may_hold_the_ids_of_entities_that_are_made_with_it() {
    for threads in [Threads::None, pool(1), pool(8)] {
        let mut world = World::new();
        let first = world.spawn(B(0));
        world.spawn_batch((1..20_000).map(B));
        let mut schedule = Schedule::new();
        schedule.add_system(move |mut rows: Query<(EntityId, &B)>, mut commands: Commands| {
            let one = commands.spawn(A(u64::MAX));
            commands.insert_with(one, [first], |[first]| Links(vec![first, first]));
            rows.par_for_each_with(&mut commands, |commands, (entity, b)| {
                let [one, two] = [0, 1].map(|n| commands.spawn(A(2 * b.0 + n)));
                commands.insert_with(entity, [one, two], |ids| (C(2), Links(ids.into())));
                let others = [Target::from(two), Target::from(entity)];
                commands.insert_with(one, others, |ids| Links(ids.into()));
            });
        });
        schedule.set_threads(threads);
        let report = schedule.run(&mut world);
        assert_eq!((report.commands.applied, report.commands.skipped), (80_002, 0));
        let number = |id: &EntityId| world.get::<A>(*id).unwrap().0;
        for (entity, b, links) in world.query::<(EntityId, &B, &Links)>().iter() {
            assert_eq!(links.0.iter().map(number).collect::<Vec<_>>(), [2 * b.0, 2 * b.0 + 1]);
            assert_eq!(world.get::<Links>(links.0[0]), Some(&Links(vec![links.0[1], entity])));
        }
        let links = world.query_filtered::<(&A, &Links), ecs_storage_api::Without<B>>();
        let of_one = links.iter().find(|(a, _)| a.0 == u64::MAX).unwrap();
        assert_eq!(of_one.1, &Links(vec![first, first]));
    }
}

#[test]
fn a_command_with_ids_is_about_its_target_alone() {
    let (mut world, mut schedule) = (World::new(), Schedule::new());
    let [dead, living] = [1, 2].map(|n| world.spawn(A(n)));
    world.despawn(dead).unwrap();
    schedule.add_system(move |mut commands: Commands| {
        commands.insert_with(dead, [living], |_| B(1));
        commands.insert_with(living, [dead], |ids| Links(ids.into()));
        let new = commands.spawn(A(3));
        commands.add_with([new], |[new], _, resources| _ = resources.insert(new));
    });
    let report = schedule.run(&mut world);
    assert_eq!((report.commands.applied, report.commands.skipped), (3, 1));
    assert_eq!(world.get::<Links>(living), Some(&Links(vec![dead])));
    let new = *world.resource::<EntityId>().unwrap();
    assert_eq!(world.get::<A>(new), Some(&A(3)));
}

#[test]
#[should_panic(expected = "in another buffer of commands")]
fn an_id_that_another_buffer_gives_is_refused_when_it_is_asked_for() {
    let [mut one, mut two] = [CommandQueue::new(), CommandQueue::new()];
    let new = Commands::new(&mut one).spawn(A(1));
    let mut commands = Commands::new(&mut two);
    let own = commands.spawn(A(2));
    commands.insert_with(own, [new], |ids| Links(ids.into()));
}

#[test]
fn an_id_that_a_spawn_got_does_not_depend_on_who_came_first() {
    let ids = |threads: Threads| {
        let mut schedule = Schedule::new();
        for n in 0..6u64 {
            schedule.add_system(move |mut commands: Commands| {
                (0..(n * 5) % 7).for_each(|_| work());
                commands.spawn(A(n));
                commands.spawn_batch((0..n).map(move |m| A(100 * n + m)));
            });
        }
        schedule.set_threads(threads);
        let mut world = World::new();
        run_times(3, &mut schedule, &mut world);
        world.query::<(EntityId, &A)>().iter().map(|(id, a)| (id, a.0)).collect::<Vec<_>>()
    };
    let alone = ids(Threads::None);
    assert_eq!(ids(pool(3)), alone);
}

#[test]
fn batches_are_applied_among_the_other_commands_in_order() {
    let mut world = World::new();
    let old = world.spawn_batch((0..6).map(A));
    let mut schedule = Schedule::new();
    schedule.add_system(move |mut runs: Local<u8>, mut commands: Commands| {
        *runs += 1;
        if *runs > 1 {
            return;
        }
        commands.insert_batch(old.clone(), (0..6).map(|n| (B(n), C(n))));
        commands.remove_batch::<(A, C)>(old[..3].to_vec());
        commands.insert(old[0], A(50));
        commands.despawn_batch(old[4..].to_vec());
        commands.spawn_batch((60..63).map(A));
    });
    let report = schedule.run(&mut world);
    assert_eq!((report.commands.applied, report.commands.skipped), (6 + 3 + 1 + 2 + 3, 0));
    let mut of_a = values(&world);
    of_a.sort_unstable();
    assert_eq!(of_a, [3, 50, 60, 61, 62]);
    assert_eq!(world.query::<&B>().count(), 4);
    assert_eq!(world.query::<&C>().iter().map(|c| c.0).collect::<Vec<_>>(), [3]);
}

#[test]
fn batches_with_dead_or_repeated_entities_are_taken_one_by_one_and_counted() {
    let mut world = World::new();
    let e = world.spawn_batch((0..5).map(A));
    world.despawn(e[1]).unwrap();
    let mut schedule = Schedule::new();
    let all = e.clone();
    schedule.add_system(move |mut commands: Commands| {
        // The n-th bundle is the n-th entity's, the dead one's is dropped.
        commands.insert_batch(all.clone(), (0..5).map(B));
        // The last of a repeated entity holds.
        commands.insert_batch(vec![all[0], all[2], all[0]], (10..13).map(C));
        commands.remove_batch::<A>(vec![all[3], all[1], all[3]]);
        commands.despawn_batch(vec![all[4], all[4], all[1]]);
    });
    let report = schedule.run(&mut world);
    assert_eq!((report.commands.applied, report.commands.skipped), (4 + 3 + 2 + 1, 1 + 1 + 2));
    let b = |n: usize| world.get::<B>(e[n]).map(|b| b.0);
    assert_eq!([b(0), b(2), b(3)], [Some(0), Some(2), Some(3)]);
    let c = |n: usize| world.get::<C>(e[n]).map(|c| c.0);
    assert_eq!([c(0), c(2)], [Some(12), Some(11)]);
    assert_eq!((world.get::<A>(e[3]), world.contains(e[4])), (None, false));
}

#[test]
fn a_batch_with_too_few_bundles_is_an_error_with_and_without_dead_entities() {
    for dead in [false, true] {
        let mut world = World::new();
        let e = world.spawn_batch((0..3).map(A));
        if dead {
            world.despawn(e[0]).unwrap();
        }
        let mut schedule = Schedule::new();
        schedule.add_system(move |mut commands: Commands| {
            commands.insert_batch(e.clone(), (0..2).map(B));
        });
        let error = schedule.try_run(&mut world).unwrap_err();
        assert!(error.to_string().contains("2 bundles for 3 entities"), "{dead}: {error}");
    }
}

#[test]
fn commands_about_the_dead_are_counted_for_each_system() {
    fn first(rows: Query<EntityId, With<A>>, mut commands: Commands) {
        rows.iter().for_each(|entity| commands.despawn(entity));
    }
    fn second(rows: Query<EntityId, With<A>>, mut commands: Commands) {
        for entity in rows.iter() {
            commands.insert(entity, B(0));
            commands.remove::<B>(entity);
        }
        commands.spawn(C(0));
    }
    let mut world = World::new();
    world.spawn_batch((0..3).map(A));
    let mut schedule = Schedule::new();
    schedule.add_system(first).add_system(second);
    let report = schedule.run(&mut world);
    assert_eq!((report.commands.applied, report.commands.skipped), (4, 6));
    let stats: Vec<_> = schedule.stats().map(|(_, stats)| stats.commands).collect();
    assert_eq!((stats[0].applied, stats[0].skipped), (3, 0));
    assert_eq!((stats[1].applied, stats[1].skipped), (1, 6));
    schedule.run(&mut world);
    assert_eq!(schedule.stats().map(|(_, s)| s.commands.applied).collect::<Vec<_>>(), [3, 2]);
    assert_eq!(schedule.stats().map(|(_, s)| s.rows).collect::<Vec<_>>(), [3, 3]);
}

#[test]
fn a_strict_schedule_names_system_command_and_entity() {
    fn end(rows: Query<EntityId>, mut commands: Commands) {
        rows.iter().for_each(|entity| commands.despawn(entity));
    }
    fn too_late(rows: Query<EntityId>, mut commands: Commands) {
        commands.spawn(B(0));
        rows.iter().for_each(|entity| commands.insert(entity, C(0)));
    }
    let mut world = World::new();
    let entity = world.spawn(A(0));
    let mut schedule = Schedule::new();
    schedule.add_system(end).add_system(too_late).set_strict_commands(true);
    let error = schedule.try_run(&mut world).unwrap_err();
    let RunError::DeadEntity { system, command: 1, entity: dead } = &error else {
        panic!("{error}")
    };
    assert!(system.ends_with("too_late") && *dead == entity, "{error}");
    assert_eq!(world.tick(), 0);
    // What came before it has happened.
    assert_eq!((world.contains(entity), world.query::<&B>().count()), (false, 1));
}

#[test]
fn a_strict_schedule_refuses_the_dead_and_the_repeated_in_batches_too() {
    for batch in 0..3 {
        let mut world = World::new();
        let e = world.spawn_batch((0..2).map(A));
        world.despawn(e[1]).unwrap();
        let mut schedule = Schedule::new();
        let all = e.clone();
        schedule.set_strict_commands(true).add_system(move |mut commands: Commands| match batch {
            0 => commands.insert_batch(all.clone(), (0..2).map(B)),
            1 => commands.remove_batch::<A>(all.clone()),
            _ => commands.despawn_batch(vec![all[0], all[0]]),
        });
        let error = schedule.try_run(&mut world).unwrap_err();
        let RunError::DeadEntity { command: 0, entity, .. } = &error else { panic!("{error}") };
        assert_eq!(*entity, if batch == 2 { e[0] } else { e[1] });
    }
}

#[test]
fn commands_change_resources_and_anything_else_in_their_order() {
    let mut world = World::new();
    let mut schedule = Schedule::new();
    schedule.add_system(|mut commands: Commands| {
        commands.insert_resource(Total(1));
        commands.add(|storage, resources| {
            let mut total = resources.get_mut::<Total>().unwrap();
            total.0 = total.0 * 10 + storage.entity_count() as u64;
        });
        commands.spawn(A(0));
        commands.add(|storage, resources| {
            let mut total = resources.get_mut::<Total>().unwrap();
            total.0 = total.0 * 10 + storage.entity_count() as u64;
        });
    });
    schedule.run(&mut world);
    assert_eq!(world.resource::<Total>().unwrap().0, 101);
}

#[test]
fn a_command_that_panics_is_its_system_s_failure_and_later_ones_are_forgotten() {
    fn breaks(mut commands: Commands) {
        commands.spawn(A(1));
        commands.add(|_, _| panic!("broken"));
        commands.spawn(A(2));
    }
    fn later(mut commands: Commands) {
        commands.spawn(A(3));
    }
    let mut world = World::new();
    let mut schedule = Schedule::new();
    schedule.add_system(breaks).add_system(later);
    let error = schedule.try_run(&mut world).unwrap_err().to_string();
    assert!(error.ends_with("breaks` panicked: broken"), "{error}");
    assert_eq!(values(&world), [1]);
    schedule.remove_all(ecs_world::Label::of(breaks));
    schedule.run(&mut world);
    assert_eq!(values(&world), [1, 3]);
}

#[test]
fn a_handle_of_another_call_stands_for_nothing_wherever_calls_are_made() {
    for threads in [Threads::None, pool(1), pool(4)] {
        let mut world = World::new();
        world.spawn_batch((0..100).map(A));
        let kept = Arc::new(Mutex::new(None));
        let mut schedule = Schedule::new();
        schedule.set_threads(threads);
        schedule.add_system(move |mut rows: Query<&A>, mut commands: Commands| {
            rows.par_for_each_with(&mut commands, |commands, _| {
                let new = commands.spawn(B(0));
                // Its own is of use.
                commands.insert(new, C(0));
                let old = kept.lock().unwrap().replace(new);
                if let Some(old) = old {
                    commands.insert(old, C(1));
                }
            });
        });
        let error = schedule.try_run(&mut world).unwrap_err().to_string();
        assert!(error.contains("stands for nothing in another buffer"), "{error}");
    }
}
