//! The archetype backend is the same while it notes who is touched: then single rows move
//! on another way, and bombs and panics of the conformance suite go off on that.

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::{Storage, Version};
use ecs_testkit::differential::compare;

fn noting() -> ArchetypeStorage {
    let mut storage = ArchetypeStorage::new(0);
    assert!(storage.touched_since(Version::ZERO).is_none(), "nothing was noted before");
    storage
}

ecs_testkit::conformance!(noting());

#[test]
fn a_store_that_notes_does_what_the_oracle_does() {
    compare(&noting, &|| LocalStorage::new(0), 20_000);
}
