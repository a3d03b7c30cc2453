//! Components as columns.

#![forbid(unsafe_code)]

use std::collections::BTreeMap;
use std::time::Duration;

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Float64Type, Int32Type, Int64Type, UInt8Type, UInt64Type};
use arrow_array::{Array, ArrayRef, RecordBatch};
use ecs::prelude::*;
use ecs::{DynamicComponent, ErasedValue, HasSchema, LocalStorage, Storage};
use ecs_arrow::{Export, ExportError, arrow_array};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(pod, name = "export::Body")]
#[repr(C)]
struct Body {
    at: Vector,
    kind: u64,
    corners: [[Vector; 2]; 1],
    large: i128,
}

#[derive(Clone, Copy, HasSchema, bytemuck::Pod, bytemuck::Zeroable)]
#[repr(C)]
struct Vector {
    x: f32,
    y: f32,
}

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(pod, name = "export::Mass")]
#[repr(transparent)]
struct Mass(f64);

#[derive(Component, Serialize, Deserialize)]
#[component(name = "export::Sheet")]
struct Sheet {
    title: String,
    initial: char,
    #[serde(skip)]
    #[allow(dead_code)]
    cache: u64,
    parent: Option<EntityId>,
    marks: Vec<Option<u8>>,
    counts: BTreeMap<String, i64>,
    pair: (bool, Option<Point>),
    nothing: (),
}

#[derive(HasSchema, Serialize, Deserialize)]
struct Point {
    z: i32,
}

#[derive(Component, Serialize, Deserialize)]
#[component(name = "export::Mood")]
enum Mood {
    Calm,
    Angry,
}

#[derive(Component, Serialize, Deserialize)]
#[component(name = "export::Order")]
enum Order {
    Wait,
    Go { to: EntityId, fast: bool },
    Say(String),
}

#[derive(Component)]
#[component(transient, name = "export::Selected")]
struct Selected;

fn column<'b>(batch: &'b RecordBatch, name: &str) -> &'b ArrayRef {
    batch.column_by_name(name).unwrap_or_else(|| panic!("no {name} in {:?}", batch.schema()))
}

fn names(export: &Export) -> Vec<&str> {
    export.schema().fields().iter().map(|field| field.name().as_str()).collect()
}

fn body(n: u8) -> Body {
    let f = f32::from(n);
    let corner = |x| Vector { x, y: -x };
    Body {
        at: Vector { x: f, y: f + 0.5 },
        kind: n.into(),
        corners: [[corner(f), corner(f + 1.0)]],
        large: -i128::from(n),
    }
}

#[test]
fn plain_bytes_become_a_column_a_field() {
    let mut world = World::new();
    let ids: Vec<_> = (0..3).map(|n| world.spawn((body(n), Mass(f64::from(n))))).collect();
    let mut export = Export::of::<(&Body, &Mass)>().unwrap();
    let wanted =
        ["entity", "Body.at.x", "Body.at.y", "Body.kind", "Body.corners", "Body.large", "Mass"];
    assert_eq!(names(&export), wanted);
    let batches = export.read(world.storage()).unwrap();
    let [batch] = &*batches else { panic!("one batch") };
    let bits: Vec<_> = ids.iter().map(|id| id.to_bits()).collect();
    assert_eq!(column(batch, "entity").as_primitive::<UInt64Type>().values(), &bits[..]);
    assert_eq!(column(batch, "Body.at.y").as_primitive::<Float32Type>().values(), &[0.5, 1.5, 2.5]);
    assert_eq!(column(batch, "Body.kind").as_primitive::<UInt64Type>().values(), &[0, 1, 2]);
    assert_eq!(column(batch, "Mass").as_primitive::<Float64Type>().values(), &[0.0, 1.0, 2.0]);
    assert_eq!(column(batch, "Body.large").as_string::<i32>().value(2), "-2");
    let corners = column(batch, "Body.corners").as_fixed_size_list();
    let corners = corners.values().as_fixed_size_list().values().as_struct();
    let y = corners.column_by_name("y").unwrap();
    let wanted = [0.0, -1.0, -1.0, -2.0, -2.0, -3.0];
    assert_eq!(y.as_primitive::<Float32Type>().values(), &wanted);
    assert!(batch.schema().fields().iter().all(|field| !field.is_nullable()));
}

#[test]
fn what_serde_writes_becomes_columns_with_nulls_where_values_are_missing() {
    let mut world = World::new();
    let parent = world.spawn(());
    let sheet = |title: &str, parent, z: Option<i32>| Sheet {
        title: title.to_owned(),
        initial: 'ß',
        cache: 1,
        parent,
        marks: vec![Some(1), None],
        counts: BTreeMap::from([("a".to_owned(), -1)]),
        pair: (true, z.map(|z| Point { z })),
        nothing: (),
    };
    world.spawn(sheet("one", Some(parent), None));
    world.spawn(sheet("", None, Some(-7)));
    let mut export = Export::of::<&Sheet>().unwrap();
    let wanted = ["title", "initial", "parent", "marks", "counts", "pair.0", "pair.1"];
    assert_eq!(names(&export)[1..], wanted.map(|name| format!("Sheet.{name}")));
    let batch = export.read(world.storage()).unwrap().remove(0);
    let titles = column(&batch, "Sheet.title").as_string::<i32>();
    assert_eq!(titles.iter().collect::<Vec<_>>(), [Some("one"), Some("")]);
    assert_eq!(column(&batch, "Sheet.initial").as_string::<i32>().value(1), "ß");
    let parents = column(&batch, "Sheet.parent").as_primitive::<UInt64Type>();
    assert_eq!(parents.iter().collect::<Vec<_>>(), [Some(parent.to_bits()), None]);
    let marks = column(&batch, "Sheet.marks").as_list::<i32>().value(1);
    let marks: Vec<_> = marks.as_primitive::<UInt8Type>().iter().collect();
    assert_eq!(marks, [Some(1), None]);
    let counts = column(&batch, "Sheet.counts").as_map().value(0);
    assert_eq!(counts.column(1).as_primitive::<Int64Type>().values(), &[-1]);
    assert!(column(&batch, "Sheet.pair.0").as_boolean().value(0));
    let points = column(&batch, "Sheet.pair.1").as_struct();
    assert!(points.is_null(0) && points.is_valid(1));
    assert_eq!(points.column(0).as_primitive::<Int32Type>().value(1), -7);
}

#[test]
fn enums_become_dictionaries_beside_what_their_variants_hold() {
    let mut world = World::new();
    let to = world.spawn(());
    world.spawn((Mood::Angry, Order::Go { to, fast: true }));
    world.spawn((Mood::Calm, Order::Wait));
    world.spawn((Mood::Angry, Order::Say("hey".to_owned())));
    let mut export = Export::of::<(&Mood, &Order)>().unwrap();
    assert_eq!(names(&export)[1..], ["Mood", "Order.variant", "Order.Go", "Order.Say"]);
    let batch = export.read(world.storage()).unwrap().remove(0);
    let chosen = |name: &str| -> Vec<String> {
        let choices = column(&batch, name).as_dictionary::<Int32Type>();
        let choices = choices.downcast_dict::<arrow_array::StringArray>().unwrap();
        choices.into_iter().map(|choice| choice.unwrap().to_owned()).collect()
    };
    assert_eq!(chosen("Mood"), ["Angry", "Calm", "Angry"]);
    assert_eq!(chosen("Order.variant"), ["Go", "Wait", "Say"]);
    let go = column(&batch, "Order.Go").as_struct();
    assert_eq!((go.is_valid(0), go.null_count()), (true, 2));
    assert_eq!(go.column(0).as_primitive::<UInt64Type>().value(0), to.to_bits());
    let say = column(&batch, "Order.Say").as_string::<i32>();
    assert_eq!(say.iter().collect::<Vec<_>>(), [None, None, Some("hey")]);
}

#[test]
fn a_component_that_not_all_have_is_null_where_it_is_missing() {
    let mut world = World::new();
    world.spawn(Mass(1.0));
    world.spawn((Mass(2.0), body(7), Mood::Calm, Selected));
    let mut export =
        Export::of::<(&Mass, Option<&Body>, Option<&Mood>, Option<&Selected>)>().unwrap();
    let batch = export.read(world.storage()).unwrap().remove(0);
    assert_eq!(batch.num_rows(), 2);
    for name in ["Body.at.x", "Body.kind", "Body.corners", "Mood"] {
        assert_eq!(column(&batch, name).null_count(), 1, "{name}");
        assert!(batch.schema().field_with_name(name).unwrap().is_nullable());
    }
    let selected = column(&batch, "Selected").as_boolean();
    assert_eq!(selected.iter().collect::<Vec<_>>(), [Some(false), Some(true)]);
    assert!(!batch.schema().field_with_name("Selected").unwrap().is_nullable());
    assert_eq!(column(&batch, "Mass").null_count(), 0);
}

#[test]
fn batches_are_full_whatever_the_chunks_are() {
    let mut world = World::with_storage(LocalStorage::new(0));
    for n in 0..5u8 {
        world.spawn((Mass(n.into()), Mood::Calm));
        world.spawn(Mass(n.into()));
    }
    let mut export = Export::of::<&Mass>().unwrap().batch_rows(4);
    let rows = |batches: Vec<RecordBatch>| batches.iter().map(|b| b.num_rows()).collect::<Vec<_>>();
    assert_eq!(rows(export.read(world.storage()).unwrap()), [4, 4, 2]);
    let mut filtered = Export::filtered::<&Mass, Without<Mood>>().unwrap();
    assert_eq!(rows(filtered.read(world.storage()).unwrap()), [5]);
}

#[test]
fn an_empty_result_has_no_batch_and_a_schema() {
    let mut export = Export::of::<(&Sheet, &Order)>().unwrap();
    assert!(export.read(World::new().storage()).unwrap().is_empty());
    assert_eq!(export.schema().fields().len(), 11);
}

#[test]
fn a_field_tells_of_which_component_it_is() {
    let export = Export::of::<&Mass>().unwrap();
    let metadata = export.schema().field(1).metadata();
    assert_eq!(metadata["ecs.component"], "export::Mass");
    assert_eq!(metadata["ecs.schema"], "(f64)");
}

#[test]
fn components_are_found_by_name_those_without_a_type_too() {
    let mana = DynamicComponent::new("export::Mana", 3, 1).register().unwrap();
    ComponentId::of::<Mass>();
    let mut world = World::new();
    let wizard = world.spawn(Mass(1.5));
    let value = ErasedValue::from_bytes(mana, &[1, 2, 3]).unwrap();
    world.storage_mut().set_component_erased(wizard, value).unwrap();
    let mut export = Export::of_names(["export::Mana", "export::Mass"]).unwrap();
    let batch = export.read(world.storage()).unwrap().remove(0);
    assert_eq!(column(&batch, "Mana").as_fixed_size_binary().value(0), [1, 2, 3]);
    assert_eq!(column(&batch, "Mass").as_primitive::<Float64Type>().values(), &[1.5]);
    let error = Export::of_names(["export::Nobody"]).unwrap_err();
    assert_eq!(error.to_string(), "there is no component `export::Nobody`");
}

#[derive(Component, Serialize, Deserialize)]
#[component(name = "export::Timer")]
struct Timer {
    left: Left,
}

#[derive(HasSchema, Serialize, Deserialize)]
struct Left(u8, Duration);

#[derive(Component)]
#[component(transient, name = "export::Cache")]
struct Cache(#[allow(dead_code)] u8);

#[derive(Component, Serialize, Deserialize)]
#[component(name = "export::Twice")]
struct Twice {
    maybe: Option<Option<u8>>,
}

/// Says that it is something else than it is.
#[derive(Serialize, Deserialize)]
struct Liar(u32, u32);

impl HasSchema for Liar {
    fn schema(_: &mut ecs::Nesting) -> ecs::Schema {
        ecs::Schema::String
    }
}

impl Component for Liar {
    fn describe() -> ecs::Description<Self> {
        ecs::Description::persistent("export::Liar").with_schema()
    }
}

mod other {
    #[derive(ecs::Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
    #[component(pod, name = "other::Mass")]
    #[repr(transparent)]
    pub(crate) struct Mass(u8);
}

#[test]
fn what_can_t_be_a_column_is_named_with_its_field() {
    let error = |result: Result<Export, ExportError>| result.unwrap_err().to_string();
    let timer = error(Export::of::<&Timer>());
    assert!(
        timer.contains("`export::Timer`") && timer.contains("`Timer.left.1`, a `Duration`"),
        "{timer}"
    );
    let twice = error(Export::of::<&Twice>());
    assert!(twice.contains("`Twice.maybe` can't be a column"), "{twice}");
    let cache = error(Export::of::<&Cache>());
    assert!(cache.contains("`export::Cache` is transient"), "{cache}");
}

/// Nullable by what it consists of.
#[derive(HasSchema, Serialize, Deserialize, PartialEq, Eq, PartialOrd, Ord)]
struct Wrapped(Option<u8>);

#[derive(Component, Serialize, Deserialize)]
#[component(name = "export::Inside")]
struct Inside {
    maybe: Option<Wrapped>,
}

#[derive(Component, Serialize, Deserialize)]
#[component(name = "export::Keyed")]
struct Keyed {
    map: std::collections::BTreeMap<Wrapped, u8>,
}

#[derive(HasSchema, Serialize, Deserialize)]
#[expect(non_camel_case_types, reason = "a name that the columns take as well")]
enum Kind {
    Plain,
    variant(u8),
}

#[derive(Component, Serialize, Deserialize)]
#[component(name = "export::Kinds")]
struct Kinds {
    kind: Kind,
}

#[test]
fn two_nulls_null_keys_and_two_fields_of_one_name_are_refused_wherever_they_are() {
    let refused = |result: Result<Export, ExportError>, field: &str, words: &str| {
        let error = result.unwrap_err().to_string();
        assert!(error.contains(field) && error.contains(words), "{error}");
    };
    refused(Export::of::<&Inside>(), "`Inside.maybe`", "two nulls");
    refused(Export::of::<&Keyed>(), "`Keyed.map`", "a key can't be null");
    refused(Export::of::<&Kinds>(), "`Kinds.kind`", "is called `variant`");
}

#[test]
fn values_that_are_not_what_their_schema_says_are_refused() {
    let mut world = World::new();
    world.spawn(Liar(1, 200));
    let error = Export::of::<&Liar>().unwrap().read(world.storage()).unwrap_err();
    assert!(error.to_string().contains("`export::Liar`"), "{error}");
    assert!(matches!(error, ExportError::Misread { .. }));
}

#[test]
fn two_columns_of_one_name_are_refused_until_one_is_renamed() {
    let error = Export::of::<(&Mass, &Mass)>().unwrap_err();
    assert!(matches!(error, ExportError::NameTaken { name } if name == "Mass"));
    let error = Export::of::<(&Mass, &other::Mass)>().unwrap_err();
    assert!(matches!(error, ExportError::NameTaken { .. }));
    let export = Export::of::<&Mass>().unwrap();
    let export = export.rename(ComponentId::of::<Mass>(), "mass").unwrap();
    assert_eq!(names(&export), ["entity", "mass"]);
    assert!(export.rename(ComponentId::of::<Mass>(), "entity").is_err());
}
