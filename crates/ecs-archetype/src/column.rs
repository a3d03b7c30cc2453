//! One type-erased dense array, whose length its table keeps.
//!
//! This is one of the rooms for unsafe code. A column knows its element's
//! layout and where the memory is; how much of it is allocated and how much is
//! initialised, its table says at every call. That is why nearly everything here
//! is an `unsafe fn`: what leaves a row without a value must say so.
#![expect(unsafe_code, reason = "room: one type-erased dense array")]

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::ptr::{self, NonNull};

use ecs_core::{ComponentInfo, EntityId, ErasedSlice, ErasedSliceMut, ErasedVec, RowTarget};

/// Memory for an array of elements of one layout.
#[derive(Debug)]
pub(crate) struct RawArray {
    first: NonNull<u8>,
    /// Of one element; the size is the distance between two.
    element: Layout,
}

// SAFETY: it owns its memory; whoever reads or writes elements answers for
// their type.
unsafe impl Send for RawArray {}
// SAFETY: as above.
unsafe impl Sync for RawArray {}

impl RawArray {
    pub(crate) fn new(element: Layout) -> Self {
        let first = NonNull::without_provenance(
            element.align().try_into().expect("an alignment is not zero"),
        );
        Self { first, element }
    }

    fn try_layout(&self, capacity: usize) -> Option<Layout> {
        let size = self.element.size().checked_mul(capacity)?;
        Layout::from_size_align(size, self.element.align()).ok()
    }

    fn layout(&self, capacity: usize) -> Layout {
        self.try_layout(capacity).expect("a capacity is checked with `fits` first")
    }

    /// Tells whether an array of that many elements can exist at all.
    pub(crate) fn fits(&self, capacity: usize) -> bool {
        self.try_layout(capacity).is_some()
    }

    #[inline]
    pub(crate) fn first(&self) -> NonNull<u8> {
        self.first
    }

    /// Returns the address of an element.
    ///
    /// # Safety
    /// `row` is at most the capacity.
    #[inline]
    unsafe fn at(&self, row: usize) -> NonNull<u8> {
        // SAFETY: the caller's: it stays in the allocation.
        unsafe { self.first.add(row * self.element.size()) }
    }

    /// Changes the capacity; elements below both stay.
    ///
    /// # Safety
    /// `old` is the present capacity, and `new` fits.
    pub(crate) unsafe fn resize(&mut self, old: usize, new: usize) {
        if self.element.size() == 0 || old == new {
            return;
        }
        let layout = self.layout(new);
        let memory = match (old, new) {
            // SAFETY: neither size nor capacity is zero.
            (0, _) => unsafe { alloc(layout) },
            (_, 0) => {
                // SAFETY: allocated with this layout (the caller's `old`).
                unsafe { self.free(old) };
                self.first = Self::new(self.element).first;
                return;
            }
            // SAFETY: allocated with this layout; the new size was checked by
            // `layout` and is not zero.
            _ => unsafe { realloc(self.first.as_ptr(), self.layout(old), layout.size()) },
        };
        self.first = NonNull::new(memory).unwrap_or_else(|| handle_alloc_error(layout));
    }

    /// Gives the memory back.
    ///
    /// # Safety
    /// `capacity` is the present one, and the array is not used afterwards.
    pub(crate) unsafe fn free(&mut self, capacity: usize) {
        if self.element.size() != 0 && capacity != 0 {
            // SAFETY: allocated with this layout, freed once (the caller's).
            unsafe { dealloc(self.first.as_ptr(), self.layout(capacity)) }
        }
    }
}

/// The entities of a table, in the order of its rows.
#[derive(Debug)]
pub(crate) struct Ids(pub(crate) RawArray);

impl Ids {
    pub(crate) fn new() -> Self {
        Self(RawArray::new(Layout::new::<EntityId>()))
    }

    #[inline]
    pub(crate) fn first(&self) -> NonNull<EntityId> {
        self.0.first.cast()
    }

    /// Writes the id of a row.
    ///
    /// # Safety
    /// `row` is below the capacity.
    #[inline]
    pub(crate) unsafe fn write(&mut self, row: usize, id: EntityId) {
        // SAFETY: the caller's.
        unsafe { self.first().add(row).write(id) }
    }

    /// Returns the id of a row.
    ///
    /// # Safety
    /// `row` is below the length.
    #[inline]
    pub(crate) unsafe fn read(&self, row: usize) -> EntityId {
        // SAFETY: the caller's.
        unsafe { self.first().add(row).read() }
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

/// The values of one component in one table.
#[derive(Debug)]
pub(crate) struct Column {
    pub(crate) info: &'static ComponentInfo,
    pub(crate) values: RawArray,
}

impl Column {
    pub(crate) fn new(info: &'static ComponentInfo) -> Self {
        Self { info, values: RawArray::new(info.layout()) }
    }

    /// Describes the column to a row writer.
    #[inline]
    pub(crate) fn target(&self, replaces: bool) -> RowTarget {
        RowTarget::new(self.info, self.values.first, replaces)
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

    /// Closes the gap at `row` with the value of the row `last`.
    ///
    /// # Safety
    /// Both rows are below the capacity, `last` holds a value, and what lies at
    /// `row` has been moved out.
    #[inline]
    pub(crate) unsafe fn fill(&mut self, row: usize, last: usize) {
        if row != last {
            // SAFETY: the caller's; different rows do not overlap.
            unsafe {
                copy_value(
                    self.at(last).as_ptr(),
                    self.at(row).as_ptr(),
                    self.values.element.size(),
                )
            }
        }
    }

    /// Exchanges the values of two rows.
    ///
    /// # Safety
    /// Both rows are below the length.
    #[inline]
    pub(crate) unsafe fn swap(&mut self, row: usize, last: usize) {
        if row != last {
            // SAFETY: the caller's; the rows differ.
            unsafe { swap_values(self.values.first, row, last, self.values.element.size()) }
        }
    }

    /// Drops the values of rows `start..start + count` in place.
    ///
    /// # Safety
    /// Those rows hold values, which nobody uses afterwards.
    #[inline]
    pub(crate) unsafe fn drop_rows(&mut self, start: usize, count: usize) {
        if let Some(drop) = self.info.drop_fn() {
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
        assert!(values.id() == self.info.id(), "a column takes values of its own component");
        // SAFETY: the caller's.
        unsafe { values.move_to(self.at(start).as_ptr()) }
    }

    /// Returns the first `len` values.
    ///
    /// # Safety
    /// `len` is at most the length.
    pub(crate) unsafe fn slice(&self, len: usize) -> ErasedSlice<'_> {
        // SAFETY: the caller's, and the borrow of `self`.
        unsafe { ErasedSlice::from_raw(self.info, self.values.first, len) }
    }

    /// Returns the first `len` values to be changed.
    ///
    /// # Safety
    /// `len` is at most the length.
    pub(crate) unsafe fn slice_mut(&mut self, len: usize) -> ErasedSliceMut<'_> {
        // SAFETY: the caller's, and the borrow of `self`.
        unsafe { ErasedSliceMut::from_raw(self.info, self.values.first, len) }
    }
}

/// Copies one value, with the sizes that are common known to the compiler.
///
/// # Safety
/// Both addresses are valid for `size` bytes, which do not overlap.
#[inline(always)]
pub(crate) unsafe fn copy_value(from: *const u8, to: *mut u8, size: usize) {
    // SAFETY: the caller's, in each arm.
    unsafe {
        match size {
            4 => ptr::copy_nonoverlapping(from, to, 4),
            8 => ptr::copy_nonoverlapping(from, to, 8),
            12 => ptr::copy_nonoverlapping(from, to, 12),
            16 => ptr::copy_nonoverlapping(from, to, 16),
            _ => ptr::copy_nonoverlapping(from, to, size),
        }
    }
}

/// Exchanges two values of an array.
///
/// # Safety
/// Both rows are in the array whose row 0 is at `first`, and they differ.
#[inline(always)]
pub(crate) unsafe fn swap_values(first: NonNull<u8>, row: usize, last: usize, size: usize) {
    // SAFETY: the caller's; different rows do not overlap.
    unsafe {
        let (row, last) = (first.add(row * size).as_ptr(), first.add(last * size).as_ptr());
        if size == 4 {
            // The size of most of what comes and goes, known to the compiler.
            ptr::swap_nonoverlapping(row.cast::<[u8; 4]>(), last.cast(), 1);
        } else {
            ptr::swap_nonoverlapping(row, last, size);
        }
    }
}
