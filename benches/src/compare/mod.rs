//! Every engine in one table: rows, contenders, and how they are measured.
//!
//! A [`Row`] is a workload; its [`Contender`]s do the same work, which their
//! checksums prove. [`measure`] keeps them all alive and samples them in turn,
//! and [`standings`] puts the figures beside one another.

mod contender;
mod row;
mod sampling;
mod standing;
mod table;

pub use contender::{Contender, Workload, fresh, steady};
pub use row::{Row, Size, Unit};
pub use sampling::{Disagreement, Samples, measure, verify};
pub use standing::{Standing, standings};
pub use table::Table;
