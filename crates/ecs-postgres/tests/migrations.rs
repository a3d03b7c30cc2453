//! Components that have changed since their tables were made.

mod common;

use ecs_core::ComponentId;
use ecs_derive::Component;
use ecs_postgres::{ComponentError, ConnectError};
use ecs_storage_api::snapshot::ReadOptions;
use ecs_storage_api::{
    AsyncStorage, Comparison, RemoteError, RemoteQuery, StorageExt, UpdateBatch, snapshot,
};
use futures_util::StreamExt;
use pollster::block_on;
use serde::{Deserialize, Serialize};

/// What the component was two years ago.
#[derive(Component, Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, name = "migrations::Mana", pod)]
#[repr(C)]
struct ManaV1 {
    amount: u16,
}

/// What it was a year ago.
#[derive(Component, Clone, Debug, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Mana")]
struct ManaV2 {
    amount: f32,
    school: String,
}

/// What it is.
#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Mana")]
struct Mana {
    amount: f64,
    school: Option<String>,
}

/// Says that it is another process that looks at the store: one that knows the
/// component as `C`. In one process a name belongs to one type.
fn pretend(schema: &str, old: &str, columns: &str, rows: &str) {
    let at = |table: &str| format!("\"{schema}\".\"{table}\"");
    let (codec, size, text) = match old {
        "v1" => ("pod", 2, "{amount: u16}"),
        _ => ("postcard", 0, "{amount: f32, school: string}"),
    };
    let sql = format!(
        "insert into {} (name, \"table\", codec, size, schema) values \
         ('migrations::Mana', 'migrations::Mana', '{codec}', {size}, '{text}'); \
         create table {table} (entity bigint primary key, {columns}); \
         insert into {table} {rows}",
        at("_component"),
        table = at("migrations::Mana"),
    );
    common::server().execute(&sql).unwrap();
}

fn steps() -> ReadOptions {
    ReadOptions::new()
        .migrate(|old: ManaV1| ManaV2 { amount: old.amount.into(), school: "none".to_owned() })
        .migrate(|old: ManaV2| Mana {
            amount: old.amount.into(),
            school: (old.school != "none").then_some(old.school),
        })
}

#[test]
fn tables_of_old_forms_are_migrated_in_chains() {
    let mana = ComponentId::of::<Mana>();
    for (form, columns, rows, school) in [
        ("v1", "amount integer not null", "select entity, 7 from {}", None),
        (
            "v2",
            "amount real not null, school text not null",
            "select entity, 7, 'fire' from {}",
            Some("fire".to_owned()),
        ),
    ] {
        let schema = common::schema();
        let options = common::options().schema(&schema);
        let store = options.clone().connect().unwrap();
        let batch = (0..10).fold(UpdateBatch::new(), |batch, _| batch.spawn(()));
        block_on(store.apply_updates_async(&batch, None)).unwrap();
        let before = block_on(store.version_async()).unwrap();
        let entities = format!("\"{schema}\"._entity");
        pretend(&schema, form, columns, &rows.replace("{}", &entities));
        let table = format!("\"{schema}\".\"migrations::Mana\"");
        common::server().execute(&format!("grant select on {table} to public")).unwrap();

        // Not without saying how.
        let Err(ConnectError::Remote(error)) = options.clone().connect() else { panic!() };
        let RemoteError::Backend(inner) = &error else { panic!("{error}") };
        let changed = inner.get_ref().downcast_ref::<ComponentError>();
        assert!(matches!(changed, Some(ComponentError::Changed { .. })), "{error}");
        assert!(error.to_string().contains("migrations::Mana"), "{error}");

        let migrated = options.clone().migrations(steps()).connect().unwrap();
        // What was allowed before is allowed.
        let allowed = format!(
            "select has_table_privilege('public', '\"{schema}\".\"migrations::Mana\"', 'select')"
        );
        let allowed = common::server().execute(&allowed).unwrap();
        assert_eq!(allowed, [["t"].map(|cell| Some(cell.to_owned()))]);
        // Who had it open is to open it anew.
        let query = RemoteQuery::new().read::<Mana>();
        let read = block_on(store.query_erased_async(query).next()).unwrap();
        assert!(read.unwrap_err().to_string().contains("opened anew"));
        let error = block_on(store.create_entity_async()).unwrap_err();
        assert!(error.to_string().contains("opened anew"), "{error}");
        assert!(block_on(store.image_async()).is_err());
        assert!(block_on(migrated.version_async()).unwrap() > before);
        let (image, _) = block_on(migrated.image_async()).unwrap();
        let mut local = ecs_local::LocalStorage::new(0);
        ecs_storage_api::Storage::load(&mut local, image).unwrap();
        let expected = Mana { amount: 7.0, school };
        let found: Vec<_> = local.query::<&Mana>().into_iter().collect();
        assert_eq!(found.len(), 10);
        assert!(found.iter().all(|(_, mana)| **mana == expected));
        // Again there is nothing to do, and other processes find it done.
        options.clone().migrations(steps()).connect().unwrap();
        let again = options.connect().unwrap();
        let one = local.query::<&Mana>().into_iter().next().unwrap().0;
        assert!(block_on(again.has_component_erased_async(one, mana)).unwrap());
    }
}

/// What a tide was, what it was for a while, and what it is: what it was.
#[derive(Component, Clone, Copy, Debug, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, name = "migrations::Tide", pod)]
#[repr(C)]
struct TideV1 {
    height: u32,
}

#[derive(Component, Clone, Debug, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Tide")]
struct TideV2 {
    height: f32,
}

#[derive(Component, Clone, Copy, Debug, PartialEq, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, name = "migrations::Tide", pod)]
#[repr(C)]
struct Tide {
    height: u32,
}

#[test]
fn a_table_in_the_present_form_stays_as_it_is_even_if_a_step_begins_there() {
    let tide = ComponentId::of::<Tide>();
    let options = common::options();
    let store = options.clone().connect().unwrap();
    let made = UpdateBatch::new().spawn(Tide { height: 5 });
    let made = block_on(store.apply_updates_async(&made, None)).unwrap().created[0];
    let steps = ReadOptions::new()
        .migrate(|old: TideV1| TideV2 { height: old.height as f32 + 1.0 })
        .migrate(|old: TideV2| Tide { height: old.height as u32 });
    let opened = options.migrations(steps).connect().unwrap();
    for store in [&store, &opened] {
        let value = block_on(store.get_component_erased_async(made, tide)).unwrap().unwrap();
        assert_eq!(value.downcast::<Tide>().unwrap(), Tide { height: 5 });
    }
}

#[test]
fn a_table_whose_values_would_be_transient_here_stays_too() {
    /// What the component became.
    #[derive(Component)]
    #[component(crate = ecs_core, name = "migrations::Haze", transient)]
    struct Haze(());

    let _ = (ComponentId::of::<Mana>(), ComponentId::of::<Haze>());
    let schema = common::schema();
    let options = common::options().schema(&schema);
    options.clone().connect().unwrap();
    pretend(&schema, "v1", "amount integer not null", "values (1, 7)");
    let steps = ReadOptions::new().migrate(|_: ManaV1| Haze(()));
    let error = options.migrations(steps).connect().unwrap_err().to_string();
    // As without a step: the present form is another one.
    assert!(error.contains("migrations::Mana"), "{error}");
}

#[test]
fn a_table_that_somebody_altered_is_named_with_both_lists_of_columns() {
    ComponentId::of::<Mana>();
    let options = common::options();
    let schema = common::schema();
    let options = options.schema(&schema);
    let store = options.clone().connect().unwrap();
    let value = Mana { amount: 1.0, school: None };
    block_on(store.apply_updates_async(&UpdateBatch::new().spawn(value), None)).unwrap();
    let alter = format!("alter table \"{schema}\".\"migrations::Mana\" add column note text");
    common::server().execute(&alter).unwrap();
    let error = options.connect().unwrap_err().to_string();
    assert!(error.contains("\"note\" text") && error.contains("\"school\" text"), "{error}");
}

#[test]
fn snapshots_go_both_ways_between_files_and_databases() {
    let (one, other) = (common::fresh(), common::fresh());
    let mut local = ecs_local::LocalStorage::new(0);
    for n in 0..50 {
        let school = (n % 3 == 0).then(|| format!("school {n}"));
        local.create(Mana { amount: n.into(), school }).unwrap();
    }
    let hash = ecs_storage_api::state_hash(&local).unwrap();
    let bytes = ecs_storage_api::Storage::snapshot(&local).unwrap();
    block_on(one.restore_async(&bytes, None)).unwrap();
    let bytes = block_on(one.snapshot_async()).unwrap();
    block_on(other.restore_async(&bytes, None)).unwrap();
    let bytes = block_on(other.snapshot_async()).unwrap();
    let mut back = ecs_archetype::ArchetypeStorage::new(0);
    ecs_storage_api::Storage::load(&mut back, snapshot::read(&bytes).unwrap()).unwrap();
    assert_eq!(ecs_storage_api::state_hash(&back).unwrap(), hash);
}

#[test]
fn who_knows_old_forms_is_refused_where_no_row_is_found_too() {
    let schema = common::schema();
    let store = common::options().schema(&schema).connect().unwrap();
    let mana = Mana { amount: 1.0, school: None };
    block_on(store.apply_updates_async(&UpdateBatch::new().spawn(mana), None)).unwrap();
    let poor = || RemoteQuery::new().compare::<Mana>("amount", Comparison::Less, 0.0);
    let ask = |query| block_on(store.query_erased_async(query).next());
    assert!(ask(poor()).is_none());
    // Another process migrates a component.
    let migrated = format!("update \"{schema}\".\"_store\" set migrations = migrations + 1");
    common::server().execute(&migrated).unwrap();
    for query in [poor(), RemoteQuery::new().read::<Mana>()] {
        let error = ask(query).unwrap().unwrap_err();
        assert!(error.to_string().contains("migrated"), "{error}");
    }
}

/// What mana is called in another program.
#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "migrations::Magic")]
struct Magic {
    amount: u32,
}

#[test]
fn a_component_that_would_become_one_with_a_table_is_named_with_it() {
    let schema = common::schema();
    let options = common::options().schema(&schema);
    let store = options.clone().connect().unwrap();
    let magic = UpdateBatch::new().spawn(Magic { amount: 1 });
    block_on(store.apply_updates_async(&magic, None)).unwrap();
    pretend(&schema, "v1", "amount integer not null", "values (1, 7)");
    let steps = ReadOptions::new().migrate(|old: ManaV1| Magic { amount: old.amount.into() });
    let error = options.migrations(steps).connect().unwrap_err().to_string();
    assert!(error.contains("`migrations::Mana` is to become `migrations::Magic`"), "{error}");
    let kept = format!("select count(*) from \"{schema}\".\"migrations::Mana\"");
    let kept = common::server().execute(&kept).unwrap();
    assert_eq!(kept, [["1"].map(|cell| Some(cell.to_owned()))], "nothing is lost");
}
