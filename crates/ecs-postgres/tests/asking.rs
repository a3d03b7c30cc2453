//! Questions that the server answers: conditions on components and fields, views, and
//! what others have changed.

mod common;

use std::time::Duration;

use ecs_archetype::ArchetypeStorage;
use ecs_core::EntityId;
use ecs_derive::Component;
use ecs_postgres::{ConnectError, PostgresOptions, PostgresStorage};
use ecs_storage_api::remote::{RemoteChangeKind, Version, next};
use ecs_storage_api::{
    AsyncStorage, Comparison, LocalAsync, Or, RemoteError, RemoteQuery, UpdateBatch, With, Without,
};
use pollster::block_on;
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "asking::Person")]
struct Person {
    name: String,
    age: u8,
    debt: i128,
    height: Option<f32>,
    friend: Option<EntityId>,
    awake: bool,
}

#[derive(Component, Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, name = "asking::Place", pod)]
#[repr(C)]
struct Place(f32, u32);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "asking::Asleep")]
struct Asleep;

/// People of every kind, with and without a place.
fn people() -> UpdateBatch {
    let heights = [None, Some(-0.0), Some(0.0), Some(f32::NAN), Some(1.5), Some(f32::INFINITY)];
    (0u32..60).fold(UpdateBatch::new(), |batch, n| {
        let person = Person {
            name: ["Ada", "Béla", "a", "Z", ""][n as usize % 5].to_owned(),
            age: (n * 7 % 256) as u8,
            debt: [i128::MIN, -1, 0, 10, i128::MAX][n as usize % 5],
            height: heights[n as usize % 6],
            friend: EntityId::new((n % 3 * 2047) as u16, 1 + n % 4, 0),
            awake: n % 2 == 0,
        };
        let place = Place(n as f32 / 4.0 - 3.0, n * 70_000_000);
        match n % 4 {
            0 => batch.spawn((person, place)),
            1 => batch.spawn(person),
            2 => batch.spawn((person, place, Asleep)),
            _ => batch.spawn(place),
        }
    })
}

fn ids(store: &dyn AsyncStorage, query: RemoteQuery) -> Result<Vec<EntityId>, RemoteError> {
    block_on(async {
        let mut pages = store.query_erased_async(query.page_size(7));
        let mut ids = Vec::new();
        while let Some(page) = next(&mut pages).await {
            ids.extend(page?.into_ids());
        }
        Ok(ids)
    })
}

#[test]
fn a_database_finds_whom_a_local_store_finds() {
    let (far, near) = (common::fresh(), LocalAsync::new(ArchetypeStorage::new(0)));
    for store in [&far as &dyn AsyncStorage, &near] {
        block_on(store.apply_updates_async(&people(), None)).unwrap();
    }
    let ask = RemoteQuery::new;
    let all = [
        Comparison::Equal,
        Comparison::NotEqual,
        Comparison::Less,
        Comparison::LessOrEqual,
        Comparison::Greater,
        Comparison::GreaterOrEqual,
    ];
    let mut queries = vec![
        ask(),
        ask().read::<Person>(),
        ask().read_optional::<Place>().read::<Person>(),
        ask().filter::<With<Asleep>>(),
        ask().read::<Place>().filter::<Without<Asleep>>(),
        ask().filter::<Or<(With<Asleep>, Without<Place>)>>(),
        ask().all(),
        ask().compare::<Person>("awake", Comparison::Equal, true).read::<Place>(),
        ask().compare::<Person>("friend", Comparison::Equal, EntityId::new(0, 1, 0).unwrap()),
        ask()
            .compare::<Person>("age", Comparison::Greater, 30u8)
            .compare::<Person>("age", Comparison::Less, 200i64)
            .compare::<Place>("1", Comparison::Greater, 900_000_000u32)
            .among((1..40).map(|index| EntityId::new(0, index, 0).unwrap())),
    ];
    for how in all {
        queries.extend([0u8, 49, 255].map(|age| ask().compare::<Person>("age", how, age)));
        queries.extend([i128::MIN, -1, 0].map(|debt| ask().compare::<Person>("debt", how, debt)));
        queries.push(ask().compare::<Person>("debt", how, u128::MAX));
        queries.extend(
            [-0.0, f32::NAN, 1.5, f32::NEG_INFINITY]
                .map(|height| ask().compare::<Person>("height", how, height)),
        );
        queries.extend(
            ["", "Ada", "B", "Béla'); --", "a"]
                .map(|name| ask().read::<Person>().compare::<Person>("name", how, name)),
        );
        queries.push(ask().read::<Place>().compare::<Place>("0", how, 1.0f32));
    }
    for query in queries {
        let (there, here) = (ids(&far, query.clone()), ids(&near, query.clone()));
        assert_eq!(there.unwrap(), here.unwrap(), "{query:?}");
    }
}

#[test]
fn conditions_that_make_no_sense_are_refused_by_both() {
    let (far, near) = (common::fresh(), LocalAsync::new(ArchetypeStorage::new(0)));
    let friend = EntityId::new(0, 1, 0).unwrap();
    for store in [&far as &dyn AsyncStorage, &near] {
        block_on(store.apply_updates_async(&people(), None)).unwrap();
        for query in [
            RemoteQuery::new().compare::<Person>("size", Comparison::Equal, 1u8),
            RemoteQuery::new().compare::<Person>("age", Comparison::Equal, "1"),
            RemoteQuery::new().compare::<Person>("friend", Comparison::Less, friend),
            RemoteQuery::new().compare::<Person>("", Comparison::Equal, 1u8),
        ] {
            let error = ids(store, query).unwrap_err();
            assert!(matches!(error, RemoteError::Field { .. }), "{error}");
        }
    }
}

#[test]
fn a_view_shows_what_a_query_brings() {
    let schema = common::schema();
    let store = common::options().schema(&schema).connect().unwrap();
    let seen = RemoteQuery::new().read::<Person>().read_optional::<Place>();
    let seen = seen.read_optional::<Asleep>();
    // Before anybody has the components, and once more.
    store.create_view("people", &seen).unwrap();
    store.create_view("people", &seen.filter::<Without<Asleep>>()).unwrap();
    block_on(store.apply_updates_async(&people(), None)).unwrap();
    let sql = format!(
        "select count(*), sum(person_age), count(place_value_0), bool_or(asleep) \
         from \"{schema}\".people"
    );
    let row = common::server().execute(&sql).unwrap().remove(0);
    let row: Vec<_> = row.into_iter().map(Option::unwrap).collect();
    let ages = (0u32..60).filter(|n| n % 4 < 2).map(|n| n * 7 % 256).sum::<u32>();
    assert_eq!(row, ["30", &*ages.to_string(), "15", "f"]);
    assert!(store.create_view("_store", &RemoteQuery::new()).is_err());
    assert!(store.create_view("asking::Person", &RemoteQuery::new()).is_err());
}

fn watched(
    store: &PostgresStorage,
    since: Version,
) -> Vec<(RemoteChangeKind, Option<String>, usize)> {
    let told = block_on(store.changes_async(since)).unwrap();
    let told = told.changes.into_iter();
    told.map(|change| (change.kind, change.component, change.entities.len())).collect()
}

#[test]
fn what_changed_since_a_version_is_told_in_order() {
    let store = common::fresh();
    let start = block_on(store.version_async()).unwrap();
    let made = block_on(store.apply_updates_async(&people(), None)).unwrap();
    let (person, place) = (Some("asking::Person".to_owned()), Some("asking::Place".to_owned()));
    assert_eq!(watched(&store, start)[..1], [(RemoteChangeKind::Spawned, None, 60)]);
    assert!(watched(&store, start).contains(&(RemoteChangeKind::Written, person, 45)));
    let batch = UpdateBatch::new()
        .update(made.created[0], Place(1.0, 1))
        .insert(made.created[1], Place(2.0, 2))
        .remove::<Asleep>(made.created[0])
        .remove::<Asleep>(made.created[2])
        .destroy(made.created[3]);
    let applied = block_on(store.apply_updates_async(&batch, None)).unwrap();
    assert_eq!(
        watched(&store, made.version),
        [
            (RemoteChangeKind::Written, place, 2),
            (RemoteChangeKind::Removed, Some("asking::Asleep".to_owned()), 1),
            (RemoteChangeKind::Destroyed, None, 1),
        ]
    );
    let bytes = block_on(store.snapshot_async()).unwrap();
    block_on(store.restore_async(&bytes, None)).unwrap();
    assert_eq!(watched(&store, applied.version), [(RemoteChangeKind::Loaded, None, 0)]);
}

#[test]
fn a_version_that_lies_ahead_is_of_another_past() {
    let store = common::fresh();
    let now = block_on(store.version_async()).unwrap();
    let ahead = Version::new(now.get() + 5);
    let error = block_on(store.changes_async(ahead)).unwrap_err();
    assert!(matches!(error, RemoteError::Forgotten { .. }), "{error}");
}

#[test]
fn a_batch_can_not_change_whom_it_makes() {
    let (far, near) = (common::fresh(), LocalAsync::new(ArchetypeStorage::new(0)));
    let next = EntityId::new(0, 1, 0).unwrap();
    for store in [&far as &dyn AsyncStorage, &near] {
        for batch in [
            UpdateBatch::new().spawn(Asleep).update(next, Asleep),
            UpdateBatch::new().spawn(Asleep).insert(next, Place(0.0, 0)),
            UpdateBatch::new().spawn(Asleep).remove::<Asleep>(next),
            UpdateBatch::new().spawn(()).destroy(next),
        ] {
            let error = block_on(store.apply_updates_async(&batch, None)).unwrap_err();
            assert!(error.to_string().contains("does not exist"), "{error}");
        }
        assert!(!block_on(store.entity_exists_async(next)).unwrap());
    }
}

#[test]
fn what_is_forgotten_is_an_error_and_no_silence() {
    let store = common::options().kept_changes(64).connect().unwrap();
    let start = block_on(store.version_async()).unwrap();
    for _ in 0..200 {
        block_on(store.create_entity_async()).unwrap();
    }
    let error = block_on(store.changes_async(start)).unwrap_err();
    let RemoteError::Forgotten { oldest, .. } = error else { panic!("{error}") };
    let known = block_on(store.changes_async(oldest)).unwrap();
    assert_eq!(known.changes.len() as u64, 200 - oldest.get());
}

#[test]
fn a_watcher_is_told_of_every_change_also_after_its_connections_were_lost() {
    let server = common::server();
    let proxy = ecs_test_postgres::Proxy::start(&server).unwrap();
    let schema = common::schema();
    let store = common::options().schema(&schema).connect().unwrap();
    let url = proxy.url(&server.admin_url()).unwrap();
    let reader = ecs_postgres::PostgresOptions::new(url).schema(&schema).connect().unwrap();
    let start = block_on(reader.version_async()).unwrap();
    const CHANGES: u64 = 120;
    let writer = std::thread::spawn(move || {
        for n in 0..CHANGES {
            block_on(store.create_entity_async()).unwrap();
            if n % 20 == 10 {
                proxy.cut();
            }
            if n % 7 == 0 {
                std::thread::sleep(Duration::from_millis(5));
            }
        }
        proxy
    });
    let mut seen = Vec::new();
    let mut stream = reader.watch_async(start);
    while (seen.len() as u64) < CHANGES {
        match block_on(next(&mut stream)).expect("it goes on") {
            Ok(told) => seen.extend(told.changes.into_iter().map(|change| change.version.get())),
            Err(error) => assert!(error.is_retryable(), "{error}"),
        }
    }
    assert_eq!(seen, (start.get() + 1..=start.get() + CHANGES).collect::<Vec<_>>());
    writer.join().unwrap();
}

/// Two clients of one store, and entities in it that have a place.
fn beside_each_other(places: u32) -> (PostgresStorage, PostgresStorage, Vec<EntityId>) {
    let options = common::options();
    let (reader, writer) = (options.clone().connect().unwrap(), options.connect().unwrap());
    let batch = (0..places).fold(UpdateBatch::new(), |batch, n| batch.spawn(Place(0.0, n)));
    let made = block_on(writer.apply_updates_async(&batch, None)).unwrap().created;
    (reader, writer, made)
}

#[test]
fn a_component_that_gets_a_table_between_two_pages_is_in_the_second() {
    let (reader, writer, made) = beside_each_other(20);
    let with = RemoteQuery::new().all().page_size(10);
    let without = RemoteQuery::new().filter::<Without<Asleep>>().page_size(10);
    let mut with = reader.query_erased_async(with);
    let mut without = reader.query_erased_async(without);
    let mut page = |of_all: bool| {
        let pages = if of_all { &mut with } else { &mut without };
        block_on(next(pages)).expect("there is another").unwrap()
    };
    assert_eq!([page(true).into_ids(), page(false).into_ids()], [&made[..10], &made[..10]]);
    let sleeps = UpdateBatch::new().insert(made[15], Asleep);
    let version = block_on(writer.apply_updates_async(&sleeps, None)).unwrap().version;
    let (of_all, awake) = (page(true), page(false));
    assert_eq!([of_all.version, awake.version], [version, version]);
    let asleep = of_all.chunks.iter().filter(|chunk| chunk.columns().len() == 2);
    let asleep: Vec<_> = asleep.flat_map(|chunk| chunk.ids()).copied().collect();
    assert_eq!(asleep, [made[15]]);
    assert!(!awake.into_ids().contains(&made[15]));
}

#[test]
fn a_component_that_gets_a_table_while_a_stream_is_at_its_end_is_found() {
    let (reader, writer, made) = beside_each_other(5);
    let either = RemoteQuery::new().filter::<Or<(With<Place>, With<Asleep>)>>();
    let mut pages = reader.query_erased_async(either.page_size(5));
    let mut page = || block_on(next(&mut pages)).map(|page| page.unwrap().into_ids());
    assert_eq!(page(), Some(made));
    let sleeper = UpdateBatch::new().spawn(Asleep);
    let made = block_on(writer.apply_updates_async(&sleeper, None)).unwrap().created;
    assert_eq!((page(), page()), (Some(made), None));
}

#[test]
fn a_store_is_connected_to_by_tasks_of_another_runtime() {
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build().unwrap();
    runtime.block_on(async {
        let url = common::server().admin_url();
        for wrong in [PostgresOptions::new("nonsense"), PostgresOptions::new(&url).schema("pg_x")] {
            let error = wrong.connect_async().await.unwrap_err();
            assert!(matches!(error, ConnectError::Url(_) | ConnectError::Name(_)), "{error}");
        }
        let store = common::options().pool_size(usize::MAX).connect_async().await.unwrap();
        store.create_entity_async().await.unwrap();
    });
}

#[test]
fn a_text_that_no_text_of_the_server_is_equal_to_is_refused() {
    let store = common::fresh();
    block_on(store.apply_updates_async(&people(), None)).unwrap();
    for comparison in [Comparison::Equal, Comparison::NotEqual, Comparison::Less] {
        let query = RemoteQuery::new().compare::<Person>("name", comparison, "a\0b");
        let error = block_on(next(&mut store.query_erased_async(query))).unwrap().unwrap_err();
        assert!(matches!(&error, RemoteError::Field { field, .. } if field == "name"), "{error}");
        assert!(!error.is_retryable());
    }
}

/// As the index of another's table would be called.
#[derive(Component, Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, name = "asking::Place_pkey", pod)]
#[repr(C)]
struct PlaceKey(u32);

#[derive(Component, Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, name = "asking::", pod)]
#[repr(C)]
struct Nameless(u32);

#[test]
fn odd_names_are_tables_and_columns_of_views() {
    let store = common::fresh();
    let batch = UpdateBatch::new().spawn((Place(1.0, 2), PlaceKey(3), Nameless(4)));
    block_on(store.apply_updates_async(&batch, None)).unwrap();
    let all = RemoteQuery::new().read::<Place>().read::<PlaceKey>().read::<Nameless>();
    let page = block_on(next(&mut store.query_erased_async(all.clone()))).unwrap().unwrap();
    assert_eq!(page.len(), 1);
    store.create_view("all", &all).unwrap();
}
