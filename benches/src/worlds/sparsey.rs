//! sparsey, its components grouped, which is what it calls fastest.

use sparsey::World;
use sparsey::component::GroupDescriptor;

use crate::components::Position;
use crate::sums;

/// Makes a world with one group.
pub(crate) fn grouped<G: GroupDescriptor>() -> World {
    World::builder().add_group::<G>().build()
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
