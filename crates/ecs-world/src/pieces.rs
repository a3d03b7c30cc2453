//! Work on pieces of something, most often of a query, shared among threads.

use std::collections::VecDeque;

use ecs_storage_api::Workers;
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::schedule::Crew;

/// What is worked on: rows that can be cut apart.
pub(crate) trait Whole: Send {
    /// Returns how many rows there are.
    fn rows(&self) -> usize;

    /// Splits the rows from the `at`-th on off, of which there are some on both sides; `at`
    /// is where a piece ends.
    fn split_off(&mut self, at: usize) -> Self;
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

/// Rows that follow each other, as they are given to a function at once: wholes, of which
/// the first and the last may be cut.
pub(crate) struct Run<W> {
    /// The place of the first piece in the order.
    first: usize,
    wholes: SmallVec<[W; 1]>,
}

impl<W> Run<W> {
    /// Makes one of what a thread has alone.
    pub(crate) fn alone(wholes: SmallVec<[W; 1]>) -> Self {
        Self { first: 0, wholes }
    }

    pub(crate) fn into_wholes(self) -> impl Iterator<Item = W> {
        self.wholes.into_iter()
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
    wholes: VecDeque<W>,
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
        let wholes = VecDeque::from(wholes);
        let end = wholes.iter().map(|whole| whole.rows().div_ceil(piece)).sum();
        let rows = wholes.iter().map(W::rows).sum();
        Self { wholes, piece, first: 0, end, rows }
    }

    /// Takes whole pieces with so many rows together from the beginning, or all; none if
    /// there is nothing left.
    fn take_first(&mut self, rows: usize) -> Option<Run<W>> {
        let (first, mut wholes, mut missing) = (self.first, SmallVec::new(), rows);
        while missing > 0 {
            let Some(mut whole) = self.wholes.pop_front() else { break };
            let at = missing.next_multiple_of(self.piece);
            if whole.rows() > at {
                self.wholes.push_front(whole.split_off(at));
            }
            let taken = whole.rows();
            missing = missing.saturating_sub(taken);
            self.rows -= taken;
            self.first += taken.div_ceil(self.piece);
            wholes.push(whole);
        }
        Some(Run { first, wholes }).filter(|run| !run.wholes.is_empty())
    }

    /// As `take_first`, from the end.
    fn take_last(&mut self, rows: usize) -> Option<Run<W>> {
        let (mut wholes, mut missing) = (SmallVec::new(), rows);
        while missing > 0 {
            let Some(mut whole) = self.wholes.pop_back() else { break };
            let at = whole.rows().saturating_sub(missing) / self.piece * self.piece;
            if at > 0 {
                let last = whole.split_off(at);
                self.wholes.push_back(std::mem::replace(&mut whole, last));
            }
            let taken = whole.rows();
            missing = missing.saturating_sub(taken);
            self.rows -= taken;
            self.end -= taken.div_ceil(self.piece);
            wholes.push(whole);
        }
        wholes.reverse();
        Some(Run { first: self.end, wholes }).filter(|run| !run.wholes.is_empty())
    }

    /// Returns all that is left.
    fn into_run(self) -> Run<W> {
        Run { first: self.first, wholes: Vec::from(self.wholes).into() }
    }

    /// Cuts it into so many, about as long as each other.
    fn cut(mut self, count: usize) -> Vec<Self> {
        let piece = self.piece;
        let stretch = |n| {
            let (first, rows) = (self.first, self.rows);
            let taken = self.take_first(rows.div_ceil(count - n));
            let wholes = taken.into_iter().flat_map(|run| run.wholes).collect();
            Self { wholes, piece, first, end: self.first, rows: rows - self.rows }
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
    use std::ops::Range;

    use super::*;

    struct Numbers(Range<usize>);

    impl Whole for Numbers {
        fn rows(&self) -> usize {
            self.0.len()
        }

        fn split_off(&mut self, at: usize) -> Self {
            let middle = self.0.start + at;
            Self(middle..std::mem::replace(&mut self.0.end, middle))
        }
    }

    /// Of pieces of ten rows, of which the last has five; a thread takes at least so many
    /// rows.
    fn share(least: usize) -> Share {
        Share { least, ..Share::at_least(10) }
    }

    /// Makes stretches of wholes of so many rows.
    fn stretches(wholes: &[usize], count: usize) -> Vec<Stretch<Numbers>> {
        let mut next = 0;
        let mut whole = |rows: &usize| {
            next += rows;
            Numbers(next - rows..next)
        };
        Stretch::new(wholes.iter().map(&mut whole).collect(), 10).cut(count)
    }

    const LAYOUTS: [&[usize]; 4] = [&[95], &[45, 5, 20, 25], &[1, 93, 1], &[3, 5, 2, 85]];

    #[test]
    fn stretches_are_no_longer_than_by_a_piece_and_hold_all_pieces() {
        for wholes in LAYOUTS {
            for count in 1..=10 {
                let (mut next, mut numbers) = (0, Vec::new());
                for stretch in stretches(wholes, count) {
                    assert_eq!(stretch.first, next);
                    next = stretch.end;
                    let lengths: Vec<_> = stretch.wholes.iter().map(Whole::rows).collect();
                    assert_eq!(stretch.rows, lengths.iter().sum());
                    assert!(stretch.rows < 95_usize.div_ceil(count) + 10, "{lengths:?} of {count}");
                    numbers.extend(stretch.into_run().into_wholes().flat_map(|whole| whole.0));
                }
                let pieces: usize = wholes.iter().map(|rows| rows.div_ceil(10)).sum();
                assert_eq!(next, pieces);
                assert_eq!(numbers, (0..95).collect::<Vec<_>>());
            }
        }
    }

    #[test]
    fn each_piece_is_taken_once_whoever_comes() {
        let orders: [&[usize]; 4] = [&[0], &[2], &[0, 1, 2], &[7, 0, 0, 4]];
        for wholes in LAYOUTS {
            // Where each piece begins.
            let of_whole = |(first, rows): (usize, &usize)| (first..first + rows).step_by(10);
            let before = |n: usize| wholes[..n].iter().sum::<usize>();
            let begins: Vec<_> =
                (0..wholes.len()).flat_map(|n| of_whole((before(n), &wholes[n]))).collect();
            for (order, least) in orders.into_iter().zip([10, 1, 25, 30]) {
                let mut stretches = stretches(wholes, 3);
                let mut all = vec![None; begins.len()];
                let mut who = order.iter().cycle();
                let mut next = || take(&mut stretches, *who.next().unwrap(), share(least));
                while let Some(run) = next() {
                    let places = run.first..;
                    let wholes = run.into_wholes().map(|Numbers(numbers)| numbers);
                    let pieces = wholes.flat_map(|numbers| {
                        let end = numbers.end;
                        numbers.step_by(10).map(move |first| first..end.min(first + 10))
                    });
                    for (place, piece) in places.zip(pieces) {
                        assert_eq!(piece.start, begins[place]);
                        assert!(all[place].replace(piece).is_none(), "piece {place} twice");
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
            let next = || Some(take(&mut stretches, 0, share)?.into_wholes().count());
            std::iter::from_fn(next).collect::<Vec<_>>()
        };
        let at_least = Share { piece: 1, ..Share::at_least(4) };
        assert_eq!(counts(at_least), [10, 7, 5, 4, 4, 4, 4, 2]);
        assert_eq!(counts(Share::of(4)), [4; 10]);
    }

    #[test]
    fn a_thread_begins_with_its_own_and_helps_from_the_end() {
        let mut stretches = stretches(&[80], 2);
        let mut next = |own| {
            let run = take(&mut stretches, own, share(10))?;
            Some((run.first, run.wholes[0].rows()))
        };
        assert_eq!(next(1), Some((4, 10)));
        assert_eq!(next(0), Some((0, 10)));
        let of_one: Vec<_> = std::iter::from_fn(|| next(1)).map(|(place, _)| place).collect();
        assert_eq!(of_one, [5, 6, 7, 3, 2, 1]);
    }
}
