//! Bundles as storages see them: one row or many, of a type known or not.

use std::fmt;

use super::{Bundle, BundleKind};
use crate::component::{Component, ComponentSink};
use crate::erased::ErasedValue;
use crate::row_writer::RowWriter;

/// The components of one row, to be added to an entity: the object-safe view
/// of a bundle.
pub trait DynBundle {
    /// Says which components there are. Storages plan by it, and check what
    /// arrives.
    fn kind(&self) -> BundleKind;

    /// Writes the components to their places in a row. What is written before a panic
    /// of its own may be leaked.
    fn write(&mut self, row: RowWriter<'_>);

    /// Hands over the components as values of their own.
    fn take_values(&mut self, each: &mut dyn FnMut(ErasedValue));
}

/// The components of many rows, all of one kind.
pub trait BundleBatch {
    /// Says which components every row has; see [`DynBundle::kind`].
    fn kind(&self) -> BundleKind;

    /// Returns how many rows follow at least, and at most if that is known, as
    /// [`Iterator::size_hint`] does: a storage makes room by it, and may take a
    /// batch that says that no row follows at its word.
    fn size_hint(&self) -> (usize, Option<usize>);

    /// Writes rows as long as there is room; fewer mean that the batch has
    /// ended.
    fn write(&mut self, rows: RowWriter<'_>);

    /// Hands over the components of the next row as values of their own; tells
    /// whether there was one.
    fn take_row(&mut self, each: &mut dyn FnMut(ErasedValue)) -> bool;
}

/// Makes a [`DynBundle`] of a typed bundle.
pub struct BundleRow<B>(Option<B>);

impl<B: Bundle> BundleRow<B> {
    /// Wraps a bundle.
    #[inline]
    pub fn new(bundle: B) -> Self {
        Self(Some(bundle))
    }
}

impl<B: Bundle> DynBundle for BundleRow<B> {
    #[inline(always)]
    fn kind(&self) -> BundleKind {
        BundleKind::of::<B>()
    }

    #[inline(always)]
    fn write(&mut self, row: RowWriter<'_>) {
        if let Some(bundle) = self.0.take() {
            row.put_bundle(bundle);
        }
    }

    fn take_values(&mut self, each: &mut dyn FnMut(ErasedValue)) {
        if let Some(bundle) = self.0.take() {
            bundle.put_all(&mut ValueSink(each));
        }
    }
}

/// Makes a [`BundleBatch`] of an iterator of typed bundles; of `None` once that has
/// panicked.
pub struct BundleRows<I>(Option<I>);

impl<I> BundleRows<I>
where
    I: Iterator,
    I::Item: Bundle,
{
    /// Wraps an iterator.
    pub fn new(bundles: impl IntoIterator<IntoIter = I>) -> Self {
        Self(Some(bundles.into_iter()))
    }
}

impl<I> BundleBatch for BundleRows<I>
where
    I: Iterator,
    I::Item: Bundle,
{
    fn kind(&self) -> BundleKind {
        BundleKind::of::<I::Item>()
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        self.0.as_ref().map_or((0, Some(0)), Iterator::size_hint)
    }

    #[inline]
    fn write(&mut self, rows: RowWriter<'_>) {
        self.0 = self.0.take().map(|bundles| rows.put_bundles(bundles));
    }

    fn take_row(&mut self, each: &mut dyn FnMut(ErasedValue)) -> bool {
        let next = self.0.as_mut().and_then(Iterator::next);
        next.map(|bundle| bundle.put_all(&mut ValueSink(each))).is_some()
    }
}

/// Boxes every component it takes.
struct ValueSink<'a>(&'a mut dyn FnMut(ErasedValue));

impl ComponentSink for ValueSink<'_> {
    fn put<C: Component>(&mut self, value: C) {
        (self.0)(ErasedValue::new(value));
    }
}

/// A bundle put together at run time.
#[derive(Default)]
pub struct ErasedBundle {
    values: Vec<ErasedValue>,
}

impl ErasedBundle {
    /// Makes a bundle of values.
    pub fn new(values: Vec<ErasedValue>) -> Self {
        Self { values }
    }

    /// Makes a bundle of the components of a typed one.
    pub fn of(bundle: impl Bundle) -> Self {
        let mut values = Vec::new();
        bundle.put_all(&mut ValueSink(&mut |value| values.push(value)));
        Self { values }
    }

    /// Adds a component.
    pub fn with<C: Component>(mut self, value: C) -> Self {
        self.values.push(ErasedValue::new(value));
        self
    }

    /// Adds a value.
    pub fn push(&mut self, value: ErasedValue) {
        self.values.push(value);
    }

    /// Returns the values in their order.
    pub fn values(&self) -> &[ErasedValue] {
        &self.values
    }

    /// Gives the values up.
    pub fn into_values(self) -> Vec<ErasedValue> {
        self.values
    }
}

impl DynBundle for ErasedBundle {
    fn kind(&self) -> BundleKind {
        BundleKind::listed(self.values.iter().map(ErasedValue::id))
    }

    fn write(&mut self, row: RowWriter<'_>) {
        row.put_values([std::mem::take(&mut self.values)]);
    }

    fn take_values(&mut self, each: &mut dyn FnMut(ErasedValue)) {
        self.values.drain(..).for_each(each);
    }
}

impl<B> fmt::Debug for BundleRow<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleRow({})", std::any::type_name::<B>())
    }
}

impl<I: Iterator> fmt::Debug for BundleRows<I> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BundleRows({})", std::any::type_name::<I::Item>())
    }
}

impl fmt::Debug for ErasedBundle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.values.iter().map(|value| value.info().name())).finish()
    }
}
