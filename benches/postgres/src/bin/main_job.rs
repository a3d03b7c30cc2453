//! How fast the main job runs that is committed to PostgreSQL at the end of every
//! simulated day, beside the same in memory. The two run in turn, the one on a private
//! server that waits for the disk; each ends in the same state.

use std::error::Error;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Parser;
use ecs::DurableOptions;
use ecs_postgres::PostgresOptions;
use ecs_test_postgres::Server;
use epidemic_model::cli::{Arguments, Backend};
use epidemic_model::scenario::Scenario;
use epidemic_model::simulation::{Simulation, Stored};

/// Times the main job with a store in PostgreSQL and without.
#[derive(Parser)]
struct Options {
    /// How many people.
    #[arg(long, value_name = "N", default_value_t = 1_000_000)]
    people: u32,
    /// How many days, each of which is committed.
    #[arg(long, value_name = "N", default_value_t = 60)]
    days: u32,
    /// How many threads simulate; 0 stands for all.
    #[arg(long, value_name = "N", default_value_t = 0)]
    threads: usize,
    /// Days from one update of the tables to the next, beside that at the end.
    #[arg(long, value_name = "N", default_value_t = u64::MAX)]
    rows_every: u64,
    /// How often each runs.
    #[arg(long, value_name = "N", default_value_t = 5)]
    rounds: usize,
}

/// What a run took.
#[derive(Default)]
struct Times {
    begin: Vec<Duration>,
    days: Vec<Duration>,
    /// For how long the world stood still of that, until all commits were begun.
    held: Vec<Duration>,
    fold: Vec<Duration>,
}

fn main() -> Result<(), Box<dyn Error>> {
    let options = Options::parse();
    let server = Server::builder()
        .fsync(true)
        // As on a machine that is there for it: checkpoints are no part of the question.
        .setting("shared_buffers", "1GB")
        .setting("max_wal_size", "16GB")
        .start()?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(options.threads).build()?;
    let threads = pool.current_num_threads();
    let [mut memory, mut stored] = [Times::default(), Times::default()];
    for round in 0..options.rounds {
        let url = server.database()?;
        let plain =
            pool.install(|| run(&options, None, &mut memory).map_err(|it| it.to_string()))?;
        let kept = pool.install(|| {
            run(&options, Some(&url), &mut stored).map_err(|error| error.to_string())
        })?;
        if plain != kept {
            return Err(format!("round {round}: {plain:x} in memory, {kept:x} in a store").into());
        }
    }
    let Options { people, days, rounds, .. } = options;
    println!("{people} people, {days} days, {threads} threads, {rounds} rounds in turn\n");
    println!("| the main job | begin s | days s | held up s | speed | tables s |");
    println!("|---|--:|--:|--:|--:|--:|");
    let in_memory = median(&memory.days);
    for (what, times) in [("in memory", &memory), ("committed every day", &stored)] {
        let [begin, days, held, fold] =
            [&times.begin, &times.days, &times.held, &times.fold].map(|it| median(it));
        let speed = in_memory / days;
        println!("| {what} | {begin:.2} | {days:.2} | {held:.3} | {speed:.2} | {fold:.2} |");
    }
    Ok(())
}

/// Makes a run, committed to a database if one is given, and returns its last state.
fn run(options: &Options, url: Option<&str>, times: &mut Times) -> Result<u64, Box<dyn Error>> {
    let start = Instant::now();
    let arguments = format!("epidemic --people {} --days {}", options.people, options.days);
    let arguments = Arguments::parse(arguments.split_whitespace())?;
    let scenario = Arc::new(Scenario::begin(&arguments.cli)?);
    let mut simulation = match url {
        None => Simulation::new(Arc::clone(&scenario), Backend::Archetype),
        Some(url) => {
            let store = PostgresOptions::new(url).time_limit(Duration::from_secs(600)).connect()?;
            let durable = DurableOptions::new().rows_every(options.rows_every);
            let stored = Stored::open(store, Backend::Archetype, durable)?;
            Simulation::in_store(stored, Arc::clone(&scenario))
        }
    };
    simulation.commit()?;
    simulation.settle()?;
    times.begin.push(start.elapsed());

    let pause = |simulation: &Simulation| {
        simulation.system_times().get("commit").copied().unwrap_or_default()
    };
    let (start, before) = (Instant::now(), pause(&simulation));
    for _ in 0..options.days {
        (0..scenario.rules.calendar.ticks_per_day()).for_each(|_| simulation.tick());
        simulation.commit()?;
    }
    times.held.push(pause(&simulation) - before);
    simulation.settle()?;
    times.days.push(start.elapsed());

    let start = Instant::now();
    simulation.fold()?;
    times.fold.push(start.elapsed());
    Ok(simulation.state_hash())
}

fn median(times: &[Duration]) -> f64 {
    let mut sorted = times.to_vec();
    sorted.sort_unstable();
    sorted.get(sorted.len() / 2).copied().unwrap_or_default().as_secs_f64()
}
