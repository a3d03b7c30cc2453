//! Sets of small numbers, a bit each.

/// A set of numbers below a bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Bits(Vec<u64>);

impl Bits {
    /// Creates an empty set of numbers below `bound`.
    pub(crate) fn new(bound: usize) -> Self {
        Self(vec![0; bound.div_ceil(64)])
    }

    pub(crate) fn get(&self, n: usize) -> bool {
        self.0[n / 64] >> (n % 64) & 1 == 1
    }

    pub(crate) fn set(&mut self, n: usize) {
        self.0[n / 64] |= 1 << (n % 64);
    }

    pub(crate) fn clear(&mut self, n: usize) {
        self.0[n / 64] &= !(1 << (n % 64));
    }

    /// Returns the numbers, in ascending order.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u32> + '_ {
        numbers(&self.0)
    }

    /// Tells whether the set has a number in common with another of its bound.
    pub(crate) fn intersects(&self, other: &[u64]) -> bool {
        self.0.iter().zip(other).any(|(a, b)| a & b != 0)
    }
}

/// Returns the numbers of the bits that are set, in ascending order.
pub(crate) fn numbers(words: &[u64]) -> impl Iterator<Item = u32> + '_ {
    words.iter().enumerate().filter(|(_, bits)| **bits != 0).flat_map(|(word, &bits)| {
        let rest = |bits: &u64| Some(bits & (bits - 1)).filter(|bits| *bits != 0);
        let bits = std::iter::successors(Some(bits), rest);
        bits.map(move |bits| (word * 64) as u32 + bits.trailing_zeros())
    })
}

/// A relation between numbers below a bound.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct BitMatrix {
    words: Vec<u64>,
    stride: usize,
}

impl BitMatrix {
    /// Creates the empty relation between numbers below `bound`.
    pub(crate) fn new(bound: usize) -> Self {
        let stride = bound.div_ceil(64);
        Self { words: vec![0; bound * stride], stride }
    }

    pub(crate) fn row(&self, n: usize) -> &[u64] {
        &self.words[n * self.stride..][..self.stride]
    }

    pub(crate) fn get(&self, a: usize, b: usize) -> bool {
        self.row(a)[b / 64] >> (b % 64) & 1 == 1
    }

    /// Relates two numbers both ways.
    pub(crate) fn set_both(&mut self, a: usize, b: usize) {
        self.words[a * self.stride + b / 64] |= 1 << (b % 64);
        self.words[b * self.stride + a / 64] |= 1 << (a % 64);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_told_in_order() {
        let mut bits = Bits::new(200);
        [190, 3, 64, 63, 3].into_iter().for_each(|n| bits.set(n));
        assert_eq!(bits.numbers().collect::<Vec<_>>(), [3, 63, 64, 190]);
    }
}
