//! Worlds that run in memory, and whose ticks are kept.

mod common;

use bytemuck::{Pod, Zeroable};
use ecs_archetype::ArchetypeStorage;
use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_postgres::PostgresStorage;
use ecs_storage_api::remote::Archive;
use ecs_storage_api::{AsyncStorage, Query, RemoteError, UpdateBatch};
use ecs_world::{Commands, Durable, DurableError, DurableOptions, Origin, ResMut, Schedule, World};
use pollster::block_on;
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[component(crate = ecs_core, name = "durable::Place", pod)]
#[repr(C)]
struct Place {
    x: f32,
    y: f32,
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "durable::Name")]
struct Name(String);

#[derive(Debug, Default, Serialize, Deserialize)]
struct Score(u64);

fn empty() -> World<ArchetypeStorage> {
    let mut world = World::new();
    world.save_resource::<Score>("score");
    world
}

fn filled() -> World<ArchetypeStorage> {
    let mut world = empty();
    world.insert_resource(Score(0));
    world.spawn_batch((0..3000).map(|n| Place { x: n as f32, y: 0.0 }));
    world
}

/// Moves some, names some, ends some, makes some.
fn schedule() -> Schedule {
    fn move_some(mut all: Query<(EntityId, &mut Place)>, mut score: ResMut<Score>) {
        score.0 += 1;
        let turn = score.0;
        all.for_each(|(id, place)| {
            if u64::from(id.index()) % 7 == turn % 7 {
                place.x += 0.5;
            }
        });
    }
    fn change_some(mut all: Query<(EntityId, Option<&Name>)>, mut commands: Commands) {
        all.for_each(|(id, name)| match id.index() % 97 {
            1 if name.is_none() => {
                commands.insert(id, Name(format!("number {id}")));
            }
            2 if id.generation() < 3 => {
                commands.despawn(id);
                commands.spawn(Place { x: 0.0, y: 1.0 });
            }
            3 if name.is_some() => {
                commands.remove::<Name>(id);
            }
            _ => {}
        });
    }
    let mut schedule = Schedule::new();
    schedule.add_system(move_some).add_system(change_some);
    schedule
}

fn open(store: PostgresStorage, every: u64) -> Durable<ArchetypeStorage> {
    DurableOptions::new().every(every).open(filled(), store).unwrap()
}

#[test]
fn a_world_opened_again_is_that_of_its_last_commit() {
    let options = common::options();
    let mut durable = open(options.clone().connect().unwrap(), 3);
    assert_eq!(durable.origin(), Origin::World);
    let mut systems = schedule();
    let mut hashes = Vec::new();
    for _ in 0..11 {
        systems.run(durable.world_mut());
        durable.commit_if_due().unwrap();
        hashes.push(durable.world().state_hash().unwrap());
    }
    let (tick, _) = durable.wait().unwrap().unwrap();
    assert_eq!(tick, 9);
    drop(durable);

    let mut again = Durable::open(empty(), options.clone().connect().unwrap()).unwrap();
    assert_eq!((again.origin(), again.world().tick()), (Origin::Commit, 9));
    assert_eq!(again.world().state_hash().unwrap(), hashes[8]);
    // And it goes on as the other did.
    let mut systems = schedule();
    for hash in &hashes[9..] {
        systems.run(again.world_mut());
        again.commit().unwrap();
        assert_eq!(again.world().state_hash().unwrap(), *hash);
    }
    let world = again.close().unwrap();
    let last = Durable::open(empty(), options.connect().unwrap()).unwrap();
    assert_eq!(last.world().state_hash().unwrap(), world.state_hash().unwrap());
    assert_eq!(last.world().resource::<Score>().unwrap().0, 11);
}

#[test]
fn a_world_that_skips_holds_the_newest_state_when_it_is_closed() {
    let options = common::options();
    let store = options.clone().connect().unwrap();
    let mut durable = DurableOptions::new().skipping().open(filled(), store).unwrap();
    let mut systems = schedule();
    for _ in 0..200 {
        systems.run(durable.world_mut());
        durable.commit_if_due().unwrap();
    }
    let (tick, version) = durable.wait().unwrap().unwrap();
    assert!(tick <= 200 && version.get() <= tick);
    let world = durable.close().unwrap();
    let again = Durable::open(empty(), options.connect().unwrap()).unwrap();
    assert_eq!(again.world().tick(), 200);
    assert_eq!(again.world().state_hash().unwrap(), world.state_hash().unwrap());
}

#[test]
fn rows_that_others_change_are_a_conflict_and_are_there_afterwards() {
    let options = common::options();
    let mut durable = open(options.clone().connect().unwrap(), 1);
    durable.commit().unwrap();
    durable.wait().unwrap();

    let other = options.clone().connect().unwrap();
    let batch = UpdateBatch::new().spawn(Name("other".to_owned()));
    let made = block_on(other.apply_updates_async(&batch, None)).unwrap().created[0];
    schedule().run(durable.world_mut());
    durable.commit().unwrap();
    let error = durable.wait().unwrap_err();
    let conflict = matches!(&error, DurableError::Remote(RemoteError::Conflict { .. }));
    assert!(conflict && !error.is_retryable(), "{error}");
    drop(durable);

    let again = Durable::open(empty(), options.connect().unwrap()).unwrap();
    assert_eq!((again.origin(), again.world().tick()), (Origin::ChangedCommit, 0));
    assert_eq!(again.world().get::<Name>(made), Some(&Name("other".to_owned())));
    assert_eq!(again.world().len(), 3001);
}

#[test]
fn rows_without_a_commit_are_taken_up() {
    let options = common::options();
    let store = options.clone().connect().unwrap();
    let batch = UpdateBatch::new().spawn(Name("first".to_owned()));
    block_on(store.apply_updates_async(&batch, None)).unwrap();
    let durable = Durable::open(filled(), store).unwrap();
    assert_eq!((durable.origin(), durable.world().len()), (Origin::Rows, 1));
    durable.close().unwrap();
    let committed = block_on(options.connect().unwrap().committed_async()).unwrap();
    assert!(committed.head.is_some() && !committed.is_changed);
}

#[test]
fn ids_that_others_reserve_are_not_overwritten() {
    let options = common::options();
    let mut durable = open(options.clone().connect().unwrap(), 1);
    durable.commit().unwrap();
    durable.wait().unwrap();
    let other = options.clone().connect().unwrap();
    let reserved = block_on(other.reserve_ids_async(3)).unwrap();
    durable.world_mut().spawn(Name("mine".to_owned()));
    durable.commit().unwrap();
    let error = durable.wait().unwrap_err();
    assert!(error.to_string().contains("reserved"), "{error}");
    drop(durable);
    // The store is as it was, and a world that is opened anew knows of them.
    let mut again = Durable::open(empty(), options.connect().unwrap()).unwrap();
    let made = again.world_mut().spawn(Name("mine".to_owned()));
    assert!(!reserved.contains(&made));
    again.close().unwrap();
    block_on(other.image_async()).unwrap();
}

#[test]
fn a_used_archive_takes_no_world_that_would_name_its_entities_again() {
    let options = common::options();
    let store = options.clone().connect().unwrap();
    let made = block_on(store.create_entity_async()).unwrap();
    block_on(store.destroy_entity_async(made)).unwrap();
    let refused = Durable::open(filled(), options.clone().connect().unwrap());
    assert!(matches!(refused, Err(DurableError::Used)));
    let mut durable = Durable::open(empty(), options.connect().unwrap()).unwrap();
    assert_eq!(durable.origin(), Origin::Rows);
    assert_ne!(durable.world_mut().spawn(Name("next".to_owned())), made);
}
