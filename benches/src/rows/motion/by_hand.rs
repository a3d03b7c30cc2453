//! Two plain vectors.

use rayon::prelude::*;

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
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

/// Four quarters side by side, a page of memory of each in turn.
pub(in crate::rows) fn interleaved(
    items: impl Iterator<Item = (Position, Velocity)>,
) -> impl Workload {
    const PIECE: usize = 336;
    steady(
        items.collect::<Columns>(),
        |(positions, velocities)| {
            let quarter = positions.len().div_ceil(4);
            let mut quarters: Vec<_> = positions
                .chunks_mut(quarter)
                .zip(velocities.chunks(quarter))
                .map(|(positions, velocities)| {
                    positions.chunks_mut(PIECE).zip(velocities.chunks(PIECE))
                })
                .collect();
            for _ in 0..quarter.div_ceil(PIECE) {
                for (positions, velocities) in quarters.iter_mut().filter_map(Iterator::next) {
                    add_flat(positions, velocities);
                }
            }
        },
        |(positions, _)| sums::positions(positions.iter()),
    )
}

/// Adds up with no regard to where one vector ends and another begins.
#[inline]
pub(super) fn add_flat(positions: &mut [Position], velocities: &[Velocity]) {
    let places: &mut [f32] = bytemuck::cast_slice_mut(positions);
    let speeds: &[f32] = bytemuck::cast_slice(velocities);
    for (place, speed) in places.iter_mut().zip(speeds) {
        *place += speed;
    }
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
