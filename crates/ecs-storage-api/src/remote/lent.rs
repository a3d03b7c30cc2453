//! What a mirror lent for writing, and what of it was written to.

use ahash::{AHashMap, AHashSet};
use ecs_core::{CodecError, ComponentId, EntityId, ErasedRef};
use twox_hash::XxHash3_128;

use super::copy;
use crate::query::{DynamicQuery, QueryShape, TermAccess};
use crate::storage::Storage;
use crate::update_batch::UpdateBatch;

/// Remembers each value that was lent for writing, as it was.
///
/// Whoever asks for `&mut` seldom writes to everything, and to look at a value
/// costs far less than to send it. So a fingerprint is kept of its bytes, 128
/// bits wide: that one value passes for another is less likely than that memory
/// fails.
#[derive(Debug, Default)]
pub(super) struct Lent {
    /// `None` where a value refused to be encoded: it counts as changed.
    values: AHashMap<(EntityId, ComponentId), Option<u128>>,
    /// Queries all of whose values are noted.
    queries: AHashSet<QueryShape>,
    /// Kept for its memory.
    bytes: Vec<u8>,
}

fn fingerprint(value: ErasedRef<'_>, bytes: &mut Vec<u8>) -> Option<u128> {
    bytes.clear();
    value.as_slice().encode(bytes).ok()?;
    Some(XxHash3_128::oneshot(bytes))
}

impl Lent {
    /// Notes a value that is about to be lent, unless it is noted already.
    pub(super) fn note(&mut self, entity: EntityId, value: ErasedRef<'_>) {
        if !value.info().is_transient() {
            let bytes = &mut self.bytes;
            self.values.entry((entity, value.id())).or_insert_with(|| fingerprint(value, bytes));
        }
    }

    /// Notes all values that a query is about to be lent for writing.
    pub(super) fn note_query<S: Storage>(&mut self, shape: &QueryShape, store: &S) {
        if shape.is_read_only() || self.queries.contains(shape) {
            return;
        }
        let written = shape.terms().iter().filter(|term| term.access == TermAccess::Write);
        let written: Vec<_> = written.map(|term| term.component).collect();
        let reading = DynamicQuery::builder().any_of(vec![shape.matcher().clone()]);
        let reading = written.iter().fold(reading, |query, &id| query.optional_read(id)).build();
        reading
            .and_then(|mut reading| {
                reading.for_each_chunk(store, |chunk| {
                    for column in written.iter().filter_map(|&id| chunk.column(id)) {
                        for (row, &entity) in chunk.ids().iter().enumerate() {
                            let value = column.get(row).expect("a column has a value for each id");
                            self.note(entity, value);
                        }
                    }
                })
            })
            .expect("a query that only reads borrows nothing for writing");
        self.queries.insert(shape.clone());
    }

    /// Tells whether nothing is noted: no query either, to which values may have come
    /// since.
    pub(super) fn is_empty(&self) -> bool {
        self.values.is_empty() && self.queries.is_empty()
    }

    /// Puts a batch together of the values that are not as they were, in
    /// ascending order of entity.
    ///
    /// # Errors
    /// [`CodecError`] if a value can't travel.
    pub(super) fn changes<S: Storage>(&mut self, store: &S) -> Result<UpdateBatch, CodecError> {
        let mut batch = Vec::new();
        for (&(entity, component), &before) in &self.values {
            let Some(value) = store.get_component_erased(entity, component) else { continue };
            let now = fingerprint(value, &mut self.bytes);
            if now.is_none() || now != before {
                batch.push((entity, component, copy::value(value)?));
            }
        }
        batch.sort_unstable_by_key(|&(entity, component, _)| (entity, component));
        let updates = batch.into_iter();
        Ok(updates.fold(UpdateBatch::new(), |batch, (entity, _, value)| {
            batch.update_erased(entity, value)
        }))
    }

    /// Forgets everything: it is where it belongs, or no longer wanted.
    pub(super) fn clear(&mut self) {
        self.values.clear();
        self.queries.clear();
    }
}
