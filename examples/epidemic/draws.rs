//! Random draws that depend on nothing but the seed and what they are for.

use crate::philox::philox4x32;
use crate::poisson::Poisson;
use crate::purpose::Purpose;

/// Gives the draws of a run.
///
/// A draw is named by an entity, a tick and a [`Purpose`]: together they are the
/// counter of [Philox](crate::philox), and the seed is its key. So a draw is the same in
/// any order and on any number of threads, and asking twice gives the same number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Draws {
    key: [u32; 2],
}

/// Names one draw: the entity's id as a number, the tick and the use.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct DrawName {
    /// Whose draw it is.
    pub entity: u64,
    /// When it is made.
    pub tick: u32,
    /// What for.
    pub purpose: Purpose,
}

impl Draws {
    /// Makes the draws of the run with this seed.
    #[must_use]
    pub fn new(seed: u64) -> Self {
        Self { key: halves(seed) }
    }

    /// Draws 64 uniform bits.
    #[must_use]
    pub fn bits(self, name: DrawName) -> u64 {
        let [low, high] = halves(name.entity);
        let block = philox4x32([low, high, name.tick, name.purpose as u32], self.key);
        u64::from(block[0]) | u64::from(block[1]) << 32
    }

    /// Draws a uniform number above 0 and up to 1, a multiple of 2^-53.
    #[must_use]
    pub fn uniform(self, name: DrawName) -> f64 {
        ((self.bits(name) >> 11) + 1) as f64 * (1.0 / (1_u64 << 53) as f64)
    }

    /// Draws a uniform whole number below `bound`, without a division.
    ///
    /// Each number's probability is off by less than 2^-64 (Lemire, ACM TOMACS 2019,
    /// without the rejection, which would need a second draw).
    ///
    /// # Panics
    /// When `bound` is 0.
    #[must_use]
    pub fn below(self, bound: u64, name: DrawName) -> u64 {
        assert!(bound > 0, "there is no number below 0 to draw");
        ((u128::from(self.bits(name)) * u128::from(bound)) >> 64) as u64
    }

    /// Draws from the exponential distribution of mean 1.
    #[must_use]
    pub fn exponential(self, name: DrawName) -> f64 {
        -libm::log(self.uniform(name))
    }

    /// Draws how many events happen (a Poisson number).
    #[must_use]
    pub fn poisson(self, events: &Poisson, name: DrawName) -> u32 {
        events.quantile(self.uniform(name))
    }

    /// Draws the index of one of several weights, given their running sums.
    ///
    /// # Panics
    /// When `running_sums` is empty or its last sum is 0.
    #[must_use]
    pub fn weighted(self, running_sums: &[u64], name: DrawName) -> usize {
        let total = *running_sums.last().expect("a choice needs something to choose from");
        let drawn = self.below(total, name);
        running_sums.partition_point(|&sum| sum <= drawn)
    }
}

/// The low and the high word.
fn halves(word: u64) -> [u32; 2] {
    [word as u32, (word >> 32) as u32]
}

#[cfg(test)]
mod tests {
    use super::*;

    fn name(entity: u64) -> DrawName {
        DrawName { entity, tick: 0, purpose: Purpose::Resistance }
    }

    fn mean(of: impl Fn(DrawName) -> f64) -> f64 {
        (0..40_000).map(|entity| of(name(entity))).sum::<f64>() / 40_000.0
    }

    #[test]
    fn every_part_of_the_name_and_the_seed_matter() {
        let draws = Draws::new(1);
        let first = draws.bits(name(7));
        assert_eq!(first, draws.bits(name(7)));
        assert_ne!(first, draws.bits(name(8)));
        assert_ne!(first, draws.bits(name(7 | 1 << 40)));
        assert_ne!(first, draws.bits(DrawName { tick: 1, ..name(7) }));
        assert_ne!(first, draws.bits(DrawName { purpose: Purpose::Stay, ..name(7) }));
        assert_ne!(first, Draws::new(2).bits(name(7)));
        assert_ne!(first, Draws::new(1 | 1 << 40).bits(name(7)));
    }

    #[test]
    fn uniforms_are_above_zero_and_have_their_moments() {
        let draws = Draws::new(3);
        assert!((0..40_000).all(|e| (f64::MIN_POSITIVE..=1.0).contains(&draws.uniform(name(e)))));
        // Five standard errors of 40,000 draws.
        assert!((mean(|n| draws.uniform(n)) - 0.5).abs() < 0.0073);
        assert!((mean(|n| draws.uniform(n).powi(2)) - 1.0 / 3.0).abs() < 0.0075);
    }

    #[test]
    fn exponentials_have_their_moments() {
        let draws = Draws::new(4);
        assert!((mean(|n| draws.exponential(n)) - 1.0).abs() < 0.025);
        assert!((mean(|n| draws.exponential(n).powi(2)) - 2.0).abs() < 0.12);
    }

    #[test]
    fn weights_are_kept() {
        let (draws, sums) = (Draws::new(5), [1, 1, 4, 10]);
        let mut counts = [0_i32; 4];
        (0..40_000).for_each(|entity| counts[draws.weighted(&sums, name(entity))] += 1);
        assert_eq!(counts[1], 0, "a weight of 0 is never chosen");
        for (count, expected) in counts.into_iter().zip([4_000, 0, 12_000, 24_000]) {
            assert!((count - expected).abs() < 500, "{count} is far from {expected}");
        }
    }

    #[test]
    fn below_stays_below_and_reaches_both_ends() {
        let draws = Draws::new(6);
        let drawn: Vec<u64> = (0..200).map(|entity| draws.below(3, name(entity))).collect();
        assert!((0..3).all(|number| drawn.contains(&number)));
        assert!(drawn.iter().all(|&number| number < 3));
    }
}
