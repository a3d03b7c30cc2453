//! What the store in PostgreSQL costs beside tokio-postgres used by hand: loading,
//! a delta, and reading all. Contenders are timed in turn, on a private server that
//! waits for the disk, and each works on tables of the same definition.

mod by_hand;
mod rows;

use std::error::Error;
use std::time::{Duration, Instant};

use clap::Parser;
use ecs_postgres::{PostgresOptions, PostgresStorage};
use ecs_storage_api::remote::{Archive, Commit, next};
use ecs_storage_api::{AsyncStorage, RemoteError, RemoteQuery};
use ecs_test_postgres::Server;

use crate::by_hand::ByHand;
use crate::rows::{Position, Rows, Velocity};

/// Times the store in PostgreSQL against the same by hand.
#[derive(Parser)]
struct Arguments {
    /// How many entities of position and velocity.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    entities: usize,
    /// How many of them a delta writes.
    #[arg(long, value_name = "N", default_value_t = 100_000)]
    delta: usize,
    /// How often each thing is timed.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
}

fn main() -> Result<(), Box<dyn Error>> {
    let Arguments { entities, delta, rounds } = Arguments::parse();
    let server = Server::builder()
        .fsync(true)
        // As on a machine that is there for it: checkpoints are no part of the question.
        .setting("shared_buffers", "1GB")
        .setting("max_wal_size", "16GB")
        .start()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rows = Rows::new(entities, delta)?;
    let mut times = Times::default();
    runtime.block_on(async {
        for round in 0..rounds {
            let (ours, hand) = (open(&server, "ours").await?, open(&server, "hand").await?);
            let by_hand = ByHand::connect(&server.admin_url()).await?;
            if round == 0 {
                println!("{entities} entities of position and velocity; a delta of {delta} rows");
            }
            make_tables(&hand, &rows).await?;
            let image = rows.image()?;
            timed(&mut times.load, ours.load_async(&image, None)).await?;
            timed(&mut times.load_by_hand, by_hand.load(&rows)).await?;
            by_hand.analyze(&["ours", "hand"]).await?;

            timed(&mut times.stream, stream(&ours, entities)).await?;
            timed(&mut times.stream_by_hand, by_hand.copy_out(entities)).await?;

            let version = ours.version_async().await?;
            let changes = rows.changes(round)?;
            let state = ours.allocator_state_async().await?;
            let (allocator_before, allocator) = (&state, &state);
            let commit =
                Commit { tick: 0, changes: &changes, allocator_before, allocator, head: &[] };
            timed(&mut times.commit, ours.commit_async(&commit, version)).await?;
            timed(&mut times.upsert_by_hand, by_hand.upsert(&rows, round)).await?;
            let batch = rows.batch(round);
            timed(&mut times.batch, ours.apply_updates_async(&batch, None)).await?;
            by_hand.drop_schemas(&["ours", "hand"]).await?;
        }
        Ok::<_, Box<dyn Error>>(())
    })?;
    times.print();
    Ok(())
}

async fn open(server: &Server, schema: &str) -> Result<PostgresStorage, Box<dyn Error>> {
    let options = PostgresOptions::new(server.admin_url()).schema(schema);
    let options = options.time_limit(Duration::from_secs(300));
    Ok(options.connect_async().await?)
}

/// Lets the store make its tables, and leaves them empty.
async fn make_tables(store: &PostgresStorage, rows: &Rows) -> Result<(), RemoteError> {
    let made = store.apply_updates_async(&rows.one(), None).await?.created;
    store.destroy_entity_async(made[0]).await
}

/// Reads all positions and velocities.
async fn stream(store: &PostgresStorage, entities: usize) -> Result<(), Box<dyn Error>> {
    let query = RemoteQuery::new().read::<Position>().read::<Velocity>().page_size(50_000);
    let mut pages = store.query_erased_async(query);
    let mut found = 0;
    while let Some(page) = next(&mut pages).await {
        found += page?.len();
    }
    if found == entities { Ok(()) } else { Err(format!("{found} entities came").into()) }
}

async fn timed<T, E>(
    times: &mut Vec<Duration>,
    work: impl Future<Output = Result<T, E>>,
) -> Result<T, E> {
    let start = Instant::now();
    let outcome = work.await;
    times.push(start.elapsed());
    outcome
}

#[derive(Default)]
struct Times {
    load: Vec<Duration>,
    load_by_hand: Vec<Duration>,
    stream: Vec<Duration>,
    stream_by_hand: Vec<Duration>,
    commit: Vec<Duration>,
    batch: Vec<Duration>,
    upsert_by_hand: Vec<Duration>,
}

impl Times {
    fn print(&self) {
        println!("\n| what | median ms | by hand ms | speed to that by hand |\n|---|--:|--:|--:|");
        for (what, ours, hand) in [
            ("load all, beside binary COPY", &self.load, &self.load_by_hand),
            ("commit a delta, beside an upsert", &self.commit, &self.upsert_by_hand),
            ("the delta as a batch of updates", &self.batch, &self.upsert_by_hand),
            ("read all by pages, beside COPY out", &self.stream, &self.stream_by_hand),
        ] {
            let [ours, hand] = [ours, hand].map(|times| median(times).as_secs_f64() * 1e3);
            println!("| {what} | {ours:.0} | {hand:.0} | {:.2} |", hand / ours);
        }
    }
}

fn median(times: &[Duration]) -> Duration {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default()
}
