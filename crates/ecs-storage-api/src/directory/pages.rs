//! Versions of the pages of an array, and ticks of its rows.
//!
//! Pages cover as many rows as was said, and whoever marks a row without a look at
//! their number keeps below that.

use std::ops::Range;
use std::slice;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::changes::{PAGE_ROWS, Version};
use crate::error::StorageError;
use crate::reserve::reserve_exactly;

/// A version a page of rows.
///
/// Most tables of a world with many have one page: its version lies in place, so that those
/// of a component lie side by side. All but growth is done through shared references:
/// records that are kept for the next query have the address of versions.
#[derive(Debug)]
pub(crate) enum Pages {
    One(AtomicU64),
    /// Of none, or more than one.
    Many(Box<[AtomicU64]>),
}

// Not larger than the list alone.
#[cfg(target_pointer_width = "64")]
const _: () = assert!(size_of::<Pages>() == size_of::<Box<[AtomicU64]>>());

impl Default for Pages {
    fn default() -> Self {
        Self::Many(Box::default())
    }
}

impl Pages {
    /// Covers the pages of so many rows at least; new ones have never changed. What
    /// covers no rows gives its memory back.
    pub(crate) fn cover(&mut self, rows: usize) {
        let pages = rows.div_ceil(PAGE_ROWS);
        match pages {
            0 => *self = Self::default(),
            1 => self.cover_one(),
            _ if pages > self.as_slice().len() => self.move_to(Vec::with_capacity(pages), pages),
            _ => {}
        }
    }

    /// As [`cover`](Self::cover), where memory may be refused.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if it is; then nothing has changed.
    pub(crate) fn try_cover(&mut self, rows: usize) -> Result<(), StorageError> {
        let pages = rows.div_ceil(PAGE_ROWS);
        match pages {
            0 => {}
            1 => self.cover_one(),
            _ if pages > self.as_slice().len() => {
                let mut room = Vec::new();
                reserve_exactly(&mut room, pages, "the pages of a column")?;
                self.move_to(room, pages);
            }
            _ => {}
        }
        Ok(())
    }

    /// Covers a page at least.
    fn cover_one(&mut self) {
        if self.as_slice().is_empty() {
            *self = Self::One(AtomicU64::default());
        }
    }

    /// Covers more pages, where there is room for them.
    fn move_to(&mut self, mut room: Vec<AtomicU64>, pages: usize) {
        room.extend((0..self.as_slice().len()).map(|page| self.version(page).get().into()));
        room.resize_with(pages, AtomicU64::default);
        *self = Self::Many(room.into_boxed_slice());
    }

    /// Stamps the page of a row, if it is covered.
    #[inline]
    pub(crate) fn mark_covered(&self, row: usize, now: Version) {
        if let Some(page) = self.as_slice().get(row / PAGE_ROWS) {
            stamp(page, now);
        }
    }

    /// Stamps the pages of some rows, as far as they are covered.
    pub(crate) fn mark(&self, rows: Range<usize>, now: Version) {
        self.of(rows).iter().for_each(|page| stamp(page, now));
    }

    /// As [`mark`](Self::mark), but for pages that are newer.
    pub(crate) fn date(&self, rows: Range<usize>, version: Version) {
        self.of(rows).iter().for_each(|page| mark_page(page, version));
    }

    /// Stamps a page, if it is covered, whatever it was stamped with.
    pub(crate) fn set(&self, page: usize, version: Version) {
        if let Some(page) = self.as_slice().get(page) {
            stamp(page, version);
        }
    }

    /// Has the first pages stamped as much later as versions went on; those that have
    /// never changed, and all others, never have.
    pub(crate) fn go_on(&self, rows: usize, versions: u64) {
        let used = rows.div_ceil(PAGE_ROWS);
        for (n, page) in self.as_slice().iter().enumerate() {
            match self.version(n).get() {
                version if version != 0 && n < used => {
                    stamp(page, Version::new(version.saturating_add(versions)));
                }
                _ => stamp(page, Version::ZERO),
            }
        }
    }

    /// Returns the pages of some rows, as far as they are covered.
    fn of(&self, rows: Range<usize>) -> &[AtomicU64] {
        let pages = self.as_slice();
        if rows.is_empty() {
            return &[];
        }
        let last = ((rows.end - 1) / PAGE_ROWS).min(pages.len().wrapping_sub(1));
        pages.get(rows.start / PAGE_ROWS..=last).unwrap_or_default()
    }

    /// Returns the version of a page, which is covered.
    pub(super) fn version(&self, page: usize) -> Version {
        // Relaxed: a number.
        Version::new(self.as_slice()[page].load(Ordering::Relaxed))
    }

    /// Returns where they lie.
    #[inline]
    pub(crate) fn first(&self) -> *const AtomicU64 {
        match self {
            Self::One(page) => page,
            Self::Many(pages) => pages.as_ptr(),
        }
    }

    /// As [`first`](Self::first), by an address that stays good when `pages` are borrowed
    /// again, as long as they do not grow.
    ///
    /// # Safety
    /// They lie there, and nobody changes them meanwhile.
    #[inline(always)]
    pub(super) unsafe fn first_of(pages: *mut Self) -> *const AtomicU64 {
        // SAFETY: the caller's.
        match unsafe { &*pages } {
            Self::One(page) => pages.cast::<AtomicU64>().with_addr((&raw const *page).addr()),
            Self::Many(pages) => pages.as_ptr(),
        }
    }

    /// Returns the version of each page.
    #[inline]
    pub(crate) fn as_slice(&self) -> &[AtomicU64] {
        match self {
            Self::One(page) => slice::from_ref(page),
            Self::Many(pages) => pages,
        }
    }
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
