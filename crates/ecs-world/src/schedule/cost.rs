//! How long a system runs.

use std::time::Duration;

/// How long the last runs of a system took, in nanoseconds, four seconds at most.
///
/// What it is expected to take is their median: one run that the machine
/// interrupted changes nothing, and what has become slower is known after two.
#[derive(Default)]
pub(super) struct RunTimes {
    times: [u32; 3],
    next: usize,
}

impl RunTimes {
    /// Takes a run in, and returns what the next one is expected to take.
    pub(super) fn learn(&mut self, time: Duration) -> u32 {
        self.times[self.next] = u32::try_from(time.as_nanos()).unwrap_or(u32::MAX);
        self.next = (self.next + 1) % self.times.len();
        let [a, b, c] = self.times;
        a.min(b).max(a.max(b).min(c))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn learnt(times: &[u32]) -> Vec<u32> {
        let mut all = RunTimes::default();
        times.iter().map(|&time| all.learn(Duration::from_nanos(time.into()))).collect()
    }

    #[test]
    fn one_slow_run_changes_nothing() {
        assert_eq!(learnt(&[5, 5, 9_000, 6, 5, 5]), [0, 5, 5, 6, 6, 5]);
    }

    #[test]
    fn two_slow_runs_are_believed() {
        assert_eq!(learnt(&[5, 5, 5, 9_000, 8_000, 8_500]), [0, 5, 5, 5, 8_000, 8_500]);
    }

    #[test]
    fn a_long_run_counts_as_four_seconds() {
        let mut all = RunTimes::default();
        all.learn(Duration::MAX);
        assert_eq!(all.learn(Duration::MAX), u32::MAX);
    }
}
