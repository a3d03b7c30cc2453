//! Who follows a store is told rightly of lists of entities that change.

use ecs_archetype::ArchetypeStorage;
use ecs_core::{EntityAllocator, EntityId};
use ecs_storage_api::snapshot::{Replica, RowCapture};
use ecs_storage_api::{OwnedChunk, PAGE_ROWS, Storage, StorageExt, StorageImage};
use ecs_testkit::components::{Name, Position, Selected, Velocity};
use ecs_testkit::differential::Follower;

/// Makes entities of position and name, and somebody who has seen them.
fn followed(count: i32) -> (ArchetypeStorage, Vec<EntityId>, Follower) {
    let mut storage = ArchetypeStorage::new(0);
    let all = storage.create_many((0..count).map(|n| (Position(n, n), Name("n".into()))));
    let mut follower = Follower::new().unwrap();
    follower.look(&mut storage).unwrap();
    (storage, all.unwrap(), follower)
}

/// Looks, and returns of how many rows was told.
fn look(follower: &mut Follower, storage: &mut ArchetypeStorage) -> usize {
    // What is wrong is long.
    follower.look(storage).unwrap_or_else(|error| panic!("{}", &error[..error.len().min(300)]))
}

/// Writes positions where they are.
fn write(storage: &mut ArchetypeStorage, entities: &[EntityId]) {
    for id in entities {
        storage.get_component_mut::<Position>(*id).unwrap().1 = -1;
    }
}

/// Every seventh, so that they lie apart.
fn some(all: &[EntityId]) -> Vec<EntityId> {
    all.iter().copied().step_by(7).collect()
}

#[test]
fn a_list_is_told_of_and_not_what_its_entities_have_beside() {
    let (mut storage, all, mut follower) = followed(3000);
    let list = some(&all);
    storage.exchange_many::<Name, _>(&list, list.iter().map(|_| Velocity(1, 2))).unwrap();
    storage.exchange_many::<(), _>(&list, list.iter().map(|_| Selected(3))).unwrap();
    assert_eq!(look(&mut follower, &mut storage), 2 * list.len());
    assert_eq!(look(&mut follower, &mut storage), 0);
}

#[test]
fn who_was_written_and_leaves_with_a_list_is_captured() {
    let (mut storage, all, mut follower) = followed(5000);
    let list = some(&all);
    write(&mut storage, &list[100..200]);
    storage.exchange_many::<Name, _>(&list, list.iter().map(|_| Velocity(1, 2))).unwrap();
    look(&mut follower, &mut storage);
}

#[test]
fn who_is_written_after_a_list_has_the_later_value() {
    let (mut storage, all, mut follower) = followed(3000);
    let list = some(&all);
    storage.exchange_many::<Name, _>(&list, list.iter().map(|_| Position(1, 2))).unwrap();
    write(&mut storage, &list[100..200]);
    look(&mut follower, &mut storage);
}

#[test]
fn of_several_lists_the_last_word_counts() {
    let (mut storage, all, mut follower) = followed(3000);
    let (list, more) = (some(&all), some(&all[..1500]));
    let values = |n| list.iter().map(move |_| (Position(n, 1), Velocity(n, 2)));
    storage.remove_many::<(Position, Name)>(&list).unwrap();
    storage.exchange_many::<(), _>(&list, values(3)).unwrap();
    storage.remove_many::<Velocity>(&more).unwrap();
    assert_eq!(look(&mut follower, &mut storage), 2 * list.len() + more.len());
    // Back where they were: nothing is to be told.
    storage.remove_many::<Position>(&list).unwrap();
    storage.exchange_many::<(), _>(&list, list.iter().map(|_| Position(3, 1))).unwrap();
    look(&mut follower, &mut storage);
    // Values that are replaced where they are.
    storage.exchange_many::<Position, _>(&list, values(4)).unwrap();
    storage.exchange_many::<Velocity, _>(&more, more.iter().map(|_| Position(5, 5))).unwrap();
    look(&mut follower, &mut storage);
}

#[test]
fn who_ends_or_comes_beside_a_list_is_told_of_once() {
    let (mut storage, all, mut follower) = followed(3000);
    let list = some(&all);
    storage.exchange_many::<Name, _>(&list, list.iter().map(|_| Velocity(1, 2))).unwrap();
    list[..100].iter().for_each(|id| storage.destroy_entity(*id).unwrap());
    let new = storage.create_many((0..150).map(|n| Position(n, 9))).unwrap();
    storage.exchange_many::<(), _>(&new, new.iter().map(|_| Velocity(5, 6))).unwrap();
    storage.insert(list[200], Name("single".into())).unwrap();
    look(&mut follower, &mut storage);
}

#[test]
fn a_list_of_values_that_own_memory_is_captured() {
    let (mut storage, all, mut follower) = followed(3000);
    let list = some(&all);
    let names = list.iter().zip(0..).map(|(_, n)| Name(n.to_string()));
    storage.exchange_many::<Position, _>(&list, names).unwrap();
    assert_eq!(look(&mut follower, &mut storage), list.len());
}

#[test]
fn a_stranger_of_the_same_index_is_somebody_else() {
    for is_lost in [false, true] {
        let (mut storage, all, mut follower) = followed(3000);
        let list = some(&all);
        match is_lost {
            true => {
                let gained = list.iter().map(|_| Velocity(1, 2));
                storage.exchange_many::<Position, _>(&list, gained).unwrap();
            }
            false => {
                storage.exchange_many::<(), _>(&list, list.iter().map(|_| Position(1, 2))).unwrap();
            }
        }
        let stranger = EntityId::new(7, list[5].index(), 0).unwrap();
        storage.adopt(stranger).unwrap();
        storage.insert(stranger, (Position(8, 8), Name("n".into()))).unwrap();
        storage.get_component_mut::<Position>(stranger).unwrap().1 = 9;
        look(&mut follower, &mut storage);
    }
}

#[test]
fn what_so_many_lists_change_is_captured_as_all_else() {
    let (mut storage, all, mut follower) = followed(6000);
    let (list, others) = (some(&all), some(&all[3..]));
    storage.exchange_many::<Name, _>(&list, list.iter().map(|_| Velocity(0, 0))).unwrap();
    for n in 1..20 {
        storage.exchange_many::<(), _>(&others, others.iter().map(|_| Velocity(n, 0))).unwrap();
    }
    let rows = look(&mut follower, &mut storage);
    assert!(rows < 4000, "{rows} rows were told of for {}", list.len() + others.len());
}

#[test]
fn who_has_forgotten_values_knows_them_again_from_where_pages_bring_them() {
    let (mut storage, all, _) = followed(3000);
    let whole = RowCapture::of(&mut storage, None).unwrap();
    let nothing = StorageImage::new(EntityAllocator::new(0).state(), Vec::new()).unwrap();
    let mut replica = Replica::of_image(&nothing).unwrap();
    assert!(replica.has_values() && replica.is_empty());
    replica.forget_values();
    assert_eq!(replica.follow(&whole).unwrap().len(), all.len());
    assert!(!replica.has_values() && !replica.is_empty());
    let mut last = whole.moment();
    let mut told = |storage: &mut ArchetypeStorage| {
        let capture = RowCapture::of(storage, Some(last)).unwrap();
        last = capture.moment();
        let changes = replica.follow(&capture).unwrap();
        let ids = |chunks: &[OwnedChunk]| chunks.iter().flat_map(|it| it.ids().to_vec()).collect();
        let (inserted, updated): (Vec<_>, Vec<_>) = (ids(&changes.inserted), ids(&changes.updated));
        (inserted.len(), updated)
    };
    // Lists go to another table and back, with positions that are the same.
    let list = some(&all);
    let there_and_back = |storage: &mut ArchetypeStorage, list: &[EntityId]| {
        let positions: Vec<Position> =
            list.iter().map(|id| *storage.get_component(*id).unwrap()).collect();
        let values = positions.iter().map(|position| (Selected(1), *position));
        storage.exchange_many::<(), _>(list, values).unwrap();
        storage.exchange_many::<Selected, _>(list, positions).unwrap();
    };
    there_and_back(&mut storage, &list);
    assert_eq!(told(&mut storage), (0, list.clone()), "nobody knows that they are");
    there_and_back(&mut storage, &list);
    assert_eq!(told(&mut storage), (0, list.clone()), "and lists make nobody know");
    // Of a page in which one value is written all are told, and are known from then on.
    write(&mut storage, &all[5..6]);
    let (_, page) = told(&mut storage);
    assert!(page.len() == PAGE_ROWS && page.contains(&all[5]));
    storage.get_component_mut::<Position>(all[5]).unwrap().0 = -7;
    assert_eq!(told(&mut storage), (0, vec![all[5]]));
    // Those of the list are in no such page: they went to the end.
    there_and_back(&mut storage, &all[..100]);
    let unknown: Vec<_> = all[..100].iter().copied().filter(|id| list.contains(id)).collect();
    assert_eq!(told(&mut storage), (0, unknown));
    // Who is touched alone comes with all that it has.
    let alone = all[2999];
    assert!(!page.contains(&alone));
    storage.insert(alone, Velocity(1, 1)).unwrap();
    assert_eq!(told(&mut storage), (1, vec![alone; 2]), "position and name");
    storage.insert(alone, Velocity(1, 1)).unwrap();
    assert_eq!(told(&mut storage), (0, vec![]));
}
