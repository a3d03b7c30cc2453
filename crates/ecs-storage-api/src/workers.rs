//! Who helps with an operation on many entities.

use parking_lot::Mutex;

/// Threads that help with an operation.
///
/// A backend says what can be done side by side, the caller says by whom: so no
/// backend needs to know of threads, and a schedule keeps its work on its own.
pub trait Workers: Sync {
    /// Calls `work` on this thread, and on others that are free: more calls than
    /// `most` at a time have nothing to do. Returns when every call has returned.
    ///
    /// `work` does what is left, and returns when nothing is; it may be called
    /// any number of times.
    fn work(&self, most: usize, work: &(dyn Fn() + Sync));
}

/// The calling thread alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct Alone;

impl Workers for Alone {
    fn work(&self, _most: usize, work: &(dyn Fn() + Sync)) {
        work();
    }
}

/// Bytes that are worth another thread: what it takes to copy them is long beside what
/// it takes to wake one.
const SHARE: usize = 1 << 20;

/// Does some work on each input, of `bytes` in all, on this thread and on those that
/// help, and returns what came of each, in order.
pub(crate) fn map<T: Send, R: Send>(
    workers: &dyn Workers,
    bytes: usize,
    inputs: Vec<T>,
    work: impl Fn(T) -> R + Sync,
) -> Vec<R> {
    let (count, most) = (inputs.len(), inputs.len().min(bytes.div_ceil(SHARE)));
    if most < 2 {
        return inputs.into_iter().map(work).collect();
    }
    let left = Mutex::new(inputs.into_iter().enumerate());
    let done = Mutex::new(Vec::with_capacity(count));
    let next = || left.lock().next();
    let take_and_do = || {
        while let Some((n, input)) = next() {
            let result = work(input);
            done.lock().push((n, result));
        }
    };
    workers.work(most, &take_and_do);
    // Whoever was to help may not have called.
    take_and_do();
    let mut done = done.into_inner();
    // Who helped may have kept the panic of one to itself.
    assert!(done.len() == count, "work on {} of {count} inputs was lost", count - done.len());
    done.sort_unstable_by_key(|(n, _)| *n);
    done.into_iter().map(|(_, result)| result).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Never calls.
    struct Lazy;

    impl Workers for Lazy {
        fn work(&self, _most: usize, _work: &(dyn Fn() + Sync)) {}
    }

    /// Keeps panics to itself.
    struct Silent;

    impl Workers for Silent {
        fn work(&self, _most: usize, work: &(dyn Fn() + Sync)) {
            let _ = std::panic::catch_unwind(std::panic::AssertUnwindSafe(work));
        }
    }

    /// Calls from several threads, more often than there is work.
    struct Many;

    impl Workers for Many {
        fn work(&self, most: usize, work: &(dyn Fn() + Sync)) {
            std::thread::scope(|scope| (0..2 * most).for_each(|_| drop(scope.spawn(work))));
        }
    }

    #[test]
    fn results_are_in_order_whoever_helps() {
        for workers in [&Alone as &dyn Workers, &Lazy, &Many] {
            for bytes in [0, 5 * SHARE] {
                let inputs: Vec<_> = (0..100).collect();
                let results = map(workers, bytes, inputs.clone(), |input| input);
                assert_eq!(results, inputs);
            }
        }
    }

    #[test]
    #[should_panic(expected = "work on 1 of 3 inputs was lost")]
    fn a_panic_that_a_helper_keeps_to_itself_is_one_nevertheless() {
        map(&Silent, 3 * SHARE, vec![1, 2, 3], |n| assert!(n != 2));
    }
}
