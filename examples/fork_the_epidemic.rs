//! Two futures of one epidemic: forked on a day, one of them with a rule changed.
//!
//! Every draw is named by person, tick and purpose, so the futures share their luck: what
//! differs between them follows from the rule.

use std::error::Error;
use std::sync::Arc;

use epidemic_model::cli::{Arguments, Backend};
use epidemic_model::scenario::Scenario;
use epidemic_model::simulation::Simulation;

/// 60,000 people, 30 first cases, ticks of two hours, real flights.
const OPTIONS: &str = "epidemic --people 60000 --first-cases 30 --tick-minutes 120";

/// After which day the futures part, and after which the story ends.
const FORK: u32 = 7;
const END: u32 = 28;

/// What is left of everybody's contacts in the second future.
const CONTACTS: f64 = 0.7;

fn run_day(run: &mut Simulation, scenario: &Scenario) {
    (0..scenario.rules.calendar.ticks_per_day()).for_each(|_| run.tick());
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments = Arguments::parse(OPTIONS.split_whitespace())?;
    let scenario = Arc::new(Scenario::begin(&arguments.cli)?);
    let mut unbroken = Simulation::new(Arc::clone(&scenario), Backend::Archetype);
    (0..FORK).for_each(|_| run_day(&mut unbroken, &scenario));

    // The control keeps the rules. Both have their own people, and share the files.
    let mut control = unbroken.fork(Arc::clone(&scenario), Backend::Archetype);
    let r0 = scenario.parameters.r0 * CONTACTS;
    let careful = Arc::new(Scenario::clone(&scenario).with_r0(r0));
    let mut treated = unbroken.fork(Arc::clone(&careful), Backend::Archetype);

    println!("after day {FORK}, R0 is {} or {r0}", scenario.parameters.r0);
    println!("        infectious at the end            ever infected");
    println!("day   control  careful  difference   control  careful  difference");
    let infected = |run: &Simulation| run.statistics().infected as i64;
    for day in FORK + 1..=END {
        run_day(&mut unbroken, &scenario);
        run_day(&mut control, &scenario);
        run_day(&mut treated, &careful);
        assert_eq!(control.state_hash(), unbroken.state_hash(), "to fork changes nothing");
        if day % 4 != 0 && day != FORK + 1 {
            continue;
        }
        let [a, b] = [&control, &treated].map(|run| run.last_day().expect("a day has passed"));
        let (ill_a, ill_b) = (i64::from(a.infectious), i64::from(b.infectious));
        let (all_a, all_b) = (infected(&control), infected(&treated));
        println!(
            "{day:3} {ill_a:9} {ill_b:8} {:+11} {all_a:9} {all_b:8} {:+11}",
            ill_b - ill_a,
            all_b - all_a
        );
    }

    // Before the fork they are one.
    let (before, after) = (FORK as usize, FORK as usize + 1);
    let (a, b) = (control.series(), treated.series());
    assert_eq!(a[..before], b[..before]);
    assert_ne!(a[after..], b[after..]);
    let spared = infected(&control) - infected(&treated);
    println!("{spared} people of {} were spared by day {END}", scenario.parameters.people);
    assert!(spared > 0);
    Ok(())
}
