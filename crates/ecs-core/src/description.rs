//! How a component describes itself to the registry.

use std::alloc::Layout;
use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use bytemuck::Pod;
use serde::Serialize;
use serde::de::DeserializeOwned;

use crate::codec::{Codec, CodecError, decode_plain, decode_values};
use crate::component::{Component, ComponentId};
use crate::erased::{ErasedSlice, ErasedVec};
use crate::info::{CloneFn, DebugFn, SchemaFn};
use crate::invariant::Invariant;
use crate::registry::{self, RegisterError};
use crate::schema::{HasSchema, Schema};

/// Describes the component `C`: its name, codec and abilities.
///
/// Only constructors that `C` itself qualifies for can fill it in, so a
/// description never speaks of another type.
pub struct Description<C> {
    pub(crate) name: Cow<'static, str>,
    pub(crate) codec: Codec,
    decode: Option<DecodeFn<C>>,
    pub(crate) clone: Option<CloneFn>,
    pub(crate) debug: Option<DebugFn>,
    pub(crate) schema: Option<SchemaFn>,
    component: Invariant<C>,
}

/// Reads so many values from the front of some bytes.
type DecodeFn<C> = fn(&mut &[u8], usize) -> Result<Vec<C>, CodecError>;

impl<C: Component> Description<C> {
    fn new(name: Cow<'static, str>, codec: Codec, decode: Option<DecodeFn<C>>) -> Self {
        let (clone, debug, schema) = (None, None, None);
        Self { name, codec, decode, clone, debug, schema, component: PhantomData }
    }

    /// Describes a component that is persisted through serde.
    pub fn persistent(name: impl Into<Cow<'static, str>>) -> Self
    where
        C: Serialize + DeserializeOwned,
    {
        Self::new(name.into(), Codec::serde::<C>(), Some(decode_values))
    }

    /// Describes a component that is persisted as its own bytes.
    pub fn pod(name: impl Into<Cow<'static, str>>) -> Self
    where
        C: Pod,
    {
        Self::new(name.into(), Codec::Pod, Some(decode_plain))
    }

    /// Describes a component that is never persisted.
    pub fn transient(name: impl Into<Cow<'static, str>>) -> Self {
        Self::new(name.into(), Codec::Transient, None)
    }

    /// Says that values can be cloned.
    pub fn cloneable(mut self) -> Self
    where
        C: Clone,
    {
        self.clone = Some(clone_run::<C>);
        self
    }

    /// Says that values can be printed.
    pub fn printable(mut self) -> Self
    where
        C: fmt::Debug,
    {
        self.debug = Some(print_run::<C>);
        self
    }

    /// Says what values consist of: it is asked when somebody first wants to know.
    pub fn with_schema(mut self) -> Self
    where
        C: HasSchema,
    {
        self.schema = Some(Schema::of::<C>);
        self
    }

    /// Returns the stable name.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Returns how values are persisted.
    pub fn codec(&self) -> &Codec {
        &self.codec
    }

    /// Returns what values consist of, if that was said.
    pub fn schema(&self) -> Option<Schema> {
        self.schema.map(|schema| schema())
    }

    /// Reads `count` values in their persistent form from the front of `bytes`.
    /// The type need not be registered: so it may be what a component once was,
    /// under the name that another type has now.
    ///
    /// Memory stays within a small multiple of the bytes given, whatever
    /// `count` says, unless values take no bytes.
    ///
    /// # Errors
    /// [`CodecError`] if the component is transient, or the bytes end early or
    /// are no values of it.
    pub fn decode(&self, bytes: &mut &[u8], count: usize) -> Result<Vec<C>, CodecError> {
        match self.decode {
            Some(decode) => decode(bytes, count),
            None => Err(CodecError::Transient { component: self.name.to_string() }),
        }
    }

    /// Adds what the derive found out about `C`; see [`probe`].
    #[doc(hidden)]
    pub fn with_abilities(
        mut self,
        clone: Option<probe::CanClone<C>>,
        debug: Option<probe::CanPrint<C>>,
    ) -> Self {
        self.clone = clone.map(|ability| ability.run);
        self.debug = debug.map(|ability| ability.run);
        self
    }
}

impl<C> fmt::Debug for Description<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Description")
            .field("name", &self.name)
            .field("codec", &self.codec)
            .finish_non_exhaustive()
    }
}

fn clone_run<C: Component + Clone>(values: ErasedSlice<'_>) -> ErasedVec {
    ErasedVec::from_vec(
        values.downcast::<C>().expect("a clone function sees its own values").to_vec(),
    )
}

fn print_run<C: Component + fmt::Debug>(
    values: ErasedSlice<'_>,
    f: &mut fmt::Formatter<'_>,
) -> fmt::Result {
    let typed = values.downcast::<C>().expect("a debug function sees its own values");
    match typed {
        [one] => fmt::Debug::fmt(one, f),
        many => f.debug_list().entries(many).finish(),
    }
}

/// Describes a component that no Rust type stands behind: `size` plain bytes.
///
/// # Example
/// ```
/// use ecs_core::{DynamicComponent, ErasedValue};
///
/// let id = DynamicComponent::new("script::Mana", 4, 4).register().unwrap();
/// let value = ErasedValue::from_bytes(id, &7u32.to_le_bytes()).unwrap();
/// assert_eq!(value.as_bytes().unwrap(), 7u32.to_le_bytes());
/// ```
#[derive(Debug, Clone)]
pub struct DynamicComponent {
    name: String,
    size: usize,
    align: usize,
    tracked: bool,
}

impl DynamicComponent {
    /// Describes a component of `size` bytes at an alignment of `align` bytes.
    ///
    /// The size need not be a multiple of the alignment: in arrays each value
    /// is padded with zeros.
    pub fn new(name: impl Into<String>, size: usize, align: usize) -> Self {
        Self { name: name.into(), size, align, tracked: false }
    }

    /// Asks storages to remember of each value when it changed; see
    /// [`Component::TRACK`].
    pub fn tracked(mut self) -> Self {
        self.tracked = true;
        self
    }

    /// Registers the component and returns its id; the same description again
    /// gives the same id.
    ///
    /// # Errors
    /// [`RegisterError::InvalidLayout`] if the alignment is not a power of two
    /// or the padded size overflows; [`RegisterError::NameTaken`] if the name
    /// belongs to a Rust type or to another layout.
    pub fn register(self) -> Result<ComponentId, RegisterError> {
        let layout = Layout::from_size_align(self.size, self.align).map_err(|_| {
            RegisterError::InvalidLayout {
                name: self.name.clone(),
                size: self.size,
                align: self.align,
            }
        })?;
        registry::register_dynamic(self.name, layout, self.tracked)
    }
}

/// Lets the derive find out whether a type is `Clone` or `Debug` without asking
/// for either.
///
/// Method lookup on `&Probe<T>` prefers the impl on `Probe<T>`, which exists
/// where the bound holds, and falls back to the one on `&Probe<T>`.
#[doc(hidden)]
pub mod probe {
    use super::*;

    /// The thing that is asked.
    #[derive(Debug)]
    pub struct Probe<C>(Invariant<C>);

    /// Proof that `C: Clone`.
    #[derive(Debug)]
    pub struct CanClone<C> {
        pub(super) run: CloneFn,
        component: Invariant<C>,
    }

    /// Proof that `C: Debug`.
    #[derive(Debug)]
    pub struct CanPrint<C> {
        pub(super) run: DebugFn,
        component: Invariant<C>,
    }

    impl<C> Default for Probe<C> {
        fn default() -> Self {
            Self(PhantomData)
        }
    }

    impl<C: Component + Clone> Probe<C> {
        pub fn can_clone(&self) -> Option<CanClone<C>> {
            Some(CanClone { run: clone_run::<C>, component: PhantomData })
        }
    }

    impl<C: Component + fmt::Debug> Probe<C> {
        pub fn can_print(&self) -> Option<CanPrint<C>> {
            Some(CanPrint { run: print_run::<C>, component: PhantomData })
        }
    }

    /// The answer where a bound does not hold.
    pub trait Cannot<C> {
        fn can_clone(&self) -> Option<CanClone<C>> {
            None
        }
        fn can_print(&self) -> Option<CanPrint<C>> {
            None
        }
    }

    impl<C> Cannot<C> for Probe<C> {}
}
