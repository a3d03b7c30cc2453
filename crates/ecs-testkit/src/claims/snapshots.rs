//! Snapshots: exact, portable, and safe on hostile bytes.

use ecs_core::{AllocatorState, EntityAllocator, EntityId, ErasedVec};
use ecs_storage_api::snapshot::sections::{SectionReader, SectionWriter, Tag};
use ecs_storage_api::{OwnedChunk, SnapshotError, Storage, StorageExt, StorageImage, state_hash};

use super::state;
use crate::components::{Marker, Name, Position, Selected, Velocity};
use crate::{Make, check_invariants};

/// A store with holes, recycled ids, reserved ids and several archetypes.
fn lived_in(make: Make<'_>) -> Box<dyn Storage> {
    let mut storage = make();
    let entities =
        storage.create_many((0..12).map(|n| (Position(n, n), Name(n.to_string())))).unwrap();
    storage.create_many((0..5).map(|n| (Velocity(n, n), Marker))).unwrap();
    for entity in entities.iter().step_by(3) {
        storage.destroy_entity(*entity).unwrap();
    }
    storage.create(Marker).unwrap();
    storage.reserve_entities(2).unwrap();
    storage.remove_component::<Name>(entities[1]).unwrap();
    storage.create_entity().unwrap();
    storage
}

/// After a restore operations give the same ids in the same order.
pub fn a_snapshot_is_exact(make: Make<'_>) {
    let mut unbroken = lived_in(make);
    let saved = unbroken.snapshot().unwrap();
    let mut restored = make();
    restored.create(Name("in the way".into())).unwrap();
    restored.restore(&saved).unwrap();
    assert_eq!(state(&*restored), state(&*unbroken));
    assert_eq!(restored.allocator_state(), unbroken.allocator_state());
    assert_eq!(restored.snapshot().unwrap(), saved);
    for storage in [&mut restored, &mut unbroken] {
        for n in 0..10 {
            storage.create(Position(n, 100)).unwrap();
        }
        let first = storage.all_entities().next().unwrap();
        storage.destroy_entity(first).unwrap();
    }
    let order = |storage: &dyn Storage| -> Vec<EntityId> { storage.all_entities().collect() };
    assert_eq!(order(&*restored), order(&*unbroken));
    assert_eq!(state(&*restored), state(&*unbroken));
}

/// The entity comes back without it.
pub fn transient_components_stay_out(make: Make<'_>) {
    let mut storage = make();
    let both = storage.create((Position(1, 1), Selected(1))).unwrap();
    let only = storage.create(Selected(2)).unwrap();
    let hash = state_hash(&*storage).unwrap();
    let saved = storage.snapshot().unwrap();
    storage.restore(&saved).unwrap();
    assert!(!storage.has_component::<Selected>(both) && storage.has_component::<Position>(both));
    assert!(storage.get_component_types(only).unwrap().is_empty());
    assert_eq!(state_hash(&*storage).unwrap(), hash);
}

/// Truncated at every byte, every bit flipped, and other files.
pub fn damaged_snapshots_are_refused_and_change_nothing(make: Make<'_>) {
    let saved = lived_in(make).snapshot().unwrap();
    let mut storage = make();
    storage.create(Name("kept".into())).unwrap();
    let (before, ids) = (state(&*storage), storage.allocator_state());
    for cut in 0..saved.len() {
        assert!(storage.restore(&saved[..cut]).is_err(), "cut at {cut}");
    }
    let mut damaged = saved.clone();
    for bit in 0..saved.len() * 8 {
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(storage.restore(&damaged).is_err(), "bit {bit}");
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
    damaged.push(0);
    assert!(storage.restore(&damaged).is_err());
    assert!(matches!(storage.restore(b"PNG"), Err(SnapshotError::NotASnapshot)));
    let mut newer = saved.clone();
    newer[8] = 9;
    assert!(matches!(storage.restore(&newer), Err(SnapshotError::Version { found: 9, .. })));
    assert_eq!((state(&*storage), storage.allocator_state()), (before, ids));
    storage.restore(&saved).unwrap();
}

/// Repeated ids, ids that the allocator gives again, and columns that do not fit.
pub fn an_image_that_lists_an_entity_twice_is_refused(make: Make<'_>) {
    let storage = lived_in(make);
    let allocator = storage.allocator_state();
    let alive: Vec<EntityId> = storage.all_entities().collect();
    let chunk = |ids: &[EntityId]| OwnedChunk::new(ids.to_vec(), Vec::new());
    assert!(chunk(&[alive[0], alive[0]]).is_err());
    let column = ErasedVec::from_vec(vec![Marker; 3]);
    assert!(OwnedChunk::new(alive[..2].to_vec(), vec![column]).is_err());
    let twice = vec![chunk(&alive).unwrap(), chunk(&alive[1..2]).unwrap()];
    assert!(StorageImage::new(allocator.clone(), twice).is_err());
    let free = vec![chunk(&alive).unwrap(), chunk(&allocator.reserved[..1]).unwrap()];
    assert!(StorageImage::new(allocator.clone(), free).is_err());
    assert!(StorageImage::new(allocator.clone(), vec![chunk(&alive[1..]).unwrap()]).is_err());
    let foreign = EntityId::new(3, 1, 0).unwrap();
    let foreign =
        vec![chunk(&alive).unwrap(), chunk(&[foreign]).unwrap(), chunk(&[foreign]).unwrap()];
    assert!(StorageImage::new(allocator.clone(), foreign).is_err());
    assert!(StorageImage::new(allocator, vec![chunk(&alive).unwrap()]).is_ok());
}

/// Whatever way led there; and every kind of difference shows.
pub fn equal_states_have_equal_hashes(make: Make<'_>) {
    let hash = |storage: &dyn Storage| state_hash(storage).unwrap();
    let (mut a, mut b) = (make(), make());
    assert_eq!(hash(&*a), hash(&*b));
    let x = a.create((Position(1, 1), Name("x".into()))).unwrap();
    let y = b.create(Name("y".into())).unwrap();
    assert_ne!(hash(&*a), hash(&*b));
    b.set_component(y, Name("x".into())).unwrap();
    b.set_component(y, Position(1, 1)).unwrap();
    assert_eq!((x, hash(&*a)), (y, hash(&*b)));
    a.set_component(x, Selected(1)).unwrap();
    assert_eq!(hash(&*a), hash(&*b), "transient components do not count");
    a.set_component(x, Marker).unwrap();
    assert_ne!(hash(&*a), hash(&*b));
    a.remove_component::<Marker>(x).unwrap();
    a.get_component_mut::<Position>(x).unwrap().1 = 2;
    assert_ne!(hash(&*a), hash(&*b));
    a.get_component_mut::<Position>(x).unwrap().1 = 1;
    let extra = a.create_entity().unwrap();
    assert_ne!(hash(&*a), hash(&*b));
    a.destroy_entity(extra).unwrap();
    assert_ne!(hash(&*a), hash(&*b), "which ids come next belongs to the state");
}

/// Writes a container of hand-made sections, with the right checksums.
fn container(sections: &[(Tag, &[u8])]) -> Vec<u8> {
    let mut writer = SectionWriter::new(Vec::new()).unwrap();
    for (tag, payload) in sections {
        let fill = |out: &mut Vec<u8>| {
            out.extend_from_slice(payload);
            Ok::<(), SnapshotError>(())
        };
        writer.section(*tag, fill).unwrap();
    }
    writer.finish().unwrap()
}

/// The sections of a snapshot.
fn sections(saved: &[u8]) -> Vec<(Tag, &[u8])> {
    let mut reader = SectionReader::new(saved).unwrap();
    std::iter::from_fn(|| reader.next_section().unwrap()).collect()
}

/// Counts of terabytes and indices of four billion, under right checksums.
pub fn counts_that_lie_are_refused_without_memory(make: Make<'_>) {
    let saved = lived_in(make).snapshot().unwrap();
    let good = sections(&saved);
    let mut storage = make();
    storage.create(Name("kept".into())).unwrap();
    let before = state(&*storage);
    let with = |at: usize, payload: &[u8]| {
        let mut all = good.clone();
        all[at].1 = payload;
        container(&all)
    };
    assert_eq!(container(&good), saved);
    // The head of a chunk is a count of rows, as a number of variable length.
    let mut rows = vec![0xff; 9];
    rows.push(0x01);
    rows.extend_from_slice(&good[3].1[1..]);
    assert!(storage.restore(&with(3, &rows)).is_err());
    let mut allocator: AllocatorState = postcard::from_bytes(good[1].1).unwrap();
    allocator.next_index = u32::MAX;
    assert!(storage.restore(&with(1, &postcard::to_allocvec(&allocator).unwrap())).is_err());
    allocator.next_index = 1;
    assert!(storage.restore(&with(1, &postcard::to_allocvec(&allocator).unwrap())).is_err());
    assert!(
        storage.restore(&container(&good[..3])).is_err(),
        "the allocator speaks of entities that are not there"
    );
    let twice: Vec<_> = good.iter().chain(&good[3..4]).copied().collect();
    assert!(storage.restore(&container(&twice)).is_err(), "a chunk comes twice");
    assert!(storage.restore(&container(&good[1..])).is_err(), "the component table is missing");
    let strange = [(*b"what", &b""[..])];
    let strange: Vec<_> = good.iter().chain(&strange).copied().collect();
    assert!(storage.restore(&container(&strange)).is_err());
    assert_eq!(state(&*storage), before);
}

/// A component that this process does not know, and one of another form.
pub fn unknown_components_and_changed_schemas_are_named(make: Make<'_>) {
    let mut storage = make();
    storage.create((Position(1, 2), Name("n".into()))).unwrap();
    let saved = storage.snapshot().unwrap();
    let good = sections(&saved);
    let with_table = |table: Vec<u8>| {
        let mut all = good.clone();
        all[0].1 = &table;
        container(&all)
    };
    let replace = |from: &[u8], to: &[u8]| {
        let mut table = good[0].1.to_vec();
        let at = table
            .windows(from.len())
            .position(|window| window == from)
            .expect("the name is in the table");
        table[at..at + to.len()].copy_from_slice(to);
        with_table(table)
    };
    let unknown =
        storage.restore(&replace(b"testkit::Position", b"testkit::Pasition")).unwrap_err();
    assert!(
        matches!(&unknown, SnapshotError::UnknownComponent { name } if name == "testkit::Pasition"),
        "{unknown}"
    );
    // Behind the name stand the codec and the size.
    let changed = storage
        .restore(&replace(b"testkit::Position\x03pod\x08", b"testkit::Position\x03pod\x0c"))
        .unwrap_err();
    assert_eq!(
        changed.to_string(),
        "component `testkit::Position` was written as 12 plain bytes at alignment 4 and is now 8 plain bytes at alignment 4, and no migration leads from the one to the other"
    );
    assert_eq!(storage.query_single::<Position>().count(), 1);
}

/// Every bit flipped and every payload cut short, with the checksum put right:
/// what is still a snapshot is read whole, everything else changes nothing.
pub fn damage_under_right_checksums_is_refused_or_read_whole(make: Make<'_>) {
    let saved = lived_in(make).snapshot().unwrap();
    let good = sections(&saved);
    let mut storage = make();
    storage.create(Name("kept".into())).unwrap();
    let kept = storage.snapshot().unwrap();
    let before = (state(&*storage), storage.allocator_state());
    let mut offer = |at: usize, payload: &[u8]| {
        let mut all = good.clone();
        all[at].1 = payload;
        match storage.restore(&container(&all)) {
            Ok(()) => {
                check_invariants(&*storage);
                let again = storage.snapshot().unwrap();
                storage.restore(&again).unwrap();
                storage.create_many((0..20).map(|n| Position(n, n))).unwrap();
                check_invariants(&*storage);
                storage.restore(&kept).unwrap();
            }
            Err(_) => assert_eq!((state(&*storage), storage.allocator_state()), before),
        }
    };
    for (at, &(_, payload)) in good.iter().enumerate() {
        for cut in 0..payload.len() {
            offer(at, &payload[..cut]);
        }
        let mut damaged = payload.to_vec();
        for bit in 0..payload.len() * 8 {
            damaged[bit / 8] ^= 1 << (bit % 8);
            offer(at, &damaged);
            damaged[bit / 8] ^= 1 << (bit % 8);
        }
    }
}

/// Its entities live on, those of the shard before are foreign ones.
pub fn a_snapshot_of_another_shard_brings_its_shard(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().adopts_foreign_ids {
        return;
    }
    let [here, there] = [0, 5].map(|shard| EntityId::new(shard, 1, 0).unwrap());
    let allocator = EntityAllocator::new(5);
    let positions = ErasedVec::from_vec(vec![Position(1, 1)]);
    let chunk = OwnedChunk::new(vec![here], vec![positions]).unwrap();
    storage.create(Name("in the way".into())).unwrap();
    storage.load(StorageImage::new(allocator.state(), vec![chunk]).unwrap()).unwrap();
    check_invariants(&*storage);
    assert_eq!(storage.get_component::<Position>(here), Some(&Position(1, 1)));
    assert!(!storage.entity_exists(there));
    assert_eq!(storage.create(Position(2, 2)).unwrap(), there);
    assert_eq!(storage.query_single::<Position>().count(), 2);
    let saved = storage.snapshot().unwrap();
    storage.destroy_batch(&[here, there]).unwrap();
    check_invariants(&*storage);
    assert_eq!(storage.create_entity().unwrap(), EntityId::new(5, 1, 1).unwrap());
    storage.restore(&saved).unwrap();
    assert_eq!(storage.get_component::<Position>(here), Some(&Position(1, 1)));
}
