//! specs.

use specs::{Builder, Entity, EntityBuilder, Join, World, WorldExt};

use crate::components::Position;
use crate::sums;

/// Tuples of components.
pub(crate) trait Bundle {
    fn register(world: &mut World);
    fn build(self, builder: EntityBuilder<'_>) -> Entity;
}

/// For (A, B): `builder.with(a).with(b).build()`.
macro_rules! bundle {
    ($($component:ident $value:ident),*) => {
        impl<$($component),*> Bundle for ($($component,)*)
        where
            $($component: specs::Component<Storage: Default> + Send + Sync,)*
        {
            fn register(world: &mut World) {
                $(world.register::<$component>();)*
            }

            fn build(self, builder: EntityBuilder<'_>) -> Entity {
                let ($($value,)*) = self;
                builder$(.with($value))*.build()
            }
        }
    };
}

bundle!(A a);
bundle!(A a, B b);
bundle!(A a, B b, C c);
bundle!(A a, B b, C c, D d);
bundle!(A a, B b, C c, D d, E e, F f, G g, H h);

pub(crate) fn spawned<B: Bundle>(bundles: impl IntoIterator<Item = B>) -> World {
    with_ids(bundles).0
}

pub(crate) fn with_ids<B: Bundle>(bundles: impl IntoIterator<Item = B>) -> (World, Vec<Entity>) {
    let mut world = World::new();
    B::register(&mut world);
    let ids = bundles.into_iter().map(|bundle| bundle.build(world.create_entity())).collect();
    (world, ids)
}

pub(crate) fn positions(world: &World) -> f64 {
    sums::positions(world.read_storage::<Position>().join())
}
