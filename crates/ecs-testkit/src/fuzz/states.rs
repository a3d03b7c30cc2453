//! States where deltas and journals begin, and what is changed of them.

use ecs_storage_api::snapshot::StorageCut;
use ecs_storage_api::{Storage, StorageExt};

use crate::components::{Marker, Name, Position, Velocity};
use crate::differential::Make;

/// Makes a state to begin with: of so many rows, and a few of other tables.
pub(super) fn base<S: Storage>(make: Make<'_, S>, rows: i32) -> S {
    let mut storage = make();
    let all = storage.create_many((0..rows).map(|n| Position(n, n))).expect("there are ids");
    storage.create_many((0..6).map(|n| (Velocity(n, n), Name("n".into())))).expect("ids");
    storage.create_many((0..3).map(|_| Marker)).expect("there are ids");
    storage.destroy_batch(&all[..4]).expect("they live");
    storage.reserve_entities(2).expect("there are ids");
    storage
}

pub(super) fn cut<S: Storage>(storage: &S) -> StorageCut {
    StorageCut::of(storage).expect("the kit's components can be encoded")
}

/// A change of a state, by name.
pub(super) type Change<S> = (&'static str, fn(&mut S));

/// Returns changes of whatever a [`base`] has become by others of them.
pub(super) fn changes<S: Storage>() -> [Change<S>; 5] {
    [
        ("nothing", |_| {}),
        ("value", |storage| {
            let last = storage.all_entities().last().expect("there are some");
            storage.insert(last, Position(9, 9)).expect("it lives");
        }),
        ("births", |storage| {
            storage.create_many((0..4).map(|n| (Position(n, 0), Name("new".into())))).expect("ids");
            storage.create(Marker).expect("there are ids");
        }),
        ("deaths", |storage| {
            // The last rows of the first table, and those of the next.
            let count = storage.entity_count();
            let all: Vec<_> = storage.all_entities().skip(count - 15).take(12).collect();
            storage.destroy_batch(&all).expect("they live");
        }),
        ("moves", |storage| {
            let count = storage.entity_count();
            let all: Vec<_> = storage.all_entities().skip(count - 8).collect();
            for entity in all {
                storage.remove_component::<Name>(entity).expect("it lives");
                storage.insert(entity, Velocity(1, 2)).expect("it lives");
            }
        }),
    ]
}
