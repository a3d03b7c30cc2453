//! Values of every kind lie in columns of SQL, and come back bit by bit.

mod common;

use std::collections::BTreeMap;

use bytemuck::{Pod, Zeroable};
use ecs_core::{ComponentId, DynamicComponent, EntityId, ErasedValue};
use ecs_derive::{Component, HasSchema};
use ecs_storage_api::{AsyncStorage, RemoteError, UpdateBatch};
use pollster::block_on;
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[component(crate = ecs_core, name = "values::Plain", pod)]
#[repr(C)]
struct Plain {
    big: u128,
    small: [i16; 4],
    entity: u64,
    at: [f32; 3],
    tag: u32,
    inner: Inner,
}

#[derive(HasSchema, Clone, Copy, Debug, PartialEq, Pod, Zeroable)]
#[schema(crate = ecs_core)]
#[repr(C)]
struct Inner {
    depth: f64,
    pair: [[u8; 4]; 2],
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "values::Coded")]
struct Coded {
    name: String,
    letter: char,
    open: bool,
    state: State,
    home: Option<EntityId>,
    list: Vec<Option<f64>>,
    bytes: Vec<u8>,
    words: Vec<String>,
    kept: u64,
    low: i128,
    nested: BTreeMap<String, Vec<Event>>,
    numbered: BTreeMap<u16, f32>,
    twice: Option<Option<u8>>,
    nothing: (),
    path: std::path::PathBuf,
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "values::Described")]
struct Described {
    name: String,
    letter: char,
    open: bool,
    state: State,
    home: Option<EntityId>,
    list: Vec<Option<f64>>,
    bytes: Vec<u8>,
    words: Vec<String>,
    kept: u64,
    low: i128,
    nested: BTreeMap<String, Vec<Event>>,
    numbered: BTreeMap<u16, f32>,
    twice: Option<Option<u8>>,
    nothing: (),
}

#[derive(HasSchema, Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
#[schema(crate = ecs_core)]
enum State {
    Idle,
    Busy,
}

#[derive(HasSchema, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[schema(crate = ecs_core)]
enum Event {
    Start,
    Move { to: f32, by: u128 },
    Say(String),
    Pair(i8, f64),
}

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "values::Health")]
struct Health(f32);

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "values::Marker")]
struct Marker;

fn plain() -> Plain {
    Plain {
        big: u128::MAX - 7,
        small: [-3, 0, 7, i16::MAX],
        entity: u64::MAX,
        at: [f32::from_bits(0x7fc0_0001), -0.0, f32::MIN_POSITIVE],
        inner: Inner { depth: -0.0, pair: [[1, 2, 3, 4], [5, 6, 7, 255]] },
        tag: u32::MAX,
    }
}

fn described() -> Described {
    let events = vec![
        Event::Start,
        Event::Move { to: f32::NEG_INFINITY, by: 1 << 100 },
        Event::Say("\"quoted\" \\ 'text'; -- ü".to_owned()),
        Event::Pair(-5, f64::from_bits(0xfff8_0000_0000_0002)),
    ];
    Described {
        name: "Robert'); drop table \"values::Described\"; --".to_owned(),
        letter: 'ß',
        open: true,
        state: State::Busy,
        home: EntityId::new(4000, 3, 2),
        list: vec![None, Some(f64::NAN), Some(-0.0), Some(1e300)],
        bytes: (0..=255).collect(),
        words: vec![String::new(), "{\"a\",NULL}".to_owned()],
        kept: u64::MAX,
        low: i128::MIN,
        nested: BTreeMap::from([("all".to_owned(), events), (String::new(), Vec::new())]),
        numbered: BTreeMap::from([(0, -0.0), (9, 0.1)]),
        twice: Some(None),
        nothing: (),
    }
}

/// Returns the columns of a table as SQL knows them.
fn columns(schema: &str, table: &str) -> Vec<String> {
    let sql = format!(
        "select attname || ' ' || format_type(atttypid, atttypmod) || \
         case when attnotnull then '' else ' null' end from pg_attribute \
         where attrelid = '\"{schema}\".\"{table}\"'::regclass and attnum > 0 order by attnum"
    );
    let rows = common::server().execute(&sql).unwrap();
    rows.into_iter().map(|row| row[0].clone().unwrap()).collect()
}

/// Compares by bits, as a snapshot would.
fn encoded<C: ecs_core::Component>(value: &C) -> Vec<u8> {
    let mut bytes = Vec::new();
    ecs_core::ErasedRef::new(value).as_slice().encode(&mut bytes).unwrap();
    bytes
}

#[test]
fn values_come_back_bit_by_bit_by_every_way() {
    let store = common::fresh();
    let (one, other) = (plain(), described());
    let batch = UpdateBatch::new().spawn((one, other.clone(), Health(f32::NAN), Marker)).spawn(());
    let made = block_on(store.apply_updates_async(&batch, None)).unwrap().created;
    // As they were spawned, updated, and inserted.
    let again = [
        UpdateBatch::new().update(made[0], one).update(made[0], other.clone()),
        UpdateBatch::new().insert(made[1], (one, other.clone(), Marker)),
    ];
    for batch in &again {
        block_on(store.apply_updates_async(batch, None)).unwrap();
    }
    let (image, _) = block_on(store.image_async()).unwrap();
    let mut found = 0;
    for chunk in image.chunks() {
        for row in 0..chunk.len() {
            let column = |id| chunk.column(id).unwrap().get(row).unwrap();
            let plain = column(ComponentId::of::<Plain>()).downcast::<Plain>().unwrap();
            let described = column(ComponentId::of::<Described>()).downcast::<Described>().unwrap();
            assert_eq!(encoded(plain), encoded(&one));
            assert_eq!(encoded(described), encoded(&other));
            found += 1;
        }
    }
    assert_eq!(found, 2);
    let health = ComponentId::of::<Health>();
    let value = block_on(store.get_component_erased_async(made[0], health)).unwrap().unwrap();
    assert!(value.downcast::<Health>().unwrap().0.is_nan());
}

#[test]
fn fields_are_columns_with_the_types_of_sql() {
    let schema = common::schema();
    let store = common::options().schema(&schema).connect().unwrap();
    let batch = UpdateBatch::new().spawn((plain(), described(), Health(1.0), Marker));
    block_on(store.apply_updates_async(&batch, None)).unwrap();
    assert_eq!(
        columns(&schema, "values::Plain"),
        [
            "entity bigint",
            "big numeric",
            "small smallint[]",
            "entity_ numeric",
            "at real[]",
            "tag bigint",
            "inner jsonb",
        ]
    );
    assert_eq!(
        columns(&schema, "values::Described"),
        [
            "entity bigint",
            "name text",
            "letter text",
            "open boolean",
            "state text",
            "home bigint null",
            "list double precision[]",
            "bytes bytea",
            "words text[]",
            "kept numeric",
            "low numeric",
            "nested jsonb",
            "numbered jsonb",
            "twice jsonb",
        ]
    );
    assert_eq!(columns(&schema, "values::Health"), ["entity bigint", "value real"]);
    assert_eq!(columns(&schema, "values::Marker"), ["entity bigint"]);
    let sql = format!(
        "select small[1], state, nested -> 'all' -> 1 -> 'Move' ->> 'by', kept \
         from \"{schema}\".\"values::Plain\" join \"{schema}\".\"values::Described\" using (entity)"
    );
    let row = &common::server().execute(&sql).unwrap()[0];
    let row: Vec<_> = row.iter().map(|cell| cell.as_deref().unwrap()).collect();
    assert_eq!(row, ["-3", "Busy", "1267650600228229401496703205376", "18446744073709551615"]);
}

#[test]
fn a_value_without_a_description_is_bytes() {
    let schema = common::schema();
    let store = common::options().schema(&schema).connect().unwrap();
    let odd = DynamicComponent::new("values::odd", 5, 1).register().unwrap();
    let none = DynamicComponent::new("values::none", 0, 1).register().unwrap();
    let Described { name, letter, open, state, home, list, bytes, words, kept, low, .. } =
        described();
    let path = "/a/path".into();
    let (nested, numbered) = (BTreeMap::new(), BTreeMap::new());
    let (twice, nothing) = (None, ());
    let coded = Coded {
        name,
        letter,
        open,
        state,
        home,
        list,
        bytes,
        words,
        kept,
        low,
        nested,
        numbered,
        twice,
        nothing,
        path,
    };
    let batch = UpdateBatch::new().spawn(coded.clone());
    let made = block_on(store.apply_updates_async(&batch, None)).unwrap().created[0];
    for value in [
        ErasedValue::from_bytes(odd, &[1, 2, 3, 0, 255]).unwrap(),
        ErasedValue::from_bytes(none, &[]).unwrap(),
    ] {
        block_on(store.set_component_erased_async(made, value)).unwrap();
    }
    assert_eq!(columns(&schema, "values::odd"), ["entity bigint", "value bytea"]);
    assert_eq!(columns(&schema, "values::none"), ["entity bigint"]);
    assert_eq!(columns(&schema, "values::Coded"), ["entity bigint", "value bytea"]);
    let get = |id| block_on(store.get_component_erased_async(made, id)).unwrap().unwrap();
    assert_eq!(get(odd).as_bytes(), Some(&[1, 2, 3, 0, 255][..]));
    assert_eq!(get(none).as_bytes(), Some(&[][..]));
    let came = get(ComponentId::of::<Coded>()).downcast::<Coded>().unwrap();
    assert_eq!(encoded(&came), encoded(&coded));
}

#[test]
fn what_postgresql_can_not_hold_is_an_error_that_names_the_field() {
    let store = common::fresh();
    for (field, value) in [
        ("name", Described { name: "a\0b".to_owned(), ..described() }),
        ("letter", Described { letter: '\0', ..described() }),
        ("words", Described { words: vec!["\0".to_owned()], ..described() }),
        (
            "nested",
            Described { nested: BTreeMap::from([("\0".to_owned(), Vec::new())]), ..described() },
        ),
    ] {
        let batch = UpdateBatch::new().spawn(value);
        let error = block_on(store.apply_updates_async(&batch, None)).unwrap_err();
        assert!(matches!(error, RemoteError::Codec(_)), "{error}");
        let text = error.to_string();
        assert!(text.contains("values::Described") && text.contains(field), "{text}");
    }
    let (image, _) = block_on(store.image_async()).unwrap();
    assert_eq!(image.entities().count(), 0);
}

/// A value of some kilobytes.
#[derive(Component, Clone, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "values::Picture")]
struct Picture(Vec<u8>);

#[test]
fn values_that_are_more_together_than_a_message_holds_go_in_several() {
    const EACH: usize = 100_000;
    let store = common::fresh();
    let mut local = ecs_local::LocalStorage::new(0);
    for n in 0..1_000u32 {
        ecs_storage_api::StorageExt::create(&mut local, Picture(vec![n as u8; EACH])).unwrap();
    }
    let bytes = ecs_storage_api::Storage::snapshot(&local).unwrap();
    block_on(store.restore_async(&bytes, None)).unwrap();
    let hash = ecs_storage_api::state_hash(&local).unwrap();
    let (image, _) = block_on(store.image_async()).unwrap();
    ecs_storage_api::Storage::load(&mut local, image).unwrap();
    assert_eq!(ecs_storage_api::state_hash(&local).unwrap(), hash);
}

#[test]
fn any_time_limit_can_be_given() {
    use std::time::Duration;
    for limit in [Duration::ZERO, Duration::from_secs(40_000), Duration::MAX] {
        let limited = common::options().time_limit(limit).connect();
        match limit {
            // Nobody answers in no time.
            Duration::ZERO => assert!(limited.is_err()),
            _ => drop(block_on(limited.unwrap().create_entity_async()).unwrap()),
        }
    }
}
