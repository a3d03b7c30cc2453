//! What makes a run the run that it is.

use serde::{Deserialize, Serialize};

use crate::cli::{Arguments, Cli};
use crate::error::Error;
use crate::input::cities::{CityIndex, largest, named};
use crate::input::{FLIGHTS_FILE, Input, InputFiles, default_folder};

/// Where parameters are kept, unless [`Error::found_in`] says otherwise.
const PLACE: &str = "checkpoint";

/// Everything that decides the course of a run.
///
/// It is part of a checkpoint. What may differ when a run goes on is not in it:
/// threads, backend, days and folders. Nor are the paths of the input; a fingerprint of its
/// content is.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Parameters {
    /// Number of people.
    pub people: u32,
    /// Minutes a tick.
    pub tick_minutes: u32,
    /// What every draw is derived from.
    pub seed: u64,
    /// The basic reproduction number.
    pub r0: f64,
    /// Mean latent time in days.
    pub latent_days: f64,
    /// Mean infectious time in days.
    pub infectious_days: f64,
    /// Number of people exposed at the start.
    pub first_cases: u32,
    /// Where they live: "Name, State".
    pub first_city: String,
    /// Whether everybody lives there.
    pub single_city: bool,
    /// Whether nobody flies.
    pub no_flights: bool,
    /// [`Input::fingerprint`] of what was read.
    pub fingerprint: u64,
}

impl Parameters {
    /// Makes the parameters of a new run.
    ///
    /// # Errors
    /// When no city has the name of `--first-city`, or `--runs` lead past the last seed.
    pub fn new(cli: &Cli, input: &Input) -> Result<Self, Error> {
        if cli.seed.checked_add(u64::from(cli.runs) - 1).is_none() {
            let problem = format!("seeds end at {}, before the last run", u64::MAX);
            return Err(Error::Parameter { option: "runs", problem });
        }
        Ok(Self {
            people: cli.people,
            tick_minutes: cli.tick_minutes,
            seed: cli.seed,
            r0: cli.r0,
            latent_days: cli.latent_days,
            infectious_days: cli.infectious_days,
            first_cases: cli.first_cases,
            first_city: input.cities[first_city(cli, input)?.index()].to_string(),
            single_city: cli.single_city,
            no_flights: cli.no_flights,
            fingerprint: input.fingerprint,
        })
    }

    /// Checks that the options that were given say what this checkpoint says.
    ///
    /// # Errors
    /// For the first option that contradicts it.
    pub fn check_options(&self, arguments: &Arguments) -> Result<(), Error> {
        let cli = &arguments.cli;
        let agree = |option: &'static str, given: &dyn ToString, saved: &dyn ToString| {
            let (given, saved) = (given.to_string(), saved.to_string());
            if !arguments.has(option) || given == saved {
                return Ok(());
            }
            Err(Error::Contradiction { option, place: PLACE, given, saved })
        };
        agree("people", &cli.people, &self.people)?;
        agree("tick-minutes", &cli.tick_minutes, &self.tick_minutes)?;
        agree("seed", &cli.seed, &self.seed)?;
        agree("r0", &cli.r0, &self.r0)?;
        agree("latent-days", &cli.latent_days, &self.latent_days)?;
        agree("infectious-days", &cli.infectious_days, &self.infectious_days)?;
        agree("first-cases", &cli.first_cases, &self.first_cases)?;
        agree("single-city", &on(cli.single_city), &on(self.single_city))?;
        agree("no-flights", &on(cli.no_flights), &on(self.no_flights))?;
        agree("flights", &"flying", if self.no_flights { &"--no-flights" } else { &"flying" })
    }

    /// Checks that the input of a run that goes on is that of its beginning.
    ///
    /// # Errors
    /// When the files' content differs, or `--first-city` was given and means another city.
    pub fn check_input(&self, arguments: &Arguments, input: &Input) -> Result<(), Error> {
        if self.fingerprint != input.fingerprint {
            let option = if arguments.has("flights") { "flights" } else { "data" };
            let [given, saved] = [input.fingerprint, self.fingerprint]
                .map(|fingerprint| format!("input of fingerprint {fingerprint:016x}"));
            return Err(Error::Contradiction { option, place: PLACE, given, saved });
        }
        if arguments.has("first-city") {
            let city = first_city(&arguments.cli, input)?;
            let given = input.cities[city.index()].to_string();
            if given != self.first_city {
                let saved = self.first_city.clone();
                let option = "first-city";
                return Err(Error::Contradiction { option, place: PLACE, given, saved });
            }
        }
        Ok(())
    }

    /// Finds the city of the first cases.
    ///
    /// # Panics
    /// When the input has no such city, which [`Self::new`] and [`Self::check_input`] rule out.
    #[must_use]
    pub fn first_city(&self, input: &Input) -> CityIndex {
        named(&input.cities, &self.first_city).expect("the first city was found before")
    }
}

/// Names the files to read, without flights if there are to be none.
#[must_use]
pub fn input_files(cli: &Cli, no_flights: bool) -> InputFiles {
    let folder = cli.data.clone().unwrap_or_else(default_folder);
    let flights = cli.flights.clone().unwrap_or_else(|| folder.join(FLIGHTS_FILE));
    InputFiles { folder, flights: (!no_flights).then_some(flights) }
}

fn first_city(cli: &Cli, input: &Input) -> Result<CityIndex, Error> {
    let Some(name) = &cli.first_city else { return Ok(largest(&input.cities)) };
    named(&input.cities, name).ok_or_else(|| {
        let problem = format!("no city of the city file is called {name:?}");
        Error::Parameter { option: "first-city", problem }
    })
}

fn on(flag: bool) -> &'static str {
    if flag { "on" } else { "off" }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Position;
    use crate::input::cities::City;

    fn input() -> Input {
        let city = |name: &str, population| City {
            geoname_id: 1,
            name: name.to_owned(),
            state: "XX".to_owned(),
            position: Position { latitude: 0.0, longitude: 0.0 },
            population,
        };
        let cities = vec![city("Small", 20), city("Big", 30)];
        Input { cities, airports: Vec::new(), week: None, fingerprint: 7 }
    }

    fn arguments(options: &str) -> Arguments {
        let line = format!("epidemic {options}");
        Arguments::parse(line.split_whitespace()).unwrap()
    }

    fn parameters(options: &str) -> Result<Parameters, String> {
        Parameters::new(&arguments(options).cli, &input()).map_err(|error| error.to_string())
    }

    #[test]
    fn the_first_city_is_the_largest_or_the_named() {
        assert_eq!(parameters("").unwrap().first_city, "Big, XX");
        let small = parameters("--first-city small").unwrap();
        assert_eq!(small.first_city, "Small, XX");
        assert_eq!(small.first_city(&input()), CityIndex(0));
        let unknown = "--first-city: no city of the city file is called \"Rome\"";
        assert_eq!(parameters("--first-city Rome").unwrap_err(), unknown);
    }

    #[test]
    fn runs_do_not_go_past_the_last_seed() {
        assert!(parameters("--seed 18446744073709551615").is_ok());
        assert!(parameters("--seed 18446744073709551615 --runs 2").is_err());
    }

    #[test]
    fn only_what_was_given_and_differs_contradicts() {
        let saved = parameters("--people 50 --r0 3 --first-city Small --first-cases 4").unwrap();
        let check = |options: &str| {
            let arguments = arguments(options);
            saved.check_options(&arguments).and_then(|()| saved.check_input(&arguments, &input()))
        };
        for agreeing in [
            "",
            "--people 50 --r0 3.0 --first-city small",
            "--days 9 --threads 3 --backend local --out o --quiet --plan --flights f",
        ] {
            assert!(check(agreeing).is_ok(), "{agreeing}");
        }
        for (options, message) in [
            ("--people 51", "--people: 51 contradicts the checkpoint, which has 50"),
            ("--seed 2", "--seed: 2 contradicts the checkpoint, which has 1"),
            ("--r0 2.5", "--r0: 2.5 contradicts the checkpoint, which has 3"),
            ("--tick-minutes 30", "--tick-minutes: 30 contradicts the checkpoint, which has 60"),
            ("--first-cases 5", "--first-cases: 5 contradicts the checkpoint, which has 4"),
            ("--single-city", "--single-city: on contradicts the checkpoint, which has off"),
            ("--no-flights", "--no-flights: on contradicts the checkpoint, which has off"),
            (
                "--first-city Big",
                "--first-city: Big, XX contradicts the checkpoint, which has Small, XX",
            ),
        ] {
            assert_eq!(check(options).unwrap_err().to_string(), message);
        }
    }

    #[test]
    fn flights_contradict_a_run_without_them() {
        let saved = parameters("--no-flights").unwrap();
        assert!(saved.check_options(&arguments("--flights f.csv")).is_err());
        assert!(saved.check_options(&arguments("--no-flights")).is_ok());
    }

    #[test]
    fn other_input_contradicts() {
        let saved = Parameters { fingerprint: 8, ..parameters("").unwrap() };
        let error = saved.check_input(&arguments("--flights f.csv"), &input()).unwrap_err();
        assert!(error.to_string().starts_with("--flights: input of fingerprint 0000000000000007"));
    }
}
