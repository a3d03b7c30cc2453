//! Terms that know when their value changed: one that only reads, and one that
//! stamps what it lends at the first write.

use std::fmt;
use std::ops::{Deref, DerefMut, Range};
use std::ptr::NonNull;
use std::sync::atomic::AtomicU64;

use ecs_core::{Component, ComponentId};

use super::terms::WriteColumn;
use super::{Columns, Fetch, Footprint, ReadOnly};
use crate::changes::{LINE_ROWS, PAGE_ROWS, Version, Window};
use crate::directory::{Directory, Line, TableId, TicksAt, mark_page, prefetch};
use crate::query::matcher::Answer;
use crate::query::shape::{QueryShape, TermAccess};

/// A value to be read, with what is known of when it changed; as a term of a
/// query, asks for such.
///
/// # Example
/// ```
/// # use ecs_core::{Component, Description};
/// # use ecs_storage_api::{Query, Ref};
/// # struct Health(u32);
/// # impl Component for Health {
/// #     const TRACK: bool = true;
/// #     fn describe() -> Description<Self> {
/// #         Description::transient("docs::ref::Health")
/// #     }
/// # }
/// fn report(query: Query<Ref<Health>>) {
///     for health in &query {
///         if health.is_changed() && !health.is_added() {
///             println!("{}", health.0);
///         }
///     }
/// }
/// ```
pub struct Ref<'w, C> {
    value: &'w C,
    ticks: Ticks,
}

/// A value to be changed, which counts as changed from the first time that it is
/// borrowed mutably; as a term of a query, asks for such.
///
/// `&mut C` marks each value that it gives out, whether it is written to or not,
/// and costs less: this is for those who look at many and write to few.
///
/// # Example
/// ```
/// # use ecs_core::{Component, Description};
/// # use ecs_storage_api::{Mut, Query};
/// # struct Health(u32);
/// # impl Component for Health {
/// #     const TRACK: bool = true;
/// #     fn describe() -> Description<Self> {
/// #         Description::transient("docs::mut::Health")
/// #     }
/// # }
/// fn heal(mut query: Query<Mut<Health>>) {
///     for mut health in &mut query {
///         if health.0 < 10 {
///             health.0 += 1;
///         }
///     }
/// }
/// ```
pub struct Mut<'w, C> {
    value: &'w mut C,
    /// That of the row; `None` where the store keeps none.
    page: Option<&'w AtomicU64>,
    /// As `page`, of a tracked component.
    changed: Option<&'w mut u32>,
    /// The row's line, where the store keeps such.
    line: Option<&'w Line>,
    ticks: Ticks,
    now: Version,
}

/// When a value changed and came, as it was when it was lent, and since when
/// that is new.
#[derive(Clone, Copy)]
struct Ticks {
    /// `None` where the store does not know.
    at: Option<(u32, u32)>,
    since: Version,
}

impl Ticks {
    /// # Safety
    /// Both are null, or address as many ticks and more, which nobody writes
    /// meanwhile.
    #[inline]
    unsafe fn read(at: TicksAt, row: usize, since: Version) -> Self {
        // SAFETY: the caller's.
        let read = || unsafe { (at.changed.add(row).read(), at.added.add(row).read()) };
        Self { at: (!at.changed.is_null()).then(read), since }
    }

    fn is_changed(self) -> bool {
        self.at.is_none_or(|(changed, _)| self.since.is_before_row(changed))
    }

    fn is_added(self) -> bool {
        self.at.is_none_or(|(_, added)| self.since.is_before_row(added))
    }
}

/// Ends the compilation of a question that only tracked components can answer.
const fn tracked<C: Component>() {
    assert!(C::TRACK, "only a tracked component knows: derive it with `#[component(track)]`");
}

impl<C: Component> Ref<'_, C> {
    /// Tells whether the value changed since the query was asked last, in a
    /// system since it ran last. `C` must be tracked.
    pub fn is_changed(&self) -> bool {
        const { tracked::<C>() }
        self.ticks.is_changed()
    }

    /// Tells whether the value came since the query was asked last, in a system
    /// since it ran last. `C` must be tracked.
    pub fn is_added(&self) -> bool {
        const { tracked::<C>() }
        self.ticks.is_added()
    }
}

impl<'w, C: Component> Mut<'w, C> {
    /// Returns the value, which counts as changed.
    pub fn into_mut(mut self) -> &'w mut C {
        let _: &mut C = &mut self;
        self.value
    }

    /// As [`Ref::is_changed`]; what was written through this counts as well.
    pub fn is_changed(&self) -> bool {
        const { tracked::<C>() }
        let now = self.changed.as_ref().map(|tick| **tick);
        self.ticks.is_changed() || now.is_some_and(|tick| self.ticks.since.is_before_row(tick))
    }

    /// As [`Ref::is_added`].
    pub fn is_added(&self) -> bool {
        const { tracked::<C>() }
        self.ticks.is_added()
    }

    /// Writes a value if it differs from the one that is there, and tells whether it did:
    /// only then does it count as changed.
    ///
    /// # Example
    /// ```
    /// # use ecs_core::{Component, Description};
    /// # use ecs_storage_api::{Mut, Query};
    /// # #[derive(PartialEq)]
    /// # struct Light(bool);
    /// # impl Component for Light {
    /// #     const TRACK: bool = true;
    /// #     fn describe() -> Description<Self> {
    /// #         Description::transient("docs::set_if_neq::Light")
    /// #     }
    /// # }
    /// fn dusk(mut lights: Query<Mut<Light>>) {
    ///     for mut light in &mut lights {
    ///         light.set_if_neq(Light(true));
    ///     }
    /// }
    /// ```
    pub fn set_if_neq(&mut self, value: C) -> bool
    where
        C: PartialEq,
    {
        let differs = *self.value != value;
        if differs {
            **self = value;
        }
        differs
    }

    /// Lends the value without a mark that it changed, for changes that nobody
    /// needs to hear of.
    pub fn bypass(&mut self) -> &mut C {
        self.value
    }
}

impl<C> Deref for Ref<'_, C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        self.value
    }
}

impl<C> Deref for Mut<'_, C> {
    type Target = C;

    #[inline]
    fn deref(&self) -> &C {
        self.value
    }
}

impl<C> DerefMut for Mut<'_, C> {
    #[inline]
    fn deref_mut(&mut self) -> &mut C {
        if let Some(page) = self.page {
            mark_page(page, self.now);
        }
        if let Some(changed) = &mut self.changed {
            **changed = self.now.tick();
        }
        if let Some(line) = self.line {
            line.stamp(self.now);
        }
        self.value
    }
}

impl<C: fmt::Debug> fmt::Debug for Ref<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

impl<C: fmt::Debug> fmt::Debug for Mut<'_, C> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// A column with its ticks.
#[derive(Debug)]
pub struct TickedColumn<C> {
    column: WriteColumn<C>,
    added: *mut u32,
    since: Version,
}

impl<C> Clone for TickedColumn<C> {
    #[inline]
    fn clone(&self) -> Self {
        *self
    }
}

impl<C> Copy for TickedColumn<C> {}

impl<C: Component> TickedColumn<C> {
    const NONE: Self =
        Self { column: WriteColumn::NONE, added: std::ptr::null_mut(), since: Version::ZERO };

    /// How many words of a record it takes.
    const WORDS: usize = WriteColumn::<C>::WORDS + 1;

    /// What a row takes of memory.
    const FOOTPRINT: Footprint = match C::TRACK {
        true => WriteColumn::<C>::FOOTPRINT.and(Footprint::of::<u32>()),
        false => WriteColumn::<C>::FOOTPRINT,
    };

    #[inline]
    fn take(columns: &mut Columns<'_>) -> Option<Self> {
        let (column, added) = (WriteColumn::take(columns), columns.next().cast());
        Some(Self { column: column?, added, since: columns.window.since })
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId, window: Window) -> Option<Self> {
        let column = WriteColumn::look_up(directory, table, window)?;
        let added = directory.ticks(table, ComponentId::of::<C>()).added;
        Some(Self { column, added, since: window.since })
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        WriteColumn::<C>::words(directory, table, each);
        each(directory.ticks(table, ComponentId::of::<C>()).added.cast());
    }

    /// As [`Fetch::prefetch`].
    #[inline(always)]
    fn prefetch(self, row: usize) {
        self.column.prefetch(row);
        if C::TRACK {
            prefetch(self.added.wrapping_add(row));
        }
    }

    /// Reads the ticks of a row.
    ///
    /// # Safety
    /// The column has the row, and nobody writes to its ticks.
    #[inline]
    unsafe fn ticks(&self, row: usize) -> Ticks {
        let WriteColumn { changed, .. } = self.column;
        let at = TicksAt { changed, added: self.added, ..TicksAt::NONE };
        // SAFETY: the caller's.
        unsafe { Ticks::read(at, row, self.since) }
    }
}

// SAFETY: one term, described as `Read`, with ticks; `item` reads its row.
unsafe impl<C: Component> Fetch for Ref<'_, C> {
    type Static = Ref<'static, C>;
    type Columns = TickedColumn<C>;
    type Item<'w> = Ref<'w, C>;
    type Slices<'w> = &'w [C];
    const READ_ONLY: bool = true;
    const TERMS: usize = 1;
    const WORDS: usize = TickedColumn::<C>::WORDS;
    const FOOTPRINT: Footprint = TickedColumn::<C>::FOOTPRINT;
    const NONE: TickedColumn<C> = TickedColumn::NONE;

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add_with_ticks::<C>(TermAccess::Read);
    }

    #[inline]
    fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        has(ComponentId::of::<C>())
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<TickedColumn<C>> {
        TickedColumn::take(columns)
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId, window: Window) -> Option<TickedColumn<C>> {
        TickedColumn::look_up(directory, table, window)
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        TickedColumn::<C>::words(directory, table, each);
    }

    #[inline(always)]
    fn prefetch(columns: TickedColumn<C>, row: usize) {
        columns.prefetch(row);
    }

    #[inline]
    unsafe fn item<'w>(columns: TickedColumn<C>, row: usize) -> Ref<'w, C> {
        // SAFETY: the caller's: the row is valid for `'w`, and not written, nor is
        // its tick.
        unsafe { Ref { value: columns.column.first.add(row).as_ref(), ticks: columns.ticks(row) } }
    }

    #[inline]
    unsafe fn slices<'w>(columns: TickedColumn<C>, start: usize, len: usize) -> &'w [C] {
        // SAFETY: the caller's: the rows are valid for `'w`, and not written.
        unsafe { std::slice::from_raw_parts(columns.column.first.add(start).as_ptr(), len) }
    }
}

impl<C: Component> ReadOnly for Ref<'_, C> {}

// SAFETY: one term, described as `Write`, with ticks; `item` gives its row.
unsafe impl<C: Component> Fetch for Mut<'_, C> {
    type Static = Mut<'static, C>;
    type Columns = TickedColumn<C>;
    type Item<'w> = Mut<'w, C>;
    type Slices<'w> = &'w mut [C];
    const READ_ONLY: bool = false;
    const TERMS: usize = 1;
    const WORDS: usize = TickedColumn::<C>::WORDS;
    const FOOTPRINT: Footprint = TickedColumn::<C>::FOOTPRINT;
    const NONE: TickedColumn<C> = TickedColumn::NONE;

    #[inline]
    fn describe(shape: &mut QueryShape) {
        shape.add_with_ticks::<C>(TermAccess::Write);
    }

    #[inline]
    fn required<A: Answer>(has: &impl Fn(ComponentId) -> A) -> A {
        has(ComponentId::of::<C>())
    }

    #[inline]
    fn columns(columns: &mut Columns<'_>) -> Option<TickedColumn<C>> {
        TickedColumn::take(columns)
    }

    #[inline]
    fn look_up(directory: &Directory, table: TableId, window: Window) -> Option<TickedColumn<C>> {
        TickedColumn::look_up(directory, table, window)
    }

    #[inline]
    fn words(directory: &Directory, table: TableId, each: &mut impl FnMut(*mut u8)) {
        TickedColumn::<C>::words(directory, table, each);
    }

    #[inline(always)]
    fn prefetch(columns: TickedColumn<C>, row: usize) {
        columns.prefetch(row);
    }

    #[inline]
    unsafe fn item<'w>(columns: TickedColumn<C>, row: usize) -> Mut<'w, C> {
        let WriteColumn { first, pages, changed, lines, start, now } = columns.column;
        // SAFETY: the caller's: the row is valid for `'w`, and nobody else's, and so
        // is its tick; there is a version for its page, and where there are lines one for
        // its line, which are shared.
        unsafe {
            let ticks = columns.ticks(row);
            let page = match pages.is_null() {
                true => None,
                false => Some(&*pages.add((start + row) / PAGE_ROWS)),
            };
            let changed = match C::TRACK {
                true => NonNull::new(changed).map(|ticks| ticks.add(row).as_mut()),
                false => None,
            };
            let line = match C::TRACK && !lines.is_null() {
                true => Some(&*lines.add((start + row) / LINE_ROWS)),
                false => None,
            };
            Mut { value: first.add(row).as_mut(), page, changed, line, ticks, now }
        }
    }

    #[inline]
    unsafe fn slices<'w>(columns: TickedColumn<C>, start: usize, len: usize) -> &'w mut [C] {
        // SAFETY: the caller's. Who writes to a slice can't be seen, so that all of
        // it counts as written.
        unsafe {
            if len != 0 {
                <&mut C as Fetch>::mark(columns.column, Range { start, end: start + len });
            }
            columns.column.slice(start, len)
        }
    }
}
