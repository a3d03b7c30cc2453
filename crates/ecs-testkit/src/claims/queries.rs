//! Queries: what they find, give and refuse.

use std::panic::{AssertUnwindSafe, catch_unwind};

use ecs_core::{ComponentId, EntityId};
use ecs_storage_api::{
    DynamicQuery, Has, Or, Prepared, Query, QueryCache, QueryData, QueryError, QueryShape,
    QueryState, Storage, StorageExt, With, Without, gather, gather_mut,
};

use crate::Make;
use crate::components::{Marker, Name, Position, Velocity, Wide};

/// Four kinds of entities: P, P+V, P+V+Marker, Marker.
fn four(storage: &mut dyn Storage) -> [EntityId; 4] {
    [
        storage.create(Position(1, 0)).unwrap(),
        storage.create((Position(2, 0), Velocity(20, 0))).unwrap(),
        storage.create((Position(3, 0), Velocity(30, 0), Marker)).unwrap(),
        storage.create(Marker).unwrap(),
    ]
}

/// `With`, `Without`, `Or` and tuples, nested.
pub fn filters_keep_what_they_say(make: Make<'_>) {
    let mut storage = make();
    let [p, pv, pvm, m] = four(&mut *storage);
    fn ids<F: ecs_storage_api::Filter>(storage: &dyn Storage) -> Vec<EntityId> {
        let query: Query<'_, EntityId, F> = storage.query_as();
        let mut ids: Vec<_> = query.iter().collect();
        assert!(ids.iter().all(|&id| query.contains(id) && query.get(id) == Some(id)));
        assert_eq!(query.count(), ids.len());
        ids.sort();
        ids
    }
    assert_eq!(ids::<()>(&*storage), [p, pv, pvm, m]);
    assert_eq!(ids::<With<Velocity>>(&*storage), [pv, pvm]);
    assert_eq!(ids::<Without<Marker>>(&*storage), [p, pv]);
    assert_eq!(ids::<(With<Position>, Without<Velocity>)>(&*storage), [p]);
    assert_eq!(ids::<Or<(With<Velocity>, With<Marker>)>>(&*storage), [pv, pvm, m]);
    assert_eq!(
        ids::<Or<(Without<Position>, (With<Velocity>, Without<Marker>))>>(&*storage),
        [pv, m]
    );
    assert_eq!(
        ids::<(Or<(With<Position>, With<Name>)>, Or<(With<Marker>, With<Name>)>)>(&*storage),
        [pvm]
    );
    assert_eq!(ids::<With<Name>>(&*storage), []);
}

/// `Option` and `Has` see what is there without asking for it.
pub fn optional_terms_do_not_narrow(make: Make<'_>) {
    let mut storage = make();
    let [p, pv, pvm, m] = four(&mut *storage);
    type Terms<'a> =
        (EntityId, Option<&'a Velocity>, Has<Marker>, Option<(&'a Position, &'a Velocity)>);
    let query: Query<'_, Terms<'_>> = storage.query_as();
    let mut rows: Vec<_> = query.iter().collect();
    rows.sort_by_key(|row| row.0);
    let (v20, v30) = (Velocity(20, 0), Velocity(30, 0));
    let (p2, p3) = (Position(2, 0), Position(3, 0));
    assert_eq!(
        rows,
        [
            (p, None, false, None),
            (pv, Some(&v20), false, Some((&p2, &v20))),
            (pvm, Some(&v30), true, Some((&p3, &v30))),
            (m, None, true, None),
        ]
    );
    for (position, velocity) in storage.query_as_mut::<(&mut Position, Option<&mut Velocity>), ()>()
    {
        position.1 = velocity.map_or(-1, |velocity| std::mem::replace(&mut velocity.0, 7));
    }
    assert_eq!(storage.get_component::<Position>(p), Some(&Position(1, -1)));
    assert_eq!(storage.get_component::<Position>(pv), Some(&Position(2, 20)));
    assert_eq!(storage.get_component::<Velocity>(pvm), Some(&Velocity(7, 0)));
}

/// Tuples in tuples, and twelve terms.
pub fn nested_terms_give_nested_items(make: Make<'_>) {
    let mut storage = make();
    let [_, pv, ..] = four(&mut *storage);
    let nested = storage.query::<((&Position, (EntityId, &Velocity)), Has<Marker>)>();
    assert_eq!(nested.get(pv), Some((pv, ((&Position(2, 0), (pv, &Velocity(20, 0))), false))));
    type Twelve<'a> = (
        EntityId,
        &'a Position,
        &'a Velocity,
        Has<Name>,
        EntityId,
        &'a Position,
        &'a Velocity,
        Has<Name>,
        EntityId,
        &'a Position,
        &'a Velocity,
        Has<Name>,
    );
    let query: Query<'_, Twelve<'_>> = storage.query_as();
    assert_eq!(query.iter().count(), 2);
    assert_eq!(query.get(pv).unwrap().9, &Position(2, 0));
}

/// What is written through a query is read afterwards.
pub fn changes_through_a_query_are_kept(make: Make<'_>) {
    let mut storage = make();
    let [p, pv, pvm, _] = four(&mut *storage);
    storage
        .query_as_mut::<(&mut Position, &Velocity), ()>()
        .for_each(|(position, velocity)| position.0 += velocity.0);
    let x = |entity| storage.get_component::<Position>(entity).unwrap().0;
    assert_eq!([x(p), x(pv), x(pvm)], [1, 22, 33]);
}

/// `get`, `get_mut` and `contains`, filters respected.
pub fn a_query_is_asked_by_entity(make: Make<'_>) {
    let mut storage = make();
    let [p, pv, pvm, m] = four(&mut *storage);
    let dead = storage.create(Position(9, 9)).unwrap();
    storage.destroy_entity(dead).unwrap();
    let mut query: Query<'_, &mut Position, Without<Marker>> = storage.query_as_mut();
    query.get_mut(p).unwrap().1 = 5;
    assert!(
        query.get_mut(pvm).is_none() && query.get_mut(m).is_none() && query.get_mut(dead).is_none()
    );
    assert!(query.contains(pv) && !query.contains(pvm) && !query.contains(dead));
    assert_eq!(storage.get_component::<Position>(p), Some(&Position(1, 5)));
    let query: Query<'_, &Position, With<Velocity>> = storage.query_as();
    assert_eq!((query.get(pv), query.get(p), query.get(dead)), (Some(&Position(2, 0)), None, None));
}

/// A view finds what its query finds, by one id, several, and none.
pub fn a_view_finds_what_its_query_finds(make: Make<'_>) {
    let mut storage = make();
    let [p, pv, pvm, m] = four(&mut *storage);
    let dead = storage.create(Position(9, 9)).unwrap();
    storage.destroy_entity(dead).unwrap();
    let elsewhere = EntityId::new(77, pv.index(), pv.generation()).unwrap();
    let beyond = EntityId::new(0, u32::MAX, 0).unwrap();
    let all = [p, pv, pvm, m, dead, elsewhere, beyond];

    type Terms<'a> = (EntityId, &'a Position, Option<&'a Velocity>, Has<Marker>);
    type Kept = Or<(With<Velocity>, Without<Marker>)>;
    let query: Query<'_, Terms<'_>, Kept> = storage.query_as();
    let view = query.view();
    for id in all {
        assert_eq!(view.get(id), query.get(id), "{id}");
        assert_eq!(view.contains(id), query.contains(id), "{id}");
    }
    assert_eq!(view.get(pv), Some((pv, &Position(2, 0), Some(&Velocity(20, 0)), false)));
    let kept: Vec<_> = all.into_iter().filter_map(|id| view.get(id)).collect();
    assert_eq!(kept.len(), 3, "what a reading view gave stays borrowed beside the view");
    // A query without terms, whose filter alone decides.
    let query: Query<'_, EntityId, With<Marker>> = storage.query_as();
    let view = query.view();
    assert_eq!(all.map(|id| view.get(id)), all.map(|id| (id == pvm || id == m).then_some(id)));

    let mut query: Query<'_, (EntityId, &mut Position), With<Velocity>> = storage.query_as_mut();
    let mut view = query.view_mut();
    assert!(view.contains(pvm) && !view.contains(p) && !view.contains(dead));
    view.get_mut(pvm).unwrap().1.1 = 31;
    assert!([p, m, dead, elsewhere, beyond].into_iter().all(|id| view.get_mut(id).is_none()));
    let [first, none, second, again] = view.get_many_mut([pv, dead, pvm, pv]);
    let ((one, a), (two, b)) = (first.unwrap(), second.unwrap());
    assert!(none.is_none() && again.is_none(), "one entity is lent once");
    assert_eq!((one, two), (pv, pvm));
    std::mem::swap(a, b);
    assert_eq!(storage.get_component::<Position>(pv), Some(&Position(3, 31)));
    assert_eq!(storage.get_component::<Position>(pvm), Some(&Position(2, 0)));
}

/// A view gives as many entities as there are, in their order, whoever is missing.
pub fn a_view_finds_many_as_it_finds_one(make: Make<'_>) {
    let mut storage = make();
    let half = |n: i32| (Position(n, 0), Velocity(n, 0));
    let mut ids = storage.create_many((0..150).map(half)).unwrap();
    ids.extend(storage.create_many((150..300).map(|n| Position(n, 0))).unwrap());
    for &id in ids.iter().step_by(7) {
        storage.destroy_entity(id).unwrap();
    }
    ids.insert(100, EntityId::new(77, ids[1].index(), ids[1].generation()).unwrap());
    ids.insert(200, EntityId::new(0, u32::MAX, 0).unwrap());
    ids.sort_unstable_by_key(|id| id.to_bits().wrapping_mul(0x9E37_79B9_7F4A_7C15));
    ids.extend_from_within(..50);

    let query: Query<'_, (&Position, Option<&Velocity>)> = storage.query_as();
    let view = query.view();
    for count in [0, 1, 31, 32, 33, 64, ids.len()] {
        let mut found = Vec::new();
        view.get_each(ids[..count].iter().copied(), |id, item| found.push((id, item)));
        let expected: Vec<_> = ids[..count].iter().map(|&id| (id, view.get(id))).collect();
        assert_eq!(found, expected);
    }
    let moving = [1, 2].map(|n| ids.iter().filter(|id| query.get(**id).is_some()).count() * n);

    let mut query: Query<'_, &mut Position> = storage.query_as_mut();
    let (mut view, mut found) = (query.view_mut(), 0);
    view.get_each_mut(ids.iter().chain(&ids).copied(), |_, position| {
        if let Some(position) = position {
            position.1 += 1;
            found += 1;
        }
    });
    assert_eq!(found, moving[1], "who is listed twice is given twice");
    for (n, id) in ids.iter().enumerate() {
        let times = ids.iter().filter(|other| *other == id).count() as i32 * 2;
        let written = storage.get_component::<Position>(*id).map(|position| position.1);
        assert!(written.is_none_or(|written| written == times), "{n}: {written:?}");
    }
}

/// A view gives the rows of a list that stays in one table, leaves it for a single entity
/// anywhere, which may be elsewhere, not match or be dead, and goes on in another table.
pub fn a_view_finds_who_is_elsewhere_among_many(make: Make<'_>) {
    let mut storage = make();
    let ids = storage.create_many((0..150).map(|n| Position(n, 0))).unwrap();
    let pairs = storage.create_many((150..300).map(|n| (Position(n, 0), Marker))).unwrap();
    let strangers = [
        pairs[3],
        storage.create((Position(-1, 0), Velocity(0, 0))).unwrap(),
        storage.create(Velocity(0, 0)).unwrap(),
        storage.create(Position(-2, 0)).unwrap(),
        EntityId::new(77, ids[1].index(), ids[1].generation()).unwrap(),
    ];
    storage.destroy_entity(strangers[3]).unwrap();
    let mut prepared = QueryState::<&mut Position>::new();
    for (n, &stranger) in (0..150).flat_map(|n| strangers.iter().map(move |id| (n, id))) {
        let mut list = [&ids[..], &pairs].concat();
        list.insert(n, stranger);
        let number = |id| storage.get_component::<Position>(id).map(|position| position.0);
        let expected: Vec<_> = list.iter().map(|&id| (id, number(id))).collect();
        let mut found = Vec::new();
        let mut query = prepared.query_mut(&mut *storage);
        query.view_mut().get_each_mut(list.iter().copied(), |id, position| {
            found.push((id, position.as_ref().map(|position| position.0)));
            if let Some(position) = position {
                position.1 += 1;
            }
        });
        assert_eq!(found, expected, "{stranger} at {n}");
    }
    let times = |id| storage.get_component::<Position>(id).map(|position| position.1);
    assert!(ids.iter().all(|&id| times(id) == Some(750)), "one of a list is given once");
    assert_eq!(times(pairs[3]), Some(900), "who is listed twice is given twice");
    assert_eq!(strangers.map(times)[1..], [Some(150), None, None, None]);
}

/// Views of an empty store, of new rows, and of rows that moved.
pub fn a_view_is_made_anew_after_each_change(make: Make<'_>) {
    let (mut storage, mut other) = (make(), make());
    let mut prepared = QueryState::<&mut Position>::new();
    let nobody = EntityId::new(0, 1, 0).unwrap();
    assert!(prepared.query_mut(&mut *storage).view_mut().get_mut(nobody).is_none());
    let ids = storage.create_many((0..200).map(|n| Position(n, 0))).unwrap();
    let others = other.create_many((0..3).map(|n| (Position(-n, 0), Marker))).unwrap();
    for &id in ids.iter().step_by(3) {
        storage.set_component(id, Marker).unwrap();
    }
    for &id in ids.iter().skip(1).step_by(3) {
        storage.destroy_entity(id).unwrap();
    }
    assert_eq!(prepared.query_mut(&mut *other).view_mut().get_mut(others[2]).unwrap().0, -2);
    let mut query = prepared.query_mut(&mut *storage);
    let mut view = query.view_mut();
    for (n, &id) in ids.iter().enumerate() {
        let found = view.get_mut(id).map(|position| position.0);
        assert_eq!(found, (n % 3 != 1).then_some(n as i32), "{id}");
    }
}

/// `single` is an error with the count.
pub fn a_single_match_is_told_from_none_and_several(make: Make<'_>) {
    let mut storage = make();
    let [_, pv, ..] = four(&mut *storage);
    let one: Query<'_, EntityId, (With<Velocity>, Without<Marker>)> = storage.query_as();
    assert_eq!(one.single(), Ok(pv));
    assert_eq!(storage.query_as::<&Name, ()>().single(), Err(QueryError::NotSingle { count: 0 }));
    let several = storage.query_as_mut::<&mut Position, ()>().single_mut().map(drop);
    assert_eq!(several, Err(QueryError::NotSingle { count: 3 }));
}

/// A prepared query is right after every kind of change, and on other stores.
pub fn prepared_queries_follow_new_entities(make: Make<'_>) {
    let (mut storage, mut other) = (make(), make());
    let mut prepared = QueryState::<(EntityId, &mut Position), Without<Marker>>::new();
    assert_eq!(prepared.query_mut(&mut *storage).count(), 0);
    let [p, pv, ..] = four(&mut *storage);
    assert_eq!(prepared.query_mut(&mut *storage).count(), 2);
    storage.set_component(p, Marker).unwrap();
    assert_eq!(prepared.query_mut(&mut *storage).count(), 1);
    other.create((Position(0, 0), Name("o".into()))).unwrap();
    assert_eq!(prepared.query_mut(&mut *other).count(), 1);
    storage.create((Position(0, 0), Name("s".into()))).unwrap();
    storage.destroy_entity(pv).unwrap();
    assert_eq!(prepared.query_mut(&mut *storage).count(), 1);
    let saved = storage.snapshot().unwrap();
    storage.clear().unwrap();
    assert_eq!(prepared.query_mut(&mut *storage).count(), 0);
    storage.restore(&saved).unwrap();
    assert_eq!(prepared.query_mut(&mut *storage).count(), 1);
    storage.create_many((0..5000).map(|n| Position(n, 0))).unwrap();
    assert_eq!(prepared.query_mut(&mut *storage).iter_mut().count(), 5001);
}

/// A cache keeps queries apart by their types, and is right after every change
/// and on other stores.
pub fn a_cache_gives_what_a_new_query_gives(make: Make<'_>) {
    let (mut storage, mut other) = (make(), make());
    let mut cache = QueryCache::new();
    fn counts(cache: &mut QueryCache, storage: &mut dyn Storage) -> [usize; 5] {
        [
            cache.query_mut::<&Position, (), _>(storage).unwrap().count(),
            cache.query_mut::<&mut Position, (), _>(storage).unwrap().iter_mut().count(),
            cache.query_mut::<&mut Position, With<Marker>, _>(storage).unwrap().count(),
            cache.query_mut::<(&Velocity, &mut Position), (), _>(storage).unwrap().count(),
            cache.query_mut::<Option<&mut Velocity>, (), _>(storage).unwrap().count(),
        ]
    }
    assert_eq!(counts(&mut cache, &mut *storage), [0; 5]);
    let [p, pv, ..] = four(&mut *storage);
    assert_eq!(counts(&mut cache, &mut *storage), [3, 3, 1, 2, 4]);
    other.create((Position(0, 0), Marker, Name("other".into()))).unwrap();
    assert_eq!(counts(&mut cache, &mut *other), [1, 1, 1, 0, 1]);
    storage.set_component(p, Marker).unwrap();
    storage.destroy_entity(pv).unwrap();
    assert_eq!(counts(&mut cache, &mut *storage), [2, 2, 2, 1, 3]);
    drop(std::mem::replace(&mut storage, other));
    assert_eq!(counts(&mut cache, &mut *storage), [1, 1, 1, 0, 1]);
    let conflict = QueryError::Conflict { component: ComponentId::of::<Position>() };
    for _ in 0..2 {
        let asked = cache.query_mut::<(&Position, &mut Position), (), _>(&mut *storage);
        assert_eq!(asked.map(drop), Err(conflict.clone()));
    }
    cache.query_mut::<&mut Position, (), _>(&mut *storage).unwrap().single_mut().unwrap().1 = 7;
    assert_eq!(storage.query_as::<&Position, ()>().single(), Ok(&Position(0, 7)));
}

/// By `ComponentId`, with the same rows.
pub fn dynamic_queries_see_what_typed_ones_see(make: Make<'_>) {
    let mut storage = make();
    let [_, pv, pvm, _] = four(&mut *storage);
    let id = |id: fn() -> ComponentId| id();
    let (position, velocity) = (id(ComponentId::of::<Position>), id(ComponentId::of::<Velocity>));
    let marker = ComponentId::of::<Marker>();
    let mut query = DynamicQuery::builder()
        .write(position)
        .read(velocity)
        .optional_read(marker)
        .build()
        .unwrap();
    let mut seen = Vec::new();
    let count = |chunk: &ecs_storage_api::DynamicChunk<'_>| {
        chunk.column(marker).map_or(0, |column| column.len())
    };
    query
        .for_each_chunk_mut(&mut *storage, |mut chunk| {
            seen.extend(chunk.ids().iter().map(|&id| (id, count(&chunk) > 0)));
            assert!(
                chunk.column_mut(velocity).is_none(),
                "what is only read is not lent for writing"
            );
            for value in chunk.column_mut(position).unwrap().downcast::<Position>().unwrap() {
                value.1 = 99;
            }
        })
        .unwrap();
    seen.sort();
    assert_eq!(seen, [(pv, false), (pvm, true)]);
    assert_eq!(storage.get_component::<Position>(pvm), Some(&Position(3, 99)));
    let refused = query.for_each_chunk(&*storage, |_| ()).unwrap_err();
    assert_eq!(refused, QueryError::ReadOnly { component: position });
    let mut without = DynamicQuery::builder().with(position).without(velocity).build().unwrap();
    let mut rows = 0;
    without.for_each_chunk(&*storage, |chunk| rows += chunk.len()).unwrap();
    assert_eq!(rows, 1);
}

/// Ids and slices of a chunk have one length; pieces cover every row once.
pub fn chunks_have_a_value_for_each_entity(make: Make<'_>) {
    let mut storage = make();
    four(&mut *storage);
    storage.create_many((0..100).map(|n| (Position(n, n), Velocity(n, n)))).unwrap();
    let query = storage.query_as::<(&Position, Option<&Velocity>, EntityId), ()>();
    let mut rows = 0;
    for chunk in query.chunks() {
        let ids = chunk.ids();
        let (positions, velocities, again) = chunk.into_slices();
        assert_eq!((positions.len(), again), (ids.len(), ids));
        assert!(velocities.is_none_or(|velocities| velocities.len() == ids.len()));
        rows += ids.len();
    }
    assert_eq!(rows, query.count());
    let mut query = storage.query_as_mut::<(EntityId, &mut Position), ()>();
    let mut ids = Vec::new();
    for piece in query.pieces_mut(7) {
        assert!(piece.len() <= 7 && !piece.is_empty());
        piece.for_each(|(id, position)| {
            position.0 = -1;
            ids.push(id);
        });
    }
    ids.sort();
    ids.dedup();
    assert_eq!(ids.len(), 103);
    assert!(storage.query_single::<Position>().iter().all(|(_, position)| position.0 == -1));
}

/// Short pieces of several stretches in turn cover every row once, and one that is short
/// itself comes whole.
pub fn long_chunks_interleaved_have_every_row_once(make: Make<'_>) {
    let mut storage = make();
    let entities = |rows: i32| (0..rows).map(|n| (Position(n, 0), Wide([0; 4_096])));
    storage.create_many(entities(1_100)).unwrap();
    // So many that they would be cut, if they had the wide component.
    storage.create_many((0..5_000).map(|n| (Position(2_000 + n, 0), Marker))).unwrap();
    let mut query = storage.query_as_mut::<(EntityId, &mut Position, Option<&mut Wide>), ()>();
    let mut seen = Vec::new();
    for chunk in query.chunks_mut() {
        let whole = chunk.len();
        let pieces = chunk.interleaved();
        let count = pieces.len();
        let mut rows = 0;
        let lengths: Vec<_> = pieces
            .map(|piece| {
                let len = piece.len();
                piece.for_each(|(id, position, wide)| {
                    position.1 += 1;
                    if let Some(wide) = wide {
                        wide.0[7] += 1;
                    }
                    seen.push((position.0, id));
                });
                rows += len;
                len
            })
            .collect();
        assert_eq!((rows, lengths.len()), (whole, count));
        assert!(!lengths.contains(&0));
        assert!(whole != 1_100 || lengths.len() > 4, "{lengths:?}");
        assert!(whole != 5_000 || lengths == [5_000], "{lengths:?}");
    }
    seen.sort_unstable();
    let expected: Vec<_> = (0..1_100).chain(2_000..7_000).collect();
    assert_eq!(seen.iter().map(|(number, _)| *number).collect::<Vec<_>>(), expected);
    let query = storage.query_as::<(&Position, Option<&Wide>), ()>();
    let once = |(position, wide): (&Position, Option<&Wide>)| {
        position.1 == 1 && wide.is_none_or(|wide| wide.0[7] == 1)
    };
    assert!(query.iter().all(once));
}

fn conflicts<D: QueryData + 'static>(storage: &mut dyn Storage) {
    let component = ComponentId::of::<Position>();
    let conflict = Err(QueryError::Conflict { component });
    assert_eq!(QueryShape::of::<D, ()>().map(drop), conflict, "{}", std::any::type_name::<D>());
    assert_eq!(QueryState::<D>::try_new().map(drop), conflict);
    let asked = catch_unwind(AssertUnwindSafe(|| storage.query_as_mut::<D, ()>().count()));
    let message = *asked.unwrap_err().downcast::<String>().unwrap();
    assert!(message.contains("testkit::Position"), "{message}");
}

/// Plain, optional, nested, dynamic, prepared and one-shot.
pub fn a_component_borrowed_twice_is_refused_in_every_form(make: Make<'_>) {
    let mut storage = make();
    four(&mut *storage);
    conflicts::<(&mut Position, &mut Position)>(&mut *storage);
    conflicts::<(&mut Position, &Position)>(&mut *storage);
    conflicts::<(&Position, &mut Position)>(&mut *storage);
    conflicts::<(&Position, Option<&mut Position>)>(&mut *storage);
    conflicts::<(Option<&mut Position>, Option<&mut Position>)>(&mut *storage);
    conflicts::<((EntityId, &mut Position), (&Velocity, (&Position,)))>(&mut *storage);
    conflicts::<Option<(&mut Position, &Position)>>(&mut *storage);
    let component = ComponentId::of::<Position>();
    let builder = || DynamicQuery::builder().write(component);
    assert_eq!(
        builder().read(component).build().map(drop),
        Err(QueryError::Conflict { component })
    );
    assert_eq!(
        builder().optional_write(component).build().map(drop),
        Err(QueryError::Conflict { component })
    );
    // Presence alone is no borrow, and reading twice is none for writing.
    assert_eq!(storage.query_as_mut::<(&mut Position, Has<Position>), With<Position>>().count(), 3);
    assert_eq!(storage.query_as::<(&Position, &Position), ()>().count(), 3);
}

/// Several queries at once: refused where they meet, fine where they do not.
pub fn several_queries_are_gathered_if_they_do_not_conflict(make: Make<'_>) {
    let mut storage = make();
    four(&mut *storage);
    let mut writes = Prepared::new(QueryShape::of::<&mut Position, ()>().unwrap());
    let mut reads = Prepared::new(QueryShape::of::<(&Position, &Velocity), ()>().unwrap());
    let component = ComponentId::of::<Position>();
    for pair in [[&mut writes, &mut reads], [&mut Prepared::default(), &mut Prepared::default()]] {
        let outcome = gather_mut(&mut *storage, &mut pair.map(|prepared| prepared)).map(drop);
        let conflicting = outcome == Err(QueryError::Conflict { component });
        assert!(conflicting || outcome.is_ok());
    }
    let conflict = gather_mut(&mut *storage, &mut [&mut reads, &mut writes]).map(drop);
    assert_eq!(conflict, Err(QueryError::Conflict { component }));
    assert!(matches!(gather(&*storage, &mut [&mut writes]), Err(QueryError::ReadOnly { .. })));
    let mut marked = Prepared::new(QueryShape::of::<&mut Position, With<Marker>>().unwrap());
    let mut unmarked = Prepared::new(QueryShape::of::<&mut Position, Without<Marker>>().unwrap());
    let mut records =
        gather_mut(&mut *storage, &mut [&mut marked, &mut unmarked]).unwrap().into_iter();
    let mut first = Query::<&mut Position, With<Marker>>::new(records.next().unwrap());
    let mut second = Query::<&mut Position, Without<Marker>>::new(records.next().unwrap());
    for (a, b) in first.iter_mut().zip(second.iter_mut()) {
        std::mem::swap(&mut a.1, &mut b.0);
    }
    let wrong = gather(&*storage, &mut [&mut reads]).unwrap().remove(0);
    let misread = catch_unwind(AssertUnwindSafe(|| Query::<&Velocity>::new(wrong).count()));
    assert!(misread.is_err(), "records are read by a query of their own shape");
}

/// `for`, `fold`, `count`, `len` and by value give the same rows.
pub fn iterators_agree_however_they_are_driven(make: Make<'_>) {
    let mut storage = make();
    four(&mut *storage);
    storage.create_many((0..10).map(|n| (Position(n, 0), Name(n.to_string())))).unwrap();
    let query = storage.query_as::<&Position, ()>();
    let mut by_hand = Vec::new();
    for position in &query {
        by_hand.push(*position);
    }
    let folded = query.iter().fold(Vec::new(), |mut all, position| {
        all.push(*position);
        all
    });
    assert_eq!(by_hand, folded);
    let mut iter = query.iter();
    let left: Vec<usize> = std::iter::from_fn(|| iter.next().map(|_| iter.len())).collect();
    assert_eq!(left, (0..13).rev().collect::<Vec<_>>());
    let mut part = query.iter();
    part.next();
    part.next();
    assert_eq!(part.fold(0, |count, _| count + 1), 11);
    assert_eq!(query.iter().count(), 13);
    assert_eq!(query.into_iter().count(), 13);
}
