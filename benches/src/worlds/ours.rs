//! This engine.

use ecs::{Bundle, EntityId, World};

use crate::components::Position;
use crate::sums;

pub(crate) fn spawned<B: Bundle>(bundles: impl IntoIterator<Item = B>) -> World {
    with_ids(bundles).0
}

pub(crate) fn with_ids<B: Bundle>(bundles: impl IntoIterator<Item = B>) -> (World, Vec<EntityId>) {
    let mut world = World::new();
    let ids = world.spawn_batch(bundles);
    (world, ids)
}

pub(crate) fn positions(world: &World) -> f64 {
    sums::positions(world.query::<&Position>().iter())
}
