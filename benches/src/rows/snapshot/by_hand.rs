//! Columns as they lie in memory, without ids and without checksums.

use bytemuck::Pod;

use super::Format;
use crate::population;
use crate::rows::by_hand::Moving;
use crate::sums;

pub(super) const FORMAT: Format<Moving> =
    Format { save, load, sum: |table| sums::positions(table.positions()) };

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
