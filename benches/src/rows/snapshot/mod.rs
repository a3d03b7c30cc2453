//! A world to bytes, ids included, and back to a world in which one can go on.
//!
//! What is in the bytes differs. Ours have a checksum a section, the forms of
//! the components by name, the allocator and the order of rows, and loading
//! believes nothing: checksums, lengths, and that every index occurs once. Ids
//! that follow each other, as here, are one run. Our columns are written and read by
//! two threads, or by one where the name says so; the others know of one only. Those of bevy and shipyard are
//! an id and two values an entity, written into a buffer of the right size;
//! those of hecs are columns through serde, into a buffer that grows. Neither
//! has checksums, the free ids, or a form to compare with, and loading trusts
//! the order of the bytes; bincode and postcard notice when they end early.
//!
//! Every round fills a new buffer or world, in memory that malloc has kept: pages
//! are not counted. The limit's loading zeroes its columns before it copies, as
//! code without `unsafe` does.

mod bevy;
mod by_hand;
mod hecs;
mod ours;
mod shipyard;

use bytemuck::{Pod, Zeroable};

use crate::compare::{Row, Size, Workload, fresh, steady};
use crate::components::{Position, Velocity};
use crate::{population, worlds};

/// How an engine writes and reads its world.
#[derive(Clone, Copy)]
struct Format<W> {
    save: fn(&mut W) -> Vec<u8>,
    load: fn(&[u8]) -> W,
    sum: fn(&mut W) -> f64,
}

/// An entity, as one writes it by hand.
#[derive(Clone, Copy, Pod, Zeroable)]
#[repr(C)]
struct Record {
    id: u64,
    position: Position,
    velocity: Velocity,
}

pub(super) fn save(size: Size) -> Row {
    let n = size.of(1_000_000);
    Row::new("snapshot_save", "1M entities of position and velocity to bytes", n)
        .with("limit/copy", move || saving(by_hand::table(n), by_hand::FORMAT))
        .with("limit/copy_and_checksum", move || saving(by_hand::table(n), by_hand::CHECKED))
        .with("ecs/snapshot", move || saving(ours_world(n), ours::FORMAT))
        .with("ecs/snapshot_one_thread", move || saving(ours_world(n), ours::ON_ONE_THREAD))
        .with("bevy/by_hand", move || saving(bevy_world(n), bevy::FORMAT))
        .with("hecs/bincode", move || saving(hecs_world(n), hecs::BINCODE))
        .with("hecs/postcard", move || saving(hecs_world(n), hecs::POSTCARD))
        .with("shipyard/by_hand", move || saving(shipyard_world(n), shipyard::FORMAT))
}

pub(super) fn load(size: Size) -> Row {
    let n = size.of(1_000_000);
    Row::new("snapshot_load", "1M entities of position and velocity from bytes", n)
        .with("limit/copy", move || loading(by_hand::table(n), by_hand::FORMAT))
        .with("limit/copy_and_checksum", move || loading(by_hand::table(n), by_hand::CHECKED))
        .with("ecs/restore", move || loading(ours_world(n), ours::FORMAT))
        .with("ecs/restore_one_thread", move || loading(ours_world(n), ours::ON_ONE_THREAD))
        .with("bevy/by_hand", move || loading(bevy_world(n), bevy::FORMAT))
        .with("hecs/bincode", move || loading(hecs_world(n), hecs::BINCODE))
        .with("hecs/postcard", move || loading(hecs_world(n), hecs::POSTCARD))
        .with("shipyard/by_hand", move || loading(shipyard_world(n), shipyard::FORMAT))
}

fn ours_world(n: usize) -> ecs::World {
    worlds::ours::spawned(population::moving(n))
}

fn bevy_world(n: usize) -> bevy_ecs::world::World {
    worlds::bevy::spawned(population::moving(n))
}

fn hecs_world(n: usize) -> ::hecs::World {
    worlds::hecs::spawned(population::moving(n))
}

fn shipyard_world(n: usize) -> ::shipyard::World {
    worlds::shipyard::spawned(population::moving(n))
}

fn saving<W>(world: W, format: Format<W>) -> impl Workload {
    steady(world, format.save, move |world| {
        let bytes = (format.save)(world);
        (format.sum)(&mut (format.load)(&bytes))
    })
}

fn loading<W>(mut world: W, format: Format<W>) -> impl Workload {
    let bytes = (format.save)(&mut world);
    drop(world);
    fresh(|| (), move |()| (format.load)(&bytes), move |(), world| (format.sum)(world))
}
