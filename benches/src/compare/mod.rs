//! Every engine in one table: rows, contenders, and how they are measured.
//!
//! A [`Row`] is a workload; its [`Contender`]s do the same work, which their
//! checksums prove. [`measure`] keeps them all alive and samples them in turn,
//! and [`standings`] puts the figures beside one another: a [`Table`] a row, a
//! [`Summary`] of all rows, a chart by [`plot`].

mod contender;
mod plot;
mod row;
mod sampling;
mod standing;
mod summary;
mod table;

pub use contender::{Contender, Workload, fresh, steady};
pub use plot::plot;
pub use row::{Row, Size, Unit};
pub use sampling::{Disagreement, Samples, measure, verify};
pub use standing::{Standing, standings};
pub use summary::Summary;
pub use table::Table;
