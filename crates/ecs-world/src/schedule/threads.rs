//! Where work is done: on which threads.

use std::cell::RefCell;
use std::fmt;
use std::sync::Arc;

use ecs_storage_api::Workers;
use parking_lot::Mutex;
use rayon::{Scope, ThreadPool};

/// The threads that a schedule uses, for its systems and for parallel queries in
/// them.
#[derive(Clone, Default)]
pub enum Threads {
    /// Those of the current rayon pool: the global one, or the one in whose
    /// `install` the call stands.
    #[default]
    Current,
    /// Those of a pool; the calling thread runs systems too.
    Pool(Arc<ThreadPool>),
    /// The calling thread alone.
    None,
}

thread_local! {
    /// What the schedule that runs on this thread was told.
    static THREADS: RefCell<Threads> = const { RefCell::new(Threads::Current) };
}

impl Threads {
    /// Returns how many threads may work at the same time.
    pub(crate) fn count(&self) -> usize {
        match self {
            Self::Current => rayon::current_num_threads(),
            Self::Pool(pool) => pool.current_num_threads(),
            Self::None => 1,
        }
    }

    /// Works on this thread and on those that come to help.
    pub(super) fn scope<'s>(&self, work: impl FnOnce(&Scope<'s>) + Send) {
        match self {
            Self::Pool(pool) => pool.in_place_scope(work),
            Self::Current | Self::None => rayon::in_place_scope(work),
        }
    }

    /// Has parallel queries use these threads while `work` is done on this one.
    pub(super) fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        let _before = Restore(THREADS.replace(self.clone()));
        work()
    }

    /// Returns the threads for parallel work that begins on this one.
    pub(crate) fn here() -> Self {
        THREADS.with_borrow(Self::clone)
    }
}

impl Workers for Threads {
    fn work(&self, most: usize, work: &(dyn Fn() + Sync)) {
        let helpers = most.min(self.count()).saturating_sub(1);
        if helpers == 0 {
            return work();
        }
        let handing_over = HandingOver::default();
        let _at_the_end = handing_over.at_the_end();
        // A call from elsewhere moves into the pool: a thread that works on beside
        // the one that it has woken often keeps the processor from it.
        match self {
            Self::Pool(pool) => pool.scope(|scope| handing_over.share(scope, helpers, work)),
            Self::Current | Self::None => {
                rayon::scope(|scope| handing_over.share(scope, helpers, work));
            }
        }
    }
}

/// A lock that each thread passes when it has ended, by a panic too, and last of
/// all the one that waits for them.
///
/// Rayon's scopes hand over all that the threads did; ThreadSanitizer does not know
/// how they wait, and a lock it knows.
#[derive(Default)]
struct HandingOver(Mutex<()>);

impl HandingOver {
    /// Works on this thread and on helpers.
    fn share<'s>(&'s self, scope: &Scope<'s>, helpers: usize, work: &'s (dyn Fn() + Sync)) {
        for _ in 0..helpers {
            scope.spawn(|_| {
                let _at_the_end = self.at_the_end();
                work();
            });
        }
        let _at_the_end = self.at_the_end();
        work();
    }

    /// Passes the lock when it is dropped.
    fn at_the_end(&self) -> impl Drop {
        struct AtTheEnd<'h>(&'h Mutex<()>);
        impl Drop for AtTheEnd<'_> {
            fn drop(&mut self) {
                drop(self.0.lock());
            }
        }
        AtTheEnd(&self.0)
    }
}

/// Puts back what a thread was told before.
struct Restore(Threads);

impl Drop for Restore {
    fn drop(&mut self) {
        THREADS.set(std::mem::take(&mut self.0));
    }
}

impl fmt::Debug for Threads {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Current => f.write_str("Current"),
            Self::Pool(pool) => write!(f, "Pool({})", pool.current_num_threads()),
            Self::None => f.write_str("None"),
        }
    }
}
