//! Who lives in the worlds.

use crate::components::letters::{A, B, C, D, E, F};
use crate::components::{Position, Velocity, simple_bundle};
use crate::{Rotation, Transform};

/// A matrix and three vectors each.
pub(crate) fn simple(
    n: usize,
) -> impl ExactSizeIterator<Item = (Transform, Position, Rotation, Velocity)> {
    (0..n).map(|_| simple_bundle())
}

/// A position and a velocity each, whose positions tell them apart.
pub(crate) fn moving(n: usize) -> impl ExactSizeIterator<Item = (Position, Velocity)> {
    (0..n).map(|number| (Position([(number % 1024) as f32; 3]), Velocity([1.0; 3])))
}

/// A position, a velocity, and six components that nobody asks for.
pub(crate) fn eight(
    n: usize,
) -> impl ExactSizeIterator<Item = (Position, Velocity, A, B, C, D, E, F)> {
    moving(n).map(|(position, velocity)| {
        (position, velocity, A(0.0), B(0.0), C(0.0), D(0.0), E(0.0), F(0.0))
    })
}
