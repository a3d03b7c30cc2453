//! From rows that were kept somewhere else.

use std::collections::BTreeMap;

use ecs_archetype::ArchetypeStorage;
use ecs_core::{AllocatorState, ComponentId, EntityId, ErasedVec};
use ecs_local::LocalStorage;
use ecs_storage_api::snapshot::{RowChanges, StorageCut};
use ecs_storage_api::{Changed, OwnedChunk, Query, Storage, StorageImage};
use ecs_testkit::differential::{EncodedRows, apply_rows, encoded_rows};
use ecs_world::{Cut, EventReader, Events, ResMut, Schedule, World};
use serde::{Deserialize, Serialize};

use crate::programs::{Description, Heard, Plain, TICKS, empty, filled, on_programs, schedule};

/// What a database keeps of a world.
struct Kept {
    rows: EncodedRows,
    allocator: AllocatorState,
    head: Vec<u8>,
}

impl Kept {
    fn of(cut: &Cut) -> Self {
        let allocator = cut.store().allocator().clone();
        let mut kept = Self { rows: EncodedRows::new(), allocator, head: Vec::new() };
        let nothing = StorageCut::of(&LocalStorage::default()).unwrap();
        kept.take_in(cut, cut.store().rows_since(&nothing).unwrap());
        kept
    }

    fn take_in(&mut self, cut: &Cut, changes: RowChanges) {
        apply_rows(&changes, &mut self.rows).unwrap();
        (self.allocator, self.head) = (cut.store().allocator().clone(), cut.head_bytes());
    }

    /// Makes a cut of what is kept.
    fn cut(&self) -> Cut {
        let mut sets: BTreeMap<Vec<ComponentId>, Vec<EntityId>> = BTreeMap::new();
        for (id, row) in &self.rows {
            sets.entry(row.keys().copied().collect()).or_default().push(*id);
        }
        let chunk = |(components, ids): (Vec<ComponentId>, Vec<EntityId>)| {
            let column = |component: &ComponentId| {
                let bytes: Vec<u8> =
                    ids.iter().flat_map(|id| self.rows[id][component].clone()).collect();
                ErasedVec::decode(component.info(), &mut &bytes[..], ids.len()).unwrap()
            };
            let columns = components.iter().map(column).collect();
            OwnedChunk::new(ids, columns).unwrap()
        };
        let chunks = sets.into_iter().map(chunk).collect();
        let image = StorageImage::new(self.allocator.clone(), chunks).unwrap();
        Cut::from_parts(&self.head, StorageCut::of_image(&image).unwrap()).unwrap()
    }
}

fn check<S: Storage + Default>(program: &[Description]) {
    let (mut world, mut systems) = (filled(S::default()), schedule(program));
    let mut last = world.cut().unwrap();
    let mut kept = Kept::of(&last);
    for tick in 0..=TICKS {
        let cut = world.cut_after(&last).unwrap();
        kept.take_in(&cut, cut.rows_since(&last).unwrap());
        assert!(kept.rows == encoded_rows(world.storage()), "at tick {tick}");
        let again = kept.cut();
        assert!(cut.rows_since(&again).unwrap().is_empty());
        let mut other = empty(S::default());
        other.restore_cut(&again).unwrap();
        assert_eq!(other.state_hash().unwrap(), world.state_hash().unwrap(), "at tick {tick}");
        assert_eq!((again.tick(), other.tick()), (tick as u64, tick as u64));
        last = cut;
        systems.run(&mut world);
    }
}

#[test]
fn a_world_is_the_same_from_rows_that_followed_it_tick_by_tick() {
    on_programs(20, |program, _| {
        check::<ArchetypeStorage>(program);
        check::<LocalStorage>(program);
    });
}

/// How many changes and events a system has got.
#[derive(Default, Serialize, Deserialize)]
struct Got {
    changed: usize,
    heard: usize,
}

fn count(
    rows: Query<EntityId, Changed<Plain>>,
    mut heard: EventReader<Heard>,
    mut got: ResMut<Got>,
) {
    got.changed += rows.iter().count();
    got.heard += heard.read().count();
}

#[test]
fn from_rows_everything_is_new_to_a_system_but_the_events_that_it_has_read() {
    let known = || {
        let mut world = empty(ArchetypeStorage::default());
        world.save_resource::<Got>("continued::got");
        world
    };
    let systems = || {
        let mut systems = Schedule::new();
        systems.add_system(count);
        systems
    };
    let (mut world, mut running) = (known(), systems());
    world.insert_resource(Got::default());
    world.spawn_batch((0..7).map(|n| (Plain(n),)));
    running.run(&mut world);
    let send = |world: &mut World<ArchetypeStorage>, event| {
        world.resource_mut::<Events<Heard>>().unwrap().send(event);
    };
    send(&mut world, Heard(1));
    running.run(&mut world);
    send(&mut world, Heard(2));
    let got = |world: &World<ArchetypeStorage>| {
        let got = world.resource::<Got>().unwrap();
        (got.changed, got.heard)
    };
    assert_eq!(got(&world), (7, 1));
    let cut = world.cut().unwrap();
    let kept = Kept::of(&cut);
    // With its history it goes on; without, all rows are new.
    for (cut, changed) in [(cut, 7), (kept.cut(), 14)] {
        let (mut other, mut running) = (known(), systems());
        other
            .restore_cut(&Cut::from_parts(&cut.head_bytes(), cut.store().clone()).unwrap())
            .unwrap();
        running.run(&mut other);
        assert_eq!(got(&other), (changed, 2));
    }
}

#[test]
fn a_head_that_is_damaged_is_refused() {
    let world = filled(ArchetypeStorage::default());
    let cut = world.cut().unwrap();
    let head = cut.head_bytes();
    for length in 0..head.len() {
        assert!(Cut::from_parts(&head[..length], cut.store().clone()).is_err(), "{length} bytes");
    }
    let mut damaged = head.clone();
    for at in 0..head.len() {
        damaged[at] ^= 1;
        assert!(Cut::from_parts(&damaged, cut.store().clone()).is_err(), "byte {at}");
        damaged[at] ^= 1;
    }
    // A whole snapshot begins with a head, and is none.
    assert!(Cut::from_parts(&cut.to_bytes().unwrap(), cut.store().clone()).is_err());
    let whole = Cut::from_parts(&head, cut.store().clone()).unwrap();
    assert_eq!(whole.to_bytes().unwrap(), cut.to_bytes().unwrap());
}
