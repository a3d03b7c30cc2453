//! `#[derive(Component)]`, `#[derive(Bundle)]`, `#[derive(HasSchema)]` and
//! `#[derive(SystemParam)]`.
//!
//! What they write needs no unsafe code, and names everything through one
//! crate: `ecs` unless `crate = path` says otherwise.

#![forbid(unsafe_code)]

mod bundle;
mod component;
mod refusal;
mod schema;
mod system_param;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a struct, enum or union a component.
///
/// By default its values are persisted through serde, under the name
/// `module::Type`. Attributes, in `#[component(…)]`:
/// - `name = "…"`: the stable name that files and other processes know the
///   component by. Give one to whatever is saved, since the default changes
///   when the type moves.
/// - `pod`: values are plain bytes (`bytemuck::Pod`) and persisted as such.
/// - `transient`: values are not persisted, and need neither.
/// - `track`: storages remember of each value when it changed and when it came,
///   so that `Changed` and `Added` find exactly those, and which entities lost
///   the component. See `Component::TRACK` for what it costs.
/// - `crate = path`: where the engine is found, if not at `::ecs::__core`.
///
/// Whether values can be cloned and printed is found out: a type that is
/// `Clone` or `Debug` needs to say no more.
///
/// What values consist of is found out too: `ComponentInfo::schema` tells the
/// fields, and the derive writes `HasSchema`, so that a component can be a field
/// of another type. It asks nothing of the types of fields: one that says nothing
/// of itself is opaque, and `#[derive(HasSchema)]` opens it. What serde is told of
/// fields counts as there, except with `pod`.
///
/// # Generic types
/// Every instance is a component of its own, named with its arguments:
/// `name<u8>`. Three things differ from plain types:
/// - Types among the arguments are spelled by `std::any::type_name`, whose
///   output may change with the compiler; what outlives a build is better
///   given a plain type.
/// - Its id is looked up in a map instead of being read from a `static`.
/// - `Clone`, `Debug` and `HasSchema` count only where the type's own bounds imply
///   them: `struct Tag<T: Clone>(T)` can be cloned, `struct Tag<T>(T)` cannot.
///
/// # Example
/// ```
/// use ecs_core::ComponentId;
/// use ecs_derive::Component;
/// use serde::{Deserialize, Serialize};
///
/// #[derive(Component, Serialize, Deserialize)]
/// #[component(crate = ecs_core, name = "demo::Name")]
/// struct Name(String);
///
/// #[derive(Component)]
/// #[component(crate = ecs_core, transient)]
/// struct Selected;
///
/// assert_eq!(ComponentId::of::<Name>().info().name(), "demo::Name");
/// assert!(ComponentId::of::<Selected>().info().is_transient());
/// ```
#[proc_macro_derive(Component, attributes(component))]
pub fn derive_component(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    component::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct a bundle: its fields are components or bundles, added
/// together in their order.
///
/// A component is a bundle already; a type derives one or the other.
/// `#[bundle(crate = path)]` says where the engine is found, if not at
/// `::ecs::__core`.
///
/// # Example
/// ```
/// use ecs_core::{Bundle, ComponentId};
/// use ecs_derive::{Bundle, Component};
///
/// #[derive(Component)]
/// #[component(crate = ecs_core, transient)]
/// struct Place(f32);
///
/// #[derive(Component)]
/// #[component(crate = ecs_core, transient)]
/// struct Speed(f32);
///
/// #[derive(Bundle)]
/// #[bundle(crate = ecs_core)]
/// struct Mover {
///     place: Place,
///     speed: Speed,
/// }
///
/// let ids: Vec<_> = Mover::COMPONENTS.ids().collect();
/// assert_eq!(ids, [ComponentId::of::<Place>(), ComponentId::of::<Speed>()]);
/// ```
#[proc_macro_derive(Bundle, attributes(bundle))]
pub fn derive_bundle(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    bundle::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Lets a struct or enum say what its values consist of, so that a component of
/// which it is a field has no blank there.
///
/// A component has that already; a type derives one or the other. Types of fields
/// that say nothing of themselves are `Schema::Opaque`, as is a union. In a generic
/// type the parameters must be `HasSchema`. `#[schema(crate = path)]` says where
/// the engine is found, if not at `::ecs::__core`.
///
/// # What serde is told
/// Fields with `skip` or `skip_serializing` are left out. Fields that serde writes
/// in another form (`with`, `serialize_with`, `flatten`) or not always
/// (`skip_serializing_if`) are opaque, and so are types that it does (`into`,
/// `remote`, `tag`, `untagged`). `rename` and the rest are not read: names are
/// those in Rust. Of a `Serialize` by hand nothing is known.
///
/// # Example
/// ```
/// use ecs_core::{ComponentId, Schema};
/// use ecs_derive::{Component, HasSchema};
///
/// #[derive(HasSchema)]
/// #[schema(crate = ecs_core)]
/// struct Vector {
///     x: f32,
///     y: f32,
/// }
///
/// #[derive(Component)]
/// #[component(crate = ecs_core, transient)]
/// enum Order {
///     Wait,
///     Go { to: Vector },
/// }
///
/// assert_eq!(Schema::of::<Vector>().to_string(), "{x: f32, y: f32}");
/// let order = ComponentId::of::<Order>().info().schema().unwrap();
/// assert_eq!(order.to_string(), "enum {Wait, Go {to: {x: f32, y: f32}}}");
/// ```
#[proc_macro_derive(HasSchema, attributes(schema))]
pub fn derive_has_schema(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    schema::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}

/// Makes a struct a parameter of systems: its fields are parameters, made
/// together in their order.
///
/// The struct has one lifetime, that of a run, and any number of fields; without
/// fields that borrow it needs none. Queries name components by `&'static C` and
/// `&'static mut C`. Type parameters are what is borrowed, as in `Res<'w, T>`; they
/// can't be parameters of systems themselves.
///
/// Two fields that borrow the same, one of them for writing, are no system: a
/// schedule refuses it with a `SystemError`, as it does for two parameters of a
/// function.
///
/// `#[system_param(crate = path)]` says where the engine is found, if not at
/// `::ecs`.
///
/// # Example
/// ```
/// use ecs_derive::{Component, SystemParam};
/// use ecs_storage_api::Query;
/// use ecs_world::{Local, Res, Schedule, World};
///
/// #[derive(Component)]
/// #[component(crate = ecs_core, transient)]
/// struct Speed(f32);
///
/// struct Gravity(f32);
///
/// #[derive(SystemParam)]
/// #[system_param(crate = ecs_world)]
/// struct Physics<'w> {
///     bodies: Query<'w, &'static mut Speed>,
///     gravity: Res<'w, Gravity>,
///     steps: Local<'w, u32>,
/// }
///
/// impl Physics<'_> {
///     fn fall(&mut self) {
///         *self.steps += 1;
///         self.bodies.for_each(|speed| speed.0 -= self.gravity.0);
///     }
/// }
///
/// let mut world = World::new();
/// world.insert_resource(Gravity(9.81));
/// let apple = world.spawn(Speed(0.0));
/// let mut schedule = Schedule::new();
/// schedule.add_system(|mut physics: Physics| physics.fall());
/// schedule.run(&mut world);
/// assert_eq!(world.get::<Speed>(apple).unwrap().0, -9.81);
/// ```
#[proc_macro_derive(SystemParam, attributes(system_param))]
pub fn derive_system_param(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    system_param::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
