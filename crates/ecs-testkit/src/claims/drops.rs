//! Values end once, whatever panics.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{
    Bundle, BundleKind, ComponentList, ComponentSink, EntityId, ErasedValue, InPlace, Removal,
    RemoveAll,
};
use ecs_storage_api::{Storage, StorageError, StorageExt, UpdateBatch, Without};

use super::state;
use crate::components::{Bomb, Counted, Fuse, Ledger, Marker, Name, Position, Twin};
use crate::{Make, check_invariants};

/// Runs something that panics, without the message.
fn panics(run: impl FnOnce()) {
    assert!(catch_unwind(AssertUnwindSafe(run)).is_err(), "a panic reaches the caller");
}

/// Moves, replacements, removals, batches, clearing, dropping the store.
pub fn every_value_is_dropped_once(make: Make<'_>) {
    let ledger = Ledger::default();
    let mut storage = make();
    let mut entities: Vec<_> =
        (0..50).map(|n| storage.create((ledger.counted(), Name(n.to_string()))).unwrap()).collect();
    storage.create_many((0..50).map(|n| (Position(n, n), ledger.counted()))).unwrap();
    assert_eq!(ledger.alive(), 100);
    for &entity in &entities {
        storage.set_component(entity, Position(0, 0)).unwrap();
        storage.set_component(entity, ledger.counted()).unwrap();
        storage.insert(entity, (ledger.counted(), Name("again".into()))).unwrap();
    }
    assert_eq!(ledger.alive(), 100);
    let taken = storage.take_component::<Counted>(entities[0]).unwrap();
    assert_eq!(ledger.alive(), 100);
    drop(taken);
    assert!(storage.remove_component::<Counted>(entities[1]).unwrap());
    assert_eq!(ledger.alive(), 98);
    storage.destroy_batch(&entities.split_off(40)).unwrap();
    assert_eq!(ledger.alive(), 88);
    assert!(storage.set_component(entities[0], ledger.counted()).is_ok());
    let dead = entities[3];
    storage.destroy_entity(dead).unwrap();
    assert!(storage.insert(dead, (ledger.counted(), Name(String::new()))).is_err());
    assert!(storage.create((ledger.counted(), ledger.counted())).is_err());
    assert_eq!(ledger.alive(), 88);
    let saved = storage.snapshot().unwrap();
    storage.restore(&saved).unwrap();
    assert_eq!(ledger.alive(), 0, "restoring ends what was there");
    storage.create_many((0..10).map(|_| ledger.counted())).unwrap();
    storage.clear().unwrap();
    assert_eq!(ledger.alive(), 0);
    storage.create_many((0..10).map(|_| ledger.counted())).unwrap();
    drop(storage);
    assert_eq!(ledger.alive(), 0);
}

/// After the panic: the store is in order, can be used, and drops nothing twice.
fn survives(make: Make<'_>, panic: impl Fn(&mut dyn Storage, &Ledger, &Fuse)) {
    let (ledger, fuse) = (Ledger::default(), Fuse::default());
    let mut storage = make();
    storage
        .create_many((0..10).map(|n| (Position(n, n), ledger.bomb(&fuse), ledger.counted())))
        .unwrap();
    panic(&mut *storage, &ledger, &fuse);
    check_invariants(&*storage);
    let alive = storage.query_single::<Bomb>().count() + storage.query_single::<Counted>().count();
    // A value may be leaked on the way of a panic, but never dropped twice.
    assert!(ledger.alive() >= alive as i64, "{} live of {alive}", ledger.alive());
    let entity = storage.create((Position(77, 77), ledger.counted())).unwrap();
    assert_eq!(storage.get_component::<Position>(entity), Some(&Position(77, 77)));
    storage.clear().unwrap();
    assert_eq!(storage.entity_count(), 0);
    drop(storage);
    assert!(ledger.alive() >= 0, "nothing is dropped twice");
}

/// hecs kept the row and dropped it twice; bevy #2597.
pub fn a_panic_while_destroying_leaves_the_store_in_order(make: Make<'_>) {
    for victim in [0, 4, 9] {
        survives(make, |storage, _, fuse| {
            let mut all: Vec<_> = storage.all_entities().collect();
            all.sort();
            fuse.light();
            panics(|| storage.destroy_entity(all[victim]).unwrap());
            assert!(!storage.entity_exists(all[victim]));
            assert_eq!(storage.entity_count(), 9);
        });
    }
}

/// Those behind the one whose value panics end too.
pub fn a_panic_while_destroying_several_ends_them_all(make: Make<'_>) {
    survives(make, |storage, _, fuse| {
        let mut all: Vec<_> = storage.all_entities().collect();
        all.sort();
        fuse.light();
        panics(|| storage.destroy_batch(&all[2..7]).unwrap());
        assert!(all[2..7].iter().all(|&entity| !storage.entity_exists(entity)));
        assert_eq!(storage.entity_count(), 5);
    });
}

/// Takes two components away, and drops them one by one.
struct DropEach;

impl Removal for DropEach {
    fn kind(&self) -> BundleKind {
        BundleKind::of::<(Bomb, Twin)>()
    }

    fn wants_values(&self) -> bool {
        true
    }

    fn take(&mut self, value: InPlace<'_>) {
        drop(value);
    }

    fn take_value(&mut self, value: ErasedValue) {
        drop(value);
    }
}

/// A second panic is no abort: each value ends, and the first panic goes on.
pub fn several_panics_of_values_that_end_together_are_one(make: Make<'_>) {
    let ways: [fn(&mut dyn Storage); 2] = [
        |storage| {
            let mut all: Vec<_> = storage.all_entities().collect();
            all.sort();
            storage.destroy_batch(&all[2..7]).unwrap();
        },
        |storage| storage.clear().unwrap(),
    ];
    for end in ways {
        survives(make, |storage, _, fuse| {
            fuse.light_for(3);
            panics(|| end(storage));
            assert_eq!(fuse.left(), 0, "the others went off as well");
        });
    }
    two_panics_of_one_row_are_one(make);
}

/// As above, of two components that one entity loses, or that are replaced.
fn two_panics_of_one_row_are_one(make: Make<'_>) {
    type Way = fn(&mut dyn Storage, EntityId, [Bomb; 2]);
    let ways: [Way; 5] = [
        |storage, entity, _| {
            storage.remove_with(entity, &mut RemoveAll::<(Bomb, Twin)>::default()).unwrap();
        },
        |storage, entity, _| {
            storage.remove_with(entity, &mut DropEach).unwrap();
        },
        |storage, entity, [one, two]| storage.insert(entity, (one, Twin(two))).unwrap(),
        |storage, entity, [one, two]| {
            storage.insert(entity, (one, Twin(two), Name("new".into()))).unwrap();
        },
        |storage, entity, [one, two]| {
            let batch = UpdateBatch::new().update(entity, one).insert(entity, Twin(two));
            storage.apply_updates(batch).unwrap();
        },
    ];
    for end in ways {
        survives(make, |storage, ledger, fuse| {
            let entity = storage.query_single::<Bomb>().iter().next().unwrap().0;
            storage.insert(entity, (Twin(ledger.bomb(fuse)), Marker)).unwrap();
            let harmless = [0; 2].map(|_| ledger.bomb(&Fuse::default()));
            fuse.light_for(2);
            panics(|| end(storage, entity, harmless));
            assert_eq!(fuse.left(), 0, "the other went off as well");
            let [one, two] =
                [storage.has_component::<Bomb>(entity), storage.has_component::<Twin>(entity)];
            assert!(one == two && storage.has_component::<Marker>(entity));
        });
    }
}

/// The new values are there, the old ones are gone.
pub fn a_panic_while_replacing_leaves_the_store_in_order(make: Make<'_>) {
    survives(make, |storage, ledger, fuse| {
        let entity = storage.all_entities().next().unwrap();
        let harmless = || ledger.bomb(&Fuse::default());
        fuse.light();
        panics(|| storage.insert(entity, (harmless(), Name("new".into()))).unwrap());
        assert_eq!(storage.get_component::<Name>(entity), Some(&Name("new".into())));
        let entity = storage.query_as::<EntityId, Without<Name>>().iter().next().unwrap();
        fuse.light();
        panics(|| storage.insert(entity, (harmless(), Position(50, 50))).unwrap());
        assert_eq!(storage.get_component::<Position>(entity), Some(&Position(50, 50)));
        assert_eq!(storage.query_single::<Bomb>().count(), 10);
    });
}

/// The component is gone.
pub fn a_panic_while_removing_leaves_the_store_in_order(make: Make<'_>) {
    survives(make, |storage, _, fuse| {
        let entity = storage.all_entities().next().unwrap();
        fuse.light();
        panics(|| {
            storage.remove_component::<Bomb>(entity).unwrap();
        });
        assert!(!storage.has_component::<Bomb>(entity));
        let entity = storage.query_single::<Bomb>().iter().next().unwrap().0;
        fuse.light();
        panics(|| {
            let mut several = RemoveAll::<(Bomb, Counted, Position)>::default();
            storage.remove_with(entity, &mut several).unwrap();
        });
        assert!(storage.get_component_types(entity).unwrap().is_empty());
    });
}

/// Every effect is there, also those behind the value that panics.
pub fn a_panic_in_a_batch_leaves_it_applied(make: Make<'_>) {
    for meets_the_bomb in ["update", "insert", "remove", "destroy"] {
        survives(make, |storage, ledger, fuse| {
            let mut all: Vec<_> = storage.all_entities().collect();
            all.sort();
            let harmless = ledger.bomb(&Fuse::default());
            let batch = UpdateBatch::new();
            let batch = match meets_the_bomb {
                "update" => batch.update(all[0], harmless),
                "insert" => batch.insert(all[0], harmless),
                "remove" => batch.remove::<Bomb>(all[0]),
                _ => batch.destroy(all[9]),
            };
            let batch = batch
                .spawn(Position(90, 90))
                .update(all[1], Position(91, 91))
                .insert(all[2], (Position(92, 92), Name("new".into())))
                .remove::<Counted>(all[3])
                .destroy(all[4])
                .destroy(all[5]);
            fuse.light();
            panics(|| drop(storage.apply_updates(batch).unwrap()));
            let x = |entity| storage.get_component::<Position>(entity).map(|position| position.0);
            assert_eq!([x(all[1]), x(all[2])], [Some(91), Some(92)], "{meets_the_bomb}");
            assert!(
                storage.has_component::<Name>(all[2]) && !storage.has_component::<Counted>(all[3])
            );
            assert!(!storage.entity_exists(all[4]) && !storage.entity_exists(all[5]));
            assert!(
                storage.query_single::<Position>().iter().any(|(_, position)| position.0 == 90)
            );
        });
    }
}

/// What was restored is there, and what was there before is gone.
pub fn a_panic_while_restoring_leaves_what_was_restored(make: Make<'_>) {
    survives(make, |storage, _, fuse| {
        let saved = storage.snapshot().unwrap();
        storage.create(Marker).unwrap();
        fuse.light();
        panics(|| storage.restore(&saved).unwrap());
        assert_eq!((storage.entity_count(), storage.query_single::<Position>().count()), (10, 10));
        assert_eq!(storage.query_single::<Bomb>().count(), 0);
    });
}

/// Nothing is there afterwards that was there before.
pub fn a_panic_while_clearing_leaves_the_store_in_order(make: Make<'_>) {
    survives(make, |storage, _, fuse| {
        fuse.light();
        panics(|| storage.clear().unwrap());
        assert_eq!(storage.entity_count(), 0);
    });
    let (ledger, fuse) = (Ledger::default(), Fuse::default());
    let mut storage = make();
    storage.create_many((0..10).map(|_| ledger.bomb(&fuse))).unwrap();
    fuse.light();
    panics(|| drop(storage));
    assert!(ledger.alive() >= 0);
}

/// Rows before the panic stay, the half one is dropped.
pub fn a_batch_that_panics_half_way_keeps_its_finished_rows(make: Make<'_>) {
    let ledger = Ledger::default();
    let mut storage = make();
    storage.create((Position(-1, -1), ledger.counted())).unwrap();
    panics(|| {
        let rows = (0..100).map(|n| {
            assert!(n < 37, "the iterator panics");
            (Position(n, n), ledger.counted())
        });
        storage.create_many(rows).unwrap();
    });
    check_invariants(&*storage);
    assert_eq!((storage.entity_count(), ledger.alive()), (38, 38));
    drop(storage);
    assert_eq!(ledger.alive(), 0);
}

/// Says that it has more rows, or fewer, than it gives.
struct Liar(usize, usize);

impl Iterator for Liar {
    type Item = Position;

    fn next(&mut self) -> Option<Position> {
        self.1 = self.1.checked_sub(1)?;
        Some(Position(1, 1))
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.0, None)
    }
}

/// A hint is believed only so far.
pub fn a_batch_that_lies_about_its_length_is_survived(make: Make<'_>) {
    for (hint, rows) in [(usize::MAX, 5), (0, 5000), (10, 0), (3, 4)] {
        let mut storage = make();
        assert_eq!(storage.create_many(Liar(hint, rows)).unwrap().len(), rows);
        assert_eq!(storage.query_single::<Position>().count(), rows);
        check_invariants(&*storage);
    }
}

/// A bundle that panics between its components.
struct Half(Counted);

impl Bundle for Half {
    const COMPONENTS: ComponentList = <(Counted, Name)>::COMPONENTS;

    fn put_all(self, sink: &mut impl ComponentSink) {
        sink.put(self.0);
        panic!("between the components");
    }
}

/// A bundle that announces more components than it gives.
struct Short(Counted);

impl Bundle for Short {
    const COMPONENTS: ComponentList = <(Counted, Name)>::COMPONENTS;

    fn put_all(self, sink: &mut impl ComponentSink) {
        sink.put(self.0);
    }
}

/// A bundle that gives its components in another order than it announces.
struct Turned(Counted);

impl Bundle for Turned {
    const COMPONENTS: ComponentList = <(Name, Counted)>::COMPONENTS;

    fn put_all(self, sink: &mut impl ComponentSink) {
        sink.put(self.0);
        sink.put(Name(String::new()));
    }
}

/// What was put is dropped, and nothing has happened.
pub fn a_bundle_that_panics_changes_nothing(make: Make<'_>) {
    let ledger = Ledger::default();
    let mut storage = make();
    let entity = storage.create((Position(1, 1), ledger.counted())).unwrap();
    let before = (state(&*storage), storage.allocator_state());
    let unchanged = |storage: &dyn Storage| {
        check_invariants(storage);
        assert_eq!((state(storage), storage.allocator_state()), before);
        assert_eq!(ledger.alive(), 1);
    };
    panics(|| drop(storage.create(Half(ledger.counted()))));
    unchanged(&*storage);
    panics(|| drop(storage.create_many([Half(ledger.counted())])));
    unchanged(&*storage);
    panics(|| drop(storage.insert(entity, Half(ledger.counted()))));
    unchanged(&*storage);
}

/// It is refused by an error or by a panic, as the backend finds it out.
pub fn a_bundle_that_announces_something_else_changes_nothing(make: Make<'_>) {
    let ledger = Ledger::default();
    let mut storage = make();
    let entity = storage.create((Position(1, 1), ledger.counted())).unwrap();
    let before = (state(&*storage), storage.allocator_state());
    let mut refused = |way: &dyn Fn(&mut dyn Storage) -> Result<(), StorageError>| {
        let outcome = catch_unwind(AssertUnwindSafe(|| way(&mut *storage)));
        assert!(!matches!(outcome, Ok(Ok(()))), "a wrong bundle is refused");
        check_invariants(&*storage);
        assert_eq!((state(&*storage), storage.allocator_state()), before);
        assert_eq!(ledger.alive(), 1);
    };
    refused(&|storage| storage.create(Short(ledger.counted())).map(drop));
    refused(&|storage| storage.create_many([Short(ledger.counted())]).map(drop));
    refused(&|storage| storage.insert(entity, Short(ledger.counted())));
    refused(&|storage| storage.create(Turned(ledger.counted())).map(drop));
    refused(&|storage| storage.create_many([Turned(ledger.counted())]).map(drop));
    refused(&|storage| storage.insert(entity, Turned(ledger.counted())));
}
