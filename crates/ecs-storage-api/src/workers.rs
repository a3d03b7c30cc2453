//! Who helps with an operation on many entities.

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
