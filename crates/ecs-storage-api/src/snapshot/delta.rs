//! Deltas: what is different between two cuts.
//!
//! A delta holds the pages that changed, which tables and rows there are, and what
//! the allocator gave and took; its size and time follow what changed. It names the
//! state that it begins with and the one it leads to by their
//! [digests](StorageCut::digest), so it can't be applied to another one, and what it
//! gives is checked. Deltas that follow each other can be made one, without a base.

mod allocator;
mod bytes;
mod table;

use std::fmt;

use ecs_core::{ComponentId, EntityId};

pub(super) use self::allocator::AllocatorDelta;
use self::table::TableDelta;
use super::ages::Age;
use super::cut::{Earlier, StorageCut};
use super::error::SnapshotError;
use crate::changes::Version;

/// What is different between two cuts of a store.
#[derive(Clone)]
pub struct StorageDelta {
    /// The digests of the states that it begins with, and that it leads to.
    base: u64,
    next: u64,
    /// How many versions there are between them.
    elapsed: i64,
    /// How many versions there were in all.
    span: u64,
    allocator: AllocatorDelta,
    /// All that was removed lately, as in a cut.
    removed: Vec<(ComponentId, Vec<(Age, EntityId)>)>,
    /// Of each table afterwards, in order.
    tables: Vec<TableDelta>,
}

impl StorageDelta {
    /// Finds out what is different between two cuts, mostly of the same store.
    ///
    /// # Complexity
    /// O(pages), and the bytes of pages that are not shared.
    pub fn between(base: &StorageCut, next: &StorageCut) -> Self {
        let elapsed = between(base.span(), next.span());
        let mut earlier = Earlier::of(&base.tables);
        let mut tables = Vec::new();
        for table in &next.tables {
            let from = earlier.next_place(&table.components);
            TableDelta::between(base, from, next, table, elapsed).push_to(&mut tables);
        }
        Self {
            tables,
            base: base.digest(),
            next: next.digest(),
            elapsed,
            span: next.span(),
            allocator: AllocatorDelta::between(&base.allocator, &next.allocator),
            removed: next.removed.clone(),
        }
    }

    /// Returns the digest of the cut that it begins with.
    pub fn base(&self) -> u64 {
        self.base
    }

    /// Returns the digest of the cut that it leads to.
    pub fn next(&self) -> u64 {
        self.next
    }

    /// Makes one of this delta and the one that follows it. Pages that both change
    /// are there once.
    ///
    /// # Errors
    /// [`SnapshotError::OtherBase`] if that begins with another state than this one
    /// leads to.
    pub fn then(&self, later: &Self) -> Result<Self, SnapshotError> {
        if later.base != self.next {
            return Err(SnapshotError::OtherBase { expected: later.base, found: self.next });
        }
        // The later one may begin with another cut of the same state, at another version.
        let elapsed = between(self.span, later.span);
        Ok(Self {
            tables: table::compose(&self.tables, &later.tables, elapsed)?,
            base: self.base,
            next: later.next,
            elapsed: self.elapsed.saturating_add(elapsed),
            span: later.span,
            allocator: self.allocator.then(&later.allocator)?,
            removed: later.removed.clone(),
        })
    }

    /// Returns the state that it leads to, from the one that it begins with.
    ///
    /// # Errors
    /// [`SnapshotError::OtherBase`] if `base` is another state,
    /// [`SnapshotError::Damaged`] if the delta does not fit it, and
    /// [`SnapshotError::OtherResult`] if the result is not what it should be.
    ///
    /// # Complexity
    /// O(pages), and the bytes of pages that no digest was made of yet.
    pub fn apply(&self, base: &StorageCut) -> Result<StorageCut, SnapshotError> {
        let found = base.digest();
        if found != self.base {
            return Err(SnapshotError::OtherBase { expected: self.base, found });
        }
        // In a frame of its own, whose history begins at one; without a history, at nothing.
        let version = Version::new(self.span);
        let mut taken = vec![false; base.tables.len()];
        let mut tables = Vec::new();
        // The version of the base may have risen since, without any change.
        let elapsed = between(base.span(), self.span);
        for table in &self.tables {
            table.apply(base, elapsed, version.next(), &mut taken, &mut tables)?;
        }
        let allocator = self.allocator.apply(&base.allocator)?;
        let next = StorageCut::new(version, allocator, self.removed.clone(), tables);
        match next.digest() {
            found if found == self.next => Ok(next),
            found => Err(SnapshotError::OtherResult { expected: self.next, found }),
        }
    }
}

/// Returns how many versions there are between two spans of one history.
fn between(base: u64, next: u64) -> i64 {
    next.wrapping_sub(base) as i64
}

fn damaged(what: impl Into<String>) -> SnapshotError {
    SnapshotError::Damaged { at: 0, what: what.into() }
}

impl fmt::Debug for StorageDelta {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("StorageDelta")
            .field("base", &format_args!("{:016x}", self.base))
            .field("next", &format_args!("{:016x}", self.next))
            .field("tables", &self.tables.len())
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_delta_that_leads_elsewhere_says_where() {
        let nothing = StorageCut::with_identity(1, Version::new(1));
        let mut delta = StorageDelta::between(&nothing, &nothing);
        assert_eq!(delta.apply(&nothing).unwrap().digest(), nothing.digest());
        delta.next ^= 1;
        match delta.apply(&nothing).unwrap_err() {
            SnapshotError::OtherResult { expected, found } => {
                assert_eq!([expected, found], [nothing.digest() ^ 1, nothing.digest()]);
            }
            other => panic!("{other}"),
        }
    }
}
