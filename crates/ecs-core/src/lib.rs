//! The vocabulary of the engine: entity ids and their allocator, components and
//! their registry, component sets, bundles, and values whose type is known only
//! at run time.
//!
//! Nothing here knows how entities are stored; that is the business of the
//! contract in `ecs-storage-api` and of the backends behind it.

mod allocator;
mod bundle;
mod codec;
mod component;
mod component_set;
mod description;
mod entity;
mod erased;
mod id_source;
mod info;
mod registry;

pub use allocator::*;
pub use bundle::{
    Bundle, BundleBatch, BundleRow, BundleRows, ComponentIds, ComponentSink, DynBundle,
    ErasedBundle, Removal, RemoveAll, Taken,
};
pub use codec::{Codec, CodecError};
pub use component::{Component, ComponentCell, ComponentId};
pub use component_set::ComponentSet;
pub use description::{Description, DynamicComponent};
pub use entity::*;
pub use erased::{
    DropFn, ErasedMut, ErasedRef, ErasedSlice, ErasedSliceMut, ErasedValue, ErasedVec, InPlace,
    RowTarget, RowWriter,
};
pub use id_source::*;
pub use info::ComponentInfo;
pub use registry::{RegisterError, component_count};

/// What code written by the derive macros names; not for hand-written code.
#[doc(hidden)]
pub mod derive_support {
    pub use crate::description::probe;
    pub use bytemuck::Pod;

    /// What a persistent component needs, as one bound.
    pub trait Persistent: serde::Serialize + serde::de::DeserializeOwned {}

    impl<C: serde::Serialize + serde::de::DeserializeOwned> Persistent for C {}
}
