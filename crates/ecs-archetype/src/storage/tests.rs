//! Single operations guess their plan and their table: where the guess is right, where it
//! is wrong, and where what it knows is of another time.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use ecs_core::{Component, Description, EntityId};
use ecs_storage_api::snapshot::StorageCut;
use ecs_storage_api::{Storage, StorageError, StorageExt};

use super::ArchetypeStorage;

/// Forty kinds: more than there are places for guesses.
#[derive(Debug, Clone, Copy, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(transparent)]
struct Plain<const N: usize>(u64);

impl<const N: usize> Component for Plain<N> {
    fn describe() -> Description<Self> {
        Description::pod(format!("guesses::Plain{N}"))
    }
}

type Base = Plain<100>;

/// A value of which it is known how many there are.
struct Counted {
    _held: Arc<()>,
}

impl Component for Counted {
    fn describe() -> Description<Self> {
        Description::transient("guesses::Counted")
    }
}

/// One that panics as it ends, if it is told so.
struct Touchy {
    _held: Arc<()>,
    panics: bool,
}

impl Component for Touchy {
    fn describe() -> Description<Self> {
        Description::transient("guesses::Touchy")
    }
}

impl Drop for Touchy {
    fn drop(&mut self) {
        assert!(!self.panics, "it was told to panic");
    }
}

fn population(storage: &mut ArchetypeStorage, count: u64) -> Vec<EntityId> {
    (0..count).map(|n| storage.create_typed(Plain::<100>(n)).unwrap()).collect()
}

/// Checks that the entities have their numbers, and are all that live.
fn are_all(storage: &ArchetypeStorage, entities: &[(EntityId, u64)]) {
    assert_eq!(storage.entity_count(), entities.len());
    for &(entity, number) in entities {
        assert_eq!(storage.get_component::<Base>(entity), Some(&Plain(number)));
    }
}

/// Checks that nothing can be done with an id of nobody.
fn is_gone(storage: &mut ArchetypeStorage, nobody: EntityId) {
    let outcomes = [
        storage.insert_typed(nobody, Plain::<0>(1)),
        storage.remove_typed::<Base>(nobody).map(drop),
        storage.destroy_entity(nobody),
    ];
    for outcome in outcomes {
        assert!(matches!(outcome, Err(StorageError::NoSuchEntity(id)) if id == nobody));
    }
}

/// Gives and takes a component, whose values must be those that were given.
fn come_and_go<const N: usize>(storage: &mut ArchetypeStorage, entities: &[EntityId]) {
    for (n, &entity) in (0..).zip(entities) {
        storage.insert_typed(entity, Plain::<N>(n)).unwrap();
    }
    for (n, &entity) in (0..).zip(entities) {
        assert_eq!(storage.remove_typed::<Plain<N>>(entity).unwrap(), Some(Plain(n)));
        assert_eq!(storage.remove_typed::<Plain<N>>(entity).unwrap(), None);
    }
}

/// The same for some kinds in turn, entity by entity: the guess of each is another.
macro_rules! alternate {
    ($storage:expr, $entities:expr, $($n:literal)*) => {
        for &entity in &$entities[..] {
            $($storage.insert_typed(entity, Plain::<$n>($n)).unwrap();)*
        }
        for &entity in &$entities[..] {
            $(assert_eq!($storage.remove_typed::<Plain<$n>>(entity).unwrap(), Some(Plain($n)));)*
        }
    };
}

#[test]
fn a_plan_is_taken_for_its_own_kind_and_table_alone() {
    let mut storage = ArchetypeStorage::new(0);
    let entities = population(&mut storage, 5);
    macro_rules! one_by_one {
        ($($n:literal)*) => { $(come_and_go::<$n>(&mut storage, &entities);)* };
    }
    for _ in 0..2 {
        // From the same table.
        one_by_one!(0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20 21 22 23 24 25 26 27);
        alternate!(storage, &entities, 0 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19);
        // The same kinds from other tables.
        alternate!(storage, &entities, 19 18 17 16 15 14 13 12 11 10 9 8 7 6 5 4 3 2 1 0);
        alternate!(storage, &entities, 20 21 22 23 24 25 26 27 28 29 30 31 32 33 34 35 36 37 38 39);
    }
    are_all(&storage, &entities.into_iter().zip(0..).collect::<Vec<_>>());
}

/// Ends entities in the middle of a table, whose places the last ones take.
fn end_some(storage: &mut ArchetypeStorage, entities: &mut Vec<(EntityId, u64)>) {
    for _ in 0..3 {
        let (entity, _) = entities.swap_remove(entities.len() / 2);
        storage.destroy_entity(entity).unwrap();
    }
    are_all(storage, entities);
}

#[test]
fn what_is_remembered_is_forgotten_when_it_moves() {
    let mut storage = ArchetypeStorage::new(0);
    let ids = |entities: &[(EntityId, u64)]| entities.iter().map(|(id, _)| *id).collect::<Vec<_>>();
    let mut entities: Vec<_> = population(&mut storage, 20).into_iter().zip(0..).collect();
    let each = |storage: &mut ArchetypeStorage, entities: &mut Vec<(EntityId, u64)>| {
        come_and_go::<0>(storage, &ids(entities));
        end_some(storage, entities);
    };
    each(&mut storage, &mut entities);
    // More rows than there is room for, and more tables.
    entities.extend(population(&mut storage, 3_000).into_iter().zip(0..));
    each(&mut storage, &mut entities);
    alternate!(storage, &ids(&entities[..10]), 1 2 3 4 5 6 7 8 9);
    each(&mut storage, &mut entities);
    storage.shrink_to_fit();
    each(&mut storage, &mut entities);
    // Tables whose places others take.
    assert!(storage.remove_empty_archetypes() > 9);
    alternate!(storage, &ids(&entities[..10]), 9 8 7 6 5 4 3 2 1);
    each(&mut storage, &mut entities);
    // A table that hands its columns over, and gets others.
    storage.insert_many(&ids(&entities), std::iter::repeat(Plain::<0>(7))).unwrap();
    end_some(&mut storage, &mut entities);
    storage.remove_many::<Plain<0>>(&ids(&entities)).unwrap();
    end_some(&mut storage, &mut entities);
    each(&mut storage, &mut entities);
    storage.clear().unwrap();
    ids(&entities).into_iter().for_each(|entity| is_gone(&mut storage, entity));
    let mut entities: Vec<_> = population(&mut storage, 20).into_iter().zip(0..).collect();
    each(&mut storage, &mut entities);
}

#[test]
fn a_cut_that_is_put_in_place_has_addresses_asked_for_anew() {
    let mut storage = ArchetypeStorage::new(0);
    let mut entities = population(&mut storage, 20);
    come_and_go::<0>(&mut storage, &entities);
    storage.destroy_entity(entities.pop().unwrap()).unwrap();
    storage.destroy_entity(entities.pop().unwrap()).unwrap();
    let cut = StorageCut::of(&storage).unwrap();
    storage.get_component_mut::<Base>(entities[0]).unwrap().0 = 1_000;
    come_and_go::<0>(&mut storage, &entities);
    storage.load_cut(&cut, &cut).unwrap();
    come_and_go::<0>(&mut storage, &entities);
    storage.destroy_entity(entities.pop().unwrap()).unwrap();
    are_all(&storage, &entities.into_iter().zip(0..).collect::<Vec<_>>());
}

#[test]
fn ends_of_rows_go_on_after_columns_were_borrowed() {
    let mut storage = ArchetypeStorage::new(0);
    let entities = population(&mut storage, 100);
    // The first one makes room in the list of free ids, by the way of whatever is rare.
    for &entity in &entities[..40] {
        storage.destroy_entity(entity).unwrap();
        is_gone(&mut storage, entity);
    }
    for &entity in &entities[40..60] {
        let number = storage.get_component::<Base>(entity).unwrap().0;
        storage.insert_typed(entity, Plain::<100>(number)).unwrap();
        storage.destroy_entity(entity).unwrap();
    }
    are_all(&storage, &entities.into_iter().zip(0..).skip(60).collect::<Vec<_>>());
}

#[test]
fn an_id_of_another_shard_is_not_mistaken_for_one_at_home() {
    let (mut storage, mut other) = (ArchetypeStorage::new(0), ArchetypeStorage::new(1));
    let (entities, foreign) = (population(&mut storage, 5), population(&mut other, 5));
    come_and_go::<0>(&mut storage, &entities);
    for &id in &foreign {
        is_gone(&mut storage, id);
    }
    storage.adopt(foreign[2]).unwrap();
    storage.insert_typed(foreign[2], Plain::<100>(50)).unwrap();
    come_and_go::<0>(&mut storage, &[entities[0], foreign[2], entities[4]]);
    storage.destroy_entity(foreign[2]).unwrap();
    storage.destroy_entity(entities[4]).unwrap();
    come_and_go::<0>(&mut storage, &entities[..4]);
    are_all(&storage, &entities[..4].iter().copied().zip(0..).collect::<Vec<_>>());
}

#[test]
fn values_end_once_also_when_one_panics() {
    let (alive, mut storage) = (Arc::new(()), ArchetypeStorage::new(0));
    let entities = population(&mut storage, 4);
    let count = |expected: usize| assert_eq!(Arc::strong_count(&alive) - 1, expected);
    for _ in 0..3 {
        for &entity in &entities {
            storage.insert_typed(entity, Counted { _held: alive.clone() }).unwrap();
            storage.insert_typed(entity, Counted { _held: alive.clone() }).unwrap();
        }
        count(4);
        drop(storage.remove_typed::<Counted>(entities[1]).unwrap());
        count(3);
        for &entity in &entities {
            storage.remove_typed::<Counted>(entity).unwrap();
        }
        count(0);
    }
    for &entity in &entities {
        storage
            .insert_typed(entity, Touchy { _held: alive.clone(), panics: entity == entities[1] })
            .unwrap();
    }
    // The one that is replaced, and the one that ends with its entity.
    let replace = |storage: &mut ArchetypeStorage, entity, panics| {
        let value = Touchy { _held: alive.clone(), panics };
        catch_unwind(AssertUnwindSafe(|| storage.insert_typed(entity, value))).is_err()
    };
    assert!(!replace(&mut storage, entities[0], true));
    assert!(replace(&mut storage, entities[1], false));
    let ends = |storage: &mut ArchetypeStorage, entity| {
        catch_unwind(AssertUnwindSafe(|| storage.destroy_entity(entity))).is_err()
    };
    assert!(ends(&mut storage, entities[0]));
    assert!(!ends(&mut storage, entities[1]));
    count(2);
    are_all(&storage, &[(entities[2], 2), (entities[3], 3)]);
    drop(storage);
    count(0);
}

#[test]
fn a_list_of_one_table_keeps_its_order_where_it_goes() {
    let mut storage = ArchetypeStorage::new(0);
    let all = population(&mut storage, 1000);
    // Each once, and nobody beside the next of the table.
    let list: Vec<_> = (0..700).map(|n| all[n * 333 % 1000]).collect();
    storage.insert_many(&list, (0..700).map(Plain::<0>)).unwrap();
    let found: Vec<_> = storage.query::<&Plain<0>>().iter().map(|(id, it)| (id, it.0)).collect();
    assert_eq!(found, list.into_iter().zip(0..).collect::<Vec<_>>());
}
