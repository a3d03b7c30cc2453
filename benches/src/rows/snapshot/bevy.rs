//! bevy_ecs, by hand: for each entity its id and its components as bytes.

use bevy_ecs::entity::Entity;
use bevy_ecs::world::World;

use super::{Format, Record};
use crate::components::{Position, Velocity};
use crate::worlds;

pub(super) const FORMAT: Format<World> = Format { save, load, sum: worlds::bevy::positions };

fn save(world: &mut World) -> Vec<u8> {
    let mut query = world.query::<(Entity, &Position, &Velocity)>();
    let entities = query.iter(world);
    let mut bytes = Vec::with_capacity(entities.len() * size_of::<Record>());
    entities.for_each(|(entity, &position, &velocity)| {
        let record = Record { id: entity.to_bits(), position, velocity };
        bytes.extend_from_slice(bytemuck::bytes_of(&record));
    });
    bytes
}

fn load(bytes: &[u8]) -> World {
    let mut world = World::new();
    for record in bytes.chunks_exact(size_of::<Record>()) {
        let record: Record = bytemuck::pod_read_unaligned(record);
        let entity = Entity::from_bits(record.id);
        world.spawn_at(entity, (record.position, record.velocity)).unwrap();
    }
    world
}
