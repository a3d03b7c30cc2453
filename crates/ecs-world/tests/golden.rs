//! Files of this version of the format, which every later build reads.
//!
//! `ECS_GOLDEN=write` makes those anew that the build writes: after a change of
//! the format, which then needs another version, or of the versions that a run
//! stamps what it writes with. Of the latter, `earlier.snapshot` was written before
//! systems that take the world had one of their own.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use bytemuck::{Pod, Zeroable};
use ecs_core::{ComponentId, DynamicComponent, EntityId, ErasedValue};
use ecs_derive::Component;
use ecs_local::LocalStorage;
use ecs_storage_api::Storage;
use ecs_world::{
    EventReader, EventWriter, IntoSystemConfig, RemovedComponents, Res, ResMut, Schedule,
    SubSchedule, World,
};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[component(crate = ecs_core, name = "golden::Place", pod)]
#[repr(C)]
struct Place {
    x: f32,
    y: f32,
    z: f64,
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "golden::Name", track)]
struct Name(String);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "golden::Mood")]
enum Mood {
    Calm,
    Follows(EntityId),
    Says { words: Vec<String>, loud: Option<bool> },
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "golden::Burning", track)]
struct Burning;

#[derive(Component, Debug)]
#[component(crate = ecs_core, name = "golden::Chosen", transient)]
struct Chosen;

/// A resource that is saved.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct PutOut(Vec<EntityId>);

/// An event that is saved.
#[derive(Debug, Serialize, Deserialize)]
struct Rang(u64);

#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Heard(Vec<u64>);

/// Registers everything in one order: that of the ids decides in which order
/// columns are written.
fn empty<S: Storage>(storage: S) -> World<S> {
    let mut world = World::with_storage(storage);
    world.register::<(Place, Name, Mood, Burning, Chosen)>();
    odd();
    world.save_resource::<PutOut>("golden::put out");
    world.save_resource::<Heard>("golden::heard");
    world.save_events::<Rang>("golden::rang");
    world
}

/// A component without a type.
fn odd() -> ComponentId {
    DynamicComponent::new("golden::Odd", 5, 4).register().unwrap()
}

fn schedule() -> Schedule {
    fn put_out(mut lost: RemovedComponents<'_, Burning>, mut all: ResMut<'_, PutOut>) {
        all.0.extend(lost.read());
    }
    fn ring(all: Res<'_, PutOut>, mut bell: EventWriter<'_, Rang>) {
        bell.send(Rang(all.0.len() as u64));
    }
    fn hear(mut bell: EventReader<'_, Rang>, mut heard: ResMut<'_, Heard>) {
        heard.0.extend(bell.read().map(|rang| rang.0));
    }
    let mut rarely = Schedule::new();
    rarely.add_system(hear);
    let mut schedule = Schedule::new();
    schedule.add_system(put_out);
    schedule.add_system(ring);
    schedule.add_system(SubSchedule::new("rarely", rarely).every(3));
    schedule
}

/// A world with something of everything that a snapshot holds.
fn lived_in() -> World {
    let mut world = empty(ecs_archetype::ArchetypeStorage::new(0));
    world.insert_resource(PutOut::default());
    world.insert_resource(Heard::default());
    let places = (0..1_100).map(|n| Place { x: n as f32, y: -0.5, z: 0.0 });
    let placed = world.spawn_batch(places);
    let named: Vec<_> = (0..12)
        .map(|n| {
            let place = Place { x: 0.0, y: n as f32, z: 1.0 / f64::from(n + 1) };
            world.spawn((Name(format!("number {n}")), place, Burning))
        })
        .collect();
    let says = Mood::Says { words: vec!["oh".to_owned(), String::new()], loud: Some(true) };
    for (n, mood) in [Mood::Calm, Mood::Follows(placed[7]), says].into_iter().enumerate() {
        world.insert(named[n], mood).unwrap();
    }
    let value = ErasedValue::from_bytes(odd(), &[1, 2, 3, 4, 5]).unwrap();
    world.storage_mut().set_component_erased(named[4], value).unwrap();
    world.insert(named[5], Chosen).unwrap();
    let mut schedule = schedule();
    for n in 0..5 {
        world.remove::<Burning>(named[2 * n]).unwrap();
        world.get_mut::<Name>(named[n]).unwrap().0.push('!');
        world.despawn(placed[1_000 + 3 * n]).unwrap();
        schedule.run(&mut world);
    }
    world.despawn(named[11]).unwrap();
    world.spawn(());
    world.storage_mut().reserve_entities(2).unwrap();
    world
}

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/golden").join(name)
}

/// Returns what a file holds, after writing it if that is asked for.
fn golden(name: &str, written: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    static ONE_BY_ONE: Mutex<()> = Mutex::new(());
    let _turn = ONE_BY_ONE.lock().unwrap_or_else(PoisonError::into_inner);
    if std::env::var("ECS_GOLDEN").is_ok_and(|asked| asked == "write") {
        fs::write(file(name), written()).unwrap();
    }
    fs::read(file(name)).unwrap_or_else(|error| panic!("{name}: {error}; ECS_GOLDEN=write"))
}

/// Goes on with a world, and tells what comes of it.
fn continued<S: Storage>(mut world: World<S>) -> (u64, PutOut, Heard, EntityId) {
    let mut schedule = schedule();
    for _ in 0..4 {
        schedule.run(&mut world);
    }
    let next = world.spawn(Chosen);
    let put_out = world.remove_resource::<PutOut>().unwrap();
    let heard = world.remove_resource::<Heard>().unwrap();
    (world.state_hash().unwrap(), put_out, heard, next)
}

#[test]
fn the_file_is_read_on_both_backends_and_goes_on() {
    let newest = golden("world.snapshot", || lived_in().snapshot().unwrap());
    for saved in [newest, fs::read(file("earlier.snapshot")).unwrap()] {
        let unbroken = lived_in();
        let hash = unbroken.state_hash().unwrap();
        let mut world = empty(ecs_archetype::ArchetypeStorage::new(0));
        world.restore(&saved).unwrap();
        let mut local = empty(LocalStorage::new(0));
        local.restore(&saved).unwrap();
        assert_eq!([world.state_hash().unwrap(), local.state_hash().unwrap()], [hash, hash]);
        let canonical = unbroken.snapshot_canonical().unwrap();
        assert!(world.snapshot_canonical().unwrap() == canonical);
        assert!(local.snapshot_canonical().unwrap() == canonical);
        let expected = continued(unbroken);
        assert_eq!(continued(world), expected);
        assert_eq!(continued(local), expected);
    }
}

#[test]
fn what_is_written_is_the_file_byte_by_byte() {
    let written = || lived_in().snapshot().unwrap();
    assert!(golden("world.snapshot", written) == written(), "another snapshot than it was");
    let canonical = || lived_in().snapshot_canonical().unwrap();
    assert!(golden("world.canonical", canonical) == canonical(), "another canonical snapshot");
}

#[test]
fn the_canonical_file_is_what_every_backend_writes() {
    let saved = golden("world.canonical", || lived_in().snapshot_canonical().unwrap());
    let mut local = empty(LocalStorage::new(0));
    local.restore(&saved).unwrap();
    assert!(local.snapshot_canonical().unwrap() == saved);
    local.restore(&lived_in().snapshot().unwrap()).unwrap();
    assert!(local.snapshot_canonical().unwrap() == saved);
    assert_eq!(local.state_hash().unwrap(), lived_in().state_hash().unwrap());
}

/// Packed bytes may differ from version to version of a library, what they hold
/// does not.
#[cfg(any(feature = "lz4", feature = "zstd"))]
#[test]
fn the_packed_files_are_read() {
    use ecs_storage_api::snapshot::Compression;

    let hash = lived_in().state_hash().unwrap();
    for (name, compression) in [
        #[cfg(feature = "lz4")]
        ("world.lz4", Compression::Lz4),
        #[cfg(feature = "zstd")]
        ("world.zstd", Compression::Zstd(3)),
    ] {
        let saved = golden(name, || lived_in().snapshot_with(compression).unwrap());
        let mut world = empty(LocalStorage::new(0));
        world.restore(&saved).unwrap();
        assert_eq!(world.state_hash().unwrap(), hash, "{name}");
        assert!(saved.len() < lived_in().snapshot().unwrap().len(), "{name}");
    }
}

#[test]
fn the_file_holds_something_of_everything() {
    let world = lived_in();
    assert!(world.storage().has_component_erased(entity(1_105), odd()));
    let moods: Vec<_> = world.query::<&Mood>().into_iter().cloned().collect();
    assert_eq!(moods.len(), 3);
    let state = world.storage().allocator_state();
    assert_eq!((state.free.len(), state.reserved.len()), (3, 2));
    assert!(
        !world.storage().removed(ComponentId::of::<Burning>(), world.storage().origin()).is_empty()
    );
    assert_eq!(world.tick(), 5);
}

fn entity(index: u32) -> EntityId {
    EntityId::new(0, index, 0).unwrap()
}
