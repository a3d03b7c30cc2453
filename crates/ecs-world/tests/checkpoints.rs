//! Checkpoints that can't be written or read leave everything as it was.

use std::error::Error as _;
use std::fs;

use ecs_derive::Component;
use ecs_world::{CheckpointError, World};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "checkpoints::Value")]
struct Value(u64);

#[test]
fn a_checkpoint_comes_back_and_replaces_the_one_before() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let mut world = World::new();
    let entity = world.spawn(Value(1));
    world.save(&path).unwrap();
    world.get_mut::<Value>(entity).unwrap().0 = 2;
    world.save(&path).unwrap();
    assert_eq!(fs::read(&path).unwrap(), world.snapshot().unwrap());
    world.get_mut::<Value>(entity).unwrap().0 = 3;
    world.load(&path).unwrap();
    assert_eq!(world.get::<Value>(entity), Some(&Value(2)));
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1, "nothing is left beside it");
}

#[test]
fn what_goes_wrong_names_the_file_and_changes_nothing() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let mut world = World::new();
    let entity = world.spawn(Value(1));
    let missing = folder.path().join("nowhere/world");
    let error = world.save(&missing).unwrap_err();
    assert!(matches!(error, CheckpointError::Io { .. }), "{error}");
    assert!(error.to_string().contains("nowhere"), "{error}");
    assert!(!error.to_string().contains("partial"), "of the file beside nobody knows: {error}");
    let error = world.load(&missing).unwrap_err();
    assert!(matches!(error, CheckpointError::Io { .. }), "{error}");
    fs::write(&path, "nonsense").unwrap();
    let error = world.load(&path).unwrap_err();
    let CheckpointError::Snapshot { reason, .. } = &error else { panic!("{error}") };
    assert!(error.to_string().ends_with(&reason.to_string()), "{error}");
    assert!(error.source().is_none(), "its text has the reason already");
    world.save(&path).unwrap();
    let whole = fs::read(&path).unwrap();
    fs::write(&path, &whole[..whole.len() - 1]).unwrap();
    let error = world.load(&path).unwrap_err();
    assert!(error.to_string().contains("cut off"), "{error}");
    assert_eq!(world.get::<Value>(entity), Some(&Value(1)));
    // A folder is in the way of the name: nothing is left beside it.
    let error = world.save(folder.path()).unwrap_err();
    assert!(matches!(error, CheckpointError::Io { .. }), "{error}");
    assert_eq!(fs::read_dir(folder.path()).unwrap().count(), 1);
}

#[cfg(any(feature = "lz4", feature = "zstd"))]
#[test]
fn a_packed_checkpoint_is_smaller_and_comes_back() {
    use ecs_storage_api::snapshot::Compression;

    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("world");
    let mut world = World::new();
    world.spawn_batch((0..10_000).map(|n| Value(n / 1_000)));
    let whole = world.snapshot().unwrap();
    for compression in [
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::Zstd(3),
    ] {
        world.save_with(&path, compression).unwrap();
        assert!(fs::metadata(&path).unwrap().len() < whole.len() as u64 - 8_000);
        let mut other = World::new();
        other.load(&path).unwrap();
        assert_eq!(other.state_hash().unwrap(), world.state_hash().unwrap());
    }
}
