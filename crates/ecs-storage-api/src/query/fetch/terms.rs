//! What single terms fetch, and terms that need not be there.

use std::fmt;
use std::ops::Range;
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use ecs_core::{Component, ComponentId, EntityId, Invariant};

use super::{Columns, Fetch, Footprint, ReadOnly};
use crate::changes::{PAGE_ROWS, Version, Window};
use crate::directory::{
    Directory, Line, TableId, TicksAt, mark_line, mark_lines, mark_page, mark_pages, mark_ticks,
    prefetch,
};
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
    const WORDS: usize = 1;
    const FOOTPRINT: Footprint = Footprint::of::<C>();
    const NONE: NonNull<C> = NonNull::dangling();

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add::<C>(TermAccess::Read);
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
    fn look_up(directory: &Directory, table: TableId, _window: Window) -> Option<NonNull<C>> {
        directory.first_of::<C>(table)
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        each(directory.column(table, ComponentId::of::<C>()));
    }

    #[inline(always)]
    fn prefetch(columns: NonNull<C>, row: usize) {
        prefetch(columns.as_ptr().wrapping_add(row));
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

/// A column that is lent for writing.
#[derive(Debug)]
pub struct WriteColumn<C> {
    pub(super) first: NonNull<C>,
    /// The versions of the table's pages, from its first row on; null where there
    /// are none.
    pub(super) pages: *const AtomicU64,
    /// The ticks of the rows; null where there are none.
    pub(super) changed: *mut u32,
    /// The lines of rows, from the table's first on; null where there are none.
    pub(super) lines: *const Line,
    /// Which row of its table is the first.
    pub(super) start: usize,
    /// What writes are stamped with.
    pub(super) now: Version,
}

impl<C> Clone for WriteColumn<C> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for WriteColumn<C> {}

impl<C: Component> WriteColumn<C> {
    pub(super) const NONE: Self = Self {
        first: NonNull::dangling(),
        pages: std::ptr::null(),
        changed: std::ptr::null_mut(),
        lines: std::ptr::null(),
        start: 0,
        now: Version::ZERO,
    };

    /// How many words of a record it takes.
    pub(super) const WORDS: usize = if C::TRACK { 4 } else { 2 };

    /// What a row takes of memory.
    pub(super) const FOOTPRINT: Footprint = match C::TRACK {
        true => Footprint::of::<C>().and(Footprint::of::<u32>()),
        false => Footprint::of::<C>(),
    };

    /// Takes its words of a record.
    #[inline]
    pub(super) fn take(columns: &mut Columns<'_>) -> Option<Self> {
        let (first, pages) = (columns.next(), columns.next());
        let (changed, lines) = match C::TRACK {
            true => (columns.next(), columns.next()),
            false => (std::ptr::null_mut(), std::ptr::null_mut()),
        };
        Some(Self {
            first: NonNull::new(first.cast())?,
            pages: pages.cast_const().cast(),
            changed: changed.cast(),
            lines: lines.cast_const().cast(),
            start: columns.start,
            now: columns.window.now,
        })
    }

    #[inline]
    pub(super) fn look_up(directory: &Directory, table: TableId, window: Window) -> Option<Self> {
        let (first, pages, ticks) = directory.written_of::<C>(table)?;
        let TicksAt { changed, lines, .. } = ticks;
        Some(Self { first, pages, changed, lines, start: 0, now: window.now })
    }

    /// Writes its words of a record.
    #[inline]
    pub(super) fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        let component = ComponentId::of::<C>();
        each(directory.column(table, component));
        each(directory.pages(table, component).cast_mut().cast());
        if C::TRACK {
            let TicksAt { changed, lines, .. } = directory.ticks(table, component);
            each(changed.cast());
            each(lines.cast_mut().cast());
        }
    }

    /// As [`Fetch::prefetch`].
    #[inline(always)]
    pub(super) fn prefetch(self, row: usize) {
        prefetch(self.first.as_ptr().wrapping_add(row));
        if C::TRACK {
            prefetch(self.changed.wrapping_add(row));
        }
    }

    /// Returns the rows from `start` on, stamped if the component is tracked.
    ///
    /// # Safety
    /// As for [`Fetch::slices`].
    #[inline]
    pub(super) unsafe fn slice<'w>(self, start: usize, len: usize) -> &'w mut [C] {
        // SAFETY: the caller's: the rows are valid for `'w`, and nobody else's, and
        // so are their ticks.
        unsafe {
            if C::TRACK {
                mark_ticks(self.changed, start..start + len, self.now);
            }
            std::slice::from_raw_parts_mut(self.first.add(start).as_ptr(), len)
        }
    }
}

// SAFETY: one term, described as `Write`; `item` gives its row.
unsafe impl<C: Component> Fetch for &mut C {
    type Static = &'static mut C;
    type Columns = WriteColumn<C>;
    type Item<'w> = &'w mut C;
    type Slices<'w> = &'w mut [C];
    const READ_ONLY: bool = false;
    const TERMS: usize = 1;
    const WORDS: usize = WriteColumn::<C>::WORDS;
    const FOOTPRINT: Footprint = WriteColumn::<C>::FOOTPRINT;
    const NONE: WriteColumn<C> = WriteColumn::NONE;

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add::<C>(TermAccess::Write);
    }

    #[inline]
    fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        has(ComponentId::of::<C>())
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<WriteColumn<C>> {
        WriteColumn::take(columns)
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId, window: Window) -> Option<WriteColumn<C>> {
        WriteColumn::look_up(directory, table, window)
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        WriteColumn::<C>::words(directory, table, each);
    }

    #[inline(always)]
    unsafe fn mark(columns: WriteColumn<C>, rows: Range<usize>) {
        let rows = columns.start + rows.start..columns.start + rows.end;
        // SAFETY: the caller's: the table has the rows.
        unsafe {
            mark_pages(columns.pages, rows.clone(), columns.now);
            if C::TRACK {
                mark_lines(columns.lines, rows, columns.now);
            }
        }
    }

    #[inline(always)]
    unsafe fn mark_row(columns: WriteColumn<C>, row: usize) {
        debug_assert!(columns.start == 0 && !columns.pages.is_null());
        // SAFETY: the caller's: the table has the row, and pages and lines that cover it.
        unsafe {
            mark_page(&*columns.pages.add(row / PAGE_ROWS), columns.now);
            if C::TRACK {
                mark_line(columns.lines, row, columns.now);
            }
        }
    }

    #[inline(always)]
    fn prefetch(columns: WriteColumn<C>, row: usize) {
        columns.prefetch(row);
    }

    #[inline]
    unsafe fn item<'w>(columns: WriteColumn<C>, row: usize) -> &'w mut C {
        // SAFETY: the caller's: the row is valid for `'w`, and nobody else's, and so
        // is its tick.
        unsafe {
            if C::TRACK && !columns.changed.is_null() {
                columns.changed.add(row).write(columns.now.tick());
            }
            columns.first.add(row).as_mut()
        }
    }

    #[inline]
    unsafe fn slices<'w>(columns: WriteColumn<C>, start: usize, len: usize) -> &'w mut [C] {
        // SAFETY: the caller's.
        unsafe { columns.slice(start, len) }
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
    const WORDS: usize = 0;
    const FOOTPRINT: Footprint = Footprint::of::<EntityId>();
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
    fn look_up(
        directory: &Directory,
        table: TableId,
        _window: Window,
    ) -> Option<NonNull<EntityId>> {
        Some(directory.ids(table))
    }

    #[inline]
    fn words(_directory: &Directory, _table: TableId, _each: &mut impl FnMut(*mut u8)) {}

    #[inline(always)]
    fn prefetch(columns: NonNull<EntityId>, row: usize) {
        prefetch(columns.as_ptr().wrapping_add(row));
    }

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
pub struct Has<C>(Invariant<C>);

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
    const WORDS: usize = 1;
    const FOOTPRINT: Footprint = Footprint::NONE;
    const NONE: bool = false;

    fn describe(shape: &mut QueryShape) {
        shape.add::<C>(TermAccess::Presence);
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
    fn look_up(directory: &Directory, table: TableId, _window: Window) -> Option<bool> {
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
    const WORDS: usize = 0;
    const FOOTPRINT: Footprint = Footprint::NONE;
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
    fn look_up(_directory: &Directory, _table: TableId, _window: Window) -> Option<()> {
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
    const WORDS: usize = D::WORDS;
    const FOOTPRINT: Footprint = D::FOOTPRINT;
    const NONE: Self::Columns = None;

    #[inline]
    fn footprint(columns: Self::Columns) -> Footprint {
        columns.map_or(Footprint::NONE, D::footprint)
    }

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
    fn look_up(directory: &Directory, table: TableId, window: Window) -> Option<Self::Columns> {
        Some(D::look_up(directory, table, window))
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        D::words(directory, table, each);
    }

    #[inline(always)]
    unsafe fn mark(columns: Self::Columns, rows: Range<usize>) {
        if let Some(columns) = columns {
            // SAFETY: the caller's; `Some` means that every required column is there.
            unsafe { D::mark(columns, rows) }
        }
    }

    #[inline(always)]
    unsafe fn mark_row(columns: Self::Columns, row: usize) {
        if let Some(columns) = columns {
            // SAFETY: as in `mark`.
            unsafe { D::mark_row(columns, row) }
        }
    }

    #[inline(always)]
    fn prefetch(columns: Self::Columns, row: usize) {
        if let Some(columns) = columns {
            D::prefetch(columns, row);
        }
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
