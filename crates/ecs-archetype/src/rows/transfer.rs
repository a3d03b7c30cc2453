//! The values of one row, moved from table to table: code for each size.

use std::mem::MaybeUninit;
use std::ptr::NonNull;

use crate::column::{copy_value, swap_values};

/// A column that keeps its value when a row moves.
#[derive(Debug)]
pub(super) struct Kept {
    /// Row 0 of the source's column.
    pub(super) from: NonNull<u8>,
    /// Row 0 of the target's column.
    pub(super) to: NonNull<u8>,
    pub(super) size: usize,
    /// The columns' places in the source and the target.
    pub(super) columns: (u16, u16),
}

/// A column whose value ends when a row moves, and comes to lie in the last row.
#[derive(Debug)]
pub(super) struct Left {
    /// Row 0 of the column.
    pub(super) first: NonNull<u8>,
    pub(super) size: usize,
    /// The column's place in the source.
    pub(super) column: u16,
}

/// Which rows a transfer is about: the one that moves, the last one of its table,
/// and the one that it becomes.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rows {
    pub(super) row: usize,
    pub(super) last: usize,
    pub(super) new_row: usize,
}

/// Moves the values of a row along, and those of the last row into its place.
/// Values that are left come to lie in the last row.
///
/// # Safety
/// The addresses are those of columns with elements of `size` bytes, and with the
/// rows: `row` and `last` hold values in the source, and no value lies in
/// `new_row` of a target. The transfer was [chosen](of) for such columns.
pub(super) type Transfer = unsafe fn(&[Kept], &[Left], Rows);

/// Chooses the code for some columns, none of which has elements without a size.
pub(super) fn of(kept: &[Kept], left: &[Left]) -> Transfer {
    let mut sizes = kept.iter().map(|kept| kept.size).chain(left.iter().map(|left| left.size));
    let first = sizes.next().unwrap_or(0);
    if !sizes.all(|size| size == first) {
        return any_sizes;
    }
    match first {
        0 => nothing,
        1 => one_size::<1>,
        2 => one_size::<2>,
        4 => one_size::<4>,
        8 => one_size::<8>,
        12 => one_size::<12>,
        16 => one_size::<16>,
        24 => one_size::<24>,
        32 => one_size::<32>,
        _ => any_sizes,
    }
}

/// Transfers a row without values.
///
/// # Safety
/// None; it is a [`Transfer`].
unsafe fn nothing(_kept: &[Kept], _left: &[Left], _rows: Rows) {}

/// Transfers values that all have `N` bytes.
///
/// If the row is the last, its values are written to where they lie: that costs
/// less than to ask.
///
/// # Safety
/// As [`Transfer`].
unsafe fn one_size<const N: usize>(kept: &[Kept], left: &[Left], rows: Rows) {
    let Rows { row, last, new_row } = rows;
    for kept in kept {
        // SAFETY: the caller's: values of `N` bytes lie in these rows.
        unsafe {
            let (place, end) = (at::<N>(kept.from, row), at::<N>(kept.from, last));
            at::<N>(kept.to, new_row).write(place.read());
            place.write(end.read());
        }
    }
    for left in left {
        // SAFETY: as above.
        unsafe {
            let (place, end) = (at::<N>(left.first, row), at::<N>(left.first, last));
            let (value, moved) = (place.read(), end.read());
            place.write(moved);
            end.write(value);
        }
    }
}

/// Returns the address of a row in a column of values of `N` bytes, which need
/// not be aligned as an array of bytes is.
///
/// # Safety
/// The column has the row.
#[inline(always)]
unsafe fn at<const N: usize>(first: NonNull<u8>, row: usize) -> NonNull<[MaybeUninit<u8>; N]> {
    // SAFETY: the caller's.
    unsafe { first.cast().add(row) }
}

/// Transfers values of any sizes.
///
/// # Safety
/// As [`Transfer`].
unsafe fn any_sizes(kept: &[Kept], left: &[Left], rows: Rows) {
    let Rows { row, last, new_row } = rows;
    for &Kept { from, to, size, .. } in kept {
        // SAFETY: the caller's; the tables differ, and so do the rows where the
        // second value is copied.
        unsafe {
            let place = from.add(row * size).as_ptr();
            copy_value(place, to.add(new_row * size).as_ptr(), size);
            if row != last {
                copy_value(from.add(last * size).as_ptr(), place, size);
            }
        }
    }
    for &Left { first, size, .. } in left.iter().filter(|_| row != last) {
        // SAFETY: as above.
        unsafe {
            swap_values(first.add(row * size).as_ptr(), first.add(last * size).as_ptr(), size);
        }
    }
}
