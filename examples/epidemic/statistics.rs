//! Correlation and quantiles.

use serde::Serialize;

/// Computes Pearson's correlation of pairs; `None` when a side does not vary.
#[must_use]
pub fn pearson(pairs: &[(f64, f64)]) -> Option<f64> {
    let count = pairs.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| pairs.iter().map(of).sum::<f64>() / count;
    let (mean_x, mean_y) = (mean(|p| p.0), mean(|p| p.1));
    let sum = |of: &dyn Fn(f64, f64) -> f64| {
        pairs.iter().map(|&(x, y)| of(x - mean_x, y - mean_y)).sum::<f64>()
    };
    let spread = sum(&|x, _| x * x) * sum(&|_, y| y * y);
    (spread > 0.0).then(|| sum(&|x, y| x * y) / libm::sqrt(spread))
}

/// The spread of a number over several runs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize)]
pub struct Quantiles {
    /// A run in twenty is below.
    pub q05: f64,
    /// A run in four is below.
    pub q25: f64,
    /// Half of the runs are below.
    pub median: f64,
    /// A run in four is above.
    pub q75: f64,
    /// A run in twenty is above.
    pub q95: f64,
}

impl Quantiles {
    /// Computes the quantiles of numbers; `None` when there are none.
    ///
    /// Linear between the sorted numbers: type 7 of Hyndman and Fan, The American
    /// Statistician 50, 1996, which is the default of R and NumPy.
    #[must_use]
    pub fn of(mut numbers: Vec<f64>) -> Option<Self> {
        numbers.sort_by(f64::total_cmp);
        let last = numbers.len().checked_sub(1)?;
        let quantile = |share: f64| {
            let place = share * last as f64;
            let (below, part) = (place.floor() as usize, place.fract());
            numbers[below] + part * (numbers[last.min(below + 1)] - numbers[below])
        };
        Some(Self {
            q05: quantile(0.05),
            q25: quantile(0.25),
            median: quantile(0.5),
            q75: quantile(0.75),
            q95: quantile(0.95),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_line_correlates_wholly() {
        let line = |slope: f64| [(0.0, 1.0), (1.0, 1.0 + slope), (5.0, 1.0 + 5.0 * slope)];
        assert!((pearson(&line(2.0)).unwrap() - 1.0).abs() < 1e-12);
        assert!((pearson(&line(-0.1)).unwrap() + 1.0).abs() < 1e-12);
        // Computed by hand: covariance 2, spreads 2 and 8/3.
        let bent = [(1.0, 0.0), (2.0, 0.0), (3.0, 2.0)];
        assert!((pearson(&bent).unwrap() - 2.0 / (2.0_f64 * 8.0 / 3.0).sqrt()).abs() < 1e-12);
    }

    #[test]
    fn what_does_not_vary_correlates_with_nothing() {
        assert_eq!(pearson(&line_at(3.0)), None);
        assert_eq!(pearson(&[]), None);
        assert_eq!(pearson(&[(1.0, 2.0)]), None);
    }

    fn line_at(height: f64) -> [(f64, f64); 2] {
        [(0.0, height), (1.0, height)]
    }

    #[test]
    fn quantiles_are_linear_between_the_numbers() {
        let quantiles = Quantiles::of(vec![4.0, 1.0, 3.0, 2.0]).unwrap();
        assert_eq!((quantiles.q25, quantiles.median, quantiles.q75), (1.75, 2.5, 3.25));
        let one = Quantiles::of(vec![7.0]).unwrap();
        assert_eq!((one.q05, one.median, one.q95), (7.0, 7.0, 7.0));
        assert_eq!(Quantiles::of(Vec::new()), None);
    }
}
