//! Rows as they will be once the journal is folded into them.

use std::collections::BTreeSet;

use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::snapshot::Folded;
use ecs_storage_api::{OwnedChunk, RemoteError};

use super::sorting::Column;
use crate::rows::signed;

/// Returns who lives, in the order of signed ids.
pub(super) fn ids(mut ids: Vec<EntityId>, beyond: Option<&Folded>) -> Vec<EntityId> {
    if let Some(beyond) = beyond {
        ids.retain(|entity| !has(&beyond.died, *entity));
        ids.extend_from_slice(&beyond.born);
        ids.sort_by_key(|entity| signed(*entity));
    }
    ids
}

/// Returns the components of which the journal has values.
pub(super) fn components(beyond: &Folded) -> BTreeSet<ComponentId> {
    let chunks = beyond.updated.iter().chain(&beyond.inserted);
    chunks.flat_map(OwnedChunk::columns).map(|column| column.id()).collect()
}

/// Returns a column of those who live.
pub(super) fn column(column: Column, beyond: Option<&Folded>) -> Result<Column, RemoteError> {
    let Some(beyond) = beyond else { return Ok(column) };
    let Column { component, ids, mut bytes, ends } = column;
    let removed = beyond.removed.iter().find(|(of, _)| *of == component);
    let removed = removed.map_or(&[][..], |(_, entities)| entities);
    let of_it = |chunks: &'_ [OwnedChunk]| {
        chunks.iter().position(|chunk| chunk.column(component).is_some())
    };
    let updated = of_it(&beyond.updated).map(|at| &beyond.updated[at]);
    let inserted = of_it(&beyond.inserted).map(|at| &beyond.inserted[at]);
    let replaced = updated.map_or(&[][..], OwnedChunk::ids);
    let stays = |entity: EntityId| {
        !has(&beyond.died, entity) && !has(removed, entity) && !has(replaced, entity)
    };
    let starts = std::iter::once(0).chain(ends.iter().copied());
    let known = ids.iter().copied().zip(starts.zip(ends.iter().copied()));
    let mut rows: Vec<_> = known.filter(|(entity, _)| stays(*entity)).collect();
    for chunk in updated.into_iter().chain(inserted) {
        let values = chunk.column(component).expect("it was found by that");
        for (row, entity) in chunk.ids().iter().enumerate() {
            let start = bytes.len();
            values.range(row, 1).expect("a value for each entity").encode(&mut bytes)?;
            rows.push((*entity, (start, bytes.len())));
        }
    }
    rows.sort_by_key(|(entity, _)| signed(*entity));
    let mut merged = Column::new(component);
    for (entity, (start, end)) in rows {
        merged.ids.push(entity);
        merged.bytes.extend_from_slice(&bytes[start..end]);
        merged.ends.push(merged.bytes.len());
    }
    Ok(merged)
}

fn has(ascending: &[EntityId], entity: EntityId) -> bool {
    ascending.binary_search(&entity).is_ok()
}
