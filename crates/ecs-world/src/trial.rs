//! Work on few rows, which are shared among threads if they turn out to be dear.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use ecs_storage_api::{Chunk, QueryData};
use smallvec::SmallVec;

use crate::pieces::{Run, Share, map_runs};
use crate::schedule::Crew;

/// For how long one thread works before it asks whether others should help. It takes longer
/// to wake one, and what rows cost shows by then, though the first are cold.
const ALONE: Duration = Duration::from_micros(10);

/// What is left must take this long for others to be woken.
const WORTH_HELP: Duration = Duration::from_micros(100);

/// What a piece is to take that a thread takes at once.
const PIECE: Duration = Duration::from_micros(10);

/// Does some work on chunks, a run of them at a time, and returns what came of each in the
/// order of the rows. Where they are cut depends on the clock.
///
/// The calling thread begins alone, and the others help if what is left would keep it for
/// longer than it takes to wake them.
pub(crate) fn map_by_cost<'q, D: QueryData, T: Send>(
    chunks: Vec<Chunk<'q, D>>,
    f: impl Fn(Run<Chunk<'q, D>>) -> T + Send + Sync,
) -> Vec<T> {
    if Crew::here().count() < 2 {
        return vec![f(Run::alone(chunks.into()))];
    }
    let all: usize = chunks.iter().map(Chunk::len).sum();
    let mut left = VecDeque::from(chunks);
    // The clock is asked when so many rows are done.
    let (mut done, mut until, mut results) = (0, 1, Vec::new());
    let start = Instant::now();
    let time = loop {
        if left.is_empty() {
            return results;
        }
        results.push(f(take_rows(&mut left, until - done)));
        done = until;
        let time = start.elapsed();
        if time >= ALONE {
            break time;
        }
        until = all.min(done + rows_in(ALONE - time, time, done).clamp(1, 3 * done));
    };
    let left = Vec::from(left);
    if all - done < rows_in(WORTH_HELP, time, done) {
        results.push(f(Run::alone(left.into())));
    } else {
        let rows = rows_in(PIECE, time, done).max(1);
        results.append(&mut map_runs(left, Share::at_least(rows), f));
    }
    results
}

/// Takes so many rows, which there are, from the front.
fn take_rows<'q, D: QueryData>(
    left: &mut VecDeque<Chunk<'q, D>>,
    rows: usize,
) -> Run<Chunk<'q, D>> {
    let (mut taken, mut missing) = (SmallVec::new(), rows);
    while let Some(mut chunk) = left.pop_front_if(|_| missing > 0) {
        if chunk.len() > missing {
            left.push_front(chunk.split_off(missing));
        }
        missing -= chunk.len();
        taken.push(chunk);
    }
    Run::alone(taken)
}

/// Returns how many rows are done in a while, if `done` rows took `time`.
fn rows_in(a_while: Duration, time: Duration, done: usize) -> usize {
    let rows = a_while.as_nanos() * done as u128 / time.as_nanos().max(1);
    rows.try_into().unwrap_or(usize::MAX)
}
