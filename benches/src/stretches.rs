//! A loop over two columns, in order or in short pieces of several stretches in turn.

use crate::components::{Position, Velocity};

/// How a loop goes through columns.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stretches {
    /// How many stretches columns are cut into; one is in order.
    pub count: usize,
    /// How many rows of one stretch are gone through, before it is the next one's turn.
    pub piece: usize,
}

impl Stretches {
    /// Adds speeds to places with no regard to where one vector ends and another begins.
    ///
    /// # Panics
    /// If there are no stretches, or a piece has no rows.
    pub fn add_flat(self, positions: &mut [Position], velocities: &[Velocity]) {
        let Self { count, piece } = self;
        let stretch = positions.len().div_ceil(count).max(1);
        let mut stretches: Vec<_> = positions
            .chunks_mut(stretch)
            .zip(velocities.chunks(stretch))
            .map(|(positions, velocities)| {
                positions.chunks_mut(piece).zip(velocities.chunks(piece))
            })
            .collect();
        for _ in 0..stretch.div_ceil(piece) {
            for (positions, velocities) in stretches.iter_mut().filter_map(Iterator::next) {
                add_flat(positions, velocities);
            }
        }
    }
}

/// Adds up in order.
#[inline]
pub(crate) fn add_flat(positions: &mut [Position], velocities: &[Velocity]) {
    let places: &mut [f32] = bytemuck::cast_slice_mut(positions);
    let speeds: &[f32] = bytemuck::cast_slice(velocities);
    for (place, speed) in places.iter_mut().zip(speeds) {
        *place += speed;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_row_is_gone_through_once() {
        let velocities: Vec<_> = (0..1_000).map(|row| Velocity([row as f32; 3])).collect();
        for count in [1, 2, 3, 7, 2_000] {
            for piece in [1, 16, 999, 5_000] {
                let mut positions = vec![Position([1.0; 3]); velocities.len()];
                Stretches { count, piece }.add_flat(&mut positions, &velocities);
                let right = |(row, it): (usize, &Position)| it.0 == [1.0 + row as f32; 3];
                assert!(positions.iter().enumerate().all(right), "{count} of {piece}");
            }
        }
        Stretches { count: 4, piece: 16 }.add_flat(&mut [], &[]);
    }
}
