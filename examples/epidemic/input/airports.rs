//! The airports.

use std::collections::HashMap;
use std::fmt;

use crate::error::Error;
use crate::geo::Position;

use super::csv_file::{CsvFile, within, word};

/// The columns of the airport file.
pub(crate) const COLUMNS: &[&str] = &["iata", "name", "city", "state", "latitude", "longitude"];

/// An airport's place in the file, from 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AirportIndex(pub u16);

impl AirportIndex {
    /// The number for an array that has an element an airport.
    #[must_use]
    pub fn index(self) -> usize {
        usize::from(self.0)
    }

    /// The airport with this place in an array that has an element an airport.
    ///
    /// # Panics
    /// When it is past the largest place that an airport can have.
    #[must_use]
    pub fn at(index: usize) -> Self {
        Self(u16::try_from(index).expect("three letters name fewer airports than a u16 can"))
    }
}

/// An airport's three-letter code.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Iata([u8; 3]);

impl Iata {
    /// Reads a code: three capital letters.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let letters: [u8; 3] = text.as_bytes().try_into().ok()?;
        letters.iter().all(u8::is_ascii_uppercase).then_some(Self(letters))
    }
}

impl fmt::Display for Iata {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|&letter| write!(f, "{}", char::from(letter)))
    }
}

/// An airport of the file.
#[derive(Clone, Debug, PartialEq)]
pub struct Airport {
    /// Its code.
    pub iata: Iata,
    /// Its name.
    pub name: String,
    /// Where it lies.
    pub position: Position,
}

/// Reads all airports.
pub(crate) fn read(file: &CsvFile) -> Result<Vec<Airport>, Error> {
    let mut lines = HashMap::new();
    file.read_rows(|row| {
        let iata = row.field(0, "three capital letters", Iata::parse)?;
        if let Some(line) = lines.insert(iata, row.line()) {
            return Err(row.wrong(0, format!("a code that line {line} does not have")));
        }
        Ok(Airport {
            iata,
            name: row.field(1, "a name", word)?,
            position: Position {
                latitude: row.field(4, "degrees from -90 to 90", within(90.0))?,
                longitude: row.field(5, "degrees from -180 to 180", within(180.0))?,
            },
        })
    })
}

/// Finds airports by their codes.
#[derive(Debug)]
pub(crate) struct AirportCodes(HashMap<Iata, AirportIndex>);

impl AirportCodes {
    pub(crate) fn new(airports: &[Airport]) -> Self {
        let entry = |(index, airport): (usize, &Airport)| (airport.iata, AirportIndex::at(index));
        Self(airports.iter().enumerate().map(entry).collect())
    }

    /// Finds the airport with the code that `text` spells.
    pub(crate) fn find(&self, text: &str) -> Option<AirportIndex> {
        Iata::parse(text).and_then(|iata| self.0.get(&iata).copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_code_is_three_capital_letters() {
        assert_eq!(Iata::parse("ORD").unwrap().to_string(), "ORD");
        for text in ["", "OR", "ord", "ORDX", "O1D", "ÉA"] {
            assert_eq!(Iata::parse(text), None);
        }
    }
}
