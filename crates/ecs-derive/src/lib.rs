//! `#[derive(Component)]` and `#[derive(Bundle)]`.
//!
//! What they write needs no unsafe code, and names everything through one
//! crate: `ecs` unless `crate = path` says otherwise.

#![forbid(unsafe_code)]

mod bundle;
mod component;
mod refusal;

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
/// # Generic types
/// Every instance is a component of its own, named with its arguments:
/// `name<u8>`. Three things differ from plain types:
/// - Types among the arguments are spelled by `std::any::type_name`, whose
///   output may change with the compiler; what outlives a build is better
///   given a plain type.
/// - Its id is looked up in a map instead of being read from a `static`.
/// - `Clone` and `Debug` count only where the type's own bounds imply them:
///   `struct Tag<T: Clone>(T)` can be cloned, `struct Tag<T>(T)` cannot.
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
