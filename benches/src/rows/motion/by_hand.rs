//! Two plain vectors.

use rayon::prelude::*;

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::stretches::{Stretches, add_flat};
use crate::sums;

type Columns = (Vec<Position>, Vec<Velocity>);

pub(in crate::rows) fn structs(items: impl Iterator<Item = (Position, Velocity)>) -> impl Workload {
    steady(
        items.collect::<Columns>(),
        |(positions, velocities)| {
            for (position, velocity) in positions.iter_mut().zip(velocities.iter()) {
                step(position, velocity);
            }
        },
        |(positions, _)| sums::positions(positions.iter()),
    )
}

pub(in crate::rows) fn flat(items: impl Iterator<Item = (Position, Velocity)>) -> impl Workload {
    steady(
        items.collect::<Columns>(),
        |(positions, velocities)| add_flat(positions, velocities),
        |(positions, _)| sums::positions(positions.iter()),
    )
}

/// Four quarters side by side, half a page of memory of each in turn.
pub(in crate::rows) fn interleaved(
    items: impl Iterator<Item = (Position, Velocity)>,
) -> impl Workload {
    const QUARTERS: Stretches = Stretches { count: 4, piece: 160 };
    steady(
        items.collect::<Columns>(),
        |(positions, velocities)| QUARTERS.add_flat(positions, velocities),
        |(positions, _)| sums::positions(positions.iter()),
    )
}

pub(super) fn parallel(items: impl Iterator<Item = (Position, Velocity)>) -> impl Workload {
    const PIECE: usize = 8_192;
    steady(
        items.collect::<Columns>(),
        |(positions, velocities)| {
            let pieces = positions.par_chunks_mut(PIECE).zip(velocities.par_chunks(PIECE));
            pieces.for_each(|(positions, velocities)| add_flat(positions, velocities));
        },
        |(positions, _)| sums::positions(positions.iter()),
    )
}
