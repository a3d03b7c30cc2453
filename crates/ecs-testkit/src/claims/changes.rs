//! Changes: what is told of them, by every path by which something changes.

use ecs_core::{
    BundleKind, BundleRow, Component, ComponentId, EntityId, ErasedBundle, ErasedValue, RemoveAll,
};
use ecs_storage_api::{
    Added, Changed, DynamicQuery, Filter, LINE_ROWS, Mut, Or, PAGE_ROWS, Prepared, Query,
    QueryCache, QueryError, QueryShape, QueryState, Ref, Storage, StorageExt, UpdateBatch, Version,
    Window, With, Without, gather_mut,
};

use crate::Make;
use crate::components::{Marker, Name, Position, Velocity};

/// What is told of the tracked `Velocity`: who changed, who got it, who lost it.
#[derive(Debug, PartialEq, Eq, Default)]
struct Told {
    changed: Vec<EntityId>,
    added: Vec<EntityId>,
    removed: Vec<EntityId>,
}

fn window(since: Version) -> Window {
    Window { since, now: Version::new(u64::MAX) }
}

/// Finds the entities that meet a filter since a version, in order.
pub(crate) fn found<F: Filter>(storage: &dyn Storage, since: Version) -> Vec<EntityId> {
    let mut state = QueryState::<EntityId, F>::new();
    state.set_window(window(since));
    let query = state.query(storage);
    let mut found: Vec<_> = query.iter().collect();
    assert_eq!(query.count(), found.len());
    found.sort_unstable();
    found
}

fn told(storage: &dyn Storage, since: Version) -> Told {
    let removed = storage.removed(ComponentId::of::<Velocity>(), since);
    assert!(removed.is_sorted_by_key(|removed| removed.version), "the oldest come first");
    let mut removed: Vec<_> = removed.iter().map(|removed| removed.entity).collect();
    removed.sort_unstable();
    Told {
        changed: found::<Changed<Velocity>>(storage, since),
        added: found::<Added<Velocity>>(storage, since),
        removed,
    }
}

/// Those that the paths below work on: five with `Position` and `Velocity`, three
/// with `Velocity` and `Name`, two with `Position`.
struct Cast {
    pv: [EntityId; 5],
    vn: [EntityId; 3],
    p: [EntityId; 2],
}

fn cast(storage: &mut dyn Storage) -> Cast {
    let mut pv = |n| storage.create((Position(n, 0), Velocity(n, 1))).unwrap();
    let pv = [0, 1, 2, 3, 4].map(&mut pv);
    let vn = [5, 6, 7].map(|n| storage.create((Velocity(n, 1), Name(n.to_string()))).unwrap());
    let p = [8, 9].map(|n| storage.create(Position(n, 0)).unwrap());
    Cast { pv, vn, p }
}

/// What a path does, and what is to be told of it: who changed, among them who
/// came, and who lost the component.
type Path = fn(&mut dyn Storage, &Cast) -> [Vec<EntityId>; 3];

/// Takes every path on a store of its own, and compares what is told with what
/// the path says.
fn take(make: Make<'_>, paths: &[(&str, Path)]) {
    for (name, path) in paths {
        let mut storage = make();
        if !storage.capabilities().change_detection {
            return;
        }
        let cast = cast(&mut *storage);
        let before = storage.advance_version();
        assert_eq!(told(&*storage, before), Told::default(), "before: {name}");
        let [mut changed, mut added, mut removed] = path(&mut *storage, &cast);
        changed.sort_unstable();
        added.sort_unstable();
        removed.sort_unstable();
        assert_eq!(told(&*storage, before), Told { changed, added, removed }, "{name}");
        let after = storage.advance_version();
        assert_eq!(told(&*storage, after), Told::default(), "nothing has happened since: {name}");
        // Rows that move afterwards keep what is known of them.
        let expected = told(&*storage, before);
        let having = found::<With<Velocity>>(&*storage, before);
        let moved: Vec<_> = having.iter().copied().step_by(2).collect();
        storage.insert_many(&moved, moved.iter().map(|_| Marker)).unwrap();
        for &entity in &having {
            storage.insert(entity, Name("moved".into())).unwrap();
        }
        storage.remove_many::<Marker>(&moved).unwrap();
        assert_eq!(told(&*storage, before), expected, "rows moved after: {name}");
        assert_eq!(told(&*storage, after), Told::default(), "moving is no change: {name}");
    }
}

/// Entities made one by one, in batches and as columns; components inserted,
/// replaced and set.
pub fn what_comes_is_told(make: Make<'_>) {
    take(
        make,
        &[
            ("create", |storage, _| {
                let one = storage.create((Velocity(1, 1), Marker)).unwrap();
                storage.create(Position(1, 1)).unwrap();
                storage.create_entity().unwrap();
                [vec![one], vec![one], vec![]]
            }),
            ("create into a table with rows", |storage, _| {
                let one = storage.create((Position(1, 1), Velocity(1, 1))).unwrap();
                [vec![one], vec![one], vec![]]
            }),
            ("create_many", |storage, _| {
                let bundles = (0..3000).map(|n| (Position(n, 1), Velocity(n, 1)));
                let all = storage.create_many(bundles).unwrap();
                [all.clone(), all, vec![]]
            }),
            ("create_from", |storage, _| {
                let velocities: Vec<_> = (0..50).map(|n| Velocity(n, 1)).collect();
                let names: Vec<_> = (0..50).map(|n| Name(n.to_string())).collect();
                let all = storage.create_from((velocities.clone(), names)).unwrap();
                let more = storage.create_from(velocities).unwrap();
                let all = [all, more].concat();
                [all.clone(), all, vec![]]
            }),
            ("insert", |storage, cast| {
                storage.insert(cast.p[0], Velocity(1, 1)).unwrap();
                storage.insert(cast.p[1], (Marker, Velocity(1, 1))).unwrap();
                [cast.p.to_vec(), cast.p.to_vec(), vec![]]
            }),
            ("insert what is there", |storage, cast| {
                storage.insert(cast.pv[1], Velocity(9, 9)).unwrap();
                [vec![cast.pv[1]], vec![], vec![]]
            }),
            ("insert what is there beside something new", |storage, cast| {
                storage.insert(cast.pv[1], (Velocity(9, 9), Marker)).unwrap();
                storage.insert(cast.pv[3], (Position(9, 9), Name("n".into()))).unwrap();
                [vec![cast.pv[1]], vec![], vec![]]
            }),
            ("set_component_erased", |storage, cast| {
                let value = || ErasedValue::new(Velocity(9, 9));
                storage.set_component_erased(cast.pv[0], value()).unwrap();
                storage.set_component_erased(cast.p[0], value()).unwrap();
                [vec![cast.pv[0], cast.p[0]], vec![cast.p[0]], vec![]]
            }),
            ("insert_with a bundle made at run time", |storage, cast| {
                let bundle = || ErasedBundle::of((Velocity(9, 9), Marker));
                storage.insert_with(cast.pv[0], &mut bundle()).unwrap();
                storage.insert_with(cast.p[1], &mut bundle()).unwrap();
                [vec![cast.pv[0], cast.p[1]], vec![cast.p[1]], vec![]]
            }),
            ("insert_many", |storage, cast| {
                let all = [cast.pv[4], cast.p[0], cast.vn[1], cast.p[1]];
                storage.insert_many(&all, all.map(|_| Velocity(9, 9))).unwrap();
                [all.to_vec(), cast.p.to_vec(), vec![]]
            }),
            ("insert_many beside something new", |storage, cast| {
                let all = [cast.pv[0], cast.pv[1], cast.p[0]];
                storage.insert_many(&all, all.map(|_| (Velocity(9, 9), Marker))).unwrap();
                storage.insert_many(&cast.vn, cast.vn.map(|_| Position(1, 1))).unwrap();
                [all.to_vec(), vec![cast.p[0]], vec![]]
            }),
            ("insert_many into a whole table", |storage, _| {
                let names = (0..100).map(|n| Name(n.to_string()));
                let all = storage.create_many(names).unwrap();
                storage.insert_many(&all, all.iter().map(|_| Velocity(0, 0))).unwrap();
                storage.insert_many(&all, all.iter().map(|_| Marker)).unwrap();
                [all.clone(), all, vec![]]
            }),
            ("adopt", |storage, _| {
                let [id] = storage.reserve_entities(1).unwrap()[..] else { unreachable!() };
                storage.adopt(id).unwrap();
                storage.insert(id, Velocity(1, 1)).unwrap();
                [vec![id], vec![id], vec![]]
            }),
            ("apply_updates", |storage, cast| {
                let batch = UpdateBatch::new()
                    .spawn((Velocity(1, 1), Position(1, 1)))
                    .update(cast.pv[2], Velocity(9, 9))
                    .update(cast.pv[3], Position(9, 9))
                    .insert(cast.p[0], Velocity(1, 1))
                    .remove::<Velocity>(cast.vn[0])
                    .destroy(cast.vn[2]);
                let [made] = storage.apply_updates(batch).unwrap()[..] else { unreachable!() };
                [
                    vec![made, cast.pv[2], cast.p[0]],
                    vec![made, cast.p[0]],
                    vec![cast.vn[0], cast.vn[2]],
                ]
            }),
        ],
    );
}

/// Values lent for writing, by every way to one, several and all.
pub fn what_is_lent_for_writing_is_told(make: Make<'_>) {
    take(
        make,
        &[
            ("get_component_mut", |storage, cast| {
                storage.get_component_mut::<Velocity>(cast.pv[2]).unwrap().1 = 5;
                storage.get_component_mut::<Position>(cast.pv[3]).unwrap().1 = 5;
                assert!(storage.get_component_mut::<Velocity>(cast.p[0]).is_none());
                [vec![cast.pv[2]], vec![], vec![]]
            }),
            ("get_component_mut_erased", |storage, cast| {
                let id = ComponentId::of::<Velocity>();
                storage.get_component_mut_erased(cast.vn[2], id).unwrap();
                [vec![cast.vn[2]], vec![], vec![]]
            }),
            ("get_many_mut", |storage, cast| {
                storage.get_many_mut::<Velocity, 3>([cast.pv[0], cast.p[0], cast.vn[0]]);
                [vec![cast.pv[0], cast.vn[0]], vec![], vec![]]
            }),
            ("for_each", |storage, cast| {
                storage.query_as_mut::<&mut Velocity, ()>().for_each(|velocity| velocity.1 = 7);
                [[&cast.pv[..], &cast.vn].concat(), vec![], vec![]]
            }),
            ("for", |storage, cast| {
                for (velocity, _) in storage.query_as_mut::<(&mut Velocity, &Position), ()>() {
                    velocity.1 = 7;
                }
                [cast.pv.to_vec(), vec![], vec![]]
            }),
            ("an iterator that ends early", |storage, cast| {
                let mut query = storage.query_as_mut::<(EntityId, &mut Velocity), ()>();
                let seen: Vec<_> = query.iter_mut().take(2).map(|(id, _)| id).collect();
                assert!(seen.iter().all(|id| cast.pv.contains(id) || cast.vn.contains(id)));
                [seen, vec![], vec![]]
            }),
            ("an optional term", |storage, cast| {
                let query = storage.query_as_mut::<Option<&mut Velocity>, With<Position>>();
                assert_eq!(query.into_iter().flatten().count(), 5);
                [cast.pv.to_vec(), vec![], vec![]]
            }),
            ("chunks", |storage, cast| {
                let mut query = storage.query_as_mut::<&mut Velocity, With<Name>>();
                query.chunks_mut().for_each(|chunk| chunk.into_slices()[0].1 = 9);
                [cast.vn.to_vec(), vec![], vec![]]
            }),
            ("pieces", |storage, cast| {
                let mut query = storage.query_as_mut::<&mut Velocity, With<Name>>();
                query.pieces_mut(2).into_iter().for_each(|piece| piece.for_each(|v| v.0 += 1));
                [cast.vn.to_vec(), vec![], vec![]]
            }),
            ("get_mut of a query", |storage, cast| {
                let mut query = storage.query_as_mut::<&mut Velocity, ()>();
                query.get_mut(cast.pv[3]).unwrap();
                assert!(query.get_mut(cast.p[0]).is_none() && query.contains(cast.pv[0]));
                [vec![cast.pv[3]], vec![], vec![]]
            }),
            ("a view", |storage, cast| {
                let mut query = storage.query_as_mut::<&mut Velocity, ()>();
                let mut view = query.view_mut();
                view.get_mut(cast.vn[1]).unwrap();
                view.get_many_mut([cast.pv[0], cast.pv[4], cast.p[0]]);
                [vec![cast.vn[1], cast.pv[0], cast.pv[4]], vec![], vec![]]
            }),
            ("a view of many", |storage, cast| {
                let mut query = storage.query_as_mut::<&mut Velocity, With<Name>>();
                let asked = [cast.p[0], cast.vn[1], cast.pv[2], cast.vn[0]];
                query.view_mut().get_each_mut(asked, |_, _| ());
                [vec![cast.vn[1], cast.vn[0]], vec![], vec![]]
            }),
            ("single_mut", |storage, _| {
                let one = storage.create((Velocity(0, 0), Marker)).unwrap();
                storage.query_as_mut::<&mut Velocity, With<Marker>>().single_mut().unwrap().0 = 8;
                [vec![one], vec![one], vec![]]
            }),
            ("a prepared query", |storage, cast| {
                let mut state = QueryState::<&mut Velocity, With<Position>>::new();
                state.query_mut(storage).for_each(|velocity| velocity.0 += 1);
                [cast.pv.to_vec(), vec![], vec![]]
            }),
            ("a cache", |storage, cast| {
                let mut cache = QueryCache::new();
                let mut query = cache.query_mut::<&mut Velocity, With<Name>, _>(storage).unwrap();
                query.for_each(|velocity| velocity.0 += 1);
                [cast.vn.to_vec(), vec![], vec![]]
            }),
            ("a dynamic query", |storage, cast| {
                let (velocity, name) = (ComponentId::of::<Velocity>(), ComponentId::of::<Name>());
                let query = DynamicQuery::builder().write(velocity).optional_read(name).build();
                let lend = |mut chunk: ecs_storage_api::DynamicChunk<'_>| {
                    if chunk.column(name).is_some() {
                        assert!(chunk.column_mut(velocity).is_some());
                    }
                };
                query.unwrap().for_each_chunk_mut(storage, lend).unwrap();
                [cast.vn.to_vec(), vec![], vec![]]
            }),
            ("gathered queries", |storage, cast| {
                let shape = QueryShape::of::<&mut Velocity, With<Name>>().unwrap();
                let records = gather_mut(storage, &mut [&mut Prepared::new(shape)]).unwrap();
                for records in records {
                    Query::<&mut Velocity, With<Name>>::new(records).for_each(|v| v.0 += 1);
                }
                [cast.vn.to_vec(), vec![], vec![]]
            }),
            ("reading", |storage, cast| {
                assert_eq!(storage.query_as::<(&Velocity, Ref<'_, Velocity>), ()>().count(), 8);
                assert_eq!(storage.query_single::<Velocity>().iter().count(), 8);
                assert!(storage.get_component::<Velocity>(cast.pv[0]).is_some());
                storage.snapshot().unwrap();
                [vec![], vec![], vec![]]
            }),
        ],
    );
}

/// Components that are taken away, and entities that end.
pub fn what_goes_is_told(make: Make<'_>) {
    take(
        make,
        &[
            ("remove_component", |storage, cast| {
                storage.remove_component::<Velocity>(cast.pv[1]).unwrap();
                storage.remove_component::<Velocity>(cast.p[1]).unwrap();
                storage.remove_component::<Position>(cast.pv[2]).unwrap();
                [vec![], vec![], vec![cast.pv[1]]]
            }),
            ("remove_component_erased", |storage, cast| {
                let id = ComponentId::of::<Velocity>();
                storage.remove_component_erased(cast.pv[0], id).unwrap();
                [vec![], vec![], vec![cast.pv[0]]]
            }),
            ("remove_with", |storage, cast| {
                let removal = &mut RemoveAll::<(Velocity, Name)>::default();
                storage.remove_with(cast.vn[1], removal).unwrap();
                storage.remove_with(cast.pv[4], removal).unwrap();
                [vec![], vec![], vec![cast.vn[1], cast.pv[4]]]
            }),
            ("remove_many", |storage, cast| {
                let all = [cast.pv[1], cast.p[0], cast.vn[0], cast.vn[1]];
                storage.remove_batch(&all, &BundleKind::of::<Velocity>()).unwrap();
                [vec![], vec![], vec![cast.pv[1], cast.vn[0], cast.vn[1]]]
            }),
            ("remove_many of a whole table", |storage, _| {
                let all = storage.create_many((0..60).map(|n| (Velocity(n, 0), Marker))).unwrap();
                storage.remove_many::<Velocity>(&all).unwrap();
                [vec![], vec![], all]
            }),
            ("remove and insert again", |storage, cast| {
                storage.remove_component::<Velocity>(cast.pv[1]).unwrap();
                storage.insert(cast.pv[1], Velocity(3, 3)).unwrap();
                [vec![cast.pv[1]], vec![cast.pv[1]], vec![cast.pv[1]]]
            }),
            ("destroy_entity", |storage, cast| {
                storage.destroy_entity(cast.pv[0]).unwrap();
                storage.destroy_entity(cast.vn[0]).unwrap();
                storage.destroy_entity(cast.p[0]).unwrap();
                [vec![], vec![], vec![cast.pv[0], cast.vn[0]]]
            }),
            ("destroy_batch", |storage, cast| {
                let all = [cast.pv[0], cast.pv[1], cast.p[0], cast.vn[2]];
                storage.destroy_batch(&all).unwrap();
                [vec![], vec![], vec![cast.pv[0], cast.pv[1], cast.vn[2]]]
            }),
            ("clear", |storage, cast| {
                storage.clear().unwrap();
                [vec![], vec![], [&cast.pv[..], &cast.vn].concat()]
            }),
            ("restore", |storage, cast| {
                let saved = storage.snapshot().unwrap();
                storage.destroy_entity(cast.pv[0]).unwrap();
                storage.advance_version();
                storage.restore(&saved).unwrap();
                let all = [&cast.pv[..], &cast.vn].concat();
                let lost = [&cast.pv[..1], &cast.pv[1..], &cast.vn].concat();
                [all.clone(), all, lost]
            }),
            ("a change, and then the row moves into a gap", |storage, cast| {
                storage.get_component_mut::<Velocity>(cast.pv[4]).unwrap().0 = 1;
                storage.advance_version();
                storage.destroy_entity(cast.pv[0]).unwrap();
                storage.destroy_batch(&[cast.vn[0]]).unwrap();
                [vec![cast.pv[4]], vec![], vec![cast.pv[0], cast.vn[0]]]
            }),
        ],
    );
}

/// What was removed is remembered until it is forgotten, each from its version on.
pub fn removals_are_remembered_until_they_are_forgotten(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().change_detection {
        return;
    }
    let cast = cast(&mut *storage);
    let versions: Vec<_> = (0..5)
        .map(|n| {
            storage.destroy_entity(cast.pv[n]).unwrap();
            storage.advance_version()
        })
        .collect();
    let velocity = ComponentId::of::<Velocity>();
    for (n, &version) in versions.iter().enumerate() {
        let told = storage.removed(velocity, version).iter().map(|removed| removed.entity);
        assert_eq!(told.collect::<Vec<_>>(), cast.pv[n + 1..]);
    }
    assert!(storage.removed(ComponentId::of::<Position>(), Version::ZERO).is_empty());
    storage.forget_removed(versions[2]);
    assert_eq!(storage.removed(velocity, Version::ZERO).len(), 2);
    storage.forget_removed(versions[4]);
    assert!(storage.removed(velocity, Version::ZERO).is_empty());
}

/// A query without a window sees what changed since it was used last, its own
/// writes excepted.
pub fn a_query_remembers_when_it_was_used(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().change_detection {
        return;
    }
    let cast = cast(&mut *storage);
    let mut state = QueryState::<(EntityId, &mut Velocity), Changed<Velocity>>::new();
    let mut cache = QueryCache::new();
    fn both(
        state: &mut QueryState<(EntityId, &'static mut Velocity), Changed<Velocity>>,
        cache: &mut QueryCache,
        storage: &mut dyn Storage,
    ) -> [Vec<EntityId>; 2] {
        let mut ids = [vec![], vec![]];
        state.query_mut(storage).for_each(|(id, velocity)| {
            velocity.0 += 1;
            ids[0].push(id);
        });
        let query = cache.query_mut::<EntityId, (Added<Velocity>, With<Position>), _>(storage);
        ids[1].extend(query.unwrap().iter());
        ids
    }
    assert_eq!(both(&mut state, &mut cache, &mut *storage).map(|ids| ids.len()), [8, 5]);
    assert_eq!(both(&mut state, &mut cache, &mut *storage), [vec![], vec![]]);
    storage.get_component_mut::<Velocity>(cast.vn[1]).unwrap().0 = 0;
    let new = storage.create((Velocity(0, 0), Position(0, 0), Marker)).unwrap();
    let [mut changed, added] = both(&mut state, &mut cache, &mut *storage);
    changed.sort_unstable();
    assert_eq!((changed, added), (vec![cast.vn[1], new], vec![new]));
    assert_eq!(both(&mut state, &mut cache, &mut *storage), [vec![], vec![]]);
    let once = storage.query_as::<EntityId, Changed<Velocity>>().count();
    assert_eq!(once, 9, "asked for the first time, everything is new");
}

/// Filters on changes work wherever a query is asked, and beside other filters.
pub fn filters_on_changes_hold_in_every_form(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().change_detection {
        return;
    }
    let cast = cast(&mut *storage);
    let before = storage.advance_version();
    for entity in [cast.pv[1], cast.pv[2], cast.vn[0]] {
        storage.get_component_mut::<Velocity>(entity).unwrap().0 = 70;
    }
    storage.get_component_mut::<Name>(cast.vn[2]).unwrap().0.push('x');
    let new = storage.create((Velocity(9, 9), Marker)).unwrap();

    let mut state = QueryState::<(EntityId, &mut Velocity), Changed<Velocity>>::new();
    state.set_window(Window { since: before, now: storage.version() });
    let mut query = state.query_mut(&mut *storage);
    let expected = [cast.pv[1], cast.pv[2], cast.vn[0], new];
    let sorted = |ids: &mut dyn Iterator<Item = EntityId>| {
        let mut ids: Vec<_> = ids.collect();
        ids.sort_unstable();
        ids
    };
    assert_eq!((query.count(), query.is_empty()), (4, false));
    assert_eq!(sorted(&mut query.iter_mut().map(|(id, _)| id)), expected);
    assert_eq!(sorted(&mut query.chunks_mut().flat_map(|chunk| chunk.ids().to_vec())).len(), 4);
    let pieces = query.pieces_mut(1);
    assert_eq!(pieces.len(), 4);
    assert_eq!(sorted(&mut pieces.iter().flat_map(|piece| piece.ids()).copied()), expected);
    for entity in [&cast.pv[..], &cast.vn, &cast.p, &[new]].concat() {
        let matches = expected.contains(&entity);
        assert_eq!(query.contains(entity), matches);
        assert_eq!(query.get_mut(entity).map(|(id, _)| id), matches.then_some(entity));
        let mut view = query.view_mut();
        assert_eq!(view.contains(entity), matches);
        assert_eq!(view.get_mut(entity).map(|(id, _)| id), matches.then_some(entity));
    }
    let mut state = QueryState::<&Velocity, (Changed<Velocity>, With<Name>)>::new();
    state.set_window(window(before));
    let query = state.query(&*storage);
    assert_eq!(query.single(), Ok(&Velocity(70, 1)));
    assert_eq!(query.get(cast.vn[0]), Some(&Velocity(70, 1)));
    assert_eq!((query.get(cast.vn[1]), query.view().get(cast.pv[1])), (None, None));

    let storage = &*storage;
    let [pv1, pv2] = [cast.pv[1], cast.pv[2]];
    let (vn0, vn2) = (cast.vn[0], cast.vn[2]);
    assert_eq!(found::<(Changed<Velocity>, With<Position>)>(storage, before), [pv1, pv2]);
    assert_eq!(found::<(Changed<Velocity>, Without<Position>)>(storage, before), [vn0, new]);
    assert_eq!(found::<(Changed<Velocity>, Changed<Name>)>(storage, before), []);
    assert_eq!(found::<(Changed<Velocity>, Added<Velocity>)>(storage, before), [new]);
    assert_eq!(
        found::<Or<(Changed<Velocity>, Changed<Name>)>>(storage, before),
        [pv1, pv2, vn0, vn2, new]
    );
    assert_eq!(
        found::<Or<((Changed<Velocity>, With<Position>), Changed<Name>)>>(storage, before),
        [pv1, pv2, vn2]
    );
    assert_eq!(
        found::<(Or<(With<Marker>, Changed<Velocity>)>, Without<Name>)>(storage, before),
        [pv1, pv2, new]
    );
    assert_eq!(found::<Or<(Added<Velocity>, Added<Name>)>>(storage, before), [new]);
    let mut dynamic =
        DynamicQuery::builder().changed(ComponentId::of::<Velocity>()).build().unwrap();
    dynamic.set_window(window(before));
    let mut ids = Vec::new();
    dynamic.for_each_chunk(storage, |chunk| ids.extend_from_slice(chunk.ids())).unwrap();
    assert_eq!(sorted(&mut ids.into_iter()), expected);
}

/// `Mut` marks what is written and no more, and both it and `Ref` know what is
/// new.
pub fn terms_with_ticks_know_and_mark(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().change_detection {
        return;
    }
    let cast = cast(&mut *storage);
    let before = storage.advance_version();
    let mut query: Query<'_, (EntityId, Mut<'_, Velocity>)> = storage.query_as_mut();
    for (id, mut velocity) in &mut query {
        if id == cast.pv[3] {
            velocity.0 = 11;
        } else if id == cast.pv[4] {
            velocity.bypass().0 = 12;
        } else {
            assert_ne!(velocity.0, 11);
        }
    }
    query.get_mut(cast.vn[2]).unwrap().1.1 = 13;
    query.get_mut(cast.vn[1]).unwrap();
    let mut view = query.view_mut();
    view.get_mut(cast.vn[0]).unwrap().1.1 = 13;
    view.get_mut(cast.pv[0]).unwrap();
    assert_eq!(found::<Changed<Velocity>>(&*storage, before), [cast.pv[3], cast.vn[0], cast.vn[2]]);
    assert_eq!(storage.get_component::<Velocity>(cast.pv[4]), Some(&Velocity(12, 1)));
    let new = storage.create(Velocity(0, 0)).unwrap();
    let mut state = QueryState::<(EntityId, Ref<'_, Velocity>)>::new();
    state.set_window(window(before));
    for (id, velocity) in &state.query(&*storage) {
        let changed = [cast.pv[3], cast.vn[0], cast.vn[2], new].contains(&id);
        assert_eq!((velocity.is_changed(), velocity.is_added()), (changed, id == new), "{id}");
    }
    let now = storage.advance_version();
    let mut state = QueryState::<(EntityId, Mut<'_, Velocity>)>::new();
    state.set_window(Window { since: now, now: storage.version() });
    let mut query = state.query_mut(&mut *storage);
    let (_, mut velocity) = query.get_mut(new).unwrap();
    assert!(!velocity.is_changed() && !velocity.is_added());
    velocity.0 = 1;
    assert!(velocity.is_changed() && !velocity.is_added());
    query.chunks_mut().for_each(|chunk| assert!(!chunk.into_slices().1.is_empty()));
    assert_eq!(
        found::<Changed<Velocity>>(&*storage, now).len(),
        9,
        "a slice is written as a whole"
    );
}

/// What is written to rows of many pages is told row by row, by whichever way they are
/// reached, also where a query begins in the middle of a table.
pub fn what_is_written_far_from_the_first_row_is_told(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().change_detection {
        return;
    }
    let rows = 2 * PAGE_ROWS + LINE_ROWS / 2;
    let rows = (0..rows as i32).map(|n| (Position(n, 0), Velocity(n, 0)));
    let ids = storage.create_many(rows).unwrap();
    let mut since = storage.advance_version();
    let far = [0, 1, 15, 16, 40, 1023, 1024, 1039, 1500, 2047, 2048, 2055].map(|n| ids[n]);
    for &id in &far {
        storage.get_component_mut::<Velocity>(id).unwrap().1 += 1;
    }
    assert_eq!(found::<Changed<Velocity>>(&*storage, since), far);
    assert_eq!(found::<Or<(Changed<Velocity>, Added<Name>)>>(&*storage, since), far);
    assert_eq!(found::<Added<Velocity>>(&*storage, since), []);
    // Whoever changed is written again, each time in another way, and nobody else is.
    type Write = fn(&mut Query<'_, &mut Velocity, Changed<Velocity>>);
    let ways: [(&str, Write); 5] = [
        ("for_each", |query| query.for_each(|velocity| velocity.1 += 1)),
        ("for", |query| query.iter_mut().for_each(|velocity| velocity.1 += 1)),
        ("chunks", |query| {
            query
                .chunks_mut()
                .for_each(|chunk| chunk.into_slices().iter_mut().for_each(|v| v.1 += 1))
        }),
        ("pieces", |query| {
            query.pieces_mut(1).into_iter().for_each(|piece| piece.for_each(|v| v.1 += 1))
        }),
        ("an iterator that passes over rows", |query| {
            assert!(query.iter_mut().nth(PAGE_ROWS).is_none())
        }),
    ];
    for (name, write) in ways {
        let mut state = QueryState::<&mut Velocity, Changed<Velocity>>::new();
        let now = storage.advance_version().next();
        state.set_window(Window { since, now });
        write(&mut state.query_mut(&mut *storage));
        since = Version::new(now.get() - 1);
        assert_eq!(found::<Changed<Velocity>>(&*storage, since), far, "{name}");
    }
    let mut state = QueryState::<(EntityId, Mut<'_, Velocity>), Changed<Velocity>>::new();
    let now = storage.advance_version().next();
    state.set_window(Window { since, now });
    for (id, mut velocity) in &mut state.query_mut(&mut *storage) {
        if id != far[3] {
            velocity.1 += 1;
        }
    }
    since = Version::new(now.get() - 1);
    let [_, _, _, left, ..] = far;
    let far: Vec<_> = far.into_iter().filter(|id| *id != left).collect();
    assert_eq!(found::<Changed<Velocity>>(&*storage, since), far, "Mut");
    let velocity = ComponentId::of::<Velocity>();
    let mut query = DynamicQuery::builder().write(velocity).changed(velocity).build().unwrap();
    let now = storage.advance_version().next();
    query.set_window(Window { since, now });
    query
        .for_each_chunk_mut(&mut *storage, |mut chunk| {
            assert!(chunk.column_mut(velocity).is_some())
        })
        .unwrap();
    since = Version::new(now.get() - 1);
    assert_eq!(found::<Changed<Velocity>>(&*storage, since), far, "a dynamic query");
    // Rows that stay keep what is known of them when others go, and come to their lines.
    let (gone, rest) = ids.split_at(PAGE_ROWS);
    storage.destroy_batch(gone).unwrap();
    let far: Vec<_> = far.into_iter().filter(|id| rest.contains(id)).collect();
    assert_eq!(found::<Changed<Velocity>>(&*storage, since), far, "rows have gone");
    let later = storage.advance_version();
    let others = (0..PAGE_ROWS).map(|_| (Position(0, 0), Velocity(0, 0)));
    let mut others = storage.create_many(others).unwrap();
    assert_eq!(found::<Added<Velocity>>(&*storage, later).len(), PAGE_ROWS);
    others.extend(far);
    others.sort_unstable();
    assert_eq!(found::<Changed<Velocity>>(&*storage, since), others, "rows have come");
}

/// A chunk can be split behind its last row, at a border of pages too; what is behind
/// it is nothing, and to write nothing is no change.
pub fn a_piece_without_rows_is_no_change(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().change_detection {
        return;
    }
    storage.create_many((0..2 * PAGE_ROWS).map(|n| Velocity(n as i32, 0))).unwrap();
    let before = storage.advance_version();
    let mut rows = 0;
    let mut query: Query<'_, Mut<'_, Velocity>> = storage.query_as_mut();
    for mut chunk in query.chunks_mut() {
        rows += chunk.len();
        let behind = chunk.split_off(chunk.len());
        assert!(behind.is_empty() && behind.into_slices().is_empty());
    }
    assert_eq!(rows, 2 * PAGE_ROWS);
    assert_eq!(found::<Changed<Velocity>>(&*storage, before), []);
}

/// Of a component that is not tracked, no change is missed.
pub fn changes_of_others_are_never_missed(make: Make<'_>) {
    let mut storage = make();
    let cast = cast(&mut *storage);
    let since = storage.advance_version();
    let mut written = vec![cast.pv[4], cast.p[1]];
    for &entity in &written {
        storage.get_component_mut::<Position>(entity).unwrap().1 = 1;
    }
    storage.insert(cast.pv[1], Position(1, 1)).unwrap();
    storage.insert(cast.pv[2], (Position(2, 2), Marker)).unwrap();
    storage.insert_many(&[cast.pv[3]], [Position(3, 3)]).unwrap();
    storage.insert(cast.vn[0], Position(3, 3)).unwrap();
    written.extend([cast.pv[1], cast.pv[2], cast.pv[3], cast.vn[0]]);
    written.push(storage.create(Position(4, 4)).unwrap());
    // They move into gaps and to other tables after that.
    storage.destroy_entity(cast.pv[0]).unwrap();
    storage.destroy_entity(cast.p[0]).unwrap();
    storage.insert(cast.pv[4], Name("moved".into())).unwrap();
    let told = found::<Changed<Position>>(&*storage, since);
    let keeps_versions = storage.version() != Version::ZERO;
    assert_eq!(keeps_versions, storage.capabilities().change_detection);
    assert!(written.iter().all(|entity| told.contains(entity)), "{written:?} among {told:?}");
    if !storage.capabilities().change_detection {
        assert_eq!(told, found::<With<Position>>(&*storage, since), "everything counts as changed");
        assert_eq!(found::<Added<Velocity>>(&*storage, since).len(), 7);
    }
}

/// Of a component that is not tracked, what a query of any form writes is not missed.
pub fn writes_of_queries_to_others_are_never_missed(make: Make<'_>) {
    let mut storage = make();
    let cast = cast(&mut *storage);
    type Write = fn(&mut dyn Storage);
    let ways: [(&str, Write); 4] = [
        ("for_each", |storage| storage.query_as_mut::<&mut Position, ()>().for_each(|p| p.1 += 1)),
        ("for", |storage| {
            storage.query_as_mut::<&mut Position, ()>().iter_mut().for_each(|p| p.1 += 1)
        }),
        ("Mut", |storage| {
            storage.query_as_mut::<Mut<'_, Position>, ()>().for_each(|mut p| p.1 += 1);
        }),
        ("a dynamic query", |storage| {
            let position = ComponentId::of::<Position>();
            let mut query = DynamicQuery::builder().write(position).build().unwrap();
            let write = |mut chunk: ecs_storage_api::DynamicChunk<'_>| {
                assert!(chunk.column_mut(position).is_some());
            };
            query.for_each_chunk_mut(storage, write).unwrap();
        }),
    ];
    let all = found::<With<Position>>(&*storage, Version::ZERO);
    assert_eq!(all, [&cast.pv[..], &cast.p].concat());
    for (name, write) in ways {
        let since = storage.advance_version();
        write(&mut *storage);
        assert_eq!(found::<Changed<Position>>(&*storage, since), all, "{name}");
    }
}

/// A condition on changes reads what another query may not write meanwhile.
pub fn asking_for_changes_is_reading(make: Make<'_>) {
    let mut storage = make();
    cast(&mut *storage);
    let write = || QueryShape::of::<&mut Velocity, ()>().unwrap();
    let asks = [
        QueryShape::of::<EntityId, Changed<Velocity>>().unwrap(),
        QueryShape::of::<&Position, (With<Position>, Added<Velocity>)>().unwrap(),
        QueryShape::of::<EntityId, Or<(Changed<Velocity>, Changed<Name>)>>().unwrap(),
    ];
    for ask in asks {
        let velocity = ComponentId::of::<Velocity>();
        assert_eq!(
            (ask.conflict_with(&write()), write().conflict_with(&ask)),
            (Some(velocity), Some(velocity))
        );
        assert!(ask.asks_for_changes() && !write().asks_for_changes());
        let (mut a, mut b) = (Prepared::new(ask), Prepared::new(write()));
        let conflict = gather_mut(&mut *storage, &mut [&mut a, &mut b]).map(drop);
        assert_eq!(conflict, Err(QueryError::Conflict { component: velocity }));
    }
    assert!(QueryShape::of::<&mut Velocity, Changed<Velocity>>().is_ok(), "one query may do both");
}

/// Versions that no longer fit beside a row lose no change.
pub fn no_change_is_lost_when_ticks_wrap(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().change_detection {
        return;
    }
    let cast = cast(&mut *storage);
    let first = storage.advance_version();
    for far in [1u64 << 31, (1 << 32) - 1, 1 << 32, (1 << 33) + 5] {
        storage.set_version(Version::new(storage.version().get() + far));
        let before = storage.advance_version();
        storage.get_component_mut::<Velocity>(cast.pv[2]).unwrap().0 += 1;
        let told = found::<Changed<Velocity>>(&*storage, before);
        assert!(told.contains(&cast.pv[2]), "{told:?} since {before}");
        assert!(found::<Changed<Velocity>>(&*storage, first).contains(&cast.pv[2]));
        let after = storage.advance_version();
        assert_eq!(found::<Changed<Velocity>>(&*storage, after), [], "no page is newer");
    }
    storage.set_version(Version::FIRST);
    assert!(storage.version() > first, "a version never falls");
}

/// A bundle that is refused, and one that panics, is no change.
pub fn what_is_refused_is_no_change(make: Make<'_>) {
    let mut storage = make();
    if !storage.capabilities().change_detection {
        return;
    }
    let cast = cast(&mut *storage);
    let before = storage.advance_version();
    let dead = cast.pv[0];
    storage.destroy_entity(dead).unwrap();
    let after = storage.advance_version();
    assert!(storage.insert(dead, Velocity(1, 1)).is_err());
    assert!(
        storage
            .insert_with(cast.pv[1], &mut BundleRow::new((Marker, Velocity(1, 1), Marker)))
            .is_err()
    );
    assert!(storage.destroy_batch(&[cast.pv[1], dead]).is_err());
    assert!(storage.remove_many::<Velocity>(&[cast.pv[1], cast.pv[1]]).is_err());
    assert!(storage.insert_many(&[cast.pv[1], cast.pv[2]], [Velocity(0, 0)]).is_err());
    assert!(storage.restore(b"nonsense").is_err());
    assert_eq!(told(&*storage, after), Told::default());
    assert_eq!(told(&*storage, before).removed, [dead]);
    const { assert!(Velocity::TRACK && Name::TRACK && !Position::TRACK) }
}
