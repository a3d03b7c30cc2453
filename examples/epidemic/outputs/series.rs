//! The course of the epidemic by day.

use serde::{Deserialize, Serialize};

/// How many people are in which state at a day's end.
///
/// Those in flight have a state too, so the four states add up to all people. The
/// names of the fields are the header of `series.csv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct DayCounts {
    /// The day, from 1.
    pub day: u32,
    /// Never infected so far.
    pub susceptible: u32,
    /// Infected, not yet infecting others.
    pub exposed: u32,
    /// Infecting others.
    pub infectious: u32,
    /// No longer infecting others, and immune.
    pub recovered: u32,
    /// Between two places, whatever the state.
    pub in_flight: u32,
    /// How many were infected during the day; the first cases are not among them.
    pub new_infections: u32,
}

impl DayCounts {
    /// Adds up the four states.
    #[must_use]
    pub fn people(&self) -> u64 {
        [self.susceptible, self.exposed, self.infectious, self.recovered]
            .map(u64::from)
            .iter()
            .sum()
    }
}

/// Finds the day at whose end most people are infectious, the earlier of equals.
#[must_use]
pub fn peak(series: &[DayCounts]) -> Option<DayCounts> {
    series.iter().rev().max_by_key(|day| day.infectious).copied()
}

/// Writes the rows as CSV with a header.
#[must_use]
pub fn to_csv(series: &[DayCounts]) -> Vec<u8> {
    super::to_csv(&HEADER, series)
}

pub(super) const HEADER: [&str; 7] =
    ["day", "susceptible", "exposed", "infectious", "recovered", "in_flight", "new_infections"];

#[cfg(test)]
mod tests {
    use super::*;

    fn day(day: u32, infectious: u32) -> DayCounts {
        DayCounts {
            day,
            susceptible: 90,
            exposed: 3,
            infectious,
            recovered: 2,
            in_flight: 1,
            new_infections: 4,
        }
    }

    #[test]
    fn the_header_names_every_column() {
        let csv = String::from_utf8(to_csv(&[day(1, 5), day(2, 7)])).unwrap();
        let header = "day,susceptible,exposed,infectious,recovered,in_flight,new_infections\n";
        assert_eq!(csv, format!("{header}1,90,3,5,2,1,4\n2,90,3,7,2,1,4\n"));
        assert_eq!(String::from_utf8(to_csv(&[])).unwrap(), header);
    }

    #[test]
    fn the_earlier_of_two_peaks_counts() {
        assert_eq!(peak(&[day(1, 2), day(2, 5), day(3, 5)]).unwrap().day, 2);
        assert_eq!(peak(&[]), None);
        assert_eq!(day(1, 5).people(), 100);
    }
}
