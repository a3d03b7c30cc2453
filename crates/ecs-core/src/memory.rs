//! Memory for large arrays.
//!
//! This is one of the rooms for unsafe code. Its invariants: a [`RawArray`] owns
//! as much memory as its capacity says, allocated with the alignment that it
//! keeps; the first `len` elements of a [`PlainVec`] are initialised; and so are those
//! of a [`Blank`] that it counts as filled.
//!
//! Arrays of two mebibytes and more lie in memory that is aligned to that, and the system
//! is asked to back it by pages of that size: reads without order then find their pages
//! in the processor's tables, and fresh memory costs one fault where it cost 512. They begin
//! up to four kibibytes behind the beginning of that memory, [by where it is](color).
#![expect(unsafe_code, reason = "room: memory for large arrays")]

mod blank;

use std::alloc::{Layout, alloc, dealloc, handle_alloc_error, realloc};
use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::ptr::{self, NonNull};

pub use blank::{Blank, extend_by_parts};

/// The size of a huge page on the systems where it is asked for.
const HUGE_PAGE: usize = 2 << 20;

/// Bytes in which the beginnings of large arrays are spread.
const SPREAD: usize = 4 << 10;

/// Tells that memory could not be had.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
#[error("{bytes} bytes of memory could not be had")]
pub struct OutOfMemory {
    /// How many bytes were asked for.
    pub bytes: usize,
}

/// Memory for an array of elements of one layout. It knows how much of it there
/// is, and nothing of which elements are initialised.
#[derive(Debug)]
pub struct RawArray {
    first: NonNull<u8>,
    /// Of one element; the size is the distance between two.
    element: Layout,
    /// In elements. Elements without a size always have room.
    capacity: usize,
    /// That the memory was allocated with. If it is more than that of an element, it is
    /// `HUGE_PAGE`, and the first element lies less than [`SPREAD`] behind the beginning.
    align: usize,
}

// SAFETY: it owns its memory; whoever reads or writes elements answers for
// their type.
unsafe impl Send for RawArray {}
// SAFETY: as above.
unsafe impl Sync for RawArray {}

impl RawArray {
    /// Makes an array without room for elements of that layout, whose size is
    /// the distance between two.
    #[must_use]
    pub fn new(element: Layout) -> Self {
        let align = element.align().try_into().expect("an alignment is not zero");
        let capacity = if element.size() == 0 { usize::MAX } else { 0 };
        Self {
            first: NonNull::without_provenance(align),
            element,
            capacity,
            align: element.align(),
        }
    }

    /// Takes over memory that a `Vec` of such elements allocated.
    ///
    /// # Safety
    /// `first` is the beginning of memory for `capacity` elements, allocated with
    /// the element's alignment by the global allocator, which nobody else uses or
    /// frees; a capacity of 0 stands for none.
    #[must_use]
    pub unsafe fn from_raw_parts(element: Layout, first: NonNull<u8>, capacity: usize) -> Self {
        if capacity == 0 || element.size() == 0 {
            return Self::new(element);
        }
        Self { first, element, capacity, align: element.align() }
    }

    /// Returns the layout of memory for so many elements, if there can be such.
    fn layout(&self, capacity: usize) -> Option<Layout> {
        let size = self.element.size().checked_mul(capacity)?;
        if size < HUGE_PAGE || self.element.align() >= HUGE_PAGE {
            return Layout::from_size_align(size, self.element.align()).ok();
        }
        Layout::from_size_align(size.checked_add(SPREAD)?, HUGE_PAGE).ok()
    }

    /// Returns the memory that it owns: its beginning, and the layout that it was allocated
    /// with.
    fn memory(&self) -> (*mut u8, Layout) {
        let size = self.element.size() * self.capacity;
        let (behind, spread) = match self.align > self.element.align() {
            true => (self.first.addr().get() % HUGE_PAGE, SPREAD),
            false => (0, 0),
        };
        let layout = Layout::from_size_align(size + spread, self.align);
        let begin = self.first.as_ptr().wrapping_sub(behind);
        (begin, layout.expect("it was allocated with this layout"))
    }

    fn owns_memory(&self) -> bool {
        self.element.size() != 0 && self.capacity != 0
    }

    /// Tells whether an array of that many elements can exist at all.
    #[must_use]
    pub fn fits(&self, capacity: usize) -> bool {
        self.layout(capacity).is_some()
    }

    /// Returns how many elements there is room for.
    #[inline]
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.capacity
    }

    /// Returns the distance between two elements, in bytes.
    #[inline]
    #[must_use]
    pub fn element_size(&self) -> usize {
        self.element.size()
    }

    /// Returns the address of the first element.
    #[inline]
    #[must_use]
    pub fn first(&self) -> NonNull<u8> {
        self.first
    }

    /// Returns the address of an element.
    ///
    /// # Safety
    /// `row` is at most the capacity.
    #[inline]
    #[must_use]
    pub unsafe fn at(&self, row: usize) -> NonNull<u8> {
        // SAFETY: the caller's: it stays in the allocation.
        unsafe { self.first.add(row * self.element.size()) }
    }

    /// Changes the capacity; elements below both stay, others are forgotten.
    ///
    /// # Panics
    /// If so many do not [fit](Self::fits).
    pub fn resize(&mut self, capacity: usize) {
        if let Err(layout) = self.resize_or_tell(capacity) {
            handle_alloc_error(layout);
        }
    }

    /// As [`resize`](Self::resize), where memory may be refused.
    ///
    /// # Errors
    /// [`OutOfMemory`] if it is; then nothing has changed.
    ///
    /// # Panics
    /// As there.
    pub fn try_resize(&mut self, capacity: usize) -> Result<(), OutOfMemory> {
        self.resize_or_tell(capacity).map_err(|layout| OutOfMemory { bytes: layout.size() })
    }

    /// Changes the capacity, or tells for which memory there is none.
    fn resize_or_tell(&mut self, capacity: usize) -> Result<(), Layout> {
        if self.element.size() == 0 || capacity == self.capacity {
            return Ok(());
        }
        let new = self.layout(capacity).expect("a capacity is checked with `fits` first");
        if capacity == 0 {
            *self = Self::new(self.element);
            return Ok(());
        }
        let first = if self.owns_memory() && new.align() == self.align && new.size() < HUGE_PAGE {
            let (begin, old) = self.memory();
            // SAFETY: allocated with this layout; the new size was checked by
            // `layout` and is not zero, and the alignment is the same.
            let memory = unsafe { realloc(begin, old, new.size()) };
            NonNull::new(memory).ok_or(new)?
        } else {
            let memory = allocate(new).ok_or(new)?;
            let first = match new.align() > self.element.align() {
                // SAFETY: `color` is less than `SPREAD`, and `layout` asks for so many bytes
                // more than the elements take.
                true => unsafe { memory.add(color(memory.addr().get(), self.element.align())) },
                false => memory,
            };
            let kept = self.capacity.min(capacity) * self.element.size();
            // SAFETY: both are as long, and apart.
            unsafe { ptr::copy_nonoverlapping(self.first.as_ptr(), first.as_ptr(), kept) };
            self.free();
            first
        };
        (self.first, self.capacity, self.align) = (first, capacity, new.align());
        Ok(())
    }

    /// Moves all elements into fresh memory for as many, and returns the memory that they
    /// were in, which holds nothing any more.
    ///
    /// # Errors
    /// [`OutOfMemory`] if there is none; then nothing has changed.
    pub fn try_relocate(&mut self) -> Result<Self, OutOfMemory> {
        let mut fresh = Self::new(self.element);
        if self.owns_memory() {
            fresh.try_resize(self.capacity)?;
            let bytes = self.capacity * self.element.size();
            // SAFETY: both are as long, and apart.
            unsafe { ptr::copy_nonoverlapping(self.first.as_ptr(), fresh.first.as_ptr(), bytes) };
        }
        Ok(std::mem::replace(self, fresh))
    }

    /// Gives the memory back. Nobody uses it afterwards but to put other memory in
    /// its place.
    fn free(&mut self) {
        if self.owns_memory() {
            let (begin, layout) = self.memory();
            // SAFETY: `memory` tells where it was allocated and with which layout, and nobody
            // uses it any more.
            unsafe { dealloc(begin, layout) }
        }
    }
}

impl Drop for RawArray {
    fn drop(&mut self) {
        self.free();
    }
}

/// Returns how many bytes behind the beginning of large memory its first element lies.
///
/// A processor may tell lines of its first cache by some bits of their address alone; on AMD's
/// Zen two arrays that begin at equal places of a page, and a multiple of 256 MiB apart, drive
/// each other out of it, line by line, and a loop over both takes three times as long. So
/// those begin at different places, some lines apart: further than what is used at once, and
/// not as far as what is fetched ahead of the other. Arrays that are nearer to each other begin
/// at the same place.
fn color(begin: usize, align: usize) -> usize {
    ((begin >> 28) % 6 * 640) & !(align - 1)
}

/// Allocates memory of a layout that is not empty, if there is such.
fn allocate(layout: Layout) -> Option<NonNull<u8>> {
    assert!(layout.size() != 0, "memory of a size is allocated");
    // SAFETY: the size is not zero.
    let memory = unsafe { alloc(layout) };
    let first = NonNull::new(memory)?;
    if layout.size() >= HUGE_PAGE {
        ask_for_huge_pages(first, layout.size());
    }
    Some(first)
}

/// Asks for huge pages below fresh memory, as far as it fills them. If the system
/// has none, nothing changes.
#[cfg(target_os = "linux")]
fn ask_for_huge_pages(first: NonNull<u8>, size: usize) {
    let whole = size / HUGE_PAGE * HUGE_PAGE;
    // SAFETY: the range is memory of our own; the advice changes how it is backed
    // and not what it holds.
    unsafe { libc::madvise(first.as_ptr().cast(), whole, libc::MADV_HUGEPAGE) };
}

#[cfg(not(target_os = "linux"))]
fn ask_for_huge_pages(_first: NonNull<u8>, _size: usize) {}

/// A vector of plain values in the memory of a [`RawArray`].
#[derive(Debug)]
pub struct PlainVec<T> {
    array: RawArray,
    len: usize,
    values: PhantomData<T>,
}

impl<T: Copy> Default for PlainVec<T> {
    fn default() -> Self {
        Self { array: RawArray::new(Layout::new::<T>()), len: 0, values: PhantomData }
    }
}

impl<T: Copy> PlainVec<T> {
    /// Makes room for `additional` more values, if there is less: for exactly as
    /// many the first time, then for twice as many as before at least.
    ///
    /// # Panics
    /// If there can't be so many.
    fn reserve(&mut self, additional: usize) {
        self.reserve_exact(additional, self.array.capacity().saturating_mul(2));
    }

    /// Makes room for `additional` more values, if there is less: for exactly as
    /// many, but for `least` values in all.
    ///
    /// # Panics
    /// If there can't be so many.
    pub fn reserve_exact(&mut self, additional: usize, least: usize) {
        let needed = self.len.checked_add(additional).filter(|&needed| self.array.fits(needed));
        let needed = needed.expect("as many values as memory can hold");
        if needed > self.array.capacity() {
            let ample = needed.max(least);
            self.array.resize(if self.array.fits(ample) { ample } else { needed });
        }
    }

    /// Makes it `len` values long at least by copies of `value`, where memory may be
    /// refused.
    ///
    /// # Errors
    /// [`OutOfMemory`] if it is, or there can't be so many; then nothing has
    /// changed.
    pub fn try_grow_to(&mut self, len: usize, value: T) -> Result<(), OutOfMemory> {
        if len > self.array.capacity() {
            if !self.array.fits(len) {
                return Err(OutOfMemory { bytes: usize::MAX });
            }
            self.array.try_resize(len)?;
        }
        self.grow_to(len, value);
        Ok(())
    }

    /// Returns how many values there is room for.
    #[must_use]
    pub fn capacity(&self) -> usize {
        self.array.capacity()
    }

    /// Adds `count` values at the end: `value` of each number from 0.
    ///
    /// # Panics
    /// If there can't be so many.
    pub fn extend_with(&mut self, count: usize, value: impl Fn(usize) -> T) {
        self.reserve(count);
        for n in 0..count {
            // SAFETY: there is room for `count` values behind the last.
            unsafe { self.array.at(self.len + n).cast::<T>().write(value(n)) }
        }
        self.len += count;
    }

    /// Makes it at least `len` long by copies of `value`.
    ///
    /// # Panics
    /// If there can't be so many.
    pub fn grow_to(&mut self, len: usize, value: T) {
        self.extend_with(len.saturating_sub(self.len), |_| value);
    }

    /// Forgets the values from the `len`-th on.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
    }

    /// Gives back the memory beyond the values.
    pub fn shrink_to_fit(&mut self) {
        self.array.resize(self.len);
    }
}

impl<T> Deref for PlainVec<T> {
    type Target = [T];

    #[inline]
    fn deref(&self) -> &[T] {
        // SAFETY: so many values are initialised.
        unsafe { std::slice::from_raw_parts(self.array.first().cast().as_ptr(), self.len) }
    }
}

impl<T> DerefMut for PlainVec<T> {
    #[inline]
    fn deref_mut(&mut self) -> &mut [T] {
        // SAFETY: so many values are initialised, and `self` is borrowed mutably.
        unsafe { std::slice::from_raw_parts_mut(self.array.first().cast().as_ptr(), self.len) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn elements_are_the_same_where_an_array_has_moved_to() {
        let mut array = RawArray::new(Layout::new::<u64>());
        array.resize(3);
        for n in 0..3 {
            // SAFETY: there is room for three.
            unsafe { array.at(n).cast::<u64>().write(n as u64 + 7) };
        }
        let before = array.try_relocate().unwrap();
        assert_ne!(before.first(), array.first());
        assert_eq!((before.capacity(), array.capacity()), (3, 3));
        drop(before);
        // SAFETY: three were written.
        let last = unsafe { array.at(2).cast::<u64>().read() };
        assert_eq!(last, 9);
        let mut units = RawArray::new(Layout::new::<()>());
        assert_eq!(units.try_relocate().unwrap().capacity(), units.capacity());
    }

    #[test]
    fn values_stay_while_an_array_grows_past_a_huge_page_and_shrinks() {
        let mut values = PlainVec::default();
        for len in [1, 3, 1_000, HUGE_PAGE / 8 - 1, HUGE_PAGE / 8, HUGE_PAGE / 4 + 1, HUGE_PAGE] {
            let start = values.len();
            values.extend_with(len - start, |n| (start + n) as u64);
            assert_eq!(values.len(), len);
            assert!((0u64..).zip(&*values).all(|(n, &value)| n == value));
            let behind = values.array.first().addr().get() % values.array.align;
            assert!(behind.is_multiple_of(64) && behind < SPREAD);
        }
        values.shrink_to_fit();
        values.truncate(5);
        values.shrink_to_fit();
        assert_eq!((&*values, values.array.align), (&[0, 1, 2, 3, 4][..], 8));
        values.truncate(0);
        values.shrink_to_fit();
        assert!(values.is_empty() && values.array.capacity() == 0);
    }

    #[test]
    fn large_arrays_far_apart_begin_at_different_places_of_a_page() {
        let region = 1 << 28;
        let begin = |n: usize| color(n * region + 5 * HUGE_PAGE, 64);
        for one in 0..6 {
            for other in 0..one {
                assert!(begin(one).abs_diff(begin(other)) >= 640, "{one} and {other}");
            }
        }
        assert_eq!(begin(3), color(4 * region - HUGE_PAGE, 64));
        assert!((0..8).all(|n| begin(n) < SPREAD && begin(n).is_multiple_of(128)));
        for align in [1 << 9, 1 << 10, 1 << 11, 1 << 12, 1 << 20] {
            assert!((0..8).all(|n| color(n * region, align).is_multiple_of(align)));
        }
    }

    #[test]
    fn over_aligned_elements_stay_aligned_in_large_arrays() {
        for align in [1, 64, 1 << 10, 1 << 12, HUGE_PAGE / 2, HUGE_PAGE, 2 * HUGE_PAGE] {
            let element = Layout::from_size_align(align.max(64), align).unwrap();
            let mut array = RawArray::new(element);
            for bytes in [2 * HUGE_PAGE, 8 * HUGE_PAGE, 4 * HUGE_PAGE] {
                let rows = bytes / element.size();
                array.resize(rows);
                assert!(array.first().addr().get().is_multiple_of(align), "{align}");
                // SAFETY: it is the last of the elements that there is room for.
                let last = unsafe { array.at(rows - 1) };
                // SAFETY: in the memory of the array, up to its end.
                unsafe { last.write_bytes(7, element.size()) };
            }
        }
    }

    #[test]
    fn memory_of_a_vec_is_taken_over_and_freed_with_its_own_layout() {
        let mut vec = std::mem::ManuallyDrop::new(vec![7u32; HUGE_PAGE]);
        let first = NonNull::new(vec.as_mut_ptr()).unwrap().cast();
        // SAFETY: the memory is the vector's, which is not dropped.
        let mut array =
            unsafe { RawArray::from_raw_parts(Layout::new::<u32>(), first, vec.capacity()) };
        array.resize(HUGE_PAGE * 2);
        // SAFETY: the elements were initialised, and stayed.
        let last = unsafe { array.at(HUGE_PAGE - 1).cast::<u32>().read() };
        assert_eq!(last, 7);
    }

    #[test]
    fn elements_without_a_size_need_no_memory() {
        let mut array = RawArray::new(Layout::new::<()>());
        assert_eq!(array.capacity(), usize::MAX);
        array.resize(0);
        array.resize(10);
        assert_eq!(array.capacity(), usize::MAX);
    }
}
