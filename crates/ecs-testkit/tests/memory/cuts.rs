//! Memory that is refused while a cut is put in place.
//!
//! Where lists of what there is to do are made, a refusal ends the process, as
//! elsewhere in Rust. So it is another process that is refused memory: this one starts
//! it again behind each place at which it ended.

use std::env;
use std::process::{Command, Output};

use ecs_archetype::ArchetypeStorage;
use ecs_core::{AllocatorState, ComponentId, EntityId};
use ecs_storage_api::snapshot::StorageCut;
use ecs_storage_api::{SnapshotError, Storage, StorageError, StorageExt, Version, state_hash};
use ecs_testkit::check_invariants;
use ecs_testkit::components::{Marker, Name, Position, Tag, Velocity};

use crate::allocator::{Refused, with_refusal};

/// Names the first place at which memory is refused, to the process that is to run.
const FIRST: &str = "ECS_REFUSED_FROM";

/// A store that was changed in every way since a cut, and holds no more memory than it
/// needs.
fn changed() -> (ArchetypeStorage, StorageCut) {
    let mut storage = ArchetypeStorage::new(0);
    let pages = storage.create_many((0..1_100).map(|n| Position(n, n))).unwrap();
    let few = storage.create_many((0..6).map(|n| (Velocity(n, n), Name(n.to_string()))));
    storage.reserve_entities(2).unwrap();
    let foreign = EntityId::new(7, 3, 0).unwrap();
    storage.adopt(foreign).unwrap();
    let cut = StorageCut::of(&storage).unwrap();
    let few = few.unwrap();
    storage.destroy_batch(&pages[200..]).unwrap();
    storage.destroy_batch(&few[3..]).unwrap();
    storage.destroy_entity(foreign).unwrap();
    storage.insert(few[0], Name("another".into())).unwrap();
    storage.remove_component::<Name>(few[1]).unwrap();
    storage.insert(pages[2], Tag(4)).unwrap();
    storage.create((Marker, Name("new".into()))).unwrap();
    storage.shrink_to_fit();
    (storage, cut)
}

/// Everything that tells a store from one to which nothing happened.
fn seen(storage: &ArchetypeStorage) -> (u64, AllocatorState, Vec<EntityId>, Vec<EntityId>, usize) {
    check_invariants(storage);
    let hash = state_hash(storage).unwrap();
    let removed = storage.removed(ComponentId::of::<Name>(), Version::ZERO);
    let removed = removed.iter().map(|it| it.entity).collect();
    let order = storage.all_entities().collect();
    (hash, storage.allocator_state(), order, removed, storage.archetype_count())
}

/// Refuses memory at one place after another from the first on, says what comes of each,
/// and that there is none left.
fn refuse_from(first: usize) {
    // The harness has begun a line.
    println!();
    let (mut twin, cut) = changed();
    let before = seen(&twin);
    twin.load_cut(&cut, &cut).unwrap();
    let after = seen(&twin);
    assert_eq!(after.0, state_hash(&whole(&cut)).unwrap());
    // Only what is there no more counts as removed: the cut was put in place.
    assert_eq!(after.3.len(), before.3.len() + 1, "{:?} and {:?}", after.3, before.3);
    for n in first.. {
        let (mut storage, cut) = changed();
        println!("place {n}");
        let (outcome, happened) = with_refusal(Refused::Only(n), || storage.load_cut(&cut, &cut));
        if !happened {
            outcome.unwrap();
            assert_eq!(seen(&storage), after);
            println!("no place {n}");
            return;
        }
        // Only that may be refused without a word which is asked in vain.
        let error = outcome.expect_err("memory is refused");
        let named = matches!(error, SnapshotError::Storage(StorageError::OutOfMemory { .. }));
        assert!(named, "allocation {n}: {error}");
        assert_eq!(seen(&storage), before, "allocation {n}: {error}");
        storage.load_cut(&cut, &cut).unwrap();
        assert_eq!(seen(&storage), after, "allocation {n}: {error}");
        println!("refused at {n}: {error}");
    }
}

fn whole(cut: &StorageCut) -> ArchetypeStorage {
    let mut storage = ArchetypeStorage::new(0);
    storage.load(cut.to_image().unwrap()).unwrap();
    storage
}

/// Starts this test again, to refuse memory from a place on.
fn process(first: usize) -> Output {
    let name = "cuts::a_cut_without_memory_changes_nothing_or_ends_the_process";
    let mut process = Command::new(env::current_exe().unwrap());
    process.args(["--exact", name, "--nocapture"]).env(FIRST, first.to_string());
    process.output().unwrap()
}

#[test]
fn a_cut_without_memory_changes_nothing_or_ends_the_process() {
    if let Ok(first) = env::var(FIRST) {
        return refuse_from(first.parse().unwrap());
    }
    let (mut first, mut refused, mut ended) = (0, 0, 0);
    loop {
        let output = process(first);
        let [told, errors] =
            [&output.stdout, &output.stderr].map(|bytes| String::from_utf8_lossy(bytes));
        refused += told.lines().filter(|line| line.starts_with("refused at")).count();
        if output.status.success() {
            assert!(told.contains("\nno place"), "{told}{errors}");
            break;
        }
        let place = told.lines().rev().find_map(|line| line.strip_prefix("place "));
        assert!(errors.contains("memory allocation of"), "{told}{errors}");
        first = place.expect("a place is named").parse::<usize>().unwrap() + 1;
        ended += 1;
    }
    println!("refused at {refused} places, ended at {ended}");
    // Tables, places of entities, and what is noted of removals.
    assert!(refused >= 5, "{refused}");
}
