//! What the lines of a tracked column know: a scan reads the ticks of rows only where their
//! line is late, and does not say by itself which of them are.
//!
//! A line is stamped when one of its values is lent for writing where it lies, as a page
//! is. What comes to a line from elsewhere brings ticks of its own, and stamps no line: the
//! version at which rows of the page came or were moved is at least as late.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use super::pages::Pages;
use crate::changes::{LINE_ROWS, PAGE_ROWS, Version};
use crate::error::StorageError;
use crate::reserve::reserve_exactly;

/// Lines of a page.
pub(super) const PAGE_LINES: usize = PAGE_ROWS / LINE_ROWS;

/// What is known of the changes of a line, [`LINE_ROWS`] rows of a tracked column: when
/// values of it were last lent for writing, and, if each was lent by itself, which rows those
/// are.
#[derive(Debug, Default)]
#[repr(transparent)]
pub struct Line(
    /// As [`LineWord`] tells.
    AtomicU64,
);

/// A line as a number. The upper half is the tick at which values were last lent. Of the
/// lower half, the lower part has a bit for each row that was lent at that tick, and the
/// upper part tells how many versions before it any others were lent, at the least: with 0
/// it is not known which rows were lent, and the bits mean nothing.
pub(crate) type LineWord = u64;

impl Line {
    /// Returns it as a number.
    #[cfg(test)]
    pub(super) fn word(&self) -> LineWord {
        self.0.load(Ordering::Relaxed)
    }

    /// Stamps a line of which any rows are lent.
    #[inline(always)]
    pub(crate) fn stamp(&self, now: Version) {
        // Relaxed: whoever else writes a row of this line meanwhile stamps it alike, and those
        // who read it come after.
        self.0.store(u64::from(now.tick()) << 32, Ordering::Relaxed);
    }

    /// Stamps a line of which a row is lent by itself, while nobody else has one of it.
    #[inline(always)]
    fn stamp_row(&self, row: usize, now: Version) {
        let word = self.0.load(Ordering::Relaxed);
        let bit = 1 << (row % LINE_ROWS);
        let word = match now.tick().wrapping_sub(last(word)) {
            // If the bits mean nothing, so does this one.
            0 => word | bit,
            // A distance that has no room is shortened: then ticks of rows are asked more
            // often than they would have to be. Of a version before that of the line, or
            // after more than half a round of ticks, they tell all.
            distance => {
                let distance = if distance > u32::MAX / 2 { 0 } else { distance.min(LONGEST) };
                u64::from(now.tick()) << 32 | u64::from(distance) << LINE_ROWS | bit
            }
        };
        self.0.store(word, Ordering::Relaxed);
    }
}

/// The longest distance that a line tells.
const LONGEST: u32 = (1 << (32 - LINE_ROWS)) - 1;

/// Returns the tick at which values of a line were last lent.
#[inline(always)]
fn last(word: LineWord) -> u32 {
    (word >> 32) as u32
}

/// Lines of whole pages.
#[derive(Debug, Default)]
pub(super) struct Lines(Box<[Line]>);

impl Lines {
    /// Covers so many pages at least; lines of new ones have never changed. What covers
    /// none gives its memory back.
    pub(super) fn cover(&mut self, pages: usize) {
        match pages * PAGE_LINES {
            0 => *self = Self::default(),
            lines if lines > self.0.len() => self.move_to(Vec::with_capacity(lines), lines),
            _ => {}
        }
    }

    /// As [`cover`](Self::cover), where memory may be refused.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if it is; then nothing has changed.
    pub(super) fn try_cover(&mut self, pages: usize) -> Result<(), StorageError> {
        let lines = pages * PAGE_LINES;
        if lines > self.0.len() {
            let mut room = Vec::new();
            reserve_exactly(&mut room, lines, "the lines of a column")?;
            self.move_to(room, lines);
        }
        Ok(())
    }

    /// Covers more lines, where there is room for them.
    fn move_to(&mut self, mut room: Vec<Line>, lines: usize) {
        room.extend(std::mem::take(&mut self.0));
        room.resize_with(lines, Line::default);
        self.0 = room.into_boxed_slice();
    }

    /// Stamps the lines of some rows, as far as they are covered.
    ///
    /// Through a shared reference, as pages are: records that are kept for the next query
    /// have the address of lines.
    pub(super) fn mark(&self, rows: Range<usize>, now: Version) {
        let end = rows.end.div_ceil(LINE_ROWS).min(self.0.len());
        let lines = self.0.get(rows.start / LINE_ROWS..end).unwrap_or_default();
        lines.iter().for_each(|line| line.stamp(now));
    }

    /// Stamps the line of a row that is lent by itself, if it is covered.
    pub(super) fn mark_row(&mut self, row: usize, now: Version) {
        if let Some(line) = self.0.get(row / LINE_ROWS) {
            line.stamp_row(row, now);
        }
    }

    /// Stamps all lines of some pages as their page is: nothing in it was written later.
    pub(super) fn follow(&self, pages: &Pages, range: Range<usize>) {
        let (lines, _) = self.0.as_chunks::<PAGE_LINES>();
        let followers = lines.iter().enumerate().take(range.end).skip(range.start);
        for (page, lines) in followers {
            let version = pages.version(page);
            lines.iter().for_each(|line| line.stamp(version));
        }
    }

    /// Returns where they lie.
    #[inline]
    pub(super) fn first(&self) -> *const Line {
        self.0.as_ptr()
    }

    /// Returns them.
    pub(super) fn as_slice(&self) -> &[Line] {
        &self.0
    }
}

/// Stamps the lines of a column, of which rows are lent for writing; null stands for a
/// column without lines.
///
/// # Safety
/// There is a row at least, and lines that cover the rows lie there.
#[inline]
pub(crate) unsafe fn mark_lines(lines: *const Line, rows: Range<usize>, now: Version) {
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
    lines.iter().for_each(|line| line.stamp(now));
}

/// Stamps the line of a row that is lent by itself, while nobody else has one of the line;
/// null stands for a column without lines.
///
/// # Safety
/// Lines that cover the row lie there.
#[inline(always)]
pub(crate) unsafe fn mark_line(lines: *const Line, row: usize, now: Version) {
    if !lines.is_null() {
        // SAFETY: the caller's.
        unsafe { &*lines.add(row / LINE_ROWS) }.stamp_row(row, now);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Returns which lines have a tick, among those of `pages` pages.
    fn marked(pages: usize, mark: impl FnOnce(&mut Lines)) -> Vec<usize> {
        let mut lines = Lines::default();
        lines.cover(pages);
        mark(&mut lines);
        let lines = lines.as_slice().iter().enumerate();
        let late = lines.filter(|(_, line)| last(line.word()) == 7);
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
    fn the_line_of_a_row_by_itself_is_marked_and_no_other() {
        for (row, line) in [(0, 0), (15, 0), (16, 1), (PAGE_ROWS, PAGE_LINES)] {
            let mark = |lines: &mut Lines| lines.mark_row(row, Version::new(7));
            assert_eq!(marked(2, mark), [line], "{row}");
            // SAFETY: two pages of lines lie there.
            let by_address = |lines: &mut Lines| unsafe {
                mark_line(lines.first(), row, Version::new(7));
            };
            assert_eq!(marked(2, by_address), [line], "{row}");
        }
        assert_eq!(marked(1, |lines| lines.mark_row(PAGE_ROWS, Version::new(7))), []);
        // SAFETY: null stands for none.
        unsafe { mark_line(std::ptr::null(), 0, Version::new(7)) }
    }

    #[test]
    fn a_line_tells_the_rows_that_were_lent_last_and_how_long_before_others_were() {
        let line = Line::default();
        let told = |row, version| {
            line.stamp_row(row, Version::new(version));
            let word = line.word();
            (last(word), word as u32 >> LINE_ROWS, word as u16)
        };
        assert_eq!(told(3, 10), (10, 10, 1 << 3), "nothing was lent before");
        assert_eq!(told(PAGE_ROWS + 5, 10), (10, 10, 1 << 3 | 1 << 5));
        assert_eq!(told(15, 12), (12, 2, 1 << 15));
        assert_eq!(told(0, 12 + 65_535), (65_547, 65_535, 1));
        assert_eq!(told(1, 200_000), (200_000, 65_535, 2), "there is room for no more");
        line.stamp(Version::new(200_001));
        assert_eq!(told(1, 200_001).1, 0, "others may have been lent then");
        assert_eq!(told(1, 200_002), (200_002, 1, 2));
        line.stamp(Version::new(200_002));
        assert_eq!(told(1, 200_002).1, 0);
        line.stamp(Version::new(u64::from(u32::MAX)));
        assert_eq!(told(2, (1 << 32) + 4), (4, 5, 4), "ticks begin again");
        assert_eq!(told(2, (1 << 32) + 3).1, 0, "earlier than the line");
        assert_eq!(told(2, (1 << 32) + 4), (4, 1, 4));
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
