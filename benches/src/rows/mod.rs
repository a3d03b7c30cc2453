//! The rows of the comparison, in the order of its table.

use crate::compare::{Row, Size};

mod add_remove;
mod bulk_insert;
mod by_hand;
mod changes;
mod ending;
mod fragmented;
mod heavy_compute;
pub(crate) mod many_archetypes;
#[cfg(all(target_os = "linux", target_env = "gnu"))]
mod memory;
mod motion;
mod par_changed;
mod random_get;
mod random_get_mut;
mod schedule;
mod schedule_overhead;
mod simple_insert;
mod snapshot;
mod some_of_many;

/// Returns every row.
pub fn rows(size: Size) -> Vec<Row> {
    let rows: &[fn(Size) -> Row] = &[
        simple_insert::spawn,
        simple_insert::batch,
        motion::simple_iter,
        fragmented::row,
        many_archetypes::wide_frag,
        many_archetypes::sparse_match,
        schedule::row,
        schedule_overhead::pair,
        schedule_overhead::idle,
        heavy_compute::row,
        add_remove::one_by_one,
        add_remove::batch,
        some_of_many::add_and_remove,
        motion::large_iter,
        motion::xlarge_iter,
        motion::large_iter_2of8,
        random_get::row,
        random_get_mut::row,
        ending::despawn,
        ending::despawn_batch,
        ending::churn,
        some_of_many::despawn,
        bulk_insert::row,
        motion::par_iter,
        changes::write,
        changes::scan,
        par_changed::row,
        snapshot::save,
        snapshot::load,
        // Only glibc says how much of its heap is in use.
        #[cfg(all(target_os = "linux", target_env = "gnu"))]
        memory::row,
    ];
    rows.iter().map(|row| row(size)).collect()
}
