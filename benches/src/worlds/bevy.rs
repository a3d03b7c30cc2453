//! bevy_ecs.

use bevy_ecs::bundle::{Bundle, NoBundleEffect};
use bevy_ecs::entity::Entity;
use bevy_ecs::world::World;

use crate::components::Position;
use crate::sums;

pub(crate) fn spawned<B>(bundles: impl IntoIterator<Item = B>) -> World
where
    B: Bundle<Effect: NoBundleEffect>,
{
    with_ids(bundles).0
}

pub(crate) fn with_ids<B>(bundles: impl IntoIterator<Item = B>) -> (World, Vec<Entity>)
where
    B: Bundle<Effect: NoBundleEffect>,
{
    let mut world = World::new();
    let ids = world.spawn_batch(bundles).collect();
    (world, ids)
}

pub(crate) fn positions(world: &mut World) -> f64 {
    let mut query = world.query::<&Position>();
    sums::positions(query.iter(world))
}
