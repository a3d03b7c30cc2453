//! What fuzz targets share.

use ecs_testkit::fuzz::{container, sections};
use libfuzzer_sys::fuzzer_mutate;

/// Changes one section of a container most of the time, and keeps what is around it.
/// Returns the new length.
pub fn mutate_sections(data: &mut [u8], size: usize, max_size: usize, seed: u32) -> usize {
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
}
