//! legion.

use legion::storage::IntoComponentSource;
use legion::{Entity, IntoQuery, World};

use crate::components::Position;
use crate::sums;

pub(crate) fn spawned(bundles: impl IntoComponentSource) -> World {
    with_ids(bundles).0
}

pub(crate) fn with_ids(bundles: impl IntoComponentSource) -> (World, Vec<Entity>) {
    let mut world = World::default();
    let ids = world.extend(bundles).to_vec();
    (world, ids)
}

pub(crate) fn positions(world: &World) -> f64 {
    sums::positions(<&Position>::query().iter(world))
}
