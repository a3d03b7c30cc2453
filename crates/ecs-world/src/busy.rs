//! Processors that are busy with commits, and so are not there for parallel work.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;

/// How many are. Relaxed, all of it: who sees it late has a thread more or less.
static BUSY: AtomicUsize = AtomicUsize::new(0);

/// Takes a processor from the parallel work of all worlds of this process until it is
/// dropped.
///
/// A thread that has to share its processor is put aside for milliseconds, and those who
/// wait for its part of the work wait as well. So it is better not to be asked.
#[derive(Debug)]
pub(crate) struct Busy(());

impl Busy {
    pub(crate) fn begin() -> Self {
        BUSY.fetch_add(1, Ordering::Relaxed);
        Self(())
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        BUSY.fetch_sub(1, Ordering::Relaxed);
    }
}

/// Returns how many of some threads may work now.
pub(crate) fn spare(threads: usize) -> usize {
    match BUSY.load(Ordering::Relaxed) {
        0 => threads,
        busy => spare_of(processors(), busy, threads),
    }
}

fn spare_of(processors: usize, busy: usize, threads: usize) -> usize {
    threads.min(processors.saturating_sub(busy)).max(1)
}

/// Returns how many processors there are for this process; to ask takes longer than most
/// work.
fn processors() -> usize {
    static PROCESSORS: OnceLock<usize> = OnceLock::new();
    *PROCESSORS.get_or_init(|| thread::available_parallelism().map_or(usize::MAX, Into::into))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn threads_leave_busy_processors_alone_if_they_would_take_all() {
        assert_eq!(spare_of(2, 1, 2), 1);
        assert_eq!(spare_of(8, 1, 8), 7);
        assert_eq!(spare_of(8, 2, 4), 4);
        assert_eq!(spare_of(8, 1, 16), 7);
        assert_eq!(spare_of(1, 1, 1), 1, "one is always there");
        assert_eq!(spare_of(2, 5, 3), 1);
    }

    #[test]
    fn a_processor_is_busy_until_that_ends() {
        let here = processors();
        let busy = Busy::begin();
        assert_eq!(spare(here), (here - 1).max(1));
        drop(busy);
        assert_eq!(spare(here), here);
    }
}
