//! The client is killed while it sends batches.

use std::io::{BufRead, BufReader, Write};
use std::process::{Command, Stdio};
use std::sync::mpsc;
use std::thread;
use std::time::Duration;

use ecs_postgres::PostgresOptions;
use ecs_storage_api::AsyncStorage;
use pollster::block_on;

use crate::model::{Dice, Model, State};
use crate::{rounds, servers};

const URL: &str = "ECS_FAULT_CLIENT_URL";
const SEED: &str = "ECS_FAULT_CLIENT_SEED";

/// What the child does, which is this program again: it is no test by itself.
#[test]
fn client_that_is_killed() {
    let (Ok(url), Ok(seed)) = (std::env::var(URL), std::env::var(SEED)) else { return };
    let store = PostgresOptions::new(url).schema("world").connect().unwrap();
    let mut model = Model::of(&store, seed.parse().unwrap());
    loop {
        let batch = model.batch();
        let applied = block_on(store.apply_updates_async(&batch, None)).unwrap();
        model.apply(&batch);
        // The harness would keep what is printed in the usual way.
        let mut out = std::io::stderr().lock();
        writeln!(out, "acknowledged {}", applied.version.get()).unwrap();
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
        let program = servers::unique("killed");
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "clients::client_that_is_killed", "--nocapture"])
            .env(URL, format!("{url}?application_name={program}"))
            .env(SEED, round.to_string())
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let lines = BufReader::new(child.stderr.take().unwrap()).lines();
        let (sender, heard) = mpsc::channel();
        thread::spawn(move || {
            for line in lines.map_while(Result::ok) {
                let version = line.strip_prefix("acknowledged ").and_then(|it| it.parse().ok());
                let _ = version.map(|version: u64| sender.send(version));
            }
        });
        // From before its first batch to some batches on.
        let batches = dice.roll(5) as usize;
        let mut acknowledged: Vec<u64> = heard.iter().take(batches).collect();
        thread::sleep(Duration::from_micros(dice.roll(30_000)));
        child.kill().unwrap();
        child.wait().unwrap();
        servers::await_end(&server, &program);
        acknowledged.extend(heard);
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
