//! One figure: an operation at a size.

use serde::{Deserialize, Serialize};

use super::Operation;
use crate::compare::Contender;
use crate::figure::median;

/// Rounds that are timed at least.
const LEAST_ROUNDS: usize = 3;

/// What a size counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Axis {
    /// Entities, all of one archetype.
    Entities,
    /// Archetypes, with a fixed number of entities.
    Archetypes,
}

impl Axis {
    /// Returns what is counted, in a word.
    pub fn name(self) -> &'static str {
        match self {
            Self::Entities => "entities",
            Self::Archetypes => "archetypes",
        }
    }
}

/// What an item costs at one size.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Point {
    /// What is done.
    pub operation: String,
    /// Who does it.
    pub contender: String,
    /// What the size counts.
    pub axis: Axis,
    /// How many there are.
    pub size: usize,
    /// The median of several rounds, in nanoseconds an item.
    pub ns: f64,
}

/// Measures an operation at one size, each contender for `seconds` at least.
pub fn measure(operation: &Operation, axis: Axis, size: usize, seconds: f64) -> Vec<Point> {
    let row = operation.of_size(size);
    let point = |contender: &Contender| Point {
        operation: operation.name.to_owned(),
        contender: contender.name.to_owned(),
        axis,
        size,
        ns: round(contender, seconds) * 1e9 / row.items as f64,
    };
    row.contenders.iter().map(point).collect()
}

/// Returns the median of a round, in seconds.
fn round(contender: &Contender, seconds: f64) -> f64 {
    let mut workload = contender.set_up();
    // The first round finds cold caches, and asks the system for memory.
    workload.rounds(1);
    let mut times = Vec::new();
    while times.len() < LEAST_ROUNDS || times.iter().sum::<f64>() < seconds {
        times.push(workload.rounds(1).as_secs_f64());
    }
    median(&times)
}
