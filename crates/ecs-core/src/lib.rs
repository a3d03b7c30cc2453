//! The vocabulary of the engine: entity ids and their allocator, components,
//! their registry and their schemas, component sets, bundles, and values whose
//! type is known only at run time.
//!
//! Nothing here knows how entities are stored; that is the business of the
//! contract in `ecs-storage-api` and of the backends behind it.

mod allocator;
mod bundle;
mod codec;
mod columns;
mod component;
mod component_list;
mod component_set;
mod description;
mod entity;
mod erased;
mod id_source;
mod info;
mod invariant;
mod memory;
mod registry;
mod row_writer;
mod schema;
mod type_hasher;

pub use allocator::*;
pub use bundle::{
    Bundle, BundleBatch, BundleKind, BundleRow, BundleRows, ComponentIds, DynBundle, ErasedBundle,
    Removal, RemoveAll, Taken,
};
pub use codec::{Codec, CodecError};
pub use columns::Columns;
pub use component::{Component, ComponentCell, ComponentId, ComponentSink};
pub use component_list::ComponentList;
pub use component_set::ComponentSet;
pub use description::{Description, DynamicComponent};
pub use entity::*;
pub use erased::{
    DropFn, ErasedMut, ErasedRef, ErasedSlice, ErasedSliceMut, ErasedValue, ErasedVec,
};
pub use id_source::*;
pub use info::ComponentInfo;
pub use invariant::Invariant;
pub use memory::{Blank, OutOfMemory, PlainVec, RawArray, extend_by_parts};
pub use registry::{RegisterError, component_count, components};
pub use row_writer::{InPlace, RowTargets, RowWriter};
pub use schema::{Field, HasSchema, Nesting, Schema, Variant};
pub use type_hasher::TypeHasher;

/// What code written by the derive macros names; not for hand-written code.
#[doc(hidden)]
pub mod derive_support {
    use std::borrow::Cow;

    pub use crate::description::probe;
    pub use crate::schema::probe as schema_probe;
    use crate::{Component, Description};

    /// What a persistent component needs, as one bound with a message of its own.
    #[diagnostic::on_unimplemented(
        message = "the component `{Self}` cannot be saved",
        label = "needs `serde::Serialize` and `serde::Deserialize`",
        note = "derive both, or keep the component out of snapshots with `#[component(transient)]`, \
                or save its bytes with `#[component(pod)]`"
    )]
    pub trait Persistent: serde::Serialize + serde::de::DeserializeOwned {}

    // Not recommended, so that the compiler speaks of `Persistent` and not of
    // what serde knows.
    #[diagnostic::do_not_recommend]
    impl<C: serde::Serialize + serde::de::DeserializeOwned> Persistent for C {}

    /// What a `pod` component needs, with a message of its own.
    #[diagnostic::on_unimplemented(
        message = "the component `{Self}` is not known to be plain bytes",
        label = "`#[component(pod)]` needs `bytemuck::Pod`",
        note = "derive `bytemuck::Pod` and `bytemuck::Zeroable`, which refuse padding and pointers, \
                or leave `pod` out"
    )]
    pub trait PlainBytes: bytemuck::Pod {}

    #[diagnostic::do_not_recommend]
    impl<C: bytemuck::Pod> PlainBytes for C {}

    /// [`Description::persistent`], with the message.
    pub fn persistent<C: Component + Persistent>(
        name: impl Into<Cow<'static, str>>,
    ) -> Description<C> {
        Description::persistent(name)
    }

    /// [`Description::pod`], with the message.
    pub fn pod<C: Component + PlainBytes>(name: impl Into<Cow<'static, str>>) -> Description<C> {
        Description::pod(name)
    }
}
