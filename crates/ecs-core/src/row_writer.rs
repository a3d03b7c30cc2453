//! Rows written in place, and values taken out of their places.
//!
//! This is one of the rooms for unsafe code. Its invariants: a [`RowWriter`] has
//! targets only while there are rows to write, and of the current row the first
//! `written` targets hold new values; an [`InPlace`] owns the value at its
//! address.
#![expect(unsafe_code, reason = "room: rows written in place")]

use std::fmt;
use std::marker::PhantomData;
use std::mem::{self, ManuallyDrop};
use std::ops::Range;
use std::ptr::NonNull;

use crate::component::{Component, ComponentId, ComponentSink};
use crate::erased::{ErasedValue, drop_values, is};
use crate::info::ComponentInfo;

/// Where the components of rows are to be written: one target a component, in
/// the order in which a bundle puts them.
///
/// It checks that each component arrives at its own target. Rows that are not
/// finished when it is dropped have their written components dropped.
pub struct RowWriter<'a> {
    /// Empty when there are no more rows to write.
    targets: &'a [RowTarget],
    row: usize,
    end: usize,
    written: usize,
    rows_done: &'a mut usize,
    /// Values that were overwritten in place, dropped when the row is done.
    replaced: Vec<ErasedValue>,
}

/// One column that a [`RowWriter`] writes to.
#[derive(Debug, Clone, Copy)]
pub struct RowTarget {
    id: ComponentId,
    info: &'static ComponentInfo,
    first: NonNull<u8>,
    replaces: bool,
}

impl RowTarget {
    /// Describes a column: its component, the address of row 0, and whether
    /// valid values lie in the rows to be written, which are to be dropped.
    #[inline]
    pub fn new(info: &'static ComponentInfo, first: NonNull<u8>, replaces: bool) -> Self {
        Self { id: info.id, info, first, replaces }
    }
}

// SAFETY: an address alone: `RowWriter::new` answers for what lies there.
unsafe impl Send for RowTarget {}
// SAFETY: as above.
unsafe impl Sync for RowTarget {}

impl<'a> RowWriter<'a> {
    /// Prepares to write the rows `rows`, in order; `rows_done` counts those
    /// that are finished.
    ///
    /// # Safety
    /// - Each target's column has room, aligned, for every row of `rows`, and no
    ///   two targets overlap.
    /// - Where `replaces` is set, valid values lie in those rows.
    /// - Nobody else touches those rows while the writer lives.
    #[inline]
    pub unsafe fn new(
        targets: &'a [RowTarget],
        rows: Range<usize>,
        rows_done: &'a mut usize,
    ) -> Self {
        *rows_done = 0;
        let targets = if rows.is_empty() { &[] } else { targets };
        Self {
            targets,
            row: rows.start,
            end: rows.end,
            written: 0,
            rows_done,
            replaced: Vec::new(),
        }
    }

    /// Writes one more component of the current row.
    ///
    /// # Panics
    /// If it is not the component that comes next.
    #[inline]
    pub fn put_erased(&mut self, value: ErasedValue) {
        let place = self.claim(value.id(), value.info().stride());
        // SAFETY: `claim` returned the place of a value of this component, and
        // moved an old value out of it.
        unsafe { value.write_to(place.as_ptr()) }
        self.written += 1;
    }

    /// Returns the place of the next component, free to be overwritten.
    #[inline(always)]
    fn claim(&mut self, id: ComponentId, stride: usize) -> NonNull<u8> {
        let target = match self.targets.get(self.written) {
            Some(target) if target.id == id => target,
            other => reject(id, other.map(|target| target.id)),
        };
        // SAFETY: there are targets only while `row < end`, and the column has
        // room for those rows (`new`).
        let place = unsafe { target.first.add(self.row * stride) };
        if target.replaces && target.info.drop.is_some() {
            // SAFETY: `replaces` says that a valid value lies here; the caller
            // overwrites it at once, and nothing in between can unwind.
            self.replaced.push(unsafe { ErasedValue::read_from(target.info, place) });
        }
        place
    }

    /// Ends the current row and goes on to the next; tells whether the row was
    /// complete and within the rows to be written. An incomplete one has its
    /// components dropped.
    #[inline(always)]
    pub fn finish_row(&mut self) -> bool {
        if self.written != self.targets.len() || self.row == self.end {
            self.abandon();
            return false;
        }
        self.row += 1;
        self.written = 0;
        if self.row == self.end {
            self.targets = &[];
        }
        *self.rows_done += 1;
        if !self.replaced.is_empty() {
            self.replaced.clear();
        }
        true
    }

    /// Drops what was written of the current row.
    #[inline]
    fn abandon(&mut self) {
        // By value: the writer's fields can stay in registers on the hot path.
        abandon_row(
            self.targets,
            self.row,
            mem::take(&mut self.written),
            mem::take(&mut self.replaced),
        );
    }
}

#[cold]
#[inline(never)]
fn reject(id: ComponentId, expected: Option<ComponentId>) -> ! {
    let expected = expected.map_or("nothing more", |expected| expected.info().name());
    panic!("a bundle put `{}` where it had announced {expected}", id.info().name())
}

#[cold]
#[inline(never)]
fn abandon_row(targets: &[RowTarget], row: usize, written: usize, mut replaced: Vec<ErasedValue>) {
    for target in targets[..written].iter().rev() {
        // SAFETY: in bounds as in `claim`.
        let place = unsafe { target.first.add(row * target.info.stride()) };
        let old = (target.replaces && target.info.drop.is_some()).then(|| replaced.pop()).flatten();
        // SAFETY: the place holds the value written in this row, which is moved
        // out; where an old value was moved out before, it returns.
        let value = unsafe { ErasedValue::read_from(target.info, place) };
        if let Some(old) = old {
            // SAFETY: the place was just emptied.
            unsafe { old.write_to(place.as_ptr()) }
        } else if target.replaces {
            // No drop glue: the new value stays, and counts as the old one.
            mem::forget(value);
            continue;
        }
        drop(value);
    }
}

impl ComponentSink for RowWriter<'_> {
    #[inline(always)]
    fn put<C: Component>(&mut self, value: C) {
        let place = self.claim(ComponentId::of::<C>(), size_of::<C>());
        // SAFETY: `claim` compared the ids, so the place is for a `C`, aligned
        // and without a live value.
        unsafe { place.cast::<C>().write(value) }
        self.written += 1;
    }
}

impl Drop for RowWriter<'_> {
    #[inline]
    fn drop(&mut self) {
        if self.written != 0 {
            self.abandon();
        }
    }
}

impl fmt::Debug for RowWriter<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RowWriter")
            .field("row", &self.row)
            .field("written", &self.written)
            .finish_non_exhaustive()
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
    /// `place` addresses a valid value of `info`'s component, which nobody else
    /// uses, now or afterwards.
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
