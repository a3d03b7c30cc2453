//! Tables that give back memory, and whose short columns are laid side by side.

use std::sync::Arc;

use ecs_archetype::ArchetypeStorage;
use ecs_core::{Component, Description, DynamicComponent, EntityId, ErasedBundle, ErasedValue};
use ecs_storage_api::{QueryState, Storage, StorageExt};

/// Lies in every table, and is followed row by row.
#[derive(Debug, PartialEq)]
struct Name(String);

impl Component for Name {
    const TRACK: bool = true;
    fn describe() -> Description<Self> {
        Description::transient("shrinking::Name")
    }
}

/// A value of which it is known how many there are.
#[derive(Debug)]
struct Held {
    _held: Arc<()>,
}

impl Component for Held {
    fn describe() -> Description<Self> {
        Description::transient("shrinking::Held")
    }
}

#[derive(Debug)]
struct Marker;

impl Component for Marker {
    fn describe() -> Description<Self> {
        Description::transient("shrinking::Marker")
    }
}

#[derive(Debug, PartialEq)]
struct Long([u64; 4_096]);

impl Component for Long {
    fn describe() -> Description<Self> {
        Description::transient("shrinking::Long")
    }
}

/// Entities of five kinds, with their numbers, and some that are gone again.
fn populate(storage: &mut ArchetypeStorage, held: &Arc<()>) -> Vec<(EntityId, usize)> {
    let mut entities = Vec::new();
    for n in 0..100 {
        let (name, hold) = (Name(n.to_string()), Held { _held: Arc::clone(held) });
        let entity = match n % 5 {
            0 => storage.create_typed((name,)),
            1 => storage.create_typed((name, hold)),
            2 => storage.create_typed((name, hold, Marker)),
            3 => storage.create_typed((name, Marker)),
            _ => storage.create_typed((name, Long([n as u64; 4_096]))),
        };
        entities.push((entity.unwrap(), n));
    }
    // A table that goes, and whose place is vacant.
    let gone = storage.create_typed(Marker).unwrap();
    storage.destroy_entity(gone).unwrap();
    assert!(storage.remove_empty_archetypes() > 0);
    for (entity, _) in entities.split_off(90) {
        storage.destroy_entity(entity).unwrap();
    }
    entities
}

#[test]
fn everything_is_there_when_columns_have_moved() {
    let (mut storage, held) = (ArchetypeStorage::new(0), Arc::new(()));
    let mut entities = populate(&mut storage, &held);
    let mut query = QueryState::<(EntityId, &mut Name, Option<&Long>)>::new();
    assert_eq!(query.query_mut(&mut storage).count(), entities.len());
    // The second time everything has its size already.
    for round in 0..3 {
        storage.shrink_to_fit();
        let mut seen = Vec::new();
        query.query_mut(&mut storage).for_each(|(entity, name, long)| {
            let number: usize = name.0.parse().unwrap();
            assert_eq!(long.map(|long| long.0[4_095]), (number % 5 == 4).then_some(number as u64));
            name.0 = number.to_string();
            seen.push((entity, number));
        });
        seen.sort_by_key(|(_, number)| *number);
        assert_eq!(seen, entities, "round {round}");
        assert_eq!(
            Arc::strong_count(&held),
            1 + entities.iter().filter(|(_, n)| (1..3).contains(&(n % 5))).count()
        );
        // Rows move and end, and tables grow, from where they are now.
        let (last, number) = entities.pop().unwrap();
        storage.destroy_entity(last).unwrap();
        assert_eq!(storage.get_component::<Name>(last), None);
        let again = storage.create_typed((Name(number.to_string()), Marker)).unwrap();
        storage.destroy_entity(again).unwrap();
        storage.insert_typed(entities[0].0, Marker).unwrap();
        storage.remove_typed::<Marker>(entities[0].0).unwrap();
    }
    drop(storage);
    assert_eq!(Arc::strong_count(&held), 1);
}

/// Of a thousand short columns, how many begin little behind where the one before ends.
fn neighbours(storage: &mut ArchetypeStorage) -> usize {
    let mut query = storage.query_as_mut::<&Name, ()>();
    let names = query.chunks_mut().map(|chunk| chunk.into_slices().as_ptr_range());
    let names: Vec<_> = names.map(|names| names.start.addr()..names.end.addr()).collect();
    let is_near = |pair: &&[std::ops::Range<usize>]| {
        (pair[0].end..=pair[0].end + 64).contains(&pair[1].start)
    };
    names.windows(2).filter(is_near).count()
}

#[test]
fn columns_that_lie_side_by_side_stay_so() {
    let mut storage = ArchetypeStorage::new(0);
    for kind in 0..1_000 {
        let marker = DynamicComponent::new(format!("shrinking::Kind{kind}"), 1, 1).register();
        for _ in 0..20 {
            let entity = storage.create_typed(Name(String::new())).unwrap();
            let marker = ErasedValue::from_bytes(marker.as_ref().copied().unwrap(), &[1]).unwrap();
            storage.insert_with(entity, &mut ErasedBundle::new(vec![marker])).unwrap();
        }
    }
    let mut before = neighbours(&mut storage);
    for round in 0..4 {
        storage.shrink_to_fit();
        let now = neighbours(&mut storage);
        assert!(now >= before, "{now} after {before} in round {round}");
        before = now;
    }
}
