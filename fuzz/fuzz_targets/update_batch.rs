//! Batches of changes, on both backends.
#![no_main]

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_testkit::fuzz::update_batch;
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    update_batch(bytes, &|| ArchetypeStorage::new(0), &|| LocalStorage::new(0));
});
