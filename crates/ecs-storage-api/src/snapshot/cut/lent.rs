//! A cut, as a backend reads it that takes it in page by page.

use std::sync::Arc;

use ecs_core::{AllocatorState, ComponentId, EntityId};

use super::{CutTable, StorageCut};
use crate::changes::{PAGE_ROWS, RemovalLog, Version};
use crate::snapshot::ages;

/// A table of a cut. Its pages are of [`PAGE_ROWS`] rows, the last of what is left.
#[derive(Debug, Clone, Copy)]
pub struct TableOfCut<'a>(&'a Arc<CutTable>);

/// The values of a column in a page.
#[derive(Debug, Clone, Copy)]
pub struct ValuesOfCut<'a> {
    /// In the component's codec.
    pub bytes: &'a [u8],
    /// When one of them last changed, in the numbers of cuts; zero for never.
    pub version: Version,
    /// When each changed, and came, if that is known.
    pub ticks: Option<[&'a [u32]; 2]>,
}

impl StorageCut {
    /// Returns the state of the allocator.
    pub fn allocator(&self) -> &AllocatorState {
        &self.allocator
    }

    /// Returns the tables, in order.
    pub fn tables(&self) -> impl ExactSizeIterator<Item = TableOfCut<'_>> {
        self.tables.iter().map(TableOfCut)
    }

    /// Returns which components were removed from how many entities.
    pub fn removals(&self) -> impl Iterator<Item = (ComponentId, usize)> + '_ {
        self.removed.iter().map(|(component, removed)| (*component, removed.len()))
    }

    /// Notes the removals in the log of a store that is at `present`.
    pub fn note_removed(&self, log: &mut RemovalLog, present: Version) {
        ages::note_removed(&self.removed, log, present);
    }
}

impl<'a> TableOfCut<'a> {
    /// Returns the components, in ascending order of their ids.
    pub fn components(self) -> &'a [ComponentId] {
        &self.0.components
    }

    /// Returns how many rows there are.
    pub fn rows(self) -> usize {
        self.0.rows
    }

    /// Returns the entities of a page, and when rows last came to it or moved in it,
    /// in the numbers of cuts.
    ///
    /// # Panics
    /// If there is no such page.
    pub fn ids(self, page: usize) -> (&'a [EntityId], Version) {
        let page = self.0.ids.get(page).expect("a page of the table");
        (&page.ids, page.moves.latest())
    }

    /// Returns the values of a page in the n-th column.
    ///
    /// # Panics
    /// If there is no such column or page.
    pub fn values(self, column: usize, page: usize) -> ValuesOfCut<'a> {
        let page = self.0.columns[column].get(page).expect("a page of the table");
        let ticks = page.ticks.as_ref().map(|ticks| ticks.each_ref().map(|ticks| &ticks[..]));
        ValuesOfCut { bytes: &page.values, version: page.versions.latest(), ticks }
    }

    /// Tells whether it is the other one: then so is each page.
    pub fn is(self, other: Self) -> bool {
        Arc::ptr_eq(self.0, other.0)
    }

    /// Tells whether it shares the ids of a page, and when they came, with another
    /// table.
    pub fn shares_ids(self, other: Self, page: usize) -> bool {
        let pages = self.0.ids.get(page).zip(other.0.ids.get(page));
        pages.is_some_and(|(page, other)| Arc::ptr_eq(page, other))
    }

    /// Tells whether it shares the values of a page in the n-th column, and when they
    /// changed, with another table of the same components.
    pub fn shares_values(self, other: Self, column: usize, page: usize) -> bool {
        let [ours, theirs] = [self, other].map(|it| it.0.columns.get(column)?.get(page));
        ours.zip(theirs).is_some_and(|(page, other)| Arc::ptr_eq(page, other))
    }

    /// Returns how many pages there are.
    pub fn pages(self) -> usize {
        self.0.rows.div_ceil(PAGE_ROWS)
    }
}
