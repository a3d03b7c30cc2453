//! shipyard, by hand: for each entity its id and its components as bytes. Its own
//! serde form does not know its length beforehand, which binary formats want.

use shipyard::{EntityId, IntoIter, View, World};

use super::{Format, Record};
use crate::components::{Position, Velocity};
use crate::worlds;

pub(super) const FORMAT: Format<World> =
    Format { save, load, sum: |world| worlds::shipyard::positions(world) };

fn save(world: &mut World) -> Vec<u8> {
    world.run(|positions: View<'_, Position>, velocities: View<'_, Velocity>| {
        let mut bytes = Vec::with_capacity(positions.len() * size_of::<Record>());
        let entities = (&positions, &velocities).iter().with_id();
        entities.for_each(|(entity, (&position, &velocity))| {
            let record = Record { id: entity.inner(), position, velocity };
            bytes.extend_from_slice(bytemuck::bytes_of(&record));
        });
        bytes
    })
}

fn load(bytes: &[u8]) -> World {
    let mut world = World::new();
    for record in bytes.chunks_exact(size_of::<Record>()) {
        let record: Record = bytemuck::pod_read_unaligned(record);
        let entity = EntityId::from_inner(record.id).unwrap();
        assert!(world.spawn(entity));
        world.add_component(entity, (record.position, record.velocity));
    }
    world
}
