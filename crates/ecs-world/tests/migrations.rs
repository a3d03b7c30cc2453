//! Snapshots of yesterday: components that changed, three versions back, and those
//! that are gone.

use std::collections::BTreeMap;

use bytemuck::{Pod, Zeroable};
use ecs_archetype::ArchetypeStorage;
use ecs_core::{Component, ComponentId, EntityId};
use ecs_derive::Component;
use ecs_local::LocalStorage;
use ecs_storage_api::snapshot::sections::{SectionReader, SectionWriter};
use ecs_storage_api::snapshot::{self, ChunkAges, ReadOptions};
use ecs_storage_api::{SnapshotError, Storage, StorageExt};
use ecs_world::World;
use serde::{Deserialize, Serialize};

/// Gives a component of a snapshot another name of the same length. A process has
/// one component a name; those that wrote old files are here under others.
fn renamed(saved: &[u8], from: &str, to: &str) -> Vec<u8> {
    assert_eq!(from.len(), to.len());
    let mut sections = SectionReader::new(saved).unwrap();
    let mut writer = SectionWriter::new(Vec::new()).unwrap();
    while let Some((tag, payload)) = sections.next_section().unwrap() {
        let mut payload = payload.to_vec();
        if tag == *b"comp" {
            let mut windows = payload.windows(from.len());
            let at = windows.position(|name| name == from.as_bytes()).expect("it has the name");
            payload[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        let fill = |out: &mut Vec<u8>| {
            out.extend_from_slice(&payload);
            Ok::<(), SnapshotError>(())
        };
        writer.section(tag, fill).unwrap();
    }
    writer.finish().unwrap()
}

/// Writes a world with one entity for each value, as a process did whose component
/// had the name that is given.
fn written<C: Component>(values: impl IntoIterator<Item = C>, name: &str) -> Vec<u8> {
    let mut world = World::new();
    for value in values {
        world.spawn(value);
    }
    renamed(&world.snapshot().unwrap(), C::describe().name(), name)
}

fn values<C: Component + Clone>(world: &World) -> Vec<C> {
    world.query::<&C>().into_iter().cloned().collect()
}

/// As it was in each version, in the program of that time.
mod health {
    use super::*;

    #[derive(Component, Serialize, Deserialize)]
    #[component(crate = ecs_core, name = "migrations::Health1")]
    pub(super) struct Written1(pub(super) u32);

    #[derive(Component, Serialize, Deserialize)]
    #[component(crate = ecs_core, name = "migrations::Health2")]
    pub(super) struct Written2 {
        pub(super) now: u32,
        pub(super) max: u32,
    }
}

// What the program of today has.

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Health_")]
struct HealthV1(u32);

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Health_")]
struct HealthV2 {
    now: u32,
    max: u32,
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Health_")]
struct Health {
    share: f64,
    label: String,
}

const HEALTH: &str = "migrations::Health_";

fn first_step(old: HealthV1) -> HealthV2 {
    HealthV2 { now: old.0, max: 100 }
}

fn second_step(old: HealthV2) -> Health {
    Health { share: f64::from(old.now) / f64::from(old.max), label: format!("of {}", old.max) }
}

fn health(share: f64, max: u32) -> Health {
    Health { share, label: format!("of {max}") }
}

#[test]
fn three_versions_of_what_serde_writes_are_read() {
    let mut world = World::new();
    world.register::<Health>();
    let options = ReadOptions::new().migrate(second_step).migrate(first_step);
    let one = written([health::Written1(50), health::Written1(25)], HEALTH);
    world.restore_with(&one, &options).unwrap();
    assert_eq!(values::<Health>(&world), [health(0.5, 100), health(0.25, 100)]);
    let two = written([health::Written2 { now: 3, max: 4 }], HEALTH);
    world.restore_with(&two, &options).unwrap();
    assert_eq!(values::<Health>(&world), [health(0.75, 4)]);
    let three = world.snapshot().unwrap();
    world.spawn(health(0.0, 1));
    world.restore_with(&three, &options).unwrap();
    assert_eq!(values::<Health>(&world), [health(0.75, 4)]);
}

#[derive(Component, Clone, Copy, Pod, Zeroable)]
#[component(crate = ecs_core, name = "migrations::Place1", pod)]
#[repr(C)]
struct WrittenPlace1([f32; 2]);

#[derive(Component, Clone, Copy, Pod, Zeroable)]
#[component(crate = ecs_core, name = "migrations::Place2", pod)]
#[repr(C)]
struct WrittenPlace2 {
    x: f64,
    y: f64,
}

#[derive(Component, Clone, Copy, Pod, Zeroable)]
#[component(crate = ecs_core, name = "migrations::Place_", pod)]
#[repr(C)]
struct PlaceV1([f32; 2]);

#[derive(Component, Clone, Copy, Pod, Zeroable)]
#[component(crate = ecs_core, name = "migrations::Place_", pod)]
#[repr(C)]
struct PlaceV2 {
    x: f64,
    y: f64,
}

/// As many bytes as the second version: the schema alone tells them apart.
#[derive(Component, Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[component(crate = ecs_core, name = "migrations::Place_", pod)]
#[repr(C)]
struct Place {
    east: i64,
    north: i64,
}

#[test]
fn three_versions_of_plain_bytes_are_read() {
    let mut world = World::new();
    world.register::<Place>();
    let options = ReadOptions::new()
        .migrate(|PlaceV1([x, y])| PlaceV2 { x: x.into(), y: y.into() })
        .migrate(|old: PlaceV2| Place { east: old.x as i64, north: old.y as i64 });
    // Enough for ids that are written as runs.
    let many = (0..100).map(|n| WrittenPlace1([n as f32, -1.0]));
    world.restore_with(&written(many, "migrations::Place_"), &options).unwrap();
    let expected: Vec<_> = (0..100).map(|east| Place { east, north: -1 }).collect();
    assert_eq!(values::<Place>(&world), expected);
    let two = written([WrittenPlace2 { x: 7.0, y: 8.0 }], "migrations::Place_");
    world.restore_with(&two, &options).unwrap();
    assert_eq!(values::<Place>(&world), [Place { east: 7, north: 8 }]);
    let three = world.snapshot().unwrap();
    world.restore_with(&three, &options).unwrap();
    assert_eq!(values::<Place>(&world), [Place { east: 7, north: 8 }]);
}

#[test]
fn a_form_from_which_nothing_leads_is_an_error_with_both_schemas() {
    let mut world = World::new();
    let kept = world.spawn(health(1.0, 1));
    world.register::<Place>();
    let refused = |world: &mut World, saved: &[u8], options: &ReadOptions| {
        world.restore_with(saved, options).unwrap_err().to_string()
    };
    let none = ReadOptions::new();
    let from_one = "component `migrations::Health_` was written as postcard of `(u32)` and is \
        now postcard of `{share: f64, label: string}`, and no migration leads from the one to the \
        other";
    let one = written([health::Written1(50)], HEALTH);
    assert_eq!(refused(&mut world, &one, &none), from_one);
    // A chain that ends too early, and one that begins too late.
    let to_second = ReadOptions::new().migrate(first_step);
    assert_eq!(refused(&mut world, &one, &to_second), from_one);
    let from_second = ReadOptions::new().migrate(second_step);
    assert_eq!(refused(&mut world, &one, &from_second), from_one);
    let two = written([WrittenPlace2 { x: 7.0, y: 8.0 }], "migrations::Place_");
    assert_eq!(
        refused(&mut world, &two, &none),
        "component `migrations::Place_` was written as 16 plain bytes at alignment 8 of \
        `{x: f64, y: f64}` and is now 16 plain bytes at alignment 8 of `{east: i64, north: i64}`, \
        and no migration leads from the one to the other"
    );
    assert_eq!(world.get::<Health>(kept), Some(&health(1.0, 1)));
    assert_eq!(world.len(), 1);
}

#[test]
fn a_component_that_nobody_knows_is_an_error_or_skipped() {
    let saved = written([health::Written1(50)], "migrations::Wealth_");
    let mut world = World::new();
    world.spawn(health(1.0, 1));
    let error = world.restore(&saved).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the snapshot holds component `migrations::Wealth_`, which this process does not know: \
        register it first, migrate it from that name, or skip it"
    );
    assert_eq!(world.len(), 1);
    for options in [
        ReadOptions::new().skip_unknown(),
        ReadOptions::new().skip_named("migrations::Wealth_"),
        ReadOptions::new().skip_unknown().skip_named("migrations::Nothing"),
    ] {
        let mut world = World::new();
        world.restore_with(&saved, &options).unwrap();
        let entity = world.storage().all_entities().next().unwrap();
        assert!(world.storage().get_component_types(entity).unwrap().is_empty());
    }
    // What is known but of another form is not unknown.
    let changed = written([health::Written1(50)], HEALTH);
    assert!(world.restore_with(&changed, &ReadOptions::new().skip_unknown()).is_err());
    world.restore_with(&changed, &ReadOptions::new().skip::<Health>()).unwrap();
    assert!(values::<Health>(&world).is_empty());
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Chosen1")]
struct WrittenChosen(u8);

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Chosen_")]
struct ChosenV1(u8);

#[derive(Component, Clone, Debug, PartialEq)]
#[component(crate = ecs_core, name = "migrations::Chosen_", transient)]
struct Chosen(usize);

#[test]
fn what_is_transient_now_is_refused_migrated_or_skipped() {
    let mut world = World::new();
    world.register::<Chosen>();
    let saved = written([WrittenChosen(3)], "migrations::Chosen_");
    assert_eq!(
        world.restore(&saved).unwrap_err().to_string(),
        "component `migrations::Chosen_` was written as postcard of `(u8)` and is now transient \
        of `(usize)`, and no migration leads from the one to the other"
    );
    let migrate = ReadOptions::new().migrate(|old: ChosenV1| Chosen(old.0.into()));
    world.restore_with(&saved, &migrate).unwrap();
    assert_eq!(values::<Chosen>(&world), [Chosen(3)]);
    world.restore_with(&saved, &ReadOptions::new().skip::<Chosen>()).unwrap();
    assert_eq!((world.len(), values::<Chosen>(&world)), (1, vec![]));
}

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Vigour_")]
struct Vigour(u32);

#[test]
fn a_component_may_get_another_name() {
    let mut world = World::new();
    world.register::<Health>();
    let saved = written([health::Written1(50)], "migrations::Vigour_");
    let options = ReadOptions::new()
        .migrate(|old: Vigour| HealthV1(old.0))
        .migrate(first_step)
        .migrate(second_step);
    world.restore_with(&saved, &options).unwrap();
    assert_eq!(values::<Health>(&world), [health(0.5, 100)]);
    assert_eq!(options.name_here("migrations::Vigour_"), Some(HEALTH));
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Kept", track)]
struct Kept(u32);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Dropped", track)]
struct Dropped(u32);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Last", track)]
struct Last(u32);

type Ages = BTreeMap<(usize, ComponentId), snapshot::ColumnAges>;

fn ages(image: &snapshot::StorageImage) -> Ages {
    let of_chunks = image.history().unwrap().chunks().iter().zip(image.chunks()).enumerate();
    of_chunks
        .flat_map(|(n, (ages, chunk))| {
            let ChunkAges { columns, .. } = ages;
            assert_eq!(columns.len(), chunk.columns().len());
            let ids = chunk.columns().iter().map(move |column| (n, column.id()));
            ids.zip(columns.clone())
        })
        .collect()
}

fn skipping_keeps_the_history_in_step(mut storage: impl Storage) {
    // The one that goes lies between the others.
    ComponentId::of::<Kept>();
    ComponentId::of::<Dropped>();
    ComponentId::of::<Last>();
    let alone = storage.create_many((0..10).map(|n| (Kept(n), Last(n)))).unwrap();
    storage.advance_version();
    let all = storage.create_many((0..10).map(|n| (Last(n), Dropped(n), Kept(n)))).unwrap();
    storage.advance_version();
    storage.get_component_mut::<Kept>(all[3]).unwrap().0 = 100;
    storage.advance_version();
    storage.get_component_mut::<Last>(alone[4]).unwrap().0 = 100;
    storage.remove_component::<Dropped>(all[0]).unwrap();
    storage.advance_version();
    storage.remove_component::<Kept>(all[1]).unwrap();
    storage.destroy_entity(all[2]).unwrap();
    let saved = storage.snapshot().unwrap();
    let dropped = ComponentId::of::<Dropped>();
    let before: Vec<EntityId> = storage.all_entities().collect();

    let whole = snapshot::read(&saved).unwrap();
    let options = ReadOptions::new().skip::<Dropped>();
    let part = snapshot::read_with(&saved, &options).unwrap();
    let mut expected = ages(&whole);
    expected.retain(|(_, component), _| *component != dropped);
    assert!(!expected.is_empty() && expected != ages(&whole));
    assert_eq!(ages(&part), expected);
    assert!(whole.entities().eq(part.entities()));

    storage.load(part).unwrap();
    let mut after: Vec<EntityId> = storage.all_entities().collect();
    after.sort_unstable();
    assert!(before.iter().all(|id| after.binary_search(id).is_ok()));
    assert_eq!(after.len(), before.len());
    let origin = storage.origin();
    let removed = |component| {
        let removed = storage.removed(component, origin).iter();
        removed.map(|removed| removed.entity).collect::<Vec<_>>()
    };
    assert_eq!(removed(dropped), []);
    assert_eq!(removed(ComponentId::of::<Kept>()), [all[1], all[2]]);
    assert_eq!(removed(ComponentId::of::<Last>()), [all[2]]);
    assert_eq!(storage.get_component::<Kept>(all[3]), Some(&Kept(100)));
}

#[test]
fn skipping_keeps_the_history_in_step_on_both_backends() {
    skipping_keeps_the_history_in_step(ArchetypeStorage::new(0));
    skipping_keeps_the_history_in_step(LocalStorage::new(0));
}

#[test]
#[should_panic(expected = "back to `migrations::Health`")]
fn migrations_in_a_circle_are_refused() {
    let back = |old: Health| HealthV1(old.share as u32);
    let _ = ReadOptions::new().migrate(first_step).migrate(second_step).migrate(back);
}

#[test]
#[should_panic(expected = "is there already")]
fn two_migrations_from_one_form_are_refused() {
    let _ = ReadOptions::new().migrate(first_step).migrate(first_step);
}

#[test]
#[should_panic(expected = "is transient")]
fn a_migration_from_what_no_file_holds_is_refused() {
    let _ = ReadOptions::new().migrate(|old: Chosen| ChosenV1(old.0 as u8));
}

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Tag<alloc::string::String>")]
struct TagOfString(String);

/// What wrote the files.
#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Tag-alloc::string::String-")]
struct Written(String);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Length")]
struct Length(usize);

#[test]
fn what_was_saved_of_a_generic_type_is_read_by_the_name_that_it_had() {
    let name = "migrations::Tag<alloc::string::String>";
    let saved = written([Written("four".to_owned())], name);
    let options = ReadOptions::new().migrate(|old: TagOfString| Length(old.0.len()));
    let mut world = World::new();
    world.register::<Length>();
    world.restore_with(&saved, &options).unwrap();
    assert_eq!(values::<Length>(&world), [Length(4)]);
}
