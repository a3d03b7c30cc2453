//! How many threads stay ready.

#[cfg(not(loom))]
use std::sync::atomic::{AtomicUsize, Ordering};

#[cfg(loom)]
use loom::sync::atomic::{AtomicUsize, Ordering};

/// Counts threads that stay, or were asked to.
///
/// Relaxed, all of it: nothing is handed over but work, and that by the pool.
#[derive(Debug, Default)]
pub(super) struct Staff(AtomicUsize);

impl Staff {
    /// Counts one more, unless there are as many as are wanted.
    pub(super) fn join(&self, most: usize) -> bool {
        if self.0.fetch_add(1, Ordering::Relaxed) < most {
            return true;
        }
        self.leave();
        false
    }

    /// Counts one that joined no more.
    pub(super) fn leave(&self) {
        self.0.fetch_sub(1, Ordering::Relaxed);
    }

    pub(super) fn count(&self) -> usize {
        self.0.load(Ordering::Relaxed)
    }
}

/// Run by `cargo xtask loom`.
#[cfg(all(test, loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn loom_no_more_stay_than_are_wanted_and_none_is_left() {
        loom::model(|| {
            // One that loom knows nothing of, and so makes no more interleavings for.
            let staying = Arc::new(std::sync::atomic::AtomicUsize::new(0));
            let staff = Arc::new(Staff::default());
            let ask = || {
                let (staff, staying) = (Arc::clone(&staff), Arc::clone(&staying));
                move || {
                    let joined = staff.join(1);
                    if joined {
                        assert_eq!(staying.fetch_add(1, Ordering::Relaxed), 0);
                        thread::yield_now();
                        staying.fetch_sub(1, Ordering::Relaxed);
                        staff.leave();
                    }
                    joined
                }
            };
            let other = thread::spawn(ask());
            let mine = [ask()(), ask()()];
            assert!(other.join().unwrap() || mine.contains(&true));
            assert_eq!(staff.count(), 0);
        });
    }
}
