//! Copies of what is borrowed, to travel or to stay.

use ecs_core::{
    CodecError, ComponentInfo, ErasedBundle, ErasedRef, ErasedSlice, ErasedValue, ErasedVec,
};

use super::error::RemoteError;
use crate::owned_chunk::OwnedChunk;
use crate::snapshot::StorageImage;
use crate::update_batch::UpdateBatch;

/// Copies values, by cloning them or through their codec.
///
/// # Errors
/// [`CodecError`] with the component's name if it has neither.
pub(super) fn values(values: ErasedSlice<'_>) -> Result<ErasedVec, CodecError> {
    if let Some(copy) = values.try_clone() {
        return Ok(copy);
    }
    let mut bytes = Vec::new();
    values.encode(&mut bytes)?;
    ErasedVec::decode(values.info(), &mut &bytes[..], values.len())
}

/// Copies a value; see [`values`].
pub(super) fn value(value: ErasedRef<'_>) -> Result<ErasedValue, CodecError> {
    Ok(values(value.as_slice())?.pop().expect("the copy of one value is one value"))
}

/// Copies a batch, as far as components are wanted.
pub(super) fn batch(
    batch: &UpdateBatch,
    wanted: impl Fn(&ComponentInfo) -> bool,
) -> Result<UpdateBatch, CodecError> {
    let wanted_copy = |original: &ErasedValue| match wanted(original.info()) {
        true => value(original.as_ref()).map(Some),
        false => Ok(None),
    };
    let mut copy = UpdateBatch::new();
    for spawn in batch.spawns() {
        let mut bundle = ErasedBundle::default();
        for original in spawn.bundle.values() {
            if let Some(value) = wanted_copy(original)? {
                bundle.push(value);
            }
        }
        copy = copy.spawn_erased(spawn.id, bundle);
    }
    for (entity, original) in batch.updates() {
        if let Some(value) = wanted_copy(original)? {
            copy = copy.update_erased(*entity, value);
        }
    }
    for (entity, original) in batch.inserts() {
        if let Some(value) = wanted_copy(original)? {
            copy = copy.insert_erased(*entity, value);
        }
    }
    for &(entity, component) in batch.removes() {
        if wanted(component.info()) {
            copy = copy.remove_erased(entity, component);
        }
    }
    Ok(batch.destroys().iter().fold(copy, |copy, &entity| copy.destroy(entity)))
}

/// Copies what is persistent of an image.
pub(super) fn image(image: &StorageImage) -> Result<StorageImage, RemoteError> {
    let mut chunks = Vec::with_capacity(image.chunks().len());
    for chunk in image.chunks() {
        let persistent = chunk.columns().iter().filter(|column| !column.info().is_transient());
        let columns = persistent.map(|column| values(column.as_slice()));
        let columns = columns.collect::<Result<_, _>>()?;
        let copy = OwnedChunk::with_unchecked_ids(chunk.ids().to_vec(), columns);
        chunks.push(copy.expect("the columns of a chunk make a chunk"));
    }
    let history = image.history().map(|history| history.of_persistent(image.chunks()));
    Ok(StorageImage::new(image.allocator().clone(), chunks)?.with_history(history))
}
