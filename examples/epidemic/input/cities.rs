//! The cities and how many people live there.

use std::collections::HashMap;
use std::fmt;

use crate::error::Error;
use crate::geo::Position;

use super::csv_file::{CsvFile, within, word};

/// The columns of the city file.
pub(crate) const COLUMNS: &[&str] =
    &["geonameid", "name", "state", "latitude", "longitude", "population"];

/// A city's place in the file, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CityIndex(pub u16);

impl CityIndex {
    /// The number for an array that has an element a city.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The city with this place in an array that has an element a city.
    ///
    /// # Panics
    /// When it is past the largest place that a city can have.
    #[must_use]
    pub fn at(index: usize) -> Self {
        Self(u16::try_from(index).expect("the reader refuses more cities than a u16 can tell"))
    }
}

/// A city of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct City {
    /// Its number at GeoNames.
    pub geoname_id: u64,
    /// Its name.
    pub name: String,
    /// Its state.
    pub state: String,
    /// Where it lies.
    pub position: Position,
    /// How many people live there in reality.
    pub population: u32,
}

/// Writes the name with the state: names recur.
impl fmt::Display for City {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}, {}", self.name, self.state)
    }
}

/// Reads all cities.
pub(crate) fn read(file: &CsvFile) -> Result<Vec<City>, Error> {
    let mut lines = HashMap::new();
    file.read_rows(|row| {
        let geoname_id = row.field(0, "a whole number", |text| text.parse().ok())?;
        if let Some(line) = lines.insert(geoname_id, row.line()) {
            return Err(row.wrong(0, format!("a number that line {line} does not have")));
        }
        if lines.len() > usize::from(u16::MAX) {
            return Err(row.wrong(0, format!("at most {} cities", u16::MAX)));
        }
        Ok(City {
            geoname_id,
            name: row.field(1, "a name", word)?,
            state: row.field(2, "a state", word)?,
            position: Position {
                latitude: row.field(3, "degrees from -90 to 90", within(90.0))?,
                longitude: row.field(4, "degrees from -180 to 180", within(180.0))?,
            },
            population: row.field(5, "a whole number of people, at least 1", |text| {
                text.parse().ok().filter(|&people| people > 0)
            })?,
        })
    })
}

/// Finds the largest city, the earlier of equals.
///
/// # Panics
/// When there is none.
#[must_use]
pub fn largest(cities: &[City]) -> CityIndex {
    let best = cities.iter().enumerate().rev().max_by_key(|(_, city)| city.population);
    CityIndex::at(best.expect("a city file has at least one row").0)
}

/// Finds the city called "Name" or "Name, State", in any case; the largest of several.
#[must_use]
pub fn named(cities: &[City], name: &str) -> Option<CityIndex> {
    let wanted = name.trim().to_lowercase();
    let fits = |city: &City| {
        city.name.to_lowercase() == wanted || city.to_string().to_lowercase() == wanted
    };
    let fitting = cities.iter().enumerate().rev().filter(|(_, city)| fits(city));
    fitting.max_by_key(|(_, city)| city.population).map(|(index, _)| CityIndex::at(index))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn city(name: &str, state: &str, population: u32) -> City {
        let position = Position { latitude: 0.0, longitude: 0.0 };
        City { geoname_id: 1, name: name.into(), state: state.into(), position, population }
    }

    #[test]
    fn a_name_finds_its_largest_city_and_a_state_the_other() {
        let cities =
            [city("Springfield", "IL", 2), city("Springfield", "MO", 3), city("Reno", "NV", 3)];
        assert_eq!(named(&cities, "springfield"), Some(CityIndex(1)));
        assert_eq!(named(&cities, "Springfield, IL"), Some(CityIndex(0)));
        assert_eq!(named(&cities, "Atlantis"), None);
        assert_eq!(largest(&cities), CityIndex(1), "the earlier of equals");
    }
}
