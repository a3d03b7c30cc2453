//! Bytes as deltas, whose results both backends take in.
#![no_main]

use ecs_archetype::ArchetypeStorage;
use ecs_fuzz::mutate_sections;
use ecs_local::LocalStorage;
use ecs_testkit::fuzz::{Bases, delta};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::sync::LazyLock;

static BASES: LazyLock<Bases> = LazyLock::new(|| Bases::new(&|| ArchetypeStorage::new(0)));

fuzz_target!(|bytes: &[u8]| {
    delta(bytes, &BASES, &|| ArchetypeStorage::new(0), &|| LocalStorage::new(0));
});

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_sections(data, size, max_size, seed)
});
