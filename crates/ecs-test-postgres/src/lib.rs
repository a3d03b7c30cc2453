//! Starts a private PostgreSQL server for tests, and breaks its connections at a
//! chosen byte.
//!
//! A [`Server`] has a temporary folder, a port on loopback, a generated password and,
//! for a test run as root, a user of its own. It lives as long as its handle: dropping
//! it ends the server and removes the folder, a test that dies takes the server with
//! it, and what a killed test left behind is removed by the next start. Nothing but
//! loopback and sockets is contacted. A machine without PostgreSQL is an error, never
//! a reason to skip.
//!
//! ```
//! # fn main() -> Result<(), ecs_test_postgres::ServerError> {
//! let server = ecs_test_postgres::Server::shared()?;
//! let url = server.database()?;
//! ecs_test_postgres::query(&url, "create table sheep (name text)")?;
//! ecs_test_postgres::query(&url, "insert into sheep values ('Dolly')")?;
//! let rows = ecs_test_postgres::query(&url, "select name from sheep")?;
//! assert_eq!(rows, [[Some("Dolly".to_owned())]]);
//! # Ok(())
//! # }
//! ```
//!
//! The crate is for Linux (`/proc`, process descriptors, tmpfs) and empty elsewhere.

#![cfg(target_os = "linux")]

mod account;
mod binaries;
mod builder;
#[cfg(feature = "tls")]
mod certificate;
mod client;
mod disk;
mod error;
mod folder;
mod launch;
mod leftovers;
mod postmaster;
mod proxy;
mod server;
mod url;

pub use builder::Builder;
pub use client::{Row, query};
pub use disk::{Disk, SmallTablespace};
pub use error::ServerError;
pub use proxy::Proxy;
pub use server::Server;
