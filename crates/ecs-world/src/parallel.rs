//! Iteration through rayon: over queries, and over anything else.

use ecs_storage_api::{Chunk, Filter, Query, QueryData};
use smallvec::SmallVec;

use crate::commands::{CommandQueue, Commands};
use crate::parts::Part;
use crate::pieces::{Run, Share, Single, each_run, map_runs};
use crate::trial::map_by_cost;

/// Rows of a piece of work. Pieces are cut by rows alone, so what a piece holds
/// never depends on how many threads there are.
const PIECE_ROWS: usize = 8_192;

/// No more rows than these may take less time together than it takes to wake a thread.
const FEW_ROWS: usize = 262_144;

/// Runs a query's work on rayon's threads.
///
/// The current pool does the work: the global one, or the one in whose
/// `install` the call stands; in a system, the threads of its schedule. Pieces
/// are cut by rows alone. Each thread begins with a stretch of its own, the same in each
/// call over the same rows, and helps with others when it has done with that; threads take
/// as many small pieces at a time as make up a large one, or more while many are left, and
/// what is not more than a large one stays on the calling thread.
///
/// `par_for_each` and `par_for_each_with`, of which nothing can tell where they cut, look
/// at the clock where there are no more than 262,144 rows: the calling thread begins, and
/// as soon as what is left seems to take it over a tenth of a millisecond, the others help.
///
/// # Panics
/// Each method panics if one of its functions does, when what other threads are at has
/// ended; not every row was given then. Of several panics it is any.
///
/// # Example
/// ```
/// use ecs_world::{ParQuery, World};
/// # use ecs_core::{Component, Description};
/// # struct Mass(f32);
/// # impl Component for Mass {
/// #     fn describe() -> Description<Self> {
/// #         Description::transient("docs::par_query::Mass")
/// #     }
/// # }
///
/// let mut world = World::new();
/// world.spawn_batch((1..=20_000u16).map(|n| Mass(1.0 / f32::from(n))));
/// world.query_mut::<&mut Mass>().par_for_each(|mass| mass.0 *= 2.0);
/// // The same bits on any number of threads.
/// let total = world.query_mut::<&Mass>().par_fold(|| 0.0, |sum, mass| sum + mass.0, |a, b| a + b);
/// assert!((total - 20.96).abs() < 0.01);
/// ```
pub trait ParQuery<D: QueryData> {
    /// Gives every matching entity to `f`, from several threads.
    fn par_for_each(&mut self, f: impl Fn(D::Item<'_>) + Send + Sync);

    /// Gives every piece of a matching chunk to `f`, from several threads.
    fn par_chunks(&mut self, f: impl Fn(Chunk<'_, D>) + Send + Sync) {
        self.par_chunks_of(PIECE_ROWS, f);
    }

    /// Gives every piece of at most `rows` rows to `f`, from several threads:
    /// fewer than by default, which is 8,192, where a row is much work.
    ///
    /// # Panics
    /// If `rows` is 0.
    fn par_chunks_of(&mut self, rows: usize, f: impl Fn(Chunk<'_, D>) + Send + Sync);

    /// Gives every piece of a matching chunk, of at most `rows` rows, to `f`, from
    /// several threads; returns what came of each, in the order of the rows.
    ///
    /// # Panics
    /// If `rows` is 0.
    fn par_map_chunks_of<T: Send>(
        &mut self,
        rows: usize,
        f: impl Fn(Chunk<'_, D>) -> T + Send + Sync,
    ) -> Vec<T>;

    /// Folds each piece from a new `start`, and combines the results in the
    /// order of the rows: floating-point results too are the same on any number
    /// of threads. Without rows the result is `start()`.
    ///
    /// The sum of the pieces' sums is not that of a plain loop over all rows, bit
    /// for bit, if there are several pieces.
    fn par_fold<T: Send>(
        &mut self,
        start: impl Fn() -> T + Send + Sync,
        fold: impl Fn(T, D::Item<'_>) -> T + Send + Sync,
        combine: impl FnMut(T, T) -> T,
    ) -> T;

    /// Gives every matching entity to `f`, with commands that are added to
    /// `commands` in the order of the rows. If `f` panics, none is added.
    ///
    /// A handle of a spawn is for later commands of the same call of `f`.
    fn par_for_each_with(
        &mut self,
        commands: &mut Commands<'_>,
        f: impl Fn(&mut Commands<'_>, D::Item<'_>) + Send + Sync,
    );
}

/// Gives each item to `f`, from several threads, and returns what came of each in the order
/// of the items: for what a system goes through beside queries.
///
/// The threads are those of [`ParQuery`]. One takes `share` items at a time, from a stretch
/// of its own first; what is not more than that stays on the calling thread. So who works on
/// many small items gives a large number, or stretches of them as the items.
///
/// # Panics
/// If `share` is 0, or if `f` panics, when the other threads have ended; not every item
/// was given to it then.
///
/// # Example
/// ```
/// use ecs_world::par_map;
///
/// let mut queues: Vec<Vec<u32>> = (0..100).map(|n| (0..n).collect()).collect();
/// let last = par_map(&mut queues, 16, Vec::pop);
/// assert_eq!(last[..3], [None, Some(0), Some(1)]);
/// ```
pub fn par_map<I: Send, T: Send>(
    items: impl IntoIterator<Item = I>,
    share: usize,
    f: impl Fn(I) -> T + Send + Sync,
) -> Vec<T> {
    assert!(share > 0, "a thread takes at least one item at a time");
    let mut items = items.into_iter().fuse();
    let share = || Some(items.by_ref().take(share).collect()).filter(|it: &Vec<_>| !it.is_empty());
    let shares = std::iter::from_fn(share).map(Single).collect();
    let of_run = |run: Run<Single<Vec<I>>>| {
        run.into_wholes().flat_map(|Single(items)| items).map(&f).collect::<Vec<T>>()
    };
    map_runs(shares, Share::of(1), of_run).into_iter().flatten().collect()
}

/// Does some work on runs of a query's rows, whose number nobody gets to know; returns what
/// came of each, in the order of the rows.
fn map_cheap_or_dear<'q, D: QueryData, F: Filter, T: Send>(
    query: &'q mut Query<'_, D, F>,
    f: impl Fn(Run<Part<'q, D>>) -> T + Send + Sync,
) -> Vec<T> {
    let chunks = query.chunks_mut();
    let rows = chunks.row_counts().sum();
    match rows <= FEW_ROWS {
        true => map_by_cost(chunks, rows, f),
        false => map_runs(Part::of(chunks, PIECE_ROWS), Share::at_least(PIECE_ROWS), f),
    }
}

impl<D: QueryData, F: Filter> ParQuery<D> for Query<'_, D, F> {
    fn par_for_each(&mut self, f: impl Fn(D::Item<'_>) + Send + Sync) {
        map_cheap_or_dear(self, |run| run.for_each_chunk(|chunk| chunk.for_each(&f)));
    }

    fn par_chunks_of(&mut self, rows: usize, f: impl Fn(Chunk<'_, D>) + Send + Sync) {
        assert!(rows > 0, "a piece has at least one row");
        let parts = Part::of(self.chunks_mut(), rows);
        each_run(parts, Share::at_least(rows), |run: Run<Part<'_, D>>| {
            run.for_each_chunk(|chunk| chunk.pieces(rows).for_each(&f));
        });
    }

    fn par_map_chunks_of<T: Send>(
        &mut self,
        rows: usize,
        f: impl Fn(Chunk<'_, D>) -> T + Send + Sync,
    ) -> Vec<T> {
        assert!(rows > 0, "a piece has at least one row");
        let of_run = |run: Run<Part<'_, D>>| {
            let mut results = SmallVec::<[T; 1]>::new();
            run.for_each_chunk(|chunk| results.extend(chunk.pieces(rows).map(&f)));
            results
        };
        let parts = Part::of(self.chunks_mut(), rows);
        map_runs(parts, Share::at_least(rows), of_run).into_iter().flatten().collect()
    }

    fn par_fold<T: Send>(
        &mut self,
        start: impl Fn() -> T + Send + Sync,
        fold: impl Fn(T, D::Item<'_>) -> T + Send + Sync,
        combine: impl FnMut(T, T) -> T,
    ) -> T {
        let of_piece = |piece: Chunk<'_, D>| piece.fold(start(), &fold);
        let folded = self.par_map_chunks_of(PIECE_ROWS, of_piece);
        folded.into_iter().reduce(combine).unwrap_or_else(start)
    }

    fn par_for_each_with(
        &mut self,
        commands: &mut Commands<'_>,
        f: impl Fn(&mut Commands<'_>, D::Item<'_>) + Send + Sync,
    ) {
        let record = |run: Run<Part<'_, D>>| {
            let mut queue = CommandQueue::new();
            run.for_each_chunk(|chunk| {
                chunk.for_each(|item| {
                    f(&mut Commands::new(&mut queue), item);
                    queue.end_handles();
                });
            });
            queue
        };
        let queues = map_cheap_or_dear(self, record);
        queues.into_iter().for_each(|queue| commands.append(queue));
    }
}
