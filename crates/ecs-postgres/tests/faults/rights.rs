//! A role with no more than the documented rights is enough.

use std::sync::Arc;

use ecs_core::{DynamicComponent, ErasedValue};
use ecs_storage_api::{AsyncStorage, AsyncStorageExt, UpdateBatch};
use ecs_test_postgres::{Server, query};
use pollster::block_on;

use crate::model::{Model, Title};
use crate::servers;

/// A database in which nobody may do anything, and the address of a role in it.
fn closed() -> (Arc<Server>, String, String, String) {
    let server = servers::shared();
    let url = server.database().unwrap();
    let (role, database) = (servers::unique("role"), url.rsplit('/').next().unwrap().to_owned());
    let close = format!(
        "revoke all on database {database} from public; create role {role} login password 'word'; \
         grant connect on database {database} to {role}; revoke all on schema public from public"
    );
    query(&url, &close).unwrap();
    let its = server.url_of(&role, "word", &database);
    (server, url, role, its)
}

fn exercise(url: &str) {
    let store = servers::options(url, "world", "right").connect().unwrap();
    let mut model = Model::of(&store, 1);
    for _ in 0..5 {
        let batch = model.batch();
        block_on(store.apply_updates_async(&batch, None)).unwrap();
        model.apply(&batch);
    }
    model.assert_same(&store);
    let ids = block_on(store.reserve_ids_async(3)).unwrap();
    block_on(store.release_ids_async(&ids)).unwrap();
    let (image, _) = block_on(store.image_async()).unwrap();
    block_on(store.load_async(&image, None)).unwrap();
    for _ in 0..70 {
        block_on(store.create_entity_async()).unwrap();
    }
}

fn database(url: &str) -> &str {
    url.rsplit('/').next().unwrap()
}

#[test]
fn the_right_to_make_tables_in_a_schema_is_enough_for_a_whole_store() {
    let (_server, url, role, its) = closed();
    let grant = format!(
        "create schema world; grant usage, create on schema world to {role}; \
         grant temporary on database {} to {role}",
        database(&url)
    );
    query(&url, &grant).unwrap();
    exercise(&its);
}

#[test]
fn the_right_to_make_schemas_is_enough_for_a_store_that_is_not_there() {
    let (_server, url, role, its) = closed();
    let error = servers::options(&its, "world", "right").connect().unwrap_err().to_string();
    assert!(error.contains("permission denied for database"), "{error}");
    query(&url, &format!("grant create, temporary on database {} to {role}", database(&url)))
        .unwrap();
    exercise(&its);
}

#[test]
fn who_may_change_rows_needs_no_right_to_make_tables() {
    let (_server, url, role, its) = closed();
    exercise(&url);
    let grant = format!(
        "grant usage on schema world to {role}; grant temporary on database {} to {role}; \
         grant select, insert, update, delete on all tables in schema world to {role}",
        database(&url)
    );
    query(&url, &grant).unwrap();
    exercise(&its);
    // But for components that are new.
    let store = servers::options(&its, "world", "right").connect().unwrap();
    let component = DynamicComponent::new("fault::unheard of", 4, 4).register().unwrap();
    let entity = block_on(store.create_entity_async()).unwrap();
    let value = ErasedValue::from_bytes(component, &[0; 4]).unwrap();
    let error = block_on(store.set_component_erased_async(entity, value)).unwrap_err();
    assert!(!error.is_retryable(), "{error}");
    assert!(error.to_string().contains("permission denied for schema"), "{error}");
    exercise(&its);
}

#[test]
fn who_may_read_reads_and_does_not_write() {
    let (_server, url, role, its) = closed();
    exercise(&url);
    let owner = servers::options(&url, "world", "owner").connect().unwrap();
    let entity = block_on(owner.create_async((Title("seen".to_owned()),))).unwrap();
    let grant = format!(
        "grant usage on schema world to {role}; grant select on all tables in schema world to {role}"
    );
    query(&url, &grant).unwrap();
    let store = servers::options(&its, "world", "reader").connect().unwrap();
    Model::of(&owner, 0).assert_same(&store);
    let title: Option<Title> = block_on(store.get_component_async(entity)).unwrap();
    assert_eq!(title, Some(Title("seen".to_owned())));
    assert_eq!(block_on(store.version_async()).unwrap(), block_on(owner.version_async()).unwrap());
    let batch = UpdateBatch::new().destroy(entity);
    let refused = [
        block_on(store.apply_updates_async(&batch, None)).unwrap_err(),
        block_on(store.reserve_ids_async(1)).unwrap_err(),
    ];
    for error in refused {
        assert!(!error.is_retryable(), "{error}");
        assert!(error.to_string().contains("permission denied for table"), "{error}");
    }
    assert!(block_on(owner.entity_exists_async(entity)).unwrap());
}
