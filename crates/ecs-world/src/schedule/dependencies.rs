//! Which systems wait for which, and how a run keeps account of it.

use ecs_storage_api::SharedQueries;

/// Which systems of a segment wait for which, by their places in it.
#[derive(Debug)]
pub(super) struct Dependencies {
    /// Pairs that are so whatever archetypes there are: first, second.
    fixed: Vec<(u32, u32)>,
    /// Which conflicts of queries are in the lists below; 0 for none.
    revision: u64,
    successors: Vec<Vec<u32>>,
    waits_for: Vec<u32>,
}

impl Dependencies {
    pub(super) fn new(systems: usize, fixed: Vec<(u32, u32)>) -> Self {
        let (successors, waits_for) = (vec![Vec::new(); systems], vec![0; systems]);
        Self { fixed, revision: 0, successors, waits_for }
    }

    /// Takes in which queries conflict now: the later system waits for the
    /// earlier one.
    ///
    /// # Complexity
    /// O(1) if nothing changed, else O(systems²).
    pub(super) fn update(&mut self, queries: &SharedQueries) {
        if self.revision == queries.revision() {
            return;
        }
        self.revision = queries.revision();
        let systems = self.successors.len();
        let mut pairs = self.fixed.clone();
        for second in 0..systems {
            let first = (0..second).filter(|&first| queries.conflict(first, second));
            pairs.extend(first.map(|first| (first as u32, second as u32)));
        }
        pairs.sort_unstable();
        pairs.dedup();
        self.successors.iter_mut().for_each(Vec::clear);
        self.waits_for.fill(0);
        for (first, second) in pairs {
            self.successors[first as usize].push(second);
            self.waits_for[second as usize] += 1;
        }
    }

    /// Returns the systems that wait for one.
    pub(super) fn successors(&self, system: usize) -> &[u32] {
        &self.successors[system]
    }

    /// Tells whether one system waits for another, however many are between.
    pub(super) fn ordered(&self, first: usize, second: usize) -> bool {
        let mut seen = vec![false; self.successors.len()];
        let mut open = vec![first as u32];
        while let Some(n) = open.pop() {
            for &next in &self.successors[n as usize] {
                if next as usize == second {
                    return true;
                }
                if (next as usize) < second && !std::mem::replace(&mut seen[next as usize], true) {
                    open.push(next);
                }
            }
        }
        false
    }

    /// Begins to keep account of a run, of systems with these costs.
    pub(super) fn begin(&self, cost: impl Fn(usize) -> u64) -> Progress {
        let waits_for = self.waits_for.clone();
        let ready: Vec<_> = (0..waits_for.len()).rev().filter(|&n| waits_for[n] == 0).collect();
        let waiting = ready.iter().map(|&n| cost(n)).sum();
        Progress { waits_for, ready, waiting, stop: usize::MAX, workers: 0 }
    }
}

/// How far a run is.
#[derive(Debug)]
pub(super) struct Progress {
    waits_for: Vec<u32>,
    /// Those that can run, the first of the order last.
    ready: Vec<usize>,
    /// What those cost.
    waiting: u64,
    /// From here on none is begun.
    stop: usize,
    /// Threads that are at work, or were asked to be.
    pub(super) workers: usize,
}

impl Progress {
    /// Takes the first system that can run.
    pub(super) fn take(&mut self, cost: impl Fn(usize) -> u64) -> Option<usize> {
        let system = self.ready.pop()?;
        if system < self.stop {
            self.waiting -= cost(system);
            return Some(system);
        }
        // All others are behind it.
        self.ready.clear();
        self.waiting = 0;
        None
    }

    /// Returns what the systems cost that can run now.
    pub(super) fn waiting(&self) -> u64 {
        self.waiting
    }

    /// Says that a system has ended: what waited for it alone can run.
    pub(super) fn finish(
        &mut self,
        system: usize,
        dependencies: &Dependencies,
        cost: impl Fn(usize) -> u64,
    ) {
        for &next in dependencies.successors(system) {
            let next = next as usize;
            self.waits_for[next] -= 1;
            if self.waits_for[next] == 0 {
                let at = self.ready.partition_point(|&other| other > next);
                self.ready.insert(at, next);
                self.waiting += cost(next);
            }
        }
    }

    /// Says that a system failed: none behind it is begun, those before it are.
    pub(super) fn fail(&mut self, system: usize) {
        self.stop = self.stop.min(system);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dependencies(systems: usize, fixed: &[(u32, u32)]) -> Dependencies {
        let mut dependencies = Dependencies::new(systems, fixed.to_vec());
        dependencies.update(&SharedQueries::new(
            (0..systems).map(|_| ecs_storage_api::QueryGroup::new()).collect(),
        ));
        dependencies
    }

    #[test]
    fn a_system_is_ready_when_all_that_it_waits_for_have_ended() {
        let dependencies = dependencies(4, &[(0, 2), (1, 2), (2, 3)]);
        let cost = |n: usize| 10 + n as u64;
        let mut progress = dependencies.begin(cost);
        assert_eq!(progress.waiting(), 21);
        let take = |progress: &mut Progress| progress.take(cost);
        assert_eq!([(); 3].map(|()| take(&mut progress)), [Some(0), Some(1), None]);
        assert_eq!(progress.waiting(), 0);
        progress.finish(1, &dependencies, cost);
        assert_eq!(progress.take(cost), None);
        progress.finish(0, &dependencies, cost);
        assert_eq!((progress.take(cost), progress.take(cost)), (Some(2), None));
        progress.finish(2, &dependencies, cost);
        assert_eq!(progress.take(cost), Some(3));
        assert!(dependencies.ordered(0, 3) && !dependencies.ordered(0, 1));
    }

    #[test]
    fn after_a_failure_those_before_it_still_run_and_none_behind_it() {
        let dependencies = dependencies(5, &[(0, 1)]);
        let cost = |_: usize| 1;
        let mut progress = dependencies.begin(cost);
        assert_eq!((progress.take(cost), progress.take(cost)), (Some(0), Some(2)));
        progress.fail(2);
        progress.finish(2, &dependencies, cost);
        assert_eq!(progress.take(cost), None);
        progress.finish(0, &dependencies, cost);
        assert_eq!((progress.take(cost), progress.take(cost)), (Some(1), None));
    }
}
