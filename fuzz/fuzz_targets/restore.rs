//! Bytes as snapshots, on both backends.
#![no_main]

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_testkit::fuzz::{container, restore, sections};
use libfuzzer_sys::{fuzz_mutator, fuzz_target, fuzzer_mutate};

fuzz_target!(|bytes: &[u8]| {
    restore(bytes, &|| ArchetypeStorage::new(0), &|| LocalStorage::new(0));
});

// Changes one section most of the time, and keeps what is around it.
fuzz_mutator!(|data: &mut [u8], size: usize, max_size: usize, seed: u32| {
    let bytes = data[..size].to_vec();
    let mut all = sections(&bytes);
    if all.is_empty() || seed % 8 == 0 {
        return fuzzer_mutate(data, size, max_size);
    }
    let at = (seed / 64) as usize % all.len();
    let mut payload = all[at].1.to_vec();
    match seed / 8 % 8 {
        0 => {
            all.remove(at);
        }
        1 => all.insert(at, all[at]),
        2 => all.swap(at, 0),
        _ => {
            let length = payload.len();
            payload.resize((length * 2 + 16).min(max_size), 0);
            let (length, most) = (length.min(payload.len()), payload.len());
            let length = fuzzer_mutate(&mut payload, length, most);
            all[at].1 = &payload[..length];
        }
    }
    let changed = container(&all);
    if changed.len() > max_size {
        return fuzzer_mutate(data, size, max_size);
    }
    data[..changed.len()].copy_from_slice(&changed);
    changed.len()
});
