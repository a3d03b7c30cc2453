//! Ticks, days and weeks.

use serde::{Deserialize, Serialize};

/// Minutes a day.
pub const DAY_MINUTES: u32 = 24 * 60;

/// Minutes a week, which the timetable repeats.
pub const WEEK_MINUTES: u32 = 7 * DAY_MINUTES;

/// Converts between ticks and time.
///
/// Tick 0 begins at the first minute of day 1, which is the flight file's first date.
/// File times are simulation time: nothing is converted between zones.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Calendar {
    tick_minutes: u32,
}

impl Calendar {
    /// Makes a calendar of ticks of this many minutes.
    ///
    /// # Panics
    /// When a day is not a whole number of ticks.
    #[must_use]
    pub fn new(tick_minutes: u32) -> Self {
        let divides = tick_minutes > 0 && DAY_MINUTES.is_multiple_of(tick_minutes);
        assert!(divides, "{tick_minutes} minutes do not divide a day");
        Self { tick_minutes }
    }

    /// Minutes a tick.
    #[must_use]
    pub fn tick_minutes(self) -> u32 {
        self.tick_minutes
    }

    /// Days a tick: the `dt` of the model's rates.
    #[must_use]
    pub fn tick_days(self) -> f64 {
        f64::from(self.tick_minutes) / f64::from(DAY_MINUTES)
    }

    /// Ticks a day.
    #[must_use]
    pub fn ticks_per_day(self) -> u32 {
        DAY_MINUTES / self.tick_minutes
    }

    /// Ticks a week.
    #[must_use]
    pub fn ticks_per_week(self) -> u32 {
        7 * self.ticks_per_day()
    }

    /// Counts the ticks of this many days.
    #[must_use]
    pub fn ticks_of_days(self, days: u32) -> u32 {
        days * self.ticks_per_day()
    }

    /// Finds the day, counted from 1, in which a tick lies.
    #[must_use]
    pub fn day_of(self, tick: u32) -> u32 {
        tick / self.ticks_per_day() + 1
    }

    /// Tells whether a tick is the last of its day.
    #[must_use]
    pub fn ends_day(self, tick: u32) -> bool {
        (tick + 1).is_multiple_of(self.ticks_per_day())
    }

    /// Finds a tick's place in the week, from 0.
    #[must_use]
    pub fn tick_of_week(self, tick: u32) -> u32 {
        tick % self.ticks_per_week()
    }

    /// Finds the tick in which a minute of the week falls.
    #[must_use]
    pub fn tick_of_minute(self, minute_of_week: u32) -> u32 {
        minute_of_week / self.tick_minutes
    }

    /// Rounds a time in minutes to ticks, to the nearest and at least one.
    ///
    /// Every duration of the model is rounded in this way: illness, flight and stay.
    #[must_use]
    pub fn duration(self, minutes: f64) -> u32 {
        // A duration beyond what a u32 holds ends after every run: the cast saturates.
        ((minutes / f64::from(self.tick_minutes)).round() as u32).max(1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_hour_makes_24_ticks_a_day() {
        let hours = Calendar::new(60);
        assert_eq!((hours.ticks_per_day(), hours.ticks_per_week()), (24, 168));
        assert_eq!(hours.ticks_of_days(60), 1_440);
        assert_eq!((hours.day_of(0), hours.day_of(23), hours.day_of(24)), (1, 1, 2));
        assert!(hours.ends_day(23) && !hours.ends_day(24));
        assert_eq!(hours.tick_of_week(168 + 5), 5);
        assert_eq!((hours.tick_of_minute(59), hours.tick_of_minute(60)), (0, 1));
    }

    #[test]
    fn durations_round_to_the_nearest_and_never_to_none() {
        let hours = Calendar::new(60);
        let ticks = [0.0, 29.0, 89.0, 90.0, 91.0, 1e300].map(|minutes| hours.duration(minutes));
        assert_eq!(ticks, [1, 1, 1, 2, 2, u32::MAX]);
    }

    #[test]
    #[should_panic(expected = "50 minutes do not divide a day")]
    fn a_tick_must_divide_the_day() {
        let _ = Calendar::new(50);
    }
}
