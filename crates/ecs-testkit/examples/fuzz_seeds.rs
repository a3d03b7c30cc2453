//! Writes what fuzzing begins with: `fuzz_seeds FOLDER` fills a folder a target.
//!
//! They are written by a program and not kept, since snapshots change with their
//! format.

use std::path::Path;
use std::{env, fs, io};

use ecs_archetype::ArchetypeStorage;
use ecs_testkit::fuzz::{delta_seeds, journal_seeds, seeds};

fn main() -> io::Result<()> {
    let folder = env::args_os().nth(1).expect("a folder to write to");
    let folder = Path::new(&folder);
    let make = || ArchetypeStorage::new(0);
    let (restore, delta) = (seeds(&make), delta_seeds(&make));
    write(folder, "restore", restore.iter().map(|(name, bytes)| (*name, &bytes[..])))?;
    write(folder, "delta", delta.iter().map(|(name, bytes)| (&name[..], &bytes[..])))?;
    let journal = journal_seeds(&make);
    write(folder, "journal", journal.iter().map(|(name, bytes)| (*name, &bytes[..])))?;
    // Any bytes are operations; long ones are many.
    let lengths = [1, 5, 20, 60, 100];
    let strings: Vec<_> = lengths.iter().map(|&length| noise(length)).collect();
    for target in ["update_batch", "operations"] {
        let named = ["1", "5", "20", "60", "100"].into_iter();
        write(folder, target, named.zip(strings.iter().map(Vec::as_slice)))?;
    }
    Ok(())
}

fn write<'a>(
    folder: &Path,
    target: &str,
    seeds: impl Iterator<Item = (&'a str, &'a [u8])>,
) -> io::Result<()> {
    let folder = folder.join(target);
    fs::create_dir_all(&folder)?;
    seeds.into_iter().try_for_each(|(name, bytes)| fs::write(folder.join(name), bytes))
}

/// Bytes without order, the same at every call.
fn noise(length: usize) -> Vec<u8> {
    let mut state = length as u64;
    let mut next = || {
        // Knuth's linear congruential generator, of which the upper bits are used.
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (state >> 56) as u8
    };
    (0..length).map(|_| next()).collect()
}
