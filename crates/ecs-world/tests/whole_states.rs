//! Whole states on their way: through cuts and deltas, and as bytes that say too much.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_archetype::ArchetypeStorage;
use ecs_derive::Component;
use ecs_storage_api::SnapshotError;
use ecs_storage_api::snapshot::ReadOptions;
use ecs_storage_api::snapshot::sections::{SectionReader, SectionWriter};
use ecs_world::{Cut, Events, RemovedComponents, ResMut, Schedule, World};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, pod, name = "whole_states::Height")]
#[repr(C)]
struct Height(u64);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, track, name = "whole_states::Name")]
struct Name(u32);

/// A world that lost a component before its version was ever raised.
fn young() -> World {
    let mut world = World::new();
    let entity = world.spawn((Height(1), Name(2)));
    world.remove::<Name>(entity).unwrap();
    world
}

fn count_removed(mut lost: RemovedComponents<Name>, mut count: ResMut<usize>) {
    *count += lost.read().count();
}

#[test]
fn a_young_state_goes_through_a_cut_and_stays_what_it_is() {
    let bytes = young().snapshot().unwrap();
    let again = Cut::read(&bytes).unwrap().to_bytes().unwrap();
    assert!(again == bytes);
    World::<ArchetypeStorage>::new().restore(&again).unwrap();
}

#[test]
fn removals_of_a_young_state_are_told_whichever_way_it_came() {
    let bytes = young().snapshot().unwrap();
    let told = [false, true].map(|by_cut| {
        let mut world: World = World::new();
        match by_cut {
            true => world.restore_cut(&Cut::read(&bytes).unwrap()).unwrap(),
            false => world.restore(&bytes).unwrap(),
        }
        world.insert_resource(0usize);
        let mut schedule = Schedule::new();
        schedule.add_system(count_removed);
        schedule.run(&mut world);
        *world.resource::<usize>().unwrap()
    });
    assert_eq!(told, [1, 1]);
}

#[test]
fn a_delta_of_two_leads_where_they_lead_one_by_one() {
    let mut world: World = World::new();
    let ids: Vec<_> = world.spawn_batch((0..3000).map(|n| (Height(n), Name(n as u32))));
    let first = world.cut().unwrap();
    world.get_mut::<Height>(ids[0]).unwrap().0 = 77;
    let second = world.cut_after(&first).unwrap();
    // The same state, some versions later.
    for _ in 0..5 {
        world.cut().unwrap();
    }
    let later = world.cut_after(&second).unwrap();
    world.get_mut::<Height>(ids[2500]).unwrap().0 = 78;
    let third = world.cut_after(&later).unwrap();
    let deltas = [second.delta_since(&first), third.delta_since(&later)];
    let one_by_one = deltas[1].apply(&deltas[0].apply(&first).unwrap()).unwrap();
    let at_once = deltas[0].then(&deltas[1]).unwrap().apply(&first).unwrap();
    let expected = third.to_bytes().unwrap();
    assert!(one_by_one.to_bytes().unwrap() == expected);
    assert!(at_once.to_bytes().unwrap() == expected);
}

/// Returns a container with the payloads of its sections changed, and right checksums.
fn rewritten(saved: &[u8], mut change: impl FnMut([u8; 4], &mut Vec<u8>)) -> Vec<u8> {
    let mut sections = SectionReader::new(saved).unwrap();
    let mut writer = SectionWriter::new(Vec::new()).unwrap();
    while let Some((tag, payload)) = sections.next_section().unwrap() {
        let mut payload = payload.to_vec();
        change(tag, &mut payload);
        let write = |out: &mut Vec<u8>| {
            out.extend_from_slice(&payload);
            Ok::<(), SnapshotError>(())
        };
        writer.section(tag, write).unwrap();
    }
    writer.finish().unwrap()
}

#[test]
fn what_stands_behind_the_parts_of_a_world_is_damage() {
    let saved = young().snapshot().unwrap();
    for (section, words) in [(*b"wrld", "behind the world"), (*b"syst", "behind the systems")] {
        let longer = rewritten(&saved, |tag, payload| {
            if tag == section {
                payload.extend_from_slice(b"more");
            }
        });
        let error = World::<ArchetypeStorage>::new().restore(&longer).unwrap_err();
        assert!(matches!(error, SnapshotError::Damaged { .. }), "{error}");
        assert!(error.to_string().contains(words), "{error}");
    }
}

/// A snapshot with two resources, of which it gives the second the name of the first.
fn with_resources() -> (Vec<u8>, Vec<u8>) {
    let mut world: World = World::new();
    world.save_resource::<u64>("whole_states::seed");
    world.save_resource::<u32>("whole_states::Seed");
    world.insert_resource(7u64);
    world.insert_resource(9u32);
    let saved = world.snapshot().unwrap();
    let twice = rewritten(&saved, |tag, payload| {
        let name = b"whole_states::Seed";
        if tag == *b"wrld" {
            let at = payload.windows(name.len()).position(|part| part == name).unwrap();
            payload[at..at + name.len()].copy_from_slice(b"whole_states::seed");
        }
    });
    (saved, twice)
}

#[test]
fn a_resource_that_stands_in_a_file_twice_is_damage() {
    let mut world: World = World::new();
    world.save_resource::<u64>("whole_states::seed");
    let error = world.restore(&with_resources().1).unwrap_err();
    assert!(error.to_string().contains("`whole_states::seed` twice"), "{error}");
    assert!(world.resource::<u64>().is_none());
}

#[test]
fn resources_that_are_gone_can_be_skipped() {
    let (saved, _) = with_resources();
    let mut world: World = World::new();
    world.save_resource::<u64>("whole_states::seed");
    let error = world.restore(&saved).unwrap_err();
    assert!(matches!(error, SnapshotError::UnknownResource { .. }), "{error}");
    for options in
        [ReadOptions::new().skip_unknown(), ReadOptions::new().skip_named("whole_states::Seed")]
    {
        world.insert_resource(1u64);
        world.restore_with(&saved, &options).unwrap();
        assert_eq!(world.resource::<u64>().as_deref(), Some(&7));
    }
    // One that is known can be left out as well.
    let options = ReadOptions::new().skip_unknown().skip_named("whole_states::seed");
    world.restore_with(&saved, &options).unwrap();
    assert!(world.resource::<u64>().is_none());
}

/// What it says when something is to be saved that can't be.
fn refusal(save: impl FnOnce(&mut World)) -> String {
    let mut world: World = World::new();
    world.save_resource::<u64>("whole_states::seed");
    world.save_events::<u32>("whole_states::rang");
    world.insert_resource(7u64);
    let hash = world.state_hash().unwrap();
    let panic = catch_unwind(AssertUnwindSafe(|| save(&mut world))).unwrap_err();
    assert_eq!(world.state_hash().unwrap(), hash);
    *panic.downcast().unwrap()
}

#[test]
fn to_say_again_what_is_saved_does_nothing() {
    let mut world: World = World::new();
    let states = [(); 2].map(|()| {
        world.save_resource::<u64>("whole_states::seed");
        world.save_events::<u32>("whole_states::rang");
        world.insert_resource(7u64);
        if world.resource::<Events<u32>>().is_none() {
            world.send(5u32);
        }
        (world.state_hash().unwrap(), world.snapshot().unwrap())
    });
    assert_eq!(states[0], states[1]);
}

#[test]
fn a_name_is_that_of_one_type_and_a_type_has_one_name() {
    let taken = refusal(|world| world.save_resource::<u8>("whole_states::seed"));
    assert_eq!(taken, "the name `whole_states::seed` of resource `u8` is taken by resource `u64`");
    let taken = refusal(|world| world.save_events::<u64>("whole_states::seed"));
    assert_eq!(
        taken,
        "the name `whole_states::seed` of events of `u64` is taken by resource `u64`"
    );
    let taken = refusal(|world| world.save_resource::<u32>("whole_states::rang"));
    assert_eq!(
        taken,
        "the name `whole_states::rang` of resource `u32` is taken by events of `u32`"
    );
    let twice = refusal(|world| world.save_resource::<u64>("whole_states::Seed"));
    let both = "can't be saved as `whole_states::seed` and as `whole_states::Seed`";
    assert_eq!(twice, format!("resource `u64` {both}"));
    let twice = refusal(|world| world.save_events::<u32>("whole_states::Rang"));
    assert!(twice.starts_with("events of `u32` can't be saved as"), "{twice}");
}
