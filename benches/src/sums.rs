//! Checksums: sums of whole numbers, which f64 holds exactly in any order.

use crate::components::Position;

pub(crate) fn positions<'a>(positions: impl IntoIterator<Item = &'a Position>) -> f64 {
    positions.into_iter().flat_map(|position| position.0).map(f64::from).sum()
}
