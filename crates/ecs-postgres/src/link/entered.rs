//! Futures that need a runtime's context, on any executor.

use std::pin::Pin;
use std::task::{Context, Poll};

use futures_util::Stream;
use tokio::runtime::Handle;

/// A future or stream that is polled within the context of a runtime, whoever polls
/// it: timers and sockets that it makes belong to that runtime.
#[derive(Debug)]
pub(crate) struct Entered<F> {
    handle: Handle,
    inner: Pin<Box<F>>,
}

impl<F> Entered<F> {
    pub(crate) fn new(handle: Handle, inner: F) -> Self {
        Self { handle, inner: Box::pin(inner) }
    }
}

impl<F: Future> Future for Entered<F> {
    type Output = F::Output;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<F::Output> {
        let this = &mut *self;
        let _entered = this.handle.enter();
        this.inner.as_mut().poll(context)
    }
}

impl<S: Stream> Stream for Entered<S> {
    type Item = S::Item;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<S::Item>> {
        let this = &mut *self;
        let _entered = this.handle.enter();
        this.inner.as_mut().poll_next(context)
    }
}
