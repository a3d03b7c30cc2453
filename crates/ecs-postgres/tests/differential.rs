//! A store on a real server does what the oracle does, operation by operation.

mod common;

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::Blocking;
use ecs_testkit::differential::compare;

#[test]
fn a_database_does_what_the_oracle_does() {
    let make = || Blocking::<_, ArchetypeStorage>::new(common::fresh());
    compare(&make, &|| LocalStorage::new(0), 10_000);
}
