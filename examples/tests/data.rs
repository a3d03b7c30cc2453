//! What is said of the data that ships, checked.

use std::sync::OnceLock;

use epidemic_model::catchment::Catchments;
use epidemic_model::effective_distance::effective_distances;
use epidemic_model::input::airports::AirportIndex;
use epidemic_model::input::cities::{CityIndex, largest};
use epidemic_model::input::flights::FlightWeek;
use epidemic_model::input::{Input, InputFiles, default_folder};

fn input() -> &'static Input {
    static INPUT: OnceLock<Input> = OnceLock::new();
    let files = InputFiles::of_folder(&default_folder());
    INPUT.get_or_init(|| Input::read(&files).expect("the data that ships is good"))
}

fn week() -> &'static FlightWeek {
    input().week.as_ref().expect("a data folder has flights")
}

fn departures() -> Vec<u32> {
    week().weekly_departures(input().airports.len())
}

fn catchments() -> &'static Catchments {
    static CATCHMENTS: OnceLock<Catchments> = OnceLock::new();
    let make = || Catchments::new(&input().cities, &input().airports, &departures());
    CATCHMENTS.get_or_init(make)
}

fn iata(airport: AirportIndex) -> String {
    input().airports[airport.index()].iata.to_string()
}

fn airports() -> impl Iterator<Item = AirportIndex> {
    (0..input().airports.len()).map(AirportIndex::at)
}

#[test]
fn the_files_have_the_rows_that_their_readme_says() {
    assert_eq!((input().cities.len(), input().airports.len()), (3_402, 229));
    assert_eq!(week().flights.len(), 116_729);
    assert_eq!(week().first_date.to_string(), "2001-06-01");
    assert_eq!(input().population(), 208_667_612);
    assert_eq!(input().cities[largest(&input().cities).index()].to_string(), "New York City, NY");
}

#[test]
fn the_dirt_is_kept_and_counted() {
    assert_eq!((week().duplicate_rows, week().early_outliers), (9, 3));
}

#[test]
fn the_busiest_airports_depart_what_the_readme_says() {
    let departures = departures();
    let mut busiest: Vec<AirportIndex> = airports().collect();
    busiest.sort_by_key(|airport| std::cmp::Reverse(departures[airport.index()]));
    let counts = busiest.iter().map(|&airport| (iata(airport), departures[airport.index()]));
    let known = [("ORD", 6_408), ("DFW", 6_106), ("ATL", 4_812), ("LAX", 4_525), ("PHX", 3_545)];
    assert!(counts.take(5).eq(known.map(|(code, count)| (code.to_owned(), count))));
}

#[test]
fn the_week_uses_220_of_the_229_airports() {
    let departures = departures();
    let lands = |airport| week().flights.iter().any(|flight| flight.destination == airport);
    let used = airports().filter(|a| departures[a.index()] > 0 || lands(*a)).count();
    assert_eq!(used, 220);
    assert_eq!(departures.iter().filter(|&&count| count > 0).count(), 220);
}

#[test]
fn every_leg_is_within_9_miles_of_the_great_circle() {
    let worst = week().max_leg_error_mi;
    assert!((8.1..8.2).contains(&worst), "{worst}");
    let mut errors: Vec<f64> = week()
        .flights
        .iter()
        .map(|flight| {
            let [from, to] =
                [flight.origin, flight.destination].map(|a| &input().airports[a.index()]);
            (from.position.distance_mi(to.position) - flight.distance_mi).abs()
        })
        .collect();
    errors.sort_by(f64::total_cmp);
    assert_eq!(errors.last().copied(), Some(worst));
    assert!((errors[errors.len() / 2] - 0.9).abs() < 0.05, "the median");
}

#[test]
fn cities_without_an_airport_within_100_km_hold_3_5_percent_of_the_people() {
    let mut served = vec![false; input().cities.len()];
    for airport in airports() {
        catchments().cities_of(airport).members.iter().for_each(|city| served[city.index()] = true);
    }
    let far: Vec<_> = input().cities.iter().zip(served).filter(|(_, served)| !served).collect();
    let people: u64 = far.iter().map(|(city, _)| u64::from(city.population)).sum();
    assert_eq!(far.len(), 207);
    assert!((people as f64 / input().population() as f64 - 0.035).abs() < 0.0005);
    // Seven more have only airports near that this week does not use.
    let unreachable = (0..input().cities.len()).map(CityIndex::at);
    assert_eq!(unreachable.filter(|&city| catchments().airports_of(city).is_empty()).count(), 214);
}

#[test]
fn twenty_used_airports_have_no_city() {
    let departures = departures();
    let alone: Vec<String> = airports()
        .filter(|a| departures[a.index()] > 0 && catchments().cities_of(*a).is_empty())
        .map(iata)
        .collect();
    assert_eq!(alone.len(), 20, "{alone:?}");
    assert!(alone.contains(&"SJU".to_owned()));
    // Kona would be the 21st, were Hilo, 99.95 km off, not just within reach.
    let kona = airports().find(|&airport| iata(airport) == "KOA").unwrap();
    let [hilo] = catchments().cities_of(kona).members[..] else { panic!("one city") };
    assert_eq!(input().cities[hilo.index()].to_string(), "Hilo, HI");
}

#[test]
fn new_york_flies_from_six_airports_and_everywhere_is_within_reach_of_it() {
    let first = largest(&input().cities);
    let from = &catchments().airports_of(first).members;
    let mut codes: Vec<String> = from.iter().map(|&airport| iata(airport)).collect();
    codes.sort();
    assert_eq!(codes, ["EWR", "HPN", "ISP", "JFK", "LGA", "SWF"]);
    let distances = effective_distances(input().airports.len(), &week().flights, from);
    let departures = departures();
    assert!(airports().all(|a| distances[a.index()].is_some() == (departures[a.index()] > 0)));
    assert!(distances.iter().flatten().all(|&distance| (0.0..20.0).contains(&distance)));
}
