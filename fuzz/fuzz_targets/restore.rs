//! Bytes as snapshots, on both backends.
#![no_main]

use ecs_archetype::ArchetypeStorage;
use ecs_fuzz::mutate_sections;
use ecs_local::LocalStorage;
use ecs_testkit::fuzz::restore;
use libfuzzer_sys::{fuzz_mutator, fuzz_target};

fuzz_target!(|bytes: &[u8]| {
    restore(bytes, &|| ArchetypeStorage::new(0), &|| LocalStorage::new(0));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_sections(data, size, max_size, seed)
});
