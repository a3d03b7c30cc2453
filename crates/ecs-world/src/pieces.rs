//! Work on pieces of something, most often of a query, shared among threads.

use std::collections::VecDeque;

use ecs_storage_api::{Chunk, QueryData, Workers};
use parking_lot::Mutex;
use smallvec::{SmallVec, smallvec};

use crate::schedule::Crew;

/// What is worked on: rows that can be cut apart.
pub(crate) trait Whole: Send {
    /// Returns how many rows there are.
    fn rows(&self) -> usize;

    /// Splits the rows from the `at`-th on off, of which there are some on both sides.
    fn split_off(&mut self, at: usize) -> Self;
}

impl<D: QueryData> Whole for Chunk<'_, D> {
    fn rows(&self) -> usize {
        self.len()
    }

    fn split_off(&mut self, at: usize) -> Self {
        self.split_off(at)
    }
}

/// A row that is none of a chunk.
pub(crate) struct Single<I>(pub(crate) I);

impl<I: Send> Whole for Single<I> {
    fn rows(&self) -> usize {
        1
    }

    fn split_off(&mut self, _at: usize) -> Self {
        unreachable!("one row has no two sides")
    }
}

/// One that is cut, or several that are not: together they are no more than a piece.
struct Group<W> {
    wholes: SmallVec<[W; 1]>,
    rows: usize,
    pieces: usize,
}

impl<W: Whole> Group<W> {
    fn of(whole: W, piece: usize) -> Self {
        let rows = whole.rows();
        Self { wholes: smallvec![whole], rows, pieces: rows.div_ceil(piece) }
    }

    /// Splits the rows from the `at`-th on off, which is where a piece of the only one ends.
    fn split_off(&mut self, at: usize, piece: usize) -> Self {
        let last = Self::of(self.wholes[0].split_off(at), piece);
        self.rows -= last.rows;
        self.pieces -= last.pieces;
        last
    }
}

/// Rows that follow each other, as they are given to a function at once: wholes, of which
/// the first and the last may be cut.
pub(crate) struct Run<W> {
    /// The place of the first piece in the order.
    first: usize,
    groups: SmallVec<[Group<W>; 1]>,
}

impl<W: Whole> Run<W> {
    /// Makes one of all that a thread has alone.
    pub(crate) fn alone(wholes: SmallVec<[W; 1]>) -> Self {
        let rows = wholes.iter().map(W::rows).sum();
        Self { first: 0, groups: smallvec![Group { wholes, rows, pieces: 1 }] }
    }
}

impl<W> Run<W> {
    pub(crate) fn wholes(self) -> impl Iterator<Item = W> {
        self.groups.into_iter().flat_map(|group| group.wholes)
    }
}

/// Gives all rows to `f`, a run of them at a time, from several threads.
///
/// Each thread has a stretch of its own, the same each time if the rows are the same: what
/// it has read or written before may still be near to it. Who has done with that helps
/// with others, from their ends. The threads are those of the schedule that runs here, else
/// rayon's current ones. What is one share or one piece stays on the calling one.
pub(crate) fn each_run<W: Whole>(wholes: Vec<W>, share: Share, f: impl Fn(Run<W>) + Send + Sync) {
    match Left::shared(wholes, share) {
        Err(all) => f(all),
        Ok(left) => left.work(|runs| runs.for_each(&f)),
    }
}

/// As [`each_run`]; returns what came of each run, in the order of the rows.
pub(crate) fn map_runs<W: Whole, T: Send>(
    wholes: Vec<W>,
    share: Share,
    f: impl Fn(Run<W>) -> T + Send + Sync,
) -> Vec<T> {
    let left = match Left::shared(wholes, share) {
        Err(all) => return vec![f(all)],
        Ok(left) => left,
    };
    let done = Mutex::new(Vec::new());
    left.work(|runs| {
        let mut mine = runs.map(|run| (run.first, f(run))).collect();
        done.lock().append(&mut mine);
    });
    let mut done = done.into_inner();
    // Not unstable: each thread's are in order but for a few, which this makes use of.
    done.sort_by_key(|(first, _)| *first);
    done.into_iter().map(|(_, result)| result).collect()
}

/// How many rows a thread takes at a time, and where they may be cut.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    /// Cuts are only after so many rows, counted from the first of each whole.
    piece: usize,
    /// So many rows are taken together, if there are as many.
    least: usize,
    /// It is one of so many equal parts of what is left of a stretch, if that is more.
    parts: usize,
}

impl Share {
    /// One piece of so many rows at a time, of rows that are about as dear as each other:
    /// while many are left, more are taken.
    pub(crate) fn at_least(rows: usize) -> Self {
        Self { piece: rows, least: rows, parts: 4 }
    }

    /// So many of any rows: more at a time might be most of the work.
    pub(crate) fn of(rows: usize) -> Self {
        Self { piece: 1, least: rows, parts: usize::MAX }
    }
}

/// Rows that follow each other, of which nobody has taken those that are left.
struct Stretch<W> {
    /// Begin where pieces do.
    groups: VecDeque<Group<W>>,
    piece: usize,
    /// The place of their first piece in the order.
    first: usize,
    /// That of the one behind their last.
    end: usize,
    /// Of all of them.
    rows: usize,
}

impl<W: Whole> Stretch<W> {
    /// Makes one that is cut only after `piece` rows, counted from the first of each whole.
    fn new(wholes: Vec<W>, piece: usize) -> Self {
        let mut groups = VecDeque::<Group<W>>::new();
        for whole in wholes {
            match groups.back_mut() {
                Some(last) if last.rows + whole.rows() <= piece => {
                    last.rows += whole.rows();
                    last.pieces += 1;
                    last.wholes.push(whole);
                }
                _ => groups.push_back(Group::of(whole, piece)),
            }
        }
        let end = groups.iter().map(|group| group.pieces).sum();
        let rows = groups.iter().map(|group| group.rows).sum();
        Self { groups, piece, first: 0, end, rows }
    }

    /// Takes whole pieces with so many rows together from the beginning, or all; none if
    /// there is nothing left.
    fn take_first(&mut self, rows: usize) -> Option<Run<W>> {
        let (first, mut groups, mut missing) = (self.first, SmallVec::new(), rows);
        while missing > 0 {
            let Some(mut group) = self.groups.pop_front() else { break };
            let at = missing.next_multiple_of(self.piece);
            if group.rows > at {
                self.groups.push_front(group.split_off(at, self.piece));
            }
            missing = missing.saturating_sub(group.rows);
            self.rows -= group.rows;
            self.first += group.pieces;
            groups.push(group);
        }
        Some(Run { first, groups }).filter(|run| !run.groups.is_empty())
    }

    /// As `take_first`, from the end.
    fn take_last(&mut self, rows: usize) -> Option<Run<W>> {
        let (mut groups, mut missing) = (SmallVec::new(), rows);
        while missing > 0 {
            let Some(mut group) = self.groups.pop_back() else { break };
            let at = group.rows.saturating_sub(missing) / self.piece * self.piece;
            if at > 0 {
                let last = group.split_off(at, self.piece);
                self.groups.push_back(std::mem::replace(&mut group, last));
            }
            missing = missing.saturating_sub(group.rows);
            self.rows -= group.rows;
            self.end -= group.pieces;
            groups.push(group);
        }
        groups.reverse();
        Some(Run { first: self.end, groups }).filter(|run| !run.groups.is_empty())
    }

    /// Returns all that is left.
    fn into_run(self) -> Run<W> {
        Run { first: self.first, groups: Vec::from(self.groups).into() }
    }

    /// Cuts it into so many, about as long as each other.
    fn cut(mut self, count: usize) -> Vec<Self> {
        let piece = self.piece;
        let stretch = |n| {
            let (first, rows) = (self.first, self.rows);
            let taken = self.take_first(rows.div_ceil(count - n));
            let groups = taken.into_iter().flat_map(|run| run.groups).collect();
            Self { groups, piece, first, end: self.first, rows: rows - self.rows }
        };
        (0..count).map(stretch).collect()
    }
}

/// What is left for several threads.
struct Left<W> {
    stretches: Mutex<Vec<Stretch<W>>>,
    threads: Crew,
    /// How many can be taken.
    shares: usize,
    share: Share,
}

impl<W: Whole> Left<W> {
    /// Has threads share the rows.
    ///
    /// # Errors
    /// All of them, if the calling thread is to work on them alone.
    fn shared(wholes: Vec<W>, share: Share) -> Result<Self, Run<W>> {
        let threads = Crew::here();
        let all = Stretch::new(wholes, share.piece);
        let shares = all.rows.div_ceil(share.least).min(all.end);
        if shares < 2 || threads.count() < 2 {
            return Err(all.into_run());
        }
        let stretches = all.cut(shares.min(threads.count()));
        Ok(Self { stretches: Mutex::new(stretches), threads, shares, share })
    }

    /// Gives each thread the runs that it takes, until there are no more.
    fn work(&self, work: impl Fn(&mut dyn Iterator<Item = Run<W>>) + Sync) {
        self.threads.work(self.shares, &|| {
            let own = rayon::current_thread_index().unwrap_or(0);
            // Apart, so that the lock is given back before the work begins.
            let next = || take(&mut self.stretches.lock(), own, self.share);
            work(&mut std::iter::from_fn(next));
        });
    }
}

/// Takes a share of a thread's own stretch; where that has ended from the end of another,
/// so that its owner has something left to go on with.
fn take<W: Whole>(stretches: &mut [Stretch<W>], own: usize, share: Share) -> Option<Run<W>> {
    let own = own % stretches.len();
    let is_own = stretches[own].rows > 0;
    let longest = || stretches.iter().enumerate().max_by_key(|(_, stretch)| stretch.rows);
    let from = if is_own { own } else { longest().map_or(own, |(at, _)| at) };
    let from = &mut stretches[from];
    let rows = share.least.max(from.rows / share.parts);
    match is_own {
        true => from.take_first(rows),
        false => from.take_last(rows),
    }
}

#[cfg(test)]
mod tests {
    use ecs_core::{Component, Description};
    use ecs_storage_api::{Chunk, Query, QueryData};

    use super::*;
    use crate::World;

    #[derive(Debug)]
    struct Number(usize);

    impl Component for Number {
        fn describe() -> Description<Self> {
            Description::transient("pieces::Number")
        }
    }

    #[derive(Debug)]
    struct Mark<const N: u8>;

    impl<const N: u8> Component for Mark<N> {
        fn describe() -> Description<Self> {
            Description::transient(["pieces::One", "pieces::Two", "pieces::Three"][N as usize - 1])
        }
    }

    /// Of pieces of ten rows, of which the last has five; a thread takes at least so many
    /// rows.
    fn share(least: usize) -> Share {
        Share { least, ..Share::at_least(10) }
    }

    fn stretches<'q, D: QueryData>(
        query: &'q mut Query<'_, D>,
        count: usize,
    ) -> Vec<Stretch<Chunk<'q, D>>> {
        Stretch::new(query.chunks_mut().collect(), 10).cut(count)
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

    const LAYOUTS: [&[usize]; 4] = [&[95], &[45, 5, 20, 25], &[1, 93, 1], &[3, 5, 2, 85]];

    #[test]
    fn stretches_are_no_longer_than_by_a_piece_and_hold_all_pieces() {
        for chunks in LAYOUTS {
            let mut world = world(chunks);
            for count in 1..=10 {
                let mut query = world.query_mut::<&Number>();
                let stretches = stretches(&mut query, count);
                let (mut next, mut numbers) = (0, Vec::new());
                for stretch in stretches {
                    assert_eq!(stretch.first, next);
                    next = stretch.end;
                    let lengths: Vec<_> = stretch.groups.iter().map(|group| group.rows).collect();
                    assert_eq!(stretch.rows, lengths.iter().sum());
                    assert!(stretch.rows < 95_usize.div_ceil(count) + 10, "{lengths:?} of {count}");
                    let all = stretch.into_run().wholes();
                    all.for_each(|chunk| chunk.for_each(|number| numbers.push(number.0)));
                }
                let pieces: usize = chunks.iter().map(|rows| rows.div_ceil(10)).sum();
                assert_eq!(next, pieces);
                assert_eq!(numbers, (0..95).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn each_piece_is_taken_once_whoever_comes() {
        let orders: [&[usize]; 4] = [&[0], &[2], &[0, 1, 2], &[7, 0, 0, 4]];
        for chunks in LAYOUTS {
            // Where each piece begins.
            let of_chunk = |(first, rows): (usize, &usize)| (first..first + rows).step_by(10);
            let before = |n: usize| chunks[..n].iter().sum::<usize>();
            let begins: Vec<_> =
                (0..chunks.len()).flat_map(|n| of_chunk((before(n), &chunks[n]))).collect();
            let mut world = world(chunks);
            for (order, least) in orders.into_iter().zip([10, 1, 25, 30]) {
                let mut query = world.query_mut::<&Number>();
                let mut stretches = stretches(&mut query, 3);
                let mut all = vec![None; begins.len()];
                let mut who = order.iter().cycle();
                let mut next = || take(&mut stretches, *who.next().unwrap(), share(least));
                while let Some(run) = next() {
                    let places = run.first..;
                    let pieces = run.wholes().flat_map(|chunk| chunk.pieces(10));
                    for (place, piece) in places.zip(pieces) {
                        let mut values = Vec::new();
                        piece.for_each(|number| values.push(number.0));
                        assert_eq!(values[0], begins[place]);
                        assert!(all[place].replace(values).is_none(), "piece {place} twice");
                    }
                }
                let all: Vec<_> = all.into_iter().flatten().flatten().collect();
                assert_eq!(all, (0..95).collect::<Vec<_>>(), "taken by {order:?}");
            }
        }
    }

    #[test]
    fn of_many_rows_more_are_taken_unless_some_may_be_dearer() {
        let counts = |share: Share| {
            let wholes = (0..40).map(Single).collect();
            let mut stretches = Stretch::new(wholes, share.piece).cut(1);
            let next = || Some(take(&mut stretches, 0, share)?.wholes().count());
            std::iter::from_fn(next).collect::<Vec<_>>()
        };
        let at_least = Share { piece: 1, ..Share::at_least(4) };
        assert_eq!(counts(at_least), [10, 7, 5, 4, 4, 4, 4, 2]);
        assert_eq!(counts(Share::of(4)), [4; 10]);
    }

    #[test]
    fn a_thread_begins_with_its_own_and_helps_from_the_end() {
        let mut world = world(&[80]);
        let mut query = world.query_mut::<&Number>();
        let mut stretches = stretches(&mut query, 2);
        let mut next = |own| {
            let run = take(&mut stretches, own, share(10))?;
            Some((run.first, run.groups[0].rows))
        };
        assert_eq!(next(1), Some((4, 10)));
        assert_eq!(next(0), Some((0, 10)));
        let of_one: Vec<_> = std::iter::from_fn(|| next(1)).map(|(place, _)| place).collect();
        assert_eq!(of_one, [5, 6, 7, 3, 2, 1]);
    }
}
