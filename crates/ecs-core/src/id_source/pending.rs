//! How many ids were reserved since the last settling.

#[cfg(not(loom))]
use std::sync::atomic::{AtomicU64, Ordering};

#[cfg(loom)]
use loom::sync::atomic::{AtomicU64, Ordering};

/// A count that threads raise side by side, each by its own part.
///
/// Through `&self` it is only ever raised, while what it counts stands still, so that
/// relaxed accesses are enough.
#[derive(Debug)]
pub(super) struct Pending(AtomicU64);

impl Pending {
    pub(super) fn new(count: u64) -> Self {
        Self(AtomicU64::new(count))
    }

    #[inline]
    pub(super) fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }

    /// Raises the count and returns what it was, or leaves it if it would pass
    /// `capacity`.
    #[inline]
    pub(super) fn advance(&self, count: u64, capacity: u64) -> Option<u64> {
        // Not a plain addition: when ids run out, the count must not run on.
        let advanced = |pending: u64| pending.checked_add(count).filter(|&sum| sum <= capacity);
        self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advanced).ok()
    }

    /// Returns the count, which begins anew.
    pub(super) fn take(&mut self) -> u64 {
        std::mem::replace(self, Self::new(0)).get()
    }
}

/// Run by `cargo xtask loom`.
#[cfg(all(test, loom))]
mod loom_tests {
    use loom::sync::Arc;
    use loom::thread;

    use super::*;

    #[test]
    fn loom_reservations_do_not_overlap_and_stop_at_the_capacity() {
        loom::model(|| {
            let pending = Arc::new(Pending::new(1));
            let reserve = |count| {
                let pending = Arc::clone(&pending);
                move || pending.advance(count, 6).map(|start| start..start + count)
            };
            let others = [thread::spawn(reserve(2)), thread::spawn(reserve(3))];
            let mine = reserve(2)();
            let theirs = others.map(|other| other.join().unwrap());
            let mut given: Vec<_> = theirs.into_iter().chain([mine]).flatten().collect();
            given.sort_by_key(|range| range.start);
            // Two fit, whichever they are.
            assert_eq!(given.len(), 2);
            assert_eq!((given[0].start, given[0].end), (1, given[1].start));
            assert_eq!(given[1].end, pending.get());
        });
    }
}
