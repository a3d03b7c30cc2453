//! Contenders of a row, all alive at once and sampled in turn.

use std::error::Error;
use std::fmt;
use std::time::Duration;

use super::contender::{Contender, Workload};
use super::row::{Row, Unit};
use crate::figure::median;

/// Rounds that every contender does before the check.
const CHECKED_ROUNDS: u64 = 2;
/// Samples that every contender gives, unless one takes longer than
/// [`LONG_SAMPLE`].
const SAMPLES: usize = 30;
/// A contender with samples this long gives only as many as its time allows.
const LONG_SAMPLE: f64 = 1.0;
/// The least a contender gives, whatever the time.
const LEAST_SAMPLES: usize = 3;
/// Rounds in a sample at least, so that nobody's memory is colder.
const LEAST_ROUNDS: u64 = 2;

/// The samples of one contender, in the row's unit, a whole round each.
#[derive(Debug)]
pub struct Samples {
    /// Its name.
    pub contender: &'static str,
    rounds: Vec<f64>,
}

impl Samples {
    /// Returns how many there are.
    pub fn len(&self) -> usize {
        self.rounds.len()
    }

    /// Tells whether there are none.
    pub fn is_empty(&self) -> bool {
        self.rounds.is_empty()
    }

    /// Returns the middle one, or 0 if there is none.
    pub fn median(&self) -> f64 {
        median(&self.rounds)
    }

    /// Returns the least, or 0 if there is none.
    pub fn min(&self) -> f64 {
        self.rounds.iter().copied().min_by(f64::total_cmp).unwrap_or(0.0)
    }
}

/// Two contenders of a row that did not do the same work.
#[derive(Debug)]
#[non_exhaustive]
pub struct Disagreement {
    /// The row.
    pub row: &'static str,
    /// A contender with its checksum.
    pub first: (&'static str, f64),
    /// Another, with another.
    pub other: (&'static str, f64),
}

impl fmt::Display for Disagreement {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { row, first, other } = self;
        write!(f, "{row}: {} comes to {}, but {} to {}", first.0, first.1, other.0, other.1)
    }
}

impl Error for Disagreement {}

/// Checks that the contenders of a row do the same work.
///
/// # Errors
/// [`Disagreement`] if their checksums differ.
pub fn verify(row: &Row) -> Result<(), Disagreement> {
    set_up(row).map(drop)
}

/// Measures the contenders of a row, each for `seconds` at least.
///
/// # Errors
/// [`Disagreement`] if one of them does not do the work.
pub fn measure(row: &Row, seconds: f64) -> Result<Vec<Samples>, Disagreement> {
    let mut racers = set_up(row)?;
    match row.unit {
        Unit::Bytes => racers.iter_mut().for_each(Racer::weigh),
        Unit::Nanoseconds => race(&mut racers, seconds),
    }
    Ok(racers.into_iter().map(|racer| racer.samples).collect())
}

fn race(racers: &mut [Racer], seconds: f64) {
    for racer in racers.iter_mut() {
        racer.calibrate(seconds / SAMPLES as f64);
    }
    let mut first = 0;
    while racers.iter().any(|racer| racer.wants_more(seconds)) {
        // Nobody always follows the same one.
        for turn in 0..racers.len() {
            let at = (first + turn) % racers.len();
            if racers[at].wants_more(seconds) {
                racers[at].sample();
            }
        }
        first += 1;
    }
}

fn set_up(row: &Row) -> Result<Vec<Racer>, Disagreement> {
    let mut racers = Vec::new();
    let mut first = None;
    for contender in &row.contenders {
        let mut racer = Racer::new(contender);
        racer.workload.rounds(CHECKED_ROUNDS);
        let sum = (contender.name, racer.workload.checksum());
        let first = *first.get_or_insert(sum);
        // Sums of whole numbers in f64 are exact, whatever their order.
        if first.1 != sum.1 {
            return Err(Disagreement { row: row.name, first, other: sum });
        }
        racers.push(racer);
    }
    Ok(racers)
}

/// A contender under way.
struct Racer {
    workload: Box<dyn Workload>,
    /// Rounds in a sample.
    rounds: u64,
    time: f64,
    samples: Samples,
}

impl Racer {
    fn new(contender: &Contender) -> Self {
        Self {
            workload: contender.set_up(),
            rounds: LEAST_ROUNDS,
            time: 0.0,
            samples: Samples { contender: contender.name, rounds: Vec::new() },
        }
    }

    /// Finds how many rounds make a sample of `target` seconds.
    fn calibrate(&mut self, target: f64) {
        let mut rounds = 1;
        loop {
            let time = self.workload.rounds(rounds).as_secs_f64();
            if time >= target / 4.0 {
                let needed = (target / time * rounds as f64).ceil() as u64;
                // What takes so long is no longer helped by another round.
                let least = if time > LONG_SAMPLE { 1 } else { LEAST_ROUNDS };
                self.rounds = needed.max(least);
                return;
            }
            rounds *= 2;
        }
    }

    /// Takes a sample, its caches warmed by rounds that are not timed.
    fn sample(&mut self) {
        self.workload.rounds(self.rounds.min(LEAST_ROUNDS));
        let time: Duration = self.workload.rounds(self.rounds);
        self.time += time.as_secs_f64();
        self.samples.rounds.push(time.as_secs_f64() * 1e9 / self.rounds as f64);
    }

    fn weigh(&mut self) {
        for _ in 0..LEAST_SAMPLES {
            let bytes = self.workload.bytes().expect("a row of bytes has contenders that count");
            self.samples.rounds.push(bytes as f64);
        }
    }

    fn wants_more(&self, seconds: f64) -> bool {
        let taken = self.samples.len();
        let mean = self.time / taken.max(1) as f64;
        let enough = if mean > LONG_SAMPLE { LEAST_SAMPLES } else { SAMPLES };
        taken < enough || self.time < seconds
    }
}
