//! Sharing out whole people.

/// Shares `total` out in proportion to whole weights, by largest remainder.
///
/// Everyone gets the whole part of the fair share; what is left goes to the largest
/// fractions, one each, ties to the earlier (Hamilton's method). The shares add up to
/// `total`, and each is less than one away from the fair share. All of it is done in
/// integers, so it is exact.
///
/// # Panics
/// When every weight is 0 and `total` is not.
#[must_use]
pub fn apportion(total: u64, weights: &[u64]) -> Vec<u64> {
    let sum: u128 = weights.iter().map(|&weight| u128::from(weight)).sum();
    if sum == 0 {
        assert_eq!(total, 0, "there is nobody to give {total} to");
        return vec![0; weights.len()];
    }
    let product = |weight: u64| u128::from(total) * u128::from(weight);
    let mut shares: Vec<u64> = weights.iter().map(|&w| (product(w) / sum) as u64).collect();
    let left = (total - shares.iter().sum::<u64>()) as usize;
    let mut by_fraction: Vec<usize> = (0..weights.len()).collect();
    // The sort is stable: of equal fractions the earlier comes first.
    by_fraction.sort_by_key(|&index| core::cmp::Reverse(product(weights[index]) % sum));
    for &index in &by_fraction[..left] {
        shares[index] += 1;
    }
    shares
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shares_add_up_and_stay_within_one_of_fair() {
        let weights = [8_804_190, 3_820_914, 15_001, 15_000, 0, 77];
        let sum: u64 = weights.iter().sum();
        for total in [0, 1, 2, 999, 1_000_000, sum, 7 * sum + 3] {
            let shares = apportion(total, &weights);
            assert_eq!(shares.iter().sum::<u64>(), total);
            for (share, weight) in shares.into_iter().zip(weights) {
                let fair = total as f64 * weight as f64 / sum as f64;
                assert!((share as f64 - fair).abs() < 1.0);
            }
        }
    }

    #[test]
    fn the_earlier_wins_a_tie() {
        assert_eq!(apportion(4, &[1, 1, 1]), [2, 1, 1]);
        assert_eq!(apportion(5, &[1, 1, 1]), [2, 2, 1]);
        assert_eq!(apportion(2, &[0, 1, 1, 0]), [0, 1, 1, 0]);
    }

    #[test]
    fn nobody_is_shared_among_nobody() {
        assert_eq!(apportion(0, &[]), Vec::<u64>::new());
        assert_eq!(apportion(0, &[0, 0]), [0, 0]);
    }
}
