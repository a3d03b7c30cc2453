//! Bodies of fuzz targets: functions of bytes and two backends, which panic on a
//! fault.
//!
//! Any bytes mean something, so a fuzzer may change them as it likes. The targets of
//! `fuzz/` call these with the backends of this workspace, and the tests of this
//! crate run them on what is kept in its corpus.

mod container;
mod delta;
mod journal;
mod operations;
mod restore;
mod source;
mod states;
mod update_batch;

pub use container::{container, sections};
pub use delta::{Bases, delta, delta_seeds};
pub use journal::{JournalBase, journal, journal_seeds};
pub use operations::operations;
pub use restore::{restore, seeds};
pub use update_batch::update_batch;
