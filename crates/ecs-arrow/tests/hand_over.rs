//! Columns that change hands.

#![forbid(unsafe_code)]

use arrow_array::Array;
use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, UInt32Type, UInt64Type};
use ecs::prelude::*;
use ecs::{DynamicComponent, ErasedValue, OwnedChunk};
use ecs_arrow::{Export, ExportError, arrow_array};
use ecs_core::ErasedVec;
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(pod, name = "hand_over::Weight")]
#[repr(transparent)]
struct Weight(f32);

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(pod, name = "hand_over::Place")]
#[repr(transparent)]
struct Place([f32; 3]);

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(pod, name = "hand_over::Points")]
#[repr(C)]
struct Points {
    points: u32,
}

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(pod, name = "hand_over::Pair")]
#[repr(C)]
struct Pair {
    a: u32,
    b: u32,
}

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(pod, name = "hand_over::Packed")]
#[repr(C, packed)]
struct Packed(u32);

#[derive(Component, Serialize, Deserialize)]
#[component(name = "hand_over::Name")]
struct Name(String);

fn ids(count: u32) -> Vec<EntityId> {
    (1..=count).map(|index| EntityId::new(0, index, 0).unwrap()).collect()
}

#[test]
fn memory_of_numbers_is_handed_over_and_not_copied() {
    let ids = ids(100);
    let weights: Vec<_> = (0..100u8).map(|n| Weight(n.into())).collect();
    let places: Vec<_> = (0..100u8).map(|n| Place([n.into(), 0.5, 1.5])).collect();
    let points: Vec<_> = (0..100).map(|points| Points { points }).collect();
    let before = [
        ids.as_ptr().cast::<u8>(),
        weights.as_ptr().cast(),
        places.as_ptr().cast(),
        points.as_ptr().cast(),
    ];
    let columns = vec![
        ErasedVec::from_vec(weights),
        ErasedVec::from_vec(places),
        ErasedVec::from_vec(points),
    ];
    let chunk = OwnedChunk::new(ids, columns).unwrap();
    let export = Export::of::<(&Weight, &Place, &Points)>().unwrap();
    let batch = export.hand_over(chunk).unwrap();
    let numbers = batch.column(0).as_primitive::<UInt64Type>();
    let weights = batch.column(1).as_primitive::<Float32Type>();
    let places = batch.column(2).as_fixed_size_list();
    let inside = places.values().as_primitive::<Float32Type>();
    let points = batch.column_by_name("Points.points").unwrap().as_primitive::<UInt32Type>();
    let after = [
        numbers.values().inner().as_ptr(),
        weights.values().inner().as_ptr(),
        inside.values().inner().as_ptr(),
        points.values().inner().as_ptr(),
    ];
    assert_eq!(after, before);
    assert_eq!((weights.value(99), places.len(), inside.value(3)), (99.0, 100, 1.0));
    assert_eq!((numbers.value(99), points.value(99)), (100, 99));
}

#[test]
fn what_lies_otherwise_is_copied() {
    let pairs = (0..3).map(|n| Pair { a: n, b: 10 + n }).collect();
    let packed = (0..3).map(Packed).collect();
    let names = ["a", "b", "c"].map(|name| Name(name.to_owned()));
    let columns = vec![
        ErasedVec::from_vec::<Pair>(pairs),
        ErasedVec::from_vec::<Packed>(packed),
        ErasedVec::from_vec(Vec::from(names)),
    ];
    let chunk = OwnedChunk::new(ids(3), columns).unwrap();
    let export = Export::of::<(&Pair, &Packed, &Name, Option<&Weight>)>().unwrap();
    let batch = export.hand_over(chunk).unwrap();
    let number = |name: &str| batch.column_by_name(name).unwrap().as_primitive::<UInt32Type>();
    assert_eq!(number("Pair.b").values(), &[10, 11, 12]);
    assert_eq!(number("Packed").values(), &[0, 1, 2]);
    assert_eq!(batch.column_by_name("Name").unwrap().as_string::<i32>().value(2), "c");
    assert_eq!(batch.column_by_name("Weight").unwrap().null_count(), 3);
}

#[test]
fn bytes_without_a_type_are_handed_over() {
    let mana = DynamicComponent::new("hand_over::Mana", 4, 4).register().unwrap();
    let mut values = ErasedVec::new(mana.info());
    for n in 0..2u32 {
        values.push(ErasedValue::from_bytes(mana, &n.to_ne_bytes()).unwrap()).unwrap();
    }
    let chunk = OwnedChunk::new(ids(2), vec![values]).unwrap();
    let before = chunk.column(mana).unwrap().as_ptr().as_ptr();
    let batch = Export::of_names(["hand_over::Mana"]).unwrap().hand_over(chunk).unwrap();
    let values = batch.column(1).as_fixed_size_binary();
    assert_eq!(values.value(1), 1u32.to_ne_bytes());
    assert_eq!(values.value_data().as_ptr(), before.cast_const());
}

#[test]
fn an_empty_chunk_is_a_batch_without_rows() {
    let columns = vec![ErasedVec::from_vec(Vec::<Weight>::new())];
    let chunk = OwnedChunk::new(Vec::new(), columns).unwrap();
    let batch = Export::of::<&Weight>().unwrap().hand_over(chunk).unwrap();
    assert_eq!((batch.num_rows(), batch.num_columns()), (0, 2));
}

#[test]
fn a_chunk_without_what_every_row_must_have_is_refused() {
    let chunk = OwnedChunk::new(ids(1), vec![ErasedVec::from_vec(vec![Weight(1.0)])]).unwrap();
    let error = Export::of::<(&Weight, &Name)>().unwrap().hand_over(chunk).unwrap_err();
    assert!(
        matches!(error, ExportError::Missing { component } if component == ComponentId::of::<Name>())
    );
}
