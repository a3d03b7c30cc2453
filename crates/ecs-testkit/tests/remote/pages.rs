//! Reading: pages of owned chunks, and the methods over them.

use ecs_archetype::ArchetypeStorage;
use ecs_core::EntityId;
use ecs_storage_api::{
    AsyncStorage, AsyncStorageExt, LocalAsync, Or, Page, Projection, RemoteError, RemoteQuery,
    Storage, StorageExt, With, Without, remote,
};
use pollster::block_on;

use crate::components::*;
use crate::wire::Wire;

#[test]
fn pages_come_in_order_and_are_complete() {
    let (fast, oracle, ids) = far(100);
    for remote in [&fast as &dyn AsyncStorage, &oracle, &Wire::new(&fast)] {
        for page_size in [0, 1, 7, 100, 5000] {
            let query = RemoteQuery::new().read_optional::<Name>().page_size(page_size);
            let pages = collect(remote.query_erased_async(query)).unwrap();
            assert_eq!(pages.len(), 100usize.div_ceil(page_size.max(1)));
            for pair in pages.windows(2) {
                let later = pair[1].chunks.iter().flat_map(|chunk| chunk.ids());
                assert!(later.min() > Some(&pair[0].resume));
            }
            let seen: Vec<_> = pages.into_iter().flat_map(Page::into_ids).collect();
            assert_eq!(seen, ids);
        }
        assert_eq!(collect(remote.all_entities_async()).unwrap().concat(), ids);
    }
}

#[test]
fn a_query_brings_what_it_asks_for_of_those_that_meet_its_condition() {
    let (fast, oracle, ids) = far(60);
    let awake = RemoteQuery::new().read::<Name>().filter::<(With<Position>, Without<Asleep>)>();
    for remote in [&fast as &dyn AsyncStorage, &oracle] {
        let pages = collect(remote.query_erased_async(awake.clone())).unwrap();
        let mut rows = 0;
        for chunk in pages.iter().flat_map(|page| &page.chunks) {
            assert_eq!(chunk.components().as_slice(), [id::<Name>()]);
            let names = chunk.column(id::<Name>()).unwrap().downcast::<Name>().unwrap();
            for (entity, name) in chunk.ids().iter().zip(names) {
                let n = ids.iter().position(|id| id == entity).unwrap();
                assert!(n % 2 == 0 && n % 3 != 0);
                assert_eq!(name.0, format!("number {n}"));
                rows += 1;
            }
        }
        assert_eq!(rows, 20);

        let either = RemoteQuery::new().filter::<Or<(With<Name>, With<Asleep>)>>();
        let found: usize =
            collect(remote.query_erased_async(either)).unwrap().iter().map(Page::len).sum();
        assert_eq!(found, 40);
    }
}

#[test]
fn a_condition_can_be_read_to_be_pushed_down() {
    let query = RemoteQuery::new()
        .read::<Position>()
        .filter::<(Without<Asleep>, Or<(With<Name>, Without<Cache>)>)>();
    assert_eq!(query.projection, Projection::Components([id::<Position>()].into_iter().collect()));
    assert_eq!(query.matcher.required(), [id::<Position>()]);
    assert_eq!(query.matcher.excluded(), [id::<Asleep>()]);
    let groups: Vec<_> = query.matcher.groups().collect();
    assert_eq!(groups.len(), 1);
    assert_eq!(groups[0][0].required(), [id::<Name>()]);
    assert_eq!(groups[0][1].excluded(), [id::<Cache>()]);
}

#[test]
fn only_the_entities_that_are_asked_for_come() {
    let (fast, oracle, ids) = far(20);
    for remote in [&fast as &dyn AsyncStorage, &oracle] {
        let query = RemoteQuery::new().among([ids[9], ids[2], ids[9], ids[4]]).after(ids[2]);
        let pages = collect(remote.query_erased_async(query)).unwrap();
        let seen: Vec<_> = pages.into_iter().flat_map(Page::into_ids).collect();
        assert_eq!(seen, [ids[4], ids[9]]);
    }
}

#[test]
fn a_new_stream_goes_on_where_another_was_dropped() {
    let (fast, _, ids) = far(50);
    let query = || RemoteQuery::new().page_size(8);
    let mut seen = Vec::new();
    let mut after = None;
    loop {
        let query = after.map_or(query(), |id| query().after(id));
        let mut pages = fast.query_erased_async(query);
        let Some(page) = block_on(remote::next(&mut pages)) else { break };
        let page = page.unwrap();
        after = Some(page.resume);
        seen.extend(page.into_ids());
    }
    assert_eq!(seen, ids);
}

#[test]
fn a_stream_locks_nothing_between_pages_or_when_dropped() {
    let (fast, _, ids) = far(30);
    let mut pages = fast.query_erased_async(RemoteQuery::new().page_size(10));
    let first = block_on(remote::next(&mut pages)).unwrap().unwrap();
    assert_eq!(first.len(), 10);

    // Writing would wait for ever if the first page were still locked.
    block_on(fast.destroy_entity_async(ids[10])).unwrap();
    block_on(fast.set_component_async(ids[11], Asleep(()))).unwrap();
    let made = block_on(fast.create_async(Position(0.0))).unwrap();
    let second = block_on(remote::next(&mut pages)).unwrap().unwrap();
    assert!(second.version > first.version);
    let second = second.into_ids();
    assert!(!second.contains(&ids[10]) && second.contains(&ids[11]) && !second.contains(&made));

    drop(pages);
    fast.write(|store| store.clear()).unwrap();
    assert_eq!(collect(fast.all_entities_async()).unwrap().concat(), []);
}

#[test]
fn an_entity_that_matches_all_along_comes_once_though_others_change() {
    let (fast, _, ids) = far(40);
    let mut pages = fast.query_erased_async(RemoteQuery::new().read::<Position>().page_size(3));
    let mut seen = Vec::new();
    let mut victims = ids.iter().skip(1).step_by(2);
    while let Some(page) = block_on(remote::next(&mut pages)) {
        seen.extend(page.unwrap().into_ids());
        // Rows move into the gaps.
        for victim in victims.by_ref().take(2) {
            block_on(fast.destroy_entity_async(*victim)).unwrap();
        }
    }
    let stayed: Vec<_> = ids.iter().copied().step_by(2).collect();
    assert_eq!(seen.iter().filter(|id| stayed.contains(id)).copied().collect::<Vec<_>>(), stayed);
    assert!(seen.is_sorted() && seen.windows(2).all(|pair| pair[0] != pair[1]));
}

#[test]
fn rows_come_as_values_of_their_own() {
    let (fast, _, ids) = far(10);
    let rows = collect(fast.query_async::<(Position, Name)>()).unwrap();
    let expected: Vec<_> = (0..10usize)
        .step_by(2)
        .map(|n| (ids[n], (Position(n as f32), Name(format!("number {n}")))))
        .collect();
    assert_eq!(rows, expected);

    let singles = collect(fast.query_single_async::<Position>()).unwrap();
    assert_eq!(singles.len(), 10);
    let some = RemoteQuery::new().filter::<With<Asleep>>().page_size(1);
    let some = collect(fast.query_rows_async::<(Position,)>(some)).unwrap();
    assert_eq!(
        some.iter().map(|(_, (position,))| position.0).collect::<Vec<_>>(),
        [0.0, 3.0, 6.0, 9.0]
    );

    // No backend can bring one value twice.
    let twice = collect(fast.query_async::<(Position, Position)>()).unwrap_err();
    assert!(twice.to_string().contains("remote::Position"), "{twice}");
}

#[test]
fn the_specifications_methods_are_there() {
    let (fast, oracle, ids) = far(4);
    for remote in [&fast as &dyn AsyncStorage, &oracle, &Wire::new(&fast), &Wire::new(&oracle)] {
        block_on(async {
            let made = remote.create_entity_async().await?;
            assert!(remote.entity_exists_async(made).await?);
            remote.set_component_async(made, Name("new".to_owned())).await?;
            assert_eq!(remote.get_component_async(made).await?, Some(Name("new".to_owned())));
            assert_eq!(remote.get_component_async::<Position>(made).await?, None);
            assert!(remote.has_component_async::<Name>(made).await?);
            let types = remote.get_component_types_async(made).await?.unwrap();
            assert_eq!(types.as_slice(), [id::<Name>()]);
            assert!(remote.remove_component_async::<Name>(made).await?);
            assert!(!remote.remove_component_async::<Name>(made).await?);
            remote.destroy_entity_async(made).await?;
            assert!(!remote.entity_exists_async(made).await?);
            assert_eq!(remote.get_component_types_async(made).await?, None);
            assert!(remote.has_component_async::<Asleep>(ids[3]).await?);
            Ok::<_, RemoteError>(())
        })
        .unwrap();
    }
}

#[test]
fn a_component_that_cannot_be_copied_is_named() {
    let mut store = ArchetypeStorage::new(0);
    let entity = store.create((Position(1.0), Cache(2), Handle(3))).unwrap();
    let remote = LocalAsync::new(store);
    // Transient components travel where they are asked for and can be cloned…
    assert_eq!(block_on(remote.get_component_async(entity)).unwrap(), Some(Cache(2)));
    // …and are left out of what is persistent.
    let all = collect(remote.query_erased_async(RemoteQuery::new().all())).unwrap();
    assert_eq!(all[0].chunks[0].components().as_slice(), [id::<Position>()]);

    let errors = [
        block_on(remote.get_component_async::<Handle>(entity)).map(drop).unwrap_err(),
        block_on(remote.set_component_async(entity, Handle(4))).unwrap_err(),
        collect(remote.query_async::<(Position, Handle)>()).map(drop).unwrap_err(),
    ];
    for error in errors {
        assert!(matches!(error, RemoteError::Codec(_)), "{error}");
        assert!(error.to_string().contains("remote::Handle"), "{error}");
    }
}

#[test]
fn futures_and_streams_can_be_sent_to_other_threads() {
    fn sent<T: Send>(value: T) -> T {
        value
    }
    let remote: Box<dyn AsyncStorage> = Box::new(LocalAsync::new(ArchetypeStorage::new(0)));
    let entity = EntityId::new(0, 1, 0).unwrap();
    std::thread::scope(|scope| {
        let remote = &remote;
        let create = sent(remote.create_async((Position(1.0), Name("far".to_owned()))));
        assert_eq!(scope.spawn(|| block_on(create)).join().unwrap().unwrap(), entity);
        let rows = sent(remote.query_async::<(Position,)>());
        assert_eq!(scope.spawn(|| collect(rows)).join().unwrap().unwrap().len(), 1);
        drop(sent(remote.get_component_async::<Name>(entity)));
        drop(sent(remote.snapshot_async()));
        drop(sent(remote.image_async()));
    });
}
