//! Which entities the changes of rows have touched, while somebody wants to know.
//!
//! Entities that come, go, or get other components are noted as that happens. Values
//! that are written are not: their pages are stamped. So one that was written where
//! it was, and is moved from there to fill a gap, is noted too.

use std::ops::Range;
use std::sync::atomic::Ordering;

use ecs_core::{ComponentId, EntityId, ErasedSlice};

use super::{Directory, TableId};
use crate::changes::{PAGE_ROWS, Touched, Version};
use crate::error::StorageError;

/// What was touched since a moment.
#[derive(Debug)]
pub(super) struct Noted {
    since: Version,
    touched: Touched,
}

impl Directory {
    /// Returns which entities were touched after `since`, and notes them from now on;
    /// `None` if it is not from then on that they were noted.
    ///
    /// Beside them only those have changed that are in pages which are stamped later.
    pub fn touched_since(&mut self, since: Version) -> Option<Touched> {
        let now = Noted { since: self.version(), touched: Touched::default() };
        let before = self.noted.replace(Box::new(now));
        self.look_for_rare();
        let before = before?;
        (before.since == since).then_some(before.touched)
    }

    /// Notes entities no longer: nobody wants to know, or rows are to be written in
    /// ways that are not told of.
    pub fn forget_touched(&mut self) {
        self.noted = None;
        self.look_for_rare();
    }

    /// Makes room to note every entity that lives, home ids below `end`, and `foreign`
    /// more ids of other shards, if somebody wants to know.
    ///
    /// # Errors
    /// [`StorageError::OutOfMemory`] if memory is refused.
    pub(super) fn try_reserve_touched(
        &mut self,
        end: usize,
        foreign: usize,
    ) -> Result<(), StorageError> {
        let Some(noted) = self.noted.as_deref_mut() else { return Ok(()) };
        // Who has ended before and was noted has a place already.
        let ended = noted.touched.foreign().filter(|id| !self.foreign.contains_key(id)).count();
        let end = end.max(self.locations.len());
        noted.touched.try_reserve(end, ended + self.foreign.len() + foreign)
    }

    /// Tells whether entities are noted.
    #[inline]
    pub fn notes_touched(&self) -> bool {
        self.noted.is_some()
    }

    /// Tells whether a value in the pages of some rows was written since entities are
    /// noted.
    pub fn is_written(&self, table: TableId, rows: &Range<usize>) -> bool {
        let Some(Noted { since, .. }) = self.noted.as_deref() else { return false };
        let pages = rows.start / PAGE_ROWS..rows.end.div_ceil(PAGE_ROWS);
        self.columns[table.index()].iter().any(|&component| {
            let stamps = self.components[component as usize].pages[table.index()].as_slice();
            // Relaxed: nobody writes values meanwhile.
            stamps[pages.clone()].iter().any(|stamp| stamp.load(Ordering::Relaxed) > since.get())
        })
    }

    /// Returns those of some pages of a table in which values of certain components were
    /// written since entities are noted.
    pub fn written_among(
        &self,
        table: TableId,
        components: &[ComponentId],
        pages: &[usize],
    ) -> Vec<usize> {
        let Some(Noted { since, .. }) = self.noted.as_deref() else { return Vec::new() };
        let mut written = Vec::new();
        for component in components {
            let stamps = self.components[component.index()].pages[table.index()].as_slice();
            // Relaxed: nobody writes values meanwhile.
            let is_later = |page: &&usize| stamps[**page].load(Ordering::Relaxed) > since.get();
            written.extend(pages.iter().filter(is_later));
        }
        written.sort_unstable();
        written.dedup();
        written
    }

    /// Notes that entities lose some components, and get values of others, one for each,
    /// if somebody wants to know; returns false if they are to be noted one by one. They
    /// are listed once, and live.
    ///
    /// If a value that an entity keeps was written where it was before it moves from
    /// there, the entity is to be noted nevertheless.
    pub fn note_batch(
        &mut self,
        entities: &[EntityId],
        lost: &[ComponentId],
        came: &[ErasedSlice<'_>],
    ) -> bool {
        /// So many are told of in batches however few live.
        const FEW: usize = 4096;
        let is_home = !self.has_foreign();
        let most = (self.locations.len() / 2).max(FEW);
        let Some(Noted { touched, .. }) = self.noted.as_deref_mut() else { return false };
        is_home && touched.note_batch(entities, lost, came, most)
    }

    /// Notes entities, if somebody wants to know.
    #[inline]
    pub fn touch_all(&mut self, entities: &[EntityId]) {
        if self.noted.is_some() {
            self.note(entities);
        }
    }

    /// As `touch_all`, one.
    #[inline(always)]
    pub(super) fn touch(&mut self, entity: EntityId) {
        if self.noted.is_some() {
            self.note(&[entity]);
        }
    }

    /// Notes an entity that has left its row of a table, and the one that has filled the gap,
    /// which was in the row `last`.
    pub(super) fn touch_moved(
        &mut self,
        entity: EntityId,
        filler: EntityId,
        table: TableId,
        last: usize,
    ) {
        self.touch_all(&[entity]);
        if self.is_written(table, &(last..last + 1)) {
            self.touch_all(&[filler]);
        }
    }

    /// Notes the entities of rows that are about to leave their table, and what will
    /// fill the gap.
    ///
    /// # Safety
    /// The table has the rows.
    pub(super) unsafe fn touch_rows(&mut self, table: TableId, rows: &Range<usize>) {
        if self.noted.is_none() {
            return;
        }
        let len = self.len(table);
        let fillers = len - rows.len().min(len - rows.end)..len;
        // SAFETY: the caller's; nobody changes ids here.
        unsafe {
            let leaving = self.ids_at(table, rows);
            self.note(leaving);
            if self.is_written(table, &fillers) {
                let fillers = self.ids_at(table, &fillers);
                self.note(fillers);
            }
        }
    }

    #[cold]
    #[inline(never)]
    fn note(&mut self, entities: &[EntityId]) {
        let Some(Noted { touched, .. }) = self.noted.as_deref_mut() else { return };
        for &entity in entities {
            match self.home == entity.high() & Self::SHARD {
                true => touched.note_home(entity.index()),
                false => touched.note_foreign(entity),
            }
        }
    }
}
