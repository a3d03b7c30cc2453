//! What batches changed, among all that is different.

use ecs_core::{ComponentId, EntityId, ErasedVec};

use super::net::{Column, Different};
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::row_changes::RowChanges;

impl Different {
    /// Adds what is different, of components by their numbers, to other changes, none of
    /// which is of the same component of the same entity.
    pub(super) fn add_to(self, components: &[ComponentId], changes: &mut RowChanges) {
        let all = components.iter().zip(self.updated).zip(self.inserted).zip(self.removed);
        for (((component, updated), inserted), removed) in all {
            add_column(&mut changes.updated, *component, updated);
            add_column(&mut changes.inserted, *component, inserted);
            add_ids(&mut changes.removed, *component, removed);
        }
    }
}

/// Adds values to the chunk of their component.
fn add_column(chunks: &mut Vec<OwnedChunk>, component: ComponentId, mut column: Column) {
    if column.ids.is_empty() {
        return;
    }
    let place = chunks.binary_search_by_key(&component, |chunk| chunk.columns()[0].id());
    if let Ok(at) = place {
        let (ids, columns) = chunks.remove(at).into_parts();
        let values = columns[0].as_slice();
        column.ids.extend(ids);
        column.bytes.extend_from_slice(values.as_bytes().expect("values of batches are plain"));
    }
    let Column { ids, bytes } = in_order(column, component.info().stride());
    let values = ErasedVec::decode(component.info(), &mut &bytes[..], ids.len());
    let values = values.expect("whole values of plain bytes");
    let chunk = OwnedChunk::with_unchecked_ids(ids, vec![values]);
    let (Ok(at) | Err(at)) = place;
    chunks.insert(at, chunk.expect("a value for each entity"));
}

/// Puts values in the order of their ids, which is not that of their indices where these
/// were given several times.
fn in_order(column: Column, stride: usize) -> Column {
    if column.ids.is_sorted() {
        return column;
    }
    let mut order: Vec<_> = column.ids.iter().copied().zip(0..).collect();
    // Of runs that ascend: a stable sort makes use of them.
    order.sort_by_key(|(id, _): &(EntityId, usize)| *id);
    let values = order.iter().flat_map(|(_, n)| &column.bytes[n * stride..(n + 1) * stride]);
    let bytes = values.copied().collect();
    Column { ids: order.into_iter().map(|(id, _)| id).collect(), bytes }
}

fn add_ids(
    lists: &mut Vec<(ComponentId, Vec<EntityId>)>,
    component: ComponentId,
    mut ids: Vec<EntityId>,
) {
    if ids.is_empty() {
        return;
    }
    match lists.binary_search_by_key(&component, |(known, _)| *known) {
        Ok(at) => {
            lists[at].1.append(&mut ids);
            lists[at].1.sort();
        }
        Err(at) => {
            ids.sort();
            lists.insert(at, (component, ids));
        }
    }
}
