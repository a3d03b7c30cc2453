//! The real input: cities, airports and a week of flights.
//!
//! `data/README.md` tells where the files come from. Everything is checked while it is
//! read; an error names the file, the line, the column and what was expected.

pub mod airports;
mod bytes;
pub mod cities;
pub mod date;
pub mod flights;
mod table;

use std::path::{Path, PathBuf};

use xxhash_rust::xxh3::Xxh3;

use crate::error::Error;

use airports::Airport;
use cities::{City, CityIndex};
use flights::FlightWeek;
use table::Table;

/// The city file of a data folder.
pub const CITIES_FILE: &str = "us-cities.csv";
/// The airport file of a data folder.
pub const AIRPORTS_FILE: &str = "us-airports.csv";
/// The flight file of a data folder.
pub const FLIGHTS_FILE: &str = "us-flights-2001-06-01-to-07.csv.gz";

/// Which files to read.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InputFiles {
    /// The folder with the city and the airport file.
    pub folder: PathBuf,
    /// The flight file, or none to do without flights.
    pub flights: Option<PathBuf>,
}

impl InputFiles {
    /// Names the three files of a data folder.
    #[must_use]
    pub fn of_folder(folder: &Path) -> Self {
        Self { folder: folder.to_owned(), flights: Some(folder.join(FLIGHTS_FILE)) }
    }
}

/// Everything that was read.
#[derive(Clone, Debug)]
pub struct Input {
    /// The cities, in the file's order.
    pub cities: Vec<City>,
    /// The airports, in the file's order.
    pub airports: Vec<Airport>,
    /// The flights, unless there are to be none.
    pub week: Option<FlightWeek>,
    /// A hash of the unpacked text of all files, to know them again by.
    pub fingerprint: u64,
}

impl Input {
    /// Reads and checks the files.
    ///
    /// # Errors
    /// When a file is missing, empty, cut off or damaged, has another header or a
    /// malformed row, names an unknown airport, or gives a leg that is far off the great
    /// circle.
    pub fn read(files: &InputFiles) -> Result<Self, Error> {
        let city_table = Table::read(&files.folder.join(CITIES_FILE), cities::COLUMNS)?;
        let airport_table = Table::read(&files.folder.join(AIRPORTS_FILE), airports::COLUMNS)?;
        let airports = airports::read(&airport_table)?;
        let flight_table =
            files.flights.as_ref().map(|path| Table::read(path, flights::COLUMNS)).transpose()?;
        let week =
            flight_table.as_ref().map(|table| flights::read(table, &airports)).transpose()?;

        let mut hasher = Xxh3::new();
        for table in [Some(&city_table), Some(&airport_table), flight_table.as_ref()] {
            let text = table.map_or("", Table::text);
            hasher.update(&(text.len() as u64).to_le_bytes());
            hasher.update(text.as_bytes());
        }
        Ok(Self {
            cities: cities::read(&city_table)?,
            airports,
            week,
            fingerprint: hasher.digest(),
        })
    }

    /// Leaves only one of the cities.
    #[must_use]
    pub fn with_one_city(mut self, city: CityIndex) -> Self {
        self.cities = vec![self.cities.swap_remove(city.index())];
        self
    }

    /// How many people live in all cities in reality.
    #[must_use]
    pub fn population(&self) -> u64 {
        self.cities.iter().map(|city| u64::from(city.population)).sum()
    }
}

/// Finds the data folder that comes with the program.
///
/// It lies beside the manifest; where the program was carried off without it,
/// `examples/data` under the working directory is the next guess.
#[must_use]
pub fn default_folder() -> PathBuf {
    let beside_manifest = Path::new(env!("CARGO_MANIFEST_DIR")).join("data");
    if beside_manifest.is_dir() { beside_manifest } else { PathBuf::from("examples/data") }
}
