//! Components that are taken away together.

use std::fmt;
use std::marker::PhantomData;

use super::{Bundle, BundleKind};
use crate::component::Component;
use crate::erased::ErasedValue;
use crate::invariant::Invariant;
use crate::row_writer::InPlace;

/// The components to be taken from an entity, and what becomes of them: the
/// object-safe view of a removal.
pub trait Removal {
    /// Says which components are to be taken.
    fn kind(&self) -> BundleKind;

    /// Tells whether [`Removal::take`] does anything but drop its value.
    fn wants_values(&self) -> bool;

    /// Receives a value that was taken.
    fn take(&mut self, value: InPlace<'_>);

    /// Receives a value that was taken, from a store that owns its values one
    /// by one.
    fn take_value(&mut self, value: ErasedValue);
}

/// Takes one component away and keeps its value.
#[derive(Debug)]
pub struct Taken<C>(pub Option<C>);

impl<C> Default for Taken<C> {
    fn default() -> Self {
        Self(None)
    }
}

impl<C: Component> Removal for Taken<C> {
    #[inline(always)]
    fn kind(&self) -> BundleKind {
        BundleKind::of::<C>()
    }

    #[inline]
    fn wants_values(&self) -> bool {
        true
    }

    #[inline]
    fn take(&mut self, value: InPlace<'_>) {
        self.0 = value.downcast();
    }

    fn take_value(&mut self, value: ErasedValue) {
        self.0 = value.downcast().ok();
    }
}

/// Takes the components of a bundle away and drops them.
pub struct RemoveAll<B>(Invariant<B>);

impl<B> Default for RemoveAll<B> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<B: Bundle> Removal for RemoveAll<B> {
    #[inline]
    fn kind(&self) -> BundleKind {
        BundleKind::of::<B>()
    }

    fn wants_values(&self) -> bool {
        false
    }

    fn take(&mut self, _value: InPlace<'_>) {}

    fn take_value(&mut self, _value: ErasedValue) {}
}

impl<B> fmt::Debug for RemoveAll<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoveAll({})", std::any::type_name::<B>())
    }
}
