use std::io::{self, Write};

use ecs_core::{ComponentId, DynamicComponent, EntityAllocator, EntityId, ErasedVec};

use super::sections::{ReadySection, SectionReader, SectionWriter, Tag};
use super::write::Contents;
use super::{Compression, SnapshotError, StorageImage, read, tags, write_image};
use crate::OwnedChunk;

fn plain(size: usize) -> ComponentId {
    DynamicComponent::new(format!("snapshot::tests::Plain{size}"), size, 1).register().unwrap()
}

/// A chunk of entities with one plain component.
pub(super) fn chunk(ids: &[EntityId], size: usize) -> OwnedChunk {
    let bytes: Vec<u8> = (0..ids.len() * size).map(|at| at as u8).collect();
    let values = ErasedVec::decode(plain(size).info(), &mut &bytes[..], ids.len()).unwrap();
    OwnedChunk::new(ids.to_vec(), vec![values]).unwrap()
}

pub(super) fn image(
    chunks: impl FnOnce(&[EntityId]) -> Vec<OwnedChunk>,
    count: usize,
) -> StorageImage {
    let mut allocator = EntityAllocator::new(1);
    let ids = allocator.allocate_many(count);
    StorageImage::new(allocator.state(), chunks(&ids)).unwrap()
}

pub(super) fn sections(saved: &[u8]) -> Vec<(Tag, Vec<u8>)> {
    let mut reader = SectionReader::new(saved).unwrap();
    std::iter::from_fn(|| reader.next_section().unwrap().map(|(tag, it)| (tag, it.to_vec())))
        .collect()
}

fn container(sections: &[(Tag, Vec<u8>)]) -> Vec<u8> {
    container_with(sections, Compression::None)
}

pub(super) fn container_with(sections: &[(Tag, Vec<u8>)], compression: Compression) -> Vec<u8> {
    let mut writer = SectionWriter::with_compression(Vec::new(), compression).unwrap();
    for (tag, payload) in sections {
        writer.ready(&ReadySection::new(*tag, vec![payload[..].into()])).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn ids_come_back_in_their_order_whatever_their_form() {
    let foreign = EntityId::new(7, 1, 2).unwrap().run(100).unwrap();
    let foreign: Vec<_> = foreign.collect();
    let reversed = |ids: &[EntityId]| ids.iter().rev().copied().collect::<Vec<_>>();
    for image in [
        image(|ids| vec![chunk(ids, 8)], 50_000),
        image(|ids| vec![chunk(ids, 12)], 1),
        image(|ids| vec![chunk(ids, 7)], 50),
        image(|ids| vec![chunk(&reversed(ids), 8)], 50),
        image(|ids| vec![chunk(&ids[30..], 8), chunk(&ids[..30], 8), chunk(&foreign, 9)], 50),
    ] {
        let saved = write_image(&image).unwrap();
        let again = read(&saved).unwrap();
        assert!(again.entities().eq(image.entities()));
        let values = |image: &StorageImage| -> Vec<u8> {
            let columns = image.chunks().iter().flat_map(OwnedChunk::columns);
            columns.flat_map(|column| column.as_slice().as_bytes().unwrap().to_vec()).collect()
        };
        assert_eq!(values(&again), values(&image));
        assert_eq!(write_image(&again).unwrap(), saved);
    }
}

#[test]
fn ids_that_follow_each_other_take_no_room() {
    let saved = write_image(&image(|ids| vec![chunk(ids, 8)], 50_000)).unwrap();
    assert!(saved.len() < 50_000 * 8 + 300, "{} bytes", saved.len());
    let split = image(|ids| ids.chunks(1).map(|id| chunk(id, 8)).collect(), 50_000);
    let chunks = sections(&write_image(&split).unwrap()).len();
    assert_eq!(chunks, 5, "chunks of one entity are written as one");
}

#[test]
fn runs_that_lie_are_refused_without_memory() {
    let good = sections(&write_image(&image(|ids| vec![chunk(ids, 8)], 64)).unwrap());
    let first = EntityId::new(1, 1, 0).unwrap().to_bits();
    let last = EntityId::new(1, u32::MAX, 0).unwrap().to_bits();
    let offer = |table: Option<usize>, rows: u64, runs: &[(u64, u32)], column: &[u8]| {
        let mut all = good.clone();
        if let Some(size) = table {
            let other = write_image(&image(|ids| vec![chunk(ids, size)], 1)).unwrap();
            all[0] = sections(&other)[0].clone();
        }
        let head = (rows, vec![0u32], runs.len() as u64);
        all[3].1 = postcard::to_allocvec(&head).unwrap();
        for (first, count) in runs {
            all[3].1.extend_from_slice(&first.to_le_bytes());
            all[3].1.extend_from_slice(&count.to_le_bytes());
        }
        all[4].1 = column.to_vec();
        read(&container(&all)).map(|image| image.entities().count())
    };
    let column = [0; 512];
    assert_eq!(offer(None, 64, &[(first, 64)], &column).unwrap(), 64);
    assert_eq!(offer(None, 64, &[(first, 0), (first, 64)], &column).unwrap(), 64);
    assert_eq!(offer(None, 64, &[(first, 60), (first + 60, 4)], &column).unwrap(), 64);
    let billions = u32::MAX - 1;
    for (table, rows, runs) in [
        (None, u64::from(billions), &[(first, billions)][..]),
        (None, u64::MAX, &[(first, billions)]),
        (None, u64::MAX / 8 + 1, &[(first, billions)]),
        (Some(0), u64::from(billions), &[(first, billions)]),
        (Some(1), 512, &[(first, 512)]),
        (None, 64, &[(first, billions)]),
        (None, 64, &[(first, 63)]),
        (None, 64, &[(first, 65)]),
        (None, 63, &[(first, 63)]),
        (None, 64, &[(last, 64)]),
        (None, 64, &[(0, 64)]),
        (None, 64, &[(first, 60), (first, 4)]),
        (None, 64, &[(first, 60), (first + 59, 4)]),
        (None, 64, &[(first, 60), (first + 61, 4)]),
    ] {
        assert!(offer(table, rows, runs, &column).is_err(), "{table:?} {rows} {runs:?}");
    }
    assert!(offer(None, 64, &[(first, 64)], &column[1..]).is_err());
}

#[test]
fn every_damaged_bit_of_a_column_is_found_and_named() {
    let saved = write_image(&image(|ids| vec![chunk(ids, 8)], 20_000)).unwrap();
    let mut damaged = saved.clone();
    for at in [saved.len() - 29, saved.len() - 100_000, saved.len() - 160_000] {
        damaged[at] ^= 4;
        let error = read(&damaged).unwrap_err();
        assert!(
            matches!(&error, SnapshotError::Checksum { section } if section == "colm"),
            "{error}"
        );
        damaged[at] ^= 4;
    }
    read(&damaged).unwrap();
}

#[test]
fn a_chunk_without_its_columns_is_refused() {
    let good = sections(&write_image(&image(|ids| vec![chunk(ids, 8)], 64)).unwrap());
    assert_eq!(good[4].0, tags::COLUMN);
    assert!(read(&container(&good[..4])).is_err());
    let twice = [&good[..], &good[4..]].concat();
    assert!(read(&container(&twice)).is_err());
}

#[test]
fn the_first_version_is_refused_by_its_number() {
    let mut old = write_image(&image(|ids| vec![chunk(ids, 8)], 3)).unwrap();
    old[8] = 0;
    assert!(matches!(read(&old), Err(SnapshotError::Version { found: 0, supported: 1 })));
}

#[test]
fn what_only_a_later_build_knows_is_refused_by_its_name() {
    let saved = write_image(&image(|ids| vec![chunk(ids, 8)], 3)).unwrap();
    let with = |at: usize, byte| {
        let mut other = saved.clone();
        other[at] = byte;
        read(&other).unwrap_err()
    };
    assert!(matches!(with(10, 1), SnapshotError::ByteOrder));
    assert!(matches!(with(10, 2), SnapshotError::Damaged { at: 10, .. }));
    assert!(matches!(with(11, 4), SnapshotError::Features { found: 4, known: 3 }));
}

#[test]
fn what_is_written_byte_by_byte_is_the_same() {
    /// Takes a byte at a time.
    struct Drops(Vec<u8>);

    impl Write for Drops {
        fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
            self.0.extend(bytes.first());
            Ok(bytes.len().min(1))
        }

        fn flush(&mut self) -> io::Result<()> {
            Ok(())
        }
    }

    let image = image(|ids| vec![chunk(&ids[..10], 8), chunk(&ids[10..], 3)], 3_000);
    let mut writer = SectionWriter::new(Drops(Vec::new())).unwrap();
    Contents::of_image(&image).write(&mut writer).unwrap();
    assert_eq!(writer.finish().unwrap().0, write_image(&image).unwrap());
}

#[test]
fn a_disk_that_is_full_is_an_error_wherever_it_ends() {
    let image = image(|ids| vec![chunk(ids, 8)], 10);
    let contents = Contents::of_image(&image);
    let whole = write_image(&image).unwrap().len();
    let written = |room: usize| -> Result<(), SnapshotError> {
        let mut bytes = vec![0; room];
        let mut writer = SectionWriter::new(&mut bytes[..])?;
        contents.write(&mut writer)?;
        Ok(writer.finish().map(drop)?)
    };
    assert!((0..whole).all(|room| matches!(written(room), Err(SnapshotError::Io(_)))));
    written(whole).unwrap();
}

/// A store adds the length to its own version, which would overflow.
#[test]
fn a_history_that_no_store_can_have_is_refused() {
    let mut all = sections(&write_image(&image(|ids| vec![chunk(ids, 8)], 64)).unwrap());
    assert_eq!(all[2].0, tags::HISTORY);
    let none: Vec<(u32, Vec<(u64, u64)>)> = Vec::new();
    for span in [u64::MAX, (1 << 48) + 1] {
        all[2].1 = postcard::to_allocvec(&(span, &none)).unwrap();
        let error = read(&container(&all)).unwrap_err().to_string();
        assert!(error.contains(&format!("a history of {span} versions")), "{error}");
    }
}
