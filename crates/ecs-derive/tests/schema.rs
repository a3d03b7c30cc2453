//! What the derives find out of fields.

#![forbid(unsafe_code)]
#![deny(private_bounds, private_interfaces)]
#![allow(dead_code)]

use std::time::Duration;

use ecs_core::{
    ComponentId, Description, DynamicComponent, EntityId, Field, HasSchema, Nesting, Schema,
};
use ecs_derive::{Component, HasSchema};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, pod, name = "schema::Place")]
#[repr(C)]
struct Place {
    x: f32,
    y: f32,
    velocity: Vector,
    r#type: [u8; 4],
}

#[derive(Clone, Copy, HasSchema, bytemuck::Pod, bytemuck::Zeroable)]
#[schema(crate = ecs_core)]
#[repr(C)]
struct Vector(f32, f32);

#[derive(Component)]
#[component(crate = ecs_core, transient)]
enum Order {
    Idle,
    Moving { to: EntityId, within: Option<Duration> },
    Hit(u32, Vector),
}

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "schema::Sheet", transient)]
struct Sheet {
    #[serde(rename(serialize = "titel", deserialize = "titel"), default = "String::new")]
    title: String,
    #[serde(default, skip)]
    cache: u64,
    notes: Vec<u8>,
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    rare: Vec<u8>,
    #[serde(serialize_with = "as_text")]
    number: u64,
    until: std::time::Duration,
}

/// Of the payload of a variant serde is told as of a field.
#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "schema::Message")]
enum Message {
    Plain(u64),
    #[serde(serialize_with = "as_text")]
    Spelled(u64),
}

fn as_text<S: serde::Serializer>(number: &u64, serializer: S) -> Result<S::Ok, S::Error> {
    serializer.collect_str(number)
}

#[derive(Component, Clone, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "schema::Replaced")]
#[serde(from = "u8", into = "u8")]
struct Replaced {
    inside: u64,
}

impl From<u8> for Replaced {
    fn from(inside: u8) -> Self {
        Self { inside: inside.into() }
    }
}

impl From<Replaced> for u8 {
    fn from(replaced: Replaced) -> Self {
        replaced.inside as u8
    }
}

/// Serde would skip a field that is part of the bytes.
#[derive(Component, Clone, Copy, Serialize, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, pod)]
#[repr(C)]
struct Bytes {
    kept: u32,
    #[serde(skip)]
    skipped: u32,
}

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Marker;

#[derive(Component)]
#[component(crate = ecs_core, transient)]
enum Tree {
    Leaf(Place),
    Fork(Box<Self>, Vec<Tree>),
}

#[derive(HasSchema)]
#[schema(crate = ecs_core)]
struct Pair<T>(T, Option<T>);

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Holder {
    pair: Pair<u8>,
    opaque: Pair<Duration>,
    function: fn(&str, u8) -> Result<(), &'static str>,
    blank: Box<dyn Send + Sync>,
}

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Tag<T: Send, const N: usize>([u8; N], Vec<T>);

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Known<T: ecs_core::HasSchema>(Vec<T>);

#[derive(Component)]
#[component(crate = ecs_core, transient)]
union Either {
    whole: u32,
    bytes: [u8; 4],
}

macro_rules! captured {
    ($name:ident, $ty:ty) => {
        #[derive(Component)]
        #[component(crate = ecs_core, transient)]
        struct $name(Option<$ty>, $ty);
    };
}
captured!(Captured, std::time::Duration);

fn text<C: ecs_core::Component>() -> String {
    ComponentId::of::<C>().info().schema().unwrap().to_string()
}

#[test]
fn a_struct_tells_its_fields_and_those_of_types_that_join_in() {
    assert_eq!(text::<Place>(), "{x: f32, y: f32, velocity: (f32, f32), type: [u8; 4]}");
    assert_eq!(text::<Marker>(), "()");
}

#[test]
fn fields_of_structs_know_their_place() {
    let schema = ComponentId::of::<Place>().info().schema().unwrap();
    let place = |field: &Field| (field.name.clone(), field.offset.unwrap());
    let places: Vec<_> = schema.fields().iter().map(place).collect();
    let wanted = [("x", 0), ("y", 4), ("velocity", 8), ("type", 16)];
    assert_eq!(places, wanted.map(|(name, offset)| (name.to_owned(), offset)));
    let inner: Vec<_> = schema.fields()[2].schema.fields().iter().map(place).collect();
    assert_eq!(inner, [("0".to_owned(), 0), ("1".to_owned(), 4)]);
}

#[test]
fn an_enum_tells_its_variants() {
    let wanted = "enum {Idle, Moving {to: entity, within: opaque(Option<Duration>)}, \
                  Hit(u32, (f32, f32))}";
    assert_eq!(text::<Order>(), wanted);
}

#[test]
fn what_serde_is_told_counts_where_serde_writes() {
    let wanted = "{title: string, notes: list<u8>, rare: opaque(Vec<u8>), number: opaque(u64), \
                  until: opaque(std::time::Duration)}";
    assert_eq!(text::<Sheet>(), wanted);
    assert_eq!(text::<Message>(), "enum {Plain(u64), Spelled opaque(Spelled)}");
    assert_eq!(text::<Replaced>(), "opaque(Replaced)");
    assert_eq!(text::<Bytes>(), "{kept: u32, skipped: u32}");
}

#[test]
fn a_type_inside_itself_is_opaque() {
    let place = text::<Place>();
    assert_eq!(
        text::<Tree>(),
        format!("enum {{Leaf({place}), Fork(opaque(Tree), list<opaque(Tree)>)}}")
    );
}

#[test]
fn types_that_say_nothing_are_named_as_they_were_written() {
    let wanted = "{pair: (u8, option<u8>), opaque: opaque(Pair<Duration>), \
                  function: opaque(fn(&str, u8)->Result<(), &'static str>), \
                  blank: opaque(Box<dyn Send+Sync>)}";
    assert_eq!(text::<Holder>(), wanted);
    assert_eq!(text::<Either>(), "opaque(Either)");
    let wanted = "(opaque(Option<std::time::Duration>), opaque(std::time::Duration))";
    assert_eq!(text::<Captured>(), wanted);
}

#[test]
fn a_parameter_is_described_where_the_bounds_of_the_type_imply_it() {
    assert_eq!(text::<Tag<u8, 3>>(), "([u8; 3], opaque(Vec<T>))");
    assert_eq!(text::<Known<u8>>(), "(list<u8>)");
    assert_eq!(
        Schema::of::<Pair<Pair<bool>>>().to_string(),
        "((bool, option<bool>), option<(bool, option<bool>)>)"
    );
}

#[test]
fn a_description_by_hand_has_a_schema_if_it_says_so() {
    struct Bare;
    impl ecs_core::Component for Bare {
        fn describe() -> Description<Self> {
            Description::transient("schema::Bare")
        }
    }
    struct Told;
    impl HasSchema for Told {
        fn schema(_: &mut Nesting) -> Schema {
            Schema::Struct(vec![Field::new("by_hand", Schema::Bool)])
        }
    }
    impl ecs_core::Component for Told {
        fn describe() -> Description<Self> {
            Description::transient("schema::Told").with_schema()
        }
    }
    assert_eq!(ComponentId::of::<Bare>().info().schema(), None);
    assert_eq!(text::<Told>(), "{by_hand: bool}");
    let dynamic = DynamicComponent::new("schema::Dynamic", 4, 4).register().unwrap();
    assert_eq!(dynamic.info().schema(), None);
}

#[test]
fn a_component_is_a_field_like_others() {
    assert_eq!(Schema::of::<Option<Place>>().to_string(), format!("option<{}>", text::<Place>()));
}
