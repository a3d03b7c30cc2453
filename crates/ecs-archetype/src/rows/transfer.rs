//! The values of one row, moved from table to table by code for their size.

use std::hint::assert_unchecked;
use std::mem::MaybeUninit;
use std::ptr::NonNull;

use smallvec::SmallVec;

use super::table::Table;
use crate::column::{copy_value, swap_values};

/// The columns whose values move when a row goes from one table to another, and
/// the code that moves them. Elements without a size are not moved.
#[derive(Debug)]
pub(super) struct Transfer {
    code: Code,
    kept: SmallVec<[Kept; 2]>,
    left: SmallVec<[Left; 1]>,
}

/// A column that keeps its value.
#[derive(Debug)]
struct Kept {
    /// Row 0 of the source's column.
    from: NonNull<u8>,
    /// Row 0 of the target's column.
    to: NonNull<u8>,
    size: usize,
    /// The columns' places in the source and the target.
    columns: (u16, u16),
}

/// A column of the source whose value ends.
#[derive(Debug)]
struct Left {
    /// Row 0 of the column.
    first: NonNull<u8>,
    size: usize,
    /// The column's place in the source.
    column: u16,
}

/// Takes the transfer that it is the code of, and the row that moves, the last
/// one of the source, and the one that it becomes in the target.
///
/// # Safety
/// As [`Transfer::run`].
type Code = unsafe fn(&Transfer, usize, usize, usize);

impl Transfer {
    /// Chooses the code for columns of the source, with their sizes, some of which
    /// keep their value in a column of the target.
    pub(super) fn new(columns: impl Iterator<Item = (u16, usize, Option<u16>)>) -> Self {
        let (mut kept, mut left) = (SmallVec::new(), SmallVec::new());
        for (column, size, there) in columns.filter(|&(_, size, _)| size != 0) {
            let [from, to] = [NonNull::dangling(); 2];
            match there {
                Some(there) => kept.push(Kept { from, to, size, columns: (column, there) }),
                None => left.push(Left { first: from, size, column }),
            }
        }
        let code = code(&kept, &left);
        Self { kept, left, code }
    }

    /// Brings the addresses up to date.
    pub(super) fn refresh(&mut self, source: &Table, target: &Table) {
        let first = |table: &Table, column: u16| table.columns[column as usize].values.first();
        for kept in &mut self.kept {
            kept.from = first(source, kept.columns.0);
            kept.to = first(target, kept.columns.1);
        }
        for left in &mut self.left {
            left.first = first(source, left.column);
        }
    }

    /// Moves the values of a row along, and those of the last row into its place.
    /// Values that end come to lie in the last row.
    ///
    /// # Safety
    /// The addresses are up to date; `row` and `last` hold values in the source;
    /// the target, which is another table, has room for `new_row`, where no value
    /// lies in the columns that are kept.
    #[inline(always)]
    pub(super) unsafe fn run(&self, row: usize, last: usize, new_row: usize) {
        // SAFETY: the caller's.
        unsafe { (self.code)(self, row, last, new_row) }
    }
}

/// Chooses the code for some columns.
fn code(kept: &[Kept], left: &[Left]) -> Code {
    let mut sizes = kept.iter().map(|kept| kept.size).chain(left.iter().map(|left| left.size));
    let first = sizes.next().unwrap_or(0);
    if !sizes.all(|size| size == first) {
        return any_sizes;
    }
    let columns = (kept.len(), left.len());
    match first {
        0 => nothing,
        1 => one_size::<1>(columns),
        2 => one_size::<2>(columns),
        4 => one_size::<4>(columns),
        8 => one_size::<8>(columns),
        12 => one_size::<12>(columns),
        16 => one_size::<16>(columns),
        24 => one_size::<24>(columns),
        32 => one_size::<32>(columns),
        _ => any_sizes,
    }
}

fn one_size<const N: usize>(columns: (usize, usize)) -> Code {
    match columns {
        (0, 1) => few_columns::<N, 0, 1>,
        (1, 0) => few_columns::<N, 1, 0>,
        (1, 1) => few_columns::<N, 1, 1>,
        (2, 0) => few_columns::<N, 2, 0>,
        (2, 1) => few_columns::<N, 2, 1>,
        _ => many_columns::<N>,
    }
}

/// Transfers a row without values.
///
/// # Safety
/// None: it is a [`Code`].
unsafe fn nothing(_: &Transfer, _row: usize, _last: usize, _new_row: usize) {}

/// Transfers values of `N` bytes of `K` columns that keep theirs and `L` that do
/// not: no loop, whose beginning would cost more than its work.
///
/// # Safety
/// As [`Transfer::run`].
unsafe fn few_columns<const N: usize, const K: usize, const L: usize>(
    this: &Transfer,
    row: usize,
    last: usize,
    new_row: usize,
) {
    debug_assert!(this.kept.len() == K && this.left.len() == L);
    // SAFETY: the caller's; there are so many columns, and the values have `N`
    // bytes.
    unsafe {
        assert_unchecked(!this.kept.spilled() && !this.left.spilled());
        for at in 0..K {
            this.kept.get_unchecked(at).move_along::<N>(row, last, new_row);
        }
        for at in 0..L {
            this.left.get_unchecked(at).swap::<N>(row, last);
        }
    }
}

/// Transfers values that all have `N` bytes.
///
/// # Safety
/// As [`Transfer::run`].
unsafe fn many_columns<const N: usize>(this: &Transfer, row: usize, last: usize, new_row: usize) {
    // SAFETY: the caller's; the values have `N` bytes.
    unsafe {
        this.kept.iter().for_each(|kept| kept.move_along::<N>(row, last, new_row));
        this.left.iter().for_each(|left| left.swap::<N>(row, last));
    }
}

impl Kept {
    /// Moves a value along, and the last one into its place. If it is the last,
    /// it is written to where it lies: that costs less than to ask.
    ///
    /// # Safety
    /// As [`Transfer::run`]; the values have `N` bytes.
    #[inline(always)]
    unsafe fn move_along<const N: usize>(&self, row: usize, last: usize, new_row: usize) {
        // SAFETY: the caller's.
        unsafe {
            let (place, end) = (at::<N>(self.from, row), at::<N>(self.from, last));
            at::<N>(self.to, new_row).write_unaligned(place.read_unaligned());
            place.write_unaligned(end.read_unaligned());
        }
    }
}

impl Left {
    /// Exchanges a value with the last one.
    ///
    /// # Safety
    /// As [`Transfer::run`]; the values have `N` bytes.
    #[inline(always)]
    unsafe fn swap<const N: usize>(&self, row: usize, last: usize) {
        // SAFETY: the caller's.
        unsafe {
            let (place, end) = (at::<N>(self.first, row), at::<N>(self.first, last));
            let (value, moved) = (place.read_unaligned(), end.read_unaligned());
            place.write_unaligned(moved);
            end.write_unaligned(value);
        }
    }
}

/// Returns the address of a row in a column of values of `N` bytes.
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
/// As [`Transfer::run`].
unsafe fn any_sizes(this: &Transfer, row: usize, last: usize, new_row: usize) {
    for &Kept { from, to, size, .. } in &this.kept {
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
    for &Left { first, size, .. } in this.left.iter().filter(|_| row != last) {
        // SAFETY: as above.
        unsafe {
            swap_values(first.add(row * size).as_ptr(), first.add(last * size).as_ptr(), size);
        }
    }
}
