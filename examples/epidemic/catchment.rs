//! Who flies from which airport.

use crate::geo::EARTH_RADIUS_KM;
use crate::input::airports::{Airport, AirportIndex};
use crate::input::cities::{City, CityIndex};

/// An airport serves the cities within this great-circle distance, in kilometres.
pub const CATCHMENT_KM: f64 = 100.0;

/// One side of the catchments: the members near a place, with running weights.
///
/// The running sum of weights is what [`Draws::weighted`](crate::draws::Draws::weighted)
/// draws from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Members<Index> {
    /// The members, in the order of their file.
    pub members: Vec<Index>,
    /// For each member the sum of the weights up to and with it.
    pub running_sums: Vec<u64>,
}

impl<Index> Members<Index> {
    const NONE: Self = Self { members: Vec::new(), running_sums: Vec::new() };

    fn push(&mut self, member: Index, weight: u64) {
        let sum = self.running_sums.last().copied().unwrap_or(0) + weight;
        self.members.push(member);
        self.running_sums.push(sum);
    }

    /// The sum of all weights.
    #[must_use]
    pub fn total(&self) -> u64 {
        self.running_sums.last().copied().unwrap_or(0)
    }

    /// Tells whether nobody is near.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.members.is_empty()
    }
}

/// Which airports a city's people fly from, and which cities an airport's guests visit.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Catchments {
    airports_of: Vec<Members<AirportIndex>>,
    cities_of: Vec<Members<CityIndex>>,
}

impl Catchments {
    /// Finds the cities and airports that lie within [`CATCHMENT_KM`] of each other.
    ///
    /// A city's airports weigh what they depart a week; an airport without departures is
    /// nobody's. An airport's cities weigh their population.
    ///
    /// # Complexity
    /// Cities times airports, less those that a difference of latitude rules out.
    #[must_use]
    pub fn new(cities: &[City], airports: &[Airport], weekly_departures: &[u32]) -> Self {
        let mut airports_of = vec![Members::NONE; cities.len()];
        let mut cities_of = vec![Members::NONE; airports.len()];
        for (index, city) in cities.iter().enumerate() {
            for (airport, &departures) in weekly_departures.iter().enumerate() {
                if !is_near(city, &airports[airport]) {
                    continue;
                }
                cities_of[airport].push(CityIndex::at(index), u64::from(city.population));
                if departures > 0 {
                    airports_of[index].push(AirportIndex::at(airport), u64::from(departures));
                }
            }
        }
        Self { airports_of, cities_of }
    }

    /// The airports that a city's people fly from, weighted by weekly departures; none if
    /// the city is out of reach by air.
    #[must_use]
    pub fn airports_of(&self, city: CityIndex) -> &Members<AirportIndex> {
        &self.airports_of[city.index()]
    }

    /// The cities that those who land at an airport visit, weighted by population.
    #[must_use]
    pub fn cities_of(&self, airport: AirportIndex) -> &Members<CityIndex> {
        &self.cities_of[airport.index()]
    }
}

fn is_near(city: &City, airport: &Airport) -> bool {
    // No two points are nearer than their latitudes; cheap, and true of most pairs.
    let degree_km = EARTH_RADIUS_KM.to_radians();
    let apart_km = (city.position.latitude - airport.position.latitude).abs() * degree_km;
    apart_km < CATCHMENT_KM + 1.0 && city.position.distance_km(airport.position) <= CATCHMENT_KM
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::geo::Position;
    use crate::input::airports::Iata;

    /// One degree of latitude is 111.2 km.
    fn city(latitude: f64, population: u32) -> City {
        let (name, state) = ("Somewhere".to_owned(), "XX".to_owned());
        let position = Position { latitude, longitude: -90.0 };
        City { geoname_id: 0, name, state, position, population }
    }

    fn airport(latitude: f64) -> Airport {
        let iata = Iata::parse("XXX").unwrap();
        let position = Position { latitude, longitude: -90.0 };
        Airport { iata, name: "Field".to_owned(), position }
    }

    #[test]
    fn near_pairs_share_by_departures_and_by_population() {
        let cities = [city(40.0, 700), city(40.8, 30), city(42.0, 5)];
        let airports = [airport(40.0), airport(40.5), airport(40.6), airport(50.0)];
        let catchments = Catchments::new(&cities, &airports, &[3, 0, 4, 9]);
        let first = catchments.airports_of(CityIndex(0));
        assert_eq!(first.members, [AirportIndex(0), AirportIndex(2)]);
        assert_eq!((&first.running_sums[..], first.total()), (&[3, 7][..], 7));
        assert!(catchments.airports_of(CityIndex(2)).is_empty());
        let visited = catchments.cities_of(AirportIndex(1));
        assert_eq!(visited.members, [CityIndex(0), CityIndex(1)]);
        assert_eq!(visited.running_sums, [700, 730], "it has guests though nobody departs");
        assert!(catchments.cities_of(AirportIndex(3)).is_empty());
    }

    #[test]
    fn the_limit_is_100_km() {
        let at = |km: f64| city(40.0 + km / EARTH_RADIUS_KM.to_radians(), 1);
        let cities = [at(99.99), at(100.01)];
        let catchments = Catchments::new(&cities, &[airport(40.0)], &[1]);
        assert_eq!(catchments.cities_of(AirportIndex(0)).members, [CityIndex(0)]);
    }
}
