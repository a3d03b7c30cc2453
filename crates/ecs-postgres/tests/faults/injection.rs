//! Names, values and addresses that try to be SQL.

use ecs_core::{DynamicComponent, EntityId, ErasedValue};
use ecs_postgres::{ConnectError, PostgresOptions};
use ecs_storage_api::{AsyncStorage, AsyncStorageExt, UpdateBatch};
use pollster::block_on;

use crate::model::{State, Title};
use crate::servers;

const EVIL: [&str; 16] = [
    "x\"; drop table public.canary; --",
    "x'; drop table public.canary; --",
    "x\"\"; drop table public.canary; --",
    "x\\\"; drop table public.canary; --",
    "$$; drop table public.canary; $$",
    "@; drop table public.canary",
    "@_store",
    "_store",
    "_Store",
    "a.b\".\"c",
    "/* public.canary */",
    "$1",
    "%s {} {0} {name}",
    "entity",
    "schöne 表 🦀\u{202e}",
    " leading and trailing ",
];

#[test]
fn names_of_schemas_are_names() {
    let server = servers::shared();
    let url = server.database().unwrap();
    ecs_test_postgres::query(&url, "create table public.canary (n int)").unwrap();
    for schema in EVIL {
        let store = servers::options(&url, schema, "evil").connect().unwrap();
        let entity = block_on(store.create_async((Title(schema.to_owned()),))).unwrap();
        let again = servers::options(&url, schema, "evil").connect().unwrap();
        let title: Option<Title> = block_on(again.get_component_async(entity)).unwrap();
        assert_eq!(title, Some(Title(schema.to_owned())));
    }
    let names =
        "select nspname from pg_namespace where nspname !~ '^(pg_|information_schema|public)'";
    let mut found: Vec<_> =
        ecs_test_postgres::query(&url, names).unwrap().into_iter().flatten().flatten().collect();
    let mut expected: Vec<_> = EVIL.map(str::to_owned).to_vec();
    found.sort_unstable();
    expected.sort_unstable();
    assert_eq!(found, expected);
    ecs_test_postgres::query(&url, "select from public.canary").unwrap();
    let long = "x".repeat(64);
    for refused in ["", "a\0b", "a\nb", "pg_catalog", "PG_x", &long] {
        let error = servers::options(&url, refused, "evil").connect().unwrap_err();
        assert!(matches!(error, ConnectError::Name(_)), "{refused:?}: {error}");
    }
}

#[test]
fn names_of_components_are_names() {
    let server = servers::shared();
    let url = server.database().unwrap();
    ecs_test_postgres::query(&url, "create table public.canary (n int)").unwrap();
    let store = servers::options(&url, "world", "evil").connect().unwrap();
    let long = ["y".repeat(500), format!("{}z", "y".repeat(500)), "é\"".repeat(100)];
    let odd = ["new\nline", "tab\there"];
    let own = ["_component", "_entity", "_allocator", "_stage_1", "pg_class", "World", "WORLD"];
    let names = EVIL.iter().copied().chain(long.iter().map(String::as_str)).chain(odd).chain(own);
    let names: Vec<&str> = names.collect();
    let mut expected: Vec<(EntityId, Vec<u8>)> = Vec::new();
    for (n, name) in names.iter().enumerate() {
        let component = DynamicComponent::new(*name, 4, 4).register().unwrap();
        let bytes = (n as u32).to_le_bytes();
        let value = ErasedValue::from_bytes(component, &bytes).unwrap();
        let mut bundle = ecs_core::ErasedBundle::default();
        bundle.push(value);
        let batch = UpdateBatch::new().spawn_erased(None, bundle);
        let entity = block_on(store.apply_updates_async(&batch, None)).unwrap().created[0];
        // By way of a temporary table, too.
        let value = ErasedValue::from_bytes(component, &bytes).unwrap();
        block_on(store.set_component_erased_async(entity, value)).unwrap();
        assert!(block_on(store.has_component_erased_async(entity, component)).unwrap());
        let value = block_on(store.get_component_erased_async(entity, component)).unwrap();
        assert_eq!(value.unwrap().as_bytes().unwrap(), bytes);
        expected.push((entity, bytes.to_vec()));
    }
    // A zero is nothing that the server keeps in text.
    let zero = DynamicComponent::new("zero\0here", 4, 4).register().unwrap();
    let value = ErasedValue::from_bytes(zero, &[0; 4]).unwrap();
    let error = block_on(store.set_component_erased_async(expected[0].0, value)).unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    assert!(State::of(&store).unwrap().entities().eq(expected.iter().map(|(entity, _)| *entity)));
    let entities = expected.iter().fold(UpdateBatch::new(), |batch, (id, _)| batch.destroy(*id));
    block_on(store.apply_updates_async(&entities, None)).unwrap();
    ecs_test_postgres::query(&url, "select from public.canary").unwrap();
}

#[test]
fn values_are_values() {
    let server = servers::shared();
    let url = server.database().unwrap();
    let store = servers::options(&url, "world", "evil").connect().unwrap();
    let texts = EVIL.iter().copied().chain(["\\.", "\\N", "\t\n\r", "\u{feff}", "\\x00", ""]);
    for text in texts {
        let entity = block_on(store.create_async((Title(text.to_owned()),))).unwrap();
        let title: Option<Title> = block_on(store.get_component_async(entity)).unwrap();
        assert_eq!(title, Some(Title(text.to_owned())));
    }
}

#[test]
fn addresses_are_addresses() {
    let server = servers::shared();
    let url = server.database().unwrap();
    let open = |url: &str| PostgresOptions::new(url).schema("world").connect();
    let set =
        "?options=-c%20statement_timeout%3D1%20-c%20search_path%3Devil%20-c%20lock_timeout%3D1";
    let store = open(&format!("{url}{set}")).unwrap();
    let entity = block_on(store.create_async((Title("here".to_owned()),))).unwrap();
    let evil = "?application_name=x%27%3B%20drop%20table%20world._store%3B%20--";
    let again = open(&format!("{url}{evil}")).unwrap();
    let title: Option<Title> = block_on(again.get_component_async(entity)).unwrap();
    assert_eq!(title, Some(Title("here".to_owned())));
    let secret = "sesame-open";
    for refused in [
        format!("{url}?unheard={secret}"),
        format!("{url}?sslmode={secret}"),
        format!("postgresql://ecs:{secret}@127.0.0.1:port/x"),
        format!("nonsense {secret}"),
        format!("host=127.0.0.1 password={secret} port=99999999"),
        format!("postgresql://{secret}%"),
        String::new(),
    ] {
        let error = open(&refused).unwrap_err();
        let shown = format!("{error} {error:?}");
        assert!(!shown.contains(secret), "{shown}");
    }
}

#[test]
fn functions_that_others_made_are_not_called() {
    let server = servers::shared();
    let url = server.database().unwrap();
    ecs_test_postgres::query(
        &url,
        "create function public.hashtextextended(text, int) returns bigint language plpgsql as \
           $$ begin raise exception 'called'; end $$; \
         create function public.unnest(bigint[]) returns setof bigint language plpgsql as \
           $$ begin raise exception 'called'; end $$;",
    )
    .unwrap();
    let role = "alter role all set search_path = public, pg_catalog";
    let reset = "alter role all reset search_path";
    server.execute(role).unwrap();
    let store = servers::options(&url, "world", "evil").connect();
    server.execute(reset).unwrap();
    let store = store.unwrap();
    let ids = block_on(store.reserve_ids_async(3)).unwrap();
    block_on(store.release_ids_async(&ids)).unwrap();
    block_on(store.create_entity_async()).unwrap();
}
