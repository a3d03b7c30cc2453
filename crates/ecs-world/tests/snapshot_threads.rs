//! A snapshot is written and read by several threads as by one.

use ecs_derive::Component;
use ecs_storage_api::SnapshotError;
use ecs_world::World;
use rayon::{ThreadPool, ThreadPoolBuilder};
use serde::{Deserialize, Serialize, Serializer, ser};

#[derive(Component, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "snapshot_threads::At")]
struct At(f64, u32);

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, name = "snapshot_threads::Plain", pod)]
#[repr(C)]
struct Plain([u64; 4]);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "snapshot_threads::Name")]
struct Name(String);

#[derive(Component, Clone, Copy, Debug, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "snapshot_threads::Here")]
struct Here;

/// Refuses to be written if it is odd.
#[derive(Component, Clone, Copy, Debug, Deserialize)]
#[component(crate = ecs_core, name = "snapshot_threads::Shy")]
struct Shy(u32);

impl Serialize for Shy {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 % 2 {
            0 => serializer.serialize_u32(self.0),
            _ => Err(ser::Error::custom("an odd one")),
        }
    }
}

fn filled() -> World {
    let mut world = World::new();
    let plain = |n: u32| Plain([n.into(), 1, 2, 3]);
    world.spawn_batch((0..60_000).map(|n| (plain(n), At(n.into(), n))));
    world.spawn_batch((0..20_000).map(|n| (Name(format!("{n}")), plain(n), Here)));
    world.spawn_batch((0..2_000).map(|_| Here));
    world.spawn_batch((0..2_000).map(|n| Shy(n * 2)));
    world
}

fn pools() -> impl Iterator<Item = ThreadPool> {
    [1, 2, 3, 8]
        .map(|threads| ThreadPoolBuilder::new().num_threads(threads).build())
        .map(Result::unwrap)
        .into_iter()
}

#[test]
fn the_bytes_are_those_of_one_thread() {
    let world = filled();
    let cut = world.cut().unwrap();
    let streamed = world.snapshot_to(Vec::new()).unwrap();
    let streamed_cut = cut.write_to(Vec::new()).unwrap();
    let hash = world.state_hash().unwrap();
    for pool in pools() {
        let bytes = pool.install(|| world.snapshot()).unwrap();
        assert!(bytes == streamed, "{} threads", pool.current_num_threads());
        assert!(pool.install(|| cut.to_bytes()).unwrap() == streamed_cut);
        let mut loaded = World::new();
        pool.install(|| loaded.restore(&bytes)).unwrap();
        assert_eq!(loaded.state_hash().unwrap(), hash);
        assert!(loaded.snapshot_to(Vec::new()).unwrap() == streamed, "order and ages are kept");
    }
}

#[cfg(any(feature = "lz4", feature = "zstd"))]
#[test]
fn packed_bytes_are_those_of_one_thread() {
    use ecs_storage_api::snapshot::Compression;

    let world = filled();
    for compression in [
        #[cfg(feature = "lz4")]
        Compression::Lz4,
        #[cfg(feature = "zstd")]
        Compression::Zstd(3),
    ] {
        let streamed = world.snapshot_to_with(Vec::new(), compression).unwrap();
        for pool in pools() {
            let bytes = pool.install(|| world.snapshot_with(compression)).unwrap();
            assert!(bytes == streamed, "{compression:?}");
            let mut loaded = World::new();
            pool.install(|| loaded.restore(&bytes)).unwrap();
            assert_eq!(loaded.state_hash().unwrap(), world.state_hash().unwrap());
        }
    }
}

#[test]
fn a_value_that_refuses_is_named_by_its_place_in_the_column() {
    let mut world = filled();
    world.spawn(Shy(1));
    let says = "component `snapshot_threads::Shy`: value 2000 can't be encoded";
    let errors = [
        world.snapshot().unwrap_err().to_string(),
        world.snapshot_to(Vec::new()).unwrap_err().to_string(),
        world.state_hash().unwrap_err().to_string(),
    ];
    assert!(errors.iter().all(|error| error.contains(says)), "{errors:?}");
}

#[test]
fn damage_is_found_wherever_it_is_and_changes_nothing() {
    let bytes = filled().snapshot().unwrap();
    for pool in pools() {
        let mut world = World::new();
        let entity = world.spawn(Name("here before".to_owned()));
        for at in (100..bytes.len()).step_by(bytes.len() / 40) {
            let mut damaged = bytes.clone();
            damaged[at] ^= 16;
            let error = pool.install(|| world.restore(&damaged)).unwrap_err();
            assert!(!error.to_string().is_empty());
            assert_eq!(world.len(), 1);
        }
        assert_eq!(world.get::<Name>(entity), Some(&Name("here before".to_owned())));
    }
}

#[test]
fn a_value_that_refuses_is_named() {
    let mut world = filled();
    world.spawn(Shy(7));
    for pool in pools() {
        let error = pool.install(|| world.snapshot()).unwrap_err();
        assert!(matches!(error, SnapshotError::Codec(_)), "{error}");
        let told = error.to_string();
        assert!(told.contains("Shy") && told.contains("value 2000"), "{told}");
    }
}
