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

/// Registers the components of a tuple.
pub(crate) fn register<B: Bundle>(world: &mut World) {
    B::register(world);
}

pub(crate) fn spawned<B: Bundle>(bundles: impl IntoIterator<Item = B>) -> World {
    with_ids(bundles).0
}

pub(crate) fn with_ids<B: Bundle>(bundles: impl IntoIterator<Item = B>) -> (World, Vec<Entity>) {
    let mut world = World::new();
    B::register(&mut world);
    let ids = extend(&mut world, bundles);
    (world, ids)
}

pub(crate) fn extend<B: Bundle>(
    world: &mut World,
    bundles: impl IntoIterator<Item = B>,
) -> Vec<Entity> {
    bundles.into_iter().map(|bundle| bundle.build(world.create_entity())).collect()
}

pub(crate) fn positions(world: &World) -> f64 {
    sums::positions(world.read_storage::<Position>().join())
}
