//! Components of the sizes that rust-gamedev's `ecs_bench_suite` uses, for every
//! engine at once.

use bytemuck::{Pod, Zeroable};
use serde::{Deserialize, Serialize};

/// Defines plain components for this engine and its peers.
macro_rules! components {
    ($($(#[$doc:meta])* $name:ident($field:ty);)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Pod, Zeroable, Serialize, Deserialize)]
        #[derive(bevy_ecs::component::Component, flecs_ecs::prelude::Component)]
        #[derive(shipyard::Component)]
        #[repr(C)]
        pub struct $name(pub $field);

        impl specs::Component for $name {
            type Storage = specs::VecStorage<Self>;
        }

        impl ecs::Component for $name {
            fn describe() -> ecs::Description<Self> {
                ecs::Description::pod(concat!(module_path!(), "::", stringify!($name)))
            }

            #[inline]
            fn cell() -> Option<&'static ecs::ComponentCell<Self>> {
                static CELL: ecs::ComponentCell<$name> = ecs::ComponentCell::new();
                Some(&CELL)
            }
        }
    )*};
}

components! {
    /// A 4 x 4 matrix.
    Transform([f32; 16]);
    /// Where something is.
    Position([f32; 3]);
    /// How something is turned.
    Rotation([f32; 3]);
    /// How fast something moves.
    Velocity([f32; 3]);
    /// What the fragmented archetypes have in common.
    Data(f32);
    /// The component that stays in `add_remove`.
    A(f32);
    /// The component that comes and goes in `add_remove`.
    B(f32);
}

/// The bundle of the `simple` workloads, the same for every engine.
pub fn simple_bundle() -> (Transform, Position, Rotation, Velocity) {
    (
        Transform([1.0; 16]),
        Position([1.0, 0.0, 0.0]),
        Rotation([1.0, 0.0, 0.0]),
        Velocity([1.0, 0.0, 0.0]),
    )
}

/// Adds a velocity to a position, component by component.
#[inline(always)]
pub fn step(position: &mut Position, velocity: &Velocity) {
    for (place, speed) in position.0.iter_mut().zip(velocity.0) {
        *place += speed;
    }
}

/// Gives every macro argument a component of its own, and calls back with each:
/// the 26 archetypes of `fragmented_iter`.
#[macro_export]
macro_rules! for_each_letter {
    ($callback:ident) => {
        $callback!(A B C D E F G H I J K L M N O P Q R S T U V W X Y Z);
    };
}

/// The 26 components that make 26 archetypes.
pub mod letters {
    use super::*;

    macro_rules! define {
        ($($name:ident)*) => {
            components! { $(
                /// A component that makes an archetype of its own.
                $name(f32);
            )* }
        };
    }
    for_each_letter!(define);
}
