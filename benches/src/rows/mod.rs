//! The rows of the comparison, in the order of its table.

use crate::compare::{Row, Size};

mod add_remove;
mod by_hand;
mod motion;
mod simple_insert;

/// Returns every row.
pub fn rows(size: Size) -> Vec<Row> {
    let rows: &[fn(Size) -> Row] = &[
        simple_insert::spawn,
        simple_insert::batch,
        motion::simple_iter,
        add_remove::one_by_one,
        motion::large_iter,
        motion::xlarge_iter,
        motion::large_iter_2of8,
        motion::par_iter,
    ];
    rows.iter().map(|row| row(size)).collect()
}
