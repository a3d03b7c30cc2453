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
    pub(super) fn mark(&mut self, rows: Range<usize>, now: Version) {
        let end = rows.end.div_ceil(LINE_ROWS).min(self.0.len());
        let lines = self.0.get_mut(rows.start / LINE_ROWS..end).unwrap_or_default();
        lines.iter_mut().for_each(|line| *line.get_mut() = now.tick());
    }

    /// Stamps all lines of some pages as their page is: nothing in it was written later.
    pub(super) fn follow(&mut self, pages: &Pages, range: Range<usize>) {
        let (lines, _) = self.0.as_chunks_mut::<PAGE_LINES>();
        let range = range.start..range.end.min(lines.len());
        for page in range {
            let tick = pages.version(page).tick();
            lines[page].iter_mut().for_each(|line| *line.get_mut() = tick);
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
/// There is a row at least, lines that cover the rows lie there, and nobody else uses the
/// rows meanwhile.
#[inline]
pub(crate) unsafe fn mark_lines(lines: *const AtomicU32, rows: Range<usize>, now: Version) {
    debug_assert!(!rows.is_empty());
    if lines.is_null() {
        return;
    }
    let (first, end) = (rows.start.div_ceil(LINE_ROWS), rows.end / LINE_ROWS);
    // SAFETY: the caller's, also of the lines at both ends, of which others may have rows.
    // Of those between them nobody else has any, so that they may be written at once.
    unsafe {
        if !rows.start.is_multiple_of(LINE_ROWS) {
            mark_line(lines, rows.start, now);
        }
        if !rows.end.is_multiple_of(LINE_ROWS) {
            mark_line(lines, rows.end - 1, now);
        }
        if first < end {
            let whole = lines.add(first).cast_mut().cast::<u32>();
            std::slice::from_raw_parts_mut(whole, end - first).fill(now.tick());
        }
    }
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
