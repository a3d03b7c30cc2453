//! Many entities at once: inserts, removals, columns, and lists in any order.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{BundleKind, BundleRows, ComponentId, EntityId};
use ecs_storage_api::{
    Added, Alone, BundleError, Storage, StorageError, StorageExt, Version, Workers,
};

use super::changes::found;
use super::state;
use crate::components::{
    Bomb, Counted, Fuse, Grenade, Ledger, Marker, Name, Position, Selected, Splinter, Velocity,
};
use crate::{Make, check_invariants};

/// Enough rows for a backend that treats long runs in a way of its own.
const MANY: i32 = 300;

/// A store of two kinds of entities, listed in an order that is neither's.
fn filled(make: Make<'_>) -> (Box<dyn Storage>, Vec<EntityId>) {
    let mut storage = make();
    let some = storage.create_many((0..MANY).map(|n| (Position(n, n), Marker))).unwrap();
    let others = storage.create_many((0..MANY).map(|n| (Name(n.to_string()), Marker))).unwrap();
    let mut mixed: Vec<_> = some.iter().zip(&others).flat_map(|(&a, &b)| [a, b]).collect();
    let len = mixed.len();
    mixed[len / 2..].reverse();
    mixed[..len / 3].sort_unstable();
    (storage, mixed)
}

/// The n-th entity gets the n-th bundle, whatever table it comes from, and
/// values that are not named stay.
pub fn each_entity_gets_the_bundle_of_its_place(make: Make<'_>) {
    let (mut storage, entities) = filled(make);
    let named: Vec<_> =
        entities.iter().map(|&id| storage.get_component::<Name>(id).cloned()).collect();
    let bundles = (0..).map(|n| (Velocity(n, -n), Position(-n, 7)));
    storage.insert_many(&entities, bundles).unwrap();
    check_invariants(&*storage);
    for (n, (&entity, name)) in (0..).zip(entities.iter().zip(named)) {
        assert_eq!(storage.get_component::<Velocity>(entity), Some(&Velocity(n, -n)));
        assert_eq!(storage.get_component::<Position>(entity), Some(&Position(-n, 7)));
        assert_eq!(storage.get_component::<Name>(entity).cloned(), name);
        assert!(storage.has_component::<Marker>(entity));
    }
    assert_eq!(storage.query_single::<Velocity>().count(), entities.len());
}

/// As [`each_entity_gets_the_bundle_of_its_place`] says, for whole archetypes,
/// there and back, in the order in which they were made.
pub fn whole_archetypes_come_and_go(make: Make<'_>) {
    let ledger = Ledger::default();
    let mut storage = make();
    let names = |n: i32| Name(n.to_string());
    let all = storage.create_many((0..MANY).map(|n| (names(n), ledger.counted()))).unwrap();
    for round in 0..3 {
        storage.insert_many(&all, (0..).map(|n| (Position(n, round), names(n + 1)))).unwrap();
        check_invariants(&*storage);
        for (n, &entity) in (0..).zip(&all) {
            assert_eq!(storage.get_component::<Position>(entity), Some(&Position(n, round)));
            assert_eq!(storage.get_component::<Name>(entity), Some(&names(n + 1)));
        }
        let removed = storage.remove_many::<(Position, Velocity)>(&all).unwrap();
        assert_eq!(removed, all.len(), "nobody had a velocity");
        check_invariants(&*storage);
        assert!(storage.query_single::<Position>().is_empty());
    }
    assert_eq!(ledger.alive(), i64::from(MANY));
    assert_eq!(storage.remove_many::<Counted>(&all[10..]).unwrap(), all.len() - 10);
    assert_eq!(ledger.alive(), 10);
    let entity = storage.create((names(-1), ledger.counted())).unwrap();
    assert_eq!(storage.get_component::<Name>(entity), Some(&names(-1)));
    storage.destroy_batch(&all).unwrap();
    check_invariants(&*storage);
    assert_eq!((storage.entity_count(), ledger.alive()), (1, 1));
}

/// Entities in the middle of their tables, whose places others take.
pub fn lists_in_any_order_leave_the_others_as_they_are(make: Make<'_>) {
    let (mut storage, mut entities) = filled(make);
    let stay = entities.split_off(entities.len() / 2);
    let before = state(&*storage);
    storage.remove_many::<Marker>(&entities).unwrap();
    check_invariants(&*storage);
    let unchanged = |entity: &EntityId| {
        let was = before.iter().find(|(id, _)| id == entity);
        assert_eq!(state(&*storage).iter().find(|(id, _)| id == entity), was);
    };
    stay.iter().step_by(17).for_each(unchanged);
    storage.destroy_batch(&entities).unwrap();
    check_invariants(&*storage);
    let mut left: Vec<_> = storage.all_entities().collect();
    let mut expected = stay;
    left.sort_unstable();
    expected.sort_unstable();
    assert_eq!(left, expected);
}

/// Entities of which hardly two lie beside each other, in one call or many; some of them
/// behind others that do.
pub fn scattered_lists_do_as_one_by_one(make: Make<'_>) {
    [0, 90].into_iter().for_each(|in_order| scattered_behind(make, in_order));
}

fn scattered_behind(make: Make<'_>, in_order: usize) {
    let (ledger, fuse) = (Ledger::default(), Fuse::default());
    let filled = || {
        let mut storage = make();
        let row = |n: i32| (Position(n, n), Velocity(n, n), ledger.bomb(&fuse));
        let mut all = storage.create_many((0..MANY).map(row)).unwrap();
        all.extend(storage.create_many((0..MANY).map(|n| (Name(n.to_string()), Marker))).unwrap());
        let scattered = &mut all[in_order..];
        scattered.sort_unstable_by_key(|id| id.index().wrapping_mul(2_654_435_761));
        (storage, all)
    };
    let bundles = || (0..).map(|n| (Velocity(n, 1), Position(n, -1)));
    let (mut by_one, entities) = filled();
    let (mut at_once, same) = filled();
    assert_eq!(entities, same);
    let (some, others) = entities.split_at(entities.len() / 3);
    let agree = |by_one: &dyn Storage, at_once: &dyn Storage| {
        check_invariants(at_once);
        assert_eq!(state(at_once), state(by_one));
        let removed = |storage: &dyn Storage| {
            let removed = storage.removed(ComponentId::of::<Velocity>(), Version::ZERO);
            removed.iter().map(|it| it.entity).collect::<Vec<_>>()
        };
        assert_eq!(removed(at_once), removed(by_one), "in the order of the list");
    };

    some.iter().zip(bundles()).for_each(|(&id, bundle)| by_one.insert(id, bundle).unwrap());
    at_once.insert_many(some, bundles()).unwrap();
    agree(&*by_one, &*at_once);

    let one = |storage: &mut dyn Storage, id: EntityId| {
        storage.remove_many::<(Velocity, Bomb)>(&[id]).unwrap()
    };
    let values: usize = others[..200].iter().map(|&id| one(&mut *by_one, id)).sum();
    let removed = at_once.remove_many::<(Velocity, Bomb)>(&others[..200]);
    assert_eq!(removed.unwrap(), values);
    agree(&*by_one, &*at_once);

    let ending = &entities[100..400];
    ending.iter().for_each(|&id| by_one.destroy_entity(id).unwrap());
    at_once.destroy_batch(ending).unwrap();
    agree(&*by_one, &*at_once);
    assert_eq!(by_one.allocator_state(), at_once.allocator_state());

    drop(by_one);
    assert_eq!(ledger.alive(), at_once.query_single::<Bomb>().count() as i64);
    fuse.light();
    let end = AssertUnwindSafe(|| at_once.destroy_batch(&entities[..100]));
    assert!(catch_unwind(end).is_err(), "a panic of a value that ends reaches the caller");
    check_invariants(&*at_once);
    assert_eq!(at_once.entity_count(), entities.len() - 400, "it comes when all is done");
    assert_eq!(ledger.alive(), at_once.query_single::<Bomb>().count() as i64);
}

/// The dead, the doubled, the short, and bundles that are none.
pub fn refused_lists_change_nothing(make: Make<'_>) {
    let (mut storage, entities) = filled(make);
    let dead = storage.create(Marker).unwrap();
    storage.destroy_entity(dead).unwrap();
    let before = state(&*storage);
    let ids = storage.allocator_state();
    let twice = [&entities[..], &entities[5..6]].concat();
    let gone = [&entities[..40], &[dead], &entities[5..6]].concat();
    let bundles = || (0..).map(|n| Velocity(n, n));
    let outcomes = |storage: &mut dyn Storage, list: &[EntityId]| {
        [
            storage.insert_many(list, bundles()).unwrap_err(),
            storage.remove_many::<Marker>(list).unwrap_err(),
            storage.destroy_batch(list).unwrap_err(),
            storage.exchange_many::<Marker, _>(list, bundles()).unwrap_err(),
        ]
    };
    for error in outcomes(&mut *storage, &twice) {
        assert!(matches!(error, StorageError::ListedTwice(id) if id == entities[5]), "{error}");
    }
    for error in outcomes(&mut *storage, &gone) {
        assert!(matches!(error, StorageError::NoSuchEntity(id) if id == dead), "{error}");
    }
    for short in [
        storage.insert_many(&entities, bundles().take(4)).unwrap_err(),
        storage.exchange_many::<Marker, _>(&entities, bundles().take(4)).unwrap_err(),
    ] {
        assert!(
            matches!(short, StorageError::Bundle(BundleError::Short { bundles: 4, entities: all })
                if all == entities.len()),
            "{short}"
        );
    }
    let doubled = storage.insert_many(&entities, std::iter::repeat_with(|| (Marker, Marker)));
    assert!(
        matches!(doubled, Err(StorageError::Bundle(BundleError::Duplicate(id)))
            if id == ComponentId::of::<Marker>()),
        "{doubled:?}"
    );
    assert_eq!(state(&*storage), before);
    assert_eq!(storage.allocator_state(), ids);
    storage.insert_many(&[], bundles().take(0)).unwrap();
    assert_eq!(storage.remove_many::<Marker>(&[]).unwrap(), 0);
}

/// Each entity has lost and gained what it would have one by one.
pub fn an_exchange_is_a_removal_and_an_insertion(make: Make<'_>) {
    let bundles = || (0..).map(|n| (Velocity(n, 1), Name(n.to_string())));
    let (mut by_one, entities) = filled(make);
    for (&entity, bundle) in entities.iter().zip(bundles()) {
        by_one.remove_many::<(Position, Marker)>(&[entity]).unwrap();
        by_one.insert(entity, bundle).unwrap();
    }
    for part in [entities.len(), 150, 3, 1] {
        let (mut storage, entities) = filled(make);
        let (now, later) = entities.split_at(part);
        storage.exchange_many::<(Position, Marker), _>(now, bundles()).unwrap();
        check_invariants(&*storage);
        let before = state(&*storage);
        storage.exchange_many::<(Position, Marker), _>(later, bundles().skip(part)).unwrap();
        check_invariants(&*storage);
        assert_eq!(state(&*storage), state(&*by_one));
        storage.exchange_many::<Selected, _>(&entities, bundles()).unwrap();
        check_invariants(&*storage);
        assert_eq!(state(&*storage), state(&*by_one), "the same values in their places");
        assert!(part < entities.len() || before == state(&*by_one));
    }
}

/// Threads that help with an exchange leave what one thread leaves.
pub fn helpers_change_nothing_but_the_time(make: Make<'_>) {
    /// Calls from three threads, more often than there is work.
    struct Three;

    impl Workers for Three {
        fn work(&self, _most: usize, work: &(dyn Fn() + Sync)) {
            std::thread::scope(|scope| (0..3).for_each(|_| drop(scope.spawn(work))));
        }
    }

    let exchanged = |workers: &dyn Workers| {
        let mut storage = make();
        let all = storage.create_many((0..3_000).map(|n| (Position(n, n), Marker))).unwrap();
        let mut some: Vec<_> = all.into_iter().filter(|id| id.index() % 3 < 2).collect();
        some.sort_unstable_by_key(|id| id.index().wrapping_mul(2_654_435_761));
        let mut gained = (0..).map(|n: i32| (Name(n.to_string()), Position(n, 0)));
        let mut gained = BundleRows::new(&mut gained);
        let lost = BundleKind::of::<Marker>();
        storage.exchange_batch(&some, &lost, &mut gained, workers).unwrap();
        check_invariants(&*storage);
        let order: Vec<_> = storage.all_entities().collect();
        (state(&*storage), order)
    };
    assert!(exchanged(&Alone) == exchanged(&Three));
}

/// Rows beyond the last entity are not asked for.
pub fn as_many_bundles_are_taken_as_there_are_entities(make: Make<'_>) {
    let (mut storage, entities) = filled(make);
    let mut asked = 0;
    let endless = std::iter::repeat_with(|| {
        asked += 1;
        Marker
    });
    storage.insert_many(&entities, endless).unwrap();
    assert_eq!(asked, entities.len());
}

/// A panic of a bundle has no effect; one of a value that ends comes when all
/// is done.
pub fn a_panic_is_before_all_or_after_all(make: Make<'_>) {
    panic_before_and_after(make, |_| {});
    panic_before_and_after(make, |all| {
        all.sort_unstable_by_key(|id| id.index().wrapping_mul(2_654_435_761));
    });
}

fn panic_before_and_after(make: Make<'_>, order: impl Fn(&mut [EntityId])) {
    let (ledger, fuse) = (Ledger::default(), Fuse::default());
    let mut storage = make();
    let bombs = (0..MANY).map(|n| (Position(n, n), ledger.bomb(&fuse)));
    let mut all = storage.create_many(bombs).unwrap();
    order(&mut all);
    let before = state(&*storage);
    let panics = |run: &mut dyn FnMut()| {
        assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "a panic reaches the caller");
    };
    panics(&mut || {
        let bundles = (0..).map(|n| match n {
            100 => panic!("a bundle that can't be made"),
            n => (Velocity(n, n), ledger.counted()),
        });
        let _ = storage.insert_many(&all, bundles);
    });
    assert_eq!(state(&*storage), before);
    assert_eq!(ledger.alive(), i64::from(MANY));

    fuse.light();
    panics(&mut || {
        let bundles = (0..).map(|n| (Velocity(n, n), ledger.bomb(&fuse)));
        let _ = storage.insert_many(&all, bundles);
    });
    check_invariants(&*storage);
    assert_eq!(storage.query::<(&Velocity, &Bomb)>().count(), all.len());
    assert_eq!(ledger.alive(), i64::from(MANY));

    fuse.light();
    panics(&mut || drop(storage.remove_many::<Bomb>(&all[..200])));
    check_invariants(&*storage);
    assert_eq!(storage.query_single::<Bomb>().count(), all.len() - 200);
    assert_eq!(ledger.alive(), i64::from(MANY) - 200);

    fuse.light();
    panics(&mut || {
        let bundles = (0..).map(|n| (Name("a".to_owned()), Velocity(n, 1)));
        let _ = storage.exchange_many::<(Position, Bomb), _>(&all[200..250], bundles);
    });
    check_invariants(&*storage);
    assert_eq!(storage.query_single::<Name>().count(), 50);
    assert_eq!(ledger.alive(), i64::from(MANY) - 250);

    fuse.light();
    panics(&mut || drop(storage.destroy_batch(&all[100..])));
    check_invariants(&*storage);
    assert_eq!((storage.entity_count(), ledger.alive()), (100, 0));
}

/// A panic that is held back may be of something that panics itself when it is
/// dropped.
pub fn what_throws_again_when_it_is_dropped_ends_nothing_early(make: Make<'_>) {
    let ledger = Ledger::default();
    let throws = |run: &mut dyn FnMut()| {
        let thrown = catch_unwind(AssertUnwindSafe(run)).expect_err("a panic reaches the caller");
        assert!(thrown.is::<Splinter>(), "it is the first one");
        // It has no size, and would throw again.
        std::mem::forget(thrown);
    };
    let mut storage = make();
    let grenades = |storage: &mut dyn Storage| {
        let one = |n| (Position(n, n), Grenade(ledger.counted()));
        let mut all = storage.create_many((0..MANY).map(one)).unwrap();
        let marked = (0..MANY).map(|n| (Grenade(ledger.counted()), Position(n, n), Marker));
        all.extend(storage.create_many(marked).unwrap());
        all
    };
    let all = grenades(&mut *storage);
    let before = storage.version();
    storage.advance_version();
    throws(&mut || {
        let gained = (0..).map(|n| Velocity(n, n));
        let _ = storage.exchange_many::<Grenade, _>(&all, gained);
    });
    check_invariants(&*storage);
    assert_eq!(storage.query::<(&Velocity, &Position)>().count(), all.len());
    assert_eq!((storage.query_single::<Grenade>().count(), ledger.alive()), (0, 0));
    if before != Version::ZERO {
        assert_eq!(found::<Added<Velocity>>(&*storage, before).len(), all.len());
    }
    let more = grenades(&mut *storage);
    throws(&mut || drop(storage.remove_many::<Grenade>(&more[..more.len() / 2])));
    check_invariants(&*storage);
    assert_eq!(storage.query_single::<Grenade>().count(), more.len() / 2);
    throws(&mut || drop(storage.destroy_batch(&more)));
    check_invariants(&*storage);
    assert!(more.iter().all(|&entity| !storage.entity_exists(entity)));
    assert_eq!((storage.entity_count(), ledger.alive()), (all.len(), 0));
}

/// In the order of rows, into an empty archetype and into one that has rows.
pub fn columns_become_entities(make: Make<'_>) {
    let ledger = Ledger::default();
    let mut storage = make();
    for round in 0..3 {
        let names: Vec<_> = (0..MANY).map(|n| Name(n.to_string())).collect();
        let counted: Vec<_> = (0..MANY).map(|_| ledger.counted()).collect();
        let positions: Vec<_> = (0..MANY).map(|n| Position(n, round)).collect();
        let made = storage.create_from((positions, names, counted)).unwrap();
        check_invariants(&*storage);
        assert_eq!(made.len(), MANY as usize);
        for (n, &entity) in (0..).zip(&made) {
            assert_eq!(storage.get_component::<Position>(entity), Some(&Position(n, round)));
            assert_eq!(storage.get_component::<Name>(entity), Some(&Name(n.to_string())));
        }
    }
    assert_eq!(storage.create_from(Vec::<Marker>::new()).unwrap(), []);
    assert_eq!(storage.create_from(vec![Marker, Marker]).unwrap().len(), 2);
    let before = state(&*storage);
    let uneven = storage.create_from((vec![Marker], vec![Name("a".into()), Name("b".into())]));
    assert!(
        matches!(uneven, Err(StorageError::Bundle(BundleError::Length { len: 2, rows: 1, .. }))),
        "{uneven:?}"
    );
    let twice = storage.create_from((vec![Marker], vec![Marker]));
    assert!(matches!(twice, Err(StorageError::Bundle(BundleError::Duplicate(_)))), "{twice:?}");
    assert_eq!(state(&*storage), before);
    storage.clear().unwrap();
    assert_eq!(ledger.alive(), 0);
}
