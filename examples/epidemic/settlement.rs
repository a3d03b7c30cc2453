//! How many people live in which city.

use crate::apportion::apportion;
use crate::error::Error;
use crate::input::cities::{City, CityIndex};
use crate::parameters::Parameters;

/// The number of people who live in each city, in the order of the cities.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Settlement(Vec<u32>);

impl Settlement {
    /// Apportions the people to the cities by population.
    ///
    /// # Errors
    /// When the first city has fewer people than there are to be first cases.
    pub fn new(
        parameters: &Parameters,
        cities: &[City],
        first_city: CityIndex,
    ) -> Result<Self, Error> {
        let populations: Vec<u64> = cities.iter().map(|city| u64::from(city.population)).collect();
        let shares = apportion(u64::from(parameters.people), &populations);
        let people: Vec<u32> = shares.into_iter().map(|share| share as u32).collect();
        let there = people[first_city.index()];
        if parameters.first_cases <= there {
            return Ok(Self(people));
        }
        let (cases, city) = (parameters.first_cases, &cities[first_city.index()]);
        let problem = format!("{cases} are more than the {there} people of {city}");
        Err(Error::Parameter { option: "first-cases", problem })
    }

    /// Gives each city with the number of its people.
    pub fn people(&self) -> impl Iterator<Item = (CityIndex, u32)> {
        self.0.iter().enumerate().map(|(city, &people)| (CityIndex::at(city), people))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cli::Arguments;
    use crate::geo::Position;
    use crate::input::Input;

    fn settle(options: &str) -> Result<Vec<u32>, String> {
        let position = Position { latitude: 0.0, longitude: 0.0 };
        let city = |name: &str, population| City {
            geoname_id: 1,
            name: name.to_owned(),
            state: "XX".to_owned(),
            position,
            population,
        };
        let cities = vec![city("A", 100), city("B", 300)];
        let input = Input { cities, airports: Vec::new(), week: None, fingerprint: 0 };
        let line = format!("epidemic {options}");
        let cli = Arguments::parse(line.split_whitespace()).unwrap().cli;
        let parameters = Parameters::new(&cli, &input).unwrap();
        let settlement = Settlement::new(&parameters, &input.cities, parameters.first_city(&input));
        let people = |settlement: Settlement| settlement.people().map(|(_, n)| n).collect();
        settlement.map(people).map_err(|error| error.to_string())
    }

    #[test]
    fn cities_get_people_by_population() {
        assert_eq!(settle("--people 1000").unwrap(), [250, 750]);
    }

    #[test]
    fn the_first_city_must_have_the_first_cases() {
        assert!(settle("--people 40 --first-cases 30").is_ok());
        let error = settle("--people 40 --first-cases 31").unwrap_err();
        assert_eq!(error, "--first-cases: 31 are more than the 30 people of B, XX");
        assert!(settle("--people 40 --first-cases 11 --first-city A").is_err());
    }
}
