//! What cuts say of each other, row by row.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{ComponentId, EntityId};
use ecs_local::LocalStorage;
use ecs_storage_api::snapshot::{RowChanges, StorageCut};
use ecs_storage_api::{OwnedChunk, Storage, StorageExt};
use ecs_testkit::components::{Marker, Name, Position, Selected, Velocity};
use ecs_testkit::differential::{Follower, check_rows, compare_rows, encoded_rows};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

fn cut(storage: &dyn Storage) -> StorageCut {
    StorageCut::of(storage).unwrap()
}

/// Changes a store, and returns what cuts before and after say.
fn changes<S: Storage>(storage: &mut S, change: impl FnOnce(&mut S)) -> RowChanges {
    let (before, old) = (cut(storage), encoded_rows(storage));
    change(storage);
    let (after, new) = (StorageCut::after(storage, &before).unwrap(), encoded_rows(storage));
    check_rows((&before, &old), (&after, &new)).unwrap();
    after.rows_since(&before).unwrap()
}

fn ids(chunks: &[OwnedChunk]) -> Vec<(ComponentId, &[EntityId])> {
    chunks.iter().map(|chunk| (chunk.columns()[0].id(), chunk.ids())).collect()
}

#[test]
fn changes_lead_from_one_state_to_the_other_whatever_was_done() {
    let make = &|| ArchetypeStorage::new(0);
    compare_rows(make, &|| LocalStorage::new(0), 4_000);
}

/// What is done to entities of several pages: to those whose number is `first`
/// more than a multiple of `step`.
#[derive(Debug, Clone)]
struct Step {
    kind: u8,
    first: usize,
    step: usize,
}

fn apply(storage: &mut ArchetypeStorage, step: &Step) {
    let mut all: Vec<_> = storage.all_entities().collect();
    all.sort_unstable();
    let chosen: Vec<_> = all.into_iter().skip(step.first).step_by(step.step).collect();
    match step.kind {
        0 => storage.destroy_batch(&chosen).unwrap(),
        9 => {
            let gained = chosen.iter().map(|_| (Position(1, 1), Selected(1)));
            storage.exchange_many::<Name, _>(&chosen, gained).unwrap();
        }
        14 => {
            let gained = chosen.iter().rev().zip(0..).map(|(_, n)| Velocity(n % 3, n));
            storage.exchange_many::<(Position, Selected), _>(&chosen, gained).unwrap();
        }
        15 => {
            let turned: Vec<_> = chosen.into_iter().rev().collect();
            let gained = turned.iter().zip(0..).map(|(_, n)| Position(n % 2, 1));
            storage.exchange_many::<(Velocity, Marker), _>(&turned, gained).unwrap();
        }
        10 => storage.insert_many(&chosen, chosen.iter().map(|_| Velocity(7, 7))).unwrap(),
        11 => drop(storage.remove_many::<Name>(&chosen).unwrap()),
        12 => chosen.iter().for_each(|id| {
            let position = storage.get_component_mut::<Position>(*id);
            position.into_iter().for_each(|position| position.0 += 1);
        }),
        13 => chosen.iter().for_each(|id| storage.destroy_entity(*id).unwrap()),
        1 => {
            storage.create_many((0..700).map(|n| (Position(n, 0), Name(n.to_string())))).unwrap();
        }
        kind => {
            for (n, id) in chosen.into_iter().enumerate() {
                match kind {
                    2 => storage.insert(id, Velocity(n as i32 % 2, 0)).unwrap(),
                    3 => storage.insert(id, Name("n".repeat(n % 3))).unwrap(),
                    4 => drop(storage.remove_component::<Name>(id).unwrap()),
                    5 => drop(storage.remove_component::<Velocity>(id).unwrap()),
                    6 => storage.insert(id, Selected(n as u8)).unwrap(),
                    7 => storage.insert(id, Marker).unwrap(),
                    _ => storage.insert(id, Position(n as i32 % 3, 1)).unwrap(),
                }
            }
        }
    }
}

#[test]
fn changes_over_many_pages_lead_from_one_state_to_the_other() {
    let config = Config { cases: 60, failure_persistence: None, ..Config::default() };
    let step = (0..16u8, 0..3000usize, prop_oneof![1..4usize, 100..3000usize])
        .prop_map(|(kind, first, step)| Step { kind, first, step });
    let outcome = TestRunner::new(config).run(&vec(step, 1..12), |steps| {
        let mut storage = ArchetypeStorage::new(0);
        storage.create_many((0..2500).map(|n| Position(n, n))).unwrap();
        storage.create_many((0..1500).map(|n| (Velocity(n, n), Name("n".into())))).unwrap();
        let first = (cut(&storage), encoded_rows(&storage));
        let mut last = first.clone();
        let (mut often, mut seldom) = (Follower::new().unwrap(), Follower::new().unwrap());
        let _ = (often.look(&mut storage), seldom.look(&mut storage));
        for (n, step) in steps.iter().enumerate() {
            apply(&mut storage, step);
            if n % 2 == 1 {
                prop_assert!(often.look(&mut storage).is_ok(), "captured after {step:?}");
            }
            let after = StorageCut::after(&storage, &last.0).unwrap();
            let next = (after, encoded_rows(&storage));
            for before in [&first, &last] {
                // What fails is long; the steps say enough.
                let holds = check_rows((&before.0, &before.1), (&next.0, &next.1));
                prop_assert!(holds.is_ok(), "after {step:?}");
            }
            last = next;
        }
        prop_assert!(seldom.look(&mut storage).is_ok(), "captured at the end");
        Ok(())
    });
    outcome.unwrap();
}

#[test]
fn one_row_of_a_hundred_thousand_is_one_row() {
    let mut storage = ArchetypeStorage::new(0);
    let row = |n: i32| (Position(n, n), Name(n.to_string()));
    let all = storage.create_many((0..100_000).map(row)).unwrap();
    let before = cut(&storage);
    assert!(before.rows_since(&before).unwrap().is_empty());
    let rows = |storage: &ArchetypeStorage| {
        StorageCut::after(storage, &before).unwrap().rows_since(&before).unwrap()
    };
    assert!(rows(&storage).is_empty());
    storage.insert(all[70_000], Name("other".into())).unwrap();
    storage.insert(all[70_001], Position(70_001, 70_001)).unwrap();
    let changes = rows(&storage);
    assert_eq!(changes.len(), 1, "written is not changed");
    let name = ComponentId::of::<Name>();
    assert_eq!(ids(&changes.updated), [(name, &all[70_000..70_001])]);
    let value = changes.updated[0].column(name).unwrap();
    assert_eq!(value.downcast::<Name>().unwrap(), [Name("other".into())]);
}

#[test]
fn to_move_is_no_change() {
    let mut storage = ArchetypeStorage::new(0);
    let row = |n: i32| (Position(n, n), Name(n.to_string()), Marker);
    let all = storage.create_many((0..5000).map(row)).unwrap();
    // The last rows fill the places of the first.
    let dead = &all[..3000];
    let changes = changes(&mut storage, |storage| storage.destroy_batch(dead).unwrap());
    assert_eq!(changes.died, dead);
    assert_eq!(changes.len(), dead.len());
}

#[test]
fn equal_states_of_two_backends_differ_in_nothing() {
    let (mut a, mut b) = (ArchetypeStorage::new(0), LocalStorage::new(0));
    for storage in [&mut a as &mut dyn Storage, &mut b] {
        for n in 0..300 {
            match n % 3 {
                0 => storage.create(Position(n, n)).unwrap(),
                1 => storage.create((Name(n.to_string()), Selected(n as u8))).unwrap(),
                _ => storage.create((Marker, Velocity(n, 1))).unwrap(),
            };
        }
    }
    assert!(cut(&a).rows_since(&cut(&b)).unwrap().is_empty());
    assert!(cut(&b).rows_since(&cut(&a)).unwrap().is_empty());
}

#[test]
fn an_entity_in_another_table_tells_what_it_got_and_lost() {
    let mut storage = ArchetypeStorage::new(0);
    let all = storage.create_many((0..4).map(|n| (Position(n, n), Marker))).unwrap();
    let changes = changes(&mut storage, |storage| {
        storage.insert(all[1], Name("n".into())).unwrap();
        storage.insert(all[3], Name("n".into())).unwrap();
        storage.remove_component::<Marker>(all[1]).unwrap();
        storage.remove_component::<Marker>(all[2]).unwrap();
        storage.insert(all[1], Position(7, 7)).unwrap();
    });
    assert_eq!(ids(&changes.updated), [(ComponentId::of::<Position>(), &all[1..2])]);
    assert_eq!(ids(&changes.inserted), [(ComponentId::of::<Name>(), &[all[1], all[3]][..])]);
    assert_eq!(changes.removed, [(ComponentId::of::<Marker>(), all[1..3].to_vec())]);
    assert_eq!((changes.born.len(), changes.died.len(), changes.len()), (0, 0, 6 - 1));
}

#[test]
fn who_is_born_comes_whole_and_by_components() {
    let mut storage = ArchetypeStorage::new(0);
    let old = storage.create(Position(0, 0)).unwrap();
    let mut new = Vec::new();
    let changes = changes(&mut storage, |storage| {
        storage.destroy_entity(old).unwrap();
        for n in 0..6 {
            new.push(match n % 3 {
                0 => storage.create((Position(n, n), Name(n.to_string()), Selected(0))).unwrap(),
                1 => storage.create((Position(n, n), Name(n.to_string()))).unwrap(),
                _ => storage.create_entity().unwrap(),
            });
        }
    });
    assert_eq!(changes.died, [old]);
    let mut sets: Vec<_> = changes.born.iter().map(|it| (it.len(), it.columns().len())).collect();
    sets.sort_unstable();
    assert_eq!(sets, [(2, 0), (4, 2)], "transient components make no set of their own");
    assert_eq!(changes.len(), 1 + new.len());
}

#[test]
fn transient_components_are_never_told() {
    let mut storage = ArchetypeStorage::new(0);
    let all = storage.create_many((0..10).map(|n| (Position(n, n), Selected(0)))).unwrap();
    let changes = changes(&mut storage, |storage| {
        storage.insert(all[0], Selected(1)).unwrap();
        storage.remove_component::<Selected>(all[1]).unwrap();
    });
    assert!(changes.is_empty(), "{changes:?}");
}

#[test]
fn components_without_data_come_and_go() {
    let mut storage = ArchetypeStorage::new(0);
    let all = storage.create_many((0..3).map(|n| Velocity(n, n))).unwrap();
    let got = changes(&mut storage, |storage| storage.insert(all[1], Marker).unwrap());
    assert_eq!(ids(&got.inserted), [(ComponentId::of::<Marker>(), &all[1..2])]);
    let again = changes(&mut storage, |storage| storage.insert(all[1], Marker).unwrap());
    assert!(again.is_empty());
    let lost = changes(&mut storage, |storage| drop(storage.remove_component::<Marker>(all[1])));
    assert_eq!(lost.removed, [(ComponentId::of::<Marker>(), vec![all[1]])]);
}

/// A way of taking entities out of their table.
type Leave = fn(&mut ArchetypeStorage, &[EntityId]);

#[test]
fn who_was_written_and_fills_a_gap_in_another_page_is_captured() {
    let ways: [(&str, Leave); 6] = [
        ("destroy", |storage, all| all.iter().for_each(|id| storage.destroy_entity(*id).unwrap())),
        ("destroy a batch", |storage, all| storage.destroy_batch(all).unwrap()),
        ("insert", |storage, all| all.iter().for_each(|id| storage.insert(*id, Marker).unwrap())),
        ("remove", |storage, all| {
            all.iter().for_each(|id| assert!(storage.remove_component::<Name>(*id).unwrap()));
        }),
        ("remove of a batch", |storage, all| {
            assert_eq!(storage.remove_many::<Name>(all).unwrap(), all.len());
        }),
        ("exchange", |storage, all| {
            storage.exchange_many::<Name, _>(all, all.iter().map(|_| Marker)).unwrap();
        }),
    ];
    for (name, leave) in ways {
        // A run, and rows apart.
        for step in [1, 7] {
            let mut storage = ArchetypeStorage::new(0);
            let row = |n: i32| (Position(n, n), Name(n.to_string()));
            let all = storage.create_many((0..5000).map(row)).unwrap();
            let mut follower = Follower::new().unwrap();
            follower.look(&mut storage).unwrap();
            for id in &all[4900..] {
                storage.get_component_mut::<Position>(*id).unwrap().1 = -1;
            }
            let leaving: Vec<_> = all[..700].iter().copied().step_by(step).collect();
            leave(&mut storage, &leaving);
            let rows = follower.look(&mut storage).unwrap_or_else(|error| {
                panic!("{name}: {}", error.chars().take(200).collect::<String>())
            });
            assert!(rows < 3000, "{name}: {rows} rows were copied for a few hundred");
        }
    }
}
