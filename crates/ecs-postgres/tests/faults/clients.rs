//! The client is killed while it sends batches.

use std::time::Duration;

use ecs_postgres::PostgresOptions;
use ecs_storage_api::AsyncStorage;
use pollster::block_on;

use crate::child::{self, Worker};
use crate::model::{Dice, Model, State};
use crate::{rounds, servers};

/// What the child does, which is this program again: it is no test by itself.
#[test]
fn client_that_is_killed() {
    let Some((url, seed)) = child::given() else { return };
    let store = PostgresOptions::new(url).schema("world").connect().unwrap();
    let mut model = Model::of(&store, seed);
    loop {
        let batch = model.batch();
        let applied = block_on(store.apply_updates_async(&batch, None)).unwrap();
        model.apply(&batch);
        child::acknowledge(applied.version.get());
    }
}

#[test]
fn a_killed_client_leaves_all_of_a_batch_or_nothing() {
    let server = servers::shared();
    let url = server.database().unwrap();
    let store = servers::options(&url, "world", "watching").connect().unwrap();
    let mut dice = Dice::new(5);
    let (mut all, mut beyond) = (0, 0);
    for round in 0..rounds() {
        let mut model = Model::of(&store, round as u64);
        let mut version = block_on(store.version_async()).unwrap().get();
        let worker = Worker::start("clients::client_that_is_killed", &url, round as u64);
        // From before its first batch to some batches on.
        let batches = dice.roll(5) as usize;
        let delay = Duration::from_micros(dice.roll(30_000));
        let acknowledged = worker.kill_after(batches, delay, &server);
        all += acknowledged.len();
        for heard in acknowledged {
            version += 1;
            assert_eq!(heard, version);
            let batch = model.batch();
            model.apply(&batch);
        }
        let found = block_on(store.version_async()).unwrap().get();
        if found != version {
            assert_eq!(found, version + 1, "only the last batch was under way");
            let batch = model.batch();
            model.apply(&batch);
            beyond += 1;
        }
        assert!(State::of(&store).unwrap() == model.state(), "round {round}");
    }
    println!("{all} acknowledged, {beyond} applied and not heard of");
    assert!(all >= rounds(), "clients got to work before they were killed");
}
