//! The bodies of the fuzz targets, for some seconds each: on inputs that showed a
//! fault once, on seeds, and on what chance makes of them.

use std::path::Path;
use std::time::{Duration, Instant};
use std::{env, fs};

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_testkit::fuzz::{
    Bases, JournalBase, container, delta, delta_seeds, journal, journal_seeds, operations, restore,
    sections, seeds, update_batch,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use proptest::test_runner::{Config, TestRunner};

/// Runs a body on two backends.
macro_rules! both {
    ($body:ident) => {
        |bytes: &[u8]| $body(bytes, &|| ArchetypeStorage::new(0), &|| LocalStorage::new(0))
    };
}

/// Runs a target's body on kept inputs, and then on drawn ones until the time is up.
fn run(target: &str, body: impl Fn(&[u8]), inputs: impl Strategy<Value = Vec<u8>>) {
    for folder in ["regressions", "corpus"] {
        for input in files(&Path::new("../../fuzz").join(folder).join(target)) {
            body(&input);
        }
    }
    let asked = env::var("ECS_FUZZ_SECONDS").ok().and_then(|text| text.parse().ok());
    let end = Instant::now() + Duration::from_secs(asked.unwrap_or(3));
    let mut count = 0;
    while Instant::now() < end {
        let config = Config { cases: 20, failure_persistence: None, ..Config::default() };
        let outcome = TestRunner::new(config).run(&inputs, |bytes| {
            body(&bytes);
            Ok(())
        });
        count += 20;
        if let Err(error) = outcome {
            panic!("{error}");
        }
    }
    println!("{target}: {count} inputs were drawn");
}

/// The first files of a folder, if there is one.
fn files(folder: &Path) -> Vec<Vec<u8>> {
    /// What a fuzzer has gathered may be much.
    const MOST: usize = 300;
    let Ok(entries) = fs::read_dir(folder) else { return Vec::new() };
    entries.flatten().filter_map(|entry| fs::read(entry.path()).ok()).take(MOST).collect()
}

fn bytes() -> impl Strategy<Value = Vec<u8>> {
    vec(any::<u8>(), 0..400)
}

/// What is done to a payload.
#[derive(Debug, Clone)]
enum Damage {
    Flip(Index, u8),
    Set(Index, u8),
    Cut(Index),
    Insert(Index, Vec<u8>),
    Without(Index),
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<Index>;
    prop_oneof![
        4 => (place(), 0..8u8).prop_map(|(at, bit)| Damage::Flip(at, bit)),
        4 => (place(), prop_oneof![Just(0), Just(1), Just(0x7f), Just(0xff), any::<u8>()])
            .prop_map(|(at, byte)| Damage::Set(at, byte)),
        1 => place().prop_map(Damage::Cut),
        1 => (place(), vec(any::<u8>(), 1..12)).prop_map(|(at, more)| Damage::Insert(at, more)),
        1 => place().prop_map(Damage::Without),
    ]
}

impl Damage {
    fn apply(self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        let len = bytes.len();
        match self {
            Self::Flip(at, bit) => bytes[at.index(len)] ^= 1 << bit,
            Self::Set(at, byte) => bytes[at.index(len)] = byte,
            Self::Cut(at) => bytes.truncate(at.index(len)),
            Self::Insert(at, more) => drop(bytes.splice(at.index(len)..at.index(len), more)),
            Self::Without(at) => drop(bytes.remove(at.index(len))),
        }
    }
}

/// Containers with damage in some section, whose checksums are right, or none that is
/// one at all.
fn damaged<Name: Clone>(seeds: Vec<(Name, Vec<u8>)>) -> impl Strategy<Value = Vec<u8>> {
    let damaged = (any::<Index>(), vec((any::<Index>(), damage()), 1..4));
    let damaged = damaged.prop_map(move |(seed, damages)| {
        let (_, seed) = seed.get(&seeds);
        let sections = sections(seed);
        let mut payloads: Vec<_> =
            sections.iter().map(|(tag, payload)| (*tag, payload.to_vec())).collect();
        for (section, damage) in damages {
            let section = section.index(payloads.len());
            damage.apply(&mut payloads[section].1);
        }
        let whole: Vec<_> =
            payloads.iter().map(|(tag, payload)| (*tag, payload.as_slice())).collect();
        container(&whole)
    });
    prop_oneof![20 => damaged, 1 => bytes()]
}

#[test]
fn snapshots_are_refused_or_the_same_on_both_backends() {
    for (_, seed) in seeds(&|| LocalStorage::new(0)) {
        both!(restore)(&seed);
    }
    run("restore", both!(restore), damaged(seeds(&|| ArchetypeStorage::new(0))));
}

#[test]
fn deltas_are_refused_or_the_same_on_both_backends() {
    let (archetype, local) = (|| ArchetypeStorage::new(0), || LocalStorage::new(0));
    let bases = Bases::new(&archetype);
    let delta = |bytes: &[u8]| delta(bytes, &bases, &archetype, &local);
    let seeds = delta_seeds(&archetype);
    seeds.iter().for_each(|(_, seed)| delta(seed));
    run("delta", delta, damaged(seeds));
}

#[test]
fn journals_are_refused_or_fold_to_what_their_entries_do() {
    let make = || ArchetypeStorage::new(0);
    let base = JournalBase::new(&make);
    let journal = |bytes: &[u8]| journal(bytes, &base);
    let seeds = journal_seeds(&make);
    seeds.iter().for_each(|(_, seed)| journal(seed));
    run("journal", journal, damaged(seeds));
}

#[test]
fn batches_do_the_same_on_both_backends() {
    run("update_batch", both!(update_batch), bytes());
}

#[test]
fn operations_do_the_same_on_both_backends() {
    run("operations", both!(operations), bytes());
}
