//! flecs.

use flecs_ecs::prelude::*;

use crate::components::Position;
use crate::sums;

/// Tuples of components, to be made in bulk from columns.
pub(crate) trait Columns: Sized {
    fn spawn(world: &World, bundles: impl Iterator<Item = Self>) -> Vec<Entity>;
}

/// For (A, B): unzips the bundles, and hands over a slice of each component.
macro_rules! columns {
    ($($component:ident $column:ident $index:tt),*) => {
        impl<$($component),*> Columns for ($($component,)*)
        where
            $($component: ComponentId + DataComponent,)*
        {
            fn spawn(world: &World, bundles: impl Iterator<Item = Self>) -> Vec<Entity> {
                let mut count = 0;
                $(let mut $column = Vec::with_capacity(bundles.size_hint().0);)*
                for bundle in bundles {
                    count += 1;
                    $($column.push(bundle.$index);)*
                }
                world.entity_bulk(count)$(.set(&$column))*.build()
            }
        }
    };
}

columns!(A a 0);
columns!(A a 0, B b 1);
columns!(A a 0, B b 1, C c 2);
columns!(A a 0, B b 1, C c 2, D d 3);
columns!(A a 0, B b 1, C c 2, D d 3, E e 4, F f 5, G g 6, H h 7);

pub(crate) fn spawned<B: Columns>(bundles: impl IntoIterator<Item = B>) -> World {
    with_ids(bundles).0
}

pub(crate) fn with_ids<B: Columns>(bundles: impl IntoIterator<Item = B>) -> (World, Vec<Entity>) {
    let world = World::new();
    let ids = B::spawn(&world, bundles.into_iter());
    (world, ids)
}

pub(crate) fn positions(world: &World) -> f64 {
    let mut sum = 0.0;
    world.new_query::<&Position>().each(|position| sum += sums::positions([position]));
    sum
}
