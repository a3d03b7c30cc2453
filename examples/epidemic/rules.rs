//! The numbers of the model.

use crate::calendar::{Calendar, DAY_MINUTES};
use crate::parameters::Parameters;
use crate::poisson::Poisson;

/// Seats that every flight sells, were the people as many as in reality.
pub const SEATS: f64 = 100.0;

/// Ground speed of every flight, in statute miles an hour.
pub const SPEED_MPH: f64 = 460.0;

/// What a flight takes besides, in minutes: taxiing, climb and descent.
pub const GROUND_MINUTES: f64 = 30.0;

/// Mean stay at a destination, in days; exponential.
pub const MEAN_STAY_DAYS: f64 = 3.0;

/// What follows from a run's parameters, in ticks.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Rules {
    /// Converts ticks and minutes.
    pub calendar: Calendar,
    /// Infections a day that an infectious person causes among the susceptible.
    pub beta: f64,
    /// How many people want to board a flight.
    pub passengers: Poisson,
    latent_days: f64,
    infectious_days: f64,
}

impl Rules {
    /// Derives the rules; `population` is how many people live in the cities in reality.
    #[must_use]
    pub fn new(parameters: &Parameters, population: u64) -> Self {
        Self {
            calendar: Calendar::new(parameters.tick_minutes),
            beta: parameters.r0 / parameters.infectious_days,
            passengers: Poisson::new(SEATS * f64::from(parameters.people) / population as f64),
            latent_days: parameters.latent_days,
            infectious_days: parameters.infectious_days,
        }
    }

    /// Turns an exponential draw of mean 1 into a latent time, in ticks.
    #[must_use]
    pub fn latent_ticks(&self, draw: f64) -> u32 {
        self.ticks_of_days(draw * self.latent_days)
    }

    /// Turns an exponential draw of mean 1 into an infectious time, in ticks.
    #[must_use]
    pub fn infectious_ticks(&self, draw: f64) -> u32 {
        self.ticks_of_days(draw * self.infectious_days)
    }

    /// Turns an exponential draw of mean 1 into a stay, in ticks.
    #[must_use]
    pub fn stay_ticks(&self, draw: f64) -> u32 {
        self.ticks_of_days(draw * MEAN_STAY_DAYS)
    }

    /// How many ticks a flight over this distance takes.
    #[must_use]
    pub fn flight_ticks(&self, distance_mi: f64) -> u32 {
        self.calendar.duration(distance_mi / SPEED_MPH * 60.0 + GROUND_MINUTES)
    }

    fn ticks_of_days(&self, days: f64) -> u32 {
        self.calendar.duration(days * f64::from(DAY_MINUTES))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rules(tick_minutes: u32) -> Rules {
        let parameters = Parameters {
            people: 1_000_000,
            tick_minutes,
            seed: 1,
            r0: 2.5,
            latent_days: 1.0,
            infectious_days: 2.0,
            first_cases: 100,
            first_city: String::new(),
            single_city: false,
            no_flights: false,
            fingerprint: 0,
        };
        Rules::new(&parameters, 200_000_000)
    }

    #[test]
    fn rates_follow_from_the_parameters() {
        assert_eq!((rules(60).beta, rules(60).passengers.mean()), (1.25, 0.5));
    }

    #[test]
    fn times_are_in_ticks_of_any_length() {
        let (hours, minutes) = (rules(60), rules(1));
        assert_eq!((hours.latent_ticks(1.0), hours.infectious_ticks(1.0)), (24, 48));
        assert_eq!((hours.stay_ticks(1.0), minutes.stay_ticks(0.5)), (72, 2_160));
        assert_eq!(hours.latent_ticks(1e-9), 1);
        // 2,475 miles, New York to Los Angeles: 5 h 53 min.
        assert_eq!((hours.flight_ticks(2_475.0), minutes.flight_ticks(2_475.0)), (6, 353));
    }
}
