//! More than fits is refused, and nothing has happened.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{DynamicComponent, ErasedBundle, ErasedValue};
use ecs_storage_api::{Storage, StorageError};

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
