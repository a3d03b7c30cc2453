//! What the derives write.

#![forbid(unsafe_code)]
#![deny(private_bounds, private_interfaces)]

use ecs_core::{Bundle, Component as _, ComponentId, ErasedValue};
use ecs_derive::{Bundle, Component};
use serde::{Deserialize, Serialize};

#[derive(Component, Clone, Debug, PartialEq, Serialize, Deserialize)]
#[component(crate = ecs_core)]
struct Plain {
    text: String,
}

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, pod, name = "derive::Bytes")]
#[repr(C)]
struct Bytes(u32);

#[derive(Component)]
#[component(crate = ecs_core, transient)]
enum Bare {
    One,
}

#[derive(Component)]
#[component(crate = ecs_core, transient, track)]
struct Watched;

#[derive(Component)]
#[component(crate = ecs_core, track, transient)]
struct WatchedTag<T>(#[allow(dead_code)] T);

#[derive(Component, Serialize, Deserialize)]
#[component(crate = ecs_core, name = "derive::Tag")]
struct Tag<T>(Vec<T>);

#[derive(Component)]
#[component(crate = ecs_core, transient)]
struct Sized<const N: usize>;

#[derive(Component, Clone, Copy, Debug)]
#[component(crate = ecs_core, transient)]
struct CloneBound<T: Clone>(#[allow(dead_code)] T);

#[derive(Component, Clone, Copy, bytemuck::Pod, bytemuck::Zeroable)]
#[component(crate = ecs_core, pod)]
#[repr(transparent)]
struct Word<T>(T)
where
    T: bytemuck::Pod;

// Parameters with names that the macro uses.
#[derive(Component)]
#[component(crate = ecs_core, transient, name = "derive::Shadow")]
struct Shadow<Probe: ?core::marker::Sized, Component>(
    #[allow(dead_code)] Component,
    #[allow(dead_code)] Box<Probe>,
);

// The engine under another name, which a macro passes on.
mod engine {
    pub(crate) use ecs_core as renamed;
}
macro_rules! marker {
    ($name:ident, $($krate:tt)+) => {
        #[derive(Component)]
        #[component(crate = $($krate)+, transient)]
        struct $name;
    };
}
marker!(Marker, crate::engine::renamed);

#[derive(Bundle)]
#[bundle(crate = ecs_core)]
struct Named {
    plain: Plain,
    more: Pair<Bytes>,
}

/// Public, over private fields: the where-clauses must not leak them.
#[derive(Bundle)]
#[allow(missing_debug_implementations)]
#[bundle(crate = ecs_core)]
pub struct Pair<T>(T, (Bare,));

#[derive(Bundle)]
#[bundle(crate = ecs_core)]
struct Nothing;

fn ids<B: Bundle>() -> Vec<ComponentId> {
    B::COMPONENTS.ids().collect()
}

#[test]
fn names_are_the_type_s_path_or_as_given() {
    assert_eq!(ComponentId::of::<Plain>().info().name(), "derive::Plain");
    assert_eq!(ComponentId::of::<Bytes>().info().name(), "derive::Bytes");
    assert_eq!(ComponentId::of::<Tag<u8>>().info().name(), "derive::Tag<u8>");
    assert_eq!(ComponentId::of::<Sized<7>>().info().name(), "derive::Sized<7>");
    assert_eq!(ComponentId::of::<Shadow<str, u8>>().info().name(), "derive::Shadow<str, u8>");
    assert_eq!(ComponentId::of::<Marker>().info().name(), "derive::Marker");
}

#[test]
fn instances_of_a_generic_component_do_not_share_an_id() {
    assert_ne!(ComponentId::of::<Tag<u8>>(), ComponentId::of::<Tag<String>>());
    assert_ne!(ComponentId::of::<Sized<1>>(), ComponentId::of::<Sized<2>>());
}

#[test]
fn codecs_are_as_asked_for() {
    assert_eq!(ComponentId::of::<Plain>().info().codec().name(), "postcard");
    assert!(ComponentId::of::<Bytes>().info().is_pod());
    assert!(ComponentId::of::<Word<u8>>().info().is_pod());
    assert!(ComponentId::of::<Bare>().info().is_transient());
}

#[test]
fn a_component_is_tracked_if_it_asks_for_it() {
    assert!(Watched::TRACK && ComponentId::of::<Watched>().info().is_tracked());
    assert!(ComponentId::of::<WatchedTag<u8>>().info().is_tracked());
    assert!(!Bare::TRACK && !ComponentId::of::<Bare>().info().is_tracked());
}

#[test]
fn abilities_are_found_where_the_type_has_them() {
    let plain = ErasedValue::new(Plain { text: "a".to_owned() });
    let copy = plain.as_ref().try_clone().unwrap().downcast::<Plain>().unwrap();
    assert_eq!(copy.text, "a");
    assert_eq!(format!("{plain:?}"), "Plain { text: \"a\" }");
    let tag = ErasedValue::new(Tag(vec![1u8]));
    assert!(tag.as_ref().try_clone().is_none());
    assert_eq!(format!("{tag:?}"), "0x0101");
    assert!(!ComponentId::of::<Bare>().info().is_clone());
}

#[test]
fn a_generic_component_has_the_abilities_that_its_bounds_imply() {
    let bounded = ComponentId::of::<CloneBound<u8>>().info();
    assert!(bounded.is_clone());
    // `u8: Debug` is no bound of the type.
    assert_eq!(format!("{:?}", ErasedValue::new(CloneBound(1u8))), "(opaque)");
    assert!(ComponentId::of::<Word<u16>>().info().is_clone());
}

#[test]
fn bundles_list_their_fields_in_order_nested_ones_too() {
    let all = [ComponentId::of::<Plain>(), ComponentId::of::<Bytes>(), ComponentId::of::<Bare>()];
    assert_eq!(ids::<Named>(), all);
    assert_eq!(ids::<Nothing>(), []);
    let bundle = Named { plain: Plain { text: String::new() }, more: Pair(Bytes(1), (Bare::One,)) };
    let values = ecs_core::ErasedBundle::of(bundle).into_values();
    assert_eq!(values.iter().map(ErasedValue::id).collect::<Vec<_>>(), all);
}
