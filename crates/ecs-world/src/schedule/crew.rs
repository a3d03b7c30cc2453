//! Who works on a run: a schedule's threads, those of them that are awake first.

use std::cell::RefCell;
use std::sync::Arc;

use ecs_storage_api::Workers;
use parking_lot::Mutex;
use rayon::Scope;

use super::ready::{Ready, Taken};
use super::threads::Threads;

/// The threads that work on the run of a schedule, or where none runs on rayon's
/// current ones.
#[derive(Clone, Default)]
pub(crate) struct Crew {
    threads: Threads,
    /// Those that stay ready until the run ends.
    ready: Option<Arc<Ready>>,
}

thread_local! {
    /// That of the schedule that runs on this thread.
    static HERE: RefCell<Crew> = const { RefCell::new(Crew { threads: Threads::Current, ready: None }) };
}

impl Crew {
    /// Returns the crew for parallel work that begins on this thread.
    pub(crate) fn here() -> Self {
        HERE.with_borrow(Self::clone)
    }

    /// Runs a schedule that was told its threads, or uses those of the one around
    /// it.
    pub(super) fn run<T>(threads: Option<&Threads>, run: impl FnOnce(&Self) -> T) -> T {
        let around = Self::here();
        if threads.is_none() && around.ready.is_some() {
            return run(&around);
        }
        let threads = threads.cloned().unwrap_or(around.threads);
        let ready = Arc::<Ready>::default();
        let _until_then = Until(&ready);
        let crew = Self { threads, ready: Some(Arc::clone(&ready)) };
        crew.enter(|| run(&crew))
    }

    /// Has parallel queries use these threads while `work` is done on this one.
    pub(super) fn enter<T>(&self, work: impl FnOnce() -> T) -> T {
        let _before = Restore(HERE.replace(self.clone()));
        let _taken = Taken::new();
        work()
    }

    /// Returns how many threads may work at the same time.
    pub(crate) fn count(&self) -> usize {
        self.threads.count()
    }

    /// Tells whether a thread beside this one is awake, as far as is known.
    pub(super) fn is_awake(&self) -> bool {
        self.ready.as_ref().is_some_and(|ready| ready.is_staffed())
    }

    /// Has so many threads stay ready, of those beside this one.
    pub(super) fn call(&self, helpers: usize) {
        if let Some(ready) = &self.ready {
            ready.ask(helpers, self.threads.pool());
        }
    }

    /// Works on this thread and on those that come to help.
    pub(super) fn scope<'s>(&self, work: impl FnOnce(&Scope<'s>) + Send) {
        match self.threads.pool() {
            Some(pool) => pool.in_place_scope(work),
            None => rayon::in_place_scope(work),
        }
    }
}

impl Workers for Crew {
    fn work(&self, most: usize, work: &(dyn Fn() + Sync)) {
        let helpers = most.min(self.count()).saturating_sub(1);
        if helpers == 0 {
            return work();
        }
        // Outside of the pool this thread is none of those who work.
        self.call(helpers + usize::from(!self.threads.has_this_one()));
        let handing_over = HandingOver::default();
        let _at_the_end = handing_over.at_the_end();
        if self.threads.has_this_one() {
            let _taken = Taken::new();
            rayon::scope(|scope| handing_over.share(scope, helpers, work));
        } else {
            // A thread that works on beside the one that it has woken often keeps the
            // processor from it. So this one wakes all, and waits.
            self.scope(|scope| handing_over.spread(scope, helpers + 1, work));
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
        self.spread(scope, helpers, work);
        let _at_the_end = self.at_the_end();
        work();
    }

    /// Works on so many threads.
    fn spread<'s>(&'s self, scope: &Scope<'s>, threads: usize, work: &'s (dyn Fn() + Sync)) {
        for _ in 0..threads {
            scope.spawn(|_| {
                let _taken = Taken::new();
                let _at_the_end = self.at_the_end();
                work();
            });
        }
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

/// Lets threads stay ready until it is dropped.
struct Until<'r>(&'r Ready);

impl Drop for Until<'_> {
    fn drop(&mut self) {
        self.0.end();
    }
}

/// Puts back whose work a thread did before.
struct Restore(Crew);

impl Drop for Restore {
    fn drop(&mut self) {
        HERE.set(std::mem::take(&mut self.0));
    }
}
