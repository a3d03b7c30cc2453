//! What single terms fetch, and terms that need not be there.

use std::fmt;
use std::marker::PhantomData;
use std::ptr::NonNull;

use ecs_core::{Component, ComponentId, EntityId};

use super::{Columns, Fetch, ReadOnly};
use crate::directory::{Directory, TableId};
use crate::query::matcher::Answer;
use crate::query::shape::{QueryShape, TermAccess};

// SAFETY (of the impl below, and of each that follows): stated at each.
// SAFETY: one term, described as `Read`; `item` reads its row.
unsafe impl<C: Component> Fetch for &C {
    type Static = &'static C;
    type Columns = NonNull<C>;
    type Item<'w> = &'w C;
    type Slices<'w> = &'w [C];
    const READ_ONLY: bool = true;
    const TERMS: usize = 1;
    const NONE: NonNull<C> = NonNull::dangling();

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Read);
    }

    #[inline]
    fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        has(ComponentId::of::<C>())
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<NonNull<C>> {
        NonNull::new(columns.next().cast())
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId) -> Option<NonNull<C>> {
        NonNull::new(directory.column(table, ComponentId::of::<C>()).cast())
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        each(directory.column(table, ComponentId::of::<C>()));
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> &'w C {
        // SAFETY: the caller's: the row is valid for `'w`, and not written.
        unsafe { columns.add(row).as_ref() }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w [C] {
        // SAFETY: the caller's: the rows are valid for `'w`, and not written.
        unsafe { std::slice::from_raw_parts(columns.add(start).as_ptr(), len) }
    }
}

impl<C: Component> ReadOnly for &C {}

// SAFETY: one term, described as `Write`; `item` gives its row.
unsafe impl<C: Component> Fetch for &mut C {
    type Static = &'static mut C;
    type Columns = NonNull<C>;
    type Item<'w> = &'w mut C;
    type Slices<'w> = &'w mut [C];
    const READ_ONLY: bool = false;
    const TERMS: usize = 1;
    const NONE: NonNull<C> = NonNull::dangling();

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Write);
    }

    #[inline]
    fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        has(ComponentId::of::<C>())
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<NonNull<C>> {
        NonNull::new(columns.next().cast())
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId) -> Option<NonNull<C>> {
        NonNull::new(directory.column(table, ComponentId::of::<C>()).cast())
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        each(directory.column(table, ComponentId::of::<C>()));
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> &'w mut C {
        // SAFETY: the caller's: the row is valid for `'w`, and nobody else's.
        unsafe { columns.add(row).as_mut() }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w mut [C] {
        // SAFETY: the caller's: the rows are valid for `'w`, and nobody else's.
        unsafe { std::slice::from_raw_parts_mut(columns.add(start).as_ptr(), len) }
    }
}

// SAFETY: no term; ids are in every record and are never written while lent.
unsafe impl Fetch for EntityId {
    type Static = EntityId;
    type Columns = NonNull<EntityId>;
    type Item<'w> = EntityId;
    type Slices<'w> = &'w [EntityId];
    const READ_ONLY: bool = true;
    const TERMS: usize = 0;
    const NONE: NonNull<EntityId> = NonNull::dangling();

    #[inline]
    fn describe(_shape: &mut QueryShape) {}

    #[inline]
    fn required<A: Answer>(_has: &impl Fn(ComponentId) -> A) -> A {
        A::ALL
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<NonNull<EntityId>> {
        Some(columns.ids)
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId) -> Option<NonNull<EntityId>> {
        Some(directory.ids(table))
    }

    #[inline]
    fn words(_directory: &Directory, _table: TableId, _each: &mut impl FnMut(*mut u8)) {}

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> Self::Item<'w> {
        // SAFETY: the caller's: the chunk has more than `row` ids.
        unsafe { columns.add(row).read() }
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> &'w [EntityId] {
        // SAFETY: the caller's: the ids are valid for `'w`.
        unsafe { std::slice::from_raw_parts(columns.add(start).as_ptr(), len) }
    }
}

impl ReadOnly for EntityId {}

/// Tells whether the entity has `C`, as a `bool`.
pub struct Has<C>(PhantomData<fn() -> C>);

impl<C> fmt::Debug for Has<C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Has<{}>", std::any::type_name::<C>())
    }
}

// SAFETY: one term, described as `Presence`; nothing is read or written.
unsafe impl<C: Component> Fetch for Has<C> {
    type Static = Self;
    type Columns = bool;
    type Item<'w> = bool;
    type Slices<'w> = bool;
    const READ_ONLY: bool = true;
    const TERMS: usize = 1;
    const NONE: bool = false;

    fn describe(shape: &mut QueryShape) {
        shape.add(ComponentId::of::<C>(), TermAccess::Presence);
    }

    #[inline]
    fn required<A: Answer>(_has: &impl Fn(ComponentId) -> A) -> A {
        A::ALL
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<bool> {
        Some(!columns.next().is_null())
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId) -> Option<bool> {
        Some(directory.has(table, ComponentId::of::<C>()))
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        each(directory.column(table, ComponentId::of::<C>()));
    }

    #[inline]
    unsafe fn item<'w>(columns: bool, _row: usize) -> Self::Item<'w> {
        columns
    }

    #[inline]
    unsafe fn slices<'w>(columns: bool, _start: usize, _len: usize) -> Self::Slices<'w> {
        columns
    }
}

impl<C: Component> ReadOnly for Has<C> {}

// SAFETY: no term.
unsafe impl Fetch for () {
    type Static = ();
    type Columns = ();
    type Item<'w> = ();
    type Slices<'w> = ();
    const READ_ONLY: bool = true;
    const TERMS: usize = 0;
    const NONE: () = ();

    fn describe(_shape: &mut QueryShape) {}

    #[inline]
    fn required<A: Answer>(_has: &impl Fn(ComponentId) -> A) -> A {
        A::ALL
    }

    #[inline]
    fn columns(_columns: &mut Columns<'_>) -> Option<()> {
        Some(())
    }

    #[inline]
    fn look_up(_directory: &Directory, _table: TableId) -> Option<()> {
        Some(())
    }

    #[inline]
    fn words(_directory: &Directory, _table: TableId, _each: &mut impl FnMut(*mut u8)) {}

    #[inline]
    unsafe fn item<'w>(_columns: (), _row: usize) -> Self::Item<'w> {}

    #[inline]
    unsafe fn slices<'w>(_columns: (), _start: usize, _len: usize) -> Self::Slices<'w> {}
}

impl ReadOnly for () {}

// SAFETY: the terms of `D`, none of them required; rows are given only where
// all that `D` requires is there.
unsafe impl<D: Fetch> Fetch for Option<D> {
    type Static = Option<D::Static>;
    type Columns = Option<D::Columns>;
    type Item<'w> = Option<D::Item<'w>>;
    type Slices<'w> = Option<D::Slices<'w>>;
    const READ_ONLY: bool = D::READ_ONLY;
    const TERMS: usize = D::TERMS;
    const NONE: Self::Columns = None;

    fn describe(shape: &mut QueryShape) {
        shape.optional(D::describe);
    }

    #[inline]
    fn required<A: Answer>(_has: &impl Fn(ComponentId) -> A) -> A {
        A::ALL
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<Self::Columns> {
        Some(D::columns(columns))
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId) -> Option<Self::Columns> {
        Some(D::look_up(directory, table))
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        D::words(directory, table, each);
    }

    #[inline]
    unsafe fn item<'w>(columns: Self::Columns, row: usize) -> Self::Item<'w> {
        // SAFETY: the caller's; `Some` means that every required column is there.
        columns.map(|columns| unsafe { D::item(columns, row) })
    }

    #[inline]
    unsafe fn slices<'w>(columns: Self::Columns, start: usize, len: usize) -> Self::Slices<'w> {
        // SAFETY: the caller's; `Some` means that every required column is there.
        columns.map(|columns| unsafe { D::slices(columns, start, len) })
    }
}

impl<D: ReadOnly> ReadOnly for Option<D> {}
