//! Snapshots: one format for every backend, exact and checked.
//!
//! A snapshot is a container of [sections]: the components it uses, the
//! allocator, and each chunk in the store's own order. [`write()`] goes over the
//! protocol alone, so what one backend writes every other one reads;
//! [`read()`] checks everything and gives a [`StorageImage`], which a store then
//! takes in at once.
//!
//! The format is a draft (version 0) until it is specified byte by byte.

mod error;
mod image;
mod read;
mod schema;
pub mod sections;
mod write;

pub use error::SnapshotError;
pub use image::StorageImage;
pub use read::read;
pub use write::{write, write_image};
