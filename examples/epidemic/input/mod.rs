//! The real input: cities, airports and a week of flights.
//!
//! `data/README.md` tells where the files come from. Everything is checked while it is
//! read; an error names the file, the line, the column and what was expected.

pub mod airports;
mod bytes;
pub mod cities;
mod csv_file;
pub mod date;
pub mod flights;

use std::hash::Hasher as _;
use std::path::{Path, PathBuf};

use twox_hash::XxHash3_64;

use crate::error::Error;

use airports::Airport;
use cities::{City, CityIndex};
use csv_file::CsvFile;
use flights::{Flight, FlightWeek};

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
        let city_file = CsvFile::read(&files.folder.join(CITIES_FILE), cities::COLUMNS)?;
        let airport_file = CsvFile::read(&files.folder.join(AIRPORTS_FILE), airports::COLUMNS)?;
        let airports = airports::read(&airport_file)?;
        let flight_file =
            files.flights.as_ref().map(|path| CsvFile::read(path, flights::COLUMNS)).transpose()?;
        let week = flight_file.as_ref().map(|file| flights::read(file, &airports)).transpose()?;

        let mut hasher = XxHash3_64::new();
        for file in [Some(&city_file), Some(&airport_file), flight_file.as_ref()] {
            let text = file.map_or("", CsvFile::text);
            hasher.write(&(text.len() as u64).to_le_bytes());
            hasher.write(text.as_bytes());
        }
        Ok(Self { cities: cities::read(&city_file)?, airports, week, fingerprint: hasher.finish() })
    }

    /// Leaves only one of the cities.
    #[must_use]
    pub fn with_one_city(mut self, city: CityIndex) -> Self {
        self.cities = vec![self.cities.swap_remove(city.index())];
        self
    }

    /// The flights of the week; none when there are to be none.
    #[must_use]
    pub fn flights(&self) -> &[Flight] {
        self.week.as_ref().map_or(&[], |week| &week.flights)
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
