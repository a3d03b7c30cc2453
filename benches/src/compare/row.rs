//! One workload, and everyone who does it.

use serde::{Deserialize, Serialize};

use super::contender::{Contender, Workload};

/// What a row's figures count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Unit {
    /// Nanoseconds of wall clock.
    #[serde(rename = "ns")]
    Nanoseconds,
    /// Bytes of live heap.
    #[serde(rename = "bytes")]
    Bytes,
}

impl Unit {
    /// Returns its abbreviation.
    pub fn name(self) -> &'static str {
        match self {
            Self::Nanoseconds => "ns",
            Self::Bytes => "bytes",
        }
    }
}

/// How large the workloads are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Size {
    /// As the comparison describes them.
    Full,
    /// So small that a test can run them all.
    Tiny,
    /// As many items as this says, whatever the comparison describes.
    Exactly(usize),
}

impl Size {
    /// Returns how many items a workload has that has `full` of them.
    pub fn of(self, full: usize) -> usize {
        match self {
            Self::Full => full,
            Self::Tiny => full.min(50),
            Self::Exactly(count) => count,
        }
    }
}

/// A workload with its contenders.
#[derive(Debug)]
pub struct Row {
    /// In snake case.
    pub name: &'static str,
    /// What is done, in a few words.
    pub about: &'static str,
    /// How many items a round has.
    pub items: usize,
    /// What the figures count.
    pub unit: Unit,
    /// Who does it.
    pub contenders: Vec<Contender>,
}

impl Row {
    /// Makes a row of nobody yet, measured in nanoseconds.
    pub fn new(name: &'static str, about: &'static str, items: usize) -> Self {
        Self { name, about, items, unit: Unit::Nanoseconds, contenders: Vec::new() }
    }

    /// Adds a contender.
    pub fn with<W: Workload + 'static>(
        mut self,
        name: &'static str,
        set_up: impl Fn() -> W + 'static,
    ) -> Self {
        self.contenders.push(Contender::new(name, set_up));
        self
    }
}
