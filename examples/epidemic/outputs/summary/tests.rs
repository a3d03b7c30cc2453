use serde_json::Value;

use super::*;

pub(in crate::outputs) fn summary(seed: u64, attack_rate: f64) -> Summary {
    Summary {
        people: 1_000_000,
        days: 60,
        ticks: 1_440,
        tick_minutes: 60,
        seed,
        r0: 2.5,
        threads: 2,
        backend: "archetype".to_owned(),
        cities: 3_402,
        airports: 229,
        flights_in_file: 116_729,
        duplicate_rows: 9,
        early_outliers: 3,
        departures: BTreeMap::from([("ATL".to_owned(), 4_812), ("ORD".to_owned(), 6_408)]),
        max_leg_error_mi: 8.17,
        passengers: 450_000,
        attack_rate,
        peak_day: 31,
        peak_infectious: 123_456,
        arrival_correlation: None,
        conserved: true,
        archetype_moves: 3_000_000,
        state_hash: "00ff".to_owned(),
        load_s: 0.5,
        simulate_s: 2.0,
        person_ticks_per_s: 7.2e8,
        system_s: BTreeMap::from([("infect".to_owned(), 1.0)]),
        peak_rss_bytes: 150_000_000,
        runs: None,
    }
}

/// The keys that other programs read, in their order.
const KEYS: &str = "people days ticks tick_minutes seed r0 threads backend cities airports \
    flights_in_file duplicate_rows early_outliers departures max_leg_error_mi passengers \
    attack_rate peak_day peak_infectious arrival_correlation conserved archetype_moves \
    state_hash load_s simulate_s person_ticks_per_s system_s peak_rss_bytes";

#[test]
fn the_keys_are_the_documented_ones() {
    let json: Value = serde_json::from_slice(&summary(1, 0.9).to_json()).unwrap();
    let mut keys: Vec<&str> = KEYS.split_whitespace().collect();
    keys.sort_unstable();
    let mut found: Vec<&String> = json.as_object().unwrap().keys().collect();
    found.sort_unstable();
    assert_eq!(found, keys);
    assert_eq!(json["departures"]["ORD"], 6_408);
    assert_eq!(json["arrival_correlation"], Value::Null);
}

#[test]
fn several_runs_add_medians_and_quantiles() {
    let runs = [summary(4, 0.8), summary(5, 0.9), summary(6, 0.7)];
    let spread = Runs::of(&runs);
    assert_eq!(spread.attack_rate.unwrap().median, 0.8);
    assert_eq!(spread.arrival_correlation, None);
    let [mut first, ..] = runs;
    first.runs = Some(spread);
    let json: Value = serde_json::from_slice(&first.to_json()).unwrap();
    assert_eq!(json["runs"]["seeds"], serde_json::json!([4, 5, 6]));
    assert_eq!(json["runs"]["peak_day"]["q95"], 31.0);
}

#[test]
fn a_person_reads_it_line_by_line() {
    let text = summary(1, 0.893).to_string();
    for line in [
        "people  1,000,000",
        "departures in a week  ORD 6,408, ATL 4,812",
        "ever infected  89.3 %",
        "peak  day 31, 123,456 infectious",
        "people conserved  in every tick",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    for (days, line) in [(1, "departures in a day  ORD"), (3, "departures in 3 days  ORD")] {
        let text = Summary { days, ..summary(1, 0.893) }.to_string();
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
}
