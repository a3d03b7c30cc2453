//! Panics of components that are dropped, held back until all is done.

use std::any::Any;
use std::panic::resume_unwind;

/// Holds the first of several panics back.
#[derive(Debug, Default)]
pub(crate) struct Panics(Option<Box<dyn Any + Send>>);

impl Panics {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Keeps the panic, if it is one and the first. Never panics itself: what was
    /// thrown later is leaked, since it may throw again when it is dropped.
    pub(super) fn keep(&mut self, outcome: std::thread::Result<()>) {
        match outcome {
            Ok(()) => {}
            Err(panic) if self.0.is_none() => self.0 = Some(panic),
            Err(later) => std::mem::forget(later),
        }
    }

    /// Lets the panic go on, if there was one.
    pub(crate) fn go_on(self) {
        if let Some(panic) = self.0 {
            resume_unwind(panic);
        }
    }
}
