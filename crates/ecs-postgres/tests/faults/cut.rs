//! The connection is cut at any byte, that of the answer to a commit included.

use std::time::Duration;

use ecs_core::EntityId;
use ecs_postgres::PostgresStorage;
use ecs_storage_api::{AsyncStorage, UpdateBatch};
use ecs_test_postgres::Proxy;
use pollster::block_on;

use crate::model::{Dice, Ended, Model, Place, State, again, attempt};
use crate::{rounds, servers};

/// Cuts connections of a store with so many attempts until enough batches were hit.
fn cut(attempts: u32, pool: usize, answers: bool) {
    let server = servers::shared();
    let proxy = Proxy::start(&server).unwrap();
    let direct = server.database().unwrap();
    let url = proxy.url(&direct).unwrap();
    let program = servers::unique("cut");
    let options = servers::options(&url, "world", &program).pool_size(pool).attempts(attempts);
    let store = options.connect().unwrap();
    let watching = servers::options(&direct, "world", "watching").connect().unwrap();
    let mut model = Model::new(u64::from(attempts) + 2 * u64::from(answers));
    let sessions = format!(
        "select pid from pg_stat_activity where application_name = '{program}' order by pid"
    );
    // Comes to hover about what a batch takes, so that commits are hit.
    let mut most = 8192.0;
    let (mut hit, mut refused, mut settled) = (0, 0, 0);
    while hit < rounds() {
        let batch = model.batch();
        let before = server.execute(&sessions).unwrap();
        let bytes = model.dice.roll(most as u64);
        match answers {
            true => proxy.cut_answer_after(bytes),
            false => proxy.cut_after(bytes),
        }
        let ended = attempt(&store, &model, &batch);
        proxy.pass_all();
        let is_hit = ended != Ended::Applied || server.execute(&sessions).unwrap() != before;
        most *= if is_hit { 1.02 } else { 0.9 };
        hit += usize::from(is_hit);
        match ended {
            Ended::Applied => settled += usize::from(is_hit),
            Ended::Refused => refused += 1,
            // New connections are let through, so that it can be found out.
            Ended::Unknown => panic!("the server was there to be asked"),
        }
        model.assert_same(&watching);
        if ended == Ended::Refused {
            notice(&store);
            again(&store, &model, &batch);
        }
    }
    servers::await_rest(&server, &program);
    println!("{hit} cuts: {settled} went well, {refused} were refused");
    assert!(attempts == 1 || refused == 0, "{refused} batches were not begun again");
}

/// Lets a store that tries all things once find out which connections are broken.
fn notice(store: &PostgresStorage) {
    while block_on(store.version_async()).is_err() {}
}

#[test]
fn a_cut_on_the_way_there_is_an_error_that_may_be_tried_again() {
    cut(1, 3, false);
}

#[test]
fn a_cut_on_the_way_back_is_asked_about_by_a_pool_of_one() {
    cut(1, 1, true);
}

#[test]
fn a_cut_is_not_seen_by_who_allows_some_attempts() {
    cut(5, 1, false);
    cut(5, 3, true);
}

/// Cuts at each byte of a commit, or of its answer, and maybe lets nobody ask how it
/// ended; returns how often each end came.
fn cut_commits(pool: usize, answers: bool, refuse: bool) -> [usize; 3] {
    let server = servers::shared();
    let proxy = Proxy::start(&server).unwrap();
    let direct = server.database().unwrap();
    let url = proxy.url(&direct).unwrap();
    let program = servers::unique("commit");
    let options = servers::options(&url, "world", &program).pool_size(pool).attempts(1);
    let limit = Duration::from_millis(if refuse { 400 } else { 20_000 });
    let store = options.time_limit(limit).connect().unwrap();
    let watching = servers::options(&direct, "world", "watching").connect().unwrap();
    let batch = || UpdateBatch::new().spawn((Place { x: 1, y: 2 },));
    let model = Model::new(0);
    // Applies a batch of which so many bytes come through, and says whether there were
    // fewer.
    let strike = |bytes: u64, refuse: bool| {
        notice(&store);
        again(&store, &model, &batch());
        match answers {
            true => proxy.cut_answer_after(bytes),
            false => proxy.cut_after(bytes),
        }
        proxy.refuse(refuse);
        let ended = attempt(&store, &model, &batch());
        let is_limited = proxy.is_limited();
        proxy.refuse(false);
        proxy.pass_all();
        if ended == Ended::Unknown && State::of(&watching).unwrap() != model.state() {
            model.apply(&batch());
        }
        model.assert_same(&watching);
        (ended, is_limited)
    };
    // The least that is not cut is one more than a batch takes.
    let (mut low, mut high) = (0, 1 << 16);
    while low < high {
        let middle = (low + high) / 2;
        match strike(middle, false) {
            (Ended::Applied, true) => high = middle,
            (_, false) => low = middle + 1,
            // A slow machine has not come to so many bytes within the limit of time.
            (_, true) => {}
        }
    }
    // `COMMIT` takes 12 bytes, its answer 18.
    let length = if answers { 18 } else { 12 };
    let mut ends = [0; 3];
    for round in 0..rounds() {
        let (ended, is_limited) = strike(low - 1 - round as u64 % length, refuse);
        assert!(ended != Ended::Applied || !is_limited, "round {round}: it was not cut");
        ends[ended as usize] += 1;
    }
    println!("{} commits cut: {ends:?} applied, refused, not known", rounds());
    ends
}

#[test]
fn a_commit_that_is_cut_on_its_way_is_found_not_to_have_happened() {
    let [applied, refused, unknown] = cut_commits(2, false, false);
    assert_eq!(unknown, 0);
    // Once in twelve rounds it arrives whole, and its answer is lost.
    assert!(applied <= rounds().div_ceil(12) && applied + refused == rounds());
}

#[test]
fn a_commit_whose_answer_is_cut_is_found_to_have_happened() {
    for pool in [1, 3] {
        assert_eq!(cut_commits(pool, true, false), [rounds(), 0, 0]);
    }
}

#[test]
fn a_commit_that_can_not_be_asked_about_is_said_to_be_unknown() {
    let [applied, refused, unknown] = cut_commits(1, true, true);
    // Now and then all of the answer comes before the cut, or a slow machine has not come
    // to the commit within the limit; what each end says has been held against the store.
    assert!(unknown > 0 && applied + refused + unknown == rounds());
}

#[test]
fn reservations_outlive_cuts() {
    let server = servers::shared();
    let proxy = Proxy::start(&server).unwrap();
    let url = proxy.url(&server.database().unwrap()).unwrap();
    let store = servers::options(&url, "world", "reserving").attempts(1).connect().unwrap();
    let mut dice = Dice::new(77);
    let mut held: Vec<EntityId> = Vec::new();
    for round in 0..2 * rounds() {
        let bytes = dice.roll(700);
        match round % 4 {
            0 | 1 => proxy.cut_after(bytes),
            _ => proxy.cut_answer_after(bytes),
        }
        if round % 2 == 0 {
            match block_on(store.reserve_ids_async(5)) {
                Ok(ids) => held.extend(ids),
                Err(error) => assert!(error.is_retryable(), "{error}"),
            }
        } else {
            let ids = held.split_off(held.len() - held.len().min(3));
            match block_on(store.release_ids_async(&ids)) {
                Ok(()) => {}
                Err(error) => {
                    assert!(error.is_retryable(), "{error}");
                    held.extend(ids);
                }
            }
        }
        proxy.pass_all();
        notice(&store);
        let mut reserved = block_on(store.allocator_state_async()).unwrap().reserved;
        let mut expected = held.clone();
        reserved.sort_unstable();
        expected.sort_unstable();
        assert_eq!(reserved, expected, "round {round}");
    }
}
