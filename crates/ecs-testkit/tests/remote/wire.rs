//! A line to a remote store: slow, and at times broken.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll};

use ecs_core::{AllocatorState, EntityId};
use ecs_storage_api::{
    Applied, AsyncStorage, BackendError, BoxFuture, BoxStream, Capabilities, Page, RemoteError,
    RemoteQuery, StorageImage, UpdateBatch, remote::Version,
};

/// What gets lost.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lost {
    /// The store never hears of the call.
    Call,
    /// The store does what it is asked, but nobody hears.
    Answer,
}

#[derive(Debug, Clone, Copy)]
pub(crate) struct Fault {
    /// Which call, counted from 0 since the fault was planted.
    pub(crate) at: usize,
    pub(crate) lost: Lost,
    pub(crate) retryable: bool,
}

/// Writes only the methods that a backend must write, so that the others are
/// those of the contract. Each answer comes at the second poll.
#[derive(Clone)]
pub(crate) struct Wire<R> {
    remote: R,
    state: Arc<State>,
}

#[derive(Default)]
struct State {
    calls: AtomicUsize,
    fault: Mutex<Option<Fault>>,
    disturb: Mutex<Option<Disturbance>>,
}

type Disturbance = Box<dyn FnMut() + Send>;

impl<R: Sync> Wire<R> {
    pub(crate) fn new(remote: R) -> Self {
        Self { remote, state: Arc::default() }
    }

    /// Lets a later call fail.
    pub(crate) fn plant(&self, fault: Fault) {
        self.state.calls.store(0, Ordering::SeqCst);
        *self.state.fault.lock().unwrap() = Some(fault);
    }

    /// Lets someone else do something before each page.
    pub(crate) fn disturb(&self, disturb: impl FnMut() + Send + 'static) {
        *self.state.disturb.lock().unwrap() = Some(Box::new(disturb));
    }

    /// Tells whether the fault is still to come.
    pub(crate) fn is_planted(&self) -> bool {
        self.state.fault.lock().unwrap().is_some()
    }

    /// Returns how many calls were made since the last fault was planted.
    pub(crate) fn calls(&self) -> usize {
        self.state.calls.load(Ordering::SeqCst)
    }

    /// Counts a call; tells what gets lost of it.
    fn call(&self) -> Option<Fault> {
        let call = self.state.calls.fetch_add(1, Ordering::SeqCst);
        let mut fault = self.state.fault.lock().unwrap();
        if fault.is_some_and(|fault| fault.at == call) { fault.take() } else { None }
    }

    fn carry<'a, T: Send + 'a>(
        &'a self,
        answer: BoxFuture<'a, Result<T, RemoteError>>,
    ) -> BoxFuture<'a, Result<T, RemoteError>> {
        Box::pin(async move {
            late().await;
            match self.call() {
                None => answer.await,
                Some(fault) => {
                    if fault.lost == Lost::Answer {
                        answer.await?;
                    }
                    Err(broken(fault))
                }
            }
        })
    }
}

fn broken(fault: Fault) -> RemoteError {
    let error = match fault.retryable {
        true => BackendError::retryable("the line is broken"),
        false => BackendError::permanent("the line is cut"),
    };
    error.into()
}

/// Is ready at the second poll, and wakes from another thread.
async fn late() {
    let mut polled = false;
    poll_fn(|context| {
        if std::mem::replace(&mut polled, true) {
            return Poll::Ready(());
        }
        let waker = context.waker().clone();
        std::thread::spawn(move || waker.wake());
        Poll::Pending
    })
    .await;
}

impl<R: AsyncStorage> AsyncStorage for Wire<R> {
    fn capabilities(&self) -> Capabilities {
        self.remote.capabilities()
    }

    fn version_async(&self) -> BoxFuture<'_, Result<Version, RemoteError>> {
        self.carry(self.remote.version_async())
    }

    fn query_erased_async(&self, query: RemoteQuery) -> BoxStream<'_, Result<Page, RemoteError>> {
        Box::pin(Pages { wire: self, pages: self.remote.query_erased_async(query), asked: false })
    }

    fn apply_updates_async<'a>(
        &'a self,
        batch: &'a UpdateBatch,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Applied, RemoteError>> {
        self.carry(self.remote.apply_updates_async(batch, condition))
    }

    fn reserve_ids_async(&self, count: usize) -> BoxFuture<'_, Result<Vec<EntityId>, RemoteError>> {
        self.carry(self.remote.reserve_ids_async(count))
    }

    fn release_ids_async<'a>(
        &'a self,
        ids: &'a [EntityId],
    ) -> BoxFuture<'a, Result<(), RemoteError>> {
        self.carry(self.remote.release_ids_async(ids))
    }

    fn allocator_state_async(&self) -> BoxFuture<'_, Result<AllocatorState, RemoteError>> {
        self.carry(self.remote.allocator_state_async())
    }

    fn load_async<'a>(
        &'a self,
        image: &'a StorageImage,
        condition: Option<Version>,
    ) -> BoxFuture<'a, Result<Version, RemoteError>> {
        self.carry(self.remote.load_async(image, condition))
    }
}

struct Pages<'a, R> {
    wire: &'a Wire<R>,
    pages: BoxStream<'a, Result<Page, RemoteError>>,
    asked: bool,
}

impl<R: AsyncStorage> futures_core::Stream for Pages<'_, R> {
    type Item = Result<Page, RemoteError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.asked = !self.asked;
        if self.asked {
            context.waker().wake_by_ref();
            return Poll::Pending;
        }
        if let Some(disturb) = &mut *self.wire.state.disturb.lock().unwrap() {
            disturb();
        }
        match self.wire.call() {
            None => self.pages.as_mut().poll_next(context),
            Some(fault) => Poll::Ready(Some(Err(broken(fault)))),
        }
    }
}
