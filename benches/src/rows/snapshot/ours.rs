//! This engine: checksums, the allocator and the order of rows included; on all
//! threads, and on one.

use std::sync::LazyLock;

use ecs::World;
use rayon::{ThreadPool, ThreadPoolBuilder};

use super::Format;
use crate::components::{Position, Velocity};
use crate::worlds;

pub(super) const FORMAT: Format<World> =
    Format { save, load, sum: |world| worlds::ours::positions(world) };

pub(super) const ON_ONE_THREAD: Format<World> = Format {
    save: |world| ONE_THREAD.install(|| save(world)),
    load: |bytes| ONE_THREAD.install(|| load(bytes)),
    ..FORMAT
};

static ONE_THREAD: LazyLock<ThreadPool> =
    LazyLock::new(|| ThreadPoolBuilder::new().num_threads(1).build().unwrap());

fn save(world: &mut World) -> Vec<u8> {
    world.snapshot().unwrap()
}

fn load(bytes: &[u8]) -> World {
    let mut world = World::new();
    world.register::<(Position, Velocity)>();
    world.restore(bytes).unwrap();
    world
}
