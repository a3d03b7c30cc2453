//! An entity-component-system engine whose storage is behind a protocol.
//!
//! This is the one crate to depend on. [`prelude`] has what a first program
//! needs; the [`World`] is where to begin.
#![forbid(unsafe_code)]
