//! One way of doing a row's work.

use std::fmt;
use std::hint::black_box;
use std::time::{Duration, Instant};

/// Work that can be timed and checked.
pub trait Workload {
    /// Does the work `count` times, and returns how long the part of it took
    /// that counts.
    fn rounds(&mut self, count: u64) -> Duration;

    /// Sums up what the work has done. Contenders of one row agree on it after
    /// the same number of rounds, or one of them did not do the work.
    fn checksum(&mut self) -> f64;

    /// Returns what one round leaves on the heap, in bytes, for rows that
    /// measure memory instead of time.
    fn bytes(&mut self) -> Option<usize> {
        None
    }
}

/// A named way of doing a row's work, not yet set up.
pub struct Contender {
    /// The engine, a slash, and the way: `hecs/for_each`.
    pub name: &'static str,
    set_up: Box<dyn Fn() -> Box<dyn Workload>>,
}

impl fmt::Debug for Contender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Contender").field(&self.name).finish()
    }
}

impl Contender {
    /// Names a way of setting work up.
    pub fn new<W: Workload + 'static>(
        name: &'static str,
        set_up: impl Fn() -> W + 'static,
    ) -> Self {
        Self { name, set_up: Box::new(move || Box::new(set_up())) }
    }

    /// Builds what the work needs.
    pub fn set_up(&self) -> Box<dyn Workload> {
        (self.set_up)()
    }

    /// Returns the part of the name before the slash.
    pub fn engine(&self) -> &'static str {
        self.name.split('/').next().unwrap_or(self.name)
    }
}

/// Work on a state that stays from round to round.
struct Steady<S, W, C> {
    state: S,
    work: W,
    check: C,
}

/// Makes a workload of a state, what is timed, and a sum over the state.
pub fn steady<S, R>(
    state: S,
    work: impl FnMut(&mut S) -> R,
    check: impl FnMut(&mut S) -> f64,
) -> impl Workload {
    Steady { state, work, check }
}

impl<S, R, W: FnMut(&mut S) -> R, C: FnMut(&mut S) -> f64> Workload for Steady<S, W, C> {
    fn rounds(&mut self, count: u64) -> Duration {
        let start = Instant::now();
        for _ in 0..count {
            black_box((self.work)(black_box(&mut self.state)));
        }
        start.elapsed()
    }

    fn checksum(&mut self) -> f64 {
        (self.check)(&mut self.state)
    }
}

/// Work that uses its input up.
struct Fresh<P, W, C> {
    prepare: P,
    work: W,
    check: C,
}

/// Makes a workload of what prepares a round, untimed, what is timed, and a sum
/// over what came of it. Input and outcome are dropped untimed.
pub fn fresh<I, O>(
    prepare: impl FnMut() -> I,
    work: impl FnMut(&mut I) -> O,
    check: impl FnMut(&mut I, &mut O) -> f64,
) -> impl Workload {
    Fresh { prepare, work, check }
}

impl<I, O, P, W, C> Workload for Fresh<P, W, C>
where
    P: FnMut() -> I,
    W: FnMut(&mut I) -> O,
    C: FnMut(&mut I, &mut O) -> f64,
{
    fn rounds(&mut self, count: u64) -> Duration {
        let mut total = Duration::ZERO;
        for _ in 0..count {
            let mut input = (self.prepare)();
            let start = Instant::now();
            let outcome = black_box((self.work)(black_box(&mut input)));
            total += start.elapsed();
            drop(outcome);
        }
        total
    }

    fn checksum(&mut self) -> f64 {
        let mut input = (self.prepare)();
        let mut outcome = (self.work)(&mut input);
        (self.check)(&mut input, &mut outcome)
    }
}
