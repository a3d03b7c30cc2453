//! Restoring bytes: what is refused changes nothing, what is accepted is the same
//! everywhere.

use std::sync::Once;

use ecs_core::{AllocatorState, BundleKind, EntityId, ErasedBundle, ErasedValue};
use ecs_storage_api::{Storage, StorageExt, state_hash};

use super::container::{container, sections};
use crate::components::{
    Aligned, AlignedMarker, Fragile, Marker, Name, Position, Selected, Tag, Velocity, none, odd,
    wide,
};
use crate::differential::Make;
use crate::invariants::find_fault;

/// Restores bytes on two backends, as they are and with their checksums put right.
///
/// # Panics
/// If the backends disagree on whether the bytes are a snapshot or on what it holds,
/// if saving and restoring again gives something else, or if a store that refused
/// the bytes has changed.
pub fn restore<A: Storage, B: Storage>(bytes: &[u8], make_a: Make<'_, A>, make_b: Make<'_, B>) {
    meet_components();
    offer(bytes, make_a, make_b);
    let repaired = container(&sections(bytes));
    if repaired != bytes {
        offer(&repaired, make_a, make_b);
    }
}

/// Registers the kit's components: bytes with one that the process has not met are
/// refused at once.
pub(super) fn meet_components() {
    type Kit = (
        (Position, Velocity, Name, Marker, Aligned, AlignedMarker),
        (Selected, Fragile, Tag<i32>, Tag<String>),
    );
    static KNOWN: Once = Once::new();
    KNOWN.call_once(|| drop((BundleKind::of::<Kit>().component_ids(), odd(), wide(), none())));
}

fn offer<A: Storage, B: Storage>(bytes: &[u8], make_a: Make<'_, A>, make_b: Make<'_, B>) {
    let (mut a, mut b) = (make_a(), make_b());
    for storage in [&mut a as &mut dyn Storage, &mut b] {
        storage.create((Position(1, 2), Name("kept".into()))).expect("there are ids");
    }
    let before = (saved(&a), saved(&b));
    match (a.restore(bytes), b.restore(bytes)) {
        (Ok(()), Ok(())) => {
            let all = agree(&a, &b);
            again(&a, &all, make_a);
            again(&b, &all, make_b);
            // What comes next is the same, too.
            let made = [&mut a as &mut dyn Storage, &mut b].map(|storage| {
                let made = (0..3).map(|n| storage.create((Position(n, n), Marker)).ok()).collect();
                let last: Vec<Option<EntityId>> = made;
                if let Some(first) = last[0] {
                    storage.destroy_entity(first).expect("it was made");
                }
                last
            });
            assert_eq!(made[0], made[1], "the next ids differ");
            agree(&a, &b);
        }
        (Err(_), Err(_)) => {
            assert!((saved(&a), saved(&b)) == before, "a refused snapshot has changed a store");
        }
        (of_a, of_b) => panic!("one accepts what the other refuses: {of_a:?} and {of_b:?}"),
    }
}

fn saved(storage: &dyn Storage) -> Vec<u8> {
    storage.snapshot().expect("the kit's components can be encoded")
}

/// What is the same for equal stores, whatever the backend.
type Seen = (u64, usize, AllocatorState);

fn seen(storage: &dyn Storage) -> Seen {
    if let Err(fault) = find_fault(storage) {
        panic!("{fault}");
    }
    let hash = state_hash(storage).expect("the kit's components can be encoded");
    (hash, storage.entity_count(), storage.allocator_state())
}

/// Compares two stores, and returns what both are.
fn agree(a: &dyn Storage, b: &dyn Storage) -> Seen {
    let (of_a, of_b) = (seen(a), seen(b));
    assert_eq!(of_a, of_b, "the stores differ");
    of_a
}

/// Saves a store of which all is known, and restores it into a new one.
fn again<S: Storage>(storage: &S, all: &Seen, make: Make<'_, S>) {
    let bytes = saved(storage);
    let mut same = make();
    same.restore(&bytes).expect("what was written is read");
    assert!(saved(&same) == bytes, "saved again it is other bytes");
    assert!(same.all_entities().eq(storage.all_entities()), "the order of entities has changed");
    assert_eq!(seen(&same), *all, "the stores differ");
}

/// Writes snapshots to begin with: of nothing, and of small stores that show what the
/// format has.
pub fn seeds<S: Storage>(make: Make<'_, S>) -> Vec<(&'static str, Vec<u8>)> {
    type Filling<S> = (&'static str, fn(&mut S));
    let fillings: [Filling<S>; 5] = [
        ("empty", |_| {}),
        ("plain", |storage| {
            let all = storage.create_many((0..20).map(|n| (Position(n, n), Velocity(n, 0))));
            storage.destroy_batch(&all.expect("there are ids")[3..6]).expect("they live");
        }),
        ("encoded", |storage| {
            storage.create_many((0..4).map(|n| (Name("n".repeat(n)), Tag(3)))).expect("ids");
            storage.create((Aligned(3), Tag("text".to_owned()))).expect("there are ids");
            let value = ErasedValue::from_bytes(odd(), b"odd!!").expect("it has five bytes");
            storage.create_with(&mut ErasedBundle::new(vec![value])).expect("there are ids");
        }),
        ("ids", |storage| {
            let all = storage.create_many((0..8).map(|_| Marker)).expect("there are ids");
            storage.destroy_batch(&[all[5], all[2]]).expect("they live");
            storage.reserve_entities(3).expect("there are ids");
            storage.destroy_entity(all[1]).expect("it lives");
            if storage.capabilities().adopts_foreign_ids {
                let foreign = EntityId::new(9, 4, 2).expect("there is such an id");
                storage.adopt(foreign).expect("it lives nowhere");
                storage.set_component(foreign, Position(7, 7)).expect("it lives");
            }
        }),
        ("mixed", |storage| {
            let all = storage.create_many((0..6).map(|n| (Position(n, n), Name(String::new()))));
            storage.create_many((0..3).map(|n| Velocity(n, n))).expect("there are ids");
            storage.create_entity().expect("there are ids");
            storage.remove_component::<Name>(all.expect("there are ids")[2]).expect("it lives");
        }),
    ];
    let write = |(name, fill): Filling<S>| {
        let mut storage = make();
        fill(&mut storage);
        (name, saved(&storage))
    };
    fillings.into_iter().map(write).collect()
}
