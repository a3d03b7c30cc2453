//! From a cut, and in a fork.

use ecs_archetype::ArchetypeStorage;
use ecs_local::LocalStorage;
use ecs_storage_api::Storage;

use ecs_core::EntityId;
use ecs_world::{Cut, Schedule, World};

use crate::programs::{
    Description, Plain, TICKS, empty, filled, filled_with_pages, on_programs, schedule, shown,
};

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

/// Everything that tells two worlds apart: values and their order, ids that come next,
/// ages, removals, how far systems are.
fn all_of<S: Storage>(world: &World<S>) -> ((u64, Vec<EntityId>), Vec<u8>) {
    (shown(world), world.snapshot().unwrap())
}

/// Goes back and on, back further and on, and compares with a world that loads the same
/// from bytes.
fn check_going_back<S: Storage + Default>(program: &[Description], from: usize) {
    let (mut world, mut systems) = (filled_with_pages(S::default()), schedule(program));
    // So that the world knows the systems.
    systems.run(&mut world);
    let mut cuts = vec![world.cut().unwrap()];
    for round in 0..5 {
        for _ in 0..1 + (from + 3 * round) % 4 {
            systems.run(&mut world);
            cuts.push(world.cut_after(cuts.last().unwrap()).unwrap());
        }
        let back = (from * 7 + round * 5) % cuts.len();
        cuts.truncate(back + 1);
        let (cut, mut other) = (&cuts[back], empty(S::default()));
        let bytes = cut.to_bytes().unwrap();
        world.restore_cut(cut).unwrap();
        other.restore(&bytes).unwrap();
        let [here, loaded] = [all_of(&world), all_of(&other)];
        assert!(here.1 == bytes, "it saves what the cut does");
        assert_eq!((here.0, here.1 == loaded.1), (loaded.0, true));
        for _ in 0..3 {
            systems.run(&mut world);
            systems.run(&mut other);
            let [here, loaded] = [all_of(&world), all_of(&other)];
            assert_eq!((here.0, here.1 == loaded.1), (loaded.0, true));
        }
        let next = world.cut_after(&cuts[back]).unwrap();
        assert!(next.to_bytes().unwrap() == world.snapshot().unwrap(), "a cut after going back");
        cuts.push(next);
    }
}

#[test]
fn to_go_back_in_place_is_to_load() {
    on_programs(5, check_going_back::<ArchetypeStorage>);
    on_programs(1, check_going_back::<LocalStorage>);
}

fn run<S: Storage>(systems: &mut Schedule, world: &mut World<S>, ticks: usize) {
    for _ in 0..ticks {
        systems.run(world);
    }
}

/// A fork that follows its world is it again, whatever it has done meanwhile.
fn check_following<S: Storage + Default>(program: &[Description], from: usize) {
    let (mut world, mut systems) = (filled_with_pages(S::default()), schedule(program));
    systems.run(&mut world);
    let mut last = world.cut().unwrap();
    let mut fork = world.fork_of(&last).unwrap();
    for round in 0..4 {
        run(&mut systems, &mut world, from % 3);
        run(&mut systems, &mut fork, (from + round) % 4);
        let next = world.cut_after(&last).unwrap();
        fork.restore_cut_after(&next, &last).unwrap();
        assert!(all_of(&fork) == all_of(&world));
        last = next;
        // And back to itself.
        run(&mut systems, &mut fork, 2);
        fork.restore_cut(&last).unwrap();
        assert!(all_of(&fork) == all_of(&world));
    }
    for _ in 0..3 {
        systems.run(&mut world);
        systems.run(&mut fork);
        assert!(all_of(&fork) == all_of(&world));
    }
}

#[test]
fn a_fork_follows_its_world() {
    on_programs(5, check_following::<ArchetypeStorage>);
    on_programs(1, check_following::<LocalStorage>);
}

/// Where values lie is kept: nothing was put there that was there already.
#[test]
fn to_go_back_leaves_what_did_not_change() {
    let mut world = empty(ArchetypeStorage::default());
    let all = world.spawn_batch((0..50_000).map(Plain));
    let address = |world: &World<ArchetypeStorage>| {
        let first = world.get::<Plain>(all[40_000]).unwrap();
        std::ptr::from_ref(first)
    };
    let first = world.cut().unwrap();
    let (before, mut cuts) = (address(&world), vec![first]);
    for n in 0..20 {
        world.get_mut::<Plain>(all[n * 2_000]).unwrap().0 = 7;
        if n % 5 == 4 {
            world.despawn(all[n * 2_000 + 1]).unwrap();
            world.spawn(Plain(n as u64));
        }
        let next = world.cut_after(cuts.last().unwrap()).unwrap();
        assert!(next.bytes_beside(cuts.last().unwrap()) < 60_000, "a few pages");
        cuts.push(next);
        if n % 3 == 2 {
            let back: Cut = cuts.remove(cuts.len() - 2);
            cuts.pop();
            world.restore_cut(&back).unwrap();
            assert_eq!(address(&world), before);
            assert!(world.snapshot().unwrap() == back.to_bytes().unwrap());
            cuts.push(back);
        }
    }
    world.restore_cut(&cuts[0]).unwrap();
    assert_eq!(address(&world), before);
    assert!(all.iter().zip(0..).all(|(id, n)| world.get::<Plain>(*id).unwrap().0 == n));
}

#[test]
fn a_cut_that_several_threads_take_is_what_a_snapshot_holds() {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(3).build().unwrap();
    let mut world = empty(ArchetypeStorage::default());
    let all = world.spawn_batch((0..200_000).map(Plain));
    let mut last = world.cut().unwrap();
    for round in 0..4u64 {
        for id in all.iter().skip(round as usize).step_by(1_500 << round) {
            world.get_mut::<Plain>(*id).unwrap().0 += round + 1;
        }
        match round {
            1 => drop(world.spawn_batch((0..70_000).map(Plain))),
            2 => world.despawn(all[77_777]).unwrap(),
            _ => {}
        }
        let next = pool.install(|| world.cut_after(&last)).unwrap();
        assert!(next.to_bytes().unwrap() == world.snapshot().unwrap(), "round {round}");
        let shared = next.bytes() - next.bytes_beside(&last);
        assert!(round == 0 || shared > next.bytes() / 4, "pages that nobody wrote are shared");
        last = next;
    }
}
