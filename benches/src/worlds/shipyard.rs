//! shipyard.

use shipyard::{Component, EntityId, IntoIter, View, World};

use crate::components::Position;
use crate::sums;

/// Tuples of components, to be made in bulk.
pub(crate) trait Bundle: Sized {
    fn spawn(world: &mut World, bundles: impl Iterator<Item = Self>) -> Vec<EntityId>;
}

/// For each tuple: `bulk_add_entity`, whose own bound has no public name.
macro_rules! bundle {
    ($($component:ident),*) => {
        impl<$($component: Component + Send + Sync),*> Bundle for ($($component,)*) {
            fn spawn(world: &mut World, bundles: impl Iterator<Item = Self>) -> Vec<EntityId> {
                world.bulk_add_entity(bundles).collect()
            }
        }
    };
}

bundle!(A);
bundle!(A, B);
bundle!(A, B, C);
bundle!(A, B, C, D);
bundle!(A, B, C, D, E, F, G, H);

pub(crate) fn spawned<B: Bundle>(bundles: impl IntoIterator<Item = B>) -> World {
    with_ids(bundles).0
}

pub(crate) fn with_ids<B: Bundle>(bundles: impl IntoIterator<Item = B>) -> (World, Vec<EntityId>) {
    let mut world = World::new();
    let ids = B::spawn(&mut world, bundles.into_iter());
    (world, ids)
}

pub(crate) fn positions(world: &World) -> f64 {
    world.run(|positions: View<'_, Position>| sums::positions((&positions).iter()))
}
