//! Several values that panic as everything is replaced, or the store is dropped; and one
//! that panics while another panic unwinds.

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};

use ecs_archetype::ArchetypeStorage;
use ecs_core::{Component, Description};
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

/// A value that panics as it is dropped, also while another panic unwinds.
struct Mine;

impl Component for Mine {
    fn describe() -> Description<Self> {
        Description::transient("panics::Mine")
    }
}

impl Drop for Mine {
    fn drop(&mut self) {
        resume_unwind(Box::new(Again));
    }
}

/// What a [`Mine`] throws: it throws again when it is dropped. It takes no memory, so
/// that who forgets it leaks none.
struct Again;

impl Drop for Again {
    fn drop(&mut self) {
        resume_unwind(Box::new("again"));
    }
}

/// Returns what a run throws in the end.
fn thrown(run: impl FnOnce()) -> &'static str {
    let panic = catch_unwind(AssertUnwindSafe(run)).expect_err("a panic reaches the caller");
    panic.downcast_ref().copied().expect("it is the first one")
}

#[test]
fn a_store_that_is_dropped_while_a_panic_unwinds_lets_no_other_out() {
    fn dropped(mut storage: impl Storage) {
        storage.create_many((0..3).map(|_| (Mine,))).unwrap();
        assert_eq!(thrown(move || unwind_with(storage)), "the first");
    }
    dropped(ArchetypeStorage::new(0));
    dropped(LocalStorage::new(0));
}

fn unwind_with(_held: impl Sized) {
    resume_unwind(Box::new("the first"));
}

#[test]
fn a_batch_that_is_dropped_half_way_lets_no_other_panic_out() {
    let mut storage = ArchetypeStorage::new(0);
    let entities = storage.create_many([(), (), ()]).unwrap();
    let rows = (0..3).map(|n| {
        if n == 2 {
            resume_unwind(Box::new("the first"));
        }
        (Mine,)
    });
    assert_eq!(thrown(|| storage.insert_many(&entities, rows).unwrap()), "the first");
    assert_eq!(storage.query_single::<Mine>().count(), 0);
}
