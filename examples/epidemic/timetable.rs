//! Which flights leave in which tick.

use crate::calendar::Calendar;
use crate::input::flights::{Flight, FlightIndex};

/// Lists the flights of every tick of the week, which repeats.
///
/// Within a tick they are in the order of their origins, then of the file, so that those
/// of one airport stand side by side.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Timetable {
    calendar: Calendar,
    /// Where in `flights` each tick of the week begins, and the end of the last.
    starts: Vec<u32>,
    flights: Vec<FlightIndex>,
}

impl Timetable {
    /// Sorts a week's flights into ticks.
    #[must_use]
    pub fn new(calendar: Calendar, week: &[Flight]) -> Self {
        let tick = |flight: &Flight| calendar.tick_of_minute(u32::from(flight.minute));
        let mut order: Vec<FlightIndex> = (0..week.len())
            .map(|row| FlightIndex(u32::try_from(row).expect("a file below 1 GiB has fewer rows")))
            .collect();
        order.sort_unstable_by_key(|&index| {
            let flight = &week[index.index()];
            (tick(flight), flight.origin, index)
        });
        let mut starts = vec![0; calendar.ticks_per_week() as usize + 1];
        for flight in week {
            starts[tick(flight) as usize + 1] += 1;
        }
        for tick in 1..starts.len() {
            starts[tick] += starts[tick - 1];
        }
        Self { calendar, starts, flights: order }
    }

    /// The flights that leave in a tick of the simulation.
    #[must_use]
    pub fn at(&self, tick: u32) -> &[FlightIndex] {
        let tick = self.calendar.tick_of_week(tick) as usize;
        &self.flights[self.starts[tick] as usize..self.starts[tick + 1] as usize]
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::input::airports::AirportIndex;

    fn flight(minute: u16, origin: u16) -> Flight {
        let [origin, destination] = [origin, 9].map(AirportIndex);
        Flight { minute, delay_min: 0, distance_mi: 0.0, origin, destination }
    }

    #[test]
    fn a_flight_leaves_in_the_tick_its_minute_falls_in_and_every_week() {
        let week = [flight(59, 1), flight(60, 0), flight(0, 2), flight(10_079, 0), flight(5, 1)];
        let timetable = Timetable::new(Calendar::new(60), &week);
        let at = |tick| timetable.at(tick).iter().map(|f| f.0).collect::<Vec<_>>();
        assert_eq!(at(0), [0, 4, 2], "by origin, then by row");
        assert_eq!((at(1), at(2), at(167)), (vec![1], vec![], vec![3]));
        assert_eq!((at(168), at(168 * 5 + 1)), (at(0), at(1)));
    }

    #[test]
    fn every_flight_leaves_once_a_week_whatever_the_tick() {
        let week: Vec<Flight> = (0..10_080).map(|minute| flight(minute, minute % 7)).collect();
        for minutes in [1, 7, 60, 90, 1_440] {
            if 1_440 % minutes != 0 {
                continue;
            }
            let calendar = Calendar::new(minutes);
            let timetable = Timetable::new(calendar, &week);
            let mut seen: Vec<u32> = (0..calendar.ticks_per_week())
                .flat_map(|tick| timetable.at(tick).iter().map(|f| f.0))
                .collect();
            seen.sort_unstable();
            assert!(seen.into_iter().eq(0..10_080));
        }
    }
}
