//! Bundles: several components that are added together, or taken away together.
//!
//! [`Bundle`] is what people write. Storages see it through object-safe views:
//! [`DynBundle`] (one row), [`BundleBatch`] (many rows) and [`Removal`].

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::ops::ControlFlow;

use smallvec::SmallVec;

use crate::component::{Component, ComponentId, ComponentSink};
use crate::erased::ErasedValue;
use crate::row_writer::{InPlace, RowWriter};

/// The ids of a bundle's components, in the bundle's own order.
pub type ComponentIds = SmallVec<[ComponentId; 8]>;

/// A set of components that travel together: a component, a tuple of bundles,
/// or a struct that derives `Bundle`.
///
/// A safe trait: a store checks that what `put_all` gives is what `for_each_id`
/// announced.
///
/// # Example
/// ```
/// # use ecs_core::{Bundle, Component, Description};
/// # macro_rules! component { ($t:ident) => { struct $t; impl Component for $t {
/// #     fn describe() -> Description<Self> { Description::transient(concat!("bundle::", stringify!($t))) }
/// # } } }
/// # component!(Position); component!(Velocity); component!(Name);
/// fn spawnable<B: Bundle>(_: B) {}
/// spawnable(Position);
/// spawnable((Position, Velocity));
/// spawnable((Name, (Position, Velocity)));
/// ```
pub trait Bundle: 'static {
    /// Calls `each` with the id of every component, in the order of `put_all`.
    fn for_each_id(each: &mut impl FnMut(ComponentId));

    /// Hands every component to `sink`.
    fn put_all(self, sink: &mut impl ComponentSink);
}

/// Returns the ids of a bundle's components in its own order.
pub(crate) fn ids_of<B: Bundle>() -> ComponentIds {
    let mut ids = ComponentIds::new();
    B::for_each_id(&mut |id| ids.push(id));
    ids
}

impl<C: Component> Bundle for C {
    #[inline]
    fn for_each_id(each: &mut impl FnMut(ComponentId)) {
        each(ComponentId::of::<C>());
    }

    #[inline(always)]
    fn put_all(self, sink: &mut impl ComponentSink) {
        sink.put(self);
    }
}

// impl<A: Bundle, B: Bundle> Bundle for (A, B) {
//     fn for_each_id(each) { A::for_each_id(each); B::for_each_id(each); }
//     fn put_all(self, sink) { let (a, b) = self; a.put_all(sink); b.put_all(sink); }
// }
macro_rules! tuple_bundle {
    ($($name:ident)*) => {
        impl<$($name: Bundle),*> Bundle for ($($name,)*) {
            #[inline]
            fn for_each_id(_each: &mut impl FnMut(ComponentId)) {
                $($name::for_each_id(_each);)*
            }

            // Always: a bundle that is not inlined is copied at every level.
            #[inline(always)]
            fn put_all(self, _sink: &mut impl ComponentSink) {
                #[allow(non_snake_case)]
                let ($($name,)*) = self;
                $($name.put_all(_sink);)*
            }
        }
    };
}

tuple_bundle!();
tuple_bundle!(A);
tuple_bundle!(A B);
tuple_bundle!(A B C);
tuple_bundle!(A B C D);
tuple_bundle!(A B C D E);
tuple_bundle!(A B C D E F);
tuple_bundle!(A B C D E F G);
tuple_bundle!(A B C D E F G H);
tuple_bundle!(A B C D E F G H I);
tuple_bundle!(A B C D E F G H I J);
tuple_bundle!(A B C D E F G H I J K);
tuple_bundle!(A B C D E F G H I J K L);

/// The components of one row, to be added to an entity: the object-safe view
/// of a bundle.
pub trait DynBundle {
    /// Names the kind of bundle, if it has a static one: equal keys announce
    /// equal ids. Stores cache by it, and check what arrives.
    fn key(&self) -> Option<TypeId>;

    /// Returns the ids of the components in the order in which they are put.
    fn component_ids(&self) -> ComponentIds;

    /// Writes the components to their places in a row.
    fn write(&mut self, row: &mut RowWriter<'_>);

    /// Hands over the components as values of their own.
    fn take_values(&mut self, each: &mut dyn FnMut(ErasedValue));
}

/// The components of many rows, all of one kind.
pub trait BundleBatch {
    /// Names the kind of bundle; see [`DynBundle::key`].
    fn key(&self) -> Option<TypeId>;

    /// Returns the ids of the components in the order in which they are put.
    fn component_ids(&self) -> ComponentIds;

    /// Returns how many rows are likely to follow: a hint, never trusted.
    fn rows_hint(&self) -> usize;

    /// Writes up to `max` rows; fewer mean that the batch has ended.
    ///
    /// The writer comes by value, so that its state can stay in registers.
    fn write(&mut self, max: usize, rows: RowWriter<'_>);

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
    #[inline]
    fn key(&self) -> Option<TypeId> {
        Some(TypeId::of::<B>())
    }

    fn component_ids(&self) -> ComponentIds {
        ids_of::<B>()
    }

    #[inline]
    fn write(&mut self, row: &mut RowWriter<'_>) {
        if let Some(bundle) = self.0.take() {
            bundle.put_all(row);
        }
    }

    fn take_values(&mut self, each: &mut dyn FnMut(ErasedValue)) {
        if let Some(bundle) = self.0.take() {
            bundle.put_all(&mut ValueSink(each));
        }
    }
}

/// Makes a [`BundleBatch`] of an iterator of typed bundles.
pub struct BundleRows<I>(I);

impl<I> BundleRows<I>
where
    I: Iterator,
    I::Item: Bundle,
{
    /// Wraps an iterator.
    pub fn new(bundles: impl IntoIterator<IntoIter = I>) -> Self {
        Self(bundles.into_iter())
    }
}

impl<I> BundleBatch for BundleRows<I>
where
    I: Iterator,
    I::Item: Bundle,
{
    fn key(&self) -> Option<TypeId> {
        Some(TypeId::of::<I::Item>())
    }

    fn component_ids(&self) -> ComponentIds {
        ids_of::<I::Item>()
    }

    fn rows_hint(&self) -> usize {
        self.0.size_hint().0
    }

    #[inline]
    fn write(&mut self, max: usize, mut rows: RowWriter<'_>) {
        // Internal iteration: through `next` every bundle would be copied once
        // more, in and out of an `Option`.
        let _ = self.0.by_ref().take(max).try_for_each(|bundle| {
            bundle.put_all(&mut rows);
            if !rows.finish_row() {
                incomplete();
            }
            ControlFlow::<()>::Continue(())
        });
    }

    fn take_row(&mut self, each: &mut dyn FnMut(ErasedValue)) -> bool {
        self.0.next().map(|bundle| bundle.put_all(&mut ValueSink(each))).is_some()
    }
}

/// Ends a batch with a fault of the program: fewer rows would look like its end.
#[cold]
#[inline(never)]
fn incomplete() -> ! {
    panic!("a bundle of a batch put fewer components than it had announced")
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
    fn key(&self) -> Option<TypeId> {
        None
    }

    fn component_ids(&self) -> ComponentIds {
        self.values.iter().map(ErasedValue::id).collect()
    }

    fn write(&mut self, row: &mut RowWriter<'_>) {
        for value in self.values.drain(..) {
            row.put_erased(value);
        }
    }

    fn take_values(&mut self, each: &mut dyn FnMut(ErasedValue)) {
        self.values.drain(..).for_each(each);
    }
}

/// The components to be taken from an entity, and what becomes of them: the
/// object-safe view of a removal.
pub trait Removal {
    /// Names the kind of removal; see [`DynBundle::key`].
    fn key(&self) -> Option<TypeId>;

    /// Returns the ids of the components to be taken.
    fn component_ids(&self) -> ComponentIds;

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
    #[inline]
    fn key(&self) -> Option<TypeId> {
        Some(TypeId::of::<C>())
    }

    fn component_ids(&self) -> ComponentIds {
        ComponentIds::from_slice(&[ComponentId::of::<C>()])
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
pub struct RemoveAll<B>(PhantomData<fn() -> B>);

impl<B> Default for RemoveAll<B> {
    fn default() -> Self {
        Self(PhantomData)
    }
}

impl<B: Bundle> Removal for RemoveAll<B> {
    fn key(&self) -> Option<TypeId> {
        Some(TypeId::of::<B>())
    }

    fn component_ids(&self) -> ComponentIds {
        ids_of::<B>()
    }

    fn wants_values(&self) -> bool {
        false
    }

    fn take(&mut self, _value: InPlace<'_>) {}

    fn take_value(&mut self, _value: ErasedValue) {}
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

impl<B> fmt::Debug for RemoveAll<B> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RemoveAll({})", std::any::type_name::<B>())
    }
}
