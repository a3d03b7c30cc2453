//! Columns as they lie in memory, without ids; without a checksum, and with one that is
//! computed while the cache holds what is copied.

use std::hash::Hasher as _;

use bytemuck::Pod;
use twox_hash::XxHash3_64;

use super::Format;
use crate::population;
use crate::rows::by_hand::Moving;
use crate::sums;

pub(super) const FORMAT: Format<Moving> =
    Format { save, load, sum: |table| sums::positions(table.positions()) };

pub(super) const CHECKED: Format<Moving> = Format {
    save: save_checked,
    load: load_checked,
    sum: |table| sums::positions(table.positions()),
};

/// Bytes that are copied and hashed together.
const BLOCK: usize = 64 << 10;

pub(super) fn table(n: usize) -> Moving {
    let (positions, velocities) = population::moving(n).unzip();
    Moving::of_columns(positions, velocities)
}

fn save(table: &mut Moving) -> Vec<u8> {
    let positions: &[u8] = bytemuck::cast_slice(table.positions());
    let velocities: &[u8] = bytemuck::cast_slice(table.velocities());
    [positions, velocities].concat()
}

fn load(bytes: &[u8]) -> Moving {
    let (positions, velocities) = bytes.split_at(bytes.len() / 2);
    Moving::of_columns(column(positions), column(velocities))
}

fn column<T: Pod>(bytes: &[u8]) -> Vec<T> {
    let mut values = vec![T::zeroed(); bytes.len() / size_of::<T>()];
    bytemuck::cast_slice_mut(&mut values).copy_from_slice(bytes);
    values
}

/// As the plain copy, each column behind its XXH3-64.
fn save_checked(table: &mut Moving) -> Vec<u8> {
    let columns: [&[u8]; 2] =
        [bytemuck::cast_slice(table.positions()), bytemuck::cast_slice(table.velocities())];
    let mut bytes = Vec::with_capacity(columns.iter().map(|column| column.len() + 8).sum());
    for column in columns {
        let mut hash = XxHash3_64::new();
        for block in column.chunks(BLOCK) {
            bytes.extend_from_slice(block);
            hash.write(block);
        }
        bytes.extend_from_slice(&hash.finish().to_le_bytes());
    }
    bytes
}

fn load_checked(bytes: &[u8]) -> Moving {
    let (positions, velocities) = bytes.split_at(bytes.len() / 2);
    Moving::of_columns(checked_column(positions), checked_column(velocities))
}

fn checked_column<T: Pod>(bytes: &[u8]) -> Vec<T> {
    let (values, checksum) = bytes.split_last_chunk().expect("a checksum follows the values");
    let mut column = vec![T::zeroed(); values.len() / size_of::<T>()];
    let mut hash = XxHash3_64::new();
    let blocks = bytemuck::cast_slice_mut::<T, u8>(&mut column).chunks_mut(BLOCK);
    for (to, from) in blocks.zip(values.chunks(BLOCK)) {
        to.copy_from_slice(from);
        hash.write(from);
    }
    assert_eq!(hash.finish(), u64::from_le_bytes(*checksum));
    column
}
