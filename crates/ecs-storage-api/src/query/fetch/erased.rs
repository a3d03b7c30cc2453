//! The columns of a record whose types are known only at run time.

use std::marker::PhantomData;
use std::ptr::NonNull;

use ecs_core::{ComponentId, EntityId, ErasedSlice, ErasedSliceMut};

use super::Word;
use crate::changes::Version;
use crate::directory::{mark_lines, mark_pages, mark_ticks};
use crate::query::records::{RecordBuffer, Records};
use crate::query::shape::{Term, TermAccess};

/// The columns of one record, by number of term.
pub(crate) struct RecordColumns<'w> {
    len: usize,
    ids: *const EntityId,
    /// Which row of its table is the first.
    start: usize,
    /// Each with its first words: where the column lies, and, where it is written, its
    /// pages, ticks and lines.
    terms: Vec<(Term, [Word; 4])>,
    now: Version,
    store: PhantomData<&'w mut [u8]>,
}

impl<'w> RecordColumns<'w> {
    /// Goes through the records, which nobody else does meanwhile, splitting
    /// each by term.
    pub(crate) fn each(records: &'w mut Records<'_>) -> impl Iterator<Item = Self> {
        let (terms, stride) = (records.shape().terms(), records.stride());
        let now = records.window().now;
        records.words().chunks_exact(stride).map(move |record| {
            let mut rest = &record[RecordBuffer::HEAD..];
            let words = |term: &Term| {
                let (words, others) = rest.split_at(term.words());
                rest = others;
                let words = if term.tracked { words } else { &words[..words.len().min(2)] };
                let word = |n| words.get(n).copied().unwrap_or(Word::from_count(0));
                (*term, [word(0), word(1), word(2), word(3)])
            };
            Self {
                len: record[0].count(),
                ids: record[1].0.cast_const().cast(),
                start: record[2].count(),
                terms: terms.iter().map(words).collect(),
                now,
                store: PhantomData,
            }
        })
    }

    pub(crate) fn ids(&self) -> &'w [EntityId] {
        // SAFETY: the record says so, for `'w` (`each`).
        unsafe { std::slice::from_raw_parts(self.ids, self.len) }
    }

    pub(crate) fn read(&self, component: ComponentId) -> Option<ErasedSlice<'_>> {
        let touches =
            |term: &Term| term.component == component && term.access != TermAccess::Presence;
        let (_, [first, ..]) = self.terms.iter().find(|(term, _)| touches(term))?;
        let first = NonNull::new(first.0)?;
        // SAFETY: the record says so (`each`); the borrow of `self` keeps a
        // mutable slice of the same column from living beside it.
        Some(unsafe { ErasedSlice::from_raw(component.info(), first, self.len) })
    }

    pub(crate) fn write(&mut self, component: ComponentId) -> Option<ErasedSliceMut<'_>> {
        let writes = |term: &Term| term.component == component && term.access == TermAccess::Write;
        let (_, [first, pages, ticks, lines]) = self.terms.iter().find(|(term, _)| writes(term))?;
        let first = NonNull::new(first.0)?;
        // SAFETY: the record says so (`each`), and has rows; the term is written, and
        // `self` is borrowed mutably meanwhile.
        unsafe {
            let rows = self.start..self.start + self.len;
            mark_pages(pages.0.cast_const().cast(), rows.clone(), self.now);
            mark_lines(lines.0.cast_const().cast(), rows, self.now);
            mark_ticks(ticks.0.cast(), 0..self.len, self.now);
            Some(ErasedSliceMut::from_raw(component.info(), first, self.len))
        }
    }
}
