//! The program from its arguments to its exit status.

use std::ffi::OsString;
use std::fmt::Display;
use std::io::{Write, stdout};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::atomic_file::{AtomicFile, prepare_folder};
use crate::cli::{Arguments, Cli};
use crate::error::Error;
use crate::outputs::arrivals::correlation;
use crate::outputs::report::Report;
use crate::outputs::series::peak;
use crate::outputs::summary::{Runs, Summary};
use crate::progress::Progress;
use crate::rss::peak_rss_bytes;
use crate::scenario::Scenario;
use crate::simulation::{Checkpoint, Simulation};

/// The exit status when the input, an option or the place for the output is wrong.
const WRONG: u8 = 2;

/// Runs the program; the first argument is its name.
pub fn run(arguments: impl IntoIterator<Item = OsString>) -> ExitCode {
    let arguments = match Arguments::parse(arguments) {
        Ok(arguments) => arguments,
        Err(message) => {
            // clap writes help to the standard output and errors to the standard error;
            // where neither can be written there is nobody to tell.
            let _ = message.print();
            return ExitCode::from(u8::try_from(message.exit_code()).unwrap_or(WRONG));
        }
    };
    match simulate(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("error: {error}");
            ExitCode::from(WRONG)
        }
    }
}

/// Runs in a pool of as many threads as were asked for.
fn simulate(arguments: &Arguments) -> Result<(), Error> {
    let threads = arguments.cli.threads.unwrap_or(0);
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads).build().map_err(|error| {
        let problem = format!("the threads can't be started: {error}");
        Error::Parameter { option: "threads", problem }
    })?;
    pool.install(|| session(arguments))
}

/// All runs of one call of the program.
fn session(arguments: &Arguments) -> Result<(), Error> {
    let cli = &arguments.cli;
    let start = Instant::now();
    let Some((first, scenario)) = begin(arguments)? else { return Ok(()) };
    let loaded = start.elapsed();
    let mut report = one_run(cli, &scenario, first, loaded)?;
    if cli.runs > 1 {
        let mut summaries = vec![report.summary.clone()];
        for run in 1..cli.runs {
            let start = Instant::now();
            let seed = cli.seed + u64::from(run);
            let scenario = Arc::new(Scenario::clone(&scenario).with_seed(seed));
            let simulation = Simulation::new(Arc::clone(&scenario), cli.backend);
            summaries.push(one_run(cli, &scenario, simulation, start.elapsed())?.summary);
        }
        report.summary.runs = Some(Runs::of(&summaries));
    }
    report.write(&cli.out)?;
    say(cli, || format!("{}\nleft in {}", report.summary, cli.out.display()));
    Ok(())
}

/// Makes the first run, or the one that goes on; `None` if that is at its end.
fn begin(arguments: &Arguments) -> Result<Option<(Simulation, Arc<Scenario>)>, Error> {
    let cli = &arguments.cli;
    #[cfg(feature = "postgres")]
    if let Some(url) = &cli.store.url {
        return begin_in_store(arguments, url);
    }
    let Some(path) = &cli.resume else {
        let scenario = Arc::new(Scenario::begin(cli)?);
        prepare(cli)?;
        return Ok(Some((Simulation::new(Arc::clone(&scenario), cli.backend), scenario)));
    };
    let checkpoint = Checkpoint::read(path, cli.backend)?;
    let scenario = Arc::new(Scenario::go_on(arguments, checkpoint.parameters())?);
    if is_at_its_end(cli, &scenario, checkpoint.ticks(), path.display()) {
        return Ok(None);
    }
    prepare(cli)?;
    Ok(Some((Simulation::go_on(checkpoint, Arc::clone(&scenario)), scenario)))
}

#[cfg(feature = "postgres")]
fn begin_in_store(
    arguments: &Arguments,
    url: &crate::store::StoreUrl,
) -> Result<Option<(Simulation, Arc<Scenario>)>, Error> {
    let cli = &arguments.cli;
    let tell = |text: &str| {
        if !cli.quiet {
            eprintln!("{text}");
        }
    };
    let mut stored = crate::store::open(url, &cli.store, cli.people, cli.backend, tell)?;
    let is_new = stored.run().is_none();
    let scenario = match stored.run() {
        None => Arc::new(Scenario::begin(cli)?),
        Some((parameters, ticks)) => {
            let scenario = Scenario::go_on(arguments, parameters);
            let scenario = Arc::new(scenario.map_err(|error| error.found_in("store"))?);
            // Ended between the last commit and its outputs, a run has them to leave yet.
            let lacks = ticks == ticks_wanted(cli, &scenario)
                && !Summary::is_left(&cli.out, cli.days, stored.state_hash());
            if !lacks && is_at_its_end(cli, &scenario, ticks, "the store") {
                // Ended between its last commit and this, its tables lag behind.
                crate::store::with_patience(stored.fold(), tell, || stored.fold())?;
                return Ok(None);
            }
            scenario
        }
    };
    prepare(cli)?;
    let mut simulation = Simulation::in_store(stored, Arc::clone(&scenario));
    if is_new {
        // Everybody, before the first day: that is part of getting ready.
        let begun = simulation.commit().and_then(|()| simulation.settle());
        crate::store::with_patience(begun, tell, || simulation.settle())?;
    }
    Ok(Some((simulation, scenario)))
}

fn is_at_its_end(cli: &Cli, scenario: &Scenario, ticks: u32, place: impl Display) -> bool {
    let is_at_its_end = ticks >= ticks_wanted(cli, scenario);
    if is_at_its_end {
        say(cli, || format!("{place}: at tick {ticks} already, nothing to do"));
    }
    is_at_its_end
}

/// Checks, before anything is simulated, that what is to be left can be written.
fn prepare(cli: &Cli) -> Result<(), Error> {
    if let Some(path) = &cli.save {
        // Dropped, it leaves nothing behind.
        drop(AtomicFile::write(path, b"")?);
    }
    prepare_folder(&cli.out)
}

/// Writes a line, unless it is to be quiet. A reader who has gone is no fault.
fn say(cli: &Cli, text: impl FnOnce() -> String) {
    if !cli.quiet {
        let _ = writeln!(stdout(), "{}", text());
    }
}

fn ticks_wanted(cli: &Cli, scenario: &Scenario) -> u32 {
    scenario.rules.calendar.ticks_of_days(cli.days)
}

/// Simulates to the end, with checkpoints on the way.
fn one_run(
    cli: &Cli,
    scenario: &Scenario,
    mut simulation: Simulation,
    loaded: Duration,
) -> Result<Report, Error> {
    if cli.plan {
        let _ = write!(stdout(), "{}", simulation.plan());
    }
    let calendar = scenario.rules.calendar;
    let (people, wanted) = (scenario.parameters.people, ticks_wanted(cli, scenario));
    let begun = simulation.ticks();
    let days_done = begun / calendar.ticks_per_day();
    let mut progress =
        Progress::new(cli.days, days_done, people, calendar.ticks_per_day(), cli.quiet);
    let mut simulating = Duration::ZERO;
    for tick in begun..wanted {
        let start = Instant::now();
        simulation.tick();
        simulating += start.elapsed();
        if !calendar.ends_day(tick) {
            continue;
        }
        if let Some(counts) = simulation.last_day() {
            progress.end_day(&counts);
        }
        let day = calendar.day_of(tick);
        if let (Some(path), Some(days)) = (&cli.save, cli.save_every)
            && day.is_multiple_of(days)
            && tick + 1 < wanted
        {
            simulation.save(path)?;
        }
        #[cfg(feature = "postgres")]
        if day.is_multiple_of(cli.store.every) || tick + 1 == wanted {
            let start = Instant::now();
            commit(&mut simulation, &progress, tick + 1 == wanted)?;
            simulating += start.elapsed();
        }
    }
    #[cfg(feature = "postgres")]
    {
        let tell = |text: &str| progress.note(text);
        crate::store::with_patience(simulation.fold(), tell, || simulation.fold())?;
    }
    progress.finish();
    if let Some(path) = &cli.save {
        simulation.save(path)?;
    }
    let person_ticks = f64::from(people) * f64::from(wanted - begun);
    Ok(report(cli, scenario, &simulation, Times { loaded, simulating, person_ticks }))
}

/// Commits the state to the store, if there is one. The last commit is waited for.
#[cfg(feature = "postgres")]
fn commit(simulation: &mut Simulation, progress: &Progress, is_last: bool) -> Result<(), Error> {
    let begun = match is_last {
        true => simulation.commit().and_then(|()| simulation.settle()),
        false => simulation.commit_if_room(),
    };
    let tell = |text: &str| progress.note(text);
    Ok(crate::store::with_patience(begun, tell, || simulation.settle())?)
}

/// What a session took.
struct Times {
    loaded: Duration,
    simulating: Duration,
    person_ticks: f64,
}

fn report(cli: &Cli, scenario: &Scenario, simulation: &Simulation, times: Times) -> Report {
    let (parameters, input) = (&scenario.parameters, &scenario.input);
    let (statistics, series) = (simulation.statistics(), simulation.series());
    let arrivals = scenario.arrivals(&statistics.first_days);
    let peak = peak(&series);
    let week = input.week.as_ref();
    let simulate_s = times.simulating.as_secs_f64();
    let summary = Summary {
        people: parameters.people,
        days: cli.days,
        ticks: simulation.ticks(),
        tick_minutes: parameters.tick_minutes,
        seed: parameters.seed,
        r0: parameters.r0,
        threads: rayon::current_num_threads(),
        backend: cli.backend.name().to_owned(),
        cities: input.cities.len(),
        airports: input.airports.len(),
        flights_in_file: input.flights().len(),
        duplicate_rows: week.map_or(0, |week| week.duplicate_rows),
        early_outliers: week.map_or(0, |week| week.early_outliers),
        departures: statistics.departures,
        max_leg_error_mi: week.map_or(0.0, |week| week.max_leg_error_mi),
        passengers: statistics.passengers,
        attack_rate: statistics.infected as f64 / f64::from(parameters.people),
        peak_day: peak.map_or(0, |day| day.day),
        peak_infectious: peak.map_or(0, |day| day.infectious),
        arrival_correlation: correlation(&arrivals),
        conserved: statistics.conserved,
        archetype_moves: statistics.archetype_moves,
        state_hash: format!("{:016x}", simulation.state_hash()),
        load_s: times.loaded.as_secs_f64(),
        simulate_s,
        person_ticks_per_s: times.person_ticks / simulate_s.max(1e-9),
        system_s: simulation
            .system_times()
            .into_iter()
            .map(|(name, time)| (name, time.as_secs_f64()))
            .collect(),
        peak_rss_bytes: peak_rss_bytes().unwrap_or(0),
        runs: None,
    };
    Report {
        summary,
        series,
        dots: scenario.dots(&statistics.first_days),
        routes: scenario.routes(),
        arrivals,
    }
}
