//! Six components and three saved resources, and a world of them.

use ecs_core::Component;
use ecs_derive::Component;
use ecs_world::World;
use serde::{Deserialize, Serialize};

/// A component of one number, which knows two others.
pub(crate) trait Value: Component + Clone {
    type Next: Value;
    type Far: Value;

    fn of(number: u64) -> Self;
    fn number(&self) -> u64;
    fn number_mut(&mut self) -> &mut u64;
}

macro_rules! value {
    ($name:ident, $next:ident, $far:ident) => {
        impl Value for $name {
            type Next = $next;
            type Far = $far;

            fn of(number: u64) -> Self {
                Self(number)
            }

            fn number(&self) -> u64 {
                self.0
            }

            fn number_mut(&mut self) -> &mut u64 {
                &mut self.0
            }
        }
    };
}

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "determinism::P0")]
pub(crate) struct P0(u64);

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "determinism::P1")]
pub(crate) struct P1(u64);

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "determinism::P2")]
pub(crate) struct P2(u64);

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "determinism::P3")]
pub(crate) struct P3(u64);

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "determinism::P4")]
pub(crate) struct P4(u64);

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "determinism::P5")]
pub(crate) struct P5(u64);

value!(P0, P1, P3);
value!(P1, P2, P4);
value!(P2, P3, P5);
value!(P3, P4, P0);
value!(P4, P5, P1);
value!(P5, P0, P2);

/// What reductions leave: a resource that is saved.
#[derive(Clone, Default, Serialize, Deserialize)]
pub(crate) struct Acc<const N: usize> {
    pub(crate) single: f32,
    pub(crate) double: f64,
    pub(crate) word: u64,
}

/// Mixes two numbers; the order matters.
pub(crate) fn mix(a: u64, b: u64) -> u64 {
    (a.rotate_left(7) ^ b).wrapping_mul(0x9E37_79B9_7F4A_7C15)
}

/// Fills a world: one archetype has rows for two pieces of parallel iteration.
pub(crate) fn populate(world: &mut World) {
    let n = |n: u64| mix(n, 1);
    world.spawn_batch((0..9_000).map(|i| (P0(n(i)), P1(n(i + 1)), P2(n(i + 2)))));
    world.spawn_batch((0..600).map(|i| P0(n(i))));
    world.spawn_batch((0..500).map(|i| (P1(n(i)), P3(n(i + 5)))));
    world.spawn_batch((0..700).map(|i| (P2(n(i)), P4(n(i + 1)), P5(n(i + 2)))));
    world.spawn_batch((0..400).map(|i| (P0(n(i)), P3(n(i + 1)), P5(n(i + 2)))));
    world.spawn_batch((0..300).map(|i| (P0(n(i)), P1(i), P2(i), P3(i), P4(n(i)), P5(i))));
    world.insert_resource(Acc::<0>::default());
    world.insert_resource(Acc::<1>::default());
    world.insert_resource(Acc::<2>::default());
    world.save_resource::<Acc<0>>("determinism::acc0");
    world.save_resource::<Acc<1>>("determinism::acc1");
    world.save_resource::<Acc<2>>("determinism::acc2");
}
