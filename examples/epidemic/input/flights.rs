//! A week of flights.

use std::collections::HashSet;

use crate::calendar::{DAY_MINUTES, WEEK_MINUTES};
use crate::error::Error;

use super::airports::{Airport, AirportCodes, AirportIndex};
use super::csv_file::{CsvFile, CsvRow};
use super::date::{Date, parse_time};

/// The columns of the flight file.
pub(crate) const COLUMNS: &[&str] =
    &["departure", "delay_min", "distance_mi", "origin", "destination"];

/// A leg may be off the great circle by this many miles before it counts as a fault.
pub const LARGEST_LEG_ERROR_MI: f64 = 25.0;

/// A delay below this many minutes is an outlier.
pub const EARLY_OUTLIER_MIN: i32 = -60;

/// A flight's row in the file, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FlightIndex(pub u32);

impl FlightIndex {
    /// The number for an array that has an element a flight.
    #[must_use]
    pub fn index(self) -> usize {
        self.0 as usize
    }
}

/// A flight of the file, which the simulation repeats weekly.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Flight {
    /// Scheduled departure, in minutes since the first date's midnight.
    pub minute: u16,
    /// How late it arrived, in minutes; negative is early. Used for nothing but a count.
    pub delay_min: i32,
    /// How far it flies, in statute miles.
    pub distance_mi: f64,
    /// Where it leaves.
    pub origin: AirportIndex,
    /// Where it lands.
    pub destination: AirportIndex,
}

/// The flights of a week, and what was noticed in reading them.
#[derive(Clone, Debug, PartialEq)]
pub struct FlightWeek {
    /// One a row, in the file's order.
    pub flights: Vec<Flight>,
    /// The earliest date, which is day 1.
    pub first_date: Date,
    /// How many rows repeat an earlier one. They are kept.
    pub duplicate_rows: u64,
    /// How many delays are below [`EARLY_OUTLIER_MIN`]. They are kept.
    pub early_outliers: u64,
    /// The largest distance between a leg's length in the file and the great circle.
    pub max_leg_error_mi: f64,
}

impl FlightWeek {
    /// Counts the departures a week of each airport: a group-by of the file.
    #[must_use]
    pub fn weekly_departures(&self, airports: usize) -> Vec<u32> {
        let mut departures = vec![0; airports];
        for flight in &self.flights {
            departures[flight.origin.index()] += 1;
        }
        departures
    }
}

/// A row as it is read, before the first date is known.
struct DatedFlight {
    line: u64,
    date: Date,
    flight: Flight,
}

/// Reads all flights.
pub(crate) fn read(file: &CsvFile, airports: &[Airport]) -> Result<FlightWeek, Error> {
    let codes = AirportCodes::new(airports);
    let mut max_leg_error_mi = 0.0_f64;
    let dated = file.read_rows(|row| {
        let dated = read_row(row, &codes)?;
        let error = check_distance(row, airports, &dated.flight)?;
        max_leg_error_mi = max_leg_error_mi.max(error);
        Ok(dated)
    })?;
    let first_date = dated.iter().map(|row| row.date).min().expect("a file has a row");
    let flights = dated.into_iter().map(|row| place_in_week(file, first_date, row));
    let flights = flights.collect::<Result<Vec<Flight>, Error>>()?;
    Ok(FlightWeek {
        first_date,
        duplicate_rows: count_duplicates(&flights),
        early_outliers: flights.iter().filter(|f| f.delay_min < EARLY_OUTLIER_MIN).count() as u64,
        max_leg_error_mi,
        flights,
    })
}

fn read_row(row: CsvRow<'_>, codes: &AirportCodes) -> Result<DatedFlight, Error> {
    let known = "the code of an airport in the airport file";
    let (date, minute_of_day) = row.field(0, "a time like 2001-06-01T23:59", parse_time)?;
    let flight = Flight {
        minute: minute_of_day as u16,
        delay_min: row.field(1, "whole minutes", |text| text.parse().ok())?,
        distance_mi: row.field(2, "statute miles, not negative", |text| {
            text.parse().ok().filter(|miles: &f64| miles.is_finite() && *miles >= 0.0)
        })?,
        origin: row.field(3, known, |text| codes.find(text))?,
        destination: row.field(4, known, |text| codes.find(text))?,
    };
    Ok(DatedFlight { line: row.line(), date, flight })
}

/// Tells how far a leg's length is off the great circle.
fn check_distance(row: CsvRow<'_>, airports: &[Airport], flight: &Flight) -> Result<f64, Error> {
    let [origin, destination] =
        [flight.origin, flight.destination].map(|airport| &airports[airport.index()]);
    let great_circle = origin.position.distance_mi(destination.position);
    let error = (great_circle - flight.distance_mi).abs();
    if error <= LARGEST_LEG_ERROR_MI {
        return Ok(error);
    }
    Err(row.wrong(
        2,
        format!(
            "at most {LARGEST_LEG_ERROR_MI} miles off the great circle from {} to {}, {great_circle:.0} miles",
            origin.iata, destination.iata
        ),
    ))
}

/// Adds the days since the first date to a flight's minute.
fn place_in_week(file: &CsvFile, first: Date, row: DatedFlight) -> Result<Flight, Error> {
    let day = row.date.days_since(first).unsigned_abs();
    let minute = day.saturating_mul(DAY_MINUTES).saturating_add(u32::from(row.flight.minute));
    if minute < WEEK_MINUTES {
        return Ok(Flight { minute: minute as u16, ..row.flight });
    }
    let expected = format!("a time within seven days of the file's first date, {first}");
    Err(file.wrong(row.line, 0, expected, &row.date.to_string()))
}

fn count_duplicates(flights: &[Flight]) -> u64 {
    let mut seen = HashSet::with_capacity(flights.len());
    let mut is_new = |f: &&Flight| {
        seen.insert((f.minute, f.delay_min, f.distance_mi.to_bits(), f.origin, f.destination))
    };
    (flights.len() - flights.iter().filter(|f| is_new(f)).count()) as u64
}

#[cfg(test)]
mod tests {
    use std::fs;
    use std::path::PathBuf;

    use super::super::airports::{self, Iata};
    use super::*;

    const AIRPORTS: &str = "iata,name,city,state,latitude,longitude\n\
        LAS,McCarran,Las Vegas,NV,36.08036111,-115.1523333\n\
        SAN,Lindbergh,San Diego,CA,32.73355611,-117.1896567\n";

    fn read_text(rows: &str) -> Result<FlightWeek, String> {
        let folder = tempfile::tempdir().unwrap();
        let write = |name: &str, text: &str| -> PathBuf {
            let path = folder.path().join(name);
            fs::write(&path, text).unwrap();
            path
        };
        let airports = CsvFile::read(&write("airports.csv", AIRPORTS), airports::COLUMNS).unwrap();
        let airports = airports::read(&airports).unwrap();
        assert_eq!(Some(airports[1].iata), Iata::parse("SAN"));
        let header = COLUMNS.join(",");
        let flights = write("flights.csv", &format!("{header}\n{rows}"));
        let week = CsvFile::read(&flights, COLUMNS).and_then(|file| read(&file, &airports));
        let folder = format!("{}:", flights.display());
        week.map_err(|error| error.to_string().replace(&folder, ""))
    }

    #[test]
    fn the_earliest_date_is_day_one_whatever_the_order() {
        let week = read_text("2001-06-07T23:59,0,258,LAS,SAN\n2001-06-01T00:05,-61,258,SAN,LAS\n");
        let week = week.unwrap();
        assert_eq!(week.first_date.to_string(), "2001-06-01");
        assert_eq!(week.flights.iter().map(|f| f.minute).collect::<Vec<_>>(), [10_079, 5]);
        assert_eq!((week.duplicate_rows, week.early_outliers), (0, 1));
        assert_eq!(week.weekly_departures(2), [1, 1]);
    }

    #[test]
    fn rows_that_recur_are_kept_and_counted() {
        let row = "2001-06-01T00:05,-60,258,SAN,LAS\n";
        let week = read_text(&row.repeat(3)).unwrap();
        assert_eq!((week.flights.len(), week.duplicate_rows, week.early_outliers), (3, 2, 0));
    }

    #[test]
    fn each_fault_is_named_with_its_place() {
        let known = "expected the code of an airport in the airport file";
        let off = "expected at most 25 miles off the great circle from LAS to SAN, 259 miles";
        for (row, message) in [
            ("2001-06-31T00:00,0,258,LAS,SAN", r#"departure: expected a time like 2001-06-01T23:59, found "2001-06-31T00:00""#.to_owned()),
            ("2001-06-01T00:00,1.5,258,LAS,SAN", r#"delay_min: expected whole minutes, found "1.5""#.to_owned()),
            ("2001-06-01T00:00,0,-1,LAS,SAN", r#"distance_mi: expected statute miles, not negative, found "-1""#.to_owned()),
            ("2001-06-01T00:00,0,NaN,LAS,SAN", r#"distance_mi: expected statute miles, not negative, found "NaN""#.to_owned()),
            ("2001-06-01T00:00,0,285,LAS,SAN", format!(r#"distance_mi: {off}, found "285""#)),
            ("2001-06-01T00:00,0,258,XXX,SAN", format!(r#"origin: {known}, found "XXX""#)),
            ("2001-06-01T00:00,0,258,LAS,SA", format!(r#"destination: {known}, found "SA""#)),
            ("2001-06-08T00:05,0,258,LAS,SAN", r#"departure: expected a time within seven days of the file's first date, 2001-06-01, found "2001-06-08""#.to_owned()),
        ] {
            let rows = format!("2001-06-01T00:00,0,258,LAS,SAN\n{row}\n");
            assert_eq!(read_text(&rows).unwrap_err(), format!("3: column {message}"));
        }
    }
}
