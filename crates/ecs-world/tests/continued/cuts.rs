//! From a cut, and in a fork.

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::Storage;

use crate::programs::{Description, TICKS, empty, filled, on_programs, schedule, shown};

/// Takes a cut after each tick, each after the one before; all stay what they were,
/// and lead on as the unbroken run.
fn check<S: Storage + Default>(program: &[Description], from: usize) {
    let (mut world, mut systems) = (filled(S::default()), schedule(program));
    let (mut cuts, mut all) = (vec![world.cut().unwrap()], vec![shown(&world)]);
    for _ in 0..TICKS {
        systems.run(&mut world);
        all.push(shown(&world));
        cuts.push(world.cut_after(cuts.last().unwrap()).unwrap());
        let saved = world.snapshot().unwrap();
        assert!(cuts.last().unwrap().to_bytes().unwrap() == saved, "a cut writes the snapshot");
    }
    for (cut, shown_then) in cuts.iter().zip(&all) {
        let mut other = empty(S::default());
        other.restore_cut(cut).unwrap();
        assert_eq!(shown(&other), *shown_then);
    }
    // One schedule on two worlds in turn.
    let mut fork = world.fork_of(&cuts[from]).unwrap();
    world.restore_cut(&cuts[from]).unwrap();
    for shown_then in &all[from + 1..] {
        systems.run(&mut fork);
        systems.run(&mut world);
        assert_eq!(shown(&fork), *shown_then, "the fork");
        assert_eq!(shown(&world), *shown_then, "the world");
    }
}

#[test]
fn a_run_goes_on_from_a_cut_and_in_a_fork_as_if_it_had_never_been_broken() {
    on_programs(40, |program, from| {
        check::<ArchetypeStorage>(program, from);
        check::<LocalStorage>(program, from);
    });
}

#[test]
fn a_fork_and_its_world_do_not_touch_each_other() {
    on_programs(10, |program, _| {
        let (mut world, mut systems) = (filled(ArchetypeStorage::default()), schedule(program));
        systems.run(&mut world);
        let fork = world.fork().unwrap();
        let before = shown(&fork);
        assert_eq!(before, shown(&world));
        systems.run(&mut world);
        world.clear().unwrap();
        assert_eq!(shown(&fork), before);
    });
}
