//! Parquet files, read again.

#![cfg(feature = "parquet")]
#![forbid(unsafe_code)]

use std::collections::BTreeMap;

use ecs::prelude::*;
use ecs_arrow::arrow_array::RecordBatch;
use ecs_arrow::{Export, ExportError};
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(pod, name = "parquet::Flat")]
#[repr(C)]
struct Flat {
    x: f32,
    y: [f32; 2],
}

#[derive(Component, Serialize, Deserialize)]
#[component(name = "parquet::Sheet")]
struct Sheet {
    title: Option<String>,
    tags: Vec<String>,
    by_name: BTreeMap<String, u16>,
}

#[derive(Component, Serialize, Deserialize)]
#[component(name = "parquet::Order")]
enum Order {
    Wait,
    Go { to: EntityId },
}

fn world(count: u16) -> World {
    let mut world = World::new();
    let to = world.spawn(());
    for n in 0..count {
        let flat = Flat { x: n.into(), y: [0.5, n.into()] };
        let sheet = Sheet {
            title: (n % 2 == 0).then(|| n.to_string()),
            tags: vec!["a".to_owned(); usize::from(n % 3)],
            by_name: BTreeMap::from([("n".to_owned(), n)]),
        };
        match n % 3 {
            0 => world.spawn((flat, sheet)),
            1 => world.spawn((flat, sheet, Order::Wait)),
            _ => world.spawn((flat, sheet, Order::Go { to })),
        };
    }
    world
}

fn export() -> Export {
    Export::of::<(&Flat, &Sheet, Option<&Order>)>().unwrap()
}

fn read(file: Vec<u8>) -> Vec<RecordBatch> {
    ecs_arrow::parquet::read(file).unwrap()
}

#[test]
fn a_file_holds_what_was_read_from_the_store() {
    let world = world(100);
    let wanted = export().read(world.storage()).unwrap();
    let mut file = Vec::new();
    export().write_parquet_to(world.storage(), &mut file).unwrap();
    assert_eq!(read(file), wanted);
    // In small batches it is the same.
    let mut file = Vec::new();
    export().batch_rows(7).write_parquet_to(world.storage(), &mut file).unwrap();
    assert_eq!(read(file), wanted);
}

#[test]
fn a_file_without_rows_has_its_columns() {
    let mut file = Vec::new();
    export().write_parquet_to(World::new().storage(), &mut file).unwrap();
    let reader = ParquetRecordBatchReaderBuilder::try_new(bytes::Bytes::from(file)).unwrap();
    assert_eq!(reader.schema().fields(), export().schema().fields());
    assert_eq!(reader.build().unwrap().count(), 0);
}

#[test]
fn a_damaged_file_is_an_error() {
    let mut file = Vec::new();
    export().write_parquet_to(world(9).storage(), &mut file).unwrap();
    file.truncate(file.len() - 9);
    assert!(matches!(ecs_arrow::parquet::read(file), Err(ExportError::Parquet(_))));
}

#[test]
fn a_file_takes_the_place_of_another_at_once() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("people.parquet");
    std::fs::write(&path, "old").unwrap();
    export().write_parquet(world(3).storage(), &path).unwrap();
    assert_eq!(read(std::fs::read(&path).unwrap())[0].num_rows(), 3);
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
    let error = export().write_parquet(world(3).storage(), folder.path().join("no/file"));
    let error = error.unwrap_err();
    assert!(matches!(error, ExportError::Io { .. }));
    assert!(error.to_string().contains("no/file: cannot write it"), "{error}");
}

/// Refuses to be encoded.
#[derive(Component, Deserialize)]
#[component(name = "parquet::Grumpy")]
struct Grumpy(#[allow(dead_code)] u8);

impl Serialize for Grumpy {
    fn serialize<S: serde::Serializer>(&self, _: S) -> Result<S::Ok, S::Error> {
        Err(serde::ser::Error::custom("no"))
    }
}

#[test]
fn what_fails_midway_leaves_the_old_file() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("grumpy.parquet");
    std::fs::write(&path, "old").unwrap();
    let mut world = World::new();
    world.spawn(Grumpy(1));
    let error = Export::of::<&Grumpy>().unwrap().write_parquet(world.storage(), &path);
    assert!(matches!(error, Err(ExportError::Codec(_))));
    assert_eq!(std::fs::read(&path).unwrap(), b"old");
    assert_eq!(std::fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_file_with_a_bit_flipped_or_cut_short_is_refused_or_read() {
    let mut file = Vec::new();
    export().write_parquet_to(world(9).storage(), &mut file).unwrap();
    let mut refused = 0;
    for at in 0..file.len() {
        let mut flipped = file.clone();
        flipped[at] ^= 1 << (at % 8);
        // Not each bit is told of by something else; but nothing panics.
        refused += usize::from(ecs_arrow::parquet::read(flipped).is_err());
        assert!(ecs_arrow::parquet::read(file[..at].to_vec()).is_err(), "cut at {at}");
    }
    assert!(refused > file.len() / 4, "{refused} of {}", file.len());
}
