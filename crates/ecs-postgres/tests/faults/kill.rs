//! The server is killed while batches come.

use std::thread;
use std::time::Duration;

use ecs_test_postgres::Server;

use crate::model::{Ended, Model, State, again, attempt};
use crate::{rounds, servers};

#[test]
fn a_killed_server_has_all_that_it_acknowledged() {
    // To wait for every file of the server at each start would take most of the time.
    let server = Server::builder().fsync(true).setting("recovery_init_sync_method", "syncfs");
    let server = server.start().expect("PostgreSQL is installed");
    let url = server.database().unwrap();
    let patient = servers::options(&url, "world", "patient").attempts(1).connect().unwrap();
    let many = servers::options(&url, "world", "many").connect().unwrap();
    // Gives up before the server is back.
    let hasty = servers::options(&url, "world", "hasty");
    let hasty = hasty.attempts(1).time_limit(Duration::from_millis(400)).connect().unwrap();
    let mut model = Model::new(9);
    let (mut refused, mut unknown, mut acknowledged) = (0, 0, 0);
    for round in 0..rounds() {
        let delay = Duration::from_micros(model.dice.roll(120_000));
        let store = [&patient, &many, &patient, &many, &hasty][round % 5];
        let is_hasty = round % 5 == 4;
        let (ended, batch) = thread::scope(|scope| {
            let killer = scope.spawn(|| {
                thread::sleep(delay);
                server.kill();
                if is_hasty {
                    thread::sleep(Duration::from_millis(900));
                }
                server.restart().expect("it recovers");
            });
            let mut last = loop {
                let batch = model.batch();
                let ended = attempt(store, &model, &batch);
                acknowledged += usize::from(ended == Ended::Applied);
                if ended != Ended::Applied || killer.is_finished() {
                    break (ended, batch);
                }
            };
            killer.join().unwrap();
            if last.0 == Ended::Unknown {
                let is_applied = State::of(&patient).unwrap() != model.state();
                if is_applied {
                    model.apply(&last.1);
                }
                last.0 = Ended::Applied;
                unknown += 1;
                assert!(is_hasty, "the server was back in time");
            }
            last
        });
        model.assert_same(store);
        if ended == Ended::Refused {
            refused += 1;
            again(store, &model, &batch);
            model.assert_same(&patient);
        }
    }
    println!("{acknowledged} acknowledged, {refused} refused, {unknown} not known");
    assert!(refused != 0);
}
