//! Panics of components that are dropped, held back until all is done.

use std::any::Any;
use std::mem::ManuallyDrop;
use std::panic::resume_unwind;

/// Holds the first of several panics back.
///
/// What was thrown goes on or is leaked, and never dropped here: it may throw again,
/// which ends the process while another panic unwinds.
#[derive(Debug, Default)]
pub(crate) struct Panics(Option<ManuallyDrop<Box<dyn Any + Send>>>);

impl Panics {
    pub(crate) fn new() -> Self {
        Self::default()
    }

    /// Keeps the panic, if it is one and the first. Never panics itself.
    pub(super) fn keep(&mut self, outcome: std::thread::Result<()>) {
        match outcome {
            Ok(()) => {}
            Err(panic) if self.0.is_none() => self.0 = Some(ManuallyDrop::new(panic)),
            Err(later) => std::mem::forget(later),
        }
    }

    /// Lets the panic go on, if there was one.
    pub(crate) fn go_on(self) {
        if let Some(panic) = self.0 {
            resume_unwind(ManuallyDrop::into_inner(panic));
        }
    }

    /// As [`go_on`](Self::go_on), unless another panic unwinds.
    pub(crate) fn go_on_unless_panicking(self) {
        if !std::thread::panicking() {
            self.go_on();
        }
    }
}
