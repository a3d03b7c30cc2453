//! More than fits is refused, and nothing has happened.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{Component, Description, DynamicComponent, EntityId, ErasedBundle, ErasedValue};
use ecs_storage_api::{Storage, StorageError, StorageExt};

#[test]
fn an_archetype_has_as_many_components_as_plans_can_number() {
    let value = |n: usize| {
        let id = DynamicComponent::new(format!("limits::{n}"), 1, 1).register().unwrap();
        ErasedValue::from_bytes(id, &[n as u8]).unwrap()
    };
    let bundle = |count: usize| ErasedBundle::new((0..count).map(value).collect());
    let mut storage = ArchetypeStorage::new(0);
    let most = usize::from(u16::MAX);
    let refused = storage.create_with(&mut bundle(most + 2));
    assert!(matches!(refused, Err(StorageError::Capacity { limit, .. }) if limit == most as u64));
    assert_eq!(storage.entity_count(), 0);
    let entity = storage.create_with(&mut bundle(most)).unwrap();
    assert_eq!(storage.get_component_types(entity).unwrap().len(), most);
    for n in [0, 1, 255, most - 1] {
        let value = value(n);
        let there = storage.get_component_erased(entity, value.id()).unwrap();
        assert_eq!(there.as_slice().as_bytes(), Some(&[n as u8][..]));
    }
}

/// More than a page of the system's allocator would give it by chance.
#[derive(Debug, PartialEq)]
#[repr(align(256))]
struct Wide(u64);

impl Component for Wide {
    fn describe() -> Description<Self> {
        Description::transient("limits::Wide")
    }
}

#[derive(Debug, Clone, Copy, PartialEq)]
struct Small(u8);

impl Component for Small {
    fn describe() -> Description<Self> {
        Description::transient("limits::Small")
    }
}

#[test]
fn values_of_large_alignment_stay_aligned_wherever_they_go() {
    let mut storage = ArchetypeStorage::new(0);
    let check = |storage: &ArchetypeStorage, ids: &[EntityId]| {
        for (&id, n) in ids.iter().zip(0..) {
            let wide = storage.get_component::<Wide>(id).unwrap();
            assert_eq!((wide, (wide as *const Wide).addr() % 256), (&Wide(n), 0));
        }
    };
    let mut ids = storage.create_many((0..50).map(Wide)).unwrap();
    ids.extend((50..60).map(|n| storage.create((Small(1), Wide(n))).unwrap()));
    check(&storage, &ids);
    // One by one, in runs, without order, and as a whole table.
    for &id in ids.iter().step_by(3) {
        storage.insert(id, Small(2)).unwrap();
    }
    check(&storage, &ids);
    storage.insert_many(&ids, (0..).map(|_| Small(3))).unwrap();
    check(&storage, &ids);
    storage.remove_many::<Small>(&ids).unwrap();
    check(&storage, &ids);
    storage.insert_many(&ids, (0..).map(Wide)).unwrap();
    let ended: Vec<_> = ids.drain(20..).collect();
    storage.destroy_batch(&ended).unwrap();
    storage.shrink_to_fit();
    check(&storage, &ids);
    let taken = storage.take_component::<Wide>(ids[7]).unwrap().unwrap();
    assert_eq!((&taken, (&raw const taken).addr() % 256), (&Wide(7), 0));
}
