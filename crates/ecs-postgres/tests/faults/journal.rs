//! Worlds that are committed to a journal, while whatever breaks: opened again, a world is
//! that of the last commit that was acknowledged, or of one that was under way.

use std::thread;
use std::time::Duration;

use ecs_archetype::ArchetypeStorage;
use ecs_postgres::{PostgresOptions, PostgresStorage};
use ecs_test_postgres::{Proxy, Server};
use ecs_world::{Durable, DurableError, DurableOptions, Origin, World};

use crate::child::{self, Worker};
use crate::model::Dice;
use crate::world::{commit_and_wait, filled, schedule};
use crate::{rounds, servers};

/// A world that nothing breaks, and what it was at each tick.
struct Unbroken {
    world: World<ArchetypeStorage>,
    hashes: Vec<u64>,
}

impl Unbroken {
    fn new() -> Self {
        let world = filled();
        let hashes = vec![world.state_hash().unwrap()];
        Self { world, hashes }
    }

    fn hash(&mut self, tick: u64) -> u64 {
        while self.hashes.len() as u64 <= tick {
            schedule().run(&mut self.world);
            self.hashes.push(self.world.state_hash().unwrap());
        }
        self.hashes[tick as usize]
    }

    /// Opens what a store holds, checks that it is the state of its tick, and returns that.
    fn check(&mut self, store: PostgresStorage) -> u64 {
        let durable = Durable::open(filled(), store).unwrap();
        let tick = durable.world().tick();
        assert!(matches!(durable.origin(), Origin::World | Origin::Commit));
        assert_eq!(durable.world().state_hash().unwrap(), self.hash(tick), "tick {tick}");
        tick
    }
}

/// Opens a world whose rows follow now and then, as the dice say.
fn open(options: &PostgresOptions, dice: &mut Dice) -> Durable<ArchetypeStorage> {
    let store = options.clone().connect().unwrap();
    // Of a store that holds one, it is taken up.
    let given = filled();
    let rows_every = [1, 2, 3, u64::MAX][dice.roll(4) as usize];
    DurableOptions::new().rows_every(rows_every).open(given, store).unwrap()
}

/// Makes a tick, commits it, and folds the journal now and then.
fn step(durable: &mut Durable<ArchetypeStorage>, dice: &mut Dice) -> Result<(), DurableError> {
    schedule().run(durable.world_mut());
    commit_and_wait(durable)?;
    match dice.roll(6) {
        0 => durable.fold(),
        _ => Ok(()),
    }
}

/// Checks that an error says whether to try again.
fn judge(error: &DurableError) {
    let is_unknown = error.to_string().contains("it is not known whether");
    assert!(error.is_retryable() != is_unknown, "{error}");
}

#[test]
fn a_killed_server_has_all_commits_that_it_acknowledged() {
    let server = Server::builder().fsync(true).setting("recovery_init_sync_method", "syncfs");
    let server = server.start().expect("PostgreSQL is installed");
    let url = server.database().unwrap();
    let options = servers::options(&url, "world", "journal").attempts(1);
    let (mut unbroken, mut dice) = (Unbroken::new(), Dice::new(3));
    let mut durable = open(&options, &mut dice);
    let (mut acknowledged, mut broken) = (0, 0);
    for _ in 0..rounds() {
        let delay = Duration::from_micros(dice.roll(90_000));
        thread::scope(|scope| {
            let killer = scope.spawn(|| {
                thread::sleep(delay);
                server.kill();
                server.restart().expect("it recovers");
            });
            while !killer.is_finished() {
                let outcome = step(&mut durable, &mut dice);
                if let Some((tick, _)) = durable.committed() {
                    acknowledged = tick.max(acknowledged);
                }
                if let Err(error) = outcome {
                    judge(&error);
                    broken += 1;
                    break;
                }
            }
        });
        let found = unbroken.check(options.clone().connect().unwrap());
        let newest = durable.world().tick();
        assert!((acknowledged..=newest).contains(&found), "{acknowledged} <= {found} <= {newest}");
        // The same world goes on, or one that is opened anew.
        match dice.roll(2) {
            0 => {
                durable = open(&options, &mut dice);
                acknowledged = durable.world().tick();
            }
            _ => match step(&mut durable, &mut dice) {
                Ok(()) => acknowledged = durable.world().tick(),
                // One of its commits had come through, and it could not know.
                Err(error) => {
                    judge(&error);
                    durable = open(&options, &mut dice);
                }
            },
        }
    }
    println!("{acknowledged} acknowledged, {broken} broken");
    assert!(broken != 0 && acknowledged as usize > rounds());
}

#[test]
fn commits_that_wait_for_a_server_that_is_away_are_made_in_their_order() {
    let server = Server::builder().setting("recovery_init_sync_method", "syncfs");
    let server = server.start().expect("PostgreSQL is installed");
    let url = server.database().unwrap();
    let options = servers::options(&url, "world", "waiting").attempts(1);
    let mut unbroken = Unbroken::new();
    let store = options.clone().connect().unwrap();
    let durable = DurableOptions::new().rows_every(u64::MAX).ahead(3);
    let mut durable = durable.open(filled(), store).unwrap();
    for round in 0..5 {
        schedule().run(durable.world_mut());
        commit_and_wait(&mut durable).unwrap();
        server.kill();
        // The first is not the last that waits; the later ones may be of everything.
        for _ in 0..3 + round {
            schedule().run(durable.world_mut());
            if let Err(error) = durable.commit() {
                assert!(error.is_retryable(), "{error}");
            }
        }
        assert!(durable.wait().is_err(), "there is no server");
        server.restart().expect("it recovers");
        let (tick, _) = durable.wait().unwrap().expect("they are made now");
        assert_eq!(tick, durable.world().tick());
        assert_eq!(unbroken.check(options.clone().connect().unwrap()), tick);
    }
}

/// What the child does, which is this program again: it is no test by itself.
#[test]
fn world_that_is_killed() {
    let Some((url, seed)) = child::given() else { return };
    let mut dice = Dice::new(seed);
    let mut durable = open(&PostgresOptions::new(url).schema("world"), &mut dice);
    loop {
        step(&mut durable, &mut dice).unwrap();
        child::acknowledge(durable.world().tick());
    }
}

#[test]
fn a_killed_world_is_opened_again_as_it_was_committed() {
    let server = servers::shared();
    let url = server.database().unwrap();
    let options = servers::options(&url, "world", "watching");
    let (mut unbroken, mut dice) = (Unbroken::new(), Dice::new(11));
    let (mut last, mut all) = (0, 0);
    for round in 0..rounds() {
        let worker = Worker::start("journal::world_that_is_killed", &url, round as u64);
        let ticks = dice.roll(5) as usize;
        let delay = Duration::from_micros(dice.roll(40_000));
        let acknowledged = worker.kill_after(ticks, delay, &server);
        all += acknowledged.len();
        let told = acknowledged.last().copied().unwrap_or(last);
        let found = unbroken.check(options.clone().connect().unwrap());
        assert!((told..=told + 1).contains(&found), "round {round}: {told}, {found}");
        // Now and then somebody folds what was left; the next world begins there.
        if dice.roll(4) == 0 {
            options.clone().connect().unwrap().fold().unwrap();
            assert_eq!(unbroken.check(options.clone().connect().unwrap()), found);
        }
        last = found;
    }
    println!("{all} acknowledged");
    assert!(all >= rounds(), "worlds got to work before they were killed");
}

#[test]
fn commits_outlive_connections_that_are_cut_at_any_byte() {
    let server = servers::shared();
    let proxy = Proxy::start(&server).unwrap();
    let direct = server.database().unwrap();
    let url = proxy.url(&direct).unwrap();
    let options = servers::options(&url, "world", "cut").attempts(1).pool_size(2);
    let watching = servers::options(&direct, "world", "watching");
    let (mut unbroken, mut dice) = (Unbroken::new(), Dice::new(23));
    let mut durable = open(&options, &mut dice);
    step(&mut durable, &mut dice).unwrap();
    // Comes to hover about what a step takes.
    let mut most = [65_536.0, 4_096.0];
    let mut hit = 0;
    while hit < rounds() {
        let answers = dice.roll(2) as usize;
        let bytes = dice.roll(most[answers] as u64);
        match answers {
            1 => proxy.cut_answer_after(bytes),
            _ => proxy.cut_after(bytes),
        }
        let outcome = step(&mut durable, &mut dice);
        proxy.pass_all();
        most[answers] *= if outcome.is_err() { 1.03 } else { 0.92 };
        hit += usize::from(outcome.is_err());
        let newest = durable.world().tick();
        let found = unbroken.check(watching.clone().connect().unwrap());
        match &outcome {
            Ok(()) => assert_eq!(found, newest),
            Err(error) => {
                // The server was there to be asked.
                assert!(error.is_retryable(), "{error}");
                let is_kept = matches!(error, DurableError::Fold(_));
                assert_eq!(found, if is_kept { newest } else { newest - 1 }, "{error}");
            }
        }
        // What could not be committed is, and the rows follow.
        let patience = std::time::Instant::now() + Duration::from_secs(20);
        while let Err(error) = commit_and_wait(&mut durable) {
            assert!(error.is_retryable() && std::time::Instant::now() < patience, "{error}");
        }
        assert_eq!(unbroken.check(watching.clone().connect().unwrap()), newest);
        if dice.roll(5) == 0 {
            drop(durable);
            durable = open(&options, &mut dice);
            assert_eq!(durable.world().tick(), newest);
        }
    }
    let world = durable.close().unwrap();
    assert_eq!(unbroken.hash(world.tick()), world.state_hash().unwrap());
}
