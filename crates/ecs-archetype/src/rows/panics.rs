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

    /// Keeps the panic, if it is one and the first.
    pub(super) fn keep(&mut self, outcome: std::thread::Result<()>) {
        if let Err(panic) = outcome {
            self.0.get_or_insert(panic);
        }
    }

    /// Lets the panic go on, if there was one.
    pub(crate) fn go_on(self) {
        if let Some(panic) = self.0 {
            resume_unwind(panic);
        }
    }
}
