//! Who lives in the worlds.

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
