//! Infection without a draw a tick.

use serde::{Deserialize, Serialize};

use crate::input::cities::CityIndex;

/// Accumulates, a city, the hazard of infection since the start.
///
/// # The construction
///
/// In a tick a susceptible person is to be infected with probability
/// `1 - exp(-beta I / N dt)`. Instead of a draw a person and tick, each person draws once a
/// resistance R from the exponential distribution of mean 1, and is infected in the first
/// tick in which the hazard that it has lived through, the sum of `beta I / N dt` over its
/// ticks, exceeds R (T. Sellke, Journal of Applied Probability 20, 1983). That is the same law.
/// Let h be the hazard lived through so far and d that of the coming tick. Then
///
/// ```text
/// P(R <= h + d | R > h) = 1 - exp(-(h + d)) / exp(-h) = 1 - exp(-d)
/// ```
///
/// whatever d is and however it came about, and independently of other people's draws.
///
/// # Thresholds
///
/// All people of a city live through the same hazard, so one sum a city is enough: who
/// arrives with resistance r left is given the *threshold* `sum + r`, and is infected when
/// the sum exceeds it. Who leaves takes `threshold - sum` along. The susceptible of a city
/// stand in [`Queues`](crate::queues::Queues) by their thresholds, so a tick costs one
/// comparison a city, and one for each who is infected.
///
/// The comparison is strict. A city without hazard keeps its sum to the bit, and who is
/// there keeps `sum <= threshold`; so where nobody is infectious nobody is infected, not even
/// when `sum + r` rounds to `sum`.
///
/// The sums are floating point, but each is added to by one tick after another and from
/// integer counts, so they are the same on any number of threads.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Hazard {
    sums: Vec<f64>,
}

impl Hazard {
    /// Starts without hazard in any of `cities`.
    #[must_use]
    pub fn new(cities: usize) -> Self {
        Self { sums: vec![0.0; cities] }
    }

    /// Adds a tick's hazard to a city: `beta I / N dt`, or nothing in an empty city.
    ///
    /// `beta` is infections a day, `tick_days` the length of a tick in days.
    pub fn expose(
        &mut self,
        city: CityIndex,
        infectious: u32,
        present: u32,
        beta: f64,
        tick_days: f64,
    ) {
        if infectious > 0 && present > 0 {
            let share = f64::from(infectious) / f64::from(present);
            self.sums[city.index()] += beta * share * tick_days;
        }
    }

    /// The sum, a city, that [`overcomes`] compares with.
    #[must_use]
    pub fn sums(&self) -> &[f64] {
        &self.sums
    }

    /// Gives the threshold of a person who arrives in a city with this resistance left.
    #[must_use]
    pub fn threshold(&self, city: CityIndex, resistance: f64) -> f64 {
        self.sums[city.index()] + resistance
    }

    /// Gives the resistance that a person who leaves a city has left.
    #[must_use]
    pub fn resistance_left(&self, city: CityIndex, threshold: f64) -> f64 {
        threshold - self.sums[city.index()]
    }
}

/// Tells whether a city's sum infects the person with this threshold.
#[must_use]
#[inline]
pub fn overcomes(sum: f64, threshold: f64) -> bool {
    sum > threshold
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::draws::{DrawName, Draws};
    use crate::purpose::Purpose;

    const HERE: CityIndex = CityIndex(0);
    const THERE: CityIndex = CityIndex(1);

    fn resistance(person: u64) -> f64 {
        let purpose = Purpose::Resistance;
        Draws::new(11).exponential(DrawName { entity: person, tick: 0, purpose })
    }

    /// Five standard errors of a share of `people`.
    fn error_of(probability: f64, people: f64) -> f64 {
        5.0 * (probability * (1.0 - probability) / people).sqrt()
    }

    #[test]
    fn each_tick_infects_with_its_own_probability() {
        let mut hazard = Hazard::new(2);
        let mut left: Vec<f64> =
            (0..200_000).map(|p| hazard.threshold(HERE, resistance(p))).collect();
        for (infectious, present) in [(1, 10), (0, 10), (7, 10), (2, 3)] {
            hazard.expose(HERE, infectious, present, 1.25, 0.5);
            let before = left.len() as f64;
            left.retain(|&threshold| !overcomes(hazard.sums()[0], threshold));
            let infected = 1.0 - left.len() as f64 / before;
            let share = f64::from(infectious) / f64::from(present);
            let probability = 1.0 - (-1.25 * share * 0.5).exp();
            assert!((infected - probability).abs() <= error_of(probability, before));
        }
    }

    #[test]
    fn who_travels_takes_the_resistance_left_along() {
        let mut hazard = Hazard::new(2);
        hazard.expose(HERE, 1, 4, 1.0, 1.0);
        hazard.expose(THERE, 9, 1, 1.0, 1.0);
        let home: Vec<f64> = (0..200_000)
            .map(resistance)
            .filter(|&threshold| !overcomes(hazard.sums()[0], threshold))
            .collect();
        let away = home.iter().map(|&t| hazard.threshold(THERE, hazard.resistance_left(HERE, t)));
        let away: Vec<f64> = away.collect();
        assert!(
            away.iter().all(|&t| !overcomes(hazard.sums()[1], t)),
            "the past of the place is not theirs"
        );
        hazard.expose(THERE, 1, 2, 1.0, 1.0);
        let infected = away.iter().filter(|&&t| overcomes(hazard.sums()[1], t)).count();
        let probability = 1.0 - (-0.5_f64).exp();
        let share = infected as f64 / away.len() as f64;
        assert!((share - probability).abs() <= error_of(probability, away.len() as f64));
    }

    #[test]
    fn without_anybody_infectious_nobody_is_infected() {
        let mut hazard = Hazard::new(1);
        hazard.expose(HERE, 1, 1, 30.0, 1.0);
        // Too little to change the sum.
        let threshold = hazard.threshold(HERE, 1e-300);
        hazard.expose(HERE, 0, 5, 30.0, 1.0);
        hazard.expose(HERE, 0, 0, 30.0, 1.0);
        hazard.expose(HERE, 3, 0, 30.0, 1.0);
        assert!(!overcomes(hazard.sums()[0], threshold));
    }
}
