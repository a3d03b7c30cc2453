//! Columns that change hands: Arrow takes the memory in which they lie.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, UInt64Array};
use arrow_buffer::Buffer;
use bytes::Bytes;
use ecs_core::{EntityId, ErasedVec};
use ecs_storage_api::OwnedChunk;

use crate::column::Selected;
use crate::error::ExportError;
use crate::export::Export;

impl Export {
    /// Makes a batch of a chunk, whose ids and columns it takes over. Components
    /// that the query doesn't ask for are dropped; what else it asks, a filter say,
    /// is not looked at.
    ///
    /// # Errors
    /// [`ExportError::Missing`] if the chunk lacks a component that every row must
    /// have; otherwise as [`Export::for_each_batch`].
    ///
    /// # Complexity
    /// Nothing is copied of the ids, nor of components with `pod` whose values are
    /// one number, or an array of numbers: their memory becomes Arrow's. Of others
    /// each value is copied.
    pub fn hand_over(&self, chunk: OwnedChunk) -> Result<RecordBatch, ExportError> {
        let rows = chunk.len();
        let (ids, mut columns) = chunk.into_parts();
        let mut arrays = vec![ids_of(ids)];
        for selected in self.selected() {
            let at = columns.iter().position(|column| column.id() == selected.component);
            add(selected, at.map(|at| columns.swap_remove(at)), rows, &mut arrays)?;
        }
        Ok(RecordBatch::try_new(Arc::clone(self.schema()), arrays)?)
    }
}

fn ids_of(ids: Vec<EntityId>) -> ArrayRef {
    let numbers = Buffer::from(Bytes::from_owner(Ids(ids)));
    Arc::new(UInt64Array::new(numbers.into(), None))
}

fn add(
    selected: &Selected,
    values: Option<ErasedVec>,
    rows: usize,
    arrays: &mut Vec<ArrayRef>,
) -> Result<(), ExportError> {
    let mut column = selected.begin()?;
    match values {
        Some(values) if column.is_memory() => {
            let bytes = Bytes::from_owner(Values(values));
            if !column.adopt(Buffer::from(bytes.clone()), arrays) {
                column.append_bytes(&bytes);
                column.finish(arrays);
            }
        }
        Some(values) => {
            column.append(values.as_slice())?;
            column.finish(arrays);
        }
        None if selected.is_optional => {
            column.append_absent(rows);
            column.finish(arrays);
        }
        None => return Err(ExportError::Missing { component: selected.component }),
    }
    Ok(())
}

/// Ids whose memory is lent as that of numbers.
struct Ids(Vec<EntityId>);

impl AsRef<[u8]> for Ids {
    fn as_ref(&self) -> &[u8] {
        bytemuck::cast_slice(&self.0)
    }
}

/// Values of a component that is plain bytes.
struct Values(ErasedVec);

impl AsRef<[u8]> for Values {
    fn as_ref(&self) -> &[u8] {
        self.0.as_slice().as_bytes().expect("the component is plain bytes")
    }
}
