//! Versions of the pages of an array, and ticks of its rows.
//!
//! Pages cover as many rows as was said, and whoever marks a row without a look at
//! their number keeps below that.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::changes::{PAGE_ROWS, Version};
use crate::error::StorageError;

/// A version a page of rows.
#[derive(Debug, Default)]
pub(crate) struct Pages(Box<[AtomicU64]>);

impl Pages {
    /// Covers the pages of so many rows at least; new ones have never changed. What
    /// covers no rows gives its memory back.
    pub(crate) fn cover(&mut self, rows: usize) {
        cover(&mut self.0, rows.div_ceil(PAGE_ROWS));
    }

    /// As [`cover`](Self::cover), where memory may be refused.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if it is; then nothing has changed.
    pub(crate) fn try_cover(&mut self, rows: usize) -> Result<(), StorageError> {
        try_cover(&mut self.0, rows.div_ceil(PAGE_ROWS), "the pages of a column")
    }

    /// Stamps the page of a row, if it is covered.
    #[inline]
    pub(crate) fn mark_covered(&mut self, row: usize, now: Version) {
        if let Some(page) = self.0.get(row / PAGE_ROWS) {
            stamp(page, now);
        }
    }

    /// Stamps the pages of some rows, as far as they are covered.
    pub(crate) fn mark(&mut self, rows: Range<usize>, now: Version) {
        self.of(rows).iter().for_each(|page| stamp(page, now));
    }

    /// As [`mark`](Self::mark), but for pages that are newer.
    pub(crate) fn date(&mut self, rows: Range<usize>, version: Version) {
        self.of(rows).iter().for_each(|page| mark_page(page, version));
    }

    /// Stamps a page, if it is covered, whatever it was stamped with.
    pub(crate) fn set(&mut self, page: usize, version: Version) {
        if let Some(page) = self.0.get_mut(page) {
            *page.get_mut() = version.get();
        }
    }

    /// Has the first pages stamped as much later as versions went on; those that have
    /// never changed, and all others, never have.
    pub(crate) fn go_on(&mut self, rows: usize, versions: u64) {
        let pages = rows.div_ceil(PAGE_ROWS).min(self.0.len());
        let (used, unused) = self.0.split_at_mut(pages);
        for page in used.iter_mut().map(AtomicU64::get_mut).filter(|page| **page != 0) {
            *page = page.saturating_add(versions);
        }
        unused.iter_mut().for_each(|page| *page.get_mut() = 0);
    }

    /// Returns the pages of some rows, as far as they are covered.
    fn of(&self, rows: Range<usize>) -> &[AtomicU64] {
        if rows.is_empty() {
            return &[];
        }
        let last = ((rows.end - 1) / PAGE_ROWS).min(self.0.len().wrapping_sub(1));
        self.0.get(rows.start / PAGE_ROWS..=last).unwrap_or_default()
    }

    /// Returns the version of a page, which is covered.
    pub(super) fn version(&self, page: usize) -> Version {
        // Relaxed: a number.
        Version::new(self.0[page].load(Ordering::Relaxed))
    }

    /// Returns where they lie.
    #[inline]
    pub(crate) fn first(&self) -> *const AtomicU64 {
        self.0.as_ptr()
    }

    /// Returns the version of each page.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[AtomicU64] {
        &self.0
    }
}

/// Makes a list as long as that at least; an empty one gives its memory back.
pub(super) fn cover<T: Default>(list: &mut Box<[T]>, len: usize) {
    if len == 0 {
        *list = Box::default();
    } else if len > list.len() {
        let mut all = std::mem::take(list).into_vec();
        all.reserve_exact(len - all.len());
        all.resize_with(len, T::default);
        *list = all.into_boxed_slice();
    }
}

/// As [`cover`], where memory for `what` may be refused.
pub(super) fn try_cover<T: Default>(
    list: &mut Box<[T]>,
    len: usize,
    what: &'static str,
) -> Result<(), StorageError> {
    let additional = len.saturating_sub(list.len());
    if additional == 0 {
        return Ok(());
    }
    let mut all = std::mem::take(list).into_vec();
    let room = all.try_reserve_exact(additional);
    if room.is_ok() {
        all.resize_with(len, T::default);
    }
    // As long as it has room: no memory is given back, or taken.
    *list = all.into_boxed_slice();
    room.map_err(|_| StorageError::OutOfMemory { what, bytes: additional * size_of::<T>() })
}

/// Stamps a page of which nobody else holds a row. Through a shared reference:
/// records that are kept for the next query have the page's address.
#[inline(always)]
fn stamp(page: &AtomicU64, now: Version) {
    page.store(now.get(), Ordering::Relaxed);
}

/// Stamps the pages of a column, of which rows are lent for writing; null stands for a
/// column without pages.
///
/// # Safety
/// There is a row at least, and pages that cover the rows lie there.
#[inline(always)]
pub(crate) unsafe fn mark_pages(pages: *const AtomicU64, rows: Range<usize>, now: Version) {
    debug_assert!(!rows.is_empty());
    if pages.is_null() {
        return;
    }
    // SAFETY: the caller's.
    unsafe {
        // Most tables are small, and most runs of rows that are not.
        if rows.end <= PAGE_ROWS {
            return mark_page(&*pages, now);
        }
        let (first, last) = (rows.start / PAGE_ROWS, (rows.end - 1) / PAGE_ROWS);
        mark_page(&*pages.add(first), now);
        if first != last {
            mark_more_pages(pages, first + 1..last + 1, now);
        }
    }
}

/// Stamps a page, unless it is as new already: that costs less than to write.
#[inline(always)]
pub(crate) fn mark_page(page: &AtomicU64, now: Version) {
    // Relaxed: a number, which those read who come after the writer anyway.
    if page.load(Ordering::Relaxed) < now.get() {
        page.store(now.get(), Ordering::Relaxed);
    }
}

/// # Safety
/// So many pages lie there.
#[cold]
#[inline(never)]
unsafe fn mark_more_pages(pages: *const AtomicU64, range: Range<usize>, now: Version) {
    // SAFETY: the caller's.
    range.for_each(|page| mark_page(unsafe { &*pages.add(page) }, now));
}

/// Stamps rows of a tracked component; null stands for a column without ticks.
///
/// # Safety
/// Ticks of so many rows lie there, which nobody else uses meanwhile.
#[inline]
pub(crate) unsafe fn mark_ticks(ticks: *mut u32, rows: Range<usize>, now: Version) {
    if !ticks.is_null() {
        // SAFETY: the caller's.
        unsafe { std::slice::from_raw_parts_mut(ticks.add(rows.start), rows.len()) }
            .fill(now.tick());
    }
}
