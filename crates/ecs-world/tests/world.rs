//! Worlds: handles, resources, commands, whole states.

use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_local::LocalStorage;
use ecs_storage_api::{Changed, Mut, SnapshotError, Storage, StorageError};
use ecs_world::{CommandQueue, Commands, ParQuery, World, par_map};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "world::Health")]
struct Health(i64);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "world::Poisoned")]
struct Poisoned;

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "world::Level", track)]
struct Level(i64);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Score(u32);

#[test]
fn handles_speak_of_an_entity_that_lives() {
    let mut world = World::new();
    let hero = world.spawn(Health(1));
    let mut handle = world.entity_mut(hero).unwrap();
    handle.insert(Poisoned).unwrap().insert(Health(2)).unwrap();
    assert_eq!(handle.remove::<Poisoned>().unwrap(), Some(Poisoned));
    handle.get_mut::<Health>().unwrap().0 = 3;
    let reader = world.entity(hero).unwrap();
    assert_eq!(
        (reader.get::<Health>(), reader.has::<Poisoned>(), reader.components().len()),
        (Some(&Health(3)), false, 1)
    );
    world.entity_mut(hero).unwrap().despawn().unwrap();
    assert!(matches!(world.entity(hero), Err(StorageError::NoSuchEntity(id)) if id == hero));
    assert!(world.entity_mut(hero).is_err());
}

#[test]
fn every_kind_of_storage_holds_a_world() {
    fn story<S: Storage>(mut world: World<S>) -> u64 {
        let hero = world.spawn((Health(5), Poisoned));
        world.query_mut::<&mut Health>().for_each(|health| health.0 += 1);
        world.remove::<Poisoned>(hero).unwrap();
        world.state_hash().unwrap()
    }
    let boxed: Box<dyn Storage> = Box::new(LocalStorage::new(0));
    let hashes = [
        story(World::new()),
        story(World::with_storage(LocalStorage::new(0))),
        story(World::with_storage(boxed)),
    ];
    assert_eq!(hashes, [hashes[0]; 3]);
}

#[test]
fn resources_are_one_of_a_type() {
    let mut world = World::new();
    assert!(world.insert_resource(Score(1)).is_none());
    assert_eq!(world.insert_resource(Score(2)), Some(Score(1)));
    world.resource_mut::<Score>().unwrap().0 += 1;
    assert_eq!(*world.resource::<Score>().unwrap(), Score(3));
    assert_eq!(world.remove_resource::<Score>(), Some(Score(3)));
    assert!(world.resource::<Score>().is_none());
}

#[test]
fn commands_are_applied_in_order_and_skip_the_dead() {
    let mut world = World::new();
    let (kept, dead) = (world.spawn(Health(1)), world.spawn(Health(2)));
    let mut queue = CommandQueue::new();
    let mut commands = Commands::new(&mut queue);
    let new = commands.spawn(Health(10));
    commands.insert(new, Poisoned);
    commands.despawn(dead);
    commands.insert(dead, Poisoned);
    commands.despawn(dead);
    commands.spawn_batch((0..3).map(Health));
    commands.insert_resource(Score(9));
    let mut later = CommandQueue::new();
    let other = Commands::new(&mut later).spawn(Health(20));
    Commands::new(&mut later).insert(other, Health(21));
    let mut commands = Commands::new(&mut queue);
    commands.append(later);
    commands.remove::<Health>(kept);
    let report = world.apply_commands(queue).unwrap();
    assert_eq!((report.applied, report.skipped), (10, 2));
    let mut healths: Vec<_> = world.query::<&Health>().iter().map(|health| health.0).collect();
    healths.sort();
    assert_eq!(healths, [0, 1, 2, 10, 21]);
    assert_eq!(world.query::<(&Health, &Poisoned)>().single().unwrap().0, &Health(10));
    assert_eq!(*world.resource::<Score>().unwrap(), Score(9));
}

#[test]
fn parallel_iteration_gives_what_serial_iteration_gives() {
    let mut results = Vec::new();
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // All of it there: ThreadSanitizer does not know how `install` hands over.
        results.push(pool.install(|| {
            let mut world = World::new();
            world.spawn_batch((0..50_000).map(|n| (Health(n), Poisoned)));
            world.spawn_batch((0..10).map(Health));
            world.query_mut::<&mut Health>().par_for_each(|health| health.0 += 1);
            // Floating point, whose sum depends on the order of its terms.
            let sum = world.query_mut::<&Health>().par_fold(
                || 0.0f64,
                |sum, h| sum + 1.0 / h.0 as f64,
                |a, b| a + b,
            );
            let mut queue = CommandQueue::new();
            world.query_mut::<(EntityId, &Health)>().par_for_each_with(
                &mut Commands::new(&mut queue),
                |commands, (id, health)| {
                    if health.0 % 1000 == 0 {
                        commands.spawn(Health(-health.0));
                        commands.despawn(id);
                    }
                },
            );
            let made = queue.len();
            world.query_mut::<&mut Health>().par_for_each(|health| health.0 -= 1);
            let total: i64 = world.query::<&Health>().iter().map(|health| health.0).sum();
            (sum.to_bits(), made, total)
        }));
    }
    assert_eq!(results, vec![results[0]; 4]);
}

#[test]
fn scattered_runs_of_changed_rows_are_shared_and_stay_in_order() {
    let scattered = |n: i64| n % 3 == 0 || n % 1024 < 40;
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // All of it there: ThreadSanitizer does not know how `install` hands over.
        pool.install(|| {
            for rows in [0, 1, 100, 20_000, 90_000] {
                let mut world = World::new();
                world.spawn_batch((0..rows).map(Level));
                // Everything is new once.
                world.query_filtered_mut::<&mut Level, Changed<Level>>().count();
                world.query_filtered_mut::<&Level, Changed<Level>>().count();
                for mut level in &mut world.query_mut::<Mut<Level>>() {
                    if scattered(level.0) {
                        level.0 += 1_000_000;
                    }
                }
                let expected: Vec<_> =
                    (0..rows).filter(|n| scattered(*n)).map(|n| n + 1_000_000).collect();
                let mut query = world.query_filtered_mut::<&Level, Changed<Level>>();
                assert!(rows < 1_000 || query.chunks().count() > expected.len() / 2);
                let chunks = query.par_map_chunks_of(100, |chunk| {
                    let mut levels = Vec::new();
                    chunk.for_each(|level| levels.push(level.0));
                    levels
                });
                assert!(chunks.iter().all(|levels| (1..=100).contains(&levels.len())));
                assert_eq!(chunks.concat(), expected);
                let sum = query.par_fold(|| 0, |sum, level| sum + level.0, |a, b| a + b);
                assert_eq!(sum, expected.iter().sum());
                let mut queue = CommandQueue::new();
                query.par_for_each_with(&mut Commands::new(&mut queue), |commands, level| {
                    commands.spawn(Health(level.0));
                });
                let mut changed = world.query_filtered_mut::<&mut Level, Changed<Level>>();
                changed.par_for_each(|level| level.0 -= 1_000_000);
                assert!(world.query::<&Level>().iter().map(|level| level.0).eq(0..rows));
                world.apply_commands(queue).unwrap();
                let made = world.query::<&Health>();
                assert!(made.iter().map(|health| health.0).eq(expected));
            }
        });
    }
}

#[test]
fn items_are_shared_and_come_back_in_their_order() {
    for threads in [1, 2, 3, 8] {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().unwrap();
        // All of it there: ThreadSanitizer does not know how `install` hands over.
        pool.install(|| {
            for (count, share) in [(0, 1), (1, 1), (7, 1), (1000, 3), (1000, 2000)] {
                let mut items: Vec<_> = (0..count).collect();
                let before = par_map(&mut items, share, |item| {
                    *item += 1;
                    *item - 1
                });
                assert_eq!(before, (0..count).collect::<Vec<_>>());
                assert_eq!(items, (1..=count).collect::<Vec<_>>());
            }
        });
    }
}

#[test]
#[should_panic(expected = "a thread takes at least one item at a time")]
fn a_share_of_no_items_is_refused() {
    par_map([1, 2], 0, |item| item);
}

#[test]
fn a_closure_that_panics_in_parallel_leaves_no_commands() {
    let mut world = World::new();
    world.spawn_batch((0..30_000).map(Health));
    let mut queue = CommandQueue::new();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
        let mut query = world.query_mut::<(EntityId, &Health)>();
        query.par_for_each_with(&mut Commands::new(&mut queue), |commands, (id, health)| {
            assert!(health.0 != 20_000, "one of them panics");
            commands.despawn(id);
        });
    }));
    assert!(outcome.is_err());
    assert!(queue.is_empty());
    assert_eq!(world.len(), 30_000);
}

#[test]
fn restoring_brings_back_tick_and_saved_resources_and_nothing_else() {
    let mut world = World::new();
    world.save_resource::<Score>("world::Score");
    world.insert_resource(Score(7));
    world.insert_resource("not saved");
    let hero = world.spawn(Health(1));
    let (saved, hash) = (world.snapshot().unwrap(), world.state_hash().unwrap());
    world.resource_mut::<Score>().unwrap().0 = 8;
    assert_ne!(world.state_hash().unwrap(), hash);
    world.despawn(hero).unwrap();
    world.insert_resource("changed");
    world.restore(&saved).unwrap();
    assert_eq!(world.state_hash().unwrap(), hash);
    assert_eq!((*world.resource::<Score>().unwrap()).0, 7);
    assert_eq!(*world.resource::<&str>().unwrap(), "changed");
    // A world that does not know the resource refuses, and keeps what it has.
    let mut other = World::with_storage(LocalStorage::new(0));
    other.spawn(Health(99));
    assert!(
        matches!(other.restore(&saved), Err(SnapshotError::UnknownResource { name }) if name == "world::Score")
    );
    for cut in 0..saved.len() {
        assert!(other.restore(&saved[..cut]).is_err());
    }
    assert_eq!(other.query::<&Health>().single(), Ok(&Health(99)));
    other.save_resource::<Score>("world::Score");
    other.restore(&saved).unwrap();
    assert_eq!(other.state_hash().unwrap(), hash);
}

#[test]
fn an_entity_can_be_inspected_and_a_world_counted() {
    let mut world = World::new();
    let hero = world.spawn((Health(4), Poisoned));
    world.spawn(Health(5));
    let inspection = world.inspect(hero).unwrap();
    assert_eq!(
        inspection.to_string(),
        format!("entity {hero}\n  world::Health: Health(4)\n  world::Poisoned: Poisoned\n")
    );
    let stats = world.stats();
    assert_eq!((stats.entities, stats.archetypes.len()), (2, 2));
    let health = &stats.components[0];
    assert_eq!((health.name, health.rows, health.bytes), ("world::Health", 2, 16));
    assert!(world.inspect(EntityId::new(0, 99, 0).unwrap()).is_none());
}
