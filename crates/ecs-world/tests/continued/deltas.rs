//! From a snapshot and deltas.

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::{SnapshotError, Storage, snapshot};
use ecs_testkit::fuzz::{container, sections};
use ecs_world::{Cut, Delta, World};

use crate::programs::{Description, TICKS, empty, filled, on_programs, schedule, shown};

/// A snapshot, and a delta for each tick, lead to every state, one by one and made
/// one; and each run goes on from there.
fn check<S: Storage + Default>(program: &[Description], from: usize) {
    let (mut world, mut systems) = (filled(S::default()), schedule(program));
    let base = world.cut().unwrap();
    let saved = base.to_bytes().unwrap();
    let (mut last, mut deltas, mut all) = (base, Vec::new(), Vec::new());
    for _ in 0..TICKS {
        systems.run(&mut world);
        all.push(shown(&world));
        let next = world.cut_after(&last).unwrap();
        deltas.push(next.delta_since(&last).to_bytes().unwrap());
        last = next;
    }
    let deltas: Vec<_> = deltas.iter().map(|bytes| Delta::read(bytes).unwrap()).collect();
    let mut other: World<S> = empty(S::default());
    other.restore(&saved).unwrap();
    let other_base = Cut::read(&saved).unwrap();
    assert!(other_base.to_bytes().unwrap() == saved, "what is read is written again");
    assert_eq!(other_base.tick(), 0);
    let mut one: Option<Delta> = None;
    for (tick, (delta, shown_then)) in deltas.iter().zip(&all).enumerate() {
        other.apply_delta(delta).unwrap();
        assert_eq!(shown(&other), *shown_then, "after delta {tick}");
        let both = one.as_ref().map_or_else(|| delta.clone(), |one| one.then(delta).unwrap());
        let read = Delta::read(&both.to_bytes().unwrap()).unwrap();
        let mut at_once = empty(S::default());
        at_once.restore_cut(&read.apply(&other_base).unwrap()).unwrap();
        assert_eq!(shown(&at_once), *shown_then, "after {tick} deltas made one");
        one = Some(both);
        if tick == from {
            let mut systems = schedule(program);
            for shown_then in &all[tick + 1..] {
                systems.run(&mut at_once);
                assert_eq!(shown(&at_once), *shown_then, "on from {tick} deltas");
            }
        }
    }
    // To another state they do not lead.
    if TICKS > 1 && shown(&other) != all[0] {
        let before = shown(&other);
        let error = other.apply_delta(&deltas[1]).unwrap_err();
        assert!(matches!(error, SnapshotError::OtherBase { .. }), "{error}");
        assert_eq!(shown(&other), before);
    }
}

#[test]
fn a_run_goes_on_from_deltas_as_if_it_had_never_been_broken() {
    on_programs(30, |program, from| {
        check::<ArchetypeStorage>(program, from);
        check::<LocalStorage>(program, from);
    });
}

/// Cut short at every byte, and every bit flipped: refused, and nothing changed.
#[test]
fn damaged_deltas_are_refused() {
    let mut world = World::new();
    world.save_resource::<u64>("deltas::number");
    world.insert_resource(1u64);
    let base = world.cut().unwrap();
    let entity = world.storage_mut().create_entity().unwrap();
    world.storage_mut().reserve_entities(1).unwrap();
    let saved = world.cut_after(&base).unwrap().delta_since(&base).to_bytes().unwrap();
    world.despawn(entity).unwrap();
    let before = shown(&world);
    for cut in 0..saved.len() {
        assert!(Delta::read(&saved[..cut]).is_err(), "cut at {cut}");
    }
    let mut damaged = saved.clone();
    for bit in 0..saved.len() * 8 {
        damaged[bit / 8] ^= 1 << (bit % 8);
        assert!(Delta::read(&damaged).is_err(), "bit {bit}");
        damaged[bit / 8] ^= 1 << (bit % 8);
    }
    assert!(world.restore(&saved).is_err(), "a delta is no snapshot");
    assert!(Delta::read(&world.snapshot().unwrap()).is_err(), "a snapshot is no delta");
    assert_eq!(shown(&world), before);
    Delta::read(&saved).unwrap();
}

/// What is written is what changed.
#[test]
fn a_delta_is_as_large_as_what_changed() {
    use crate::programs::Plain;
    let mut world = empty(ArchetypeStorage::default());
    let all = world.spawn_batch((0..200_000).map(Plain));
    let base = world.cut().unwrap();
    let whole = base.to_bytes().unwrap().len();
    let empty_delta = world.cut_after(&base).unwrap().delta_since(&base).to_bytes().unwrap().len();
    assert!(empty_delta < 500, "{empty_delta} bytes for nothing");
    for &entity in all.iter().step_by(100 * 1024) {
        world.get_mut::<Plain>(entity).unwrap().0 = 7;
    }
    let next = world.cut_after(&base).unwrap();
    let delta = next.delta_since(&base).to_bytes().unwrap().len();
    assert!(delta < whole / 50, "{delta} bytes of {whole} for two pages");
    assert!(next.bytes_beside(&base) < whole / 50);
}

#[test]
fn a_delta_of_another_tick_than_its_world_says_is_refused() {
    let world = World::<ArchetypeStorage>::new();
    let base = world.cut().unwrap();
    let saved = world.cut_after(&base).unwrap().delta_since(&base).to_bytes().unwrap();
    let is_head = |(tag, _): &&mut ([u8; 4], &[u8])| tag == b"wdlt";
    let good = sections(&saved).iter_mut().find(is_head).unwrap().1;
    for bad in [[&good[..8], &1u64.to_le_bytes()[..]].concat(), [good, &[0][..]].concat()] {
        let mut all = sections(&saved);
        all.iter_mut().find(is_head).unwrap().1 = &bad;
        assert!(Delta::read(&container(&all)).is_err());
    }
    Delta::read(&container(&sections(&saved))).unwrap();
}

#[test]
fn bytes_of_another_kind_are_named() {
    let world = filled(ArchetypeStorage::new(0));
    let cut = world.cut().unwrap();
    let of_world = cut.to_bytes().unwrap();
    let of_store = snapshot::write(world.storage()).unwrap();
    let delta = cut.delta_since(&cut).to_bytes().unwrap();
    let mut other: World = empty(ArchetypeStorage::new(0));
    let errors = [
        other.restore(&delta).unwrap_err().to_string(),
        other.restore(&of_store).unwrap_err().to_string(),
        Cut::read(&delta).unwrap_err().to_string(),
        Delta::read(&of_world).unwrap_err().to_string(),
    ];
    let [a_snapshot, a_delta] = ["the snapshot of a world", "the delta of a world"];
    let of_store = "the snapshot or the delta of a store";
    let said = |found, expected| format!("these bytes are {found}, and {expected} was expected");
    let expected = [
        (a_delta, a_snapshot),
        (of_store, a_snapshot),
        (a_delta, a_snapshot),
        (a_snapshot, a_delta),
    ];
    assert_eq!(errors, expected.map(|(found, expected)| said(found, expected)));
    let mut damaged = delta;
    damaged[30] ^= 1;
    assert!(matches!(other.restore(&damaged), Err(SnapshotError::Checksum { .. })));
}
