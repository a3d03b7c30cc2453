//! A world in PostgreSQL: components as tables, batches as transactions.
//!
//! [`PostgresStorage`] implements [`AsyncStorage`](ecs_storage_api::AsyncStorage).
//! What is in the database is described in `docs/guide/postgres.md`, and why it is so
//! in `docs/design/postgres.md`.
#![forbid(unsafe_code)]

mod archive;
mod catalog;
mod error;
mod feed;
mod ids;
mod journal;
mod link;
mod migrate;
mod name;
mod options;
mod read;
mod rows;
mod storage;
mod tables;
mod url;
mod values;
mod write;

pub use error::{ComponentError, ConnectError, ViewError};
pub use name::NameError;
pub use options::PostgresOptions;
pub use storage::PostgresStorage;
pub use url::UrlFault;

/// The chapter of the guide, whose snippets are tests.
#[cfg(doctest)]
#[doc = include_str!("../../../docs/guide/postgres.md")]
mod guide {}
