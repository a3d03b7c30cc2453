//! The Poisson distribution, by inversion.

/// A Poisson distribution.
///
/// Inversion needs one uniform number whatever the mean, so that one counter of the
/// generator is enough. The search begins at the mode and goes outward in turns, which
/// keeps it short and its terms far from underflow for a large mean too. (It pairs
/// numbers with parts of the unit interval in that order rather than in rising order; each
/// keeps a part as long as its probability.) Exact to the rounding of `f64`; only
/// `libm` is used, so the bits are the same on every processor.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Poisson {
    mean: f64,
    mode: f64,
    /// The probability of the mode, which takes three functions of `libm` to find.
    at_mode: f64,
}

impl Poisson {
    /// Makes the distribution of this mean.
    ///
    /// # Panics
    /// When `mean` is not a number from 0 to a billion.
    #[must_use]
    pub fn new(mean: f64) -> Self {
        assert!((0.0..=1e9).contains(&mean), "a Poisson mean of {mean} is out of range");
        let mode = mean.floor();
        let at_mode = if mean == 0.0 {
            1.0
        } else {
            libm::exp(mode * libm::log(mean) - mean - libm::lgamma(mode + 1.0))
        };
        Self { mean, mode, at_mode }
    }

    /// The mean.
    #[must_use]
    pub fn mean(&self) -> f64 {
        self.mean
    }

    /// Finds the number that belongs to a uniform number.
    ///
    /// # Complexity
    /// Proportional to the square root of the mean.
    #[must_use]
    pub fn quantile(&self, uniform: f64) -> u32 {
        let Self { mean, mode, at_mode } = *self;
        let (mut above, mut at_above) = (mode, at_mode);
        let (mut below, mut at_below) = (mode, at_mode);
        let mut left = uniform - at_mode;
        while left > 0.0 {
            above += 1.0;
            at_above *= mean / above;
            left -= at_above;
            if left <= 0.0 {
                return above as u32;
            }
            if below > 0.0 {
                at_below *= below / mean;
                below -= 1.0;
                left -= at_below;
                if left <= 0.0 {
                    return below as u32;
                }
            }
            // What rounding leaves of the interval when nothing is to come.
            if at_above < f64::EPSILON * left && (below == 0.0 || at_below < f64::EPSILON * left) {
                break;
            }
        }
        mode as u32
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The midpoints of a fine grid over the unit interval.
    fn grid() -> impl Iterator<Item = f64> {
        (0..200_000).map(|step| (f64::from(step) + 0.5) / 200_000.0)
    }

    #[test]
    fn mean_and_variance_are_both_the_mean() {
        for mean in [0.01, 0.48, 1.0, 3.7, 48.0, 311.5] {
            let poisson = Poisson::new(mean);
            let numbers: Vec<f64> = grid().map(|u| f64::from(poisson.quantile(u))).collect();
            let count = numbers.len() as f64;
            let average = numbers.iter().sum::<f64>() / count;
            let variance = numbers.iter().map(|n| (n - average).powi(2)).sum::<f64>() / count;
            assert!((average - mean).abs() < 1e-3 * mean, "{average} for {mean}");
            assert!((variance - mean).abs() < 3e-3 * mean, "{variance} for {mean}");
        }
    }

    #[test]
    fn each_number_has_its_probability() {
        let mean = 2.5;
        let poisson = Poisson::new(mean);
        let mut shares = [0.0; 8];
        for uniform in grid() {
            let number = poisson.quantile(uniform) as usize;
            if number < 8 {
                shares[number] += 1.0 / 200_000.0;
            }
        }
        let mut probability = (-mean).exp();
        for (number, share) in shares.into_iter().enumerate() {
            assert!((share - probability).abs() < 2e-5, "{number}: {share} for {probability}");
            probability *= mean / (number + 1) as f64;
        }
    }

    #[test]
    fn the_ends_of_the_interval_give_a_number() {
        assert_eq!(Poisson::new(0.0).quantile(1.0), 0);
        for mean in [1e-300, 0.5, 40.0, 2_000.0, 1e6] {
            let poisson = Poisson::new(mean);
            let far = f64::from(poisson.quantile(1.0)) - mean;
            assert!(far.abs() < 12.0 * mean.sqrt() + 20.0, "{far} from {mean}");
            assert_eq!(f64::from(poisson.quantile(f64::MIN_POSITIVE)), mean.floor());
        }
    }
}
