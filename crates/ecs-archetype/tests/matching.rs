//! Queries cost what they match, and follow archetypes that come later.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{
    Component, ComponentId, Description, DynamicComponent, EntityId, ErasedBundle, ErasedValue,
};
use ecs_storage_api::{DynamicQuery, Query, QueryState, Storage, StorageExt, With, Without};

#[derive(Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Needle(u64);

impl Component for Needle {
    fn describe() -> Description<Self> {
        Description::pod("matching::Needle")
    }
}

struct Marker;

impl Component for Marker {
    fn describe() -> Description<Self> {
        Description::transient("matching::Marker")
    }
}

fn tag(n: usize) -> ComponentId {
    DynamicComponent::new(format!("matching::tag {n}"), 0, 1).register().unwrap()
}

/// A store of 1,000 archetypes with ten rows each, of which every hundredth has
/// a `Needle`.
fn haystack() -> (ArchetypeStorage, Vec<EntityId>) {
    let mut storage = ArchetypeStorage::new(0);
    let mut needles = Vec::new();
    for archetype in 0..1_000usize {
        for row in 0..10 {
            let bits = (0..10).filter(|bit| archetype >> bit & 1 == 1);
            let values = bits.map(|bit| ErasedValue::from_bytes(tag(bit), &[]).unwrap()).collect();
            let mut bundle = ErasedBundle::new(values);
            bundle.push(ErasedValue::from_bytes(tag(10), &[]).unwrap());
            if archetype % 100 == 0 {
                bundle.push(ErasedValue::new(Needle(row)));
            }
            let entity = storage.create_with(&mut bundle).unwrap();
            if archetype % 100 == 0 {
                needles.push(entity);
            }
        }
    }
    (storage, needles)
}

#[test]
fn a_query_visits_the_archetypes_that_match_and_no_others() {
    let (mut storage, needles) = haystack();
    assert!(storage.archetype_count() >= 1_000);
    for cost in [
        storage.query_single::<Needle>().cost(),
        storage.query_as_mut::<&mut Needle, ()>().cost(),
        QueryState::<&Needle>::new().query(&storage).cost(),
    ] {
        assert_eq!((cost.chunks_visited, cost.rows_visited), (10, 100));
        assert_eq!((cost.chunks_matched, cost.rows_matched), (10, 100));
    }
    let found: Vec<_> = storage.query_single::<Needle>().iter().map(|(id, _)| id).collect();
    assert_eq!(found, needles);
    let mut dynamic = DynamicQuery::builder().write(ComponentId::of::<Needle>()).build().unwrap();
    let cost = dynamic.for_each_chunk_mut(&mut storage, |_| ()).unwrap();
    assert_eq!((cost.chunks_visited, cost.rows_visited), (10, 100));
}

#[test]
fn a_prepared_query_follows_archetypes_that_come_later() {
    let (mut storage, needles) = haystack();
    let mut prepared = QueryState::<(EntityId, &mut Needle), Without<Marker>>::new();
    assert_eq!(prepared.query_mut(&mut storage).count(), 100);
    storage.set_component(needles[3], Marker).unwrap();
    assert_eq!(prepared.query_mut(&mut storage).count(), 99);
    assert!(prepared.query_mut(&mut storage).get_mut(needles[3]).is_none());
    assert!(storage.remove_component::<Marker>(needles[3]).unwrap());
    assert_eq!(prepared.query_mut(&mut storage).count(), 100);
    let mut other = ArchetypeStorage::new(1);
    assert_eq!(prepared.query_mut(&mut other).count(), 0);
    let entity = other.create(Needle(7)).unwrap();
    assert_eq!(prepared.query_mut(&mut other).single_mut().unwrap(), (entity, &mut Needle(7)));
    assert_eq!(prepared.query_mut(&mut storage).count(), 100);
}

#[test]
fn filters_see_presence_only() {
    let (mut storage, needles) = haystack();
    storage.set_component(needles[0], Marker).unwrap();
    let with: Query<'_, EntityId, (With<Needle>, With<Marker>)> = storage.query_as();
    assert_eq!(with.iter().collect::<Vec<_>>(), [needles[0]]);
}
