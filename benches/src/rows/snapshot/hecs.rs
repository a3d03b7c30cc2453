//! hecs, column by column, through serde.

use std::any::TypeId;

use bincode::Options;
use hecs::serialize::column::{
    DeserializeContext, SerializeContext, deserialize, deserialize_column, serialize,
    try_serialize, try_serialize_id,
};
use hecs::{Archetype, ColumnBatchBuilder, ColumnBatchType, World};
use serde::de::SeqAccess;
use serde::ser::SerializeTuple;
use serde::{Deserialize, Serialize};

use super::Format;
use crate::components::{Position, Velocity};
use crate::worlds;

pub(super) const BINCODE: Format<World> =
    Format { save: save_bincode, load: load_bincode, sum: worlds::hecs::positions };

pub(super) const POSTCARD: Format<World> =
    Format { save: save_postcard, load: load_postcard, sum: worlds::hecs::positions };

fn save_bincode(world: &mut World) -> Vec<u8> {
    let mut bytes = Vec::new();
    let mut serializer = bincode::Serializer::new(&mut bytes, options());
    serialize(world, &mut Columns::default(), &mut serializer).unwrap();
    bytes
}

fn load_bincode(bytes: &[u8]) -> World {
    let mut deserializer = bincode::Deserializer::from_slice(bytes, options());
    deserialize(&mut Columns::default(), &mut deserializer).unwrap()
}

fn options() -> impl Options {
    bincode::options().with_fixint_encoding()
}

fn save_postcard(world: &mut World) -> Vec<u8> {
    let mut serializer =
        postcard::Serializer { output: postcard::ser_flavors::AllocVec::default() };
    serialize(world, &mut Columns::default(), &mut serializer).unwrap();
    postcard::ser_flavors::Flavor::finalize(serializer.output).unwrap()
}

fn load_postcard(bytes: &[u8]) -> World {
    let mut deserializer = postcard::Deserializer::from_bytes(bytes);
    deserialize(&mut Columns::default(), &mut deserializer).unwrap()
}

/// The name of a component in the bytes.
#[derive(Clone, Copy, Serialize, Deserialize)]
enum Column {
    Position,
    Velocity,
}

/// Knows the columns of the archetype that is under way.
#[derive(Default)]
struct Columns(Vec<Column>);

impl SerializeContext for Columns {
    fn component_count(&self, archetype: &Archetype) -> usize {
        let known = [TypeId::of::<Position>(), TypeId::of::<Velocity>()];
        archetype.component_types().filter(|component| known.contains(component)).count()
    }

    fn serialize_component_ids<S: SerializeTuple>(
        &mut self,
        archetype: &Archetype,
        mut out: S,
    ) -> Result<S::Ok, S::Error> {
        try_serialize_id::<Position, _, _>(archetype, &Column::Position, &mut out)?;
        try_serialize_id::<Velocity, _, _>(archetype, &Column::Velocity, &mut out)?;
        out.end()
    }

    fn serialize_components<S: SerializeTuple>(
        &mut self,
        archetype: &Archetype,
        mut out: S,
    ) -> Result<S::Ok, S::Error> {
        try_serialize::<Position, _>(archetype, &mut out)?;
        try_serialize::<Velocity, _>(archetype, &mut out)?;
        out.end()
    }
}

impl DeserializeContext for Columns {
    fn deserialize_component_ids<'de, A: SeqAccess<'de>>(
        &mut self,
        mut names: A,
    ) -> Result<ColumnBatchType, A::Error> {
        self.0.clear();
        let mut batch = ColumnBatchType::new();
        while let Some(name) = names.next_element()? {
            match name {
                Column::Position => batch.add::<Position>(),
                Column::Velocity => batch.add::<Velocity>(),
            };
            self.0.push(name);
        }
        Ok(batch)
    }

    fn deserialize_components<'de, A: SeqAccess<'de>>(
        &mut self,
        count: u32,
        mut columns: A,
        batch: &mut ColumnBatchBuilder,
    ) -> Result<(), A::Error> {
        for name in &self.0 {
            match name {
                Column::Position => deserialize_column::<Position, _>(count, &mut columns, batch)?,
                Column::Velocity => deserialize_column::<Velocity, _>(count, &mut columns, batch)?,
            }
        }
        Ok(())
    }
}
