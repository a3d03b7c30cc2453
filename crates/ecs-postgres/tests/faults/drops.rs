//! Futures and streams are dropped half-way.

use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::thread;
use std::time::Duration;

use ecs_storage_api::{AsyncStorage, RemoteQuery, UpdateBatch};
use pollster::block_on;

use crate::model::{Dice, Model, State};
use crate::{rounds, servers};

/// Polls some times, and drops.
fn poll_some<T>(mut future: Pin<Box<dyn Future<Output = T> + Send + '_>>, dice: &mut Dice) -> bool {
    let mut context = Context::from_waker(Waker::noop());
    (0..dice.roll(100)).any(|_| {
        let is_ready = future.as_mut().poll(&mut context).is_ready();
        thread::sleep(Duration::from_micros(dice.roll(400)));
        is_ready
    })
}

#[test]
fn dropped_writes_happen_wholly_or_not_at_all_and_leave_nothing_open() {
    let server = servers::shared();
    let url = server.database().unwrap();
    let program = servers::unique("dropping");
    let store = servers::options(&url, "world", &program).pool_size(2).connect().unwrap();
    let mut model = Model::new(3);
    let (mut happened, mut finished) = (0, 0);
    for _ in 0..4 * rounds() {
        let batch = model.batch();
        let before = model.state();
        let is_ready = poll_some(store.apply_updates_async(&batch, None), &mut model.dice);
        servers::await_rest(&server, &program);
        let now = State::of(&store).unwrap();
        if now != before {
            model.apply(&batch);
            happened += 1;
        }
        finished += usize::from(is_ready);
        assert!(now == model.state());
        assert!(!is_ready || now != before);
    }
    println!("{happened} happened, {finished} of which were waited for");
    assert!(happened > finished || rounds() < 50, "none was dropped at its commit");
}

#[test]
fn dropped_reads_and_reservations_leave_nothing_open() {
    let server = servers::shared();
    let url = server.database().unwrap();
    let program = servers::unique("reading");
    let store = servers::options(&url, "world", &program).pool_size(2).connect().unwrap();
    let mut model = Model::new(4);
    for _ in 0..3 {
        let batch = model.batch();
        block_on(store.apply_updates_async(&batch, None)).unwrap();
        model.apply(&batch);
    }
    let image = block_on(store.image_async()).unwrap().0;
    let mut dice = Dice::new(8);
    for round in 0..4 * rounds() {
        match round % 5 {
            0 => drop(poll_some(store.image_async(), &mut dice)),
            1 => drop(poll_some(store.reserve_ids_async(3), &mut dice)),
            2 => drop(poll_some(store.allocator_state_async(), &mut dice)),
            3 => {
                let mut pages = store.query_erased_async(RemoteQuery::new().all().page_size(10));
                let mut context = Context::from_waker(Waker::noop());
                for _ in 0..dice.roll(40) {
                    if matches!(pages.as_mut().poll_next(&mut context), Poll::Ready(None)) {
                        break;
                    }
                    thread::sleep(Duration::from_micros(dice.roll(400)));
                }
            }
            _ => drop(poll_some(store.load_async(&image, None), &mut dice)),
        }
        servers::await_rest(&server, &program);
    }
    block_on(store.load_async(&image, None)).unwrap();
    model.assert_same(&store);
}

#[test]
fn who_waits_for_a_lock_and_leaves_does_not_hold_up_the_next() {
    let server = servers::shared();
    let url = server.database().unwrap();
    let program = servers::unique("leaving");
    let options = servers::options(&url, "world", &program).pool_size(1);
    let store = options.time_limit(Duration::from_secs(5)).connect().unwrap();
    for _ in 0..5 {
        thread::scope(|scope| {
            // Somebody else holds the store for a while.
            let holder = scope.spawn(|| {
                ecs_test_postgres::query(
                    &url,
                    "begin; select from world._store for update; select pg_sleep(1); commit",
                )
                .unwrap();
            });
            thread::sleep(Duration::from_millis(200));
            let batch = UpdateBatch::new().spawn(());
            let mut waiting = store.apply_updates_async(&batch, None);
            let mut context = Context::from_waker(Waker::noop());
            for _ in 0..20 {
                assert!(waiting.as_mut().poll(&mut context).is_pending());
                thread::sleep(Duration::from_millis(2));
            }
            drop(waiting);
            let start = std::time::Instant::now();
            block_on(store.version_async()).unwrap();
            assert!(start.elapsed() < Duration::from_millis(500), "{:?}", start.elapsed());
            holder.join().unwrap();
        });
        servers::await_rest(&server, &program);
    }
    assert_eq!(block_on(store.version_async()).unwrap().get(), 0);
}
