//! One type-erased dense array, whose length its table keeps.
//!
//! This is one of the rooms for unsafe code. A column knows its element's
//! layout and where the memory is; how much of it is initialised, its table says
//! at every call. That is why nearly everything here
//! is an `unsafe fn`: what leaves a row without a value must say so.
#![expect(unsafe_code, reason = "room: one type-erased dense array")]

use std::alloc::Layout;
use std::mem::MaybeUninit;
use std::ops::Range;
use std::ptr::{self, NonNull};

use ecs_core::{ComponentInfo, DropFn, EntityId, ErasedSlice, ErasedSliceMut, ErasedVec, RawArray};

/// The entities of a table, in the order of its rows.
#[derive(Debug)]
pub(crate) struct Ids(pub(crate) RawArray);

impl Ids {
    pub(crate) fn new() -> Self {
        Self(RawArray::new(Layout::new::<EntityId>()))
    }

    #[inline]
    pub(crate) fn first(&self) -> NonNull<EntityId> {
        self.0.first().cast()
    }

    /// Returns the first `len` ids.
    ///
    /// # Safety
    /// `len` is at most the length.
    pub(crate) unsafe fn as_slice(&self, len: usize) -> &[EntityId] {
        // SAFETY: the caller's.
        unsafe { std::slice::from_raw_parts(self.first().as_ptr(), len) }
    }
}

/// The values of one component in one table, or ticks: the last bits of versions,
/// which move as values do.
#[derive(Debug)]
pub(crate) struct Column {
    /// `None` for ticks.
    info: Option<&'static ComponentInfo>,
    pub(crate) values: RawArray,
}

impl Column {
    pub(crate) fn new(info: &'static ComponentInfo) -> Self {
        Self { info: Some(info), values: RawArray::new(info.layout()) }
    }

    /// Makes a column of ticks, which are `u32`.
    pub(crate) fn of_ticks() -> Self {
        Self { info: None, values: RawArray::new(Layout::new::<u32>()) }
    }

    pub(crate) fn is_of_ticks(&self) -> bool {
        self.info.is_none()
    }

    /// Returns the component.
    ///
    /// # Panics
    /// If it is a column of ticks.
    #[inline]
    pub(crate) fn info(&self) -> &'static ComponentInfo {
        self.info.expect("a column of values")
    }

    /// Returns how its values end, unless nothing is to be done.
    #[inline]
    pub(crate) fn drop_fn(&self) -> Option<DropFn> {
        self.info?.drop_fn()
    }

    /// Returns the address of a row's value.
    ///
    /// # Safety
    /// `row` is at most the capacity.
    #[inline]
    pub(crate) unsafe fn at(&self, row: usize) -> NonNull<u8> {
        // SAFETY: the caller's.
        unsafe { self.values.at(row) }
    }

    /// Moves values to the rows from `to` on.
    ///
    /// # Safety
    /// - Both runs of `count` rows are below the capacity, and do not overlap.
    /// - The rows from `from` on hold values, which are moved out by this; those
    ///   from `to` on hold none.
    #[inline]
    pub(crate) unsafe fn move_rows(&mut self, from: usize, to: usize, count: usize) {
        // SAFETY: the caller's.
        unsafe { self.move_rows_to(from, count, self.at(to)) }
    }

    /// Moves values to `to`, which is in other rows or in another column of the
    /// same component.
    ///
    /// # Safety
    /// The rows hold values, which are moved out by this; `to` has room for them,
    /// and they do not overlap.
    #[inline]
    pub(crate) unsafe fn move_rows_to(&self, from: usize, count: usize, to: NonNull<u8>) {
        // SAFETY: the caller's.
        unsafe { copy_value(self.at(from).as_ptr(), to.as_ptr(), count * self.element_size()) }
    }

    /// Moves the values behind a gap into it, the last ones if they are more than
    /// fit.
    ///
    /// # Safety
    /// Rows below `end` hold values except those of the gap, which lies before
    /// `end`. Afterwards the rows below `end` less the gap do.
    #[inline]
    pub(crate) unsafe fn close_gap(&mut self, gap: &Range<usize>, end: usize) {
        let moved = gap.len().min(end - gap.end);
        // SAFETY: the caller's; what moves lies behind the gap.
        unsafe { self.move_rows(end - moved, gap.start, moved) }
    }

    /// As `close_gap`, for a gap that holds values: they come to lie behind the
    /// others.
    ///
    /// # Safety
    /// Rows below `end` hold values, and the gap lies before `end`.
    #[inline]
    pub(crate) unsafe fn swap_gap(&mut self, gap: &Range<usize>, end: usize) {
        if self.drop_fn().is_none() {
            // SAFETY: the caller's; values that are not dropped may be lost.
            return unsafe { self.close_gap(gap, end) };
        }
        let moved = gap.len().min(end - gap.end);
        // SAFETY: the caller's. If fewer than the gap holds lie behind it, the
        // rest of the gap and what they leave follow each other.
        unsafe { self.swap_rows(gap.start, end - moved, moved) }
    }

    /// Exchanges the values of two runs of rows.
    ///
    /// # Safety
    /// Both runs of `count` rows hold values, and do not overlap.
    #[inline]
    pub(crate) unsafe fn swap_rows(&mut self, a: usize, b: usize, count: usize) {
        // SAFETY: the caller's.
        unsafe { self.swap_rows_with(a, count, self.at(b)) }
    }

    /// Exchanges the values of rows with those at `other`, which is in another
    /// column of the same component, or in other rows.
    ///
    /// # Safety
    /// So many values lie in both places, which do not overlap.
    #[inline]
    pub(crate) unsafe fn swap_rows_with(&mut self, from: usize, count: usize, other: NonNull<u8>) {
        // SAFETY: the caller's.
        unsafe {
            let bytes = count * self.element_size();
            swap_values(self.at(from).as_ptr(), other.as_ptr(), bytes);
        }
    }

    /// Moves a value of `N` bytes to another row, or to where it lies: that costs
    /// less than to ask.
    ///
    /// # Safety
    /// As [`MoveRow`]; the values have `N` bytes.
    #[inline(always)]
    unsafe fn move_value<const N: usize>(&self, from: usize, to: usize) {
        debug_assert!(self.element_size() == N);
        let first = self.values.first().cast::<[MaybeUninit<u8>; N]>();
        // SAFETY: the caller's.
        unsafe { first.add(to).write_unaligned(first.add(from).read_unaligned()) }
    }

    #[inline]
    fn element_size(&self) -> usize {
        self.values.element_size()
    }

    /// Drops the values of rows `start..start + count` in place.
    ///
    /// # Safety
    /// Those rows hold values, which nobody uses afterwards.
    #[inline]
    pub(crate) unsafe fn drop_rows(&mut self, start: usize, count: usize) {
        if let Some(drop) = self.drop_fn() {
            // SAFETY: the caller's.
            unsafe { drop(self.at(start).as_ptr(), count) }
        }
    }

    /// Moves an array's values to the rows from `start` on.
    ///
    /// # Safety
    /// There is room for them, and no values lie there.
    ///
    /// # Panics
    /// If the array holds another component.
    pub(crate) unsafe fn append(&mut self, start: usize, values: ErasedVec) {
        assert!(values.id() == self.info().id(), "a column takes values of its own component");
        // SAFETY: the caller's.
        unsafe { values.move_to(self.at(start).as_ptr()) }
    }

    /// Takes an array over with its memory, instead of its own.
    ///
    /// # Safety
    /// No values lie in the column.
    ///
    /// # Panics
    /// If the array holds another component.
    pub(crate) unsafe fn adopt(&mut self, values: ErasedVec) {
        assert!(values.id() == self.info().id(), "a column takes values of its own component");
        let layout = self.info().layout();
        let (first, _, capacity) = values.into_raw_parts();
        // SAFETY: the parts are those of a vector's memory, which is ours now.
        self.values = unsafe { RawArray::from_raw_parts(layout, first, capacity) };
    }

    /// Returns the first `len` values.
    ///
    /// # Safety
    /// `len` is at most the length.
    pub(crate) unsafe fn slice(&self, len: usize) -> ErasedSlice<'_> {
        // SAFETY: the caller's, and the borrow of `self`.
        unsafe { ErasedSlice::from_raw(self.info(), self.values.first(), len) }
    }

    /// Returns the first `len` ticks.
    ///
    /// # Safety
    /// It is a column of ticks, `len` is at most the length, and nobody writes to
    /// them meanwhile.
    pub(crate) unsafe fn ticks<'a>(&self, len: usize) -> &'a [u32] {
        debug_assert!(self.is_of_ticks());
        // SAFETY: the caller's.
        unsafe { std::slice::from_raw_parts(self.values.first().cast().as_ptr(), len) }
    }

    /// Returns the first `len` ticks to be changed.
    ///
    /// # Safety
    /// As [`ticks`](Self::ticks); and nobody else reads them either.
    pub(crate) unsafe fn ticks_mut<'a>(&self, len: usize) -> &'a mut [u32] {
        debug_assert!(self.is_of_ticks());
        // SAFETY: the caller's.
        unsafe { std::slice::from_raw_parts_mut(self.values.first().cast().as_ptr(), len) }
    }

    /// Returns the first `len` values to be changed.
    ///
    /// # Safety
    /// `len` is at most the length.
    pub(crate) unsafe fn slice_mut(&mut self, len: usize) -> ErasedSliceMut<'_> {
        // SAFETY: the caller's, and the borrow of `self`.
        unsafe { ErasedSliceMut::from_raw(self.info(), self.values.first(), len) }
    }
}

/// Moves the values of a row to another in each of the columns: the row from
/// which, and the row to which. If they are one row, nothing is done.
///
/// # Safety
/// The columns are those that the code was [chosen](move_row) for. The first row
/// holds values, which are moved out by this; the second is below the capacity,
/// and holds none unless it is the first.
pub(crate) type MoveRow = unsafe fn(&[Column], usize, usize);

/// Chooses the code for some columns, by how many they are and by their sizes.
pub(crate) fn move_row(columns: &[Column]) -> MoveRow {
    let first = columns.first().map_or(0, Column::element_size);
    if columns.iter().any(|column| column.element_size() != first) {
        return move_any_sizes;
    }
    match first {
        4 => move_one_size::<4>(columns.len()),
        8 => move_one_size::<8>(columns.len()),
        12 => move_one_size::<12>(columns.len()),
        16 => move_one_size::<16>(columns.len()),
        24 => move_one_size::<24>(columns.len()),
        32 => move_one_size::<32>(columns.len()),
        _ => move_any_sizes,
    }
}

fn move_one_size<const N: usize>(columns: usize) -> MoveRow {
    match columns {
        1 => move_few::<N, 1>,
        2 => move_few::<N, 2>,
        3 => move_few::<N, 3>,
        4 => move_few::<N, 4>,
        _ => move_many::<N>,
    }
}

/// Moves values that all have `N` bytes in `K` columns: no loop, whose beginning
/// would cost more than its work.
///
/// # Safety
/// As [`MoveRow`].
unsafe fn move_few<const N: usize, const K: usize>(columns: &[Column], from: usize, to: usize) {
    debug_assert!(columns.len() == K);
    for at in 0..K {
        // SAFETY: the caller's; there are `K` columns of values of `N` bytes.
        unsafe { columns.get_unchecked(at).move_value::<N>(from, to) }
    }
}

/// Moves values that all have `N` bytes.
///
/// # Safety
/// As [`MoveRow`].
unsafe fn move_many<const N: usize>(columns: &[Column], from: usize, to: usize) {
    for column in columns {
        // SAFETY: the caller's; the values have `N` bytes.
        unsafe { column.move_value::<N>(from, to) }
    }
}

/// Moves values of any sizes.
///
/// # Safety
/// As [`MoveRow`].
unsafe fn move_any_sizes(columns: &[Column], from: usize, to: usize) {
    if from == to {
        return;
    }
    for column in columns {
        // SAFETY: the caller's; the rows differ.
        unsafe { column.move_rows_to(from, 1, column.at(to)) }
    }
}

/// Copies one value of any size.
///
/// # Safety
/// Both addresses are valid for `size` bytes, which do not overlap.
#[inline]
pub(crate) unsafe fn copy_value(from: *const u8, to: *mut u8, size: usize) {
    // SAFETY: the caller's.
    unsafe {
        match is_small(size) {
            true => copy_small(from, to, size),
            false => ptr::copy_nonoverlapping(from, to, size),
        }
    }
}

/// Copies values of single rows of a column to rows of another, or of the same, by code for
/// their size.
///
/// # Safety
/// Values of both have one size. The first row of each pair holds a value in `from`, which is
/// moved out by this; the second is below the capacity of `to`, and another one if both
/// columns are the same; a value that it holds is not dropped. Nobody else touches these rows
/// at the same time.
#[inline]
pub(crate) unsafe fn copy_rows(
    from: &Column,
    to: &Column,
    rows: impl Iterator<Item = (usize, usize)>,
) {
    let size = from.element_size();
    debug_assert!(to.element_size() == size);
    // SAFETY: the caller's.
    unsafe {
        match size {
            4 => copy_rows_of::<4>(from, to, rows),
            8 => copy_rows_of::<8>(from, to, rows),
            12 => copy_rows_of::<12>(from, to, rows),
            16 => copy_rows_of::<16>(from, to, rows),
            _ => rows.for_each(|(row, there)| {
                copy_value(from.at(row).as_ptr(), to.at(there).as_ptr(), size);
            }),
        }
    }
}

/// As [`copy_rows`].
///
/// # Safety
/// As there; the values have `N` bytes.
#[inline]
unsafe fn copy_rows_of<const N: usize>(
    from: &Column,
    to: &Column,
    rows: impl Iterator<Item = (usize, usize)>,
) {
    let [from, to] = [from, to].map(|it| it.values.first().cast::<[MaybeUninit<u8>; N]>());
    for (row, there) in rows {
        // SAFETY: the caller's.
        unsafe { to.add(there).write_unaligned(from.add(row).read_unaligned()) }
    }
}

/// Tells whether values of a size are copied and exchanged by [`copy_small`] and
/// [`swap_small`].
#[inline]
pub(crate) fn is_small(size: usize) -> bool {
    (1..=64).contains(&size)
}

/// Copies one small value by its head and its tail, which may overlap: pieces
/// of a size that the compiler knows, and no call.
///
/// # Safety
/// Both addresses are valid for `size` bytes, which do not overlap; the size is
/// [small](is_small).
#[inline(always)]
pub(crate) unsafe fn copy_small(from: *const u8, to: *mut u8, size: usize) {
    // SAFETY: the caller's, in each branch: the size is at least that of an end, and
    // at most that of two.
    unsafe {
        if size > 16 {
            if size > 32 {
                copy_ends::<32>(from, to, size)
            } else {
                copy_ends::<16>(from, to, size)
            }
        } else if size >= 8 {
            copy_ends::<8>(from, to, size)
        } else if size >= 4 {
            copy_ends::<4>(from, to, size)
        } else if size >= 2 {
            copy_ends::<2>(from, to, size)
        } else {
            copy_ends::<1>(from, to, size)
        }
    }
}

/// Copies the first and the last `N` bytes.
///
/// # Safety
/// Both addresses are valid for `size` bytes, at least `N`, which do not overlap.
#[inline(always)]
unsafe fn copy_ends<const N: usize>(from: *const u8, to: *mut u8, size: usize) {
    // SAFETY: the caller's.
    unsafe {
        ptr::copy_nonoverlapping(from, to, N);
        ptr::copy_nonoverlapping(from.add(size - N), to.add(size - N), N);
    }
}

/// Exchanges two values of any size.
///
/// # Safety
/// Both addresses are valid for `size` bytes, which do not overlap.
#[inline]
pub(crate) unsafe fn swap_values(a: *mut u8, b: *mut u8, size: usize) {
    // SAFETY: the caller's.
    unsafe {
        match is_small(size) {
            true => swap_small(a, b, size),
            false => ptr::swap_nonoverlapping(a, b, size),
        }
    }
}

/// Exchanges two small values.
///
/// # Safety
/// As [`copy_small`].
#[inline(always)]
unsafe fn swap_small(a: *mut u8, b: *mut u8, size: usize) {
    let mut of_a = MaybeUninit::<[u8; 64]>::uninit();
    let of_a = of_a.as_mut_ptr().cast();
    // SAFETY: the caller's; a small value fits into 64 bytes.
    unsafe {
        copy_small(a, of_a, size);
        copy_small(b, a, size);
        copy_small(of_a, b, size);
    }
}
