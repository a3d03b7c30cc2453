//! Components: bundles, layouts, and values of many kinds.

use ecs_core::{ComponentId, EntityId, ErasedBundle, ErasedValue, RemoveAll};
use ecs_storage_api::{BundleError, Storage, StorageError, StorageExt};

use super::state;
use crate::Make;
use crate::components::{
    Aligned, AlignedMarker, Marker, Name, Position, Tag, Velocity, none, odd, wide,
};

/// Components of a bundle arrive together, nested ones too.
pub fn bundles_are_added_in_one_step(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create((Position(1, 1), (Name("a".into()), Marker))).unwrap();
    storage.insert(entity, (Velocity(2, 2), Position(3, 3))).unwrap();
    assert_eq!(storage.get_component::<Position>(entity), Some(&Position(3, 3)));
    assert_eq!(storage.get_component::<Velocity>(entity), Some(&Velocity(2, 2)));
    assert_eq!(storage.get_component_types(entity).unwrap().len(), 4);
    storage.insert(entity, ()).unwrap();
    assert_eq!(storage.get_component_types(entity).unwrap().len(), 4);
}

/// Static bundles and ones put together at run time alike.
pub fn a_bundle_that_holds_a_component_twice_is_refused(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create(Position(1, 1)).unwrap();
    let before = state(&*storage);
    let refused = |outcome: Result<(), StorageError>| {
        let id = ComponentId::of::<Position>();
        assert!(
            matches!(outcome, Err(StorageError::Bundle(BundleError::Duplicate(named))) if named == id),
            "{outcome:?}"
        );
    };
    refused(storage.create((Position(1, 1), Position(2, 2))).map(drop));
    refused(storage.create((Position(1, 1), (Marker, Position(2, 2)))).map(drop));
    refused(storage.create_many([(Position(1, 1), Position(2, 2))]).map(drop));
    refused(storage.insert(entity, (Position(1, 1), Position(2, 2))));
    let twice = || ErasedBundle::default().with(Position(1, 1)).with(Marker).with(Position(2, 2));
    refused(storage.create_with(&mut twice()).map(drop));
    refused(storage.insert_with(entity, &mut twice()));
    assert_eq!(state(&*storage), before);
    assert_eq!(storage.create_entity().unwrap().index(), entity.index() + 1, "no id was used up");
}

/// Ids in order, also into a table that has rows, and of an empty batch.
pub fn a_batch_makes_an_entity_a_row(make: Make<'_>) {
    let mut storage = make();
    storage.create((Position(-1, -1), Name("old".into()))).unwrap();
    for count in [0, 1, 100] {
        let made = storage
            .create_many((0..count).map(|n| (Position(n, -n), Name(n.to_string()))))
            .unwrap();
        assert_eq!(made.len(), count as usize);
        for (n, &entity) in (0..).zip(&made) {
            assert_eq!(storage.get_component::<Position>(entity), Some(&Position(n, -n)));
            assert_eq!(storage.get_component::<Name>(entity), Some(&Name(n.to_string())));
        }
    }
    assert_eq!(storage.entity_count(), 102);
}

/// `set_component_erased` and `remove_component_erased` return values.
pub fn replaced_values_are_given_back(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create(Name("first".into())).unwrap();
    let old =
        storage.set_component_erased(entity, ErasedValue::new(Name("second".into()))).unwrap();
    assert_eq!(old.unwrap().downcast::<Name>().unwrap(), Name("first".into()));
    assert!(storage.set_component_erased(entity, ErasedValue::new(Marker)).unwrap().is_none());
    let taken = storage.remove_component_erased(entity, ComponentId::of::<Name>()).unwrap();
    assert_eq!(taken.unwrap().downcast::<Name>().unwrap(), Name("second".into()));
    assert!(storage.remove_component_erased(entity, ComponentId::of::<Name>()).unwrap().is_none());
    assert_eq!(storage.take_component::<Marker>(entity).unwrap(), Some(Marker));
}

/// Several components are taken in one step.
pub fn removals_count_what_was_there(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create((Position(1, 1), Name("a".into()), Marker)).unwrap();
    let mut both = RemoveAll::<(Name, Velocity, Marker)>::default();
    assert_eq!(storage.remove_with(entity, &mut both).unwrap(), 2);
    assert_eq!(storage.remove_with(entity, &mut both).unwrap(), 0);
    assert_eq!(storage.get_component::<Position>(entity), Some(&Position(1, 1)));
    assert_eq!(storage.get_component_types(entity).unwrap().len(), 1);
}

/// A component without data is there or not, as often as one likes.
pub fn zero_sized_components_are_present_or_absent(make: Make<'_>) {
    let mut storage = make();
    let entities = storage.create_many((0..1000).map(|_| Marker)).unwrap();
    assert_eq!(storage.query_single::<Marker>().count(), 1000);
    for &entity in &entities[..500] {
        assert!(storage.remove_component::<Marker>(entity).unwrap());
        storage.set_component(entity, AlignedMarker).unwrap();
    }
    assert_eq!(storage.query_single::<Marker>().count(), 500);
    assert_eq!(storage.query_single::<AlignedMarker>().count(), 500);
}

/// Values lie at their alignment, those without size too.
pub fn alignment_is_kept(make: Make<'_>) {
    let mut storage = make();
    let entities =
        storage.create_many((0..50).map(|n| (Aligned(n), AlignedMarker, Position(0, 0)))).unwrap();
    for &entity in &entities {
        let aligned = storage.get_component::<Aligned>(entity).unwrap();
        assert_eq!(
            (std::ptr::from_ref(aligned).addr() % 64, aligned.0),
            (0, entity.index() as u8 - 1)
        );
        let marker = storage.get_component::<AlignedMarker>(entity).unwrap();
        assert_eq!(std::ptr::from_ref(marker).addr() % 128, 0);
    }
    for entity in &entities[10..] {
        storage.destroy_entity(*entity).unwrap();
    }
    assert_eq!(
        storage
            .query_single::<Aligned>()
            .iter()
            .map(|(_, aligned)| u32::from(aligned.0))
            .sum::<u32>(),
        45
    );
}

/// Sizes that are no multiple of their alignment are padded.
pub fn components_without_a_type_are_stored(make: Make<'_>) {
    let (odd, wide, none) = (odd(), wide(), none());
    let mut storage = make();
    let bundle = |n: u8| {
        let value = |id, bytes: &[u8]| ErasedValue::from_bytes(id, bytes).unwrap();
        ErasedBundle::new(vec![value(odd, &[n; 5]), value(wide, &[n; 3]), value(none, &[])])
    };
    let entities: Vec<_> = (0..20).map(|n| storage.create_with(&mut bundle(n)).unwrap()).collect();
    storage.destroy_entity(entities[3]).unwrap();
    for &entity in entities.iter().filter(|&&entity| entity != entities[3]) {
        let n = entity.index() as u8 - 1;
        let bytes = |id| {
            storage
                .get_component_erased(entity, id)
                .unwrap()
                .as_slice()
                .as_bytes()
                .unwrap()
                .to_vec()
        };
        assert_eq!(bytes(odd)[..5], [n; 5]);
        assert_eq!(bytes(wide)[..3], [n; 3]);
        assert!(storage.has_component_erased(entity, none));
    }
    let saved = storage.snapshot().unwrap();
    let before = state(&*storage);
    storage.clear().unwrap();
    storage.restore(&saved).unwrap();
    assert_eq!(state(&*storage), before);
}

/// `Tag<u8>` and `Tag<String>` are different components.
pub fn generic_components_do_not_mix(make: Make<'_>) {
    let mut storage = make();
    let entity = storage.create((Tag(1u8), Tag("one".to_owned()))).unwrap();
    assert_eq!(storage.get_component::<Tag<u8>>(entity), Some(&Tag(1)));
    assert_eq!(storage.get_component::<Tag<String>>(entity), Some(&Tag("one".to_owned())));
    assert_eq!(storage.get_component::<Tag<u16>>(entity), None);
}

/// Each value is given out once; repeated and dead ids give `None`.
pub fn several_values_are_changed_at_once(make: Make<'_>) {
    let mut storage = make();
    let a = storage.create(Position(1, 1)).unwrap();
    let b = storage.create((Position(2, 2), Marker)).unwrap();
    let bare = storage.create_entity().unwrap();
    let dead = EntityId::new(0, 90, 0).unwrap();
    let [first, second, again, none, gone] =
        storage.get_many_mut::<Position, 5>([a, b, a, bare, dead]);
    std::mem::swap(first.unwrap(), second.unwrap());
    assert!(again.is_none() && none.is_none() && gone.is_none());
    assert_eq!(storage.get_component::<Position>(a), Some(&Position(2, 2)));
    assert_eq!(storage.get_component::<Position>(b), Some(&Position(1, 1)));
}
