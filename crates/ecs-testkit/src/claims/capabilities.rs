//! Capabilities: what a backend says of itself is what it does.

use ecs_storage_api::{Storage, StorageExt, UpdateBatch};

use super::state;
use crate::Make;
use crate::components::{Name, Position};

/// `contiguous`: entities with the same components come as one chunk.
pub fn chunks_are_as_long_as_is_said(make: Make<'_>) {
    let mut storage = make();
    storage.create_many((0..100).map(|n| Position(n, n))).unwrap();
    let longest = storage
        .query_as::<&Position, ()>()
        .chunks()
        .map(|chunk| chunk.len())
        .max()
        .expect("there are entities");
    assert_eq!(longest == 100, storage.capabilities().contiguous, "the longest has {longest} rows");
}

/// `parallel`: the directory is lent for writing too, at every call.
pub fn a_directory_is_lent_if_parallel_access_is_said(make: Make<'_>) {
    let mut storage = make();
    for _ in 0..3 {
        let lent = storage.directory().is_some() && storage.directory_mut().is_some();
        assert_eq!(lent, storage.capabilities().parallel);
        storage.create(Position(1, 1)).unwrap();
    }
}

/// `atomic_batches`: of a batch that fails at its end nothing has happened.
pub fn batches_are_as_atomic_as_is_said(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().atomic_batches {
        return;
    }
    let a = storage.create(Position(1, 1)).unwrap();
    let b = storage.create((Position(2, 2), Name("b".into()))).unwrap();
    let dead = storage.create_entity().unwrap();
    storage.destroy_entity(dead).unwrap();
    let before = (state(&*storage), storage.allocator_state());
    let batch = UpdateBatch::new()
        .spawn(Position(3, 3))
        .update(a, Position(4, 4))
        .insert(a, Name("a".into()))
        .remove::<Name>(b)
        .destroy(dead);
    assert!(storage.apply_updates(batch).is_err());
    assert_eq!((state(&*storage), storage.allocator_state()), before);
}
