//! The columns of a record whose types are known only at run time.

use std::marker::PhantomData;
use std::ptr::NonNull;

use ecs_core::{ComponentId, EntityId, ErasedSlice, ErasedSliceMut};

use super::Word;
use crate::query::records::{RecordBuffer, Records};
use crate::query::shape::{Term, TermAccess};

/// The columns of one record, by number of term.
pub(crate) struct RecordColumns<'w> {
    len: usize,
    ids: *const EntityId,
    terms: Vec<(Term, Word)>,
    store: PhantomData<&'w mut [u8]>,
}

impl<'w> RecordColumns<'w> {
    /// Goes through the records, which nobody else does meanwhile, splitting
    /// each by term.
    pub(crate) fn each(records: &'w mut Records<'_>) -> impl Iterator<Item = Self> {
        let (terms, stride) = (records.shape().terms(), records.stride());
        records.words().chunks_exact(stride).map(move |record| {
            let words = record[RecordBuffer::HEAD..].iter().copied();
            let terms = terms.iter().copied().zip(words).collect();
            Self {
                len: record[0].count(),
                ids: record[1].0.cast_const().cast(),
                terms,
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
        let (_, word) = self.terms.iter().find(|(term, _)| touches(term))?;
        let first = NonNull::new(word.0)?;
        // SAFETY: the record says so (`each`); the borrow of `self` keeps a
        // mutable slice of the same column from living beside it.
        Some(unsafe { ErasedSlice::from_raw(component.info(), first, self.len) })
    }

    pub(crate) fn write(&mut self, component: ComponentId) -> Option<ErasedSliceMut<'_>> {
        let writes = |term: &Term| term.component == component && term.access == TermAccess::Write;
        let (_, word) = self.terms.iter().find(|(term, _)| writes(term))?;
        let first = NonNull::new(word.0)?;
        // SAFETY: the record says so (`each`), the term is written, and `self` is
        // borrowed mutably meanwhile.
        Some(unsafe { ErasedSliceMut::from_raw(component.info(), first, self.len) })
    }
}
