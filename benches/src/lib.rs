//! Workloads that every engine does, and what measures them.
//!
//! [`rows`] has the workloads, [`compare`] the harness: the binary `compare`
//! runs every engine beside every other, and `cargo bench` runs this engine's
//! contenders of the same rows under criterion. [`scaling`] does the same work at
//! growing sizes, `footprint` weighs worlds, and [`chart`] draws what came of it;
//! each has a binary.

pub mod chart;
pub mod compare;
mod components;
mod figure;
pub mod figures;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
pub mod footprint;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod heap;
mod malloc;
mod population;
mod resident;
pub mod rows;
pub mod scaling;
mod scattered;
mod stretches;
mod sums;
mod worlds;

pub use components::*;
pub use figure::{figure, median};
pub use malloc::keep_memory;
pub use resident::resident_bytes;
pub use scattered::scattered;
use scattered::shuffled;
pub use stretches::Stretches;
