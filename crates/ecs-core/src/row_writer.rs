//! Rows written in place, and values taken out of their places.
//!
//! This is one of the rooms for unsafe code. Its invariants: the targets of a
//! kind of bundle are for its components, in its order; of the row that a
//! [`RowSink`] writes, the first `written` targets hold new values; an
//! [`InPlace`] owns the value at its address.
#![expect(unsafe_code, reason = "room: rows written in place")]

use std::any::TypeId;
use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ops::Range;
use std::ptr::NonNull;

use crate::bundle::{Bundle, BundleKind};
use crate::component::{Component, ComponentId, ComponentSink};
use crate::component_list::ComponentList;
use crate::erased::{ErasedValue, drop_values, is};
use crate::info::ComponentInfo;
use crate::invariant::Invariant;

/// The columns that a kind of bundle is written to: one a component, in the
/// order in which the bundle puts them.
#[derive(Debug)]
pub struct RowTargets {
    /// The type of the bundles that have exactly these components, or
    /// [`Unnamed`].
    key: TypeId,
    targets: Vec<RowTarget>,
}

/// So many addresses are held by value while many rows are written.
const HELD: usize = 16;

/// Stands for the kinds of bundle that have no type.
struct Unnamed;

#[derive(Debug)]
struct RowTarget {
    info: &'static ComponentInfo,
    /// Row 0 of the column.
    first: NonNull<u8>,
}

// SAFETY: addresses alone: `RowWriter::new` answers for what lies there.
unsafe impl Send for RowTargets {}
// SAFETY: as above.
unsafe impl Sync for RowTargets {}

impl RowTargets {
    /// Prepares for a kind of bundle; the addresses are yet to be set.
    #[must_use]
    pub fn new(kind: &BundleKind) -> Self {
        let target = |id: ComponentId| RowTarget { info: id.info(), first: NonNull::dangling() };
        let key = kind.key().unwrap_or(TypeId::of::<Unnamed>());
        Self { key, targets: kind.component_ids().into_iter().map(target).collect() }
    }

    /// Sets the address of row 0 of a component's column.
    ///
    /// # Panics
    /// If there is no component of that number.
    #[inline]
    pub fn set_address(&mut self, at: usize, first: NonNull<u8>) {
        self.targets[at].first = first;
    }

    /// Returns the components.
    pub fn components(&self) -> impl Iterator<Item = &'static ComponentInfo> + '_ {
        self.targets.iter().map(|target| target.info)
    }

    /// Returns the key of the kind of bundle; of kinds without one, a key that no
    /// bundle has.
    #[must_use]
    pub fn key(&self) -> TypeId {
        self.key
    }

    /// Tells whether they were prepared for the bundles that a key names.
    #[inline(always)]
    #[must_use]
    pub fn are_named(&self, key: TypeId) -> bool {
        self.key == key
    }

    /// Tells whether bundles of type `B` are written here.
    #[inline(always)]
    fn are_of<B: Bundle>(&self) -> bool {
        self.are_named(TypeId::of::<B>()) || self.have_components_of(&B::COMPONENTS)
    }

    #[cold]
    #[inline(never)]
    fn have_components_of(&self, list: &ComponentList) -> bool {
        list.ids().eq(self.components().map(ComponentInfo::id))
    }
}

/// Rows of columns, to be written by a bundle or by several.
///
/// It checks that the components are those that the columns are for. A row is
/// written wholly or not at all.
pub struct RowWriter<'a> {
    targets: &'a RowTargets,
    rows: Range<usize>,
    rows_done: &'a mut usize,
}

impl<'a> RowWriter<'a> {
    /// Prepares to write the rows `rows`, in order; `rows_done` counts those
    /// that are finished.
    ///
    /// # Safety
    /// - Each target's address is that of a column of its component, which has
    ///   room, aligned, for every row of `rows`; no two columns overlap.
    /// - Nobody else touches those rows while the writer lives; values that lie
    ///   there are not dropped.
    #[inline]
    pub unsafe fn new(
        targets: &'a RowTargets,
        rows: Range<usize>,
        rows_done: &'a mut usize,
    ) -> Self {
        *rows_done = 0;
        Self { targets, rows, rows_done }
    }

    /// Writes a bundle to the next row, and ends.
    ///
    /// # Panics
    /// If the bundle has other components; then nothing is written.
    #[inline(always)]
    pub fn put_bundle<B: Bundle>(self, bundle: B) {
        if self.rows.is_empty() {
            return;
        }
        if !self.targets.are_of::<B>() {
            wrong_bundle(&B::COMPONENTS);
        }
        let targets = &self.targets.targets[..];
        // SAFETY: the targets are for the components of `B`, of which alone the first
        // rows are asked (`RowSink::put`); the row is one of those that `new` speaks of.
        unsafe {
            let first = |at: usize| targets.get_unchecked(at).first;
            write_row(targets, first, self.rows.start, bundle);
        }
        *self.rows_done = 1;
    }

    /// Writes a bundle to each row, as long as there are rows and bundles; returns the
    /// rest of these.
    ///
    /// # Panics
    /// If the bundles have other components; then nothing is written. If the
    /// iterator or a bundle panics, the rows before it stay.
    #[inline]
    pub fn put_bundles<B: Bundle, I: Iterator<Item = B>>(self, mut bundles: I) -> I {
        let Self { targets, rows, rows_done } = self;
        if !targets.are_of::<B>() {
            wrong_bundle(&B::COMPONENTS);
        }
        let mut done = Done { rows: 0, told: rows_done };
        let targets = &targets.targets[..];
        // By value, so that they can stay in registers: of what is behind a reference the
        // compiler can't know that no row is written over it.
        let held: [_; HELD] = std::array::from_fn(|at| {
            targets.get(at).map_or(NonNull::dangling(), |target| target.first)
        });
        let first = |at: usize| held.get(at).copied().unwrap_or_else(|| targets[at].first);
        // By our own range, and not by `take`: how an iterator goes on within is its own
        // affair, and it may give more than it is asked for.
        for row in rows {
            let Some(bundle) = bundles.next() else { break };
            // SAFETY: as in `put_bundle`, and `held` has the first rows of the first
            // targets; the row is one of those that `new` speaks of.
            unsafe { write_row(targets, first, row, bundle) }
            done.rows += 1;
        }
        bundles
    }

    /// Writes values to each row, as long as there are rows and they are those
    /// of its components, in their order. Of other values nothing is written,
    /// and it ends.
    pub fn put_values(self, rows: impl IntoIterator<Item = Vec<ErasedValue>>) {
        let Self { targets, rows: places, rows_done } = self;
        for (row, values) in places.zip(rows) {
            let expected = targets.components().map(ComponentInfo::id);
            if !values.iter().map(ErasedValue::id).eq(expected) {
                return;
            }
            for (target, value) in targets.targets.iter().zip(values) {
                // SAFETY: the ids were compared; the row is one of those that
                // `new` speaks of.
                unsafe { value.write_to(target.place(row).as_ptr()) }
            }
            *rows_done += 1;
        }
    }
}

/// Counts finished rows, and tells how many there are when it ends, also in a
/// panic: until then the count need not be in memory.
struct Done<'a> {
    rows: usize,
    told: &'a mut usize,
}

impl Drop for Done<'_> {
    fn drop(&mut self) {
        *self.told = self.rows;
    }
}

impl RowTarget {
    /// Returns the address of a row's value.
    ///
    /// # Safety
    /// The column has room for the row.
    #[inline]
    unsafe fn place(&self, row: usize) -> NonNull<u8> {
        // SAFETY: the caller's.
        unsafe { self.first.add(row * self.info.stride()) }
    }
}

#[cold]
#[inline(never)]
fn wrong_bundle(list: &ComponentList) -> ! {
    panic!("a bundle of {list:?} came where it had announced something else")
}

/// Writes one bundle to one row.
///
/// # Safety
/// The targets are for the components of `B`, in its order, and have room for
/// the row, which nobody else touches; `first` tells row 0 of each of them.
#[inline(always)]
unsafe fn write_row<B: Bundle>(
    targets: &[RowTarget],
    first: impl Fn(usize) -> NonNull<u8>,
    row: usize,
    bundle: B,
) {
    let mut sink = RowSink::<B, _> { targets, first, row, written: 0, bundle: PhantomData };
    bundle.put_all(&mut sink);
    if sink.written != B::COMPONENTS.len() {
        incomplete(&B::COMPONENTS);
    }
    mem::forget(sink);
}

/// Takes the components of one bundle to their places in a row.
///
/// What it checks are constants once `put_all` is inlined.
struct RowSink<'a, B, F> {
    targets: &'a [RowTarget],
    /// Row 0 of each target.
    first: F,
    row: usize,
    /// How many components the row has so far.
    written: usize,
    bundle: Invariant<B>,
}

impl<B: Bundle, F: Fn(usize) -> NonNull<u8>> ComponentSink for RowSink<'_, B, F> {
    #[inline(always)]
    fn put<C: Component>(&mut self, value: C) {
        if !const { &B::COMPONENTS }.names::<C>(self.written) {
            not_announced(std::any::type_name::<C>(), &B::COMPONENTS);
        }
        // There is a target for each component of `B` (`write_row`), and `written` is one
        // of them, of `C`: it was named.
        let first = (self.first)(self.written).cast::<C>();
        // SAFETY: the column is of `C` and has room for the row (`write_row`).
        unsafe { first.add(self.row).write(value) }
        self.written += 1;
    }
}

impl<B, F> Drop for RowSink<'_, B, F> {
    /// Drops what was written of a row that stays incomplete.
    #[cold]
    fn drop(&mut self) {
        for target in self.targets[..self.written].iter().rev() {
            // SAFETY: the place holds the value written to it, nobody else knows of
            // it, and it ends here, while the row's memory is lent.
            drop(unsafe { InPlace::new(target.info, target.place(self.row)) });
        }
    }
}

#[cold]
#[inline(never)]
fn not_announced(component: &str, list: &ComponentList) -> ! {
    panic!("a bundle that had announced {list:?} put `{component}` out of turn")
}

#[cold]
#[inline(never)]
fn incomplete(list: &ComponentList) -> ! {
    panic!("a bundle put fewer components than {list:?}, which it had announced")
}

impl fmt::Debug for RowWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowWriter").field("rows", &self.rows).finish_non_exhaustive()
    }
}

/// A value that its holder owns while it still lies in its column.
///
/// Dropping it drops the value.
pub struct InPlace<'a> {
    info: &'static ComponentInfo,
    place: NonNull<u8>,
    value: PhantomData<&'a mut u8>,
}

impl InPlace<'_> {
    /// Takes over the value at `place`.
    ///
    /// # Safety
    /// - `place` addresses a valid value of `info`'s component, which nobody else
    ///   uses, now or afterwards.
    /// - The memory at `place` stays valid as long as the result may live, by its
    ///   lifetime.
    #[inline]
    pub unsafe fn new(info: &'static ComponentInfo, place: NonNull<u8>) -> Self {
        Self { info, place, value: PhantomData }
    }

    /// Returns the component's id.
    #[inline]
    pub fn id(&self) -> ComponentId {
        self.info.id
    }

    /// Moves the value out, or returns `None` (and drops it) if it is of
    /// another component.
    #[inline]
    pub fn downcast<C: Component>(self) -> Option<C> {
        if !is::<C>(self.info) {
            return None;
        }
        let this = ManuallyDrop::new(self);
        // SAFETY: the place holds a valid `C`; `this` does not drop it.
        Some(unsafe { this.place.cast::<C>().read() })
    }

    /// Moves the value out into memory of its own.
    pub fn into_value(self) -> ErasedValue {
        let this = ManuallyDrop::new(self);
        // SAFETY: the place holds a valid value; `this` does not drop it.
        unsafe { ErasedValue::read_from(this.info, this.place) }
    }
}

impl Drop for InPlace<'_> {
    #[inline]
    fn drop(&mut self) {
        // SAFETY: the holder owns the value, and this is the end of it.
        unsafe { drop_values(self.info, self.place, 1) }
    }
}

impl fmt::Debug for InPlace<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "InPlace({})", self.info.name())
    }
}

#[cfg(test)]
mod tests;
