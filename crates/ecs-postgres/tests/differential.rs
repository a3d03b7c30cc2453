//! A store on a real server does what the oracle does, operation by operation.

mod common;

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::{Blocking, Storage};
use ecs_testkit::differential::compare;

/// The oracle, which has taken in an empty store once: as the mirror of a database
/// does, whose versions count that.
fn oracle() -> LocalStorage {
    let mut oracle = LocalStorage::new(0);
    let empty = oracle.snapshot().expect("there is nothing to refuse");
    oracle.restore(&empty).expect("it is its own");
    oracle
}

#[test]
fn a_database_does_what_the_oracle_does() {
    let make = || Blocking::<_, ArchetypeStorage>::new(common::fresh());
    compare(&make, &oracle, 10_000);
}
