use std::iter;

use super::super::sections::SectionWriter;
use super::super::tests::{chunk, container_with, image, sections};
use super::super::{Contents, read, tags, write_image};
use super::*;

/// What this build can write.
fn ways() -> Vec<Compression> {
    vec![
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::Zstd(3),
        #[cfg(feature = "zstd")]
        Compression::Zstd(19),
    ]
}

/// Numbers in which nothing repeats.
fn noise(count: usize) -> Vec<u8> {
    let mut state = 1u64;
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    iter::repeat_with(&mut next).take(count).collect()
}

fn unpacked(packed: &[u8], unit: usize, way: Compression) -> Result<Vec<u8>, SnapshotError> {
    let mut out = Vec::new();
    Packed::new(packed, way.feature())?.unpack(unit, |block| {
        assert_eq!(block.len() % unit, 0);
        out.extend_from_slice(block);
    })?;
    Ok(out)
}

#[test]
fn what_is_packed_comes_back_in_whole_values() {
    for way in ways() {
        for unit in [1, 12, 300_000] {
            let mut bytes: Vec<u8> =
                (0..3_000_000 / unit * unit).map(|n| (n / 512) as u8).collect();
            bytes[..100_000].copy_from_slice(&noise(100_000));
            let (first, rest) = bytes.split_at(unit * 7);
            let parts = [first, &[], rest];
            let packed = pack(parts.into_iter(), unit, way).unwrap().expect("it gets smaller");
            assert!(packed.len() < bytes.len() / 2, "{way:?}: {}", packed.len());
            assert!(unpacked(&packed, unit, way).unwrap() == bytes, "{way:?} {unit}");
        }
    }
}

#[test]
fn what_does_not_get_smaller_is_not_packed() {
    let bytes = noise(1_000_000);
    for way in ways().into_iter().chain([Compression::None]) {
        for len in [0, 1, 10, 1_000_000] {
            let packed = pack(iter::once(&bytes[..len]), 1, way).unwrap();
            assert!(packed.is_none(), "{way:?} {len}");
        }
    }
    let zeros = pack(iter::once(&[0; 1_000][..]), 1, Compression::None).unwrap();
    assert!(zeros.is_none());
}

#[test]
fn nothing_is_packed_better_than_a_reader_takes() {
    for way in ways() {
        for len in [1_000, 1_000_000] {
            let packed = pack(iter::once(&vec![0; len][..]), 1, way).unwrap().unwrap();
            assert_eq!(packed.len(), len.div_ceil(RATIO));
            assert_eq!(unpacked(&packed, 1, way).unwrap(), vec![0; len]);
        }
    }
}

#[test]
fn sizes_that_lie_are_refused() {
    let bytes: Vec<u8> = (0..10_000u32).map(|n| (n / 100) as u8).collect();
    for way in ways() {
        let good = pack(iter::once(&bytes[..]), 1, way).unwrap().unwrap();
        let with_size = |size: u64| {
            let mut lying = good.clone();
            lying[1..9].copy_from_slice(&size.to_le_bytes());
            unpacked(&lying, 1, way)
        };
        let most = (good.len() * RATIO) as u64;
        for size in [0, 1, 9_999, 10_001, most, most + 1, u64::MAX / 7, u64::MAX] {
            assert!(with_size(size).is_err(), "{way:?} {size}");
        }
        let block = u32::from_le_bytes(good[9..13].try_into().unwrap());
        for length in [0, 1, block - 1, block + 1, 10_000, 10_001, u32::MAX] {
            let mut lying = good.clone();
            lying[9..13].copy_from_slice(&length.to_le_bytes());
            assert!(unpacked(&lying, 1, way).is_err(), "{way:?} {length}");
        }
        let mut behind = good.clone();
        behind.push(1);
        assert!(unpacked(&behind, 1, way).is_err());
        assert!(Packed::new(&good, 0).is_err(), "the header denies it");
        assert!(Packed::new(&[&[3], &good[1..]].concat(), u8::MAX).is_err());
        for cut in 0..good.len() {
            // The zeros at the end are no values.
            match unpacked(&good[..cut], 1, way) {
                Ok(same) => assert!(same == bytes && cut > 100),
                Err(error) => assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}"),
            }
        }
    }
}

#[test]
fn damage_under_a_right_checksum_takes_no_memory_and_does_not_panic() {
    let bytes: Vec<u8> = (0..600u32).map(|n| (n / 10) as u8).collect();
    for way in ways() {
        let mut packed = pack(iter::once(&bytes[..]), 1, way).unwrap().unwrap();
        for bit in 0..packed.len() * 8 {
            packed[bit / 8] ^= 1 << (bit % 8);
            if let Ok(other) = unpacked(&packed, 1, way) {
                assert!(other.len() <= packed.len() * RATIO);
            }
            packed[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

#[cfg(not(all(feature = "lz4", feature = "zstd")))]
#[test]
fn a_way_that_this_build_lacks_is_named() {
    let lacks = [
        #[cfg(not(feature = "lz4"))]
        (1, "lz4"),
        #[cfg(not(feature = "zstd"))]
        (2, "zstd"),
    ];
    for (method, name) in lacks {
        let column = [&[method][..], &4u64.to_le_bytes(), &[0; 8]].concat();
        let error = Packed::new(&column, FEATURES).unwrap().unpack(1, |_| ()).unwrap_err();
        assert_eq!(
            error.to_string(),
            format!(
                "the snapshot has columns that are packed with {name}, which this build can't \
                unpack: it needs the feature `{name}`"
            )
        );
    }
}

#[test]
fn a_packed_snapshot_is_read_as_the_other_and_every_damage_is_found() {
    for way in ways() {
        for (size, runs) in [(1, false), (8, false), (24, true)] {
            let image = image(|ids| vec![chunk(&ids[..200], size), chunk(&ids[200..], 3)], 300);
            let mut writer = SectionWriter::with_compression(Vec::new(), way).unwrap();
            Contents::of_image(&image).write(&mut writer).unwrap();
            let mut packed = writer.finish().unwrap();
            let whole = write_image(&image).unwrap();
            assert_eq!(packed[11], way.feature());
            let again = read(&packed).unwrap();
            assert_eq!(write_image(&again).unwrap(), whole);
            let all = sections(&packed);
            assert_eq!(all[3].1.len() < 200 * 8, runs, "{size}");
            for cut in 0..packed.len() {
                assert!(read(&packed[..cut]).is_err());
            }
            for bit in 0..packed.len() * 8 {
                packed[bit / 8] ^= 1 << (bit % 8);
                assert!(read(&packed).is_err(), "{way:?} {size}: bit {bit}");
                packed[bit / 8] ^= 1 << (bit % 8);
            }
        }
    }
}

#[test]
fn ids_of_packed_columns_are_bounded_too() {
    for way in ways() {
        let good = image(|ids| vec![chunk(ids, 24)], 6_400);
        let mut writer = SectionWriter::with_compression(Vec::new(), way).unwrap();
        Contents::of_image(&good).write(&mut writer).unwrap();
        let all = sections(&writer.finish().unwrap());
        assert_eq!((all[4].0, all.len()), (tags::PACKED, 5));
        let with = |size: usize, rows: u64| {
            let mut all = all.clone();
            let other = write_image(&image(|ids| vec![chunk(ids, size)], 1)).unwrap();
            all[0] = sections(&other)[0].clone();
            let first = all[3].1[all[3].1.len() - 12..][..8].to_vec();
            all[3].1 = postcard::to_allocvec(&(rows, vec![0u32], 1u64)).unwrap();
            all[3].1.extend_from_slice(&first);
            all[3].1.extend_from_slice(&(rows as u32).to_le_bytes());
            read(&container_with(&all, way))
        };
        assert_eq!(with(24, 6_400).unwrap().entities().count(), 6_400);
        for (size, rows) in [(24, 6_401), (24, 4_000_000_000), (8, 6_400), (16, 9_600 + 1)] {
            assert!(with(size, rows).is_err(), "{size} {rows}");
        }
    }
}
