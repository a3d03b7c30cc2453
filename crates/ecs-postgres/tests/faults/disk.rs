//! The disk refuses.

use std::time::{Duration, Instant};

use ecs_core::EntityId;
use ecs_postgres::PostgresStorage;
use ecs_storage_api::{AsyncStorage, UpdateBatch};
use ecs_test_postgres::{Server, ServerError};
use pollster::block_on;

use crate::model::{Dice, Ended, Model, Title, again, attempt};
use crate::{rounds, servers};

const MEGABYTE: u64 = 1 << 20;

/// Whether this test may mount; if it may not, it must hear so in clear words.
fn may_mount<T>(result: Result<T, ServerError>) -> Option<T> {
    match result {
        Ok(value) => Some(value),
        Err(error @ ServerError::NoDisk { .. }) => {
            assert!(error.to_string().contains("CAP_SYS_ADMIN"), "{error}");
            None
        }
        Err(error) => panic!("{error}"),
    }
}

/// Makes a batch that needs room, and ends what the one before made.
fn wide(dice: &mut Dice, before: &[EntityId]) -> UpdateBatch {
    let mut batch = UpdateBatch::new();
    for _ in 0..120 {
        batch = batch.spawn((Title(dice.letters(6000)),));
    }
    before.iter().fold(batch, |batch, entity| batch.destroy(*entity))
}

#[test]
fn a_full_tablespace_refuses_and_takes_later() {
    let server = servers::safe();
    let Some(small) = may_mount(server.small_tablespace(160 * MEGABYTE)) else { return };
    server
        .execute(&format!("create database d template template0 tablespace {}", small.name()))
        .unwrap();
    let url = server.admin_url().replace("/postgres", "/d");
    let store = servers::options(&url, "world", "disk").connect().unwrap();
    let model = Model::new(0);
    let mut dice = Dice::new(6);
    let mut before = Vec::new();
    let (mut refused, mut tried) = (0, 0);
    while refused < rounds() {
        tried += 1;
        assert!(tried < 4 * rounds() + 20, "the disk is never full");
        small.disk().fill().unwrap();
        let batch = wide(&mut dice, &before);
        let ended = attempt(&store, &model, &batch);
        model.assert_same(&store);
        small.disk().make_room().unwrap();
        if ended == Ended::Refused {
            refused += 1;
            again(&store, &model, &batch);
            model.assert_same(&store);
        }
        before = living(&store);
        if tried % 10 == 0 {
            ecs_test_postgres::query(&url, "vacuum full").unwrap();
        }
    }
    println!("{refused} of {tried} refused");
}

#[test]
fn a_server_on_a_full_disk_loses_nothing_that_it_acknowledged() {
    let server = Server::builder().disk(300 * MEGABYTE).fsync(true);
    // Little is kept of the log, so that it asks for room soon.
    let server = server.setting("max_wal_size", "48MB").setting("min_wal_size", "32MB").start();
    let Some(server) = may_mount(server) else { return };
    let disk = server.disk().expect("it has one");
    let url = server.database().unwrap();
    let options = servers::options(&url, "world", "disk").attempts(1);
    let store = options.time_limit(Duration::from_secs(1)).connect().unwrap();
    let model = Model::new(0);
    let mut dice = Dice::new(7);
    let mut before = Vec::new();
    let (mut refused, mut unknown) = (0, 0);
    for _ in 0..rounds().div_ceil(5) {
        disk.fill().unwrap();
        let (ended, batch) = loop {
            let batch = wide(&mut dice, &before);
            match attempt(&store, &model, &batch) {
                Ended::Applied => before = made(&model),
                ended => break (ended, batch),
            }
        };
        disk.make_room().unwrap();
        server.restart().unwrap();
        match ended {
            Ended::Unknown => {
                unknown += 1;
                if crate::model::State::of(&store).unwrap() != model.state() {
                    model.apply(&batch);
                }
            }
            _ => {
                refused += 1;
                model.assert_same(&store);
                again(&store, &model, &batch);
            }
        }
        model.assert_same(&store);
        before = made(&model);
    }
    println!("{refused} refused, {unknown} not known");
}

fn made(model: &Model) -> Vec<EntityId> {
    model.state().entities().collect()
}

fn living(store: &PostgresStorage) -> Vec<EntityId> {
    let (image, _) = block_on(store.image_async()).unwrap();
    image.chunks().iter().flat_map(|chunk| chunk.ids().to_vec()).collect()
}

#[test]
fn a_server_that_stands_still_is_an_error_within_the_time_limit() {
    let server = servers::safe();
    let url = server.database().unwrap();
    let options = servers::options(&url, "world", "still");
    let store = options.time_limit(Duration::from_millis(300)).connect().unwrap();
    // The lock is held by somebody who does nothing.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let hold = "begin; lock table world._store; select pg_sleep(2); commit";
            ecs_test_postgres::query(&url, hold).unwrap();
        });
        std::thread::sleep(Duration::from_millis(300));
        let start = Instant::now();
        let batch = UpdateBatch::new().spawn(());
        let error = block_on(store.apply_updates_async(&batch, None)).unwrap_err();
        assert!(error.is_retryable(), "{error}");
        assert!(start.elapsed() < Duration::from_millis(1200), "{:?}", start.elapsed());
    });
    block_on(store.create_entity_async()).unwrap();
}
