//! sparsey, its components grouped, which is what it calls fastest.

use sparsey::World;
use sparsey::component::{ComponentSet, GroupDescriptor};
use sparsey::entity::Entity;

use crate::components::Position;
use crate::sums;

/// Makes a world with one group.
pub(crate) fn grouped<G: GroupDescriptor>() -> World {
    World::builder().add_group::<G>().build()
}

/// Makes entities whose components are a group.
pub(crate) fn with_ids<B>(bundles: impl IntoIterator<Item = B>) -> (World, Vec<Entity>)
where
    B: ComponentSet + GroupDescriptor,
{
    let mut world = grouped::<B>();
    let ids = world.extend(bundles).to_vec();
    (world, ids)
}

/// Makes entities whose components are in no group: to keep one costs time.
pub(crate) fn ungrouped<B>(bundles: impl IntoIterator<Item = B>) -> (World, Vec<Entity>)
where
    B: ComponentSet + GroupDescriptor,
{
    let mut world = World::default();
    register::<B>(&mut world);
    let ids = world.extend(bundles).to_vec();
    (world, ids)
}

/// Registers components outside of any group.
pub(crate) fn register<G: GroupDescriptor>(world: &mut World) {
    for &component in G::COMPONENTS {
        world.register_dyn(component);
    }
}

pub(crate) fn positions(world: &World) -> f64 {
    let mut sum = 0.0;
    world.for_each::<&Position>(|position| sum += sums::positions([position]));
    sum
}
