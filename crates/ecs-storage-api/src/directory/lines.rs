//! Ticks of the lines of a tracked column: a scan reads the ticks of rows only where that
//! of their line is late.
//!
//! A line is stamped when one of its values is lent for writing where it lies, as a page
//! is. What comes to a line from elsewhere brings ticks of its own, and stamps no line: the
//! version at which rows of the page came or were moved is at least as late.

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};

use super::pages::{Pages, cover, try_cover};
use crate::changes::{LINE_ROWS, PAGE_ROWS, Version};
use crate::error::StorageError;

/// Lines of a page.
pub(super) const PAGE_LINES: usize = PAGE_ROWS / LINE_ROWS;

/// A tick a line of rows, of whole pages.
#[derive(Debug, Default)]
pub(super) struct Lines(Box<[AtomicU32]>);

impl Lines {
    /// Covers so many pages at least; lines of new ones have never changed. What covers
    /// none gives its memory back.
    pub(super) fn cover(&mut self, pages: usize) {
        cover(&mut self.0, pages * PAGE_LINES);
    }

    /// As [`cover`](Self::cover), where memory may be refused.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if it is; then nothing has changed.
    pub(super) fn try_cover(&mut self, pages: usize) -> Result<(), StorageError> {
        try_cover(&mut self.0, pages * PAGE_LINES, "the lines of a column")
    }

    /// Stamps the lines of some rows, as far as they are covered.
    ///
    /// Through a shared reference, as pages are: records that are kept for the next query
    /// have the address of lines.
    pub(super) fn mark(&self, rows: Range<usize>, now: Version) {
        let end = rows.end.div_ceil(LINE_ROWS).min(self.0.len());
        let lines = self.0.get(rows.start / LINE_ROWS..end).unwrap_or_default();
        lines.iter().for_each(|line| stamp_line(line, now));
    }

    /// Stamps all lines of some pages as their page is: nothing in it was written later.
    pub(super) fn follow(&self, pages: &Pages, range: Range<usize>) {
        let (lines, _) = self.0.as_chunks::<PAGE_LINES>();
        let followers = lines.iter().enumerate().take(range.end).skip(range.start);
        for (page, lines) in followers {
            let version = pages.version(page);
            lines.iter().for_each(|line| stamp_line(line, version));
        }
    }

    /// Returns where they lie.
    #[inline]
    pub(super) fn first(&self) -> *const AtomicU32 {
        self.0.as_ptr()
    }

    /// Returns the tick of each line.
    pub(super) fn as_slice(&self) -> &[AtomicU32] {
        &self.0
    }
}

/// Stamps the lines of a column, of which rows are lent for writing; null stands for a
/// column without lines.
///
/// # Safety
/// There is a row at least, and lines that cover the rows lie there.
#[inline]
pub(crate) unsafe fn mark_lines(lines: *const AtomicU32, rows: Range<usize>, now: Version) {
    debug_assert!(!rows.is_empty());
    if lines.is_null() {
        return;
    }
    let first = rows.start / LINE_ROWS;
    // One by one, and not as the numbers that they are in memory: others may have rows of
    // the lines at both ends, and a backend may have lent the same lines twice.
    // SAFETY: the caller's.
    let lines = unsafe {
        std::slice::from_raw_parts(lines.add(first), rows.end.div_ceil(LINE_ROWS) - first)
    };
    lines.iter().for_each(|line| stamp_line(line, now));
}

/// Stamps the line of a row; null stands for a column without lines.
///
/// # Safety
/// Lines that cover the row lie there.
#[inline(always)]
pub(crate) unsafe fn mark_line(lines: *const AtomicU32, row: usize, now: Version) {
    if !lines.is_null() {
        // SAFETY: the caller's.
        stamp_line(unsafe { &*lines.add(row / LINE_ROWS) }, now);
    }
}

/// Stamps a line.
#[inline(always)]
pub(crate) fn stamp_line(line: &AtomicU32, now: Version) {
    // Relaxed: whoever else writes a row of this line meanwhile stamps it alike, and those
    // who read it come after.
    line.store(now.tick(), Ordering::Relaxed);
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns which lines have a tick, among those of `pages` pages.
    fn marked(pages: usize, mark: impl FnOnce(&Lines)) -> Vec<usize> {
        let mut lines = Lines::default();
        lines.cover(pages);
        mark(&lines);
        let ticks = lines.as_slice().iter().enumerate();
        let late = ticks.filter(|(_, tick)| tick.load(Ordering::Relaxed) == 7);
        late.map(|(line, _)| line).collect()
    }

    #[test]
    fn the_lines_of_all_rows_are_marked_and_no_others() {
        let now = Version::new(7);
        let (last, none) = (PAGE_LINES - 1, Vec::<usize>::new());
        for (rows, expected) in [
            (0..1, vec![0]),
            (3..9, vec![0]),
            (0..16, vec![0]),
            (15..17, vec![0, 1]),
            (16..32, vec![1]),
            (7..50, vec![0, 1, 2, 3]),
            (16..48, vec![1, 2]),
            (PAGE_ROWS - 1..PAGE_ROWS + 1, vec![last, last + 1]),
        ] {
            assert_eq!(marked(2, |lines| lines.mark(rows.clone(), now)), expected, "{rows:?}");
            // By an address that was taken before, while others are marked in between.
            let by_address = marked(2, |lines| {
                let first = lines.first();
                lines.mark(0..2 * PAGE_ROWS, Version::new(5));
                // SAFETY: two pages of lines lie there.
                unsafe { mark_lines(first, rows.clone(), now) }
            });
            assert_eq!(by_address, expected, "{rows:?}");
        }
        assert_eq!(marked(1, |lines| lines.mark(PAGE_ROWS..PAGE_ROWS + 1, now)), none);
        assert_eq!(marked(1, |lines| lines.mark(PAGE_ROWS - 1..PAGE_ROWS + 1, now)), [last]);
        // SAFETY: null stands for none.
        unsafe { mark_lines(std::ptr::null(), 0..1, now) }
    }

    #[test]
    fn lines_follow_the_version_of_their_page() {
        let mut pages = Pages::default();
        pages.cover(2 * PAGE_ROWS);
        pages.set(1, Version::new(7));
        let second: Vec<_> = (PAGE_LINES..2 * PAGE_LINES).collect();
        assert_eq!(marked(2, |lines| lines.follow(&pages, 0..2)), second);
        assert_eq!(marked(1, |lines| lines.follow(&pages, 0..2)), [], "as far as they are covered");
    }
}
