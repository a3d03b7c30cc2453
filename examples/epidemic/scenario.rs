//! The stage of a run: all that stays as it is while people fall ill and fly.

use std::collections::BTreeMap;

use crate::catchment::Catchments;
use crate::cli::{Arguments, Cli};
use crate::effective_distance::effective_distances;
use crate::error::Error;
use crate::input::Input;
use crate::input::airports::AirportIndex;
use crate::input::cities::CityIndex;
use crate::input::flights::Flight;
use crate::outputs::arrivals::Arrival;
use crate::parameters::{Parameters, input_files};
use crate::picture::map::{Dot, Route};
use crate::rules::Rules;
use crate::settlement::Settlement;
use crate::timetable::Timetable;

/// The input of a run with everything that follows from it and the parameters.
#[derive(Clone, Debug)]
pub struct Scenario {
    /// What makes the run the run that it is.
    pub parameters: Parameters,
    /// The cities, airports and flights.
    pub input: Input,
    /// The model's numbers.
    pub rules: Rules,
    /// How many people live where.
    pub settlement: Settlement,
    /// Who flies from which airport.
    pub catchments: Catchments,
    /// Which flights leave when.
    pub timetable: Timetable,
    /// Where the first cases live.
    pub first_city: CityIndex,
}

impl Scenario {
    /// Reads what a new run needs.
    ///
    /// # Errors
    /// When the input is not as it should be or an option does not fit it.
    pub fn begin(cli: &Cli) -> Result<Self, Error> {
        let input = Input::read(&input_files(cli, cli.no_flights))?;
        let parameters = Parameters::new(cli, &input)?;
        Self::new(parameters, input)
    }

    /// Reads what a run needs that goes on from a checkpoint with these parameters.
    ///
    /// # Errors
    /// When the input is not as it should be, or it or an option contradicts the checkpoint.
    pub fn go_on(arguments: &Arguments, saved: Parameters) -> Result<Self, Error> {
        saved.check_options(arguments)?;
        let input = Input::read(&input_files(&arguments.cli, saved.no_flights))?;
        saved.check_input(arguments, &input)?;
        Self::new(saved, input)
    }

    fn new(parameters: Parameters, mut input: Input) -> Result<Self, Error> {
        let mut first_city = parameters.first_city(&input);
        if parameters.single_city {
            input = input.with_one_city(first_city);
            first_city = CityIndex(0);
        }
        let settlement = Settlement::new(&parameters, &input.cities, first_city)?;
        let rules = Rules::new(&parameters, input.population());
        let airports = &input.airports;
        let weekly_departures = input
            .week
            .as_ref()
            .map_or_else(|| vec![0; airports.len()], |week| week.weekly_departures(airports.len()));
        let catchments = Catchments::new(&input.cities, airports, &weekly_departures);
        let timetable = Timetable::new(rules.calendar, input.flights());
        Ok(Self { parameters, input, rules, settlement, catchments, timetable, first_city })
    }

    /// The same scenario with another seed.
    #[must_use]
    pub fn with_seed(mut self, seed: u64) -> Self {
        self.parameters.seed = seed;
        self
    }

    /// The same scenario with another basic reproduction number.
    #[must_use]
    pub fn with_r0(mut self, r0: f64) -> Self {
        self.parameters.r0 = r0;
        self.rules = Rules::new(&self.parameters, self.input.population());
        self
    }

    /// Lists the airports that have a catchment and a flight, with their effective distance
    /// from the first city's airports and the day of their catchment's first case.
    ///
    /// `first_days` holds, a city, the day of its first case.
    #[must_use]
    pub fn arrivals(&self, first_days: &[Option<u32>]) -> Vec<Arrival> {
        let sources = &self.catchments.airports_of(self.first_city).members;
        let airports = &self.input.airports;
        let distances = effective_distances(airports.len(), self.input.flights(), sources);
        let arrival = |(index, distance): (usize, Option<f64>)| {
            let cities = self.catchments.cities_of(AirportIndex::at(index));
            let day = cities.members.iter().filter_map(|city| first_days[city.index()]).min();
            let effective_distance = distance.filter(|_| !cities.is_empty())?;
            Some(Arrival { airport: airports[index].iata.to_string(), effective_distance, day })
        };
        distances.into_iter().enumerate().filter_map(arrival).collect()
    }

    /// Lists the cities as the map shows them.
    #[must_use]
    pub fn dots(&self, first_days: &[Option<u32>]) -> Vec<Dot> {
        let dots = self.input.cities.iter().zip(first_days).map(|(city, &first_day)| Dot {
            position: city.position,
            population: city.population,
            first_day,
        });
        dots.collect()
    }

    /// Lists the routes as the map shows them, both ways as one.
    #[must_use]
    pub fn routes(&self) -> Vec<Route> {
        let mut flights = BTreeMap::new();
        for &Flight { origin, destination, .. } in self.input.flights() {
            *flights.entry((origin.min(destination), origin.max(destination))).or_insert(0) += 1;
        }
        let position = |airport: AirportIndex| self.input.airports[airport.index()].position;
        let route =
            |((from, to), flights)| Route { from: position(from), to: position(to), flights };
        flights.into_iter().map(route).collect()
    }
}
