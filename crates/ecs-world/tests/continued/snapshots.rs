//! From a snapshot.

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::Storage;

use crate::programs::{Description, TICKS, empty, filled, on_programs, schedule, shown};

/// Runs a program unbroken, and goes on from a snapshot after `cut` ticks: in the
/// same world, in a new one, and in one on the other backend.
fn check<S: Storage + Default, Other: Storage + Default>(program: &[Description], cut: usize) {
    let (mut world, mut systems) = (filled(S::default()), schedule(program));
    let mut saved = Vec::new();
    let mut unbroken = Vec::new();
    for tick in 0..TICKS {
        if tick == cut {
            saved = world.snapshot().expect("all is saved");
        }
        systems.run(&mut world);
        unbroken.push(shown(&world));
    }
    let mut fresh = empty(S::default());
    fresh.restore(&saved).expect("what was saved is read");
    assert_eq!(fresh.snapshot().unwrap(), saved, "saving again gives the same bytes");
    let mut new_systems = schedule(program);
    let mut other = empty(Other::default());
    other.restore(&saved).expect("what one backend saved another reads");
    let mut other_systems = schedule(program);
    world.restore(&saved).expect("what was saved is read");
    for (tick, unbroken) in unbroken.iter().enumerate().skip(cut) {
        new_systems.run(&mut fresh);
        assert_eq!(shown(&fresh), *unbroken, "a new world, tick {tick}, cut at {cut}");
        systems.run(&mut world);
        assert_eq!(shown(&world), *unbroken, "the same world, tick {tick}, cut at {cut}");
        other_systems.run(&mut other);
        let hash = shown(&other).0;
        assert_eq!(hash, unbroken.0, "the other backend, tick {tick}, cut at {cut}");
    }
}

#[test]
fn a_run_goes_on_from_a_snapshot_as_if_it_had_never_been_broken() {
    on_programs(60, |program, cut| {
        check::<ArchetypeStorage, LocalStorage>(program, cut);
        check::<LocalStorage, ArchetypeStorage>(program, cut);
    });
}
