//! A set of indices, a bit each.

/// Which of the indices below a bound have occurred.
pub(super) struct IndexSet {
    words: Vec<u64>,
}

impl IndexSet {
    /// Makes an empty set for indices below `end`.
    pub(super) fn new(end: u32) -> Self {
        Self { words: vec![0; end as usize / 64 + 1] }
    }

    /// Adds `count` indices from `first` on, a word at a time.
    ///
    /// # Errors
    /// The first of them that was there already.
    pub(super) fn insert(&mut self, first: u32, count: u32) -> Result<(), u32> {
        let (mut at, end) = (first as usize, first as usize + count as usize);
        while at < end {
            let (word, bit) = (at / 64, at % 64);
            let taken = (64 - bit).min(end - at);
            let bits = u64::MAX >> (64 - taken) << bit;
            let twice = self.words[word] & bits;
            if twice != 0 {
                return Err((word * 64) as u32 + twice.trailing_zeros());
            }
            self.words[word] |= bits;
            at += taken;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::IndexSet;

    #[test]
    fn the_first_index_that_repeats_is_named() {
        for (first, count) in [(1, 1), (60, 8), (63, 1), (64, 64), (3, 200), (1, 255)] {
            for repeated in first..first + count {
                let mut set = IndexSet::new(256);
                set.insert(repeated, 1).unwrap();
                assert_eq!(set.insert(first, count), Err(repeated));
            }
            let mut set = IndexSet::new(256);
            set.insert(first, count).unwrap();
            set.insert(0, first).unwrap();
            set.insert(first + count, 256 - (first + count)).unwrap();
        }
    }
}
