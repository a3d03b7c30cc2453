//! Two plain vectors.

use crate::compare::{Workload, steady};
use crate::components::{Position, Velocity, step};
use crate::sums;

type Columns = (Vec<Position>, Vec<Velocity>);

pub(super) fn structs(items: impl Iterator<Item = (Position, Velocity)>) -> impl Workload {
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

pub(super) fn flat(items: impl Iterator<Item = (Position, Velocity)>) -> impl Workload {
    steady(
        items.collect::<Columns>(),
        |(positions, velocities)| add_flat(positions, velocities),
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
