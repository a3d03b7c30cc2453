//! Several values that panic as everything is replaced, or the store is dropped.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::{Storage, StorageExt};
use ecs_testkit::components::{Fuse, Ledger};

fn several_are_one(make: impl Fn() -> Box<dyn Storage>) {
    let (ledger, fuse) = (Ledger::default(), Fuse::default());
    let full = || {
        let mut storage = make();
        storage.create_many((0..10).map(|_| (ledger.bomb(&fuse), ledger.counted()))).unwrap();
        storage
    };
    let mut storage = full();
    let saved = storage.snapshot().unwrap();
    fuse.light_for(3);
    let restored = catch_unwind(AssertUnwindSafe(|| storage.restore(&saved)));
    assert!(restored.is_err(), "a panic reaches the caller");
    assert_eq!((fuse.left(), ledger.alive()), (0, 0));
    drop(storage);
    let storage = full();
    fuse.light_for(10);
    assert!(catch_unwind(AssertUnwindSafe(|| drop(storage))).is_err());
    assert_eq!((fuse.left(), ledger.alive()), (0, 0));
}

#[test]
fn several_panics_in_the_archetypes_are_one() {
    several_are_one(|| Box::new(ArchetypeStorage::new(0)));
}

#[test]
fn several_panics_in_the_oracle_are_one() {
    several_are_one(|| Box::new(LocalStorage::new(0)));
}
