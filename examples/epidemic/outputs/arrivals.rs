//! When the epidemic came to which airport, and how far that is by air.

use serde::Serialize;

use crate::statistics::pearson;

/// An airport's row of `arrivals.csv`. The names of the fields are the header.
#[derive(Clone, Debug, PartialEq, Serialize)]
pub struct Arrival {
    /// The airport's code.
    pub airport: String,
    /// [Effective distance](crate::effective_distance) from the first city's airports.
    pub effective_distance: f64,
    /// The day, from 1, on which the catchment's first case appeared; empty if none did.
    pub day: Option<u32>,
}

/// Correlates the day with the effective distance over the airports that were reached.
#[must_use]
pub fn correlation(arrivals: &[Arrival]) -> Option<f64> {
    let reached = arrivals
        .iter()
        .filter_map(|arrival| arrival.day.map(|day| (arrival.effective_distance, f64::from(day))));
    pearson(&reached.collect::<Vec<_>>())
}

/// Writes the rows as CSV with a header.
#[must_use]
pub fn to_csv(arrivals: &[Arrival]) -> Vec<u8> {
    super::to_csv(&["airport", "effective_distance", "day"], arrivals)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arrival(airport: &str, effective_distance: f64, day: Option<u32>) -> Arrival {
        Arrival { airport: airport.to_owned(), effective_distance, day }
    }

    #[test]
    fn an_airport_that_was_not_reached_has_no_day_and_no_say() {
        let mut arrivals = vec![arrival("AAA", 1.0, Some(3)), arrival("BBB", 2.5, Some(6))];
        arrivals.push(arrival("CCC", 9.0, None));
        assert!((correlation(&arrivals).unwrap() - 1.0).abs() < 1e-12);
        let csv = String::from_utf8(to_csv(&arrivals)).unwrap();
        assert_eq!(csv, "airport,effective_distance,day\nAAA,1.0,3\nBBB,2.5,6\nCCC,9.0,\n");
    }
}
