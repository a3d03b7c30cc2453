//! Stores that are far away: databases and clusters.
//!
//! [`AsyncStorage`] is the contract of a store that answers later. It is
//! object-safe, its futures are boxed and `Send`, and no runtime is named: a
//! backend that needs one brings it along. [`AsyncStorageExt`] adds the typed
//! methods with the specification's names.
//!
//! Two adapters join it to [`Storage`](crate::Storage): [`LocalAsync`] answers
//! from any local store, [`Blocking`] lets a world run on any remote one.
//!
//! # What crosses
//! Values cross by copy. A component travels if it can be cloned or has a
//! codec; persistent components always have one. Transient components belong to
//! the process that made them: a database has no place for them, and
//! [`Blocking`] keeps them on its own side.

mod archive;
mod async_storage;
mod blocking;
mod copy;
mod error;
mod feed;
mod field;
mod lent;
mod local;
mod query;
mod typed;
mod version;

use std::future::poll_fn;
use std::pin::Pin;

use futures_core::Stream;

pub use archive::{Archive, Commit, Committed};
pub use async_storage::AsyncStorage;
pub use blocking::Blocking;
pub use error::RemoteError;
pub use feed::{RemoteChange, RemoteChangeKind, RemoteChanges};
pub use field::{Comparison, FieldCondition, FieldValue};
pub use local::LocalAsync;
pub use query::{Page, Projection, RemoteQuery};
pub use typed::{AsyncStorageExt, OwnedRow};
pub use version::{Applied, Version};

/// An answer that comes later.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Answers that come one after the other.
pub type BoxStream<'a, T> = Pin<Box<dyn Stream<Item = T> + Send + 'a>>;

/// Waits for the next item of a stream; `None` means that there are no more.
pub async fn next<T>(stream: &mut BoxStream<'_, T>) -> Option<T> {
    poll_fn(|context| stream.as_mut().poll_next(context)).await
}
