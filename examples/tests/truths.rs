//! What is known to be true of the model, checked at sizes that a test can bear.

mod common;

use std::collections::BTreeMap;

use common::epidemic;
use epidemic_model::final_size::final_size;
use epidemic_model::input::{Input, InputFiles, default_folder};

#[test]
fn people_are_conserved_in_every_tick() {
    let folder = tempfile::tempdir().unwrap();
    let summary = epidemic(folder.path(), "out", "--people 20000 --days 12");
    assert_eq!(summary["conserved"], true);
    let series = std::fs::read_to_string(folder.path().join("out/series.csv")).unwrap();
    let mut rows = series.lines();
    assert_eq!(
        rows.next(),
        Some("day,susceptible,exposed,infectious,recovered,in_flight,new_infections")
    );
    let sums: Vec<u32> = rows
        .map(|row| row.split(',').skip(1).take(4).map(|n| n.parse::<u32>().unwrap()).sum())
        .collect();
    assert_eq!(sums, [20_000; 12]);
}

#[test]
fn departures_are_a_group_by_of_the_file() {
    let folder = tempfile::tempdir().unwrap();
    let summary = epidemic(folder.path(), "out", "--people 5000 --days 9");
    let input = Input::read(&InputFiles::of_folder(&default_folder())).unwrap();
    let mut expected: BTreeMap<String, u64> = BTreeMap::new();
    for flight in input.flights() {
        *expected.entry(input.airports[flight.origin.index()].iata.to_string()).or_default() += 1;
    }
    assert_eq!(expected["ORD"], 6_408);
    assert_eq!(summary["departures"], serde_json::to_value(expected).unwrap());
    assert_eq!(summary["flights_in_file"], 116_729);
    assert!(summary["max_leg_error_mi"].as_f64().unwrap() <= 9.0);
}

#[test]
fn one_city_without_flights_reaches_the_final_size() {
    let folder = tempfile::tempdir().unwrap();
    let arguments = "--single-city --no-flights --people 40000 --first-cases 40 --days 150 --tick-minutes 120 --runs 5";
    let summary = epidemic(folder.path(), "out", arguments);
    let median = summary["runs"]["attack_rate"]["median"].as_f64().unwrap();
    // Five runs of 40,000: the standard error of the median is about a
    // thousandth, and ticks of two hours shift it by less than another.
    assert!((median - final_size(2.5)).abs() < 0.006, "{median} for {}", final_size(2.5));
}

#[test]
fn the_state_is_the_same_on_any_number_of_threads_and_either_backend() {
    let folder = tempfile::tempdir().unwrap();
    let hash = |out: &str, arguments: &str| {
        let summary =
            epidemic(folder.path(), out, &format!("--people 30000 --days 12 {arguments}"));
        summary["state_hash"].as_str().unwrap().to_owned()
    };
    let one = hash("one", "--threads 1");
    for threads in [2, 3, 8] {
        assert_eq!(hash("many", &format!("--threads {threads}")), one, "{threads} threads");
    }
    assert_ne!(hash("other", "--seed 2"), one);
    let small = |arguments: &str| {
        let summary =
            epidemic(folder.path(), "small", &format!("--people 5000 --days 8 {arguments}"));
        summary["state_hash"].as_str().unwrap().to_owned()
    };
    assert_eq!(small("--backend local"), small("--backend archetype"));
}

#[test]
fn airports_that_are_far_by_air_fall_ill_later() {
    let folder = tempfile::tempdir().unwrap();
    let summary = epidemic(folder.path(), "out", "--people 300000 --days 60");
    let correlation = summary["arrival_correlation"].as_f64().unwrap();
    assert!(correlation >= 0.5, "Pearson r {correlation}");
}
