//! Work on the pieces of a query, shared among threads.

use std::vec::IntoIter;

use ecs_storage_api::{Chunk, QueryData, Workers};
use parking_lot::Mutex;
use smallvec::SmallVec;

use crate::schedule::Crew;

/// Does some work on each piece, and returns what came of it in the order of the
/// pieces.
///
/// A thread takes a share of about `rows` rows at a time or, while many are left, of
/// more, of as many pieces as it takes; the threads are those of the schedule that runs
/// here, else rayon's current ones. What is `rows` rows or one piece stays on the calling
/// one.
pub(crate) fn map_pieces<'q, D: QueryData, T: Send>(
    pieces: Vec<Chunk<'q, D>>,
    rows: usize,
    f: impl Fn(Chunk<'q, D>) -> T + Send + Sync,
) -> Vec<T> {
    let threads = Crew::here();
    let all: usize = pieces.iter().map(Chunk::len).sum();
    let shares = all.div_ceil(rows).min(pieces.len());
    if shares < 2 || threads.count() < 2 {
        return pieces.into_iter().map(f).collect();
    }
    let (shortest, count) = (rows, threads.count());
    let left = Mutex::new(Left { pieces: pieces.into_iter(), first: 0, rows: all });
    let done = Mutex::new(Vec::with_capacity(shares));
    threads.work(shares, &|| {
        let mut mine = Vec::new();
        while let Some((first, share)) = take(&left, shortest, count) {
            mine.push((first, share.into_iter().map(&f).collect::<Vec<_>>()));
        }
        done.lock().append(&mut mine);
    });
    let mut done = done.into_inner();
    done.sort_unstable_by_key(|(first, _)| *first);
    done.into_iter().flat_map(|(_, results)| results).collect()
}

/// The pieces that nobody has taken yet.
struct Left<'q, D: QueryData> {
    pieces: IntoIter<Chunk<'q, D>>,
    /// The place of the first of them in the order.
    first: usize,
    /// Of all of them.
    rows: usize,
}

/// Pieces that a thread works on, usually one.
type TakenPieces<'q, D> = SmallVec<[Chunk<'q, D>; 1]>;

/// Takes pieces of `shortest` rows together, if that many are left; of many rows a part
/// that leaves enough for each of `threads` to end at the same time. What follows each
/// other in memory is read faster by one thread than by several in turn.
fn take<'q, D: QueryData>(
    left: &Mutex<Left<'q, D>>,
    shortest: usize,
    threads: usize,
) -> Option<(usize, TakenPieces<'q, D>)> {
    /// Into how many parts a thread's share of what is left is divided.
    const PARTS: usize = 4;
    let mut left = left.lock();
    let rows = shortest.max(left.rows / (PARTS * threads));
    let (first, mut taken, mut in_all) = (left.first, TakenPieces::new(), 0);
    while in_all < rows {
        let Some(piece) = left.pieces.next() else { break };
        in_all += piece.len();
        taken.push(piece);
    }
    left.first += taken.len();
    left.rows -= in_all;
    (!taken.is_empty()).then_some((first, taken))
}
