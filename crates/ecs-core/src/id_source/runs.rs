//! Ids that follow each other, for work on many at once.

use crate::entity::EntityId;

impl EntityId {
    /// Gathers ids into the longest runs in which each has the shard and the
    /// generation of the one before, and the next index; gives the first id of
    /// each, and how many there are.
    ///
    /// # Complexity
    /// O(ids), less than a cycle each inside a long run.
    ///
    /// # Example
    /// ```
    /// use ecs_core::EntityId;
    ///
    /// let ids = [4, 5, 6, 2].map(|index| EntityId::new(0, index, 0).unwrap());
    /// assert!(EntityId::runs(&ids).eq([(ids[0], 3), (ids[3], 1)]));
    /// ```
    pub fn runs(ids: &[Self]) -> impl Iterator<Item = (Self, u32)> {
        let mut rest = ids;
        std::iter::from_fn(move || {
            let first = *rest.first()?;
            let length = run_length(rest);
            rest = &rest[length..];
            // There are no more indices than that.
            Some((first, length as u32))
        })
    }

    /// Lists `count` ids that follow each other, of which this is the first, or
    /// returns `None` if there are not so many indices.
    ///
    /// # Example
    /// ```
    /// use ecs_core::EntityId;
    ///
    /// let first = EntityId::new(0, 4, 0).unwrap();
    /// assert_eq!(first.run(3).unwrap().last(), EntityId::new(0, 6, 0));
    /// assert!(first.run(u32::MAX).is_none());
    /// ```
    pub fn run(self, count: u32) -> Option<impl ExactSizeIterator<Item = Self>> {
        self.index().checked_add(count.saturating_sub(1))?;
        Some((0..count).map(move |offset| self.offset(offset)))
    }
}

/// Returns how many ids from the first on, which there is, make a run.
fn run_length(ids: &[EntityId]) -> usize {
    const SHORT: usize = 8;
    const BLOCK: usize = 64;
    let one_by_one = |length: usize, end: usize| {
        let pairs = ids[..end].windows(2).skip(length - 1);
        length + pairs.take_while(|pair| follows(pair[0], pair[1])).count()
    };
    let mut length = one_by_one(1, ids.len().min(SHORT));
    if length == SHORT {
        // A run that is not short may be very long.
        while let Some(block) = ids.get(length - 1..length + BLOCK)
            // Without a way out between, for the sake of vector instructions.
            && block.windows(2).fold(true, |all, pair| all & follows(pair[0], pair[1]))
        {
            length += BLOCK;
        }
        length = one_by_one(length, ids.len());
    }
    length
}

/// Tells whether two ids follow each other. Behind the last index would come
/// index 0, which no id has.
fn follows(one: EntityId, next: EntityId) -> bool {
    one.to_bits().wrapping_add(1) == next.to_bits()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn runs_are_the_longest_and_leave_nothing_out() {
        let id = |index, generation| EntityId::new(1, index, generation).unwrap();
        for length in [1, 2, 7, 8, 9, 71, 72, 73, 200, 300] {
            for end in 1..length {
                let run = (1..=end).map(|index| id(index, 0));
                let ids: Vec<_> = run.chain((end + 1..=length).map(|index| id(index, 1))).collect();
                let runs: Vec<_> = EntityId::runs(&ids).collect();
                assert_eq!(runs, [(id(1, 0), end), (id(end + 1, 1), length - end)]);
                let again = runs.iter().flat_map(|(first, count)| first.run(*count).unwrap());
                assert!(again.eq(ids));
            }
        }
        assert_eq!(EntityId::runs(&[]).count(), 0);
        assert_eq!(EntityId::runs(&[id(5, 0), id(4, 0), id(4, 1)]).count(), 3);
    }

    #[test]
    fn a_run_ends_with_the_last_index() {
        let first = EntityId::new(2, u32::MAX - 1, 3).unwrap();
        assert_eq!(first.run(2).unwrap().last(), EntityId::new(2, u32::MAX, 3));
        assert!(first.run(3).is_none());
        assert_eq!(first.run(0).unwrap().count(), 0);
        let ids = [EntityId::new(2, u32::MAX, 3).unwrap(), EntityId::new(2, 1, 4).unwrap()];
        assert_eq!(EntityId::runs(&ids).count(), 2);
    }
}
