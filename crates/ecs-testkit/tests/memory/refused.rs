//! A batch for which memory is refused has no effect, wherever it is refused.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{
    AllocatorState, Component, Description, DynamicComponent, EntityId, ErasedBundle, ErasedValue,
};
use ecs_local::LocalStorage;
use ecs_storage_api::{
    OwnedChunk, Storage, StorageError, StorageExt, StorageImage, UpdateBatch, UpdateError, Version,
    state_hash,
};
use ecs_testkit::check_invariants;
use ecs_testkit::components::{Marker, Name, Position, Selected, Tag, Velocity};

use crate::allocator::{Refused, with_refusal};

/// What is there, and what is done to it.
struct Case {
    name: &'static str,
    fill: fn(&mut ArchetypeStorage) -> Vec<EntityId>,
    batch: fn(&[EntityId]) -> UpdateBatch,
}

/// Everything that tells a store from one to which nothing happened.
fn seen(storage: &dyn Storage) -> (u64, AllocatorState, Vec<EntityId>, Vec<String>) {
    check_invariants(storage);
    let order: Vec<_> = storage.all_entities().collect();
    let components = order.iter().map(|&id| format!("{:?}", storage.get_component_types(id)));
    let removed = storage.removed(ecs_core::ComponentId::of::<Name>(), Version::ZERO);
    let components = components.chain([format!("{removed:?}")]).collect();
    let hash = state_hash(storage).expect("the kit's components can be encoded");
    (hash, storage.allocator_state(), order, components)
}

/// Three archetypes, one of them of a tracked component, and free and reserved ids.
fn lived_in(storage: &mut ArchetypeStorage) -> Vec<EntityId> {
    let mut all: Vec<_> = Vec::new();
    all.extend(
        storage.create_many((0..12).map(|n| (Position(n, n), Name(n.to_string())))).unwrap(),
    );
    all.extend(storage.create_many((0..8).map(|n| Velocity(n, n))).unwrap());
    all.extend(storage.create_many((0..4).map(|_| ())).unwrap());
    storage.destroy_batch(&all[20..22]).unwrap();
    all.extend(storage.reserve_entities(2).unwrap());
    all
}

/// Values of twenty components, more than are kept without memory of their own.
fn many_components(first: usize) -> Vec<ErasedValue> {
    let value = |n: usize| {
        let id = DynamicComponent::new(format!("refused::{n}"), 3, 1).register().unwrap();
        ErasedValue::from_bytes(id, &[n as u8; 3]).unwrap()
    };
    (first..first + 20).map(value).collect()
}

const CASES: [Case; 9] = [
    Case {
        name: "a batch of everything",
        fill: lived_in,
        batch: |ids| {
            UpdateBatch::new()
                .spawn((Position(1, 1), Marker))
                .spawn((Name("new".into()), Selected(1), Tag(7)))
                .spawn(())
                .spawn_as(ids[24], (Velocity(3, 3), Tag(1)))
                .spawn_as(EntityId::new(7, 1, 0).unwrap(), Tag("foreign".to_owned()))
                .update(ids[1], Position(9, 9))
                .insert(ids[2], (Name("replaced".into()), Velocity(2, 2)))
                .insert(ids[12], Tag(2))
                .insert(ids[13], Tag(3))
                .remove::<Name>(ids[3])
                .remove::<Velocity>(ids[14])
                .remove::<Marker>(ids[5])
                .destroy(ids[6])
                .destroy(ids[15])
        },
    },
    Case { name: "nothing", fill: lived_in, batch: |_| UpdateBatch::new() },
    Case {
        name: "an archetype of many components",
        fill: lived_in,
        batch: |ids| {
            let mut batch =
                UpdateBatch::new().spawn_erased(None, ErasedBundle::new(many_components(0)));
            for value in many_components(10) {
                batch = batch.insert_erased(ids[0], value);
            }
            batch.spawn(Tag(5)).spawn(Marker)
        },
    },
    Case {
        name: "rows of several pages",
        fill: lived_in,
        batch: |_| (0..3_000).fold(UpdateBatch::new(), |batch, n| batch.spawn(Position(n, n))),
    },
    Case {
        name: "rows of several pages of a tracked component",
        fill: lived_in,
        batch: |_| (0..3_000).fold(UpdateBatch::new(), |batch, n| batch.spawn(Velocity(n, 0))),
    },
    Case {
        name: "the first batch of a store",
        fill: |_| Vec::new(),
        batch: |_| UpdateBatch::new().spawn(Name("first".into())).spawn(Position(1, 1)),
    },
    Case {
        name: "the end of all",
        fill: lived_in,
        batch: |ids| ids[..20].iter().fold(UpdateBatch::new(), |batch, &id| batch.destroy(id)),
    },
    Case {
        name: "ids of the last generation",
        fill: |storage| {
            let last = |index| EntityId::new(0, index, EntityId::MAX_GENERATION).unwrap();
            let ids = vec![last(1), last(2)];
            let state = AllocatorState {
                shard: 0,
                next_index: 3,
                free: Vec::new(),
                reserved: Vec::new(),
                retired: Vec::new(),
            };
            let chunk = OwnedChunk::new(ids.clone(), Vec::new()).unwrap();
            storage.load(StorageImage::new(state, vec![chunk]).unwrap()).unwrap();
            ids
        },
        batch: |ids| UpdateBatch::new().destroy(ids[0]).destroy(ids[1]).spawn(Marker),
    },
    Case {
        name: "archetypes in places of others",
        fill: |storage| {
            let ids = lived_in(storage);
            let passing = storage.create((Marker, Tag(1))).unwrap();
            let later = storage.create((Marker, Tag(1), Selected(1))).unwrap();
            storage.create((Selected(1), Name("stays".into()))).unwrap();
            storage.destroy_batch(&[passing, later]).unwrap();
            storage.remove_empty_archetypes();
            ids
        },
        batch: |ids| {
            UpdateBatch::new()
                .spawn(Tag(1))
                .insert(ids[0], Tag(2))
                .spawn((Tag(1), Tag("a".to_owned())))
                .insert(ids[1], Selected(4))
        },
    },
];

#[test]
fn a_batch_without_memory_changes_nothing_wherever_it_is_refused() {
    for Case { name, fill, batch } in CASES {
        let mut twin = ArchetypeStorage::new(0);
        let ids = fill(&mut twin);
        assert!(twin.capabilities().survives_refused_memory);
        let before = seen(&twin);
        let made = twin.apply_updates(batch(&ids)).unwrap();
        let (after, archetypes) = (seen(&twin), twin.archetype_count());
        // Also where it is noted who is touched.
        let ways = [(Refused::Only as fn(usize) -> _, false), (Refused::From, false)];
        let noting = ways.map(|(refused, _)| (refused, true));
        for (refused, notes) in ways.into_iter().chain(noting) {
            let mut n = 0;
            loop {
                let mut storage = ArchetypeStorage::new(0);
                let ids = fill(&mut storage);
                if notes {
                    let _ = storage.touched_since(Version::ZERO);
                }
                let untouched = storage.archetype_count();
                let changes = batch(&ids);
                let (outcome, happened) =
                    with_refusal(refused(n), || storage.apply_updates(changes));
                if !happened {
                    assert_eq!(outcome.unwrap(), made, "{name}");
                    assert_eq!(seen(&storage), after, "{name}");
                    break;
                }
                // Only that may be refused without a word which is asked in vain.
                let error = outcome.expect_err(name);
                assert!(
                    matches!(error, UpdateError::Storage(StorageError::OutOfMemory { .. })),
                    "{name}, allocation {n}: {error}"
                );
                assert_eq!(seen(&storage), before, "{name}, allocation {n}: {error}");
                assert_eq!(storage.archetype_count(), untouched, "{name}, allocation {n}");
                // The same ids, and the same order of rows and archetypes, as if
                // nothing had been tried.
                assert_eq!(storage.apply_updates(batch(&ids)).unwrap(), made);
                assert_eq!(seen(&storage), after, "{name}, allocation {n}: {error}");
                assert_eq!(storage.archetype_count(), archetypes);
                n += 1;
            }
            println!("{name}: refused at {n} places");
        }
    }
}

/// A value of which a hundred are [large](crate::allocator::LARGE).
#[derive(Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
struct Big([u64; 128]);

impl Component for Big {
    fn describe() -> Description<Self> {
        Description::pod("refused::Big")
    }
}

/// Two archetypes of a hundred entities each.
fn of_big_values(storage: &mut ArchetypeStorage) -> Vec<EntityId> {
    let big = |n| Big([n; 128]);
    let mut all = storage.create_many((0..100).map(|n| (big(n), Name(n.to_string())))).unwrap();
    all.extend(
        storage.create_many((0..100).map(|n| (big(n), Name("b".into()), Position(1, 1)))).unwrap(),
    );
    all
}

/// The same list, of which no two follow each other.
fn without_order(ids: &[EntityId]) -> Vec<EntityId> {
    (0..ids.len()).map(|n| ids[n * 77 % ids.len()]).collect()
}

#[test]
fn a_change_of_many_entities_without_memory_for_their_rows_changes_nothing() {
    type Change = fn(&mut ArchetypeStorage, &[EntityId]) -> Result<(), StorageError>;
    type List = fn(&[EntityId]) -> Vec<EntityId>;
    let changes: [(&str, Change); 4] = [
        ("insert", |storage, ids| {
            storage.insert_many(ids, (0..).map(|n| (Velocity(n, n), Name("new".into()))))
        }),
        ("insert large values", |storage, ids| {
            storage.insert_many(ids, (0..).map(|n| (Big([n; 128]), Velocity(0, 0))))
        }),
        ("remove", |storage, ids| storage.remove_many::<Name>(ids).map(drop)),
        ("exchange", |storage, ids| {
            storage.exchange_many::<Name, _>(ids, (0..).map(|n| Velocity(n, n)))
        }),
    ];
    // All, most of both archetypes, all without order, and one archetype.
    let lists: [List; 4] =
        [<[_]>::to_vec, |ids| ids[10..190].to_vec(), without_order, |ids| ids[..100].to_vec()];
    let mut refusals = 0;
    for ((name, change), list) in changes.iter().flat_map(|it| lists.map(|list| (it, list))) {
        let mut n = 0;
        loop {
            let mut storage = ArchetypeStorage::new(0);
            let ids = of_big_values(&mut storage);
            let (before, list) = (seen(&storage), list(&ids));
            let refused = Refused::OnlyLarge(n);
            let (outcome, happened) = with_refusal(refused, || change(&mut storage, &list));
            if !happened {
                outcome.unwrap();
                break;
            }
            let error = outcome.expect_err(name);
            assert!(matches!(error, StorageError::OutOfMemory { .. }), "{name}: {error}");
            assert_eq!(seen(&storage), before, "{name} of {}, refusal {n}", list.len());
            change(&mut storage, &list).unwrap();
            check_invariants(&storage);
            n += 1;
        }
        refusals += n;
    }
    assert!(refusals > 20, "{refusals} refusals");
}

#[test]
fn a_store_that_was_refused_memory_again_and_again_can_be_used() {
    let mut storage = ArchetypeStorage::new(0);
    let ids = lived_in(&mut storage);
    let before = seen(&storage);
    let refusals = (0..).take_while(|&n| {
        let batch = (CASES[0].batch)(&ids);
        with_refusal(Refused::From(n), || storage.apply_updates(batch)).0.is_err() && {
            assert_eq!(seen(&storage), before);
            true
        }
    });
    // What was reserved before a refusal is there the next time.
    assert!(refusals.count() > 5);
    assert!(!storage.entity_exists(ids[6]));
}

#[test]
fn the_oracle_does_not_claim_to_survive() {
    assert!(!LocalStorage::new(0).capabilities().survives_refused_memory);
}
