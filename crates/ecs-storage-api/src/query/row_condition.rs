//! What a query asks of single rows: whether they changed, or came.

use std::ops::Range;
use std::sync::atomic::{AtomicU64, Ordering};

use ecs_core::ComponentId;

use super::matcher::Matcher;
use crate::changes::{Changes, PAGE_ROWS, Version};
use crate::directory::{LateLines, LineWord, late_ticks};

/// A condition on the rows of a table that matches otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum RowCondition {
    /// The value of a component changed.
    Changed(ComponentId),
    /// The value of a component came.
    Added(ComponentId),
    /// The table meets a condition.
    Table(Matcher),
    /// All hold.
    All(Vec<RowCondition>),
    /// One holds.
    Any(Vec<RowCondition>),
}

/// What is known of a table's changes: when rows came or were moved, a version a
/// page, and the changes of a column. `None` stands for what is not known, which
/// counts as changed.
pub(crate) trait TableChanges {
    /// Tells whether the table has a component.
    fn has(&self, component: ComponentId) -> bool;

    /// Returns when rows of each page came or were moved.
    fn moves(&self) -> Option<&[AtomicU64]>;

    /// Returns the changes of a column that is there.
    fn column(&self, component: ComponentId) -> Option<Changes<'_>>;

    /// Returns of a tracked column what its lines know, if it has some.
    fn lines(&self, component: ComponentId) -> Option<&[LineWord]>;
}

/// The rows of a page, a bit each.
type Mask = [u64; PAGE_ROWS / 64];

/// A condition, with what it asks for in one table at hand.
enum Resolved<'a> {
    Always,
    Never,
    /// All rows of the pages that changed.
    Pages(Pages<'a>),
    /// The rows whose tick is late enough, in the pages that changed.
    Rows(Pages<'a>, Ticks<'a>),
    All(Vec<Resolved<'a>>),
    Any(Vec<Resolved<'a>>),
}

/// The ticks of a column's rows, and what its lines know, where there are such.
#[derive(Clone, Copy)]
struct Ticks<'a> {
    rows: &'a [u32],
    lines: Option<Lines<'a>>,
}

/// What the lines of a column know.
#[derive(Clone, Copy)]
struct Lines<'a> {
    words: &'a [LineWord],
    /// Whether it is asked which values came: of these, lines know only that there are none.
    came: bool,
}

/// The versions of a column's pages, and those of rows that came.
#[derive(Clone, Copy)]
struct Pages<'a> {
    values: &'a [AtomicU64],
    moves: Option<&'a [AtomicU64]>,
}

impl Pages<'_> {
    /// Tells whether something in a page changed. What is not known counts as
    /// changed.
    #[inline]
    fn changed(&self, page: usize, since: Version) -> bool {
        let late = |pages| is_late(pages, page, since);
        late(self.values) || self.moves.is_some_and(late)
    }

    /// Tells whether it is known that no row of a page came or was moved.
    #[inline]
    fn stayed(&self, page: usize, since: Version) -> bool {
        self.moves.is_some_and(|moves| !is_late(moves, page, since))
    }
}

/// Tells whether a page is later. What is not known counts as later.
#[inline]
fn is_late(pages: &[AtomicU64], page: usize, since: Version) -> bool {
    // Relaxed: who wrote has ended, or the store could not be asked.
    let version = pages.get(page).map(|version| version.load(Ordering::Relaxed));
    version.is_none_or(|version| since.is_before_page(version))
}

impl<'a> Ticks<'a> {
    /// Returns the lines, if they tell which rows of a page to look at: rows that
    /// came or were moved have brought ticks of which their lines know nothing.
    #[inline]
    fn lines_of(&self, pages: &Pages<'_>, page: usize, since: Version) -> Option<&Lines<'a>> {
        self.lines.as_ref().filter(|_| pages.stayed(page, since))
    }
}

impl Lines<'_> {
    /// Returns which of a page are late.
    #[inline]
    fn late(&self, page: usize, since: Version) -> LateLines {
        let late = LateLines::of(self.words, page, since);
        if self.came { late.all_untold() } else { late }
    }
}

impl RowCondition {
    /// Tells whether the condition asks for a component.
    pub(crate) fn names(&self, component: ComponentId) -> bool {
        match self {
            Self::Changed(asked) | Self::Added(asked) => *asked == component,
            Self::Table(_) => false,
            Self::All(all) | Self::Any(all) => all.iter().any(|one| one.names(component)),
        }
    }

    /// Gives the runs of rows of a table that meet the condition to `each`, in
    /// order; returns how many rows were looked at.
    ///
    /// # Complexity
    /// O(pages); of those in which tracked values may have changed O(lines), and O(rows)
    /// of the lines that have, or of pages to which rows came.
    pub(crate) fn select(
        &self,
        table: &impl TableChanges,
        rows: usize,
        since: Version,
        each: impl FnMut(Range<usize>),
    ) -> usize {
        let mut runs = Runs { last: 0..0, next: (0, LateLines::default()), each };
        let resolved = self.resolve(table, since);
        let mut visited = 0;
        for (page, start) in (0..rows).step_by(PAGE_ROWS).enumerate() {
            let len = PAGE_ROWS.min(rows - start);
            match resolved.page(page, since) {
                Some(false) => {}
                Some(true) => {
                    visited += len;
                    runs.add(start..start + len);
                }
                None => {
                    visited += len;
                    resolved.add_late(&mut runs, page, start..start + len, since);
                }
            }
        }
        runs.end();
        visited
    }

    fn resolve<'a>(&self, table: &'a impl TableChanges, since: Version) -> Resolved<'a> {
        let column = |component, came: bool| {
            if !table.has(component) {
                return Resolved::Never;
            }
            match table.column(component) {
                Some(changes) if since != Version::ZERO => {
                    let pages = Pages { values: changes.pages, moves: table.moves() };
                    match changes.ticks {
                        Some((changed, added)) => {
                            let rows = if came { added } else { changed };
                            let lines = table.lines(component).map(|words| Lines { words, came });
                            Resolved::Rows(pages, Ticks { rows, lines })
                        }
                        None => Resolved::Pages(pages),
                    }
                }
                _ => Resolved::Always,
            }
        };
        match self {
            Self::Changed(component) => column(*component, false),
            Self::Added(component) => column(*component, true),
            Self::Table(matcher) if matcher.matches(&|id| table.has(id)) => Resolved::Always,
            Self::Table(_) => Resolved::Never,
            Self::All(all) => {
                Resolved::All(all.iter().map(|one| one.resolve(table, since)).collect())
            }
            Self::Any(all) => {
                Resolved::Any(all.iter().map(|one| one.resolve(table, since)).collect())
            }
        }
    }
}

impl Resolved<'_> {
    /// Tells whether all rows of a page meet the condition, or none; `None` if
    /// that is to be asked of each.
    fn page(&self, page: usize, since: Version) -> Option<bool> {
        match self {
            Self::Always => Some(true),
            Self::Never => Some(false),
            Self::Pages(pages) => Some(pages.changed(page, since)),
            Self::Rows(pages, _) => {
                if pages.changed(page, since) {
                    None
                } else {
                    Some(false)
                }
            }
            Self::All(all) => all
                .iter()
                .try_fold(true, |so_far, one| match one.page(page, since) {
                    Some(false) => Err(Some(false)),
                    answer => Ok(so_far && answer == Some(true)),
                })
                .map_or_else(|none| none, |every| every.then_some(true)),
            Self::Any(all) => all
                .iter()
                .try_fold(false, |so_far, one| match one.page(page, since) {
                    Some(true) => Err(Some(true)),
                    answer => Ok(so_far || answer.is_none()),
                })
                .map_or_else(|every| every, |some| if some { None } else { Some(false) }),
        }
    }

    /// Adds the rows of a page that meet the condition, which is to be asked of each.
    fn add_late<F: FnMut(Range<usize>)>(
        &self,
        runs: &mut Runs<F>,
        page: usize,
        rows: Range<usize>,
        since: Version,
    ) {
        if let Self::Rows(pages, ticks) = self
            && let Some(lines) = ticks.lines_of(pages, page, since)
        {
            // At once, and not by a mask, most of which would be empty.
            return runs.add_late(ticks.rows, lines, page, rows, since);
        }
        runs.add_mask(&self.mask(page, rows.clone(), since), rows.start);
    }

    /// Tells of each row of a page whether it meets the condition. Of rows that are
    /// not there it says no, whatever others have made of the pages since they were
    /// asked before.
    fn mask(&self, page: usize, rows: Range<usize>, since: Version) -> Mask {
        match self {
            Self::Always | Self::Never | Self::Pages(_) => match self.page(page, since) {
                Some(true) => first_rows(rows.len()),
                _ => [0; PAGE_ROWS / 64],
            },
            Self::Rows(pages, ticks) => {
                let mut mask = [0; PAGE_ROWS / 64];
                match ticks.lines_of(pages, page, since) {
                    _ if !pages.changed(page, since) => {}
                    Some(lines) => {
                        let late = lines.late(page, since);
                        late.rows(&ticks.rows[rows], lines.words, page, since, |row, late| {
                            mask[row / 64] |= late << (row % 64);
                        });
                    }
                    None => late_ticks(&ticks.rows[rows], since, &mut mask),
                }
                mask
            }
            Self::All(all) => {
                let masks = all.iter().map(|one| one.mask(page, rows.clone(), since));
                masks.fold(first_rows(rows.len()), |a, b| std::array::from_fn(|n| a[n] & b[n]))
            }
            Self::Any(all) => {
                let masks = all.iter().map(|one| one.mask(page, rows.clone(), since));
                masks.fold([0; PAGE_ROWS / 64], |a, b| std::array::from_fn(|n| a[n] | b[n]))
            }
        }
    }
}

/// Returns the mask of so many rows.
fn first_rows(rows: usize) -> Mask {
    std::array::from_fn(|word| match rows.saturating_sub(word * 64) {
        0 => 0,
        rows @ 1..64 => (1 << rows) - 1,
        _ => !0,
    })
}

/// Rows that follow each other, told as one run.
struct Runs<F> {
    last: Range<usize>,
    /// Which lines of a page are late, if that is known of one: the next.
    next: (usize, LateLines),
    each: F,
}

impl<F: FnMut(Range<usize>)> Runs<F> {
    fn add(&mut self, rows: Range<usize>) {
        if rows.start == self.last.end && !self.last.is_empty() {
            self.last.end = rows.end;
        } else {
            self.end();
            self.last = rows;
        }
    }

    fn add_mask(&mut self, mask: &Mask, start: usize) {
        let mut last = std::mem::take(&mut self.last);
        for (n, &word) in mask.iter().enumerate() {
            add_bits(&mut last, &mut self.each, start + n * 64, word);
        }
        self.last = last;
    }

    /// Adds the rows of a page that changed, by the ticks of its lines.
    fn add_late(
        &mut self,
        ticks: &[u32],
        lines: &Lines<'_>,
        page: usize,
        rows: Range<usize>,
        since: Version,
    ) {
        // The first page is nobody's next.
        let late = match self.next {
            (next, late) if next == page && page != 0 => late,
            _ => lines.late(page, since),
        };
        // Asked for while this page is looked through: which are late can't be foreseen.
        let next = lines.late(page + 1, since);
        next.ask_for_ticks(ticks.as_ptr().wrapping_add(rows.start + PAGE_ROWS));
        self.next = (page + 1, next);
        let mut last = std::mem::take(&mut self.last);
        late.rows(&ticks[rows.clone()], lines.words, page, since, |row, late| {
            add_bits(&mut last, &mut self.each, rows.start + row, late);
        });
        self.last = last;
    }

    /// Tells the last run. Not inline: only the loops over bits are to be large.
    #[inline(never)]
    fn end(&mut self) {
        if !self.last.is_empty() {
            (self.each)(std::mem::take(&mut self.last));
        }
    }
}

/// Adds the rows from `start` on whose bits are set to the last run, and gives each that
/// ends to `each`.
#[inline(always)]
fn add_bits(
    last: &mut Range<usize>,
    each: &mut impl FnMut(Range<usize>),
    start: usize,
    mut bits: u64,
) {
    while bits != 0 {
        let first = bits.trailing_zeros();
        let count = (bits >> first).trailing_ones();
        let at = start + first as usize;
        if at != last.end {
            if last.start != last.end {
                each(last.clone());
            }
            last.start = at;
        }
        last.end = at + count as usize;
        // The run is the lowest there is: carrying over it clears it.
        bits &= bits.wrapping_add(1 << first);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_mask_has_no_rows_that_are_not_there_whatever_the_pages_say_by_then() {
        let (now, ticks) = ([AtomicU64::new(9)], [9, 1, 9, 1, 9, 1, 1, 1, 1, 9]);
        let pages = Pages { values: &now, moves: None };
        let ticks = Ticks { rows: &ticks, lines: None };
        let (page, rows) = (Resolved::Pages(pages), Resolved::Rows(pages, ticks));
        let mask = |of: &Resolved<'_>| of.mask(0, 0..10, Version::new(5));
        let only = |bits| std::array::from_fn(|word| if word == 0 { bits } else { 0 });
        assert_eq!(mask(&page), only(0b11_1111_1111));
        assert_eq!(mask(&rows), only(0b10_0001_0101));
        let both = [page, rows];
        assert_eq!(mask(&Resolved::All(both.into())), only(0b10_0001_0101));
        let both = [Resolved::Pages(pages), Resolved::Rows(pages, ticks)];
        assert_eq!(mask(&Resolved::Any(both.into())), only(0b11_1111_1111));
        assert_eq!(mask(&Resolved::All(Vec::new())), only(0b11_1111_1111));
        assert_eq!(first_rows(70)[..3], [!0, 0b11_1111, 0]);
        assert_eq!(first_rows(PAGE_ROWS), [!0; PAGE_ROWS / 64]);
    }
}
