//! The rows of a query in parts, as threads take them.
//!
//! Rows that a query finds one by one, such as those that changed, are chunks of a row or
//! two. They are taken together as the query has found them: to look at each by itself
//! would take longer than what is done with it.

use ecs_storage_api::{Chunk, Chunks, QueryData};
use smallvec::SmallVec;

use crate::pieces::{Run, Whole};

/// Rows that are worked on by one thread, unless they are cut.
pub(crate) enum Part<'q, D: QueryData> {
    /// Of one chunk, which can be cut.
    Chunk(Chunk<'q, D>),
    /// Chunks that follow each other, with so many rows.
    Chunks(Chunks<'q, D>, usize),
}

impl<'q, D: QueryData> Part<'q, D> {
    /// Makes parts of chunks: of each that has more rows than a piece, and of those that
    /// have no more together.
    pub(crate) fn of(mut chunks: Chunks<'q, D>, piece: usize) -> Vec<Self> {
        let (mut parts, mut count, mut rows) = (Vec::new(), 0, 0);
        for more in chunks.row_counts() {
            if count > 0 && rows + more > piece {
                parts.push(Self::first_of(&mut chunks, count, rows));
                (count, rows) = (0, 0);
            }
            (count, rows) = (count + 1, rows + more);
        }
        if count > 0 {
            parts.push(Self::first_of(&mut chunks, count, rows));
        }
        parts
    }

    /// Takes so many chunks, with so many rows, from the front; there is one at least.
    fn first_of(chunks: &mut Chunks<'q, D>, count: usize, rows: usize) -> Self {
        if count == 1 {
            return Self::Chunk(chunks.next().expect("its rows were counted"));
        }
        let rest = chunks.split_off(count);
        Self::Chunks(std::mem::replace(chunks, rest), rows)
    }
}

impl<D: QueryData> Whole for Part<'_, D> {
    fn rows(&self) -> usize {
        match self {
            Self::Chunk(chunk) => chunk.len(),
            Self::Chunks(_, rows) => *rows,
        }
    }

    fn split_off(&mut self, at: usize) -> Self {
        match self {
            Self::Chunk(chunk) => Self::Chunk(chunk.split_off(at)),
            Self::Chunks(..) => unreachable!("chunks that were put together are one piece"),
        }
    }
}

impl<'q, D: QueryData> Run<Part<'q, D>> {
    /// Gives all chunks to `f`, in order.
    pub(crate) fn for_each_chunk(self, mut f: impl FnMut(Chunk<'q, D>)) {
        for part in self.into_wholes() {
            match part {
                Part::Chunk(chunk) => f(chunk),
                Part::Chunks(chunks, _) => chunks.for_each(&mut f),
            }
        }
    }
}

/// The rows of a query that are left, to be taken from the front.
pub(crate) struct Rest<'q, D: QueryData> {
    /// What is left of a chunk that was cut.
    begun: Option<Chunk<'q, D>>,
    chunks: Chunks<'q, D>,
}

impl<'q, D: QueryData> Rest<'q, D> {
    pub(crate) fn of(chunks: Chunks<'q, D>) -> Self {
        Self { begun: None, chunks }
    }

    /// Takes so many rows, which there are.
    pub(crate) fn take(&mut self, rows: usize) -> Run<Part<'q, D>> {
        let (mut taken, mut missing) = (SmallVec::new(), rows);
        self.take_of_begun(&mut taken, &mut missing);
        let (mut count, mut whole) = (0, 0);
        for more in self.chunks.row_counts() {
            if whole + more > missing {
                break;
            }
            (count, whole) = (count + 1, whole + more);
        }
        if count > 0 {
            taken.push(Part::first_of(&mut self.chunks, count, whole));
            missing -= whole;
        }
        if missing > 0 {
            self.begun = self.chunks.next();
            self.take_of_begun(&mut taken, &mut missing);
        }
        Run::alone(taken)
    }

    /// Takes as many of the missing rows as there are of the chunk that was cut.
    fn take_of_begun(&mut self, taken: &mut SmallVec<[Part<'q, D>; 1]>, missing: &mut usize) {
        if *missing > 0
            && let Some(mut chunk) = self.begun.take()
        {
            if chunk.len() > *missing {
                self.begun = Some(chunk.split_off(*missing));
            }
            *missing -= chunk.len();
            taken.push(Part::Chunk(chunk));
        }
    }

    /// Returns all of them, of which there are so many, for one thread.
    pub(crate) fn into_run(self, rows: usize) -> Run<Part<'q, D>> {
        let begun = self.begun.map(Part::Chunk);
        let chunks = Part::Chunks(self.chunks, rows - begun.as_ref().map_or(0, Whole::rows));
        Run::alone(begun.into_iter().chain([chunks]).collect())
    }

    /// Returns all parts, of which none is cut that has no more rows than a piece.
    pub(crate) fn into_parts(self, piece: usize) -> Vec<Part<'q, D>> {
        let mut parts = Part::of(self.chunks, piece);
        parts.splice(..0, self.begun.map(Part::Chunk));
        parts
    }
}

#[cfg(test)]
mod tests {
    use ecs_core::{Component, Description};
    use ecs_storage_api::{Changed, QueryState};

    use super::*;
    use crate::World;

    #[derive(Debug)]
    struct Number(usize);

    impl Component for Number {
        const TRACK: bool = true;

        fn describe() -> Description<Self> {
            Description::transient("parts::Number")
        }
    }

    #[derive(Debug)]
    struct Mark<const N: u8>;

    impl<const N: u8> Component for Mark<N> {
        fn describe() -> Description<Self> {
            Description::transient(["parts::One", "parts::Two", "parts::Three"][N as usize - 1])
        }
    }

    /// Chunks of so many rows, four at most.
    fn world(chunks: &[usize]) -> World {
        let mut world = World::new();
        let mut numbers = (0..).map(Number);
        for (marks, &rows) in chunks.iter().enumerate() {
            let numbers = numbers.by_ref().take(rows);
            match marks {
                0 => drop(world.spawn_batch(numbers.map(|number| (number,)))),
                1 => drop(world.spawn_batch(numbers.map(|number| (number, Mark::<1>)))),
                2 => drop(world.spawn_batch(numbers.map(|number| (number, Mark::<2>)))),
                _ => drop(world.spawn_batch(numbers.map(|number| (number, Mark::<3>)))),
            }
        }
        world
    }

    fn numbers(run: Run<Part<'_, &Number>>) -> Vec<usize> {
        let mut numbers = Vec::new();
        run.for_each_chunk(|chunk| chunk.for_each(|number| numbers.push(number.0)));
        numbers
    }

    #[test]
    fn chunks_are_put_together_up_to_a_piece() {
        for (chunks, expected) in [
            (&[95][..], &[95][..]),
            (&[45, 5, 20, 25], &[45, 5, 20, 25]),
            (&[3, 5, 2, 85], &[10, 85]),
            (&[1, 93, 1], &[1, 93, 1]),
            (&[20, 5, 5, 1], &[20, 10, 1]),
            (&[], &[]),
        ] {
            let mut world = world(chunks);
            let mut query = world.query_mut::<&Number>();
            let parts = Part::of(query.chunks_mut(), 10);
            assert_eq!(parts.iter().map(Whole::rows).collect::<Vec<_>>(), expected, "{chunks:?}");
            let all = numbers(Run::alone(parts.into()));
            assert_eq!(all, (0..chunks.iter().sum()).collect::<Vec<_>>());
        }
    }

    #[test]
    fn rows_are_taken_from_the_front_each_once() {
        for chunks in [&[95][..], &[45, 5, 20, 25], &[3, 5, 2, 85], &[1, 1, 92, 1]] {
            let mut world = world(chunks);
            for takes in [&[95][..], &[], &[1, 2, 7, 85], &[3, 5, 2, 80], &[44, 1, 1, 40]] {
                let mut query = world.query_mut::<&Number>();
                let (mut rest, mut all) = (Rest::of(query.chunks_mut()), Vec::new());
                for &rows in takes {
                    let taken = numbers(rest.take(rows));
                    assert_eq!(taken.len(), rows);
                    all.extend(taken);
                }
                all.extend(numbers(Run::alone(rest.into_parts(10).into())));
                assert_eq!(all, (0..95).collect::<Vec<_>>(), "{takes:?} of {chunks:?}");
            }
        }
    }

    #[test]
    fn single_rows_that_changed_are_few_parts() {
        let mut world = world(&[5_000]);
        let mut changed = QueryState::<&Number, Changed<Number>>::new();
        assert_eq!(changed.query(world.storage()).count(), 5_000);
        let mut all = world.query_mut::<ecs_storage_api::Mut<Number>>();
        for mut number in all.iter_mut().step_by(2) {
            number.0 += 1;
        }
        let mut query = changed.query(world.storage());
        assert_eq!(query.chunks().count(), 2_500);
        let parts = Part::of(query.chunks_mut(), 1_000);
        assert_eq!(parts.iter().map(Whole::rows).collect::<Vec<_>>(), [1_000, 1_000, 500]);
        let all = numbers(Run::alone(parts.into()));
        assert_eq!(all, (1..5_000).step_by(2).collect::<Vec<_>>());
    }
}
