//! Checkpoints that are written beside the run.

use std::fs;

use ecs_archetype::ArchetypeStorage;
use ecs_world::Saver;

use crate::programs::{empty, filled, on_programs, schedule, shown};

#[test]
fn a_checkpoint_holds_the_moment_at_which_it_was_begun() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("checkpoint");
    on_programs(10, |program, ticks| {
        let (mut world, mut systems) = (filled(ArchetypeStorage::default()), schedule(program));
        let mut saver = Saver::default();
        for _ in 0..=ticks {
            systems.run(&mut world);
            saver.save(&world, &path).unwrap();
            let then = shown(&world);
            systems.run(&mut world);
            saver.wait().unwrap();
            assert!(!saver.is_busy());
            let mut other = empty(ArchetypeStorage::default());
            other.load(&path).unwrap();
            assert_eq!(shown(&other), then);
        }
    });
    assert_eq!(fs::read_dir(&folder).unwrap().count(), 1);
}

#[test]
fn a_checkpoint_that_fails_is_told_once_and_the_next_one_is_written() {
    let folder = tempfile::tempdir().unwrap();
    let world = filled(ArchetypeStorage::default());
    let mut saver = Saver::default();
    let missing = folder.path().join("missing").join("checkpoint");
    saver.save(&world, &missing).unwrap();
    let path = folder.path().join("checkpoint");
    let error = saver.save(&world, &path).unwrap_err().to_string();
    assert!(error.contains("missing"), "{error}");
    saver.save(&world, &path).unwrap();
    saver.wait().unwrap();
    assert!(path.exists());
}
