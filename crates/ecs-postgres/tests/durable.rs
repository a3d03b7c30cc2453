//! Worlds that run in memory, and whose ticks are kept.

mod common;

use std::sync::Arc;
use std::time::Duration;

use ecs_archetype::ArchetypeStorage;
use ecs_postgres::PostgresStorage;
use ecs_storage_api::remote::Archive;
use ecs_storage_api::{AsyncStorage, RemoteError, RemoteQuery, UpdateBatch};
use ecs_world::{Durable, DurableError, DurableOptions, Origin};
use futures_util::StreamExt;
use pollster::block_on;

use common::world::{Name, Place, Score, empty, filled, schedule};

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
fn a_world_that_is_put_in_the_place_of_another_is_committed_as_it_is() {
    let options = common::options();
    let mut durable = open(options.clone().connect().unwrap(), 1);
    let mut systems = schedule();
    for n in 0..6 {
        systems.run(durable.world_mut());
        if n % 2 == 1 {
            // Another store, which has seen other ticks and knows nothing of the commits.
            let mut other = filled();
            for _ in 0..n {
                schedule().run(&mut other);
            }
            other.spawn(Name(format!("other {n}")));
            *durable.world_mut() = other;
        }
        common::world::commit_and_wait(&mut durable).unwrap();
        let kept = Durable::open(empty(), options.clone().connect().unwrap()).unwrap();
        assert_eq!(kept.world().state_hash().unwrap(), durable.world().state_hash().unwrap());
    }
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
    let error = common::world::commit_and_wait(&mut durable).unwrap_err();
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
fn a_tick_to_which_a_world_comes_again_is_committed_again() {
    let options = common::options();
    let mut durable = open(options.clone().connect().unwrap(), 1);
    let mut systems = schedule();
    let start = durable.world().cut().unwrap();
    systems.run(durable.world_mut());
    durable.commit_if_due().unwrap();
    durable.world_mut().restore_cut(&start).unwrap();
    durable.world_mut().spawn(Name("of another future".to_owned()));
    systems.run(durable.world_mut());
    durable.commit_if_due().unwrap();
    let (tick, _) = durable.wait().unwrap().unwrap();
    assert_eq!(tick, durable.world().tick());
    let hash = durable.world().state_hash().unwrap();
    drop(durable);
    let again = Durable::open(empty(), options.connect().unwrap()).unwrap();
    assert_eq!(again.world().state_hash().unwrap(), hash);
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
    let error = common::world::commit_and_wait(&mut durable).unwrap_err();
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
fn ids_that_others_gave_back_in_another_order_are_not_given_twice() {
    let options = common::options();
    let mut durable = open(options.clone().connect().unwrap(), 1);
    common::world::end_two(&mut durable);
    let other = options.clone().connect().unwrap();
    // As many are free as before, and reserved.
    let ids = block_on(other.reserve_ids_async(2)).unwrap();
    block_on(other.release_ids_async(&ids)).unwrap();
    durable.world_mut().spawn(Name("mine".to_owned()));
    let error = common::world::commit_and_wait(&mut durable).unwrap_err();
    assert!(error.to_string().contains("reserved"), "{error}");
    drop(durable);
    block_on(other.image_async()).unwrap();
    let mut again = Durable::open(empty(), options.connect().unwrap()).unwrap();
    assert_eq!(again.world_mut().spawn(Name("mine".to_owned())), ids[1]);
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

/// Plans are kept by a connection; one that was made for a few rows must not be followed for
/// many, where it would compare each with each.
#[test]
fn what_was_small_when_it_was_first_written_may_grow() {
    for rows_every in [1, u64::MAX] {
        let schema = common::schema();
        let options = common::options().schema(&schema).pool_size(1);
        let store = Arc::new(options.time_limit(Duration::from_secs(10)).connect().unwrap());
        let mut world = empty();
        world.insert_resource(Score(0));
        world.spawn_batch((0..3).map(|n| Place { x: n as f32, y: 0.0 }));
        let mut durable =
            DurableOptions::new().rows_every(rows_every).open(world, Arc::clone(&store)).unwrap();
        let commit = |durable: &mut Durable<ArchetypeStorage>| {
            durable.commit().unwrap();
            durable.fold().unwrap();
            durable.wait().unwrap();
        };
        let touch = |durable: &mut Durable<ArchetypeStorage>| {
            durable.world_mut().query_mut::<&mut Place>().for_each(|place| place.x += 1.0);
            commit(durable);
        };
        let places = RemoteQuery::new().read::<Place>().read_optional::<Name>();
        let count = || {
            let pages = block_on(store.query_erased_async(places.clone()).collect::<Vec<_>>());
            pages.into_iter().map(|page| page.unwrap().len()).sum::<usize>()
        };
        commit(&mut durable);
        common::server().execute("analyze").unwrap();
        for _ in 0..8 {
            touch(&mut durable);
            let entity = durable.world_mut().spawn(Place { x: 0.0, y: 0.0 });
            commit(&mut durable);
            durable.world_mut().despawn(entity).unwrap();
            commit(&mut durable);
            assert_eq!(count(), 3);
        }
        let many = durable.world_mut().spawn_batch((0..50_000).map(|_| Place { x: 0.0, y: 0.0 }));
        commit(&mut durable);
        touch(&mut durable);
        assert_eq!(count(), 50_003);
        durable.world_mut().despawn_batch(&many).unwrap();
        commit(&mut durable);
        assert_eq!(count(), 3);
    }
}
