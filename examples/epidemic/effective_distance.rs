//! How far airports are from each other by air, measured in travellers instead of miles.

use crate::input::airports::AirportIndex;
use crate::input::flights::Flight;

/// Measures the effective distance of every airport from the nearest of `sources`.
///
/// A leg is `1 - ln P` long, where P is the share of its origin's flights that take it, and
/// a path is as long as its legs together; the distance is that of the shortest path
/// (Brockmann and Helbing, Science 342, 2013). Sources are at 0; `None` is where no
/// path leads.
///
/// # Complexity
/// The square of the number of airports (Dijkstra's algorithm over a full matrix).
#[must_use]
pub fn effective_distances(
    airports: usize,
    flights: &[Flight],
    sources: &[AirportIndex],
) -> Vec<Option<f64>> {
    let legs = leg_lengths(airports, flights);
    let mut distances = vec![f64::INFINITY; airports];
    for source in sources {
        distances[source.index()] = 0.0;
    }
    let mut open = vec![true; airports];
    let nearest = |open: &[bool], distances: &[f64]| {
        let reached = (0..airports).filter(|&a| open[a] && distances[a].is_finite());
        reached.min_by(|&a, &b| distances[a].total_cmp(&distances[b]))
    };
    while let Some(from) = nearest(&open, &distances) {
        open[from] = false;
        for (to, leg) in legs[from].iter().enumerate() {
            distances[to] = distances[to].min(distances[from] + leg);
        }
    }
    distances.into_iter().map(|distance| Some(distance).filter(|d| d.is_finite())).collect()
}

/// For each pair of airports the length of the leg; infinite where none flies.
fn leg_lengths(airports: usize, flights: &[Flight]) -> Vec<Vec<f64>> {
    let mut counts = vec![vec![0_u32; airports]; airports];
    for flight in flights {
        counts[flight.origin.index()][flight.destination.index()] += 1;
    }
    let lengths_of = |row: Vec<u32>| {
        let all = f64::from(row.iter().sum::<u32>());
        // The logarithm of 0 makes the length of a leg that nobody flies infinite.
        row.into_iter().map(|count| 1.0 - libm::log(f64::from(count) / all.max(1.0))).collect()
    };
    counts.into_iter().map(lengths_of).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flights(legs: &[(u16, u16, usize)]) -> Vec<Flight> {
        let flight = |origin, destination| Flight {
            minute: 0,
            delay_min: 0,
            distance_mi: 0.0,
            origin: AirportIndex(origin),
            destination: AirportIndex(destination),
        };
        legs.iter().flat_map(|&(from, to, count)| vec![flight(from, to); count]).collect()
    }

    #[test]
    fn a_busy_detour_is_nearer_than_a_rare_leg() {
        // 0 -> 2 directly takes one flight in 100; by way of 1 nearly all.
        let week = flights(&[(0, 1, 99), (0, 2, 1), (1, 2, 1), (3, 0, 5)]);
        let distances = effective_distances(5, &week, &[AirportIndex(0)]);
        let first = 1.0 - 0.99_f64.ln();
        assert_eq!(distances[0], Some(0.0));
        assert!((distances[1].unwrap() - first).abs() < 1e-12);
        assert!((distances[2].unwrap() - (first + 1.0)).abs() < 1e-12);
        assert_eq!(&distances[3..], [None, None], "no path leads there");
    }

    #[test]
    fn the_nearest_source_counts() {
        let week = flights(&[(0, 2, 1), (0, 3, 1), (1, 2, 1)]);
        let distances = effective_distances(4, &week, &[AirportIndex(0), AirportIndex(1)]);
        assert_eq!(distances[..3], [Some(0.0), Some(0.0), Some(1.0)]);
        assert!((distances[3].unwrap() - (1.0 + 2.0_f64.ln())).abs() < 1e-12);
    }
}
