//! Threads of a pool that stay ready between the steps of a run.
//!
//! A run of a schedule hands work out many times, some of it for a few
//! microseconds only, and a thread that sleeps takes longer than that to wake. So
//! one that has helped looks for more until the run has ended, or it found none for
//! a while; it looks in its pool, and thus does whatever the pool has to do.

mod staff;

use std::cell::Cell;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use rayon::{ThreadPool, Yield};

use self::staff::Staff;

/// How long a thread looks for work without finding any: about as long as it takes
/// to wake one.
const PATIENCE: Duration = Duration::from_micros(50);

thread_local! {
    /// Whether somebody waits for this thread: it may not look for other work.
    static TAKEN: Cell<bool> = const { Cell::new(false) };
}

/// The threads that stay ready for one run.
#[derive(Debug, Default)]
pub(super) struct Ready {
    staff: Staff,
    over: AtomicBool,
}

impl Ready {
    /// Asks threads of a pool, of the current one if none is given, to stay ready,
    /// unless as many do.
    pub(super) fn ask(self: &Arc<Self>, threads: usize, pool: Option<&ThreadPool>) {
        while self.staff.join(threads) {
            let this = Arc::clone(self);
            let stay = move || this.stay();
            match pool {
                Some(pool) => pool.spawn(stay),
                None => rayon::spawn(stay),
            }
        }
    }

    /// Tells whether some thread stays, or was asked to.
    pub(super) fn is_staffed(&self) -> bool {
        self.staff.count() > 0
    }

    /// Does what the pool has to do, until there has been nothing for a while.
    fn stay(&self) {
        // Who waits for others takes this up as well as their work.
        if !TAKEN.get() {
            let _taken = Taken::new();
            let mut since = Instant::now();
            while !self.over.load(Ordering::Relaxed) {
                match rayon::yield_now() {
                    Some(Yield::Executed) => since = Instant::now(),
                    _ if since.elapsed() > PATIENCE => break,
                    // Whoever has no processor of its own gets this one.
                    _ => thread::yield_now(),
                }
            }
        }
        self.staff.leave();
    }

    /// Says that the run has ended: nobody needs to stay. Relaxed: whoever sees it
    /// late stays a little longer.
    pub(super) fn end(&self) {
        self.over.store(true, Ordering::Relaxed);
    }
}

/// Marks this thread as one that somebody waits for.
pub(super) struct Taken {
    before: bool,
}

impl Taken {
    pub(super) fn new() -> Self {
        Self { before: TAKEN.replace(true) }
    }
}

impl Drop for Taken {
    fn drop(&mut self) {
        TAKEN.set(self.before);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> ThreadPool {
        rayon::ThreadPoolBuilder::new().num_threads(1).build().unwrap()
    }

    fn wait_until(mut what: impl FnMut() -> bool) {
        let start = Instant::now();
        while !what() {
            assert!(start.elapsed() < Duration::from_secs(60), "it never came to be");
            thread::yield_now();
        }
    }

    #[test]
    fn who_stays_does_what_the_pool_has_to_do() {
        let (ready, pool) = (Arc::<Ready>::default(), pool());
        let done = Arc::new(AtomicBool::new(false));
        let of_pool = Arc::clone(&done);
        // Of this thread's jobs the last comes first: what stays finds the other one.
        pool.install(|| {
            rayon::spawn(move || of_pool.store(true, Ordering::Relaxed));
            ready.ask(1, None);
            assert_eq!(rayon::yield_now(), Some(Yield::Executed));
        });
        assert!(done.load(Ordering::Relaxed) && !ready.is_staffed());
    }

    #[test]
    fn who_is_waited_for_does_not_stay() {
        let (ready, pool) = (Arc::<Ready>::default(), pool());
        let done = Arc::new(AtomicBool::new(false));
        let of_pool = Arc::clone(&done);
        let before = pool.install(|| {
            let _taken = Taken::new();
            rayon::spawn(move || of_pool.store(true, Ordering::Relaxed));
            ready.ask(1, None);
            assert_eq!(rayon::yield_now(), Some(Yield::Executed));
            (done.load(Ordering::Relaxed), ready.is_staffed())
        });
        assert_eq!(before, (false, false));
        wait_until(|| done.load(Ordering::Relaxed));
    }

    #[test]
    fn nobody_stays_beyond_the_end() {
        let (ready, pool) = (Arc::<Ready>::default(), pool());
        ready.end();
        pool.install(|| {
            ready.ask(1, None);
            assert_eq!(rayon::yield_now(), Some(Yield::Executed));
        });
        assert!(!ready.is_staffed());
    }

    #[test]
    fn who_finds_nothing_leaves() {
        let (ready, pool) = (Arc::<Ready>::default(), pool());
        ready.ask(1, Some(&pool));
        wait_until(|| !ready.is_staffed());
    }

    #[test]
    fn no_more_are_asked_than_are_wanted() {
        let (ready, pool) = (Arc::<Ready>::default(), pool());
        let busy = Arc::new(parking_lot::Mutex::new(()));
        let held = busy.lock();
        let waits = Arc::clone(&busy);
        pool.spawn(move || drop(waits.lock()));
        ready.ask(2, Some(&pool));
        ready.ask(1, Some(&pool));
        assert_eq!(ready.staff.count(), 2);
        drop(held);
        wait_until(|| !ready.is_staffed());
    }
}
