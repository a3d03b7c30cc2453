//! Work on pieces of something, most often of a query, shared among threads.

use std::vec::IntoIter;

use ecs_storage_api::Workers;
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::schedule::Crew;

/// Does some work on each piece, and returns what came of it in the order of the
/// pieces.
///
/// Each thread has a stretch of its own, the same each time if the pieces are the same: what
/// it has read or written before may still be near to it. Who has done with that helps
/// with others, from their ends. The threads are those of the schedule that runs here, else
/// rayon's current ones. What is one share or one piece stays on the calling one.
pub(crate) fn map_pieces<P: Send, T: Send>(
    pieces: Vec<P>,
    rows_of: fn(&P) -> usize,
    share: Share,
    f: impl Fn(P) -> T + Send + Sync,
) -> Vec<T> {
    let threads = Crew::here();
    let all: usize = pieces.iter().map(rows_of).sum();
    let shares = all.div_ceil(share.least).min(pieces.len());
    if shares < 2 || threads.count() < 2 {
        return pieces.into_iter().map(f).collect();
    }
    let left = Mutex::new(stretches(pieces, rows_of, all, shares.min(threads.count())));
    let done = Mutex::new(Vec::with_capacity(shares));
    threads.work(shares, &|| {
        let own = rayon::current_thread_index().unwrap_or(0);
        // Apart, so that the lock is given back before the work begins.
        let next = || take(&mut left.lock(), own, share);
        let mut mine = Vec::new();
        while let Some((first, share)) = next() {
            mine.push((first, share.into_iter().map(&f).collect::<Vec<_>>()));
        }
        done.lock().append(&mut mine);
    });
    let mut done = done.into_inner();
    done.sort_unstable_by_key(|(first, _)| *first);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

/// How many rows a thread takes at a time, in as many pieces as they are.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Share {
    least: usize,
    /// It is one of so many equal parts of what is left of a stretch, if that is more.
    parts: usize,
}

impl Share {
    /// Of rows that are about as dear as each other: while many are left, more are taken.
    pub(crate) fn at_least(rows: usize) -> Self {
        Self { least: rows, parts: 4 }
    }

    /// Of any: more at a time might be most of the work.
    pub(crate) fn of(rows: usize) -> Self {
        Self { least: rows, parts: usize::MAX }
    }
}

/// Pieces that follow each other, of which nobody has taken those that are left.
struct Stretch<P> {
    pieces: IntoIter<P>,
    rows_of: fn(&P) -> usize,
    /// The place of the first of them in the order.
    first: usize,
    /// Of all of them.
    rows: usize,
}

/// Pieces that a thread works on, usually one.
type TakenPieces<P> = SmallVec<[P; 1]>;

/// Cuts pieces with `all` rows into so many stretches, about as long as each other.
fn stretches<P>(
    pieces: Vec<P>,
    rows_of: fn(&P) -> usize,
    all: usize,
    count: usize,
) -> Vec<Stretch<P>> {
    let (mut pieces, mut first, mut left) = (pieces.into_iter().peekable(), 0, all);
    let stretch = |n: usize| {
        let fair = left.div_ceil(count - n);
        let (mut own, mut rows) = (Vec::new(), 0);
        while let Some(piece) = pieces.next_if(|_| rows < fair) {
            rows += rows_of(&piece);
            own.push(piece);
        }
        left -= rows;
        let stretch = Stretch { first, rows, rows_of, pieces: own.into_iter() };
        first += stretch.pieces.len();
        stretch
    };
    (0..count).map(stretch).collect()
}

/// Takes pieces of a share together, if that many are left of a stretch, so that another
/// thread has something to help with. Returns the place of the first, too.
fn take<P>(
    stretches: &mut [Stretch<P>],
    own: usize,
    share: Share,
) -> Option<(usize, TakenPieces<P>)> {
    let own = own % stretches.len();
    let is_own = stretches[own].rows > 0;
    let from = match is_own {
        true => &mut stretches[own],
        false => stretches.iter_mut().max_by_key(|stretch| stretch.rows)?,
    };
    let rows = share.least.max(from.rows / share.parts);
    let (mut taken, mut in_all) = (TakenPieces::new(), 0);
    while in_all < rows {
        let piece = if is_own { from.pieces.next() } else { from.pieces.next_back() };
        let Some(piece) = piece else { break };
        in_all += (from.rows_of)(&piece);
        taken.push(piece);
    }
    from.rows -= in_all;
    if is_own {
        from.first += taken.len();
        return Some((from.first - taken.len(), taken));
    }
    taken.reverse();
    (!taken.is_empty()).then_some((from.first + from.pieces.len(), taken))
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

    /// Stretches of pieces of ten rows, of which the last has five.
    fn cut<'q, D: QueryData>(
        query: &'q mut Query<'_, D>,
        count: usize,
    ) -> Vec<Stretch<Chunk<'q, D>>> {
        let all = query.count();
        stretches(query.pieces_mut(10), Chunk::len, all, count)
    }

    fn world(rows: usize) -> World {
        let mut world = World::new();
        world.spawn_batch((0..rows).map(Number));
        world
    }

    #[test]
    fn stretches_are_about_as_long_as_each_other_and_hold_all_pieces() {
        let mut world = world(95);
        for count in 1..=10 {
            let mut query = world.query_mut::<&Number>();
            let cut = cut(&mut query, count);
            let mut next = 0;
            for stretch in &cut {
                assert_eq!(stretch.first, next);
                let rows = stretch.pieces.as_slice().iter().map(Chunk::len).sum::<usize>();
                assert_eq!(stretch.rows, rows);
                assert!(rows.abs_diff(95 / count) <= 10, "{rows} of {count} stretches");
                next += stretch.pieces.len();
            }
            assert_eq!((cut.len(), next), (count, 10));
        }
    }

    #[test]
    fn each_piece_is_taken_once_whoever_comes() {
        let mut world = world(95);
        let orders: [&[usize]; 4] = [&[0], &[2], &[0, 1, 2], &[7, 0, 0, 4]];
        for (order, shortest) in orders.into_iter().zip([10, 1, 25, 30]) {
            let mut query = world.query_mut::<&Number>();
            let mut cut = cut(&mut query, 3);
            let mut all = vec![None; 10];
            let mut who = order.iter().cycle();
            while let Some((first, share)) =
                take(&mut cut, *who.next().unwrap(), Share::at_least(shortest))
            {
                for (place, piece) in (first..).zip(share) {
                    let mut values = Vec::new();
                    piece.for_each(|number| values.push(number.0));
                    assert_eq!(values[0], place * 10);
                    assert!(all[place].replace(values).is_none(), "piece {place} twice");
                }
            }
            let all: Vec<_> = all.into_iter().flatten().flatten().collect();
            assert_eq!(all, (0..95).collect::<Vec<_>>(), "taken by {order:?}");
        }
    }

    #[test]
    fn of_many_rows_more_are_taken_unless_some_may_be_dearer() {
        let counts = |share: Share| {
            let mut cut = stretches((0..40).collect(), |_: &u32| 1, 40, 1);
            let next = || take(&mut cut, 0, share).map(|(_, taken)| taken.len());
            std::iter::from_fn(next).collect::<Vec<_>>()
        };
        assert_eq!(counts(Share::at_least(4)), [10, 7, 5, 4, 4, 4, 4, 2]);
        assert_eq!(counts(Share::of(4)), [4; 10]);
    }

    #[test]
    fn a_thread_begins_with_its_own_and_helps_from_the_end() {
        let mut world = world(80);
        let mut query = world.query_mut::<&Number>();
        let mut cut = cut(&mut query, 2);
        let mut firsts = |own| {
            take(&mut cut, own, Share::at_least(10)).map(|(first, share)| (first, share.len()))
        };
        assert_eq!(firsts(1), Some((4, 1)));
        assert_eq!(firsts(0), Some((0, 1)));
        let of_one: Vec<_> = std::iter::from_fn(|| firsts(1)).map(|(first, _)| first).collect();
        assert_eq!(of_one, [5, 6, 7, 3, 2, 1]);
    }
}
