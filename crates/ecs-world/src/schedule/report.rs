//! What runs have done, as data.

use std::time::Duration;

use crate::commands::CommandReport;

/// What a run did; sub-schedules and their systems count too, each time they
/// ran.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct RunReport {
    /// How many systems ran.
    pub systems: usize,
    /// How many did not, because of their rhythm or a condition.
    pub skipped: usize,
    /// What became of their commands.
    pub commands: CommandReport,
    /// How long applying them took.
    pub applying: Duration,
}

impl RunReport {
    /// Adds what another run did.
    pub fn add(&mut self, other: Self) {
        self.systems += other.systems;
        self.skipped += other.skipped;
        self.commands.add(other.commands);
        self.applying += other.applying;
    }
}

/// What a system has done in all its runs.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct SystemStats {
    /// How often it ran.
    pub runs: u64,
    /// How often it did not, because of its rhythm or a condition.
    pub skipped: u64,
    /// How long it ran. Of systems that run for less than a microsecond one after another,
    /// up to sixteen are timed together, and each has an equal share of that: to read the
    /// clock for each would take as long as they do.
    pub time: Duration,
    /// How long it ran when it ran last, as `time`.
    pub last_time: Duration,
    /// How many rows its queries matched.
    pub rows: u64,
    /// What became of its commands.
    pub commands: CommandReport,
}

impl SystemStats {
    /// Adds how long a run took.
    #[inline]
    pub(super) fn add_time(&mut self, time: Duration) {
        self.time += time;
        self.last_time = time;
    }
}
