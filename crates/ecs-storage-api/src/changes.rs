//! When what changed: versions, the pages that keep them, and what was removed.
//!
//! A store numbers its own history. Each write is stamped with the version of
//! the moment, a page of rows at a time: that costs nothing in a loop over rows.
//! A component that asks for it ([`Component::TRACK`](ecs_core::Component::TRACK))
//! has the last 32 bits of the version beside each row as well.

mod batches;
mod removed;
mod touched;

use std::fmt;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::directory::Line;

pub(crate) use batches::{Batches, LARGE};
pub use removed::{RemovalLog, Removed};
pub use touched::Touched;

/// Rows of a table that share one version a column.
pub const PAGE_ROWS: usize = 1024;

/// Rows of a tracked column that share a [`Line`] beside ticks of their own.
pub const LINE_ROWS: usize = 16;

/// Numbers the moments of a store's history; [`Version::ZERO`] is before
/// everything.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
#[repr(transparent)]
pub struct Version(u64);

impl Version {
    /// Before everything: all that there is has changed since. As the version of
    /// a store it says that the store does not keep any.
    pub const ZERO: Self = Self(0);
    /// The version of a store in which nothing has happened yet.
    pub const FIRST: Self = Self(1);

    /// Makes the version of a number.
    #[inline]
    pub const fn new(number: u64) -> Self {
        Self(number)
    }

    /// Returns the number.
    #[inline]
    pub const fn get(self) -> u64 {
        self.0
    }

    /// Returns the version after this.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0 + 1)
    }

    /// Returns what is kept of a version beside a row: its last 32 bits.
    #[inline]
    pub const fn tick(self) -> u32 {
        self.0 as u32
    }

    /// Tells whether a page or an entity that was stamped with `stamp` has
    /// changed since this version.
    #[inline]
    pub(crate) fn is_before_page(self, stamp: u64) -> bool {
        stamp > self.0 || self == Self::ZERO
    }

    /// Tells whether a row that was stamped with `tick` has changed since this
    /// version.
    ///
    /// The distance wraps. Of versions that are nearer than 2^31 to each other
    /// one no change is missed ([`Window::at`] sees to the others); a row that
    /// has not changed for longer than that may count as changed.
    #[inline]
    pub(crate) fn is_before_row(self, tick: u32) -> bool {
        (self.tick().wrapping_sub(tick) as i32) < 0 || self == Self::ZERO
    }
}

impl fmt::Display for Version {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

/// Returns a number that nobody else in the process gets, for
/// [`Storage::identity`](crate::Storage::identity).
pub fn new_identity() -> u64 {
    static NEXT: AtomicU64 = AtomicU64::new(1);
    // Relaxed: only uniqueness matters.
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// What a query takes for new, and how it stamps what it writes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct Window {
    /// What is stamped with a later version has changed.
    pub since: Version,
    /// What the query writes is stamped with this.
    pub now: Version,
}

impl Window {
    /// Fits the window to a store whose present version is given: a time that is
    /// too long ago for the few bits beside a row counts as the beginning.
    #[inline]
    pub(crate) fn at(self, present: Version) -> Self {
        // Systems of a segment write at versions of their own, which are ahead of the
        // store's: there is room for as many.
        const FAR: u64 = (1 << 31) - (1 << 24);
        if present == Version::ZERO {
            return Self::default();
        }
        let far = present.0.saturating_sub(self.since.0) >= FAR;
        Self { since: if far { Version::ZERO } else { self.since }, now: self.now }
    }

    /// Returns the window of a query that asks for no changes.
    #[inline]
    pub(crate) fn plain(present: Version) -> Self {
        Self { since: Version::ZERO, now: present }
    }
}

/// What a backend knows of when the values of a column changed, for reading; see
/// [`ReadSink::push_tracked`](crate::ReadSink::push_tracked).
#[derive(Debug, Clone, Copy)]
pub struct Changes<'a> {
    /// A version a page of [`PAGE_ROWS`] rows: when one of its values was last
    /// lent for writing.
    pub pages: &'a [AtomicU64],
    /// Of a tracked component: the ticks at which each value changed, and came.
    pub ticks: Option<(&'a [u32], &'a [u32])>,
}

/// As [`Changes`], for writing; see
/// [`WriteSink::push_tracked`](crate::WriteSink::push_tracked).
#[derive(Debug)]
pub struct ChangesMut<'a> {
    /// As [`Changes::pages`].
    pub pages: &'a [AtomicU64],
    /// As [`Changes::ticks`].
    pub ticks: Option<(&'a mut [u32], &'a [u32])>,
    /// Of a tracked component of which a [directory](crate::Directory) tells: one for each
    /// [`LINE_ROWS`] rows, which is stamped as well.
    pub lines: Option<&'a [Line]>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tick_that_wraps_is_still_after_what_was_before() {
        let before = Version(u64::from(u32::MAX));
        assert!(before.is_before_row(Version(before.0 + 1).tick()));
        assert!(!before.is_before_row(before.tick()) && !before.is_before_row(before.tick() - 1));
        assert!(Version(before.0 + 5).next() > before);
    }

    #[test]
    fn what_is_too_long_ago_for_ticks_counts_as_the_beginning() {
        let window = Window { since: Version(7), now: Version(9) };
        assert_eq!(window.at(Version(10)), window);
        let late = window.at(Version(7 + (1 << 31)));
        assert_eq!(late, Window { since: Version::ZERO, now: Version(9) });
        assert!(late.since.is_before_row(3), "everything has changed since the beginning");
        assert_eq!(window.at(Version::ZERO), Window::default(), "a store without versions");
    }
}
