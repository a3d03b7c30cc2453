//! Where work is done: on which threads.

use std::fmt;
use std::sync::Arc;

use rayon::ThreadPool;

use crate::busy::spare;

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

impl Threads {
    /// Returns how many threads may work at the same time: now, since while a world is
    /// committed there may be fewer.
    pub(super) fn count(&self) -> usize {
        spare(match self {
            Self::Current => rayon::current_num_threads(),
            Self::Pool(pool) => pool.current_num_threads(),
            Self::None => 1,
        })
    }

    /// Tells whether the calling thread is one of the pool's.
    pub(super) fn has_this_one(&self) -> bool {
        match self.pool() {
            Some(pool) => pool.current_thread_index().is_some(),
            None => rayon::current_thread_index().is_some(),
        }
    }

    /// Returns the pool, unless it is the current one.
    pub(super) fn pool(&self) -> Option<&ThreadPool> {
        match self {
            Self::Pool(pool) => Some(pool),
            Self::Current | Self::None => None,
        }
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
