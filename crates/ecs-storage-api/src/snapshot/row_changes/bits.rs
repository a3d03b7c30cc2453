//! Which rows of a page differ, a bit each: compared as numbers, where values are as
//! large as one, since a call for each value would take longer than the values.

use crate::changes::PAGE_ROWS;

const WORD: usize = u64::BITS as usize;

/// A bit for each row of a page.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Bits([u64; PAGE_ROWS / WORD]);

impl Bits {
    pub(super) const ALL: Self = Self([u64::MAX; PAGE_ROWS / WORD]);

    /// Returns the rows that are equal; those that only one has are not.
    pub(super) fn of_equal<T: PartialEq>(some: &[T], others: &[T]) -> Self {
        let mut bits = [0; PAGE_ROWS / WORD];
        let words = some.chunks(WORD).zip(others.chunks(WORD));
        for (bits, (some, others)) in bits.iter_mut().zip(words) {
            // Whole words apart: a loop of known length is made of wide instructions.
            *bits = match (some.as_array(), others.as_array()) {
                (Some(some), Some(others)) => word_of_equal(some, others),
                _ => {
                    let pairs = some.iter().zip(others).enumerate();
                    pairs.fold(0, |bits, (n, (one, other))| bits | u64::from(one == other) << n)
                }
            };
        }
        Self(bits)
    }

    /// Returns the values of `stride` bytes each that are equal.
    pub(super) fn of_equal_bytes(stride: usize, some: &[u8], others: &[u8]) -> Self {
        fn of<const N: usize>(some: &[u8], others: &[u8]) -> Bits {
            Bits::of_equal(some.as_chunks::<N>().0, others.as_chunks::<N>().0)
        }
        match stride {
            0 => Self::ALL,
            1 => of::<1>(some, others),
            2 => of::<2>(some, others),
            4 => of::<4>(some, others),
            8 => of::<8>(some, others),
            12 => of::<12>(some, others),
            16 => of::<16>(some, others),
            _ => {
                let values =
                    |bytes| -> Vec<&[u8]> { <[u8]>::chunks_exact(bytes, stride).collect() };
                Self::of_equal(&values(some), &values(others))
            }
        }
    }

    /// Returns those of some rows that are not among others.
    pub(super) fn without(&self, others: &Self) -> Self {
        Self(std::array::from_fn(|word| self.0[word] & !others.0[word]))
    }

    /// Returns which rows these are, in order.
    pub(super) fn rows(self) -> impl Iterator<Item = usize> {
        self.0.into_iter().enumerate().flat_map(|(word, mut bits)| {
            std::iter::from_fn(move || {
                let row = bits.trailing_zeros() as usize;
                bits &= bits.wrapping_sub(1);
                (row < WORD).then_some(word * WORD + row)
            })
        })
    }

    /// Returns the first rows, so many.
    pub(super) fn first(rows: usize) -> Self {
        let word = |word: usize| match rows.saturating_sub(word * WORD) {
            WORD.. => u64::MAX,
            rows => (1 << rows) - 1,
        };
        Self(std::array::from_fn(word))
    }
}

/// Returns a bit for each of two values that are equal.
fn word_of_equal<T: PartialEq>(some: &[T; WORD], others: &[T; WORD]) -> u64 {
    let mut equal = [0u8; WORD];
    for ((equal, one), other) in equal.iter_mut().zip(some).zip(others) {
        *equal = u8::from(one == other);
    }
    let (bytes, _) = equal.as_chunks::<8>();
    bytes.iter().enumerate().fold(0, |bits, (n, bytes)| {
        // Each of eight bytes is 0 or 1; the product has them side by side at its top.
        let byte = u64::from_le_bytes(*bytes).wrapping_mul(0x0102_0408_1020_4080) >> 56;
        bits | byte << (8 * n)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_that_differ_are_found_whatever_their_size() {
        for stride in [1, 2, 3, 4, 8, 12, 16, 40] {
            for rows in [0, 1, 63, 64, 65, 1000, 1024] {
                let some: Vec<u8> = (0..rows * stride).map(|n| (n * 7 % 251) as u8).collect();
                let mut others = some.clone();
                let changed: Vec<usize> = (0..rows).filter(|row| row % 5 == 3).collect();
                changed.iter().for_each(|row| others[row * stride + stride - 1] ^= 0x80);
                let equal = Bits::of_equal_bytes(stride, &some, &others);
                let different: Vec<_> = Bits::first(rows).without(&equal).rows().collect();
                assert_eq!(different, changed, "{rows} rows of {stride} bytes");
            }
        }
        assert_eq!(Bits::of_equal_bytes(0, &[], &[]), Bits::ALL);
    }

    #[test]
    fn rows_that_only_one_page_has_are_not_equal() {
        let equal = Bits::of_equal(&[1, 2, 3], &[1, 2]);
        assert_eq!(equal.rows().collect::<Vec<_>>(), [0, 1]);
        assert_eq!(Bits::first(PAGE_ROWS), Bits::ALL);
        assert_eq!(Bits::first(3).without(&equal).rows().collect::<Vec<_>>(), [2]);
    }
}
