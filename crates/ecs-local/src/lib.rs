//! The reference storage backend: entity-first, obviously right.
#![forbid(unsafe_code)]

mod storage;

pub use storage::LocalStorage;
