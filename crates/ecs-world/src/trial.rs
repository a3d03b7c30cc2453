//! Work on few rows, which are shared among threads if they turn out to be dear.

use std::time::{Duration, Instant};

use ecs_storage_api::{Chunks, QueryData};

use crate::parts::{Part, Rest};
use crate::pieces::{Run, Share, map_runs};
use crate::schedule::Crew;

/// For how long one thread works before it asks whether others should help. It takes longer
/// to wake one, and what rows cost shows by then, though the first are cold.
const ALONE: Duration = Duration::from_micros(10);

/// What is left must take this long for others to be woken.
const WORTH_HELP: Duration = Duration::from_micros(100);

/// How long the shortest piece is to take that a thread takes at once: rows in it that turn
/// out to be dear are not shared any more.
const PIECE: Duration = Duration::from_micros(2);

/// Does some work on chunks with so many rows together, a run of them at a time, and returns
/// what came of each in the order of the rows. Where they are cut depends on the clock.
///
/// The calling thread begins alone, and the others help as soon as what is left would keep
/// it, at the pace of its last rows, for longer than it takes to wake them.
pub(crate) fn map_by_cost<'q, D: QueryData, T: Send>(
    chunks: Chunks<'q, D>,
    all: usize,
    f: impl Fn(Run<Part<'q, D>>) -> T + Send + Sync,
) -> Vec<T> {
    let mut left = Rest::of(chunks);
    if Crew::here().count() < 2 {
        return vec![f(left.into_run(all))];
    }
    let (mut done, mut results) = (0, Vec::new());
    // What tells the cost of a row: when work was begun, and on how many rows.
    let (mut begun, mut tried) = (Instant::now(), 0);
    let mut step = all.min(1);
    while step > 0 {
        results.push(f(left.take(step)));
        done += step;
        tried += step;
        let time = begun.elapsed();
        step = if time < ALONE {
            rows_in(ALONE - time, time, tried).clamp(1, 3 * tried)
        } else if all - done < rows_in(WORTH_HELP, time, tried) {
            let step = rows_in(ALONE, time, tried).max(1);
            (begun, tried) = (Instant::now(), 0);
            step
        } else {
            let rows = rows_in(PIECE, time, tried).max(1);
            results.append(&mut map_runs(left.into_parts(rows), Share::at_least(rows), f));
            break;
        };
        // Not all at once: the last may be the dearest.
        step = step.min((all - done).div_ceil(2));
    }
    results
}

/// Returns how many rows are done in a while, if `done` rows took `time`.
fn rows_in(a_while: Duration, time: Duration, done: usize) -> usize {
    let rows = a_while.as_nanos() * done as u128 / time.as_nanos().max(1);
    rows.try_into().unwrap_or(usize::MAX)
}
