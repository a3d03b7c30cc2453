//! `#[derive(Component)]` and `#[derive(Bundle)]`.
//!
//! What they write needs no unsafe code, and names everything through one
//! crate: `ecs` unless `crate = path` says otherwise.

mod bundle;
mod component;

use proc_macro::TokenStream;
use syn::{DeriveInput, parse_macro_input};

/// Makes a type a component.
///
/// By default its values are persisted through serde, under the name
/// `module::Type`. Attributes, in `#[component(…)]`:
/// - `name = "…"`: the stable name that files and other processes know the
///   component by. Give one to whatever is saved, since the default changes
///   when the type moves. A generic type adds its arguments: `name<u8>`.
/// - `pod`: values are plain bytes (`bytemuck::Pod`) and persisted as such.
/// - `transient`: values are not persisted, and need neither.
/// - `crate = path`: where the engine is found.
///
/// `Clone` and `Debug` are used where the type has them.
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
/// let mut ids = Vec::new();
/// Mover::for_each_id(&mut |id| ids.push(id));
/// assert_eq!(ids, [ComponentId::of::<Place>(), ComponentId::of::<Speed>()]);
/// ```
#[proc_macro_derive(Bundle, attributes(bundle))]
pub fn derive_bundle(input: TokenStream) -> TokenStream {
    let input = parse_macro_input!(input as DeriveInput);
    bundle::expand(&input).unwrap_or_else(syn::Error::into_compile_error).into()
}
