//! Bytes as entries of a journal, which are folded.
#![no_main]

use ecs_archetype::ArchetypeStorage;
use ecs_fuzz::mutate_sections;
use ecs_testkit::fuzz::{JournalBase, journal};
use libfuzzer_sys::{fuzz_mutator, fuzz_target};
use std::sync::LazyLock;

static BASE: LazyLock<JournalBase> =
    LazyLock::new(|| JournalBase::new(&|| ArchetypeStorage::new(0)));

fuzz_target!(|bytes: &[u8]| journal(bytes, &BASE));

fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    mutate_sections(data, size, max_size, seed)
});
