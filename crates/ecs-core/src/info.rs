//! What the registry knows of one component.

use std::alloc::Layout;
use std::any::TypeId;
use std::fmt;
use std::sync::LazyLock;

use crate::codec::Codec;
use crate::component::ComponentId;
use crate::erased::{DropFn, ErasedSlice, ErasedVec};
use crate::schema::Schema;

/// Copies a run of values.
pub(crate) type CloneFn = fn(ErasedSlice<'_>) -> ErasedVec;
/// Writes one value for people to read.
pub(crate) type DebugFn = fn(ErasedSlice<'_>, &mut fmt::Formatter<'_>) -> fmt::Result;
/// Describes what a value consists of.
pub(crate) type SchemaFn = fn() -> Schema;

/// Everything the process knows of a component: name, layout, and how to drop,
/// clone, persist and print its values.
///
/// Infos are made by registration alone, live as long as the process, and are
/// compared by address or id.
pub struct ComponentInfo {
    pub(crate) id: ComponentId,
    pub(crate) name: Box<str>,
    pub(crate) type_name: Option<&'static str>,
    pub(crate) type_id: Option<TypeId>,
    pub(crate) size: usize,
    /// The layout of one element of an array: size padded to the alignment.
    pub(crate) layout: Layout,
    pub(crate) drop: Option<DropFn>,
    pub(crate) clone: Option<CloneFn>,
    pub(crate) debug: Option<DebugFn>,
    pub(crate) schema: Option<LazyLock<Schema>>,
    pub(crate) codec: Codec,
    pub(crate) tracked: bool,
}

impl ComponentInfo {
    /// Returns the dense id, valid in this process.
    #[inline]
    pub fn id(&self) -> ComponentId {
        self.id
    }

    /// Returns the stable name, the same in every build and process.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns the path of the Rust type, or `None` for a component that was
    /// described at run time.
    pub fn type_name(&self) -> Option<&'static str> {
        self.type_name
    }

    /// Returns the Rust type, or `None` for a component described at run time.
    #[inline]
    pub fn type_id(&self) -> Option<TypeId> {
        self.type_id
    }

    /// Returns the bytes of one value, as declared.
    #[inline]
    pub fn size(&self) -> usize {
        self.size
    }

    /// Returns the distance in bytes between two values of an array: the size
    /// rounded up to the alignment.
    #[inline]
    pub fn stride(&self) -> usize {
        self.layout.size()
    }

    /// Returns the alignment in bytes.
    #[inline]
    pub fn align(&self) -> usize {
        self.layout.align()
    }

    /// Returns the layout of one array element, padding included.
    #[inline]
    pub fn layout(&self) -> Layout {
        self.layout
    }

    /// Returns the drop glue, or `None` where dropping does nothing.
    ///
    /// Calling it is unsafe: the pointer must address that many valid values,
    /// which are dead afterwards.
    #[inline]
    pub fn drop_fn(&self) -> Option<DropFn> {
        self.drop
    }

    /// Returns what values consist of, or `None` for a component that was
    /// described at run time, or by hand without
    /// [`with_schema`](crate::Description::with_schema).
    ///
    /// # Complexity
    /// Made at the first call, and kept.
    pub fn schema(&self) -> Option<&Schema> {
        self.schema.as_deref()
    }

    /// Returns how values are persisted.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// Tells whether values are plain bytes without padding, any pattern valid.
    #[inline]
    pub fn is_pod(&self) -> bool {
        matches!(self.codec, Codec::Pod)
    }

    /// Tells whether values stay out of snapshots and hashes.
    #[inline]
    pub fn is_transient(&self) -> bool {
        matches!(self.codec, Codec::Transient)
    }

    /// Tells whether storages remember of each value when it changed; see
    /// [`Component::TRACK`](crate::Component::TRACK).
    #[inline]
    pub fn is_tracked(&self) -> bool {
        self.tracked
    }

    /// Tells whether values can be copied through [`ErasedSlice::try_clone`].
    pub fn is_clone(&self) -> bool {
        self.clone.is_some() || self.is_pod()
    }
}

impl fmt::Debug for ComponentInfo {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ComponentInfo")
            .field("name", &self.name)
            .field("type_name", &self.type_name)
            .field("size", &self.size)
            .field("align", &self.align())
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}
