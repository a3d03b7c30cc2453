//! Position += velocity, for few and many entities.

mod bevy;
mod by_hand;
mod hecs;
mod ours;

use crate::compare::{Row, Size};
use crate::population;
use crate::worlds;

/// So few that they stay in the cache.
pub(super) fn simple_iter(size: Size) -> Row {
    let n = size.of(10_000);
    let ours = move || worlds::ours::spawned(population::simple(n));
    let bevy = move || worlds::bevy::spawned(population::simple(n));
    let hecs = move || worlds::hecs::spawned(population::simple(n));
    Row::new("simple_iter", "position += velocity, vec3 of f32", n)
        .with("limit/structs", move || by_hand::structs(population::simple(n).map(|b| (b.1, b.3))))
        .with("limit/flat", move || by_hand::flat(population::simple(n).map(|b| (b.1, b.3))))
        .with("ecs/for_each", move || ours::for_each(ours()))
        .with("ecs/for", move || ours::plain_for(ours()))
        .with("ecs/flat_chunks", move || ours::flat_chunks(ours()))
        .with("bevy/for_each", move || bevy::for_each(bevy()))
        .with("hecs/for_each", move || hecs::for_each(hecs()))
        .with("hecs/for", move || hecs::plain_for(hecs()))
}

/// More than a cache holds.
pub(super) fn large_iter(size: Size) -> Row {
    many("large_iter", "position += velocity, 1M entities of both", size.of(1_000_000))
}

/// Far more than a cache holds.
pub(super) fn xlarge_iter(size: Size) -> Row {
    many("xlarge_iter", "position += velocity, 10M entities of both", size.of(10_000_000))
}

fn many(name: &'static str, about: &'static str, n: usize) -> Row {
    let ours = move || worlds::ours::spawned(population::moving(n));
    let bevy = move || worlds::bevy::spawned(population::moving(n));
    let hecs = move || worlds::hecs::spawned(population::moving(n));
    Row::new(name, about, n)
        .with("limit/structs", move || by_hand::structs(population::moving(n)))
        .with("limit/flat", move || by_hand::flat(population::moving(n)))
        .with("ecs/for_each", move || ours::for_each(ours()))
        .with("ecs/for", move || ours::plain_for(ours()))
        .with("ecs/flat_chunks", move || ours::flat_chunks(ours()))
        .with("bevy/for_each", move || bevy::for_each(bevy()))
        .with("hecs/for_each", move || hecs::for_each(hecs()))
        .with("hecs/for", move || hecs::plain_for(hecs()))
}
