//! Writing: batches, conditions, ids and whole states.

use std::sync::Arc;

use ecs_archetype::ArchetypeStorage;
use ecs_core::{ErasedVec, IdSource};
use ecs_local::LocalStorage;
use ecs_storage_api::{
    AsyncStorage, AsyncStorageExt, LocalAsync, OwnedChunk, RemoteError, StorageError, StorageImage,
    UpdateBatch, UpdateError, remote::Version,
};
use pollster::block_on;

use crate::components::*;
use crate::wire::Wire;

#[test]
fn a_batch_says_what_it_did() {
    let (fast, _, ids) = far(4);
    let before = block_on(fast.version_async()).unwrap();
    let batch = UpdateBatch::new()
        .spawn(Position(5.0))
        .update(ids[1], Position(6.0))
        .remove::<Name>(ids[0])
        .remove::<Name>(ids[1])
        .destroy(ids[3]);
    let applied = block_on(fast.apply_updates_async(&batch, Some(before))).unwrap();
    assert_eq!((applied.created.len(), applied.removed), (1, 1));
    assert!(applied.version > before);
    assert_eq!(block_on(fast.version_async()).unwrap(), applied.version);
    // The batch was borrowed, and can be sent again elsewhere.
    assert_eq!(batch.len(), 5);
}

#[test]
fn a_lost_update_is_a_conflict_and_changes_nothing() {
    let (fast, oracle, ids) = far(4);
    for remote in [&fast as &dyn AsyncStorage, &oracle] {
        let seen = block_on(remote.version_async()).unwrap();
        block_on(remote.set_component_async(ids[0], Position(10.0))).unwrap();

        let late = UpdateBatch::new().update(ids[0], Position(20.0)).spawn(());
        let error = block_on(remote.apply_updates_async(&late, Some(seen))).unwrap_err();
        let now = block_on(remote.version_async()).unwrap();
        assert!(
            matches!(error, RemoteError::Conflict { expected, found } if expected == seen && found == now)
        );
        assert!(!error.is_retryable());
        assert_eq!(block_on(remote.get_component_async(ids[0])).unwrap(), Some(Position(10.0)));
        assert_eq!(collect(remote.all_entities_async()).unwrap().concat().len(), 4);

        let applied = block_on(remote.apply_updates_async(&late, Some(now))).unwrap();
        assert!(applied.version > now);
    }
}

#[test]
fn a_refused_batch_changes_nothing_and_says_why() {
    let (fast, _, ids) = far(2);
    let before = (block_on(fast.version_async()).unwrap(), fast.read(hash));
    let batch = UpdateBatch::new().spawn(()).destroy(ids[0]).update(ids[1], Name(String::new()));
    let error = block_on(fast.apply_updates_async(&batch, None)).unwrap_err();
    assert!(matches!(error, RemoteError::Update(UpdateError::MissingComponent { .. })), "{error}");
    let error = block_on(fast.destroy_entity_async(ids[0]))
        .and(block_on(fast.destroy_entity_async(ids[0])))
        .unwrap_err();
    assert!(
        matches!(error, RemoteError::Storage(StorageError::NoSuchEntity(id)) if id == ids[0]),
        "{error}"
    );
    block_on(fast.apply_updates_async(&UpdateBatch::new(), None)).unwrap();
    assert_eq!(block_on(fast.version_async()).unwrap(), Version::new(before.0.get() + 1));
}

#[test]
fn a_future_that_is_not_polled_does_nothing() {
    let (fast, _, ids) = far(2);
    let before = fast.read(hash);
    drop(fast.destroy_entity_async(ids[0]));
    drop(fast.reserve_ids_async(3));
    assert_eq!(fast.read(hash), before);
}

#[test]
fn ids_are_reserved_in_batches_and_no_conflict_for_anybody() {
    let (fast, oracle, ids) = far(3);
    for remote in [&fast as &dyn AsyncStorage, &oracle] {
        block_on(async {
            remote.destroy_entity_async(ids[1]).await?;
            let seen = remote.version_async().await?;
            let named = remote.reserve_ids_async(3).await?;
            assert_eq!(named[0].index(), ids[1].index());
            assert!(!remote.entity_exists_async(named[0]).await?);

            let batch = UpdateBatch::new().spawn_as(named[2], Position(1.0)).spawn(());
            let applied = remote.apply_updates_async(&batch, Some(seen)).await?;
            assert_eq!(applied.created[0], named[2]);
            assert!(!named.contains(&applied.created[1]));

            // Wholly or not at all: the last one is not outstanding any more.
            let error = remote.release_ids_async(&named).await.unwrap_err();
            let refused = StorageError::NotReserved(named[2]).to_string();
            assert_eq!(error.to_string(), refused);
            assert!(remote.release_ids_async(&[named[0], named[0]]).await.is_err());
            remote.release_ids_async(&named[..2]).await?;
            assert_eq!(remote.allocator_state_async().await?.reserved, []);
            Ok::<_, RemoteError>(())
        })
        .unwrap();
    }
}

#[test]
fn a_whole_state_goes_from_one_store_to_another() {
    let (fast, _, ids) = far(30);
    block_on(fast.destroy_entity_async(ids[7])).unwrap();
    block_on(fast.reserve_ids_async(2)).unwrap();
    // By the method that is overridden, and by that of the contract.
    for bytes in [block_on(fast.snapshot_async()), block_on(Wire::new(&fast).snapshot_async())] {
        let target = LocalAsync::new(LocalStorage::new(5));
        let seen = block_on(target.version_async()).unwrap();
        let loaded = block_on(target.restore_async(bytes.as_ref().unwrap(), Some(seen))).unwrap();
        assert!(loaded > seen);
        assert_eq!(target.read(hash), fast.read(hash));
        let error = block_on(target.restore_async(bytes.as_ref().unwrap(), Some(seen)));
        assert!(matches!(error, Err(RemoteError::Conflict { .. })));
    }
    let damaged = block_on(LocalAsync::new(LocalStorage::new(0)).restore_async(b"damaged", None));
    assert!(matches!(damaged, Err(RemoteError::Snapshot(_))));
}

#[test]
fn an_image_is_of_one_version_though_others_write() {
    let (fast, _, _) = far(2500);
    let fast = Arc::new(fast);
    let wire = Wire::new(fast.clone());
    // Three changes, in the middle of the first readings.
    let (other, mut left) = (fast.clone(), 3);
    wire.disturb(move || {
        if left > 0 {
            left -= 1;
            block_on(other.create_async(Position(0.0))).unwrap();
        }
    });
    let (image, version) = block_on(wire.image_async()).unwrap();
    assert_eq!((image.entities().count(), version.get()), (2503, 3));

    let other = fast.clone();
    wire.disturb(move || block_on(other.create_async(Position(0.0))).map(drop).unwrap());
    let error = block_on(wire.image_async()).unwrap_err();
    assert!(matches!(error, RemoteError::Conflict { .. }), "{error}");
}

#[test]
fn transient_components_of_an_image_are_left_out() {
    let mut ids = IdSource::new(0);
    let entity = ids.allocate().unwrap();
    let columns =
        vec![ErasedVec::from_vec(vec![Handle(1)]), ErasedVec::from_vec(vec![Position(2.0)])];
    let chunk = OwnedChunk::new(vec![entity], columns).unwrap();
    let image = StorageImage::new(ids.state(), vec![chunk]).unwrap();
    let remote = LocalAsync::new(ArchetypeStorage::new(0));
    block_on(remote.load_async(&image, None)).unwrap();
    let types = block_on(remote.get_component_types_async(entity)).unwrap().unwrap();
    assert_eq!(types.as_slice(), [id::<Position>()]);
}

#[test]
fn an_empty_store_has_an_image() {
    let empty = Wire::new(LocalAsync::new(ArchetypeStorage::new(9)));
    let (image, version) = block_on(empty.image_async()).unwrap();
    assert_eq!((image.allocator().shard, image.chunks().len(), version.get()), (9, 0, 0));
}
