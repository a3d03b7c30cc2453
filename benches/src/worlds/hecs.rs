//! hecs.

use hecs::{Bundle, Entity, World};

use crate::components::Position;
use crate::sums;

pub(crate) fn spawned<B: Bundle + 'static>(bundles: impl IntoIterator<Item = B>) -> World {
    with_ids(bundles).0
}

pub(crate) fn with_ids<B: Bundle + 'static>(
    bundles: impl IntoIterator<Item = B>,
) -> (World, Vec<Entity>) {
    let mut world = World::new();
    let ids = world.spawn_batch(bundles).collect();
    (world, ids)
}

pub(crate) fn positions(world: &mut World) -> f64 {
    sums::positions(world.query_mut::<&Position>())
}
