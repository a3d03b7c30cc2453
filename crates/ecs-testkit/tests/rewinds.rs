//! The archetype backend goes back to cuts in place, as if it had loaded them.

use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_archetype::ArchetypeStorage;
use ecs_core::{Component, Description, EntityId};
use ecs_storage_api::snapshot::StorageCut;
use ecs_storage_api::{Capabilities, SnapshotError, Storage, StorageExt, Version, state_hash};
use ecs_testkit::check_invariants;
use ecs_testkit::components::{Marker, Name, Position, Velocity};
use ecs_testkit::differential::{Checks, compare_rewinds};
use serde::{Deserialize, Deserializer, Serialize};

#[test]
fn to_go_back_in_place_is_to_load() {
    compare_rewinds(&|| ArchetypeStorage::new(0), 60_000, Checks::Each);
}

/// Tables of more pages than one, and one that fills its page.
fn of_pages() -> ArchetypeStorage {
    let mut storage = ArchetypeStorage::new(0);
    storage.create_many((0..1_500).map(|n| (Position(n, n), Velocity(n, 1)))).unwrap();
    storage.create_many((0..1_024).map(|n| (Position(n, n), Name(n.to_string())))).unwrap();
    storage.create_many((0..1_030).map(|_| Marker)).unwrap();
    storage
}

#[test]
fn to_go_back_page_by_page_is_to_load() {
    compare_rewinds(&of_pages, 6_000, Checks::Last);
}

thread_local! {
    static ALIVE: Cell<i64> = const { Cell::new(0) };
    static DECODED: Cell<u64> = const { Cell::new(0) };
    /// How many values more may be decoded.
    static PATIENCE: Cell<u64> = const { Cell::new(u64::MAX) };
    static FUSE: Cell<bool> = const { Cell::new(false) };
}

/// Is persistent, counted, and can be told to refuse to come and to panic as it goes.
#[derive(Debug, Serialize)]
struct Fragile(u32);

impl Fragile {
    fn new(n: u32) -> Self {
        ALIVE.set(ALIVE.get() + 1);
        Self(n)
    }
}

impl<'de> Deserialize<'de> for Fragile {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let n = u32::deserialize(from)?;
        if PATIENCE.get() == 0 {
            return Err(serde::de::Error::custom("no more"));
        }
        PATIENCE.set(PATIENCE.get() - 1);
        DECODED.set(DECODED.get() + 1);
        Ok(Self::new(n))
    }
}

impl Drop for Fragile {
    fn drop(&mut self) {
        ALIVE.set(ALIVE.get() - 1);
        if FUSE.take() {
            panic!("a value that ends");
        }
    }
}

impl Component for Fragile {
    fn describe() -> Description<Self> {
        Description::persistent("rewinds::Fragile")
    }
}

/// Three pages of fragile values, a cut, and what came of a hundred changes.
fn changed(change: impl Fn(&mut ArchetypeStorage, &[EntityId])) -> (ArchetypeStorage, StorageCut) {
    let mut storage = ArchetypeStorage::new(0);
    let all = storage.create_many((0..2_500).map(|n| (Fragile::new(n), Position(0, 0)))).unwrap();
    let cut = StorageCut::of(&storage).unwrap();
    change(&mut storage, &all);
    (storage, cut)
}

fn values(storage: &ArchetypeStorage) -> Vec<(EntityId, u32)> {
    storage.query_as::<(EntityId, &Fragile), ()>().iter().map(|(id, it)| (id, it.0)).collect()
}

/// Values change, end and come, and move to a table that is new.
fn everything(storage: &mut ArchetypeStorage, all: &[EntityId]) {
    storage.get_component_mut::<Fragile>(all[1_100]).unwrap().0 = 7;
    storage.destroy_batch(&all[2_300..2_400]).unwrap();
    storage.create_many((0..700).map(|n| (Fragile::new(n), Position(1, 1)))).unwrap();
    storage.insert(all[5], Name("elsewhere".into())).unwrap();
    storage.create(Marker).unwrap();
}

#[test]
fn every_value_ends_once() {
    let fewer = |storage: &mut ArchetypeStorage, all: &[EntityId]| {
        storage.destroy_batch(&all[100..1_700]).unwrap();
    };
    for change in [everything, fewer] {
        let (mut storage, cut) = changed(change);
        for _ in 0..2 {
            storage.load_cut(&cut, &cut).unwrap();
            check_invariants(&storage);
            assert_eq!(ALIVE.get(), 2_500);
            assert!((0..).zip(values(&storage)).all(|(n, (_, value))| n == value));
        }
        drop(storage);
        assert_eq!(ALIVE.get(), 0);
    }
}

#[test]
fn pages_that_nobody_wrote_are_not_decoded() {
    let (mut storage, cut) = changed(|storage, all| {
        storage.get_component_mut::<Fragile>(all[1_100]).unwrap().0 = 7;
    });
    DECODED.set(0);
    storage.load_cut(&cut, &cut).unwrap();
    assert_eq!(DECODED.get(), 1_024);
    storage.load_cut(&cut, &cut).unwrap();
    assert_eq!(DECODED.get(), 1_024, "nothing has changed since");
    let next = StorageCut::after(&storage, &cut).unwrap();
    assert_eq!((next.bytes_beside(&cut), next.digest()), (0, cut.digest()));
}

#[test]
fn a_value_that_panics_as_it_ends_leaves_the_cut_in_place() {
    let (mut storage, cut) = changed(everything);
    FUSE.set(true);
    assert!(catch_unwind(AssertUnwindSafe(|| storage.load_cut(&cut, &cut))).is_err());
    check_invariants(&storage);
    assert_eq!((ALIVE.get(), storage.entity_count()), (2_500, 2_500));
    assert!((0..).zip(values(&storage)).all(|(n, (_, value))| n == value));
    // It is that of the cut in all else too.
    let (mut loaded, next) = (ArchetypeStorage::new(0), StorageCut::after(&storage, &cut));
    loaded.load(cut.to_image().unwrap()).unwrap();
    assert_eq!(next.unwrap().digest(), cut.digest());
    assert_eq!(loaded.create(Marker).unwrap(), storage.create(Marker).unwrap());
}

#[test]
fn a_value_that_is_not_decoded_changes_nothing() {
    let (mut storage, cut) = changed(everything);
    let before = (values(&storage), state_hash(&storage).unwrap(), storage.allocator_state());
    let (alive, version) = (ALIVE.get(), storage.version());
    PATIENCE.set(1_500);
    let refused = storage.load_cut(&cut, &cut).unwrap_err();
    PATIENCE.set(u64::MAX);
    assert!(matches!(refused, SnapshotError::Codec(_)), "{refused}");
    check_invariants(&storage);
    assert_eq!((ALIVE.get(), storage.version()), (alive, version));
    let after = (values(&storage), state_hash(&storage).unwrap(), storage.allocator_state());
    assert_eq!(after, before);
    storage.load_cut(&cut, &cut).unwrap();
    assert_eq!(ALIVE.get(), 2_500);
}

/// Whoever looked at the store before finds all that is there new, and what is not
/// there any more removed.
#[test]
fn who_looked_before_misses_nothing() {
    use ecs_core::ComponentId;
    use ecs_storage_api::{Changed, QueryState};
    let mut storage = ArchetypeStorage::new(0);
    let all = storage.create_many((0..3_000).map(|n| Velocity(n, 0))).unwrap();
    let mut query = QueryState::<EntityId, Changed<Velocity>>::new();
    assert_eq!(query.query(&storage).count(), 3_000);
    let cut = StorageCut::of(&storage).unwrap();
    storage.get_component_mut::<Velocity>(all[7]).unwrap().0 = 1;
    let new = storage.create(Velocity(1, 1)).unwrap();
    assert_eq!(query.query(&storage).count(), 2);
    let seen = storage.advance_version();
    storage.load_cut(&cut, &cut).unwrap();
    assert_eq!(query.query(&storage).count(), 3_000);
    let removed = storage.removed(ComponentId::of::<Velocity>(), Version::new(seen.get() - 1));
    assert!(removed.iter().map(|removed| removed.entity).eq([new]));
    assert!(storage.origin() >= seen && storage.version() > seen);
}

/// A page that was there only in the future that was given up has never been written.
#[test]
fn pages_that_are_gone_leave_no_version() {
    let mut storage = ArchetypeStorage::new(0);
    storage.create_many((0..1_024).map(|n| Position(n, n))).unwrap();
    let cut = StorageCut::of(&storage).unwrap();
    let more = storage.create_many((0..10).map(|n| Position(n, n))).unwrap();
    for _ in 0..100 {
        storage.advance_version();
    }
    storage.get_component_mut::<Position>(more[0]).unwrap().0 = 7;
    storage.load_cut(&cut, &cut).unwrap();
    let mut loaded = ArchetypeStorage::new(0);
    loaded.load(cut.to_image().unwrap()).unwrap();
    for storage in [&mut storage, &mut loaded] {
        storage.create(Position(1, 1)).unwrap();
    }
    assert!(storage.snapshot().unwrap() == loaded.snapshot().unwrap());
}

/// The world of a fork was restored meanwhile, so that nothing is shared.
#[test]
fn a_fork_follows_a_store_that_was_loaded() {
    let mut storage = of_pages();
    let first = StorageCut::of(&storage).unwrap();
    let mut fork = ArchetypeStorage::new(0);
    for version in [1, 1 << 31, 1 << 40] {
        fork.load_cut(&first, &first).unwrap();
        storage.set_version(Version::new(version));
        storage.restore(&storage.snapshot().unwrap()).unwrap();
        let next = StorageCut::of(&storage).unwrap();
        fork.load_cut(&next, &first).unwrap();
        check_invariants(&fork);
        assert!(fork.snapshot().unwrap() == storage.snapshot().unwrap());
        fork.create(Position(1, 2)).unwrap();
        storage.create(Position(1, 2)).unwrap();
        assert!(fork.snapshot().unwrap() == storage.snapshot().unwrap());
    }
}

/// Says of itself that it is another store, at a time that has not come.
struct Forger(ArchetypeStorage, u64);

impl Storage for Forger {
    ecs_testkit::forward_storage! { 0;
        create_entity reserve_entities release_reserved adopt destroy_entity
        entity_exists entity_count all_entities
        get_component_erased get_component_mut_erased set_component_erased
        remove_component_erased get_component_types
        read_chunks write_chunks version origin set_version removed
        forget_removed allocator_state load
    }

    fn capabilities(&self) -> Capabilities {
        self.0.capabilities()
    }

    fn identity(&self) -> u64 {
        self.1
    }

    fn advance_version(&self) -> Version {
        Version::new(1_000_000)
    }
}

/// A cut that is not what it seems is refused, or taken in as what it is: nothing that
/// code without `unsafe` does makes two rows of one entity.
#[test]
fn a_forged_cut_makes_no_entity_twice() {
    let fill = |count: i32, shift: u32| {
        let mut storage = ArchetypeStorage::new(0);
        storage.reserve_entities(shift as usize).unwrap();
        storage.create_many((0..count).map(|n| Position(n, n))).unwrap();
        storage.create_many((0..10).map(|_| Marker)).unwrap();
        storage
    };
    for (count, shift) in [(2_500, 0), (2_500, 1), (2_500, 1_024), (2_000, 0), (3_000, 500)] {
        let mut storage = fill(2_500, 0);
        let honest = StorageCut::of(&storage).unwrap();
        let forger = Forger(fill(count, shift), storage.identity());
        let forged = StorageCut::of(&forger).unwrap();
        for before in [&forged, &honest] {
            storage.load_cut(&forged, before).unwrap();
            check_invariants(&storage);
            let made = storage.create(Position(1, 1)).unwrap();
            storage.destroy_entity(made).unwrap();
            storage.load_cut(&honest, &forged).unwrap();
            check_invariants(&storage);
            storage.clear().unwrap();
            check_invariants(&storage);
            storage.load_cut(&honest, &honest).unwrap();
            assert_eq!(storage.entity_count(), 2_510);
            check_invariants(&storage);
        }
    }
}

#[test]
fn a_store_of_another_shard_is_loaded() {
    let mut storage = ArchetypeStorage::new(0);
    let one = storage.create(Position(1, 1)).unwrap();
    let cut = StorageCut::of(&storage).unwrap();
    storage.restore(&ArchetypeStorage::new(3).snapshot().unwrap()).unwrap();
    storage.adopt(one).unwrap();
    storage.load_cut(&cut, &cut).unwrap();
    check_invariants(&storage);
    assert_eq!(storage.create_entity().unwrap().shard(), 0);
}
